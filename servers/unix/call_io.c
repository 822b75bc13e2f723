/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on the data of open files.
 *
 * RIGHTS   bulk data received is deallocated before the reply; bulk data sent is moved.
 * LOCKS    none held across item operations.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include "call.h"
#include "procinfo.h"

#define SENDFILE_CHUNK	65536

/* A read or seek (result 0) of a file was done for the library, which might do the next one itself. */
static void
io_used(struct file *file, int64_t offset, int64_t result)
{
	int64_t size = result > 0 ? result : 0;

	if ((file->f_item->i_flags & ITEM_LENDABLE) != 0)
		loan_consider(call_process(), file,
		    offset == FILE_POSITION ? file->f_offset - size : offset, size);
}

kern_return_t
S_unix_io_read(mach_port_t call, int32_t fd, int64_t offset, uint64_t count, int64_t *result,
    unix_data_t data, mach_msg_type_number_t *data_count)
{
	struct file *file = call_file(fd);
	uint64_t room = *data_count < UNIX_INLINE_MAX ? *data_count : UNIX_INLINE_MAX;

	(void)call;
	*data_count = 0;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = call_result(file_read(file, data, count < room ? count : room, offset));
	if (*result > 0)
		*data_count = *result;
	io_used(file, offset, *result);
	file_rel(file);
	return KERN_SUCCESS;
}

/* Give back what of an allocation is behind the bytes used. */
static void
bulk_trim(vm_address_t data, uint64_t allocated, uint64_t used)
{
	used = round_page(used);
	allocated = round_page(allocated);
	if (used < allocated)
		vm_deallocate(mach_task_self(), data + used, allocated - used);
}

kern_return_t
S_unix_io_read_bulk(mach_port_t call, int32_t fd, int64_t offset, uint64_t count, int64_t *result,
    unix_bulk_t *data, mach_msg_type_number_t *data_count)
{
	struct file *file = call_file(fd);
	vm_address_t buffer = 0;

	(void)call;
	*data = NULL;
	*data_count = 0;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	if (count > UNIX_BULK_MAX)
		count = UNIX_BULK_MAX;
	*result = call_result(file_read_map(file, count, offset, &buffer));
	if (*result != -LX_ENOSYS) {
		io_used(file, offset, *result);
		file_rel(file);
		if (*result > 0) {
			*data = (unix_bulk_t)buffer;
			*data_count = *result;
		}
		return KERN_SUCCESS;
	}
	if (count == 0 || vm_allocate(mach_task_self(), &buffer, count, TRUE) != KERN_SUCCESS) {
		*result = count == 0 ? 0 : -LX_ENOMEM;
		file_rel(file);
		return KERN_SUCCESS;
	}
	*result = call_result(file_read(file, (void *)buffer, count, offset));
	io_used(file, offset, *result);
	file_rel(file);
	bulk_trim(buffer, count, *result > 0 ? *result : 0);
	if (*result > 0) {
		*data = (unix_bulk_t)buffer;
		*data_count = *result;
	}
	return KERN_SUCCESS;
}

static int64_t
io_write(int fd, const void *data, uint64_t size, int64_t offset)
{
	struct file *file = call_file(fd);
	int64_t result;

	if (file == NULL)
		return -LX_EBADF;
	result = call_result(file_write(file, data, size, offset));
	file_rel(file);
	return result;
}

kern_return_t
S_unix_io_write(mach_port_t call, int32_t fd, int64_t offset, unix_data_t data,
    mach_msg_type_number_t data_count, int64_t *result)
{
	(void)call;
	*result = io_write(fd, data, data_count, offset);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_write_bulk(mach_port_t call, int32_t fd, int64_t offset, unix_bulk_t data,
    mach_msg_type_number_t data_count, int64_t *result)
{
	(void)call;
	*result = io_write(fd, data, data_count, offset);
	if (data_count != 0)
		vm_deallocate(mach_task_self(), (vm_address_t)data, data_count);
	return KERN_SUCCESS;
}

/* Write all of it, as far as possible; a short count or an error when nothing went out. */
static int64_t
write_all(struct file *file, const char *data, int64_t size)
{
	int64_t done = 0, count = 0;

	while (done < size) {
		count = file_write(file, data + done, size - done, FILE_POSITION);
		if (count <= 0)
			break;
		done += count;
	}
	return done > 0 ? done : count;
}

static int64_t
sendfile(struct file *out, struct file *in, int64_t *offset, uint64_t count)
{
	char *buffer = malloc(SENDFILE_CHUNK);
	int64_t total = 0, got = 0, put;
	bool position = *offset == FILE_POSITION;

	if (buffer == NULL)
		return -LX_ENOMEM;
	while ((uint64_t)total < count) {
		uint64_t want = count - total < SENDFILE_CHUNK ? count - total : SENDFILE_CHUNK;

		got = file_read(in, buffer, want, *offset);
		if (got <= 0)
			break;
		put = write_all(out, buffer, got);
		if (put < got && position)
			file_seek(in, (put > 0 ? put : 0) - got, LX_SEEK_CUR);
		if (put > 0) {
			total += put;
			if (!position)
				*offset += put;
		}
		if (put < got) {
			got = put;
			break;
		}
	}
	free(buffer);
	return total > 0 ? total : got;
}

kern_return_t
S_unix_io_sendfile(mach_port_t call, int32_t out_fd, int32_t in_fd, int64_t offset,
    uint64_t count, int64_t *result, int64_t *new_offset)
{
	struct file *out = call_file(out_fd), *in = call_file(in_fd);

	(void)call;
	*new_offset = offset;
	if (out == NULL || in == NULL)
		*result = -LX_EBADF;
	else if ((in->f_item->i_flags & ITEM_SEEKABLE) == 0)
		*result = -LX_EINVAL;
	else
		*result = call_result(sendfile(out, in, new_offset, count));
	if (out != NULL)
		file_rel(out);
	if (in != NULL)
		file_rel(in);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_seek(mach_port_t call, int32_t fd, int64_t offset, int32_t whence, int64_t *result)
{
	struct file *file = call_file(fd);

	(void)call;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = file_seek(file, offset, whence);
	io_used(file, FILE_POSITION, 0);
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_readdir(mach_port_t call, int32_t fd, uint64_t count, int64_t *result, unix_data_t data,
    mach_msg_type_number_t *data_count)
{
	struct file *file = call_file(fd);
	uint64_t room = *data_count < UNIX_INLINE_MAX ? *data_count : UNIX_INLINE_MAX;

	(void)call;
	*data_count = 0;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = call_result(file_readdir(file, data, count < room ? count : room));
	if (*result > 0)
		*data_count = *result;
	file_rel(file);
	return KERN_SUCCESS;
}

/* Requests that concern the description or descriptor, whatever is behind.  => true: done */
static bool
control_generic(struct file *file, int fd, struct item_ioctl *ioctl, int64_t *result)
{
	int on;

	switch (ioctl->ic_request) {
	case LX_FIOCLEX:
	case LX_FIONCLEX:
		*result = fdtable_set_cloexec(call_process()->p_fds, fd,
		    ioctl->ic_request == LX_FIOCLEX);
		return true;
	case LX_FIONBIO:
		if (ioctl->ic_in_size < sizeof(on)) {
			*result = -LX_EFAULT;
			return true;
		}
		memcpy(&on, ioctl->ic_in, sizeof(on));
		if (on)
			__atomic_or_fetch(&file->f_flags, LX_O_NONBLOCK, __ATOMIC_RELAXED);
		else
			__atomic_and_fetch(&file->f_flags, ~(uint32_t)LX_O_NONBLOCK,
			    __ATOMIC_RELAXED);
		*result = 0;
		return true;
	default:
		return false;
	}
}

kern_return_t
S_unix_io_control(mach_port_t call, int32_t fd, uint32_t request, uint64_t arg,
    unix_small_t in_data, mach_msg_type_number_t in_count, int64_t *result, unix_small_t data,
    mach_msg_type_number_t *data_count)
{
	struct file *file = call_file(fd);
	struct item_ioctl ioctl = { request, arg, in_data, in_count, data, 0 };

	(void)call;
	*result = -LX_EBADF;
	if (file == NULL) {
		*data_count = 0;
		return KERN_SUCCESS;
	}
	if (!control_generic(file, fd, &ioctl, result)) {
		*result = call_result(file_ioctl(file, &ioctl));
		if (*result == -LX_ENOTTY && request != LX_TCGETS &&
		    request != LX_TIOCGWINSZ && request != LX_TIOCGPGRP)
			unsupported_count("ioctl 0x%x on %s", request,
			    file->f_item->i_ops->io_name);
	}
	*data_count = ioctl.ic_out_size < *data_count ? ioctl.ic_out_size : *data_count;
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_sync(mach_port_t call, int32_t fd, int32_t kind, int64_t *result)
{
	struct file *file;

	(void)call;
	*result = 0;
	if (kind == 2 && fd < 0) {
		vfs_sync();
		return KERN_SUCCESS;
	}
	file = call_file(fd);
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = 0;
	if (kind == 2)
		vfs_sync();
	else if (file->f_item->i_ops->io_sync == NULL)
		*result = -LX_EINVAL;
	else
		*result = call_result(file->f_item->i_ops->io_sync(file->f_item, kind == 1));
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_allocate(mach_port_t call, int32_t fd, int32_t mode, int64_t offset, int64_t length,
    int64_t *result)
{
	struct file *file = call_file(fd);

	(void)call;
	if (file == NULL)
		*result = -LX_EBADF;
	else if (offset < 0 || length <= 0)
		*result = -LX_EINVAL;
	else if ((file->f_flags & LX_O_ACCMODE) == LX_O_RDONLY)
		*result = -LX_EBADF;
	else if (file->f_item->i_ops->io_allocate == NULL)
		*result = -LX_EOPNOTSUPP;
	else
		*result = file->f_item->i_ops->io_allocate(file, mode, offset, length);
	if (file != NULL)
		file_rel(file);
	return KERN_SUCCESS;
}

#define LX_MAP_SHARED	1
#define LX_MAP_PRIVATE	2
#define LX_MAP_FIXED	0x10

/* May this mapping be?  *most: what it may ever be protected to. */
static int
map_check(const struct file *file, uint64_t address, uint64_t length, int prot, int flags,
    int64_t offset, vm_prot_t *most)
{
	uint32_t access = file->f_flags & LX_O_ACCMODE;
	uint64_t end;

	if ((address & 0xfff) != 0 || (offset & 0xfff) != 0 || offset < 0 || length == 0)
		return -LX_EINVAL;
	if (__builtin_add_overflow(address, length, &end) || address < UNIX_LOW_END ||
	    end > UNIX_STACK_TOP || (address < UNIX_EMUL_END && end > UNIX_EMUL_BASE))
		return -LX_ENOMEM;
	if ((file->f_flags & LX_O_PATH) != 0)
		return -LX_EBADF;
	if (access == LX_O_WRONLY)
		return -LX_EACCES;
	*most = VM_PROT_ALL;
	if ((flags & 3) == LX_MAP_SHARED || (flags & 3) == (LX_MAP_SHARED | LX_MAP_PRIVATE)) {
		if (access != LX_O_RDWR)
			*most = VM_PROT_READ | VM_PROT_EXECUTE;
	} else if ((flags & 3) != LX_MAP_PRIVATE) {
		return -LX_EINVAL;
	}
	return (prot & ~(int)*most & 7) != 0 ? -LX_EACCES : 0;
}

static int64_t
map_file(struct file *file, uint64_t address, uint64_t length, int prot, int flags,
    int64_t offset)
{
	bool private = (flags & 3) == LX_MAP_PRIVATE;
	mach_port_t object, task;
	vm_address_t place = address;
	vm_prot_t most;
	kern_return_t kr;
	int error;

	error = map_check(file, address, length, prot, flags, offset, &most);
	if (error != 0)
		return error;
	if (file->f_item->i_ops->io_map == NULL)
		return -LX_ENODEV;
	error = file->f_item->i_ops->io_map(file->f_item, private ? VM_PROT_READ : most, &object);
	if (error != 0)
		return error;
	length = round_page(length);
	mutex_lock(&process_lock);
	task = call_process()->p_space != NULL ? call_process()->p_space->sp_task : MACH_PORT_NULL;
	if (task != MACH_PORT_NULL)
		mach_port_mod_refs(mach_task_self(), task, MACH_PORT_RIGHT_SEND, 1);
	mutex_unlock(&process_lock);
	if (task == MACH_PORT_NULL) {
		mach_port_deallocate(mach_task_self(), object);
		return -LX_EINTR;
	}
	vm_deallocate(task, place, length);
	kr = vm_map(task, &place, length, 0, FALSE, object, offset, private, prot & 7, most,
	    private ? VM_INHERIT_COPY : VM_INHERIT_SHARE);
	mach_port_deallocate(mach_task_self(), object);
	mach_port_deallocate(mach_task_self(), task);
	return kr == KERN_SUCCESS ? (int64_t)address : -LX_ENOMEM;
}

kern_return_t
S_unix_io_map(mach_port_t call, uint64_t address, uint64_t length, int32_t prot, int32_t flags,
    int32_t fd, int64_t offset, int64_t *result)
{
	struct file *file = call_file(fd);

	(void)call;
	*result = -LX_EBADF;
	if (file == NULL)
		return KERN_SUCCESS;
	*result = map_file(file, address, length, prot, flags, offset);
	file_rel(file);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_io_msync(mach_port_t call, uint64_t address, uint64_t length, int32_t flags,
    int64_t *result)
{
	(void)call;
	(void)address;
	(void)length;
	/* MS_SYNC: mapped pages reach the file with the sync of everything. */
	if ((flags & 4) != 0)
		vfs_sync();
	*result = 0;
	return KERN_SUCCESS;
}
