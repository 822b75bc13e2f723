/* SPDX-License-Identifier: BSD-2-Clause */
/* Host routines: information, time, reboot, load averages (mach_host subsystem). */
#include <debug/kdb.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/string.h>
#include <kern/times.h>
#include <kern/version.h>
#include <mach/host_info.h>
#include <mach/host_reboot.h>
#include <mach/mach_host.server.h>
#include <machine/cpu.h>
#include <machine/pmap.h>

/* our additions to the options of host_reboot: leave the emulator with a status */
#define REBOOT_EXIT		0x8000
#define REBOOT_EXIT_STATUS(o)	((o) >> 16 & 0xff)

/* and, in debug builds, what a broken kernel would do: the tests look at the report */
#define REBOOT_ASSERT		0x2000
#define REBOOT_FAULT		0x4000
#define FAULT_ADDRESS		0xdead000ul

#define LOAD_PERIOD_NS	5000000000ull

uint32_t host_load_average[3], host_mach_factor[3];
static struct timer load_timer;

/* exp(-5 s / 1, 5, 15 min), scale 1000 */
static const uint32_t load_keep[3] = { 920, 983, 994 };

static void
load_decay(uint32_t *load, uint32_t *factor, uint32_t cpus, uint32_t runnable, int term)
{
	uint32_t keep = load_keep[term];
	/* CPUs' worth of work one more thread would get */
	uint32_t room = runnable < cpus ? (cpus - runnable) * LOAD_SCALE : cpus * LOAD_SCALE / (runnable + 1);

	*load = (*load * keep + runnable * LOAD_SCALE * (1000 - keep)) / 1000;
	*factor = (*factor * keep + room * (1000 - keep)) / 1000;
}

static uint32_t host_cpus, host_runnable;	/* (timer) sums */

static void
load_set(struct processor_set *p, uint32_t cpus, uint32_t runnable)
{
	load_decay(&p->ps_load_average, &p->ps_mach_factor, cpus, runnable, 0);
	host_cpus += cpus;
	host_runnable += runnable;
}

static void
load_update(void *arg)
{
	(void)arg;
	host_cpus = host_runnable = 0;
	pset_load_update(load_set);
	for (int i = 0; i < 3; i++)
		load_decay(&host_load_average[i], &host_mach_factor[i], host_cpus, host_runnable, i);
	timer_set(&load_timer, clock_uptime_ns() + LOAD_PERIOD_NS);
}

void
load_init(void)
{
	timer_init(&load_timer, load_update, NULL);
	load_update(NULL);
}

static uint32_t
cpus_running(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < cpu_count; i++)
		n += processor_running(cpu_get(i));
	return n;
}

static void
host_basic(struct host_basic_info *info)
{
	info->max_cpus = (integer_t)cpu_count;
	info->avail_cpus = (integer_t)cpus_running();
	info->memory_size = boot_memory_total;
	info->cpu_type = CPU_TYPE_X86_64;
	info->cpu_subtype = CPU_SUBTYPE_X86_64;
}

static kern_return_t
host_slots(integer_t *out, mach_msg_type_number_t *count)
{
	uint32_t n = 0;

	if (*count < cpus_running())
		return KERN_FAILURE;
	for (uint32_t i = 0; i < cpu_count && n < *count; i++)
		if (processor_running(cpu_get(i)))
			out[n++] = (integer_t)i;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
host_info(host_t host, int flavor, host_info_t out, mach_msg_type_number_t *count)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case HOST_BASIC_INFO:
		if (*count < HOST_BASIC_INFO_COUNT)
			return KERN_FAILURE;
		host_basic((struct host_basic_info *)out);
		*count = HOST_BASIC_INFO_COUNT;
		return KERN_SUCCESS;
	case HOST_PROCESSOR_SLOTS:
		return host_slots(out, count);
	case HOST_SCHED_INFO: {
		struct host_sched_info *info = (struct host_sched_info *)out;

		if (*count < HOST_SCHED_INFO_COUNT)
			return KERN_FAILURE;
		info->min_timeout = TICK_NS / 1000000;
		info->min_quantum = QUANTUM_NS / 1000000;
		*count = HOST_SCHED_INFO_COUNT;
		return KERN_SUCCESS;
	}
	case HOST_LOAD_INFO: {
		struct host_load_info *info = (struct host_load_info *)out;

		if (*count < HOST_LOAD_INFO_COUNT)
			return KERN_FAILURE;
		for (int i = 0; i < 3; i++) {
			info->avenrun[i] = (integer_t)host_load_average[i];
			info->mach_factor[i] = (integer_t)host_mach_factor[i];
		}
		*count = HOST_LOAD_INFO_COUNT;
		return KERN_SUCCESS;
	}
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

kern_return_t
host_get_kernel_version(host_t host, new_kernel_version_t version)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	string_copy(version, kernel_version_string, KERNEL_VERSION_MAX);
	return KERN_SUCCESS;
}

kern_return_t
host_reboot(host_priv_t host, int options)
{
	if (host == NULL)
		return KERN_INVALID_HOST;
	if (options & RB_DEBUGGER) {
		kdb_enter("host_reboot");
		return KERN_SUCCESS;
	}
#ifdef DEBUG
	KASSERT(!(options & REBOOT_ASSERT));
	if (options & REBOOT_FAULT)
		*(volatile int *)FAULT_ADDRESS = 1;
#endif
	pmap_audit();
	if (options & REBOOT_EXIT)
		plat_exit(REBOOT_EXIT_STATUS(options));
	if (options & RB_HALT)
		plat_halt();
	plat_reboot();
}

/* --- time --- */

/* => false: not a time */
static bool
time64_to_ns(const time_value64_t *t, int64_t *ns)
{
	if (t->nanoseconds <= -TIME_NANOS_MAX || t->nanoseconds >= TIME_NANOS_MAX)
		return false;
	return !__builtin_mul_overflow(t->seconds, (int64_t)TIME_NANOS_MAX, ns)
	    && !__builtin_add_overflow(*ns, t->nanoseconds, ns);
}

static time_value64_t
time_signed(int64_t ns)
{
	time_value64_t t = { ns / TIME_NANOS_MAX, ns % TIME_NANOS_MAX };

	return t;
}

kern_return_t
host_get_time64(host_t host, time_value64_t *t)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	*t = time_64(clock_wall_ns());
	return KERN_SUCCESS;
}

kern_return_t
host_get_time(host_t host, time_value_t *t)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	memset(t, 0, sizeof *t);
	*t = time_us(clock_wall_ns());
	return KERN_SUCCESS;
}

kern_return_t
host_get_uptime64(host_t host, time_value64_t *t)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	*t = time_64(clock_uptime_ns());
	return KERN_SUCCESS;
}

kern_return_t
host_set_time64(host_priv_t host, time_value64_t t)
{
	int64_t ns;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (!time64_to_ns(&t, &ns) || ns < 0)
		return KERN_INVALID_VALUE;
	clock_set_wall((uint64_t)ns);
	return KERN_SUCCESS;
}

kern_return_t
host_set_time(host_priv_t host, time_value_t t)
{
	time_value64_t t64;

	TIME_VALUE_TO_TIME_VALUE64(&t, &t64);
	return host_set_time64(host, t64);
}

kern_return_t
host_adjust_time64(host_priv_t host, time_value64_t t, time_value64_t *old)
{
	int64_t ns;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (!time64_to_ns(&t, &ns))
		return KERN_INVALID_VALUE;
	*old = time_signed(clock_adjust(ns));
	return KERN_SUCCESS;
}

kern_return_t
host_adjust_time(host_priv_t host, time_value_t t, time_value_t *old)
{
	time_value64_t t64, old64;
	kern_return_t kr;

	TIME_VALUE_TO_TIME_VALUE64(&t, &t64);
	kr = host_adjust_time64(host, t64, &old64);
	if (kr == KERN_SUCCESS)
		TIME_VALUE64_TO_TIME_VALUE(&old64, old);
	return kr;
}
