/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout daemon: ages pages, and takes them back when memory is short: those of memory objects by their pagers, those of anonymous
 * memory by swap space (vm/swap.h).
 *
 * It works in batches, so that a batch costs one TLB shootdown per address space and not one per page:
 *   choose    inactive pages that were not referenced become PAGE_QUEUE_OUT, pinned, with a reference to their owner
 *   unmap     all of them (pmap_remove_pages)
 *   take      under the owner's lock again: a page which somebody mapped, wired or pinned meanwhile is left alone; the others leave
 *             their owner, and go to their pager in runs when they must be kept
 *
 * Pages on their way to pagers (the laundry) are limited, those for the default pager apart from those for all others: a pager
 * that does not read its messages holds up its own dirty pages, never the reserve, clean pages or anonymous memory. When it has
 * not read them for STUCK_NS while memory is short its object is failed, and those pages go.
 * LOCKS   comes from the page queues (VM_PAGEQ) and needs the owner's lock (VM_OBJECT, VM_ANON), which ranks before: it only tries
 *         that lock, and skips the page when it fails. Nothing is locked between the three steps.
 * TESTS   tests/boot/vm_pressure.c, vm_swap.c
 */
#include <vm/pageout.h>
#include <vm/anon.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/pageq.h>
#include <vm/pager.h>
#include <vm/swap.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/cpu.h>
#include <machine/pmap.h>

#define SCAN_BATCH	64		/* pages looked at in one set before the next has its turn */
#define REFILL_BATCH	16		/* and made inactive for each */
#define BATCH		64		/* pages taken at a time */
#define LAUNDRY_MAX	1024
#define QUEUED_MAX	16		/* messages a pager may leave unread and still get more dirty pages */
#define STUCK_NS	5000000000ull
#define HELD_UP_NS	500000000ull
#define IDLE_PASSES	4		/* without a page gained: a second look finds what the first had aged */
#define REST_NS		2000000ull

struct batch {
	bool		 ba_hard;	/* take pages that were referenced, too */
	unsigned	 ba_looks;
	unsigned	 ba_count;
	unsigned	 ba_anons;
	struct vm_page	*ba_page[BATCH];
	void		*ba_owner[BATCH];	/* anon or object, referenced */
	bool		 ba_anon[BATCH];
};

static uint32_t pageout_wanted;		/* atomic */
static uint64_t pageout_held_up_ns;	/* atomic: when a page last stayed because its pager is slow */
static uint64_t pageout_done;		/* anonymous pages gone; only the daemon writes it */
static uint64_t pageout_verdicts;	/* atomic: how often everything had been looked at and nothing could go */

void
vm_pageout_kick(void)
{
	if (__atomic_exchange_n(&pageout_wanted, 1, __ATOMIC_ACQ_REL) == 0)
		thread_wakeup(&pageout_wanted);
}

uint64_t
vm_pageout_progress(void)
{
	return __atomic_load_n(&pageout_done, __ATOMIC_RELAXED) + vm_page_laundered();
}

bool
vm_pageout_held_up(void)
{
	uint64_t last = __atomic_load_n(&pageout_held_up_ns, __ATOMIC_RELAXED);

	return last != 0 && clock_uptime_ns() - last < HELD_UP_NS;
}

uint64_t
vm_pageout_verdicts(void)
{
	return __atomic_load_n(&pageout_verdicts, __ATOMIC_RELAXED);
}

static uint64_t
laundry_room(enum laundry kind)
{
	uint64_t max = vm_page_total() / 32, n = vm_page_laundry_count(kind);

	if (max > LAUNDRY_MAX)
		max = LAUNDRY_MAX;
	return n < max ? max - n : 0;
}

/* keep about a third of the queued pages inactive. => queue lock held */
static void
refill_inactive(struct pageq_set *set, enum pageq_kind k)
{
	unsigned n;

	for (n = 0; n < REFILL_BATCH && set->pq_inactive_count[k] <= set->pq_active_count[k] / 2; n++) {
		struct vm_page *p;

		if (queue_empty(&set->pq_active[k]))
			break;
		p = queue_entry(queue_first(&set->pq_active[k]), struct vm_page, pg_link);
		pmap_clear_referenced(p);
		vm_pageq_deactivate_locked(set, p);
	}
}

/* its pager has to take this page; does it? => vo_lock held */
static bool
pager_takes(struct vm_object *o, struct vm_page *p)
{
	uint64_t now;

	if ((p->pg_flags & (PG_SEEN | PG_DIRTY)) == (PG_SEEN | PG_DIRTY) && !queue_empty(&o->vo_copies))
		return false;
	now = clock_uptime_ns();
	if (vm_pager_queued(o) < QUEUED_MAX) {
		o->vo_stuck_ns = 0;
		if (vm_swap_free_slots() != 0 || laundry_room(LAUNDRY_USER) != 0)
			return true;
		__atomic_store_n(&pageout_held_up_ns, now, __ATOMIC_RELAXED);
		return false;
	}
	if (o->vo_stuck_ns == 0)
		o->vo_stuck_ns = now;
	if (now - o->vo_stuck_ns > STUCK_NS) {
		kprintf("pageout: a pager does not take its pages: its object is given up\n");
		vm_object_fail_locked(o);
		return true;
	}
	__atomic_store_n(&pageout_held_up_ns, now, __ATOMIC_RELAXED);
	return false;
}

/* => queue lock held, owner's lock held; true: the page is in the batch */
static bool
choose_object(struct batch *ba, struct pageq_set *set, struct vm_object *o, struct vm_page *p)
{
	if ((p->pg_flags & (PG_BUSY | PG_ABSENT)) || p->pg_refs != 1)
		return false;
	if (!o->vo_dead && (p->pg_flags & (PG_DIRTY | PG_PRECIOUS)) && !pager_takes(o, p))
		return false;
	/* an object on its way out returns its pages itself */
	if (!vm_object_try_ref(o))
		return false;
	vm_pageq_take_locked(set, p, PAGE_QUEUE_OUT);
	vm_page_pin(p);
	ba->ba_owner[ba->ba_count] = o;
	ba->ba_anon[ba->ba_count] = false;
	ba->ba_page[ba->ba_count++] = p;
	return true;
}

static bool
choose_anon(struct batch *ba, struct pageq_set *set, struct vm_anon *an, struct vm_page *p)
{
	if (an->an_page != p || p->pg_refs != 1 || !vm_anon_try_ref(an))
		return false;
	vm_pageq_take_locked(set, p, PAGE_QUEUE_OUT);
	vm_page_pin(p);
	ba->ba_owner[ba->ba_count] = an;
	ba->ba_anon[ba->ba_count] = true;
	ba->ba_page[ba->ba_count++] = p;
	ba->ba_anons++;
	return true;
}

/* look at one inactive page. => queue lock held */
static void
scan_one(struct batch *ba, struct pageq_set *set, enum pageq_kind k, struct vm_page *p)
{
	struct vm_anon *an = p->pg_owner;
	struct vm_object *o = p->pg_owner;
	struct spinlock *l = k == PAGEQ_ANON ? &vm_anon_locks[an->an_lock].al_lock : &o->vo_lock;
	bool chosen = false;

	if (!ba->ba_hard && pmap_is_referenced(p)) {
		vm_pageq_activate_locked(set, p);
		vm_page_my_events()->ve_reactivations++;
		return;
	}
	if (spin_trylock(l)) {
		if (p->pg_wired != 0) {
			/* comes back when it is unwired */
			vm_pageq_take_locked(set, p, PAGE_QUEUE_NONE);
			chosen = true;
		} else {
			chosen = k == PAGEQ_ANON ? choose_anon(ba, set, an, p) : choose_object(ba, set, o, p);
		}
		spin_unlock(l);
	}
	if (!chosen)
		vm_pageq_activate_locked(set, p);	/* where it is found again */
}

/* look at up to `looks` pages */
static void
scan_set(struct batch *ba, struct pageq_set *set, enum pageq_kind k, unsigned looks)
{
	for (; looks > 0 && ba->ba_count < BATCH; looks--) {
		spin_lock(&set->pq_lock);
		refill_inactive(set, k);
		if (queue_empty(&set->pq_inactive[k])) {
			spin_unlock(&set->pq_lock);
			break;
		}
		ba->ba_looks++;
		scan_one(ba, set, k, queue_entry(queue_first(&set->pq_inactive[k]), struct vm_page, pg_link));
		spin_unlock(&set->pq_lock);
	}
}

/* of SCAN_BATCH looks at a set, how many are for its objects: as many as they have of the pages, so that all age alike */
static unsigned
object_looks(const struct pageq_set *set)
{
	uint64_t objects = set->pq_active_count[PAGEQ_OBJECT] + set->pq_inactive_count[PAGEQ_OBJECT];
	uint64_t anons = set->pq_active_count[PAGEQ_ANON] + set->pq_inactive_count[PAGEQ_ANON];

	return objects == 0 ? 0 : (SCAN_BATCH * objects + objects + anons - 1) / (objects + anons);
}

/* => vo_lock held: is the page as it was when it was chosen? */
static bool
still_out(const struct vm_object *o, const struct vm_page *p)
{
	return p->pg_state == PAGE_OBJECT && p->pg_owner == o && p->pg_queue == PAGE_QUEUE_OUT && p->pg_refs == 2 &&
	    p->pg_wired == 0 && !(p->pg_flags & PG_BUSY);
}

/* one page of an object that has its reference. => vo_lock held; true: the caller sends it, it has only the daemon's reference */
static bool
take_object_page(struct vm_object *o, struct vm_page *p, unsigned *gained)
{
	bool send;

	if (!still_out(o, p)) {
		if (p->pg_state == PAGE_OBJECT && p->pg_owner == o && p->pg_queue == PAGE_QUEUE_OUT)
			vm_pageq_activate(p);
		vm_page_unpin(p);
		return false;
	}
	send = (p->pg_flags & (PG_DIRTY | PG_PRECIOUS)) && !o->vo_dead;
	vm_object_free_page_locked(o, p);
	++*gained;
	if (!send)
		vm_page_unpin(p);
	else if (vm_swap_free_slots() == 0)
		vm_page_to_laundry(p, LAUNDRY_USER);	/* else it is pageable on its way, like all anonymous memory */
	return send;
}

/* pages of one object from the i-th on which follow each other. => how many of the batch were dealt with */
static unsigned
take_objects(struct batch *ba, unsigned i, unsigned *gained)
{
	struct vm_object *o = ba->ba_owner[i];
	struct vm_page *run[VM_RETURN_RUN], *p;
	uint64_t first = 0;
	unsigned n = 0, done = 0;
	bool dirty = false;

	spin_lock(&o->vo_lock);
	for (; i + done < ba->ba_count && n < VM_RETURN_RUN; done++) {
		uint64_t index;
		bool is_dirty;

		p = ba->ba_page[i + done];
		if (ba->ba_owner[i + done] != o)
			break;
		index = p->pg_index;
		is_dirty = p->pg_flags & PG_DIRTY;
		if (n != 0 && (index != first + n || is_dirty != dirty))
			break;
		if (take_object_page(o, p, gained)) {
			if (n == 0) {
				first = index;
				dirty = is_dirty;
			}
			run[n++] = p;
		}
	}
	spin_unlock(&o->vo_lock);
	if (n != 0)
		(void)vm_pager_return_pages(o, first, run, n, dirty, false);
	/* the caller drops the references */
	return done;
}

/* send what was taken to the slots from first on */
static void
send_anons(uint32_t first, struct vm_anon **an, struct vm_page **page, unsigned n)
{
	unsigned i;
	bool sent;

	for (i = 0; i < n; i++)
		vm_page_to_laundry(page[i], LAUNDRY_SWAP);
	sent = vm_swap_send(first, page, n) == KERN_SUCCESS;
	for (i = 0; i < n; i++) {
		if (!sent)
			vm_page_from_laundry(page[i]);
		vm_anon_sent(an[i], page[i], sent);
	}
}

/* all anonymous pages of the batch, in runs of slots */
static void
take_anons(struct batch *ba, unsigned *gained)
{
	struct vm_page *page[VM_RETURN_RUN];
	struct vm_anon *an[VM_RETURN_RUN];
	unsigned i = 0, left = ba->ba_anons, n, got;
	uint32_t first;
	bool gone;

	while (left != 0) {
		first = vm_swap_alloc(left < VM_RETURN_RUN ? left : VM_RETURN_RUN, &got);
		for (n = 0; left != 0 && (n < got || got == 0); i++) {
			if (!ba->ba_anon[i])
				continue;
			left--;
			an[n] = ba->ba_owner[i];
			page[n] = ba->ba_page[i];
			if (vm_anon_page_out(an[n], page[n], got != 0 ? first + n : 0, &gone))
				n++;
			*gained += gone;
		}
		*gained += n;
		if (n != 0)
			send_anons(first, an, page, n);
		while (got > n)
			vm_swap_free(first + --got);
	}
}

/* => pages gained */
static unsigned
take_batch(struct batch *ba)
{
	unsigned i, n, gained = 0;
	uint64_t anons;

	pmap_remove_pages(ba->ba_page, ba->ba_count);
	for (i = 0; i < ba->ba_count; i += n)
		n = ba->ba_anon[i] ? 1 : take_objects(ba, i, &gained);
	for (i = 0; i < ba->ba_count; i++)
		if (!ba->ba_anon[i])
			vm_object_release(ba->ba_owner[i]);
	anons = gained;
	take_anons(ba, &gained);
	__atomic_store_n(&pageout_done, pageout_done + (gained - anons), __ATOMIC_RELAXED);
	ba->ba_count = ba->ba_anons = 0;
	vm_page_wake();
	return gained;
}

/* one round over all sets; `hard`: referenced or not. => pages gained, looks made */
static unsigned
pass(bool hard, uint64_t *made)
{
	struct batch ba = { .ba_hard = hard };
	uint64_t slots = vm_swap_free_slots(), room = laundry_room(LAUNDRY_SWAP);
	unsigned i, looks, gained = 0;

	if (slots > room)
		slots = room >= VM_RETURN_RUN ? room : 0;	/* no small change */
	for (i = 0; i < PAGEQ_SETS; i++) {
		looks = slots == 0 ? SCAN_BATCH : object_looks(&pageq_set[i]);
		scan_set(&ba, &pageq_set[i], PAGEQ_OBJECT, looks);
		looks = SCAN_BATCH - looks;
		if (slots > ba.ba_anons)
			scan_set(&ba, &pageq_set[i], PAGEQ_ANON, looks < slots - ba.ba_anons ? looks : slots - ba.ba_anons);
		if (ba.ba_count > BATCH / 2) {
			slots = slots > ba.ba_anons ? slots - ba.ba_anons : 0;
			gained += take_batch(&ba);
		}
	}
	if (ba.ba_count != 0)
		gained += take_batch(&ba);
	*made = ba.ba_looks;
	return gained;
}

/*
 * One round, the harder the longer nothing was gained: when all pages have been looked at in vain those in use go too (better a slow
 * program than one without memory), and when even that was in vain for all of them those who wait are to know. => pages gained
 */
static unsigned
round_over_sets(void)
{
	static uint64_t vain;		/* looks since the last page gained */
	uint64_t active, inactive, all, looks;
	unsigned gained;

	vm_pageq_counts(vm_swap_free_slots() == 0, &active, &inactive);
	all = active + inactive;
	gained = pass(vain > 2 * all, &looks);
	vain = gained != 0 ? 0 : vain + looks + 1;
	if (vain > 4 * all && !vm_pageout_held_up()) {
		__atomic_fetch_add(&pageout_verdicts, 1, __ATOMIC_RELAXED);
		vain = 2 * all + 1;
	}
	return gained;
}

/* what is in the laundry will come free */
static bool
more_wanted(void)
{
	return vm_page_low() && (vm_page_scarce() || !vm_page_enough(vm_page_laundry_count(LAUNDRY_SWAP)));
}

static void
rest(uint64_t ns)
{
	static char never;

	assert_wait_deadline(&never, false, clock_uptime_ns() + ns);
	thread_block(NULL);
}

/* until there is enough, or nothing to be had */
static void
make_room(void)
{
	unsigned idle = 0;

	vm_swap_tend();
	while (more_wanted()) {
		vm_swap_tend();
		idle = round_over_sets() != 0 ? 0 : idle + 1;
		if (idle < IDLE_PASSES)
			continue;
		idle = 0;
		/* do not burn the processor */
		rest(REST_NS);
		if (__atomic_load_n(&pageout_wanted, __ATOMIC_ACQUIRE) == 0)
			break;
		__atomic_store_n(&pageout_wanted, 0, __ATOMIC_RELEASE);
	}
	vm_page_wake();
}

static void
pageout_go_on(void)
{
	for (;;) {
		__atomic_store_n(&pageout_wanted, 0, __ATOMIC_RELEASE);
		make_room();
		assert_wait(&pageout_wanted, false);
		if (__atomic_load_n(&pageout_wanted, __ATOMIC_ACQUIRE) == 0)
			thread_block_reserved(pageout_go_on);
		thread_wait_cancel();
	}
}

static void
pageout_thread(void *arg)
{
	(void)arg;
	current_thread()->th_vm_privilege = true;
	current_thread()->th_stack_reserved = true;
	pageout_go_on();
}

void
vm_pageout_init(void)
{
	if (kernel_thread("pageout", pageout_thread, NULL, 6) == NULL)
		panic("pageout thread");
}
