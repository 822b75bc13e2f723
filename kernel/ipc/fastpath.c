/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common remote procedure call, in front of the general path.
 *
 * A request goes by a copied send right with a reply port made send-once, a reply by a moved send-once right; both without rights
 * or memory in the body, to a port whose receiver waits with room for the message, from a thread that goes on to wait where no
 * message is. Then the destination right need not be counted (a copied one would be made and dropped again), the reply right takes
 * one step from port to name, and the receiver gets the CPU. Whatever else is the case, nothing is changed and the general path
 * does the work. A call to a kernel object is the same with nobody to wait for: its answer goes to the caller's buffer without being
 * queued.
 *
 * LOCKS   the sender's space; the reply port; then the destination and its set. The receiver's space in the receiver's context.
 * TESTS   tests/unit/ipc, tests/boot; every test of messages takes this path when it can
 */
#include <ipc/fastpath.h>
#include <ipc/kmsg.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/ring.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

#define REQUEST_BITS	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS	MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)

/* => space locked: where to wait, when no message is there at the moment. Not referenced yet */
static bool fast_source(struct ipc_space *space, mach_port_name_t name, struct ipc_source *so)
{
	struct ipc_entry *e = ipc_entry_lookup(&space->is_table, name);

	if (e == NULL)
		return false;
	so->so_port = NULL;
	so->so_set = NULL;
	if (e->ie_bits & MACH_PORT_TYPE_RECEIVE) {
		so->so_port = e->ie_object;
		return so->so_port->ip_messages == NULL && so->so_port->ip_set == NULL;
	}
	so->so_set = e->ie_object;
	return (e->ie_bits & MACH_PORT_TYPE_PORT_SET) && so->so_set->ps_ready == NULL;
}

/* => space locked: the destination's entry, when it gives the right that the header asks for */
static struct ipc_entry *fast_destination(struct ipc_space *space, const mach_msg_header_t *h)
{
	struct ipc_entry *e = ipc_entry_lookup(&space->is_table, h->msgh_remote_name);

	if (e == NULL)
		return NULL;
	if (h->msgh_bits != REPLY_BITS)
		return e->ie_bits & MACH_PORT_TYPE_SEND ? e : NULL;
	return (e->ie_bits & (MACH_PORT_TYPE_SEND_ONCE | IE_MAREQUEST)) == MACH_PORT_TYPE_SEND_ONCE && e->ie_request == 0 ?
	    e : NULL;
}

/* => space locked: the port to reply to, NULL: the name is no receive right */
static struct ipc_port *fast_reply(struct ipc_space *space, const mach_msg_header_t *h)
{
	struct ipc_entry *e = ipc_entry_lookup(&space->is_table, h->msgh_local_name);

	return e != NULL && (e->ie_bits & MACH_PORT_TYPE_RECEIVE) ? e->ie_object : NULL;
}

/*
 * Hand the message to the first waiting receiver of `ring`.
 * => the ring's lock and the port's held; false: nobody, or not one who can take it
 */
static inline bool fast_deliver(struct ipc_port *dest, struct queue **ring, struct ipc_kmsg *kmsg, struct ipc_port *reply,
    struct thread **handoff)
{
	mach_msg_header_t *h = &kmsg->ikm_header, saved;
	struct thread *th;
	struct ipc_thread *it;

	if (*ring == NULL)
		return false;
	th = queue_entry(*ring, struct thread, th_wait_link);
	it = &th->th_ipc;
	if (h->msgh_size > it->it_rcv_size || (it->it_option & MACH_RCV_NOTIFY))
		return false;
	ring_remove(ring, &th->th_wait_link);
	it->it_queued = IPC_NOT_QUEUED;
	it->it_result = MACH_MSG_SUCCESS;
	it->it_kmsg = kmsg;
	saved = *h;
	h->msgh_bits = reply != NULL ? MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND) :
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
	h->msgh_remote_port = reply;
	h->msgh_protected_payload = dest->ip_name;
	h->msgh_seqno = dest->ip_seqno;
	if (__builtin_expect(dest->ip_flags & IP_F_PAYLOAD, 0)) {
		h->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(h->msgh_bits), MACH_MSG_TYPE_PROTECTED_PAYLOAD);
		h->msgh_protected_payload = dest->ip_ext->ipx_payload;
	}
	kmsg->ikm_fast = true;
	if (__builtin_expect(handoff != NULL ? thread_go_handoff(th, WAIT_AWAKENED) : thread_go(th, WAIT_AWAKENED), 1)) {
		dest->ip_seqno++;
		if (handoff != NULL)
			*handoff = th;
		return true;
	}
	/* its wait was broken: it goes by itself, and the general path finds another */
	it->it_kmsg = NULL;
	kmsg->ikm_fast = false;
	*h = saved;
	return false;
}

/* => space locked; as fast_deliver, through the set when the port is in one */
static inline bool fast_to_port(struct ipc_port *dest, struct ipc_kmsg *kmsg, struct ipc_port *reply, bool once,
    struct thread **handoff)
{
	struct ipc_pset *pset;
	bool sent = false;

	ipc_port_lock(dest);
	pset = dest->ip_set;
	/* a port of the kernel's own that is no object: a thread waits there for the answer to its exception */
	if ((dest->ip_state == IP_SPACE || (dest->ip_state == IP_KERNEL && dest->ip_kotype == IKOT_NONE)) &&
	    dest->ip_messages == NULL && (once || dest->ip_qlimit != 0) && ipc_label_send(dest)) {
		if (pset != NULL)
			ipc_pset_lock(pset);
		sent = fast_deliver(dest, pset != NULL ? &pset->ps_receivers : &dest->ip_receivers, kmsg, reply, handoff);
		if (pset != NULL)
			ipc_pset_unlock(pset);
		if (once && sent)
			dest->ip_sorights--;
	}
	ipc_port_unlock(dest);
	return sent;
}

/* => space locked. The reply right is made first: two ports are never locked at a time */
static inline bool fast_request(struct ipc_port *dest, struct ipc_kmsg *kmsg, struct ipc_port *reply, struct thread **handoff)
{
	/* a look without locks, so that the right is seldom made in vain */
	if (dest->ip_receivers == NULL && dest->ip_set == NULL)
		return false;
	ipc_port_lock(reply);
	ipc_port_make_sonce_locked(reply);
	ipc_port_unlock(reply);
	if (fast_to_port(dest, kmsg, reply, false, handoff))
		return true;
	ipc_port_lock(reply);
	reply->ip_sorights--;
	ipc_port_unlock(reply);
	ipc_port_release(reply);	/* never the last: the space holds one */
	return false;
}

/*
 * A request to a kernel object with its answer expected on the reply port itself.
 * => space locked; the header becomes held: a copied send right and the reply right
 */
static void fast_kernel(struct ipc_port *dest, struct ipc_kmsg *kmsg, struct ipc_port *reply)
{
	mach_msg_header_t *h = &kmsg->ikm_header;

	ipc_port_lock(reply);
	ipc_port_make_sonce_locked(reply);
	ipc_port_unlock(reply);
	ipc_port_lock(dest);
	dest->ip_srights++;
	ipc_port_ref_inline(dest);
	ipc_port_unlock(dest);
	h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
	    MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE);
	h->msgh_remote_port = dest;
	h->msgh_local_port = reply;
}

/* => space locked: a reply */
static inline bool fast_send_reply(struct ipc_space *space, struct ipc_kmsg *kmsg, struct thread **handoff)
{
	mach_port_name_t name = kmsg->ikm_header.msgh_remote_name;
	struct ipc_entry *e = fast_destination(space, &kmsg->ikm_header);
	struct ipc_port *dest;

	if (e == NULL)
		return false;
	dest = e->ie_object;
	if (!fast_to_port(dest, kmsg, NULL, true, handoff))
		return false;
	ipc_entry_free(&space->is_table, name, e);
	counter_add(COUNT_RIGHT, -1);
	/* the entry's reference; the last one frees memory, nothing else */
	ipc_port_release(dest);
	return true;
}

/* => space locked: a request */
static inline enum ipc_fast fast_send_request(struct ipc_space *space, struct ipc_kmsg *kmsg, const struct ipc_source *so,
    struct thread **handoff)
{
	struct ipc_entry *e = fast_destination(space, &kmsg->ikm_header);
	struct ipc_port *dest, *reply;

	if (e == NULL || (reply = fast_reply(space, &kmsg->ikm_header)) == NULL)
		return IPC_FAST_MISS;
	dest = e->ie_object;
	if (dest->ip_state == IP_KERNEL && dest->ip_kotype != IKOT_NONE && so->so_port == reply &&
	    reply->ip_receivers == NULL) {
		fast_kernel(dest, kmsg, reply);
		return IPC_FAST_KERNEL;
	}
	if (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		return IPC_FAST_MISS;
	return fast_request(dest, kmsg, reply, handoff) ? IPC_FAST_SENT : IPC_FAST_MISS;
}

enum ipc_fast ipc_fast_send(struct ipc_kmsg *kmsg, mach_port_name_t rcv_name, struct ipc_source *so,
    struct thread **handoff)
{
	struct ipc_space *space = ipc_space_self();
	const mach_msg_header_t *h = &kmsg->ikm_header;
	bool once = h->msgh_bits == REPLY_BITS;
	enum ipc_fast how = IPC_FAST_MISS;

	if (once ? h->msgh_local_name != MACH_PORT_NAME_NULL : (h->msgh_bits & ~MACH_MSGH_BITS_COMPLEX) != REQUEST_BITS)
		return IPC_FAST_MISS;
	ipc_space_lock(space);
	if (space->is_active && fast_source(space, rcv_name, so)) {
		if (!once)
			how = fast_send_request(space, kmsg, so, handoff);
		else if (fast_send_reply(space, kmsg, handoff))
			how = IPC_FAST_SENT;
	}
	if (how != IPC_FAST_MISS) {
		/* the source is the space's: it cannot die before it is referenced */
		if (so->so_port != NULL)
			ipc_port_ref_inline(so->so_port);
		else
			ipc_pset_ref(so->so_set);
	}
	ipc_space_unlock(space);
	return how;
}

bool ipc_fast_reply(struct ipc_kmsg *kmsg)
{
	struct ipc_space *space = ipc_space_self();
	bool sent = false;

	if (kmsg->ikm_header.msgh_bits != REPLY_BITS || kmsg->ikm_header.msgh_local_name != MACH_PORT_NAME_NULL)
		return false;
	ipc_space_lock(space);
	if (space->is_active)
		sent = fast_send_reply(space, kmsg, NULL);
	ipc_space_unlock(space);
	return sent;
}

bool ipc_fast_answer(struct ipc_kmsg *kmsg, const struct ipc_source *so, uint32_t rcv_size)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	struct ipc_port *port = so->so_port;
	bool ok;

	if (h->msgh_remote_port != port || h->msgh_size > rcv_size ||
	    MACH_MSGH_BITS_REMOTE(h->msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE)
		return false;
	ipc_port_lock(port);
	ok = port->ip_state == IP_SPACE && port->ip_space == ipc_space_self() && port->ip_set == NULL &&
	    port->ip_messages == NULL && port->ip_receivers == NULL && !(port->ip_flags & IP_F_PAYLOAD);
	if (ok) {
		port->ip_sorights--;
		h->msgh_seqno = port->ip_seqno++;
		h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
		h->msgh_remote_port = NULL;
		h->msgh_protected_payload = port->ip_name;
	}
	ipc_port_unlock(port);
	if (ok)
		ipc_port_release(port);
	return ok;
}

static inline void fast_enqueue(struct thread *self, struct queue **ring, void *object, bool on_set)
{
	struct ipc_thread *it = &self->th_ipc;

	it->it_object = object;
	it->it_on_set = on_set;
	it->it_kmsg = NULL;
	it->it_queued = IPC_QUEUED_RECEIVER;
	ring_push(ring, &self->th_wait_link);
	thread_will_wait(true, 0);
}

bool ipc_fast_wait(struct thread *self, const struct ipc_source *so)
{
	struct ipc_port *port = so->so_port;
	struct ipc_pset *pset = so->so_set;
	bool wait;

	if (port != NULL) {
		ipc_port_lock(port);
		wait = port->ip_messages == NULL && port->ip_set == NULL && port->ip_state == IP_SPACE &&
		    port->ip_space == self->th_task->tk_space;
		if (wait)
			fast_enqueue(self, &port->ip_receivers, port, false);
		ipc_port_unlock(port);
	} else {
		ipc_pset_lock(pset);
		wait = pset->ps_ready == NULL && pset->ps_active;
		if (wait)
			fast_enqueue(self, &pset->ps_receivers, pset, true);
		ipc_pset_unlock(pset);
	}
	return wait;
}

bool ipc_fast_received(struct thread *self, struct ipc_kmsg **kmsgp)
{
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_kmsg *kmsg;

	if (self->th_wait_result != WAIT_AWAKENED || (kmsg = it->it_kmsg) == NULL || !kmsg->ikm_fast)
		return false;
	it->it_kmsg = NULL;
	if (it->it_on_set)
		ipc_pset_release(it->it_object);
	else
		ipc_port_release(it->it_object);
	it->it_object = NULL;
	*kmsgp = kmsg;
	return true;
}

/* => the send-once right's name; NULL: none, and whether for want of memory */
static struct ipc_entry *fast_enter(struct ipc_space *space, struct ipc_port *reply, mach_port_name_t *namep, bool *shortage)
{
	struct ipc_entry *e = NULL;

	*namep = MACH_PORT_NAME_NULL;
	*shortage = false;
	ipc_space_lock(space);
	if (space->is_active && (e = ipc_entry_alloc(&space->is_table, namep)) != NULL) {
		/* a port that dies just now is found out when the name is next looked at */
		e->ie_object = reply;
		e->ie_bits = MACH_PORT_TYPE_SEND_ONCE | 1;
		counter_add(COUNT_RIGHT, 1);
	} else if (space->is_active) {
		*shortage = ipc_entry_missing(&space->is_table) == KERN_RESOURCE_SHORTAGE;
	}
	ipc_space_unlock(space);
	return e;
}

/* => the held send-once right becomes a name; the error bits */
static mach_msg_return_t fast_name(struct ipc_space *space, struct ipc_port *reply, mach_port_name_t *namep)
{
	bool alive = ipc_port_alive(reply), shortage = false;
	struct ipc_entry *e = NULL;
	unsigned tries = 0;

	*namep = MACH_PORT_NAME_NULL;
	do {
		if (alive)
			e = fast_enter(space, reply, namep, &shortage);
	} while (e == NULL && shortage && ipc_wait_for_memory(&tries));
	if (e != NULL)
		return 0;
	ipc_port_release_sonce(reply);
	if (alive)
		return MACH_MSG_IPC_KERNEL;
	*namep = MACH_PORT_NAME_DEAD;
	return 0;
}

mach_msg_return_t ipc_fast_copyout(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	struct ipc_port *reply = h->msgh_remote_port;
	mach_port_name_t name;
	mach_msg_return_t bits;

	kmsg->ikm_fast = false;
	if (reply == NULL)
		return MACH_MSG_SUCCESS;
	bits = fast_name(space, reply, &name);
	h->msgh_remote_port_do_not_use = name;
	return bits == 0 ? MACH_MSG_SUCCESS : MACH_RCV_HEADER_ERROR | bits;
}
