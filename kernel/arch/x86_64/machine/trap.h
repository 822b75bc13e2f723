/* SPDX-License-Identifier: BSD-2-Clause */
/* Traps and interrupts: frames, vectors, interrupt lines. */
#ifndef MACHINE_TRAP_H
#define MACHINE_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <machine/context.h>

static inline bool regs_from_user(const struct user_regs *r) { return r->cs & 3; }

/* interrupt vectors */
#define VECTOR_IRQ_BASE		0x30		/* IO-APIC inputs, by global system interrupt */
#define VECTOR_IRQ_COUNT	160
#define VECTOR_TIMER		0xf0
#define VECTOR_RESCHEDULE	0xf1
#define VECTOR_CALL		0xf2
#define VECTOR_TLB		0xf3
#define VECTOR_ERROR		0xfe
#define VECTOR_SPURIOUS		0xff

/* => interrupts off, on the stack of whatever was interrupted; irq = global system interrupt */
typedef void (*irq_handler_t)(unsigned irq, void *arg);
/* => false when the line is unknown or taken */
bool	irq_register(unsigned irq, irq_handler_t, void *arg);
void	irq_mask(unsigned irq);
void	irq_unmask(unsigned irq);
unsigned irq_from_isa(unsigned isa_irq);	/* interrupt source overrides applied */

/* debugging aids */
void	trap_print_regs(const struct user_regs *);
void	backtrace_print(uint64_t rip, uint64_t rbp);
/* => name of the function holding pc and the offset in it; NULL when unknown */
const char *symbol_find(uint64_t pc, uint64_t *offset);
uint64_t symbol_lookup(const char *name);	/* 0: unknown */

#endif
