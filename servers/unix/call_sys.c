/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on the system as a whole.
 *
 * TESTS    tests/linux
 */
#include <device/device.h>
#include <mach/host_reboot.h>
#include "call.h"
#include "procinfo.h"
#include "system.h"

struct lx_sysinfo {
	int64_t		uptime;
	uint64_t	loads[3];
	uint64_t	totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t	procs, pad;
	uint32_t	pad2;
	uint64_t	totalhigh, freehigh;
	uint32_t	mem_unit;
	uint32_t	pad3;
};
_Static_assert(sizeof(struct lx_sysinfo) == 112, "struct sysinfo");

kern_return_t
S_unix_sys_info(mach_port_t call, int64_t *result, unix_small_t data,
    mach_msg_type_number_t *count)
{
	struct proc_totals totals;
	struct lx_sysinfo info;
	int i;

	(void)call;
	if (*count < sizeof(info)) {
		*count = 0;
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	proc_info_totals(&totals);
	memset(&info, 0, sizeof(info));
	info.uptime = clock_monotonic() / 1000000000;
	for (i = 0; i < 3; i++)
		info.loads[i] = (uint64_t)totals.pt_load[i] * 65536 / 1000;
	info.totalram = totals.pt_memory_total;
	info.freeram = totals.pt_memory_free;
	info.totalswap = totals.pt_swap_total;
	info.freeswap = totals.pt_swap_free;
	info.bufferram = totals.pt_memory_cached;
	info.procs = totals.pt_threads;
	info.mem_unit = 1;
	memcpy(data, &info, sizeof(info));
	*count = sizeof(info);
	*result = 0;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sys_setname(mach_port_t call, int32_t which, unix_small_t name,
    mach_msg_type_number_t count, int64_t *result)
{
	(void)call;
	if (job_current_cred()->c_euid != 0)
		*result = -LX_EPERM;
	else
		*result = system_set_name(which, name, count);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sys_log(mach_port_t call, int32_t type, uint64_t count, int64_t *result, unix_data_t data,
    mach_msg_type_number_t *data_count)
{
	(void)call;
	(void)count;
	(void)data;
	*data_count = 0;
	switch (type) {
	case 10:	/* size of the log */
		*result = UNIX_INLINE_MAX;
		break;
	case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: case 9:
		*result = 0;
		break;
	default:
		*result = -LX_EINVAL;
		break;
	}
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sys_reboot(mach_port_t call, uint32_t command, int64_t *result)
{
	(void)call;
	*result = -LX_EINVAL;
	if (job_current_cred()->c_euid != 0)
		*result = -LX_EPERM;
	else if (command == 0x01234567)
		system_restart(0);
	else if (command == 0x4321fedc || command == 0xcdef0123)
		system_restart(HOST_REBOOT_HALT);
	else if (command == 0 || command == 0x89abcdef)
		*result = 0;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sys_settime(mach_port_t call, int64_t seconds, int64_t nanoseconds, int64_t *result)
{
	(void)call;
	*result = 0;
	if (job_current_cred()->c_euid != 0)
		*result = -LX_EPERM;
	else if (seconds < 0 || seconds > 4000000000ll || nanoseconds < 0 ||
	    nanoseconds > 999999999)
		*result = -LX_EINVAL;
	else
		system_set_time(seconds * 1000000000 + nanoseconds);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sys_unsupported(mach_port_t call, unix_name_t name)
{
	(void)call;
	unsupported_count("%.60s", name);
	return KERN_SUCCESS;
}
