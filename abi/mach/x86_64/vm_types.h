/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer types of the 64-bit interface: natural is 32 bits, addresses are 64. */
#ifndef MACH_X86_64_VM_TYPES_H
#define MACH_X86_64_VM_TYPES_H

#ifndef __ASSEMBLER__

#include <stdint.h>

typedef unsigned int natural_t;
typedef int integer_t;

typedef unsigned long long_natural_t;
typedef long long_integer_t;
typedef uint64_t rpc_long_natural_t;
typedef int64_t rpc_long_integer_t;

typedef unsigned long vm_offset_t;
typedef vm_offset_t *vm_offset_array_t;
typedef unsigned long vm_size_t;
typedef vm_size_t *vm_size_array_t;
typedef uintptr_t rpc_uintptr_t;
typedef rpc_uintptr_t rpc_vm_address_t;
typedef rpc_uintptr_t rpc_vm_offset_t;
typedef rpc_uintptr_t rpc_vm_size_t;
typedef rpc_vm_offset_t *rpc_vm_offset_array_t;
typedef rpc_vm_size_t *rpc_vm_size_array_t;

/* A physical address. */
typedef unsigned long phys_addr_t;
typedef unsigned long long rpc_phys_addr_t;
typedef rpc_phys_addr_t *rpc_phys_addr_array_t;

/* Width of the registers, for code that is parametrised by it. */
typedef int signed32_t;
typedef unsigned int unsigned32_t;

/* Natural and long values are the same on both sides of a message here. */
static inline vm_offset_t convert_vm_from_user(rpc_vm_address_t value)
{
	return value;
}

static inline rpc_vm_address_t convert_vm_to_user(vm_offset_t value)
{
	return value;
}

_Static_assert(sizeof(natural_t) == 4 && sizeof(integer_t) == 4, "natural is 32 bits");
_Static_assert(sizeof(vm_offset_t) == 8 && sizeof(vm_size_t) == 8, "addresses are 64 bits");
_Static_assert(sizeof(phys_addr_t) == 8 && sizeof(rpc_phys_addr_t) == 8, "physical is 64 bits");
_Static_assert(sizeof(rpc_long_natural_t) == 8, "long natural is 64 bits");

#endif /* !__ASSEMBLER__ */

#endif
