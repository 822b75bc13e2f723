/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of open files: what local.c can do it does, the rest is asked for. Small transfers go inline in the message, large ones out
 * of line a mebibyte at a time.
 */
#include <mach/mach_interface.h>
#include <mach/mach_traps.h>
#include "transfer.h"

struct iovec { uint64_t base, length; };
#define IOV_MAX	1024
#define TRANSFER_MAX 0x7ffff000l

static long read_bulk(int fd, char *to, uint64_t count, int64_t offset)
{
	unix_bulk_t data = NULL;
	mach_msg_type_number_t n = 0;
	int64_t result = 0;
	long r = emul_result(unix_io_read_bulk(emul_call_port(), fd, offset, count, &result, &data, &n), &result);

	r = transfer_deliver(fd, to, data, r, offset);
	if (n)
		syscall_vm_deallocate(mach_task_self_, (vm_address_t)data, n);
	/* it may have been the file's pages that were not there any more: a truncation took them */
	return r == -LX_EFAULT ? transfer_read(fd, to, UNIX_INLINE_MAX, offset) : r;
}

static long read_all(int fd, char *to, long count, int64_t offset)
{
	long done = 0, r = emul_local_read(fd, to, count, offset);

	if (r != EMUL_ASK)
		return r;
	if ((uint64_t)count <= UNIX_INLINE_MAX)
		return transfer_read(fd, to, (uint64_t)count, offset);
	if (count < 0)
		return -LX_EINVAL;
	if (count > TRANSFER_MAX)
		count = TRANSFER_MAX;
	do {
		long part = count - done > UNIX_BULK_MAX ? UNIX_BULK_MAX : count - done;

		r = part <= UNIX_INLINE_MAX ? transfer_read(fd, to + done, (uint64_t)part, offset)
		    : read_bulk(fd, to + done, (uint64_t)part, offset);
		if (r < 0)
			return done ? done : r;
		done += r;
		if (offset >= 0)
			offset += r;
		if (r < part)
			break;
	} while (done < count);
	return done;
}

static long write_small(int fd, const char *from, uint64_t count, int64_t offset)
{
	struct transfer_write m;

	if (emul_copy(m.tw_data, from, count) < 0)
		return -LX_EFAULT;
	return transfer_write(&m, fd, count, offset);
}

static long write_all(int fd, const char *from, long count, int64_t offset)
{
	long done = 0, r = emul_local_write(fd, from, count);

	if (r != EMUL_ASK)
		return r;
	if ((uint64_t)count <= UNIX_INLINE_MAX)
		return write_small(fd, from, (uint64_t)count, offset);
	if (count < 0)
		return -LX_EINVAL;
	if (count > TRANSFER_MAX)
		count = TRANSFER_MAX;
	do {
		long part = count - done > UNIX_BULK_MAX ? UNIX_BULK_MAX : count - done;
		int64_t result = 0;

		if (part <= UNIX_INLINE_MAX)
			r = write_small(fd, from + done, (uint64_t)part, offset);
		else
			r = emul_result(unix_io_write_bulk(emul_call_port(), fd, offset, (char *)(uintptr_t)(from + done),
			    (mach_msg_type_number_t)part, &result), &result);
		if (r < 0)
			return done ? done : r;
		done += r;
		if (offset >= 0)
			offset += r;
		if (r < part)
			break;
	} while (done < count);
	return done;
}

long emul_read(long fd, long to, long count, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return read_all((int)fd, (char *)to, count, -1);
}

long emul_write(long fd, long from, long count, long d, long e, long f)
{
	(void)d, (void)e, (void)f;
	return write_all((int)fd, (const char *)from, count, -1);
}

long emul_pread64(long fd, long to, long count, long offset, long e, long f)
{
	(void)e, (void)f;
	return offset < 0 ? -LX_EINVAL : read_all((int)fd, (char *)to, count, offset);
}

long emul_pwrite64(long fd, long from, long count, long offset, long e, long f)
{
	(void)e, (void)f;
	return offset < 0 ? -LX_EINVAL : write_all((int)fd, (const char *)from, count, offset);
}

/* total length, or -errno */
static long iovec_total(const struct iovec *iov, long n)
{
	uint64_t total = 0;

	for (long i = 0; i < n; i++) {
		if (iov[i].length > (uint64_t)INT64_MAX - total)
			return -LX_EINVAL;
		total += iov[i].length;
	}
	return (long)total;
}

long emul_readv(long fd, long vector, long n, long d, long e, long f)
{
	struct iovec iov[IOV_MAX];
	long done = 0, r;

	(void)d, (void)e, (void)f;
	if (n < 0 || n > IOV_MAX)
		return -LX_EINVAL;
	if (emul_copy(iov, (const void *)vector, (size_t)n * sizeof *iov) < 0)
		return -LX_EFAULT;
	r = iovec_total(iov, n);
	for (long i = 0; i < n && r >= 0; i++) {
		if (iov[i].length == 0)
			continue;
		r = read_all((int)fd, (char *)iov[i].base, (long)iov[i].length, -1);
		if (r < 0)
			return done ? done : r;
		done += r;
		if ((uint64_t)r < iov[i].length)
			break;
	}
	return r < 0 ? r : done;
}

/* what fits in one message is written as one, so that it is not torn on a pipe or terminal */
static long gather(int fd, const struct iovec *iov, long n, long total)
{
	struct transfer_write m;
	size_t at = 0;

	for (long i = 0; i < n; at += iov[i].length, i++)
		if (emul_copy(m.tw_data + at, (const void *)iov[i].base, iov[i].length) < 0)
			return -LX_EFAULT;
	return transfer_write(&m, fd, (uint64_t)total, -1);
}

long emul_writev(long fd, long vector, long n, long d, long e, long f)
{
	struct iovec iov[IOV_MAX];
	long done = 0, r, total;

	(void)d, (void)e, (void)f;
	if (n < 0 || n > IOV_MAX)
		return -LX_EINVAL;
	if (emul_copy(iov, (const void *)vector, (size_t)n * sizeof *iov) < 0)
		return -LX_EFAULT;
	total = iovec_total(iov, n);
	if (total < 0)
		return total;
	r = emul_local_write(fd, NULL, total);
	if (r != EMUL_ASK)
		return r;
	if (total <= UNIX_INLINE_MAX)
		return gather((int)fd, iov, n, total);
	for (long i = 0; i < n; i++) {
		if (iov[i].length == 0)
			continue;
		r = write_all((int)fd, (const char *)iov[i].base, (long)iov[i].length, -1);
		if (r < 0)
			return done ? done : r;
		done += r;
		if ((uint64_t)r < iov[i].length)
			break;
	}
	return done;
}

long emul_sendfile(long out, long in, long offset, long count, long e, long f)
{
	int64_t at = -1, result = 0, after = 0;
	long r;

	(void)e, (void)f;
	if (offset && emul_copy(&at, (const void *)offset, sizeof at) < 0)
		return -LX_EFAULT;
	if (count < 0 || (offset && at < 0))
		return -LX_EINVAL;
	r = emul_result(unix_io_sendfile(emul_call_port(), (int)out, (int)in, at, (uint64_t)count, &result, &after), &result);
	if (r >= 0 && offset && emul_copy((void *)offset, &after, sizeof after) < 0)
		return -LX_EFAULT;
	return r;
}

long emul_lseek(long fd, long offset, long whence, long d, long e, long f)
{
	int64_t result = 0;
	long r = emul_local_seek(fd, offset, whence);

	(void)d, (void)e, (void)f;
	if (r != EMUL_ASK)
		return r;
	return emul_result(unix_io_seek(emul_call_port(), (int)fd, offset, (int)whence, &result), &result);
}

long emul_getdents64(long fd, long to, long count, long d, long e, long f)
{
	char data[UNIX_INLINE_MAX];
	mach_msg_type_number_t n = sizeof data;
	int64_t result = 0;
	long r;

	(void)d, (void)e, (void)f;
	if (count > UNIX_INLINE_MAX)
		count = UNIX_INLINE_MAX;
	n = (mach_msg_type_number_t)(count < 0 ? 0 : count);
	r = emul_result(unix_io_readdir(emul_call_port(), (int)fd, n, &result, data, &n), &result);
	return r > 0 && emul_copy((void *)to, data, (size_t)r) < 0 ? -LX_EFAULT : r;
}

/* bytes an ioctl reads from where its argument points; the newer numbers say so themselves */
static unsigned control_input(unsigned request)
{
	switch (request) {
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
		return sizeof(struct lx_termios);
	case LX_TIOCSWINSZ:
		return sizeof(struct lx_winsize);
	case LX_TIOCSPGRP:
	case LX_FIONBIO:
	case LX_FIOASYNC:
	case LX_TIOCSETD:
	case LX_TIOCPKT:
		return 4;
	case LX_TIOCSTI:
		return 1;
	default:
		return request >> 30 & 1 ? request >> 16 & 0x3fff : 0;
	}
}

long emul_ioctl(long fd, long request, long arg, long d, long e, long f)
{
	char in[1024], out[1024];
	mach_msg_type_number_t n = sizeof out;
	unsigned size = control_input((unsigned)request);
	int64_t result = 0;
	long r;

	(void)d, (void)e, (void)f;
	if (size > sizeof in)
		return emul_unsupported("ioctl", (uint32_t)request, LX_ENOTTY);
	if (size && emul_copy(in, (const void *)arg, size) < 0)
		return -LX_EFAULT;
	r = emul_result(unix_io_control(emul_call_port(), (int)fd, (uint32_t)request, (uint64_t)arg, in, size, &result, out, &n),
	    &result);
	return r >= 0 && n && emul_copy((void *)arg, out, n) < 0 ? -LX_EFAULT : r;
}

static long sync_kind(long fd, int kind)
{
	int64_t result = 0;

	return emul_result(unix_io_sync(emul_call_port(), (int)fd, kind, &result), &result);
}

long emul_fsync(long fd, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	return sync_kind(fd, 0);
}

long emul_fdatasync(long fd, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	return sync_kind(fd, 1);
}

long emul_syncfs(long fd, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	return sync_kind(fd, 2);
}

long emul_sync(long a, long b, long c, long d, long e, long f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return sync_kind(-1, 2);
}

long emul_fallocate(long fd, long mode, long offset, long length, long e, long f)
{
	int64_t result = 0;

	(void)e, (void)f;
	return emul_result(unix_io_allocate(emul_call_port(), (int)fd, (int)mode, offset, length, &result), &result);
}

/* Advice about a file: only the descriptor and the advice are checked, as there is nothing to read ahead from a memory object */
long emul_fadvise64(long fd, long offset, long length, long advice, long e, long f)
{
	int64_t result = 0;
	mach_msg_type_number_t n = 0;
	char none[1];
	long r;

	(void)offset, (void)e, (void)f;
	if (advice < 0 || advice > 5 || length < 0)
		return -LX_EINVAL;
	r = emul_result(unix_fd_control(emul_call_port(), (int)fd, LX_F_GETFL, 0, none, 0, &result, none, &n), &result);
	return r < 0 ? r : 0;
}
