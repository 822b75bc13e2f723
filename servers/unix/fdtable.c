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

/* What the library may do alone with a descriptor of file.  => ft_lock held */
static uint16_t
fdtable_word(const struct fdtable *table, const struct file *file)
{
	uint32_t access = file->f_flags & LX_O_ACCMODE;
	uint16_t word = file->f_item->i_local;
	struct loan *loan = loan_of(table, file);

	if (loan != NULL && loan->l_file == file)
		word = (uint16_t)(UNIX_FD_FILE | loan->l_index << 8);
	if (word == 0 || (file->f_flags & LX_O_PATH) != 0)
		return 0;
	if (access != LX_O_WRONLY)
		word |= UNIX_FD_READ;
	if (access != LX_O_RDONLY)
		word |= UNIX_FD_WRITE;
	return word;
}

/* => ft_lock held */
static void
fdtable_publish(struct fdtable *table, int fd)
{
	const struct file *file = table->ft_entries[fd].fe_file;

	if (table->ft_share != NULL && fd < UNIX_SHARE_FDS)
		__atomic_store_n(&table->ft_share->uh_fds[fd],
		    file == NULL ? 0 : fdtable_word(table, file), __ATOMIC_SEQ_CST);
}

void
fdtable_publish_file(struct fdtable *table, const struct file *file)
{
	int fd;

	for (fd = 0; fd < table->ft_size && fd < UNIX_SHARE_FDS; fd++) {
		if (table->ft_entries[fd].fe_file == file)
			fdtable_publish(table, fd);
	}
}

void
fdtable_attach(struct fdtable *table, struct process *process, struct unix_share *share)
{
	int fd;

	mutex_lock(&table->ft_lock);
	table->ft_process = process;
	table->ft_share = share;
	for (fd = 0; fd < table->ft_size && fd < UNIX_SHARE_FDS; fd++) {
		/* the pages are fresh: zeros */
		if (table->ft_entries[fd].fe_file != NULL)
			fdtable_publish(table, fd);
	}
	mutex_unlock(&table->ft_lock);
}

/*
 * Put a description, or none, where another or none was: which is returned.
 * => ft_lock held; references change hands
 */
static struct file *
fdtable_put(struct fdtable *table, int fd, struct file *file, bool cloexec)
{
	struct fd_entry *entry = &table->ft_entries[fd];
	struct file *old = entry->fe_file;
	struct loan *loan;

	if (file != NULL) {
		__atomic_add_fetch(&file->f_fds, 1, __ATOMIC_RELAXED);
		loan = loan_of(table, file);
		if (loan != NULL)
			loan->l_fds++;
	}
	if (old != NULL) {
		__atomic_sub_fetch(&old->f_fds, 1, __ATOMIC_RELAXED);
		loan = loan_of(table, old);
		if (loan != NULL)
			loan->l_fds--;
	}
	entry->fe_file = file;
	entry->fe_cloexec = cloexec;
	fdtable_publish(table, fd);
	return old;
}

/* The loan that ends because no descriptor is left, or null.  => ft_lock held */
static struct loan *
fdtable_unused_loan(const struct fdtable *table, const struct file *file)
{
	struct loan *loan = file == NULL ? NULL : loan_of(table, file);

	return loan != NULL && loan->l_fds == 0 ? loan : NULL;
}

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
		if (copy->ft_entries[fd].fe_file == NULL)
			continue;
		file_ref(copy->ft_entries[fd].fe_file);
		__atomic_add_fetch(&copy->ft_entries[fd].fe_file->f_fds, 1, __ATOMIC_RELAXED);
	}
	loan_share_all(table);
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
	table->ft_share = NULL;		/* nobody is there to be told */
	mutex_unlock(&table->ft_lock);
	for (fd = 0; fd < table->ft_size; fd++) {
		if (__atomic_load_n(&table->ft_entries[fd].fe_file, __ATOMIC_RELAXED) == NULL)
			continue;
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
	free(table->ft_loans);
	free(table->ft_entries);
	free(table);
}

void
fdtable_end_loans(struct fdtable *table)
{
	struct file *file;
	unsigned int i;

	for (i = 0; i < UNIX_SHARE_CELLS; i++) {
		mutex_lock(&table->ft_lock);
		file = table->ft_loans == NULL ? NULL : table->ft_loans[i].l_file;
		if (file != NULL)
			file_ref(file);
		mutex_unlock(&table->ft_lock);
		if (file == NULL)
			continue;
		loan_end(&table->ft_loans[i], file);
		file_rel(file);
	}
}

void
fdtable_close_exec(struct fdtable *table, int pid)
{
	int fd;

	for (fd = 0; fd < table->ft_size; fd++) {
		struct file *file = NULL;

		mutex_lock(&table->ft_lock);
		if (table->ft_entries[fd].fe_cloexec)
			file = fdtable_put(table, fd, NULL, false);
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
	if (error == 0)
		fdtable_put(table, fd, file, cloexec);
	mutex_unlock(&table->ft_lock);
	return error == 0 ? fd : error;
}

int
fdtable_install_at(struct fdtable *table, struct file *file, int fd, int limit, bool cloexec,
    struct file **old)
{
	struct loan *loan;
	int error;

	*old = NULL;
	if (fd < 0 || fd >= limit)
		return -LX_EBADF;
	mutex_lock(&table->ft_lock);
	error = fdtable_grow(table, fd);
	if (error == 0)
		*old = fdtable_put(table, fd, file, cloexec);
	loan = fdtable_unused_loan(table, *old);
	mutex_unlock(&table->ft_lock);
	if (loan != NULL)
		loan_end(loan, *old);
	return error == 0 ? fd : error;
}

struct file *
fdtable_remove(struct fdtable *table, int fd)
{
	struct file *file = NULL;
	struct loan *loan;

	mutex_lock(&table->ft_lock);
	if (fd >= 0 && fd < table->ft_size)
		file = fdtable_put(table, fd, NULL, false);
	loan = fdtable_unused_loan(table, file);
	mutex_unlock(&table->ft_lock);
	if (loan != NULL)
		loan_end(loan, file);
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
