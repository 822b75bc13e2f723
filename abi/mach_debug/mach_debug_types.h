/* SPDX-License-Identifier: BSD-2-Clause */
/* All types of the mach_debug subsystem. */
#ifndef MACH_DEBUG_MACH_DEBUG_TYPES_H
#define MACH_DEBUG_MACH_DEBUG_TYPES_H

#include <mach_debug/hash_info.h>
#include <mach_debug/slab_info.h>
#include <mach_debug/vm_info.h>

typedef char symtab_name_t[32];
typedef const char *const_symtab_name_t;

#endif
