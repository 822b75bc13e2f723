/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Items and open file descriptions: references, positions, and the generic layer over the
 * operations.
 *
 * OBJECT   see item.h.
 * REFS     see item.h; the last release of a description runs io_close without any lock held.
 * LOCKS    f_lock around a transfer that uses the position of a seekable item.
 * TESTS    tests/unit/unix, tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "item.h"
#include "loan.h"
#include "vfs.h"

void
file_position_lock(struct file *file)
{
	mutex_lock(&file->f_lock);
	if (file->f_loan != NULL)
		file->f_offset = loan_take(file->f_loan);
}

void
file_position_unlock(struct file *file, bool accessed)
{
	if (file->f_loan != NULL)
		loan_give(file->f_loan, file->f_offset, accessed);
	mutex_unlock(&file->f_lock);
}

void
item_init(struct item *item, const struct item_ops *ops, uint32_t mode, uint32_t flags)
{
	memset(item, 0, sizeof(*item));
	item->i_ops = ops;
	item->i_mode = mode & LX_S_IFMT;
	item->i_flags = flags;
	item->i_refs = 1;
}

void
item_ref(struct item *item)
{
	__atomic_add_fetch(&item->i_refs, 1, __ATOMIC_RELAXED);
}

void
item_rel(struct item *item)
{
	if (__atomic_sub_fetch(&item->i_refs, 1, __ATOMIC_ACQ_REL) == 0)
		item->i_ops->io_release(item);
}

int
file_create(struct item *item, uint32_t flags, const char *path, struct file **out)
{
	struct file *file = calloc(1, sizeof(*file));
	int error;

	if (file == NULL)
		return -LX_ENOMEM;
	if (path != NULL && (file->f_path = strdup(path)) == NULL) {
		free(file);
		return -LX_ENOMEM;
	}
	file->f_item = item;
	file->f_refs = 1;
	file->f_flags = flags;
	mutex_init(&file->f_lock);
	if (item->i_ops->io_open != NULL && (flags & LX_O_PATH) == 0) {
		error = item->i_ops->io_open(file);
		if (error != 0) {
			free(file->f_path);
			free(file);
			return error;
		}
	}
	*out = file;
	return 0;
}

void
file_ref(struct file *file)
{
	__atomic_add_fetch(&file->f_refs, 1, __ATOMIC_RELAXED);
}

void
file_rel(struct file *file)
{
	struct item *item = file->f_item;

	if (__atomic_sub_fetch(&file->f_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	file_lock_closed(file);
	if (item->i_ops->io_close != NULL && (file->f_flags & LX_O_PATH) == 0)
		item->i_ops->io_close(file);
	item_rel(file->f_item);
	free(file->f_path);
	free(file);
}

/* => 0 if the description may be used for a transfer in this direction */
static int
file_access(const struct file *file, bool write)
{
	uint32_t mode = file->f_flags & LX_O_ACCMODE;

	if ((file->f_flags & LX_O_PATH) != 0)
		return -LX_EBADF;
	if (write ? mode == LX_O_RDONLY : mode == LX_O_WRONLY)
		return -LX_EBADF;
	return 0;
}

/* Position rules shared by reading and writing; *position says whether f_lock is needed. */
static int
file_position(const struct file *file, int64_t offset, bool *position)
{
	bool seekable = (file->f_item->i_flags & ITEM_SEEKABLE) != 0;

	*position = false;
	if (offset == FILE_POSITION) {
		*position = seekable;
		return 0;
	}
	if (!seekable)
		return -LX_ESPIPE;
	return offset < 0 ? -LX_EINVAL : 0;
}

int
file_transfer_check(const struct file *file, bool write, int64_t offset, bool *position)
{
	int error = file_access(file, write);

	return error != 0 ? error : file_position(file, offset, position);
}

int64_t
file_read(struct file *file, void *data, size_t size, int64_t offset)
{
	const struct item_ops *ops = file->f_item->i_ops;
	bool position;
	int64_t count;
	int error;

	error = file_transfer_check(file, false, offset, &position);
	if (error != 0)
		return error;
	if (file->f_item->i_mode == LX_S_IFDIR)
		return -LX_EISDIR;
	if (ops->io_read == NULL)
		return -LX_EINVAL;
	if (position) {
		file_position_lock(file);
		count = ops->io_read(file, data, size, &file->f_offset, file->f_flags);
		file_position_unlock(file, true);
		return count;
	}
	count = ops->io_read(file, data, size, &offset, file->f_flags);
	if (__atomic_load_n(&file->f_loan, __ATOMIC_RELAXED) != NULL) {
		file_position_lock(file);
		file_position_unlock(file, true);
	}
	return count;
}

int64_t
file_write(struct file *file, const void *data, size_t size, int64_t offset)
{
	const struct item_ops *ops = file->f_item->i_ops;
	bool position;
	int64_t count;
	int error;

	error = file_transfer_check(file, true, offset, &position);
	if (error != 0)
		return error;
	if (ops->io_write == NULL)
		return -LX_EINVAL;
	if (!position)
		return ops->io_write(file, data, size, &offset, file->f_flags);
	file_position_lock(file);
	count = ops->io_write(file, data, size, &file->f_offset, file->f_flags);
	file_position_unlock(file, false);
	return count;
}

int64_t
file_readdir(struct file *file, void *data, size_t size)
{
	const struct item_ops *ops = file->f_item->i_ops;
	int64_t count;

	if ((file->f_flags & LX_O_PATH) != 0)
		return -LX_EBADF;
	if (ops->io_readdir == NULL)
		return -LX_ENOTDIR;
	mutex_lock(&file->f_lock);
	count = ops->io_readdir(file, data, size, &file->f_offset);
	mutex_unlock(&file->f_lock);
	return count;
}

/* => f_lock held */
static int64_t
file_seek_generic(struct file *file, int64_t offset, int whence)
{
	struct lx_stat stat;
	int64_t base = 0;
	int error;

	if (whence == LX_SEEK_CUR)
		base = file->f_offset;
	if (whence >= LX_SEEK_END) {
		error = file->f_item->i_ops->io_getattr(file->f_item, &stat);
		if (error != 0)
			return error;
		base = stat.st_size;
	}
	switch (whence) {
	case LX_SEEK_SET:
	case LX_SEEK_CUR:
	case LX_SEEK_END:
		if (__builtin_add_overflow(base, offset, &offset) || offset < 0)
			return -LX_EINVAL;
		break;
	case LX_SEEK_DATA:
		/* A file without a map of its holes is all data. */
		if (offset < 0 || offset >= base)
			return -LX_ENXIO;
		break;
	case LX_SEEK_HOLE:
		if (offset < 0 || offset >= base)
			return -LX_ENXIO;
		offset = base;
		break;
	default:
		return -LX_EINVAL;
	}
	file->f_offset = offset;
	return offset;
}

int64_t
file_seek(struct file *file, int64_t offset, int whence)
{
	const struct item_ops *ops = file->f_item->i_ops;
	int64_t result;

	if ((file->f_flags & LX_O_PATH) != 0)
		return -LX_EBADF;
	if (whence < LX_SEEK_SET || whence > LX_SEEK_HOLE)
		return -LX_EINVAL;
	if (ops->io_seek == NULL && (file->f_item->i_flags & ITEM_SEEKABLE) == 0 &&
	    file->f_item->i_mode != LX_S_IFDIR)
		return -LX_ESPIPE;
	file_position_lock(file);
	if (ops->io_seek != NULL)
		result = ops->io_seek(file, offset, whence);
	else
		result = file_seek_generic(file, offset, whence);
	file_position_unlock(file, false);
	return result;
}

int64_t
file_ioctl(struct file *file, struct item_ioctl *ioctl)
{
	const struct item_ops *ops = file->f_item->i_ops;

	ioctl->ic_out_size = 0;
	if ((file->f_flags & LX_O_PATH) != 0)
		return -LX_EBADF;
	if (ops->io_ioctl == NULL)
		return -LX_ENOTTY;
	return ops->io_ioctl(file, ioctl);
}

int
file_poll(struct file *file, struct poll_table *table)
{
	const struct item_ops *ops = file->f_item->i_ops;

	if (ops->io_poll == NULL)
		return LX_POLLIN | LX_POLLOUT | LX_POLLRDNORM | LX_POLLWRNORM;
	return ops->io_poll(file, table);
}
