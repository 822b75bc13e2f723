/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads, writes and seeks that ask nobody: null and zero devices, and files that the server lent (struct unix_cell).
 *
 * LOCKS  none. The descriptor words and all of a cell but its position are the server's and may change at any moment; a read
 *        counts only when the position could be exchanged, or is unchanged, after the copy. Its generation changes when the cell
 *        is lent anew, and the server holds it whenever anything else may be about to change.
 */
#include "emul.h"

#define TRANSFER_MAX	0x7ffff000l
#define TRIES		4	/* of a position that other threads move */

static uint32_t fd_word(long fd)
{
	uint32_t n = (uint32_t)fd;

	return n < UNIX_SHARE_FDS ? __atomic_load_n(&tcb_self()->t_process->ep_share->uh_fds[n], __ATOMIC_ACQUIRE) : 0;
}

/* The cell of a file, and its position's word; null: it changed hands meanwhile, or is held */
static struct unix_cell *cell_of(long fd, uint32_t word, uint64_t *position)
{
	struct unix_cell *cell = &tcb_self()->t_process->ep_share->uh_cells[UNIX_FD_CELL(word) % UNIX_SHARE_CELLS];

	*position = __atomic_load_n(&cell->uc_position, __ATOMIC_ACQUIRE);
	return *position & UNIX_CELL_HELD || fd_word(fd) != word ? NULL : cell;
}

/* Move the position if nobody else did */
static bool cell_move(struct unix_cell *cell, uint64_t was, uint64_t offset)
{
	return __atomic_compare_exchange_n(&cell->uc_position, &was, (was & ~UNIX_CELL_OFFSET) | offset, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_RELAXED);
}

/* as Linux checks it before it looks further */
static bool program_range(const void *at, long count)
{
	return (uint64_t)count <= UNIX_STACK_TOP && (uint64_t)at <= UNIX_STACK_TOP - (uint64_t)count;
}

static long read_file(long fd, uint32_t word, char *to, uint64_t count, long offset)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t was, at, size, base, n, done;
		struct unix_cell *cell = cell_of(fd, word, &was);

		if (!cell || was & UNIX_CELL_NOTE)
			return EMUL_ASK;
		at = offset < 0 ? was & UNIX_CELL_OFFSET : (uint64_t)offset;
		size = __atomic_load_n(&cell->uc_size, __ATOMIC_RELAXED);
		base = cell->uc_base;
		n = at >= size ? 0 : size - at < count ? size - at : count;
		if (n && (at < base || at - base + n > cell->uc_length))
			return EMUL_ASK;
		done = n - emul_copy_some(to, (const char *)(cell->uc_window + (at - base)), n);
		/* nothing of it: whose fault it was, the buffer's or the file's, the server finds out */
		if (n && !done)
			return EMUL_ASK;
		if (offset < 0 ? cell_move(cell, was, at + done)
		    : ((__atomic_load_n(&cell->uc_position, __ATOMIC_ACQUIRE) ^ was) & ~UNIX_CELL_OFFSET) == 0)
			return (long)done;
	}
	return EMUL_ASK;
}

long emul_local_read(long fd, char *to, long count, long offset)
{
	uint32_t word = fd_word(fd);

	if (!(word & UNIX_FD_READ))
		return EMUL_ASK;
	if (!program_range(to, count))
		return -LX_EFAULT;
	if (count > TRANSFER_MAX)
		count = TRANSFER_MAX;
	switch (word & UNIX_FD_KIND) {
	case UNIX_FD_NULL:
		return 0;
	case UNIX_FD_ZERO: {
		long done = count - (long)emul_zero_some(to, (size_t)count);

		return done || !count ? done : -LX_EFAULT;
	}
	case UNIX_FD_FILE:
		return read_file(fd, word, to, (uint64_t)count, offset);
	default:
		return EMUL_ASK;
	}
}

/* Devices that take everything look at nothing; files are written by the server */
long emul_local_write(long fd, const char *from, long count)
{
	uint32_t word = fd_word(fd), kind = word & UNIX_FD_KIND;

	if (!(word & UNIX_FD_WRITE) || (kind != UNIX_FD_NULL && kind != UNIX_FD_ZERO))
		return EMUL_ASK;
	if (!program_range(from, count))
		return -LX_EFAULT;
	return count > TRANSFER_MAX ? TRANSFER_MAX : count;
}

/* Inside the file only: what is beyond its end the server judges */
long emul_local_seek(long fd, long offset, long whence)
{
	uint32_t word = fd_word(fd), kind = word & UNIX_FD_KIND;
	uint64_t was, size;

	if ((kind == UNIX_FD_NULL || kind == UNIX_FD_ZERO) && (unsigned long)whence <= LX_SEEK_END)
		return 0;
	if (kind != UNIX_FD_FILE)
		return EMUL_ASK;
	for (int i = 0; i < TRIES; i++) {
		struct unix_cell *cell = cell_of(fd, word, &was);
		long base = 0;

		if (!cell)
			return EMUL_ASK;
		size = __atomic_load_n(&cell->uc_size, __ATOMIC_RELAXED);
		if (whence == LX_SEEK_CUR)
			base = (long)(was & UNIX_CELL_OFFSET);
		else if (whence == LX_SEEK_END)
			base = (long)size;
		else if (whence != LX_SEEK_SET)
			return EMUL_ASK;
		if (__builtin_add_overflow(base, offset, &base) || base < 0 || (uint64_t)base > size)
			return EMUL_ASK;
		if (cell_move(cell, was, (uint64_t)base))
			return base;
	}
	return EMUL_ASK;
}
