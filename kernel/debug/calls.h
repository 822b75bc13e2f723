/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which routines were called with which result, and which messages the kernel sent (debug builds): what the conformance table
 * is made of (tools/conformance). Device "calls" gives the table as 64-bit words, id above result, 0 for an empty place.
 */
#ifndef DEBUG_CALLS_H
#define DEBUG_CALLS_H

#include <stdint.h>

#ifdef DEBUG
/* => any context */
void	calls_note(int32_t id, int32_t result);
#else
static inline void calls_note(int32_t id, int32_t result) { (void)id; (void)result; }
#endif

#endif
