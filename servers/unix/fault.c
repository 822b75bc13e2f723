/* SPDX-License-Identifier: BSD-2-Clause */
/* Failing allocations of debug builds (fault.h); nothing in release builds. */
#define UNIX_FAULT_C
#include "fault.h"
#include <device/device.h>
#include "process.h"

#ifdef DEBUG

static int64_t fault_countdown;		/* atomic; 0: off */

bool
fault_now(void)
{
	if (__atomic_load_n(&fault_countdown, __ATOMIC_RELAXED) == 0)
		return false;
	return __atomic_sub_fetch(&fault_countdown, 1, __ATOMIC_RELAXED) == 0;
}

/* The kernel's fault points are armed by writing to its device "counters". */
static int
fault_arm_kernel(int64_t nth)
{
	static mach_port_t device;
	dev_name_t name = "counters";
	io_buf_ptr_inband_t any = "*";
	int written;

	if (device == MACH_PORT_NULL && device_open(device_master, D_WRITE, name, &device) != 0)
		return -LX_EIO;
	return device_write_inband(device, 0, nth, any, 1, &written) == 0 ? 0 : -LX_EIO;
}

int64_t
fault_write(const char *text, size_t size)
{
	char copy[32] = "";
	int error = 0;

	if (size >= sizeof(copy))
		return -LX_EINVAL;
	memcpy(copy, text, size);
	if (strncmp(copy, "kernel ", 7) == 0)
		error = fault_arm_kernel(strtol(copy + 7, NULL, 10));
	else
		__atomic_store_n(&fault_countdown, strtol(copy, NULL, 10), __ATOMIC_RELAXED);
	return error != 0 ? error : (int64_t)size;
}

#endif
