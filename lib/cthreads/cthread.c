/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads.
 *
 * OBJECT	struct cthread: one kernel thread, its stack, its result
 * STATES	RUNNING -> DONE (joinable: the joiner frees the structure)
 *		RUNNING -> DETACHED -> gone (the thread frees the structure itself)
 * REFS		none: the structure is the thread's until it stores DONE, then the
 *		joiner's. Structures stay mapped when free, so that the wake after
 *		DONE is harmless if the joiner was quicker.
 * RIGHTS	ct_port is the one send right thread_create gave; the end of the
 *		thread drops it, with the reply port and the stack
 * TESTS	tests/boot
 */
#include <mach/gsync.h>
#include <mach/machine/thread_status.h>
#include <mach/mach_traps.h>
#include <mach_init.h>
#include <mach_lib.h>
#include <mach/gnumach.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include "internal.h"

#define CTHREAD_RUNNING		0
#define CTHREAD_DETACHED	1
#define CTHREAD_DONE		2

vm_size_t cthread_stack_size = 128 * 1024;

static struct cthread main_thread;
static struct pool thread_pool = POOL_INITIALIZER(struct cthread);
static int thread_count = 1;
static int key_count;

/* The thread's own reply port instead of the library's pool. */
mach_port_t *mig_reply_slot(void)
{
	return main_thread.ct_self != NULL ? &cthread_self()->ct_reply_port : NULL;
}

static void thread_free(cthread_t thread)
{
	if (thread != &main_thread)
		pool_free(&thread_pool, thread);
}

static kern_return_t set_gs_base(mach_port_t thread, cthread_t self)
{
	struct i386_fsgs_base_state state = { .gs_base = (unsigned long)self };

	if (thread == MACH_PORT_NULL)
		return thread_set_self_state(i386_FSGS_BASE_STATE, (thread_state_t)&state,
		    i386_FSGS_BASE_STATE_COUNT);
	return thread_set_state(thread, i386_FSGS_BASE_STATE, (thread_state_t)&state,
	    i386_FSGS_BASE_STATE_COUNT);
}

void cthread_init(void)
{
	if (main_thread.ct_self != NULL)
		return;
	main_thread.ct_port = mach_thread_self();
	main_thread.ct_name = "main";
	if (set_gs_base(MACH_PORT_NULL, &main_thread) != KERN_SUCCESS) {
		mach_print("cthreads: no segment base for the main thread\n");
		task_terminate(mach_task_self());
	}
	main_thread.ct_self = &main_thread;
}

/* In a task with a copy of this memory: the calling thread is its only one, and the main one. */
void cthread_init_child(void)
{
	main_thread = (struct cthread) { .ct_reent = main_thread.ct_reent };
	thread_count = 1;
	cthread_init();
}

static void thread_body(void *argument)
{
	cthread_t self = argument;

	cthread_exit(self->ct_function(self->ct_argument));
}

cthread_t cthread_fork(cthread_fn_t function, any_t argument)
{
	cthread_t thread = pool_alloc(&thread_pool);

	if (thread == CTHREAD_NULL)
		return CTHREAD_NULL;
	thread->ct_self = thread;
	thread->ct_function = function;
	thread->ct_argument = argument;
	if (mach_thread_stack(cthread_stack_size, &thread->ct_stack, &thread->ct_stack_whole) !=
	    KERN_SUCCESS)
		goto out_thread;
	if (thread_create(mach_task_self(), &thread->ct_port) != KERN_SUCCESS)
		goto out_stack;
	__atomic_fetch_add(&thread_count, 1, __ATOMIC_RELAXED);
	if (mach_thread_setup(thread->ct_port, thread_body, thread,
	    thread->ct_stack + thread->ct_stack_whole) == KERN_SUCCESS &&
	    set_gs_base(thread->ct_port, thread) == KERN_SUCCESS &&
	    thread_resume(thread->ct_port) == KERN_SUCCESS)
		return thread;
	__atomic_fetch_sub(&thread_count, 1, __ATOMIC_RELAXED);
	thread_terminate(thread->ct_port);
	mach_port_deallocate(mach_task_self(), thread->ct_port);
out_stack:
	vm_deallocate(mach_task_self(), thread->ct_stack, thread->ct_stack_whole);
out_thread:
	pool_free(&thread_pool, thread);
	return CTHREAD_NULL;
}

void cthread_detach(cthread_t thread)
{
	unsigned int running = CTHREAD_RUNNING;

	if (!__atomic_compare_exchange_n(&thread->ct_state, &running, CTHREAD_DETACHED, 0,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) && running == CTHREAD_DONE)
		thread_free(thread);
}

any_t cthread_join(cthread_t thread)
{
	any_t result;

	while (__atomic_load_n(&thread->ct_state, __ATOMIC_ACQUIRE) != CTHREAD_DONE)
		gsync_wait_self((vm_address_t)&thread->ct_state, CTHREAD_RUNNING, 0,
		    0, 0);
	result = thread->ct_result;
	thread_free(thread);
	return result;
}

void cthread_exit(any_t result)
{
	cthread_t self = cthread_self();
	mach_port_t port = self->ct_port, reply = self->ct_reply_port;
	vm_address_t stack = self->ct_stack;
	vm_size_t whole = self->ct_stack_whole;

	if (cthread_reent_release != NULL && self->ct_reent != NULL)
		cthread_reent_release(self->ct_reent);
	__atomic_fetch_sub(&thread_count, 1, __ATOMIC_RELAXED);
	self->ct_result = result;
	/* from here on the structure may be somebody else's: only what was read before is used */
	if (__atomic_exchange_n(&self->ct_state, CTHREAD_DONE, __ATOMIC_ACQ_REL) ==
	    CTHREAD_DETACHED)
		thread_free(self);
	else
		gsync_wake_self((vm_address_t)&self->ct_state, ~0u, 0);
	for (;;)
		thread_terminate_release(port, mach_task_self(), port, reply, stack, whole);
}

void cthread_yield(void)
{
	swtch_pri(0);
}

void cthread_set_name(cthread_t thread, const char *name)
{
	thread->ct_name = name;
	thread_set_name(thread->ct_port, name);
}

int cthread_count(void)
{
	return __atomic_load_n(&thread_count, __ATOMIC_RELAXED);
}

int cthread_keycreate(cthread_key_t *key)
{
	int new_key = __atomic_fetch_add(&key_count, 1, __ATOMIC_RELAXED);

	if (new_key >= CTHREAD_KEYS_MAX) {
		__atomic_fetch_sub(&key_count, 1, __ATOMIC_RELAXED);
		*key = CTHREAD_KEY_INVALID;
		return -1;
	}
	*key = new_key;
	return 0;
}

int cthread_setspecific(cthread_key_t key, any_t value)
{
	if (key < 0 || key >= key_count)
		return -1;
	cthread_self()->ct_keys[key] = value;
	return 0;
}

int cthread_getspecific(cthread_key_t key, any_t *value)
{
	if (key < 0 || key >= key_count) {
		*value = NULL;
		return -1;
	}
	*value = cthread_self()->ct_keys[key];
	return 0;
}
