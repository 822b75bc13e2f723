/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of an address map: a treap augmented with gaps (see entry.h).
 *
 * Why a treap: insertion and removal are a search and some rotations, the augmentation has one place to be
 * kept right (entry_update), and no sequence of user requests can unbalance it.
 * LOCKS   the map's, held by the caller
 * TESTS   tests/unit/vm/entry_test.c
 */
#include <vm/entry.h>
#include <stddef.h>

static inline uint64_t
max3(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t m = a > b ? a : b;

	return m > c ? m : c;
}

static inline uint64_t
entry_compute(const struct vm_entry *e)
{
	return max3(e->ve_gap, e->ve_left != NULL ? e->ve_left->ve_max_gap : 0,
	    e->ve_right != NULL ? e->ve_right->ve_max_gap : 0);
}

/* recompute the largest gaps from e upwards as far as they change */
static void
entry_update(struct vm_entry *e)
{
	uint64_t m;

	for (; e != NULL; e = e->ve_parent) {
		m = entry_compute(e);
		if (m == e->ve_max_gap)
			break;
		e->ve_max_gap = m;
	}
}

static void
entry_replace_child(struct vm_entry_tree *t, struct vm_entry *parent, struct vm_entry *old, struct vm_entry *new)
{
	if (parent == NULL)
		t->et_root = new;
	else if (parent->ve_left == old)
		parent->ve_left = new;
	else
		parent->ve_right = new;
	if (new != NULL)
		new->ve_parent = parent;
}

/* child takes the place of its parent */
static void
entry_rotate_up(struct vm_entry_tree *t, struct vm_entry *child)
{
	struct vm_entry *p = child->ve_parent, *moved;

	entry_replace_child(t, p->ve_parent, p, child);
	if (p->ve_left == child) {
		moved = child->ve_right;
		p->ve_left = moved;
		child->ve_right = p;
	} else {
		moved = child->ve_left;
		p->ve_right = moved;
		child->ve_left = p;
	}
	if (moved != NULL)
		moved->ve_parent = p;
	p->ve_parent = child;
	p->ve_max_gap = entry_compute(p);
	child->ve_max_gap = entry_compute(child);
}

void
vm_entry_tree_init(struct vm_entry_tree *t, uint64_t min, uint64_t max, uint32_t seed)
{
	t->et_root = NULL;
	t->et_hint = NULL;
	queue_init(&t->et_list);
	t->et_min = min;
	t->et_max = max;
	t->et_count = 0;
	t->et_seed = seed | 1;
}

static uint32_t
tree_random(struct vm_entry_tree *t)
{
	uint32_t x = t->et_seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return t->et_seed = x;
}

struct vm_entry *
vm_entry_first(const struct vm_entry_tree *t)
{
	return queue_empty(&t->et_list) ? NULL : queue_entry(queue_first(&t->et_list), struct vm_entry, ve_link);
}

struct vm_entry *
vm_entry_next(const struct vm_entry_tree *t, const struct vm_entry *e)
{
	return e->ve_link.next == &t->et_list ? NULL : queue_entry(e->ve_link.next, struct vm_entry, ve_link);
}

struct vm_entry *
vm_entry_prev(const struct vm_entry_tree *t, const struct vm_entry *e)
{
	return e->ve_link.prev == &t->et_list ? NULL : queue_entry(e->ve_link.prev, struct vm_entry, ve_link);
}

struct vm_entry *
vm_entry_find_from(struct vm_entry_tree *t, uint64_t addr)
{
	struct vm_entry *e = __atomic_load_n(&t->et_hint, __ATOMIC_RELAXED), *above = NULL;

	if (e != NULL && addr >= e->ve_start && addr < e->ve_end)
		return e;
	for (e = t->et_root; e != NULL;) {
		if (addr < e->ve_start) {
			above = e;
			e = e->ve_left;
		} else if (addr >= e->ve_end) {
			e = e->ve_right;
		} else {
			__atomic_store_n(&t->et_hint, e, __ATOMIC_RELAXED);
			return e;
		}
	}
	return above;
}

struct vm_entry *
vm_entry_find(struct vm_entry_tree *t, uint64_t addr)
{
	struct vm_entry *e = vm_entry_find_from(t, addr);

	return e != NULL && e->ve_start <= addr ? e : NULL;
}

/* the gap of e changed because its predecessor or its start did */
static void
entry_set_gap(struct vm_entry_tree *t, struct vm_entry *e)
{
	struct vm_entry *prev;

	if (e == NULL)
		return;
	prev = vm_entry_prev(t, e);
	e->ve_gap = e->ve_start - (prev != NULL ? prev->ve_end : t->et_min);
	entry_update(e);
}

void
vm_entry_insert(struct vm_entry_tree *t, struct vm_entry *e)
{
	struct vm_entry *at = t->et_root, *parent = NULL, *pred = NULL;

	while (at != NULL) {
		parent = at;
		if (e->ve_start < at->ve_start) {
			at = at->ve_left;
		} else {
			pred = at;
			at = at->ve_right;
		}
	}
	e->ve_left = e->ve_right = NULL;
	e->ve_parent = parent;
	e->ve_priority = tree_random(t);
	if (parent == NULL)
		t->et_root = e;
	else if (e->ve_start < parent->ve_start)
		parent->ve_left = e;
	else
		parent->ve_right = e;
	queue_insert_after(pred != NULL ? &pred->ve_link : &t->et_list, &e->ve_link);
	t->et_count++;
	e->ve_gap = e->ve_start - (pred != NULL ? pred->ve_end : t->et_min);
	e->ve_max_gap = e->ve_gap;
	entry_update(parent);
	while (e->ve_parent != NULL && e->ve_parent->ve_priority < e->ve_priority)
		entry_rotate_up(t, e);
	entry_update(e->ve_parent);
	entry_set_gap(t, vm_entry_next(t, e));
}

void
vm_entry_remove(struct vm_entry_tree *t, struct vm_entry *e)
{
	struct vm_entry *next = vm_entry_next(t, e), *child, *parent;

	if (t->et_hint == e)
		t->et_hint = NULL;
	while (e->ve_left != NULL && e->ve_right != NULL)
		entry_rotate_up(t, e->ve_left->ve_priority > e->ve_right->ve_priority ? e->ve_left : e->ve_right);
	child = e->ve_left != NULL ? e->ve_left : e->ve_right;
	parent = e->ve_parent;
	entry_replace_child(t, parent, e, child);
	queue_remove(&e->ve_link);
	t->et_count--;
	entry_update(parent);
	entry_set_gap(t, next);
}

void
vm_entry_resize(struct vm_entry_tree *t, struct vm_entry *e, uint64_t start, uint64_t end)
{
	e->ve_start = start;
	e->ve_end = end;
	entry_set_gap(t, e);
	entry_set_gap(t, vm_entry_next(t, e));
}

/* where in [low, high) does an aligned range of size fit, at or above from? */
static bool
gap_fits(uint64_t low, uint64_t high, uint64_t from, uint64_t size, uint64_t mask, uint64_t *start)
{
	if (low < from)
		low = from;
	if ((low & mask) != 0) {
		if (low > UINT64_MAX - mask)
			return false;
		low = (low + mask) & ~mask;
	}
	if (low >= high || high - low < size)
		return false;
	*start = low;
	return true;
}

/* the entry above lowest gap that is large enough, not ending below from; e's subtree only */
static struct vm_entry *
lowest_gap(struct vm_entry *e, uint64_t from, uint64_t size)
{
	struct vm_entry *r;

	if (e == NULL || e->ve_max_gap < size)
		return NULL;
	/* gaps left of e end below e->ve_start */
	if (e->ve_start > from) {
		r = lowest_gap(e->ve_left, from, size);
		if (r != NULL)
			return r;
		if (e->ve_gap >= size)
			return e;
	}
	return lowest_gap(e->ve_right, from, size);
}

bool
vm_entry_find_space(struct vm_entry_tree *t, uint64_t from, uint64_t size, uint64_t mask, uint64_t *start)
{
	struct vm_entry *e, *last;
	uint64_t at = from;

	if (from < t->et_min)
		at = from = t->et_min;
	/* a gap that is large enough may still not fit an aligned range: go on above it */
	while ((e = lowest_gap(t->et_root, at, size)) != NULL) {
		if (gap_fits(e->ve_start - e->ve_gap, e->ve_start, from, size, mask, start))
			return true;
		at = e->ve_start;
	}
	last = queue_empty(&t->et_list) ? NULL : queue_entry(queue_last(&t->et_list), struct vm_entry, ve_link);
	return gap_fits(last != NULL ? last->ve_end : t->et_min, t->et_max, from, size, mask, start);
}

static bool
entry_check(const struct vm_entry *e, uint32_t *count)
{
	if (e == NULL)
		return true;
	++*count;
	if (e->ve_max_gap != entry_compute(e))
		return false;
	if (e->ve_left != NULL && (e->ve_left->ve_parent != e || e->ve_left->ve_end > e->ve_start ||
	    e->ve_left->ve_priority > e->ve_priority))
		return false;
	if (e->ve_right != NULL && (e->ve_right->ve_parent != e || e->ve_right->ve_start < e->ve_end ||
	    e->ve_right->ve_priority > e->ve_priority))
		return false;
	return entry_check(e->ve_left, count) && entry_check(e->ve_right, count);
}

bool
vm_entry_tree_check(const struct vm_entry_tree *t)
{
	struct queue *q;
	uint64_t end = t->et_min;
	uint32_t in_tree = 0, in_list = 0;

	queue_for_each(q, &t->et_list) {
		const struct vm_entry *e = queue_entry(q, struct vm_entry, ve_link);

		if (e->ve_start < end || e->ve_end <= e->ve_start || e->ve_gap != e->ve_start - end)
			return false;
		end = e->ve_end;
		in_list++;
	}
	return end <= t->et_max && entry_check(t->et_root, &in_tree) && in_tree == in_list && in_list == t->et_count;
}
