/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: free blocks (buddies) in two zones, below and above 4 GiB, and a cache of single free
 * pages on each CPU.
 *
 * OBJECT  struct vm_page, see page.h. struct page_segment: a range of RAM and its page array, which lies at the
 *         start of the range it describes or in an earlier one.
 * LOCKS   page_free_lock (VM_FREE) guards the buddy lists and counts; with interrupts off, because notifications
 *         sent by interrupt handlers may allocate. A CPU's cache is used with interrupts off and no lock.
 *         vm_page_wait sleeps; nothing else here does.
 * TESTS   tests/boot/vm_*.c (conservation of free pages)
 */
#include <vm/page.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/cpu.h>
#include <vm/pageout.h>

#define PAGE_SEGMENTS		64
#define ZONE_LIMIT		(1ull << 32)
#define PAGE_CACHE_MAX		64
#define PAGE_CACHE_BATCH	32
#define PAGE_WAIT_NS		20000000ull	/* one look at the free count while waiting */

enum page_zone { ZONE_LOW, ZONE_HIGH, ZONES };

struct page_segment {
	uint64_t	 ps_start, ps_end;	/* page frame numbers */
	struct vm_page	*ps_pages;
};

struct page_cpu {
	uint32_t	 pc_count;
	struct vm_page	*pc_page[PAGE_CACHE_MAX];
	struct vm_events pc_events;
};

static const struct lock_class page_free_class = { "vm free pages", LOCK_RANK_VM_FREE, LOCK_CLASS_IRQ };
static struct spinlock page_free_lock;

/* written at boot only */
static struct page_segment page_segment[PAGE_SEGMENTS];
static uint32_t page_segment_count;
static struct page_segment *page_segment_hint = page_segment;	/* last found; any value will do */
static uint64_t page_total, page_reserved, page_low_mark;

/* page_free_lock */
static struct queue page_free[ZONES][VM_PAGE_MAX_ORDER + 1];
static uint64_t page_free_pages;

static uint64_t page_wired;			/* atomic */
static uint64_t page_laundry[LAUNDRY_KINDS];	/* atomic */
static uint64_t page_laundered;			/* atomic; pages that ever left it */
static uint32_t page_waiters;			/* atomic */

static struct page_segment *
segment_of(uint64_t pfn)
{
	uint32_t i;

	for (i = 0; i < page_segment_count; i++)
		if (pfn >= page_segment[i].ps_start && pfn < page_segment[i].ps_end)
			return &page_segment[i];
	return NULL;
}

struct vm_page *
vm_page_from_phys(pmap_paddr_t pa)
{
	uint64_t pfn = pa >> PAGE_SHIFT;
	struct page_segment *s = __atomic_load_n(&page_segment_hint, __ATOMIC_RELAXED);

	if (pfn - s->ps_start >= s->ps_end - s->ps_start) {
		s = segment_of(pfn);
		if (s == NULL)
			return NULL;
		__atomic_store_n(&page_segment_hint, s, __ATOMIC_RELAXED);
	}
	return &s->ps_pages[pfn - s->ps_start];
}

static inline enum page_zone
zone_of(const struct vm_page *p)
{
	return vm_page_to_phys(p) < ZONE_LIMIT ? ZONE_LOW : ZONE_HIGH;
}

/* buddy lists; => page_free_lock held */

static void
block_insert(struct vm_page *p, unsigned order)
{
	p->pg_state = PAGE_FREE;
	p->pg_order = order;
	queue_push_head(&page_free[zone_of(p)][order], &p->pg_link);
}

static void
block_free(struct vm_page *p, unsigned order)
{
	struct page_segment *s = segment_of(p->pg_pfn);
	struct vm_page *buddy;
	uint64_t pfn;

	page_free_pages += 1ull << order;
	for (; order < VM_PAGE_MAX_ORDER; order++) {
		pfn = p->pg_pfn ^ (1ull << order);
		if (pfn < s->ps_start || pfn + (1ull << order) > s->ps_end)
			break;
		buddy = &s->ps_pages[pfn - s->ps_start];
		if (buddy->pg_state != PAGE_FREE || buddy->pg_order != order)
			break;
		queue_remove(&buddy->pg_link);
		buddy->pg_state = PAGE_TAIL;
		if (buddy < p) {
			p->pg_state = PAGE_TAIL;
			p = buddy;
		}
	}
	block_insert(p, order);
}

/* give back all of the block but [want, want + 2^order) */
static void
block_split(struct vm_page *block, unsigned have, struct vm_page *want, unsigned order)
{
	queue_remove(&block->pg_link);
	while (have > order) {
		struct vm_page *half = block + (1ull << --have);

		if (want >= half) {
			block_insert(block, have);
			block = half;
		} else {
			block_insert(half, have);
		}
	}
	want->pg_state = PAGE_TAIL;
	page_free_pages -= 1ull << order;
}

static struct vm_page *
block_alloc(unsigned order)
{
	int zone;
	unsigned o;

	for (zone = ZONE_HIGH; zone >= ZONE_LOW; zone--) {
		for (o = order; o <= VM_PAGE_MAX_ORDER; o++) {
			if (!queue_empty(&page_free[zone][o])) {
				struct vm_page *p = queue_entry(queue_first(&page_free[zone][o]), struct vm_page,
				    pg_link);

				block_split(p, o, p, order);
				return p;
			}
		}
	}
	return NULL;
}

static struct page_cpu *
page_cpu(void)
{
	return cpu_self()->cp_vm;
}

/* a CPU's first allocation gives it its cache; => interrupts off */
static struct page_cpu *
page_cpu_create(void)
{
	struct vm_page *p;
	struct page_cpu *pc = NULL;
	unsigned long s = spin_lock_irq(&page_free_lock);

	_Static_assert(sizeof(struct page_cpu) <= PAGE_SIZE, "page_cpu");
	p = block_alloc(0);
	spin_unlock_irq(&page_free_lock, s);
	if (p != NULL) {
		p->pg_state = PAGE_KERNEL;
		p->pg_refs = 1;
		pc = vm_page_kv(p);
		memset(pc, 0, sizeof *pc);
		cpu_self()->cp_vm = pc;
	}
	return pc;
}

static bool
privileged(void)
{
	struct thread *th = current_thread();

	return th != NULL && th->th_vm_privilege;
}

/* => interrupts off; leaves the reserve to those it is for */
static bool
page_cpu_fill(struct page_cpu *pc)
{
	uint64_t keep = privileged() ? 0 : page_reserved;
	struct vm_page *p;
	unsigned long s = spin_lock_irq(&page_free_lock);

	while (pc->pc_count < PAGE_CACHE_BATCH && page_free_pages > keep && (p = block_alloc(0)) != NULL) {
		p->pg_state = PAGE_CACHED;
		pc->pc_page[pc->pc_count++] = p;
		if (keep == 0)
			break;			/* do not carry the reserve into a cache all may use */
	}
	spin_unlock_irq(&page_free_lock, s);
	return pc->pc_count != 0;
}

struct vm_page *
vm_page_grab(void)
{
	struct page_cpu *pc;
	struct vm_page *p = NULL;
	unsigned long s;

	if (fault_point("vm_page"))
		return NULL;
	s = interrupts_disable();
	pc = page_cpu();
	if (pc != NULL || (pc = page_cpu_create()) != NULL) {
		if (pc->pc_count != 0 || page_cpu_fill(pc)) {
			p = pc->pc_page[--pc->pc_count];
			p->pg_state = PAGE_KERNEL;
			p->pg_refs = 1;
		}
	}
	interrupts_restore(s);
	if (p != NULL)
		counter_add(COUNT_PAGE_USED, 1);
	return p;
}

void
vm_page_from_laundry(struct vm_page *p)
{
	if (p->pg_flags & PG_LAUNDRY) {
		__atomic_fetch_sub(&page_laundry[p->pg_lock], 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&page_laundered, 1, __ATOMIC_RELAXED);
	}
	p->pg_flags = 0;
	p->pg_lock = 0;
}

/* what is in the caches of other processors is no help to who waits here */
static bool
page_to_be_had(void)
{
	return __atomic_load_n(&page_free_pages, __ATOMIC_RELAXED) > page_reserved;
}

static void
page_free_one(struct vm_page *p)
{
	struct page_cpu *pc;
	unsigned long s;

	KASSERT(p->pg_state == PAGE_KERNEL && p->pg_queue == PAGE_QUEUE_NONE && p->pg_wired == 0);
	KASSERT(p->pg_md.pv_list == NULL);
	p->pg_md.pv_flags = 0;
	p->pg_owner = NULL;
	vm_page_from_laundry(p);
	counter_add(COUNT_PAGE_USED, -1);
	s = interrupts_disable();
	pc = page_cpu();
	/* the reserve is refilled first: a processor's cache is everybody's */
	if (!page_to_be_had())
		pc = NULL;
	if (pc != NULL && pc->pc_count == PAGE_CACHE_MAX) {
		unsigned long t = spin_lock_irq(&page_free_lock);

		while (pc->pc_count > PAGE_CACHE_MAX - PAGE_CACHE_BATCH)
			block_free(pc->pc_page[--pc->pc_count], 0);
		spin_unlock_irq(&page_free_lock, t);
	}
	if (pc != NULL) {
		p->pg_state = PAGE_CACHED;
		pc->pc_page[pc->pc_count++] = p;
	} else {
		unsigned long t = spin_lock_irq(&page_free_lock);

		block_free(p, 0);
		spin_unlock_irq(&page_free_lock, t);
	}
	interrupts_restore(s);
}

void
vm_page_release(struct vm_page *p)
{
	if (p->pg_queue != PAGE_QUEUE_NONE)
		vm_pageq_remove(p);
	p->pg_owner = NULL;
	p->pg_state = PAGE_KERNEL;
	vm_page_unpin(p);
}

void
vm_page_pin(struct vm_page *p)
{
	__atomic_fetch_add(&p->pg_refs, 1, __ATOMIC_RELAXED);
}

void
vm_page_unpin(struct vm_page *p)
{
	if (__atomic_load_n(&p->pg_refs, __ATOMIC_ACQUIRE) == 1 ||
	    __atomic_fetch_sub(&p->pg_refs, 1, __ATOMIC_ACQ_REL) == 1)
		page_free_one(p);
}

void
vm_page_wire(struct vm_page *p)
{
	vm_page_pin(p);
	if (__atomic_fetch_add(&p->pg_wired, 1, __ATOMIC_RELAXED) == 0)
		__atomic_fetch_add(&page_wired, 1, __ATOMIC_RELAXED);
}

void
vm_page_unwire(struct vm_page *p)
{
	KASSERT(p->pg_wired != 0);
	if (__atomic_fetch_sub(&p->pg_wired, 1, __ATOMIC_RELAXED) == 1)
		__atomic_fetch_sub(&page_wired, 1, __ATOMIC_RELAXED);
	vm_page_unpin(p);
}

/*
 * Nothing guarantees that memory ever comes free, so the wait is bounded and the caller reports the shortage to whoever asked.
 * As long as the pageout daemon gets pages out the wait is not over, though: only without progress are the rounds counted. Nor is
 * a short wait over before the daemon, which may be slow on a busy machine, has found that nothing can go.
 * Pages are freed under locks that rank above the wait queues, hence the looks at the clock; whoever gives up much
 * memory says so when it holds no locks (vm_page_wake).
 */
bool
vm_page_wait(void)
{
	return vm_page_wait_rounds(PAGE_WAIT_SHORT);
}

void
vm_page_wake(void)
{
	if (__atomic_load_n(&page_waiters, __ATOMIC_RELAXED) != 0 && page_to_be_had())
		thread_wakeup(&page_free_pages);
}

static bool
wait_is_over(uint64_t waited, unsigned rounds, uint64_t verdicts)
{
	return waited >= rounds * PAGE_WAIT_NS && (vm_pageout_verdicts() != verdicts || waited >= PAGE_WAIT_LONG * PAGE_WAIT_NS);
}

bool
vm_page_wait_rounds(unsigned rounds)
{
	uint64_t progress = vm_pageout_progress(), since = clock_uptime_ns(), verdicts = vm_pageout_verdicts();
	bool found, go = true;

	__atomic_fetch_add(&page_waiters, 1, __ATOMIC_RELAXED);
	while (!(found = page_to_be_had()) && go && !wait_is_over(clock_uptime_ns() - since, rounds, verdicts)) {
		vm_pageout_kick();
		assert_wait_deadline(&page_free_pages, true, clock_uptime_ns() + PAGE_WAIT_NS);
		go = thread_block(NULL) != WAIT_INTERRUPTED;
		if (progress != vm_pageout_progress()) {
			progress = vm_pageout_progress();
			since = clock_uptime_ns();
			verdicts = vm_pageout_verdicts();
		}
	}
	__atomic_fetch_sub(&page_waiters, 1, __ATOMIC_RELAXED);
	return found;
}

/* the first place of a 2^order block inside both the free block and [min, max), or NULL */
static struct vm_page *
contig_place(struct vm_page *block, unsigned have, unsigned order, pmap_paddr_t min, pmap_paddr_t max)
{
	uint64_t size = PAGE_SIZE << order;
	uint64_t start = vm_page_to_phys(block), end = start + (PAGE_SIZE << have);

	if (start < min)
		start = (min + size - 1) & ~(size - 1);
	if (end > max)
		end = max;
	return start < end && end - start >= size ? block + ((start - vm_page_to_phys(block)) >> PAGE_SHIFT) : NULL;
}

struct vm_page *
vm_page_grab_contig(unsigned order, pmap_paddr_t min, pmap_paddr_t max)
{
	struct vm_page *p, *at = NULL;
	struct queue *q;
	unsigned long s;
	unsigned o, i;
	int zone;

	if (order > VM_PAGE_MAX_ORDER || min >= max || min > max - (PAGE_SIZE << order) ||
	    max < (PAGE_SIZE << order) || fault_point("vm_page_contig"))
		return NULL;
	s = spin_lock_irq(&page_free_lock);
	/* the kernel's own structures may go into the reserve, but leave half of it to the paging path */
	if (page_free_pages < (1ull << order) + (privileged() ? 0 : page_reserved / 2)) {
		spin_unlock_irq(&page_free_lock, s);
		return NULL;
	}
	for (zone = ZONE_HIGH; zone >= ZONE_LOW && at == NULL; zone--) {
		for (o = order; o <= VM_PAGE_MAX_ORDER && at == NULL; o++) {
			queue_for_each(q, &page_free[zone][o]) {
				p = queue_entry(q, struct vm_page, pg_link);
				at = contig_place(p, o, order, min, max);
				if (at != NULL) {
					block_split(p, o, at, order);
					break;
				}
			}
		}
	}
	spin_unlock_irq(&page_free_lock, s);
	for (i = 0; at != NULL && i < 1u << order; i++) {
		at[i].pg_state = PAGE_KERNEL;
		at[i].pg_refs = 1;
	}
	if (at != NULL)
		counter_add(COUNT_PAGE_USED, 1ll << order);
	return at;
}

void
vm_page_release_contig(struct vm_page *p, unsigned order)
{
	unsigned i;

	for (i = 0; i < 1u << order; i++)
		vm_page_release(&p[i]);
}

void *
kpage_alloc(bool zero)
{
	struct vm_page *p = vm_page_grab();

	if (p == NULL)
		return NULL;
	if (zero)
		pmap_zero_page(vm_page_to_phys(p));
	return vm_page_kv(p);
}

void
kpage_free(void *kv)
{
	vm_page_release(vm_page_from_phys(kv_to_phys(kv)));
}

uint64_t
vm_page_free_count(void)
{
	uint64_t n = __atomic_load_n(&page_free_pages, __ATOMIC_RELAXED);
	uint32_t i;

	for (i = 0; i < cpu_count; i++) {
		struct cpu *c = cpu_get(i);

		if (c != NULL && c->cp_vm != NULL)
			n += ((struct page_cpu *)c->cp_vm)->pc_count;
	}
	return n;
}

uint64_t
vm_page_total(void)
{
	return page_total;
}

uint64_t
vm_page_wired_count(void)
{
	return __atomic_load_n(&page_wired, __ATOMIC_RELAXED);
}

void
vm_page_to_laundry(struct vm_page *p, enum laundry kind)
{
	p->pg_flags = PG_LAUNDRY;
	p->pg_lock = kind;
	__atomic_fetch_add(&page_laundry[kind], 1, __ATOMIC_RELAXED);
}

uint64_t
vm_page_laundry_count(enum laundry kind)
{
	return __atomic_load_n(&page_laundry[kind], __ATOMIC_RELAXED);
}

uint64_t
vm_page_laundered(void)
{
	return __atomic_load_n(&page_laundered, __ATOMIC_RELAXED);
}

bool
vm_page_low(void)
{
	return __atomic_load_n(&page_free_pages, __ATOMIC_RELAXED) < page_low_mark;
}

bool
vm_page_enough(uint64_t coming)
{
	return __atomic_load_n(&page_free_pages, __ATOMIC_RELAXED) + coming >= page_low_mark;
}

bool
vm_page_scarce(void)
{
	return __atomic_load_n(&page_free_pages, __ATOMIC_RELAXED) < 2 * page_reserved;
}

struct vm_events *
vm_page_my_events(void)
{
	static struct vm_events lost;
	struct page_cpu *pc = page_cpu();

	return pc != NULL ? &pc->pc_events : &lost;
}

void
vm_page_events(struct vm_events *sum)
{
	uint32_t i;

	_Static_assert(sizeof *sum == 8 * sizeof(uint64_t), "all are summed below");
	*sum = (struct vm_events){ 0 };
	for (i = 0; i < cpu_count; i++) {
		struct cpu *c = cpu_get(i);
		const struct vm_events *e;

		if (c == NULL || c->cp_vm == NULL)
			continue;
		e = &((struct page_cpu *)c->cp_vm)->pc_events;
		sum->ve_faults += e->ve_faults;
		sum->ve_zero_fill += e->ve_zero_fill;
		sum->ve_cow += e->ve_cow;
		sum->ve_pageins += e->ve_pageins;
		sum->ve_pageouts += e->ve_pageouts;
		sum->ve_reactivations += e->ve_reactivations;
		sum->ve_lookups += e->ve_lookups;
		sum->ve_hits += e->ve_hits;
	}
}

/* a range of page frames becomes managed; its array is `pages`; all of it but the first `skip` frames is free */
static void
segment_add(uint64_t start, uint64_t end, struct vm_page *pages, uint64_t skip)
{
	struct page_segment *s;
	unsigned long f;
	uint64_t pfn, n;
	unsigned order;

	if (page_segment_count == PAGE_SEGMENTS || start >= end)
		return;
	s = &page_segment[page_segment_count];
	s->ps_start = start;
	s->ps_end = end;
	s->ps_pages = pages;
	page_segment_count++;
	memset(pages, 0, (end - start) * sizeof *pages);
	for (pfn = start; pfn < end; pfn++) {
		pages[pfn - start].pg_pfn = pfn;
		pages[pfn - start].pg_state = pfn - start < skip ? PAGE_KERNEL : PAGE_TAIL;
		pages[pfn - start].pg_refs = 1;
	}
	f = spin_lock_irq(&page_free_lock);
	for (pfn = start + skip; pfn < end; pfn += n) {
		order = pfn == 0 ? VM_PAGE_MAX_ORDER : (unsigned)__builtin_ctzll(pfn);
		if (order > VM_PAGE_MAX_ORDER)
			order = VM_PAGE_MAX_ORDER;
		while (pfn + (1ull << order) > end)
			order--;
		n = 1ull << order;
		block_free(&pages[pfn - start], order);
	}
	page_total += end - start;
	spin_unlock_irq(&page_free_lock, f);
}

/* the array lies at the start of its own range */
void
vm_page_add_range(pmap_paddr_t start, pmap_paddr_t end)
{
	uint64_t pages = (end - start) >> PAGE_SHIFT;
	uint64_t skip = page_round(pages * sizeof(struct vm_page)) >> PAGE_SHIFT;

	if (start >= end || pages <= skip)
		return;
	segment_add(start >> PAGE_SHIFT, end >> PAGE_SHIFT, phys_to_kv(start), skip);
}

void
vm_page_bootstrap(void)
{
	uint32_t i;
	int z;
	unsigned o;

	spin_lock_init(&page_free_lock, &page_free_class);
	for (z = 0; z < ZONES; z++)
		for (o = 0; o <= VM_PAGE_MAX_ORDER; o++)
			queue_init(&page_free[z][o]);
	vm_pageq_bootstrap();
	for (i = 0; i < boot_memory_count; i++) {
		uint64_t start = boot_memory[i].mr_start, end = boot_memory[i].mr_end;

		/* a zone boundary may not run through a block */
		if (start < ZONE_LIMIT && end > ZONE_LIMIT) {
			vm_page_add_range(start, ZONE_LIMIT);
			start = ZONE_LIMIT;
		}
		vm_page_add_range(start, end);
	}
	page_reserved = page_total / 256 + 32;
	page_low_mark = page_total / 32 + 2 * page_reserved;
	if (page_total == 0)
		panic("no memory");
}
