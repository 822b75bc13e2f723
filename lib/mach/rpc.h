/* SPDX-License-Identifier: BSD-2-Clause */
/* The message forms of the routines that have a trap; see rpc_names.h. */
#ifndef LIB_MACH_RPC_H
#define LIB_MACH_RPC_H

#include <mach/mach_types.h>

kern_return_t vm_map_rpc(mach_port_t task, vm_address_t *address, vm_size_t size,
    vm_address_t mask, boolean_t anywhere, mach_port_t memory_object, vm_offset_t offset,
    boolean_t copy, vm_prot_t cur_protection, vm_prot_t max_protection,
    vm_inherit_t inheritance);
kern_return_t vm_allocate_rpc(mach_port_t task, vm_address_t *address, vm_size_t size,
    boolean_t anywhere);
kern_return_t vm_deallocate_rpc(mach_port_t task, vm_address_t address, vm_size_t size);
kern_return_t task_create_rpc(mach_port_t parent, boolean_t inherit_memory, mach_port_t *child);
kern_return_t task_terminate_rpc(mach_port_t task);
kern_return_t task_suspend_rpc(mach_port_t task);
kern_return_t task_set_special_port_rpc(mach_port_t task, int which, mach_port_t port);
kern_return_t mach_port_allocate_rpc(mach_port_t task, mach_port_right_t right,
    mach_port_name_t *name);
kern_return_t mach_port_deallocate_rpc(mach_port_t task, mach_port_name_t name);
kern_return_t mach_port_insert_right_rpc(mach_port_t task, mach_port_name_t name,
    mach_port_t right, mach_msg_type_name_t disposition);
kern_return_t mach_port_allocate_name_rpc(mach_port_t task, mach_port_right_t right,
    mach_port_name_t name);
kern_return_t thread_depress_abort_rpc(mach_port_t thread);
kern_return_t gsync_wait_rpc(mach_port_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
kern_return_t gsync_wake_rpc(mach_port_t task, vm_address_t addr, unsigned val, int flags);

#endif
