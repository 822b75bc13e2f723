/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistent radix trees (see ptree.h).
 *
 * OBJECT  struct ptree_node: 64 slots and the bit map of the used ones, so that copying and freeing a node cost
 *         what is in it.
 * REFS    one for each slot or root that points at the node. The last release drops what it holds.
 * LOCKS   none here: a tree is guarded by its owner. A shared node is never written, so readers in
 *         other trees need no lock; a count that falls to 1 makes the remaining holder the only one.
 * TESTS   tests/unit/vm/ptree_test.c
 */
#include <vm/ptree.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <stddef.h>

static struct slab_cache *ptree_node_cache;

void
ptree_bootstrap(void)
{
	ptree_node_cache = slab_cache_create("ptree node", sizeof(struct ptree_node), 16);
}

static struct ptree_node *
ptree_node_alloc(void)
{
	struct ptree_node *n;

	if (fault_point("ptree_node"))
		return NULL;
	n = slab_alloc(ptree_node_cache);
	if (n == NULL)
		return NULL;
	n->pn_refs = 1;
	n->pn_used = 0;
	counter_add(COUNT_AMAP_NODE, 1);
	return n;
}

static void
ptree_node_free(struct ptree_node *n)
{
	counter_add(COUNT_AMAP_NODE, -1);
	slab_free(ptree_node_cache, n);
}

static inline void *
node_get(const struct ptree_node *n, unsigned i)
{
	return (n->pn_used >> i & 1) ? n->pn_slot[i] : NULL;
}

static inline void
node_put(struct ptree_node *n, unsigned i, void *v)
{
	n->pn_slot[i] = v;
	if (v != NULL)
		n->pn_used |= 1ull << i;
	else
		n->pn_used &= ~(1ull << i);
}

static inline bool
node_shared(const struct ptree_node *n)
{
	return __atomic_load_n(&n->pn_refs, __ATOMIC_ACQUIRE) != 1;
}

/* a reference to what stands at `level` (0: a value) */
static inline void
item_ref(void *item, unsigned level, const struct ptree_ops *ops)
{
	if (level == 0)
		ops->po_ref(item);
	else
		__atomic_fetch_add(&((struct ptree_node *)item)->pn_refs, 1, __ATOMIC_RELAXED);
}

/* depth is bounded by PTREE_MAX_HEIGHT */
static void
item_rel(void *item, unsigned level, const struct ptree_ops *ops)
{
	struct ptree_node *n = item;
	uint64_t used;

	if (level == 0) {
		ops->po_rel(item);
		return;
	}
	if (__atomic_load_n(&n->pn_refs, __ATOMIC_ACQUIRE) != 1 &&
	    __atomic_fetch_sub(&n->pn_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (used = n->pn_used; used != 0; used &= used - 1)
		item_rel(n->pn_slot[__builtin_ctzll(used)], level - 1, ops);
	ptree_node_free(n);
}

static inline unsigned
slot_of(uint64_t index, unsigned level)
{
	return index >> ((level - 1) * PTREE_SHIFT) & PTREE_MASK;
}

/* the number of indices below one slot of a node at `level` */
static inline uint64_t
slot_span(unsigned level)
{
	return 1ull << ((level - 1) * PTREE_SHIFT);
}

static inline bool
index_fits(uint64_t index, unsigned height)
{
	return index >> (height * PTREE_SHIFT) == 0;
}

/* make *ref point to a node only this path uses. => false on shortage */
static bool
node_unshare(void **ref, unsigned level, const struct ptree_ops *ops)
{
	struct ptree_node *old = *ref, *n;
	uint64_t used;

	if (!node_shared(old))
		return true;
	n = ptree_node_alloc();
	if (n == NULL)
		return false;
	n->pn_used = old->pn_used;
	for (used = old->pn_used; used != 0; used &= used - 1) {
		unsigned i = __builtin_ctzll(used);

		n->pn_slot[i] = old->pn_slot[i];
		item_ref(n->pn_slot[i], level - 1, ops);
	}
	*ref = n;
	item_rel(old, level, ops);
	return true;
}

void *
ptree_lookup(const struct ptree *t, uint64_t index, bool *exclusive)
{
	void *item = t->pt_root;
	unsigned level = t->pt_height;
	bool excl = true;

	if (!index_fits(index, level))
		item = NULL;
	for (; level > 0 && item != NULL; level--) {
		if (node_shared(item))
			excl = false;
		item = node_get(item, slot_of(index, level));
	}
	if (exclusive != NULL)
		*exclusive = excl;
	return item;
}

const struct ptree_node *
ptree_leaf(const struct ptree *t, uint64_t index)
{
	void *item = t->pt_root;
	unsigned level = t->pt_height;

	if (level == 0 || !index_fits(index, level))
		return NULL;
	for (; level > 1 && item != NULL; level--)
		item = node_get(item, slot_of(index, level));
	return item;
}

/* add levels until index fits. => false on shortage */
static bool
ptree_grow(struct ptree *t, uint64_t index)
{
	struct ptree_node *n;

	while (!index_fits(index, t->pt_height)) {
		if (t->pt_root != NULL) {
			n = ptree_node_alloc();
			if (n == NULL)
				return false;
			node_put(n, 0, t->pt_root);
			t->pt_root = n;
		}
		t->pt_height++;
	}
	return true;
}

bool
ptree_set(struct ptree *t, uint64_t index, void *value, const struct ptree_ops *ops, void **old)
{
	void **ref = &t->pt_root;
	struct ptree_node *n = NULL;
	unsigned level, i = 0;

	if (!ptree_grow(t, index))
		return false;
	if (t->pt_height == 0) {
		*old = t->pt_root;
		t->pt_root = value;
		return true;
	}
	for (level = t->pt_height; level > 0; level--) {
		if (n != NULL && (n->pn_used >> i & 1) == 0) {
			struct ptree_node *fresh = ptree_node_alloc();

			if (fresh == NULL)
				return false;
			node_put(n, i, fresh);
		} else if (n == NULL && *ref == NULL) {
			*ref = ptree_node_alloc();
			if (*ref == NULL)
				return false;
		}
		if (!node_unshare(ref, level, ops))
			return false;
		n = *ref;
		i = slot_of(index, level);
		ref = &n->pn_slot[i];
	}
	*old = node_get(n, i);
	node_put(n, i, value);
	return true;
}

/* => false on shortage. *ref is set NULL when the node became empty. */
static bool
remove_below(void **ref, unsigned level, uint64_t index, const struct ptree_ops *ops, void **old)
{
	struct ptree_node *n;
	unsigned i = slot_of(index, level);

	*old = NULL;
	if (*ref == NULL || node_get(*ref, i) == NULL)
		return true;
	if (!node_unshare(ref, level, ops))
		return false;
	n = *ref;
	if (level == 1) {
		*old = n->pn_slot[i];
		node_put(n, i, NULL);
	} else {
		if (!remove_below(&n->pn_slot[i], level - 1, index, ops, old))
			return false;
		if (n->pn_slot[i] == NULL)
			node_put(n, i, NULL);
	}
	if (n->pn_used == 0) {
		ptree_node_free(n);
		*ref = NULL;
	}
	return true;
}

bool
ptree_remove(struct ptree *t, uint64_t index, const struct ptree_ops *ops, void **old)
{
	*old = NULL;
	if (!index_fits(index, t->pt_height))
		return true;
	if (t->pt_height == 0) {
		*old = t->pt_root;
		t->pt_root = NULL;
		return true;
	}
	return remove_below(&t->pt_root, t->pt_height, index, ops, old);
}

static void *
next_below(const struct ptree_node *n, unsigned level, uint64_t base, uint64_t *index, uint64_t last)
{
	uint64_t span = slot_span(level);
	unsigned i = *index > base ? slot_of(*index, level) : 0;
	uint64_t used;

	for (used = n->pn_used & (~0ull << i); used != 0; used &= used - 1) {
		unsigned j = __builtin_ctzll(used);
		uint64_t at = base + j * span;
		void *v;

		if (at > last)
			return NULL;
		if (*index < at)
			*index = at;
		if (level == 1)
			return n->pn_slot[j];
		v = next_below(n->pn_slot[j], level - 1, at, index, last);
		if (v != NULL)
			return v;
	}
	return NULL;
}

void *
ptree_next(const struct ptree *t, uint64_t *index, uint64_t last)
{
	if (t->pt_root == NULL || *index > last || !index_fits(*index, t->pt_height))
		return NULL;
	if (t->pt_height == 0)
		return t->pt_root;
	return next_below(t->pt_root, t->pt_height, 0, index, last);
}

void
ptree_share(struct ptree *dst, const struct ptree *src, const struct ptree_ops *ops)
{
	*dst = *src;
	if (src->pt_root != NULL)
		item_ref(src->pt_root, src->pt_height, ops);
}

/* the used slots of a node at `level` whose indices start at base that [first, last] touches */
static uint64_t
slots_in(const struct ptree_node *n, unsigned level, uint64_t base, uint64_t first, uint64_t last)
{
	uint64_t size = 1ull << (level * PTREE_SHIFT), used = n->pn_used;

	if (first > base)
		used &= ~0ull << slot_of(first, level);
	if (last - base < size - 1)
		used &= ~0ull >> (PTREE_MASK - slot_of(last, level));
	return used;
}

/*
 * A copy of what lies in [first, last] below n, whose own indices start at base.
 * => *out NULL and true when nothing lies there; false on shortage
 */
static bool
share_below(void *item, unsigned level, uint64_t base, uint64_t first, uint64_t last, const struct ptree_ops *ops,
    void **out)
{
	struct ptree_node *n = item, *c;
	uint64_t span, used;

	if (first <= base && last - base >= (1ull << (level * PTREE_SHIFT)) - 1) {
		item_ref(item, level, ops);
		*out = item;
		return true;
	}
	span = slot_span(level);
	if (slots_in(n, level, base, first, last) == 0) {
		*out = NULL;
		return true;
	}
	c = ptree_node_alloc();
	if (c == NULL)
		return false;
	for (used = slots_in(n, level, base, first, last); used != 0; used &= used - 1) {
		unsigned i = __builtin_ctzll(used);
		uint64_t at = base + i * span;
		void *below = NULL;

		if (!share_below(n->pn_slot[i], level - 1, at, first, last, ops, &below)) {
			item_rel(c, level, ops);
			return false;
		}
		node_put(c, i, below);
	}
	if (c->pn_used == 0) {
		ptree_node_free(c);
		c = NULL;
	}
	*out = c;
	return true;
}

bool
ptree_share_range(struct ptree *dst, const struct ptree *src, uint64_t first, uint64_t last,
    const struct ptree_ops *ops)
{
	ptree_init(dst);
	dst->pt_height = src->pt_height;
	if (src->pt_root == NULL || last < first || !index_fits(first, src->pt_height))
		return true;
	return share_below(src->pt_root, src->pt_height, 0, first, last, ops, &dst->pt_root);
}

static bool
clear_below(void **ref, unsigned level, uint64_t base, uint64_t first, uint64_t last, const struct ptree_ops *ops)
{
	struct ptree_node *n;
	uint64_t span, used;
	bool ok = true;

	if (first <= base && last - base >= (1ull << (level * PTREE_SHIFT)) - 1) {
		void *item = *ref;

		*ref = NULL;
		item_rel(item, level, ops);
		return true;
	}
	if (!node_unshare(ref, level, ops))
		return false;
	n = *ref;
	span = slot_span(level);
	for (used = slots_in(n, level, base, first, last); used != 0; used &= used - 1) {
		unsigned i = __builtin_ctzll(used);
		uint64_t at = base + i * span;

		ok &= clear_below(&n->pn_slot[i], level - 1, at, first, last, ops);
		if (n->pn_slot[i] == NULL)
			node_put(n, i, NULL);
	}
	if (n->pn_used == 0) {
		ptree_node_free(n);
		*ref = NULL;
	}
	return ok;
}

bool
ptree_clear_range(struct ptree *t, uint64_t first, uint64_t last, const struct ptree_ops *ops)
{
	if (t->pt_root == NULL || last < first || !index_fits(first, t->pt_height))
		return true;
	return clear_below(&t->pt_root, t->pt_height, 0, first, last, ops);
}

void
ptree_destroy(struct ptree *t, const struct ptree_ops *ops)
{
	void *root = t->pt_root;

	t->pt_root = NULL;
	if (root != NULL)
		item_rel(root, t->pt_height, ops);
	t->pt_height = 0;
}
