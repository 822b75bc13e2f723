/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on paths. The old forms are the at-forms with AT_FDCWD. */
#include "emul.h"

/* a path argument taken in; the enclosing function returns its error */
#define PATH(name, program)								\
	char name[EMUL_PATH_MAX];							\
	long name##_n = emul_path((const char *)(program), name);			\
	if (name##_n < 0)								\
		return name##_n
#define CNT(name) (mach_msg_type_number_t)name##_n

static long open_at(long dir, long program, long flags, long mode)
{
	int64_t result = 0;
	PATH(path, program);

	return emul_result(unix_path_open(emul_call_port(), (int)dir, path, CNT(path), (int)flags, (uint32_t)mode, &result), &result);
}

long emul_openat(long dir, long path, long flags, long mode, long e, long f)
{
	(void)e, (void)f;
	return open_at(dir, path, flags, mode);
}

long emul_open(long path, long flags, long mode, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return open_at(LX_AT_FDCWD, path, flags, mode);
}

long emul_creat(long path, long mode, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return open_at(LX_AT_FDCWD, path, LX_O_CREAT | LX_O_WRONLY | LX_O_TRUNC, mode);
}

static long stat_at(long dir, const char *path, long n, long flags, struct lx_stat *st)
{
	int64_t result = 0;

	return emul_result(unix_path_stat(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)n,
	    (int)flags, &result, (char *)st), &result);
}

static long stat_program(long dir, long program, long flags, long to)
{
	struct lx_stat st;
	long r;
	PATH(path, program);

	r = stat_at(dir, path, path_n, flags, &st);
	return r >= 0 && emul_copy((void *)to, &st, sizeof st) < 0 ? -LX_EFAULT : r;
}

long emul_stat(long path, long to, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return stat_program(LX_AT_FDCWD, path, 0, to);
}

long emul_lstat(long path, long to, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return stat_program(LX_AT_FDCWD, path, LX_AT_SYMLINK_NOFOLLOW, to);
}

long emul_fstat(long fd, long to, long c, long d, long e, long f)
{
	struct lx_stat st;
	long r = stat_at(fd, "", 0, LX_AT_EMPTY_PATH, &st);

	(void)c, (void)d, (void)e, (void)f;
	return r >= 0 && emul_copy((void *)to, &st, sizeof st) < 0 ? -LX_EFAULT : r;
}

long emul_newfstatat(long dir, long path, long to, long flags, long e, long f)
{
	(void)e, (void)f;
	return stat_program(dir, path, flags, to);
}

struct statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id, dio[2], spare[11];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx");
#define STATX_BASIC	0x7ffu

long emul_statx(long dir, long program, long flags, long mask, long to, long f)
{
	struct lx_stat st;
	long r;
	PATH(path, program);

	(void)f;
	if (mask & 0x80000000l || (flags & LX_AT_STATX_SYNC_TYPE) == LX_AT_STATX_SYNC_TYPE)
		return -LX_EINVAL;
	r = stat_at(dir, path, path_n, flags & ~(long)LX_AT_STATX_SYNC_TYPE, &st);
	if (r < 0)
		return r;
	struct statx sx = {
		.mask = STATX_BASIC, .blksize = (uint32_t)st.st_blksize, .nlink = (uint32_t)st.st_nlink, .uid = st.st_uid,
		.gid = st.st_gid, .mode = (uint16_t)st.st_mode, .ino = st.st_ino, .size = (uint64_t)st.st_size,
		.blocks = (uint64_t)st.st_blocks, .atime = { st.st_atim.tv_sec, (uint32_t)st.st_atim.tv_nsec, 0 },
		.ctime = { st.st_ctim.tv_sec, (uint32_t)st.st_ctim.tv_nsec, 0 },
		.mtime = { st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec, 0 },
		.rdev_major = lx_major(st.st_rdev), .rdev_minor = lx_minor(st.st_rdev),
		.dev_major = lx_major(st.st_dev), .dev_minor = lx_minor(st.st_dev),
	};
	return emul_copy((void *)to, &sx, sizeof sx) < 0 ? -LX_EFAULT : 0;
}

static long access_at(long dir, long program, long mode, long flags)
{
	int64_t result = 0;
	PATH(path, program);

	return emul_result(unix_path_access(emul_call_port(), (int)dir, path, CNT(path), (int)mode, (int)flags, &result), &result);
}

long emul_access(long path, long mode, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return access_at(LX_AT_FDCWD, path, mode, 0);
}

long emul_faccessat(long dir, long path, long mode, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return access_at(dir, path, mode, 0);
}

long emul_faccessat2(long dir, long path, long mode, long flags, long e, long f)
{
	(void)e, (void)f;
	return access_at(dir, path, mode, flags);
}

static long readlink_at(long dir, long program, long to, long size)
{
	char data[EMUL_PATH_MAX];
	mach_msg_type_number_t n = sizeof data;
	int64_t result = 0;
	long r;
	PATH(path, program);

	if (size <= 0)
		return -LX_EINVAL;
	r = emul_result(unix_path_readlink(emul_call_port(), (int)dir, path, CNT(path), &result, data, &n), &result);
	if (r < 0)
		return r;
	r = (long)n < size ? (long)n : size;
	return emul_copy((void *)to, data, (size_t)r) < 0 ? -LX_EFAULT : r;
}

long emul_readlink(long path, long to, long size, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return readlink_at(LX_AT_FDCWD, path, to, (int)size);
}

long emul_readlinkat(long dir, long path, long to, long size, long e, long f)
{
	(void)e, (void)f;
	return readlink_at(dir, path, to, (int)size);
}

static long make_at(long dir, long program, long mode, long device)
{
	int64_t result = 0;
	PATH(path, program);

	return emul_result(unix_path_make(emul_call_port(), (int)dir, path, CNT(path), (uint32_t)mode, (uint64_t)device, &result),
	    &result);
}

long emul_mkdir(long path, long mode, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return make_at(LX_AT_FDCWD, path, (mode & 07777) | LX_S_IFDIR, 0);
}

long emul_mkdirat(long dir, long path, long mode, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return make_at(dir, path, (mode & 07777) | LX_S_IFDIR, 0);
}

/* mknod without a type makes a plain file; a directory it does not make */
long emul_mknodat(long dir, long path, long mode, long device, long e, long f)
{
	(void)e, (void)f;
	if ((mode & LX_S_IFMT) == LX_S_IFDIR)
		return -LX_EPERM;
	return make_at(dir, path, mode & LX_S_IFMT ? mode : mode | LX_S_IFREG, device);
}

long emul_mknod(long path, long mode, long device, long d, long e, long f)
{
	return emul_mknodat(LX_AT_FDCWD, path, mode, device, d, e | f);
}

long emul_symlinkat(long target, long dir, long program, long d, long e, long f)
{
	int64_t result = 0;
	PATH(to, target);
	PATH(path, program);

	(void)d, (void)e, (void)f;
	return emul_result(unix_path_symlink(emul_call_port(), to, CNT(to), (int)dir, path, CNT(path), &result), &result);
}

long emul_symlink(long target, long path, long c, long d, long e, long f)
{
	return emul_symlinkat(target, LX_AT_FDCWD, path, c, d, e | f);
}

long emul_linkat(long old_dir, long old_program, long new_dir, long new_program, long flags, long f)
{
	int64_t result = 0;
	PATH(old, old_program);
	PATH(new, new_program);

	(void)f;
	return emul_result(unix_path_link(emul_call_port(), (int)old_dir, old, CNT(old), (int)new_dir, new, CNT(new), (int)flags,
	    &result), &result);
}

long emul_link(long old, long new, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e;
	return emul_linkat(LX_AT_FDCWD, old, LX_AT_FDCWD, new, 0, f);
}

long emul_unlinkat(long dir, long program, long flags, long d, long e, long f)
{
	int64_t result = 0;
	PATH(path, program);

	(void)d, (void)e, (void)f;
	return emul_result(unix_path_unlink(emul_call_port(), (int)dir, path, CNT(path), (int)flags, &result), &result);
}

long emul_unlink(long path, long b, long c, long d, long e, long f)
{
	(void)b;
	return emul_unlinkat(LX_AT_FDCWD, path, 0, c, d, e | f);
}

long emul_rmdir(long path, long b, long c, long d, long e, long f)
{
	(void)b;
	return emul_unlinkat(LX_AT_FDCWD, path, LX_AT_REMOVEDIR, c, d, e | f);
}

long emul_renameat2(long old_dir, long old_program, long new_dir, long new_program, long flags, long f)
{
	int64_t result = 0;
	PATH(old, old_program);
	PATH(new, new_program);

	(void)f;
	return emul_result(unix_path_rename(emul_call_port(), (int)old_dir, old, CNT(old), (int)new_dir, new, CNT(new),
	    (uint32_t)flags, &result), &result);
}

long emul_renameat(long old_dir, long old, long new_dir, long new, long e, long f)
{
	(void)e;
	return emul_renameat2(old_dir, old, new_dir, new, 0, f);
}

long emul_rename(long old, long new, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e;
	return emul_renameat2(LX_AT_FDCWD, old, LX_AT_FDCWD, new, 0, f);
}

static long chmod_at(long dir, const char *path, long n, long mode, long flags)
{
	int64_t result = 0;

	return emul_result(unix_path_chmod(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)n,
	    (uint32_t)mode, (int)flags, &result), &result);
}

long emul_fchmodat(long dir, long program, long mode, long d, long e, long f)
{
	PATH(path, program);

	(void)d, (void)e, (void)f;
	return chmod_at(dir, path, path_n, mode, 0);
}

long emul_chmod(long path, long mode, long c, long d, long e, long f)
{
	return emul_fchmodat(LX_AT_FDCWD, path, mode, c, d, e | f);
}

long emul_fchmod(long fd, long mode, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return chmod_at(fd, "", 0, mode, LX_AT_EMPTY_PATH);
}

static long chown_at(long dir, const char *path, long n, long uid, long gid, long flags)
{
	int64_t result = 0;

	return emul_result(unix_path_chown(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)n,
	    (uint32_t)uid, (uint32_t)gid, (int)flags, &result), &result);
}

long emul_fchownat(long dir, long program, long uid, long gid, long flags, long f)
{
	PATH(path, program);

	(void)f;
	return chown_at(dir, path, path_n, uid, gid, flags);
}

long emul_chown(long path, long uid, long gid, long d, long e, long f)
{
	(void)d, (void)e;
	return emul_fchownat(LX_AT_FDCWD, path, uid, gid, 0, f);
}

long emul_lchown(long path, long uid, long gid, long d, long e, long f)
{
	(void)d, (void)e;
	return emul_fchownat(LX_AT_FDCWD, path, uid, gid, LX_AT_SYMLINK_NOFOLLOW, f);
}

long emul_fchown(long fd, long uid, long gid, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return chown_at(fd, "", 0, uid, gid, LX_AT_EMPTY_PATH);
}

/* NULL path: the descriptor itself */
static long utimes_at(long dir, long program, const struct lx_timespec t[2], long flags)
{
	int64_t result = 0;
	char path[EMUL_PATH_MAX];
	long n = 0;

	if (program) {
		n = emul_path((const char *)program, path);
		if (n < 0)
			return n;
	} else {
		flags |= LX_AT_EMPTY_PATH;
	}
	return emul_result(unix_path_utimes(emul_call_port(), (int)dir, path, (mach_msg_type_number_t)n, t[0].tv_sec, t[0].tv_nsec,
	    t[1].tv_sec, t[1].tv_nsec, (int)flags, &result), &result);
}

static const struct lx_timespec times_now[2] = { { 0, LX_UTIME_NOW }, { 0, LX_UTIME_NOW } };

long emul_utimensat(long dir, long path, long times, long flags, long e, long f)
{
	struct lx_timespec t[2];

	(void)e, (void)f;
	if (!times)
		return utimes_at(dir, path, times_now, flags);
	if (emul_copy(t, (const void *)times, sizeof t) < 0)
		return -LX_EFAULT;
	return utimes_at(dir, path, t, flags);
}

/* microseconds */
static long utimes_old(long dir, long path, long times)
{
	int64_t tv[4];

	if (!times)
		return utimes_at(dir, path, times_now, 0);
	if (emul_copy(tv, (const void *)times, sizeof tv) < 0)
		return -LX_EFAULT;
	if (tv[1] < 0 || tv[1] > 999999 || tv[3] < 0 || tv[3] > 999999)
		return -LX_EINVAL;
	struct lx_timespec t[2] = { { tv[0], tv[1] * 1000 }, { tv[2], tv[3] * 1000 } };
	return utimes_at(dir, path, t, 0);
}

long emul_utimes(long path, long times, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return utimes_old(LX_AT_FDCWD, path, times);
}

long emul_futimesat(long dir, long path, long times, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return utimes_old(dir, path, times);
}

long emul_utime(long path, long times, long c, long d, long e, long f)
{
	int64_t pair[2];

	(void)c, (void)d, (void)e, (void)f;
	if (!times)
		return utimes_at(LX_AT_FDCWD, path, times_now, 0);
	if (emul_copy(pair, (const void *)times, sizeof pair) < 0)
		return -LX_EFAULT;
	struct lx_timespec t[2] = { { pair[0], 0 }, { pair[1], 0 } };
	return utimes_at(LX_AT_FDCWD, path, t, 0);
}

long emul_truncate(long program, long length, long c, long d, long e, long f)
{
	int64_t result = 0;
	PATH(path, program);

	(void)c, (void)d, (void)e, (void)f;
	return emul_result(unix_path_truncate(emul_call_port(), LX_AT_FDCWD, path, CNT(path), length, 0, &result), &result);
}

long emul_ftruncate(long fd, long length, long c, long d, long e, long f)
{
	int64_t result = 0;
	char none[1] = "";

	(void)c, (void)d, (void)e, (void)f;
	return emul_result(unix_path_truncate(emul_call_port(), (int)fd, none, 0, length, LX_AT_EMPTY_PATH, &result), &result);
}

static long chdir_to(long dir, const char *path, long n, long flags, int root)
{
	int64_t result = 0;

	return emul_result(unix_path_chdir(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)n,
	    (int)flags, root, &result), &result);
}

long emul_chdir(long program, long b, long c, long d, long e, long f)
{
	PATH(path, program);

	(void)b, (void)c, (void)d, (void)e, (void)f;
	return chdir_to(LX_AT_FDCWD, path, path_n, 0, 0);
}

long emul_fchdir(long fd, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	return chdir_to(fd, "", 0, LX_AT_EMPTY_PATH, 0);
}

long emul_chroot(long program, long b, long c, long d, long e, long f)
{
	PATH(path, program);

	(void)b, (void)c, (void)d, (void)e, (void)f;
	return chdir_to(LX_AT_FDCWD, path, path_n, 0, 1);
}

long emul_getcwd(long to, long size, long c, long d, long e, long f)
{
	char data[EMUL_PATH_MAX];
	mach_msg_type_number_t n = sizeof data;
	int64_t result = 0;
	long r = emul_result(unix_path_getcwd(emul_call_port(), &result, data, &n), &result);

	(void)c, (void)d, (void)e, (void)f;
	if (r < 0)
		return r;
	if (size < r)
		return -LX_ERANGE;
	return emul_copy((void *)to, data, (size_t)r) < 0 ? -LX_EFAULT : r;
}

static long statfs_at(long dir, const char *path, long n, long flags, long to)
{
	struct lx_statfs st;
	int64_t result = 0;
	long r = emul_result(unix_path_statfs(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)n,
	    (int)flags, &result, (char *)&st), &result);

	return r >= 0 && emul_copy((void *)to, &st, sizeof st) < 0 ? -LX_EFAULT : r;
}

long emul_statfs(long program, long to, long c, long d, long e, long f)
{
	PATH(path, program);

	(void)c, (void)d, (void)e, (void)f;
	return statfs_at(LX_AT_FDCWD, path, path_n, 0, to);
}

long emul_fstatfs(long fd, long to, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return statfs_at(fd, "", 0, LX_AT_EMPTY_PATH, to);
}

long emul_mount(long source_program, long target_program, long type_program, long flags, long data, long f)
{
	char type[64];
	int64_t result = 0;
	long n;
	PATH(target, target_program);
	char source[EMUL_PATH_MAX] = "none";
	long source_n = 4;

	(void)data, (void)f;
	if (source_program && (source_n = emul_path((const char *)source_program, source)) < 0)
		return source_n;
	n = type_program ? emul_strlen((const char *)type_program, sizeof type) : 0;
	if (n < 0)
		return n;
	if (n == sizeof type)
		return -LX_EINVAL;
	if (n && emul_copy(type, (const void *)type_program, (size_t)n) < 0)
		return -LX_EFAULT;
	type[n] = 0;
	return emul_result(unix_path_mount(emul_call_port(), source, CNT(source), target, CNT(target), type, (uint64_t)flags,
	    &result), &result);
}

long emul_umount2(long program, long flags, long c, long d, long e, long f)
{
	int64_t result = 0;
	PATH(target, program);

	(void)c, (void)d, (void)e, (void)f;
	return emul_result(unix_path_umount(emul_call_port(), target, CNT(target), (int)flags, &result), &result);
}
