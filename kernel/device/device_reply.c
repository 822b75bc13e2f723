/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Late answers to device_read and device_read_inband: the messages of the device_reply subsystem.
 * RIGHTS  the reply right is consumed always.
 */
#include <device/device.h>
#include <kern/string.h>
#include <vm/map.h>

#define READ_REPLY_ID		2904
#define READ_REPLY_INBAND_ID	2905

struct read_reply {
	mach_msg_header_t	 head;
	mach_msg_type_t		 code_type;
	kern_return_t		 code;
	mach_msg_type_t		 data_type;
	union {
		struct vm_map_copy *copy;
		char		 inband[IO_INBAND_MAX];
	};
};

static const mach_msg_type_t code_type = {
	.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = 1,
};

static uint32_t
fill_inband(struct read_reply *m, const void *data, uint32_t count)
{
	m->data_type = (mach_msg_type_t){
		.msgt_name = MACH_MSG_TYPE_CHAR, .msgt_size = 8, .msgt_number = count, .msgt_inline = 1,
	};
	memcpy(m->inband, data, count);
	return (uint32_t)offsetof(struct read_reply, inband) + ((count + 7) & ~7u);
}

static uint32_t
fill_out_of_line(struct read_reply *m, const void *data, uint32_t count)
{
	m->data_type = (mach_msg_type_t){
		.msgt_name = MACH_MSG_TYPE_INTEGER_8, .msgt_size = 8, .msgt_number = count, .msgt_longform = 1,
		.msgt_deallocate = 1,
	};
	if (count > 0 && vm_map_copy_from_kernel(data, count, &m->copy) != KERN_SUCCESS) {
		m->copy = NULL;
		m->data_type.msgt_number = 0;
		m->code = D_NO_MEMORY;
	}
	m->head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	return (uint32_t)offsetof(struct read_reply, copy) + sizeof m->copy;
}

void
device_reply_read(struct ipc_port *reply, unsigned type, bool inband, io_return_t code, const void *data,
    uint32_t count)
{
	struct read_reply m;
	uint32_t size;

	memset(&m, 0, sizeof m);
	m.head.msgh_bits = MACH_MSGH_BITS(type, 0);
	m.head.msgh_remote_port = reply;
	m.head.msgh_id = inband ? READ_REPLY_INBAND_ID : READ_REPLY_ID;
	m.code_type = code_type;
	m.code = code;
	if (code != D_SUCCESS)
		size = (uint32_t)offsetof(struct read_reply, data_type);
	else
		size = inband ? fill_inband(&m, data, count) : fill_out_of_line(&m, data, count);
	if (m.code != D_SUCCESS && code == D_SUCCESS) {
		m.head.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		size = (uint32_t)offsetof(struct read_reply, data_type);
	}
	m.head.msgh_size = size;
	(void)ipc_kernel_send(&m.head, size);
}
