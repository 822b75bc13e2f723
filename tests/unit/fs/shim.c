/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands around the file services on the host: one thread, a process table of one process,
 * windows that are plain memory, a disk that is a file read into memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach.h>
#include <cthreads.h>
#include <device/device.h>

#include "../../../servers/unix/fs/enode.h"
#include "../../../servers/unix/job.h"
#include "../../../servers/unix/loan.h"
#include "../../../servers/unix/procinfo.h"
#include "../../../servers/unix/system.h"
#include "shim.h"

uint8_t *shim_disk;
uint64_t shim_disk_size;
int shim_signals;
struct cred *shim_cred;

/* ---- loans: nobody to lend a file to ---- */

int64_t
loan_take(struct loan *loan)
{
	(void)loan;
	abort();
}

void
loan_give(struct loan *loan, int64_t position, bool accessed)
{
	(void)loan;
	(void)position;
	(void)accessed;
	abort();
}

void
loan_resize(struct item *item, uint64_t size)
{
	(void)item;
	(void)size;
}

void
loan_freeze(struct item *item)
{
	(void)item;
}

void
loan_thaw(struct item *item)
{
	(void)item;
}

/* ---- kernel ---- */

mach_port_t mach_task_self_ = 1;

kern_return_t
vm_allocate(vm_task_t task, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
	(void)task;
	(void)anywhere;
	*address = (vm_address_t)calloc(1, size);
	return KERN_SUCCESS;
}

kern_return_t
vm_deallocate(vm_task_t task, vm_address_t address, vm_size_t size)
{
	(void)task;
	(void)size;
	free((void *)address);
	return KERN_SUCCESS;
}

kern_return_t
vm_map(vm_task_t task, vm_address_t *address, vm_size_t size, vm_address_t mask,
    boolean_t anywhere, memory_object_t object, vm_offset_t offset, boolean_t copy,
    vm_prot_t prot, vm_prot_t max, vm_inherit_t inherit)
{
	(void)task;
	(void)size;
	(void)mask;
	(void)anywhere;
	(void)object;
	(void)offset;
	(void)copy;
	(void)prot;
	(void)max;
	(void)inherit;
	*address = (vm_address_t)shim_disk;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	(void)task;
	(void)name;
	return KERN_SUCCESS;
}

kern_return_t
device_open(mach_port_t master, dev_mode_t mode, const char *name, mach_port_t *device)
{
	(void)master;
	(void)mode;
	(void)name;
	*device = 2;
	return KERN_SUCCESS;
}

kern_return_t
device_get_status(mach_port_t device, dev_flavor_t flavor, dev_status_t status,
    mach_msg_type_number_t *count)
{
	(void)device;
	(void)flavor;
	(void)count;
	status[0] = (int)shim_disk_size;
	return KERN_SUCCESS;
}

kern_return_t
device_map(mach_port_t device, vm_prot_t prot, vm_offset_t offset, vm_size_t size,
    memory_object_t *pager, int unmap)
{
	(void)device;
	(void)prot;
	(void)offset;
	(void)size;
	(void)unmap;
	*pager = 3;
	return KERN_SUCCESS;
}

void
mutex_lock_solid(mutex_t mutex)
{
	(void)mutex;
	printf("Bail out! a mutex is locked twice\n");
	abort();
}

void
mutex_unlock_solid(mutex_t mutex)
{
	(void)mutex;
}

/* ---- the server ---- */

int64_t
clock_realtime(void)
{
	return 1700000000LL * 1000000000;
}

int64_t
clock_monotonic(void)
{
	return 1000000000;
}

void
wait_queue_init(struct wait_queue *queue)
{
	memset(queue, 0, sizeof(*queue));
}

void
wait_queue_wake(struct wait_queue *queue)
{
	(void)queue;
}

/* Nobody else runs: who would sleep is interrupted. */
int
wait_sleep(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline)
{
	(void)queue;
	(void)mutex;
	return deadline == WAIT_FOREVER ? -LX_EINTR : -LX_ETIMEDOUT;
}

int
wait_sleep_killable(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline)
{
	return wait_sleep(queue, mutex, deadline);
}

void
poll_table_add(struct poll_table *table, struct wait_queue *queue)
{
	(void)table;
	(void)queue;
}

int
job_tty_acquire(struct tty_job *job, bool force)
{
	(void)force;
	job->tj_session = 1;
	return 0;
}

void
job_tty_open(struct tty_job *job)
{
	(void)job;
}

int
job_tty_release(struct tty_job *job)
{
	(void)job;
	return 0;
}

int
job_tty_get_group(struct tty_job *job)
{
	return job->tj_foreground;
}

int
job_tty_set_group(struct tty_job *job, int group)
{
	job->tj_foreground = group;
	return 0;
}

int
job_tty_get_session(struct tty_job *job)
{
	return job->tj_session;
}

int
job_tty_check(struct tty_job *job, int sig)
{
	(void)job;
	(void)sig;
	return 0;
}

void
job_tty_signal(struct tty_job *job, int sig)
{
	(void)job;
	shim_signals |= 1 << sig;
}

void
job_tty_hangup(struct tty_job *job)
{
	(void)job;
	shim_signals |= 1 << LX_SIGHUP;
}

struct item *
job_ctty_item(void)
{
	return NULL;
}

void
job_signal_self(int sig)
{
	shim_signals |= 1 << sig;
}

int
job_current_pid(void)
{
	return 1;
}

const struct cred *
job_current_cred(void)
{
	return shim_cred;
}

uint64_t
job_current_fsize_limit(void)
{
	return UINT64_MAX;
}

void
system_log(const char *format, ...)
{
	(void)format;
}

const char *
system_hostname(char buffer[65])
{
	return strcpy(buffer, "ernst");
}

int
proc_info_list(int after, int *pids, int count)
{
	if (after >= 1 || count == 0)
		return 0;
	*pids = 1;
	return 1;
}

int
proc_info_highest(void)
{
	return 1;
}

int
proc_info_get(int pid, struct proc_info *info)
{
	if (pid != 1)
		return -LX_ESRCH;
	memset(info, 0, sizeof(*info));
	info->pi_pid = 1;
	info->pi_state = 'S';
	info->pi_threads = 1;
	strcpy(info->pi_name, "init");
	return 0;
}

int
proc_info_threads(int pid, int after, int *tids, int count)
{
	return pid == 1 ? proc_info_list(after, tids, count) : 0;
}

struct file *shim_fd;

int
proc_info_file(int pid, int from, struct file **file)
{
	if (pid != 1 || from > 3 || shim_fd == NULL)
		return -LX_ENOENT;
	file_ref(shim_fd);
	*file = shim_fd;
	return 3;
}

int
proc_info_link(int pid, int which, struct item **item, char *path, size_t size)
{
	(void)pid;
	(void)which;
	(void)item;
	(void)path;
	(void)size;
	return -LX_ENOENT;
}

int64_t
proc_info_read(int pid, uint64_t address, void *data, size_t size)
{
	(void)pid;
	(void)address;
	(void)data;
	(void)size;
	return -LX_EFAULT;
}

int
proc_info_region(int pid, uint64_t *address, struct proc_region *region)
{
	(void)pid;
	(void)address;
	(void)region;
	return -LX_ENOENT;
}

void
proc_info_totals(struct proc_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	totals->pt_cpus = 2;
}

size_t
unsupported_format(char *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}

void
unsupported_count(const char *format, ...)
{
	(void)format;
}

int
console_start(mach_port_t device_master)
{
	(void)device_master;
	return 0;
}

/* ---- windows and the pager: memory filled from the file, written back at a flush ---- */

struct window {
	struct window	*next;
	struct enode	*node;
	uint64_t	offset;
	uint8_t		data[WINDOW_SIZE];
};
static struct window *all;

int
window_get(struct enode *node, uint64_t offset, struct window **out, uint8_t **data, size_t *size)
{
	uint64_t start = offset & ~(uint64_t)(WINDOW_SIZE - 1);
	struct window *w;
	bool hole;

	for (w = all; w != NULL && (w->node != node || w->offset != start); w = w->next)
		;
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		w->node = node;
		w->offset = start;
		w->next = all;
		all = w;
		if (mutex_try_lock(&node->n_mount->em_lock) == 0)
			abort();	/* the rule in enode.h */
		(void)ext2_data_read(node->n_inode, start, w->data, WINDOW_SIZE, &hole);
		if (start + WINDOW_SIZE > node->n_size)
			memset(w->data + (node->n_size > start ? node->n_size - start : 0), 0,
			    WINDOW_SIZE - (node->n_size > start ? node->n_size - start : 0));
		mutex_unlock(&node->n_mount->em_lock);
		node->n_state = ENODE_READY;
	}
	*out = w;
	*data = w->data + (offset - start);
	*size = WINDOW_SIZE - (size_t)(offset - start);
	return 0;
}

void
window_put(struct window *window)
{
	(void)window;
}

/* => em_lock held */
static void
window_write(struct window *w)
{
	struct enode *node = w->node;
	uint64_t n = WINDOW_SIZE;

	if (w->offset >= node->n_size)
		return;
	if (n > node->n_size - w->offset)
		n = node->n_size - w->offset;
	(void)ext2_data_write(node->n_inode, w->offset, w->data, n);
}

void
window_drop(struct enode *node)
{
	(void)node;
}

int
fault_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	return 0;
}

int
fault_zero(void *to, size_t size)
{
	memset(to, 0, size);
	return 0;
}

int
fault_start(void)
{
	return 0;
}

int
pager_start(void)
{
	return 0;
}

int
pager_port(struct enode *node, mach_port_t *port)
{
	(void)node;
	*port = 9;
	return 0;
}

static void
windows_free(struct enode *node, bool write)
{
	struct window **wp = &all, *w;

	while ((w = *wp) != NULL) {
		if (w->node != node) {
			wp = &w->next;
			continue;
		}
		if (write)
			window_write(w);
		*wp = w->next;
		free(w);
	}
}

void
pager_forget(struct enode *node)
{
	windows_free(node, false);
	node->n_state = ENODE_NONE;
}

/* The kernel lets go at once. */
void
pager_retire(struct enode *node)
{
	windows_free(node, node->n_inode->ei_d.i_links_count != 0);
	node->n_state = ENODE_NONE;
	enode_finish(node);
}

void
pager_revive(struct enode *node)
{
	(void)node;
}

int
pager_flush(struct enode *node, uint64_t offset, uint64_t size, bool give_back, bool flush)
{
	struct window *w;

	mutex_lock(&node->n_mount->em_lock);
	for (w = all; w != NULL; w = w->next) {
		if (w->node != node)
			continue;
		if (give_back)
			window_write(w);
		if (flush && !give_back) {
			uint64_t from = offset > w->offset ? offset - w->offset : 0;
			uint64_t to = offset + size > w->offset ? offset + size - w->offset : 0;

			if (to > WINDOW_SIZE)
				to = WINDOW_SIZE;
			if (from < to)
				memset(w->data + from, 0, to - from);
		}
	}
	mutex_unlock(&node->n_mount->em_lock);
	return 0;
}
