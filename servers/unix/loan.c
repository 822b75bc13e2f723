/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loans: see loan.h.
 *
 * The window of a loan is mapped into the process by the server, read-only and not inherited; a
 * page that cannot come, or that a truncation took away, faults in the library's copy, which then
 * asks the server.
 */
#include <stdlib.h>
#include <string.h>
#include "loan.h"
#include "process.h"

#define LOAN_USES	2		/* that many reads go by before a file is lent */
#define LOAN_MISSES	4		/* that many before the window moves */
#define LOAN_WINDOW_MIN	(256u * 1024)	/* room to grow */
#define LOAN_WINDOW_MAX	(4u << 20)	/* windows count as memory of the process, which has a limit */
_Static_assert(LOAN_WINDOW_MAX <= UNIX_FILE_WINDOW, "each in its place");

static struct mutex loan_lock = MUTEX_INITIALIZER;

/* The cell's word for a position.  => loan_lock held */
static uint64_t
loan_word(const struct loan *loan, uint64_t position)
{
	uint64_t word = (position & UNIX_CELL_OFFSET) | loan->l_generation;

	if (loan->l_holds != 0 || loan->l_shared)
		word |= UNIX_CELL_HELD;
	return loan->l_note ? word | UNIX_CELL_NOTE : word;
}

/* => loan_lock held */
static void
loan_mark(struct loan *loan, uint64_t bit)
{
	__atomic_fetch_or(&loan->l_cell->uc_position, bit, __ATOMIC_SEQ_CST);
}

/* => loan_lock held */
static void
loan_release(struct loan *loan)
{
	if (loan->l_holds == 0 && !loan->l_shared)
		__atomic_fetch_and(&loan->l_cell->uc_position, ~UNIX_CELL_HELD, __ATOMIC_SEQ_CST);
}

int64_t
loan_take(struct loan *loan)
{
	uint64_t word;

	mutex_lock(&loan_lock);
	loan->l_holds++;
	word = __atomic_fetch_or(&loan->l_cell->uc_position, UNIX_CELL_HELD, __ATOMIC_SEQ_CST);
	mutex_unlock(&loan_lock);
	return (int64_t)(word & UNIX_CELL_OFFSET);
}

void
loan_give(struct loan *loan, int64_t position, bool accessed)
{
	mutex_lock(&loan_lock);
	loan->l_holds--;
	if (accessed)
		loan->l_note = false;
	__atomic_store_n(&loan->l_cell->uc_position, loan_word(loan, (uint64_t)position),
	    __ATOMIC_SEQ_CST);
	mutex_unlock(&loan_lock);
}

void
loan_resize(struct item *item, uint64_t size)
{
	struct loan *loan;

	mutex_lock(&loan_lock);
	item->i_size = size;
	for (loan = item->i_loans; loan != NULL; loan = loan->l_next) {
		__atomic_store_n(&loan->l_cell->uc_size, size, __ATOMIC_SEQ_CST);
		loan->l_note = true;
		loan_mark(loan, UNIX_CELL_NOTE);
	}
	mutex_unlock(&loan_lock);
}

void
loan_freeze(struct item *item)
{
	struct loan *loan;

	mutex_lock(&loan_lock);
	for (loan = item->i_loans; loan != NULL; loan = loan->l_next) {
		loan->l_frozen = true;
		loan->l_holds++;
		loan_mark(loan, UNIX_CELL_HELD);
	}
	mutex_unlock(&loan_lock);
}

void
loan_thaw(struct item *item)
{
	struct loan *loan;

	mutex_lock(&loan_lock);
	for (loan = item->i_loans; loan != NULL; loan = loan->l_next) {
		if (!loan->l_frozen)
			continue;
		loan->l_frozen = false;
		loan->l_holds--;
		loan_release(loan);
	}
	mutex_unlock(&loan_lock);
}

struct loan *
loan_of(const struct fdtable *table, const struct file *file)
{
	struct loan *loan = __atomic_load_n(&file->f_loan, __ATOMIC_RELAXED);
	uintptr_t first = (uintptr_t)table->ft_loans;

	if (loan == NULL || (uintptr_t)loan < first ||
	    (uintptr_t)loan >= first + UNIX_SHARE_CELLS * sizeof(*loan))
		return NULL;
	return loan;
}

void
loan_share_all(struct fdtable *table)
{
	unsigned int i;

	if (table->ft_loans == NULL)
		return;
	mutex_lock(&loan_lock);
	for (i = 0; i < UNIX_SHARE_CELLS; i++) {
		if (table->ft_loans[i].l_file == NULL)
			continue;
		table->ft_loans[i].l_shared = true;
		loan_mark(&table->ft_loans[i], UNIX_CELL_HELD);
	}
	mutex_unlock(&loan_lock);
}

/* The other tables may have let go: then the library may read again. */
static void
loan_unshare(struct fdtable *table, struct file *file)
{
	struct loan *loan;

	mutex_lock(&table->ft_lock);
	loan = loan_of(table, file);
	if (loan != NULL && loan->l_file == file &&
	    loan->l_fds == __atomic_load_n(&file->f_fds, __ATOMIC_RELAXED)) {
		mutex_lock(&loan_lock);
		loan->l_shared = false;
		loan_release(loan);
		mutex_unlock(&loan_lock);
	}
	mutex_unlock(&table->ft_lock);
}

/* How many descriptors of the table are of file; 0 too if another table has one.  => ft_lock held */
static unsigned int
loan_count_fds(const struct fdtable *table, const struct file *file)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < table->ft_size; fd++)
		count += table->ft_entries[fd].fe_file == file;
	return count == __atomic_load_n(&file->f_fds, __ATOMIC_RELAXED) ? count : 0;
}

/* A free loan, busy now, for a file that only this table has; or null. */
static struct loan *
loan_reserve(struct fdtable *table, const struct file *file)
{
	struct loan *loan = NULL;
	unsigned int i;

	mutex_lock(&table->ft_lock);
	if (loan_count_fds(table, file) == 0) {
		mutex_unlock(&table->ft_lock);
		return NULL;
	}
	if (table->ft_loans == NULL && table->ft_share != NULL) {
		table->ft_loans = calloc(UNIX_SHARE_CELLS, sizeof(*loan));
		for (i = 0; i < UNIX_SHARE_CELLS && table->ft_loans != NULL; i++) {
			table->ft_loans[i].l_table = table;
			table->ft_loans[i].l_index = i;
			table->ft_loans[i].l_cell = &table->ft_share->uh_cells[i];
		}
	}
	for (i = 0; i < UNIX_SHARE_CELLS && table->ft_loans != NULL && loan == NULL; i++) {
		if (table->ft_loans[i].l_file == NULL && !table->ft_loans[i].l_busy)
			loan = &table->ft_loans[i];
	}
	if (loan != NULL)
		loan->l_busy = true;
	mutex_unlock(&table->ft_lock);
	return loan;
}

static void
loan_unreserve(struct loan *loan)
{
	mutex_lock(&loan->l_table->ft_lock);
	loan->l_busy = false;
	mutex_unlock(&loan->l_table->ft_lock);
}

/* A send right of the task whose space the process has for itself, or null. */
static mach_port_t
loan_task(struct process *process)
{
	mach_port_t task = MACH_PORT_NULL;

	mutex_lock(&process_lock);
	if (process->p_space != NULL && process->p_vfork_place < 0) {
		task = process->p_space->sp_task;
		mach_port_mod_refs(mach_task_self(), task, MACH_PORT_RIGHT_SEND, 1);
	}
	mutex_unlock(&process_lock);
	return task;
}

static vm_address_t
loan_address(const struct loan *loan)
{
	return UNIX_EMUL_FILES + loan->l_index * UNIX_FILE_WINDOW;
}

/* => l_base, l_length are set; 0 or an error */
static int
loan_map(struct loan *loan, struct file *file, mach_port_t task, int64_t at)
{
	struct item *item = file->f_item;
	uint64_t size = round_page(item->i_size);
	vm_address_t place = loan_address(loan);
	mach_port_t object;
	kern_return_t kr;
	int error;

	loan->l_base = 0;
	if ((uint64_t)at >= LOAN_WINDOW_MAX)
		loan->l_base = (uint64_t)at & ~(uint64_t)(LOAN_WINDOW_MAX / 4 - 1);
	loan->l_length = size <= loan->l_base ? 0 : size - loan->l_base;
	if (loan->l_length < LOAN_WINDOW_MIN)
		loan->l_length = LOAN_WINDOW_MIN;
	if (loan->l_length > LOAN_WINDOW_MAX)
		loan->l_length = LOAN_WINDOW_MAX;
	error = item->i_ops->io_map(item, VM_PROT_READ, &object);
	if (error != 0)
		return error;
	kr = vm_map(task, &place, loan->l_length, 0, FALSE, object, loan->l_base, FALSE,
	    VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), object);
	return kr == KERN_SUCCESS ? 0 : -LX_ENOMEM;
}

/* Into the cell, and to be found.  => f_lock and ft_lock held, nobody else has the description */
static void
loan_publish(struct loan *loan, struct file *file)
{
	struct unix_cell *cell = loan->l_cell;
	struct item *item = file->f_item;

	loan->l_generation = (loan->l_generation + (1ull << UNIX_CELL_GENERATION_SHIFT)) &
	    UNIX_CELL_GENERATION;
	loan->l_file = file;
	loan->l_misses = 0;
	loan->l_holds = 0;
	loan->l_shared = loan->l_frozen = loan->l_note = false;
	cell->uc_window = loan_address(loan);
	cell->uc_base = loan->l_base;
	cell->uc_length = loan->l_length;
	mutex_lock(&loan_lock);
	cell->uc_size = item->i_size;
	__atomic_store_n(&cell->uc_position, loan_word(loan, (uint64_t)file->f_offset),
	    __ATOMIC_SEQ_CST);
	loan->l_next = item->i_loans;
	loan->l_link = &item->i_loans;
	if (loan->l_next != NULL)
		loan->l_next->l_link = &loan->l_next;
	item->i_loans = loan;
	mutex_unlock(&loan_lock);
	__atomic_store_n(&file->f_loan, loan, __ATOMIC_RELEASE);
	fdtable_publish_file(loan->l_table, file);
}

static void
loan_begin(struct process *process, struct file *file, int64_t at)
{
	struct fdtable *table = process->p_fds;
	struct loan *loan = loan_reserve(table, file);
	mach_port_t task;
	bool lent = false;

	if (loan == NULL)
		return;
	task = loan_task(process);
	if (task == MACH_PORT_NULL || loan_map(loan, file, task, at) != 0) {
		if (task != MACH_PORT_NULL)
			mach_port_deallocate(mach_task_self(), task);
		loan_unreserve(loan);
		return;
	}
	mutex_lock(&file->f_lock);
	mutex_lock(&process_lock);
	mutex_lock(&table->ft_lock);
	loan->l_fds = loan_count_fds(table, file);
	/* The only one to have it, and the program is still the one that has the window? */
	if (process->p_space != NULL && process->p_space->sp_task == task &&
	    file->f_loan == NULL && loan->l_fds != 0) {
		loan_publish(loan, file);
		lent = true;
	}
	mutex_unlock(&table->ft_lock);
	mutex_unlock(&process_lock);
	mutex_unlock(&file->f_lock);
	if (!lent)
		vm_deallocate(task, loan_address(loan), loan->l_length);
	mach_port_deallocate(mach_task_self(), task);
	loan_unreserve(loan);
}

/* => f_lock, ft_lock held */
static void
loan_unpublish(struct loan *loan, struct file *file)
{
	uint64_t word;

	mutex_lock(&loan_lock);
	*loan->l_link = loan->l_next;
	if (loan->l_next != NULL)
		loan->l_next->l_link = loan->l_link;
	word = __atomic_exchange_n(&loan->l_cell->uc_position, UNIX_CELL_HELD, __ATOMIC_SEQ_CST);
	mutex_unlock(&loan_lock);
	file->f_offset = (int64_t)(word & UNIX_CELL_OFFSET);
	__atomic_store_n(&file->f_loan, NULL, __ATOMIC_RELEASE);
	loan->l_file = NULL;
	fdtable_publish_file(loan->l_table, file);
}

void
loan_end(struct loan *loan, struct file *file)
{
	struct fdtable *table = loan->l_table;
	mach_port_t task;

	mutex_lock(&file->f_lock);
	mutex_lock(&table->ft_lock);
	if (loan->l_file != file || loan->l_busy) {
		mutex_unlock(&table->ft_lock);
		mutex_unlock(&file->f_lock);
		return;
	}
	loan->l_busy = true;
	loan_unpublish(loan, file);
	mutex_unlock(&table->ft_lock);
	mutex_unlock(&file->f_lock);
	task = loan_task(table->ft_process);
	if (task != MACH_PORT_NULL) {
		vm_deallocate(task, loan_address(loan), loan->l_length);
		mach_port_deallocate(mach_task_self(), task);
	}
	loan_unreserve(loan);
}

/* Bytes were read that the window did not show, but would if it were elsewhere: is it time?  => f_lock held */
static bool
loan_missed(struct loan *loan, int64_t at, int64_t size)
{
	uint64_t from = (uint64_t)at, base = loan->l_base;

	if (size <= 0 || size > LOAN_WINDOW_MAX / 2 ||
	    (from >= base && from + (uint64_t)size <= base + loan->l_length))
		return false;
	return ++loan->l_misses >= LOAN_MISSES;
}

void
loan_consider(struct process *process, struct file *file, int64_t at, int64_t size)
{
	struct loan *loan;
	bool begin = false, move = false, shared = false;

	if ((file->f_flags & LX_O_ACCMODE) == LX_O_WRONLY || (file->f_flags & LX_O_PATH) != 0)
		return;
	if (at < 0)
		at = 0;		/* the position is another thread's meanwhile */
	mutex_lock(&file->f_lock);
	loan = file->f_loan;
	if (loan == NULL) {
		begin = file->f_uses >= LOAN_USES;
		file->f_uses = begin ? 0 : file->f_uses + 1;
	} else {
		shared = loan->l_shared;
		move = loan->l_table == process->p_fds && !shared && loan_missed(loan, at, size);
	}
	mutex_unlock(&file->f_lock);
	if (shared)
		loan_unshare(process->p_fds, file);
	if (move)
		loan_end(loan, file);
	if (begin || move)
		loan_begin(process, file, at);
}
