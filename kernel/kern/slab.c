/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object caches over direct-map pages, with a magazine per CPU and cache; general kernel memory.
 *
 * OBJECT  slab_cache: objects of one size. Its memory comes in slabs of 2^order pages, naturally
 *         aligned, so that an object's slab is found by masking its address. The slab's header is at its start.
 * STATES  a slab is partial (on sc_partial), full (on no list) or empty (on sc_partial until more than
 *         SLAB_SPARE are empty, then given back).
 * LOCKS   sc_lock (spin) guards the slabs; magazines belong to their CPU with pre-emption off. Not for
 *         interrupt handlers.
 * In debug builds objects are filled on free and the filling is checked at the next allocation; a bit per object
 * tells a double free, the slab's cache pointer a free into the wrong cache.
 */
#include <stdbool.h>
#include <debug/stale.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/queue.h>
#include <kern/slab.h>
#include <kern/slab_info.h>
#include <kern/string.h>
#include <machine/cpu.h>
#include <vm/map.h>
#include <vm/page.h>

#define SLAB_MAX_ORDER	3
#define SLAB_SPARE	2
#define MAG_SIZE	30
#define MAG_CACHES	96		/* caches beyond these do without magazines */
#define POISON		STALE_WORD

struct magazine {
	uint32_t	 mg_count;
	void		*mg_objects[MAG_SIZE];
};

/* (s) = sc_lock of its cache */
struct slab {
	struct queue	 sb_link;	/* (s) */
	struct slab_cache *sb_cache;	/* immutable */
	void		*sb_free;	/* (s) linked through the first word of free objects */
	uint32_t	 sb_used;	/* (s) objects handed out, to magazines too */
#ifdef DEBUG
	uint64_t	 sb_live[16];	/* (a) bit per object: with a user */
#endif
};

struct slab_cache {
	const char	*sc_name;
	uint32_t	 sc_size;	/* of an object, rounded up */
	uint32_t	 sc_asked;
	uint32_t	 sc_first;	/* offset of the first object */
	uint32_t	 sc_per_slab;
	uint32_t	 sc_order;
	uint32_t	 sc_index;	/* in the CPUs' magazine tables */
	struct spinlock	 sc_lock;
	struct queue	 sc_partial;	/* (s) slabs with free objects */
	uint32_t	 sc_slabs;	/* (s) */
	uint32_t	 sc_empty;	/* (s) */
	uint64_t	 sc_used;	/* (s) objects out of the slabs */
	struct slab_cache *sc_next;	/* list of all, under slab_list_lock */
};

static const struct lock_class slab_class = { "slab cache", LOCK_RANK_SLAB, LOCK_CLASS_NESTED };
static const struct lock_class slab_list_class = { "slab list", LOCK_RANK_SLAB, LOCK_CLASS_NESTED };

static struct spinlock slab_list_lock = SPIN_LOCK_INITIALIZER(&slab_list_class);
static struct slab_cache *slab_list;
static uint32_t slab_cache_total;
static struct slab_cache cache_cache, magazine_cache;

static struct slab *
slab_of(const struct slab_cache *c, const void *object)
{
	return (struct slab *)((uintptr_t)object & ~((PAGE_SIZE << c->sc_order) - 1));
}

static void
cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align)
{
	size_t slab_bytes, first, n = 0;

	if (align < 8)
		align = 8;
	c->sc_name = name;
	c->sc_asked = (uint32_t)size;
	size = (size + align - 1) & ~(align - 1);
	first = (sizeof(struct slab) + align - 1) & ~(align - 1);
	for (c->sc_order = 0; ; c->sc_order++) {
		slab_bytes = PAGE_SIZE << c->sc_order;
		n = slab_bytes > first ? (slab_bytes - first) / size : 0;
		if (c->sc_order == SLAB_MAX_ORDER || (n > 0 && (slab_bytes - n * size) * 8 <= slab_bytes))
			break;
	}
	KASSERT(n > 0);
#ifdef DEBUG
	if (n > 16 * 64)
		n = 16 * 64;
#endif
	c->sc_size = (uint32_t)size;
	c->sc_first = (uint32_t)first;
	c->sc_per_slab = (uint32_t)n;
	spin_lock_init(&c->sc_lock, &slab_class);
	queue_init(&c->sc_partial);
	c->sc_slabs = c->sc_empty = 0;
	c->sc_used = 0;
	spin_lock(&slab_list_lock);
	c->sc_index = slab_cache_total++;
	c->sc_next = slab_list;
	slab_list = c;
	spin_unlock(&slab_list_lock);
}

/* --- debug checks --- */

#ifdef DEBUG
static uint64_t
slab_bit(const struct slab_cache *c, const void *object, uint64_t **word)
{
	struct slab *s = slab_of(c, object);
	size_t off = (uintptr_t)object - (uintptr_t)s - c->sc_first;

	if (s->sb_cache != c || off % c->sc_size != 0)
		panic("slab %s: %p is not an object of this cache", c->sc_name, object);
	off /= c->sc_size;
	*word = &s->sb_live[off / 64];
	return 1ull << off % 64;
}

/* the first word links free objects and is not checked */
static void
slab_check_alloc(const struct slab_cache *c, void *object)
{
	uint64_t *word, bit = slab_bit(c, object, &word), *p = object;

	if (__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit)
		panic("slab %s: %p allocated twice", c->sc_name, object);
	for (size_t i = 1; i < c->sc_size / 8; i++)
		if (p[i] != POISON)
			panic("slab %s: %p changed after it was freed (word %zu is %#lx)",
			    c->sc_name, object, i, p[i]);
	p[0] = POISON;
}

static void
slab_check_free(const struct slab_cache *c, void *object)
{
	uint64_t *word, bit = slab_bit(c, object, &word), *p = object;

	if (!(__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED) & bit))
		panic("slab %s: %p freed twice", c->sc_name, object);
	for (size_t i = 0; i < c->sc_size / 8; i++)
		p[i] = POISON;
}

static void
slab_fill_new(const struct slab_cache *c, struct slab *s)
{
	memset(s->sb_live, 0, sizeof s->sb_live);
	for (uint64_t *p = (uint64_t *)((char *)s + c->sc_first);
	    p < (uint64_t *)((char *)s + c->sc_first + (size_t)c->sc_per_slab * c->sc_size); p++)
		*p = POISON;
}
#else
#define slab_check_alloc(c, o)	((void)0)
#define slab_check_free(c, o)	((void)0)
#define slab_fill_new(c, s)	((void)0)
#endif

/* --- slabs --- */

/* => sc_lock not held */
static struct slab *
slab_create(struct slab_cache *c)
{
	struct vm_page *pages;
	struct slab *s;
	char *o;

	if (c->sc_order == 0)
		s = kpage_alloc(false);
	else {
		pages = vm_page_grab_contig(c->sc_order, 0, ~0ull);
		s = pages != NULL ? phys_to_kv(vm_page_to_phys(pages)) : NULL;
	}
	if (s == NULL)
		return NULL;
	/* what caches keep for later is no leak: objects are counted by their kind, not by these pages */
	counter_add(COUNT_PAGE_USED, -(1ll << c->sc_order));
	s->sb_cache = c;
	s->sb_used = 0;
	s->sb_free = NULL;
	slab_fill_new(c, s);
	o = (char *)s + c->sc_first + (size_t)c->sc_per_slab * c->sc_size;
	for (uint32_t i = 0; i < c->sc_per_slab; i++) {
		o -= c->sc_size;
		*(void **)o = s->sb_free;
		s->sb_free = o;
	}
	return s;
}

static void
slab_destroy(struct slab_cache *c, struct slab *s)
{
	counter_add(COUNT_PAGE_USED, 1ll << c->sc_order);
	if (c->sc_order == 0)
		kpage_free(s);
	else
		vm_page_release_contig(vm_page_from_phys(kv_to_phys(s)), c->sc_order);
}

/* up to n objects out of the slabs; => how many */
static uint32_t
slab_take(struct slab_cache *c, void **objects, uint32_t n)
{
	uint32_t got = 0;
	struct slab *s;

	spin_lock(&c->sc_lock);
	while (got < n) {
		if (queue_empty(&c->sc_partial)) {
			if (got > 0)
				break;
			spin_unlock(&c->sc_lock);
			s = slab_create(c);
			if (s == NULL)
				return 0;
			spin_lock(&c->sc_lock);
			c->sc_slabs++;
			c->sc_empty++;
			queue_push_tail(&c->sc_partial, &s->sb_link);
		}
		s = queue_entry(queue_first(&c->sc_partial), struct slab, sb_link);
		if (s->sb_used == 0)
			c->sc_empty--;
		while (got < n && s->sb_free != NULL) {
			objects[got] = s->sb_free;
			s->sb_free = *(void **)objects[got++];
			s->sb_used++;
		}
		if (s->sb_free == NULL)
			queue_remove(&s->sb_link);
	}
	c->sc_used += got;
	spin_unlock(&c->sc_lock);
	return got;
}

static void
slab_give(struct slab_cache *c, void **objects, uint32_t n)
{
	struct queue dead, *q;

	queue_init(&dead);
	spin_lock(&c->sc_lock);
	c->sc_used -= n;
	for (uint32_t i = 0; i < n; i++) {
		struct slab *s = slab_of(c, objects[i]);

		if (s->sb_free == NULL)
			queue_push_head(&c->sc_partial, &s->sb_link);
		*(void **)objects[i] = s->sb_free;
		s->sb_free = objects[i];
		if (--s->sb_used > 0)
			continue;
		queue_remove(&s->sb_link);
		if (c->sc_empty >= SLAB_SPARE) {
			c->sc_slabs--;
			queue_push_tail(&dead, &s->sb_link);
		} else {
			c->sc_empty++;
			queue_push_tail(&c->sc_partial, &s->sb_link);
		}
	}
	spin_unlock(&c->sc_lock);
	while ((q = queue_pop_head(&dead)) != NULL)
		slab_destroy(c, queue_entry(q, struct slab, sb_link));
}

/* --- magazines: pre-emption off --- */

/* => NULL: this cache, or this CPU so far, has none */
static inline struct magazine *
magazine_of(const struct slab_cache *c)
{
	struct magazine **table = cpu_self()->cp_slab;

	return c->sc_index < MAG_CACHES && table != NULL ? table[c->sc_index] : NULL;
}

/* the cache of magazines itself does without: its index is beyond the table */
static struct magazine *
magazine_create(const struct slab_cache *c)
{
	struct magazine **table = cpu_self()->cp_slab;
	void *o;

	if (c->sc_index >= MAG_CACHES || table == NULL || slab_take(&magazine_cache, &o, 1) != 1)
		return NULL;
	slab_check_alloc(&magazine_cache, o);
	table[c->sc_index] = o;
	table[c->sc_index]->mg_count = 0;
	return o;
}

static void * __attribute__((noinline))
slab_alloc_slow(struct slab_cache *c)
{
	struct magazine *m = magazine_of(c);
	void *o;

	if (m == NULL)
		m = magazine_create(c);
	if (m == NULL)
		return slab_take(c, &o, 1) == 1 ? o : NULL;
	m->mg_count = slab_take(c, m->mg_objects, MAG_SIZE / 2);
	return m->mg_count > 0 ? m->mg_objects[--m->mg_count] : NULL;
}

void *
slab_alloc(struct slab_cache *c)
{
	struct magazine *m;
	void *o;

	if (fault_point("slab_alloc"))
		return NULL;
	preempt_disable();
	m = magazine_of(c);
	if (__builtin_expect(m != NULL && m->mg_count > 0, 1))
		o = m->mg_objects[--m->mg_count];
	else
		o = slab_alloc_slow(c);
	preempt_enable();
	if (o != NULL)
		slab_check_alloc(c, o);
	return o;
}

static void __attribute__((noinline))
slab_free_slow(struct slab_cache *c, void *o)
{
	struct magazine *m = magazine_of(c);

	if (m == NULL)
		m = magazine_create(c);
	if (m == NULL) {
		slab_give(c, &o, 1);
		return;
	}
	if (m->mg_count == MAG_SIZE) {
		m->mg_count = MAG_SIZE / 2;
		slab_give(c, &m->mg_objects[MAG_SIZE / 2], MAG_SIZE - MAG_SIZE / 2);
	}
	m->mg_objects[m->mg_count++] = o;
}

void
slab_free(struct slab_cache *c, void *o)
{
	struct magazine *m;

	slab_check_free(c, o);
	preempt_disable();
	m = magazine_of(c);
	if (__builtin_expect(m != NULL && m->mg_count < MAG_SIZE, 1))
		m->mg_objects[m->mg_count++] = o;
	else
		slab_free_slow(c, o);
	preempt_enable();
}

unsigned
slab_alloc_many(struct slab_cache *c, void **objects, unsigned n)
{
	unsigned got = 0;
	struct magazine *m;

	if (fault_point("slab_alloc"))
		return 0;
	preempt_disable();
	while (got < n) {
		m = magazine_of(c);
		while (m != NULL && got < n && m->mg_count > 0)
			objects[got++] = m->mg_objects[--m->mg_count];
		if (got < n && (objects[got] = slab_alloc_slow(c)) == NULL)
			break;
		got += got < n;
	}
	preempt_enable();
	for (unsigned i = 0; i < got; i++)
		slab_check_alloc(c, objects[i]);
	return got;
}

void
slab_free_many(struct slab_cache *c, void *const *objects, unsigned n)
{
	struct magazine *m;

	for (unsigned i = 0; i < n; i++)
		slab_check_free(c, objects[i]);
	preempt_disable();
	while (n > 0) {
		m = magazine_of(c);
		while (m != NULL && n > 0 && m->mg_count < MAG_SIZE)
			m->mg_objects[m->mg_count++] = objects[--n];
		if (n > 0)
			slab_free_slow(c, objects[--n]);
	}
	preempt_enable();
}

void *
slab_zalloc(struct slab_cache *c)
{
	void *o = slab_alloc(c);

	if (o != NULL)
		memset(o, 0, c->sc_size);
	return o;
}

struct slab_cache *
slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *c = slab_zalloc(&cache_cache);

	if (c == NULL)
		panic("no memory for the %s cache", name);
	cache_setup(c, name, size, align);
	return c;
}

/* --- general memory --- */

static const uint16_t kalloc_sizes[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2032,
};
#define KALLOC_CLASSES	(sizeof kalloc_sizes / sizeof kalloc_sizes[0])
#define KALLOC_SLAB_MAX	2032

static struct slab_cache kalloc_caches[KALLOC_CLASSES];
static const char *const kalloc_names[KALLOC_CLASSES] = {
	"kalloc.16", "kalloc.32", "kalloc.48", "kalloc.64", "kalloc.96", "kalloc.128", "kalloc.192", "kalloc.256",
	"kalloc.384", "kalloc.512", "kalloc.768", "kalloc.1024", "kalloc.1360", "kalloc.2032",
};
static uint8_t kalloc_class[KALLOC_SLAB_MAX / 16 + 1];	/* by (size + 15) / 16 */

static unsigned
kalloc_order(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static void *
kalloc_pages(size_t size)
{
	unsigned order = kalloc_order(size);
	struct vm_page *pages;

	if (fault_point("kalloc_pages"))
		return NULL;
	if (order == 0)
		return kpage_alloc(false);
	pages = vm_page_grab_contig(order, 0, ~0ull);
	return pages != NULL ? phys_to_kv(vm_page_to_phys(pages)) : NULL;
}

void *
kalloc(size_t size)
{
	void *p;

	if (size <= KALLOC_SLAB_MAX)
		p = slab_alloc(&kalloc_caches[kalloc_class[(size + 15) / 16]]);
	else if (size <= KALLOC_DIRECT_MAX)
		p = kalloc_pages(size);
	else
		p = fault_point("kmem_alloc") ? NULL : kmem_alloc(size);
	if (p != NULL)
		counter_add(COUNT_KALLOC, 1);
	return p;
}

void *
kzalloc(size_t size)
{
	void *p = kalloc(size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void
kfree(void *p, size_t size)
{
	unsigned order;

	if (p == NULL)
		return;
	counter_add(COUNT_KALLOC, -1);
	if (size <= KALLOC_SLAB_MAX) {
		slab_free(&kalloc_caches[kalloc_class[(size + 15) / 16]], p);
		return;
	}
	if (size > KALLOC_DIRECT_MAX) {
		kmem_free(p, size);
		return;
	}
	order = kalloc_order(size);
	if (order == 0)
		kpage_free(p);
	else
		vm_page_release_contig(vm_page_from_phys(kv_to_phys(p)), order);
}

void
slab_bootstrap(void)
{
	unsigned class = 0;

	cache_setup(&cache_cache, "slab_cache", sizeof(struct slab_cache), 64);
	cache_setup(&magazine_cache, "magazine", sizeof(struct magazine), 64);
	magazine_cache.sc_index = UINT32_MAX;
	for (unsigned i = 0; i < KALLOC_CLASSES; i++)
		cache_setup(&kalloc_caches[i], kalloc_names[i], kalloc_sizes[i],
		    kalloc_sizes[i] % 64 == 0 ? 64 : 16);
	for (unsigned i = 0; i <= KALLOC_SLAB_MAX / 16; i++) {
		if (i * 16 > kalloc_sizes[class])
			class++;
		kalloc_class[i] = (uint8_t)class;
	}
	slab_cpu_init(cpu_self());
}

void
slab_cpu_init(struct cpu *c)
{
	c->cp_slab = kzalloc(MAG_CACHES * sizeof(struct magazine *));
	if (c->cp_slab == NULL)
		panic("no memory for the caches of cpu %u", c->cp_id);
}

/* --- information --- */

/* caches are never destroyed: only the list's head needs the lock */
uint32_t
slab_info_get(struct slab_info *info, uint32_t max)
{
	struct slab_cache *c;
	uint32_t n = 0;

	spin_lock(&slab_list_lock);
	c = slab_list;
	spin_unlock(&slab_list_lock);
	for (; c != NULL; c = c->sc_next, n++) {
		struct slab_info *i = &info[n];

		if (n >= max)
			continue;
		i->si_name = c->sc_name;
		i->si_cpu_pool = MAG_SIZE;
		i->si_obj_size = c->sc_asked;
		i->si_buf_size = c->sc_size;
		i->si_slab_size = PAGE_SIZE << c->sc_order;
		i->si_bufs_per_slab = c->sc_per_slab;
		spin_lock(&c->sc_lock);
		i->si_objects = c->sc_used;
		i->si_buffers = (uint64_t)c->sc_slabs * c->sc_per_slab;
		i->si_slabs = c->sc_slabs;
		i->si_free_slabs = c->sc_empty;
		spin_unlock(&c->sc_lock);
	}
	return n;
}
