/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel threads: a stack, a start, an end.
 *
 * OBJECT	one thread_create'd thread and the memory of its stack
 * STATES	set up (suspended) -> running -> gone, with its stack
 * RIGHTS	mach_thread_start hands its caller the one send right it made
 * TESTS	tests/boot
 */
#include <mach/machine/thread_status.h>
#include <mach/mach_traps.h>
#include <mach/mig_support.h>
#include <mach/vm_param.h>
#include <mach_init.h>
#include <mach_lib.h>
#include <mach/gnumach.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>

/* Lies at the top of the stack it describes. */
struct start {
	void (*st_function)(void *);
	void *st_argument;
	vm_address_t st_base;
	vm_size_t st_whole;
};

kern_return_t mach_thread_stack(vm_size_t size, vm_address_t *base, vm_size_t *whole)
{
	kern_return_t kr;

	*whole = round_page(size) + PAGE_SIZE;
	*base = 0;
	kr = vm_allocate(mach_task_self(), base, *whole, TRUE);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_protect(mach_task_self(), *base, PAGE_SIZE, FALSE, VM_PROT_NONE);
	if (kr != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), *base, *whole);
	return kr;
}

kern_return_t mach_thread_setup(mach_port_t thread, void (*function)(void *), void *argument,
    vm_address_t stack_top)
{
	struct i386_thread_state state = { .rfl = 0 };
	uint64_t *sp = (uint64_t *)(stack_top & ~(vm_address_t)15);

	/* as after a call: the return address, which nobody uses, is off the 16-byte boundary */
	*--sp = 0;
	state.rip = (uint64_t)function;
	state.rdi = (uint64_t)argument;
	state.ursp = (uint64_t)sp;
	return thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state,
	    i386_THREAD_STATE_COUNT);
}

void mach_thread_exit(vm_address_t stack_base, vm_size_t stack_whole)
{
	mach_port_t *slot = mig_reply_slot();
	mach_port_name_t reply = slot != 0 ? *slot : MACH_PORT_NULL;
	mach_port_t self = mach_thread_self();

	/* by message, and from the kernel's side: nothing here may touch the stack afterwards */
	for (;;)
		thread_terminate_release(self, mach_task_self(), self, reply, stack_base,
		    stack_whole);
}

static void thread_entry(void *argument)
{
	struct start start = *(struct start *)argument;

	start.st_function(start.st_argument);
	mach_thread_exit(start.st_base, start.st_whole);
}

kern_return_t mach_thread_start(void (*function)(void *), void *argument, vm_size_t stack_size,
    mach_port_t *thread)
{
	struct start *start;
	mach_port_t new_thread;
	vm_address_t base;
	vm_size_t whole;
	kern_return_t kr;

	kr = mach_thread_stack(stack_size, &base, &whole);
	if (kr != KERN_SUCCESS)
		return kr;
	start = (struct start *)(base + whole) - 1;
	*start = (struct start) { function, argument, base, whole };
	kr = thread_create(mach_task_self(), &new_thread);
	if (kr != KERN_SUCCESS)
		goto out_stack;
	kr = mach_thread_setup(new_thread, thread_entry, start, (vm_address_t)start);
	if (kr == KERN_SUCCESS)
		kr = thread_resume(new_thread);
	if (kr == KERN_SUCCESS) {
		if (thread != 0)
			*thread = new_thread;
		else
			mach_port_deallocate(mach_task_self(), new_thread);
		return kr;
	}
	thread_terminate(new_thread);
	mach_port_deallocate(mach_task_self(), new_thread);
out_stack:
	vm_deallocate(mach_task_self(), base, whole);
	return kr;
}
