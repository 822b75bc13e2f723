/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a held message to the receiver's buffer.
 *
 * RIGHTS  every right of the message ends as a name in the space or is destroyed; memory is mapped or discarded. After a header
 *         error everything but the identity of the port is destroyed; body errors lose the items they name. What is lost is not
 *         sent again (a page for its pager, a request of the kernel), so a shortage is waited for before it loses anything.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <debug/stale.h>
#include <ipc/kmsg.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <machine/copy.h>
#include <vm/map.h>

/* The error bit of a right that found no name */
static mach_msg_return_t right_error(kern_return_t kr)
{
	return kr == KERN_RESOURCE_SHORTAGE ? MACH_MSG_IPC_KERNEL : MACH_MSG_IPC_SPACE;
}

/* => as ipc_right_copyout */
static kern_return_t right_copyout_patiently(struct ipc_space *space, struct ipc_port *port, unsigned type,
    mach_port_name_t *namep, bool *fresh, unsigned *tries)
{
	kern_return_t kr;

	do {
		kr = ipc_right_copyout(space, port, type, namep, fresh);
	} while (kr == KERN_RESOURCE_SHORTAGE && ipc_wait_for_memory(tries));
	return kr;
}

/* => one held right to a name, consumed whatever happens; the error bits, 0 when the name is good */
static mach_msg_return_t copyout_right(struct ipc_space *space, struct ipc_port *port, unsigned type,
    mach_port_name_t *namep, unsigned *tries)
{
	kern_return_t kr;

	if (!IP_VALID(port)) {
		*namep = port == IP_NULL ? MACH_PORT_NAME_NULL : MACH_PORT_NAME_DEAD;
		return 0;
	}
	kr = ipc_label_copyout(port, type) ? right_copyout_patiently(space, port, type, namep, NULL, tries) : KERN_NO_SPACE;
	if (kr == KERN_SUCCESS)
		return 0;
	ipc_right_destroy_held(port, type);
	if (kr == KERN_INVALID_CAPABILITY) {
		*namep = MACH_PORT_NAME_DEAD;
		return 0;
	}
	*namep = MACH_PORT_NAME_NULL;
	return right_error(kr);
}

/*
 * The reply right gets its name; with notify, a fresh name of a send or send-once right gets a dead-name request.
 * => MACH_RCV_HEADER_ERROR with bits, MACH_RCV_INVALID_NOTIFY: the right is still the message's
 */
static mach_msg_return_t copyout_reply(struct ipc_space *space, struct ipc_port *reply, unsigned type,
    mach_port_name_t notify_name, bool notify_wanted, mach_port_name_t *namep)
{
	struct ipc_port *notify = NULL, *previous;
	bool fresh = false;
	unsigned tries = 0;
	kern_return_t kr;

	if (notify_wanted && (ipc_right_copyin_name(space, notify_name, MACH_MSG_TYPE_MAKE_SEND_ONCE, false, &notify)
	    != KERN_SUCCESS || !IP_VALID(notify)))
		return MACH_RCV_INVALID_NOTIFY;
	*namep = reply == IP_NULL ? MACH_PORT_NAME_NULL : MACH_PORT_NAME_DEAD;
	kr = IP_VALID(reply) ? right_copyout_patiently(space, reply, type, namep, &fresh, &tries) : KERN_SUCCESS;
	if (kr == KERN_INVALID_CAPABILITY) {
		ipc_right_destroy_held(reply, type);
		*namep = MACH_PORT_NAME_DEAD;
		kr = KERN_SUCCESS;
	}
	if (kr == KERN_SUCCESS && fresh && notify != NULL &&
	    ipc_right_request_dead(space, *namep, true, notify, &previous) == KERN_SUCCESS)
		notify = NULL;
	if (notify != NULL)
		ipc_port_release_sonce(notify);
	return kr == KERN_SUCCESS ? MACH_MSG_SUCCESS : MACH_RCV_HEADER_ERROR | right_error(kr);
}

/*
 * The right the message travelled by is used up; what the receiver calls the port, and under which type.
 * => consumes the right
 */
static mach_port_name_t copyout_destination(struct ipc_space *space, struct ipc_port *dest, unsigned *type,
    uint64_t *payload)
{
	mach_port_name_t name = MACH_PORT_NAME_NULL;
	unsigned held = *type;

	if (!IP_VALID(dest))
		return dest == IP_NULL ? MACH_PORT_NAME_NULL : MACH_PORT_NAME_DEAD;
	ipc_port_lock(dest);
	if (!ipc_port_alive(dest)) {
		ipc_port_unlock(dest);
		ipc_right_destroy_held(dest, held);
		return MACH_PORT_NAME_DEAD;
	}
	if (dest->ip_state != IP_SPACE || dest->ip_space != space) {
		/* the receive right moved on while the message was on its way out */
		ipc_port_unlock(dest);
		ipc_right_destroy_held(dest, held);
		return MACH_PORT_NAME_NULL;
	}
	name = dest->ip_name;
	if (dest->ip_flags & IP_F_PAYLOAD) {
		*type = MACH_MSG_TYPE_PROTECTED_PAYLOAD;
		*payload = dest->ip_ext->ipx_payload;
	}
	if (held == MACH_MSG_TYPE_PORT_SEND_ONCE) {
		KASSERT(dest->ip_sorights > 0);
		dest->ip_sorights--;
		ipc_port_unlock(dest);
	} else {
		ipc_port_drop_send_locked(dest);
	}
	ipc_port_release(dest);
	return name;
}

static void header_finish(mach_msg_header_t *h, mach_port_name_t remote, unsigned remote_type, mach_port_name_t local,
    unsigned local_type, uint64_t payload)
{
	h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(remote_type, local_type);
	h->msgh_remote_port_do_not_use = remote;
	h->msgh_protected_payload = local_type == MACH_MSG_TYPE_PROTECTED_PAYLOAD ? payload : local;
}

static mach_msg_return_t copyout_header(struct ipc_kmsg *kmsg, struct ipc_space *space, mach_port_name_t notify,
    bool notify_wanted)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	unsigned dest_type = MACH_MSGH_BITS_REMOTE(h->msgh_bits), reply_type = MACH_MSGH_BITS_LOCAL(h->msgh_bits);
	mach_port_name_t reply_name, dest_name;
	uint64_t payload = 0;
	mach_msg_return_t mr;

	mr = copyout_reply(space, h->msgh_local_port, reply_type, notify, notify_wanted, &reply_name);
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	dest_name = copyout_destination(space, h->msgh_remote_port, &dest_type, &payload);
	header_finish(h, reply_name, reply_type, dest_name, dest_type, payload);
	return MACH_MSG_SUCCESS;
}

/* => an out-of-line array of rights becomes names in the receiver's memory; error bits */
static mach_msg_return_t copyout_ool_ports(struct ipc_space *space, struct ipc_item *item, struct ipc_port **ports,
    uint64_t *addr, unsigned *tries)
{
	struct vm_map *map = current_thread()->th_task->tk_map;
	uint64_t bytes = (uint64_t)item->ii_number * sizeof(mach_port_name_t);
	uint32_t *names = (uint32_t *)(void *)ports;
	mach_msg_return_t bits = 0;
	kern_return_t kr;

	do {
		*addr = 0;
		kr = vm_map_allocate(map, addr, bytes, true);
	} while (kr == KERN_RESOURCE_SHORTAGE && ipc_wait_for_memory(tries));
	for (uint32_t i = 0; i < item->ii_number; i++) {
		struct ipc_port *port = ports[i];	/* read before the name takes its place */

		if (kr == KERN_SUCCESS)
			bits |= copyout_right(space, port, item->ii_name, &names[i], tries);
		else
			ipc_right_destroy_held(port, item->ii_name);
	}
	if (kr != KERN_SUCCESS) {
		*addr = 0;
		return kr == KERN_NO_SPACE ? MACH_MSG_VM_SPACE : MACH_MSG_VM_KERNEL;
	}
	if (copyout(names, *addr, bytes) != KERN_SUCCESS)
		bits |= MACH_MSG_VM_KERNEL;
	return bits;
}

static mach_msg_return_t copyout_data(struct vm_map_copy *copy, uint64_t *addr, unsigned *tries)
{
	kern_return_t kr;

	do {
		*addr = 0;
		kr = vm_map_copyout(current_thread()->th_task->tk_map, addr, copy);
	} while (kr == KERN_RESOURCE_SHORTAGE && ipc_wait_for_memory(tries));
	if (kr == KERN_SUCCESS)
		return 0;
	vm_map_copy_discard(copy);
	*addr = 0;
	return kr == KERN_NO_SPACE ? MACH_MSG_VM_SPACE : MACH_MSG_VM_KERNEL;
}

static mach_msg_return_t copyout_inline_ports(struct ipc_space *space, struct ipc_item *item, unsigned *tries)
{
	uint64_t *slots = (uint64_t *)(void *)item->ii_data;
	mach_msg_return_t bits = 0;

	for (uint32_t i = 0; i < item->ii_number; i++) {
		mach_port_name_t name;

		bits |= copyout_right(space, (struct ipc_port *)slots[i], item->ii_name, &name, tries);
		slots[i] = name;
	}
	return bits;
}

mach_msg_return_t ipc_kmsg_copyout_body(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
	char *at = (char *)(&kmsg->ikm_header + 1);
	const char *end = (char *)&kmsg->ikm_header + kmsg->ikm_header.msgh_size;
	mach_msg_return_t bits = 0;
	struct ipc_item item;
	unsigned tries = 0;

	for (; ipc_item_next(&item, at, end); at = item.ii_next) {
		uint64_t *slot = (uint64_t *)(void *)item.ii_data;
		void *data;

		item.ii_type->msgt_deallocate = !item.ii_inline;
		if (item.ii_inline) {
			if (item.ii_port)
				bits |= copyout_inline_ports(space, &item, &tries);
			continue;
		}
		data = (void *)*slot;
		if (data == NULL)
			continue;
		if (item.ii_port) {
			bits |= copyout_ool_ports(space, &item, data, slot, &tries);
			kfree(data, item.ii_number * sizeof(struct ipc_port *));
		} else {
			bits |= copyout_data(data, slot, &tries);
		}
	}
	return bits;
}

mach_msg_return_t ipc_kmsg_copyout(struct ipc_kmsg *kmsg, struct ipc_space *space, mach_port_name_t notify,
    bool notify_wanted)
{
	mach_msg_return_t mr = copyout_header(kmsg, space, notify, notify_wanted);

	if (mr == MACH_MSG_SUCCESS && (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		mr = ipc_kmsg_copyout_body(kmsg, space);
		if (mr != 0)
			mr |= MACH_RCV_BODY_ERROR;
	}
	return mr;
}

void ipc_kmsg_copyout_dest(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	unsigned dest_type = MACH_MSGH_BITS_REMOTE(h->msgh_bits), reply_type = MACH_MSGH_BITS_LOCAL(h->msgh_bits);
	mach_port_name_t reply_name = h->msgh_local_port == IP_DEAD ? MACH_PORT_NAME_DEAD : MACH_PORT_NAME_NULL;
	mach_port_name_t dest_name;
	uint64_t payload = 0;

	dest_name = copyout_destination(space, h->msgh_remote_port, &dest_type, &payload);
	ipc_right_destroy_held(h->msgh_local_port, reply_type);
	if (h->msgh_bits & MACH_MSGH_BITS_COMPLEX)
		ipc_kmsg_clean_body(kmsg, (char *)h + h->msgh_size);
	header_finish(h, reply_name, reply_type, dest_name, dest_type, payload);
}

mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	unsigned dest_type = MACH_MSGH_BITS_REMOTE(h->msgh_bits), reply_type = MACH_MSGH_BITS_LOCAL(h->msgh_bits);
	mach_port_name_t dest_name, reply_name;
	mach_msg_return_t bits;
	unsigned tries = 0;

	bits = copyout_right(space, h->msgh_remote_port, dest_type, &dest_name, &tries);
	bits |= copyout_right(space, h->msgh_local_port, reply_type, &reply_name, &tries);
	header_finish(h, dest_name, dest_type, reply_name, reply_type, 0);
	if (h->msgh_bits & MACH_MSGH_BITS_COMPLEX)
		bits |= ipc_kmsg_copyout_body(kmsg, space);
	return bits;
}

mach_msg_return_t ipc_kmsg_put(uint64_t msg, struct ipc_kmsg *kmsg, uint32_t size)
{
	kern_return_t kr;

	stale_look(&kmsg->ikm_header, size);
	kr = copyout(&kmsg->ikm_header, msg, size);

	ipc_kmsg_free_receiver(kmsg);
	return kr == KERN_SUCCESS ? MACH_MSG_SUCCESS : MACH_RCV_INVALID_DATA;
}
