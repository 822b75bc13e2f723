/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on descriptors: the table is the server's. */
#include "emul.h"

long emul_close(long fd, long b, long c, long d, long e, long f)
{
	int64_t result = 0;

	(void)b, (void)c, (void)d, (void)e, (void)f;
	return emul_result(unix_fd_close(emul_call_port(), (int)fd, &result), &result);
}

static long dup_to(long fd, long wanted, long flags)
{
	int64_t result = 0;

	return emul_result(unix_fd_dup(emul_call_port(), (int)fd, (int)wanted, (int)flags, &result), &result);
}

long emul_dup(long fd, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	return dup_to(fd, -1, 0);
}

/* dup2 of a descriptor to itself only checks it; dup3 refuses that */
long emul_dup2(long fd, long wanted, long c, long d, long e, long f)
{
	int64_t result = 0;
	mach_msg_type_number_t n = 0;
	char none[1];
	long r;

	(void)c, (void)d, (void)e, (void)f;
	if ((int)wanted < 0)
		return -LX_EBADF;
	if ((int)fd != (int)wanted)
		return dup_to(fd, wanted, 0);
	r = emul_result(unix_fd_control(emul_call_port(), (int)fd, LX_F_GETFL, 0, none, 0, &result, none, &n), &result);
	return r < 0 ? r : fd;
}

long emul_dup3(long fd, long wanted, long flags, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	if ((int)fd == (int)wanted || flags & ~(long)LX_O_CLOEXEC)
		return -LX_EINVAL;
	if ((int)wanted < 0)
		return -LX_EBADF;
	return dup_to(fd, wanted, flags);
}

long emul_fcntl(long fd, long command, long arg, long d, long e, long f)
{
	struct lx_flock in = { 0 }, out = { 0 };
	mach_msg_type_number_t n = sizeof out;
	int64_t result = 0;
	bool lock = command == LX_F_GETLK || command == LX_F_SETLK || command == LX_F_SETLKW ||
	    command == LX_F_OFD_GETLK || command == LX_F_OFD_SETLK || command == LX_F_OFD_SETLKW;
	long r;

	(void)d, (void)e, (void)f;
	if (lock && emul_copy(&in, (const void *)arg, sizeof in) < 0)
		return -LX_EFAULT;
	r = emul_result(unix_fd_control(emul_call_port(), (int)fd, (int)command, arg, (char *)&in, lock ? sizeof in : 0, &result,
	    (char *)&out, &n), &result);
	if (r >= 0 && (command == LX_F_GETLK || command == LX_F_OFD_GETLK) && emul_copy((void *)arg, &out, sizeof out) < 0)
		return -LX_EFAULT;
	return r;
}

long emul_flock(long fd, long operation, long c, long d, long e, long f)
{
	int64_t result = 0;

	(void)c, (void)d, (void)e, (void)f;
	return emul_result(unix_fd_flock(emul_call_port(), (int)fd, (int)operation, &result), &result);
}

long emul_pipe2(long program, long flags, long c, long d, long e, long f)
{
	int64_t result = 0;
	int32_t fds[2] = { -1, -1 };
	long r;

	(void)c, (void)d, (void)e, (void)f;
	r = emul_result(unix_fd_pipe(emul_call_port(), (int)flags, &result, &fds[0], &fds[1]), &result);
	if (r >= 0 && emul_copy((void *)program, fds, sizeof fds) < 0) {
		unix_fd_close(emul_call_port(), fds[0], &result);
		unix_fd_close(emul_call_port(), fds[1], &result);
		return -LX_EFAULT;
	}
	return r < 0 ? r : 0;
}

long emul_pipe(long program, long b, long c, long d, long e, long f)
{
	(void)b;
	return emul_pipe2(program, 0, c, d, e, f);
}

long emul_close_range(long first, long last, long flags, long d, long e, long f)
{
	int64_t result = 0;

	(void)d, (void)e, (void)f;
	return emul_result(unix_fd_close_range(emul_call_port(), (uint32_t)first, (uint32_t)last, (uint32_t)flags, &result), &result);
}
