/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block tree of a file: finding, allocating and freeing blocks.
 *
 * LOCKS     the caller's
 * TESTS     tests/unit/ext2
 *
 * A tree is at most three indirect blocks deep, so a walk down always ends.  A walk over a whole
 * tree ends because it frees an indirect block before it looks below it, and a block can be freed
 * only once: a hostile tree that shares blocks runs into -LX_EUCLEAN.
 */
#include "ext2.h"

#include <string.h>

#include "../linux.h"

struct path {
	int		depth;		/* number of pointers to follow */
	uint32_t	index[4];
};

static bool
path_make(const struct ext2_fs *fs, uint64_t lblock, struct path *p)
{
	uint64_t n = fs->fs_ptrs;

	if (lblock < EXT2_NDIRECT) {
		p->depth = 1;
		p->index[0] = (uint32_t)lblock;
		return true;
	}
	lblock -= EXT2_NDIRECT;
	if (lblock < n) {
		p->depth = 2;
		p->index[0] = EXT2_IND;
		p->index[1] = (uint32_t)lblock;
		return true;
	}
	lblock -= n;
	if (lblock < n * n) {
		p->depth = 3;
		p->index[0] = EXT2_DIND;
		p->index[1] = (uint32_t)(lblock / n);
		p->index[2] = (uint32_t)(lblock % n);
		return true;
	}
	lblock -= n * n;
	if (lblock >= n * n * n)
		return false;
	p->depth = 4;
	p->index[0] = EXT2_TIND;
	p->index[1] = (uint32_t)(lblock / (n * n));
	p->index[2] = (uint32_t)(lblock / n % n);
	p->index[3] = (uint32_t)(lblock % n);
	return true;
}

static uint32_t
sectors(const struct ext2_fs *fs)
{
	return fs->fs_bsize / 512;
}

/* Allocates a block for the inode; indirect blocks come zeroed in a buffer. */
static int
tree_alloc(struct ext2_inode *ip, bool indirect, uint32_t *blockp)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t block, goal = ip->ei_last_block + 1;
	struct ext2_buf *b;
	int error;

	if (ip->ei_last_block == 0)
		goal = fs->fs_super.s_first_data_block + (ip->ei_ino - 1) /
		    fs->fs_super.s_inodes_per_group * fs->fs_super.s_blocks_per_group;
	error = ext2_block_alloc(fs, goal, &block);
	if (error != 0)
		return error;
	ext2_buf_forget(fs, block);
	if (indirect) {
		error = ext2_buf_new(fs, block, &b);
		if (error != 0) {
			(void)ext2_block_free(fs, block);
			return error;
		}
		ext2_buf_put(b);
	}
	ip->ei_last_block = block;
	ip->ei_d.i_blocks += sectors(fs);
	ip->ei_dirty = true;
	*blockp = block;
	return 0;
}

/*
 * Finds the device block of a file block: 0 for a hole, unless create asks to fill it.
 * => *newp says that the block was just allocated and its contents are not the file's yet
 * => *spanp (may be null): how many file blocks from here on are surely in the same hole
 */
static int
tree_walk(struct ext2_inode *ip, uint64_t lblock, bool create, uint32_t *blockp, bool *newp,
    uint64_t *spanp)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t *slot = NULL, block = 0;
	struct ext2_buf *b = NULL;
	uint64_t span;
	struct path p;
	int level, i, error = 0;

	*newp = false;
	if (!path_make(fs, lblock, &p))
		return -LX_EFBIG;
	slot = &ip->ei_d.i_block[p.index[0]];
	for (level = 0; level < p.depth; level++) {
		block = *slot;
		if (block == 0) {
			if (!create)
				break;
			error = tree_alloc(ip, level < p.depth - 1, &block);
			if (error != 0)
				break;
			*slot = block;
			if (b != NULL)
				b->b_dirty = true;
			*newp = level == p.depth - 1;
		} else if (!ext2_block_valid(fs, block)) {
			error = ext2_corrupt(fs);
			break;
		}
		if (b != NULL) {
			ext2_buf_put(b);
			b = NULL;
		}
		if (level == p.depth - 1)
			break;
		error = ext2_buf_get(fs, block, &b);
		if (error != 0)
			return error;
		slot = &((uint32_t *)(void *)b->b_data)[p.index[level + 1]];
	}
	if (b != NULL)
		ext2_buf_put(b);
	if (error != 0)
		return error;
	*blockp = block;
	if (spanp != NULL) {
		span = 1;
		if (block == 0 && level < p.depth - 1) {
			uint64_t below = 0;

			for (i = level + 1; i < p.depth; i++) {
				span *= fs->fs_ptrs;
				below = below * fs->fs_ptrs + p.index[i];
			}
			span -= below;
		}
		*spanp = span;
	}
	return 0;
}

int
ext2_bmap(struct ext2_inode *ip, uint64_t lblock, bool create, uint32_t *blockp, bool *newp)
{
	return tree_walk(ip, lblock, create, blockp, newp, NULL);
}

static int
leaf_free(struct ext2_inode *ip, uint32_t *slot)
{
	uint32_t block = *slot;

	*slot = 0;
	if (ip->ei_d.i_blocks >= sectors(ip->ei_fs))
		ip->ei_d.i_blocks -= sectors(ip->ei_fs);
	ip->ei_dirty = true;
	return ext2_block_free(ip->ei_fs, block);
}

/* Frees the blocks [first, end) of the file below *slot, which covers blocks from base on. */
static int
tree_free(struct ext2_inode *ip, uint32_t *slot, int level, uint64_t base, uint64_t first,
    uint64_t end)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint64_t span = 1, below;
	uint32_t *ptrs, i, used = 0;
	struct ext2_buf *b;
	bool whole;
	int k, error, result = 0;

	for (k = 0; k < level; k++)
		span *= fs->fs_ptrs;
	if (*slot == 0 || base + span <= first || base >= end)
		return 0;
	if (level == 0)
		return leaf_free(ip, slot);
	if (!ext2_block_valid(fs, *slot)) {
		*slot = 0;
		return ext2_corrupt(fs);
	}
	error = ext2_buf_get(fs, *slot, &b);
	if (error != 0)
		return error;
	whole = first <= base && base + span <= end;
	if (whole) {
		error = leaf_free(ip, slot);
		if (error != 0) {
			ext2_buf_put(b);
			return error;
		}
	}
	below = span / fs->fs_ptrs;
	ptrs = (uint32_t *)(void *)b->b_data;
	for (i = 0; i < fs->fs_ptrs; i++) {
		if (ptrs[i] == 0)
			continue;
		error = tree_free(ip, &ptrs[i], level - 1, base + i * below, first, end);
		if (result == 0)
			result = error;
		used += ptrs[i] != 0;
	}
	if (!whole) {
		b->b_dirty = true;
		if (used == 0) {
			error = leaf_free(ip, slot);
			if (result == 0)
				result = error;
		}
	}
	ext2_buf_put(b);
	return result;
}

/* Makes a hole of the blocks [first, end). */
int
ext2_punch(struct ext2_inode *ip, uint64_t first, uint64_t end)
{
	uint64_t base = EXT2_NDIRECT, span = ip->ei_fs->fs_ptrs;
	int i, level, error, result = 0;

	for (i = 0; i < EXT2_NDIRECT; i++) {
		error = tree_free(ip, &ip->ei_d.i_block[i], 0, (uint64_t)i, first, end);
		if (result == 0)
			result = error;
	}
	for (level = 1; level <= 3; level++) {
		error = tree_free(ip, &ip->ei_d.i_block[EXT2_NDIRECT + level - 1], level, base,
		    first, end);
		if (result == 0)
			result = error;
		base += span;
		span *= ip->ei_fs->fs_ptrs;
	}
	ip->ei_last_block = 0;
	return result;
}

/* Do the block words hold block numbers?  Not in fast symlinks and device nodes. */
static bool
has_blocks(const struct ext2_inode *ip)
{
	uint32_t acl = ip->ei_d.i_file_acl != 0 ? sectors(ip->ei_fs) : 0;

	switch (ip->ei_d.i_mode & LX_S_IFMT) {
	case LX_S_IFREG:
	case LX_S_IFDIR:
		return true;
	case LX_S_IFLNK:
		return ip->ei_d.i_blocks > acl;
	default:
		return false;
	}
}

static int
tail_clear(struct ext2_inode *ip, uint64_t size)
{
	static const uint8_t zeroes[4096];
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t rest = (uint32_t)(size & (fs->fs_bsize - 1)), block;
	bool fresh;
	int error;

	if (rest == 0)
		return 0;
	error = ext2_bmap(ip, size >> fs->fs_bshift, false, &block, &fresh);
	if (error != 0 || block == 0)
		return error;
	return fs->fs_dev->dev_write(fs->fs_dev, ((uint64_t)block << fs->fs_bshift) + rest,
	    zeroes, fs->fs_bsize - rest);
}

/*
 * Sets the size; blocks past it are freed and the rest of the last block is cleared.
 * => the caller has thrown away what memory objects hold past the new end
 */
int
ext2_truncate(struct ext2_inode *ip, uint64_t size)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint64_t first = (size + fs->fs_bsize - 1) >> fs->fs_bshift;
	int error = 0, result = 0;

	if (size > fs->fs_max_size)
		return -LX_EFBIG;
	if (has_blocks(ip) && size < ext2_size(ip))
		result = tail_clear(ip, size);
	if (has_blocks(ip) && size <= ext2_size(ip)) {
		/* Also what was reserved past the end. */
		error = ext2_punch(ip, first, UINT64_MAX);
		if (ip->ei_fresh_end > first)
			ip->ei_fresh_end = first;
		if (ip->ei_fresh_first >= ip->ei_fresh_end)
			ip->ei_fresh_first = ip->ei_fresh_end = 0;
	}
	ext2_size_set(ip, size);
	return result != 0 ? result : error;
}

/*
 * The next offset at or after off that is data (or, asked so, a hole); the end counts as a hole.
 * => -LX_ENXIO when there is none before the end of the file
 */
int
ext2_seek(struct ext2_inode *ip, uint64_t off, bool hole, uint64_t *offp)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint64_t size = ext2_size(ip), lblock, span, mapped = 0;
	uint32_t block;
	bool fresh;
	int error;

	if (off >= size)
		return -LX_ENXIO;
	for (lblock = off >> fs->fs_bshift; lblock << fs->fs_bshift < size; lblock += span) {
		error = tree_walk(ip, lblock, false, &block, &fresh, &span);
		if (error != 0)
			return error;
		if ((block == 0) == hole) {
			*offp = lblock << fs->fs_bshift;
			if (*offp < off)
				*offp = off;
			return 0;
		}
		if (block != 0 && ++mapped > fs->fs_super.s_blocks_count)
			return ext2_corrupt(fs);
	}
	if (!hole)
		return -LX_ENXIO;
	*offp = size;
	return 0;
}

static bool
is_fresh(const struct ext2_inode *ip, uint64_t lblock)
{
	return lblock >= ip->ei_fresh_first && lblock < ip->ei_fresh_end;
}

/*
 * Reads file data, past the page cache: holes are zeroes.
 * => *holep: there was nothing but holes
 */
int
ext2_data_read(struct ext2_inode *ip, uint64_t off, void *buf, size_t len, bool *holep)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t block, in, n;
	uint8_t *p = buf;
	bool fresh;
	int error;

	*holep = true;
	while (len > 0) {
		in = (uint32_t)(off & (fs->fs_bsize - 1));
		n = fs->fs_bsize - in;
		if (n > len)
			n = (uint32_t)len;
		error = ext2_bmap(ip, off >> fs->fs_bshift, false, &block, &fresh);
		if (error != 0)
			return error;
		if (block == 0 || is_fresh(ip, off >> fs->fs_bshift)) {
			memset(p, 0, n);
		} else {
			*holep = false;
			error = fs->fs_dev->dev_read(fs->fs_dev,
			    ((uint64_t)block << fs->fs_bshift) + in, p, n);
			if (error != 0)
				return error;
		}
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int
block_zero(struct ext2_inode *ip, uint64_t lblock)
{
	static const uint8_t zeroes[4096];
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t block;
	bool fresh;
	int error;

	error = ext2_bmap(ip, lblock, false, &block, &fresh);
	if (error != 0 || block == 0)
		return error;
	return fs->fs_dev->dev_write(fs->fs_dev, (uint64_t)block << fs->fs_bshift, zeroes,
	    fs->fs_bsize);
}

/* Makes the device agree that the fresh blocks are zeroes, and forgets that they were fresh. */
int
ext2_fresh_settle(struct ext2_inode *ip)
{
	uint64_t lblock;
	int error, result = 0;

	for (lblock = ip->ei_fresh_first; lblock < ip->ei_fresh_end; lblock++) {
		error = block_zero(ip, lblock);
		if (result == 0)
			result = error;
	}
	ip->ei_fresh_first = ip->ei_fresh_end = 0;
	return result;
}

/*
 * Block lblock was allocated without contents.  Remembered while the fresh blocks stay one run
 * (appending, the case that matters); else cleared on the device at once.
 */
static int
fresh_add(struct ext2_inode *ip, uint64_t lblock)
{
	if (ip->ei_fresh_first == ip->ei_fresh_end) {
		ip->ei_fresh_first = lblock;
		ip->ei_fresh_end = lblock + 1;
		return 0;
	}
	if (lblock == ip->ei_fresh_end) {
		ip->ei_fresh_end++;
		return 0;
	}
	return block_zero(ip, lblock);
}

/* All of block lblock is about to be written. */
static int
fresh_remove(struct ext2_inode *ip, uint64_t lblock)
{
	uint64_t n;
	int error;

	if (!is_fresh(ip, lblock))
		return 0;
	if (lblock == ip->ei_fresh_first) {
		ip->ei_fresh_first++;
	} else if (lblock == ip->ei_fresh_end - 1) {
		ip->ei_fresh_end--;
	} else {
		for (n = ip->ei_fresh_first; n < lblock; n++) {
			error = block_zero(ip, n);
			if (error != 0)
				return error;
		}
		ip->ei_fresh_first = lblock + 1;
	}
	return 0;
}

/*
 * Writes file data, past the page cache, allocating where there is a hole; the size stays.
 */
int
ext2_data_write(struct ext2_inode *ip, uint64_t off, const void *buf, size_t len)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t block, in, n;
	const uint8_t *p = buf;
	uint64_t lblock;
	bool fresh;
	int error;

	while (len > 0) {
		lblock = off >> fs->fs_bshift;
		in = (uint32_t)(off & (fs->fs_bsize - 1));
		n = fs->fs_bsize - in;
		if (n > len)
			n = (uint32_t)len;
		error = ext2_bmap(ip, lblock, true, &block, &fresh);
		if (error != 0)
			return error;
		if (n < fs->fs_bsize && (fresh || is_fresh(ip, lblock))) {
			error = block_zero(ip, lblock);
			if (error != 0)
				return error;
		}
		error = fresh_remove(ip, lblock);
		if (error != 0)
			return error;
		error = fs->fs_dev->dev_write(fs->fs_dev,
		    ((uint64_t)block << fs->fs_bshift) + in, p, n);
		if (error != 0)
			return error;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/*
 * Allocates the blocks of a range, so that a later write-back cannot fail for want of space.
 * => on failure the blocks before the failing one stay allocated; harmless, truncation frees them
 */
int
ext2_data_reserve(struct ext2_inode *ip, uint64_t off, uint64_t len)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint64_t lblock, end = (off + len + fs->fs_bsize - 1) >> fs->fs_bshift;
	uint32_t block;
	bool fresh;
	int error;

	for (lblock = off >> fs->fs_bshift; lblock < end; lblock++) {
		error = ext2_bmap(ip, lblock, true, &block, &fresh);
		if (error == 0 && fresh)
			error = fresh_add(ip, lblock);
		if (error != 0)
			return error;
	}
	return 0;
}
