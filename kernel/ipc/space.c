/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name spaces.
 *
 * OBJECT, STATES, REFS, LOCKS  see space.h.
 * RIGHTS  ipc_space_destroy destroys every right as mach_port_destroy would.
 */
#include <ipc/space.h>
#include <ipc/right.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

static const struct lock_class space_class = { "ipc_space", LOCK_RANK_IPC_SPACE, 0 };
static struct slab_cache *space_cache;

void ipc_space_init(void)
{
	space_cache = slab_cache_create("ipc_space", sizeof(struct ipc_space), 8);
}

struct ipc_space *ipc_space_create(struct task *task)
{
	struct ipc_space *space;

	if (fault_point("ipc_space") || (space = slab_alloc(space_cache)) == NULL)
		return NULL;
	spin_lock_init(&space->is_lock, &space_class);
	space->is_refs = 1;
	space->is_active = true;
	space->is_task_name = space->is_host_name = MACH_PORT_NAME_NULL;
	space->is_task = task;
	ipc_table_init(&space->is_table);
	counter_add(COUNT_SPACE, 1);
	return space;
}

void ipc_space_ref(struct ipc_space *space)
{
	__atomic_fetch_add(&space->is_refs, 1, __ATOMIC_RELAXED);
}

void ipc_space_release(struct ipc_space *space)
{
	if (__atomic_fetch_sub(&space->is_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (space->is_active)	/* never used: creation of its task failed */
		ipc_space_destroy(space);
	slab_free(space_cache, space);
	counter_add(COUNT_SPACE, -1);
}

void ipc_space_destroy(struct ipc_space *space)
{
	struct ipc_table table;
	struct ipc_entry *e;
	mach_port_name_t name;
	uint32_t cursor = 0;

	ipc_space_lock(space);
	if (!space->is_active) {
		ipc_space_unlock(space);
		return;
	}
	space->is_active = false;
	/* nobody enters names any more; one right at a time, the lock dropped between */
	while (ipc_entry_next(&space->is_table, &cursor, &name, &e)) {
		ipc_right_destroy(space, name, e);
		ipc_space_lock(space);
	}
	table = space->is_table;
	ipc_table_init(&space->is_table);
	ipc_space_unlock(space);
	ipc_table_destroy(&table);
}

struct ipc_space *ipc_space_self(void)
{
	return current_thread()->th_task->tk_space;
}
