/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mach_port routines that change names and rights.
 *
 * RIGHTS  a routine that takes a right consumes it on success only.
 * TESTS   tests/boot
 */
#include <ipc/mqueue.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/counter.h>
#include <mach/notify.h>
#include <mach/mach_port.server.h>

kern_return_t mach_port_rename(ipc_space_t space, mach_port_name_t old_name, mach_port_name_t new_name)
{
	struct ipc_entry *e;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (!MACH_PORT_NAME_VALID(new_name))
		return KERN_INVALID_VALUE;
	kr = ipc_right_lookup(space, old_name, &e);
	return kr == KERN_SUCCESS ? ipc_right_rename(space, old_name, e, new_name) : kr;
}

/* A dead name with one reference; named: under *namep */
static kern_return_t allocate_dead(struct ipc_space *space, mach_port_name_t *namep, bool named)
{
	struct ipc_entry *e;
	kern_return_t kr = KERN_SUCCESS;

	ipc_space_lock(space);
	if (!space->is_active) {
		kr = KERN_INVALID_TASK;
	} else if (named && ipc_entry_lookup(&space->is_table, *namep) != NULL) {
		kr = KERN_NAME_EXISTS;
	} else {
		e = named ? ipc_entry_alloc_name(&space->is_table, *namep) : ipc_entry_alloc(&space->is_table, namep);
		if (e == NULL) {
			kr = named ? KERN_RESOURCE_SHORTAGE : ipc_entry_missing(&space->is_table);
		} else {
			e->ie_bits = MACH_PORT_TYPE_DEAD_NAME | 1;
			counter_add(COUNT_RIGHT, 1);
		}
	}
	ipc_space_unlock(space);
	return kr;
}

static kern_return_t allocate(struct ipc_space *space, mach_port_right_t right, mach_port_name_t *namep, bool named)
{
	struct ipc_port *port;
	kern_return_t kr;

	switch (right) {
	case MACH_PORT_RIGHT_RECEIVE:
		kr = named ? ipc_port_create_named(space, *namep, &port) : ipc_port_create_in(space, namep, &port);
		if (kr == KERN_SUCCESS)
			ipc_port_unlock(port);
		return kr;
	case MACH_PORT_RIGHT_PORT_SET:
		return ipc_pset_create_in(space, namep, named);
	case MACH_PORT_RIGHT_DEAD_NAME:
		return allocate_dead(space, namep, named);
	default:
		return KERN_INVALID_VALUE;
	}
}

kern_return_t mach_port_allocate_name(ipc_space_t space, mach_port_right_t right, mach_port_name_t name)
{
	if (space == NULL)
		return KERN_INVALID_TASK;
	if (!MACH_PORT_NAME_VALID(name))
		return KERN_INVALID_VALUE;
	return allocate(space, right, &name, true);
}

kern_return_t mach_port_allocate(ipc_space_t space, mach_port_right_t right, mach_port_name_t *namep)
{
	if (space == NULL)
		return KERN_INVALID_TASK;
	return allocate(space, right, namep, false);
}

kern_return_t mach_port_destroy(ipc_space_t space, mach_port_name_t name)
{
	struct ipc_entry *e;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = ipc_right_lookup(space, name, &e);
	return kr == KERN_SUCCESS ? ipc_right_destroy(space, name, e) : kr;
}

kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name)
{
	struct ipc_entry *e;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = ipc_right_lookup(space, name, &e);
	return kr == KERN_SUCCESS ? ipc_right_dealloc(space, name, e) : kr;
}

kern_return_t mach_port_mod_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
    mach_port_delta_t delta)
{
	struct ipc_entry *e;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	kr = ipc_right_lookup(space, name, &e);
	return kr == KERN_SUCCESS ? ipc_right_delta(space, name, e, right, delta) : kr;
}

kern_return_t mach_port_set_qlimit(ipc_space_t space, mach_port_name_t name, mach_port_msgcount_t qlimit)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (qlimit > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	port->ip_qlimit = (uint8_t)qlimit;
	ipc_mqueue_changed(port);	/* a raised limit lets blocked senders in */
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_mscount(ipc_space_t space, mach_port_name_t name, mach_port_mscount_t mscount)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	port->ip_mscount = mscount;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_seqno(ipc_space_t space, mach_port_name_t name, mach_port_seqno_t seqno)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	port->ip_seqno = seqno;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

/* => space locked: the set to move to (NULL: none) */
static kern_return_t find_set(struct ipc_space *space, mach_port_name_t after, struct ipc_pset **psetp)
{
	struct ipc_entry *e;

	*psetp = NULL;
	if (after == MACH_PORT_NAME_NULL)
		return KERN_SUCCESS;
	if ((e = ipc_entry_lookup(&space->is_table, after)) == NULL)
		return KERN_INVALID_NAME;
	if (!(e->ie_bits & MACH_PORT_TYPE_PORT_SET))
		return KERN_INVALID_RIGHT;
	*psetp = e->ie_object;
	return KERN_SUCCESS;
}

kern_return_t mach_port_move_member(ipc_space_t space, mach_port_name_t member, mach_port_name_t after)
{
	struct ipc_entry *e;
	struct ipc_pset *pset;
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup(space, member, &e)) != KERN_SUCCESS)
		return kr;
	if (!(e->ie_bits & MACH_PORT_TYPE_RECEIVE)) {
		ipc_space_unlock(space);
		return KERN_INVALID_RIGHT;
	}
	port = e->ie_object;
	kr = find_set(space, after, &pset);
	if (kr == KERN_SUCCESS && pset == NULL && port->ip_set == NULL)
		kr = KERN_NOT_IN_SET;
	if (kr == KERN_SUCCESS) {
		/* the space's lock keeps the set from dying meanwhile */
		ipc_port_lock(port);
		if (port->ip_set != NULL)
			ipc_pset_remove_locked(port);
		if (pset != NULL)
			ipc_pset_add_locked(pset, port);
		ipc_port_unlock(port);
	}
	ipc_space_unlock(space);
	return kr;
}

static kern_return_t request_no_senders(struct ipc_space *space, mach_port_name_t name, uint32_t sync,
    struct ipc_port *notify, struct ipc_port **previous)
{
	struct ipc_port *port;
	uint32_t mscount = 0;
	bool fire = false;
	kern_return_t kr;

	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	kr = ipc_port_nsrequest(port, sync, notify, previous, &fire, &mscount);
	ipc_port_unlock(port);
	if (fire)
		ipc_notify_no_senders(notify, mscount);
	return kr;
}

static kern_return_t request_destroyed(struct ipc_space *space, mach_port_name_t name, struct ipc_port *notify,
    struct ipc_port **previous)
{
	struct ipc_port *port;
	kern_return_t kr;

	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	kr = ipc_port_pdrequest(port, notify, previous);
	ipc_port_unlock(port);
	return kr;
}

kern_return_t mach_port_request_notification(ipc_space_t space, mach_port_name_t name, mach_msg_id_t id,
    mach_port_mscount_t sync, mach_port_t notify, mach_port_t *previous)
{
	if (space == NULL)
		return KERN_INVALID_TASK;
	if (notify == IP_DEAD)
		return KERN_INVALID_CAPABILITY;
	switch (id) {
	case MACH_NOTIFY_PORT_DESTROYED:
		return sync != 0 ? KERN_INVALID_VALUE : request_destroyed(space, name, notify, previous);
	case MACH_NOTIFY_NO_SENDERS:
		return request_no_senders(space, name, sync, notify, previous);
	case MACH_NOTIFY_DEAD_NAME:
		return ipc_right_request_dead(space, name, sync != 0, notify, previous);
	default:
		return KERN_INVALID_VALUE;
	}
}

kern_return_t mach_port_insert_right(ipc_space_t space, mach_port_name_t name, mach_port_t poly,
    mach_msg_type_name_t type)
{
	if (space == NULL)
		return KERN_INVALID_TASK;
	if (!MACH_PORT_NAME_VALID(name) || !MACH_MSG_TYPE_PORT_ANY_RIGHT(type))
		return KERN_INVALID_VALUE;
	if (!IP_VALID(poly))
		return KERN_INVALID_CAPABILITY;
	return ipc_right_copyout_name(space, poly, type, name);
}

kern_return_t mach_port_extract_right(ipc_space_t space, mach_port_name_t name, mach_msg_type_name_t msgt_name,
    mach_port_t *poly, mach_msg_type_name_t *type)
{
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (!MACH_MSG_TYPE_PORT_ANY(msgt_name))
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_NAME_VALID(name))
		return KERN_INVALID_NAME;
	kr = ipc_right_copyin_name(space, name, msgt_name, true, poly);
	if (kr == KERN_SUCCESS)
		*type = ipc_right_held_type(msgt_name);
	return kr;
}

kern_return_t mach_port_set_protected_payload(ipc_space_t space, mach_port_name_t name, rpc_uintptr_t payload)
{
	struct ipc_port_ext *ext;
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	if ((ext = ipc_port_ext(port)) == NULL) {
		kr = KERN_RESOURCE_SHORTAGE;
	} else {
		ext->ipx_payload = payload;
		port->ip_flags |= IP_F_PAYLOAD;
	}
	ipc_port_unlock(port);
	return kr;
}

kern_return_t mach_port_clear_protected_payload(ipc_space_t space, mach_port_name_t name)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	port->ip_flags &= (uint8_t)~IP_F_PAYLOAD;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_ktype(host_priv_t host, ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
    mach_port_ktype_t ktype)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (space == NULL)
		return KERN_INVALID_TASK;
	/* only a user's own port can be marked, and only as what holds no kernel object */
	if (right != MACH_PORT_RIGHT_RECEIVE || (ktype != IKOT_NONE && ktype != IKOT_USER_DEVICE))
		return KERN_INVALID_ARGUMENT;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	if (ktype == IKOT_USER_DEVICE)
		port->ip_flags |= IP_F_USERDEV;
	else
		port->ip_flags &= (uint8_t)~IP_F_USERDEV;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}
