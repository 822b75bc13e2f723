/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths and mounts: what the file service offers to the process service.
 *
 * `start` is the directory a relative path begins at (dirfd), null for the current directory.
 * A path is NUL-terminated.  flags are LX_AT_*; an empty path with LX_AT_EMPTY_PATH is `start`
 * itself.  All permission checks are done here with ctx->v_cred.
 */
#ifndef UNIX_VFS_H
#define UNIX_VFS_H

#include "item.h"

struct vfs_ctx {
	struct item	*v_root;	/* references held by the caller */
	struct item	*v_cwd;
	struct cred	*v_cred;
	uint32_t	v_umask;
};

/* Item with a reference; follows the last link unless LX_AT_SYMLINK_NOFOLLOW. */
int	vfs_lookup(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
	    struct item **out);
/* open(2) with all its flags (LX_O_PATH, LX_O_CREAT ...); LX_O_CLOEXEC is the caller's. */
int	vfs_open(const struct vfs_ctx *ctx, struct item *start, const char *path, uint32_t flags,
	    uint32_t mode, struct file **out);
/* mkdir, mknod by the type bits of mode; the umask is applied here. */
int	vfs_make(const struct vfs_ctx *ctx, struct item *start, const char *path, uint32_t mode,
	    uint64_t rdev);
int	vfs_symlink(const struct vfs_ctx *ctx, const char *target, struct item *start,
	    const char *path);
int	vfs_link(const struct vfs_ctx *ctx, struct item *old_start, const char *old_path,
	    struct item *new_start, const char *new_path, int flags);
int	vfs_unlink(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags);
int	vfs_rename(const struct vfs_ctx *ctx, struct item *old_start, const char *old_path,
	    struct item *new_start, const char *new_path, unsigned int flags);
int64_t	vfs_readlink(const struct vfs_ctx *ctx, struct item *start, const char *path, char *data,
	    size_t size);
int	vfs_stat(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
	    struct lx_stat *stat);
/* chmod, chown, utimensat (LX_UTIME_NOW/OMIT in the nanoseconds), truncate. */
int	vfs_setattr(const struct vfs_ctx *ctx, struct item *start, const char *path, int flags,
	    const struct item_attr *attr);
/* access(2): mode 4 2 1 or 0; real ids unless LX_AT_EACCESS. */
int	vfs_access(const struct vfs_ctx *ctx, struct item *start, const char *path, int mode,
	    int flags);
int	vfs_statfs(const struct vfs_ctx *ctx, struct item *start, const char *path,
	    struct lx_statfs *statfs);
/* The absolute name of a directory inside ctx's root: length without NUL. */
int64_t	vfs_path_of(const struct vfs_ctx *ctx, struct item *directory, char *data, size_t size);
int	vfs_mount(const struct vfs_ctx *ctx, const char *source, const char *target,
	    const char *type, uint64_t flags);
int	vfs_umount(const struct vfs_ctx *ctx, const char *target, int flags);
void	vfs_sync(void);

/*
 * Start: mount the ext2 image on the device of this name (opened through the device master
 * port), then /dev and /proc; *root gets a reference.
 */
int	vfs_start(mach_port_t device_master, const char *root_device, struct item **root);

/* pipe2(2): [0] read end, [1] write end. */
int	pipe_create(struct file *ends[2], uint32_t flags);

/* BSD and record locks (fcntl, flock) of a file; owner identifies the process. */
int	file_flock(struct file *file, int operation);
int	file_record_lock(struct file *file, int owner, int command, struct lx_flock *lock);
/* A process closed a descriptor: its record locks of that item go. */
void	file_record_unlock_all(struct file *file, int owner);
/* The last descriptor of a description is gone: its flock goes. */
void	file_lock_closed(struct file *file);

#endif
