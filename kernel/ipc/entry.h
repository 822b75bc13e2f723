/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A name entry: what a task's name stands for. Entries live in chunks of 256 indexed by the name; a name
 *         far above the table is a sparse entry found through a hash.
 * STATES  by type bits  ie_object      urefs             ie_request
 *         NONE          NULL           0                 0
 *         RECEIVE       port           0                 0 or dead-name request
 *         SEND          port           1..65534          the same
 *         SEND|RECEIVE  port           1..65534          the same
 *         SEND_ONCE     port           1                 the same
 *         PORT_SET      set            0                 0
 *         DEAD_NAME     NULL           1..65535          0
 *         A port that died is found out when its entry is next looked at (ipc_right_check).
 * LOCKS   everything here is guarded by the space's lock. An entry pointer is good only until that lock is dropped or
 *         another entry is made: tables move. Nothing here sleeps.
 */
#ifndef IPC_ENTRY_H
#define IPC_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/port.h>
#include <mach/kern_return.h>

struct ipc_space;
struct ipc_port;

struct ipc_entry {
	void		*ie_object;
	uint32_t	 ie_bits;
	uint32_t	 ie_request;	/* slot of the dead-name request in the port's table */
};

#define IE_UREFS_MASK	0x0000ffffu
#define IE_UREFS_MAX	0xfffeu			/* send rights; dead names one more */
#define IE_TYPE_MASK	0x001f0000u		/* the bits of mach_port_type */
#define IE_MAREQUEST	0x00200000u		/* a message-accepted request is outstanding */
#define IE_PINNED	0x00400000u		/* an increment was dropped: deallocating counts no more */
#define IE_LABEL_MASK	0xff800000u		/* reserved: cached access decision (2) and policy generation (7) */
#define IE_UREFS(bits)	((bits) & IE_UREFS_MASK)
#define IE_TYPE(bits)	((bits) & IE_TYPE_MASK)

#define IPC_CHUNK_SIZE	256u
#define IPC_CHUNK_FIRST	32u			/* entries of the first chunk at first */
#define IPC_CHUNK_MAX	2048u
#define IPC_NAME_STACK	64u			/* freed names kept for immediate reuse */

/* What goes with a chunk's entries */
struct ipc_chunk_aux {
	uint64_t	 ica_used[IPC_CHUNK_SIZE / 64];	/* names in use or on the name stack */
	uint32_t	 ica_live;			/* names in use; of no meaning in the first chunk, which is never given back */
	uint32_t	 ica_links[IPC_CHUNK_SIZE];	/* chains of the reverse hash */
};

struct ipc_chunk {
	struct ipc_entry *ic_entries;
	struct ipc_chunk_aux *ic_aux;
};

/* A name above the table */
struct ipc_sparse {
	struct ipc_entry is_entry;
	mach_port_name_t is_name;	/* 0: free slot */
	uint32_t	 is_link;	/* reverse hash */
	uint32_t	 is_name_link;	/* sparse hash, or next free slot */
	uint32_t	 is_pad;
};

#define IPC_SPARSE_CHUNK 64u
#define IPC_SPARSE_MAX	(4096u * IPC_SPARSE_CHUNK)

/* Linear hash of 32-bit tokens; grows a bucket at a time */
#define IPC_HASH_INLINE	8u
#define IPC_HASH_SEG	256u
#define IPC_HASH_SEGS	1024u
struct ipc_hash {
	uint32_t	 ih_inline[IPC_HASH_INLINE];
	uint32_t	**ih_segs;		/* NULL while the inline buckets do */
	uint32_t	 ih_seg_cap;
	uint32_t	 ih_buckets;
	uint32_t	 ih_count;
};

struct ipc_table {
	struct ipc_entry *it_first;		/* entries of the first chunk, for the straight line of rpc.c */
	uint32_t	 it_first_limit;	/* names below are in it */
	uint32_t	 it_stack_count;
	mach_port_name_t *it_stack;		/* names freed last, NULL until the first */
	struct ipc_chunk *it_dir;		/* chunks in order of names */
	uint32_t	 it_limit;		/* names below have an entry; 0 is never given out */
	uint32_t	 it_dir_cap;
	uint64_t	*it_full;		/* bit per chunk: no free name in it */
	uint32_t	 it_low;		/* no chunk before this has a free name */
	struct ipc_sparse **it_sparse;
	uint32_t	 it_sparse_cap;		/* chunks the directory can hold */
	uint32_t	 it_sparse_limit;	/* slots that exist; slot 0 is not used */
	uint32_t	 it_sparse_free;	/* first free slot, 0: none */
	uint32_t	 it_sparse_count;
	struct ipc_hash	 it_reverse;		/* port -> name, send rights without the receive right */
	struct ipc_hash	 it_names;		/* sparse name -> slot */
};

void		 ipc_entry_init(void);
void		 ipc_table_init(struct ipc_table *);
/* => all entries are free */
void		 ipc_table_destroy(struct ipc_table *);
struct ipc_entry *ipc_sparse_lookup(struct ipc_table *, mach_port_name_t);

/* => the entry of a name in use, or NULL */
static inline struct ipc_entry *ipc_entry_lookup(struct ipc_table *t, mach_port_name_t name)
{
	struct ipc_entry *e;

	if (__builtin_expect(name < t->it_limit, 1)) {
		e = &t->it_dir[name / IPC_CHUNK_SIZE].ic_entries[name % IPC_CHUNK_SIZE];
		return IE_TYPE(e->ie_bits) != 0 ? e : NULL;
	}
	if (t->it_sparse_count == 0)
		return NULL;
	e = ipc_sparse_lookup(t, name);
	return e != NULL && IE_TYPE(e->ie_bits) != 0 ? e : NULL;
}

/* => a fresh entry (type none) under the name freed last or else the lowest free; NULL on shortage */
struct ipc_entry *ipc_entry_alloc(struct ipc_table *, mach_port_name_t *);
/* => why there was none: KERN_NO_SPACE when no name is left, KERN_RESOURCE_SHORTAGE when no memory is */
static inline kern_return_t ipc_entry_missing(const struct ipc_table *t)
{
	return t->it_limit == IPC_CHUNK_MAX * IPC_CHUNK_SIZE ? KERN_NO_SPACE : KERN_RESOURCE_SHORTAGE;
}
/* => the entry of a given free name; NULL on shortage. The name is not in use */
struct ipc_entry *ipc_entry_alloc_name(struct ipc_table *, mach_port_name_t);
/* => the entry's type is none again and its name free */
void		 ipc_entry_free(struct ipc_table *, mach_port_name_t, struct ipc_entry *);
/* => the next name in use, cursor 0 to begin; false at the end; sparse names come last, in no order */
bool		 ipc_entry_next(struct ipc_table *, uint32_t *cursor, mach_port_name_t *, struct ipc_entry **);

/* reverse hash: only entries with SEND and without RECEIVE are in it */
void		 ipc_reverse_insert(struct ipc_table *, mach_port_name_t);
void		 ipc_reverse_remove(struct ipc_table *, mach_port_name_t, struct ipc_port *);
/* => n more can be inserted without a wish for memory */
static inline bool ipc_reverse_ready(const struct ipc_table *t, uint32_t n)
{
	return t->it_reverse.ih_count + n <= 2 * t->it_reverse.ih_buckets;
}
struct ipc_entry *ipc_reverse_lookup(struct ipc_table *, struct ipc_port *, mach_port_name_t *);

#endif
