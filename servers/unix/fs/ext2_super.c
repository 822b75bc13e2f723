/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting: the superblock and the group descriptors, checked before anything is believed.
 *
 * OBJECT    struct ext2_fs
 * STATES    mounted clean: the VALID state bit is taken off the disk at a writable mount and put
 *           back at unmount, so that e2fsck knows after a crash that it has work.
 * LOCKS     the caller's
 * TESTS     tests/unit/ext2
 */
#include "ext2.h"

#include <stdlib.h>
#include <string.h>

#include "../linux.h"

#define EXT2_BUF_MAX	1024

/* Notes that the image contradicts itself; e2fsck will see it in the superblock. */
int
ext2_corrupt(struct ext2_fs *fs)
{
	if (!fs->fs_broken) {
		fs->fs_broken = true;
		fs->fs_super.s_state |= EXT2_STATE_ERROR;
		fs->fs_super_dirty = true;
	}
	return -LX_EUCLEAN;
}

static bool
is_power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

static bool
group_has_super(const struct ext2_fs *fs, uint32_t group)
{
	if (group <= 1)
		return true;
	if (!(fs->fs_super.s_feature_ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

static uint32_t
group_first(const struct ext2_fs *fs, uint32_t group)
{
	return fs->fs_super.s_first_data_block + group * fs->fs_super.s_blocks_per_group;
}

uint32_t
ext2_group_blocks(const struct ext2_fs *fs, uint32_t group)
{
	uint32_t left = fs->fs_super.s_blocks_count - group_first(fs, group);

	return left < fs->fs_super.s_blocks_per_group ? left : fs->fs_super.s_blocks_per_group;
}

static uint32_t
itable_blocks(const struct ext2_fs *fs)
{
	return (fs->fs_super.s_inodes_per_group * fs->fs_inode_size + fs->fs_bsize - 1) >>
	    fs->fs_bshift;
}

static uint32_t
gdt_blocks(const struct ext2_fs *fs)
{
	return (fs->fs_ngroups * sizeof(struct ext2_group) + fs->fs_bsize - 1) >> fs->fs_bshift;
}

/* May a file own this block?  Inside the file system and no part of its skeleton. */
bool
ext2_block_valid(struct ext2_fs *fs, uint32_t block)
{
	const struct ext2_super *s = &fs->fs_super;
	const struct ext2_group *g;
	uint32_t group, rel;

	if (block <= s->s_first_data_block || block >= s->s_blocks_count)
		return false;
	group = (block - s->s_first_data_block) / s->s_blocks_per_group;
	rel = block - group_first(fs, group);
	g = &fs->fs_groups[group];
	if (group_has_super(fs, group) && rel <= gdt_blocks(fs))
		return false;
	if (block == g->bg_block_bitmap || block == g->bg_inode_bitmap)
		return false;
	return block < g->bg_inode_table || block - g->bg_inode_table >= itable_blocks(fs);
}

static int
super_check(struct ext2_fs *fs)
{
	struct ext2_super *s = &fs->fs_super;
	uint64_t groups;

	if (s->s_magic != EXT2_MAGIC)
		return -LX_EINVAL;
	if (s->s_log_block_size > 2 || s->s_rev_level > 1)
		return -LX_EINVAL;
	fs->fs_bshift = 10 + s->s_log_block_size;
	fs->fs_bsize = 1u << fs->fs_bshift;
	fs->fs_ptrs = fs->fs_bsize / 4;
	if (s->s_rev_level == 0) {
		fs->fs_inode_size = EXT2_GOOD_OLD_INODE_SIZE;
		fs->fs_first_ino = EXT2_GOOD_OLD_FIRST_INO;
		s->s_feature_compat = s->s_feature_incompat = s->s_feature_ro_compat = 0;
	} else {
		fs->fs_inode_size = s->s_inode_size;
		fs->fs_first_ino = s->s_first_ino;
	}
	if (s->s_feature_incompat & ~EXT2_INCOMPAT_FILETYPE)
		return -LX_EINVAL;
	if ((s->s_feature_ro_compat & ~(EXT2_RO_COMPAT_SPARSE_SUPER |
	    EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_EXTRA_ISIZE)) && !fs->fs_readonly)
		return -LX_EROFS;
	if (fs->fs_inode_size < 128 || fs->fs_inode_size > fs->fs_bsize ||
	    (fs->fs_inode_size & (fs->fs_inode_size - 1)) != 0)
		return -LX_EUCLEAN;
	if (s->s_blocks_per_group == 0 || s->s_blocks_per_group > fs->fs_bsize * 8 ||
	    s->s_inodes_per_group == 0 || s->s_inodes_per_group > fs->fs_bsize * 8 ||
	    s->s_first_data_block != (fs->fs_bsize == 1024 ? 1 : 0) ||
	    s->s_blocks_count <= s->s_first_data_block + 1 ||
	    fs->fs_first_ino < EXT2_GOOD_OLD_FIRST_INO)
		return -LX_EUCLEAN;
	if (((uint64_t)s->s_blocks_count << fs->fs_bshift) > fs->fs_dev->dev_size)
		return -LX_EUCLEAN;
	groups = ((uint64_t)s->s_blocks_count - s->s_first_data_block +
	    s->s_blocks_per_group - 1) / s->s_blocks_per_group;
	if (groups * s->s_inodes_per_group != s->s_inodes_count ||
	    fs->fs_first_ino > s->s_inodes_count ||
	    s->s_free_blocks_count > s->s_blocks_count ||
	    s->s_free_inodes_count > s->s_inodes_count)
		return -LX_EUCLEAN;
	fs->fs_ngroups = (uint32_t)groups;
	return 0;
}

static bool
in_group(const struct ext2_fs *fs, uint32_t group, uint64_t block, uint32_t count)
{
	uint64_t first = group_first(fs, group);

	if (group_has_super(fs, group))
		first += 1 + gdt_blocks(fs);
	return block >= first &&
	    block + count <= (uint64_t)group_first(fs, group) + ext2_group_blocks(fs, group);
}

static int
groups_load(struct ext2_fs *fs)
{
	size_t len = (size_t)fs->fs_ngroups * sizeof(struct ext2_group);
	uint64_t off = ((uint64_t)fs->fs_super.s_first_data_block + 1) << fs->fs_bshift;
	struct ext2_group *g;
	uint32_t i;
	int error;

	if (off + len > fs->fs_dev->dev_size)
		return -LX_EUCLEAN;
	fs->fs_groups = calloc(fs->fs_ngroups, sizeof(struct ext2_group));
	if (fs->fs_groups == NULL)
		return -LX_ENOMEM;
	error = fs->fs_dev->dev_read(fs->fs_dev, off, fs->fs_groups, len);
	if (error != 0)
		return error;
	for (i = 0; i < fs->fs_ngroups; i++) {
		g = &fs->fs_groups[i];
		if (!in_group(fs, i, g->bg_block_bitmap, 1) ||
		    !in_group(fs, i, g->bg_inode_bitmap, 1) ||
		    !in_group(fs, i, g->bg_inode_table, itable_blocks(fs)) ||
		    g->bg_block_bitmap == g->bg_inode_bitmap ||
		    g->bg_free_blocks_count > ext2_group_blocks(fs, i) ||
		    g->bg_free_inodes_count > fs->fs_super.s_inodes_per_group)
			return -LX_EUCLEAN;
	}
	return 0;
}

static uint64_t
max_size(const struct ext2_fs *fs)
{
	uint64_t p = fs->fs_ptrs, blocks = EXT2_NDIRECT + p + p * p + p * p * p;
	uint64_t limit = (1ULL << 32) * 512;	/* i_blocks counts 512-byte units in 32 bits */
	uint64_t size = blocks << fs->fs_bshift;

	return size < limit ? size : limit;
}

static int
super_write(struct ext2_fs *fs)
{
	int64_t sec;
	uint32_t nsec;
	int error;

	fs->fs_now(&sec, &nsec);
	fs->fs_super.s_wtime = (uint32_t)sec;
	error = fs->fs_dev->dev_write(fs->fs_dev, EXT2_SUPER_OFFSET, &fs->fs_super,
	    sizeof(fs->fs_super));
	if (error == 0)
		fs->fs_super_dirty = false;
	return error;
}

static void
fs_free(struct ext2_fs *fs)
{
	ext2_buf_destroy(fs);
	free(fs->fs_groups);
	free(fs);
}

int
ext2_mount(struct ext2_dev *dev, bool readonly, void (*now)(int64_t *sec, uint32_t *nsec),
    struct ext2_fs **fsp)
{
	struct ext2_fs *fs;
	int error;

	if (dev->dev_size < EXT2_SUPER_OFFSET + sizeof(struct ext2_super))
		return -LX_EINVAL;
	fs = calloc(1, sizeof(*fs));
	if (fs == NULL)
		return -LX_ENOMEM;
	fs->fs_dev = dev;
	fs->fs_now = now;
	fs->fs_readonly = readonly || dev->dev_readonly;
	fs->fs_buf_max = EXT2_BUF_MAX;
	fs->fs_buf_lru.b_lru_next = fs->fs_buf_lru.b_lru_prev = &fs->fs_buf_lru;
	error = dev->dev_read(dev, EXT2_SUPER_OFFSET, &fs->fs_super, sizeof(fs->fs_super));
	if (error == 0)
		error = super_check(fs);
	if (error == 0)
		error = groups_load(fs);
	if (error == 0 && !fs->fs_readonly) {
		if (!(fs->fs_super.s_state & EXT2_STATE_VALID))
			fs->fs_broken = true;
		fs->fs_super.s_state &= (uint16_t)~EXT2_STATE_VALID;
		fs->fs_super.s_mnt_count++;
		error = super_write(fs);
	}
	if (error != 0) {
		fs_free(fs);
		return error;
	}
	fs->fs_max_size = max_size(fs);
	*fsp = fs;
	return 0;
}

/* Writes inodes, metadata buffers, group descriptors and the superblock. */
int
ext2_sync(struct ext2_fs *fs)
{
	int error, first;

	if (fs->fs_readonly)
		return 0;
	first = ext2_inode_sync_all(fs);
	error = ext2_buf_sync(fs);
	if (first == 0)
		first = error;
	if (fs->fs_groups_dirty) {
		error = fs->fs_dev->dev_write(fs->fs_dev,
		    ((uint64_t)fs->fs_super.s_first_data_block + 1) << fs->fs_bshift,
		    fs->fs_groups, (size_t)fs->fs_ngroups * sizeof(struct ext2_group));
		if (error == 0)
			fs->fs_groups_dirty = false;
		if (first == 0)
			first = error;
	}
	if (fs->fs_super_dirty) {
		error = super_write(fs);
		if (first == 0)
			first = error;
	}
	return first;
}

/*
 * => no inode may be in use any more (-LX_EBUSY); the file system is gone on success
 */
int
ext2_unmount(struct ext2_fs *fs)
{
	int error, i;

	for (i = 0; i < EXT2_INODE_HASH; i++) {
		if (fs->fs_inodes[i] != NULL)
			return -LX_EBUSY;
	}
	if (!fs->fs_readonly) {
		if (!fs->fs_broken)
			fs->fs_super.s_state |= EXT2_STATE_VALID;
		fs->fs_super_dirty = true;
		error = ext2_sync(fs);
		if (error != 0)
			return error;
	}
	fs_free(fs);
	return 0;
}
