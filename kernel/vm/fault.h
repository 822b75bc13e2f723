/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults, and the kernel's own access to the pages of any address space. */
#ifndef VM_FAULT_H
#define VM_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>

struct pmap;
struct vm_entry;
struct vm_map;
struct vm_object;
struct vm_page;

/*
 * Resolve a fault of the current thread at va for access `prot`.
 * => no locks held, interrupts on. user_trap: the fault came from user mode and nothing is on the kernel stack
 *    that is still wanted: when it must wait for a pager the thread gives its stack up, and goes on at the user's instruction
 *    (or with an exception) by itself; the call then does not return. Otherwise it waits on the stack.
 * => KERN_SUCCESS, KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE, KERN_ABORTED.
 */
kern_return_t	vm_fault(struct vm_map *, uint64_t va, vm_prot_t prot, bool user_trap);

/* One attempt to make a page available: see fault.c */
enum resolve {
	RESOLVE_DONE,
	RESOLVE_AGAIN,		/* something changed: look again */
	RESOLVE_WAIT,		/* assert_wait was done: unlock and block */
	RESOLVE_SHORTAGE,	/* no page or kernel memory */
	RESOLVE_ERROR		/* f_error says why */
};

struct fault {
	struct pmap	*f_pmap;	/* NULL: a copy in transit, mapped nowhere */
	uint64_t	 f_va;
	vm_prot_t	 f_want;
	bool		 f_enter;	/* map it */
	bool		 f_wire;	/* count a wiring */
	bool		 f_pin;		/* give the page out, pinned */
	uint8_t		*f_buf;		/* move f_bytes bytes at f_offset of the page, under its owner's lock */
	uint32_t	 f_bytes, f_offset;	/* f_want WRITE: from f_buf to the page, else from the page */
	uint8_t		 f_ahead;	/* pages worth asking for together; 0: one */
	uint64_t	 f_progress;	/* of the pageout daemon when memory was first waited for, */
	uint64_t	 f_since;	/* and the time */
	bool		 f_asked;	/* this fault has waited for its pager: an error is final */
	kern_return_t	 f_error;
	struct vm_page	*f_page;	/* out: pinned page, NULL for device memory */
	uint64_t	 f_phys;	/* out */
};

/* => the lock of the entry's map held (either way), or the entry private to the caller */
enum resolve	vm_fault_resolve(struct fault *, struct vm_entry *);

/* move bytes between the kernel and any map; waits for pagers, interruptibly */
kern_return_t	vm_map_move_bytes(struct vm_map *, uint64_t va, uint8_t *buf, uint64_t size, bool write);
/* pin a page for reading by the kernel; *page is NULL for device memory */
kern_return_t	vm_map_pin(struct vm_map *, uint64_t va, struct vm_page **page, uint64_t *phys);
/* the same at address va of an entry of a copy in transit */
kern_return_t	vm_entry_pin(struct vm_entry *, uint64_t va, struct vm_page **page, uint64_t *phys);

#endif
