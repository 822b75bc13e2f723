/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_amap: a region of anonymous memory, perhaps over a memory object (a private mapping). Slot i is
 *         the anon in the tree, else page am_backing_index + i of the backing object, else zeros.
 *         Copying a region makes a second amap which shares the tree: constant time, whatever its size or history.
 *         Sharing a region truly (VM_INHERIT_SHARE) makes two entries point to one amap.
 * REFS    one per map entry; the parts of a clipped entry share one, with disjoint slots.
 *
 * Legend: (I) immutable; (l) am_lock; (a) atomic; (o) lock of the backing object.
 */
#ifndef VM_AMAP_H
#define VM_AMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/kern_return.h>
#include <vm/anon.h>
#include <vm/ptree.h>

struct vm_object;
struct vm_page;
struct pmap;

struct vm_amap {
	struct spinlock	 am_lock;
	uint32_t	 am_refs;		/* (a) */
	struct ptree	 am_tree;		/* (l) of struct vm_anon */
	uint64_t	 am_slots;		/* (l) slots ever given out: an entry grows only into fresh ones */
	bool		 am_shared;		/* (l) several maps may share it; see vm_amap_shared_locked */
	struct vm_object *am_backing;		/* (I) referenced */
	uint64_t	 am_backing_index;	/* (I) */
	struct queue	 am_copies_link;	/* (o) vo_copies */
};

void		 vm_amap_bootstrap(void);
/* => NULL on shortage; takes its own reference to backing */
struct vm_amap	*vm_amap_create(uint64_t slots, struct vm_object *backing, uint64_t backing_index);
void		 vm_amap_ref(struct vm_amap *);
/* => the caller's mappings of it are gone; no locks that rank above VM_CACHE */
void		 vm_amap_release(struct vm_amap *);
/* a copy of slots [first, first + count): the same slot numbers in a new amap; NULL on shortage.
   => the caller write-protects its mappings afterwards (vm_amap_protect when am_shared) */
struct vm_amap	*vm_amap_copy(struct vm_amap *, uint64_t first, uint64_t count);
/* lower all mappings, in any map, of the resident pages in the slots to read-only */
void		 vm_amap_write_protect(struct vm_amap *, uint64_t first, uint64_t count);
void		 vm_amap_set_shared(struct vm_amap *);
/* do several maps share it, so that changes must reach all of them? => the caller has an entry of it, its map locked */
bool		 vm_amap_is_shared(struct vm_amap *);

/* the same, am_lock held: when the caller's reference is the only one, sharing is over */
static inline bool
vm_amap_shared_locked(struct vm_amap *am)
{
	if (am->am_shared && __atomic_load_n(&am->am_refs, __ATOMIC_ACQUIRE) == 1)
		am->am_shared = false;
	return am->am_shared;
}
/* drop slots which no entry covers any more */
void		 vm_amap_clear(struct vm_amap *, uint64_t first, uint64_t count);
/* => true when slots [end, end + count) were fresh and are now given to the caller, whose entry ends at `end` */
bool		 vm_amap_extend(struct vm_amap *, uint64_t end, uint64_t count);

/* the neighbours in one leaf have one anon lock */
static inline uint64_t
vm_amap_anon_group(const struct vm_amap *am, uint64_t slot)
{
	return (uintptr_t)am + (slot >> PTREE_SHIFT);
}
/* put a fresh page into an empty slot, or discard it. => am_lock held; KERN_RESOURCE_SHORTAGE: the page is still the caller's */
kern_return_t	 vm_amap_insert_locked(struct vm_amap *, uint64_t slot, struct vm_page *);
/* take the page out of a slot nobody shares, without copying; NULL when it cannot be taken */
struct vm_page	*vm_amap_steal(struct vm_amap *, uint64_t slot);
/* its pages have arrived at their pager: memory of that task like any other, no longer the laundry's */
void		 vm_amap_dry(struct vm_amap *);
uint64_t	 vm_amap_resident(struct vm_amap *, uint64_t first, uint64_t count);

#endif
