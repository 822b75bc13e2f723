/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls between tasks, with each condition of the short path failing in turn; notifications; messages forced into full queues; traps. */
#include <stdlib.h>
#include <string.h>
#include <debug/counters.h>
#include <mach/notify.h>
#include "cases.h"
#include "user.h"

#define PRIV		sim_init_argument(SIM_HOST_PRIV)
#define SERVICE		77		/* its name in the server's task */
#define BODY_MAX	2048u

struct message {
	mach_msg_header_t h;
	char body[BODY_MAX];
};

static mach_port_t self;
static volatile bool quit;
static volatile unsigned served;

static void drop(mach_port_t name) { u_mach_port_deallocate(self, name); }

/* --- a server, which answers what it is asked; by way of a set when `set` */
static void server(uint64_t set)
{
	static struct message m;
	mach_port_t from = SERVICE;
	mach_msg_option_t option = MACH_RCV_MSG;

	if (set) {
		u_mach_port_allocate(user_task_self(), MACH_PORT_RIGHT_PORT_SET, &from);
		u_mach_port_move_member(user_task_self(), SERVICE, from);
	}
	while (!quit) {
		if (mach_msg(&m.h, option, m.h.msgh_size, sizeof m, from, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
			break;
		served++;
		option = MACH_RCV_MSG;
		if (m.h.msgh_remote_port == MACH_PORT_NULL)
			continue;
		option |= MACH_SEND_MSG;
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.h.msgh_bits), 0) | (m.h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
		m.h.msgh_local_port = MACH_PORT_NULL;
		m.h.msgh_id += 100;
	}
	for (;;)
		user_sleep(1000);
}

static mach_port_t start(bool set, mach_port_t *service)
{
	mach_port_t task, thread, port = user_port();

	quit = false;
	CHECK_OK(u_task_create(self, 0, &task));
	CHECK_OK(u_mach_port_insert_right(task, SERVICE, port, MACH_MSG_TYPE_MOVE_RECEIVE));
	thread = user_thread(task, server, set);
	CHECK(thread != MACH_PORT_NULL);
	drop(thread);
	user_sleep(2);
	*service = port;
	return task;
}

static void end(mach_port_t task, mach_port_t service)
{
	quit = true;
	CHECK_OK(u_task_terminate(task));
	user_sleep(5);
	drop(task);
	drop(service);
}

static bool call(mach_port_t service, mach_port_t reply, uint32_t size, int id, mach_msg_option_t more)
{
	static struct message m;
	mach_msg_return_t mr;

	memset(&m, id, sizeof m);
	m.h = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE), .msgh_remote_port = service,
		.msgh_local_port = reply, .msgh_size = (uint32_t)sizeof m.h + size, .msgh_id = id,
	};
	mr = mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | more, m.h.msgh_size, sizeof m, reply, 1000, MACH_PORT_NULL);
	return mr == MACH_MSG_SUCCESS && m.h.msgh_id == id + 100 && m.h.msgh_size == sizeof m.h + size &&
	    (size == 0 || (m.body[0] == (char)id && m.body[size - 1] == (char)id));
}

static void calls_of_every_size_come_back(void)
{
	for (int set = 0; set < 2; set++) {
		mach_port_t service, task = start(set, &service), reply = user_reply_port();

		for (uint32_t size = 0; size <= BODY_MAX; size += size < 64 ? 8 : 248)
			for (unsigned more = 0; more < 2; more++)
				CHECK(call(service, reply, size, 10 + (int)size % 50, more ? MACH_RCV_TIMEOUT : 0));
		end(task, service);
		u_mach_port_destroy(self, reply);
	}
}

static void a_call_is_the_same_when_the_short_path_gives_up(void)
{
	for (int set = 0; set < 2; set++) {
		mach_port_t service, task = start(set, &service), reply = user_reply_port();

		for (unsigned k = 1; k < 120; k++) {
			fault_point_arm("rpc", k);
			CHECK(call(service, reply, k % 100 & ~7u, 10, 0));
			fault_point_arm("*", 0);
		}
		end(task, service);
		u_mach_port_destroy(self, reply);
	}
}

/* rights and memory in the body, to the server and back */
static void calls_carry_rights_and_memory(void)
{
	struct {
		mach_msg_header_t h;
		mach_msg_type_t t1; uint64_t name;
		mach_msg_type_t t2; uint64_t address;
		char room[64];
	} m;
	mach_port_t service, task = start(false, &service), reply = user_reply_port();
	vm_address_t at = 0;

	for (int disposition = MACH_MSG_TYPE_MOVE_RECEIVE; disposition <= MACH_MSG_TYPE_MAKE_SEND_ONCE; disposition++) {
		mach_port_t p;

		if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
			continue;
		p = user_port();
		CHECK_OK(u_vm_allocate(self, &at, 4 * 4096, 1));
		memset(&m, 0, sizeof m);
		m.h = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) | MACH_MSGH_BITS_COMPLEX,
			.msgh_remote_port = service, .msgh_local_port = reply, .msgh_size = 64, .msgh_id = 5,
		};
		m.t1 = (mach_msg_type_t){ .msgt_name = (unsigned)disposition, .msgt_size = 64, .msgt_number = 1, .msgt_inline = 1 };
		m.name = p;
		m.t2 = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_CHAR, .msgt_size = 8, .msgt_number = 3 * 4096,
		    .msgt_deallocate = disposition & 1 };
		m.address = at + 100;
		/* the server sends it back as it came: send-once rights and memory are moved, the rest fails or is copied */
		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, 64, sizeof m, reply, 50, MACH_PORT_NULL));
		CHECK_OK(u_vm_deallocate(self, m.address, 3 * 4096));
		if (m.name != p)
			CHECK_OK(u_mach_port_destroy(self, (mach_port_t)m.name));
		if (!(disposition & 1))
			u_vm_deallocate(self, at, 4 * 4096);
		CHECK_OK(u_mach_port_destroy(self, p));
	}
	end(task, service);
	u_mach_port_destroy(self, reply);
}

/* --- notifications --- */

static int notified(mach_port_t port, mach_port_t *right)
{
	struct message m;

	if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 20, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		return 0;
	if (right != NULL)
		memcpy(right, m.body + 8, sizeof *right);
	return m.h.msgh_id;
}

static mach_port_t request(mach_port_t name, int id, unsigned sync, mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;

	CHECK_OK(u_mach_port_request_notification(self, name, id, sync, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	return previous;
}

static void what_happens_to_ports_is_told(void)
{
	mach_port_t n = user_port(), p = user_port(), task, got = MACH_PORT_NULL;

	/* a dead name */
	CHECK_OK(u_task_create(self, 0, &task));
	CHECK(request(task, MACH_NOTIFY_DEAD_NAME, 0, n) == MACH_PORT_NULL);
	got = request(task, MACH_NOTIFY_DEAD_NAME, 0, n);
	drop(got);
	CHECK(notified(n, NULL) == MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(u_task_terminate(task));
	CHECK(notified(n, &got) == MACH_NOTIFY_DEAD_NAME && got == task);
	drop(task);
	drop(task);
	/* the name of a right goes away before it dies */
	(void)request(user_host_self(), MACH_NOTIFY_DEAD_NAME, 0, n);
	got = user_host_self();
	while (u_mach_port_deallocate(self, got) == KERN_SUCCESS)
		;
	CHECK(notified(n, NULL) == MACH_NOTIFY_PORT_DELETED);
	(void)user_host_self();
	/* nobody can send any more */
	CHECK(request(p, MACH_NOTIFY_NO_SENDERS, 1, n) == MACH_PORT_NULL);
	CHECK_OK(u_mach_port_mod_refs(self, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK(notified(n, NULL) == MACH_NOTIFY_NO_SENDERS);
	/* a port is destroyed, and is not */
	(void)request(p, MACH_NOTIFY_PORT_DESTROYED, 0, n);
	CHECK_OK(u_mach_port_mod_refs(self, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK(notified(n, &got) == MACH_NOTIFY_PORT_DESTROYED && got != MACH_PORT_NULL);
	u_mach_port_destroy(self, got);
	u_mach_port_destroy(self, n);
}

static mach_msg_return_t push(mach_port_t to, mach_msg_option_t option, mach_port_t notify)
{
	mach_msg_header_t h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_size = sizeof h, .msgh_remote_port = to };

	return mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT | option, sizeof h, 0, MACH_PORT_NULL, 0, notify);
}

static void drain(mach_port_t port)
{
	struct message m;

	while (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		;
}

static void one_message_is_forced_into_a_full_queue(void)
{
	mach_port_t n = user_port(), p = user_port(), task, sender = 200, got = MACH_PORT_NULL;

	CHECK_OK(u_mach_port_set_qlimit(self, p, 1));
	CHECK(push(p, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(push(p, 0, MACH_PORT_NULL) == MACH_SEND_TIMED_OUT);
	CHECK(push(p, MACH_SEND_NOTIFY, n) == MACH_SEND_WILL_NOTIFY);
	CHECK(push(p, MACH_SEND_NOTIFY, n) == MACH_SEND_NOTIFY_IN_PROGRESS);
	drain(p);
	CHECK(notified(n, &got) == MACH_NOTIFY_MSG_ACCEPTED && got == p);
	/* the name goes first; the port goes first; it is renamed */
	CHECK(push(p, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(push(p, MACH_SEND_NOTIFY, n) == MACH_SEND_WILL_NOTIFY);
	CHECK_OK(u_mach_port_rename(self, p, 4242));
	p = 4242;
	drain(p);
	CHECK(notified(n, &got) == MACH_NOTIFY_MSG_ACCEPTED && got == p);
	CHECK(push(p, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(push(p, MACH_SEND_NOTIFY, n) == MACH_SEND_WILL_NOTIFY);
	CHECK_OK(u_mach_port_destroy(self, p));
	CHECK(notified(n, &got) != 0);
	(void)notified(n, &got);
	/* the receiver is another task, whose right moves while the request is pending */
	p = user_port();
	CHECK_OK(u_task_create(self, 0, &task));
	CHECK_OK(u_mach_port_set_qlimit(self, p, 1));
	CHECK_OK(u_mach_port_insert_right(task, sender, p, MACH_MSG_TYPE_MOVE_RECEIVE));
	CHECK(push(p, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(push(p, MACH_SEND_NOTIFY, n) == MACH_SEND_WILL_NOTIFY);
	drop(p);
	CHECK(notified(n, &got) == MACH_NOTIFY_PORT_DELETED);
	CHECK_OK(u_task_terminate(task));
	drop(task);
	u_mach_port_destroy(self, n);
}

/* --- traps in the place of messages --- */

static long trap(int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return sim_trap(number, a, b, c, d, 0, 0, 0, 0, 0, 0, 0);
}

static void traps_do_what_messages_do(void)
{
	static const char text[] = "# a line which is printed by a trap, and which is longer than what the kernel takes at once of it\n";
	vm_address_t at = 0;
	mach_port_t name = MACH_PORT_NULL;
	uint64_t v;

	CHECK_OK(u_vm_allocate(self, &at, 4096, 1));
	sim_write(at, text, sizeof text);
	CHECK(trap(30, at, 0, 0, 0) == KERN_SUCCESS);
	CHECK(trap(30, 0, 0, 0, 0) == KERN_INVALID_ADDRESS);
	v = 0;
	sim_write(at, &v, sizeof v);
	CHECK(trap(65, self, at, 8192, 1) == KERN_SUCCESS);
	sim_read(at, &v, sizeof v);
	CHECK(trap(66, self, v, 8192, 0) == KERN_SUCCESS);
	CHECK(trap(65, self, 0, 8192, 1) == KERN_INVALID_ADDRESS);
	v = 0;
	sim_write(at, &v, sizeof v);
	CHECK(sim_trap(64, self, at, 4096, 0, 1, MACH_PORT_NULL, 0, 0, 3, 7, 1) == KERN_SUCCESS);
	sim_read(at, &v, sizeof v);
	CHECK(trap(66, self, v, 4096, 0) == KERN_SUCCESS);
	CHECK(sim_trap(64, self, at, 4096, 0, 1, 9999, 0, 0, 3, 7, 1) != KERN_SUCCESS);
	/* what is no task's name goes by message */
	for (int n = 64; n <= 77; n++)
		CHECK(trap(n, 9999, at, 1, 1) != KERN_SUCCESS);
	CHECK(trap(68, self, 0, at, 0) == KERN_SUCCESS);
	sim_read(at, &name, sizeof name);
	CHECK(trap(70, name, 0, 0, 0) == KERN_SUCCESS);
	CHECK(trap(71, name, 4, self, 0) == KERN_SUCCESS);
	CHECK(trap(71, name, 4, 9999, 0) != KERN_SUCCESS);
	CHECK(trap(71, name, 99, self, 0) != KERN_SUCCESS);
	CHECK(trap(69, name, 0, 0, 0) == KERN_SUCCESS);
	drop(name);
	CHECK(trap(72, self, MACH_PORT_RIGHT_RECEIVE, at, 0) == KERN_SUCCESS);
	sim_read(at, &name, sizeof name);
	CHECK(trap(74, self, name, name, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS);
	CHECK(trap(73, self, name, 0, 0) == KERN_SUCCESS);
	CHECK_OK(u_mach_port_mod_refs(self, name, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK(trap(75, self, MACH_PORT_RIGHT_PORT_SET, 3000, 0) == KERN_SUCCESS);
	CHECK_OK(u_mach_port_destroy(self, 3000));
	CHECK(trap(77, 0, at, 0, 0) != KERN_SUCCESS);
	for (int n = 10; n <= 18; n++)
		CHECK(trap(n, 0, 0, 0, 0) != 99);
	CHECK(sim_trap(40, sim_init_argument(SIM_DEVICE_MASTER), 0, 0, at, 8, at + 64, 0, 0, 0, 0, 0) != 99);
	CHECK(sim_trap(39, sim_init_argument(SIM_DEVICE_MASTER), 0, 0, at, 8, at + 64, 0, 0, 0, 0, 0) != 99);
	CHECK_OK(u_vm_deallocate(self, at, 4096));
}

static void emulation_vectors_are_kept_and_inherited(void)
{
	emulation_vector_t vector;
	vm_address_t table[40];
	vm_address_t at = 0;
	mach_port_t task;
	mach_msg_type_number_t n = 0;
	int first = 0;

	memset(table, 0, sizeof table);
	table[3] = 0x1000;
	CHECK_OK(u_vm_allocate(self, &at, 4096, 1));
	sim_write(at, table, sizeof table);
	CHECK_OK(u_task_create(self, 0, &task));
	CHECK_OK(u_task_set_emulation_vector(task, 1, (emulation_vector_t)at, 40));
	CHECK_OK(u_task_get_emulation_vector(task, &first, &vector, &n));
	if (n > 0)
		u_vm_deallocate(self, (vm_address_t)vector, n * sizeof table[0]);
	CHECK_OK(u_task_terminate(task));
	drop(task);
	CHECK_OK(u_vm_deallocate(self, at, 4096));
}

static void init(uint64_t argument)
{
	(void)argument;
	self = user_task_self();
	u_mach_port_destroy(self, user_port());
	(void)user_host_self();
	user_sleep(1);
	RUN(calls_of_every_size_come_back);
	RUN(a_call_is_the_same_when_the_short_path_gives_up);
	RUN(calls_carry_rights_and_memory);
	RUN(what_happens_to_ports_is_told);
	RUN(one_message_is_forced_into_a_full_queue);
	RUN(traps_do_what_messages_do);
	RUN(emulation_vectors_are_kept_and_inherited);
	exit(cases_end());
}

int main(void)
{
	static struct sim_config cf = { .cf_cpus = 1, .cf_memory_mb = 64, .cf_init = init };

	sim_boot(&cf);
	return 1;
}
