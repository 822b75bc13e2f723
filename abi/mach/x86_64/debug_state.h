/* SPDX-License-Identifier: BSD-2-Clause */
/* An addition to the interface: the debug registers of a thread with addresses of 64 bits. */
#ifndef MACH_X86_64_DEBUG_STATE_H
#define MACH_X86_64_DEBUG_STATE_H

#include <stdint.h>

/* As i386_DEBUG_STATE. dr[0] to dr[3] addresses, dr[6] what the last EXC_BREAKPOINT of code 1 was for, dr[7] control. */
#define x86_64_DEBUG_STATE	9

struct x86_64_debug_state {
	uint64_t dr[8];
};
#define x86_64_DEBUG_STATE_COUNT (sizeof(struct x86_64_debug_state) / sizeof(unsigned int))

_Static_assert(sizeof(struct x86_64_debug_state) == 64, "debug state");

#endif
