/* SPDX-License-Identifier: BSD-2-Clause */
/* Status flavours and received packets of network devices. */
#ifndef DEVICE_NET_STATUS_H
#define DEVICE_NET_STATUS_H

#include <device/device_types.h>
#include <mach/boolean.h>
#include <mach/message.h>

struct net_status {
	int min_packet_size;
	int max_packet_size;
	int header_format;
	int header_size;
	int address_size;
	int flags;
	int mapped_size;
};
#define NET_STATUS_COUNT	(sizeof(struct net_status) / sizeof(int))
#define NET_STATUS		(('n' << 16) + 1)
#define NET_ADDRESS		(('n' << 16) + 2)
#define NET_DSTADDR		(('n' << 16) + 3)
#define NET_FLAGS		(('n' << 16) + 4)

_Static_assert(sizeof(struct net_status) == 28, "net status");

typedef unsigned short filter_t;
typedef filter_t *filter_array_t;
#define NET_MAX_FILTER		128

#define NET_RCV_MAX		4095
#define NET_HDW_HDR_MAX		64

#define NET_RCV_MSG_ID		2999

struct net_rcv_msg {
	mach_msg_header_t msg_hdr;
	mach_msg_type_t header_type;
	char header[NET_HDW_HDR_MAX];
	mach_msg_type_t packet_type;
	char packet[NET_RCV_MAX];
	boolean_t sent;
};
typedef struct net_rcv_msg *net_rcv_msg_t;

#endif
