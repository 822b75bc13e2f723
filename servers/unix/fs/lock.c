/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: flock, of an open file description, and record locks, of a process.
 *
 * OBJECT   struct lock: a locked range of one item.
 * REFS     none: a lock goes before its item can, at the close of the description or at the first
 *          close of any descriptor of the item by the process.
 * LOCKS    lock_mutex for all; sleepers wait on one queue, because locks are few.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "../vfs.h"

#define RANGE_END	INT64_MAX

/* lock_mutex */
struct lock {
	struct lock	*l_next;
	struct item	*l_item;
	struct file	*l_file;	/* flock: its owner; null for a record lock */
	int		l_owner;	/* record lock: the process */
	bool		l_write;
	int64_t		l_start, l_end;	/* inclusive */
};

static struct mutex lock_mutex = MUTEX_INITIALIZER;
static struct lock *locks;
static struct wait_queue lock_queue;
static bool lock_ready;
static uint32_t flock_count;	/* read without the lock, as a hint */

static void
lock_enter(void)
{
	mutex_lock(&lock_mutex);
	if (!lock_ready) {
		wait_queue_init(&lock_queue);
		lock_ready = true;
	}
}

static bool
same_owner(const struct lock *a, const struct lock *b)
{
	return a->l_file != NULL ? a->l_file == b->l_file : b->l_file == NULL &&
	    a->l_owner == b->l_owner;
}

/* A lock of somebody else in the way of `want', or null. */
static struct lock *
conflict(const struct lock *want)
{
	struct lock *l;

	for (l = locks; l != NULL; l = l->l_next) {
		if (l->l_item == want->l_item && (l->l_file != NULL) == (want->l_file != NULL) &&
		    !same_owner(l, want) && (l->l_write || want->l_write) &&
		    l->l_start <= want->l_end && want->l_start <= l->l_end)
			return l;
	}
	return NULL;
}

static void
lock_insert(struct lock *spare, const struct lock *value)
{
	*spare = *value;
	spare->l_next = locks;
	locks = spare;
	if (value->l_file != NULL)
		flock_count++;
}

/*
 * Takes the range out of the owner's locks; a lock with the range in its middle becomes two.
 * => *spare is used for the second, if needed
 */
static void
lock_cut(const struct lock *range, struct lock **spare)
{
	struct lock **lp = &locks, *l, rest;

	while ((l = *lp) != NULL) {
		if (l->l_item != range->l_item || !same_owner(l, range) ||
		    l->l_start > range->l_end || range->l_start > l->l_end) {
			lp = &l->l_next;
			continue;
		}
		if (l->l_start < range->l_start && l->l_end > range->l_end) {
			rest = *l;
			rest.l_start = range->l_end + 1;
			l->l_end = range->l_start - 1;
			if (*spare != NULL) {
				lock_insert(*spare, &rest);
				*spare = NULL;
			}
			return;
		}
		if (l->l_start < range->l_start) {
			l->l_end = range->l_start - 1;
		} else if (l->l_end > range->l_end) {
			l->l_start = range->l_end + 1;
		} else {
			*lp = l->l_next;
			if (l->l_file != NULL)
				flock_count--;
			free(l);
			continue;
		}
		lp = &l->l_next;
	}
}

/* Sets or (clear) removes a lock, waiting for others if asked. */
static int
lock_change(const struct lock *want, bool clear, bool wait)
{
	struct lock *spare = malloc(sizeof(*spare)), *own = malloc(sizeof(*own));
	int error = 0;

	if (spare == NULL || own == NULL) {
		free(spare);
		free(own);
		return -LX_ENOLCK;
	}
	lock_enter();
	while (!clear && conflict(want) != NULL) {
		/* flock gives up what it had before it waits for another kind. */
		if (want->l_file != NULL) {
			lock_cut(want, &spare);
			wait_queue_wake(&lock_queue);
			if (conflict(want) == NULL)
				break;
		}
		error = wait ? wait_sleep(&lock_queue, &lock_mutex, WAIT_FOREVER) : -LX_EAGAIN;
		if (error != 0)
			break;
	}
	if (error == 0) {
		lock_cut(want, &spare);
		if (!clear) {
			lock_insert(own, want);
			own = NULL;
		}
		wait_queue_wake(&lock_queue);
	}
	mutex_unlock(&lock_mutex);
	free(spare);
	free(own);
	return error;
}

int
file_flock(struct file *file, int operation)
{
	struct lock want = { .l_item = file->f_item, .l_file = file, .l_end = RANGE_END };
	bool wait = !(operation & LX_LOCK_NB);

	switch (operation & ~LX_LOCK_NB) {
	case LX_LOCK_SH:
		break;
	case LX_LOCK_EX:
		want.l_write = true;
		break;
	case LX_LOCK_UN:
		return lock_change(&want, true, false);
	default:
		return -LX_EINVAL;
	}
	return lock_change(&want, false, wait);
}

/* The absolute range of a struct flock. */
static int
range_of(struct file *file, const struct lx_flock *f, struct lock *want)
{
	struct lx_stat st;
	int64_t base, end;
	int error;

	switch (f->l_whence) {
	case LX_SEEK_SET:
		base = 0;
		break;
	case LX_SEEK_CUR:
		file_position_lock(file);
		base = file->f_offset;
		file_position_unlock(file, false);
		break;
	case LX_SEEK_END:
		error = file->f_item->i_ops->io_getattr(file->f_item, &st);
		if (error != 0)
			return error;
		base = st.st_size;
		break;
	default:
		return -LX_EINVAL;
	}
	if (__builtin_add_overflow(base, f->l_start, &base) || base < 0)
		return -LX_EINVAL;
	end = RANGE_END;
	if (f->l_len > 0) {
		if (__builtin_add_overflow(base, f->l_len - 1, &end))
			return -LX_EOVERFLOW;
	} else if (f->l_len < 0) {
		end = base - 1;
		base += f->l_len;
		if (base < 0)
			return -LX_EINVAL;
	}
	want->l_start = base;
	want->l_end = end;
	return 0;
}

static int
lock_test(const struct lock *want, struct lx_flock *f)
{
	const struct lock *l;

	lock_enter();
	l = conflict(want);
	if (l == NULL) {
		f->l_type = LX_F_UNLCK;
	} else {
		f->l_type = l->l_write ? LX_F_WRLCK : LX_F_RDLCK;
		f->l_whence = LX_SEEK_SET;
		f->l_start = l->l_start;
		f->l_len = l->l_end == RANGE_END ? 0 : l->l_end - l->l_start + 1;
		f->l_pid = l->l_owner;
	}
	mutex_unlock(&lock_mutex);
	return 0;
}

int
file_record_lock(struct file *file, int owner, int command, struct lx_flock *f)
{
	struct lock want = { .l_item = file->f_item, .l_owner = owner };
	uint32_t acc = file->f_flags & LX_O_ACCMODE;
	int error;

	if (f->l_type != LX_F_RDLCK && f->l_type != LX_F_WRLCK && f->l_type != LX_F_UNLCK)
		return -LX_EINVAL;
	error = range_of(file, f, &want);
	if (error != 0)
		return error;
	want.l_write = f->l_type == LX_F_WRLCK;
	if (command == LX_F_GETLK)
		return f->l_type == LX_F_UNLCK ? -LX_EINVAL : lock_test(&want, f);
	if ((f->l_type == LX_F_RDLCK && acc == LX_O_WRONLY) ||
	    (f->l_type == LX_F_WRLCK && acc == LX_O_RDONLY))
		return -LX_EBADF;
	return lock_change(&want, f->l_type == LX_F_UNLCK, command == LX_F_SETLKW);
}

void
file_record_unlock_all(struct file *file, int owner)
{
	struct lock want = { .l_item = file->f_item, .l_owner = owner, .l_end = RANGE_END };
	struct lock *none = NULL;

	if (__atomic_load_n(&locks, __ATOMIC_RELAXED) == NULL)
		return;
	lock_enter();
	lock_cut(&want, &none);
	wait_queue_wake(&lock_queue);
	mutex_unlock(&lock_mutex);
}

void
file_lock_closed(struct file *file)
{
	struct lock want = { .l_item = file->f_item, .l_file = file, .l_end = RANGE_END };
	struct lock *none = NULL;

	if (__atomic_load_n(&flock_count, __ATOMIC_RELAXED) == 0)
		return;
	lock_enter();
	lock_cut(&want, &none);
	wait_queue_wake(&lock_queue);
	mutex_unlock(&lock_mutex);
}
