/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's message buffer, through which rpc.c moves bodies. It becomes a message when the receiver has to fault, and is made
 * again by the next call on the general path.
 */
#include <ipc/kmsg.h>
#include <ipc/rpc.h>
#include <kern/counter.h>
#include <machine/cpu.h>

void ipc_rpc_refill(void)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc(IKM_LARGEST - IKM_OVERHEAD);
	unsigned long flags;

	if (kmsg == NULL)
		return;
	flags = interrupts_disable();
	if (cpu_self()->cp_message == NULL) {
		counter_add(COUNT_KMSG, -1);	/* the processor's, no message */
		cpu_self()->cp_message = kmsg;
		kmsg = NULL;
	}
	interrupts_restore(flags);
	if (kmsg != NULL)
		ipc_kmsg_free(kmsg);
}

void ipc_rpc_prepare(void)
{
	if (__builtin_expect(cpu_self()->cp_message == NULL, 0))
		ipc_rpc_refill();
}
