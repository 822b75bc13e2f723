/* SPDX-License-Identifier: BSD-2-Clause */
/* futex on the kernel's gsync: the queues are the kernel's, no server is asked. */
#include <mach/gnumach.h>
#include <mach/mach_interface.h>
#include <mach/mach_traps.h>
#include "emul.h"

#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define FUTEX_REQUEUE		3
#define FUTEX_CMP_REQUEUE	4
#define FUTEX_WAIT_BITSET	9
#define FUTEX_WAKE_BITSET	10
#define FUTEX_COMMAND		0x7f
#define FUTEX_PRIVATE		0x80
#define FUTEX_CLOCK_REALTIME	0x100
#define BITSET_ANY		0xffffffffu

static long wait_result(kern_return_t kr, bool timed)
{
	switch (kr) {
	case KERN_SUCCESS:
		return 0;
	case KERN_TIMEDOUT:
		return -LX_ETIMEDOUT;
	case KERN_INVALID_ARGUMENT:
		return -LX_EAGAIN;
	case KERN_INVALID_ADDRESS:
		return -LX_EFAULT;
	default:	/* interrupted, before or during the wait */
		return timed ? -UNIX_ERESTARTNOHAND : -UNIX_ERESTARTSYS;
	}
}

static long futex_wait(uint64_t address, uint32_t value, long time, bool absolute, bool realtime, int flags)
{
	struct tcb *t = tcb_self();
	struct lx_timespec ts;
	int64_t deadline = -1;
	unsigned ms = 0;

	if (time) {
		if (emul_copy(&ts, (const void *)time, sizeof ts) < 0)
			return -LX_EFAULT;
		deadline = emul_deadline(&ts, absolute, realtime);
		if (deadline < 0)
			return (long)deadline;
		int64_t ns = deadline - emul_monotonic_ns();
		if (ns <= 0)
			ns = 0;
		ms = ns / 1000000 > 0x3fffffff ? 0x3fffffffu : (unsigned)((ns + 999999) / 1000000);
		flags |= GSYNC_TIMED;
	}
	t->t_deadline = deadline;
	return wait_result(emul_wait_gsync(address, value, 0, ms, flags), time != 0);
}

static long futex_wake(uint64_t address, int n, int flags)
{
	/* nobody is woken by 0, but Linux wakes one */
	int woken = gsync_wake_self(address, n <= 0 ? 1 : (unsigned)n, flags);

	return woken < 0 ? -LX_EFAULT : woken;
}

static long futex_requeue(uint64_t from, uint64_t to, long wake, long move, int flags)
{
	if (wake > 1 || wake < 0 || move < 0)
		return -LX_EINVAL;
	return gsync_requeue(mach_task_self_, from, to, wake == 1, flags | (move > 1 ? GSYNC_BROADCAST : 0)) == KERN_SUCCESS
	    ? wake : -LX_EFAULT;
}

long emul_futex(long address, long operation, long value, long time, long address2, long value3)
{
	int command = (int)operation & FUTEX_COMMAND, flags = operation & FUTEX_PRIVATE ? 0 : GSYNC_SHARED;
	bool realtime = operation & FUTEX_CLOCK_REALTIME;
	uint32_t now;

	if (address & 3)
		return -LX_EINVAL;
	switch (command) {
	case FUTEX_WAIT:
		return futex_wait((uint64_t)address, (uint32_t)value, time, false, false, flags);
	case FUTEX_WAIT_BITSET:
		if ((uint32_t)value3 == 0)
			return -LX_EINVAL;
		if ((uint32_t)value3 != BITSET_ANY)
			return emul_unsupported("futex bitset", (uint32_t)value3, LX_ENOSYS);
		return futex_wait((uint64_t)address, (uint32_t)value, time, true, realtime, flags);
	case FUTEX_WAKE_BITSET:
		if ((uint32_t)value3 == 0)
			return -LX_EINVAL;
		if ((uint32_t)value3 != BITSET_ANY)
			return emul_unsupported("futex bitset", (uint32_t)value3, LX_ENOSYS);
		return futex_wake((uint64_t)address, (int)value, flags);
	case FUTEX_WAKE:
		return futex_wake((uint64_t)address, (int)value, flags);
	case FUTEX_CMP_REQUEUE:
		if (emul_copy(&now, (const void *)address, sizeof now) < 0)
			return -LX_EFAULT;
		if (now != (uint32_t)value3)
			return -LX_EAGAIN;
		return futex_requeue((uint64_t)address, (uint64_t)address2, (int)value, (int)time, flags);
	case FUTEX_REQUEUE:
		return futex_requeue((uint64_t)address, (uint64_t)address2, (int)value, (int)time, flags);
	default:
		return emul_unsupported("futex operation", operation, LX_ENOSYS);
	}
}
