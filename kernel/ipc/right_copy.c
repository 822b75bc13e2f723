/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights on their way between a name space and the kernel.
 *
 * LOCKS   the space's, then the port's.
 * RIGHTS  copyin: on success the space has lost what the disposition moves, the caller holds one right; on error nothing.
 *         copyout: on success the caller's right is the space's; on error it is still the caller's.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <ipc/right.h>
#include <ipc/pset.h>
#include <kern/panic.h>

bool ipc_right_copyin_check(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e, unsigned type,
    bool deadok)
{
	uint32_t bits;

	ipc_right_check(space, name, e);
	bits = e->ie_bits;
	if ((bits & MACH_PORT_TYPE_PORT_RIGHTS) && !ipc_label_copyin(e->ie_object, type))
		return false;
	switch (type) {
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return bits & MACH_PORT_TYPE_RECEIVE;
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MOVE_SEND:
		return (bits & MACH_PORT_TYPE_SEND) || (deadok && (bits & MACH_PORT_TYPE_DEAD_NAME));
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return (bits & MACH_PORT_TYPE_SEND_ONCE) || (deadok && (bits & MACH_PORT_TYPE_DEAD_NAME));
	default:
		return false;
	}
}

/* A request on a name that goes away with its right */
static inline void copyin_cancel_request(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	if (e->ie_request != 0 || (e->ie_bits & IE_MAREQUEST))
		ipc_right_cancel_requests(space, name, e, am);
}

static void copyin_free(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	ipc_entry_free(&space->is_table, name, e);
	counter_add(COUNT_RIGHT, -1);
}

static struct ipc_port *copyin_dead(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    unsigned type, struct ipc_aftermath *am)
{
	if (type == MACH_MSG_TYPE_COPY_SEND)
		return IP_DEAD;
	if (IE_UREFS(e->ie_bits) == 1) {
		copyin_cancel_request(space, name, e, am);
		copyin_free(space, name, e);
	} else {
		e->ie_bits--;
	}
	return IP_DEAD;
}

static void copyin_move_send(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	if (IE_UREFS(e->ie_bits) > 1 || (e->ie_bits & IE_PINNED)) {
		if (!(e->ie_bits & IE_PINNED))
			e->ie_bits--;
		ipc_port_lock(port);
		port->ip_srights++;
		ipc_port_ref_inline(port);
		ipc_port_unlock(port);
		return;
	}
	if (e->ie_bits & MACH_PORT_TYPE_RECEIVE) {
		e->ie_bits &= ~(MACH_PORT_TYPE_SEND | IE_UREFS_MASK);
		ipc_port_ref_inline(port);
		return;
	}
	copyin_cancel_request(space, name, e, am);
	ipc_reverse_remove(&space->is_table, name, port);
	copyin_free(space, name, e);
}

static void copyin_move_receive(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	ipc_port_lock(port);
	ipc_port_clear_receiver(port, MACH_RCV_PORT_DIED);
	ipc_port_unlock(port);
	if (e->ie_bits & MACH_PORT_TYPE_SEND) {
		e->ie_bits &= ~MACH_PORT_TYPE_RECEIVE;
		ipc_port_ref_inline(port);
		ipc_reverse_insert(&space->is_table, name);
		return;
	}
	copyin_cancel_request(space, name, e, am);
	copyin_free(space, name, e);
}

struct ipc_port *ipc_right_copyin(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e, unsigned type,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	if (e->ie_bits & MACH_PORT_TYPE_DEAD_NAME)
		return copyin_dead(space, name, e, type, am);
	switch (type) {
	case MACH_MSG_TYPE_MAKE_SEND:
		ipc_port_lock(port);
		ipc_port_make_send_locked(port);
		ipc_port_unlock(port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		ipc_port_lock(port);
		ipc_port_make_sonce_locked(port);
		ipc_port_unlock(port);
		break;
	case MACH_MSG_TYPE_COPY_SEND:
		ipc_port_lock(port);
		port->ip_srights++;
		ipc_port_ref_inline(port);
		ipc_port_unlock(port);
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		copyin_move_send(space, name, e, am);
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		copyin_cancel_request(space, name, e, am);
		copyin_free(space, name, e);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		copyin_move_receive(space, name, e, am);
		break;
	}
	return port;
}

kern_return_t ipc_right_copyin_name(struct ipc_space *space, mach_port_name_t name, unsigned type, bool deadok,
    struct ipc_port **portp)
{
	struct ipc_aftermath am = { 0 };
	struct ipc_entry *e;
	kern_return_t kr;

	if (!MACH_PORT_NAME_VALID(name)) {
		*portp = name == MACH_PORT_NAME_NULL ? IP_NULL : IP_DEAD;
		return KERN_SUCCESS;
	}
	if ((kr = ipc_right_lookup(space, name, &e)) != KERN_SUCCESS)
		return kr;
	if (!ipc_right_copyin_check(space, name, e, type, deadok)) {
		ipc_space_unlock(space);
		return KERN_INVALID_RIGHT;
	}
	*portp = ipc_right_copyin(space, name, e, type, &am);
	ipc_space_unlock(space);
	ipc_aftermath_run(&am);
	return KERN_SUCCESS;
}

/* One more user reference of a send right. => port locked; the caller's right and reference are absorbed */
static void copyout_join_send(struct ipc_entry *e, struct ipc_port *port)
{
	if (!(e->ie_bits & MACH_PORT_TYPE_SEND)) {
		e->ie_bits |= MACH_PORT_TYPE_SEND | 1;
		return;
	}
	port->ip_srights--;
	if (IE_UREFS(e->ie_bits) < IE_UREFS_MAX)
		e->ie_bits++;
	else
		e->ie_bits |= IE_PINNED;
}

/* The receive right arrives in a space. => port locked */
static void copyout_enter_receive(struct ipc_space *space, struct ipc_port *port, mach_port_name_t name,
    struct ipc_entry *e)
{
	if (e->ie_bits & MACH_PORT_TYPE_SEND)
		ipc_reverse_remove(&space->is_table, name, port);
	e->ie_object = port;
	e->ie_bits |= MACH_PORT_TYPE_RECEIVE;
	port->ip_state = IP_SPACE;
	port->ip_space = space;
	port->ip_name = name;
}

/* A right under a new name. => space and port locked, port alive */
static void copyout_enter(struct ipc_space *space, struct ipc_port *port, unsigned type, mach_port_name_t name,
    struct ipc_entry *e)
{
	counter_add(COUNT_RIGHT, 1);
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		copyout_enter_receive(space, port, name, e);
		return;
	}
	e->ie_object = port;
	if (type == MACH_MSG_TYPE_PORT_SEND) {
		e->ie_bits = MACH_PORT_TYPE_SEND | 1;
		ipc_reverse_insert(&space->is_table, name);
	} else {
		e->ie_bits = MACH_PORT_TYPE_SEND_ONCE | 1;
	}
}

kern_return_t ipc_right_copyout(struct ipc_space *space, struct ipc_port *port, unsigned type,
    mach_port_name_t *namep, bool *fresh)
{
	struct ipc_entry *e = NULL;
	bool joined;

	if (type == MACH_MSG_TYPE_PORT_RECEIVE)
		ipc_port_from_transit(port);
	ipc_space_lock(space);
	if (!space->is_active) {
		ipc_space_unlock(space);
		return KERN_INVALID_TASK;
	}
	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		e = ipc_right_reverse(space, port, namep);
	joined = e != NULL;
	if (!joined && (e = ipc_entry_alloc(&space->is_table, namep)) == NULL) {
		kern_return_t kr = ipc_entry_missing(&space->is_table);

		ipc_space_unlock(space);
		return kr;
	}
	ipc_port_lock(port);
	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		if (!joined)
			ipc_entry_free(&space->is_table, *namep, e);
		ipc_space_unlock(space);
		return KERN_INVALID_CAPABILITY;
	}
	if (!joined)
		copyout_enter(space, port, type, *namep, e);
	else if (type == MACH_MSG_TYPE_PORT_RECEIVE)
		copyout_enter_receive(space, port, *namep, e);
	else
		copyout_join_send(e, port);
	ipc_port_unlock(port);
	ipc_space_unlock(space);
	if (joined)
		ipc_port_release(port);	/* the entry holds one */
	if (fresh != NULL)
		*fresh = !joined;
	return KERN_SUCCESS;
}

/* Can the right join what is under the name already? => space locked */
static kern_return_t copyout_name_check(struct ipc_space *space, struct ipc_port *port, unsigned type,
    mach_port_name_t name, struct ipc_entry **ep)
{
	mach_port_name_t known;
	struct ipc_entry *e = NULL;

	*ep = ipc_entry_lookup(&space->is_table, name);
	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		e = ipc_right_reverse(space, port, &known);
	if (e != NULL && known != name)
		return KERN_RIGHT_EXISTS;
	if (e == NULL) {
		if (*ep != NULL)
			ipc_right_check(space, name, *ep);
		return *ep != NULL ? KERN_NAME_EXISTS : KERN_SUCCESS;
	}
	if (type == MACH_MSG_TYPE_PORT_SEND && IE_UREFS(e->ie_bits) >= IE_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	return KERN_SUCCESS;
}

kern_return_t ipc_right_copyout_name(struct ipc_space *space, struct ipc_port *port, unsigned type,
    mach_port_name_t name)
{
	struct ipc_entry *e, *made;
	kern_return_t kr;
	bool joined;

	if (type == MACH_MSG_TYPE_PORT_RECEIVE)
		ipc_port_from_transit(port);
	ipc_space_lock(space);
	if (!space->is_active) {
		ipc_space_unlock(space);
		return KERN_INVALID_TASK;
	}
	kr = copyout_name_check(space, port, type, name, &e);
	joined = e != NULL;
	if (kr != KERN_NAME_EXISTS && !joined) {
		/* also for a right known elsewhere: the name is touched, and so reused soon, as programs may see */
		made = ipc_entry_alloc_name(&space->is_table, name);
		if (made == NULL)
			kr = KERN_RESOURCE_SHORTAGE;
		else if (kr != KERN_SUCCESS)
			ipc_entry_free(&space->is_table, name, made);
		e = made;
	}
	if (kr != KERN_SUCCESS) {
		ipc_space_unlock(space);
		return kr;
	}
	ipc_port_lock(port);
	if (!ipc_port_alive(port)) {
		ipc_port_unlock(port);
		if (!joined)
			ipc_entry_free(&space->is_table, name, e);
		ipc_space_unlock(space);
		return KERN_INVALID_CAPABILITY;
	}
	if (!joined)
		copyout_enter(space, port, type, name, e);
	else if (type == MACH_MSG_TYPE_PORT_RECEIVE)
		copyout_enter_receive(space, port, name, e);
	else
		copyout_join_send(e, port);
	ipc_port_unlock(port);
	ipc_space_unlock(space);
	if (joined)
		ipc_port_release(port);
	return KERN_SUCCESS;
}
