/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of the kernel: what the machine layer calls, in order, and what it provides. */
#ifndef KERN_STARTUP_H
#define KERN_STARTUP_H

#include <mach/kern_return.h>

struct cpu;

/*
 * Boot processor: console output, boot information, cpu 0's struct cpu (GS base set), the
 * direct map and exceptions work; interrupts off. Sets cp_thread itself.
 */
void		kernel_main(void) __attribute__((noreturn));
/* boot processor, from cpus_start(): allocate what another CPU needs (scheduler, timers, idle thread) */
kern_return_t	kernel_cpu_init(struct cpu *);
/* another processor: its own GS base, GDT, TSS and local timer are set, interrupts off */
void		kernel_ap_main(void) __attribute__((noreturn));

/* provided by the machine layer; called in a kernel thread, all of the kernel up: find and start the other
   processors (kernel_cpu_init for each; cpu_count and cpu_get() cover them before they run) */
void		cpus_start(void);
/* the page and slab allocators work: pmap, floating-point state */
void		machine_memory_init(void);
/* called once when the scheduler and the allocators work: interrupt controllers, timer, keyboard */
void		machine_late_init(void);

#endif
