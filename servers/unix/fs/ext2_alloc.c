/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks and free inodes: the bitmaps and the counts that go with them.
 *
 * LOCKS     the caller's
 * TESTS     tests/unit/ext2
 *
 * The bitmaps decide; the counts only tell where to look first, so wrong counts in a hostile
 * image make a search longer and never wrong.  Freeing what is free is a contradiction, reported
 * and not done: that also ends walks over block trees that share blocks.
 */
#include "ext2.h"

#include <string.h>

#include "../linux.h"

static bool
bit_test(const uint8_t *map, uint32_t bit)
{
	return (map[bit >> 3] >> (bit & 7)) & 1;
}

static void
bit_set(uint8_t *map, uint32_t bit)
{
	map[bit >> 3] |= (uint8_t)(1u << (bit & 7));
}

static void
bit_clear(uint8_t *map, uint32_t bit)
{
	map[bit >> 3] &= (uint8_t)~(1u << (bit & 7));
}

/* The first clear bit in [from, limit), or limit. */
static uint32_t
bit_find_clear(const uint8_t *map, uint32_t from, uint32_t limit)
{
	uint32_t bit = from;

	while (bit < limit) {
		if ((bit & 7) == 0 && map[bit >> 3] == 0xff) {
			bit += 8;
			continue;
		}
		if (!bit_test(map, bit))
			return bit;
		bit++;
	}
	return limit;
}

static uint32_t
group_of(const struct ext2_fs *fs, uint32_t block)
{
	return (block - fs->fs_super.s_first_data_block) / fs->fs_super.s_blocks_per_group;
}

static uint32_t
group_start(const struct ext2_fs *fs, uint32_t group)
{
	return fs->fs_super.s_first_data_block + group * fs->fs_super.s_blocks_per_group;
}

/* Tries one group from bit `from' on, then from its beginning. */
static int
group_block_alloc(struct ext2_fs *fs, uint32_t group, uint32_t from, uint32_t *blockp)
{
	uint32_t limit = ext2_group_blocks(fs, group), bit;
	struct ext2_buf *b;
	int error;

	error = ext2_buf_get(fs, fs->fs_groups[group].bg_block_bitmap, &b);
	if (error != 0)
		return error;
	error = -LX_ENOSPC;
	for (;;) {
		bit = bit_find_clear(b->b_data, from, limit);
		if (bit == limit) {
			if (from == 0)
				break;
			from = 0;
			continue;
		}
		bit_set(b->b_data, bit);
		b->b_dirty = true;
		if (!ext2_block_valid(fs, group_start(fs, group) + bit)) {
			/* The bitmap offers a block of the skeleton: keep it set, look on. */
			ext2_corrupt(fs);
			from = bit + 1;
			continue;
		}
		*blockp = group_start(fs, group) + bit;
		error = 0;
		break;
	}
	ext2_buf_put(b);
	return error;
}

/*
 * Allocates one block, at or near goal.
 * => -LX_ENOSPC when none is left
 */
int
ext2_block_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *blockp)
{
	uint32_t i, group, first, from = 0;
	bool any_group;
	int error;

	if (fs->fs_readonly)
		return -LX_EROFS;
	if (goal <= fs->fs_super.s_first_data_block || goal >= fs->fs_super.s_blocks_count)
		goal = fs->fs_super.s_first_data_block + 1;
	first = group_of(fs, goal);
	from = goal - group_start(fs, first);
	/* Second round: groups whose count says "full", in case the count lies. */
	for (any_group = false;; any_group = true) {
		for (i = 0; i < fs->fs_ngroups; i++) {
			group = (first + i) % fs->fs_ngroups;
			if ((fs->fs_groups[group].bg_free_blocks_count == 0) != any_group)
				continue;
			error = group_block_alloc(fs, group, i == 0 ? from : 0, blockp);
			if (error == -LX_ENOSPC)
				continue;
			if (error != 0)
				return error;
			goto found;
		}
		if (any_group || fs->fs_super.s_free_blocks_count == 0)
			return -LX_ENOSPC;
	}
found:
	if (fs->fs_groups[group].bg_free_blocks_count > 0)
		fs->fs_groups[group].bg_free_blocks_count--;
	if (fs->fs_super.s_free_blocks_count > 0)
		fs->fs_super.s_free_blocks_count--;
	fs->fs_groups_dirty = fs->fs_super_dirty = true;
	return 0;
}

/* => -LX_EUCLEAN and nothing done when the block is free already or not a file's to free */
int
ext2_block_free(struct ext2_fs *fs, uint32_t block)
{
	uint32_t group, bit;
	struct ext2_buf *b;
	int error;

	if (!ext2_block_valid(fs, block))
		return ext2_corrupt(fs);
	group = group_of(fs, block);
	bit = block - group_start(fs, group);
	error = ext2_buf_get(fs, fs->fs_groups[group].bg_block_bitmap, &b);
	if (error != 0)
		return error;
	if (!bit_test(b->b_data, bit)) {
		ext2_buf_put(b);
		return ext2_corrupt(fs);
	}
	bit_clear(b->b_data, bit);
	b->b_dirty = true;
	ext2_buf_put(b);
	ext2_buf_forget(fs, block);
	if (fs->fs_groups[group].bg_free_blocks_count < ext2_group_blocks(fs, group))
		fs->fs_groups[group].bg_free_blocks_count++;
	if (fs->fs_super.s_free_blocks_count < fs->fs_super.s_blocks_count)
		fs->fs_super.s_free_blocks_count++;
	fs->fs_groups_dirty = fs->fs_super_dirty = true;
	return 0;
}

static int
group_ino_alloc(struct ext2_fs *fs, uint32_t group, uint32_t *inop)
{
	uint32_t bit, from = 0, limit = fs->fs_super.s_inodes_per_group;
	struct ext2_buf *b;
	int error;

	error = ext2_buf_get(fs, fs->fs_groups[group].bg_inode_bitmap, &b);
	if (error != 0)
		return error;
	if ((uint64_t)group * limit < fs->fs_first_ino - 1) {
		from = fs->fs_first_ino - 1 - group * limit;
		if (from > limit)
			from = limit;
	}
	bit = bit_find_clear(b->b_data, from, limit);
	if (bit == limit) {
		error = -LX_ENOSPC;
	} else {
		bit_set(b->b_data, bit);
		b->b_dirty = true;
		*inop = group * limit + bit + 1;
	}
	ext2_buf_put(b);
	return error;
}

/* Directories go where the most blocks are free, files to their directory's group. */
static uint32_t
ino_group(struct ext2_fs *fs, uint32_t parent, bool dir)
{
	uint32_t i, best = (parent - 1) / fs->fs_super.s_inodes_per_group, free_blocks = 0;

	if (!dir)
		return best;
	for (i = 0; i < fs->fs_ngroups; i++) {
		if (fs->fs_groups[i].bg_free_inodes_count > 0 &&
		    fs->fs_groups[i].bg_free_blocks_count > free_blocks) {
			free_blocks = fs->fs_groups[i].bg_free_blocks_count;
			best = i;
		}
	}
	return best;
}

int
ext2_ino_alloc(struct ext2_fs *fs, uint32_t parent, bool dir, uint32_t *inop)
{
	uint32_t i, group, first;
	int error;

	if (fs->fs_readonly)
		return -LX_EROFS;
	first = ino_group(fs, parent, dir);
	for (i = 0; i < fs->fs_ngroups; i++) {
		group = (first + i) % fs->fs_ngroups;
		error = group_ino_alloc(fs, group, inop);
		if (error == -LX_ENOSPC)
			continue;
		if (error != 0)
			return error;
		if (fs->fs_groups[group].bg_free_inodes_count > 0)
			fs->fs_groups[group].bg_free_inodes_count--;
		if (dir)
			fs->fs_groups[group].bg_used_dirs_count++;
		if (fs->fs_super.s_free_inodes_count > 0)
			fs->fs_super.s_free_inodes_count--;
		fs->fs_groups_dirty = fs->fs_super_dirty = true;
		return 0;
	}
	return -LX_ENOSPC;
}

int
ext2_ino_free(struct ext2_fs *fs, uint32_t ino, bool dir)
{
	uint32_t group, bit;
	struct ext2_buf *b;
	int error;

	if (ino < fs->fs_first_ino || ino > fs->fs_super.s_inodes_count)
		return ext2_corrupt(fs);
	group = (ino - 1) / fs->fs_super.s_inodes_per_group;
	bit = (ino - 1) % fs->fs_super.s_inodes_per_group;
	error = ext2_buf_get(fs, fs->fs_groups[group].bg_inode_bitmap, &b);
	if (error != 0)
		return error;
	if (!bit_test(b->b_data, bit)) {
		ext2_buf_put(b);
		return ext2_corrupt(fs);
	}
	bit_clear(b->b_data, bit);
	b->b_dirty = true;
	ext2_buf_put(b);
	if (fs->fs_groups[group].bg_free_inodes_count < fs->fs_super.s_inodes_per_group)
		fs->fs_groups[group].bg_free_inodes_count++;
	if (dir && fs->fs_groups[group].bg_used_dirs_count > 0)
		fs->fs_groups[group].bg_used_dirs_count--;
	if (fs->fs_super.s_free_inodes_count < fs->fs_super.s_inodes_count)
		fs->fs_super.s_free_inodes_count++;
	fs->fs_groups_dirty = fs->fs_super_dirty = true;
	return 0;
}
