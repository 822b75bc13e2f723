/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of user memory; a fault is not resolved but goes to `label`. */
#ifndef HOST_MACHINE_USER_ACCESS_H
#define HOST_MACHINE_USER_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <machine/copy.h>

bool	sim_user_load(uint64_t address, void *value, uint32_t size);
bool	sim_user_store(uint64_t address, uint64_t value, uint32_t size);

static inline void user_access_begin(void) { }
static inline void user_access_end(void) { }

#define user_load32(value, address, at, label)	do { if (!sim_user_load((address) + (at), &(value), 4)) goto label; } while (0)
#define user_store32(value, address, at, label)	do { if (!sim_user_store((address) + (at), (value), 4)) goto label; } while (0)
#define user_store(value, address, at, label)	do { if (!sim_user_store((address) + (at), (value), 8)) goto label; } while (0)

#define user_load_words(to, address, words)	(copyin(address, to, (words) * 8) == KERN_SUCCESS)
#define user_store_words(from, address, words)	(copyout(from, address, (words) * 8) == KERN_SUCCESS)

#endif
