/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of the mach_i386 subsystem. */
#ifndef MACH_X86_64_MACH_I386_TYPES_H
#define MACH_X86_64_MACH_I386_TYPES_H

#include <stdint.h>
#include <mach/boolean.h>
#include <mach/port.h>

/* A segment descriptor in the processor's own form. */
struct descriptor {
	uint32_t low_word;
	uint32_t high_word;
};
typedef struct descriptor descriptor_t;
typedef struct descriptor *descriptor_list_t;
typedef const struct descriptor *const_descriptor_list_t;

typedef unsigned short io_port_t;
typedef unsigned short *io_port_list_t;
#ifdef KERNEL
struct io_perm;
typedef struct io_perm *io_perm_t;
#else
typedef mach_port_t io_perm_t;
#endif

_Static_assert(sizeof(struct descriptor) == 8, "segment descriptor");

#endif
