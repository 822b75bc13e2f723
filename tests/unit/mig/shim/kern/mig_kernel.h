/* SPDX-License-Identifier: BSD-2-Clause */
/* What a generated kernel server calls, as far as tour.defs needs it. */
#ifndef KERN_MIG_KERNEL_H
#define KERN_MIG_KERNEL_H

#include <mach/message.h>

void ipc_port_release_send(struct ipc_port *port);

#endif
