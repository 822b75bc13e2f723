/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error codes as text: one table, searched once the resource bits of message
 * codes are taken off.
 * TESTS	tests/unit/abi
 */
#include <device/device_types.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach_error.h>
#include <mach_lib.h>

struct error_text {
	int et_code;
	const char *et_text;
};

static const struct error_text error_table[] = {
	{ KERN_SUCCESS, "success" },
	{ KERN_INVALID_ADDRESS, "invalid address" },
	{ KERN_PROTECTION_FAILURE, "protection failure" },
	{ KERN_NO_SPACE, "no space available" },
	{ KERN_INVALID_ARGUMENT, "invalid argument" },
	{ KERN_FAILURE, "failure" },
	{ KERN_RESOURCE_SHORTAGE, "resource shortage" },
	{ KERN_NOT_RECEIVER, "not the receiver" },
	{ KERN_NO_ACCESS, "no access" },
	{ KERN_MEMORY_FAILURE, "memory object destroyed" },
	{ KERN_MEMORY_ERROR, "memory object error" },
	{ KERN_NOT_IN_SET, "not in a port set" },
	{ KERN_NAME_EXISTS, "name already in use" },
	{ KERN_ABORTED, "operation aborted" },
	{ KERN_INVALID_NAME, "invalid name" },
	{ KERN_INVALID_TASK, "invalid task" },
	{ KERN_INVALID_RIGHT, "invalid right" },
	{ KERN_INVALID_VALUE, "invalid value" },
	{ KERN_UREFS_OVERFLOW, "too many user references" },
	{ KERN_INVALID_CAPABILITY, "invalid capability" },
	{ KERN_RIGHT_EXISTS, "right known under another name" },
	{ KERN_INVALID_HOST, "invalid host" },
	{ KERN_MEMORY_PRESENT, "memory already present" },
	{ KERN_WRITE_PROTECTION_FAILURE, "write protection failure" },
	{ KERN_TERMINATED, "object has been terminated" },
	{ KERN_TIMEDOUT, "operation timed out" },
	{ KERN_INTERRUPTED, "operation interrupted" },

	{ MACH_SEND_IN_PROGRESS, "send in progress" },
	{ MACH_SEND_INVALID_DATA, "send: message buffer not readable" },
	{ MACH_SEND_INVALID_DEST, "send: invalid destination port" },
	{ MACH_SEND_TIMED_OUT, "send: timed out" },
	{ MACH_SEND_WILL_NOTIFY, "send: will notify" },
	{ MACH_SEND_NOTIFY_IN_PROGRESS, "send: notification in progress" },
	{ MACH_SEND_INTERRUPTED, "send: interrupted" },
	{ MACH_SEND_MSG_TOO_SMALL, "send: message too small" },
	{ MACH_SEND_INVALID_REPLY, "send: invalid reply port" },
	{ MACH_SEND_INVALID_RIGHT, "send: invalid right in the body" },
	{ MACH_SEND_INVALID_NOTIFY, "send: invalid notify port" },
	{ MACH_SEND_INVALID_MEMORY, "send: invalid out-of-line memory" },
	{ MACH_SEND_NO_BUFFER, "send: no buffer for the message" },
	{ MACH_SEND_NO_NOTIFY, "send: no room for the notification request" },
	{ MACH_SEND_INVALID_TYPE, "send: invalid item type" },
	{ MACH_SEND_INVALID_HEADER, "send: invalid header" },

	{ MACH_RCV_IN_PROGRESS, "receive in progress" },
	{ MACH_RCV_INVALID_NAME, "receive: invalid name" },
	{ MACH_RCV_TIMED_OUT, "receive: timed out" },
	{ MACH_RCV_TOO_LARGE, "receive: message too large" },
	{ MACH_RCV_INTERRUPTED, "receive: interrupted" },
	{ MACH_RCV_PORT_CHANGED, "receive: port moved into a set" },
	{ MACH_RCV_INVALID_NOTIFY, "receive: invalid notify port" },
	{ MACH_RCV_INVALID_DATA, "receive: buffer not writable" },
	{ MACH_RCV_PORT_DIED, "receive: port died" },
	{ MACH_RCV_IN_SET, "receive: port is member of a set" },
	{ MACH_RCV_HEADER_ERROR, "receive: error in the header" },
	{ MACH_RCV_BODY_ERROR, "receive: error in the body" },

	{ MIG_TYPE_ERROR, "interface: item of the wrong type" },
	{ MIG_REPLY_MISMATCH, "interface: reply does not match" },
	{ MIG_REMOTE_ERROR, "interface: error in the server" },
	{ MIG_BAD_ID, "interface: no such routine" },
	{ MIG_BAD_ARGUMENTS, "interface: bad arguments" },
	{ MIG_NO_REPLY, "interface: no reply wanted" },
	{ MIG_EXCEPTION, "interface: exception in the server" },
	{ MIG_ARRAY_TOO_LARGE, "interface: array too large" },
	{ MIG_SERVER_DIED, "interface: server died" },
	{ MIG_DESTROY_REQUEST, "interface: request to be destroyed" },

	{ D_IO_QUEUED, "device: queued" },
	{ D_IO_ERROR, "device: input/output error" },
	{ D_WOULD_BLOCK, "device: would block" },
	{ D_NO_SUCH_DEVICE, "device: no such device" },
	{ D_ALREADY_OPEN, "device: already open" },
	{ D_DEVICE_DOWN, "device: down" },
	{ D_INVALID_OPERATION, "device: invalid operation" },
	{ D_INVALID_RECNUM, "device: invalid record number" },
	{ D_INVALID_SIZE, "device: invalid size" },
	{ D_NO_MEMORY, "device: no memory" },
	{ D_READ_ONLY, "device: read only" },

	{ (int)(err_kern | err_sub(2) | 1), "emulation: bad task" },
	{ (int)(err_kern | err_sub(2) | 2), "emulation: bad count" },
};

#define ERROR_COUNT	(sizeof(error_table) / sizeof(error_table[0]))

/* Message codes may carry bits that tell where the shortage was. */
static mach_error_t error_base(mach_error_t error)
{
	if (err_get_system(error) == err_get_system(err_mach_ipc))
		return error & ~MACH_MSG_MASK;
	return error;
}

const char *mach_error_string(mach_error_t error)
{
	mach_error_t base = error_base(error);

	for (unsigned int i = 0; i < ERROR_COUNT; i++)
		if (error_table[i].et_code == base)
			return error_table[i].et_text;
	return "unknown error code";
}

const char *mach_error_type(mach_error_t error)
{
	if (err_get_system(error) == err_get_system(err_mach_ipc))
		return err_get_sub(error) == 0 ? "(ipc/send)" : "(ipc/receive)";
	if (error >= MIG_DESTROY_REQUEST && error <= MIG_TYPE_ERROR)
		return "(ipc/interface)";
	if (error == D_IO_QUEUED || (error >= D_IO_ERROR && error <= D_READ_ONLY))
		return "(device)";
	if (err_get_system(error) == 0)
		return "(kernel)";
	return "(unknown)";
}

void mach_error(const char *str, mach_error_t error)
{
	mach_printf("%s: %s %s (%x)\n", str, mach_error_type(error), mach_error_string(error),
	    (unsigned int)error);
}
