/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor goes from one user thread to another that waits with a continuation: nothing of either is in registers. */
#ifndef HOST_MACHINE_HANDOFF_H
#define HOST_MACHINE_HANDOFF_H

#include <kern/task.h>
#include <kern/thread.h>
#include <machine/seg.h>
#include <vm/map.h>

#define HANDOFF		static inline

/* kernel threads have no such state and stay on any address space */
HANDOFF bool machine_is_user(const struct thread *th) { return th->th_machine.mt_fpu != NULL; }

HANDOFF bool machine_handoff_ok(const struct cpu_machine *cm, const struct thread *new)
{
	(void)cm;
	(void)new;
	return true;
}

HANDOFF void machine_handoff(struct cpu *cpu, struct cpu_machine *cm, struct thread *old, struct thread *new)
{
	(void)cm;
	(void)old;
	cpu->cp_thread = new;
}

#endif
