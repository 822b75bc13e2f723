/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor goes from one user thread to another that waits with a continuation: context.c without the rare cases, inline.
 *
 * Whatever has tables, debug registers or selectors of its own is refused by machine_handoff_ok; the general switch does
 * those. cm_special covers the processor: it is set when it has no FSGSBASE or XSAVEOPT, and while special tables are loaded.
 */
#ifndef MACHINE_HANDOFF_H
#define MACHINE_HANDOFF_H

#include <kern/task.h>
#include <kern/thread.h>
#include <machine/fpu.h>
#include <machine/pte.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <vm/map.h>

/* part of its caller: the path is one straight line */
#define HANDOFF		static inline __attribute__((always_inline))

/* kernel threads have no such state and stay on any address space */
HANDOFF bool machine_is_user(const struct thread *th) { return th->th_machine.mt_fpu != NULL; }

/* => interrupts off, both user threads, `new` off every CPU; changes nothing */
HANDOFF bool machine_handoff_ok(const struct cpu_machine *cm, const struct thread *new)
{
	uint64_t selectors, other;

	__asm__ volatile("movl %%ds, %k0; movl %%es, %k1; orl %k1, %k0; movl %%fs, %k1; orl %k1, %k0; movl %%gs, %k1; orl %k1, %k0"
	    : "=&r"(selectors), "=&r"(other) :: "cc");
	return (selectors | new->th_machine.mt_selectors | cm->cm_special |
	    new->th_machine.mt_debug_active | new->th_task->tk_machine.mk_special) == 0;
}

HANDOFF void machine_handoff_task(struct cpu *cpu, struct task *task)
{
	struct pmap *pm = vm_map_pmap(task->tk_map), *old = cpu->cp_pmap;

	cpu->cp_emulation = __atomic_load_n(&task->tk_emulation, __ATOMIC_ACQUIRE);
	if (pm == old)
		return;
	if (cpu_features.pcid) {
		pmap_switch(cpu, pm);
		return;
	}
	/* the order is told in tlb.c; there is no generation to remember when every load flushes */
	__asm__ volatile("lock btsq %1, (%0)" :: "r"(pm->pm_cpus), "r"((uint64_t)cpu->cp_id) : "cc", "memory");
	cpu->cp_pmap = pm;
	write_cr3(pm->pm_cr3);
	__asm__ volatile("lock btrq %1, (%0)" :: "r"(old->pm_cpus), "r"((uint64_t)cpu->cp_id) : "cc", "memory");
}

/* => interrupts off, machine_handoff_ok: new is current, on the stack in use; old is all saved */
HANDOFF void machine_handoff(struct cpu *cpu, struct cpu_machine *cm, struct thread *old, struct thread *new)
{
	struct machine_thread *from = &old->th_machine, *to = &new->th_machine;

	from->mt_selectors = 0;
	__asm__ volatile("rdfsbase %0; wrfsbase %1" : "=&r"(from->mt_fs_base) : "r"(to->mt_fs_base));
	__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs" : "=&r"(from->mt_gs_base) : "r"(to->mt_gs_base));
	/* the components enabled in XCR0; what is in the registers is never the other's, who did not run last */
	__asm__ volatile("xsaveopt64 %0; xrstor64 %1" : "+m"(*from->mt_fpu) : "m"(*to->mt_fpu), "a"(-1), "d"(-1) : "memory");
	cm->cm_fpu_owner = new;
	to->mt_fpu_cpu = cpu;
	if (old->th_task != new->th_task)
		machine_handoff_task(cpu, new->th_task);
	cm->cm_tss.rsp[0] = (uint64_t)(&to->mt_regs + 1);
	cpu->cp_thread = new;
}

#endif
