/* SPDX-License-Identifier: BSD-2-Clause */
/* What mach_init sets up: the names a task knows itself and its host by. */
#ifndef MACH_INIT_H
#define MACH_INIT_H

#include <mach/mach_types.h>
#include <mach/mach_traps.h>

extern mach_port_t mach_task_self_;
extern mach_port_t mach_host_self_;

/* The cached names: no trap and no further user reference per use. */
#define mach_task_self()	(mach_task_self_ + 0)
#define mach_host_self()	(mach_host_self_ + 0)

extern vm_size_t vm_page_size;

/* Called by crt0 before main; a program with its own start calls it first. */
extern int mach_init(void);

/*
 * First call of a thread in a task that was created with inherited memory:
 * names the library keeps are those of the parent's space.
 */
extern void mach_init_child(void);

#endif
