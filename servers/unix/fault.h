/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug builds of the server: an allocation that fails when a test says so, through /proc/ernst/fault ("N": the server's N-th allocation
 * from now; "kernel N": the kernel's; 0: none). Included before everything else (rules.mk), so that no call gets past it.
 */
#ifndef UNIX_FAULT_H
#define UNIX_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* => true: the allocation that asks is to fail */
bool	fault_now(void);
/* Write of the file. => its size, or an error */
int64_t	fault_write(const char *text, size_t size);

#ifndef UNIX_FAULT_C
#define malloc(size)		(fault_now() ? NULL : malloc(size))
#define calloc(n, size)		(fault_now() ? NULL : calloc(n, size))
#define realloc(old, size)	(fault_now() ? NULL : realloc(old, size))
#define aligned_alloc(to, size)	(fault_now() ? NULL : aligned_alloc(to, size))
#undef strdup
#define strdup(text)		(fault_now() ? NULL : (strdup)(text))
#undef strndup
#define strndup(text, n)	(fault_now() ? NULL : (strndup)(text, n))
#endif

#endif
