/* SPDX-License-Identifier: BSD-2-Clause */
/* Flavours of host_info, and kernel version strings. */
#ifndef MACH_HOST_INFO_H
#define MACH_HOST_INFO_H

#include <mach/machine.h>
#include <mach/machine/vm_types.h>

typedef integer_t *host_info_t;
#define HOST_INFO_MAX		1024
typedef integer_t host_info_data_t[HOST_INFO_MAX];

#define KERNEL_VERSION_MAX	512
typedef char kernel_version_t[KERNEL_VERSION_MAX];
typedef char new_kernel_version_t[KERNEL_VERSION_MAX];

#define HOST_BASIC_INFO		1
#define HOST_PROCESSOR_SLOTS	2
#define HOST_SCHED_INFO		3
#define HOST_LOAD_INFO		4

struct host_basic_info {
	integer_t max_cpus;
	integer_t avail_cpus;
	rpc_vm_size_t memory_size;
	cpu_type_t cpu_type;
	cpu_subtype_t cpu_subtype;
};
typedef struct host_basic_info host_basic_info_data_t;
typedef struct host_basic_info *host_basic_info_t;
#define HOST_BASIC_INFO_COUNT	(sizeof(host_basic_info_data_t) / sizeof(integer_t))

/* Milliseconds. */
struct host_sched_info {
	integer_t min_timeout;
	integer_t min_quantum;
};
typedef struct host_sched_info host_sched_info_data_t;
typedef struct host_sched_info *host_sched_info_t;
#define HOST_SCHED_INFO_COUNT	(sizeof(host_sched_info_data_t) / sizeof(integer_t))

/* Over 5, 30 and 60 seconds, scaled. */
#define LOAD_SCALE		1000
struct host_load_info {
	integer_t avenrun[3];
	integer_t mach_factor[3];
};
typedef struct host_load_info host_load_info_data_t;
typedef struct host_load_info *host_load_info_t;
#define HOST_LOAD_INFO_COUNT	(sizeof(host_load_info_data_t) / sizeof(integer_t))

_Static_assert(sizeof(host_basic_info_data_t) == 24, "host basic info");
_Static_assert(sizeof(host_sched_info_data_t) == 8, "host sched info");
_Static_assert(sizeof(host_load_info_data_t) == 24, "host load info");

/* Options of host_reboot. */
#define HOST_REBOOT_RESTART	0
#define HOST_REBOOT_HALT	8
#define HOST_REBOOT_DEBUGGER	0x1000

#endif
