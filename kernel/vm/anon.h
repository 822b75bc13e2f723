/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_anon: one page of anonymous memory. Its contents may be changed only by a holder who has the
 *         only reference, through a path of nodes nobody shares (ptree.h).
 * STATES            an_page   an_slot   an_transit
 *         resident  page      0         no         no other copy anywhere
 *         clean     page      slot      no         the slot has the same contents: mapped read-only, a write gives it back
 *         transit   NULL      slot      yes        on its way to the slot: whoever wants the page waits for the anon
 *         out       NULL      slot      no         only in the slot: a fault asks the default pager
 *         resident -> transit -> out -> clean -> resident | out; transit -> resident when it cannot be sent.
 * REFS    one per leaf slot that points at it; one of the pageout daemon while it is about to take the page.
 * LOCKS   the anon lock (VM_ANON) is one of ANON_LOCKS, chosen at creation so that neighbours share it. A page is
 *         mapped, pinned, wired, and comes to and leaves the anon under it.
 *
 * Legend: (I) immutable; (n) anon lock; (a) atomic.
 */
#ifndef VM_ANON_H
#define VM_ANON_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <vm/page.h>
#include <vm/ptree.h>

#define ANON_LOCKS	128

struct vm_anon {
	uint32_t	 an_refs;		/* (a) */
	uint32_t	 an_lock : 7;		/* (I) */
	uint32_t	 an_transit : 1;	/* (n) */
	uint32_t	 an_slot : 24;		/* (n) of swap space; 0: none */
	struct vm_page	*an_page;		/* (n) */
};

struct anon_lock {
	struct spinlock	 al_lock;
} __attribute__((aligned(64)));

extern const struct ptree_ops vm_anon_ops;
extern struct anon_lock vm_anon_locks[ANON_LOCKS];

void		 vm_anon_bootstrap(void);
/* owns the page; `group` chooses the lock. NULL on shortage: the page is still the caller's */
struct vm_anon	*vm_anon_create(struct vm_page *, uint64_t group);
void		 vm_anon_release(struct vm_anon *);

/* => a reference held, or the lock of what points at it. The lock outlives the anon: unlock with the result */
static inline struct spinlock *
vm_anon_lock(const struct vm_anon *an)
{
	struct spinlock *l = &vm_anon_locks[an->an_lock].al_lock;

	spin_lock(l);
	return l;
}

/* is the caller's reference the only one but the daemon's? => anon locked, path exclusive */
static inline bool
vm_anon_sole_locked(const struct vm_anon *an)
{
	return __atomic_load_n(&an->an_refs, __ATOMIC_ACQUIRE) ==
	    1u + (an->an_page != NULL && an->an_page->pg_queue == PAGE_QUEUE_OUT);
}

/* its contents are going to differ from what the slot has. => anon locked, page there */
void		 vm_anon_dirty_locked(struct vm_anon *);
/* the page leaves the anon, which has only the caller's reference. => anon locked; NULL: it is not there, or wired */
struct vm_page	*vm_anon_steal_locked(struct vm_anon *);

/* for the pageout daemon */

/* => under the queue lock of a page of the anon: false when the anon is on its way out */
bool		 vm_anon_try_ref(struct vm_anon *);
/* for the pageout daemon: the page, unmapped and unpinned, leaves for `slot` (used up when nobody wants the anon any more or its slot
   has the contents). => true: the page is the caller's, the anon in transit until vm_anon_sent; false: nothing is to be sent, *gone
   says whether the page was freed */
bool		 vm_anon_page_out(struct vm_anon *, struct vm_page *, uint32_t slot, bool *gone);
/* the page was sent, or else comes back. => consumes the daemon's reference; and that to the page when it comes back */
void		 vm_anon_sent(struct vm_anon *, struct vm_page *, bool sent);
/* a page fetched from `slot` becomes the anon's, if it still wants it; else it is freed. => no anon lock held */
void		 vm_anon_page_in(struct vm_anon *, uint32_t slot, struct vm_page *);

#endif
