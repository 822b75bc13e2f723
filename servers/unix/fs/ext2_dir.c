/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: lists of entries in blocks.
 *
 * LOCKS     the caller's
 * TESTS     tests/unit/ext2
 *
 * Entries are used in list order only.  A directory with a hash index is the same list with the
 * index hidden in it, so reading works as it is; the first change takes the index flag off the
 * inode, after which the index blocks are ordinary space of empty entries.
 */
#include "ext2.h"

#include <string.h>

#include "../linux.h"

static struct ext2_dirent *
entry_at(struct ext2_buf *b, uint32_t off)
{
	return (struct ext2_dirent *)(void *)(b->b_data + off);
}

/* Is there a sane entry at `off' of the block? */
static bool
entry_valid(const struct ext2_fs *fs, struct ext2_buf *b, uint32_t off)
{
	const struct ext2_dirent *d;

	if (off + 8 > fs->fs_bsize)
		return false;
	d = entry_at(b, off);
	if (d->d_rec_len < EXT2_DIRENT_SIZE(1) || (d->d_rec_len & 3) != 0 ||
	    off + d->d_rec_len > fs->fs_bsize)
		return false;
	if (d->d_inode == 0)
		return true;
	return d->d_name_len != 0 && EXT2_DIRENT_SIZE(d->d_name_len) <= d->d_rec_len &&
	    d->d_inode <= fs->fs_super.s_inodes_count;
}

/* The pinned buffer of one block of the directory; a hole in a directory is a contradiction. */
static int
dir_block(struct ext2_inode *dir, uint64_t lblock, struct ext2_buf **bp)
{
	uint32_t block;
	bool fresh;
	int error;

	error = ext2_bmap(dir, lblock, false, &block, &fresh);
	if (error != 0)
		return error;
	if (block == 0)
		return ext2_corrupt(dir->ei_fs);
	return ext2_buf_get(dir->ei_fs, block, bp);
}

static uint8_t
file_type(const struct ext2_fs *fs, uint32_t mode)
{
	if (!(fs->fs_super.s_feature_incompat & EXT2_INCOMPAT_FILETYPE))
		return EXT2_FT_UNKNOWN;
	switch (mode & LX_S_IFMT) {
	case LX_S_IFREG:
		return EXT2_FT_REG;
	case LX_S_IFDIR:
		return EXT2_FT_DIR;
	case LX_S_IFCHR:
		return EXT2_FT_CHR;
	case LX_S_IFBLK:
		return EXT2_FT_BLK;
	case LX_S_IFIFO:
		return EXT2_FT_FIFO;
	case LX_S_IFSOCK:
		return EXT2_FT_SOCK;
	case LX_S_IFLNK:
		return EXT2_FT_LNK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

/* The directory changes: its index, if any, would lie from now on. */
static void
dir_changed(struct ext2_inode *dir)
{
	if (dir->ei_d.i_flags & EXT2_INDEX_FL) {
		dir->ei_d.i_flags &= ~(uint32_t)EXT2_INDEX_FL;
		dir->ei_dirty = true;
	}
	ext2_touch(dir, EXT2_MTIME | EXT2_CTIME);
}

/* => -LX_ENOENT when the name is not there; pos is set on success */
int
ext2_dir_lookup(struct ext2_inode *dir, const char *name, size_t len, struct ext2_dir_pos *pos)
{
	struct ext2_fs *fs = dir->ei_fs;
	uint64_t lblock, blocks = ext2_size(dir) >> fs->fs_bshift;
	struct ext2_dirent *d;
	struct ext2_buf *b;
	uint32_t off, prev;
	int error;

	for (lblock = 0; lblock < blocks; lblock++) {
		error = dir_block(dir, lblock, &b);
		if (error != 0)
			return error;
		for (off = prev = 0; off < fs->fs_bsize; prev = off, off += d->d_rec_len) {
			if (!entry_valid(fs, b, off)) {
				ext2_buf_put(b);
				return ext2_corrupt(fs);
			}
			d = entry_at(b, off);
			if (d->d_inode == 0 || d->d_name_len != len ||
			    memcmp(d->d_name, name, len) != 0)
				continue;
			pos->dp_off = (lblock << fs->fs_bshift) + off;
			pos->dp_prev = (lblock << fs->fs_bshift) + prev;
			pos->dp_ino = d->d_inode;
			ext2_buf_put(b);
			return 0;
		}
		ext2_buf_put(b);
	}
	return -LX_ENOENT;
}

static void
entry_fill(const struct ext2_fs *fs, struct ext2_dirent *d, const char *name, size_t len,
    uint32_t ino, uint32_t mode)
{
	d->d_inode = ino;
	d->d_name_len = (uint8_t)len;
	d->d_type = file_type(fs, mode);
	memcpy(d->d_name, name, len);
}

/* Puts the entry into the block if there is room: 1 done, 0 no room. */
static int
block_add(struct ext2_fs *fs, struct ext2_buf *b, const char *name, size_t len, uint32_t ino,
    uint32_t mode)
{
	uint32_t off, used, need = EXT2_DIRENT_SIZE((uint32_t)len);
	struct ext2_dirent *d, *n;

	for (off = 0; off < fs->fs_bsize; off += d->d_rec_len) {
		if (!entry_valid(fs, b, off))
			return ext2_corrupt(fs);
		d = entry_at(b, off);
		used = d->d_inode == 0 ? 0 : EXT2_DIRENT_SIZE(d->d_name_len);
		if (d->d_rec_len - used < need)
			continue;
		n = d;
		if (used != 0) {
			n = entry_at(b, off + used);
			n->d_rec_len = (uint16_t)(d->d_rec_len - used);
			d->d_rec_len = (uint16_t)used;
		}
		entry_fill(fs, n, name, len, ino, mode);
		b->b_dirty = true;
		return 1;
	}
	return 0;
}

/* One more block, holding one empty entry. */
static int
dir_grow(struct ext2_inode *dir, struct ext2_buf **bp)
{
	struct ext2_fs *fs = dir->ei_fs;
	uint64_t size = ext2_size(dir);
	uint32_t block;
	bool fresh;
	int error;

	if (size + fs->fs_bsize > 0x7fffffff ||
	    size >> fs->fs_bshift >= fs->fs_super.s_blocks_count)
		return -LX_ENOSPC;
	error = ext2_bmap(dir, size >> fs->fs_bshift, true, &block, &fresh);
	if (error != 0)
		return error;
	error = ext2_buf_new(fs, block, bp);
	if (error != 0) {
		(void)ext2_punch(dir, size >> fs->fs_bshift, UINT64_MAX);
		return error;
	}
	entry_at(*bp, 0)->d_rec_len = (uint16_t)fs->fs_bsize;
	ext2_size_set(dir, size + fs->fs_bsize);
	return 0;
}

/* => the name is not there yet; the caller counts the link */
int
ext2_dir_add(struct ext2_inode *dir, const char *name, size_t len, uint32_t ino, uint32_t mode)
{
	struct ext2_fs *fs = dir->ei_fs;
	uint64_t lblock, blocks = ext2_size(dir) >> fs->fs_bshift;
	struct ext2_buf *b;
	int error, done;

	for (lblock = 0; lblock < blocks; lblock++) {
		error = dir_block(dir, lblock, &b);
		if (error != 0)
			return error;
		done = block_add(fs, b, name, len, ino, mode);
		ext2_buf_put(b);
		if (done < 0)
			return done;
		if (done > 0) {
			dir_changed(dir);
			return 0;
		}
	}
	error = dir_grow(dir, &b);
	if (error != 0)
		return error;
	done = block_add(fs, b, name, len, ino, mode);
	ext2_buf_put(b);
	dir_changed(dir);
	return done > 0 ? 0 : ext2_corrupt(fs);
}

/* The entry's buffer, checked again: the position comes from a lookup just before. */
static int
entry_get(struct ext2_inode *dir, uint64_t off, struct ext2_buf **bp, struct ext2_dirent **dp)
{
	struct ext2_fs *fs = dir->ei_fs;
	uint32_t in = (uint32_t)(off & (fs->fs_bsize - 1));
	int error;

	error = dir_block(dir, off >> fs->fs_bshift, bp);
	if (error != 0)
		return error;
	if (!entry_valid(fs, *bp, in)) {
		ext2_buf_put(*bp);
		return ext2_corrupt(fs);
	}
	*dp = entry_at(*bp, in);
	return 0;
}

int
ext2_dir_remove(struct ext2_inode *dir, const struct ext2_dir_pos *pos)
{
	struct ext2_dirent *d, *prev;
	struct ext2_buf *b;
	int error;

	error = entry_get(dir, pos->dp_off, &b, &d);
	if (error != 0)
		return error;
	if (pos->dp_prev != pos->dp_off) {
		prev = entry_at(b, (uint32_t)(pos->dp_prev & (dir->ei_fs->fs_bsize - 1)));
		prev->d_rec_len = (uint16_t)(prev->d_rec_len + d->d_rec_len);
	}
	d->d_inode = 0;
	b->b_dirty = true;
	ext2_buf_put(b);
	dir_changed(dir);
	return 0;
}

/* Lets an existing entry name another inode. */
int
ext2_dir_set(struct ext2_inode *dir, const struct ext2_dir_pos *pos, uint32_t ino, uint32_t mode)
{
	struct ext2_dirent *d;
	struct ext2_buf *b;
	int error;

	error = entry_get(dir, pos->dp_off, &b, &d);
	if (error != 0)
		return error;
	d->d_inode = ino;
	d->d_type = file_type(dir->ei_fs, mode);
	b->b_dirty = true;
	ext2_buf_put(b);
	dir_changed(dir);
	return 0;
}

/* The first block of a new directory: "." and "..". */
int
ext2_dir_make(struct ext2_inode *dir, uint32_t parent)
{
	struct ext2_fs *fs = dir->ei_fs;
	struct ext2_dirent *d;
	struct ext2_buf *b;
	int error;

	error = dir_grow(dir, &b);
	if (error != 0)
		return error;
	d = entry_at(b, 0);
	d->d_rec_len = EXT2_DIRENT_SIZE(1);
	entry_fill(fs, d, ".", 1, dir->ei_ino, LX_S_IFDIR);
	d = entry_at(b, EXT2_DIRENT_SIZE(1));
	d->d_rec_len = (uint16_t)(fs->fs_bsize - EXT2_DIRENT_SIZE(1));
	entry_fill(fs, d, "..", 2, parent, LX_S_IFDIR);
	ext2_buf_put(b);
	return 0;
}

static bool
is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool
empty_emit(void *arg, uint32_t ino, const char *name, size_t len, uint8_t type, uint64_t next)
{
	(void)ino;
	(void)type;
	(void)next;
	if (is_dots(name, len))
		return true;
	*(bool *)arg = false;
	return false;
}

/* => 1 nothing but "." and "..", 0 more, or an error */
int
ext2_dir_empty(struct ext2_inode *dir)
{
	bool empty = true;
	uint64_t off = 0;
	int error;

	error = ext2_dir_read(dir, &off, empty_emit, &empty);
	return error != 0 ? error : empty;
}

/*
 * A position may have become stale since the last call, so each block is walked from its start
 * to the first entry at or after it.
 */
int
ext2_dir_read(struct ext2_inode *dir, uint64_t *offp,
    bool (*emit)(void *arg, uint32_t ino, const char *name, size_t len, uint8_t type,
    uint64_t next), void *arg)
{
	struct ext2_fs *fs = dir->ei_fs;
	uint64_t start, size = ext2_size(dir);
	struct ext2_dirent *d;
	struct ext2_buf *b;
	uint32_t off;
	int error;

	while (*offp < size) {
		start = *offp & ~(uint64_t)(fs->fs_bsize - 1);
		error = dir_block(dir, start >> fs->fs_bshift, &b);
		if (error != 0)
			return error;
		for (off = 0; off < fs->fs_bsize; off += d->d_rec_len) {
			if (!entry_valid(fs, b, off)) {
				ext2_buf_put(b);
				return ext2_corrupt(fs);
			}
			d = entry_at(b, off);
			if (start + off < *offp || d->d_inode == 0)
				continue;
			if (memchr(d->d_name, '/', d->d_name_len) != NULL ||
			    memchr(d->d_name, 0, d->d_name_len) != NULL)
				continue;
			if (!emit(arg, d->d_inode, d->d_name, d->d_name_len, d->d_type,
			    start + off + d->d_rec_len)) {
				*offp = start + off;
				ext2_buf_put(b);
				return 0;
			}
		}
		ext2_buf_put(b);
		*offp = start + fs->fs_bsize;
	}
	return 0;
}
