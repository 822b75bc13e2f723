/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metadata buffers: a small write-back cache of blocks that hold no file data.
 *
 * OBJECT    struct ext2_buf: one block of metadata; pinned by whoever has it from get/new.
 * STATES    hashed, pinned or on the LRU; a forgotten block's buffer is clean and off the hash.
 * REFS      b_pins; ext2_buf_put() never frees, reclaim does (clean or written, unpinned only).
 * LOCKS     the caller's lock on the file system.
 * TESTS     tests/unit/ext2
 *
 * File data never comes here: it lives in memory objects and goes to the device directly.  A
 * block that changes from metadata to data must be forgotten first, or a late write would land
 * on somebody's data.
 */
#include "ext2.h"

#include <stdlib.h>
#include <string.h>

#include "../linux.h"

static struct ext2_buf **
buf_bucket(struct ext2_fs *fs, uint32_t block)
{
	return &fs->fs_buf_hash[(block * 2654435761u) >> 23 & (EXT2_BUF_HASH - 1)];
}

static void
buf_lru_remove(struct ext2_buf *b)
{
	b->b_lru_prev->b_lru_next = b->b_lru_next;
	b->b_lru_next->b_lru_prev = b->b_lru_prev;
}

static void
buf_lru_insert(struct ext2_fs *fs, struct ext2_buf *b)
{
	struct ext2_buf *head = &fs->fs_buf_lru;

	b->b_lru_next = head->b_lru_next;
	b->b_lru_prev = head;
	head->b_lru_next->b_lru_prev = b;
	head->b_lru_next = b;
}

static void
buf_unhash(struct ext2_fs *fs, struct ext2_buf *b)
{
	struct ext2_buf **bp;

	for (bp = buf_bucket(fs, b->b_block); *bp != NULL; bp = &(*bp)->b_hash_next) {
		if (*bp == b) {
			*bp = b->b_hash_next;
			b->b_hashed = false;
			return;
		}
	}
}

static int
buf_write(struct ext2_fs *fs, struct ext2_buf *b)
{
	int error = 0;

	/* A forgotten block may belong to a file by now, however dirty its old buffer. */
	if (b->b_hashed)
		error = fs->fs_dev->dev_write(fs->fs_dev,
		    (uint64_t)b->b_block << fs->fs_bshift, b->b_data, fs->fs_bsize);
	if (error == 0)
		b->b_dirty = false;
	return error;
}

/* Returns an unpinned buffer to use again, or NULL when the cache may still grow. */
static struct ext2_buf *
buf_reclaim(struct ext2_fs *fs)
{
	struct ext2_buf *b;

	if (fs->fs_buf_count < fs->fs_buf_max)
		return NULL;
	for (b = fs->fs_buf_lru.b_lru_prev; b != &fs->fs_buf_lru; b = b->b_lru_prev) {
		if (b->b_pins != 0)
			continue;
		if (b->b_dirty && buf_write(fs, b) != 0)
			continue;
		if (b->b_hashed)
			buf_unhash(fs, b);
		buf_lru_remove(b);
		return b;
	}
	return NULL;
}

/* A pinned buffer for the block; *freshp says that its contents are not valid yet. */
static int
buf_find(struct ext2_fs *fs, uint32_t block, struct ext2_buf **bp, bool *freshp)
{
	struct ext2_buf *b, **head = buf_bucket(fs, block);

	for (b = *head; b != NULL; b = b->b_hash_next) {
		if (b->b_block == block) {
			buf_lru_remove(b);
			buf_lru_insert(fs, b);
			b->b_pins++;
			*bp = b;
			*freshp = false;
			return 0;
		}
	}
	b = buf_reclaim(fs);
	if (b == NULL) {
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			return -LX_ENOMEM;
		b->b_data = malloc(fs->fs_bsize);
		if (b->b_data == NULL) {
			free(b);
			return -LX_ENOMEM;
		}
		fs->fs_buf_count++;
	}
	b->b_block = block;
	b->b_pins = 1;
	b->b_dirty = false;
	b->b_hashed = true;
	b->b_hash_next = *head;
	*head = b;
	buf_lru_insert(fs, b);
	*bp = b;
	*freshp = true;
	return 0;
}

/*
 * => returns the block's buffer, pinned and read; the caller has checked the block number
 */
int
ext2_buf_get(struct ext2_fs *fs, uint32_t block, struct ext2_buf **bp)
{
	struct ext2_buf *b;
	bool fresh;
	int error;

	if (block >= fs->fs_super.s_blocks_count)
		return ext2_corrupt(fs);
	error = buf_find(fs, block, &b, &fresh);
	if (error != 0)
		return error;
	if (fresh) {
		error = fs->fs_dev->dev_read(fs->fs_dev, (uint64_t)block << fs->fs_bshift,
		    b->b_data, fs->fs_bsize);
		if (error != 0) {
			ext2_buf_put(b);
			ext2_buf_forget(fs, block);
			return error;
		}
	}
	*bp = b;
	return 0;
}

/* => returns a pinned, dirty buffer of zeroes for a block just allocated */
int
ext2_buf_new(struct ext2_fs *fs, uint32_t block, struct ext2_buf **bp)
{
	struct ext2_buf *b;
	bool fresh;
	int error;

	error = buf_find(fs, block, &b, &fresh);
	if (error != 0)
		return error;
	memset(b->b_data, 0, fs->fs_bsize);
	b->b_dirty = true;
	*bp = b;
	return 0;
}

void
ext2_buf_put(struct ext2_buf *b)
{
	b->b_pins--;
}

/* The block is no metadata any more: its buffer must never be written again. */
void
ext2_buf_forget(struct ext2_fs *fs, uint32_t block)
{
	struct ext2_buf *b;

	for (b = *buf_bucket(fs, block); b != NULL; b = b->b_hash_next) {
		if (b->b_block == block) {
			b->b_dirty = false;
			buf_unhash(fs, b);
			return;
		}
	}
}

/* Writes every dirty buffer; returns the first error, after trying all. */
int
ext2_buf_sync(struct ext2_fs *fs)
{
	struct ext2_buf *b;
	int error, first = 0;

	for (b = fs->fs_buf_lru.b_lru_next; b != &fs->fs_buf_lru; b = b->b_lru_next) {
		if (!b->b_dirty)
			continue;
		error = buf_write(fs, b);
		if (first == 0)
			first = error;
	}
	return first;
}

void
ext2_buf_destroy(struct ext2_fs *fs)
{
	struct ext2_buf *b, *next;

	for (b = fs->fs_buf_lru.b_lru_next; b != &fs->fs_buf_lru; b = next) {
		next = b->b_lru_next;
		free(b->b_data);
		free(b);
	}
}
