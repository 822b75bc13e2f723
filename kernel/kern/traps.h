/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of the trap table; arguments as in interface reference section 2. */
#ifndef KERN_TRAPS_H
#define KERN_TRAPS_H

#include <stdint.h>
#include <mach/mach_types.h>

long	trap_null(void);
long	trap_invalid(void);
long	trap_mach_print(uint64_t string);
long	trap_swtch(void);
long	trap_swtch_pri(int priority);
long	trap_thread_switch(mach_port_name_t, int option, uint32_t ms);
long	trap_vm_map(mach_port_name_t, uint64_t address, vm_size_t, vm_address_t mask, boolean_t anywhere,
	    mach_port_name_t object, vm_offset_t, boolean_t copy, vm_prot_t, vm_prot_t, vm_inherit_t);
long	trap_vm_allocate(mach_port_name_t, uint64_t address, vm_size_t, boolean_t anywhere);
long	trap_vm_deallocate(mach_port_name_t, vm_address_t, vm_size_t);
long	trap_task_create(mach_port_name_t, boolean_t inherit, uint64_t child);
long	trap_task_terminate(mach_port_name_t);
long	trap_task_suspend(mach_port_name_t);
long	trap_task_set_special_port(mach_port_name_t, int which, mach_port_name_t right);
long	trap_thread_depress_abort(mach_port_name_t);
long	trap_thread_set_self_state(int flavor, uint64_t state, uint32_t count);
long	trap_gsync_wait_self(vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
long	trap_gsync_wake_self(vm_address_t addr, unsigned most, int flags);
long	trap_gsync_wait(mach_port_name_t, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
long	trap_gsync_wake(mach_port_name_t, vm_address_t addr, unsigned val, int flags);
/* device/ */
long	trap_device_write(mach_port_name_t device, mach_port_name_t reply, uint32_t mode, uint64_t recnum,
	    uint64_t data, uint64_t size);
long	trap_device_writev(mach_port_name_t device, mach_port_name_t reply, uint32_t mode, uint64_t recnum,
	    uint64_t vector, uint64_t count);

#endif
