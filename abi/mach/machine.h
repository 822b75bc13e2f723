/* SPDX-License-Identifier: BSD-2-Clause */
/* Processor types. */
#ifndef MACH_MACHINE_H
#define MACH_MACHINE_H

#include <mach/machine/vm_types.h>
#include <mach/boolean.h>

typedef integer_t cpu_type_t;
typedef integer_t cpu_subtype_t;

#define CPU_STATE_MAX		3
#define CPU_STATE_USER		0
#define CPU_STATE_SYSTEM	1
#define CPU_STATE_IDLE		2

#define CPU_TYPE_I386		((cpu_type_t)7)
#define CPU_TYPE_X86_64		((cpu_type_t)21)
#define CPU_TYPE_ARM64		((cpu_type_t)22)

#define CPU_SUBTYPE_MULTIPLE	((cpu_subtype_t)1)
#define CPU_SUBTYPE_X86_64	((cpu_subtype_t)1)

#endif
