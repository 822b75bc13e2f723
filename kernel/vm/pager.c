/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half of the memory object protocol: messages to pagers (interface reference section 11, ids 2200-2209).
 *
 * They are built by hand, 32 bytes of header and 16 bytes an item, because a kernel send takes port and copy
 * pointers where a task's message has names and addresses. No answer is ever waited for here.
 * RIGHTS  every right and copy given to these functions is consumed, also when the send fails.
 */
#include <vm/pager.h>
#include <vm/copy.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <ipc/ipc.h>
#include <kern/panic.h>
#include <kern/string.h>

enum {
	ID_INIT = 2200, ID_TERMINATE = 2201, ID_DATA_REQUEST = 2203, ID_DATA_UNLOCK = 2204,
	ID_LOCK_COMPLETED = 2206, ID_SUPPLY_COMPLETED = 2207, ID_DATA_RETURN = 2208, ID_CHANGE_COMPLETED = 2209,
	ID_CREATE = 2250, ID_DATA_INITIALIZE = 2251
};

#define ITEMS_MAX	6
#define RETURN_TRIES	100

struct item {
	mach_msg_type_t	 it_type;
	uint64_t	 it_value;
};

struct pager_msg {
	mach_msg_header_t pm_header;
	struct item	 pm_item[ITEMS_MAX];
	unsigned	 pm_count;		/* not sent */
};

/* => consumes the destination right */
static void
msg_begin(struct pager_msg *m, int id, struct ipc_port *to, unsigned disposition)
{
	memset(m, 0, sizeof *m);
	m->pm_header.msgh_bits = MACH_MSGH_BITS(disposition, 0);
	m->pm_header.msgh_remote_port = to;
	m->pm_header.msgh_id = id;
}

static void
msg_item(struct pager_msg *m, unsigned name, unsigned bits, uint64_t value)
{
	struct item *it = &m->pm_item[m->pm_count++];

	KASSERT(m->pm_count <= ITEMS_MAX);
	it->it_type.msgt_name = name;
	it->it_type.msgt_size = bits;
	it->it_type.msgt_number = 1;
	it->it_type.msgt_inline = 1;
	it->it_value = value;
}

static void
msg_port(struct pager_msg *m, unsigned name, struct ipc_port *port)
{
	m->pm_header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	msg_item(m, name, 64, (uintptr_t)port);
}

static void
msg_offset(struct pager_msg *m, uint64_t value)
{
	msg_item(m, MACH_MSG_TYPE_INTEGER_64, 64, value);
}

static void
msg_int(struct pager_msg *m, uint32_t value)
{
	msg_item(m, MACH_MSG_TYPE_INTEGER_32, 32, value);
}

static void
msg_bool(struct pager_msg *m, bool value)
{
	msg_item(m, MACH_MSG_TYPE_BOOLEAN, 32, value);
}

static void
msg_data(struct pager_msg *m, struct vm_map_copy *copy)
{
	struct item *it = &m->pm_item[m->pm_count];

	m->pm_header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	msg_item(m, MACH_MSG_TYPE_BYTE, 8, (uintptr_t)copy);
	it->it_type.msgt_inline = 0;
	it->it_type.msgt_longform = 1;
	it->it_type.msgt_deallocate = 1;
	it->it_type.msgt_number = vm_map_copy_size(copy);
}

/* => KERN_SUCCESS, KERN_RESOURCE_SHORTAGE */
static kern_return_t
msg_send(struct pager_msg *m)
{
	uint32_t size = sizeof m->pm_header + m->pm_count * sizeof(struct item);

	m->pm_header.msgh_size = size;
	return ipc_kernel_send(&m->pm_header, size);
}

/* a message to the pager itself with a control right first. => false when the pager is dead */
static bool
msg_to_pager(struct pager_msg *m, int id, struct vm_object *o)
{
	struct ipc_port *to = ipc_port_copy_send(o->vo_pager);

	if (!IP_VALID(to))
		return false;
	msg_begin(m, id, to, MACH_MSG_TYPE_MOVE_SEND);
	msg_port(m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_control));
	return true;
}

kern_return_t
vm_pager_init_message(struct vm_object *o)
{
	struct pager_msg m;

	if (!msg_to_pager(&m, ID_INIT, o))
		return KERN_MEMORY_ERROR;
	msg_port(&m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_name));
	msg_offset(&m, PAGE_SIZE);
	return msg_send(&m);
}

static kern_return_t
ask_pager(struct vm_object *o, int id, uint64_t offset, uint64_t length, vm_prot_t access)
{
	struct pager_msg m;

	if (!msg_to_pager(&m, id, o))
		return KERN_MEMORY_ERROR;
	msg_offset(&m, offset);
	msg_offset(&m, length);
	msg_int(&m, access);
	return msg_send(&m);
}

kern_return_t
vm_pager_data_request(struct vm_object *o, uint64_t offset, uint64_t length, vm_prot_t access)
{
	return ask_pager(o, ID_DATA_REQUEST, offset, length, access);
}

kern_return_t
vm_pager_data_unlock(struct vm_object *o, uint64_t offset, uint64_t length, vm_prot_t access)
{
	return ask_pager(o, ID_DATA_UNLOCK, offset, length, access);
}

void
vm_pager_create(struct vm_object *o, struct ipc_port *manager, struct ipc_port *receive, uint64_t size)
{
	struct pager_msg m;

	msg_begin(&m, ID_CREATE, manager, MACH_MSG_TYPE_MOVE_SEND);
	msg_port(&m, MACH_MSG_TYPE_MOVE_RECEIVE, receive);
	msg_offset(&m, size);
	msg_port(&m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_control));
	msg_port(&m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_name));
	msg_offset(&m, PAGE_SIZE);
	(void)msg_send(&m);		/* lost: the receive right is dead, and the object with it */
}

/* => consumes the copy */
static kern_return_t
send_copy(struct vm_object *o, uint64_t offset, struct vm_map_copy *copy, enum pager_send how, bool kernel_copy)
{
	struct pager_msg m;

	if (!msg_to_pager(&m, how == PAGER_INITIALIZE ? ID_DATA_INITIALIZE : ID_DATA_RETURN, o)) {
		vm_map_copy_discard(copy);
		return KERN_SUCCESS;		/* nobody is left who could want it */
	}
	msg_offset(&m, offset);
	msg_data(&m, copy);
	if (how != PAGER_INITIALIZE) {
		msg_bool(&m, how == PAGER_RETURN_DIRTY);
		msg_bool(&m, kernel_copy);
	}
	if (msg_send(&m) != KERN_SUCCESS)
		return KERN_RESOURCE_SHORTAGE;
	vm_page_my_events()->ve_pageouts++;
	return KERN_SUCCESS;
}

static kern_return_t
send_pages(struct vm_object *o, uint64_t first, struct vm_page **run, unsigned n, enum pager_send how, bool kernel_copy)
{
	struct vm_map_copy *copy;
	kern_return_t kr;
	unsigned i;

	/* a send that fails destroys the copy: the pins keep the data */
	for (i = 0; i < n; i++)
		vm_page_pin(run[i]);
	kr = vm_map_copy_from_pages(run, n, &copy);
	if (kr != KERN_SUCCESS) {
		for (i = 0; i < n; i++)
			vm_page_unpin(run[i]);
		return kr;
	}
	kr = send_copy(o, first << PAGE_SHIFT, copy, how, kernel_copy);
	if (kr == KERN_SUCCESS)
		for (i = 0; i < n; i++)
			vm_page_unpin(run[i]);
	return kr;
}

kern_return_t
vm_pager_send_pages(struct vm_object *o, uint64_t first, struct vm_page **run, unsigned n, enum pager_send how)
{
	return send_pages(o, first, run, n, how, false);
}

kern_return_t
vm_pager_return_pages(struct vm_object *o, uint64_t first, struct vm_page **run, unsigned n, bool dirty,
    bool kernel_copy)
{
	kern_return_t kr = send_pages(o, first, run, n, dirty ? PAGER_RETURN_DIRTY : PAGER_RETURN_CLEAN, kernel_copy);
	unsigned i;

	for (i = 0; kr != KERN_SUCCESS && i < n; i++) {
		if (kernel_copy)
			vm_page_release(run[i]);
		else
			vm_object_put_back(o, first + i, run[i], dirty);
	}
	if (kr != KERN_SUCCESS && kernel_copy)
		vm_object_redirty(o, first, n, dirty);
	return kr;
}

/* take up to VM_RETURN_RUN neighbouring dirty or precious pages out of the object, from *at on */
static unsigned
take_run(struct vm_object *o, uint64_t *at, struct vm_page **run, uint64_t *first, bool *dirty)
{
	struct vm_page *p;
	unsigned n = 0;

	spin_lock(&o->vo_lock);
	while (n < VM_RETURN_RUN && (p = ptree_next(&o->vo_pages, at, UINT64_MAX >> PAGE_SHIFT)) != NULL) {
		if ((p->pg_flags & PG_ABSENT) || !(p->pg_flags & (PG_DIRTY | PG_PRECIOUS))) {
			if (n != 0)
				break;
			++*at;
			continue;
		}
		if (n != 0 && (*at != *first + n || *dirty != !!(p->pg_flags & PG_DIRTY)))
			break;
		if (n == 0) {
			*first = *at;
			*dirty = p->pg_flags & PG_DIRTY;
		}
		vm_page_pin(p);		/* keeps the page when it leaves the object */
		vm_object_free_page_locked(o, p);
		run[n++] = p;
		++*at;
	}
	spin_unlock(&o->vo_lock);
	return n;
}

/*
 * The object has no users, so nobody dirties pages while they are returned; each page moves into its message.
 */
void
vm_pager_return_all(struct vm_object *o)
{
	struct vm_page *run[VM_RETURN_RUN];
	uint64_t at = 0, first = 0;
	unsigned n, tries = 0;
	bool dirty = false;

	while ((n = take_run(o, &at, run, &first, &dirty)) != 0) {
		if (vm_pager_return_pages(o, first, run, n, dirty, false) == KERN_SUCCESS)
			continue;
		/* no memory for the message: the pages are back; waiting has its limit */
		if (++tries < RETURN_TRIES)
			(void)vm_page_wait();
		if (tries <= RETURN_TRIES)
			at = first;
	}
}

void
vm_pager_terminate(struct vm_object *o)
{
	struct pager_msg m;

	if (!IP_VALID(o->vo_pager)) {
		ipc_port_destroy_kernel(o->vo_control);
		ipc_port_destroy_kernel(o->vo_name);
		return;
	}
	/* the object's own send right to the pager goes with it */
	msg_begin(&m, ID_TERMINATE, o->vo_pager, MACH_MSG_TYPE_MOVE_SEND);
	msg_port(&m, MACH_MSG_TYPE_MOVE_RECEIVE, o->vo_control);
	msg_port(&m, MACH_MSG_TYPE_MOVE_RECEIVE, o->vo_name);
	msg_send(&m);
}

void
vm_pager_lock_completed(struct ipc_port *to, unsigned type, struct vm_object *o, uint64_t offset, uint64_t length)
{
	struct pager_msg m;

	if (!IP_VALID(to))
		return;
	msg_begin(&m, ID_LOCK_COMPLETED, to, type);
	msg_port(&m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_control));
	msg_offset(&m, offset);
	msg_offset(&m, length);
	msg_send(&m);
}

void
vm_pager_supply_completed(struct ipc_port *to, unsigned type, struct vm_object *o, uint64_t offset, uint64_t length,
    kern_return_t result, uint64_t error_offset)
{
	struct pager_msg m;

	if (!IP_VALID(to))
		return;
	msg_begin(&m, ID_SUPPLY_COMPLETED, to, type);
	msg_port(&m, MACH_MSG_TYPE_MOVE_SEND, ipc_port_make_send(o->vo_control));
	msg_offset(&m, offset);
	msg_offset(&m, length);
	msg_int(&m, result);
	msg_offset(&m, error_offset);
	msg_send(&m);
}

void
vm_pager_change_completed(struct ipc_port *to, unsigned type, bool may_cache, int strategy)
{
	struct pager_msg m;

	if (!IP_VALID(to))
		return;
	msg_begin(&m, ID_CHANGE_COMPLETED, to, type);
	msg_bool(&m, may_cache);
	msg_int(&m, strategy);
	msg_send(&m);
}

unsigned
vm_pager_queued(struct vm_object *o)
{
	return IP_VALID(o->vo_pager) ? ipc_port_queued(o->vo_pager) : 0;
}

bool
vm_pager_watch(struct vm_object *o)
{
	return ipc_port_watch_death(o->vo_pager);
}
