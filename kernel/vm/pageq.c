/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page queues: active and inactive pages of memory objects and of anonymous memory, for aging.
 *
 * OBJECT  PAGEQ_SETS independent sets, each with its lock and its queues, so that faults on different processors
 *         do not meet. A page stays in the set it was first put on; its pg_queue_set says which. It does not change its kind
 *         while it is on a queue. pg_queue is never NONE while the page moves from one queue to another: it is looked at
 *         without the lock by those who own the page, to know whether there is anything to take it off from.
 * LOCKS   pageq lock (VM_PAGEQ). A page's owner lock may be held; the daemon only tries owner locks, since it
 *         comes from here.
 */
#include <vm/page.h>
#include <vm/pageq.h>
#include <kern/lock.h>
#include <machine/cpu.h>

static const struct lock_class pageq_class = { "vm page queue", LOCK_RANK_VM_PAGEQ, 0 };
struct pageq_set pageq_set[PAGEQ_SETS];

void
vm_pageq_bootstrap(void)
{
	unsigned i, k;

	for (i = 0; i < PAGEQ_SETS; i++) {
		spin_lock_init(&pageq_set[i].pq_lock, &pageq_class);
		for (k = 0; k < PAGEQ_KINDS; k++) {
			queue_init(&pageq_set[i].pq_active[k]);
			queue_init(&pageq_set[i].pq_inactive[k]);
		}
	}
}

static inline enum pageq_kind
pageq_kind(const struct vm_page *p)
{
	return p->pg_state == PAGE_ANON ? PAGEQ_ANON : PAGEQ_OBJECT;
}

/* => pg_queue is stale */
static inline void
pageq_unlink(struct pageq_set *set, struct vm_page *p)
{
	if (p->pg_queue == PAGE_QUEUE_ACTIVE)
		set->pq_active_count[pageq_kind(p)]--;
	else if (p->pg_queue == PAGE_QUEUE_INACTIVE)
		set->pq_inactive_count[pageq_kind(p)]--;
	else
		return;
	queue_remove(&p->pg_link);
}

void
vm_pageq_activate_locked(struct pageq_set *set, struct vm_page *p)
{
	pageq_unlink(set, p);
	queue_push_tail(&set->pq_active[pageq_kind(p)], &p->pg_link);
	p->pg_queue = PAGE_QUEUE_ACTIVE;
	set->pq_active_count[pageq_kind(p)]++;
}

void
vm_pageq_deactivate_locked(struct pageq_set *set, struct vm_page *p)
{
	pageq_unlink(set, p);
	queue_push_tail(&set->pq_inactive[pageq_kind(p)], &p->pg_link);
	p->pg_queue = PAGE_QUEUE_INACTIVE;
	set->pq_inactive_count[pageq_kind(p)]++;
}

void
vm_pageq_take_locked(struct pageq_set *set, struct vm_page *p, unsigned queue)
{
	pageq_unlink(set, p);
	p->pg_queue = queue;
}

void
vm_pageq_activate(struct vm_page *p)
{
	struct pageq_set *set;

	if (p->pg_queue == PAGE_QUEUE_NONE)
		p->pg_queue_set = cpu_self()->cp_id % PAGEQ_SETS;
	set = &pageq_set[p->pg_queue_set];
	spin_lock(&set->pq_lock);
	vm_pageq_activate_locked(set, p);
	spin_unlock(&set->pq_lock);
}

void
vm_pageq_remove(struct vm_page *p)
{
	struct pageq_set *set = &pageq_set[p->pg_queue_set];

	spin_lock(&set->pq_lock);
	vm_pageq_take_locked(set, p, PAGE_QUEUE_NONE);
	spin_unlock(&set->pq_lock);
}

void
vm_pageq_counts(bool objects_only, uint64_t *active, uint64_t *inactive)
{
	unsigned i, k;

	*active = *inactive = 0;
#pragma GCC unroll 8
	for (i = 0; i < PAGEQ_SETS; i++) {
		for (k = 0; k < (objects_only ? PAGEQ_ANON : PAGEQ_KINDS); k++) {
			*active += pageq_set[i].pq_active_count[k];
			*inactive += pageq_set[i].pq_inactive_count[k];
		}
	}
}
