/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: an empty ext2 image made in anonymous memory and mounted like any other.  So names,
 * mappings, holes and limits are those of the one file system we have; only statfs tells.
 *
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <string.h>

#include "tmpfs.h"

#define BLOCK		4096u
#define PER_GROUP	(BLOCK * 8)
#define DEFAULT_SIZE	(64u << 20)

static void
bits_set(uint8_t *map, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		map[from >> 3] |= (uint8_t)(1u << (from & 7));
}

static void
super_make(struct ext2_super *s, uint32_t blocks, uint32_t inodes, uint32_t used)
{
	s->s_inodes_count = inodes;
	s->s_blocks_count = blocks;
	s->s_free_blocks_count = blocks - used;
	s->s_free_inodes_count = inodes - 10;
	s->s_log_block_size = s->s_log_frag_size = 2;
	s->s_blocks_per_group = s->s_frags_per_group = PER_GROUP;
	s->s_inodes_per_group = inodes;
	s->s_max_mnt_count = -1;
	s->s_magic = EXT2_MAGIC;
	s->s_state = EXT2_STATE_VALID;
	s->s_errors = 1;
	s->s_rev_level = 1;
	s->s_first_ino = EXT2_GOOD_OLD_FIRST_INO;
	s->s_inode_size = 256;
	s->s_feature_incompat = EXT2_INCOMPAT_FILETYPE;
	s->s_feature_ro_compat = EXT2_RO_COMPAT_LARGE_FILE;
}

static void
root_make(uint8_t *base, uint32_t itable, uint32_t block)
{
	struct ext2_dinode *d = (void *)(base + (uint64_t)itable * BLOCK +
	    (EXT2_ROOT_INO - 1) * 256u);
	struct ext2_dirent *e = (void *)(base + (uint64_t)block * BLOCK);

	d->i_mode = LX_S_IFDIR | 0755;
	d->i_size = BLOCK;
	d->i_links_count = 2;
	d->i_blocks = BLOCK / 512;
	d->i_block[0] = block;
	d->i_extra_isize = 32;
	e->d_inode = EXT2_ROOT_INO;
	e->d_rec_len = 12;
	e->d_name_len = 1;
	e->d_type = EXT2_FT_DIR;
	e->d_name[0] = '.';
	e = (void *)((uint8_t *)e + 12);
	e->d_inode = EXT2_ROOT_INO;
	e->d_rec_len = BLOCK - 12;
	e->d_name_len = 2;
	e->d_type = EXT2_FT_DIR;
	memcpy(e->d_name, "..", 2);
}

/* One group: superblock, descriptor, two bitmaps, inodes, the root's block.  base is zeroes. */
static void
image_make(uint8_t *base, uint32_t blocks)
{
	uint32_t inodes = blocks / 2 > 16384 ? 16384 : (blocks / 2 + 63) & ~63u;
	uint32_t itable = 4, root, used;
	struct ext2_group *g = (void *)(base + BLOCK);

	root = itable + (inodes * 256 + BLOCK - 1) / BLOCK;
	used = root + 1;
	super_make((void *)(base + EXT2_SUPER_OFFSET), blocks, inodes, used);
	g->bg_block_bitmap = 2;
	g->bg_inode_bitmap = 3;
	g->bg_inode_table = itable;
	g->bg_free_blocks_count = (uint16_t)(blocks - used);
	g->bg_free_inodes_count = (uint16_t)(inodes - 10);
	g->bg_used_dirs_count = 1;
	bits_set(base + 2 * BLOCK, 0, used);
	bits_set(base + 2 * BLOCK, blocks, PER_GROUP);
	bits_set(base + 3 * BLOCK, 0, 10);
	bits_set(base + 3 * BLOCK, inodes, PER_GROUP);
	root_make(base, itable, root);
}

int
tmpfs_create_sized(uint64_t bytes, struct item **root)
{
	vm_address_t base = 0;
	int error;

	if (bytes > (uint64_t)PER_GROUP * BLOCK)
		bytes = (uint64_t)PER_GROUP * BLOCK;
	bytes &= ~(uint64_t)(BLOCK - 1);
	if (vm_allocate(mach_task_self(), &base, bytes, TRUE) != KERN_SUCCESS)
		return -LX_ENOMEM;
	image_make((uint8_t *)base, (uint32_t)(bytes / BLOCK));
	error = emount_create_memory((uint8_t *)base, bytes, root);
	if (error != 0)
		vm_deallocate(mach_task_self(), base, bytes);
	return error;
}

int
tmpfs_create(struct item **root)
{
	struct item_attr attr = { .a_valid = ATTR_MODE, .a_mode = 01777 };
	int error;

	error = tmpfs_create_sized(DEFAULT_SIZE, root);
	if (error == 0)
		(void)(*root)->i_ops->io_setattr(*root, &attr);
	return error;
}
