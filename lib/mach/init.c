/* SPDX-License-Identifier: BSD-2-Clause */
/* mach_init: names of the task and the host, page size; again in a child task. */
#include <mach/vm_param.h>
#include <mach_init.h>
#include "reply_port.h"

mach_port_t mach_task_self_;
mach_port_t mach_host_self_;
vm_size_t vm_page_size = PAGE_SIZE;

int mach_init(void)
{
	if (mach_task_self_ != MACH_PORT_NULL)
		return 0;
	mach_task_self_ = (mach_task_self)();
	mach_host_self_ = (mach_host_self)();
	return 0;
}

/* Present when the program uses C Threads. */
extern void cthread_init_child(void) __attribute__((weak));

void mach_init_child(void)
{
	if (cthread_init_child)
		cthread_init_child();
	mach_task_self_ = MACH_PORT_NULL;
	reply_port_forget();
	mach_init();
}
