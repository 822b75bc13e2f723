/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path calls: open, make, remove, rename, attributes.
 *
 * REFS     as vfs.h says; every walk is ended on every way out.
 * LOCKS    none held across operations.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "vfs_internal.h"

int
vfs_lookup(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
    struct item **out)
{
	struct walk w;
	struct item *item;
	int error;

	if (path[0] == 0 && (flags & LX_AT_EMPTY_PATH)) {
		item = start != NULL ? start : ctx->v_cwd;
		item_ref(item);
		*out = item;
		return 0;
	}
	error = walk_parent(&w, ctx, start, path);
	if (error != 0)
		return error;
	for (;;) {
		error = walk_last(&w, &item);
		if (error != 0)
			break;
		if (item->i_mode == LX_S_IFLNK && w.w_length != 0 &&
		    (w.w_slash || !(flags & LX_AT_SYMLINK_NOFOLLOW))) {
			error = walk_link(&w, item);
			if (error != 0)
				return error;
			continue;
		}
		if (w.w_slash && w.w_length != 0 && item->i_mode != LX_S_IFDIR) {
			item_rel(item);
			error = -LX_ENOTDIR;
		} else {
			*out = item;
		}
		break;
	}
	walk_end(&w);
	return error;
}

/* May names in this directory be changed, and (sticky) this item's name taken away? */
static int
may_change(const struct vfs_ctx *ctx, struct item *dir, struct item *victim)
{
	struct lx_stat d, v;
	int error;

	error = vfs_permission(ctx, dir, 3);
	if (error != 0 || victim == NULL || cred_super(ctx->v_cred))
		return error;
	error = dir->i_ops->io_getattr(dir, &d);
	if (error == 0)
		error = victim->i_ops->io_getattr(victim, &v);
	if (error != 0)
		return error;
	if ((d.st_mode & LX_S_ISVTX) && d.st_uid != ctx->v_cred->c_fsuid &&
	    v.st_uid != ctx->v_cred->c_fsuid)
		return -LX_EPERM;
	return 0;
}

/* The rules of open for an item that exists. */
static int
open_check(const struct vfs_ctx *ctx, struct item *item, uint32_t flags)
{
	uint32_t acc = flags & LX_O_ACCMODE;
	unsigned int want = acc == LX_O_RDONLY ? 4 : acc == LX_O_WRONLY ? 2 : 6;

	if ((flags & LX_O_DIRECTORY) && item->i_mode != LX_S_IFDIR)
		return -LX_ENOTDIR;
	if (flags & LX_O_PATH)
		return 0;
	if (item->i_mode == LX_S_IFLNK)
		return -LX_ELOOP;
	if (item->i_mode == LX_S_IFDIR && (acc != LX_O_RDONLY || (flags & (LX_O_CREAT |
	    LX_O_TRUNC)) != 0))
		return -LX_EISDIR;
	if (flags & LX_O_TRUNC)
		want |= 2;
	return vfs_permission(ctx, item, want);
}

/* Creates the walk's last name as a file: -LX_EEXIST when another was faster. */
static int
open_create(struct walk *w, uint32_t mode, struct item **out)
{
	struct item *dir = w->w_dir;
	int error;

	if (w->w_slash)
		return -LX_EISDIR;
	error = vfs_permission(w->w_ctx, dir, 3);
	if (error != 0)
		return error;
	if (dir->i_ops->io_make == NULL)
		return -LX_EACCES;
	return dir->i_ops->io_make(dir, w->w_name, w->w_length,
	    LX_S_IFREG | (mode & 07777 & ~w->w_ctx->v_umask), 0, w->w_ctx->v_cred, out);
}

/* The item to open.  => on failure the walk is ended */
static int
open_walk(struct walk *w, uint32_t flags, uint32_t mode, struct item **out, bool *created)
{
	bool nofollow = (flags & LX_O_NOFOLLOW) != 0 && !w->w_slash;
	struct item *item;
	int error;

	*created = false;
	for (;;) {
		error = walk_last(w, &item);
		if (error == -LX_ENOENT && (flags & LX_O_CREAT) && w->w_length != 0) {
			error = open_create(w, mode, &item);
			if (error == -LX_EEXIST && !(flags & LX_O_EXCL))
				continue;
			*created = error == 0;
			break;
		}
		if (error != 0)
			break;
		if ((flags & (LX_O_CREAT | LX_O_EXCL)) == (LX_O_CREAT | LX_O_EXCL)) {
			item_rel(item);
			error = -LX_EEXIST;
			break;
		}
		if (item->i_mode == LX_S_IFLNK && w->w_length != 0 && !nofollow) {
			error = walk_link(w, item);
			if (error != 0)
				return error;
			continue;
		}
		if (w->w_slash && w->w_length != 0 && item->i_mode != LX_S_IFDIR) {
			item_rel(item);
			error = -LX_ENOTDIR;
		}
		break;
	}
	if (error != 0)
		walk_end(w);
	else
		*out = item;
	return error;
}

int
vfs_open(const struct vfs_ctx *ctx, struct item *start, const char *path, uint32_t flags,
    uint32_t mode, struct file **out)
{
	const uint32_t once = LX_O_CREAT | LX_O_EXCL | LX_O_NOCTTY | LX_O_TRUNC | LX_O_CLOEXEC;
	struct item_attr attr = { .a_valid = ATTR_SIZE };
	struct walk w;
	struct item *item;
	bool created;
	int error;

	if (flags & LX_O_PATH)
		flags &= LX_O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW | LX_O_CLOEXEC;
	if ((flags & LX_O_TMPFILE) == LX_O_TMPFILE)
		return -LX_EOPNOTSUPP;
	if ((flags & (LX_O_CREAT | LX_O_DIRECTORY)) == (LX_O_CREAT | LX_O_DIRECTORY))
		return -LX_EINVAL;
	error = walk_parent(&w, ctx, start, path);
	if (error == 0)
		error = open_walk(&w, flags, mode, &item, &created);
	if (error != 0)
		return error;
	walk_end(&w);
	if (!created) {
		error = open_check(ctx, item, flags);
		if (error == 0 && (flags & LX_O_TRUNC) && item->i_mode == LX_S_IFREG) {
			error = item->i_ops->io_setattr == NULL ? 0 :
			    item->i_ops->io_setattr(item, &attr);
		}
	}
	if (error == 0)
		error = file_create(item, flags, path[0] == '/' ? path : NULL, out);
	if (error != 0) {
		item_rel(item);
		return error;
	}
	__atomic_and_fetch(&(*out)->f_flags, ~once, __ATOMIC_RELAXED);
	return 0;
}

/* The directory for a new name, with permission; *taken: why it cannot be made, if known. */
static int
new_name(struct walk *w, const struct vfs_ctx *ctx, struct item *start, const char *path)
{
	struct item *item;
	int error;

	error = walk_parent(w, ctx, start, path);
	if (error != 0)
		return error;
	/* What exists is EEXIST before all else. */
	error = walk_last(w, &item);
	if (error == 0) {
		item_rel(item);
		error = -LX_EEXIST;
	} else if (error == -LX_ENOENT) {
		error = may_change(ctx, w->w_dir, NULL);
	}
	if (error != 0)
		walk_end(w);
	return error;
}

int
vfs_make(const struct vfs_ctx *ctx, struct item *start, const char *path, uint32_t mode,
    uint64_t rdev)
{
	struct walk w;
	uint32_t type = mode & LX_S_IFMT;
	int error;

	if (type == 0)
		type = LX_S_IFREG;
	if (type == LX_S_IFLNK)
		return -LX_EINVAL;
	if ((type == LX_S_IFCHR || type == LX_S_IFBLK) && !cred_super(ctx->v_cred))
		return -LX_EPERM;
	error = new_name(&w, ctx, start, path);
	if (error != 0)
		return error;
	if (w.w_slash && type != LX_S_IFDIR)
		error = -LX_ENOENT;
	else if (w.w_dir->i_ops->io_make == NULL)
		error = -LX_EPERM;
	else
		error = w.w_dir->i_ops->io_make(w.w_dir, w.w_name, w.w_length, type |
		    (mode & (type == LX_S_IFDIR ? 01777 : 07777) & ~ctx->v_umask), rdev,
		    ctx->v_cred, NULL);
	walk_end(&w);
	return error;
}

int
vfs_symlink(const struct vfs_ctx *ctx, const char *target, struct item *start, const char *path)
{
	struct walk w;
	int error;

	if (target[0] == 0)
		return -LX_ENOENT;
	error = new_name(&w, ctx, start, path);
	if (error != 0)
		return error;
	if (w.w_slash)
		error = -LX_ENOENT;
	else if (w.w_dir->i_ops->io_symlink == NULL)
		error = -LX_EPERM;
	else
		error = w.w_dir->i_ops->io_symlink(w.w_dir, w.w_name, w.w_length, target,
		    strlen(target), ctx->v_cred);
	walk_end(&w);
	return error;
}

/* Are the two items of the same file system? */
static bool
same_fs(struct item *a, struct item *b)
{
	struct lx_stat sa, sb;

	return a->i_ops->io_getattr(a, &sa) == 0 && b->i_ops->io_getattr(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev;
}

int
vfs_link(const struct vfs_ctx *ctx, struct item *old_start, const char *old_path,
    struct item *new_start, const char *new_path, int flags)
{
	struct item *old;
	struct walk w;
	int error;

	error = vfs_lookup(ctx, old_start, old_path, (flags & LX_AT_EMPTY_PATH) |
	    (flags & LX_AT_SYMLINK_FOLLOW ? 0 : LX_AT_SYMLINK_NOFOLLOW), &old);
	if (error != 0)
		return error;
	error = new_name(&w, ctx, new_start, new_path);
	if (error == 0) {
		if (old->i_mode == LX_S_IFDIR)
			error = -LX_EPERM;
		else if (w.w_slash)
			error = -LX_ENOENT;
		else if (!same_fs(old, w.w_dir))
			error = -LX_EXDEV;
		else if (w.w_dir->i_ops->io_link == NULL)
			error = -LX_EPERM;
		else
			error = w.w_dir->i_ops->io_link(w.w_dir, w.w_name, w.w_length, old);
		walk_end(&w);
	}
	item_rel(old);
	return error;
}

int
vfs_unlink(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags)
{
	bool directory = (flags & LX_AT_REMOVEDIR) != 0;
	struct item *victim;
	struct walk w;
	int error;

	error = walk_parent(&w, ctx, start, path);
	if (error != 0)
		return error;
	if (w.w_length == 0) {
		/* "/", "." and "..", each with its own answer. */
		if (!directory)
			error = -LX_EISDIR;
		else if (w.w_name[0] == '.')
			error = w.w_name[1] == '.' ? -LX_ENOTEMPTY : -LX_EINVAL;
		else
			error = -LX_EBUSY;
		walk_end(&w);
		return error;
	}
	error = walk_last(&w, &victim);
	if (error == 0) {
		error = may_change(ctx, w.w_dir, victim);
		if (error == 0 && w.w_slash && victim->i_mode != LX_S_IFDIR)
			error = -LX_ENOTDIR;
		if (error == 0 && victim->i_covers != NULL)
			error = -LX_EBUSY;
		if (error == 0 && w.w_dir->i_ops->io_unlink == NULL)
			error = -LX_EPERM;
		if (error == 0)
			error = w.w_dir->i_ops->io_unlink(w.w_dir, w.w_name, w.w_length,
			    directory);
		item_rel(victim);
	}
	walk_end(&w);
	return error;
}

/* Checks and does a rename between two walks that found their names. */
static int
rename_walks(const struct vfs_ctx *ctx, struct walk *from, struct walk *to, unsigned int flags)
{
	struct item *old, *new = NULL;
	int error;

	if (from->w_length == 0 || to->w_length == 0)
		return -LX_EBUSY;
	if (from->w_dir->i_ops->io_rename == NULL)
		return -LX_EPERM;
	if (from->w_dir->i_ops != to->w_dir->i_ops || !same_fs(from->w_dir, to->w_dir))
		return -LX_EXDEV;
	error = walk_last(from, &old);
	if (error != 0)
		return error;
	error = walk_last(to, &new);
	if (error == -LX_ENOENT)
		error = 0;
	if (error == 0 && (from->w_slash || to->w_slash) && old->i_mode != LX_S_IFDIR)
		error = -LX_ENOTDIR;
	if (error == 0)
		error = may_change(ctx, from->w_dir, old);
	if (error == 0)
		error = may_change(ctx, to->w_dir, new);
	if (error == 0)
		error = from->w_dir->i_ops->io_rename(from->w_dir, from->w_name,
		    from->w_length, to->w_dir, to->w_name, to->w_length, flags);
	item_rel(old);
	if (new != NULL)
		item_rel(new);
	return error;
}

int
vfs_rename(const struct vfs_ctx *ctx, struct item *old_start, const char *old_path,
    struct item *new_start, const char *new_path, unsigned int flags)
{
	struct walk from, to;
	int error;

	if ((flags & ~(unsigned int)(LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE)) != 0 ||
	    flags == (LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE))
		return -LX_EINVAL;
	error = walk_parent(&from, ctx, old_start, old_path);
	if (error != 0)
		return error;
	error = walk_parent(&to, ctx, new_start, new_path);
	if (error == 0) {
		error = rename_walks(ctx, &from, &to, flags);
		walk_end(&to);
	}
	walk_end(&from);
	return error;
}

int64_t
vfs_readlink(const struct vfs_ctx *ctx, struct item *start, const char *path, char *data,
    size_t size)
{
	struct item *item;
	int64_t n;

	n = vfs_lookup(ctx, start, path, LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &item);
	if (n != 0)
		return n;
	/* An empty path is only for descriptors of links; anything else has no text. */
	if (item->i_mode != LX_S_IFLNK || item->i_ops->io_readlink == NULL)
		n = path[0] == 0 ? -LX_ENOENT : -LX_EINVAL;
	else
		n = item->i_ops->io_readlink(item, data, size);
	item_rel(item);
	return n;
}

int
vfs_stat(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
    struct lx_stat *stat)
{
	struct item *item;
	int error;

	error = vfs_lookup(ctx, start, path, flags, &item);
	if (error != 0)
		return error;
	error = item->i_ops->io_getattr(item, stat);
	item_rel(item);
	return error;
}

int
vfs_statfs(const struct vfs_ctx *ctx, struct item *start, const char *path,
    struct lx_statfs *statfs)
{
	struct item *item;
	int error;

	error = vfs_lookup(ctx, start, path, LX_AT_EMPTY_PATH, &item);
	if (error != 0)
		return error;
	error = item->i_ops->io_statfs == NULL ? -LX_ENOSYS :
	    item->i_ops->io_statfs(item, statfs);
	item_rel(item);
	return error;
}

int
vfs_access(const struct vfs_ctx *ctx, struct item *start, const char *path, int mode, int flags)
{
	struct cred cred = *ctx->v_cred;
	struct vfs_ctx real = *ctx;
	struct item *item;
	int error;

	if ((mode & ~7) != 0)
		return -LX_EINVAL;
	if (!(flags & LX_AT_EACCESS)) {
		cred.c_fsuid = cred.c_uid;
		cred.c_fsgid = cred.c_gid;
		real.v_cred = &cred;
	}
	error = vfs_lookup(&real, start, path, flags & (LX_AT_SYMLINK_NOFOLLOW |
	    LX_AT_EMPTY_PATH), &item);
	if (error != 0)
		return error;
	if (mode != 0)
		error = vfs_permission(&real, item, (unsigned int)mode);
	item_rel(item);
	return error;
}

/* What each kind of attribute change asks of the caller; may add bits that must fall. */
static int
setattr_check(const struct vfs_ctx *ctx, struct item *item, struct item_attr *a, bool by_fd)
{
	const struct cred *cred = ctx->v_cred;
	bool owner, now_only;
	struct lx_stat st;
	int error;

	error = item->i_ops->io_getattr(item, &st);
	if (error != 0)
		return error;
	owner = cred_super(cred) || cred->c_fsuid == st.st_uid;
	if (a->a_valid & ATTR_MODE) {
		if (!owner)
			return -LX_EPERM;
		if (!cred_super(cred) && !cred_in_group(cred, st.st_gid))
			a->a_mode &= ~(uint32_t)LX_S_ISGID;
	}
	if (a->a_valid & (ATTR_UID | ATTR_GID)) {
		if (!cred_super(cred) && (!owner ||
		    ((a->a_valid & ATTR_UID) && a->a_uid != st.st_uid) ||
		    ((a->a_valid & ATTR_GID) && !cred_in_group(cred, a->a_gid))))
			return -LX_EPERM;
		if (item->i_mode == LX_S_IFREG && !(a->a_valid & ATTR_MODE)) {
			a->a_mode = st.st_mode & 07777 & ~(uint32_t)LX_S_ISUID;
			if (st.st_mode & 010)
				a->a_mode &= ~(uint32_t)LX_S_ISGID;
			if (a->a_mode != (st.st_mode & 07777))
				a->a_valid |= ATTR_MODE;
		}
	}
	if ((a->a_valid & ATTR_SIZE) && !by_fd) {
		error = vfs_permission(ctx, item, 2);
		if (error != 0)
			return error;
	}
	if (a->a_valid & (ATTR_ATIME | ATTR_MTIME)) {
		now_only = a->a_atime.tv_nsec == LX_UTIME_NOW &&
		    a->a_mtime.tv_nsec == LX_UTIME_NOW;
		if (!owner && !(now_only && vfs_permission(ctx, item, 2) == 0))
			return now_only ? -LX_EACCES : -LX_EPERM;
	}
	return 0;
}

static int
time_resolve(struct item_attr *a, uint32_t bit, struct lx_timespec *t)
{
	int64_t now;

	if (!(a->a_valid & bit))
		return 0;
	if (t->tv_nsec == LX_UTIME_OMIT) {
		a->a_valid &= ~bit;
	} else if (t->tv_nsec == LX_UTIME_NOW) {
		now = clock_realtime();
		t->tv_sec = now / 1000000000;
		t->tv_nsec = now % 1000000000;
	} else if (t->tv_nsec < 0 || t->tv_nsec > 999999999) {
		return -LX_EINVAL;
	}
	return 0;
}

int
vfs_setattr(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
    const struct item_attr *attr)
{
	struct item_attr a = *attr;
	struct item *item;
	int error;

	error = vfs_lookup(ctx, start, path, flags, &item);
	if (error != 0)
		return error;
	if ((a.a_valid & ATTR_ATIME) && (a.a_valid & ATTR_MTIME) &&
	    a.a_atime.tv_nsec == LX_UTIME_OMIT && a.a_mtime.tv_nsec == LX_UTIME_OMIT)
		a.a_valid &= ~(uint32_t)(ATTR_ATIME | ATTR_MTIME);
	if ((a.a_valid & ATTR_MODE) && item->i_mode == LX_S_IFLNK)
		error = -LX_EOPNOTSUPP;
	if (error == 0 && (a.a_valid & ATTR_SIZE) && item->i_mode == LX_S_IFDIR)
		error = -LX_EISDIR;
	if (error == 0)
		error = setattr_check(ctx, item, &a, path[0] == 0);
	if (error == 0)
		error = time_resolve(&a, ATTR_ATIME, &a.a_atime);
	if (error == 0)
		error = time_resolve(&a, ATTR_MTIME, &a.a_mtime);
	if (error == 0 && a.a_valid != 0)
		error = item->i_ops->io_setattr == NULL ? -LX_EPERM :
		    item->i_ops->io_setattr(item, &a);
	item_rel(item);
	return error;
}
