/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on descriptors.
 *
 * TESTS    tests/linux
 */
#include "call.h"
#include "procinfo.h"

static int
fd_limit(void)
{
	uint64_t soft = call_process()->p_limits[RLIMIT_NOFILE].rl_soft;

	return soft > FDTABLE_MAX ? FDTABLE_MAX : (int)soft;
}

static void
fd_drop(struct file *file)
{
	file_record_unlock_all(file, call_process()->p_pid);
	file_rel(file);
}

kern_return_t
S_unix_fd_close(mach_port_t call, int32_t fd, int64_t *result)
{
	struct file *file = fdtable_remove(call_process()->p_fds, fd);

	(void)call;
	*result = file == NULL ? -LX_EBADF : 0;
	if (file != NULL)
		fd_drop(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_fd_close_range(mach_port_t call, uint32_t first, uint32_t last, uint32_t flags,
    int64_t *result)
{
	struct fdtable *table = call_process()->p_fds;
	struct file *file;
	int fd = first > FDTABLE_MAX ? FDTABLE_MAX : (int)first;

	(void)call;
	*result = -LX_EINVAL;
	if (first > last || (flags & ~4u) != 0)
		return KERN_SUCCESS;
	*result = 0;
	while ((fd = fdtable_next(table, fd, &file)) >= 0) {
		file_rel(file);
		if ((uint32_t)fd > last)
			break;
		if (flags & 4) {
			fdtable_set_cloexec(table, fd, true);
		} else {
			file = fdtable_remove(table, fd);
			if (file != NULL)
				fd_drop(file);
		}
		fd++;
	}
	return KERN_SUCCESS;
}

/* => consumes the reference of file */
static int64_t
fd_install(struct file *file, int low, bool cloexec)
{
	int fd = fdtable_install(call_process()->p_fds, file, low, fd_limit(), cloexec);

	if (fd < 0)
		file_rel(file);
	return fd;
}

static int64_t
fd_dup_to(struct file *file, int fd, int wanted, int flags)
{
	struct file *old;
	int result;

	if (fd == wanted) {
		/* dup2 of itself; dup3 never comes here. */
		file_rel(file);
		return fd;
	}
	result = fdtable_install_at(call_process()->p_fds, file, wanted, fd_limit(),
	    (flags & LX_O_CLOEXEC) != 0, &old);
	if (result < 0)
		file_rel(file);
	if (old != NULL)
		fd_drop(old);
	return result;
}

kern_return_t
S_unix_fd_dup(mach_port_t call, int32_t fd, int32_t wanted, int32_t flags, int64_t *result)
{
	struct file *file = call_file(fd);

	(void)call;
	if (file == NULL) {
		*result = -LX_EBADF;
	} else if ((flags & ~LX_O_CLOEXEC) != 0) {
		file_rel(file);
		*result = -LX_EINVAL;
	} else if (wanted == -1) {
		*result = fd_install(file, 0, false);
	} else {
		*result = fd_dup_to(file, fd, wanted, flags);
	}
	return KERN_SUCCESS;
}

#define FD_SETTABLE	(LX_O_APPEND | LX_O_NONBLOCK | LX_O_ASYNC | LX_O_DIRECT | LX_O_NOATIME)

static int64_t
fd_set_flags(struct file *file, uint32_t flags)
{
	uint32_t old = __atomic_load_n(&file->f_flags, __ATOMIC_RELAXED), new;

	do {
		new = (old & ~FD_SETTABLE) | (flags & FD_SETTABLE);
	} while (!__atomic_compare_exchange_n(&file->f_flags, &old, new, false, __ATOMIC_RELAXED,
	    __ATOMIC_RELAXED));
	return 0;
}

static int64_t
fd_control(struct file *file, int fd, int command, int64_t arg, struct lx_flock *lock)
{
	struct fdtable *table = call_process()->p_fds;

	switch (command) {
	case LX_F_DUPFD:
	case LX_F_DUPFD_CLOEXEC:
		if (arg < 0 || arg >= fd_limit())
			return -LX_EINVAL;
		file_ref(file);
		return fd_install(file, arg, command == LX_F_DUPFD_CLOEXEC);
	case LX_F_GETFD:
		return fdtable_get_cloexec(table, fd);
	case LX_F_SETFD:
		return fdtable_set_cloexec(table, fd, (arg & 1) != 0);
	case LX_F_GETFL:
		return file->f_flags & ~(uint32_t)(LX_O_CREAT | LX_O_EXCL | LX_O_NOCTTY |
		    LX_O_TRUNC | LX_O_CLOEXEC);
	case LX_F_SETFL:
		return fd_set_flags(file, arg);
	case LX_F_GETOWN:
		return file->f_owner;
	case LX_F_SETOWN:
		file->f_owner = arg;
		return 0;
	case LX_F_GETLK:
	case LX_F_SETLK:
	case LX_F_SETLKW:
		return lock == NULL ? -LX_EFAULT :
		    file_record_lock(file, call_process()->p_pid, command, lock);
	case LX_F_GETPIPE_SZ:
		return file->f_item->i_mode == LX_S_IFIFO ? 65536 : -LX_EBADF;
	case LX_F_SETPIPE_SZ:
		return file->f_item->i_mode == LX_S_IFIFO ? 65536 : -LX_EBADF;
	default:
		unsupported_count("fcntl %d", command);
		return -LX_EINVAL;
	}
}

kern_return_t
S_unix_fd_control(mach_port_t call, int32_t fd, int32_t command, int64_t arg,
    unix_small_t in_lock, mach_msg_type_number_t in_count, int64_t *result, unix_small_t lock,
    mach_msg_type_number_t *count)
{
	struct file *file = call_file(fd);
	struct lx_flock flock;
	bool has_lock = in_count == sizeof(flock);

	(void)call;
	if (file == NULL) {
		*count = 0;
		*result = -LX_EBADF;
		return KERN_SUCCESS;
	}
	if (has_lock)
		memcpy(&flock, in_lock, sizeof(flock));
	*result = call_result(fd_control(file, fd, command, arg, has_lock ? &flock : NULL));
	if (has_lock && *result >= 0 && *count >= sizeof(flock)) {
		memcpy(lock, &flock, sizeof(flock));
		*count = sizeof(flock);
	} else {
		*count = 0;
	}
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_fd_flock(mach_port_t call, int32_t fd, int32_t operation, int64_t *result)
{
	struct file *file = call_file(fd);

	(void)call;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = call_result(file_flock(file, operation));
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_fd_pipe(mach_port_t call, int32_t flags, int64_t *result, int32_t *read_fd,
    int32_t *write_fd)
{
	struct file *ends[2];
	bool cloexec = (flags & LX_O_CLOEXEC) != 0;

	(void)call;
	*read_fd = *write_fd = -1;
	if ((flags & ~(LX_O_CLOEXEC | LX_O_NONBLOCK | LX_O_DIRECT)) != 0) {
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	*result = pipe_create(ends, flags & ~LX_O_CLOEXEC);
	if (*result != 0)
		return KERN_SUCCESS;
	*read_fd = fd_install(ends[0], 0, cloexec);
	if (*read_fd < 0) {
		*result = *read_fd;
		file_rel(ends[1]);
		return KERN_SUCCESS;
	}
	*write_fd = fd_install(ends[1], 0, cloexec);
	if (*write_fd < 0) {
		*result = *write_fd;
		file_rel(fdtable_remove(call_process()->p_fds, *read_fd));
	}
	return KERN_SUCCESS;
}
