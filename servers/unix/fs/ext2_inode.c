/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in use: one object a number, checked when read, written back when dirty.
 *
 * OBJECT    struct ext2_inode, hashed by number in its file system
 * STATES    linked; unlinked but referenced (links 0, blocks still there: the orphan rule); freed
 * REFS      ei_refs; ext2_inode_put() of the last reference writes or frees
 * LOCKS     the caller's
 * TESTS     tests/unit/ext2
 */
#include "ext2.h"

#include <stdlib.h>
#include <string.h>

#include "../linux.h"

#define EXTRA_ISIZE	32	/* what we fill in beyond the first 128 bytes */

static size_t
dinode_len(const struct ext2_fs *fs)
{
	return fs->fs_inode_size < sizeof(struct ext2_dinode) ? fs->fs_inode_size :
	    sizeof(struct ext2_dinode);
}

/* The pinned buffer that holds the inode, and where in it. */
static int
inode_slot(struct ext2_fs *fs, uint32_t ino, struct ext2_buf **bp, uint32_t *offp)
{
	uint32_t group = (ino - 1) / fs->fs_super.s_inodes_per_group;
	uint64_t byte = (uint64_t)((ino - 1) % fs->fs_super.s_inodes_per_group) *
	    fs->fs_inode_size;

	*offp = (uint32_t)(byte & (fs->fs_bsize - 1));
	return ext2_buf_get(fs, fs->fs_groups[group].bg_inode_table +
	    (uint32_t)(byte >> fs->fs_bshift), bp);
}

static struct ext2_inode **
inode_bucket(struct ext2_fs *fs, uint32_t ino)
{
	return &fs->fs_inodes[ino & (EXT2_INODE_HASH - 1)];
}

static void
inode_unhash(struct ext2_inode *ip)
{
	struct ext2_inode **ipp = inode_bucket(ip->ei_fs, ip->ei_ino);

	while (*ipp != ip)
		ipp = &(*ipp)->ei_hash_next;
	*ipp = ip->ei_hash_next;
}

static int
inode_check(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->ei_fs;
	const struct ext2_dinode *d = &ip->ei_d;

	if (d->i_links_count == 0)
		return ext2_corrupt(fs);
	if (fs->fs_inode_size > 128 && d->i_extra_isize > fs->fs_inode_size - 128)
		return ext2_corrupt(fs);
	switch (d->i_mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		if (d->i_size == 0 || (d->i_size & (fs->fs_bsize - 1)) != 0 ||
		    d->i_size_high != 0 || d->i_size >> fs->fs_bshift >
		    fs->fs_super.s_blocks_count)
			return ext2_corrupt(fs);
		return 0;
	case LX_S_IFREG:
		return ext2_size(ip) > fs->fs_max_size ? ext2_corrupt(fs) : 0;
	case LX_S_IFLNK:
		return d->i_size == 0 || d->i_size >= LX_PATH_MAX || d->i_size > fs->fs_bsize ?
		    ext2_corrupt(fs) : 0;
	case LX_S_IFCHR:
	case LX_S_IFBLK:
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		return 0;
	default:
		return ext2_corrupt(fs);
	}
}

static struct ext2_inode *
inode_alloc(struct ext2_fs *fs, uint32_t ino)
{
	struct ext2_inode *ip, **head = inode_bucket(fs, ino);

	ip = calloc(1, sizeof(*ip));
	if (ip == NULL)
		return NULL;
	ip->ei_fs = fs;
	ip->ei_ino = ino;
	ip->ei_refs = 1;
	ip->ei_hash_next = *head;
	*head = ip;
	return ip;
}

/*
 * => returns a reference to the inode; -LX_EUCLEAN when the number or the inode makes no sense
 */
int
ext2_inode_get(struct ext2_fs *fs, uint32_t ino, struct ext2_inode **ipp)
{
	struct ext2_inode *ip;
	struct ext2_buf *b;
	uint32_t off;
	int error;

	if ((ino != EXT2_ROOT_INO && ino < fs->fs_first_ino) || ino > fs->fs_super.s_inodes_count)
		return ext2_corrupt(fs);
	for (ip = *inode_bucket(fs, ino); ip != NULL; ip = ip->ei_hash_next) {
		if (ip->ei_ino == ino) {
			ip->ei_refs++;
			*ipp = ip;
			return 0;
		}
	}
	error = inode_slot(fs, ino, &b, &off);
	if (error != 0)
		return error;
	ip = inode_alloc(fs, ino);
	if (ip == NULL) {
		ext2_buf_put(b);
		return -LX_ENOMEM;
	}
	memcpy(&ip->ei_d, b->b_data + off, dinode_len(fs));
	ext2_buf_put(b);
	error = inode_check(ip);
	if (error != 0) {
		inode_unhash(ip);
		free(ip);
		return error;
	}
	*ipp = ip;
	return 0;
}

/*
 * A new inode with no links yet, near the directory it will be entered in.
 * => returns a reference; the caller raises i_links_count once the name is there, or puts it
 */
int
ext2_inode_new(struct ext2_inode *dir, uint32_t mode, uint32_t uid, uint32_t gid,
    struct ext2_inode **ipp)
{
	struct ext2_fs *fs = dir->ei_fs;
	bool isdir = (mode & LX_S_IFMT) == LX_S_IFDIR;
	struct ext2_inode *ip;
	struct ext2_buf *b;
	uint32_t ino, off;
	int error;

	error = ext2_ino_alloc(fs, dir->ei_ino, isdir, &ino);
	if (error != 0)
		return error;
	for (ip = *inode_bucket(fs, ino); ip != NULL; ip = ip->ei_hash_next) {
		if (ip->ei_ino == ino)
			return ext2_corrupt(fs);	/* free in the bitmap, yet in use */
	}
	error = inode_slot(fs, ino, &b, &off);
	if (error != 0) {
		(void)ext2_ino_free(fs, ino, isdir);
		return error;
	}
	memset(b->b_data + off, 0, fs->fs_inode_size);
	b->b_dirty = true;
	ext2_buf_put(b);
	ip = inode_alloc(fs, ino);
	if (ip == NULL) {
		(void)ext2_ino_free(fs, ino, isdir);
		return -LX_ENOMEM;
	}
	ip->ei_d.i_mode = (uint16_t)mode;
	ip->ei_d.i_uid = (uint16_t)uid;
	ip->ei_d.i_uid_high = (uint16_t)(uid >> 16);
	ip->ei_d.i_gid = (uint16_t)gid;
	ip->ei_d.i_gid_high = (uint16_t)(gid >> 16);
	if (fs->fs_inode_size > 128)
		ip->ei_d.i_extra_isize = EXTRA_ISIZE;
	ext2_touch(ip, EXT2_ATIME | EXT2_MTIME | EXT2_CTIME);
	*ipp = ip;
	return 0;
}

void
ext2_inode_ref(struct ext2_inode *ip)
{
	ip->ei_refs++;
}

/* The attribute block is shared by count; the last owner frees it. */
static void
xattr_release(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->ei_fs;
	uint32_t block = ip->ei_d.i_file_acl;
	struct ext2_xattr_header *h;
	struct ext2_buf *b;

	if (block == 0)
		return;
	ip->ei_d.i_file_acl = 0;
	if (!ext2_block_valid(fs, block)) {
		ext2_corrupt(fs);
		return;
	}
	if (ext2_buf_get(fs, block, &b) != 0)
		return;
	h = (struct ext2_xattr_header *)(void *)b->b_data;
	if (h->h_magic == EXT2_XATTR_MAGIC && h->h_refcount > 1) {
		h->h_refcount--;
		b->b_dirty = true;
		ext2_buf_put(b);
		return;
	}
	ext2_buf_put(b);
	(void)ext2_block_free(fs, block);
}

static void
inode_destroy(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->ei_fs;
	bool isdir = (ip->ei_d.i_mode & LX_S_IFMT) == LX_S_IFDIR;
	int64_t sec;
	uint32_t nsec;

	if (fs->fs_readonly)
		return;
	(void)ext2_truncate(ip, 0);
	xattr_release(ip);
	fs->fs_now(&sec, &nsec);
	ip->ei_d.i_dtime = (uint32_t)sec;
	ip->ei_d.i_size = ip->ei_d.i_size_high = 0;
	(void)ext2_inode_write(ip);
	(void)ext2_ino_free(fs, ip->ei_ino, isdir);
}

void
ext2_inode_put(struct ext2_inode *ip)
{
	if (--ip->ei_refs > 0)
		return;
	if (ip->ei_d.i_links_count == 0) {
		inode_destroy(ip);
	} else {
		(void)ext2_fresh_settle(ip);
		if (ip->ei_dirty)
			(void)ext2_inode_write(ip);
	}
	inode_unhash(ip);
	free(ip);
}

int
ext2_inode_write(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->ei_fs;
	struct ext2_buf *b;
	uint32_t off;
	int error;

	if (fs->fs_readonly)
		return 0;
	error = inode_slot(fs, ip->ei_ino, &b, &off);
	if (error != 0)
		return error;
	memcpy(b->b_data + off, &ip->ei_d, dinode_len(fs));
	b->b_dirty = true;
	ext2_buf_put(b);
	ip->ei_dirty = false;
	return 0;
}

int
ext2_inode_sync_all(struct ext2_fs *fs)
{
	struct ext2_inode *ip;
	int i, error, first = 0;

	for (i = 0; i < EXT2_INODE_HASH; i++) {
		for (ip = fs->fs_inodes[i]; ip != NULL; ip = ip->ei_hash_next) {
			if (!ip->ei_dirty)
				continue;
			error = ext2_inode_write(ip);
			if (first == 0)
				first = error;
		}
	}
	return first;
}

uint64_t
ext2_size(const struct ext2_inode *ip)
{
	uint64_t size = ip->ei_d.i_size;

	if ((ip->ei_d.i_mode & LX_S_IFMT) == LX_S_IFREG)
		size |= (uint64_t)ip->ei_d.i_size_high << 32;
	return size;
}

void
ext2_size_set(struct ext2_inode *ip, uint64_t size)
{
	struct ext2_super *s = &ip->ei_fs->fs_super;

	ip->ei_d.i_size = (uint32_t)size;
	if ((ip->ei_d.i_mode & LX_S_IFMT) == LX_S_IFREG) {
		ip->ei_d.i_size_high = (uint32_t)(size >> 32);
		if (size > 0x7fffffff && !(s->s_feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE)) {
			s->s_feature_ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
			ip->ei_fs->fs_super_dirty = true;
		}
	}
	ip->ei_dirty = true;
}

/* Is the 32-bit field at `end' bytes into the inode kept on this disk? */
static bool
extra_fits(const struct ext2_inode *ip, size_t end)
{
	return ip->ei_fs->fs_inode_size > 128 && 128u + ip->ei_d.i_extra_isize >= end;
}

static void
time_put(struct ext2_inode *ip, uint32_t *low, uint32_t *extra, size_t end, int64_t sec,
    uint32_t nsec)
{
	*low = (uint32_t)sec;
	if (extra_fits(ip, end))
		*extra = (uint32_t)(((sec - (int32_t)sec) >> 32) & 3) | nsec << 2;
}

/* Sets the times named in `which' to one instant. */
void
ext2_time_set(struct ext2_inode *ip, int which, int64_t sec, uint32_t nsec)
{
	struct ext2_dinode *d = &ip->ei_d;

	if (which & EXT2_ATIME)
		time_put(ip, &d->i_atime, &d->i_atime_extra,
		    offsetof(struct ext2_dinode, i_atime_extra) + 4, sec, nsec);
	if (which & EXT2_MTIME)
		time_put(ip, &d->i_mtime, &d->i_mtime_extra,
		    offsetof(struct ext2_dinode, i_mtime_extra) + 4, sec, nsec);
	if (which & EXT2_CTIME)
		time_put(ip, &d->i_ctime, &d->i_ctime_extra,
		    offsetof(struct ext2_dinode, i_ctime_extra) + 4, sec, nsec);
	ip->ei_dirty = true;
}

void
ext2_time_get(const struct ext2_inode *ip, int which, int64_t *sec, uint32_t *nsec)
{
	const struct ext2_dinode *d = &ip->ei_d;
	uint32_t low, extra;
	size_t end;

	if (which & EXT2_ATIME) {
		low = d->i_atime;
		extra = d->i_atime_extra;
		end = offsetof(struct ext2_dinode, i_atime_extra) + 4;
	} else if (which & EXT2_MTIME) {
		low = d->i_mtime;
		extra = d->i_mtime_extra;
		end = offsetof(struct ext2_dinode, i_mtime_extra) + 4;
	} else {
		low = d->i_ctime;
		extra = d->i_ctime_extra;
		end = offsetof(struct ext2_dinode, i_ctime_extra) + 4;
	}
	*sec = (int32_t)low;
	*nsec = 0;
	if (extra_fits(ip, end)) {
		*sec += (int64_t)(extra & 3) << 32;
		*nsec = (extra >> 2) < 1000000000u ? extra >> 2 : 0;
	}
}

void
ext2_touch(struct ext2_inode *ip, int which)
{
	int64_t sec;
	uint32_t nsec;

	if (ip->ei_fs->fs_readonly)
		return;
	ip->ei_fs->fs_now(&sec, &nsec);
	ext2_time_set(ip, which, sec, nsec);
}

/* Device numbers: the old 8:8 form in the first word, the large form in the second. */
uint64_t
ext2_rdev_get(const struct ext2_inode *ip)
{
	uint32_t old = ip->ei_d.i_block[0], new = ip->ei_d.i_block[1];

	if (old != 0)
		return lx_makedev((old >> 8) & 0xff, old & 0xff);
	return lx_makedev((new >> 8) & 0xfff, (new & 0xff) | ((new >> 12) & 0xfff00));
}

void
ext2_rdev_set(struct ext2_inode *ip, uint64_t dev)
{
	uint32_t major = lx_major(dev), minor = lx_minor(dev);

	if (major < 256 && minor < 256) {
		ip->ei_d.i_block[0] = major << 8 | minor;
		ip->ei_d.i_block[1] = 0;
	} else {
		ip->ei_d.i_block[0] = 0;
		ip->ei_d.i_block[1] = (minor & 0xff) | (major & 0xfff) << 8 |
		    (minor & 0xfff00) << 12;
	}
	ip->ei_dirty = true;
}
