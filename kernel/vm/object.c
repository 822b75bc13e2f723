/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: the kernel's cache of what pagers manage (see object.h).
 *
 * REFS    an object that can be found (hash, cache list, control and name ports) always has at least one reference; the
 *         cache list holds one. The last release under the cache lock either caches the object or makes it
 *         unfindable; whoever then drops the last reference finishes it.
 * LOCKS   vm_cache_lock (VM_CACHE) guards the hash of pager ports and the cache list. vo_lock (VM_OBJECT) guards the
 *         pages and state of one object; two are never held at once. No message is sent under either.
 * TESTS   tests/boot/vm_pager.c
 */
#include <vm/object.h>
#include <vm/amap.h>
#include <vm/map.h>
#include <vm/page.h>
#include <vm/pager.h>
#include <vm/swap.h>
#include <debug/pause.h>
#include <ipc/ipc.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/wait.h>
#include <mach/memory_object.h>

#define OBJECT_HASH_SIZE	1024u
#define OBJECT_CACHE_MAX	4096u

static const struct lock_class object_class = { "vm object", LOCK_RANK_VM_OBJECT, 0 };
static const struct lock_class cache_class = { "vm object cache", LOCK_RANK_VM_CACHE, 0 };

static struct spinlock vm_cache_lock;
static struct queue object_hash[OBJECT_HASH_SIZE];	/* vm_cache_lock */
static struct queue object_cache_list;			/* vm_cache_lock; oldest first */
static uint64_t object_cached;				/* vm_cache_lock */
static struct slab_cache *object_slab;

/* page trees of objects are never shared, so nothing is ever counted through them */
static void page_value_ref(void *v) { (void)v; }
static void page_value_rel(void *v) { (void)v; }
const struct ptree_ops vm_object_page_ops = { page_value_ref, page_value_rel };

void
vm_object_bootstrap(void)
{
	unsigned i;

	spin_lock_init(&vm_cache_lock, &cache_class);
	queue_init(&object_cache_list);
	for (i = 0; i < OBJECT_HASH_SIZE; i++)
		queue_init(&object_hash[i]);
	object_slab = slab_cache_create("vm object", sizeof(struct vm_object), 8);
}

static struct queue *
hash_of(const struct ipc_port *pager)
{
	uint64_t h = (uintptr_t)pager * 0x9e3779b97f4a7c15ull;

	return &object_hash[h >> 54 & (OBJECT_HASH_SIZE - 1)];
}

static struct vm_object *
object_alloc(enum vm_object_kind kind)
{
	struct vm_object *o = fault_point("vm_object") ? NULL : slab_zalloc(object_slab);

	if (o == NULL)
		return NULL;
	spin_lock_init(&o->vo_lock, &object_class);
	o->vo_refs = 1;
	o->vo_kind = kind;
	o->vo_max_prot = VM_PROT_ALL;
	ptree_init(&o->vo_pages);
	queue_init(&o->vo_copies);
	queue_init(&o->vo_hash_link);
	queue_init(&o->vo_cache_link);
	counter_add(COUNT_OBJECT, 1);
	return o;
}

static void
object_free(struct vm_object *o)
{
	counter_add(COUNT_OBJECT, -1);
	slab_free(object_slab, o);
}

void
vm_object_ref(struct vm_object *o)
{
	__atomic_fetch_add(&o->vo_refs, 1, __ATOMIC_RELAXED);
}

bool
vm_object_try_ref(struct vm_object *o)
{
	uint32_t n = __atomic_load_n(&o->vo_refs, __ATOMIC_RELAXED);

	while (n != 0)
		if (__atomic_compare_exchange_n(&o->vo_refs, &n, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}

static void
object_ref_any(void *o)
{
	vm_object_ref(o);
}

void
vm_object_wake_page_locked(struct vm_page *p)
{
	if (p->pg_flags & PG_WANTED) {
		p->pg_flags &= ~PG_WANTED;
		thread_wakeup(p);
	}
}

void
vm_object_dirty_page_locked(struct vm_object *o, struct vm_page *p)
{
	if (!(p->pg_flags & PG_DIRTY)) {
		p->pg_flags |= PG_DIRTY;
		o->vo_dirty++;
	}
}

void
vm_object_clean_page_locked(struct vm_object *o, struct vm_page *p)
{
	if (p->pg_flags & PG_DIRTY) {
		p->pg_flags &= ~PG_DIRTY;
		o->vo_dirty--;
	}
}

struct vm_page *
vm_object_new_page_locked(struct vm_object *o, uint64_t index)
{
	struct vm_page *p = vm_page_grab();
	void *old;

	if (p == NULL)
		return NULL;
	if (!ptree_set(&o->vo_pages, index, p, &vm_object_page_ops, &old)) {
		vm_page_release(p);
		return NULL;
	}
	KASSERT(old == NULL);
	p->pg_state = PAGE_OBJECT;
	p->pg_owner = o;
	p->pg_index = index;
	p->pg_flags = PG_BUSY | PG_ABSENT;
	p->pg_lock = 0;
	o->vo_resident++;
	o->vo_absent++;
	return p;
}

void
vm_object_free_page_locked(struct vm_object *o, struct vm_page *p)
{
	void *old;

	ptree_remove(&o->vo_pages, p->pg_index, &vm_object_page_ops, &old);
	KASSERT(old == p);
	pmap_page_protect(p, VM_PROT_NONE);
	if (p->pg_flags & PG_ABSENT)
		o->vo_absent--;
	vm_object_clean_page_locked(o, p);
	o->vo_resident--;
	vm_object_wake_page_locked(p);
	p->pg_flags = 0;
	vm_page_release(p);
}

void
vm_object_take_page_locked(struct vm_object *o, struct vm_page *p)
{
	vm_page_pin(p);
	vm_object_free_page_locked(o, p);
}

kern_return_t
vm_object_insert_page_locked(struct vm_object *o, uint64_t index, struct vm_page *p)
{
	struct vm_page *old = ptree_lookup(&o->vo_pages, index, NULL);
	void *was;

	if (old != NULL && !(old->pg_flags & PG_ABSENT))
		return KERN_MEMORY_PRESENT;
	if (!ptree_set(&o->vo_pages, index, p, &vm_object_page_ops, &was))
		return KERN_RESOURCE_SHORTAGE;
	p->pg_state = PAGE_OBJECT;
	p->pg_owner = o;
	p->pg_index = index;
	vm_page_from_laundry(p);
	p->pg_lock = 0;
	if (old != NULL) {
		o->vo_absent--;
		vm_object_wake_page_locked(old);
		old->pg_flags = 0;
		vm_page_release(old);
	} else {
		o->vo_resident++;
	}
	vm_pageq_activate(p);
	return KERN_SUCCESS;
}

void
vm_object_put_back(struct vm_object *o, uint64_t index, struct vm_page *p, bool dirty)
{
	struct vm_page *old;
	kern_return_t kr;

	for (;;) {
		spin_lock(&o->vo_lock);
		old = ptree_lookup(&o->vo_pages, index, NULL);
		if (old != NULL && !(old->pg_flags & PG_ABSENT))
			vm_object_free_page_locked(o, old);
		kr = vm_object_insert_page_locked(o, index, p);
		if (kr == KERN_SUCCESS) {
			if (dirty)
				vm_object_dirty_page_locked(o, p);
			else
				p->pg_flags |= PG_PRECIOUS;
		}
		spin_unlock(&o->vo_lock);
		if (kr == KERN_SUCCESS)
			return;
		if (!vm_page_wait()) {
			vm_page_release(p);	/* not even a tree node to be had for seconds */
			return;
		}
	}
}

void
vm_object_redirty(struct vm_object *o, uint64_t first, unsigned count, bool dirty)
{
	struct vm_page *p;
	unsigned i;

	spin_lock(&o->vo_lock);
	for (i = 0; i < count; i++) {
		p = ptree_lookup(&o->vo_pages, first + i, NULL);
		if (p == NULL || (p->pg_flags & PG_ABSENT))
			continue;
		if (dirty)
			vm_object_dirty_page_locked(o, p);
		else
			p->pg_flags |= PG_PRECIOUS;
	}
	spin_unlock(&o->vo_lock);
}

bool
vm_object_push_locked(struct vm_object *o, struct vm_page *p)
{
	struct queue *q;
	bool ok = true;

	queue_for_each(q, &o->vo_copies) {
		struct vm_amap *am = queue_entry(q, struct vm_amap, am_copies_link);
		struct vm_page *copy;
		uint64_t slot;

		if (p->pg_index < am->am_backing_index || p->pg_index - am->am_backing_index >= am->am_slots)
			continue;
		slot = p->pg_index - am->am_backing_index;
		spin_lock(&am->am_lock);
		if (ptree_lookup(&am->am_tree, slot, NULL) == NULL) {
			copy = vm_page_grab();
			if (copy != NULL) {
				pmap_copy_page(vm_page_to_phys(p), vm_page_to_phys(copy));
				if (vm_amap_insert_locked(am, slot, copy) == KERN_SUCCESS) {
					vm_pageq_activate(copy);
				} else {
					vm_page_release(copy);
					ok = false;
				}
			} else {
				ok = false;
			}
		}
		spin_unlock(&am->am_lock);
		if (!ok)
			return false;
	}
	/* the copies may map this page: they must find their own from now on */
	pmap_page_protect(p, VM_PROT_NONE);
	p->pg_flags &= ~PG_SEEN;
	return true;
}

void
vm_object_write_protect(struct vm_object *o, uint64_t first, uint64_t count)
{
	uint64_t last = count == 0 || first + count - 1 < first ? UINT64_MAX : first + count - 1, at = first;

	/* only dirty pages are ever mapped writable */
	while (at <= last && __atomic_load_n(&o->vo_dirty, __ATOMIC_RELAXED) != 0) {
		uint64_t stop;
		struct vm_page *p;

		spin_lock(&o->vo_lock);
		if (ptree_next(&o->vo_pages, &at, last) == NULL) {
			spin_unlock(&o->vo_lock);
			break;
		}
		stop = (at | PTREE_MASK) < last ? (at | PTREE_MASK) : last;
		for (; (p = ptree_next(&o->vo_pages, &at, stop)) != NULL; at++)
			if (p->pg_flags & PG_DIRTY)
				pmap_page_protect(p, VM_PROT_READ | VM_PROT_EXECUTE);
		spin_unlock(&o->vo_lock);
		if (stop == UINT64_MAX)
			break;
		at = stop + 1;
	}
}

/* free all pages, a leaf at a time */
static void
object_free_pages(struct vm_object *o)
{
	uint64_t at = 0, n;
	struct vm_page *p;

	for (;;) {
		spin_lock(&o->vo_lock);
		for (n = 0; n < PTREE_SLOTS && (p = ptree_next(&o->vo_pages, &at, UINT64_MAX >> PAGE_SHIFT)) != NULL; n++)
			vm_object_free_page_locked(o, p);
		spin_unlock(&o->vo_lock);
		if (n < PTREE_SLOTS)
			break;
	}
	ptree_destroy(&o->vo_pages, &vm_object_page_ops);
}

/* last reference, nobody can find it */
static void
object_finish(struct vm_object *o)
{
	if (o->vo_kind == OBJECT_DEVICE) {
		object_free(o);
		return;
	}
	if (!o->vo_dead)
		vm_pager_return_all(o);
	object_free_pages(o);
	vm_pager_terminate(o);
	object_free(o);
}

/* => vm_cache_lock held, released on return; the caller's reference is consumed */
static void
object_unfind(struct vm_object *o)
{
	o->vo_terminating = true;
	queue_remove(&o->vo_hash_link);
	spin_unlock(&vm_cache_lock);
	if (o->vo_control != NULL)
		ipc_kobject_clear(o->vo_control);
	if (o->vo_name != NULL)
		ipc_kobject_clear(o->vo_name);
	if (__atomic_fetch_sub(&o->vo_refs, 1, __ATOMIC_ACQ_REL) == 1)
		object_finish(o);
}

/* => vm_cache_lock held; the list's reference passes to the caller */
static void
object_uncache(struct vm_object *o)
{
	queue_remove(&o->vo_cache_link);
	o->vo_cached = false;
	object_cached--;
}

static void
object_trim_cache(void)
{
	struct vm_object *o;

	spin_lock(&vm_cache_lock);
	if (object_cached <= OBJECT_CACHE_MAX) {
		spin_unlock(&vm_cache_lock);
		return;
	}
	o = queue_entry(queue_first(&object_cache_list), struct vm_object, vo_cache_link);
	object_uncache(o);
	object_unfind(o);
}

/* the last user is gone; => vm_cache_lock held, released on return; one reference left, the caller's */
static void
object_last_user(struct vm_object *o)
{
	if (o->vo_kind == OBJECT_PAGER && o->vo_may_cache && o->vo_ready && !o->vo_dead) {
		o->vo_cached = true;
		queue_push_tail(&object_cache_list, &o->vo_cache_link);
		object_cached++;
		spin_unlock(&vm_cache_lock);
		object_trim_cache();
		return;
	}
	object_unfind(o);
}

void
vm_object_release(struct vm_object *o)
{
	uint32_t n;

	for (;;) {
		n = __atomic_load_n(&o->vo_refs, __ATOMIC_ACQUIRE);
		if (n > 1 || o->vo_terminating) {
			if (!__atomic_compare_exchange_n(&o->vo_refs, &n, n - 1, false, __ATOMIC_ACQ_REL,
			    __ATOMIC_RELAXED))
				continue;
			if (n == 1)
				object_finish(o);
			return;
		}
		pause_point("object unused");
		spin_lock(&vm_cache_lock);
		if (__atomic_load_n(&o->vo_refs, __ATOMIC_ACQUIRE) == 1 && !o->vo_terminating) {
			object_last_user(o);
			return;
		}
		spin_unlock(&vm_cache_lock);
	}
}

/* => vm_cache_lock held */
static struct vm_object *
hash_find(const struct ipc_port *pager)
{
	struct queue *q, *head = hash_of(pager);

	queue_for_each(q, head) {
		struct vm_object *o = queue_entry(q, struct vm_object, vo_hash_link);

		if (o->vo_pager == pager) {
			if (o->vo_cached)
				object_uncache(o);	/* its reference is now ours */
			else
				vm_object_ref(o);
			return o;
		}
	}
	return NULL;
}

/* a kernel port of kind IKOT_PAGER: memory of a device */
static struct vm_object *
device_object(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_PAGER, object_ref_any);
}

/* a pager's object with its control and name ports; NULL on shortage */
static struct vm_object *
object_with_ports(void)
{
	struct vm_object *o = object_alloc(OBJECT_PAGER);

	if (o == NULL)
		return NULL;
	o->vo_control = ipc_port_create_kernel(IKOT_PAGING_REQUEST, o);
	o->vo_name = ipc_port_create_kernel(IKOT_PAGING_NAME, o);
	if (o->vo_control != NULL && o->vo_name != NULL)
		return o;
	if (o->vo_control != NULL)
		ipc_port_destroy_kernel(o->vo_control);
	if (o->vo_name != NULL)
		ipc_port_destroy_kernel(o->vo_name);
	object_free(o);
	return NULL;
}

kern_return_t
vm_object_enter(struct ipc_port *pager, struct vm_object **out)
{
	struct vm_object *o, *other;

	o = device_object(pager);
	if (o != NULL) {
		*out = o;
		return KERN_SUCCESS;
	}
	if (ipc_port_kotype(pager) != IKOT_NONE)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&vm_cache_lock);
	o = hash_find(pager);
	spin_unlock(&vm_cache_lock);
	if (o != NULL) {
		*out = o;
		return KERN_SUCCESS;
	}
	o = object_with_ports();
	if (o == NULL)
		return KERN_RESOURCE_SHORTAGE;
	o->vo_pager = ipc_port_copy_send(pager);
	o->vo_dead = !IP_VALID(o->vo_pager);
	spin_lock(&vm_cache_lock);
	other = hash_find(pager);
	if (other == NULL && !o->vo_dead)
		queue_push_tail(hash_of(pager), &o->vo_hash_link);
	spin_unlock(&vm_cache_lock);
	if (other != NULL) {
		ipc_port_destroy_kernel(o->vo_control);
		ipc_port_destroy_kernel(o->vo_name);
		ipc_port_release_send(o->vo_pager);
		object_free(o);
		*out = other;
		return KERN_SUCCESS;
	}
	if (!o->vo_dead) {
		/* from here on its death is reported; it may have happened already */
		if (!vm_pager_watch(o) || vm_pager_init_message(o) != KERN_SUCCESS)
			vm_object_port_died(pager);
	}
	*out = o;
	return KERN_SUCCESS;
}

struct vm_object *
vm_object_create_backing(struct ipc_port **receive)
{
	struct vm_object *o = object_with_ports();

	if (o == NULL)
		return NULL;
	*receive = ipc_port_create_kernel(IKOT_NONE, NULL);
	if (*receive == IP_NULL) {
		ipc_port_destroy_kernel(o->vo_control);
		ipc_port_destroy_kernel(o->vo_name);
		object_free(o);
		return NULL;
	}
	o->vo_backing = true;
	o->vo_copy_strategy = MEMORY_OBJECT_COPY_NONE;
	o->vo_pager = ipc_port_make_send(*receive);
	spin_lock(&vm_cache_lock);
	queue_push_tail(hash_of(o->vo_pager), &o->vo_hash_link);
	spin_unlock(&vm_cache_lock);
	(void)vm_pager_watch(o);
	return o;
}

void
vm_object_uncache(struct vm_object *o)
{
	bool was;

	spin_lock(&vm_cache_lock);
	was = o->vo_cached;
	if (was)
		object_uncache(o);
	spin_unlock(&vm_cache_lock);
	if (was)
		vm_object_release(o);
}

void
vm_object_fail_locked(struct vm_object *o)
{
	uint64_t at = 0;
	struct vm_page *p;

	o->vo_dead = true;
	o->vo_ready = true;
	thread_wakeup(&o->vo_ready);
	/* what was asked for will not come; what is here stays as long as it is mapped */
	for (; o->vo_absent != 0 && (p = ptree_next(&o->vo_pages, &at, UINT64_MAX >> PAGE_SHIFT)) != NULL; at++)
		if (p->pg_flags & PG_ABSENT)
			vm_object_free_page_locked(o, p);
		else if (p->pg_lock >> 4)
			thread_wakeup(p);
}

void
vm_object_port_died(struct ipc_port *port)
{
	struct vm_object *o;

	spin_lock(&vm_cache_lock);
	o = hash_find(port);
	spin_unlock(&vm_cache_lock);
	if (o == NULL)
		return;
	spin_lock(&o->vo_lock);
	vm_object_fail_locked(o);
	spin_unlock(&o->vo_lock);
	if (o->vo_backing)
		vm_swap_object_died(o);
	vm_object_release(o);
}

/* device memory */

static void
device_port_no_senders(void *kobject, uint32_t mscount)
{
	struct vm_object *o = kobject;

	(void)mscount;
	ipc_port_destroy_kernel(o->vo_pager);
	/* the port's own reference; entries hold theirs */
	vm_object_release(o);
}

struct vm_object *
vm_object_device(uint64_t phys, uint64_t size, unsigned cache, vm_prot_t max)
{
	struct vm_object *o;

	if ((phys & PAGE_MASK) != 0 || size == 0 || page_round(size) < size || phys + page_round(size) < phys)
		return NULL;
	o = object_alloc(OBJECT_DEVICE);
	if (o == NULL)
		return NULL;
	o->vo_phys = phys;
	o->vo_size = page_round(size);
	o->vo_cache = cache;
	o->vo_max_prot = max;
	o->vo_ready = true;
	return o;
}

/* => consumes the caller's reference on success */
struct ipc_port *
vm_object_pager_port(struct vm_object *o)
{
	struct ipc_port *port = ipc_port_create_kernel(IKOT_PAGER, o);

	if (port == NULL)
		return IP_NULL;
	o->vo_pager = port;
	ipc_kobject_set_no_senders(port, device_port_no_senders);
	return ipc_port_make_send(port);
}

uint64_t
vm_object_cached_count(void)
{
	return __atomic_load_n(&object_cached, __ATOMIC_RELAXED);
}

struct vm_object *
convert_port_to_memory_control(struct ipc_port *port)
{
	return IP_VALID(port) ? ipc_kobject_lookup(port, IKOT_PAGING_REQUEST, object_ref_any) : NULL;
}

struct vm_object *
convert_port_to_memory_name(struct ipc_port *port)
{
	return IP_VALID(port) ? ipc_kobject_lookup(port, IKOT_PAGING_NAME, object_ref_any) : NULL;
}
