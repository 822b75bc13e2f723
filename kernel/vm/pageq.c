/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page queues: active and inactive pages of memory objects, for aging. Anonymous pages are not queued as long as no
 * default pager could take them: the daemon would only wade through them.
 *
 * OBJECT  PAGEQ_SETS independent sets, each with its lock and both queues, so that faults on different processors
 *         do not meet. A page stays in the set it was first put on; its pg_queue_set says which.
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
	unsigned i;

	for (i = 0; i < PAGEQ_SETS; i++) {
		spin_lock_init(&pageq_set[i].pq_lock, &pageq_class);
		queue_init(&pageq_set[i].pq_active);
		queue_init(&pageq_set[i].pq_inactive);
	}
}

static void
pageq_unlink(struct pageq_set *set, struct vm_page *p)
{
	if (p->pg_queue == PAGE_QUEUE_NONE)
		return;
	queue_remove(&p->pg_link);
	if (p->pg_queue == PAGE_QUEUE_ACTIVE)
		set->pq_active_count--;
	else
		set->pq_inactive_count--;
	p->pg_queue = PAGE_QUEUE_NONE;
}

void
vm_pageq_activate(struct vm_page *p)
{
	struct pageq_set *set;

	if (p->pg_state == PAGE_ANON)
		return;
	if (p->pg_queue == PAGE_QUEUE_NONE)
		p->pg_queue_set = cpu_self()->cp_id % PAGEQ_SETS;
	set = &pageq_set[p->pg_queue_set];
	spin_lock(&set->pq_lock);
	pageq_unlink(set, p);
	queue_push_tail(&set->pq_active, &p->pg_link);
	p->pg_queue = PAGE_QUEUE_ACTIVE;
	set->pq_active_count++;
	spin_unlock(&set->pq_lock);
}

void
vm_pageq_deactivate_locked(struct pageq_set *set, struct vm_page *p)
{
	pageq_unlink(set, p);
	queue_push_tail(&set->pq_inactive, &p->pg_link);
	p->pg_queue = PAGE_QUEUE_INACTIVE;
	set->pq_inactive_count++;
}

void
vm_pageq_activate_locked(struct pageq_set *set, struct vm_page *p)
{
	pageq_unlink(set, p);
	queue_push_tail(&set->pq_active, &p->pg_link);
	p->pg_queue = PAGE_QUEUE_ACTIVE;
	set->pq_active_count++;
}

void
vm_pageq_remove(struct vm_page *p)
{
	struct pageq_set *set = &pageq_set[p->pg_queue_set];

	spin_lock(&set->pq_lock);
	pageq_unlink(set, p);
	spin_unlock(&set->pq_lock);
}

void
vm_pageq_counts(uint64_t *active, uint64_t *inactive)
{
	unsigned i;

	*active = *inactive = 0;
	for (i = 0; i < PAGEQ_SETS; i++) {
		*active += pageq_set[i].pq_active_count;
		*inactive += pageq_set[i].pq_inactive_count;
	}
}
