/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, the file system of the disk, over a block interface of two calls.
 *
 * OBJECT    struct ext2_fs (a mounted image), struct ext2_inode (an inode in use, one per number).
 * REFS      ext2_inode_get() and the create calls return a reference; ext2_inode_put() of the
 *           last one writes the inode back, or frees inode and blocks when no link is left.
 * LOCKS     none of its own: the caller serialises all calls on one file system (the node layer
 *           holds the file system's mutex).  No call here touches memory that a pager serves.
 * ERRORS    0 or a count, or -LX_E...; -LX_EUCLEAN where the image contradicts itself, -LX_EIO
 *           where the device failed.  Nothing read from the image is trusted before it is checked.
 * TESTS     tests/unit/ext2 (models, e2fsck as judge, corrupted images)
 */
#ifndef UNIX_FS_EXT2_H
#define UNIX_FS_EXT2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ext2_disk.h"

/* The device under the file system: byte offsets, whole transfers; 0 or -LX_E.... */
struct ext2_dev {
	int		(*dev_read)(struct ext2_dev *dev, uint64_t off, void *buf, size_t len);
	int		(*dev_write)(struct ext2_dev *dev, uint64_t off, const void *buf,
			    size_t len);
	uint64_t	dev_size;
	bool		dev_readonly;
};

struct ext2_buf {
	struct ext2_buf	*b_hash_next;
	struct ext2_buf	*b_lru_next;
	struct ext2_buf	*b_lru_prev;
	uint32_t	b_block;
	uint32_t	b_pins;
	bool		b_dirty;
	bool		b_hashed;
	uint8_t		*b_data;
};

#define EXT2_BUF_HASH	512
#define EXT2_INODE_HASH	256

struct ext2_inode;

struct ext2_fs {
	/* Immutable after mount. */
	struct ext2_dev	*fs_dev;
	void		(*fs_now)(int64_t *sec, uint32_t *nsec);
	uint32_t	fs_bsize;
	uint32_t	fs_bshift;
	uint32_t	fs_ngroups;
	uint32_t	fs_inode_size;
	uint32_t	fs_first_ino;
	uint32_t	fs_ptrs;	/* block numbers in an indirect block */
	uint64_t	fs_max_size;	/* largest file the block tree can hold */
	bool		fs_readonly;
	/* Caller's lock. */
	struct ext2_super fs_super;
	struct ext2_group *fs_groups;
	bool		fs_super_dirty;
	bool		fs_groups_dirty;
	bool		fs_broken;	/* the image contradicted itself: e2fsck is due */
	struct ext2_inode *fs_inodes[EXT2_INODE_HASH];
	struct ext2_buf	*fs_buf_hash[EXT2_BUF_HASH];
	struct ext2_buf	fs_buf_lru;	/* head: next = newest */
	uint32_t	fs_buf_count;
	uint32_t	fs_buf_max;
};

/* Fields guarded by the caller's lock; ei_fs, ei_ino fixed. */
struct ext2_inode {
	struct ext2_fs	*ei_fs;
	uint32_t	ei_ino;
	uint32_t	ei_refs;
	struct ext2_inode *ei_hash_next;
	struct ext2_dinode ei_d;
	bool		ei_dirty;
	uint32_t	ei_last_block;	/* where the last block was allocated: locality */
	uint64_t	ei_fresh_first;	/* blocks [first, end) are allocated but never written: */
	uint64_t	ei_fresh_end;	/* they read as zeroes whatever the device holds */
	void		*ei_node;	/* the node layer's object, not looked at here */
};

/* ext2_buf.c */
int ext2_buf_get(struct ext2_fs *fs, uint32_t block, struct ext2_buf **bp);
int ext2_buf_new(struct ext2_fs *fs, uint32_t block, struct ext2_buf **bp);
void ext2_buf_put(struct ext2_buf *b);
void ext2_buf_forget(struct ext2_fs *fs, uint32_t block);
int ext2_buf_sync(struct ext2_fs *fs);
void ext2_buf_destroy(struct ext2_fs *fs);

/* ext2_super.c */
int ext2_mount(struct ext2_dev *dev, bool readonly,
    void (*now)(int64_t *sec, uint32_t *nsec), struct ext2_fs **fsp);
int ext2_sync(struct ext2_fs *fs);
int ext2_unmount(struct ext2_fs *fs);
int ext2_corrupt(struct ext2_fs *fs);
bool ext2_block_valid(struct ext2_fs *fs, uint32_t block);
uint32_t ext2_group_blocks(const struct ext2_fs *fs, uint32_t group);

/* ext2_alloc.c */
int ext2_block_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *blockp);
int ext2_block_free(struct ext2_fs *fs, uint32_t block);
int ext2_ino_alloc(struct ext2_fs *fs, uint32_t parent, bool dir, uint32_t *inop);
int ext2_ino_free(struct ext2_fs *fs, uint32_t ino, bool dir);

/* ext2_inode.c */
int ext2_inode_get(struct ext2_fs *fs, uint32_t ino, struct ext2_inode **ipp);
int ext2_inode_new(struct ext2_inode *dir, uint32_t mode, uint32_t uid, uint32_t gid,
    struct ext2_inode **ipp);
void ext2_inode_ref(struct ext2_inode *ip);
void ext2_inode_put(struct ext2_inode *ip);
int ext2_inode_write(struct ext2_inode *ip);
int ext2_inode_sync_all(struct ext2_fs *fs);
uint64_t ext2_size(const struct ext2_inode *ip);
void ext2_size_set(struct ext2_inode *ip, uint64_t size);
void ext2_time_set(struct ext2_inode *ip, int which, int64_t sec, uint32_t nsec);
void ext2_time_get(const struct ext2_inode *ip, int which, int64_t *sec, uint32_t *nsec);
void ext2_touch(struct ext2_inode *ip, int which);
uint64_t ext2_rdev_get(const struct ext2_inode *ip);
void ext2_rdev_set(struct ext2_inode *ip, uint64_t dev);

#define EXT2_ATIME	1
#define EXT2_MTIME	2
#define EXT2_CTIME	4

/* ext2_bmap.c */
int ext2_bmap(struct ext2_inode *ip, uint64_t lblock, bool create, uint32_t *blockp, bool *newp);
int ext2_truncate(struct ext2_inode *ip, uint64_t size);
int ext2_punch(struct ext2_inode *ip, uint64_t first, uint64_t end);
int ext2_seek(struct ext2_inode *ip, uint64_t off, bool hole, uint64_t *offp);
int ext2_data_read(struct ext2_inode *ip, uint64_t off, void *buf, size_t len, bool *holep);
int ext2_data_write(struct ext2_inode *ip, uint64_t off, const void *buf, size_t len);
int ext2_data_reserve(struct ext2_inode *ip, uint64_t off, uint64_t len);
int ext2_fresh_settle(struct ext2_inode *ip);

/* ext2_dir.c */
struct ext2_dir_pos {
	uint64_t	dp_off;		/* of the entry in the directory */
	uint64_t	dp_prev;	/* of the entry before it in the block, or dp_off */
	uint32_t	dp_ino;
};
int ext2_dir_lookup(struct ext2_inode *dir, const char *name, size_t len,
    struct ext2_dir_pos *pos);
int ext2_dir_add(struct ext2_inode *dir, const char *name, size_t len, uint32_t ino,
    uint32_t mode);
int ext2_dir_remove(struct ext2_inode *dir, const struct ext2_dir_pos *pos);
int ext2_dir_set(struct ext2_inode *dir, const struct ext2_dir_pos *pos, uint32_t ino,
    uint32_t mode);
int ext2_dir_make(struct ext2_inode *dir, uint32_t parent);
int ext2_dir_empty(struct ext2_inode *dir);
/* Calls emit for each entry from *off on; emit returns false to stop before that entry. */
int ext2_dir_read(struct ext2_inode *dir, uint64_t *off,
    bool (*emit)(void *arg, uint32_t ino, const char *name, size_t len, uint8_t type,
    uint64_t next), void *arg);

/* ext2_name.c */
int ext2_lookup(struct ext2_inode *dir, const char *name, size_t len, struct ext2_inode **ipp);
int ext2_create(struct ext2_inode *dir, const char *name, size_t len, uint32_t mode,
    uint32_t uid, uint32_t gid, uint64_t rdev, struct ext2_inode **ipp);
int ext2_symlink(struct ext2_inode *dir, const char *name, size_t len, const char *target,
    size_t tlen, uint32_t uid, uint32_t gid, struct ext2_inode **ipp);
int ext2_readlink(struct ext2_inode *ip, char *buf, size_t size);
int ext2_link(struct ext2_inode *dir, const char *name, size_t len, struct ext2_inode *ip);
int ext2_unlink(struct ext2_inode *dir, const char *name, size_t len);
int ext2_rmdir(struct ext2_inode *dir, const char *name, size_t len);
int ext2_rename(struct ext2_inode *fdir, const char *fname, size_t flen,
    struct ext2_inode *tdir, const char *tname, size_t tlen, unsigned flags);

#endif
