/* SPDX-License-Identifier: BSD-2-Clause */
/* The word of a spin lock, in terms that sanitizers know. */
#ifndef HOST_MACHINE_SPIN_H
#define HOST_MACHINE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* => true: the word was 0 and is 1 now, and what its last holder wrote is seen */
static inline bool machine_spin_try(uint32_t *word)
{
	return __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) == 0;
}

#endif
