/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mach_msg_destroy: give back what a message carries.
 * RIGHTS	every right and every out-of-line range named in it is consumed;
 *		ranges a sender would keep (no deallocate bit) are left alone
 * TESTS	tests/boot
 */
#include <mach/message.h>
#include <mach_init.h>
#include <mach_lib.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>

static void destroy_right(mach_port_t port, mach_msg_type_name_t type)
{
	if (!MACH_PORT_VALID(port))
		return;
	switch (type) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		mach_port_deallocate(mach_task_self(), port);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
	case MACH_MSG_TYPE_COPY_SEND:
		/* the sender's own right is not part of the message */
		break;
	}
}

static void destroy_item(const mach_msg_type_t *type, void *data, vm_size_t length)
{
	mach_port_name_inlined_t *slots = data;
	mach_port_name_t *names;

	if (type->msgt_inline) {
		if (MACH_MSG_TYPE_PORT_ANY(type->msgt_name))
			for (mach_msg_type_number_t i = 0; i < type->msgt_number; i++)
				destroy_right(slots[i].name, type->msgt_name);
		return;
	}
	names = *(mach_port_name_t **)data;
	/* none, or none for want of memory: MACH_RCV_BODY_ERROR */
	if (length == 0 || names == NULL)
		return;
	if (MACH_MSG_TYPE_PORT_ANY(type->msgt_name))
		for (mach_msg_type_number_t i = 0; i < type->msgt_number; i++)
			destroy_right(names[i], type->msgt_name);
	if (type->msgt_deallocate)
		vm_deallocate(mach_task_self(), (vm_address_t)names, length);
}

void mach_msg_destroy(mach_msg_header_t *msg)
{
	mach_msg_bits_t bits = msg->msgh_bits;
	char *item = (char *)(msg + 1), *end = (char *)msg + msg->msgh_size;

	destroy_right(msg->msgh_remote_port, MACH_MSGH_BITS_REMOTE(bits));
	/* the local port of a received message is the receiver's own */
	if (!(bits & MACH_MSGH_BITS_COMPLEX))
		return;
	while (item + sizeof(mach_msg_type_t) <= end) {
		const mach_msg_type_t *type = (const mach_msg_type_t *)item;
		vm_size_t length = ((vm_size_t)type->msgt_size * type->msgt_number + 7) / 8;
		vm_size_t space = type->msgt_inline ? (length + 7) & ~(vm_size_t)7 :
		    sizeof(vm_offset_t);

		item += sizeof(*type);
		if (space > (vm_size_t)(end - item))
			break;
		destroy_item(type, item, length);
		item += space;
	}
}
