/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and sleeping. Time is read without the kernel (time.h); programs do so themselves with the functions of vdso/. */
#include <mach/mach_traps.h>
#include "emul.h"
#include "time.h"

#define CLOCK_REALTIME	0
#define CLOCK_MONOTONIC	1
#define CLOCK_PROCESS_CPUTIME 2
#define CLOCK_THREAD_CPUTIME 3
#define CLOCK_MAX	11
#define TIMER_ABSTIME	1

int64_t emul_monotonic_ns(void)
{
	return time_monotonic();
}

int64_t emul_realtime_ns(void)
{
	return time_realtime();
}

static bool timespec_ok(const struct lx_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NS;
}

int64_t emul_deadline(const struct lx_timespec *ts, bool absolute, bool realtime)
{
	struct tcb *t = tcb_self();
	int64_t ns;

	if (t->t_restarting) {
		t->t_restarting = 0;
		return t->t_deadline;
	}
	if (!timespec_ok(ts))
		return -LX_EINVAL;
	if (ts->tv_sec > INT64_MAX / NS / 2)
		return INT64_MAX / 2;
	ns = ts->tv_sec * NS + ts->tv_nsec;
	if (absolute && realtime)
		ns -= emul_realtime_ns() - emul_monotonic_ns();
	else if (!absolute)
		ns += emul_monotonic_ns();
	return ns < 0 ? 0 : ns;
}

/* CPU times come from the server */
static int64_t cpu_time(int who)
{
	struct { int64_t user_s, user_us, system_s, system_us; char rest[112]; } u;
	int64_t result = 0;

	if (emul_result(unix_proc_usage(emul_call_port(), who, &result, (char *)&u), &result) < 0)
		return 0;
	return (u.user_s + u.system_s) * NS + (u.user_us + u.system_us) * 1000;
}

static int64_t clock_ns(long clock)
{
	switch (clock) {
	case 0: case 5: case 8: case 11:		/* realtime, coarse, alarm, TAI */
		return emul_realtime_ns();
	case 1: case 4: case 6: case 7: case 9:		/* monotonic, raw, coarse, boottime, alarm */
		return emul_monotonic_ns();
	case CLOCK_PROCESS_CPUTIME:
		return cpu_time(0);
	case CLOCK_THREAD_CPUTIME:
		return cpu_time(1);
	default:
		return -1;
	}
}

static long put_timespec(long to, int64_t ns)
{
	struct lx_timespec ts = { ns / NS, ns % NS };

	return emul_copy((void *)to, &ts, sizeof ts);
}

long emul_clock_gettime(long clock, long to, long c, long d, long e, long f)
{
	int64_t ns = clock_ns(clock);

	(void)c, (void)d, (void)e, (void)f;
	return ns < 0 ? -LX_EINVAL : put_timespec(to, ns);
}

long emul_clock_getres(long clock, long to, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	if (clock < 0 || clock > CLOCK_MAX || clock == 10)
		return -LX_EINVAL;
	return to ? put_timespec(to, clock == 5 || clock == 6 ? 4000000 : 1) : 0;
}

long emul_gettimeofday(long to, long zone, long c, long d, long e, long f)
{
	int64_t ns = emul_realtime_ns(), pair[2] = { ns / NS, ns % NS / 1000 };
	int32_t none[2] = { 0, 0 };

	(void)c, (void)d, (void)e, (void)f;
	if (to && emul_copy((void *)to, pair, sizeof pair) < 0)
		return -LX_EFAULT;
	return zone ? emul_copy((void *)zone, none, sizeof none) : 0;
}

long emul_time(long to, long b, long c, long d, long e, long f)
{
	int64_t seconds = emul_realtime_ns() / NS;

	(void)b, (void)c, (void)d, (void)e, (void)f;
	return to && emul_copy((void *)to, &seconds, sizeof seconds) < 0 ? -LX_EFAULT : seconds;
}

static long set_time(int64_t seconds, int64_t ns)
{
	int64_t result = 0;

	if (seconds < 0 || ns < 0 || ns >= NS)
		return -LX_EINVAL;
	return emul_result(unix_sys_settime(emul_call_port(), seconds, ns, &result), &result);
}

long emul_settimeofday(long from, long zone, long c, long d, long e, long f)
{
	int64_t pair[2];

	(void)zone, (void)c, (void)d, (void)e, (void)f;
	if (!from)
		return 0;
	return emul_copy(pair, (const void *)from, sizeof pair) < 0 ? -LX_EFAULT : set_time(pair[0], pair[1] * 1000);
}

long emul_clock_settime(long clock, long from, long c, long d, long e, long f)
{
	struct lx_timespec ts;

	(void)c, (void)d, (void)e, (void)f;
	if (clock != CLOCK_REALTIME)
		return -LX_EINVAL;
	return emul_copy(&ts, (const void *)from, sizeof ts) < 0 ? -LX_EFAULT : set_time(ts.tv_sec, ts.tv_nsec);
}

/* An empty receive with a timeout is a sleep that a signal breaks. The kernel counts milliseconds: sleep never less. */
static long sleep_until(int64_t deadline)
{
	struct tcb *t = tcb_self();
	extern mach_port_t mig_get_reply_port(void);

	t->t_deadline = deadline;
	for (;;) {
		mach_msg_header_t h;
		int64_t ns = deadline - emul_monotonic_ns();
		unsigned ms;
		int mr;

		if (ns <= 0)
			return 0;
		ms = ns / 1000000 > 0x3fffffff ? 0x3fffffffu : (unsigned)((ns + 999999) / 1000000);
		mr = emul_wait_msg(&h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof h, mig_get_reply_port(), ms, MACH_PORT_NULL);
		if (mr == MACH_RCV_INTERRUPTED || mr == MACH_SEND_INTERRUPTED)
			return -UNIX_ERESTARTNOHAND;
	}
}

static long sleep_program(long clock, bool absolute, long request, long remain)
{
	struct lx_timespec ts;
	int64_t deadline, left;
	long r;

	if (emul_copy(&ts, (const void *)request, sizeof ts) < 0)
		return -LX_EFAULT;
	if (!timespec_ok(&ts))
		return -LX_EINVAL;
	deadline = emul_deadline(&ts, absolute, clock == CLOCK_REALTIME);
	r = sleep_until(deadline);
	if (r < 0 && remain && !absolute) {
		left = deadline - emul_monotonic_ns();
		if (put_timespec(remain, left < 0 ? 0 : left) < 0)
			return -LX_EFAULT;
	}
	return r;
}

long emul_nanosleep(long request, long remain, long c, long d, long e, long f)
{
	(void)c, (void)d, (void)e, (void)f;
	return sleep_program(CLOCK_MONOTONIC, false, request, remain);
}

long emul_clock_nanosleep(long clock, long flags, long request, long remain, long e, long f)
{
	(void)e, (void)f;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != 7)
		return clock_ns(clock) < 0 ? -LX_EINVAL : emul_unsupported("clock_nanosleep clock", clock, LX_EOPNOTSUPP);
	return sleep_program(clock, flags & TIMER_ABSTIME, request, remain);
}
