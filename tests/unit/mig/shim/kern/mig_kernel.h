/* SPDX-License-Identifier: BSD-2-Clause */
/* What generated kernel code calls, as far as the tests need it. */
#ifndef KERN_MIG_KERNEL_H
#define KERN_MIG_KERNEL_H

#include <mach/message.h>

mach_msg_return_t mach_msg_send_from_kernel(mach_msg_header_t *message, mach_msg_size_t size);
void ipc_port_release_send(struct ipc_port *port);

#endif
