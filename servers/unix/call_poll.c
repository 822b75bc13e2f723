/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll, and with it select and their relatives.
 *
 * OBJECT   struct poll_table: the wait entries of one poll in progress.  Operations add to it
 *          while it is open; it closes after the first look at each file.
 * LOCKS    none held while asleep.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include "call.h"

struct poll_table {
	struct wait_entry	*pt_entries;
	unsigned int		pt_count;
	unsigned int		pt_room;
	bool			pt_failed;	/* no room: somebody's wake would be lost */
};

void
poll_table_add(struct poll_table *table, struct wait_queue *queue)
{
	if (table->pt_count == table->pt_room) {
		table->pt_failed = true;
		return;
	}
	wait_enqueue(&table->pt_entries[table->pt_count++], queue);
}

/* One look at every file; with a table, also enqueue.  => how many have events */
static int
poll_look(struct lx_pollfd *polls, struct file **files, unsigned int count,
    struct poll_table *table)
{
	int ready = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		int events = 0;

		polls[i].revents = 0;
		if (polls[i].fd < 0)
			continue;
		if (files[i] == NULL)
			events = LX_POLLNVAL;
		else
			events = file_poll(files[i], ready > 0 ? NULL : table);
		polls[i].revents = events & (polls[i].events | LX_POLLERR | LX_POLLHUP |
		    LX_POLLNVAL);
		if (polls[i].revents != 0)
			ready++;
	}
	return ready;
}

static int
poll_wait(struct lx_pollfd *polls, struct file **files, unsigned int count,
    struct poll_table *table, wait_deadline_t deadline)
{
	int ready, error = 0;

	wait_prepare();
	ready = poll_look(polls, files, count, deadline == 0 ? NULL : table);
	while (ready == 0 && error == 0) {
		/* Queues that could not be watched are looked at again now and then. */
		wait_deadline_t until = deadline;

		if (table->pt_failed && clock_monotonic() + 20000000 < until)
			until = clock_monotonic() + 20000000;
		error = wait_block(until);
		if (error == -LX_ETIMEDOUT && until != deadline)
			error = 0;
		ready = poll_look(polls, files, count, NULL);
	}
	while (table->pt_count > 0)
		wait_dequeue(&table->pt_entries[--table->pt_count]);
	if (ready > 0 || error == -LX_ETIMEDOUT)
		return ready;
	return error == -LX_EINTR ? -UNIX_ERESTARTNOHAND : error;
}

static int
poll_run(struct lx_pollfd *polls, unsigned int count, wait_deadline_t deadline)
{
	struct poll_table table = { NULL, 0, 2 * count + 2, false };
	struct file **files = calloc(count + 1, sizeof(files[0]));
	unsigned int i;
	int result = -LX_ENOMEM;

	table.pt_entries = calloc(table.pt_room, sizeof(table.pt_entries[0]));
	if (files != NULL && table.pt_entries != NULL) {
		for (i = 0; i < count; i++)
			files[i] = polls[i].fd < 0 ? NULL : call_file(polls[i].fd);
		result = poll_wait(polls, files, count, &table, deadline);
		for (i = 0; i < count; i++) {
			if (files[i] != NULL)
				file_rel(files[i]);
		}
	}
	free(files);
	free(table.pt_entries);
	return result;
}

kern_return_t
S_unix_io_poll(mach_port_t call, int64_t deadline, unix_polls_t in_polls,
    mach_msg_type_number_t in_count, int64_t *result, unix_polls_t polls,
    mach_msg_type_number_t *count)
{
	(void)call;
	if (in_count % sizeof(struct lx_pollfd) != 0 || *count < in_count) {
		*count = 0;
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	memcpy(polls, in_polls, in_count);
	*count = in_count;
	*result = poll_run((struct lx_pollfd *)polls, in_count / sizeof(struct lx_pollfd),
	    deadline < 0 ? WAIT_FOREVER : deadline);
	return KERN_SUCCESS;
}
