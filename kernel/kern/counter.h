/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conservation counters: every object of these kinds is counted at birth and death (debug builds; per-CPU sums).
 * Tests compare them before and after. Readable by name through kdb and device "counters".
 */
#ifndef KERN_COUNTER_H
#define KERN_COUNTER_H

#include <stdint.h>

enum counter {
	COUNT_TASK, COUNT_THREAD, COUNT_STACK, COUNT_SPACE, COUNT_PORT, COUNT_PSET, COUNT_RIGHT, COUNT_PORT_REF,
	COUNT_KMSG, COUNT_NOTIFY_REQUEST, COUNT_MAP, COUNT_MAP_ENTRY, COUNT_OBJECT, COUNT_AMAP_NODE, COUNT_ANON,
	COUNT_MAP_COPY, COUNT_PAGE_USED, COUNT_PMAP, COUNT_PV, COUNT_PROCESSOR_SET, COUNT_KALLOC,
	COUNT_KMSG_SPARE, COUNT_STALE_OUT, COUNT_KINDS
};

#ifdef DEBUG
void	 counter_add(enum counter, int64_t);
#else
static inline void counter_add(enum counter c, int64_t n) { (void)c; (void)n; }
#endif
int64_t	 counter_read(enum counter);		/* 0 in release builds */

/* Allocation fault points: true = this allocation must fail now (debug builds, set from kdb or tests) */
#ifdef DEBUG
_Bool	 fault_point(const char *name);
_Bool	 fault_look(const char *name);		/* the same for what is no allocation: "*" does not mean it */
#else
#define fault_point(name) ((_Bool)0)
#define fault_look(name) ((_Bool)0)
#endif

#endif
