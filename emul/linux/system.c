/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls about the machine and the odds and ends of a process. */
#include <mach/mach_interface.h>
#include <mach/mach_traps.h>
#include <mach/thread_info.h>
#include "emul.h"

#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define ARCH_GET_FS	0x1003
#define ARCH_GET_GS	0x1004
#define PR_SET_PDEATHSIG 1
#define PR_GET_DUMPABLE	3
#define PR_SET_DUMPABLE	4
#define PR_SET_NAME	15
#define PR_GET_NAME	16

#define UNUSED6 (void)a, (void)b, (void)c, (void)d, (void)e, (void)f

static const struct unix_system *system_page(void)
{
	return (const struct unix_system *)UNIX_EMUL_SYSTEM;
}

long emul_arch_prctl(long a, long b, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();

	UNUSED6;
	switch (a) {
	case ARCH_SET_FS:
		if ((uint64_t)b >= 1ull << 47)
			return -LX_EPERM;
		emul_set_fs_base((uint64_t)b);
		return 0;
	case ARCH_GET_FS:
		return emul_copy((void *)b, &t->t_fs_base, 8);
	case ARCH_SET_GS:
	case ARCH_GET_GS:
		return emul_unsupported("arch_prctl", a, LX_EINVAL);	/* GS is the library's */
	default:
		return emul_unsupported("arch_prctl", a, LX_EINVAL);
	}
}

long emul_prctl(long a, long b, long c, long d, long e, long f)
{
	struct emul_process *p = tcb_self()->t_process;
	int64_t result = 0;
	char name[64];
	long n;

	UNUSED6;
	switch (a) {
	case PR_SET_NAME:
		n = emul_strlen((const char *)b, sizeof p->ep_name - 1);
		if (n < 0 || emul_copy(name, (const void *)b, (size_t)n) < 0)
			return -LX_EFAULT;
		name[n] = 0;
		memcpy(p->ep_name, name, (size_t)n + 1);
		return emul_result(unix_proc_name(emul_call_port(), name, &result), &result);
	case PR_GET_NAME:
		return emul_copy((void *)b, p->ep_name, sizeof p->ep_name);
	case PR_GET_DUMPABLE:
		return 1;
	default:
		return emul_unsupported("prctl", a, LX_EINVAL);
	}
}

static void put(char *to, const char *from)
{
	for (int i = 0; i < 64 && from[i]; i++)
		to[i] = from[i];
}

long emul_uname(long a, long b, long c, long d, long e, long f)
{
	const struct unix_system *y = system_page();
	char names[6][65];
	uint32_t sequence;

	UNUSED6;
	do {
		sequence = *(const volatile uint32_t *)&y->uy_name_sequence;
		memset(names, 0, sizeof names);
		put(names[0], "Linux");
		put(names[1], y->uy_hostname);
		put(names[2], y->uy_release);
		put(names[3], y->uy_build);
		put(names[4], "x86_64");
		put(names[5], y->uy_domainname);
	} while (sequence & 1 || sequence != *(const volatile uint32_t *)&y->uy_name_sequence);
	return emul_copy((void *)a, names, sizeof names);
}

long emul_sysinfo(long a, long b, long c, long d, long e, long f)
{
	char data[1024];
	mach_msg_type_number_t n = sizeof data;
	int64_t result = 0;
	long r = emul_result(unix_sys_info(emul_call_port(), &result, data, &n), &result);

	UNUSED6;
	return r >= 0 && emul_copy((void *)a, data, n) < 0 ? -LX_EFAULT : r;
}

long emul_syslog(long type, long to, long count, long d, long e, long f)
{
	char data[UNIX_INLINE_MAX];
	mach_msg_type_number_t n = sizeof data;
	int64_t result = 0;
	long r;

	(void)d, (void)e, (void)f;
	if (count < 0)
		return -LX_EINVAL;
	if (count > UNIX_INLINE_MAX)
		count = UNIX_INLINE_MAX;
	r = emul_result(unix_sys_log(emul_call_port(), (int)type, (uint64_t)count, &result, data, &n), &result);
	return r > 0 && n && emul_copy((void *)to, data, n) < 0 ? -LX_EFAULT : r;
}

static long set_name(int which, long from, long n)
{
	char name[65];
	int64_t result = 0;

	if (n < 0 || n > 64)
		return -LX_EINVAL;
	if (emul_copy(name, (const void *)from, (size_t)n) < 0)
		return -LX_EFAULT;
	return emul_result(unix_sys_setname(emul_call_port(), which, name, (mach_msg_type_number_t)n, &result), &result);
}

long emul_sethostname(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return set_name(0, a, b);
}

long emul_setdomainname(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	return set_name(1, a, b);
}

long emul_reboot(long a, long b, long c, long d, long e, long f)
{
	int64_t result = 0;

	UNUSED6;
	if ((uint32_t)a != 0xfee1dead || (b != 0x28121969 && b != 0x5121996 && b != 0x16041998 && b != 0x20112000))
		return -LX_EINVAL;
	return emul_result(unix_sys_reboot(emul_call_port(), (uint32_t)c, &result), &result);
}

long emul_sched_yield(long a, long b, long c, long d, long e, long f)
{
	UNUSED6;
	swtch_pri(0);
	return 0;
}

long emul_sched_getaffinity(long a, long b, long c, long d, long e, long f)
{
	uint64_t mask[2] = { 0, 0 };
	uint32_t cpus = system_page()->uy_cpus;

	UNUSED6;
	if (b < 8 || b & 7)
		return -LX_EINVAL;
	for (uint32_t i = 0; i < cpus && i < 128; i++)
		mask[i / 64] |= 1ull << i % 64;
	return emul_copy((void *)c, mask, b < 16 ? 8 : 16) < 0 ? -LX_EFAULT : b < 16 ? 8 : 16;
}

long emul_getcpu(long a, long b, long c, long d, long e, long f)
{
	struct thread_sched_info info = { 0 };
	mach_msg_type_number_t n = THREAD_SCHED_INFO_COUNT;
	mach_port_t self = mach_thread_self();
	uint32_t zero = 0, cpu;

	UNUSED6;
	thread_info(self, THREAD_SCHED_INFO, (thread_info_t)&info, &n);
	syscall_mach_port_deallocate(mach_task_self_, self);
	cpu = (uint32_t)info.last_processor;
	if (a && emul_copy((void *)a, &cpu, 4) < 0)
		return -LX_EFAULT;
	return b && emul_copy((void *)b, &zero, 4) < 0 ? -LX_EFAULT : 0;
}

/* the pool behind /dev/urandom */
long emul_getrandom(long to, long count, long flags, long d, long e, long f)
{
	extern long emul_read(long, long, long, long, long, long);
	char path[] = "/dev/urandom";
	int64_t fd = 0, result = 0;
	long r;

	(void)d, (void)e, (void)f;
	if (flags & ~7l)
		return -LX_EINVAL;
	r = emul_result(unix_path_open(emul_call_port(), LX_AT_FDCWD, path, sizeof path - 1, LX_O_CLOEXEC, 0, &fd), &fd);
	if (r < 0)
		return r;
	r = emul_read(fd, to, count, 0, 0, 0);
	unix_fd_close(emul_call_port(), (int)fd, &result);
	return r;
}
