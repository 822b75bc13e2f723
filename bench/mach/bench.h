/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring: executed instructions per operation, read from the time stamp counter, which under QEMU's -icount shift=0
 * counts exactly those. Each row is the least of several batches, so that a timer tick does not blur it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include "../../tests/boot/harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul
#define BATCHES	5

static inline uint64_t bench_now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
}

/* print one row: ticks for n operations */
void bench_report(const char *key, uint64_t ticks, uint64_t n);

/* the body n times per batch, after one batch to warm up */
#define BENCH(key, n, ...) do {								\
	uint64_t bench_least = ~0ull;							\
	while (bench_loop(key)) { __VA_ARGS__; }					\
	for (int bench_b = 0; bench_b <= BATCHES; bench_b++) {				\
		uint64_t bench_t = bench_now();						\
		for (long bench_i = 0; bench_i < (n); bench_i++) { __VA_ARGS__; }	\
		bench_t = bench_now() - bench_t;					\
		if (bench_b > 0 && bench_t < bench_least)				\
			bench_least = bench_t;						\
	}										\
	bench_report(key, bench_least, (n));						\
} while (0)

/* loop=KEY on the module's line: run that row's body for ever, for tools/itrace; a pass begins at bench_mark */
bool bench_loop(const char *key);
void bench_mark(void);

/* the name a child knows a port by: small, as names are that the kernel gives */
#define BENCH_CHILD_PORT	0xc0

#endif
