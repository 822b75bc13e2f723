/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the conservation counters, and arming of fault points. */
#ifndef DEBUG_COUNTERS_H
#define DEBUG_COUNTERS_H

#include <stdint.h>
#include <stdbool.h>
#include <kern/counter.h>

extern const char *const counter_names[COUNT_KINDS];
#ifdef DEBUG
void	fault_point_arm(const char *name, int64_t nth);
/* since it was armed */
_Bool	fault_point_fired(void);
#else
static inline void fault_point_arm(const char *name, int64_t nth) { (void)name; (void)nth; }
static inline _Bool fault_point_fired(void) { return 0; }
#endif

#endif
