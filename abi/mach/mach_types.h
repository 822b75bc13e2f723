/* SPDX-License-Identifier: BSD-2-Clause */
/* All types of the kernel interface. */
#ifndef MACH_MACH_TYPES_H
#define MACH_MACH_TYPES_H

#include <mach/host_info.h>
#include <mach/machine.h>
#include <mach/machine/vm_types.h>
#include <mach/memory_object.h>
#include <mach/message.h>
#include <mach/pc_sample.h>
#include <mach/port.h>
#include <mach/processor_info.h>
#include <mach/std_types.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_info.h>
#include <mach/thread_special_ports.h>
#include <mach/thread_status.h>
#include <mach/time_value.h>
#include <mach/vm_attributes.h>
#include <mach/vm_cache_statistics.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>
#include <mach/vm_sync.h>
#include <mach/vm_wire.h>

/*
 * In the kernel a right to a kernel object has been converted to the object
 * when a routine sees it; arrays of rights stay arrays of ports.
 */
#ifdef KERNEL
struct task;
struct thread;
struct ipc_space;
struct vm_map;
struct vm_object;
struct host;
struct processor;
struct processor_set;

typedef struct task *task_t;
typedef struct thread *thread_t;
typedef struct ipc_space *ipc_space_t;
typedef struct vm_map *vm_task_t;
typedef struct vm_map *vm_map_t;
typedef struct vm_object *vm_object_t;
typedef struct host *host_t;
typedef struct host *host_priv_t;
typedef struct processor *processor_t;
typedef struct processor *processor_name_t;
typedef struct processor_set *processor_set_t;
typedef struct processor_set *processor_set_name_t;
#else
typedef mach_port_t task_t;
typedef mach_port_t thread_t;
typedef mach_port_t ipc_space_t;
typedef mach_port_t vm_task_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t;
typedef mach_port_t processor_t;
typedef mach_port_t processor_name_t;
typedef mach_port_t processor_set_t;
typedef mach_port_t processor_set_name_t;
#endif

typedef mach_port_t *task_array_t;
typedef mach_port_t *thread_array_t;
typedef mach_port_t *processor_array_t;
typedef mach_port_t *processor_name_array_t;
typedef mach_port_t *processor_set_array_t;
typedef mach_port_t *processor_set_name_array_t;
typedef vm_offset_t *emulation_vector_t;

/* Names of tasks and threads, as the debugger shows them. */
#define KERNEL_DEBUG_NAME_MAX	64
typedef char kernel_debug_name_t[KERNEL_DEBUG_NAME_MAX];
typedef const char *const_kernel_debug_name_t;

#define TASK_NULL		((task_t)0)
#define THREAD_NULL		((thread_t)0)
#define IS_NULL			((ipc_space_t)0)
#define HOST_NULL		((host_t)0)
#define PROCESSOR_NULL		((processor_t)0)
#define PROCESSOR_SET_NULL	((processor_set_t)0)

#endif
