/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports.
 *
 * OBJECT, STATES, REFS, LOCKS  see port.h.
 * RIGHTS  ipc_port_destroy consumes the receive right; the routines on held rights say what they take.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <device/device.h>
#include <ipc/port.h>
#include <ipc/kmsg.h>
#include <ipc/mqueue.h>
#include <ipc/notify.h>
#include <ipc/pset.h>
#include <ipc/ring.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <vm/pager.h>

#define REQUESTS_FIRST	4u

const struct lock_class ipc_port_class = { "ipc_port", LOCK_RANK_IPC_PORT, LOCK_CLASS_MULTIPLE };
static const struct lock_class transit_class = { "ipc_transit", LOCK_RANK_IPC_TRANSIT, 0 };
struct spinlock ipc_transit_lock;

static struct slab_cache *port_cache;
static struct slab_cache *ext_cache;

/* no-senders functions of kernel objects, by kind */
static void (*no_senders_fn[IKOT_IO_PERM + 1])(void *, uint32_t);

#ifndef DEBUG
_Static_assert(sizeof(struct ipc_port) <= 128, "a port and its name entry must fit 160 bytes");
#endif

void ipc_port_init(void)
{
	spin_lock_init(&ipc_transit_lock, &transit_class);
	port_cache = slab_cache_create("ipc_port", sizeof(struct ipc_port), 32);
	ext_cache = slab_cache_create("ipc_port_ext", sizeof(struct ipc_port_ext), 8);
}

struct ipc_port *ipc_port_create(void)
{
	struct thread *self = current_thread();
	struct ipc_port *port;

	if (fault_point("ipc_port") || (port = slab_zalloc(port_cache)) == NULL)
		return NULL;
	spin_lock_init(&port->ip_lock, &ipc_port_class);
	port->ip_refs = 1;
	port->ip_state = IP_LIMBO;
	port->ip_qlimit = MACH_PORT_QLIMIT_DEFAULT;
	port->ip_sid = self != NULL ? self->th_sid : 0;
	queue_init(&port->ip_set_link);
	queue_init(&port->ip_ready_link);
	counter_add(COUNT_PORT, 1);
	counter_add(COUNT_PORT_REF, 1);
	return port;
}

void ipc_port_ref(struct ipc_port *port)
{
	if (IP_VALID(port))
		ipc_port_ref_inline(port);
}

void ipc_port_release(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return;
	counter_add(COUNT_PORT_REF, -1);
	if (__atomic_fetch_sub(&port->ip_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	KASSERT(port->ip_state == IP_DEAD_PORT);
	KASSERT(port->ip_messages == NULL && port->ip_set == NULL);
	if (port->ip_ext != NULL)
		slab_free(ext_cache, port->ip_ext);
	slab_free(port_cache, port);
	counter_add(COUNT_PORT, -1);
}

struct ipc_port_ext *ipc_port_ext(struct ipc_port *port)
{
	if (port->ip_ext == NULL && !fault_point("ipc_port_ext"))
		port->ip_ext = slab_zalloc(ext_cache);
	return port->ip_ext;
}

static void port_enter(struct ipc_port *port, struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	e->ie_object = port;
	e->ie_bits = MACH_PORT_TYPE_RECEIVE;
	counter_add(COUNT_RIGHT, 1);
	port->ip_state = IP_SPACE;
	port->ip_space = space;
	port->ip_name = name;
}

kern_return_t ipc_port_create_in(struct ipc_space *space, mach_port_name_t *namep, struct ipc_port **portp)
{
	struct ipc_port *port = ipc_port_create();
	struct ipc_entry *e;

	if (port == NULL)
		return KERN_RESOURCE_SHORTAGE;
	ipc_space_lock(space);
	if (!space->is_active || (e = ipc_entry_alloc(&space->is_table, namep)) == NULL) {
		kern_return_t kr = space->is_active ? ipc_entry_missing(&space->is_table) : KERN_INVALID_TASK;

		ipc_space_unlock(space);
		ipc_port_destroy(port);
		return kr;
	}
	ipc_port_lock(port);
	port_enter(port, space, *namep, e);
	ipc_space_unlock(space);
	*portp = port;
	return KERN_SUCCESS;
}

kern_return_t ipc_port_create_named(struct ipc_space *space, mach_port_name_t name, struct ipc_port **portp)
{
	struct ipc_port *port = ipc_port_create();
	struct ipc_entry *e = NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (port == NULL)
		return KERN_RESOURCE_SHORTAGE;
	ipc_space_lock(space);
	if (!space->is_active)
		kr = KERN_INVALID_TASK;
	else if (ipc_entry_lookup(&space->is_table, name) != NULL)
		kr = KERN_NAME_EXISTS;
	else if ((e = ipc_entry_alloc_name(&space->is_table, name)) == NULL)
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr != KERN_SUCCESS) {
		ipc_space_unlock(space);
		ipc_port_destroy(port);
		return kr;
	}
	ipc_port_lock(port);
	port_enter(port, space, name, e);
	ipc_space_unlock(space);
	*portp = port;
	return KERN_SUCCESS;
}

void ipc_port_clear_receiver(struct ipc_port *port, mach_msg_return_t result)
{
	if (port->ip_set != NULL)
		ipc_pset_remove_locked(port);
	ipc_mqueue_wake_receivers(&port->ip_receivers, result);
	port->ip_state = IP_LIMBO;
	port->ip_space = NULL;
	port->ip_name = 0;
	port->ip_mscount = 0;
	port->ip_seqno = 0;
	port->ip_flags &= (uint8_t)~IP_F_PAYLOAD;
}

bool ipc_port_to_transit(struct ipc_port *port, struct ipc_port *dest)
{
	struct ipc_port *base = dest;
	bool ok;

	spin_lock(&ipc_transit_lock);
	while (base != port && base->ip_state == IP_TRANSIT)
		base = base->ip_destination;
	ok = base != port;
	if (ok) {
		ipc_port_lock(port);
		KASSERT(port->ip_state == IP_LIMBO);
		port->ip_state = IP_TRANSIT;
		port->ip_destination = dest;
		ipc_port_ref_inline(dest);
		ipc_port_unlock(port);
	}
	spin_unlock(&ipc_transit_lock);
	return ok;
}

void ipc_port_from_transit(struct ipc_port *port)
{
	struct ipc_port *dest = NULL;

	spin_lock(&ipc_transit_lock);
	ipc_port_lock(port);
	if (port->ip_state == IP_TRANSIT)
		dest = port->ip_destination;
	if (port->ip_state != IP_DEAD_PORT) {
		port->ip_state = IP_LIMBO;
		port->ip_destination = NULL;
	}
	ipc_port_unlock(port);
	spin_unlock(&ipc_transit_lock);
	ipc_port_release(dest);
}

/* Tell everybody who asked that the port is gone */
static void port_tell_death(struct ipc_port *port, struct ipc_port_ext *ext)
{
	for (uint32_t i = 1; i < ext->ipx_request_count; i++) {
		if (ext->ipx_requests[i].ir_soright != NULL)
			ipc_notify_dead_name(ext->ipx_requests[i].ir_soright, ext->ipx_requests[i].ir_name);
	}
	if (ext->ipx_request_count != 0) {
		counter_add(COUNT_NOTIFY_REQUEST, -(int64_t)ext->ipx_request_used);
		kfree(ext->ipx_requests, ext->ipx_request_count * sizeof(struct ipc_request));
	}
	if (ext->ipx_nsrequest != NULL)
		ipc_notify_send_once(ext->ipx_nsrequest);
	slab_free(ext_cache, ext);
	(void)port;
}

void ipc_port_destroy(struct ipc_port *port)
{
	struct ipc_port *pdrequest;
	struct ipc_port_ext *ext;

	if (port->ip_state == IP_TRANSIT)
		ipc_port_from_transit(port);
	ipc_port_lock(port);
	KASSERT(port->ip_state == IP_LIMBO || port->ip_state == IP_KERNEL);
	ext = port->ip_ext;
	if (ext != NULL && ext->ipx_pdrequest != NULL) {
		pdrequest = ext->ipx_pdrequest;
		ext->ipx_pdrequest = NULL;
		ipc_port_unlock(port);
		ipc_notify_port_destroyed(pdrequest, port);
		return;
	}
	port->ip_state = IP_DEAD_PORT;
	port->ip_ext = NULL;
	port->ip_kobject = NULL;
	ipc_mqueue_wake_receivers(&port->ip_receivers, MACH_RCV_PORT_DIED);
	ipc_port_unlock(port);
	ipc_mqueue_flush(port);
	if (ext != NULL)
		port_tell_death(port, ext);
	if (port->ip_flags & IP_F_PAGER) {
		vm_object_port_died(port);
		irq_port_died();
	}
	ipc_port_release(port);
}

bool ipc_port_watch_death(struct ipc_port *port)
{
	bool alive;

	ipc_port_lock(port);
	alive = ipc_port_alive(port);
	if (alive)
		port->ip_flags |= IP_F_PAGER;
	ipc_port_unlock(port);
	return alive;
}

uint32_t ipc_port_queued(const struct ipc_port *port)
{
	return __atomic_load_n(&port->ip_msgcount, __ATOMIC_RELAXED);
}

/* Held rights */

void ipc_port_make_send_locked(struct ipc_port *port)
{
	port->ip_mscount++;
	port->ip_srights++;
	ipc_port_ref_inline(port);
}

void ipc_port_make_sonce_locked(struct ipc_port *port)
{
	port->ip_sorights++;
	ipc_port_ref_inline(port);
}

struct ipc_port *ipc_port_make_send(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return port;
	ipc_port_lock(port);
	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		return IP_DEAD;
	}
	ipc_port_make_send_locked(port);
	ipc_port_unlock(port);
	return port;
}

struct ipc_port *ipc_port_copy_send(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return port;
	ipc_port_lock(port);
	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		return IP_DEAD;
	}
	KASSERT(port->ip_srights > 0);
	port->ip_srights++;
	ipc_port_ref_inline(port);
	ipc_port_unlock(port);
	return port;
}

struct ipc_port *ipc_port_make_sonce(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return port;
	ipc_port_lock(port);
	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		return IP_DEAD;
	}
	ipc_port_make_sonce_locked(port);
	ipc_port_unlock(port);
	return port;
}

void ipc_port_drop_send_locked(struct ipc_port *port)
{
	struct ipc_port *notify = NULL;
	void (*fn)(void *, uint32_t) = NULL;
	void *kobject = NULL;
	uint32_t mscount;

	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		return;
	}
	KASSERT(port->ip_srights > 0);
	mscount = port->ip_mscount;
	if (--port->ip_srights == 0) {
		if (port->ip_ext != NULL && port->ip_ext->ipx_nsrequest != NULL) {
			notify = port->ip_ext->ipx_nsrequest;
			port->ip_ext->ipx_nsrequest = NULL;
		}
		if (port->ip_flags & IP_F_KNOSENDERS) {
			fn = no_senders_fn[port->ip_kotype];
			kobject = port->ip_kobject;
		}
	}
	ipc_port_unlock(port);
	if (notify != NULL)
		ipc_notify_no_senders(notify, mscount);
	if (fn != NULL && kobject != NULL)
		fn(kobject, mscount);
}

void ipc_port_release_send(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return;
	ipc_port_lock(port);
	ipc_port_drop_send_locked(port);
	ipc_port_release(port);
}

void ipc_port_release_sonce(struct ipc_port *port)
{
	if (!IP_VALID(port))
		return;
	if (ipc_port_alive(port)) {
		/* the notification travels in the right itself */
		ipc_notify_send_once(port);
		return;
	}
	ipc_port_lock(port);
	if (port->ip_sorights > 0)
		port->ip_sorights--;
	ipc_port_unlock(port);
	ipc_port_release(port);
}

void ipc_port_release_receive(struct ipc_port *port)
{
	ipc_port_destroy(port);
}

void ipc_right_destroy_held(struct ipc_port *port, unsigned type)
{
	if (!IP_VALID(port))
		return;
	switch (type) {
	case MACH_MSG_TYPE_PORT_SEND:
		ipc_port_release_send(port);
		break;
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		ipc_port_release_sonce(port);
		break;
	case MACH_MSG_TYPE_PORT_RECEIVE:
		ipc_port_destroy(port);
		break;
	default:
		KASSERT(!"type of a held right");
	}
}

/* Requests */

static bool requests_grow(struct ipc_port_ext *ext)
{
	uint32_t old = ext->ipx_request_count, count = old == 0 ? REQUESTS_FIRST : old * 2;
	struct ipc_request *table;

	if (fault_point("ipc_request") || count * sizeof(*table) > KALLOC_DIRECT_MAX ||
	    (table = kzalloc(count * sizeof(*table))) == NULL)
		return false;
	if (old != 0) {
		memcpy(table, ext->ipx_requests, old * sizeof(*table));
		kfree(ext->ipx_requests, old * sizeof(*table));
	}
	for (uint32_t i = count - 1; i >= old && i > 0; i--) {
		table[i].ir_name = ext->ipx_request_free;
		ext->ipx_request_free = i;
	}
	ext->ipx_requests = table;
	ext->ipx_request_count = count;
	return true;
}

kern_return_t ipc_port_request_add(struct ipc_port *port, mach_port_name_t name, struct ipc_port *soright,
    uint32_t *index)
{
	struct ipc_port_ext *ext = ipc_port_ext(port);
	struct ipc_request *r;

	if (ext == NULL || (ext->ipx_request_free == 0 && !requests_grow(ext)))
		return KERN_RESOURCE_SHORTAGE;
	*index = ext->ipx_request_free;
	r = &ext->ipx_requests[*index];
	ext->ipx_request_free = r->ir_name;
	ext->ipx_request_used++;
	r->ir_soright = soright;
	r->ir_name = name;
	counter_add(COUNT_NOTIFY_REQUEST, 1);
	return KERN_SUCCESS;
}

struct ipc_port *ipc_port_request_cancel(struct ipc_port *port, mach_port_name_t name, uint32_t index)
{
	struct ipc_port_ext *ext = port->ip_ext;
	struct ipc_request *r = &ext->ipx_requests[index];
	struct ipc_port *soright = r->ir_soright;

	KASSERT(r->ir_name == name && soright != NULL);
	(void)name;
	r->ir_soright = NULL;
	r->ir_name = ext->ipx_request_free;
	ext->ipx_request_free = index;
	ext->ipx_request_used--;
	counter_add(COUNT_NOTIFY_REQUEST, -1);
	return soright;
}

void ipc_port_request_rename(struct ipc_port *port, uint32_t index, mach_port_name_t name)
{
	port->ip_ext->ipx_requests[index].ir_name = name;
}

kern_return_t ipc_port_nsrequest(struct ipc_port *port, uint32_t sync, struct ipc_port *notify,
    struct ipc_port **previous, bool *fire, uint32_t *mscount)
{
	struct ipc_port_ext *ext = ipc_port_ext(port);

	if (ext == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*previous = ext->ipx_nsrequest;
	*mscount = port->ip_mscount;
	*fire = notify != NULL && port->ip_srights == 0 && port->ip_mscount >= sync;
	ext->ipx_nsrequest = *fire ? NULL : notify;
	return KERN_SUCCESS;
}

kern_return_t ipc_port_pdrequest(struct ipc_port *port, struct ipc_port *notify, struct ipc_port **previous)
{
	struct ipc_port_ext *ext = ipc_port_ext(port);

	if (ext == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*previous = ext->ipx_pdrequest;
	ext->ipx_pdrequest = notify;
	return KERN_SUCCESS;
}

/* Kernel objects */

struct ipc_port *ipc_port_create_kernel(enum ipc_kotype kotype, void *kobject)
{
	struct ipc_port *port = ipc_port_create();

	if (port == NULL)
		return NULL;
	port->ip_state = IP_KERNEL;
	port->ip_kotype = (uint8_t)kotype;
	port->ip_kobject = kobject;
	return port;
}

void ipc_port_destroy_kernel(struct ipc_port *port)
{
	if (port != NULL)
		ipc_port_destroy(port);
}

/* => true: the port is locked and stands for an object of that kind */
static inline bool kobject_lock(struct ipc_port *port, enum ipc_kotype kotype)
{
	if (!IP_VALID(port) || port->ip_kotype != kotype)
		return false;
	ipc_port_lock(port);
	if (ipc_port_alive(port) && port->ip_kobject != NULL)
		return true;
	ipc_port_unlock(port);
	return false;
}

void *ipc_kobject_lookup(struct ipc_port *port, enum ipc_kotype kotype, void (*ref)(void *))
{
	void *kobject;

	if (!kobject_lock(port, kotype))
		return NULL;
	kobject = port->ip_kobject;
	if (ref != NULL)
		ref(kobject);
	ipc_port_unlock(port);
	return kobject;
}

void *ipc_kobject_take(struct ipc_port *port, enum ipc_kotype kotype, void *(*take)(void *))
{
	void *taken;

	if (!kobject_lock(port, kotype))
		return NULL;
	taken = take(port->ip_kobject);
	ipc_port_unlock(port);
	return taken;
}

void ipc_kobject_clear(struct ipc_port *port)
{
	ipc_port_lock(port);
	port->ip_kobject = NULL;
	ipc_port_unlock(port);
}

enum ipc_kotype ipc_port_kotype(struct ipc_port *port)
{
	return IP_VALID(port) ? (enum ipc_kotype)port->ip_kotype : IKOT_NONE;
}

void ipc_kobject_set_no_senders(struct ipc_port *port, void (*fn)(void *, uint32_t))
{
	KASSERT(no_senders_fn[port->ip_kotype] == NULL || no_senders_fn[port->ip_kotype] == fn);
	no_senders_fn[port->ip_kotype] = fn;
	ipc_port_lock(port);
	port->ip_flags |= IP_F_KNOSENDERS;
	ipc_port_unlock(port);
}

#ifdef DEBUG
void ipc_port_check(struct ipc_port *port)
{
	KASSERT(spin_is_held(&port->ip_lock));
	KASSERT(port->ip_state <= IP_DEAD_PORT);
	KASSERT((port->ip_messages == NULL) == (port->ip_msgcount == 0) || port->ip_state == IP_DEAD_PORT);
	KASSERT(port->ip_set == NULL || (port->ip_state == IP_SPACE && port->ip_receivers == NULL));
	KASSERT((port->ip_name != 0) == (port->ip_state == IP_SPACE));
	KASSERT(port->ip_kobject == NULL || port->ip_state == IP_KERNEL);
}
#endif
