/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistent radix trees and the entry treap, with random operations checked against arrays.
 * The kernel's slab allocator is replaced by malloc, with failure of the k-th allocation on request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <vm/entry.h>
#include <vm/ptree.h>

static int tests, failures;
static long live_nodes, fail_after = -1;

static void
ok(bool good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
	failures += !good;
}

/* the kernel around the code under test */
static size_t cache_size;
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	(void)name; (void)align;
	cache_size = size;
	return (struct slab_cache *)&cache_size;
}
void *slab_alloc(struct slab_cache *c)
{
	(void)c;
	if (fail_after >= 0 && fail_after-- == 0)
		return NULL;
	live_nodes++;
	return malloc(cache_size);
}
void slab_free(struct slab_cache *c, void *p) { (void)c; live_nodes--; free(p); }
void assert_failed(const char *e, const char *f, int l) { printf("assert %s %s:%d\n", e, f, l); abort(); }

/* counted values: index into an array of reference counts */
#define VALUES	200000
static int refs[VALUES];
static int next_value = 1;
static void value_ref(void *v) { refs[(uintptr_t)v]++; }
static void value_rel(void *v)
{
	if (--refs[(uintptr_t)v] < 0) {
		printf("# over-release\n");
		abort();
	}
}
static const struct ptree_ops ops = { value_ref, value_rel };

static void *
new_value(void)
{
	void *v = (void *)(uintptr_t)next_value++;

	if (next_value == VALUES)
		next_value = 1;
	refs[(uintptr_t)v] = 1;
	return v;
}

static long
live_values(void)
{
	long n = 0;

	for (int i = 0; i < VALUES; i++)
		n += refs[i] != 0;
	return n;
}

#define SPACE	9000u
#define TREES	12

struct model {
	struct ptree	t;
	void		*m[SPACE];
};
static struct model trees[TREES];

static bool
model_equal(struct model *x)
{
	uint64_t at = 0;
	bool excl;

	for (unsigned i = 0; i < SPACE; i++)
		if (ptree_lookup(&x->t, i, &excl) != x->m[i])
			return false;
	for (unsigned i = 0; i < SPACE; i++) {
		if (x->m[i] == NULL)
			continue;
		if (ptree_next(&x->t, &at, SPACE - 1) != x->m[i] || at != i)
			return false;
		at++;
	}
	return ptree_next(&x->t, &at, SPACE - 1) == NULL;
}

static void
set_random(struct model *x, unsigned i)
{
	void *v = new_value(), *old;

	if (!ptree_set(&x->t, i, v, &ops, &old)) {
		value_rel(v);
		return;
	}
	if (old != x->m[i])
		abort();
	if (old != NULL)
		value_rel(old);
	x->m[i] = v;
}

static void
copy_random(struct model *x, struct model *y)
{
	unsigned a = rand() % SPACE, b = a + rand() % (SPACE - a);

	if (x == y)
		return;
	ptree_destroy(&y->t, &ops);
	memset(y->m, 0, sizeof y->m);
	if (rand() % 2) {
		ptree_share(&y->t, &x->t, &ops);
		memcpy(y->m, x->m, sizeof y->m);
	} else if (ptree_share_range(&y->t, &x->t, a, b, &ops)) {
		memcpy(&y->m[a], &x->m[a], (b - a + 1) * sizeof x->m[0]);
	}
}

static void
clear_random(struct model *x)
{
	unsigned a = rand() % SPACE, b = a + rand() % (SPACE - a);

	if (ptree_clear_range(&x->t, a, b, &ops)) {
		memset(&x->m[a], 0, (b - a + 1) * sizeof x->m[0]);
		return;
	}
	/* a shortage leaves some values in place: whichever are gone must be gone for good */
	for (unsigned i = a; i <= b; i++)
		x->m[i] = ptree_lookup(&x->t, i, NULL);
}

static void
step(void)
{
	struct model *x = &trees[rand() % TREES];
	unsigned i = rand() % 4 ? rand() % 300u : rand() % SPACE;
	void *old;

	switch (rand() % 8) {
	default:
		set_random(x, i);
		break;
	case 5:
		if (ptree_remove(&x->t, i, &ops, &old)) {
			if (old != x->m[i])
				abort();
			if (old != NULL)
				value_rel(old);
			x->m[i] = NULL;
		}
		break;
	case 6:
		copy_random(x, &trees[rand() % TREES]);
		break;
	case 7:
		if (rand() % 8 == 0)
			clear_random(x);
		break;
	}
}

static void
test_ptree_random(bool shortage)
{
	bool good = true;

	for (int round = 0; round < 60 && good; round++) {
		for (int i = 0; i < 300; i++) {
			if (shortage)
				fail_after = rand() % 6;
			step();
		}
		fail_after = -1;
		for (int i = 0; i < TREES; i++)
			good &= model_equal(&trees[i]);
	}
	ok(good, shortage ? "radix trees agree with arrays under failing allocations" : "radix trees agree with arrays");
	for (int i = 0; i < TREES; i++) {
		ptree_destroy(&trees[i].t, &ops);
		memset(trees[i].m, 0, sizeof trees[i].m);
	}
	ok(live_nodes == 0 && live_values() == 0, "nothing is left after the trees are destroyed");
}

/* a thousand generations, each sharing the one before and changing one slot: nodes copied stay bounded */
static void
test_generations(void)
{
	static struct ptree gen[1000];
	void *old;
	long before, first = 0, last = 0;
	bool excl;

	ptree_init(&gen[0]);
	for (unsigned i = 0; i < 4096; i++)
		if (!ptree_set(&gen[0], i, new_value(), &ops, &old))
			abort();
	for (int g = 1; g < 1000; g++) {
		ptree_share(&gen[g], &gen[g - 1], &ops);
		before = live_nodes;
		if (!ptree_set(&gen[g], (g * 67) % 4096, new_value(), &ops, &old))
			abort();
		value_rel(old);
		last = live_nodes - before;
		if (g == 1)
			first = last;
	}
	ok(first == last && last == 2, "generation 1000 copies as many nodes as generation 1");
	ptree_lookup(&gen[0], 0, &excl);
	ok(!excl, "a shared path is reported as shared");
	for (int g = 0; g < 999; g++)
		ptree_destroy(&gen[g], &ops);
	ptree_lookup(&gen[999], 0, &excl);
	ok(excl, "the last holder owns the path alone");
	ptree_destroy(&gen[999], &ops);
	ok(live_nodes == 0 && live_values() == 0, "generations leave nothing");
}

static void
test_ptree_heights(void)
{
	static const uint64_t at[] = { 0, 63, 64, 4095, 4096, 1ull << 24, 1ull << 36, (1ull << 52) - 1 };
	struct ptree t;
	void *old;
	uint64_t i, n = 0;
	bool good = true;

	ptree_init(&t);
	for (i = 0; i < sizeof at / sizeof at[0]; i++)
		good &= ptree_set(&t, at[i], new_value(), &ops, &old) && old == NULL;
	for (i = 0; ptree_next(&t, &i, UINT64_MAX) != NULL; i++, n++)
		good &= i == at[n];
	good &= n == sizeof at / sizeof at[0];
	ok(good, "indices up to 2^52 are kept and found in order");
	ptree_destroy(&t, &ops);
	ok(live_nodes == 0, "a tall tree leaves nothing");
}

/* entries: pages 0..UNITS-1, model says which entry covers each */
#define UNITS	600u
#define PAGE	4096ull
static struct vm_entry *cover[UNITS];

static bool
model_space(uint64_t from, uint64_t n, uint64_t align, uint64_t *at)
{
	for (uint64_t i = (from + align - 1) / align * align; i + n <= UNITS; i += align) {
		uint64_t j;

		for (j = 0; j < n && cover[i + j] == NULL; j++)
			;
		if (j == n) {
			*at = i;
			return true;
		}
	}
	return false;
}

static void
entry_add(struct vm_entry_tree *t, uint64_t at, uint64_t n)
{
	struct vm_entry *e = calloc(1, sizeof *e);

	e->ve_start = at * PAGE;
	e->ve_end = (at + n) * PAGE;
	vm_entry_insert(t, e);
	for (uint64_t i = 0; i < n; i++)
		cover[at + i] = e;
}

static void
entry_drop(struct vm_entry_tree *t, struct vm_entry *e)
{
	for (uint64_t i = e->ve_start / PAGE; i < e->ve_end / PAGE; i++)
		cover[i] = NULL;
	vm_entry_remove(t, e);
	free(e);
}

static void
entry_shrink(struct vm_entry_tree *t, struct vm_entry *e)
{
	uint64_t first = e->ve_start / PAGE, n = (e->ve_end - e->ve_start) / PAGE, cut;

	if (n < 2)
		return;
	cut = 1 + rand() % (n - 1);
	if (rand() % 2) {
		for (uint64_t i = 0; i < cut; i++)
			cover[first + i] = NULL;
		vm_entry_resize(t, e, e->ve_start + cut * PAGE, e->ve_end);
	} else {
		for (uint64_t i = 0; i < cut; i++)
			cover[first + n - 1 - i] = NULL;
		vm_entry_resize(t, e, e->ve_start, e->ve_end - cut * PAGE);
	}
}

static bool
space_agrees(struct vm_entry_tree *t)
{
	uint64_t from = rand() % UNITS, n = 1 + rand() % 12, align = 1u << rand() % 4, want = 0, got = 0;
	bool a = model_space(from, n, align, &want);
	bool b = vm_entry_find_space(t, from * PAGE, n * PAGE, align * PAGE - 1, &got);

	return a == b && (!a || want * PAGE == got);
}

static void
test_entries(void)
{
	struct vm_entry_tree t;
	bool good = true, spaces = true;

	vm_entry_tree_init(&t, 0, UNITS * PAGE, 12345);
	for (int i = 0; i < 20000 && good && spaces; i++) {
		uint64_t at = rand() % UNITS, n = 1 + rand() % 6;
		struct vm_entry *e = vm_entry_find(&t, at * PAGE + rand() % PAGE);

		good &= e == cover[at];
		if (e != NULL) {
			if (rand() % 3 == 0)
				entry_shrink(&t, e);
			else if (rand() % 2)
				entry_drop(&t, e);
		} else if (model_space(at, n, 1, &at)) {
			entry_add(&t, at, n);
		}
		spaces &= space_agrees(&t);
		if (i % 16 == 0)
			good &= vm_entry_tree_check(&t);
	}
	ok(good, "entries are found, order and gaps are kept");
	ok(spaces, "the lowest fitting gap is found for every size and alignment");
	while (vm_entry_first(&t) != NULL)
		entry_drop(&t, vm_entry_first(&t));
	ok(t.et_root == NULL && t.et_count == 0, "an emptied tree is empty");
}

static unsigned
depth(const struct vm_entry *e)
{
	unsigned l, r;

	if (e == NULL)
		return 0;
	l = depth(e->ve_left);
	r = depth(e->ve_right);
	return 1 + (l > r ? l : r);
}

static void
test_depth(void)
{
	struct vm_entry_tree t;
	static struct vm_entry many[20000];

	vm_entry_tree_init(&t, 0, 1ull << 47, 99);
	for (unsigned i = 0; i < 20000; i++) {
		many[i].ve_start = i * 2 * PAGE;
		many[i].ve_end = many[i].ve_start + PAGE;
		vm_entry_insert(&t, &many[i]);
	}
	ok(depth(t.et_root) < 50, "20,000 entries in ascending order make no deep tree");
}

int
main(int argc, char **argv)
{
	unsigned seed = argc > 1 ? atoi(argv[1]) : 1;

	printf("# seed %u\n", seed);
	srand(seed);
	ptree_bootstrap();
	test_ptree_random(false);
	test_ptree_random(true);
	test_generations();
	test_ptree_heights();
	test_entries();
	test_depth();
	printf("1..%d\n", tests);
	return failures != 0;
}
