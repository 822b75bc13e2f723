/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the local APIC. */
#ifndef MACHINE_LAPIC_H
#define MACHINE_LAPIC_H

#include <stdint.h>

#define LAPIC_ID		0x20
#define LAPIC_TPR		0x80
#define LAPIC_EOI		0xb0
#define LAPIC_SPURIOUS		0xf0
#define LAPIC_ICR		0x300
#define LAPIC_ICR_HIGH		0x310
#define LAPIC_LVT_TIMER		0x320
#define LAPIC_LVT_LINT0		0x350
#define LAPIC_LVT_LINT1		0x360
#define LAPIC_LVT_ERROR		0x370
#define LAPIC_TIMER_INITIAL	0x380
#define LAPIC_TIMER_CURRENT	0x390
#define LAPIC_TIMER_DIVIDE	0x3e0

#define LAPIC_MASKED		0x10000
#define LAPIC_TIMER_DEADLINE	0x40000

#define LAPIC_IPI_FIXED		0x4000
#define LAPIC_IPI_INIT		0x4500
#define LAPIC_IPI_STARTUP	0x4600

uint32_t lapic_read(unsigned reg);
void	 lapic_write(unsigned reg, uint32_t);

#endif
