/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux programs find through AT_SYSINFO_EHDR and call in the place of system calls. It runs as a part of the program: on its
 * stack, interrupted by signals as it is, and a bad pointer is the program's own fault.
 */
#include "../time.h"

#define SYS_clock_gettime	228
#define SYS_clock_getres	229
#define SYS_gettimeofday	96
#define SYS_time		201
#define SYS_getcpu		309
#define CLOCK_LAST		11

struct timespec { int64_t sec, nsec; };
struct timeval { int64_t sec, usec; };
struct timezone { int32_t minutes_west, dst; };

/* as CLOCK_* numbers them: 1 real time, 2 monotonic, 0 not here (CPU times, unknown) */
static const uint8_t kinds[CLOCK_LAST + 1] = { 1, 2, 0, 0, 2, 1, 2, 2, 1, 2, 0, 1 };

static inline long call(long number, long a, long b)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return r;
}

int __vdso_clock_gettime(int clock, struct timespec *to);
int __vdso_clock_gettime(int clock, struct timespec *to)
{
	unsigned kind = (unsigned)clock <= CLOCK_LAST ? kinds[clock] : 0;
	uint64_t ns;

	if (kind == 0)
		return (int)call(SYS_clock_gettime, clock, (long)to);
	ns = (uint64_t)(kind == 1 ? time_realtime() : time_monotonic());
	to->sec = (int64_t)(ns / (uint64_t)NS);
	to->nsec = (int64_t)(ns % (uint64_t)NS);
	return 0;
}

int __vdso_clock_getres(int clock, struct timespec *to);
int __vdso_clock_getres(int clock, struct timespec *to)
{
	return (int)call(SYS_clock_getres, clock, (long)to);
}

int __vdso_gettimeofday(struct timeval *to, struct timezone *zone);
int __vdso_gettimeofday(struct timeval *to, struct timezone *zone)
{
	uint64_t us;

	if (zone)
		return (int)call(SYS_gettimeofday, (long)to, (long)zone);
	if (to) {
		us = (uint64_t)time_realtime() / 1000;
		to->sec = (int64_t)(us / 1000000);
		to->usec = (int64_t)(us % 1000000);
	}
	return 0;
}

int64_t __vdso_time(int64_t *to);
int64_t __vdso_time(int64_t *to)
{
	int64_t now = time_realtime() / NS;

	if (to)
		*to = now;
	return now;
}

int __vdso_getcpu(unsigned *cpu, unsigned *node);
int __vdso_getcpu(unsigned *cpu, unsigned *node)
{
	return (int)call(SYS_getcpu, (long)cpu, (long)node);
}

#define WEAK(name) extern __typeof(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
WEAK(clock_gettime);
WEAK(clock_getres);
WEAK(gettimeofday);
WEAK(time);
WEAK(getcpu);
