/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freed memory is full of a pattern (debug builds). What goes out to users is searched for it: words found count as "stale_out",
 * which tests want to stay as it is. A user who sends the pattern itself is counted too.
 */
#ifndef DEBUG_STALE_H
#define DEBUG_STALE_H

#include <stdint.h>
#include <kern/counter.h>

#define STALE_WORD	0x5adeadbeefdead5aull

#ifdef DEBUG
/* => aligned to words; what is left of bytes behind the last word is not touched */
static inline void stale_fill(void *at, uint64_t bytes)
{
	for (uint64_t *p = at, n = bytes / 8; n > 0; n--)
		*p++ = STALE_WORD;
}

static inline void stale_look(const void *at, uint64_t bytes)
{
	const uint64_t *p = at;

	for (uint64_t n = bytes / 8; n > 0; n--, p++)
		if (__builtin_expect(*p == STALE_WORD, 0))
			counter_add(COUNT_STALE_OUT, 1);
}
#else
#define stale_fill(at, bytes)	((void)0)
#define stale_look(at, bytes)	((void)0)
#endif

#endif
