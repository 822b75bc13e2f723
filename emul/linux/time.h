/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time, read without the kernel: from the time stamp counter with the factors of the system page, or from the kernel's mapped time
 * page where the counter is not to be used. For the library and for the functions that programs call themselves (vdso/).
 */
#ifndef EMUL_TIME_H
#define EMUL_TIME_H

#include <stdint.h>
#include <mach/time_value.h>
#include "unix_protocol.h"

#define NS	1000000000ll

static inline const volatile struct unix_system *time_system(void)
{
	return (const volatile struct unix_system *)UNIX_EMUL_SYSTEM;
}

static inline uint64_t time_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* a * b / c with a 128-bit product; the server keeps the base young enough for the quotient to fit */
static inline uint64_t time_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
	if (high >= c)
		return 0;
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(c) : "cc");
	return low;
}

static inline int64_t time_mapped_uptime(void)
{
	const volatile mapped_time_value_t *page = (const volatile mapped_time_value_t *)UNIX_EMUL_TIME;
	int64_t seconds, ns;

	do {
		seconds = page->uptime_value.seconds;
		__asm__ volatile("" ::: "memory");
		ns = page->uptime_value.nanoseconds;
		__asm__ volatile("" ::: "memory");
	} while (seconds != page->check_upseconds64);
	return seconds * NS + ns;
}

static inline int64_t time_monotonic(void)
{
	const volatile struct unix_system *y = time_system();

	if (!y->uy_tsc_hz)
		return time_mapped_uptime();
	return y->uy_tsc_time + (int64_t)time_muldiv(time_tsc() - y->uy_tsc_base, NS, y->uy_tsc_hz);
}

static inline int64_t time_realtime(void)
{
	const volatile struct unix_system *y = time_system();
	uint32_t sequence;
	int64_t offset;

	do {
		sequence = y->uy_time_sequence;
		__asm__ volatile("" ::: "memory");
		offset = y->uy_boot_time;
		__asm__ volatile("" ::: "memory");
	} while (sequence & 1 || sequence != y->uy_time_sequence);
	return offset + time_monotonic();
}

#endif
