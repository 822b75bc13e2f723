/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault-tolerant access to the current task's memory. May sleep in a page fault: no spin lock held.
 * => 0, or KERN_INVALID_ADDRESS when any byte is outside user space or the fault cannot be resolved.
 */
#ifndef MACHINE_COPY_H
#define MACHINE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <mach/kern_return.h>

kern_return_t	copyin(uint64_t user_from, void *to, size_t n);
kern_return_t	copyout(const void *from, uint64_t user_to, size_t n);
/* => length with the NUL in *len; KERN_NO_SPACE when no NUL within max */
kern_return_t	copyinstr(uint64_t user_from, char *to, size_t max, size_t *len);
/* aligned 32-bit word; KERN_INVALID_ADDRESS as above */
kern_return_t	copyin_word(uint64_t user_from, uint32_t *);

#endif
