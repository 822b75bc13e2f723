/* SPDX-License-Identifier: BSD-2-Clause */
/* See user.h. The reply port of a thread lies at the start of its message room. */
#include <string.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/machine/thread_status.h>
#include <mach/thread_switch.h>
#include "user.h"

static long trap0(int number)
{
	return sim_trap(number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

mach_port_t user_task_self(void) { return (mach_port_t)trap0(28); }
mach_port_t user_thread_self(void) { return (mach_port_t)trap0(27); }
mach_port_t user_host_self(void) { return (mach_port_t)trap0(29); }
mach_port_t user_reply_port(void) { return (mach_port_t)trap0(26); }
void user_sleep(unsigned ms) { sim_trap(61, MACH_PORT_NULL, SWITCH_OPTION_WAIT, ms, 0, 0, 0, 0, 0, 0, 0, 0); }

static uint64_t room(void) { return sim_user_sp() - MESSAGE_ROOM; }
static uint64_t buffer(void) { return room() + 64; }

/* --- what stubs call --- */

mach_port_t mig_get_reply_port(void)
{
	mach_port_t port;

	sim_read(room(), &port, sizeof port);
	if (port == MACH_PORT_NULL) {
		port = user_reply_port();
		sim_write(room(), &port, sizeof port);
	}
	return port;
}

void mig_put_reply_port(mach_port_t port) { (void)port; }

/* a call went wrong: the next has another port; this one stays until the task ends, since its end would be a call too */
void mig_dealloc_reply_port(mach_port_t port)
{
	mach_port_t none = MACH_PORT_NULL;

	(void)port;
	sim_write(room(), &none, sizeof none);
}

mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_t rcv_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
	uint64_t at = buffer();
	mach_msg_return_t mr;

	if (option & MACH_SEND_MSG)
		sim_write(at, msg, send_size);
	mr = (mach_msg_return_t)sim_trap(25, at, (uint64_t)option, send_size, rcv_size, rcv_name, timeout, notify, 0, 0, 0, 0);
	if ((option & MACH_RCV_MSG) && mr == MACH_MSG_SUCCESS) {
		sim_read(at, msg, sizeof *msg);
		sim_read(at, msg, msg->msgh_size < rcv_size ? msg->msgh_size : rcv_size);
	} else if (option == (MACH_SEND_MSG | MACH_SEND_TIMEOUT) && mr == MACH_SEND_TIMED_OUT) {
		/* what was in it is back, perhaps under other names and at other places */
		sim_read(at, msg, send_size);
	}
	return mr;
}

/* replies that do not fit their stub: none come from this kernel */
void mach_msg_destroy(mach_msg_header_t *msg) { (void)msg; }
void mig_allocate(vm_address_t *address, vm_size_t size) { u_vm_allocate(user_task_self(), address, size, 1); }
void mig_deallocate(vm_address_t address, vm_size_t size) { u_vm_deallocate(user_task_self(), address, size); }

vm_size_t mig_strncpy(char *to, const char *from, int n)
{
	strncpy(to, from, (size_t)n);
	to[n - 1] = '\0';
	return strlen(to) + 1;
}

/* --- ports, threads --- */

mach_port_t user_port(void)
{
	mach_port_t p = MACH_PORT_NULL;

	if (u_mach_port_allocate(user_task_self(), MACH_PORT_RIGHT_RECEIVE, &p) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	u_mach_port_insert_right(user_task_self(), p, p, MACH_MSG_TYPE_MAKE_SEND);
	return p;
}

vm_address_t user_room(mach_port_t task)
{
	vm_address_t at = 0;

	return u_vm_allocate(task, &at, MESSAGE_ROOM, 1) == KERN_SUCCESS ? at : 0;
}

mach_port_t user_thread(mach_port_t task, sim_program_t *fn, uint64_t argument)
{
	struct i386_thread_state state = { .rip = (uint64_t)(uintptr_t)fn, .rdi = argument };
	mach_port_t thread = MACH_PORT_NULL;
	vm_address_t at = user_room(task);

	sim_program_add(fn);
	state.ursp = at + MESSAGE_ROOM;
	if (at == 0 || u_thread_create(task, &thread) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	if (u_thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT) != KERN_SUCCESS ||
	    u_thread_resume(thread) != KERN_SUCCESS) {
		u_thread_terminate(thread);
		u_mach_port_deallocate(user_task_self(), thread);
		return MACH_PORT_NULL;
	}
	return thread;
}

void user_exit(void)
{
	mach_port_t self = user_thread_self();

	for (;;)
		u_thread_terminate(self);
}
