/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Library of user programs of the host kernel: messages in host variables, calls of the kernel's interfaces (u_NAME, generated),
 * tasks and threads. A thread's messages pass through the MESSAGE_ROOM bytes of its task's memory below its stack pointer.
 */
#ifndef TESTS_HOST_USER_H
#define TESTS_HOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/message.h>
#include <mach/mach_types.h>
#include "sim.h"
/* generated */
#include <u/mach.h>
#include <u/mach_port.h>
#include <u/mach_host.h>
#include <u/gnumach.h>
#include <u/device.h>

#define MESSAGE_ROOM	0x10000u

mach_port_t user_task_self(void);
mach_port_t user_thread_self(void);
mach_port_t user_host_self(void);
mach_port_t user_reply_port(void);
/* let others run for that long */
void	user_sleep(unsigned ms);
/* => a receive right with a send right under the same name */
mach_port_t user_port(void);
/* => memory of the task for messages of a new thread; 0: none */
vm_address_t user_room(mach_port_t task);
/* a thread of `task` at fn(argument); MACH_PORT_NULL when it cannot be made */
mach_port_t user_thread(mach_port_t task, sim_program_t *fn, uint64_t argument);
void	user_exit(void) __attribute__((noreturn));

#endif
