/* SPDX-License-Identifier: BSD-2-Clause */
/* The word of a spin lock. */
#ifndef MACHINE_SPIN_H
#define MACHINE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* => true: the word was 0 and is 1 now, and what its last holder wrote is seen. Two instructions when it is free */
static inline __attribute__((always_inline)) bool machine_spin_try(uint32_t *word)
{
	__asm__ goto("lock btsl $0, %0; jc %l1" :: "m"(*word) : "cc", "memory" : held);
	return true;
held:
	return false;
}

#endif
