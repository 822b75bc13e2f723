/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions from the handler's side: the message, its answers, and threads that are to raise exactly one. */
#ifndef TEST_EXCEPTION_H
#define TEST_EXCEPTION_H

#include <mach/exception.h>
#include <mach/machine/thread_status.h>
#include "test.h"

struct test_raise {
	mach_msg_header_t h;
	struct port_item thread, task;
	mach_msg_type_t t1; int exception, p1;
	mach_msg_type_t t2; int code, p2;
	mach_msg_type_t t3; int64_t subcode;
	char room[64];
};

/* => false: none came in that time (a failed check) */
bool	test_raise_receive(mach_port_t port, struct test_raise *, unsigned ms);
void	test_raise_drop(const struct test_raise *);		/* its rights to the thread and the task */
kern_return_t test_raise_reply(const struct test_raise *, int code);
/* any message as the answer: its header is filled in, except for the complex bit */
kern_return_t test_raise_reply_with(const struct test_raise *, mach_msg_header_t *, unsigned size, int id);

/* what a thread that ran `body` raised, and where it stood; the thread is gone afterwards, whatever it had loaded.
   => false: it raised nothing and came to the end of body */
struct test_trap {
	struct test_raise raise;
	struct i386_thread_state state;
	struct i386_debug_state debug;
	struct i386_float_state fpu;
};
bool	test_trap(void (*body)(void), struct test_trap *);

#endif
