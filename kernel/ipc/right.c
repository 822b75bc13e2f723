/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights under a name: looking, dropping, counting, renaming. (copy.c moves them in and out.)
 *
 * LOCKS   the space's, then the port's. Consequences (notifications, destroyed ports) happen with nothing locked.
 * RIGHTS  each routine says what it takes; an error takes nothing.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <ipc/right.h>
#include <ipc/pset.h>
#include <kern/panic.h>

kern_return_t ipc_right_lookup_receive(struct ipc_space *space, mach_port_name_t name, struct ipc_port **portp)
{
	struct ipc_entry *e;
	kern_return_t kr = ipc_right_lookup(space, name, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	if (!(e->ie_bits & MACH_PORT_TYPE_RECEIVE)) {
		ipc_space_unlock(space);
		return KERN_INVALID_RIGHT;
	}
	*portp = e->ie_object;
	ipc_port_lock(*portp);
	ipc_space_unlock(space);
	return KERN_SUCCESS;
}

bool ipc_right_check(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	struct ipc_port *port = e->ie_object;
	uint32_t urefs = IE_UREFS(e->ie_bits);

	if (!(e->ie_bits & MACH_PORT_TYPE_SEND_RIGHTS) || ipc_port_alive(port))
		return false;
	/* the receiver cannot die while the receive right is here */
	KASSERT(!(e->ie_bits & MACH_PORT_TYPE_RECEIVE));
	if (e->ie_bits & MACH_PORT_TYPE_SEND)
		ipc_reverse_remove(&space->is_table, name, port);
	/* the dead-name notification sent at the port's death made one more */
	if (e->ie_request != 0 && urefs < MACH_PORT_UREFS_MAX)
		urefs++;
	e->ie_object = NULL;
	e->ie_request = 0;
	/* a message-accepted request completes by itself: the message died with the port */
	e->ie_bits = MACH_PORT_TYPE_DEAD_NAME | urefs | (e->ie_bits & IE_MAREQUEST);
	ipc_port_release(port);
	return true;
}

struct ipc_entry *ipc_right_reverse(struct ipc_space *space, struct ipc_port *port, mach_port_name_t *namep)
{
	/* the owner changes only under the lock of the space that owns, which is this one or does not matter */
	if (__atomic_load_n(&port->ip_space, __ATOMIC_RELAXED) == space) {
		*namep = port->ip_name;
		return ipc_entry_lookup(&space->is_table, port->ip_name);
	}
	return ipc_reverse_lookup(&space->is_table, port, namep);
}

void ipc_right_info(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e, uint32_t *type,
    uint32_t *urefs)
{
	ipc_right_check(space, name, e);
	*type = IE_TYPE(e->ie_bits);
	if (e->ie_request != 0)
		*type |= MACH_PORT_TYPE_DNREQUEST;
	if (e->ie_bits & IE_MAREQUEST)
		*type |= MACH_PORT_TYPE_MAREQUEST;
	*urefs = IE_UREFS(e->ie_bits);
}

void ipc_right_cancel_requests(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	am->am_name = name;
	am->am_any = true;
	if (e->ie_bits & IE_MAREQUEST) {
		e->ie_bits &= ~IE_MAREQUEST;
		am->am_ma_deleted = ipc_marequest_cancel(space, name);
	}
	if (e->ie_request == 0)
		return;
	ipc_port_lock(port);
	/* a dead port has sent (or is sending) the dead-name notification */
	if (ipc_port_alive(port))
		am->am_deleted = ipc_port_request_cancel(port, name, e->ie_request);
	ipc_port_unlock(port);
	e->ie_request = 0;
}

static void right_free(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	ipc_entry_free(&space->is_table, name, e);
	counter_add(COUNT_RIGHT, -1);
}

/* Take the receive right away from its entry's port. => space locked, the port in limbo */
static void right_clear_receiver(struct ipc_port *port, mach_msg_return_t result)
{
	ipc_port_lock(port);
	ipc_port_clear_receiver(port, result);
	ipc_port_unlock(port);
}

kern_return_t ipc_right_destroy(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	struct ipc_aftermath am = { 0 };
	struct ipc_port *port;
	uint32_t type;

	ipc_right_check(space, name, e);
	type = IE_TYPE(e->ie_bits);
	port = e->ie_object;
	ipc_right_cancel_requests(space, name, e, &am);
	switch (type) {
	case MACH_PORT_TYPE_DEAD_NAME:
		break;
	case MACH_PORT_TYPE_PORT_SET:
		am.am_pset = e->ie_object;
		break;
	case MACH_PORT_TYPE_SEND_ONCE:
		am.am_sonce = port;
		break;
	case MACH_PORT_TYPE_SEND:
		ipc_reverse_remove(&space->is_table, name, port);
		am.am_send = port;
		break;
	case MACH_PORT_TYPE_SEND_RECEIVE:
		/* the entry's one reference goes with the receive right */
		ipc_port_ref_inline(port);
		am.am_send = port;
		/* FALLTHROUGH */
	case MACH_PORT_TYPE_RECEIVE:
		right_clear_receiver(port, MACH_RCV_PORT_DIED);
		am.am_receive = port;
		break;
	}
	right_free(space, name, e);
	ipc_space_unlock(space);
	ipc_aftermath_run(&am);
	return KERN_SUCCESS;
}

/* The last user reference of a send right goes. => space locked */
static void right_drop_send(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	am->am_send = port;
	am->am_any = true;
	if (e->ie_bits & MACH_PORT_TYPE_RECEIVE) {
		ipc_port_ref_inline(port);
		e->ie_bits &= ~(MACH_PORT_TYPE_SEND | IE_UREFS_MASK | IE_PINNED);
		return;
	}
	ipc_right_cancel_requests(space, name, e, am);
	ipc_reverse_remove(&space->is_table, name, port);
	right_free(space, name, e);
}

kern_return_t ipc_right_dealloc(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e)
{
	struct ipc_aftermath am = { 0 };
	kern_return_t kr = KERN_SUCCESS;

	ipc_right_check(space, name, e);
	switch (IE_TYPE(e->ie_bits)) {
	case MACH_PORT_TYPE_DEAD_NAME:
		if (IE_UREFS(e->ie_bits) == 1) {
			ipc_right_cancel_requests(space, name, e, &am);
			right_free(space, name, e);
		} else {
			e->ie_bits--;
		}
		break;
	case MACH_PORT_TYPE_SEND_ONCE:
		ipc_right_cancel_requests(space, name, e, &am);
		am.am_sonce = e->ie_object;
		right_free(space, name, e);
		break;
	case MACH_PORT_TYPE_SEND:
	case MACH_PORT_TYPE_SEND_RECEIVE:
		if (e->ie_bits & IE_PINNED)
			break;
		if (IE_UREFS(e->ie_bits) == 1)
			right_drop_send(space, name, e, &am);
		else
			e->ie_bits--;
		break;
	default:
		kr = KERN_INVALID_RIGHT;
	}
	ipc_space_unlock(space);
	ipc_aftermath_run(&am);
	return kr;
}

/* The receive right under a name is destroyed; a send right beside it stays, as a dead name once the port is dead */
static void right_drop_receive(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    struct ipc_aftermath *am)
{
	struct ipc_port *port = e->ie_object;

	am->am_receive = port;
	am->am_any = true;
	if (e->ie_bits & MACH_PORT_TYPE_SEND) {
		ipc_port_ref_inline(port);
		e->ie_bits &= ~MACH_PORT_TYPE_RECEIVE;
		right_clear_receiver(port, MACH_RCV_PORT_DIED);
		ipc_reverse_insert(&space->is_table, name);
		return;
	}
	ipc_right_cancel_requests(space, name, e, am);
	right_clear_receiver(port, MACH_RCV_PORT_DIED);
	right_free(space, name, e);
}

/* User references of a send right or dead name by delta. => space locked */
static kern_return_t right_delta_urefs(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    int32_t delta, uint32_t max, struct ipc_aftermath *am)
{
	int64_t urefs = (int64_t)IE_UREFS(e->ie_bits) + delta;

	if (urefs < 0)
		return KERN_INVALID_VALUE;
	if (urefs > (int64_t)max)
		return KERN_UREFS_OVERFLOW;
	if (delta < 0)
		e->ie_bits &= ~IE_PINNED;
	if (urefs != 0) {
		e->ie_bits = (e->ie_bits & ~IE_UREFS_MASK) | (uint32_t)urefs;
	} else if (e->ie_bits & MACH_PORT_TYPE_SEND) {
		right_drop_send(space, name, e, am);
	} else {
		ipc_right_cancel_requests(space, name, e, am);
		right_free(space, name, e);
	}
	return KERN_SUCCESS;
}

kern_return_t ipc_right_delta(struct ipc_space *space, mach_port_name_t name, struct ipc_entry *e,
    mach_port_right_t right, int32_t delta)
{
	struct ipc_aftermath am = { 0 };
	kern_return_t kr = KERN_SUCCESS;
	uint32_t type;

	ipc_right_check(space, name, e);
	type = IE_TYPE(e->ie_bits);
	if (right >= MACH_PORT_RIGHT_NUMBER) {
		kr = KERN_INVALID_VALUE;
	} else if (!(type & MACH_PORT_TYPE(right))) {
		kr = KERN_INVALID_RIGHT;
	} else if (right == MACH_PORT_RIGHT_SEND) {
		kr = right_delta_urefs(space, name, e, delta, IE_UREFS_MAX, &am);
	} else if (right == MACH_PORT_RIGHT_DEAD_NAME) {
		kr = right_delta_urefs(space, name, e, delta, MACH_PORT_UREFS_MAX, &am);
	} else if (delta != 0 && delta != -1) {
		kr = KERN_INVALID_VALUE;
	} else if (delta == -1) {
		if (right == MACH_PORT_RIGHT_RECEIVE)
			right_drop_receive(space, name, e, &am);
		else
			return ipc_right_destroy(space, name, e);
	}
	ipc_space_unlock(space);
	ipc_aftermath_run(&am);
	return kr;
}

kern_return_t ipc_right_rename(struct ipc_space *space, mach_port_name_t old, struct ipc_entry *e,
    mach_port_name_t new)
{
	struct ipc_entry copy, *to;
	struct ipc_port *port;
	bool hashed;

	ipc_right_check(space, old, e);
	if (ipc_entry_lookup(&space->is_table, new) != NULL) {
		ipc_space_unlock(space);
		return KERN_NAME_EXISTS;
	}
	to = ipc_entry_alloc_name(&space->is_table, new);
	if (to == NULL) {
		ipc_space_unlock(space);
		return KERN_RESOURCE_SHORTAGE;
	}
	/* point of no return; the table may have moved */
	e = ipc_entry_lookup(&space->is_table, old);
	copy = *e;
	port = e->ie_object;
	hashed = (copy.ie_bits & MACH_PORT_TYPE_SEND_RECEIVE) == MACH_PORT_TYPE_SEND;
	if (hashed)
		ipc_reverse_remove(&space->is_table, old, port);
	ipc_entry_free(&space->is_table, old, e);
	*to = copy;
	if (hashed)
		ipc_reverse_insert(&space->is_table, new);
	if (copy.ie_bits & IE_MAREQUEST)
		ipc_marequest_rename(space, old, new);
	if (copy.ie_bits & MACH_PORT_TYPE_PORT_SET) {
		((struct ipc_pset *)copy.ie_object)->ps_name = new;
	} else if (port != NULL) {
		ipc_port_lock(port);
		if (copy.ie_bits & MACH_PORT_TYPE_RECEIVE)
			port->ip_name = new;
		if (copy.ie_request != 0 && ipc_port_alive(port))
			ipc_port_request_rename(port, copy.ie_request, new);
		ipc_port_unlock(port);
	}
	ipc_space_unlock(space);
	return KERN_SUCCESS;
}

kern_return_t ipc_right_request_dead(struct ipc_space *space, mach_port_name_t name, bool immediate,
    struct ipc_port *notify, struct ipc_port **previous)
{
	struct ipc_entry *e;
	struct ipc_port *port;
	uint32_t index;
	kern_return_t kr = ipc_right_lookup(space, name, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	*previous = NULL;
	/* dying while we look: then it is a dead name the second time */
	while (!ipc_right_check(space, name, e) && (e->ie_bits & MACH_PORT_TYPE_PORT_RIGHTS)) {
		port = e->ie_object;
		ipc_port_lock(port);
		if (!ipc_port_alive(port)) {
			ipc_port_unlock(port);
			continue;
		}
		/* a new request first, so that a shortage changes nothing */
		kr = notify != NULL ? ipc_port_request_add(port, name, notify, &index) : KERN_SUCCESS;
		if (kr == KERN_SUCCESS) {
			if (e->ie_request != 0)
				*previous = ipc_port_request_cancel(port, name, e->ie_request);
			e->ie_request = notify != NULL ? index : 0;
		}
		ipc_port_unlock(port);
		ipc_space_unlock(space);
		return kr;
	}
	if (notify == NULL) {
		kr = KERN_SUCCESS;	/* nothing to withdraw */
	} else if (!(e->ie_bits & MACH_PORT_TYPE_DEAD_NAME)) {
		kr = KERN_INVALID_RIGHT;
	} else if (!immediate) {
		kr = KERN_INVALID_ARGUMENT;
	} else if (IE_UREFS(e->ie_bits) == MACH_PORT_UREFS_MAX) {
		kr = KERN_UREFS_OVERFLOW;
	} else {
		e->ie_bits++;
		ipc_space_unlock(space);
		ipc_notify_dead_name(notify, name);
		return KERN_SUCCESS;
	}
	ipc_space_unlock(space);
	return kr;
}
