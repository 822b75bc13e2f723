/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine as a whole: options, clocks, names, the system page, the end.
 *
 * OBJECT   the system page: written here, read by every process.
 * LOCKS    system_lock for the names and the clock offset.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <device/device.h>
#include <mach/host_reboot.h>
#include "process.h"
#include "procinfo.h"
#include "system.h"
#include "tty/tty.h"

#define NS	1000000000ll
/* Our kernel's addition to the options of host_reboot: the status goes to the emulator. */
#define REBOOT_EXIT	0x8000

static struct mutex system_lock = MUTEX_INITIALIZER;
static const volatile mapped_time_value_t *system_time;

/* Nanoseconds per tick of the time stamp counter, shifted: a division each time costs too much. */
#define CLOCK_SHIFT	40
static uint64_t clock_multiplier;	/* 0 until measured, then never changed */

#define AGAIN_MAX	1000		/* times 1 ms */

bool
kernel_again(kern_return_t kr, unsigned int *tries)
{
	if (kr != KERN_RESOURCE_SHORTAGE && kr != MACH_SEND_NO_BUFFER && kr != MACH_SEND_INVALID_REPLY)
		return false;
	if (++*tries > AGAIN_MAX)
		return false;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	return true;
}

kern_return_t
kernel_insist(kern_return_t (*call)(mach_port_t), mach_port_t port)
{
	unsigned int tries = 0;
	kern_return_t kr;

	do
		kr = call(port);
	while (kernel_again(kr, &tries));
	return kr;
}

void
system_log(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	mach_print(line);
}

void
system_options_parse(int argc, char **argv, struct system_options *options)
{
	int i;

	memset(options, 0, sizeof(*options));
	options->so_root = "rd1";
	options->so_emul = "rd2";
	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--root=", 7) == 0)
			options->so_root = argv[i] + 7;
		if (strncmp(argv[i], "--emul=", 7) == 0)
			options->so_emul = argv[i] + 7;
		if (strncmp(argv[i], "--cmdline=", 10) == 0) {
			const char *at = strstr(argv[i] + 9, " CMD=");

			if (strncmp(argv[i] + 10, "CMD=", 4) == 0)
				at = argv[i] + 9;
			options->so_command = at != NULL ? at + 5 : NULL;
		}
	}
}

static int64_t
clock_precise(void)
{
	time_value64_t now;

	if (host_get_uptime64(mach_host_self(), &now) != KERN_SUCCESS)
		return 0;
	return now.seconds * NS + now.nanoseconds;
}

int64_t
clock_monotonic(void)
{
	const volatile struct unix_system *system = system_page;
	int64_t seconds, ns;

	/* The multiplier is written last. */
	if (__atomic_load_n(&clock_multiplier, __ATOMIC_ACQUIRE) != 0)
		return system->uy_tsc_time + (int64_t)(((unsigned __int128)
		    (__builtin_ia32_rdtsc() - system->uy_tsc_base) * clock_multiplier) >>
		    CLOCK_SHIFT);
	if (system_time == NULL)
		return clock_precise();
	do {
		seconds = system_time->uptime_value.seconds;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		ns = system_time->uptime_value.nanoseconds;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	} while (seconds != system_time->check_upseconds64);
	return seconds * NS + ns;
}

int64_t
clock_realtime(void)
{
	return clock_monotonic() + system_page->uy_boot_time;
}

static void
system_map_time(void)
{
	dev_name_t name = "time";
	mach_port_t device, pager;
	vm_address_t address = 0;

	if (device_open(device_master, D_READ, name, &device) != KERN_SUCCESS)
		return;
	if (device_map(device, VM_PROT_READ, 0, 4096, &pager, 0) == KERN_SUCCESS &&
	    vm_map(mach_task_self(), &address, 4096, 0, TRUE, pager, 0, FALSE, VM_PROT_READ,
	    VM_PROT_READ, VM_INHERIT_NONE) == KERN_SUCCESS)
		system_time = (const volatile mapped_time_value_t *)address;
}

/* How fast the time stamp counter is, measured once against the kernel's clock. */
static void *
system_calibrate(void *argument)
{
	struct wait_queue never;
	struct mutex lock = MUTEX_INITIALIZER;
	uint64_t base, tsc;
	int64_t start, now;

	(void)argument;
	wait_queue_init(&never);
	mutex_lock(&lock);
	start = clock_precise();
	base = __builtin_ia32_rdtsc();
	wait_sleep(&never, &lock, clock_monotonic() + 500000000);
	now = clock_precise();
	tsc = __builtin_ia32_rdtsc();
	if (now > start && tsc > base) {
		system_page->uy_tsc_base = tsc;
		system_page->uy_tsc_time = now;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		system_page->uy_tsc_hz = (uint64_t)((unsigned __int128)(tsc - base) * NS /
		    (now - start));
		__atomic_store_n(&clock_multiplier, (uint64_t)(((unsigned __int128)NS <<
		    CLOCK_SHIFT) / system_page->uy_tsc_hz), __ATOMIC_RELEASE);
	}
	mutex_unlock(&lock);
	return NULL;
}

static void
system_copy(volatile char *to, const char *from, uint32_t length)
{
	uint32_t i;

	for (i = 0; i < 64; i++)
		to[i] = i < length ? from[i] : 0;
	to[64] = 0;
}

void
system_time_start(void)
{
	struct host_basic_info host;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
	time_value64_t now;

	system_map_time();
	system_page->uy_version = 1;
	system_page->uy_cpus = 1;
	if (host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&host, &count) ==
	    KERN_SUCCESS) {
		system_page->uy_cpus = host.avail_cpus;
		system_page->uy_memory = host.memory_size;
	}
	if (host_get_time64(mach_host_self(), &now) == KERN_SUCCESS)
		system_page->uy_boot_time = now.seconds * NS + now.nanoseconds -
		    clock_monotonic();
	system_copy(system_page->uy_hostname, "ernst", 5);
	system_copy(system_page->uy_domainname, "(none)", 6);
	system_copy(system_page->uy_release, "6.1.0-ernst", 11);
	system_copy(system_page->uy_build, "#1 SMP Mach 3", 13);
	cthread_detach(cthread_fork(system_calibrate, NULL));
}

int
system_set_name(int which, const char *name, uint32_t length)
{
	if (length > 64)
		return -LX_EINVAL;
	mutex_lock(&system_lock);
	system_page->uy_name_sequence++;
	system_copy(which == 0 ? system_page->uy_hostname : system_page->uy_domainname, name,
	    length);
	system_page->uy_name_sequence++;
	mutex_unlock(&system_lock);
	return 0;
}

const char *
system_hostname(char buffer[65])
{
	int i;

	for (i = 0; i < 65; i++)
		buffer[i] = system_page->uy_hostname[i];
	return buffer;
}

void
system_set_time(int64_t nanoseconds)
{
	time_value64_t now = { nanoseconds / NS, nanoseconds % NS };

	mutex_lock(&system_lock);
	host_set_time64(host_privileged, now);
	system_page->uy_time_sequence++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	system_page->uy_boot_time = nanoseconds - clock_monotonic();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	system_page->uy_time_sequence++;
	mutex_unlock(&system_lock);
}

void
system_restart(int options)
{
	vfs_sync();
	host_reboot(host_privileged, options);
	for (;;)
		cthread_yield();
}

void
system_end(int status)
{
	int code = (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);

	vfs_sync();
	system_log("%sernst: exit status %d\n", console_at_line_start() ? "" : "\n", code);
	system_restart(REBOOT_EXIT | code << 16);
}
