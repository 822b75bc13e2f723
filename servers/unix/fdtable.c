/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables.
 *
 * OBJECT   see fdtable.h.  Grows by doubling up to the process's limit.
 * REFS     an entry holds one reference of its description.
 * LOCKS    ft_lock, a leaf.
 * TESTS    tests/unit/unix
 */
#include <stdlib.h>
#include <string.h>
#include "fdtable.h"
#include "vfs.h"

#define FDTABLE_FIRST	16

struct fdtable *
fdtable_create(void)
{
	struct fdtable *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	mutex_init(&table->ft_lock);
	table->ft_size = FDTABLE_FIRST;
	table->ft_entries = calloc(FDTABLE_FIRST, sizeof(table->ft_entries[0]));
	if (table->ft_entries == NULL) {
		free(table);
		return NULL;
	}
	return table;
}

struct fdtable *
fdtable_copy(struct fdtable *table)
{
	struct fdtable *copy = calloc(1, sizeof(*copy));
	int fd;

	if (copy == NULL)
		return NULL;
	mutex_init(&copy->ft_lock);
	mutex_lock(&table->ft_lock);
	copy->ft_size = table->ft_size;
	copy->ft_entries = calloc(copy->ft_size, sizeof(copy->ft_entries[0]));
	if (copy->ft_entries == NULL) {
		mutex_unlock(&table->ft_lock);
		free(copy);
		return NULL;
	}
	for (fd = 0; fd < copy->ft_size; fd++) {
		copy->ft_entries[fd] = table->ft_entries[fd];
		if (copy->ft_entries[fd].fe_file != NULL)
			file_ref(copy->ft_entries[fd].fe_file);
	}
	mutex_unlock(&table->ft_lock);
	return copy;
}

void
fdtable_close_all(struct fdtable *table, int pid)
{
	struct file *file;
	int fd = 0;

	mutex_lock(&table->ft_lock);
	table->ft_closed = true;
	mutex_unlock(&table->ft_lock);
	for (fd = 0; fd < table->ft_size; fd++) {
		file = fdtable_remove(table, fd);
		if (file == NULL)
			continue;
		file_record_unlock_all(file, pid);
		file_rel(file);
	}
}

void
fdtable_destroy(struct fdtable *table)
{
	free(table->ft_entries);
	free(table);
}

void
fdtable_close_exec(struct fdtable *table, int pid)
{
	int fd;

	for (fd = 0; fd < table->ft_size; fd++) {
		struct file *file = NULL;

		mutex_lock(&table->ft_lock);
		if (table->ft_entries[fd].fe_cloexec) {
			file = table->ft_entries[fd].fe_file;
			table->ft_entries[fd].fe_file = NULL;
			table->ft_entries[fd].fe_cloexec = false;
		}
		mutex_unlock(&table->ft_lock);
		if (file != NULL) {
			file_record_unlock_all(file, pid);
			file_rel(file);
		}
	}
}

struct file *
fdtable_get(struct fdtable *table, int fd)
{
	struct file *file = NULL;

	mutex_lock(&table->ft_lock);
	if (fd >= 0 && fd < table->ft_size)
		file = table->ft_entries[fd].fe_file;
	if (file != NULL)
		file_ref(file);
	mutex_unlock(&table->ft_lock);
	return file;
}

/* => ft_lock held */
static int
fdtable_grow(struct fdtable *table, int fd)
{
	struct fd_entry *entries;
	int size = table->ft_size;

	if (table->ft_closed)
		return -LX_EBADF;
	while (size <= fd)
		size *= 2;
	if (size == table->ft_size)
		return 0;
	entries = calloc(size, sizeof(entries[0]));
	if (entries == NULL)
		return -LX_ENOMEM;
	memcpy(entries, table->ft_entries, table->ft_size * sizeof(entries[0]));
	free(table->ft_entries);
	table->ft_entries = entries;
	table->ft_size = size;
	return 0;
}

int
fdtable_install(struct fdtable *table, struct file *file, int low, int limit, bool cloexec)
{
	int fd = low;
	int error;

	mutex_lock(&table->ft_lock);
	while (fd < table->ft_size && table->ft_entries[fd].fe_file != NULL)
		fd++;
	error = fd >= limit ? -LX_EMFILE : fdtable_grow(table, fd);
	if (error == 0) {
		table->ft_entries[fd].fe_file = file;
		table->ft_entries[fd].fe_cloexec = cloexec;
	}
	mutex_unlock(&table->ft_lock);
	return error == 0 ? fd : error;
}

int
fdtable_install_at(struct fdtable *table, struct file *file, int fd, int limit, bool cloexec,
    struct file **old)
{
	int error;

	*old = NULL;
	if (fd < 0 || fd >= limit)
		return -LX_EBADF;
	mutex_lock(&table->ft_lock);
	error = fdtable_grow(table, fd);
	if (error == 0) {
		*old = table->ft_entries[fd].fe_file;
		table->ft_entries[fd].fe_file = file;
		table->ft_entries[fd].fe_cloexec = cloexec;
	}
	mutex_unlock(&table->ft_lock);
	return error == 0 ? fd : error;
}

struct file *
fdtable_remove(struct fdtable *table, int fd)
{
	struct file *file = NULL;

	mutex_lock(&table->ft_lock);
	if (fd >= 0 && fd < table->ft_size) {
		file = table->ft_entries[fd].fe_file;
		table->ft_entries[fd].fe_file = NULL;
		table->ft_entries[fd].fe_cloexec = false;
	}
	mutex_unlock(&table->ft_lock);
	return file;
}

int
fdtable_get_cloexec(struct fdtable *table, int fd)
{
	int result = -LX_EBADF;

	mutex_lock(&table->ft_lock);
	if (fd >= 0 && fd < table->ft_size && table->ft_entries[fd].fe_file != NULL)
		result = table->ft_entries[fd].fe_cloexec;
	mutex_unlock(&table->ft_lock);
	return result;
}

int
fdtable_set_cloexec(struct fdtable *table, int fd, bool cloexec)
{
	int result = -LX_EBADF;

	mutex_lock(&table->ft_lock);
	if (fd >= 0 && fd < table->ft_size && table->ft_entries[fd].fe_file != NULL) {
		table->ft_entries[fd].fe_cloexec = cloexec;
		result = 0;
	}
	mutex_unlock(&table->ft_lock);
	return result;
}

int
fdtable_next(struct fdtable *table, int fd, struct file **file)
{
	int found = -1;

	mutex_lock(&table->ft_lock);
	for (fd = fd < 0 ? 0 : fd; fd < table->ft_size && found < 0; fd++) {
		if (table->ft_entries[fd].fe_file != NULL) {
			*file = table->ft_entries[fd].fe_file;
			file_ref(*file);
			found = fd;
		}
	}
	mutex_unlock(&table->ft_lock);
	return found;
}
