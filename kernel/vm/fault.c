/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults.
 *
 * A fault is a loop of attempts. An attempt holds the map's lock for reading and spin locks only, finds the
 * page in a bounded number of steps, enters it into the pmap under the lock of its owner, and never waits. When it
 * cannot be finished everything is dropped, the thread waits, and the next attempt starts from nothing,
 * so that no check is ever trusted across a wait.
 *
 * Where the page of a slot is:
 *   anonymous entry   anon without its page                 -> fetch it from swap space
 *                     tree has an anon, exclusive           -> map as the entry allows
 *                     tree has an anon, shared              -> read: map read-only; write: copy the page, replace the anon
 *                     no anon, backing object               -> read: map the object's page read-only; write: copy it
 *                     no anon                               -> zero-filled page
 *   object entry      page there                            -> read: map read-only; write: push to private copies, dirty, map
 *                     page on its way                       -> wait
 *                     no page                               -> ask the pager
 *   device entry      map the physical address
 *
 * LOCKS   map (read) > object > amap > anon > page queue > pmap.
 * TESTS   tests/boot/vm_*.c
 */
#include <vm/fault.h>
#include <vm/amap.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/pageout.h>
#include <vm/pager.h>
#include <vm/swap.h>
#include <kern/sample.h>
#include <kern/exception.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/timer.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <mach/exception.h>

#define FAULT_AROUND	16		/* pages, a power of two not above PTREE_SLOTS */
#define FAULT_AHEAD	8		/* pages fetched from swap space together */
#define SHORTAGE_TRIES	64
#define SHORTAGE_NS	1000000000ull
#define SHORTAGE_REST_NS 2000000ull
#define LOST_SAID_MAX	64		/* lines about lost memory: a task may come back for more */

/* a write must not reach a page that became part of a copy in between: hence here, under the lock */
static void
fault_move(struct fault *f)
{
	uint8_t *kv = (uint8_t *)phys_to_kv(f->f_phys) + f->f_offset;

	if (f->f_want & VM_PROT_WRITE)
		memcpy(kv, f->f_buf, f->f_bytes);
	else
		memcpy(f->f_buf, kv, f->f_bytes);
}

/* deliver a page: wire, pin, move bytes, map. => lock of the page's owner held */
static enum resolve
fault_deliver(struct fault *f, struct vm_page *p, vm_prot_t prot)
{
	f->f_phys = vm_page_to_phys(p);
	if (f->f_enter && pmap_enter(f->f_pmap, f->f_va, f->f_phys, p, prot, f->f_wire, PMAP_CACHE_NORMAL) !=
	    KERN_SUCCESS)
		return RESOLVE_SHORTAGE;
	if (f->f_wire)
		vm_page_wire(p);
	if (f->f_pin) {
		vm_page_pin(p);
		f->f_page = p;
	}
	if (f->f_buf != NULL)
		fault_move(f);
	if (p->pg_queue == PAGE_QUEUE_OUT)
		vm_pageq_activate(p);		/* the pageout daemon comes too late */
	return RESOLVE_DONE;
}

/*
 * Neighbours are worth mapping when the access looks sequential: at the start of a region a window, behind a
 * mapped page a whole leaf.
 * => pages in the window, 0: none
 */
static unsigned
anon_window(const struct fault *f, const struct vm_entry *e)
{
	pmap_paddr_t pa;

	if (f->f_va == e->ve_start)
		return FAULT_AROUND;
	return pmap_extract(f->f_pmap, f->f_va - PAGE_SIZE, &pa) ? PTREE_SLOTS : 0;
}

/* the window of `n` slots (a power of two) around `slot` as far as the entry covers it */
static void
around_window(const struct vm_entry *e, uint64_t slot, unsigned n, uint64_t *first, uint64_t *last)
{
	*first = slot & ~(uint64_t)(n - 1);
	*last = *first + n - 1;
	if (*first < e->ve_index)
		*first = e->ve_index;
	if (*last >= e->ve_index + vm_entry_pages(e))
		*last = e->ve_index + vm_entry_pages(e) - 1;
}

static void
around_enter(const struct fault *f, const struct vm_entry *e, uint64_t first, struct vm_page **page, unsigned n,
    vm_prot_t prot)
{
	if (n > 1)
		pmap_enter_around(f->f_pmap, e->ve_start + ((first - e->ve_index) << PAGE_SHIFT), page, n, prot);
}

/* can this neighbour be mapped as well? => the lock of both anons held */
static struct vm_page *
around_page(const struct vm_anon *an, const struct vm_anon *faulted, bool exclusive)
{
	if (an->an_lock != faulted->an_lock || an->an_page == NULL || an->an_page->pg_queue == PAGE_QUEUE_OUT)
		return NULL;
	if (exclusive && (an->an_slot != 0 || __atomic_load_n(&an->an_refs, __ATOMIC_ACQUIRE) != 1))
		return NULL;
	return an->an_page;
}

/* exclusive: the path to the leaf is. => am_lock held, and that of the anon */
static void
around_anon(const struct fault *f, const struct vm_entry *e, uint64_t slot, const struct vm_anon *faulted, bool exclusive)
{
	const struct ptree_node *leaf = ptree_leaf(&e->ve_amap->am_tree, slot);
	struct vm_page *page[PTREE_SLOTS];
	vm_prot_t prot = exclusive ? e->ve_prot : e->ve_prot & ~VM_PROT_WRITE;
	uint64_t first, last, at;
	unsigned n;

	if (leaf == NULL || (n = anon_window(f, e)) == 0)
		return;
	/* what comes before is mapped or was not wanted */
	around_window(e, slot, n, &first, &last);
	first = slot;
	for (at = first; at <= last; at++) {
		struct vm_anon *an = leaf->pn_used >> (at & PTREE_MASK) & 1 ? leaf->pn_slot[at & PTREE_MASK] : NULL;

		page[at - first] = an != NULL ? around_page(an, faulted, exclusive) : NULL;
	}
	around_enter(f, e, first, page, last - first + 1, prot);
}

/* => vo_lock held, and am_lock when the entry is a private copy */
static void
around_object(const struct fault *f, const struct vm_entry *e, struct vm_object *o, uint64_t index, uint64_t slot)
{
	const struct ptree_node *leaf = ptree_leaf(&o->vo_pages, index);
	struct vm_page *page[FAULT_AROUND], *p;
	uint64_t first, last, at, in_object;
	pmap_paddr_t pa;

	if (leaf == NULL)
		return;
	around_window(e, slot, FAULT_AROUND, &first, &last);
	/* behind a mapped page what comes before was looked at already */
	if (slot > first && pmap_extract(f->f_pmap, f->f_va - PAGE_SIZE, &pa))
		first = slot;
	for (at = first; at <= last; at++) {
		page[at - first] = NULL;
		in_object = index - slot + at;
		if ((in_object ^ index) & ~(uint64_t)PTREE_MASK || !(leaf->pn_used >> (in_object & PTREE_MASK) & 1))
			continue;
		p = leaf->pn_slot[in_object & PTREE_MASK];
		if ((p->pg_flags & (PG_BUSY | PG_ERROR)) || p->pg_lock != 0 || p->pg_queue == PAGE_QUEUE_OUT)
			continue;
		if (e->ve_amap != NULL) {
			if (ptree_lookup(&e->ve_amap->am_tree, at, NULL) != NULL)
				continue;
			p->pg_flags |= PG_SEEN;
		}
		page[at - first] = p;
	}
	around_enter(f, e, first, page, last - first + 1, e->ve_prot & ~VM_PROT_WRITE);
}

/*
 * One page, and of swap space those behind it that are not here; no pager but the default pager is asked for more than one.
 * => vo_lock held on entry, released
 */
static enum resolve
ask_for_page(struct fault *f, struct vm_object *o, uint64_t index, vm_prot_t want)
{
	struct vm_page *p = vm_object_new_page_locked(o, index);
	unsigned i, n = 1;
	kern_return_t kr;

	while (p != NULL && o->vo_backing && n < f->f_ahead && !vm_page_scarce() &&
	    ptree_lookup(&o->vo_pages, index + n, NULL) == NULL && vm_object_new_page_locked(o, index + n) != NULL)
		n++;
	spin_unlock(&o->vo_lock);
	if (p == NULL)
		return RESOLVE_SHORTAGE;
	kr = vm_pager_data_request(o, index << PAGE_SHIFT, n * PAGE_SIZE, want);
	if (kr == KERN_SUCCESS) {
		f->f_asked = true;
		vm_page_my_events()->ve_pageins++;
		current_thread()->th_task->tk_events.te_pageins++;
		pc_sample(SAMPLED_PC_VM_PAGEIN_FAULTS);
		return RESOLVE_AGAIN;
	}
	spin_lock(&o->vo_lock);
	if (kr == KERN_MEMORY_ERROR) {
		vm_object_fail_locked(o);
	} else {
		/* nobody was asked */
		for (i = 0; i < n; i++) {
			p = ptree_lookup(&o->vo_pages, index + i, NULL);
			if (p != NULL && (p->pg_flags & PG_ABSENT))
				vm_object_free_page_locked(o, p);
		}
	}
	spin_unlock(&o->vo_lock);
	return kr == KERN_MEMORY_ERROR ? RESOLVE_AGAIN : RESOLVE_SHORTAGE;
}

/* => vo_lock held on entry, released; the page says that it was asked */
static enum resolve
ask_for_unlock(struct vm_object *o, uint64_t index, vm_prot_t want)
{
	struct vm_page *p;

	spin_unlock(&o->vo_lock);
	if (vm_pager_data_unlock(o, index << PAGE_SHIFT, PAGE_SIZE, want) != KERN_RESOURCE_SHORTAGE)
		return RESOLVE_AGAIN;
	spin_lock(&o->vo_lock);
	p = ptree_lookup(&o->vo_pages, index, NULL);
	if (p != NULL) {
		p->pg_lock &= VM_PROT_ALL;
		thread_wakeup(p);
	}
	spin_unlock(&o->vo_lock);
	return RESOLVE_SHORTAGE;
}

/*
 * Page `index` of an object, for access `want`.
 * => vo_lock held on entry; held on return only with RESOLVE_DONE
 */
static enum resolve
object_page(struct fault *f, struct vm_object *o, uint64_t index, vm_prot_t want, struct vm_page **out)
{
	struct vm_page *p;

	if (!o->vo_ready) {
		assert_wait(&o->vo_ready, true);
		spin_unlock(&o->vo_lock);
		return RESOLVE_WAIT;
	}
	p = ptree_lookup(&o->vo_pages, index, NULL);
	if (p == NULL || ((p->pg_flags & PG_ERROR) && !f->f_asked && !o->vo_dead)) {
		if (o->vo_dead)
			goto error;
		if (p != NULL)
			vm_object_free_page_locked(o, p);	/* an old error: ask again */
		return ask_for_page(f, o, index, want);
	}
	if (p->pg_flags & PG_ERROR)
		goto error;
	if (p->pg_flags & PG_BUSY) {
		f->f_asked = true;
		goto wait;
	}
	if ((p->pg_lock & want) != 0) {
		uint8_t ask = (p->pg_lock & want) & ~(p->pg_lock >> 4);

		if (o->vo_dead)
			goto error;
		if (ask == 0)
			goto wait;
		p->pg_lock |= ask << 4;
		return ask_for_unlock(o, index, want);
	}
	*out = p;
	return RESOLVE_DONE;
wait:
	p->pg_flags |= PG_WANTED;
	assert_wait(p, true);
	spin_unlock(&o->vo_lock);
	return RESOLVE_WAIT;
error:
	spin_unlock(&o->vo_lock);
	f->f_error = KERN_MEMORY_ERROR;
	return RESOLVE_ERROR;
}

/* an object mapped directly, shared with all who map it so */
static enum resolve
resolve_object(struct fault *f, struct vm_entry *e, uint64_t index)
{
	struct vm_object *o = e->ve_object;
	vm_prot_t prot = e->ve_prot;
	struct vm_page *p;
	enum resolve r;

	spin_lock(&o->vo_lock);
	r = object_page(f, o, index, f->f_want, &p);
	if (r != RESOLVE_DONE)
		return r;
	if (f->f_want & VM_PROT_WRITE) {
		if (!queue_empty(&o->vo_copies) && !vm_object_push_locked(o, p)) {
			spin_unlock(&o->vo_lock);
			return RESOLVE_SHORTAGE;
		}
		vm_object_dirty_page_locked(o, p);
	} else if (!(p->pg_flags & PG_DIRTY) || !queue_empty(&o->vo_copies)) {
		prot &= ~VM_PROT_WRITE;
	}
	r = fault_deliver(f, p, prot & ~(p->pg_lock & 7));
	if (r == RESOLVE_DONE && f->f_enter && !(f->f_want & VM_PROT_WRITE))
		around_object(f, e, o, index, index);
	spin_unlock(&o->vo_lock);
	return r;
}

/* device memory: no page structures, or pages the kernel keeps */
static enum resolve
resolve_device(struct fault *f, struct vm_entry *e, uint64_t index)
{
	struct vm_object *o = e->ve_object;

	if (index >= o->vo_size >> PAGE_SHIFT) {
		f->f_error = KERN_MEMORY_ERROR;
		return RESOLVE_ERROR;
	}
	f->f_phys = o->vo_phys + (index << PAGE_SHIFT);
	f->f_page = NULL;
	if (f->f_enter && pmap_enter(f->f_pmap, f->f_va, f->f_phys, NULL, e->ve_prot, f->f_wire, o->vo_cache) !=
	    KERN_SUCCESS)
		return RESOLVE_SHORTAGE;
	if (f->f_buf != NULL) {
		/* RAM outside our management is in the direct map; device registers are not for the kernel to touch */
		if (f->f_phys >= boot_memory_max) {
			f->f_error = KERN_INVALID_ADDRESS;
			return RESOLVE_ERROR;
		}
		fault_move(f);
	}
	return RESOLVE_DONE;
}

/* put a fresh page into a slot and deliver it; old is what the slot (or the object below it) had. => am_lock held, and that of old */
static enum resolve
replace_page(struct fault *f, struct vm_entry *e, uint64_t slot, struct vm_page *fresh, struct vm_page *old)
{
	struct vm_amap *am = e->ve_amap;
	struct vm_anon *an = vm_anon_create(fresh, vm_amap_anon_group(am, slot));
	void *old_anon = NULL;
	enum resolve r;

	if (an == NULL) {
		vm_page_release(fresh);
		return RESOLVE_SHORTAGE;
	}
	if (!ptree_set(&am->am_tree, slot, an, &vm_anon_ops, &old_anon)) {
		vm_anon_release(an);
		return RESOLVE_SHORTAGE;
	}
	/* other maps of a shared region must find the new page; our own mapping is replaced or removed */
	if (old != NULL && vm_amap_shared_locked(am))
		pmap_page_protect(old, VM_PROT_NONE);
	r = fault_deliver(f, fresh, e->ve_prot);
	if (old != NULL && f->f_pmap != NULL && (!f->f_enter || r != RESOLVE_DONE))
		pmap_remove(f->f_pmap, f->f_va, f->f_va + PAGE_SIZE);
	if (old_anon != NULL)
		vm_anon_release(old_anon);
	/* the daemon must not find it before it is mapped */
	vm_pageq_activate(fresh);
	return r;
}

/* a slot without page over an object */
static enum resolve
resolve_backed(struct fault *f, struct vm_entry *e, uint64_t slot)
{
	struct vm_amap *am = e->ve_amap;
	struct vm_object *o = am->am_backing;
	uint64_t index = am->am_backing_index + slot;
	struct vm_page *p, *fresh;
	enum resolve r;

	spin_lock(&o->vo_lock);
	r = object_page(f, o, index, f->f_want & ~VM_PROT_WRITE ? f->f_want & ~VM_PROT_WRITE : VM_PROT_READ, &p);
	if (r != RESOLVE_DONE)
		return r;
	spin_lock(&am->am_lock);
	if (ptree_lookup(&am->am_tree, slot, NULL) != NULL) {
		r = RESOLVE_AGAIN;
	} else if (f->f_want & VM_PROT_WRITE) {
		fresh = vm_page_grab();
		if (fresh == NULL) {
			r = RESOLVE_SHORTAGE;
		} else {
			pmap_copy_page(vm_page_to_phys(p), vm_page_to_phys(fresh));
			vm_page_my_events()->ve_cow++;
			r = replace_page(f, e, slot, fresh, p);
		}
	} else {
		p->pg_flags |= PG_SEEN;
		r = fault_deliver(f, p, e->ve_prot & ~VM_PROT_WRITE & ~(p->pg_lock & 7));
		if (r == RESOLVE_DONE && f->f_enter)
			around_object(f, e, o, index, slot);
	}
	spin_unlock(&am->am_lock);
	spin_unlock(&o->vo_lock);
	return r;
}

/* the contents of the slot were lost with the default pager, or it could not read them */
static void
say_lost(const struct fault *f)
{
	static uint32_t said;			/* (a) */

	if (__atomic_fetch_add(&said, 1, __ATOMIC_RELAXED) < LOST_SAID_MAX)
		kprintf("task %s: its memory at %#lx was paged out and cannot be had from the default pager\n",
		    current_thread()->th_task->tk_name, (unsigned long)f->f_va);
}

/*
 * A page that is in swap space. It comes into the segment's object first, as any pager's page; who then finds it there
 * gives it to the anon.
 * => am_lock and *l held, released
 */
static enum resolve
resolve_swapped(struct fault *f, struct vm_amap *am, struct vm_anon *an, struct spinlock *l)
{
	uint32_t slot = an->an_slot;
	struct vm_object *o;
	struct vm_page *p;
	uint64_t index;
	enum resolve r;

	if (an->an_transit) {
		assert_wait(an, true);
		spin_unlock(l);
		spin_unlock(&am->am_lock);
		return RESOLVE_WAIT;
	}
	/* the reference keeps the slot */
	vm_anon_ops.po_ref(an);
	spin_unlock(l);
	spin_unlock(&am->am_lock);
	o = vm_swap_object(slot, &index);
	f->f_ahead = vm_swap_ahead(slot, FAULT_AHEAD);
	spin_lock(&o->vo_lock);
	r = object_page(f, o, index, VM_PROT_READ, &p);
	if (r == RESOLVE_DONE) {
		vm_object_take_page_locked(o, p);
		vm_anon_page_in(an, slot, p);
		spin_unlock(&o->vo_lock);
		r = RESOLVE_AGAIN;
	} else if (r == RESOLVE_ERROR) {
		say_lost(f);
	}
	vm_anon_release(an);
	return r;
}

/* a slot without an anon. => am_lock held, released */
static enum resolve
resolve_empty(struct fault *f, struct vm_entry *e, uint64_t slot)
{
	struct vm_amap *am = e->ve_amap;
	struct vm_page *fresh;
	enum resolve r = RESOLVE_SHORTAGE;

	if (am->am_backing != NULL) {
		spin_unlock(&am->am_lock);
		return resolve_backed(f, e, slot);
	}
	fresh = vm_page_grab();
	if (fresh != NULL) {
		pmap_zero_page(vm_page_to_phys(fresh));
		vm_page_my_events()->ve_zero_fill++;
		r = replace_page(f, e, slot, fresh, NULL);
	}
	spin_unlock(&am->am_lock);
	return r;
}

static enum resolve
resolve_anon(struct fault *f, struct vm_entry *e, uint64_t slot)
{
	struct vm_amap *am = e->ve_amap;
	vm_prot_t prot = e->ve_prot;
	struct vm_page *fresh;
	struct vm_anon *an;
	struct spinlock *l;
	bool path, exclusive;
	enum resolve r;

	spin_lock(&am->am_lock);
	an = ptree_lookup(&am->am_tree, slot, &path);
	if (an == NULL)
		return resolve_empty(f, e, slot);
	l = vm_anon_lock(an);
	if (an->an_page == NULL)
		return resolve_swapped(f, am, an, l);
	exclusive = path && vm_anon_sole_locked(an);
	if (!exclusive && (f->f_want & VM_PROT_WRITE)) {
		r = RESOLVE_SHORTAGE;
		fresh = vm_page_grab();
		if (fresh != NULL) {
			pmap_copy_page(vm_page_to_phys(an->an_page), vm_page_to_phys(fresh));
			vm_page_my_events()->ve_cow++;
			r = replace_page(f, e, slot, fresh, an->an_page);
		}
	} else {
		if (f->f_want & VM_PROT_WRITE)
			vm_anon_dirty_locked(an);
		if (!exclusive || an->an_slot != 0)
			prot &= ~VM_PROT_WRITE;
		r = fault_deliver(f, an->an_page, prot);
		if (r == RESOLVE_DONE && f->f_enter && !(f->f_want & VM_PROT_WRITE))
			around_anon(f, e, slot, an, path);
	}
	spin_unlock(l);
	spin_unlock(&am->am_lock);
	return r;
}

enum resolve
vm_fault_resolve(struct fault *f, struct vm_entry *e)
{
	uint64_t index = e->ve_index + ((f->f_va - e->ve_start) >> PAGE_SHIFT);

	if (e->ve_amap != NULL)
		return resolve_anon(f, e, index);
	if (e->ve_object == NULL) {
		f->f_error = KERN_INVALID_ADDRESS;
		return RESOLVE_ERROR;
	}
	if (e->ve_object->vo_kind == OBJECT_DEVICE)
		return resolve_device(f, e, index);
	return resolve_object(f, e, index);
}

/* one attempt at a map address. => nothing locked before and after */
static enum resolve
fault_attempt(struct fault *f, struct vm_map *map)
{
	struct vm_entry *e;
	enum resolve r = RESOLVE_ERROR;

	rw_lock_read(&map->vm_lock);
	e = vm_entry_find(&map->vm_tree, f->f_va);
	if (e == NULL)
		f->f_error = KERN_INVALID_ADDRESS;
	else if ((e->ve_prot & f->f_want) != f->f_want || e->ve_prot == VM_PROT_NONE)
		f->f_error = KERN_PROTECTION_FAILURE;
	else
		r = vm_fault_resolve(f, e);
	rw_unlock_read(&map->vm_lock);
	return r;
}

/*
 * The task that holds much of the memory is told of the shortage soon, others wait for it to go: who eats
 * the memory suffers first. As long as there is paging space, or a pager has to take its pages, nobody is told soon.
 */
static bool
wait_for_page(const struct fault *f, unsigned tries)
{
	bool large = f->f_pmap != NULL && pmap_resident_count(f->f_pmap) > vm_page_total() / 8 && vm_swap_free_slots() == 0 &&
	    !vm_pageout_held_up();

	if (f->f_pmap != NULL)
		pmap_collect(f->f_pmap);
	/* there is said to be memory, yet there was none: let the others have it first */
	if (tries % 8 == 0) {
		assert_wait_deadline(&f->f_since, true, clock_uptime_ns() + SHORTAGE_REST_NS);
		if (thread_block(NULL) == WAIT_INTERRUPTED)
			return false;
	}
	return vm_page_wait_rounds(large ? PAGE_WAIT_SHORT : PAGE_WAIT_LONG);
}

/*
 * What to do after an attempt that did not finish. => true: try again; false: *kr is the result.
 * `tries` bounds the waits for memory.
 */
static bool
fault_again(struct fault *f, enum resolve r, unsigned *tries, continuation_t cont, kern_return_t *kr)
{
	switch (r) {
	case RESOLVE_AGAIN:
		return true;
	case RESOLVE_WAIT:
		if (thread_block(cont) == WAIT_INTERRUPTED) {
			*kr = KERN_ABORTED;
			return false;
		}
		return true;
	case RESOLVE_SHORTAGE:
		/* others may take what comes free, but as long as something does the turn will come */
		if (f->f_progress != vm_pageout_progress() || *tries == 0) {
			*tries = 0;
			f->f_progress = vm_pageout_progress();
			f->f_since = clock_uptime_ns();
		}
		*kr = KERN_RESOURCE_SHORTAGE;
		++*tries;
		if (*tries >= SHORTAGE_TRIES && clock_uptime_ns() - f->f_since > SHORTAGE_NS)
			return false;
		return wait_for_page(f, *tries);
	case RESOLVE_ERROR:
		*kr = f->f_error;
		return false;
	case RESOLVE_DONE:
		break;
	}
	*kr = KERN_SUCCESS;
	return false;
}

/* where a user fault keeps itself while its thread has no stack */
enum { SAVED_MAP, SAVED_VA, SAVED_PROT, SAVED_ASKED };

static kern_return_t fault_loop(struct vm_map *, uint64_t, vm_prot_t, bool user_trap, bool asked);

static void
fault_continue(void)
{
	struct thread *th = current_thread();
	uint64_t va = th->th_saved[SAVED_VA];
	kern_return_t kr = KERN_ABORTED;

	if (th->th_wait_result != WAIT_INTERRUPTED)
		kr = fault_loop((struct vm_map *)th->th_saved[SAVED_MAP], va, th->th_saved[SAVED_PROT], true,
		    th->th_saved[SAVED_ASKED]);
	/* aborted: whoever did it set what happens next; the access is simply tried again */
	if (kr == KERN_SUCCESS || kr == KERN_ABORTED)
		thread_return_to_user();
	exception(EXC_BAD_ACCESS, kr, va);
}

static kern_return_t
fault_loop(struct vm_map *map, uint64_t va, vm_prot_t prot, bool user_trap, bool asked)
{
	struct fault f = { .f_pmap = map->vm_pmap, .f_va = page_trunc(va), .f_want = prot, .f_enter = true,
	    .f_asked = asked };
	unsigned tries = 0;
	enum resolve r;
	kern_return_t kr;

	for (;;) {
		r = fault_attempt(&f, map);
		if (r == RESOLVE_DONE)
			break;
		if (r == RESOLVE_WAIT && user_trap) {
			struct thread *th = current_thread();

			th->th_saved[SAVED_MAP] = (uintptr_t)map;
			th->th_saved[SAVED_VA] = va;
			th->th_saved[SAVED_PROT] = prot;
			th->th_saved[SAVED_ASKED] = f.f_asked;
		}
		if (!fault_again(&f, r, &tries, user_trap ? fault_continue : NULL, &kr))
			return kr;
	}
	if (vm_page_low())
		vm_pageout_kick();
	return KERN_SUCCESS;
}

/* statistics of a task and a processor only: they may lose an event, or credit a neighbour with one when they are pre-empted */
static inline void
fault_begins(struct task_events *te, struct vm_events *ev)
{
	ev->ve_faults++;
	te->te_faults++;
	pc_sample(SAMPLED_PC_VM_FAULTS_ANY);
}

static inline void
fault_ends(struct task_events *te, bool cow, bool zero)
{
	te->te_cow_faults += cow;
	te->te_zero_fills += zero;
}

kern_return_t
vm_fault(struct vm_map *map, uint64_t va, vm_prot_t prot, bool user_trap)
{
	struct task_events *te = &current_thread()->th_task->tk_events;
	struct vm_events *ev = vm_page_my_events();
	uint64_t cow = ev->ve_cow, zero = ev->ve_zero_fill;
	kern_return_t kr;

	fault_begins(te, ev);
	kr = fault_loop(map, va, prot, user_trap, false);
	fault_ends(te, ev->ve_cow != cow, ev->ve_zero_fill != zero);
	pc_sample((ev->ve_cow != cow ? SAMPLED_PC_VM_COW_FAULTS : 0) |
	    (ev->ve_zero_fill != zero ? SAMPLED_PC_VM_ZFILL_FAULTS : 0));
	return kr;
}

kern_return_t
vm_map_move_bytes(struct vm_map *map, uint64_t va, uint8_t *buf, uint64_t size, bool write)
{
	uint64_t n;
	kern_return_t kr;

	for (; size > 0; size -= n, va += n, buf += n) {
		struct fault f = { .f_pmap = map->vm_pmap, .f_va = page_trunc(va), .f_buf = buf,
		    .f_want = write ? VM_PROT_WRITE : VM_PROT_READ };
		unsigned tries = 0;

		n = PAGE_SIZE - (va & PAGE_MASK);
		if (n > size)
			n = size;
		f.f_offset = va & PAGE_MASK;
		f.f_bytes = n;
		while (fault_again(&f, fault_attempt(&f, map), &tries, NULL, &kr))
			;
		if (kr != KERN_SUCCESS)
			return kr;
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_pin(struct vm_map *map, uint64_t va, struct vm_page **page, uint64_t *phys)
{
	struct fault f = { .f_pmap = map->vm_pmap, .f_va = page_trunc(va), .f_want = VM_PROT_READ, .f_pin = true };
	unsigned tries = 0;
	kern_return_t kr;

	while (fault_again(&f, fault_attempt(&f, map), &tries, NULL, &kr))
		;
	*page = f.f_page;
	*phys = f.f_phys;
	return kr;
}

kern_return_t
vm_entry_pin(struct vm_entry *e, uint64_t va, struct vm_page **page, uint64_t *phys)
{
	struct fault f = { .f_pmap = NULL, .f_va = page_trunc(va), .f_want = VM_PROT_READ, .f_pin = true };
	unsigned tries = 0;
	kern_return_t kr;

	while (fault_again(&f, vm_fault_resolve(&f, e), &tries, NULL, &kr))
		;
	*page = f.f_page;
	*phys = f.f_phys;
	return kr;
}
