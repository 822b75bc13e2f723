/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors 0, 1 and 2: the console. There are no files yet, every other
 * call answers ENOSYS.
 * LOCKS	none: stdio has its own, and lines are written whole
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <device/device_types.h>
#include <mach_init.h>
#include <libc_mach.h>
#include <device/device.h>

/* Bytes per trap when printing. */
#define PRINT_CHUNK	256

static mach_port_t console;

void libc_set_console(mach_port_t device)
{
	console = device;
}

/* The trap takes a string; zero bytes cannot be part of it and are left out. */
static void print(const char *data, size_t count)
{
	char chunk[PRINT_CHUNK + 1];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (data[i] != '\0')
			chunk[used++] = data[i];
		if (used == PRINT_CHUNK || i + 1 == count) {
			chunk[used] = '\0';
			mach_print(chunk);
			used = 0;
		}
	}
}

int write(int fd, const void *data, size_t count)
{
	const char *bytes = data;
	size_t done = 0;
	int written;

	if (fd < 0 || fd > 2) {
		errno = EBADF;
		return -1;
	}
	if (console == MACH_PORT_NULL) {
		print(data, count);
		return (int)count;
	}
	while (done < count) {
		size_t chunk = count - done < IO_INBAND_MAX ? count - done : IO_INBAND_MAX;

		if (device_write_inband(console, 0, 0, (char *)(unsigned long)(bytes + done),
		    (mach_msg_type_number_t)chunk, &written) != D_SUCCESS || written <= 0) {
			errno = EIO;
			return done != 0 ? (int)done : -1;
		}
		done += (size_t)written;
	}
	return (int)done;
}

int read(int fd, void *data, size_t count)
{
	io_buf_ptr_inband_t buffer;
	mach_msg_type_number_t got = sizeof(buffer);

	if (fd != 0) {
		errno = EBADF;
		return -1;
	}
	if (console == MACH_PORT_NULL || count == 0)
		return 0;
	if (count > sizeof(buffer))
		count = sizeof(buffer);
	if (device_read_inband(console, 0, 0, (int)count, buffer, &got) != D_SUCCESS) {
		errno = EIO;
		return -1;
	}
	memcpy(data, buffer, got);
	return (int)got;
}

int isatty(int fd)
{
	if (fd >= 0 && fd <= 2)
		return 1;
	errno = EBADF;
	return 0;
}

int fstat(int fd, struct stat *st)
{
	if (!isatty(fd))
		return -1;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0600;
	st->st_blksize = IO_INBAND_MAX;
	return 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
	(void)offset;
	(void)whence;
	errno = isatty(fd) ? ESPIPE : EBADF;
	return -1;
}

int close(int fd)
{
	return isatty(fd) ? 0 : -1;
}

static int no_files(void)
{
	errno = ENOSYS;
	return -1;
}

int open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	return no_files();
}

int fcntl(int fd, int command, ...)
{
	(void)fd;
	(void)command;
	return no_files();
}

int stat(const char *path, struct stat *st)
{
	(void)path;
	(void)st;
	return no_files();
}

int link(const char *from, const char *to)
{
	(void)from;
	(void)to;
	return no_files();
}

int unlink(const char *path)
{
	(void)path;
	return no_files();
}

int mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return no_files();
}
