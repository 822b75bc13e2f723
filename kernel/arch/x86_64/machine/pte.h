/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table entries, and what pmap's files share. */
#ifndef MACHINE_PTE_H
#define MACHINE_PTE_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <machine/pmap.h>

typedef uint64_t pte_t;

#define PTE_P		0x1ull
#define PTE_W		0x2ull
#define PTE_U		0x4ull
#define PTE_WT		0x8ull
#define PTE_CD		0x10ull
#define PTE_A		0x20ull
#define PTE_D		0x40ull
#define PTE_LARGE	0x80ull
#define PTE_PAT		0x80ull			/* in a 4 KiB entry */
#define PTE_G		0x100ull
#define PTE_WIRED	0x200ull		/* software */
#define PTE_MANAGED	0x400ull		/* software: has a pv entry */
#define PTE_NX		(cpu_features.nx ? 1ull << 63 : 0)
#define PTE_ADDR	0x000ffffffffff000ull

#define PT_ENTRIES	512
#define PT_INDEX(va, level)	((va) >> (12 + 9 * (level)) & 511)
#define PT_SPAN(level)		(1ull << (12 + 9 * (level)))	/* bytes one entry of that level maps */

#define KERNEL_SLOT	256			/* first top-level entry of the kernel half */

/*
 * Legend: (I) immutable; (p) pm_lock; (a) atomic. Entries of managed pages change under the page's PV lock
 * as well as pm_lock, or under the PV lock alone (pmap_page_protect); tables are freed under pm_lock, empty.
 */
struct pmap {
	struct spinlock	 pm_lock;
	pte_t		*pm_root;		/* (I) */
	uint64_t	 pm_cr3;		/* (I) its physical address */
	uint64_t	 pm_id;			/* (I) never used again */
	uint64_t	 pm_generation;		/* (a) raised by every change that can leave stale TLB entries */
	uint64_t	 pm_resident;		/* (p)(a) pages mapped */
	uint64_t	 pm_tables;		/* (p) page-table pages below the root */
	uint32_t	 pm_unflushed;		/* (a) mappings in unmap batches */
	uint64_t	 pm_cpus[];		/* (a) bit per CPU that has it loaded */
};

/* a range of a pmap whose TLB entries must go; more than TLB_PAGES_MAX pages flush all */
#define TLB_PAGES_MAX	16
struct tlb_batch {
	struct pmap	*tb_pmap;
	uint32_t	 tb_count;
	uint64_t	 tb_pages[TLB_PAGES_MAX];
};

/* not an initialiser: clearing the array costs more than most flushes */
static inline void tlb_batch_init(struct tlb_batch *tb, struct pmap *pm)
{
	tb->tb_pmap = pm;
	tb->tb_count = 0;
}
void	tlb_batch_add(struct tlb_batch *, uint64_t va);
void	tlb_flush(struct tlb_batch *);		/* => pre-emption off; returns when no CPU has them */
bool	tlb_is_remote(const struct pmap *);	/* another CPU may have entries of it */
void	pmap_cpu_set(struct pmap *, uint32_t id, bool on);

pte_t	*pmap_walk(struct pmap *, uint64_t va);	/* the 4 KiB entry or NULL */

#endif
