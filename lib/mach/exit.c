/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of programs without a C library; weak, a C library's are taken instead. */
#include <mach/mach_traps.h>
#include <mach_init.h>
#include <mach/mach_interface.h>

void _exit(int status) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));
void abort(void) __attribute__((noreturn));

__attribute__((weak)) void _exit(int status)
{
	/* nobody asks a native task for a status */
	(void)status;
	for (;;)
		task_terminate(mach_task_self());
}

__attribute__((weak)) void exit(int status)
{
	_exit(status);
}

__attribute__((weak)) void abort(void)
{
	mach_print("abort\n");
	_exit(1);
}
