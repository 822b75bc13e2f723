/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistent radix trees: sparse arrays of pointers, indexed by page number, which can be copied in constant time.
 *
 * A copy shares the root node; a node with more than one reference is immutable, and so is everything
 * below it. A change first copies the shared nodes on its path. Nodes below a shared one keep a count
 * of 1 until their parent is copied: whether a value may be changed in place is therefore a
 * property of the whole path, which ptree_lookup reports.
 *
 * The tree itself (root and height) is guarded by its owner's lock. Node counts are atomic, because nodes
 * are shared by trees with different locks.
 */
#ifndef VM_PTREE_H
#define VM_PTREE_H

#include <stdbool.h>
#include <stdint.h>

#define PTREE_SHIFT	6
#define PTREE_SLOTS	(1u << PTREE_SHIFT)
#define PTREE_MASK	(PTREE_SLOTS - 1)
#define PTREE_MAX_HEIGHT 9		/* 54 bits of index */

/* what is stored: values are counted like nodes */
struct ptree_ops {
	void	(*po_ref)(void *value);
	void	(*po_rel)(void *value);
};

struct ptree_node {
	uint32_t	 pn_refs;		/* atomic */
	uint64_t	 pn_used;		/* bit per slot that is not NULL */
	void		*pn_slot[PTREE_SLOTS];	/* nodes, or values in the lowest level */
};

struct ptree {
	void		*pt_root;		/* height 0: the value of index 0 itself */
	uint32_t	 pt_height;		/* levels of nodes */
};

void	 ptree_bootstrap(void);
static inline void ptree_init(struct ptree *t) { t->pt_root = 0; t->pt_height = 0; }
/* => value or NULL; *exclusive: no node on the path is shared */
void	*ptree_lookup(const struct ptree *, uint64_t index, bool *exclusive);
/* => the lowest-level node that holds index, for looking at neighbours; NULL when none (or height 0) */
const struct ptree_node *ptree_leaf(const struct ptree *, uint64_t index);
/* store value (not NULL; its reference goes to the tree); the old value and its reference come back in *old.
   => false on shortage: nothing changed */
bool	 ptree_set(struct ptree *, uint64_t index, void *value, const struct ptree_ops *, void **old);
/* take a value out; needs no memory when the path is exclusive. => false on shortage */
bool	 ptree_remove(struct ptree *, uint64_t index, const struct ptree_ops *, void **old);
/* next value at or after *index (updated); NULL when none up to last */
void	*ptree_next(const struct ptree *, uint64_t *index, uint64_t last);
/* dst (empty) becomes a copy of src: constant time */
void	 ptree_share(struct ptree *dst, const struct ptree *src, const struct ptree_ops *);
/* the same with only [first, last] in it: copies the nodes at the two edges. => false on shortage, dst empty */
bool	 ptree_share_range(struct ptree *dst, const struct ptree *src, uint64_t first, uint64_t last,
	    const struct ptree_ops *);
/* drop all values in [first, last]. => false when shortage left some in place */
bool	 ptree_clear_range(struct ptree *, uint64_t first, uint64_t last, const struct ptree_ops *);
/* drop everything; the tree is empty afterwards */
void	 ptree_destroy(struct ptree *, const struct ptree_ops *);

#endif
