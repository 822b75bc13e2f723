/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications, each sent to a send-once right that the call consumes, and what has to happen after the locks of a name
 * space operation are dropped.
 *
 * OBJECT  struct ipc_aftermath: rights taken out of a space or port under locks, to be destroyed and told of afterwards.
 * LOCKS   ipc_notify_* and ipc_aftermath_run: nothing locked. A notification that finds no memory is lost.
 */
#ifndef IPC_NOTIFY_H
#define IPC_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/port.h>

struct ipc_port;
struct ipc_pset;
struct ipc_space;
struct ipc_marequest;

void	 ipc_notify_port_deleted(struct ipc_port *, mach_port_name_t);
void	 ipc_notify_msg_accepted(struct ipc_port *, mach_port_name_t);
void	 ipc_notify_port_destroyed(struct ipc_port *, struct ipc_port *receive);
void	 ipc_notify_no_senders(struct ipc_port *, uint32_t mscount);
void	 ipc_notify_send_once(struct ipc_port *);
void	 ipc_notify_dead_name(struct ipc_port *, mach_port_name_t);

struct ipc_aftermath {
	bool		 am_any;		/* something below is set */
	struct ipc_port	*am_deleted;		/* send-once rights to be told that am_name is gone */
	struct ipc_port	*am_ma_deleted;
	mach_port_name_t am_name;
	struct ipc_port	*am_send;		/* a send right to drop */
	struct ipc_port	*am_sonce;		/* a send-once right destroyed unused */
	struct ipc_port	*am_receive;		/* a receive right to destroy */
	struct ipc_port	*am_release;		/* a reference */
	struct ipc_pset	*am_pset;		/* a set to destroy */
};
void	 ipc_aftermath_do(struct ipc_aftermath *);
static inline void ipc_aftermath_run(struct ipc_aftermath *am)
{
	if (am->am_any)
		ipc_aftermath_do(am);
}

/* marequest.c: a message forced into a full queue, and who wants to know when it is received */
void	 ipc_marequest_init(void);
/* => MACH_MSG_SUCCESS, MACH_SEND_INVALID_NOTIFY, MACH_SEND_NOTIFY_IN_PROGRESS, MACH_SEND_NO_NOTIFY */
int	 ipc_marequest_create(struct ipc_space *, struct ipc_port *, mach_port_name_t notify, struct ipc_marequest **);
/* => the message was received or destroyed; nothing locked */
void	 ipc_marequest_destroy(struct ipc_marequest *);
/* => space locked, the entry's IE_MAREQUEST bit set: withdraws it, the send-once right returned */
struct ipc_port *ipc_marequest_cancel(struct ipc_space *, mach_port_name_t);
void	 ipc_marequest_rename(struct ipc_space *, mach_port_name_t old, mach_port_name_t new);
/* => lengths of the buckets into counts[0..max); the number of buckets */
uint32_t ipc_marequest_buckets(uint32_t *counts, uint32_t max, uint32_t *max_requests);

#endif
