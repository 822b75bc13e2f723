/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads ELF64 programs of boot modules into fresh tasks. */
#ifndef KERN_LOADER_H
#define KERN_LOADER_H

#include <stdint.h>
#include <mach/vm_prot.h>

struct vm_map;

struct loaded_program {
	uint64_t	lp_entry;
	vm_prot_t	lp_stack_prot;
};

/* => map is empty user map; NULL when good, else what is wrong */
const char	*loader_load(struct vm_map *, const void *image, uint64_t size, struct loaded_program *);

#endif
