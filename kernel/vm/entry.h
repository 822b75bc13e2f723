/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_entry: a range of an address map with one backing and one set of attributes.
 *         Entries of a map form a treap ordered by address (random priorities: logarithmic whatever the order of
 *         insertion) with, in each node, the largest gap of its subtree, and a list in address order.
 *         The gap of an entry is the free space between its predecessor (or the map's start) and itself.
 * LOCKS   the map's lock; no pointer to an entry survives its release (look up again by address).
 */
#ifndef VM_ENTRY_H
#define VM_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/queue.h>

struct vm_amap;
struct vm_object;

struct vm_entry {
	struct queue	 ve_link;		/* list in address order, or the list of a copy */
	struct vm_entry	*ve_left, *ve_right, *ve_parent;
	uint64_t	 ve_start, ve_end;
	uint64_t	 ve_gap;		/* free bytes before ve_start */
	uint64_t	 ve_max_gap;		/* largest ve_gap of the subtree */
	struct vm_amap	*ve_amap;		/* anonymous memory, perhaps over an object; or NULL */
	struct vm_object *ve_object;		/* else: a memory object mapped directly */
	uint64_t	 ve_index;		/* page number of ve_start in either */
	uint32_t	 ve_priority;		/* heap order of the treap */
	uint16_t	 ve_wired;		/* wirings by the kernel or users */
	uint8_t		 ve_prot, ve_max_prot;
	uint8_t		 ve_wired_prot;		/* access the pages were wired for */
	uint8_t		 ve_inherit;
	uint8_t		 ve_cache;		/* PMAP_CACHE_* of device memory */
};

struct vm_entry_tree {
	struct vm_entry	*et_root;
	struct queue	 et_list;
	struct vm_entry	*et_hint;		/* last found; readers may race to set it */
	uint64_t	 et_min, et_max;
	uint32_t	 et_count;
	uint32_t	 et_seed;
};

void	vm_entry_tree_init(struct vm_entry_tree *, uint64_t min, uint64_t max, uint32_t seed);
/* => the entry that contains addr, or NULL */
struct vm_entry	*vm_entry_find(struct vm_entry_tree *, uint64_t addr);
/* => the entry that contains addr, else the first above it, else NULL */
struct vm_entry	*vm_entry_find_from(struct vm_entry_tree *, uint64_t addr);
struct vm_entry	*vm_entry_next(const struct vm_entry_tree *, const struct vm_entry *);
struct vm_entry	*vm_entry_prev(const struct vm_entry_tree *, const struct vm_entry *);
struct vm_entry	*vm_entry_first(const struct vm_entry_tree *);
/* => its range is free */
void	vm_entry_insert(struct vm_entry_tree *, struct vm_entry *);
void	vm_entry_remove(struct vm_entry_tree *, struct vm_entry *);
/* move the bounds of an entry within its surroundings */
void	vm_entry_resize(struct vm_entry_tree *, struct vm_entry *, uint64_t start, uint64_t end);
/* lowest free range of size bytes at or above from, with (start & mask) == 0. => false when there is none */
bool	vm_entry_find_space(struct vm_entry_tree *, uint64_t from, uint64_t size, uint64_t mask, uint64_t *start);
/* whole-structure check for tests and debug builds */
bool	vm_entry_tree_check(const struct vm_entry_tree *);

#endif
