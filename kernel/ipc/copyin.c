/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a sender's buffer to a held message.
 *
 * The user's bytes are fetched once; only the kernel's copy is parsed. Header: both names are checked before either right
 * moves. Body: item by item; an error destroys what was taken in, the header's rights too.
 *
 * RIGHTS  ipc_kmsg_copyin: header errors (INVALID_HEADER, INVALID_DEST, INVALID_REPLY, INVALID_NOTIFY) consume nothing; body
 *         errors (INVALID_RIGHT, INVALID_MEMORY, INVALID_TYPE, MSG_TOO_SMALL) consume the header's rights and all earlier items.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <ipc/kmsg.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <machine/copy.h>
#include <vm/map.h>
#include <vm/page.h>

mach_msg_return_t ipc_kmsg_get(uint64_t msg, uint32_t size, struct ipc_kmsg **kmsgp)
{
	struct thread *self = current_thread();
	struct ipc_kmsg *kmsg;

	if (size < sizeof(mach_msg_header_t) || (size & 7) != 0)
		return MACH_SEND_MSG_TOO_SMALL;
	if ((kmsg = ipc_kmsg_alloc_sender(size)) == NULL)
		return MACH_SEND_NO_BUFFER;
	if (copyin(msg, &kmsg->ikm_header, size) != KERN_SUCCESS) {
		ipc_kmsg_free_receiver(kmsg);
		return MACH_SEND_INVALID_DATA;
	}
	kmsg->ikm_header.msgh_size = size;
	kmsg->ikm_sid = self->th_sid;
	*kmsgp = kmsg;
	return MACH_MSG_SUCCESS;
}

/* One name of the header */
struct header_name {
	mach_port_name_t hn_name;
	unsigned	 hn_type;
	struct ipc_entry *hn_entry;
	struct ipc_port	*hn_port;	/* result */
};

/*
 * Destination and reply name are the same name.
 * => whether the entry can give both rights. A send-once right cannot; two moves of a send right need two references.
 */
static bool header_same_ok(struct ipc_entry *e, unsigned dest_type, unsigned reply_type)
{
	if (dest_type == MACH_MSG_TYPE_MOVE_SEND_ONCE || reply_type == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return false;
	if (dest_type == MACH_MSG_TYPE_MOVE_SEND && reply_type == MACH_MSG_TYPE_MOVE_SEND)
		return IE_UREFS(e->ie_bits) >= 2;
	return true;
}

/* => space locked: both rights can be had, or which cannot */
static mach_msg_return_t header_check(struct ipc_space *space, struct header_name *dest, struct header_name *reply)
{
	struct ipc_table *t = &space->is_table;

	if (!MACH_PORT_NAME_VALID(dest->hn_name) || (dest->hn_entry = ipc_entry_lookup(t, dest->hn_name)) == NULL ||
	    !ipc_right_copyin_check(space, dest->hn_name, dest->hn_entry, dest->hn_type, false) ||
	    !ipc_label_send(dest->hn_entry->ie_object))
		return MACH_SEND_INVALID_DEST;
	reply->hn_entry = NULL;
	if (!MACH_PORT_NAME_VALID(reply->hn_name))
		return MACH_MSG_SUCCESS;
	if ((reply->hn_entry = ipc_entry_lookup(t, reply->hn_name)) == NULL ||
	    !ipc_right_copyin_check(space, reply->hn_name, reply->hn_entry, reply->hn_type, true))
		return MACH_SEND_INVALID_REPLY;
	if (reply->hn_name == dest->hn_name && !header_same_ok(dest->hn_entry, dest->hn_type, reply->hn_type))
		return MACH_SEND_INVALID_DEST;
	return MACH_MSG_SUCCESS;
}

/* SEND_CANCEL: a request registered with the notify port is withdrawn in silence */
static void header_cancel(struct ipc_aftermath *am, struct ipc_port *notify)
{
	struct ipc_port *soright = am->am_deleted;

	if (notify == NULL || soright != notify)
		return;
	am->am_deleted = NULL;
	ipc_port_lock(soright);
	soright->ip_sorights--;
	ipc_port_unlock(soright);
	ipc_port_release(soright);
}

/* => both rights taken; on error none */
static mach_msg_return_t header_take(struct ipc_space *space, struct header_name *dest, struct header_name *reply,
    mach_port_name_t notify_name)
{
	struct ipc_aftermath am = { 0 }, reply_am = { 0 };
	struct ipc_port *notify = NULL;
	struct ipc_entry *e;
	mach_msg_return_t mr;

	ipc_space_lock(space);
	if (!space->is_active) {
		ipc_space_unlock(space);
		return MACH_SEND_INVALID_DEST;
	}
	if (notify_name != MACH_PORT_NAME_NULL) {
		e = ipc_entry_lookup(&space->is_table, notify_name);
		if (e == NULL || !(e->ie_bits & MACH_PORT_TYPE_RECEIVE)) {
			ipc_space_unlock(space);
			return MACH_SEND_INVALID_NOTIFY;
		}
		notify = e->ie_object;
	}
	mr = header_check(space, dest, reply);
	if (mr != MACH_MSG_SUCCESS) {
		ipc_space_unlock(space);
		return mr;
	}
	/* point of no return. Of one name, the right that leaves the entry in place comes first */
	if (reply->hn_entry != NULL && reply->hn_type != MACH_MSG_TYPE_MOVE_SEND) {
		reply->hn_port = ipc_right_copyin(space, reply->hn_name, reply->hn_entry, reply->hn_type, &reply_am);
		reply->hn_entry = NULL;
	}
	dest->hn_port = ipc_right_copyin(space, dest->hn_name, dest->hn_entry, dest->hn_type, &am);
	if (reply->hn_entry != NULL)
		reply->hn_port = ipc_right_copyin(space, reply->hn_name, reply->hn_entry, reply->hn_type, &reply_am);
	if (notify != NULL)
		header_cancel(&am, notify);
	ipc_space_unlock(space);
	ipc_aftermath_run(&am);
	ipc_aftermath_run(&reply_am);
	return MACH_MSG_SUCCESS;
}

static mach_msg_return_t copyin_header(struct ipc_kmsg *kmsg, struct ipc_space *space, mach_port_name_t notify)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	uint32_t bits = h->msgh_bits & MACH_MSGH_BITS_USER;
	struct header_name dest = { .hn_name = h->msgh_remote_name, .hn_type = MACH_MSGH_BITS_REMOTE(bits) };
	struct header_name reply = { .hn_name = h->msgh_local_name, .hn_type = MACH_MSGH_BITS_LOCAL(bits) };
	mach_msg_return_t mr;

	if (!MACH_MSG_TYPE_PORT_ANY_SEND(dest.hn_type) ||
	    (reply.hn_type == 0 ? reply.hn_name != MACH_PORT_NAME_NULL : !MACH_MSG_TYPE_PORT_ANY_SEND(reply.hn_type)))
		return MACH_SEND_INVALID_HEADER;
	if (!MACH_PORT_NAME_VALID(reply.hn_name))
		reply.hn_port = reply.hn_name == MACH_PORT_NAME_NULL ? IP_NULL : IP_DEAD;
	if ((mr = header_take(space, &dest, &reply, notify)) != MACH_MSG_SUCCESS)
		return mr;
	h->msgh_bits = (bits & MACH_MSGH_BITS_COMPLEX) |
	    MACH_MSGH_BITS(ipc_right_held_type(dest.hn_type), ipc_right_held_type(reply.hn_type));
	h->msgh_remote_port = dest.hn_port;
	h->msgh_local_port = reply.hn_port;
	return MACH_MSG_SUCCESS;
}

/* A receive right goes into the message. A circle of ports each in a message to the next is never queued */
static void copyin_receive(struct ipc_kmsg *kmsg, struct ipc_port *port)
{
	if (IP_VALID(port) && IP_VALID(ikm_dest(kmsg)) && !ipc_port_to_transit(port, ikm_dest(kmsg)))
		kmsg->ikm_header.msgh_bits |= MACH_MSGH_BITS_CIRCULAR;
}

/* => rights by name, from slots `stride` words of 4 bytes apart into ports[]; how many were taken */
static uint32_t copyin_names(struct ipc_kmsg *kmsg, struct ipc_space *space, const uint32_t *names, uint32_t stride,
    struct ipc_port **ports, uint32_t number, unsigned type)
{
	for (uint32_t i = 0; i < number; i++) {
		/* slot and port may be the same memory: read first */
		mach_port_name_t name = names[(uint64_t)i * stride];

		if (ipc_right_copyin_name(space, name, type, true, &ports[i]) != KERN_SUCCESS)
			return i;
		if (type == MACH_MSG_TYPE_MOVE_RECEIVE)
			copyin_receive(kmsg, ports[i]);
	}
	return number;
}

static void drop_ports(struct ipc_port **ports, uint32_t number, unsigned type)
{
	for (uint32_t i = 0; i < number; i++)
		ipc_right_destroy_held(ports[i], type);
}

/* => an out-of-line array of rights: names at addr to a kalloc'ed array of ports */
static mach_msg_return_t copyin_ool_ports(struct ipc_kmsg *kmsg, struct ipc_space *space, struct ipc_item *item,
    uint64_t addr, void **datap)
{
	struct vm_map *map = current_thread()->th_task->tk_map;
	uint64_t bytes = (uint64_t)item->ii_number * sizeof(struct ipc_port *);
	uint64_t half = (uint64_t)item->ii_number * sizeof(mach_port_name_t);
	unsigned held = ipc_right_held_type(item->ii_name);
	struct ipc_port **ports;
	uint32_t *names, n;

	if (bytes > IKM_SIZE_MAX || fault_point("ipc_ool_ports") || (ports = kalloc(bytes)) == NULL)
		return MACH_SEND_INVALID_MEMORY;
	/* names fill the upper half: port i is written after names up to 2i + 1 - number were read */
	names = (uint32_t *)(void *)((char *)ports + half);
	if (copyin(addr, names, half) != KERN_SUCCESS) {
		kfree(ports, bytes);
		return MACH_SEND_INVALID_MEMORY;
	}
	n = copyin_names(kmsg, space, names, 1, ports, item->ii_number, item->ii_name);
	if (n != item->ii_number) {
		drop_ports(ports, n, held);
		kfree(ports, bytes);
		return MACH_SEND_INVALID_RIGHT;
	}
	if (item->ii_dealloc && half > 0)
		vm_map_remove(map, page_trunc(addr), page_round(addr + half));
	*datap = ports;
	return MACH_MSG_SUCCESS;
}

/* => one item; on error nothing of it is held */
static mach_msg_return_t copyin_item(struct ipc_kmsg *kmsg, struct ipc_space *space, struct ipc_item *item)
{
	struct vm_map *map = current_thread()->th_task->tk_map;
	uint64_t addr;
	void *data = NULL;
	mach_msg_return_t mr;

	if (item->ii_inline) {
		struct ipc_port **ports = (struct ipc_port **)(void *)item->ii_data;
		uint32_t n;

		if (!item->ii_port)
			return MACH_MSG_SUCCESS;
		n = copyin_names(kmsg, space, (uint32_t *)(void *)item->ii_data, 2, ports, item->ii_number, item->ii_name);
		if (n == item->ii_number)
			return MACH_MSG_SUCCESS;
		drop_ports(ports, n, ipc_right_held_type(item->ii_name));
		return MACH_SEND_INVALID_RIGHT;
	}
	addr = *(uint64_t *)(void *)item->ii_data;
	if (item->ii_length != 0 && item->ii_port) {
		if ((mr = copyin_ool_ports(kmsg, space, item, addr, &data)) != MACH_MSG_SUCCESS)
			return mr;
	} else if (item->ii_length != 0) {
		struct vm_map_copy *copy;

		if (vm_map_copyin(map, addr, item->ii_length, item->ii_dealloc, &copy) != KERN_SUCCESS)
			return MACH_SEND_INVALID_MEMORY;
		data = copy;
	}
	*(void **)(void *)item->ii_data = data;
	return MACH_MSG_SUCCESS;
}

/* => the item at `at` lies within the message and its descriptor is legal */
static mach_msg_return_t check_item(struct ipc_item *item, char *at, const char *end)
{
	uint64_t room;

	if (!ipc_item_next(item, at, end))
		return MACH_SEND_MSG_TOO_SMALL;
	if (item->ii_type->msgt_unused != 0 || (item->ii_inline && item->ii_dealloc) ||
	    (item->ii_port && item->ii_type->msgt_size != (item->ii_inline ? 64 : 32)))
		return MACH_SEND_INVALID_TYPE;
	room = (uint64_t)(end - item->ii_data);
	if (room < (item->ii_inline ? item->ii_length : sizeof(uint64_t)))
		return MACH_SEND_MSG_TOO_SMALL;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kmsg_copyin_body(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
	char *at = (char *)(&kmsg->ikm_header + 1);
	const char *end = (char *)&kmsg->ikm_header + kmsg->ikm_header.msgh_size;
	mach_msg_return_t mr = MACH_MSG_SUCCESS;
	bool complex = false;
	struct ipc_item item;

	while (at < end) {
		if ((mr = check_item(&item, at, end)) != MACH_MSG_SUCCESS ||
		    (mr = copyin_item(kmsg, space, &item)) != MACH_MSG_SUCCESS)
			break;
		if (item.ii_port)
			item.ii_type->msgt_name = ipc_right_held_type(item.ii_name);
		complex |= item.ii_port || !item.ii_inline;
		at = item.ii_next;
	}
	if (mr != MACH_MSG_SUCCESS) {
		/* what was taken in, and the header, goes */
		kmsg->ikm_header.msgh_size = (uint32_t)(at - (char *)&kmsg->ikm_header);
		ipc_kmsg_destroy(kmsg);
	} else if (!complex) {
		kmsg->ikm_header.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
	}
	return mr;
}

mach_msg_return_t ipc_kmsg_copyin(struct ipc_kmsg *kmsg, struct ipc_space *space, mach_port_name_t notify)
{
	mach_msg_return_t mr = copyin_header(kmsg, space, notify);

	if (mr != MACH_MSG_SUCCESS) {
		ipc_kmsg_free_receiver(kmsg);
		return mr;
	}
	if (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		mr = ipc_kmsg_copyin_body(kmsg, space);
	return mr;
}

/* A kernel holder's right made into the one that travels */
static struct ipc_port *copyin_kernel_right(struct ipc_port *port, unsigned type)
{
	switch (type) {
	case MACH_MSG_TYPE_COPY_SEND:
		return ipc_port_copy_send(port);
	case MACH_MSG_TYPE_MAKE_SEND:
		return ipc_port_make_send(port);
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return ipc_port_make_sonce(port);
	default:
		return port;
	}
}

static void copyin_kernel_receive(struct ipc_kmsg *kmsg, struct ipc_port *port)
{
	if (!IP_VALID(port))
		return;
	ipc_port_lock(port);
	if (port->ip_state == IP_KERNEL) {
		port->ip_kobject = NULL;
		port->ip_flags &= (uint8_t)~IP_F_KNOSENDERS;
		ipc_port_clear_receiver(port, MACH_RCV_PORT_DIED);
	}
	ipc_port_unlock(port);
	copyin_receive(kmsg, port);
}

void ipc_kmsg_copyin_kernel(struct ipc_kmsg *kmsg)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	unsigned remote = MACH_MSGH_BITS_REMOTE(h->msgh_bits), local = MACH_MSGH_BITS_LOCAL(h->msgh_bits);
	char *at = (char *)(h + 1);
	const char *end = (char *)h + h->msgh_size;
	struct ipc_item item;

	h->msgh_remote_port = copyin_kernel_right(h->msgh_remote_port, remote);
	h->msgh_local_port = copyin_kernel_right(h->msgh_local_port, local);
	h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
	    MACH_MSGH_BITS(ipc_right_held_type(remote), ipc_right_held_type(local));
	if (!(h->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return;
	for (; ipc_item_next(&item, at, end); at = item.ii_next) {
		struct ipc_port **ports;

		if (!item.ii_port)
			continue;
		ports = item.ii_inline ? (struct ipc_port **)(void *)item.ii_data :
		    *(struct ipc_port ***)(void *)item.ii_data;
		for (uint32_t i = 0; i < item.ii_number; i++) {
			ports[i] = copyin_kernel_right(ports[i], item.ii_name);
			if (item.ii_name == MACH_MSG_TYPE_MOVE_RECEIVE)
				copyin_kernel_receive(kmsg, ports[i]);
		}
		item.ii_type->msgt_name = ipc_right_held_type(item.ii_name);
	}
}
