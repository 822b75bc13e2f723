/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap space: slots for pages of anonymous memory in objects of the default pager.
 *
 * OBJECT  struct swap_segment: an object which the default pager made room for when it was created (memory_object_create), cut in
 *         slots of a page. A slot's number is one more than its place in the space, 0 means none.
 * STATES  asked    sent to the default pager, which answers memory_object_ready (there is room for all of it) or
 *                  memory_object_destroy (there is not)
 *         open     slots are given out
 *         closed   another default pager has come, this one died, or there is enough without it: slots are only given back
 *         asked -> open -> closed -> gone when nothing is in it; asked -> gone when refused.
 */
#ifndef VM_SWAP_H
#define VM_SWAP_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>

struct ipc_port;
struct vm_object;
struct vm_page;

void		 vm_swap_bootstrap(void);
/* the port takes over as default pager (a send right, consumed); => the right of the one before */
struct ipc_port	*vm_swap_set_manager(struct ipc_port *);
struct ipc_port	*vm_swap_manager(void);		/* => a send right, IP_NULL, IP_DEAD */

/* the pageout daemon's side; nothing locked */
void		 vm_swap_tend(void);		/* ask for more space in time; let go of what is not needed */
/* => first of *got <= want slots that follow each other in one segment; 0: none */
uint32_t	 vm_swap_alloc(unsigned want, unsigned *got);
/* pages (one reference each, consumed on success) go to the slots from first on */
kern_return_t	 vm_swap_send(uint32_t first, struct vm_page **, unsigned n);

void		 vm_swap_free(uint32_t slot);		/* any locks that rank below VM_SWAP */
/* the object and page number of a slot in use; the object stays as long as the slot is in use */
struct vm_object *vm_swap_object(uint32_t slot, uint64_t *index);
/* how many slots from this one on, at most max, are worth fetching together: this one at least */
unsigned	 vm_swap_ahead(uint32_t slot, unsigned max);
/* as of a moment ago; without locks */
bool		 vm_swap_is_short(void);		/* little is left */
uint64_t	 vm_swap_free_slots(void);
uint64_t	 vm_swap_slots(void);
void		 vm_swap_object_died(struct vm_object *);	/* a segment's; nothing locked */

#endif
