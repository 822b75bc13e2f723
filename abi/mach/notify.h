/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications the kernel sends. */
#ifndef MACH_NOTIFY_H
#define MACH_NOTIFY_H

#include <mach/message.h>
#include <mach/port.h>

#define MACH_NOTIFY_FIRST		64
#define MACH_NOTIFY_PORT_DELETED	(MACH_NOTIFY_FIRST + 1)
#define MACH_NOTIFY_MSG_ACCEPTED	(MACH_NOTIFY_FIRST + 2)
#define MACH_NOTIFY_PORT_DESTROYED	(MACH_NOTIFY_FIRST + 5)
#define MACH_NOTIFY_NO_SENDERS		(MACH_NOTIFY_FIRST + 6)
#define MACH_NOTIFY_SEND_ONCE		(MACH_NOTIFY_FIRST + 7)
#define MACH_NOTIFY_DEAD_NAME		(MACH_NOTIFY_FIRST + 8)
#define MACH_NOTIFY_LAST		(MACH_NOTIFY_FIRST + 15)

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_type_t not_type;
	mach_port_name_t not_port;
} mach_port_deleted_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_type_t not_type;
	mach_port_name_t not_port;
} mach_msg_accepted_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_type_t not_type;
	union {
		mach_port_t not_port;
		mach_port_name_inlined_t not_port_slot;
	};
} mach_port_destroyed_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_type_t not_type;
	unsigned int not_count;
} mach_no_senders_notification_t;

typedef struct {
	mach_msg_header_t not_header;
} mach_send_once_notification_t;

typedef struct {
	mach_msg_header_t not_header;
	mach_msg_type_t not_type;
	mach_port_name_t not_port;
} mach_dead_name_notification_t;

_Static_assert(sizeof(mach_port_deleted_notification_t) == 48, "port-deleted");
_Static_assert(sizeof(mach_msg_accepted_notification_t) == 48, "msg-accepted");
_Static_assert(sizeof(mach_port_destroyed_notification_t) == 48, "port-destroyed");
_Static_assert(sizeof(mach_no_senders_notification_t) == 48, "no-senders");
_Static_assert(sizeof(mach_send_once_notification_t) == 32, "send-once");
_Static_assert(sizeof(mach_dead_name_notification_t) == 48, "dead-name");

#endif
