/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous memory (see amap.h and docs/vm.md for the reasoning).
 *
 * LOCKS   am_lock (VM_AMAP) guards the tree of one amap; shared nodes below it are immutable. Order: backing object,
 *         amap, anon, page queues, pmap. Two amap locks are never held at once. Nothing here sleeps.
 *         Freeing walks what is freed: vm_amap_release without locks, vm_amap_clear a leaf at a time.
 * TESTS   tests/unit/vm, tests/boot/vm_*.c
 */
#include <vm/amap.h>
#include <vm/object.h>
#include <vm/page.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>

static const struct lock_class amap_class = { "vm amap", LOCK_RANK_VM_AMAP, 0 };
static struct slab_cache *amap_cache;

void
vm_amap_bootstrap(void)
{
	ptree_bootstrap();
	vm_anon_bootstrap();
	amap_cache = slab_cache_create("vm amap", sizeof(struct vm_amap), 8);
}

static struct vm_amap *
amap_alloc(uint64_t slots, struct vm_object *backing, uint64_t backing_index)
{
	struct vm_amap *am = fault_point("vm_amap") ? NULL : slab_alloc(amap_cache);

	if (am == NULL)
		return NULL;
	spin_lock_init(&am->am_lock, &amap_class);
	am->am_refs = 1;
	ptree_init(&am->am_tree);
	am->am_slots = slots;
	am->am_shared = false;
	am->am_backing = backing;
	am->am_backing_index = backing_index;
	if (backing != NULL)
		vm_object_ref(backing);
	return am;
}

static void
amap_free(struct vm_amap *am)
{
	if (am->am_backing != NULL)
		vm_object_release(am->am_backing);
	slab_free(amap_cache, am);
}

struct vm_amap *
vm_amap_create(uint64_t slots, struct vm_object *backing, uint64_t backing_index)
{
	struct vm_amap *am = amap_alloc(slots, backing, backing_index);

	if (am != NULL && backing != NULL) {
		spin_lock(&backing->vo_lock);
		queue_push_tail(&backing->vo_copies, &am->am_copies_link);
		spin_unlock(&backing->vo_lock);
	}
	return am;
}

void
vm_amap_ref(struct vm_amap *am)
{
	__atomic_fetch_add(&am->am_refs, 1, __ATOMIC_RELAXED);
}

void
vm_amap_release(struct vm_amap *am)
{
	struct vm_object *backing = am->am_backing;

	if (__atomic_load_n(&am->am_refs, __ATOMIC_ACQUIRE) != 1 &&
	    __atomic_fetch_sub(&am->am_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	/* off the list first: a push from the object may still add pages until then */
	if (backing != NULL) {
		spin_lock(&backing->vo_lock);
		queue_remove(&am->am_copies_link);
		spin_unlock(&backing->vo_lock);
	}
	ptree_destroy(&am->am_tree, &vm_anon_ops);
	amap_free(am);
}

struct vm_amap *
vm_amap_copy(struct vm_amap *am, uint64_t first, uint64_t count)
{
	struct vm_object *backing = am->am_backing;
	struct vm_amap *copy = amap_alloc(am->am_slots, backing, am->am_backing_index);
	bool ok = true;

	if (copy == NULL)
		return NULL;
	if (backing != NULL)
		spin_lock(&backing->vo_lock);
	spin_lock(&am->am_lock);
	copy->am_slots = am->am_slots;
	if (first == 0 && count >= am->am_slots)
		ptree_share(&copy->am_tree, &am->am_tree, &vm_anon_ops);
	else
		ok = ptree_share_range(&copy->am_tree, &am->am_tree, first, first + count - 1, &vm_anon_ops);
	if (ok && backing != NULL)
		queue_push_tail(&backing->vo_copies, &copy->am_copies_link);
	spin_unlock(&am->am_lock);
	if (backing != NULL)
		spin_unlock(&backing->vo_lock);
	if (!ok) {
		amap_free(copy);
		return NULL;
	}
	return copy;
}

/*
 * A leaf at a time, so that the lock is held for a bounded time. Pages that come in meanwhile are
 * entered writable only where the tree is exclusive, which after the copy it no longer is.
 */
void
vm_amap_write_protect(struct vm_amap *am, uint64_t first, uint64_t count)
{
	uint64_t last = first + count - 1, at = first;
	struct vm_anon *an;

	while (at <= last) {
		uint64_t stop = at | PTREE_MASK;

		if (stop > last)
			stop = last;
		spin_lock(&am->am_lock);
		if (ptree_next(&am->am_tree, &at, last) == NULL) {
			spin_unlock(&am->am_lock);
			break;
		}
		if (at > stop)
			stop = (at | PTREE_MASK) < last ? (at | PTREE_MASK) : last;
		for (; (an = ptree_next(&am->am_tree, &at, stop)) != NULL; at++) {
			struct spinlock *l = vm_anon_lock(an);

			if (an->an_page != NULL)
				pmap_page_protect(an->an_page, VM_PROT_READ | VM_PROT_EXECUTE);
			spin_unlock(l);
		}
		spin_unlock(&am->am_lock);
		at = stop + 1;
	}
}

void
vm_amap_set_shared(struct vm_amap *am)
{
	spin_lock(&am->am_lock);
	am->am_shared = true;
	spin_unlock(&am->am_lock);
}

bool
vm_amap_is_shared(struct vm_amap *am)
{
	bool shared;

	if (!__atomic_load_n(&am->am_shared, __ATOMIC_RELAXED))
		return false;
	spin_lock(&am->am_lock);
	shared = vm_amap_shared_locked(am);
	spin_unlock(&am->am_lock);
	return shared;
}

void
vm_amap_clear(struct vm_amap *am, uint64_t first, uint64_t count)
{
	uint64_t last = first + count - 1, at = first, stop;

	while (at <= last) {
		spin_lock(&am->am_lock);
		/* another map may still use the slots of a shared amap: they go with the last reference */
		if (vm_amap_shared_locked(am) || ptree_next(&am->am_tree, &at, last) == NULL) {
			spin_unlock(&am->am_lock);
			return;
		}
		stop = (at | PTREE_MASK) < last ? (at | PTREE_MASK) : last;
		/* on shortage the slots keep their pages until the amap goes; they are never given out again */
		ptree_clear_range(&am->am_tree, at, stop, &vm_anon_ops);
		spin_unlock(&am->am_lock);
		at = stop + 1;
	}
}

bool
vm_amap_extend(struct vm_amap *am, uint64_t end, uint64_t count)
{
	bool ok;

	spin_lock(&am->am_lock);
	ok = !vm_amap_shared_locked(am) && am->am_backing == NULL && end == am->am_slots &&
	    __atomic_load_n(&am->am_refs, __ATOMIC_ACQUIRE) == 1;
	if (ok)
		am->am_slots += count;
	spin_unlock(&am->am_lock);
	return ok;
}

kern_return_t
vm_amap_insert_locked(struct vm_amap *am, uint64_t slot, struct vm_page *p)
{
	struct vm_anon *an;
	void *old;

	KASSERT(spin_is_held(&am->am_lock));
	an = vm_anon_create(p, vm_amap_anon_group(am, slot));
	if (an == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (!ptree_set(&am->am_tree, slot, an, &vm_anon_ops, &old)) {
		an->an_page = NULL;
		p->pg_owner = NULL;
		p->pg_state = PAGE_KERNEL;
		vm_anon_release(an);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (old != NULL)
		vm_anon_release(old);
	return KERN_SUCCESS;
}

struct vm_page *
vm_amap_steal(struct vm_amap *am, uint64_t slot)
{
	struct vm_page *p = NULL;
	struct vm_anon *an;
	struct spinlock *l;
	bool exclusive;
	void *old;

	if (__atomic_load_n(&am->am_refs, __ATOMIC_ACQUIRE) != 1)
		return NULL;
	spin_lock(&am->am_lock);
	an = ptree_lookup(&am->am_tree, slot, &exclusive);
	if (an != NULL && exclusive) {
		l = vm_anon_lock(an);
		if (vm_anon_sole_locked(an))
			p = vm_anon_steal_locked(an);
		spin_unlock(l);
		/* the path is exclusive: no memory is needed */
		if (p != NULL && ptree_remove(&am->am_tree, slot, &vm_anon_ops, &old))
			vm_anon_release(old);
	}
	spin_unlock(&am->am_lock);
	return p;
}

void
vm_amap_dry(struct vm_amap *am)
{
	struct vm_anon *an;
	uint64_t at = 0;

	spin_lock(&am->am_lock);
	for (; at < PTREE_SLOTS && (an = ptree_next(&am->am_tree, &at, PTREE_MASK)) != NULL; at++) {
		struct spinlock *l = vm_anon_lock(an);

		if (an->an_page != NULL && (an->an_page->pg_flags & PG_LAUNDRY)) {
			vm_page_from_laundry(an->an_page);
			vm_pageq_activate(an->an_page);
		}
		spin_unlock(l);
	}
	spin_unlock(&am->am_lock);
}

uint64_t
vm_amap_resident(struct vm_amap *am, uint64_t first, uint64_t count)
{
	uint64_t n = 0, at = first;
	struct vm_anon *an;

	spin_lock(&am->am_lock);
	for (; (an = ptree_next(&am->am_tree, &at, first + count - 1)) != NULL; at++)
		n += an->an_page != NULL;
	spin_unlock(&am->am_lock);
	return n;
}
