/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of anonymous memory, and how they go out and come in (see anon.h).
 *
 * LOCKS   anon locks (VM_ANON). Order: object, amap, anon, swap space, page queues. Two are never held at once.
 *         The daemon comes from the queues: it tries the lock, and takes a reference while the queue lock keeps the anon alive (an
 *         anon takes its page off the queue before it goes).
 * TESTS   tests/boot/vm_swap.c, tests/boot/vm_*.c
 */
#include <vm/anon.h>
#include <vm/swap.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/wait.h>

static const struct lock_class anon_class = { "vm anon", LOCK_RANK_VM_ANON, 0 };
static struct slab_cache *anon_cache;
struct anon_lock vm_anon_locks[ANON_LOCKS];

static void
anon_ref(void *v)
{
	struct vm_anon *an = v;

	__atomic_fetch_add(&an->an_refs, 1, __ATOMIC_RELAXED);
}

/* always down to 0: the daemon must see that it comes too late */
static void
anon_rel(void *v)
{
	struct vm_anon *an = v;

	if (__atomic_fetch_sub(&an->an_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (an->an_page != NULL)
		vm_page_release(an->an_page);
	if (an->an_slot != 0)
		vm_swap_free(an->an_slot);
	counter_add(COUNT_ANON, -1);
	slab_free(anon_cache, an);
}

const struct ptree_ops vm_anon_ops = { anon_ref, anon_rel };

void
vm_anon_bootstrap(void)
{
	unsigned i;

	for (i = 0; i < ANON_LOCKS; i++)
		spin_lock_init(&vm_anon_locks[i].al_lock, &anon_class);
	anon_cache = slab_cache_create("vm anon", sizeof(struct vm_anon), 8);
}

struct vm_anon *
vm_anon_create(struct vm_page *p, uint64_t group)
{
	struct vm_anon *an = fault_point("vm_anon") ? NULL : slab_alloc(anon_cache);

	if (an == NULL)
		return NULL;
	an->an_refs = 1;
	an->an_lock = group * 0x9e3779b97f4a7c15ull >> 57;
	an->an_transit = 0;
	an->an_slot = 0;
	an->an_page = p;
	p->pg_owner = an;
	p->pg_state = PAGE_ANON;
	counter_add(COUNT_ANON, 1);
	return an;
}

void
vm_anon_release(struct vm_anon *an)
{
	anon_rel(an);
}

void
vm_anon_dirty_locked(struct vm_anon *an)
{
	uint32_t slot = an->an_slot;

	if (slot == 0)
		return;
	an->an_slot = 0;
	vm_swap_free(slot);
}

struct vm_page *
vm_anon_steal_locked(struct vm_anon *an)
{
	struct vm_page *p = an->an_page;

	if (p == NULL || p->pg_wired != 0)
		return NULL;
	if (p->pg_queue != PAGE_QUEUE_NONE)
		vm_pageq_remove(p);
	vm_anon_dirty_locked(an);
	an->an_page = NULL;
	p->pg_owner = NULL;
	p->pg_state = PAGE_KERNEL;
	return p;
}

bool
vm_anon_try_ref(struct vm_anon *an)
{
	uint32_t n = __atomic_load_n(&an->an_refs, __ATOMIC_RELAXED);

	while (n != 0)
		if (__atomic_compare_exchange_n(&an->an_refs, &n, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}

bool
vm_anon_page_out(struct vm_anon *an, struct vm_page *p, uint32_t slot, bool *gone)
{
	struct spinlock *l = vm_anon_lock(an);
	bool send;

	*gone = false;
	/* mapped, wired, taken or looked at since it was chosen: it stays. References: the anon's and the daemon's */
	if (an->an_page != p || p->pg_queue != PAGE_QUEUE_OUT || p->pg_refs != 2 || p->pg_wired != 0) {
		if (an->an_page == p && p->pg_queue == PAGE_QUEUE_OUT)
			vm_pageq_activate(p);
		spin_unlock(l);
		vm_anon_release(an);
		vm_page_unpin(p);
		return false;
	}
	/* nobody else's anon: freed below */
	send = an->an_slot == 0 && __atomic_load_n(&an->an_refs, __ATOMIC_ACQUIRE) != 1;
	if (send && slot == 0) {
		vm_pageq_activate(p);
		spin_unlock(l);
		vm_anon_release(an);
		vm_page_unpin(p);
		return false;
	}
	vm_pageq_remove(p);
	an->an_page = NULL;
	p->pg_owner = NULL;
	p->pg_state = PAGE_KERNEL;
	if (send) {
		an->an_slot = slot;
		an->an_transit = 1;
	}
	spin_unlock(l);
	vm_page_unpin(p);
	if (send)
		return true;
	*gone = true;
	vm_page_release(p);
	vm_anon_release(an);
	return false;
}

void
vm_anon_sent(struct vm_anon *an, struct vm_page *p, bool sent)
{
	struct spinlock *l = vm_anon_lock(an);

	an->an_transit = 0;
	if (!sent) {
		vm_anon_dirty_locked(an);
		an->an_page = p;
		p->pg_owner = an;
		p->pg_state = PAGE_ANON;
		vm_pageq_activate(p);
	}
	spin_unlock(l);
	thread_wakeup(an);
	vm_anon_release(an);
}

void
vm_anon_page_in(struct vm_anon *an, uint32_t slot, struct vm_page *p)
{
	struct spinlock *l = vm_anon_lock(an);
	bool wanted = an->an_page == NULL && an->an_slot == slot && !an->an_transit;

	if (wanted) {
		an->an_page = p;
		p->pg_owner = an;
		p->pg_state = PAGE_ANON;
		/* space is short: the page in memory is copy enough */
		if (vm_swap_is_short())
			vm_anon_dirty_locked(an);
		vm_pageq_activate(p);
	}
	spin_unlock(l);
	if (!wanted)
		vm_page_release(p);
}
