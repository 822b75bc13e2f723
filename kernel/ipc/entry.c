/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of a name space.
 *
 * OBJECT  struct ipc_table (entry.h): a directory of chunks indexed by the name, the stack of names freed last, and
 *         sparse entries for explicit names far above the table.
 * LOCKS   the space's; memory comes from slabs, which never sleep, so the table grows under the spin lock. No step
 *         takes time proportional to the number of entries: the directory is the only thing copied (at most 32 KiB,
 *         each doubling), buckets split one at a time.
 * TESTS   tests/unit/ipc
 */
#include <ipc/entry.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>

#define SPARSE_TOKEN	0x80000000u
#define SHRINK_MAX	128	/* chunks given back at a time: the space is locked */

static struct slab_cache *aux_cache;

void ipc_entry_init(void)
{
	aux_cache = slab_cache_create("ipc_chunk_aux", sizeof(struct ipc_chunk_aux), 8);
}

/* Tokens: a name of the table, or SPARSE_TOKEN | slot */

static struct ipc_sparse *sparse_slot(struct ipc_table *t, uint32_t slot)
{
	return &t->it_sparse[slot / IPC_SPARSE_CHUNK][slot % IPC_SPARSE_CHUNK];
}

static struct ipc_entry *token_entry(struct ipc_table *t, uint32_t token)
{
	if (token & SPARSE_TOKEN)
		return &sparse_slot(t, token & ~SPARSE_TOKEN)->is_entry;
	return &t->it_dir[token / IPC_CHUNK_SIZE].ic_entries[token % IPC_CHUNK_SIZE];
}

/* The chain link of a token in a hash: the sparse hash is told by its address */
static uint32_t *token_link(struct ipc_table *t, struct ipc_hash *h, uint32_t token)
{
	if (h == &t->it_names)
		return &sparse_slot(t, token & ~SPARSE_TOKEN)->is_name_link;
	if (token & SPARSE_TOKEN)
		return &sparse_slot(t, token & ~SPARSE_TOKEN)->is_link;
	return &t->it_dir[token / IPC_CHUNK_SIZE].ic_aux->ica_links[token % IPC_CHUNK_SIZE];
}

static uint32_t hash_value(uint64_t key)
{
	return (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32);
}

static uint32_t token_hash(struct ipc_table *t, struct ipc_hash *h, uint32_t token)
{
	if (h == &t->it_names)
		return hash_value(sparse_slot(t, token & ~SPARSE_TOKEN)->is_name);
	return hash_value((uintptr_t)token_entry(t, token)->ie_object >> 5);
}

static void hash_init(struct ipc_hash *h)
{
	*h = (struct ipc_hash){ .ih_buckets = IPC_HASH_INLINE };
}

static void hash_destroy(struct ipc_hash *h)
{
	for (uint32_t i = 0; i < h->ih_seg_cap; i++) {
		if (h->ih_segs[i] != NULL)
			kfree(h->ih_segs[i], IPC_HASH_SEG * sizeof(uint32_t));
	}
	if (h->ih_segs != NULL)
		kfree(h->ih_segs, h->ih_seg_cap * sizeof(uint32_t *));
}

static uint32_t *hash_bucket(struct ipc_hash *h, uint32_t i)
{
	if (h->ih_segs == NULL)
		return &h->ih_inline[i];
	return &h->ih_segs[i / IPC_HASH_SEG][i % IPC_HASH_SEG];
}

/* Linear hashing: with 2^k <= buckets < 2^(k+1), the first (buckets - 2^k) are split already */
static uint32_t hash_index(const struct ipc_hash *h, uint32_t hash)
{
	uint32_t low = 1u << (31 - __builtin_clz(h->ih_buckets));
	uint32_t i = hash & (2 * low - 1);

	return i < h->ih_buckets ? i : hash & (low - 1);
}

/* Make the memory of bucket i exist. => false on shortage: the hash stays as it is, only slower */
static bool hash_grow_memory(struct ipc_hash *h, uint32_t i)
{
	uint32_t seg = i / IPC_HASH_SEG, cap;
	uint32_t **segs;

	if (h->ih_segs == NULL || seg >= h->ih_seg_cap) {
		cap = h->ih_segs == NULL ? 4 : h->ih_seg_cap * 2;
		if (cap > IPC_HASH_SEGS || (segs = kzalloc(cap * sizeof(*segs))) == NULL)
			return false;
		if (h->ih_segs == NULL) {
			if ((segs[0] = kzalloc(IPC_HASH_SEG * sizeof(uint32_t))) == NULL) {
				kfree(segs, cap * sizeof(*segs));
				return false;
			}
			memcpy(segs[0], h->ih_inline, sizeof(h->ih_inline));
		} else {
			memcpy(segs, h->ih_segs, h->ih_seg_cap * sizeof(*segs));
			kfree(h->ih_segs, h->ih_seg_cap * sizeof(*segs));
		}
		h->ih_segs = segs;
		h->ih_seg_cap = cap;
	}
	if (h->ih_segs[seg] == NULL)
		h->ih_segs[seg] = kzalloc(IPC_HASH_SEG * sizeof(uint32_t));
	return h->ih_segs[seg] != NULL;
}

static void hash_split(struct ipc_table *t, struct ipc_hash *h)
{
	uint32_t new = h->ih_buckets, old, token, next, *from, *to, *link;

	if (!hash_grow_memory(h, new))
		return;
	old = new - (1u << (31 - __builtin_clz(new)));
	from = hash_bucket(h, old);
	to = hash_bucket(h, new);
	token = *from;
	h->ih_buckets++;
	*from = *to = 0;
	for (; token != 0; token = next) {
		link = token_link(t, h, token);
		next = *link;
		if (hash_index(h, token_hash(t, h, token)) == new) {
			*link = *to;
			*to = token;
		} else {
			*link = *from;
			*from = token;
		}
	}
}

static void hash_insert(struct ipc_table *t, struct ipc_hash *h, uint32_t token)
{
	uint32_t *bucket;

	if (h->ih_count >= 2 * h->ih_buckets && h->ih_buckets < IPC_HASH_SEG * IPC_HASH_SEGS)
		hash_split(t, h);
	bucket = hash_bucket(h, hash_index(h, token_hash(t, h, token)));
	*token_link(t, h, token) = *bucket;
	*bucket = token;
	h->ih_count++;
}

static void hash_remove(struct ipc_table *t, struct ipc_hash *h, uint32_t token, uint32_t hash)
{
	uint32_t *p = hash_bucket(h, hash_index(h, hash));

	while (*p != token) {
		KASSERT(*p != 0);
		p = token_link(t, h, *p);
	}
	*p = *token_link(t, h, token);
	h->ih_count--;
}

void ipc_table_init(struct ipc_table *t)
{
	*t = (struct ipc_table){ 0 };
	hash_init(&t->it_reverse);
	hash_init(&t->it_names);
}

static uint32_t chunk_count(const struct ipc_table *t)
{
	return (t->it_limit + IPC_CHUNK_SIZE - 1) / IPC_CHUNK_SIZE;
}

static size_t dir_bytes(uint32_t cap)
{
	return cap * sizeof(struct ipc_chunk);
}

static size_t full_bytes(uint32_t cap)
{
	return (cap + 63) / 64 * sizeof(uint64_t);
}

void ipc_table_destroy(struct ipc_table *t)
{
	uint32_t n = chunk_count(t);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t entries = t->it_limit < IPC_CHUNK_SIZE ? t->it_limit : IPC_CHUNK_SIZE;

		kfree(t->it_dir[i].ic_entries, entries * sizeof(struct ipc_entry));
		slab_free(aux_cache, t->it_dir[i].ic_aux);
	}
	if (t->it_dir != NULL) {
		kfree(t->it_dir, dir_bytes(t->it_dir_cap));
		kfree(t->it_full, full_bytes(t->it_dir_cap));
	}
	if (t->it_stack != NULL)
		kfree(t->it_stack, IPC_NAME_STACK * sizeof(mach_port_name_t));
	for (uint32_t i = 0; i < t->it_sparse_limit / IPC_SPARSE_CHUNK; i++)
		kfree(t->it_sparse[i], IPC_SPARSE_CHUNK * sizeof(struct ipc_sparse));
	if (t->it_sparse != NULL)
		kfree(t->it_sparse, t->it_sparse_cap * sizeof(*t->it_sparse));
	hash_destroy(&t->it_reverse);
	hash_destroy(&t->it_names);
	ipc_table_init(t);
}

/* Sparse entries */

struct ipc_entry *ipc_sparse_lookup(struct ipc_table *t, mach_port_name_t name)
{
	struct ipc_hash *h = &t->it_names;
	uint32_t slot = *hash_bucket(h, hash_index(h, hash_value(name)));

	for (; slot != 0; slot = sparse_slot(t, slot)->is_name_link) {
		if (sparse_slot(t, slot)->is_name == name)
			return &sparse_slot(t, slot)->is_entry;
	}
	return NULL;
}

static uint32_t sparse_find(struct ipc_table *t, mach_port_name_t name)
{
	struct ipc_hash *h = &t->it_names;
	uint32_t slot = *hash_bucket(h, hash_index(h, hash_value(name)));

	while (slot != 0 && sparse_slot(t, slot)->is_name != name)
		slot = sparse_slot(t, slot)->is_name_link;
	return slot;
}

static bool sparse_grow(struct ipc_table *t)
{
	uint32_t n = t->it_sparse_limit / IPC_SPARSE_CHUNK, cap;
	struct ipc_sparse *chunk, **dir;

	if (t->it_sparse_limit >= IPC_SPARSE_MAX || fault_point("ipc_sparse"))
		return false;
	if (n == t->it_sparse_cap) {
		cap = n == 0 ? 8 : n * 2;
		if ((dir = kzalloc(cap * sizeof(*dir))) == NULL)
			return false;
		if (n != 0) {
			memcpy(dir, t->it_sparse, n * sizeof(*dir));
			kfree(t->it_sparse, n * sizeof(*dir));
		}
		t->it_sparse = dir;
		t->it_sparse_cap = cap;
	}
	if ((chunk = kzalloc(IPC_SPARSE_CHUNK * sizeof(*chunk))) == NULL)
		return false;
	t->it_sparse[n] = chunk;
	t->it_sparse_limit += IPC_SPARSE_CHUNK;
	for (uint32_t i = 0; i < IPC_SPARSE_CHUNK; i++) {
		uint32_t slot = n * IPC_SPARSE_CHUNK + i;

		if (slot == 0)
			continue;
		chunk[i].is_name_link = t->it_sparse_free;
		t->it_sparse_free = slot;
	}
	return true;
}

static struct ipc_entry *sparse_alloc(struct ipc_table *t, mach_port_name_t name)
{
	struct ipc_sparse *s;
	uint32_t slot;

	if (t->it_sparse_free == 0 && !sparse_grow(t))
		return NULL;
	slot = t->it_sparse_free;
	s = sparse_slot(t, slot);
	t->it_sparse_free = s->is_name_link;
	*s = (struct ipc_sparse){ .is_name = name };
	hash_insert(t, &t->it_names, slot);
	t->it_sparse_count++;
	return &s->is_entry;
}

static void sparse_release(struct ipc_table *t, uint32_t slot)
{
	struct ipc_sparse *s = sparse_slot(t, slot);

	hash_remove(t, &t->it_names, slot, hash_value(s->is_name));
	s->is_name = 0;
	s->is_name_link = t->it_sparse_free;
	t->it_sparse_free = slot;
	t->it_sparse_count--;
}

/* Chunks */

static bool dir_grow(struct ipc_table *t)
{
	uint32_t cap = t->it_dir_cap == 0 ? 4 : t->it_dir_cap * 2, n = chunk_count(t);
	struct ipc_chunk *dir;
	uint64_t *full;

	if (cap > IPC_CHUNK_MAX || (dir = kzalloc(dir_bytes(cap))) == NULL)
		return false;
	if ((full = kzalloc(full_bytes(cap))) == NULL) {
		kfree(dir, dir_bytes(cap));
		return false;
	}
	if (t->it_dir != NULL) {
		memcpy(dir, t->it_dir, n * sizeof(*dir));
		memcpy(full, t->it_full, full_bytes(t->it_dir_cap));
		kfree(t->it_dir, dir_bytes(t->it_dir_cap));
		kfree(t->it_full, full_bytes(t->it_dir_cap));
	}
	t->it_dir = dir;
	t->it_full = full;
	t->it_dir_cap = cap;
	return true;
}

static void name_mark(struct ipc_table *t, mach_port_name_t name, bool used)
{
	uint32_t chunk = name / IPC_CHUNK_SIZE;
	struct ipc_chunk_aux *aux = t->it_dir[chunk].ic_aux;
	uint64_t bit = 1ull << (name % 64), *word = &aux->ica_used[name % IPC_CHUNK_SIZE / 64];

	if (!used) {
		*word &= ~bit;
		t->it_full[chunk / 64] &= ~(1ull << (chunk % 64));
		if (chunk < t->it_low)
			t->it_low = chunk;
		return;
	}
	*word |= bit;
	for (uint32_t i = 0; i < IPC_CHUNK_SIZE / 64; i++) {
		if (aux->ica_used[i] != ~0ull)
			return;
	}
	t->it_full[chunk / 64] |= 1ull << (chunk % 64);
}

/* A sparse name the table has grown over becomes an ordinary one */
static void sparse_migrate(struct ipc_table *t, mach_port_name_t name)
{
	uint32_t slot = sparse_find(t, name);
	struct ipc_chunk *c = &t->it_dir[name / IPC_CHUNK_SIZE];
	struct ipc_entry *from, *to = &c->ic_entries[name % IPC_CHUNK_SIZE];
	bool hashed;

	if (slot == 0)
		return;
	from = &sparse_slot(t, slot)->is_entry;
	*to = *from;
	hashed = (from->ie_bits & MACH_PORT_TYPE_SEND_RECEIVE) == MACH_PORT_TYPE_SEND;
	if (hashed)
		hash_remove(t, &t->it_reverse, slot | SPARSE_TOKEN, token_hash(t, &t->it_reverse, slot | SPARSE_TOKEN));
	sparse_release(t, slot);
	name_mark(t, name, true);
	c->ic_aux->ica_live++;
	if (hashed)
		hash_insert(t, &t->it_reverse, name);
}

/* The first chunk begins small: most tasks have few names */
static bool chunk_widen(struct ipc_table *t)
{
	struct ipc_chunk *c = &t->it_dir[0];
	struct ipc_entry *entries = kzalloc(IPC_CHUNK_SIZE * sizeof(*entries));
	uint32_t old = t->it_limit;

	if (entries == NULL)
		return false;
	memcpy(entries, c->ic_entries, old * sizeof(*entries));
	kfree(c->ic_entries, old * sizeof(*entries));
	c->ic_entries = t->it_first = entries;
	t->it_first_limit = IPC_CHUNK_SIZE;
	c->ic_aux->ica_used[0] &= (1ull << old) - 1;
	memset(&c->ic_aux->ica_used[1], 0, sizeof(c->ic_aux->ica_used) - sizeof(uint64_t));
	t->it_limit = IPC_CHUNK_SIZE;
	t->it_full[0] &= ~1ull;
	t->it_low = 0;
	return true;
}

static bool table_grow(struct ipc_table *t)
{
	uint32_t n = chunk_count(t), count = n == 0 ? IPC_CHUNK_FIRST : IPC_CHUNK_SIZE, first;
	struct ipc_chunk *c;

	if (fault_point("ipc_table"))
		return false;
	if (t->it_limit == IPC_CHUNK_FIRST) {
		first = IPC_CHUNK_FIRST;
		if (!chunk_widen(t))
			return false;
	} else {
		if (n == t->it_dir_cap && !dir_grow(t))
			return false;
		c = &t->it_dir[n];
		if ((c->ic_aux = slab_zalloc(aux_cache)) == NULL)
			return false;
		if ((c->ic_entries = kzalloc(count * sizeof(struct ipc_entry))) == NULL) {
			slab_free(aux_cache, c->ic_aux);
			return false;
		}
		first = n * IPC_CHUNK_SIZE;
		t->it_limit = first + count;
		if (n == 0) {
			t->it_first = c->ic_entries;
			t->it_first_limit = count;
			c->ic_aux->ica_used[0] = 1 | ~((1ull << IPC_CHUNK_FIRST) - 1);
			for (uint32_t i = 1; i < IPC_CHUNK_SIZE / 64; i++)
				c->ic_aux->ica_used[i] = ~0ull;
		}
	}
	if (t->it_sparse_count != 0) {
		for (mach_port_name_t name = first; name < t->it_limit; name++)
			sparse_migrate(t, name);
	}
	for (uint32_t i = 0; i < t->it_stack_count; i++) {
		if (t->it_stack[i] >= first && t->it_stack[i] < t->it_limit)
			name_mark(t, t->it_stack[i], true);
	}
	return true;
}

/* => the lowest free name of the table, 0 when it is full */
static mach_port_name_t name_lowest(struct ipc_table *t)
{
	uint32_t n = chunk_count(t), c = t->it_low;

	while (c < n) {
		uint64_t open = ~t->it_full[c / 64] & (~0ull << (c % 64));

		if (open == 0) {
			c = (c / 64 + 1) * 64;
			continue;
		}
		c = c / 64 * 64 + (uint32_t)__builtin_ctzll(open);
		break;
	}
	t->it_low = c < n ? c : n;
	if (c >= n)
		return 0;
	for (uint32_t i = 0; i < IPC_CHUNK_SIZE / 64; i++) {
		uint64_t open = ~t->it_dir[c].ic_aux->ica_used[i];

		if (open != 0)
			return c * IPC_CHUNK_SIZE + i * 64 + (uint32_t)__builtin_ctzll(open);
	}
	return 0;
}

/* Entries */

static struct ipc_entry *entry_take(struct ipc_table *t, mach_port_name_t name)
{
	struct ipc_chunk *c = &t->it_dir[name / IPC_CHUNK_SIZE];

	c->ic_aux->ica_live++;
	return &c->ic_entries[name % IPC_CHUNK_SIZE];
}

struct ipc_entry *ipc_entry_alloc(struct ipc_table *t, mach_port_name_t *namep)
{
	mach_port_name_t name;

	if (fault_point("ipc_entry"))
		return NULL;
	if (t->it_stack_count != 0) {
		name = t->it_stack[t->it_stack_count - 1];
		if (name >= t->it_limit) {
			struct ipc_entry *e = sparse_alloc(t, name);

			if (e != NULL) {
				t->it_stack_count--;
				*namep = name;
			}
			return e;
		}
		t->it_stack_count--;
	} else {
		while ((name = name_lowest(t)) == 0) {
			if (!table_grow(t))
				return NULL;
		}
		name_mark(t, name, true);
	}
	*namep = name;
	return entry_take(t, name);
}

static bool stack_withdraw(struct ipc_table *t, mach_port_name_t name)
{
	for (uint32_t i = 0; i < t->it_stack_count; i++) {
		if (t->it_stack[i] != name)
			continue;
		t->it_stack_count--;
		memmove(&t->it_stack[i], &t->it_stack[i + 1], (t->it_stack_count - i) * sizeof(name));
		return true;
	}
	return false;
}

struct ipc_entry *ipc_entry_alloc_name(struct ipc_table *t, mach_port_name_t name)
{
	if (fault_point("ipc_entry"))
		return NULL;
	if (t->it_limit == 0 && !table_grow(t))
		return NULL;
	if (name < 2 * IPC_CHUNK_SIZE + t->it_limit) {
		/* near: let the table reach it */
		while (name >= t->it_limit) {
			if (!table_grow(t))
				break;
		}
	}
	if (name >= t->it_limit) {
		struct ipc_entry *e = sparse_alloc(t, name);

		if (e != NULL)
			stack_withdraw(t, name);
		return e;
	}
	if (!stack_withdraw(t, name))
		name_mark(t, name, true);
	return entry_take(t, name);
}

/* Names whose chunk is gone are not reused at once: they would be sparse, and slow, and one of them is every reply's from then on */
static void stack_forget(struct ipc_table *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->it_stack_count; i++) {
		if (t->it_stack[i] < t->it_limit)
			t->it_stack[kept++] = t->it_stack[i];
	}
	t->it_stack_count = kept;
}

/* Give empty chunks at the end back, all but one: a task at the edge must not make and free one all the time */
static void table_shrink(struct ipc_table *t)
{
	uint32_t before = t->it_limit;

	for (uint32_t n = chunk_count(t), left = SHRINK_MAX; n > 2 && left > 0; n--, left--) {
		struct ipc_chunk *c = &t->it_dir[n - 1];

		if (c->ic_aux->ica_live != 0 || t->it_dir[n - 2].ic_aux->ica_live != 0)
			break;
		kfree(c->ic_entries, IPC_CHUNK_SIZE * sizeof(struct ipc_entry));
		slab_free(aux_cache, c->ic_aux);
		t->it_limit -= IPC_CHUNK_SIZE;
		if (t->it_low > n - 1)
			t->it_low = n - 1;
	}
	if (t->it_limit != before)
		stack_forget(t);
}

void ipc_entry_free(struct ipc_table *t, mach_port_name_t name, struct ipc_entry *e)
{
	*e = (struct ipc_entry){ 0 };
	if (name >= t->it_limit)
		sparse_release(t, sparse_find(t, name));
	else
		t->it_dir[name / IPC_CHUNK_SIZE].ic_aux->ica_live--;
	if (t->it_stack == NULL)
		t->it_stack = kalloc(IPC_NAME_STACK * sizeof(mach_port_name_t));
	if (t->it_stack != NULL && t->it_stack_count < IPC_NAME_STACK) {
		t->it_stack[t->it_stack_count++] = name;
	} else if (name < t->it_limit) {
		name_mark(t, name, false);
	}
	/* it goes when the chunk before it is empty, too: that may be the later one */
	if (t->it_limit > 2 * IPC_CHUNK_SIZE && name >= t->it_limit - 2 * IPC_CHUNK_SIZE)
		table_shrink(t);
}

bool ipc_entry_next(struct ipc_table *t, uint32_t *cursor, mach_port_name_t *namep, struct ipc_entry **ep)
{
	uint32_t slot = 0;

	if (!(*cursor & SPARSE_TOKEN)) {
		for (mach_port_name_t name = *cursor + 1; name < t->it_limit; name++) {
			struct ipc_entry *e = &t->it_dir[name / IPC_CHUNK_SIZE].ic_entries[name % IPC_CHUNK_SIZE];

			if (IE_TYPE(e->ie_bits) != 0) {
				*ep = e;
				*cursor = *namep = name;
				return true;
			}
		}
	} else {
		slot = *cursor & ~SPARSE_TOKEN;
	}
	while (++slot < t->it_sparse_limit) {
		struct ipc_sparse *s = sparse_slot(t, slot);

		if (s->is_name != 0 && IE_TYPE(s->is_entry.ie_bits) != 0) {
			*ep = &s->is_entry;
			*namep = s->is_name;
			*cursor = slot | SPARSE_TOKEN;
			return true;
		}
	}
	return false;
}

/* Reverse */

static uint32_t name_token(struct ipc_table *t, mach_port_name_t name)
{
	return name < t->it_limit ? name : sparse_find(t, name) | SPARSE_TOKEN;
}

void ipc_reverse_insert(struct ipc_table *t, mach_port_name_t name)
{
	hash_insert(t, &t->it_reverse, name_token(t, name));
}

void ipc_reverse_remove(struct ipc_table *t, mach_port_name_t name, struct ipc_port *port)
{
	hash_remove(t, &t->it_reverse, name_token(t, name), hash_value((uintptr_t)port >> 5));
}

struct ipc_entry *ipc_reverse_lookup(struct ipc_table *t, struct ipc_port *port, mach_port_name_t *namep)
{
	struct ipc_hash *h = &t->it_reverse;
	uint32_t token = *hash_bucket(h, hash_index(h, hash_value((uintptr_t)port >> 5)));

	for (; token != 0; token = *token_link(t, h, token)) {
		struct ipc_entry *e = token_entry(t, token);

		if (e->ie_object == port) {
			*namep = token & SPARSE_TOKEN ? sparse_slot(t, token & ~SPARSE_TOKEN)->is_name : token;
			return e;
		}
	}
	return NULL;
}
