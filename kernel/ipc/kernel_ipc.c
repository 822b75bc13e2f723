/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and messages for the rest of the kernel (ipc.h).
 *
 * RIGHTS  as ipc.h says for each routine.
 */
#include <debug/calls.h>
#include <ipc/ipc.h>
#include <ipc/kmsg.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <vm/page.h>

#define SHORTAGE_TRIES	8

mach_port_name_t ipc_port_copyout_send(struct ipc_port *port, struct ipc_space *space)
{
	mach_port_name_t name;
	kern_return_t kr;

	if (!IP_VALID(port))
		return port == IP_NULL ? MACH_PORT_NAME_NULL : MACH_PORT_NAME_DEAD;
	kr = ipc_right_copyout(space, port, MACH_MSG_TYPE_PORT_SEND, &name, NULL);
	if (kr == KERN_SUCCESS)
		return name;
	ipc_port_release_send(port);
	return kr == KERN_INVALID_CAPABILITY ? MACH_PORT_NAME_DEAD : MACH_PORT_NAME_NULL;
}

kern_return_t ipc_port_copyin_send(struct ipc_space *space, mach_port_name_t name, struct ipc_port **portp)
{
	return ipc_right_copyin_name(space, name, MACH_MSG_TYPE_COPY_SEND, true, portp);
}

kern_return_t ipc_port_alloc(struct ipc_space *space, mach_port_name_t *namep, struct ipc_port **portp)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_port_create_in(space, namep, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (portp != NULL) {
		ipc_port_ref_inline(port);
		*portp = port;
	}
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

void *ipc_name_to_kobject(struct ipc_space *space, mach_port_name_t name, enum ipc_kotype kotype, void (*ref)(void *))
{
	struct ipc_entry *e;
	void *kobject = NULL;

	if (ipc_right_lookup(space, name, &e) != KERN_SUCCESS)
		return NULL;
	if (e->ie_bits & MACH_PORT_TYPE_SEND)
		kobject = ipc_kobject_lookup(e->ie_object, kotype, ref);
	ipc_space_unlock(space);
	return kobject;
}

bool ipc_name_is(struct ipc_space *space, mach_port_name_t name, const struct ipc_port *port)
{
	struct ipc_entry *e;
	bool is;

	if (ipc_right_lookup(space, name, &e) != KERN_SUCCESS)
		return false;
	is = (e->ie_bits & MACH_PORT_TYPE_SEND) && e->ie_object == port;
	ipc_space_unlock(space);
	return is;
}

bool ipc_wait_for_memory(unsigned *tries)
{
	/* who makes memory free gets none by waiting, but a reserve that others fill again */
	return (*tries)++ < SHORTAGE_TRIES && (current_thread()->th_vm_privilege || vm_page_wait());
}

struct ipc_kmsg *ipc_kmsg_alloc_patiently(uint32_t size)
{
	struct ipc_kmsg *kmsg;
	unsigned tries = 0;

	while ((kmsg = ipc_kmsg_alloc(size)) == NULL && ipc_wait_for_memory(&tries))
		;
	return kmsg;
}

kern_return_t ipc_kernel_send(mach_msg_header_t *msg, uint32_t size)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc_patiently(size);
	kern_return_t kr = KERN_SUCCESS;
	union {
		struct ipc_kmsg	 kmsg;
		char		 bytes[2048];
	} last;

	if (kmsg == NULL) {
		/* destroy what the message holds: in place of a copy, by way of a small one on the stack */
		kr = KERN_RESOURCE_SHORTAGE;
		if (size > sizeof(last) - IKM_OVERHEAD)
			return kr;	/* no caller's message is that large */
		kmsg = &last.kmsg;
		kmsg->ikm_marequest = NULL;
	}
	memcpy(&kmsg->ikm_header, msg, size);
	calls_note(msg->msgh_id, KERN_SUCCESS);
	kmsg->ikm_header.msgh_size = size;
	ipc_kmsg_copyin_kernel(kmsg);
	if (kr == KERN_SUCCESS)
		(void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, NULL);
	else
		ipc_kmsg_clean(kmsg);
	return kr;
}
