/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: creation, references, termination.
 *
 * OBJECT  see task.h.
 * STATES  active -> dying (task_terminate_internal: no new threads, kernel port dead, threads told to end) -> cleaned (by the
 *         last thread, or by the terminator when there was none: name space and memory gone) -> freed.
 * REFS    one for being alive (dropped by task_cleanup), one per thread, one per pointer kept elsewhere. The space and the map
 *         have a reference from the task until it is freed, so both pointers stay good as long as the task does.
 * LOCKS   tk_lock (spin); task_list_lock (spin, before it) for the list of all tasks.
 * RIGHTS  stored rights are written by right_exchange only.
 */
#include <ipc/ipc.h>
#include <kern/counter.h>
#include <kern/emulation.h>
#include <kern/exception_ports.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/right.h>
#include <kern/sample.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/task_list.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <vm/map.h>

static const struct lock_class task_class = { "task", LOCK_RANK_TASK, LOCK_CLASS_MULTIPLE };
static const struct lock_class task_list_class = { "task list", LOCK_RANK_TASK_LIST, 0 };

static struct slab_cache *task_cache;
struct task *kernel_task;
struct spinlock task_list_lock = SPIN_LOCK_INITIALIZER(&task_list_class);
struct queue task_list = { &task_list, &task_list };
/* who hears of new tasks: a send right, under task_list_lock */
struct ipc_port *new_task_port;

static void
task_setup(struct task *t, struct task *parent)
{
	memset(t, 0, sizeof *t);
	spin_lock_init(&t->tk_lock, &task_class);
	t->tk_refs = 2;			/* alive, and the caller's */
	t->tk_active = true;
	queue_init(&t->tk_link);
	queue_init(&t->tk_pset_link);
	queue_init(&t->tk_threads);
	t->tk_priority = PRI_USER;
	t->tk_pset = &default_pset;
	t->tk_emulation = &no_emulation;
	t->tk_created = clock_wall_ns();
	if (parent != NULL) {
		t->tk_sid = parent->tk_sid;
		ksnprintf(t->tk_name, sizeof t->tk_name, "(%.60s)", parent->tk_name);
	}
}

/* what a child has from its parent; rights are copied under the parent's lock */
static void
task_inherit(struct task *t, struct task *parent)
{
	spin_lock(&parent->tk_lock);
	t->tk_priority = parent->tk_priority;
	t->tk_pset = parent->tk_pset;
	pset_ref(t->tk_pset);
	t->tk_exception = ipc_port_copy_send(parent->tk_exception);
	t->tk_bootstrap = ipc_port_copy_send(parent->tk_bootstrap);
	for (int i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		t->tk_registered[i] = ipc_port_copy_send(parent->tk_registered[i]);
	t->tk_emulation = emulation_ref(parent->tk_emulation);
	spin_unlock(&parent->tk_lock);
}

static void
task_drop_rights(struct task *t)
{
	ipc_port_release_send(right_exchange(&t->tk_lock, &t->tk_exception, IP_NULL));
	exception_actions_drop(t, &t->tk_actions);
	ipc_port_release_send(right_exchange(&t->tk_lock, &t->tk_bootstrap, IP_NULL));
	for (int i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		ipc_port_release_send(right_exchange(&t->tk_lock, &t->tk_registered[i], IP_NULL));
	ipc_port_release_send(right_exchange(&t->tk_lock, &t->tk_self_right, IP_NULL));
	ipc_port_destroy_kernel(right_exchange(&t->tk_lock, &t->tk_self, IP_NULL));
}

static struct vm_map *
task_make_map(struct task *parent, bool inherit)
{
	if (parent != NULL && parent != kernel_task && inherit)
		return vm_map_fork(parent->tk_map);
	return vm_map_create();
}

/* publish last: on the lists, with all parts there */
static void
task_publish(struct task *t)
{
	counter_add(COUNT_TASK, 1);
	spin_lock(&task_list_lock);
	queue_push_tail(&task_list, &t->tk_link);
	spin_unlock(&task_list_lock);
	pset_add_task(t);
}

kern_return_t
task_create_internal(struct task *parent, bool inherit, struct task **out)
{
	struct task *t = slab_alloc(task_cache);

	if (t == NULL)
		return KERN_RESOURCE_SHORTAGE;
	task_setup(t, parent);
	t->tk_map = task_make_map(parent, inherit);
	if (t->tk_map == NULL)
		goto no_map;
	t->tk_space = ipc_space_create(t);
	if (t->tk_space == NULL)
		goto no_space;
	if (machine_task_init(t, parent) != KERN_SUCCESS)
		goto no_machine;
	t->tk_self = ipc_port_create_kernel(IKOT_TASK, t);
	if (t->tk_self == IP_NULL)
		goto no_port;
	if (parent != NULL && exception_actions_inherit(t, parent) != KERN_SUCCESS)
		goto no_actions;
	t->tk_self_right = ipc_port_make_send(t->tk_self);
	if (parent != NULL)
		task_inherit(t, parent);
	else
		pset_ref(t->tk_pset);
	task_publish(t);
	*out = t;
	return KERN_SUCCESS;
no_actions:
	ipc_port_destroy_kernel(t->tk_self);
no_port:
	machine_task_destroy(t);
no_machine:
	ipc_space_destroy(t->tk_space);
	ipc_space_release(t->tk_space);
no_space:
	vm_map_release(t->tk_map);
no_map:
	slab_free(task_cache, t);
	return KERN_RESOURCE_SHORTAGE;
}

void
task_ref(struct task *t)
{
	uint32_t old = __atomic_fetch_add(&t->tk_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old > 0);
	(void)old;
}

void
task_release(struct task *t)
{
	if (__atomic_sub_fetch(&t->tk_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	KASSERT(t->tk_cleaned && t->tk_thread_count == 0);
	emulation_release(t->tk_emulation);
	sampler_free(t->tk_sampler);
	pset_release(t->tk_pset);
	machine_task_destroy(t);
	ipc_space_release(t->tk_space);
	vm_map_release(t->tk_map);
	counter_add(COUNT_TASK, -1);
	slab_free(task_cache, t);
}

void
task_cleanup(struct task *t)
{
	bool first;

	spin_lock(&t->tk_lock);
	first = !t->tk_cleaned;
	t->tk_cleaned = true;
	spin_unlock(&t->tk_lock);
	if (!first)
		return;
	pset_remove_task(t);
	spin_lock(&task_list_lock);
	queue_remove(&t->tk_link);
	spin_unlock(&task_list_lock);
	ipc_space_destroy(t->tk_space);
	task_drop_rights(t);
	vm_map_clear(t->tk_map);
	if (t->tk_essential)
		panic("essential task %s ended", t->tk_name);
	spin_lock(&t->tk_lock);
	t->tk_gone = true;
	spin_unlock(&t->tk_lock);
	thread_wakeup(&t->tk_gone);
	task_release(t);
}

/* => a referenced thread of the task other than `but`, not yet told to end; NULL: none */
static struct thread *
task_next_victim(struct task *t, const struct thread *but)
{
	struct thread *found = NULL;
	struct queue *q;

	spin_lock(&t->tk_lock);
	queue_for_each(q, &t->tk_threads) {
		struct thread *th = queue_entry(q, struct thread, th_task_link);

		if (th == but || !__atomic_load_n(&th->th_active, __ATOMIC_ACQUIRE))
			continue;
		thread_ref(th);
		found = th;
		break;
	}
	spin_unlock(&t->tk_lock);
	return found;
}

kern_return_t
task_terminate_internal(struct task *t)
{
	struct thread *self = current_thread(), *th;
	bool first, empty;

	if (t == kernel_task)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&t->tk_lock);
	first = t->tk_active;
	t->tk_active = false;
	spin_unlock(&t->tk_lock);
	if (!first) {
		if (self->th_task == t)
			thread_terminate_internal(self);
		return KERN_FAILURE;
	}
	/* the kernel port dies now, so that no one gets hold of a dying task */
	ipc_port_destroy_kernel(right_exchange(&t->tk_lock, &t->tk_self, IP_NULL));
	while ((th = task_next_victim(t, self)) != NULL) {
		thread_end(th);
		thread_release(th);
	}
	spin_lock(&t->tk_lock);
	empty = t->tk_thread_count == 0;
	spin_unlock(&t->tk_lock);
	if (empty)
		task_cleanup(t);
	else if (self->th_task == t)
		thread_terminate_internal(self);
	else
		task_wait_cleaned(t);
	return KERN_SUCCESS;
}

/* => returns early when the caller is ended itself */
void
task_wait_cleaned(struct task *t)
{
	for (;;) {
		bool done;

		assert_wait(&t->tk_gone, true);
		spin_lock(&t->tk_lock);
		done = t->tk_gone;
		spin_unlock(&t->tk_lock);
		if (done) {
			thread_wait_cancel();
			return;
		}
		if (thread_block(NULL) == WAIT_INTERRUPTED)
			return;
	}
}

/* before anything else of kern/: the kernel's own task; ports come when ipc works */
void
task_init(void)
{
	struct task *t;

	task_cache = slab_cache_create("task", sizeof(struct task), 64);
	t = slab_alloc(task_cache);
	if (t == NULL)
		panic("no memory for the kernel task");
	task_setup(t, NULL);
	string_copy(t->tk_name, "kernel", sizeof t->tk_name);
	t->tk_priority = PRI_SYSTEM;
	t->tk_map = kernel_map;
	kernel_task = t;
	t->tk_space = ipc_space_create(t);
	t->tk_self = ipc_port_create_kernel(IKOT_TASK, t);
	if (t->tk_space == NULL || t->tk_self == IP_NULL || machine_task_init(t, NULL) != KERN_SUCCESS)
		panic("no memory for the kernel task");
	t->tk_self_right = ipc_port_make_send(t->tk_self);
	pset_ref(t->tk_pset);
	task_publish(t);
}
