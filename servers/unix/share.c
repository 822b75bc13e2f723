/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages shared with processes: one memory object, paged by a thread of its own.
 *
 * OBJECT   a memory object port whose pages begin as zeros.  Range i of UNIX_SHARE_SIZE bytes is
 *          the share area of one process; range 0 holds the system page.  The server's mapping of
 *          a range is kept when it is free, and reused.
 * LOCKS    process_lock for the free list.  The pager thread takes no lock and asks nobody, so
 *          that a fault on a share page is always answered.
 * RIGHTS   share_port: receive right here; processes get mappings, never the port.
 */
#include <stdlib.h>
#include <string.h>
#include <mach/memory_object.h>
#include "process.h"

#define SHARE_MAX	4096

static mach_port_t share_port;
static struct unix_share *share_mapping[SHARE_MAX];	/* process_lock; kept for ever */
static bool share_used[SHARE_MAX];			/* process_lock */
static unsigned int share_next = 1;			/* process_lock */

#define MSG_PORT(message, offset)	(*(mach_port_t *)((char *)(message) + (offset)))
#define MSG_WORD(message, offset)	(*(uint64_t *)((char *)(message) + (offset)))

/* One message of the kernel (offsets: the memory_object subsystem's fixed layouts). */
static void
share_pager_message(mach_msg_header_t *message)
{
	mach_port_t control = MSG_PORT(message, 40);

	switch (message->msgh_id) {
	case 2200:	/* memory_object_init; the rights stay with us */
		memory_object_ready(control, TRUE, MEMORY_OBJECT_COPY_NONE);
		break;
	case 2203:	/* memory_object_data_request */
		memory_object_data_unavailable(control, MSG_WORD(message, 56),
		    MSG_WORD(message, 72));
		mach_msg_destroy(message);
		break;
	case 2204:	/* memory_object_data_unlock: nothing is ever locked */
		memory_object_lock_request(control, MSG_WORD(message, 56),
		    MSG_WORD(message, 72), MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
		    MACH_PORT_NULL);
		mach_msg_destroy(message);
		break;
	default:
		mach_msg_destroy(message);
		break;
	}
}

static void *
share_pager(void *argument)
{
	char buffer[512] __attribute__((aligned(16)));
	mach_msg_header_t *message = (mach_msg_header_t *)buffer;

	(void)argument;
	for (;;) {
		if (mach_msg(message, MACH_RCV_MSG, 0, sizeof(buffer), share_port,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
			share_pager_message(message);
	}
	return NULL;
}

int
share_start(void)
{
	kern_return_t kr;

	kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &share_port);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_right(mach_task_self(), share_port, share_port,
		    MACH_MSG_TYPE_MAKE_SEND);
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	cthread_detach(cthread_fork(share_pager, NULL));
	return 0;
}

mach_port_t
share_object(void)
{
	return share_port;
}

uint64_t
share_offset(unsigned int index)
{
	return (uint64_t)index * UNIX_SHARE_SIZE;
}

static int
share_map(unsigned int index)
{
	vm_address_t address = 0;
	kern_return_t kr;

	kr = vm_map(mach_task_self(), &address, UNIX_SHARE_SIZE, 0, TRUE, share_port,
	    share_offset(index), FALSE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE);
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	share_mapping[index] = (struct unix_share *)address;
	/* Memory of processes is never paged out through this pager: it could not take it. */
	vm_wire(host_privileged, mach_task_self(), address, vm_page_size,
	    VM_PROT_READ | VM_PROT_WRITE);
	return 0;
}

int
share_alloc(unsigned int *index, struct unix_share **out)
{
	unsigned int tries, i = 0;
	int error;

	for (tries = 0; tries < SHARE_MAX; tries++) {
		i = (share_next + tries) % SHARE_MAX;
		if (i != 0 && !share_used[i])
			break;
	}
	if (tries == SHARE_MAX)
		return -LX_EAGAIN;
	if (share_mapping[i] == NULL) {
		error = share_map(i);
		if (error != 0)
			return error;
	} else {
		memset(share_mapping[i], 0, offsetof(struct unix_share, uh_slots));
	}
	share_used[i] = true;
	share_next = i + 1;
	*index = i;
	*out = share_mapping[i];
	return 0;
}

void
share_free(unsigned int index)
{
	share_used[index] = false;
	if (index < share_next)
		share_next = index;
}

/* Range 0. */
volatile struct unix_system *system_page;

int	system_page_start(void);

int
system_page_start(void)
{
	int error = share_map(0);

	if (error == 0)
		system_page = (volatile struct unix_system *)share_mapping[0];
	return error;
}
