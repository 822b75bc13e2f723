/* SPDX-License-Identifier: BSD-2-Clause */
/* Between arch and plat: processors found, interprocessor interrupts, TLB shootdown requests. */
#ifndef MACHINE_SMP_H
#define MACHINE_SMP_H

#include <stdbool.h>
#include <stdint.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <machine/seg.h>

extern struct cpu **cpu_table;

/* provided by plat */
extern uint32_t plat_cpu_count;			/* usable processors; [0] is the boot CPU */
extern uint32_t *plat_cpu_apic_ids;
void	plat_early_init(uint64_t info, uint32_t magic);	/* consoles, memory, command line; as the loader left EBX and EAX */
void	plat_screen_pause(void);			/* page tables are about to change */
void	plat_screen_resume(void);			/* ... and have */
void	plat_find_hardware(void);		/* ACPI or MP tables: CPUs, IO-APICs */
void	plat_interrupts_init(void);		/* PIC, IO-APICs, keyboard, serial */
void	plat_irq(unsigned vector);		/* interrupt of a line */
/* start the processor at the trampoline; => false when it gave no sign of life */
bool	plat_start_cpu(struct cpu *, uint64_t cr3);

/* local APIC: lapic.c */
void	lapic_init(void);			/* on each CPU */
void	lapic_eoi(void);
void	lapic_send(uint32_t apic_id, uint32_t command);
void	lapic_nmi(uint32_t apic_id);
uint32_t lapic_id(void);
extern uint64_t lapic_phys;			/* from the tables, default 0xfee00000 */

/* timer: plat timer.c */
void	timer_hw_init(void);			/* boot CPU: calibrate */
void	timer_hw_init_cpu(void);		/* on each CPU */
void	delay_us(uint64_t);

/* smp.c */
void	smp_poll(void);
void	context_init_cpu(struct cpu *);
void	context_ready_cpu(struct cpu *);	/* on that CPU, its features on, tables loaded */
void	smp_interrupt_call(void);
void	smp_interrupt_nmi(const struct user_regs *);
void	tlb_interrupt(void);
void	tlb_wake(struct cpu_machine *);		/* leaving the idle loop, entering another address space */
void	cpu_ap_start(struct cpu *) __attribute__((noreturn));	/* C entry of another processor */

/* pmap: before the allocators work */
void	pmap_bootstrap(void);
void	pmap_init(void);
void	pmap_allocators_ready(void);
void	pmap_init_cpu(struct cpu *);
uint64_t pmap_kernel_root(void);
/* => direct-map address; makes it uncached when asked; RAM is there already */
void	*pmap_map_physical(uint64_t pa, uint64_t size, bool uncached);
void	pmap_switch(struct cpu *, struct pmap *);	/* interrupts off */
/* identity mapping of the first MiB for starting other processors */
void	pmap_low_map(bool on);
uint64_t boot_page_steal(void);			/* a zeroed page from boot_memory, physical */

/* context.c: the current thread's live state */
void	segments_sync(struct thread *);		/* into mt_* when it is current */
void	segments_load_bases(struct machine_thread *);
void	debug_load(struct thread *);
void	context_drop_task(struct task *);	/* its LDT or I/O bitmap changed: no CPU has it loaded */

/* FPU: fpu.c */
void	fpu_init(void);
void	fpu_switch(struct cpu_machine *, struct thread *old, struct thread *new);
struct fpu_state *fpu_alloc(void);
void	fpu_free(struct fpu_state *);

#endif
