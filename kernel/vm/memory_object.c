/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pagers ask of the kernel on an object's control port (interface reference section 11).
 *
 * A pager is not trusted: every range is walked by the pages that exist, never by the size given, and nothing here waits
 * for a pager (a supplied copy whose own pages come from another pager makes the supplying thread wait, interruptibly).
 * RIGHTS  on success the routine has consumed the rights and copies in its arguments; on failure the message keeps them.
 * LOCKS   vo_lock for one leaf's worth of pages at a time; messages are sent without locks.
 * TESTS   tests/boot/vm_pager.c
 */
#include <vm/memory_object.h>
#include <vm/amap.h>
#include <vm/copy.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/pager.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/wait.h>
#include <mach/mach.server.h>
#include <machine/pmap.h>

#define CLEAN_TRIES	16		/* waits for memory in one request, which answers nothing */
#define INDEX_MAX	(UINT64_MAX >> PAGE_SHIFT)

/* the pages a byte range touches. => false when there are none */
static bool
page_range(uint64_t offset, uint64_t size, uint64_t *first, uint64_t *last)
{
	uint64_t end;

	if (size == 0)
		return false;
	if (__builtin_add_overflow(offset, size - 1, &end))
		end = UINT64_MAX;
	*first = offset >> PAGE_SHIFT;
	*last = end >> PAGE_SHIFT;
	return true;
}

kern_return_t
memory_object_ready(vm_object_t o, boolean_t may_cache, memory_object_copy_strategy_t strategy)
{
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	if (strategy < MEMORY_OBJECT_COPY_NONE || strategy > MEMORY_OBJECT_COPY_TEMPORARY)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&o->vo_lock);
	o->vo_may_cache = may_cache;
	o->vo_copy_strategy = strategy;
	o->vo_ready = true;
	thread_wakeup(&o->vo_ready);
	spin_unlock(&o->vo_lock);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_change_attributes(vm_object_t o, boolean_t may_cache, memory_object_copy_strategy_t strategy,
    mach_port_t reply_to, mach_msg_type_name_t reply_type)
{
	kern_return_t kr = memory_object_ready(o, may_cache, strategy);

	if (kr != KERN_SUCCESS)
		return kr;
	if (!may_cache)
		vm_object_uncache(o);
	vm_pager_change_completed(reply_to, reply_type, may_cache, strategy);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_get_attributes(vm_object_t o, boolean_t *ready, boolean_t *may_cache,
    memory_object_copy_strategy_t *strategy)
{
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&o->vo_lock);
	*ready = o->vo_ready;
	*may_cache = o->vo_may_cache;
	*strategy = o->vo_copy_strategy;
	spin_unlock(&o->vo_lock);
	return KERN_SUCCESS;
}

/* the supplied page becomes page `index`. => KERN_MEMORY_PRESENT: it is there already; the page is freed on failure */
static kern_return_t
supply_page(struct vm_object *o, uint64_t index, struct vm_page *p, vm_prot_t lock, bool precious)
{
	kern_return_t kr = KERN_FAILURE;

	spin_lock(&o->vo_lock);
	if (!o->vo_dead)
		kr = vm_object_insert_page_locked(o, index, p);
	if (kr == KERN_SUCCESS) {
		p->pg_flags = precious ? PG_PRECIOUS : 0;
		p->pg_lock = lock & VM_PROT_ALL;
	}
	spin_unlock(&o->vo_lock);
	if (kr != KERN_SUCCESS)
		vm_page_release(p);
	return kr;
}

kern_return_t
memory_object_data_supply(vm_object_t o, vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t count,
    vm_prot_t lock, boolean_t precious, mach_port_t reply_to, mach_msg_type_name_t reply_type)
{
	struct vm_map_copy *copy = (struct vm_map_copy *)data;
	uint64_t size = vm_map_copy_size(copy), at, error_at = 0;
	kern_return_t kr = KERN_SUCCESS, error = KERN_SUCCESS;

	if (o == NULL || (offset & PAGE_MASK) != 0 || count != size || offset + size < offset)
		return KERN_INVALID_ARGUMENT;
	for (at = 0; at < size; at += PAGE_SIZE) {
		struct vm_page *p = vm_map_copy_take_page(copy, at >> PAGE_SHIFT, &kr);

		if (p != NULL)
			kr = supply_page(o, (offset + at) >> PAGE_SHIFT, p, lock, precious);
		if (kr != KERN_SUCCESS && error == KERN_SUCCESS) {
			error = kr;
			error_at = offset + at;
		}
	}
	vm_map_copy_discard(copy);
	vm_pager_supply_completed(reply_to, reply_type, o, offset, size, error, error_at);
	return KERN_SUCCESS;
}

/* what was asked for in the range has an answer: zeros, or an error */
static void
answer_absent(struct vm_object *o, uint64_t offset, uint64_t size, bool error)
{
	uint64_t at, last;
	struct vm_page *p;
	unsigned n;

	if (!page_range(offset, size, &at, &last))
		return;
	for (;;) {
		spin_lock(&o->vo_lock);
		for (n = 0; n < PTREE_SLOTS && (p = ptree_next(&o->vo_pages, &at, last)) != NULL; n++, at++) {
			if (!(p->pg_flags & PG_ABSENT))
				continue;
			o->vo_absent--;
			if (!error)
				pmap_zero_page(vm_page_to_phys(p));
			vm_object_wake_page_locked(p);
			p->pg_flags = error ? PG_ERROR : 0;
			vm_pageq_activate(p);
		}
		spin_unlock(&o->vo_lock);
		if (n < PTREE_SLOTS)
			break;
	}
}

kern_return_t
memory_object_data_unavailable(vm_object_t o, vm_offset_t offset, vm_size_t size)
{
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	answer_absent(o, offset, size, false);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_error(vm_object_t o, vm_offset_t offset, vm_size_t size, kern_return_t error)
{
	(void)error;
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	answer_absent(o, offset, size, true);
	return KERN_SUCCESS;
}

/* state of a walk over a range that gives pages back */
struct clean {
	struct vm_object *cl_object;
	memory_object_return_t cl_return;
	bool		 cl_flush;
	vm_prot_t	 cl_lock;
	struct vm_page	*cl_run[VM_RETURN_RUN];
	uint64_t	 cl_first;
	unsigned	 cl_count, cl_tries;
	bool		 cl_dirty;
};

/*
 * Give back what was gathered; => no locks. false: there was no memory for the message; the pages are where they were, dirty, and it is
 * worth another try
 */
static bool
clean_send(struct clean *cl)
{
	unsigned n = cl->cl_count;

	cl->cl_count = 0;
	return n == 0 || vm_pager_return_pages(cl->cl_object, cl->cl_first, cl->cl_run, n, cl->cl_dirty, !cl->cl_flush) == KERN_SUCCESS ||
	    cl->cl_tries++ >= CLEAN_TRIES || !vm_page_wait();
}

/* does page p go to the pager? */
static bool
clean_wants(const struct clean *cl, const struct vm_page *p)
{
	if (p->pg_flags & PG_DIRTY)
		return cl->cl_return != MEMORY_OBJECT_RETURN_NONE;
	return (p->pg_flags & PG_PRECIOUS) && cl->cl_return == MEMORY_OBJECT_RETURN_ALL;
}

/* take the page, or a copy of it, into the run. => vo_lock held; false on shortage */
static bool
clean_gather(struct clean *cl, struct vm_page *p)
{
	struct vm_object *o = cl->cl_object;
	struct vm_page *out = p;

	if (!cl->cl_flush) {
		out = vm_page_grab();
		if (out == NULL)
			return false;
		/* no write can slip between the copy and the page's being clean */
		pmap_page_protect(p, VM_PROT_READ | VM_PROT_EXECUTE);
		pmap_copy_page(vm_page_to_phys(p), vm_page_to_phys(out));
	} else {
		pmap_page_protect(p, VM_PROT_NONE);
		vm_page_pin(p);		/* keeps it when it leaves the object */
	}
	if (cl->cl_count == 0) {
		cl->cl_first = p->pg_index;
		cl->cl_dirty = p->pg_flags & PG_DIRTY;
	}
	cl->cl_run[cl->cl_count++] = out;
	vm_object_clean_page_locked(o, p);
	p->pg_flags &= ~PG_PRECIOUS;
	if (cl->cl_flush)
		vm_object_free_page_locked(o, p);
	return true;
}

/* one page. => vo_lock held; false: the run must be sent first (or memory waited for), then the page looked at again */
static bool
clean_page(struct clean *cl, struct vm_page *p)
{
	struct vm_object *o = cl->cl_object;
	bool flush = cl->cl_flush && p->pg_wired == 0;

	if (p->pg_flags & PG_ABSENT)
		return true;
	if (cl->cl_lock != VM_PROT_NO_CHANGE) {
		if (cl->cl_lock & ~p->pg_lock & VM_PROT_ALL)
			pmap_page_protect(p, VM_PROT_ALL & ~cl->cl_lock);
		p->pg_lock = cl->cl_lock & VM_PROT_ALL;
		if (p->pg_flags & PG_WANTED)
			vm_object_wake_page_locked(p);
	}
	if (flush && !queue_empty(&o->vo_copies) && (p->pg_flags & (PG_SEEN | PG_DIRTY)) &&
	    !vm_object_push_locked(o, p))
		return false;
	if (clean_wants(cl, p)) {
		if (cl->cl_count == VM_RETURN_RUN || (cl->cl_count != 0 &&
		    (p->pg_index != cl->cl_first + cl->cl_count || cl->cl_dirty != !!(p->pg_flags & PG_DIRTY))))
			return false;
		if (flush == cl->cl_flush)
			return clean_gather(cl, p);
		return true;		/* wired: stays, dirty, until it can go */
	}
	if (flush)
		vm_object_free_page_locked(o, p);
	return true;
}

void
vm_object_clean(struct vm_object *o, uint64_t offset, uint64_t size, memory_object_return_t ret, bool flush,
    vm_prot_t lock)
{
	struct clean cl = { .cl_object = o, .cl_return = ret, .cl_flush = flush, .cl_lock = lock };
	uint64_t at, last;
	struct vm_page *p;
	unsigned n, stuck = 0;
	bool more = true, ok;

	if (!page_range(offset, size, &at, &last))
		return;
	while (more) {
		ok = true;
		spin_lock(&o->vo_lock);
		for (n = 0; n < PTREE_SLOTS; n++) {
			p = ptree_next(&o->vo_pages, &at, last);
			if (p == NULL) {
				more = false;
				break;
			}
			ok = clean_page(&cl, p);
			if (!ok)
				break;
			stuck = 0;
			at++;
		}
		spin_unlock(&o->vo_lock);
		if (!ok && cl.cl_count == 0 && (++stuck > 1) && !vm_page_wait())
			at++;		/* no memory to copy it: leave it dirty, the pager may ask again */
		if (!clean_send(&cl)) {
			at = cl.cl_first;
			more = true;
		}
	}
}

kern_return_t
memory_object_lock_request(vm_object_t o, vm_offset_t offset, vm_size_t size, memory_object_return_t ret,
    boolean_t flush, vm_prot_t lock, mach_port_t reply_to, mach_msg_type_name_t reply_type)
{
	if (o == NULL || (lock != VM_PROT_NO_CHANGE && (lock & ~VM_PROT_ALL)) ||
	    ret < MEMORY_OBJECT_RETURN_NONE || ret > MEMORY_OBJECT_RETURN_ALL)
		return KERN_INVALID_ARGUMENT;
	vm_object_clean(o, offset, size, ret, flush, lock);
	vm_pager_lock_completed(reply_to, reply_type, o, offset, size);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_destroy(vm_object_t o, kern_return_t reason)
{
	(void)reason;
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&o->vo_lock);
	vm_object_fail_locked(o);
	spin_unlock(&o->vo_lock);
	vm_object_uncache(o);
	return KERN_SUCCESS;
}
