/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files with user routines share. */
#ifndef VM_VM_USER_H
#define VM_VM_USER_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

struct ipc_port;
struct vm_entry;
struct vm_map;
struct vm_object;

/* a map user routines may change */
bool	vm_user_map(const struct vm_map *);
struct vm_object *vm_entry_object(const struct vm_entry *);
/* vm_map without consuming the right */
kern_return_t	vm_user_map_object(struct vm_map *, uint64_t *address, uint64_t size, uint64_t mask, bool anywhere,
		    struct ipc_port *, uint64_t offset, bool copy, vm_prot_t cur, vm_prot_t max, vm_inherit_t);

#endif
