/* SPDX-License-Identifier: BSD-2-Clause */
/* Traps as functions of the library. */
#ifndef MACH_MACH_TRAPS_H
#define MACH_MACH_TRAPS_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/port.h>

#ifndef KERNEL
extern mach_port_name_t mach_reply_port(void);
extern mach_port_name_t mach_thread_self(void);
extern mach_port_name_t (mach_task_self)(void);
extern mach_port_name_t (mach_host_self)(void);
extern void mach_print(const char *string);
extern kern_return_t evc_wait(natural_t event);
extern kern_return_t evc_wait_clear(natural_t event);
extern boolean_t swtch_pri(int priority);
extern boolean_t swtch(void);
extern kern_return_t thread_switch(mach_port_name_t thread, int option, mach_msg_timeout_t time);
extern kern_return_t thread_set_self_state(int flavor, thread_state_t state,
    mach_msg_type_number_t count);
/*
 * Ernst's own: gsync on memory of the own task without a message. The wait is gsync_wait's; the wake takes the most to be woken
 * and gives how many were, or minus the error.
 */
extern kern_return_t gsync_wait_self(vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
extern int gsync_wake_self(vm_address_t addr, unsigned most, int flags);
/* shortcuts as those below, for the caller's own task */
extern kern_return_t syscall_gsync_wait(mach_port_name_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
extern kern_return_t syscall_gsync_wake(mach_port_name_t task, vm_address_t addr, unsigned val, int flags);

/*
 * The shortcuts. MACH_SEND_INTERRUPTED means the right is not a local kernel
 * object, and that the message of the same name does the work.
 */
extern kern_return_t syscall_vm_map(mach_port_name_t task, vm_address_t *address, vm_size_t size,
    vm_offset_t mask, boolean_t anywhere, mach_port_name_t memory_object, vm_offset_t offset,
    boolean_t copy, vm_prot_t cur_protection, vm_prot_t max_protection, vm_inherit_t inheritance);
extern kern_return_t syscall_vm_allocate(mach_port_name_t task, vm_address_t *address,
    vm_size_t size, boolean_t anywhere);
extern kern_return_t syscall_vm_deallocate(mach_port_name_t task, vm_address_t address,
    vm_size_t size);
extern kern_return_t syscall_task_create(mach_port_name_t parent, boolean_t inherit_memory,
    mach_port_name_t *child);
extern kern_return_t syscall_task_terminate(mach_port_name_t task);
extern kern_return_t syscall_task_suspend(mach_port_name_t task);
extern kern_return_t syscall_task_set_special_port(mach_port_name_t task, int which,
    mach_port_name_t port);
extern kern_return_t syscall_mach_port_allocate(mach_port_name_t task, mach_port_right_t right,
    mach_port_name_t *name);
extern kern_return_t syscall_mach_port_deallocate(mach_port_name_t task, mach_port_name_t name);
extern kern_return_t syscall_mach_port_insert_right(mach_port_name_t task, mach_port_name_t name,
    mach_port_name_t right, mach_msg_type_name_t disposition);
extern kern_return_t syscall_mach_port_allocate_name(mach_port_name_t task,
    mach_port_right_t right, mach_port_name_t name);
extern kern_return_t syscall_thread_depress_abort(mach_port_name_t thread);
extern kern_return_t syscall_device_write_request(mach_port_name_t device,
    mach_port_name_t reply_port, unsigned int mode, rpc_long_natural_t recnum, const void *data,
    vm_size_t size);
#endif

#endif
