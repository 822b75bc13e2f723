/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout daemon: ages pages and gives those of memory objects back when memory is short.
 *
 * Anonymous pages stay until there is a default pager to take them. Dirty pages on their way to pagers (the laundry) are
 * limited: a pager that does not read its messages holds up dirty pages, never the reserve or clean pages.
 * LOCKS   comes from the page queues (VM_PAGEQ) and needs the owner (VM_OBJECT), which ranks before: it only tries that
 *         lock, and skips the page when it fails.
 */
#include <vm/pageout.h>
#include <vm/amap.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/pageq.h>
#include <vm/pager.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/cpu.h>
#include <machine/pmap.h>

#define SCAN_BATCH	64		/* pages looked at under one hold of a queue lock */
#define LAUNDRY_MAX	1024
#define IDLE_PASSES	4		/* without a page gained: a second look finds what the first had aged */
#define REST_NS		10000000ull

static uint32_t pageout_wanted;		/* atomic */

void
vm_pageout_kick(void)
{
	if (__atomic_exchange_n(&pageout_wanted, 1, __ATOMIC_ACQ_REL) == 0)
		thread_wakeup(&pageout_wanted);
}

/* keep about a third of the queued pages inactive */
static void
refill_inactive(struct pageq_set *set)
{
	unsigned n;

	for (n = 0; n < SCAN_BATCH && set->pq_inactive_count < set->pq_active_count / 2; n++) {
		struct vm_page *p;

		if (queue_empty(&set->pq_active))
			break;
		p = queue_entry(queue_first(&set->pq_active), struct vm_page, pg_link);
		pmap_clear_referenced(p);
		vm_pageq_deactivate_locked(set, p);
	}
}

static uint64_t
laundry_max(void)
{
	uint64_t n = vm_page_total() / 32;

	return n < LAUNDRY_MAX ? n : LAUNDRY_MAX;
}

/* => queue lock and vo_lock held; both are released. true: the page went */
static bool
reclaim(struct pageq_set *set, struct vm_object *o, struct vm_page *p)
{
	uint64_t index = p->pg_index;
	bool sent;
	bool send = p->pg_flags & (PG_DIRTY | PG_PRECIOUS), dirty = p->pg_flags & PG_DIRTY;

	/* off the queue: it cannot be freed below us while its owner is locked */
	spin_unlock(&set->pq_lock);
	if ((p->pg_flags & (PG_BUSY | PG_ABSENT)) || p->pg_wired != 0 || p->pg_refs != 1 ||
	    (send && vm_page_laundry_count() >= laundry_max()) ||
	    ((p->pg_flags & PG_SEEN) && dirty && !queue_empty(&o->vo_copies))) {
		spin_unlock(&o->vo_lock);
		return false;
	}
	if (!send) {
		vm_object_free_page_locked(o, p);
		spin_unlock(&o->vo_lock);
		return true;
	}
	/* an object on its way out returns its pages itself */
	if (!vm_object_try_ref(o)) {
		spin_unlock(&o->vo_lock);
		return false;
	}
	vm_page_pin(p);
	vm_object_free_page_locked(o, p);
	vm_page_to_laundry(p);
	spin_unlock(&o->vo_lock);
	sent = vm_pager_return_pages(o, index, &p, 1, dirty, false) == KERN_SUCCESS;
	vm_object_release(o);
	return sent;
}

/* look at one inactive page. => queue lock held on entry, released on return; true: memory was gained */
static bool
scan_one(struct pageq_set *set, struct vm_page *p)
{
	struct vm_object *o = p->pg_owner;

	KASSERT(p->pg_state == PAGE_OBJECT);
	if (pmap_is_referenced(p)) {
		vm_pageq_activate_locked(set, p);
		spin_unlock(&set->pq_lock);
		vm_page_my_events()->ve_reactivations++;
		return false;
	}
	if (!spin_trylock(&o->vo_lock)) {
		vm_pageq_activate_locked(set, p);
		spin_unlock(&set->pq_lock);
		return false;
	}
	vm_pageq_activate_locked(set, p);	/* where it is found again if it stays */
	return reclaim(set, o, p);
}

/* one pass over a set. => pages gained */
static unsigned
scan_set(struct pageq_set *set)
{
	unsigned n, gained = 0;

	for (n = 0; n < SCAN_BATCH; n++) {
		spin_lock(&set->pq_lock);
		refill_inactive(set);
		if (queue_empty(&set->pq_inactive)) {
			spin_unlock(&set->pq_lock);
			break;
		}
		gained += scan_one(set, queue_entry(queue_first(&set->pq_inactive), struct vm_page, pg_link));
	}
	return gained;
}

static void
pageout_thread(void *arg)
{
	unsigned i, gained, idle = 0;

	(void)arg;
	current_thread()->th_vm_privilege = true;
	for (;;) {
		assert_wait(&pageout_wanted, false);
		if (__atomic_exchange_n(&pageout_wanted, 0, __ATOMIC_ACQ_REL) != 0)
			thread_wait_cancel();
		else
			thread_block(NULL);
		__atomic_store_n(&pageout_wanted, 0, __ATOMIC_RELEASE);
		while (vm_page_low()) {
			gained = 0;
			for (i = 0; i < PAGEQ_SETS; i++)
				gained += scan_set(&pageq_set[i]);
			idle = gained != 0 ? 0 : idle + 1;
			if (idle < IDLE_PASSES)
				continue;
			idle = 0;
			/* nothing to be had: do not burn the processor */
			assert_wait_deadline(&gained, false, clock_uptime_ns() + REST_NS);
			thread_block(NULL);
			if (__atomic_load_n(&pageout_wanted, __ATOMIC_ACQUIRE) == 0)
				break;
			__atomic_store_n(&pageout_wanted, 0, __ATOMIC_RELEASE);
		}
	}
}

void
vm_pageout_init(void)
{
	if (kernel_thread("pageout", pageout_thread, NULL, 6) == NULL)
		panic("pageout thread");
}
