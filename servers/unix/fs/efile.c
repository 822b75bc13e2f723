/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of regular files, copied through windows on their memory objects.
 *
 * LOCKS    n_io over a transfer or a change of size; em_lock for blocks and attributes, never
 *          while a window is touched (the rule in enode.h).
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <string.h>

#include "enode.h"
#include "../job.h"
#include "../loan.h"

#define FALLOC_KEEP_SIZE	0x01
#define FALLOC_PUNCH_HOLE	0x02
#define FALLOC_ZERO_RANGE	0x10

enum copy_kind { COPY_OUT, COPY_IN, COPY_ZERO };

/*
 * Moves size bytes between data and the file.
 * => n_io held; the range lies within n_size
 */
static int
efile_copy(struct enode *node, uint64_t offset, void *data, size_t size, enum copy_kind kind)
{
	struct window *window;
	uint8_t *at;
	size_t n;
	int error;

	while (size > 0) {
		error = window_get(node, offset, &window, &at, &n);
		if (error != 0)
			return error;
		if (n > size)
			n = size;
		if (kind == COPY_OUT)
			error = fault_copy(data, at, n);
		else if (kind == COPY_IN)
			error = fault_copy(at, data, n);
		else
			error = fault_zero(at, n);
		window_put(window);
		if (error != 0)
			return error;
		if (kind != COPY_ZERO)
			data = (uint8_t *)data + n;
		offset += n;
		size -= n;
	}
	return 0;
}

/* Access times as Linux keeps them by default: only when older than the last change, or a day. */
static void
efile_accessed(struct enode *node, uint32_t flags)
{
	struct ext2_inode *ip = node->n_inode;
	int64_t now = clock_realtime() / 1000000000;

	if (flags & LX_O_NOATIME)
		return;
	if ((int32_t)ip->ei_d.i_atime > (int32_t)ip->ei_d.i_mtime &&
	    (int32_t)ip->ei_d.i_atime >= (int32_t)ip->ei_d.i_ctime &&
	    now - (int32_t)ip->ei_d.i_atime < 86400)
		return;
	mutex_lock(&node->n_mount->em_lock);
	ext2_touch(ip, EXT2_ATIME);
	mutex_unlock(&node->n_mount->em_lock);
}

int64_t
efile_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct enode *node = enode_of(file->f_item);
	uint64_t at = (uint64_t)*offset;
	int error;

	mutex_lock(&node->n_io);
	if (at >= node->n_size) {
		mutex_unlock(&node->n_io);
		return 0;
	}
	if (size > node->n_size - at)
		size = (size_t)(node->n_size - at);
	error = efile_copy(node, at, data, size, COPY_OUT);
	mutex_unlock(&node->n_io);
	if (error != 0)
		return error;
	efile_accessed(node, flags);
	*offset += (int64_t)size;
	return (int64_t)size;
}

/*
 * The file grows over what a mapping may have left behind its old end in the last page.
 * => n_io held
 */
static int
efile_clear_tail(struct enode *node, uint64_t size)
{
	uint32_t rest = (uint32_t)(size & (FS_PAGE - 1));

	if (rest == 0 || node->n_state == ENODE_NONE)
		return 0;
	return efile_copy(node, size, NULL, FS_PAGE - rest, COPY_ZERO);
}

/* Blocks, size and times for a write of [at, at + size).  => n_io held */
static int
efile_prepare_write(struct enode *node, uint64_t at, size_t size)
{
	struct ext2_inode *ip = node->n_inode;
	const struct cred *cred;
	int error;

	if (at > node->n_size && node->n_mapped) {
		error = efile_clear_tail(node, node->n_size);
		if (error != 0)
			return error;
	}
	mutex_lock(&node->n_mount->em_lock);
	error = ext2_data_reserve(ip, at, size);
	if (error == 0) {
		if (at + size > node->n_size) {
			node->n_size = at + size;
			ext2_size_set(ip, node->n_size);
		}
		ext2_touch(ip, EXT2_MTIME | EXT2_CTIME);
		if ((ip->ei_d.i_mode & (LX_S_ISUID | LX_S_ISGID)) != 0) {
			cred = job_current_cred();
			if (cred == NULL || !cred_super(cred)) {
				ip->ei_d.i_mode &= (uint16_t)~LX_S_ISUID;
				if (ip->ei_d.i_mode & 010)
					ip->ei_d.i_mode &= (uint16_t)~LX_S_ISGID;
			}
		}
	}
	mutex_unlock(&node->n_mount->em_lock);
	return error;
}

int64_t
efile_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct enode *node = enode_of(file->f_item);
	uint64_t at, limit = job_current_fsize_limit(), done = 0, old;
	size_t n;
	int error = 0;

	if (size == 0)
		return 0;
	mutex_lock(&node->n_io);
	at = flags & LX_O_APPEND ? node->n_size : (uint64_t)*offset;
	if (limit > node->n_mount->em_fs->fs_max_size)
		limit = node->n_mount->em_fs->fs_max_size;
	if (at >= limit) {
		mutex_unlock(&node->n_io);
		if (at >= job_current_fsize_limit())
			job_signal_self(LX_SIGXFSZ);
		return -LX_EFBIG;
	}
	if (size > limit - at)
		size = (size_t)(limit - at);
	while (done < size && error == 0) {
		n = WINDOW_SIZE - (size_t)((at + done) % WINDOW_SIZE);
		if (n > size - done)
			n = (size_t)(size - done);
		old = node->n_size;
		error = efile_prepare_write(node, at + done, n);
		if (error != 0)
			break;
		error = efile_copy(node, at + done, (uint8_t *)(uintptr_t)data + done, n,
		    COPY_IN);
		if (error == 0) {
			done += n;
		} else if (node->n_size > old) {
			mutex_lock(&node->n_mount->em_lock);
			node->n_size = old;
			ext2_size_set(node->n_inode, old);
			mutex_unlock(&node->n_mount->em_lock);
		}
	}
	/* Only now, with the data there, may a reader that asks nobody see the new end. */
	loan_resize(&node->n_item, node->n_size);
	mutex_unlock(&node->n_io);
	if (done == 0)
		return error;
	*offset = (int64_t)(at + done);
	if (flags & (LX_O_DSYNC | LX_O_SYNC)) {
		error = efile_sync(file->f_item, true);
		if (error != 0)
			return error;
	}
	return (int64_t)done;
}

int
efile_truncate(struct enode *node, uint64_t size)
{
	uint64_t old, page_end = (size + FS_PAGE - 1) & ~(uint64_t)(FS_PAGE - 1);
	int error = 0;

	if (size > node->n_mount->em_fs->fs_max_size || size > job_current_fsize_limit())
		return -LX_EFBIG;
	mutex_lock(&node->n_io);
	old = node->n_size;
	loan_freeze(&node->n_item);
	if (size < old) {
		/* First the pager learns the new end, then the kernel loses the pages. */
		mutex_lock(&node->n_mount->em_lock);
		node->n_size = size;
		mutex_unlock(&node->n_mount->em_lock);
		if (old > page_end)
			(void)pager_flush(node, page_end, old - page_end, false, true);
		error = efile_clear_tail(node, size);
	} else if (size > old && node->n_mapped) {
		error = efile_clear_tail(node, old);
	}
	mutex_lock(&node->n_mount->em_lock);
	if (error == 0)
		error = ext2_truncate(node->n_inode, size);
	if (error == 0) {
		node->n_size = size;
		ext2_touch(node->n_inode, EXT2_MTIME | EXT2_CTIME);
	} else {
		node->n_size = ext2_size(node->n_inode);
	}
	mutex_unlock(&node->n_mount->em_lock);
	loan_resize(&node->n_item, node->n_size);
	loan_thaw(&node->n_item);
	mutex_unlock(&node->n_io);
	return error;
}

int64_t
efile_seek(struct file *file, int64_t offset, int whence)
{
	struct enode *node = enode_of(file->f_item);
	uint64_t to;
	int64_t base;
	int error;

	switch (whence) {
	case LX_SEEK_SET:
		base = 0;
		break;
	case LX_SEEK_CUR:
		base = file->f_offset;
		break;
	case LX_SEEK_END:
		base = (int64_t)node->n_size;
		break;
	case LX_SEEK_DATA:
	case LX_SEEK_HOLE:
		if (offset < 0)
			return -LX_ENXIO;
		mutex_lock(&node->n_mount->em_lock);
		error = ext2_seek(node->n_inode, (uint64_t)offset, whence == LX_SEEK_HOLE, &to);
		mutex_unlock(&node->n_mount->em_lock);
		if (error != 0)
			return error;
		file->f_offset = (int64_t)to;
		return (int64_t)to;
	default:
		return -LX_EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &base) || base < 0 ||
	    (uint64_t)base > node->n_mount->em_fs->fs_max_size)
		return -LX_EINVAL;
	file->f_offset = base;
	return base;
}

int64_t
efile_ioctl(struct file *file, struct item_ioctl *ioctl)
{
	struct enode *node = enode_of(file->f_item);
	int64_t left;
	int32_t n;

	switch (ioctl->ic_request) {
	case LX_FIONREAD:
		file_position_lock(file);
		left = (int64_t)node->n_size - file->f_offset;
		file_position_unlock(file, false);
		n = (int32_t)(left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left);
		memcpy(ioctl->ic_out, &n, sizeof(n));
		ioctl->ic_out_size = sizeof(n);
		return 0;
	case LX_FICLONE:
		return -LX_EOPNOTSUPP;
	default:
		return -LX_ENOTTY;
	}
}

int
efile_map(struct item *item, vm_prot_t prot, mach_port_t *object)
{
	struct enode *node = enode_of(item);

	if (prot & VM_PROT_WRITE)
		node->n_mapped = true;
	return pager_port(node, object);
}

/*
 * fallocate: space for a range, or a hole in its place.
 */
int
efile_allocate(struct file *file, int mode, int64_t offset, int64_t length)
{
	struct enode *node = enode_of(file->f_item);
	struct ext2_fs *fs = node->n_mount->em_fs;
	uint64_t start = (uint64_t)offset, end = start + (uint64_t)length, first, last;
	bool hole = (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0;
	int error = 0;

	if (offset < 0 || length <= 0)
		return -LX_EINVAL;
	if ((mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0 ||
	    ((mode & FALLOC_PUNCH_HOLE) && !(mode & FALLOC_KEEP_SIZE)))
		return -LX_EOPNOTSUPP;
	if (end > fs->fs_max_size || end < start)
		return -LX_EFBIG;
	mutex_lock(&node->n_io);
	if (hole && start < node->n_size) {
		last = end < node->n_size ? end : node->n_size;
		/* Whole pages are thrown away, the ends of the range are written over. */
		first = (start + FS_PAGE - 1) & ~(uint64_t)(FS_PAGE - 1);
		if (first > last)
			first = last;
		error = efile_copy(node, start, NULL, first - start, COPY_ZERO);
		if (error == 0 && (last & (FS_PAGE - 1)) != 0 && last > first)
			error = efile_copy(node, last & ~(uint64_t)(FS_PAGE - 1), NULL,
			    last & (FS_PAGE - 1), COPY_ZERO);
		last &= ~(uint64_t)(FS_PAGE - 1);
		if (error == 0 && last > first) {
			(void)pager_flush(node, first, last - first, false, true);
			mutex_lock(&node->n_mount->em_lock);
			error = ext2_punch(node->n_inode, first >> fs->fs_bshift,
			    last >> fs->fs_bshift);
			mutex_unlock(&node->n_mount->em_lock);
		}
	}
	mutex_lock(&node->n_mount->em_lock);
	if (error == 0 && !(mode & FALLOC_PUNCH_HOLE))
		error = ext2_data_reserve(node->n_inode, start, end - start);
	if (error == 0 && !(mode & FALLOC_KEEP_SIZE) && end > node->n_size) {
		node->n_size = end;
		ext2_size_set(node->n_inode, end);
	}
	ext2_touch(node->n_inode, EXT2_MTIME | EXT2_CTIME);
	mutex_unlock(&node->n_mount->em_lock);
	loan_resize(&node->n_item, node->n_size);
	mutex_unlock(&node->n_io);
	return error;
}

int
efile_sync(struct item *item, bool data_only)
{
	struct enode *node = enode_of(item);
	int error, result;

	(void)data_only;
	result = pager_flush(node, 0, node->n_size, true, false);
	mutex_lock(&node->n_mount->em_lock);
	error = ext2_sync(node->n_mount->em_fs);
	mutex_unlock(&node->n_mount->em_lock);
	return result != 0 ? result : error;
}
