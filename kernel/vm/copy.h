/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_map_copy: memory on its way between address spaces. Either a few bytes held in the kernel, or a list
 *         of entries that belong to no map. What it holds is a snapshot: no map can write to it any more.
 * STATES  bytes (cp_data) or entries (cp_entries); fixed at creation.
 * REFS    none: one message or call owns it, and consumes it exactly once.
 */
#ifndef VM_COPY_H
#define VM_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/queue.h>
#include <mach/kern_return.h>

struct vm_entry;
struct vm_map;
struct vm_page;

/* up to this many bytes are copied through the kernel: cheaper than sharing a page */
#define VM_COPY_BYTES_MAX	2048

struct vm_map_copy {
	uint64_t	 cp_size;	/* bytes */
	uint64_t	 cp_offset;	/* of the first byte in its page */
	struct queue	 cp_entries;	/* ve_start counts from 0 */
	bool		 cp_bytes;
	bool		 cp_laundry;	/* has pages of the laundry, for a pager */
	uint8_t		 cp_data[];	/* cp_bytes */
};

void	vm_copy_bootstrap(void);
/* back `to` with a copy of [start, end) of e, an entry of the locked map. to->ve_index is set */
kern_return_t	vm_copy_backing(struct vm_map *, struct vm_entry *e, uint64_t start, uint64_t end, struct vm_entry *to);
/* pages the caller owns (one reference each) become the copy; on failure they are still the caller's */
kern_return_t	vm_map_copy_from_pages(struct vm_page **, uint64_t count, struct vm_map_copy **);
/* take page `index` out of the copy without copying when nobody shares it; else a fresh page with its contents.
   => NULL: *kr says why */
struct vm_page	*vm_map_copy_take_page(struct vm_map_copy *, uint64_t index, kern_return_t *kr);

#endif
