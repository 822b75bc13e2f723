/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to pagers. None of these blocks or takes a lock of vm/ across a send; no vm spin lock held on entry. */
#ifndef VM_PAGER_H
#define VM_PAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>

struct ipc_port;
struct vm_object;
struct vm_page;
struct vm_map_copy;

/* ask to be told of the death of the pager's port; false: it is dead */
bool	vm_pager_watch(struct vm_object *);
/* KERN_MEMORY_ERROR: the pager is gone; KERN_RESOURCE_SHORTAGE: not sent */
kern_return_t vm_pager_init_message(struct vm_object *);
kern_return_t vm_pager_data_request(struct vm_object *, uint64_t offset, uint64_t length, vm_prot_t);
kern_return_t vm_pager_data_unlock(struct vm_object *, uint64_t offset, uint64_t length, vm_prot_t);
/* memory_object_create to the default pager (a send right, consumed) with the receive right of the object's pager port */
void	vm_pager_create(struct vm_object *, struct ipc_port *manager, struct ipc_port *receive, uint64_t size);
/* loose pages that follow each other from page `first` become a message. => one reference to each is consumed on success only */
enum pager_send { PAGER_RETURN_CLEAN, PAGER_RETURN_DIRTY, PAGER_INITIALIZE };
kern_return_t vm_pager_send_pages(struct vm_object *, uint64_t first, struct vm_page **, unsigned n, enum pager_send);
/* messages its pager has not received */
unsigned vm_pager_queued(struct vm_object *);
/* give back loose pages (one reference each, consumed) that follow each other from page `first`.
   kernel_copy: they are copies of pages that stay. => on shortage the pages are in the object again, dirty */
#define VM_RETURN_RUN	16
kern_return_t	vm_pager_return_pages(struct vm_object *, uint64_t first, struct vm_page **, unsigned n, bool dirty,
	    bool kernel_copy);
/* all dirty and precious pages of an object nobody uses any more */
void	vm_pager_return_all(struct vm_object *);
/* the receive rights of control and name go to the pager */
void	vm_pager_terminate(struct vm_object *);
/* completions, to a right given in a request; type MACH_MSG_TYPE_PORT_SEND or _SEND_ONCE; NULL and DEAD: nothing */
void	vm_pager_lock_completed(struct ipc_port *, unsigned type, struct vm_object *, uint64_t offset, uint64_t length);
void	vm_pager_supply_completed(struct ipc_port *, unsigned type, struct vm_object *, uint64_t offset,
	    uint64_t length, kern_return_t, uint64_t error_offset);
void	vm_pager_change_completed(struct ipc_port *, unsigned type, bool may_cache, int strategy);

/* called by ipc/ when a port that was watched dies; nothing locked */
void	vm_object_port_died(struct ipc_port *);

#endif
