/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity, relations, limits and use of processes. What the share pages tell is not asked for. */
#include "emul.h"

#define UNUSED6 (void)a, (void)b, (void)c, (void)d, (void)e, (void)f

static const struct unix_share *share(void)
{
	return tcb_self()->t_process->ep_share;
}

#define FROM_SHARE(call, field)								\
	long emul_##call(long a, long b, long c, long d, long e, long f)		\
	{										\
		UNUSED6;								\
		return (long)share()->field;						\
	}
FROM_SHARE(getpid, uh_pid)
FROM_SHARE(getppid, uh_ppid)
FROM_SHARE(getpgrp, uh_pgid)
FROM_SHARE(getuid, uh_uid)
FROM_SHARE(geteuid, uh_euid)
FROM_SHARE(getgid, uh_gid)
FROM_SHARE(getegid, uh_egid)

long emul_gettid(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return tcb_self()->t_slot->us_tid;
}

long emul_set_tid_address(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	tcb_self()->t_clear_tid = (uint64_t)a;
	return tcb_self()->t_slot->us_tid;
}

long emul_set_robust_list(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	if (b != 24)
		return -LX_EINVAL;
	tcb_self()->t_robust_list = (uint64_t)a;
	return 0;
}

long emul_get_robust_list(long a, long b, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();
	uint64_t size = 24;

	UNUSED6;
	if (a && a != t->t_slot->us_tid)
		return emul_unsupported("get_robust_list of another thread", a, LX_EPERM);
	if (emul_copy((void *)b, &t->t_robust_list, 8) < 0 || emul_copy((void *)c, &size, 8) < 0)
		return -LX_EFAULT;
	return 0;
}

long emul_setpgid(long a, long b, long c, long d, long e, long f)
{
	int64_t result = 0;

	UNUSED6;
	return emul_result(unix_proc_setpgid(emul_call_port(), (int)a, (int)b, &result), &result);
}

static long getid(long pid, int kind)
{
	int64_t result = 0;

	return emul_result(unix_proc_getid(emul_call_port(), (int)pid, kind, &result), &result);
}

long emul_getpgid(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return a == 0 ? share()->uh_pgid : getid(a, 0);
}

long emul_getsid(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return a == 0 ? share()->uh_sid : getid(a, 1);
}

long emul_setsid(long a, long b, long c, long d, long e, long f)
{
	int64_t result = 0;

	UNUSED6;
	return emul_result(unix_proc_setsid(emul_call_port(), &result), &result);
}

static long setids(int which, long first, long second, long third)
{
	int64_t result = 0;

	return emul_result(unix_proc_setids(emul_call_port(), which, (uint32_t)first, (uint32_t)second, (uint32_t)third, &result),
	    &result);
}

#define SETIDS(call, which)								\
	long emul_##call(long a, long b, long c, long d, long e, long f)		\
	{										\
		UNUSED6;								\
		return setids(which, a, b, c);						\
	}
SETIDS(setuid, UNIX_SETUID)
SETIDS(setgid, UNIX_SETGID)
SETIDS(setreuid, UNIX_SETREUID)
SETIDS(setregid, UNIX_SETREGID)
SETIDS(setresuid, UNIX_SETRESUID)
SETIDS(setresgid, UNIX_SETRESGID)
SETIDS(setfsuid, UNIX_SETFSUID)
SETIDS(setfsgid, UNIX_SETFSGID)

/* ids: real, effective, saved, file system: user then group */
static long three_ids(const long to[3], unsigned first)
{
	uint32_t ids[64];
	mach_msg_type_number_t n = 64;
	int64_t result = 0;
	long r = emul_result(unix_proc_getids(emul_call_port(), &result, ids, &n), &result);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 3; i++)
		if (first + i >= n || emul_copy((void *)to[i], &ids[first + i], 4) < 0)
			return -LX_EFAULT;
	return 0;
}

long emul_getresuid(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return three_ids((long[3]){ a, b, c }, 0);
}

long emul_getresgid(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return three_ids((long[3]){ a, b, c }, 4);
}

long emul_getgroups(long a, long b, long c, long d, long e, long f)
{
	uint32_t groups[64];
	mach_msg_type_number_t n = 64;
	int64_t result = 0;
	long r = emul_result(unix_proc_getgroups(emul_call_port(), &result, groups, &n), &result);

	UNUSED6;
	if (r < 0 || a == 0)
		return r < 0 ? r : (long)n;
	if (a < (long)n)
		return -LX_EINVAL;
	return emul_copy((void *)b, groups, n * 4) < 0 ? -LX_EFAULT : (long)n;
}

long emul_setgroups(long a, long b, long c, long d, long e, long f)
{
	uint32_t groups[64];
	int64_t result = 0;

	UNUSED6;
	if (a < 0 || a > 64)
		return a > 0 && a <= 65536 ? emul_unsupported("setgroups count", a, LX_EINVAL) : -LX_EINVAL;
	if (emul_copy(groups, (const void *)b, (size_t)a * 4) < 0)
		return -LX_EFAULT;
	return emul_result(unix_proc_setgroups(emul_call_port(), groups, (mach_msg_type_number_t)a, &result), &result);
}

long emul_umask(long a, long b, long c, long d, long e, long f)
{
	int64_t result = 0;

	UNUSED6;
	return emul_result(unix_proc_umask(emul_call_port(), (uint32_t)a & 0777, &result), &result);
}

long emul_prlimit64(long pid, long resource, long new, long old, long e, long f)
{
	uint64_t set[2] = { 0, 0 }, was[2];
	int64_t result = 0;
	long r;

	(void)e, (void)f;
	if (new && emul_copy(set, (const void *)new, sizeof set) < 0)
		return -LX_EFAULT;
	r = emul_result(unix_proc_limit(emul_call_port(), (int)pid, (int)resource, new != 0, set[0], set[1], &result, &was[0], &was[1]),
	    &result);
	return r >= 0 && old && emul_copy((void *)old, was, sizeof was) < 0 ? -LX_EFAULT : r;
}

long emul_getrlimit(long a, long b, long c, long d, long e, long f)
{
	(void)c, (void)d;
	return emul_prlimit64(0, a, 0, b, e, f);
}

long emul_setrlimit(long a, long b, long c, long d, long e, long f)
{
	(void)c, (void)d;
	return b ? emul_prlimit64(0, a, b, 0, e, f) : -LX_EFAULT;
}

long emul_getrusage(long a, long b, long c, long d, long e, long f)
{
	unix_rusage_t usage;
	int64_t result = 0;
	long r = emul_result(unix_proc_usage(emul_call_port(), (int)a, &result, usage), &result);

	UNUSED6;
	return r >= 0 && emul_copy((void *)b, usage, sizeof usage) < 0 ? -LX_EFAULT : r;
}

/* ticks of 10 ms: own user and system, children's user and system */
long emul_times(long a, long b, long c, long d, long e, long f)
{
	int64_t usage[18], ticks[4], result = 0;

	UNUSED6;
	for (int who = 0; who < 2; who++) {
		long r = emul_result(unix_proc_usage(emul_call_port(), -who, &result, (char *)usage), &result);

		if (r < 0)
			return r;
		ticks[who * 2] = usage[0] * 100 + usage[1] / 10000;
		ticks[who * 2 + 1] = usage[2] * 100 + usage[3] / 10000;
	}
	if (a && emul_copy((void *)a, ticks, sizeof ticks) < 0)
		return -LX_EFAULT;
	return emul_monotonic_ns() / 10000000;
}

static long priority(long which, long who, int set, long value)
{
	int64_t result = 0;

	return emul_result(unix_proc_priority(emul_call_port(), (int)which, (int)who, set, (int)value, &result), &result);
}

long emul_getpriority(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return priority(a, b, 0, 0);
}

long emul_setpriority(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return priority(a, b, 1, (int)c);
}

static long wait_for(long pid, long options, int32_t *status, char *usage, struct lx_siginfo *info)
{
	int64_t result = 0;

	return emul_result(unix_proc_wait(emul_call_port(), (int)pid, (int)options, &result, status, usage, (char *)info), &result);
}

long emul_wait4(long pid, long status_to, long options, long usage_to, long e, long f)
{
	struct lx_siginfo info;
	unix_rusage_t usage;
	int32_t status = 0;
	long r;

	(void)e, (void)f;
	if ((int)options & ~0xe000000b)		/* WNOHANG, WUNTRACED, WCONTINUED, __WNOTHREAD, __WALL, __WCLONE */
		return -LX_EINVAL;
	r = wait_for(pid, options | 4, &status, usage, &info);	/* WEXITED */
	if (r > 0 && status_to && emul_copy((void *)status_to, &status, sizeof status) < 0)
		return -LX_EFAULT;
	if (r > 0 && usage_to && emul_copy((void *)usage_to, usage, sizeof usage) < 0)
		return -LX_EFAULT;
	return r;
}

long emul_waitid(long type, long id, long info_to, long options, long usage_to, long f)
{
	static const int P_ALL = 0, P_PID = 1, P_PGID = 2;
	struct lx_siginfo info;
	unix_rusage_t usage;
	int32_t status = 0;
	long r;

	(void)f;
	if (!((int)options & 0xe) || (int)options & ~0xe100000f)
		return -LX_EINVAL;
	if (type != P_ALL && type != P_PID && type != P_PGID)
		return emul_unsupported("waitid type", type, LX_EINVAL);
	if (type != P_ALL && (int)id <= 0)
		return -LX_EINVAL;
	memset(&info, 0, sizeof info);
	r = wait_for(type == P_ALL ? -1 : type == P_PID ? id : -id, options, &status, usage, &info);
	if (r < 0)
		return r;
	if (r == 0)
		memset(&info, 0, sizeof info);
	if (info_to && emul_copy((void *)info_to, &info, sizeof info) < 0)
		return -LX_EFAULT;
	return r > 0 && usage_to && emul_copy((void *)usage_to, usage, sizeof usage) < 0 ? -LX_EFAULT : 0;
}

/* value and interval in ns; set 0 only asks */
static long timer(long which, int set, const int64_t new[2], int64_t old[2])
{
	int64_t result = 0;

	return emul_result(unix_proc_timer(emul_call_port(), (int)which, set, new[0], new[1], &result, &old[0], &old[1]), &result);
}

long emul_alarm(long a, long b, long c, long d, long e, long f)
{
	int64_t new[2] = { (int64_t)(uint32_t)a * 1000000000, 0 }, old[2] = { 0, 0 };
	long r = timer(0, 1, new, old);

	UNUSED6;
	/* what was left, rounded so that a running alarm never reads 0 */
	return r < 0 ? r : (long)((old[0] + 999999999) / 1000000000);
}

static long put_itimer(long to, const int64_t t[2])
{
	int64_t v[4] = { t[1] / 1000000000, t[1] % 1000000000 / 1000, t[0] / 1000000000, t[0] % 1000000000 / 1000 };

	return emul_copy((void *)to, v, sizeof v);
}

long emul_getitimer(long a, long b, long c, long d, long e, long f)
{
	int64_t none[2] = { 0, 0 }, old[2] = { 0, 0 };
	long r = timer(a, 0, none, old);

	UNUSED6;
	return r < 0 ? r : put_itimer(b, old);
}

long emul_setitimer(long which, long new, long old, long d, long e, long f)
{
	int64_t v[4] = { 0, 0, 0, 0 }, was[2] = { 0, 0 };
	long r;

	(void)d, (void)e, (void)f;
	if (new && emul_copy(v, (const void *)new, sizeof v) < 0)
		return -LX_EFAULT;
	if (v[0] < 0 || v[2] < 0 || v[1] < 0 || v[3] < 0 || v[1] > 999999 || v[3] > 999999)
		return -LX_EINVAL;
	r = timer(which, 1, (int64_t[2]){ v[2] * 1000000000 + v[3] * 1000, v[0] * 1000000000 + v[1] * 1000 }, was);
	return r < 0 || !old ? r : put_itimer(old, was);
}
