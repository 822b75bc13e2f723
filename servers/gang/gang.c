/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduling policy outside the kernel: gangs of threads that run at the same time or not at all.
 *
 * OBJECT  Every gang has a processor set of its own. The gangs take turns: the one whose turn it is gets all processors but the
 *         boot processor, and as threads of a set without processors wait, the others stand still. The server itself runs at
 *         the boot processor, which is in the default set for ever, so it can always end a turn.
 *         With a slice of 0 all gangs' threads are in one set with all those processors and the kernel shares them out.
 * RIGHTS  of a gang: receive, control and name of its set, one send right for each member. It ends when nobody has a send
 *         right to it (no-senders notification).
 * TESTS   tests/boot/gang
 */
#include <stdbool.h>
#include <stddef.h>
#include <mach/mach_host.h>
#include <mach/notify.h>
#include <mach/processor_info.h>
#include <gang_server.h>
#include "gang_serve.h"

#define SELF		mach_task_self()

enum { GANGS_MAX = 32, MEMBERS_MAX = 64, PROCESSORS_MAX = 64 };

struct set { mach_port_t control, name; };

struct gang {
	mach_port_t	 g_port;		/* MACH_PORT_NULL: free */
	struct set	 g_set;
	mach_port_t	 g_members[MEMBERS_MAX];
	unsigned	 g_count;
};

static struct gang gangs[GANGS_MAX];
static struct set shared;			/* of all, while the slice is 0 */
static mach_port_t privileged, ports;		/* host; port set of service and gangs */
static mach_port_t processors[PROCESSORS_MAX];
static unsigned processor_n, turn;
static int slice_ms = GANG_SLICE_MS;

static bool
make_set(struct set *s)
{
	return processor_set_create(privileged, &s->control, &s->name) == KERN_SUCCESS;
}

static void
drop_set(struct set *s)
{
	processor_set_destroy(s->control);
	mach_port_deallocate(SELF, s->control);
	mach_port_deallocate(SELF, s->name);
}

static void
give_processors(const struct set *s)
{
	for (unsigned i = 0; i < processor_n; i++)
		processor_assign(processors[i], s->control, FALSE);
}

/* those that have ended meanwhile leave */
static void
place_members(struct gang *g, const struct set *s)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->g_count; i++) {
		if (thread_assign(g->g_members[i], s->control) == KERN_SUCCESS)
			g->g_members[kept++] = g->g_members[i];
		else
			mach_port_deallocate(SELF, g->g_members[i]);
	}
	g->g_count = kept;
}

static struct gang *
gang_of(mach_port_t port)
{
	for (unsigned i = 0; i < GANGS_MAX; i++)
		if (gangs[i].g_port == port && port != MACH_PORT_NULL)
			return &gangs[i];
	return NULL;
}

/* the next gang that has somebody to run */
static void
next_turn(void)
{
	if (slice_ms == 0)
		return;
	for (unsigned n = 0; n < GANGS_MAX; n++) {
		turn = (turn + 1) % GANGS_MAX;
		if (gangs[turn].g_count > 0) {
			give_processors(&gangs[turn].g_set);
			return;
		}
	}
}

static void
end_gang(struct gang *g)
{
	mach_port_destroy(SELF, g->g_port);
	drop_set(&g->g_set);		/* all that was in it goes to the default set */
	for (unsigned i = 0; i < g->g_count; i++) {
		thread_assign_default(g->g_members[i]);
		mach_port_deallocate(SELF, g->g_members[i]);
	}
	g->g_port = MACH_PORT_NULL;
	g->g_count = 0;
	if (slice_ms == 0)
		give_processors(&shared);
	next_turn();
}

/* --- requests --- */

kern_return_t
S_gang_create(mach_port_t service, mach_port_t *out)
{
	mach_port_t old = MACH_PORT_NULL;
	struct gang *g = NULL;

	(void)service;
	for (unsigned i = 0; i < GANGS_MAX && g == NULL; i++)
		if (gangs[i].g_port == MACH_PORT_NULL)
			g = &gangs[i];
	if (g == NULL)
		return KERN_NO_SPACE;
	if (!make_set(&g->g_set))
		return KERN_RESOURCE_SHORTAGE;
	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &g->g_port) != KERN_SUCCESS) {
		drop_set(&g->g_set);
		g->g_port = MACH_PORT_NULL;
		return KERN_RESOURCE_SHORTAGE;
	}
	if (mach_port_move_member(SELF, g->g_port, ports) != KERN_SUCCESS
	    || mach_port_request_notification(SELF, g->g_port, MACH_NOTIFY_NO_SENDERS, 1, g->g_port,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &old) != KERN_SUCCESS) {
		mach_port_destroy(SELF, g->g_port);
		g->g_port = MACH_PORT_NULL;
		drop_set(&g->g_set);
		return KERN_RESOURCE_SHORTAGE;
	}
	*out = g->g_port;
	return KERN_SUCCESS;
}

kern_return_t
S_gang_join(mach_port_t port, mach_port_t thread)
{
	struct gang *g = gang_of(port);
	kern_return_t kr;

	if (g == NULL)
		return KERN_INVALID_ARGUMENT;
	if (g->g_count == MEMBERS_MAX)
		return KERN_NO_SPACE;
	kr = thread_assign(thread, slice_ms == 0 ? shared.control : g->g_set.control);
	if (kr == KERN_SUCCESS)
		g->g_members[g->g_count++] = thread;
	return kr;
}

kern_return_t
S_gang_set_slice(mach_port_t service, int ms)
{
	(void)service;
	if (ms < 0)
		return KERN_INVALID_ARGUMENT;
	slice_ms = ms;
	for (unsigned i = 0; i < GANGS_MAX; i++)
		if (gangs[i].g_port != MACH_PORT_NULL)
			place_members(&gangs[i], ms == 0 ? &shared : &gangs[i].g_set);
	if (ms == 0)
		give_processors(&shared);
	next_turn();
	return KERN_SUCCESS;
}

/* --- the loop --- */

union message {
	mach_msg_header_t head;
	char		 room[1024];
};

static void
answer(union message *request)
{
	union message reply;
	struct gang *g = gang_of(request->head.msgh_local_port);

	if (request->head.msgh_id == MACH_NOTIFY_NO_SENDERS && g != NULL) {
		end_gang(g);
		return;
	}
	if (!gang_server(&request->head, &reply.head)
	    || ((mig_reply_header_t *)&reply)->RetCode != KERN_SUCCESS) {
		request->head.msgh_remote_port = MACH_PORT_NULL;	/* the reply has it */
		mach_msg_destroy(&request->head);
	}
	if (reply.head.msgh_remote_port != MACH_PORT_NULL
	    && mach_msg(&reply.head, MACH_SEND_MSG, reply.head.msgh_size, 0, 0, 0, 0) != MACH_MSG_SUCCESS)
		mach_msg_destroy(&reply.head);
}

static int64_t
now_ms(void)
{
	time_value64_t t = { 0, 0 };

	host_get_uptime64(privileged, &t);
	return t.seconds * 1000 + t.nanoseconds / 1000000;
}

/* all but the first, which runs the kernel's threads and this one */
static void
find_processors(void)
{
	processor_array_t list;
	mach_msg_type_number_t n = 0;

	if (host_processors(privileged, &list, &n) != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < n; i++)
		if (i > 0 && processor_n < PROCESSORS_MAX)
			processors[processor_n++] = list[i];
		else
			mach_port_deallocate(SELF, list[i]);
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

kern_return_t
gang_serve(mach_port_t host_priv, mach_port_t service)
{
	int64_t turn_ends;
	union message m;

	privileged = host_priv;
	find_processors();
	if (processor_n == 0)
		return KERN_FAILURE;
	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &ports) != KERN_SUCCESS
	    || mach_port_move_member(SELF, service, ports) != KERN_SUCCESS || !make_set(&shared))
		return KERN_RESOURCE_SHORTAGE;
	turn_ends = now_ms() + slice_ms;
	for (;;) {
		int64_t left = slice_ms == 0 ? 1000 : turn_ends - now_ms();
		mach_msg_return_t mr = MACH_RCV_TIMED_OUT;

		if (left > 0)
			mr = mach_msg(&m.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, ports, (mach_msg_timeout_t)left, 0);
		if (mr == MACH_MSG_SUCCESS)
			answer(&m);
		else if (mr == MACH_RCV_TIMED_OUT) {
			next_turn();
			turn_ends = now_ms() + slice_ms;
		} else if (mr != MACH_RCV_TOO_LARGE)
			break;
	}
	drop_set(&shared);
	return KERN_SUCCESS;
}
