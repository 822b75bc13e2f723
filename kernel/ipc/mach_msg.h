/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the ways a message trap can go. */
#ifndef IPC_MACH_MSG_H
#define IPC_MACH_MSG_H

#include <vm/map.h>

/* where a thread goes on that waits in the receive half of the message trap, its arguments in th_ipc */
void	mach_msg_receive_continue(void);

/* a header that begins below this address ends within user space */
#define IPC_ROOM_LIMIT	(VM_USER_MAX - 31)

#endif
