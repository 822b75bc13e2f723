/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on one name's rights.
 *
 * LOCKS   "space locked" means locked and active. Routines marked (U) unlock it and do what follows from the change; the
 *         others leave the consequences in *am, to be run once it is unlocked.
 */
#ifndef IPC_RIGHT_H
#define IPC_RIGHT_H

#include <ipc/entry.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/space.h>

/* => the entry's name with the space locked, or an error with it unlocked: KERN_INVALID_TASK, KERN_INVALID_NAME */
static inline kern_return_t ipc_right_lookup(struct ipc_space *space, mach_port_name_t name, struct ipc_entry **ep)
{
	kern_return_t kr = KERN_INVALID_TASK;

	ipc_space_lock(space);
	if (space->is_active) {
		*ep = ipc_entry_lookup(&space->is_table, name);
		if (*ep != NULL)
			return KERN_SUCCESS;
		kr = KERN_INVALID_NAME;
	}
	ipc_space_unlock(space);
	return kr;
}
/* => as above; the port locked and the space unlocked. KERN_INVALID_RIGHT too */
kern_return_t	 ipc_right_lookup_receive(struct ipc_space *, mach_port_name_t, struct ipc_port **);
/* => space locked: a port that died turns its entry into a dead name (true) */
bool		 ipc_right_check(struct ipc_space *, mach_port_name_t, struct ipc_entry *);
/* => space locked: the name under which the space knows a port (send or receive), or NULL */
struct ipc_entry *ipc_right_reverse(struct ipc_space *, struct ipc_port *, mach_port_name_t *);
/* (U) every right under the name goes */
kern_return_t	 ipc_right_destroy(struct ipc_space *, mach_port_name_t, struct ipc_entry *);
/* (U) one user reference goes. KERN_INVALID_RIGHT */
kern_return_t	 ipc_right_dealloc(struct ipc_space *, mach_port_name_t, struct ipc_entry *);
/* (U) KERN_INVALID_RIGHT, KERN_INVALID_VALUE, KERN_UREFS_OVERFLOW */
kern_return_t	 ipc_right_delta(struct ipc_space *, mach_port_name_t, struct ipc_entry *, mach_port_right_t, int32_t);
/* space locked: the bits of mach_port_type and the user references */
void		 ipc_right_info(struct ipc_space *, mach_port_name_t, struct ipc_entry *, uint32_t *type, uint32_t *urefs);
/* (U) KERN_NAME_EXISTS, KERN_RESOURCE_SHORTAGE */
kern_return_t	 ipc_right_rename(struct ipc_space *, mach_port_name_t old, struct ipc_entry *, mach_port_name_t new);

/* space locked: the requests of an entry that goes away are withdrawn, *am tells their holders */
void		 ipc_right_cancel_requests(struct ipc_space *, mach_port_name_t, struct ipc_entry *, struct ipc_aftermath *);

/* space locked: would ipc_right_copyin succeed? (deadok as there) */
bool		 ipc_right_copyin_check(struct ipc_space *, mach_port_name_t, struct ipc_entry *, unsigned type, bool deadok);
/* space locked, check passed: a held right or IP_DEAD */
struct ipc_port	*ipc_right_copyin(struct ipc_space *, mach_port_name_t, struct ipc_entry *, unsigned type,
		    struct ipc_aftermath *);
/* nothing locked: one right by name. NULL and DEAD names give IP_NULL and IP_DEAD.
   KERN_INVALID_TASK, KERN_INVALID_NAME, KERN_INVALID_RIGHT */
kern_return_t	 ipc_right_copyin_name(struct ipc_space *, mach_port_name_t, unsigned type, bool deadok, struct ipc_port **);
/* => MACH_MSG_TYPE_PORT_* of what a copyin disposition yields */
static inline unsigned ipc_right_held_type(unsigned type)
{
	switch (type) {
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MAKE_SEND:
		return MACH_MSG_TYPE_PORT_SEND;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	default:
		return type;
	}
}

/* nothing locked: a held right to a name, consumed on success. KERN_INVALID_TASK, KERN_RESOURCE_SHORTAGE,
   KERN_INVALID_CAPABILITY (dead). fresh (may be NULL): the name is new */
kern_return_t	 ipc_right_copyout(struct ipc_space *, struct ipc_port *, unsigned type, mach_port_name_t *, bool *fresh);
/* the same to a given name. KERN_NAME_EXISTS, KERN_RIGHT_EXISTS, KERN_UREFS_OVERFLOW too */
kern_return_t	 ipc_right_copyout_name(struct ipc_space *, struct ipc_port *, unsigned type, mach_port_name_t);
/* nothing locked: dead-name request by name; the old one returned. KERN_INVALID_ARGUMENT: dead and not immediate ... */
kern_return_t	 ipc_right_request_dead(struct ipc_space *, mach_port_name_t, bool immediate, struct ipc_port *notify,
		    struct ipc_port **previous);

#endif
