/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: create, link, unlink, rename and their links-count bookkeeping.
 *
 * LOCKS     the caller's, held over each whole operation: names and counts change together
 * TESTS     tests/unit/ext2
 *
 * Order on disk is not kept within an operation; a crash leaves at worst what e2fsck repairs
 * without loss of anything synced.
 */
#include "ext2.h"

#include <string.h>

#include "../linux.h"

/* Deeper than this no honest directory is; a cycle in a hostile image ends here. */
#define DEPTH_MAX	65536

static bool
is_dir(const struct ext2_inode *ip)
{
	return (ip->ei_d.i_mode & LX_S_IFMT) == LX_S_IFDIR;
}

/* May names be changed in this directory? */
static int
dir_writable(struct ext2_inode *dir, const char *name, size_t len)
{
	if (dir->ei_fs->fs_readonly)
		return -LX_EROFS;
	if (!is_dir(dir))
		return -LX_ENOTDIR;
	if (len > EXT2_NAME_MAX)
		return -LX_ENAMETOOLONG;
	if (len == 0 || dir->ei_d.i_links_count == 0)
		return -LX_ENOENT;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return -LX_EINVAL;
	return 0;
}

static void
links_add(struct ext2_inode *ip, int delta)
{
	int n = ip->ei_d.i_links_count + delta;

	ip->ei_d.i_links_count = (uint16_t)(n < 0 ? 0 : n);
	ip->ei_dirty = true;
}

/* => returns a reference; -LX_ENOENT */
int
ext2_lookup(struct ext2_inode *dir, const char *name, size_t len, struct ext2_inode **ipp)
{
	struct ext2_dir_pos pos;
	int error;

	if (!is_dir(dir))
		return -LX_ENOTDIR;
	if (len > EXT2_NAME_MAX)
		return -LX_ENAMETOOLONG;
	error = ext2_dir_lookup(dir, name, len, &pos);
	if (error != 0)
		return error;
	return ext2_inode_get(dir->ei_fs, pos.dp_ino, ipp);
}

/* A new inode with its name; fill makes its contents before the name appears. */
static int
name_new(struct ext2_inode *dir, const char *name, size_t len, uint32_t mode, uint32_t uid,
    uint32_t gid, int (*fill)(struct ext2_inode *ip, const void *arg, size_t n),
    const void *arg, size_t n, struct ext2_inode **ipp)
{
	struct ext2_dir_pos pos;
	struct ext2_inode *ip;
	int error;

	error = dir_writable(dir, name, len);
	if (error != 0)
		return error == -LX_EINVAL ? -LX_EEXIST : error;
	error = ext2_dir_lookup(dir, name, len, &pos);
	if (error != -LX_ENOENT)
		return error == 0 ? -LX_EEXIST : error;
	if ((mode & LX_S_IFMT) == LX_S_IFDIR && dir->ei_d.i_links_count >= EXT2_LINK_MAX)
		return -LX_EMLINK;
	error = ext2_inode_new(dir, mode, uid, gid, &ip);
	if (error != 0)
		return error;
	if (fill != NULL)
		error = fill(ip, arg, n);
	if (error == 0)
		error = ext2_dir_add(dir, name, len, ip->ei_ino, mode);
	if (error != 0) {
		ext2_inode_put(ip);	/* no link: frees everything */
		return error;
	}
	links_add(ip, 1);
	*ipp = ip;
	return 0;
}

static int
fill_dir(struct ext2_inode *ip, const void *arg, size_t n)
{
	(void)n;
	return ext2_dir_make(ip, *(const uint32_t *)arg);
}

static int
fill_rdev(struct ext2_inode *ip, const void *arg, size_t n)
{
	(void)n;
	ext2_rdev_set(ip, *(const uint64_t *)arg);
	return 0;
}

static int
fill_symlink(struct ext2_inode *ip, const void *arg, size_t n)
{
	struct ext2_fs *fs = ip->ei_fs;
	int error;

	if (n < sizeof(ip->ei_d.i_block)) {
		memcpy(ip->ei_d.i_block, arg, n);
	} else {
		uint8_t nul = 0;

		/* A link block is zero after the text, as the checkers want it. */
		error = ext2_data_write(ip, 0, arg, n);
		if (error == 0 && n < fs->fs_bsize)
			error = ext2_data_write(ip, n, &nul, 1);
		if (error != 0)
			return error;
	}
	ext2_size_set(ip, n);
	return 0;
}

/*
 * A new file, directory, fifo, socket or device node.
 * => returns a reference
 */
int
ext2_create(struct ext2_inode *dir, const char *name, size_t len, uint32_t mode, uint32_t uid,
    uint32_t gid, uint64_t rdev, struct ext2_inode **ipp)
{
	int error;

	switch (mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		error = name_new(dir, name, len, mode, uid, gid, fill_dir, &dir->ei_ino, 0, ipp);
		if (error == 0) {
			links_add(*ipp, 1);	/* its own "." */
			links_add(dir, 1);	/* its ".." */
		}
		return error;
	case LX_S_IFCHR:
	case LX_S_IFBLK:
		return name_new(dir, name, len, mode, uid, gid, fill_rdev, &rdev, 0, ipp);
	case LX_S_IFREG:
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		return name_new(dir, name, len, mode, uid, gid, NULL, NULL, 0, ipp);
	default:
		return -LX_EINVAL;
	}
}

int
ext2_symlink(struct ext2_inode *dir, const char *name, size_t len, const char *target,
    size_t tlen, uint32_t uid, uint32_t gid, struct ext2_inode **ipp)
{
	if (tlen == 0)
		return -LX_ENOENT;
	if (tlen >= dir->ei_fs->fs_bsize || tlen >= LX_PATH_MAX)
		return -LX_ENAMETOOLONG;
	return name_new(dir, name, len, LX_S_IFLNK | 0777, uid, gid, fill_symlink, target, tlen,
	    ipp);
}

/* => returns the length, cut to size */
int
ext2_readlink(struct ext2_inode *ip, char *buf, size_t size)
{
	uint64_t len = ext2_size(ip);
	uint32_t acl = ip->ei_d.i_file_acl != 0 ? ip->ei_fs->fs_bsize / 512 : 0;
	bool hole;
	int error;

	if ((ip->ei_d.i_mode & LX_S_IFMT) != LX_S_IFLNK)
		return -LX_EINVAL;
	if (len < size)
		size = len;
	if (ip->ei_d.i_blocks <= acl) {
		if (len >= sizeof(ip->ei_d.i_block))
			return ext2_corrupt(ip->ei_fs);
		memcpy(buf, ip->ei_d.i_block, size);
	} else {
		error = ext2_data_read(ip, 0, buf, size, &hole);
		if (error != 0)
			return error;
	}
	if (memchr(buf, 0, size) != NULL)
		return ext2_corrupt(ip->ei_fs);
	return (int)size;
}

int
ext2_link(struct ext2_inode *dir, const char *name, size_t len, struct ext2_inode *ip)
{
	struct ext2_dir_pos pos;
	int error;

	error = dir_writable(dir, name, len);
	if (error != 0)
		return error == -LX_EINVAL ? -LX_EEXIST : error;
	if (is_dir(ip))
		return -LX_EPERM;
	error = ext2_dir_lookup(dir, name, len, &pos);
	if (error != -LX_ENOENT)
		return error == 0 ? -LX_EEXIST : error;
	if (ip->ei_d.i_links_count == 0)
		return -LX_ENOENT;
	if (ip->ei_d.i_links_count >= EXT2_LINK_MAX)
		return -LX_EMLINK;
	error = ext2_dir_add(dir, name, len, ip->ei_ino, ip->ei_d.i_mode);
	if (error != 0)
		return error;
	links_add(ip, 1);
	ext2_touch(ip, EXT2_CTIME);
	return 0;
}

int
ext2_unlink(struct ext2_inode *dir, const char *name, size_t len)
{
	struct ext2_dir_pos pos;
	struct ext2_inode *ip;
	int error;

	error = dir_writable(dir, name, len);
	if (error != 0)
		return error == -LX_EINVAL ? -LX_EISDIR : error;
	error = ext2_dir_lookup(dir, name, len, &pos);
	if (error != 0)
		return error;
	error = ext2_inode_get(dir->ei_fs, pos.dp_ino, &ip);
	if (error != 0)
		return error;
	if (is_dir(ip))
		error = -LX_EISDIR;
	else
		error = ext2_dir_remove(dir, &pos);
	if (error == 0) {
		links_add(ip, -1);
		ext2_touch(ip, EXT2_CTIME);
	}
	ext2_inode_put(ip);
	return error;
}

/* The directory loses its name: its own two links and its parent's third are gone. */
static void
dir_bury(struct ext2_inode *parent, struct ext2_inode *dir)
{
	dir->ei_d.i_links_count = 0;
	dir->ei_dirty = true;
	ext2_touch(dir, EXT2_CTIME);
	if (parent->ei_d.i_links_count > 2)
		links_add(parent, -1);
	else
		(void)ext2_corrupt(parent->ei_fs);
}

int
ext2_rmdir(struct ext2_inode *dir, const char *name, size_t len)
{
	struct ext2_dir_pos pos;
	struct ext2_inode *ip;
	int error;

	error = dir_writable(dir, name, len);
	if (error == -LX_EINVAL)
		return len == 1 ? -LX_EINVAL : -LX_ENOTEMPTY;
	if (error != 0)
		return error;
	error = ext2_dir_lookup(dir, name, len, &pos);
	if (error != 0)
		return error;
	error = ext2_inode_get(dir->ei_fs, pos.dp_ino, &ip);
	if (error != 0)
		return error;
	if (ip == dir || ip->ei_ino == EXT2_ROOT_INO) {
		error = ext2_corrupt(dir->ei_fs);
	} else if (!is_dir(ip)) {
		error = -LX_ENOTDIR;
	} else {
		error = ext2_dir_empty(ip);
		if (error >= 0)
			error = error == 0 ? -LX_ENOTEMPTY : ext2_dir_remove(dir, &pos);
	}
	if (error == 0)
		dir_bury(dir, ip);
	ext2_inode_put(ip);
	return error;
}

/* Is `dir' `top' or somewhere below it?  1 yes, 0 no, or an error. */
static int
dir_below(struct ext2_inode *dir, struct ext2_inode *top)
{
	struct ext2_inode *ip = dir, *up;
	struct ext2_dir_pos pos;
	int error, depth;

	ext2_inode_ref(ip);
	for (depth = 0; depth < DEPTH_MAX; depth++) {
		if (ip == top || ip->ei_ino == EXT2_ROOT_INO) {
			error = ip == top;
			ext2_inode_put(ip);
			return error;
		}
		error = ext2_dir_lookup(ip, "..", 2, &pos);
		if (error == 0)
			error = ext2_inode_get(ip->ei_fs, pos.dp_ino, &up);
		if (error == 0 && !is_dir(up)) {
			ext2_inode_put(up);
			error = -LX_ENOENT;
		}
		ext2_inode_put(ip);
		if (error != 0)
			return error == -LX_ENOENT ? ext2_corrupt(dir->ei_fs) : error;
		ip = up;
	}
	ext2_inode_put(ip);
	return ext2_corrupt(dir->ei_fs);
}

/* Everything a rename looks at; references held by rename_find()'s caller. */
struct rename {
	struct ext2_inode	*r_fdir, *r_tdir;
	const char		*r_fname, *r_tname;
	size_t			r_flen, r_tlen;
	struct ext2_inode	*r_from, *r_to;	/* r_to null: the name is free */
	struct ext2_dir_pos	r_fpos, r_tpos;
};

static int
rename_find(struct rename *r)
{
	int error;

	error = ext2_dir_lookup(r->r_fdir, r->r_fname, r->r_flen, &r->r_fpos);
	if (error == 0)
		error = ext2_inode_get(r->r_fdir->ei_fs, r->r_fpos.dp_ino, &r->r_from);
	if (error != 0)
		return error;
	error = ext2_dir_lookup(r->r_tdir, r->r_tname, r->r_tlen, &r->r_tpos);
	if (error == 0)
		error = ext2_inode_get(r->r_tdir->ei_fs, r->r_tpos.dp_ino, &r->r_to);
	return error == -LX_ENOENT ? 0 : error;
}

/* => 1 there is nothing to do, 0 go on, or an error */
static int
rename_check(struct rename *r, unsigned flags)
{
	bool exchange = (flags & LX_RENAME_EXCHANGE) != 0;
	int error;

	if (exchange && r->r_to == NULL)
		return -LX_ENOENT;
	if ((flags & LX_RENAME_NOREPLACE) && r->r_to != NULL)
		return -LX_EEXIST;
	if (r->r_from == r->r_to)
		return 1;
	/* A directory must not become its own ancestor. */
	if (is_dir(r->r_from) && r->r_fdir != r->r_tdir) {
		error = dir_below(r->r_tdir, r->r_from);
		if (error != 0)
			return error < 0 ? error : -LX_EINVAL;
	}
	if (r->r_from == r->r_tdir)
		return -LX_EINVAL;
	if (r->r_to == r->r_fdir)
		return exchange ? -LX_EINVAL : -LX_ENOTEMPTY;
	if (exchange) {
		if (is_dir(r->r_to) && r->r_fdir != r->r_tdir) {
			error = dir_below(r->r_fdir, r->r_to);
			if (error != 0)
				return error < 0 ? error : -LX_EINVAL;
		}
		return 0;
	}
	if (r->r_to != NULL) {
		if (is_dir(r->r_from) && !is_dir(r->r_to))
			return -LX_ENOTDIR;
		if (!is_dir(r->r_from) && is_dir(r->r_to))
			return -LX_EISDIR;
		if (is_dir(r->r_to)) {
			error = ext2_dir_empty(r->r_to);
			if (error <= 0)
				return error < 0 ? error : -LX_ENOTEMPTY;
		}
	} else if (is_dir(r->r_from) && r->r_fdir != r->r_tdir &&
	    r->r_tdir->ei_d.i_links_count >= EXT2_LINK_MAX) {
		return -LX_EMLINK;
	}
	return 0;
}

/* The directory moved: its ".." names the new parent, which gains the link the old one loses. */
static int
reparent(struct ext2_inode *dir, struct ext2_inode *from, struct ext2_inode *to)
{
	struct ext2_dir_pos pos;
	int error;

	if (!is_dir(dir) || from == to)
		return 0;
	error = ext2_dir_lookup(dir, "..", 2, &pos);
	if (error == 0)
		error = ext2_dir_set(dir, &pos, to->ei_ino, LX_S_IFDIR);
	if (error != 0)
		return error == -LX_ENOENT ? ext2_corrupt(dir->ei_fs) : error;
	links_add(from, -1);
	links_add(to, 1);
	return 0;
}

static int
rename_exchange(struct rename *r)
{
	int error;

	error = ext2_dir_set(r->r_tdir, &r->r_tpos, r->r_from->ei_ino, r->r_from->ei_d.i_mode);
	if (error == 0)
		error = ext2_dir_set(r->r_fdir, &r->r_fpos, r->r_to->ei_ino,
		    r->r_to->ei_d.i_mode);
	if (error == 0)
		error = reparent(r->r_from, r->r_fdir, r->r_tdir);
	if (error == 0)
		error = reparent(r->r_to, r->r_tdir, r->r_fdir);
	ext2_touch(r->r_from, EXT2_CTIME);
	ext2_touch(r->r_to, EXT2_CTIME);
	return error;
}

static int
rename_do(struct rename *r)
{
	int error;

	if (r->r_to != NULL)
		error = ext2_dir_set(r->r_tdir, &r->r_tpos, r->r_from->ei_ino,
		    r->r_from->ei_d.i_mode);
	else
		error = ext2_dir_add(r->r_tdir, r->r_tname, r->r_tlen, r->r_from->ei_ino,
		    r->r_from->ei_d.i_mode);
	if (error != 0)
		return error;
	/* The entry may have been moved by the addition: look again. */
	error = ext2_dir_lookup(r->r_fdir, r->r_fname, r->r_flen, &r->r_fpos);
	if (error == 0)
		error = ext2_dir_remove(r->r_fdir, &r->r_fpos);
	if (error != 0)
		return error;
	if (r->r_to != NULL) {
		if (is_dir(r->r_to)) {
			dir_bury(r->r_tdir, r->r_to);
		} else {
			links_add(r->r_to, -1);
			ext2_touch(r->r_to, EXT2_CTIME);
		}
	}
	ext2_touch(r->r_from, EXT2_CTIME);
	return reparent(r->r_from, r->r_fdir, r->r_tdir);
}

/*
 * => -LX_EINVAL for unknown flags, "." and ".." (as the walk above should have refused already)
 */
int
ext2_rename(struct ext2_inode *fdir, const char *fname, size_t flen, struct ext2_inode *tdir,
    const char *tname, size_t tlen, unsigned flags)
{
	struct rename r = {
		.r_fdir = fdir, .r_fname = fname, .r_flen = flen,
		.r_tdir = tdir, .r_tname = tname, .r_tlen = tlen,
	};
	int error;

	if ((flags & ~(unsigned)(LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE)) != 0 ||
	    flags == (LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE))
		return -LX_EINVAL;
	error = dir_writable(fdir, fname, flen);
	if (error == 0)
		error = dir_writable(tdir, tname, tlen);
	if (error != 0)
		return error == -LX_EINVAL ? -LX_EBUSY : error;
	error = rename_find(&r);
	if (error == 0)
		error = rename_check(&r, flags);
	if (error == 0)
		error = flags & LX_RENAME_EXCHANGE ? rename_exchange(&r) : rename_do(&r);
	else if (error > 0)
		error = 0;
	if (r.r_to != NULL)
		ext2_inode_put(r.r_to);
	if (r.r_from != NULL)
		ext2_inode_put(r.r_from);
	return error;
}
