/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large reads without copying: the pages of the file's memory object, mapped copy-on-write, are moved to the reader.
 *
 * LOCKS    as in file.c.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include "item.h"

/*
 * Less than this is read with a copy. It is well above what the kernel itself copies when it takes a message in: a page that a
 * truncation takes away meanwhile would make the reply one with invalid memory.
 */
#define MAP_MIN	(16 * 1024)

/* => f_lock held if the position is used; *at is moved; ENOSYS for too little */
static int64_t
file_map_part(struct file *file, size_t size, int64_t *at, vm_address_t *address)
{
	const struct item_ops *ops = file->f_item->i_ops;
	uint64_t skip = (uint64_t)*at & (vm_page_size - 1);
	struct lx_stat stat;
	mach_port_t object;
	kern_return_t kr;
	int error;

	error = ops->io_getattr(file->f_item, &stat);
	if (error != 0 || *at >= stat.st_size)
		return error;
	if (size > (uint64_t)(stat.st_size - *at))
		size = (size_t)(stat.st_size - *at);
	if (size < MAP_MIN)
		return -LX_ENOSYS;
	error = ops->io_map(file->f_item, VM_PROT_READ, &object);
	if (error != 0)
		return error;
	*address = 0;
	kr = vm_map(mach_task_self(), address, round_page(skip + size), 0, TRUE, object, (uint64_t)*at - skip, TRUE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), object);
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	*address += skip;
	/* reading nothing marks the access */
	ops->io_read(file, NULL, 0, at, file->f_flags);
	*at += (int64_t)size;
	return (int64_t)size;
}

int64_t
file_read_map(struct file *file, size_t size, int64_t offset, vm_address_t *address)
{
	bool position;
	int64_t count;
	int error;

	if (size < MAP_MIN || file->f_item->i_mode != LX_S_IFREG || file->f_item->i_ops->io_map == NULL ||
	    file->f_item->i_ops->io_read == NULL)
		return -LX_ENOSYS;
	error = file_transfer_check(file, false, offset, &position);
	if (error != 0)
		return error;
	if (!position)
		return file_map_part(file, size, &offset, address);
	file_position_lock(file);
	count = file_map_part(file, size, &file->f_offset, address);
	file_position_unlock(file, true);
	return count;
}
