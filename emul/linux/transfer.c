/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes of little data: see transfer.h */
#include <mach/mach_traps.h>
#include <mach/mig_support.h>
#include "transfer.h"

#define READ_ID		70000
#define WRITE_ID	70002
#define REPLY		100	/* the id of a reply is so much higher */
#define REQUEST_BITS	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)

/* the word before an item: elements of so many bits, in line */
#define ITEM(name, bits, number) ((uint64_t)(name) | (uint64_t)(bits) << 8 | 1ull << 29 | (uint64_t)(number) << 32)
#define INT32_ITEM	ITEM(MACH_MSG_TYPE_INTEGER_32, 32, 1)
#define INT64_ITEM	ITEM(MACH_MSG_TYPE_INTEGER_64, 64, 1)
#define CHAR_ITEM(n)	ITEM(MACH_MSG_TYPE_CHAR, 8, n)

struct read_request {
	mach_msg_header_t head;
	uint64_t	fd_item, fd, offset_item;
	int64_t		offset;
	uint64_t	count_item, count, room_item, room;
};

struct reply {
	mach_msg_header_t head;
	uint64_t	code_item, code, result_item;
	int64_t		result;
};

struct read_reply {
	struct reply	reply;
	uint64_t	data_item;
	char		data[UNIX_INLINE_MAX];
};
_Static_assert(sizeof(struct read_request) == 96 && sizeof(struct reply) == 64, "unix.defs");
_Static_assert(offsetof(struct read_reply, data) == 72 && offsetof(struct transfer_write, tw_data) == 72, "unix.defs");

static long call(mach_msg_header_t *head, uint32_t id, mach_msg_size_t size, mach_msg_size_t room)
{
	mach_port_t port = mig_get_reply_port();
	const struct reply *reply = (const struct reply *)head;
	mach_msg_return_t mr;

	head->msgh_bits = REQUEST_BITS;
	head->msgh_size = size;
	head->msgh_remote_port = emul_call_port();
	head->msgh_local_port = port;
	head->msgh_seqno = 0;
	head->msgh_id = (mach_msg_id_t)id;
	mr = mach_msg_trap(head, MACH_SEND_MSG | MACH_RCV_MSG, size, room, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	/* as mach_msg does it: a send is repeated, a receive continued */
	if (mr == MACH_SEND_INTERRUPTED)
		mr = mach_msg(head, MACH_SEND_MSG | MACH_RCV_MSG, size, room, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	else if (mr == MACH_RCV_INTERRUPTED)
		mr = mach_msg(head, MACH_RCV_MSG, 0, room, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (mr != MACH_MSG_SUCCESS) {
		mig_dealloc_reply_port(port);
		return -LX_EIO;
	}
	if (head->msgh_id != (mach_msg_id_t)(id + REPLY) || head->msgh_size < sizeof *reply || (uint32_t)reply->code != KERN_SUCCESS)
		return -LX_EIO;
	return reply->result;
}

long transfer_deliver(int fd, char *to, const void *data, long got, int64_t offset)
{
	long left = got > 0 ? (long)emul_copy_some(to, data, (size_t)got) : 0;
	int64_t result = 0;

	if (!left)
		return got;
	if (offset < 0)
		unix_io_seek(emul_call_port(), fd, -left, LX_SEEK_CUR, &result);
	return left < got ? got - left : -LX_EFAULT;
}

long transfer_read(int fd, char *to, uint64_t count, int64_t offset)
{
	union {
		mach_msg_header_t head;
		struct read_request in;
		struct read_reply out;
	} m;
	long r;

	m.in.fd_item = INT32_ITEM;
	m.in.fd = (uint32_t)fd;
	m.in.offset_item = INT64_ITEM;
	m.in.offset = offset;
	m.in.count_item = INT64_ITEM;
	m.in.count = count;
	m.in.room_item = INT32_ITEM;
	m.in.room = count;
	r = call(&m.head, READ_ID, sizeof m.in, sizeof m.out);
	if (r > 0 && (m.head.msgh_size < offsetof(struct read_reply, data) || m.out.data_item >> 32 < (uint64_t)r || (uint64_t)r > count))
		return -LX_EIO;
	return transfer_deliver(fd, to, m.out.data, r, offset);
}

long transfer_write(struct transfer_write *m, int fd, uint64_t count, int64_t offset)
{
	uint64_t padded = (count + 7) & ~7ull;

	m->tw_fd_item = INT32_ITEM;
	m->tw_fd = (uint32_t)fd;
	m->tw_offset_item = INT64_ITEM;
	m->tw_offset = offset;
	m->tw_data_item = CHAR_ITEM(count);
	return call(&m->tw_head, WRITE_ID, (mach_msg_size_t)(offsetof(struct transfer_write, tw_data) + padded), sizeof(struct reply));
}
