/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on paths: each is one function of vfs.h between a copy of the path and a result.
 *
 * LOCKS    none held across vfs functions.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include "call.h"
#include "procinfo.h"

/* A request on one path: the context, the start directory, the path with its NUL. */
struct path_call {
	struct vfs_ctx	pc_ctx;
	struct file	*pc_file;	/* of the directory descriptor, or null */
	struct item	*pc_start;	/* its item, or null: current directory */
	char		pc_path[LX_PATH_MAX + 1];
};

static int
path_begin(struct path_call *pc, int directory, const char *path, mach_msg_type_number_t count)
{
	int error;

	pc->pc_file = NULL;
	pc->pc_start = NULL;
	if (count >= LX_PATH_MAX)
		return -LX_ENAMETOOLONG;
	memcpy(pc->pc_path, path, count);
	pc->pc_path[count] = 0;
	error = process_ctx(call_process(), &pc->pc_ctx);
	if (error != 0)
		return error;
	if (directory == LX_AT_FDCWD || (count > 0 && path[0] == '/'))
		return 0;
	pc->pc_file = call_file(directory);
	if (pc->pc_file == NULL) {
		process_ctx_rel(&pc->pc_ctx);
		return -LX_EBADF;
	}
	pc->pc_start = pc->pc_file->f_item;
	return 0;
}

static void
path_end(struct path_call *pc)
{
	if (pc->pc_file != NULL)
		file_rel(pc->pc_file);
	process_ctx_rel(&pc->pc_ctx);
}

kern_return_t
S_unix_path_open(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, uint32_t mode, int64_t *result)
{
	struct fdtable *table = call_process()->p_fds;
	struct path_call pc;
	struct file *file;
	uint64_t limit;

	(void)call;
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_open(&pc.pc_ctx, pc.pc_start, pc.pc_path,
	    flags & ~LX_O_CLOEXEC, mode, &file));
	if (*result == 0) {
		limit = call_process()->p_limits[RLIMIT_NOFILE].rl_soft;
		*result = fdtable_install(table, file, 0,
		    limit > FDTABLE_MAX ? FDTABLE_MAX : (int)limit,
		    (flags & LX_O_CLOEXEC) != 0);
		if (*result < 0)
			file_rel(file);
	}
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_stat(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, int64_t *result, unix_stat_t stat)
{
	struct path_call pc;

	(void)call;
	memset(stat, 0, sizeof(unix_stat_t));
	if (count == 0 && (flags & LX_AT_EMPTY_PATH) != 0 && directory >= 0) {
		/* fstat: no walk, no permission. */
		struct file *file = call_file(directory);

		*result = -LX_EBADF;
		if (file == NULL)
			return KERN_SUCCESS;
		*result = file->f_item->i_ops->io_getattr(file->f_item, (struct lx_stat *)stat);
		file_rel(file);
		return KERN_SUCCESS;
	}
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_stat(&pc.pc_ctx, pc.pc_start, pc.pc_path, flags,
	    (struct lx_stat *)stat));
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_access(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t mode, int32_t flags, int64_t *result)
{
	struct path_call pc;

	(void)call;
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	if ((mode & ~7) != 0)
		*result = -LX_EINVAL;
	else
		*result = call_result(vfs_access(&pc.pc_ctx, pc.pc_start, pc.pc_path, mode,
		    flags));
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_readlink(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int64_t *result, unix_path_t data,
    mach_msg_type_number_t *data_count)
{
	struct path_call pc;
	size_t room = *data_count < LX_PATH_MAX ? *data_count : LX_PATH_MAX;

	(void)call;
	*data_count = 0;
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_readlink(&pc.pc_ctx, pc.pc_start, pc.pc_path, data, room));
	if (*result > 0)
		*data_count = *result;
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_make(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, uint32_t mode, uint64_t device, int64_t *result)
{
	struct path_call pc;

	(void)call;
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_make(&pc.pc_ctx, pc.pc_start, pc.pc_path, mode, device));
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_symlink(mach_port_t call, unix_path_t target, mach_msg_type_number_t target_count,
    int32_t directory, unix_path_t path, mach_msg_type_number_t count, int64_t *result)
{
	char text[LX_PATH_MAX + 1];
	struct path_call pc;

	(void)call;
	*result = target_count >= LX_PATH_MAX ? -LX_ENAMETOOLONG :
	    path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	memcpy(text, target, target_count);
	text[target_count] = 0;
	*result = call_result(vfs_symlink(&pc.pc_ctx, text, pc.pc_start, pc.pc_path));
	path_end(&pc);
	return KERN_SUCCESS;
}

/* Two paths, for link and rename. */
static int
path_begin_two(struct path_call *from, int from_directory, const char *from_path,
    mach_msg_type_number_t from_count, struct path_call *to, int to_directory,
    const char *to_path, mach_msg_type_number_t to_count)
{
	int error;

	error = path_begin(from, from_directory, from_path, from_count);
	if (error != 0)
		return error;
	error = path_begin(to, to_directory, to_path, to_count);
	if (error != 0)
		path_end(from);
	return error;
}

kern_return_t
S_unix_path_link(mach_port_t call, int32_t old_directory, unix_path_t old_path,
    mach_msg_type_number_t old_count, int32_t new_directory, unix_path_t new_path,
    mach_msg_type_number_t new_count, int32_t flags, int64_t *result)
{
	struct path_call from, to;

	(void)call;
	*result = path_begin_two(&from, old_directory, old_path, old_count, &to, new_directory,
	    new_path, new_count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_link(&from.pc_ctx, from.pc_start, from.pc_path, to.pc_start,
	    to.pc_path, flags));
	path_end(&to);
	path_end(&from);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_unlink(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, int64_t *result)
{
	struct path_call pc;

	(void)call;
	*result = (flags & ~LX_AT_REMOVEDIR) != 0 ? -LX_EINVAL :
	    path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_unlink(&pc.pc_ctx, pc.pc_start, pc.pc_path, flags));
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_rename(mach_port_t call, int32_t old_directory, unix_path_t old_path,
    mach_msg_type_number_t old_count, int32_t new_directory, unix_path_t new_path,
    mach_msg_type_number_t new_count, uint32_t flags, int64_t *result)
{
	struct path_call from, to;

	(void)call;
	*result = path_begin_two(&from, old_directory, old_path, old_count, &to, new_directory,
	    new_path, new_count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_rename(&from.pc_ctx, from.pc_start, from.pc_path, to.pc_start,
	    to.pc_path, flags));
	path_end(&to);
	path_end(&from);
	return KERN_SUCCESS;
}

static int64_t
path_setattr(int directory, const char *path, mach_msg_type_number_t count, int flags,
    const struct item_attr *attr)
{
	struct path_call pc;
	int64_t result;

	result = path_begin(&pc, directory, path, count);
	if (result != 0)
		return result;
	if (count == 0 && pc.pc_file != NULL && (attr->a_valid & ATTR_SIZE) != 0 &&
	    (pc.pc_file->f_flags & LX_O_ACCMODE) == LX_O_RDONLY)
		result = -LX_EINVAL;
	else
		result = call_result(vfs_setattr(&pc.pc_ctx, pc.pc_start, pc.pc_path, flags,
		    attr));
	path_end(&pc);
	return result;
}

kern_return_t
S_unix_path_chmod(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, uint32_t mode, int32_t flags, int64_t *result)
{
	struct item_attr attr = { .a_valid = ATTR_MODE, .a_mode = mode & 07777 };

	(void)call;
	*result = path_setattr(directory, path, count, flags, &attr);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_chown(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, uint32_t uid, uint32_t gid, int32_t flags, int64_t *result)
{
	struct item_attr attr = { .a_uid = uid, .a_gid = gid };

	(void)call;
	attr.a_valid = (uid != ~0u ? ATTR_UID : 0) | (gid != ~0u ? ATTR_GID : 0);
	*result = path_setattr(directory, path, count, flags, &attr);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_utimes(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int64_t atime, int64_t atime_ns, int64_t mtime,
    int64_t mtime_ns, int32_t flags, int64_t *result)
{
	struct item_attr attr = {
		.a_valid = ATTR_ATIME | ATTR_MTIME,
		.a_atime = { atime, atime_ns },
		.a_mtime = { mtime, mtime_ns },
	};

	(void)call;
	*result = path_setattr(directory, path, count, flags, &attr);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_truncate(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int64_t length, int32_t flags, int64_t *result)
{
	struct item_attr attr = { .a_valid = ATTR_SIZE, .a_size = length };

	(void)call;
	*result = length < 0 ? -LX_EINVAL : path_setattr(directory, path, count, flags, &attr);
	return KERN_SUCCESS;
}

/* Exchange the current directory or the root.  => consumes the reference of item */
static int64_t
path_change(struct item *item, bool root)
{
	struct process *process = call_process();
	struct item *old = NULL;

	mutex_lock(&process_lock);
	if (process->p_cwd != NULL) {
		old = root ? process->p_root : process->p_cwd;
		if (root)
			process->p_root = item;
		else
			process->p_cwd = item;
	}
	mutex_unlock(&process_lock);
	item_rel(old != NULL ? old : item);
	return 0;
}

kern_return_t
S_unix_path_chdir(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, int32_t root, int64_t *result)
{
	struct path_call pc;
	struct item *item;
	struct lx_stat stat;

	(void)call;
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = call_result(vfs_lookup(&pc.pc_ctx, pc.pc_start, pc.pc_path, flags, &item));
	if (*result == 0) {
		*result = item->i_ops->io_getattr(item, &stat);
		if (*result == 0 && item->i_mode != LX_S_IFDIR)
			*result = -LX_ENOTDIR;
		if (*result == 0 && root != 0 && !cred_super(pc.pc_ctx.v_cred))
			*result = -LX_EPERM;
		if (*result == 0 && !cred_permits(pc.pc_ctx.v_cred, stat.st_mode, stat.st_uid,
		    stat.st_gid, 1))
			*result = -LX_EACCES;
		if (*result == 0)
			*result = path_change(item, root != 0);
		else
			item_rel(item);
	}
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_getcwd(mach_port_t call, int64_t *result, unix_path_t data,
    mach_msg_type_number_t *count)
{
	size_t room = *count < LX_PATH_MAX ? *count : LX_PATH_MAX;
	struct vfs_ctx ctx;

	(void)call;
	*count = 0;
	*result = process_ctx(call_process(), &ctx);
	if (*result != 0)
		return KERN_SUCCESS;
	*result = room == 0 ? -LX_ERANGE : vfs_path_of(&ctx, ctx.v_cwd, data, room - 1);
	if (*result >= 0) {
		data[*result] = 0;
		*count = ++*result;
	}
	process_ctx_rel(&ctx);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_statfs(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, int64_t *result, unix_statfs_t statfs)
{
	struct path_call pc;

	(void)call;
	memset(statfs, 0, sizeof(unix_statfs_t));
	*result = path_begin(&pc, directory, path, count);
	if (*result != 0)
		return KERN_SUCCESS;
	if (count == 0 && (flags & LX_AT_EMPTY_PATH) != 0 && pc.pc_start != NULL) {
		const struct item_ops *ops = pc.pc_start->i_ops;

		*result = ops->io_statfs == NULL ? -LX_ENOSYS :
		    ops->io_statfs(pc.pc_start, (struct lx_statfs *)statfs);
	} else {
		*result = call_result(vfs_statfs(&pc.pc_ctx, pc.pc_start, pc.pc_path,
		    (struct lx_statfs *)statfs));
	}
	path_end(&pc);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_mount(mach_port_t call, unix_path_t source, mach_msg_type_number_t source_count,
    unix_path_t target, mach_msg_type_number_t target_count, unix_name_t fstype,
    uint64_t flags, int64_t *result)
{
	struct path_call from, to;

	(void)call;
	*result = path_begin_two(&from, LX_AT_FDCWD, source, source_count, &to, LX_AT_FDCWD,
	    target, target_count);
	if (*result != 0)
		return KERN_SUCCESS;
	if (!cred_super(to.pc_ctx.v_cred))
		*result = -LX_EPERM;
	else
		*result = call_result(vfs_mount(&to.pc_ctx, from.pc_path, to.pc_path, fstype,
		    flags));
	path_end(&to);
	path_end(&from);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_path_umount(mach_port_t call, unix_path_t target, mach_msg_type_number_t count,
    int32_t flags, int64_t *result)
{
	struct path_call pc;

	(void)call;
	*result = path_begin(&pc, LX_AT_FDCWD, target, count);
	if (*result != 0)
		return KERN_SUCCESS;
	if (!cred_super(pc.pc_ctx.v_cred))
		*result = -LX_EPERM;
	else
		*result = call_result(vfs_umount(&pc.pc_ctx, pc.pc_path, flags));
	path_end(&pc);
	return KERN_SUCCESS;
}
