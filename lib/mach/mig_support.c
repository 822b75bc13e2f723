/* SPDX-License-Identifier: BSD-2-Clause */
/* What generated stubs need besides reply ports. */
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach_init.h>
#include <mach/mach_interface.h>

void mig_allocate(vm_address_t *address, vm_size_t size)
{
	*address = 0;
	if (vm_allocate(mach_task_self(), address, size, TRUE) != KERN_SUCCESS)
		*address = 0;
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
	vm_deallocate(mach_task_self(), address, size);
}

void mig_reply_setup(const mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_header_t *out = (mig_reply_header_t *)reply;

	out->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0);
	out->Head.msgh_size = sizeof(*out);
	out->Head.msgh_protected_payload = 0;
	out->Head.msgh_remote_port_do_not_use = 0;
	out->Head.msgh_remote_port = request->msgh_remote_port;
	out->Head.msgh_seqno = 0;
	out->Head.msgh_id = request->msgh_id + 100;
	out->RetCodeType = (mach_msg_type_t) {
		.msgt_name = MACH_MSG_TYPE_INTEGER_32,
		.msgt_size = 32,
		.msgt_inline = TRUE,
		.msgt_number = 1,
	};
	out->RetCode = MIG_BAD_ID;
}

vm_size_t mig_strncpy(char *dest, const char *src, int len)
{
	int i;

	if (len <= 0)
		return 0;
	for (i = 0; i < len - 1; i++)
		if ((dest[i] = src[i]) == '\0')
			return (vm_size_t)i + 1;
	dest[i] = '\0';
	return (vm_size_t)i + 1;
}
