/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated kernel servers call: translation of rights to kernel objects and back, destructors.
 *
 * RIGHTS  convert_port_to_x gives a referenced object (NULL when the right is dead or of another kind) and takes nothing;
 *         the destructor drops the reference. convert_x_to_port consumes a reference and gives a send right.
 */
#ifndef KERN_MIG_KERNEL_H
#define KERN_MIG_KERNEL_H

#include <ipc/ipc.h>
#include <kern/processor.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/mach_types.h>
#include <vm/map.h>

struct device;
struct io_perm;

struct task		*convert_port_to_task(struct ipc_port *);
struct thread		*convert_port_to_thread(struct ipc_port *);
struct vm_map		*convert_port_to_map(struct ipc_port *);
struct ipc_space	*convert_port_to_space(struct ipc_port *);
struct host		*convert_port_to_host(struct ipc_port *);
struct host		*convert_port_to_host_priv(struct ipc_port *);
struct processor	*convert_port_to_processor(struct ipc_port *);
struct processor	*convert_port_to_processor_name(struct ipc_port *);
struct processor_set	*convert_port_to_pset(struct ipc_port *);
struct processor_set	*convert_port_to_pset_name(struct ipc_port *);

struct ipc_port		*convert_task_to_port(struct task *);
struct ipc_port		*convert_thread_to_port(struct thread *);
struct ipc_port		*convert_host_to_port(struct host *);
struct ipc_port		*convert_processor_to_port(struct processor *);
struct ipc_port		*convert_processor_name_to_port(struct processor *);
struct ipc_port		*convert_pset_to_port(struct processor_set *);
struct ipc_port		*convert_pset_name_to_port(struct processor_set *);

/* vm/ */
struct vm_object	*convert_port_to_memory_control(struct ipc_port *);
struct vm_object	*convert_port_to_memory_name(struct ipc_port *);
void			 vm_object_release(struct vm_object *);

/* device/ */
struct device		*convert_port_to_device(struct ipc_port *);
struct ipc_port		*convert_device_to_port(struct device *);
void			 device_release(struct device *);

/* the machine layer */
struct io_perm		*convert_port_to_io_perm(struct ipc_port *);
struct ipc_port		*convert_io_perm_to_port(struct io_perm *);
void			 io_perm_release(struct io_perm *);

/* traps: the object a name in the current space stands for; NULL when it is not a local kernel object of that kind */
struct task		*task_from_name(mach_port_name_t);
struct thread		*thread_from_name(mach_port_name_t);

#endif
