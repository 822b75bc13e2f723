/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loans: open file descriptions whose reading is left to the emulation library of one process.
 *
 * OBJECT   struct loan: a description lent through one cell of the share page of the process that
 *          owns the descriptor table.  The process has a window on the file's memory object, and
 *          the position is in the cell (unix_protocol.h); the server takes it back for the
 *          duration of each operation of its own.
 * STATES   free (l_file null, not l_busy) -> busy (being made) -> lent -> busy (being taken
 *          apart) -> free.  Lent and l_shared: another table has the description as well, or
 *          had it; the cell stays held, the position is still there.
 * REFS     none: a loan ends before the last descriptor of its table lets go of the file.
 * LOCKS    (t) ft_lock of the table; (l) loan_lock, a leaf after ft_lock; f_loan of the file is
 *          changed with f_lock and ft_lock held.  (I) fixed once made.
 * RULES    Nothing read from a cell is believed but the offset, which harms only its sharers.
 *          The server never waits for a library: it holds the cell by one atomic operation, and a
 *          library that was about to move the position finds that it cannot.
 * TESTS    tests/linux/programs/reads.c
 */
#ifndef UNIX_LOAN_H
#define UNIX_LOAN_H

#include <stdbool.h>
#include <stdint.h>
#include "protocol/unix_protocol.h"

struct fdtable;
struct file;
struct item;

struct loan {
	struct fdtable	*l_table;	/* (I) */
	struct unix_cell *l_cell;	/* (I) the server's mapping */
	uint32_t	l_index;	/* (I) of the cell */
	struct file	*l_file;	/* (t) */
	bool		l_busy;		/* (t) */
	uint32_t	l_fds;		/* (t) descriptors of the table */
	uint64_t	l_generation;	/* (t) in the place where the cell has it */
	uint32_t	l_misses;	/* f_lock: reads that the window did not serve */
	uint64_t	l_base;		/* (t) what the window shows, and how much */
	uint64_t	l_length;
	struct loan	*l_next;	/* (l) of the item */
	struct loan	**l_link;	/* (l) */
	uint32_t	l_holds;	/* (l) operations of the server in progress */
	bool		l_shared;	/* (l) */
	bool		l_note;		/* (l) the file changed since the server last read it */
	bool		l_frozen;	/* (l) one of the holds is loan_freeze's */
};

/*
 * The position of a lent description, for an operation of the server, and back.
 * => f_lock held from take to give; accessed: a read was done, which saw to the access time
 */
int64_t	loan_take(struct loan *loan);
void	loan_give(struct loan *loan, int64_t position, bool accessed);

/*
 * After a read of size bytes, or a seek, at `at' that the process asked for: lend the file if it
 * is worth it, lend it again if it is shared no longer, move the window if it is elsewhere.
 * => no lock held; the caller holds a reference of file; process is the caller's
 */
struct process;
void	loan_consider(struct process *process, struct file *file, int64_t at, int64_t size);

/*
 * The table has no descriptor of the file any more (or its process begins another program).
 * => no lock held; a reference of file is held
 */
void	loan_end(struct loan *loan, struct file *file);
/* The table is being copied: what it has lent is shared now.  => ft_lock of the table held */
void	loan_share_all(struct fdtable *table);
/* The loan of file that belongs to the table, or null.  => ft_lock held */
struct loan *loan_of(const struct fdtable *table, const struct file *file);

/*
 * The contents of a lendable item changed; size is what it has now.
 * => callable with locks of the service held
 */
void	loan_resize(struct item *item, uint64_t size);
/* While contents are taken away no library reads.  => the callers of one item one at a time */
void	loan_freeze(struct item *item);
void	loan_thaw(struct item *item);

#endif
