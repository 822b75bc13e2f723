/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A port set: one queue of receivers for many ports. Its name entry, its members and waiting threads point at it.
 * STATES  active; dead (ps_active false): no members, no receivers.
 * REFS    the entry, each member, each waiting thread.
 * LOCKS   ps_lock (IPC_PSET), taken after a member's port lock.
 *
 * Legend: (m) ps_lock; (s) the lock of the space that holds it; (a) atomic.
 */
#ifndef IPC_PSET_H
#define IPC_PSET_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <ipc/ipc.h>

struct ipc_pset {
	struct spinlock	 ps_lock;
	uint32_t	 ps_refs;	/* (a) */
	bool		 ps_active;	/* (m) */
	mach_port_name_t ps_name;	/* (s) */
	uint32_t	 ps_count;	/* (m) members */
	struct queue	*ps_members;	/* (m) ring through ip_set_link */
	struct queue	*ps_ready;	/* (m) ring of members with messages */
	struct queue	*ps_receivers;	/* (m) ring of threads */
};

static inline void ipc_pset_lock(struct ipc_pset *pset) { spin_lock(&pset->ps_lock); }
static inline void ipc_pset_unlock(struct ipc_pset *pset) { spin_unlock(&pset->ps_lock); }

void		 ipc_pset_init(void);
/* => a new set in a space under a new name or (named) under *namep; KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS */
kern_return_t	 ipc_pset_create_in(struct ipc_space *, mach_port_name_t *namep, bool named);
void		 ipc_pset_ref(struct ipc_pset *);
void		 ipc_pset_release(struct ipc_pset *);
/* => nothing locked; consumes the entry's reference: members leave, receivers wake with MACH_RCV_PORT_DIED */
void		 ipc_pset_destroy(struct ipc_pset *);
/* => port locked and in no set; takes its own reference; wakes the port's receivers; messages go to the set's */
void		 ipc_pset_add_locked(struct ipc_pset *, struct ipc_port *);
/* => port locked and in a set */
void		 ipc_pset_remove_locked(struct ipc_port *);
/* => set locked: names of members into names[0..max), the number of all members returned */
uint32_t	 ipc_pset_members_locked(struct ipc_pset *, mach_port_name_t *names, uint32_t max);

#endif
