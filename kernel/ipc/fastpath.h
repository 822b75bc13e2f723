/* SPDX-License-Identifier: BSD-2-Clause */
/* The common remote procedure call; see fastpath.c. */
#ifndef IPC_FASTPATH_H
#define IPC_FASTPATH_H

#include <stdbool.h>
#include <ipc/ipc.h>
#include <ipc/mqueue.h>

struct ipc_kmsg;
struct thread;

/*
 * => a raw message and a receive with no options; nothing locked. true: the message is with its receiver, who waits for the CPU in
 * *handoff, and *source is what to receive from, referenced. false: nothing has changed
 */
bool	ipc_fast_send(struct ipc_kmsg *, mach_port_name_t rcv_name, struct ipc_source *source, struct thread **handoff);
/* => a fast message becomes a copied one; MACH_RCV_HEADER_ERROR with bits: only its header is good */
mach_msg_return_t ipc_fast_copyout(struct ipc_kmsg *, struct ipc_space *);

#endif
