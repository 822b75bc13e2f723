/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications.
 *
 * RIGHTS  the send-once right (and the receive right of port-destroyed) is consumed whatever happens. It becomes the
 *         destination of the message; kernel objects listen to none.
 */
#include <debug/calls.h>
#include <ipc/notify.h>
#include <ipc/kmsg.h>
#include <ipc/kobject.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <kern/string.h>
#include <mach/notify.h>

/* => a message of size bytes to soright; NULL on shortage: then the right is gone in silence */
static struct ipc_kmsg *notify_message(struct ipc_port *soright, mach_msg_id_t id, uint32_t size)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc(size);
	mach_msg_header_t *h;

	if (kmsg == NULL) {
		ipc_port_lock(soright);
		if (soright->ip_sorights > 0)
			soright->ip_sorights--;
		ipc_port_unlock(soright);
		ipc_port_release(soright);
		return NULL;
	}
	h = &kmsg->ikm_header;
	memset(h, 0, size);
	h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
	h->msgh_size = size;
	h->msgh_remote_port = soright;
	h->msgh_id = id;
	calls_note(id, KERN_SUCCESS);
	return kmsg;
}

static void notify_send(struct ipc_kmsg *kmsg)
{
	(void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, NULL);
}

/* One 4-byte item */
static void notify_word(struct ipc_port *soright, mach_msg_id_t id, unsigned type, uint32_t value)
{
	struct ipc_kmsg *kmsg;
	mach_dead_name_notification_t *n;

	if (!IP_VALID(soright) || ipc_kobject_notify(soright))
		return;
	if ((kmsg = notify_message(soright, id, sizeof(*n))) == NULL)
		return;
	n = (mach_dead_name_notification_t *)(void *)&kmsg->ikm_header;
	n->not_type.msgt_name = type & 0xff;
	n->not_type.msgt_size = 32;
	n->not_type.msgt_inline = 1;
	n->not_type.msgt_number = 1;
	n->not_port = value;
	notify_send(kmsg);
}

void ipc_notify_port_deleted(struct ipc_port *soright, mach_port_name_t name)
{
	notify_word(soright, MACH_NOTIFY_PORT_DELETED, MACH_MSG_TYPE_PORT_NAME, name);
}

void ipc_notify_msg_accepted(struct ipc_port *soright, mach_port_name_t name)
{
	notify_word(soright, MACH_NOTIFY_MSG_ACCEPTED, MACH_MSG_TYPE_PORT_NAME, name);
}

void ipc_notify_no_senders(struct ipc_port *soright, uint32_t mscount)
{
	notify_word(soright, MACH_NOTIFY_NO_SENDERS, MACH_MSG_TYPE_INTEGER_32, mscount);
}

void ipc_notify_dead_name(struct ipc_port *soright, mach_port_name_t name)
{
	notify_word(soright, MACH_NOTIFY_DEAD_NAME, MACH_MSG_TYPE_PORT_NAME, name);
}

void ipc_notify_send_once(struct ipc_port *soright)
{
	struct ipc_kmsg *kmsg;

	if (!IP_VALID(soright) || ipc_kobject_notify(soright))
		return;
	if ((kmsg = notify_message(soright, MACH_NOTIFY_SEND_ONCE, sizeof(mach_msg_header_t))) != NULL)
		notify_send(kmsg);
}

void ipc_notify_port_destroyed(struct ipc_port *soright, struct ipc_port *receive)
{
	mach_port_destroyed_notification_t *n;
	struct ipc_kmsg *kmsg;

	kmsg = notify_message(soright, MACH_NOTIFY_PORT_DESTROYED, sizeof(*n));
	if (kmsg == NULL) {
		ipc_port_destroy(receive);
		return;
	}
	n = (mach_port_destroyed_notification_t *)(void *)&kmsg->ikm_header;
	n->not_header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	n->not_type.msgt_name = MACH_MSG_TYPE_PORT_RECEIVE;
	n->not_type.msgt_size = 64;
	n->not_type.msgt_inline = 1;
	n->not_type.msgt_number = 1;
	n->not_port = receive;
	ipc_kmsg_copyin_kernel(kmsg);	/* the receive right is in transit now */
	notify_send(kmsg);
}

void ipc_aftermath_do(struct ipc_aftermath *am)
{
	if (am->am_deleted != NULL)
		ipc_notify_port_deleted(am->am_deleted, am->am_name);
	if (am->am_ma_deleted != NULL)
		ipc_notify_port_deleted(am->am_ma_deleted, am->am_name);
	/* the receive right before a send right to the same port: a dead port has no no-senders */
	if (am->am_receive != NULL)
		ipc_port_destroy(am->am_receive);
	if (am->am_send != NULL)
		ipc_port_release_send(am->am_send);
	if (am->am_sonce != NULL)
		ipc_port_release_sonce(am->am_sonce);
	if (am->am_pset != NULL)
		ipc_pset_destroy(am->am_pset);
	if (am->am_release != NULL)
		ipc_port_release(am->am_release);
}
