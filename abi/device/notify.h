/* SPDX-License-Identifier: BSD-2-Clause */
/* The message a device interrupt sends. */
#ifndef DEVICE_NOTIFY_H
#define DEVICE_NOTIFY_H

#include <mach/message.h>
#include <mach/port.h>

#define DEVICE_NOTIFY_MSGH_SEQNO	0
#define DEVICE_INTR_NOTIFY		100

typedef struct {
	mach_msg_header_t intr_header;
	mach_msg_type_t intr_type;
	int id;
} device_intr_notification_t;

_Static_assert(sizeof(device_intr_notification_t) == 48, "device interrupt notification");

#endif
