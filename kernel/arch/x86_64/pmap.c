/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Physical maps: 4-level page tables, made on demand, and for every managed page the list of its mappings.
 * REFS    a pmap belongs to one vm_map. A page's pv list never outlives the mapping.
 * LOCKS   pm_lock, then one PV lock (hashed by page). pmap_page_protect comes from the page and takes only the PV lock:
 *         entries of managed pages change under it, with atomic operations because the processor writes A and D.
 *         A PV lock bucket counts the unmappings whose TLB entries may still live on other CPUs (pb_pending); whoever
 *         finds a page unmapped through the bucket waits for them, so that the page is not reused too early.
 * TESTS   tests/boot: vm, smp stress.
 */
#include <stddef.h>
#include <debug/pause.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/pte.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <vm/page.h>

#define PV_REFERENCED	0x1
#define PV_MODIFIED	0x2

struct pv_entry {
	struct pv_entry	*pv_next;
	struct pmap	*pv_pmap;
	uint64_t	 pv_va;
};

#define PV_BUCKETS	1024
struct pv_bucket {
	struct spinlock	pb_lock;
	uint32_t	pb_pending;		/* (a) */
} __attribute__((aligned(64)));

static const struct lock_class pmap_class = { "pmap", LOCK_RANK_PMAP, 0 };
static const struct lock_class pv_class = { "pv", LOCK_RANK_PV, 0 };
static struct pv_bucket pv_buckets[PV_BUCKETS];
static struct slab_cache *pmap_cache, *pv_cache;
static uint64_t pmap_next_id = 1;		/* (a) */
uint8_t *tlb_pending;

void pmap_init(void)
{
	size_t words = (plat_cpu_count + 63) / 64;

	spin_lock_init(&kernel_pmap->pm_lock, &pmap_class);
	for (unsigned i = 0; i < PV_BUCKETS; i++)
		spin_lock_init(&pv_buckets[i].pb_lock, &pv_class);
	pmap_cache = slab_cache_create("pmap", sizeof(struct pmap) + words * 8, 16);
	pv_cache = slab_cache_create("pv", sizeof(struct pv_entry), 8);
	tlb_pending = kzalloc(plat_cpu_count);
	if (pmap_cache == NULL || pv_cache == NULL || tlb_pending == NULL)
		panic("no memory for pmap");
	pmap_allocators_ready();
}

static struct pv_bucket *bucket_of(pmap_paddr_t pa)
{
	return &pv_buckets[(pa >> 12) * 0x9e3779b1u >> 8 & (PV_BUCKETS - 1)];
}

struct pmap *pmap_create(void)
{
	struct pmap *pm = slab_zalloc(pmap_cache);
	pte_t *root;

	if (pm == NULL)
		return NULL;
	root = kpage_alloc(true);
	if (root == NULL) {
		slab_free(pmap_cache, pm);
		return NULL;
	}
	memcpy(root + KERNEL_SLOT, kernel_pmap->pm_root + KERNEL_SLOT, (PT_ENTRIES - KERNEL_SLOT) * sizeof(pte_t));
	spin_lock_init(&pm->pm_lock, &pmap_class);
	pm->pm_root = root;
	pm->pm_cr3 = kv_to_phys(root);
	pm->pm_id = __atomic_fetch_add(&pmap_next_id, 1, __ATOMIC_RELAXED);
	counter_add(COUNT_PMAP, 1);
	return pm;
}

/* entries to pass over from slot on, at most n: most of a table is empty, so eight are looked at in one go */
static inline unsigned empty_run(const pte_t *slot, unsigned n)
{
	unsigned i = 0;

	while (i + 8 <= n && !((slot[i] | slot[i + 1] | slot[i + 2] | slot[i + 3] | slot[i + 4] | slot[i + 5] |
	    slot[i + 6] | slot[i + 7]) & PTE_P))
		i += 8;
	while (i < n && !(slot[i] & PTE_P))
		i++;
	return i;
}

static void free_tables(pte_t *table, int level)
{
	unsigned n = level == 3 ? KERNEL_SLOT : PT_ENTRIES, i;

	if (level > 0) {
		for (i = empty_run(table, n); i < n; i += 1 + empty_run(table + i + 1, n - i - 1))
			free_tables(phys_to_kv(table[i] & PTE_ADDR), level - 1);
	}
	kpage_free(table);
}

static void leave_pmap(void *arg)
{
	struct cpu *cpu = cpu_self();

	if (cpu->cp_pmap == arg)
		pmap_switch(cpu, kernel_pmap);
}

void pmap_destroy(struct pmap *pm)
{
	/* loaded still under an idle or kernel thread */
	if (cpu_self()->cp_pmap == pm || tlb_is_remote(pm))
		cpu_call_all(leave_pmap, pm);
	/* the map was cleared before: to look through all of an empty address space would be most of a fork's end */
	if (__atomic_load_n(&pm->pm_resident, __ATOMIC_ACQUIRE) != 0)
		pmap_remove(pm, 0, 1ull << 47);
	/* pmap_page_protect takes mappings away too; counting them down is the last it does with the pmap */
	while (__atomic_load_n(&pm->pm_resident, __ATOMIC_ACQUIRE) != 0)
		smp_poll();
	free_tables(pm->pm_root, 3);
	slab_free(pmap_cache, pm);
	counter_add(COUNT_PMAP, -1);
}

/* => the level-0 entry, or NULL when a table on the way is missing */
pte_t *pmap_walk(struct pmap *pm, uint64_t va)
{
	pte_t *table = pm->pm_root;

	for (int level = 3; level > 0; level--) {
		/* not every caller holds pm_lock: a table once there stays */
		pte_t e = __atomic_load_n(&table[PT_INDEX(va, level)], __ATOMIC_ACQUIRE);

		if (!(e & PTE_P) || (e & PTE_LARGE))
			return NULL;
		table = phys_to_kv(e & PTE_ADDR);
	}
	return table + PT_INDEX(va, 0);
}

/* => pm_lock held; tables made as needed; NULL on shortage */
static pte_t *walk_make(struct pmap *pm, uint64_t va)
{
	pte_t *table = pm->pm_root;
	pte_t user = pm == kernel_pmap ? 0 : PTE_U;

	for (int level = 3; level > 0; level--) {
		pte_t *e = table + PT_INDEX(va, level);

		if (!(*e & PTE_P)) {
			void *page = kpage_alloc(true);

			if (page == NULL)
				return NULL;
			pm->pm_tables++;
			__atomic_store_n(e, kv_to_phys(page) | PTE_P | PTE_W | PTE_A | user, __ATOMIC_RELEASE);
		}
		table = phys_to_kv(*e & PTE_ADDR);
	}
	return table + PT_INDEX(va, 0);
}

/* the next address from va on whose table chain exists, at most end: skips holes by whole tables */
static uint64_t skip_hole(struct pmap *pm, uint64_t va, uint64_t end)
{
	while (va < end) {
		pte_t *table = pm->pm_root;
		unsigned i;
		int level = 3;

		for (; level > 0; level--) {
			pte_t e = table[PT_INDEX(va, level)];

			if (!(e & PTE_P))
				break;
			table = phys_to_kv(e & PTE_ADDR);
		}
		if (level == 0)
			return va;
		/* along this table to its next entry in use */
		i = PT_INDEX(va, level);
		va &= ~(PT_SPAN(level) - 1);
		do {
			va += PT_SPAN(level);
			i++;
		} while (i < PT_ENTRIES && va < end && !(table[i] & PTE_P));
		if (va == 0)
			return end;
	}
	return end;
}

static pte_t make_flags(const struct pmap *pm, vm_prot_t prot, bool wired, unsigned cache)
{
	pte_t e = PTE_P | PTE_A;

	e |= pm == kernel_pmap ? (cpu_features.pge ? PTE_G : 0) : PTE_U;
	e |= prot & VM_PROT_WRITE ? PTE_W : 0;
	e |= prot & VM_PROT_EXECUTE ? 0 : PTE_NX;
	e |= wired ? PTE_WIRED : 0;
	if (cache == PMAP_CACHE_OFF)
		e |= PTE_CD | PTE_WT;
	else if (cache == PMAP_CACHE_WC)
		e |= PTE_PAT;
	return e;
}

static void pv_keep_bits(struct vm_page_md *md, pte_t e)
{
	if (e & PTE_A)
		md->pv_flags |= PV_REFERENCED;
	if (e & PTE_D)
		md->pv_flags |= PV_MODIFIED;
}

/* => PV lock of the page held; what is no more in the list, for the caller to free */
static inline struct pv_entry *pv_unlink(struct vm_page_md *md, struct pmap *pm, uint64_t va)
{
	struct pv_entry **p = &md->pv_list, *pv;

	while ((pv = *p) != NULL) {
		if (pv->pv_va == va && pv->pv_pmap == pm) {
			*p = pv->pv_next;
			counter_add(COUNT_PV, -1);
			return pv;
		}
		p = &pv->pv_next;
	}
	panic("pmap: mapping of %#lx is not in its page's list", (unsigned long)va);
}

/*
 * => pm_lock held. Take one mapping away; the entry is cleared, not yet flushed.
 * => what is to be freed, and when pending is wanted the bucket, which is marked until the caller has flushed; NULL: nothing of both
 */
static inline __attribute__((always_inline)) struct pv_entry *remove_entry(struct pmap *pm, uint64_t va, pte_t *slot,
    struct pv_bucket **pending)
{
	struct pv_entry *pv;
	struct pv_bucket *b;
	struct vm_page *page;
	pte_t e;

	pause_spin("pmap removes");
	e = __atomic_load_n(slot, __ATOMIC_RELAXED);
	/* here or below: pmap_page_protect was faster, counted it, and waits for its own flush */
	if (!(e & PTE_P))
		return NULL;
	if (!(e & PTE_MANAGED)) {
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&pm->pm_resident, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	b = bucket_of(e & PTE_ADDR);
	spin_lock(&b->pb_lock);
	e = __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL);
	if (!(e & PTE_P)) {
		spin_unlock(&b->pb_lock);
		return NULL;
	}
	page = vm_page_from_phys(e & PTE_ADDR);
	pv_keep_bits(vm_page_md(page), e);
	pv = pv_unlink(vm_page_md(page), pm, va);
	if (pending != NULL) {
		__atomic_add_fetch(&b->pb_pending, 1, __ATOMIC_RELAXED);
		*pending = b;
	}
	spin_unlock(&b->pb_lock);
	__atomic_sub_fetch(&pm->pm_resident, 1, __ATOMIC_RELAXED);
	return pv;
}

#define REMOVE_BATCH	64
struct remove_state {
	struct tlb_batch tlb;
	unsigned	 count;
	bool		 remote;		/* the buckets are marked */
	struct pv_bucket *bucket[REMOVE_BATCH];
	void		*pv[REMOVE_BATCH];
};

static void remove_flush(struct remove_state *rs)
{
	tlb_flush(&rs->tlb);
	for (unsigned i = 0; rs->remote && i < rs->count; i++)
		__atomic_sub_fetch(&rs->bucket[i]->pb_pending, 1, __ATOMIC_RELEASE);
	slab_free_many(pv_cache, rs->pv, rs->count);
}

/* one stretch, at most a table's worth and REMOVE_BATCH mappings, under one hold of the lock; => where to go on */
static uint64_t remove_some(struct pmap *pm, uint64_t va, uint64_t end)
{
	struct remove_state rs;
	uint64_t stop;
	pte_t *slot;

	tlb_batch_init(&rs.tlb, pm);
	rs.count = 0;
	rs.remote = cpu_count > 1;
	spin_lock(&pm->pm_lock);
	va = skip_hole(pm, va, end);
	if (va < end) {
		stop = (va & ~(PT_SPAN(1) - 1)) + PT_SPAN(1);
		if (stop > end || stop == 0)
			stop = end;
		for (slot = pmap_walk(pm, va); va < stop && rs.tlb.tb_count < REMOVE_BATCH; va += PAGE_SIZE, slot++) {
			if (!(*slot & PTE_P)) {
				unsigned skip = empty_run(slot, (stop - va) / PAGE_SIZE);

				va += skip * PAGE_SIZE;
				slot += skip;
				if (va >= stop)
					break;
			}
			rs.pv[rs.count] = remove_entry(pm, va, slot, rs.remote ? &rs.bucket[rs.count] : NULL);
			rs.count += rs.pv[rs.count] != NULL;
			tlb_batch_add(&rs.tlb, va);
		}
		remove_flush(&rs);
	}
	spin_unlock(&pm->pm_lock);
	return va;
}

void pmap_remove(struct pmap *pm, uint64_t start, uint64_t end)
{
	while (start < end)
		start = remove_some(pm, start, end);
}

/* => pm_lock held; page's PV lock not. Links the mapping and sets the entry. */
static inline void link_entry(struct pmap *pm, uint64_t va, pte_t *slot, pte_t e, struct vm_page *page, struct pv_entry *pv)
{
	struct vm_page_md *md = vm_page_md(page);
	struct pv_bucket *b = bucket_of(e & PTE_ADDR);

	pv->pv_pmap = pm;
	pv->pv_va = va;
	spin_lock(&b->pb_lock);
	pv->pv_next = md->pv_list;
	md->pv_list = pv;
	__atomic_store_n(slot, e | PTE_MANAGED, __ATOMIC_RELEASE);
	spin_unlock(&b->pb_lock);
	counter_add(COUNT_PV, 1);
}

/* same page already mapped here: protection, wiring or caching change. => false: another page or none there */
static bool enter_same(struct pmap *pm, uint64_t va, pte_t *slot, pte_t new)
{
	struct pv_bucket *b = bucket_of(new & PTE_ADDR);
	struct tlb_batch tb;
	pte_t old = __atomic_load_n(slot, __ATOMIC_RELAXED);
	bool same;

	tlb_batch_init(&tb, pm);
	if (!(old & PTE_P) || ((old ^ new) & PTE_ADDR))
		return false;
	if (!(old & PTE_MANAGED)) {
		__atomic_store_n(slot, new, __ATOMIC_RELEASE);
		tlb_batch_add(&tb, va);
		tlb_flush(&tb);
		return true;
	}
	spin_lock(&b->pb_lock);
	old = __atomic_load_n(slot, __ATOMIC_RELAXED);
	same = (old & PTE_P) != 0;
	while (same && !__atomic_compare_exchange_n(slot, &old, new | PTE_MANAGED | (old & (PTE_A | PTE_D)), false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		same = (old & PTE_P) != 0;
	spin_unlock(&b->pb_lock);
	/* only a right taken away must be told to others; one granted faults at worst once more */
	if (same && ((old & ~new & PTE_W) || (new & ~old & PTE_NX))) {
		tlb_batch_add(&tb, va);
		tlb_flush(&tb);
	} else if (same) {
		invlpg(va);
	}
	return same;
}

/* another page is mapped here: away with it. => pm_lock held; noinline: its batch of addresses is not for the common path */
static __attribute__((noinline)) void replace_entry(struct pmap *pm, uint64_t va, pte_t *slot)
{
	struct pv_bucket *b = NULL;
	struct pv_entry *pv = remove_entry(pm, va, slot, cpu_count > 1 ? &b : NULL);
	struct tlb_batch tb;

	tlb_batch_init(&tb, pm);
	tlb_batch_add(&tb, va);
	tlb_flush(&tb);
	if (b != NULL)
		__atomic_sub_fetch(&b->pb_pending, 1, __ATOMIC_RELEASE);
	if (pv != NULL)
		slab_free(pv_cache, pv);
}

kern_return_t pmap_enter(struct pmap *pm, uint64_t va, pmap_paddr_t pa, struct vm_page *page, vm_prot_t prot,
    bool wired, unsigned cache)
{
	pte_t new = (pa & PTE_ADDR) | make_flags(pm, prot, wired, cache);
	struct pv_entry *pv = NULL;
	pte_t *slot;

	if (page != NULL) {
		pv = slab_alloc(pv_cache);
		if (pv == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	spin_lock(&pm->pm_lock);
	slot = walk_make(pm, va);
	if (slot == NULL) {
		spin_unlock(&pm->pm_lock);
		if (pv != NULL)
			slab_free(pv_cache, pv);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (enter_same(pm, va, slot, new)) {
		if (pv != NULL)
			slab_free(pv_cache, pv);
	} else {
		if (*slot & PTE_P)
			replace_entry(pm, va, slot);
		__atomic_add_fetch(&pm->pm_resident, 1, __ATOMIC_RELAXED);
		if (page != NULL)
			link_entry(pm, va, slot, new, page, pv);
		else
			__atomic_store_n(slot, new, __ATOMIC_RELEASE);
	}
	spin_unlock(&pm->pm_lock);
	return KERN_SUCCESS;
}

#define ENTER_BATCH	16u

void pmap_enter_around(struct pmap *pm, uint64_t va, struct vm_page *const *pages, unsigned n, vm_prot_t prot)
{
	pte_t flags = make_flags(pm, prot, false, PMAP_CACHE_NORMAL), *slot = NULL;
	void *pv[ENTER_BATCH];
	unsigned entered = 0, ready = 0;

	spin_lock(&pm->pm_lock);
	for (unsigned i = 0; i < n; i++, va += PAGE_SIZE, slot += slot != NULL) {
		if (slot == NULL || PT_INDEX(va, 0) == 0)
			slot = pmap_walk(pm, va);
		if (pages[i] == NULL || slot == NULL || (*slot & PTE_P))
			continue;
		if (ready == 0 && (ready = slab_alloc_many(pv_cache, pv, n - i < ENTER_BATCH ? n - i : ENTER_BATCH)) == 0)
			break;
		link_entry(pm, va, slot, vm_page_to_phys(pages[i]) | flags, pages[i], pv[--ready]);
		entered++;
	}
	slab_free_many(pv_cache, pv, ready);
	__atomic_add_fetch(&pm->pm_resident, entered, __ATOMIC_RELAXED);
	spin_unlock(&pm->pm_lock);
}

/* what an entry loses and gains when it is lowered to a protection */
struct lowering {
	pte_t	lo_clear, lo_set;
};

static inline struct lowering lowering_to(vm_prot_t prot)
{
	return (struct lowering){ prot & VM_PROT_WRITE ? 0 : PTE_W, prot & VM_PROT_EXECUTE ? 0 : PTE_NX };
}

/* => a flush is needed */
static inline bool lower_entry(pte_t *slot, struct lowering lo)
{
	pte_t old = __atomic_load_n(slot, __ATOMIC_RELAXED);

	do {
		if (!(old & PTE_P) || (!(old & lo.lo_clear) && (old & lo.lo_set) == lo.lo_set))
			return false;
	} while (!__atomic_compare_exchange_n(slot, &old, (old & ~lo.lo_clear) | lo.lo_set, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

static uint64_t protect_some(struct pmap *pm, uint64_t va, uint64_t end, vm_prot_t prot)
{
	struct lowering lo = lowering_to(prot);
	struct tlb_batch tb;
	uint64_t stop;
	pte_t *slot;

	tlb_batch_init(&tb, pm);
	spin_lock(&pm->pm_lock);
	va = skip_hole(pm, va, end);
	if (va < end) {
		stop = (va & ~(PT_SPAN(1) - 1)) + PT_SPAN(1);
		if (stop > end || stop == 0)
			stop = end;
		for (slot = pmap_walk(pm, va); va < stop; va += PAGE_SIZE, slot++) {
			if (!(*slot & PTE_P)) {
				unsigned skip = empty_run(slot, (stop - va) / PAGE_SIZE);

				va += skip * PAGE_SIZE;
				slot += skip;
				if (va >= stop)
					break;
			}
			if (lower_entry(slot, lo))
				tlb_batch_add(&tb, va);
		}
		tlb_flush(&tb);
	}
	spin_unlock(&pm->pm_lock);
	return va;
}

/* rights are only taken away here; vm_fault gives them back one page at a time */
void pmap_protect(struct pmap *pm, uint64_t start, uint64_t end, vm_prot_t prot)
{
	if (!(prot & VM_PROT_READ) && !(prot & (VM_PROT_WRITE | VM_PROT_EXECUTE))) {
		pmap_remove(pm, start, end);
		return;
	}
	while (start < end)
		start = protect_some(pm, start, end, prot);
	/* what the pageout daemon has just unmapped in the range may be written through old TLB entries until it has flushed */
	while (__atomic_load_n(&pm->pm_unflushed, __ATOMIC_SEQ_CST) != 0)
		smp_poll();
}

/* => PV lock held */
static void page_remove_all(struct vm_page_md *md)
{
	struct pv_entry *pv;

	while ((pv = md->pv_list) != NULL) {
		struct tlb_batch tb;
		pte_t *slot = pmap_walk(pv->pv_pmap, pv->pv_va);
		pte_t e = __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL);

		tlb_batch_init(&tb, pv->pv_pmap);
		pv_keep_bits(md, e);
		tlb_batch_add(&tb, pv->pv_va);
		tlb_flush(&tb);
		md->pv_list = pv->pv_next;
		__atomic_sub_fetch(&pv->pv_pmap->pm_resident, 1, __ATOMIC_RELEASE);
		slab_free(pv_cache, pv);
		counter_add(COUNT_PV, -1);
	}
}

void pmap_page_protect(struct vm_page *page, vm_prot_t prot)
{
	struct pv_bucket *b = bucket_of(vm_page_to_phys(page));
	struct vm_page_md *md = vm_page_md(page);

	spin_lock(&b->pb_lock);
	if (prot == VM_PROT_NONE) {
		page_remove_all(md);
	} else {
		for (struct pv_entry *pv = md->pv_list; pv != NULL; pv = pv->pv_next) {
			struct tlb_batch tb;

			tlb_batch_init(&tb, pv->pv_pmap);
			if (lower_entry(pmap_walk(pv->pv_pmap, pv->pv_va), lowering_to(prot)))
				tlb_batch_add(&tb, pv->pv_va);
			tlb_flush(&tb);
		}
	}
	spin_unlock(&b->pb_lock);
	while (__atomic_load_n(&b->pb_pending, __ATOMIC_ACQUIRE) != 0)
		smp_poll();
}

/* mappings taken away and not yet flushed: each marks its page's bucket and counts in its pmap until then */
#define UNMAP_BATCH 64
struct unmap_batch {
	unsigned	 ub_count;
	struct {
		struct pmap	 *um_pmap;
		uint64_t	  um_va;
		struct pv_bucket *um_bucket;
	} ub_map[UNMAP_BATCH];
};

/* one shootdown for each pmap in the batch. => pre-emption off */
static void unmap_flush(struct unmap_batch *ub)
{
	uint64_t done = 0;

	for (unsigned i = 0; i < ub->ub_count; i++) {
		struct tlb_batch tb;

		if (done >> i & 1)
			continue;
		tlb_batch_init(&tb, ub->ub_map[i].um_pmap);
		for (unsigned j = i; j < ub->ub_count; j++) {
			if (ub->ub_map[j].um_pmap == tb.tb_pmap) {
				tlb_batch_add(&tb, ub->ub_map[j].um_va);
				done |= 1ull << j;
			}
		}
		tlb_flush(&tb);
	}
	for (unsigned i = 0; i < ub->ub_count; i++) {
		__atomic_sub_fetch(&ub->ub_map[i].um_bucket->pb_pending, 1, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&ub->ub_map[i].um_pmap->pm_unflushed, 1, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&ub->ub_map[i].um_pmap->pm_resident, 1, __ATOMIC_RELEASE);
	}
	ub->ub_count = 0;
}

/* => false: the batch is full, and the page may have mappings left */
static bool unmap_page(struct unmap_batch *ub, struct vm_page *page)
{
	struct pv_bucket *b = bucket_of(vm_page_to_phys(page));
	struct vm_page_md *md = vm_page_md(page);
	struct pv_entry *pv;

	spin_lock(&b->pb_lock);
	while ((pv = md->pv_list) != NULL && ub->ub_count < UNMAP_BATCH) {
		__atomic_add_fetch(&pv->pv_pmap->pm_unflushed, 1, __ATOMIC_SEQ_CST);
		pv_keep_bits(md, __atomic_exchange_n(pmap_walk(pv->pv_pmap, pv->pv_va), 0, __ATOMIC_ACQ_REL));
		ub->ub_map[ub->ub_count].um_pmap = pv->pv_pmap;
		ub->ub_map[ub->ub_count].um_va = pv->pv_va;
		ub->ub_map[ub->ub_count++].um_bucket = b;
		__atomic_add_fetch(&b->pb_pending, 1, __ATOMIC_RELAXED);
		md->pv_list = pv->pv_next;
		slab_free(pv_cache, pv);
		counter_add(COUNT_PV, -1);
	}
	spin_unlock(&b->pb_lock);
	return pv == NULL;
}

void pmap_remove_pages(struct vm_page *const *pages, unsigned n)
{
	struct unmap_batch ub;

	ub.ub_count = 0;
	preempt_disable();
	for (unsigned i = 0; i < n; i++)
		while (!unmap_page(&ub, pages[i]))
			unmap_flush(&ub);
	unmap_flush(&ub);
	preempt_enable();
	/* whoever took a mapping of one of them away at the same time has flushed it too */
	for (unsigned i = 0; i < n; i++)
		while (__atomic_load_n(&bucket_of(vm_page_to_phys(pages[i]))->pb_pending, __ATOMIC_ACQUIRE) != 0)
			smp_poll();
}

bool pmap_extract(struct pmap *pm, uint64_t va, pmap_paddr_t *pa)
{
	pte_t *slot;
	bool found;

	spin_lock(&pm->pm_lock);
	slot = pmap_walk(pm, va);
	found = slot != NULL && (*slot & PTE_P);
	if (found)
		*pa = (*slot & PTE_ADDR) | (va & PAGE_MASK);
	spin_unlock(&pm->pm_lock);
	return found;
}

static bool page_bit(struct vm_page *page, uint8_t flag, pte_t bit)
{
	struct pv_bucket *b = bucket_of(vm_page_to_phys(page));
	struct vm_page_md *md = vm_page_md(page);
	bool set;

	spin_lock(&b->pb_lock);
	for (struct pv_entry *pv = md->pv_list; pv != NULL && !(md->pv_flags & flag); pv = pv->pv_next) {
		if (__atomic_load_n(pmap_walk(pv->pv_pmap, pv->pv_va), __ATOMIC_RELAXED) & bit)
			md->pv_flags |= flag;
	}
	set = md->pv_flags & flag;
	spin_unlock(&b->pb_lock);
	return set;
}

/* flush: a cached D bit would let later writes go unnoticed; a cached A bit only makes the page look older */
static void page_clear_bit(struct vm_page *page, uint8_t flag, pte_t bit, bool flush)
{
	struct pv_bucket *b = bucket_of(vm_page_to_phys(page));
	struct vm_page_md *md = vm_page_md(page);

	spin_lock(&b->pb_lock);
	md->pv_flags &= ~flag;
	for (struct pv_entry *pv = md->pv_list; pv != NULL; pv = pv->pv_next) {
		struct tlb_batch tb;
		pte_t old = __atomic_fetch_and(pmap_walk(pv->pv_pmap, pv->pv_va), ~bit, __ATOMIC_ACQ_REL);

		tlb_batch_init(&tb, pv->pv_pmap);
		if (flush && (old & bit))
			tlb_batch_add(&tb, pv->pv_va);
		tlb_flush(&tb);
	}
	spin_unlock(&b->pb_lock);
}

bool pmap_is_modified(struct vm_page *page)
{
	return page_bit(page, PV_MODIFIED, PTE_D);
}

bool pmap_is_referenced(struct vm_page *page)
{
	return page_bit(page, PV_REFERENCED, PTE_A);
}

void pmap_clear_modified(struct vm_page *page)
{
	page_clear_bit(page, PV_MODIFIED, PTE_D, true);
}

void pmap_clear_referenced(struct vm_page *page)
{
	page_clear_bit(page, PV_REFERENCED, PTE_A, false);
}

uint64_t pmap_resident_count(struct pmap *pm)
{
	return __atomic_load_n(&pm->pm_resident, __ATOMIC_RELAXED);
}

/* => pm_lock held; true when the table at `level` below entry is empty and was taken off (freed by the caller) */
static bool table_is_empty(const pte_t *table)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		if (table[i] != 0)
			return false;
	}
	return true;
}

static uint64_t collect_level(struct pmap *pm, pte_t *table, int level)
{
	uint64_t freed = 0;

	for (unsigned i = 0; i < (level == 3 ? KERNEL_SLOT : PT_ENTRIES); i++) {
		pte_t *below;

		if (!(table[i] & PTE_P))
			continue;
		below = phys_to_kv(table[i] & PTE_ADDR);
		if (level > 1)
			freed += collect_level(pm, below, level - 1);
		if (table_is_empty(below)) {
			struct tlb_batch tb = { .tb_pmap = pm, .tb_count = TLB_PAGES_MAX + 1 };

			table[i] = 0;
			tlb_flush(&tb);		/* the processor caches upper entries too */
			kpage_free(below);
			freed++;
		}
	}
	return freed;
}

void pmap_collect(struct pmap *pm)
{
	if (pm == kernel_pmap)
		return;
	spin_lock(&pm->pm_lock);
	pm->pm_tables -= collect_level(pm, pm->pm_root, 3);
	spin_unlock(&pm->pm_lock);
}

#ifdef DEBUG
/* => tables above are writable and for the kernel only; entries [first, PT_ENTRIES) */
static void audit_table(const pte_t *table, unsigned first, int level, uint64_t va)
{
	for (unsigned i = first; i < PT_ENTRIES; i++) {
		pte_t e = __atomic_load_n(&table[i], __ATOMIC_RELAXED);
		bool leaf = level == 0 || (e & PTE_LARGE);

		if (!(e & PTE_P))
			continue;
		if (e & PTE_U)
			panic("the user's bit in the kernel's page tables, at %#lx", (unsigned long)(va + i * PT_SPAN(level)));
		if (leaf && (e & PTE_W) && !(e & PTE_NX) && cpu_features.nx)
			panic("writable and executable kernel memory at %#lx", (unsigned long)(va + i * PT_SPAN(level)));
		if (!leaf)
			audit_table(phys_to_kv(e & PTE_ADDR), 0, level - 1, va + i * PT_SPAN(level));
	}
}

/* reads tables that others change: those of the kernel's half are never freed */
void pmap_audit(void)
{
	audit_table(kernel_pmap->pm_root, KERNEL_SLOT, 3, 0xffff000000000000ull);
}
#endif

void pmap_zero_page(pmap_paddr_t pa)
{
	void *p = phys_to_kv(pa);
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0ull) : "memory");
}

void pmap_copy_page(pmap_paddr_t from, pmap_paddr_t to)
{
	void *s = phys_to_kv(from), *d = phys_to_kv(to);
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
}
