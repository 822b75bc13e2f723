/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_page: one physical page of RAM. 64 bytes, in one array per range of RAM.
 * STATES  pg_state:
 *           FREE    first page of a free block of 2^pg_order pages, on a buddy list; pg_link used
 *           TAIL    inside such a block
 *           CACHED  in a processor's cache of free pages
 *           KERNEL  in use by the kernel (page tables, slabs, stacks), or in transit; no owner
 *           ANON    pg_owner is the struct anon that holds it
 *           OBJECT  pg_owner is the struct vm_object whose page pg_index it is; pg_flags in use
 *         FREE/TAIL -> CACHED -> KERNEL <-> ANON | OBJECT; KERNEL -> CACHED -> FREE.
 * REFS    pg_refs: one for the owner, one for each pin (vm_page_pin): the kernel reading or writing it through
 *         the direct map, and each wiring. The last release frees it, so that a pinned page outlives its owner.
 *
 * Legend: (I) immutable; (o) lock of the owner (amap or object); (q) lock of the page queue it is on;
 * (f) free list lock or the CPU's cache; (p) pmap; (a) atomic.
 */
#ifndef VM_PAGE_H
#define VM_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/queue.h>
#include <machine/pmap.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE	4096ull
#define PAGE_MASK	(PAGE_SIZE - 1)
#define PAGE_SHIFT	12
#endif
#define page_trunc(x)	((x) & ~(uint64_t)PAGE_MASK)
#define page_round(x)	(((x) + PAGE_MASK) & ~(uint64_t)PAGE_MASK)

enum page_state { PAGE_TAIL, PAGE_FREE, PAGE_CACHED, PAGE_KERNEL, PAGE_ANON, PAGE_OBJECT };

/* pg_flags of object pages (o) */
#define PG_BUSY		0x01	/* its data is on the way in: wait */
#define PG_ABSENT	0x02	/* asked of the pager, not yet supplied (always BUSY too) */
#define PG_ERROR	0x04	/* the pager could not give it */
#define PG_WANTED	0x08	/* someone waits for it */
#define PG_DIRTY	0x10	/* differs from what the pager has */
#define PG_PRECIOUS	0x20	/* the pager wants it back although clean */
#define PG_SEEN		0x40	/* a private copy was made of or maps it: it must keep its value for the copies */

/* of a page in transit */
#define PG_LAUNDRY	0x80	/* sent to its pager by the pageout daemon, which waits for such pages to come free; pg_lock says
				   which laundry it counts in. On no queue */

/* page queues */
#define PAGE_QUEUE_NONE		0
#define PAGE_QUEUE_ACTIVE	1
#define PAGE_QUEUE_INACTIVE	2
#define PAGE_QUEUE_OUT		3	/* on none: the pageout daemon is about to take it. Whoever maps it first activates it, and
					   the daemon lets it be. Set and left under the owner's lock and the queue lock. */

#define VM_PAGE_MAX_ORDER	14	/* 64 MiB blocks */

struct vm_page {
	struct queue	 pg_link;	/* (f)(q) */
	void		*pg_owner;	/* (o) */
	uint64_t	 pg_index;	/* (o) page number in the object */
	struct vm_page_md pg_md;	/* (p) */
	uint32_t	 pg_pfn;	/* (I) */
	uint32_t	 pg_refs;	/* (a) */
	uint16_t	 pg_wired;	/* (a) wirings, counted in pg_refs too */
	uint8_t		 pg_order;	/* (f) */
	uint8_t		 pg_state;	/* (f)(o) */
	uint8_t		 pg_queue;	/* (q) */
	uint8_t		 pg_queue_set;	/* (q) which of the queue sets */
	uint8_t		 pg_flags;	/* (o) */
	uint8_t		 pg_lock;	/* (o) access the pager forbids now: VM_PROT_*, high nibble: asked to be lifted */
};

_Static_assert(sizeof(struct vm_page) <= 64, "struct vm_page");

/* per-CPU event counts, summed by vm_statistics */
struct vm_events {
	uint64_t ve_faults, ve_zero_fill, ve_cow, ve_pageins, ve_pageouts, ve_reactivations, ve_lookups, ve_hits;
};

void		 vm_page_bootstrap(void);		/* from boot_memory[] */
/* RAM that becomes usable later (boot modules no longer needed); page aligned. Boot processor, before other CPUs */
void		 vm_page_add_range(pmap_paddr_t start, pmap_paddr_t end);
/* one page, contents undefined, one reference; NULL when none (never sleeps). Privileged threads may use the reserve. */
struct vm_page	*vm_page_grab(void);
/* drop the owner's reference: no owner, no mapping left */
void		 vm_page_release(struct vm_page *);
void		 vm_page_pin(struct vm_page *);		/* => under the owner's lock */
void		 vm_page_unpin(struct vm_page *);
void		 vm_page_wire(struct vm_page *);	/* => under the owner's lock */
void		 vm_page_unwire(struct vm_page *);
/* sleep until pages are free; => no locks held; false: nothing came free in a bounded time, give up */
bool		 vm_page_wait(void);
bool		 vm_page_wait_rounds(unsigned rounds);	/* of 20 ms */
/* somebody who sleeps there may look again; nothing locked that ranks at or above WAIT_HASH. Cheap when nobody does */
void		 vm_page_wake(void);
#define PAGE_WAIT_SHORT	25
#define PAGE_WAIT_LONG	500
/* 2^order contiguous pages inside [min, max), aligned; one reference each; NULL when none */
struct vm_page	*vm_page_grab_contig(unsigned order, pmap_paddr_t min, pmap_paddr_t max);
void		 vm_page_release_contig(struct vm_page *, unsigned order);
struct vm_page	*vm_page_from_phys(pmap_paddr_t);	/* NULL: not managed RAM */
uint64_t	 vm_page_free_count(void);
uint64_t	 vm_page_total(void);
uint64_t	 vm_page_wired_count(void);
/* the laundry: the default pager's is apart, so that no other pager can fill it */
enum laundry { LAUNDRY_USER, LAUNDRY_SWAP, LAUNDRY_KINDS };
void		 vm_page_to_laundry(struct vm_page *, enum laundry);	/* => the page is the caller's alone */
void		 vm_page_from_laundry(struct vm_page *);	/* whatever it was; no flags and no lock afterwards */
uint64_t	 vm_page_laundry_count(enum laundry);
uint64_t	 vm_page_laundered(void);		/* pages that ever came out of it */
bool		 vm_page_low(void);			/* the pageout daemon should run */
bool		 vm_page_enough(uint64_t coming);	/* not low when that many more come free */
bool		 vm_page_scarce(void);			/* nothing is left but the reserve: no page for a luxury */
void		 vm_page_events(struct vm_events *sum);
struct vm_events *vm_page_my_events(void);		/* this CPU's; approximate when pre-empted */

static inline pmap_paddr_t
vm_page_to_phys(const struct vm_page *p)
{
	return (pmap_paddr_t)p->pg_pfn << PAGE_SHIFT;
}

static inline void *
vm_page_kv(const struct vm_page *p)
{
	return phys_to_kv(vm_page_to_phys(p));
}

static inline struct vm_page_md *
vm_page_md(struct vm_page *p)
{
	return &p->pg_md;
}

/* kernel pages for page tables, slabs, stacks: direct-map address, zeroed when asked */
void		*kpage_alloc(bool zero);
void		 kpage_free(void *);

/* page queues (pageq.c) */
void		 vm_pageq_bootstrap(void);
void		 vm_pageq_activate(struct vm_page *);
void		 vm_pageq_remove(struct vm_page *);
void		 vm_pageq_counts(bool objects_only, uint64_t *active, uint64_t *inactive);

#endif
