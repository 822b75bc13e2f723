/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote procedure calls from many threads at once: combined send and receive with no options, which takes the kernel's short
 * way when it can and the general one when it cannot. Every answer must be the one to the caller's own question.
 */
#include "harness/test.h"

#define SELF mach_task_self()

enum { CLIENTS = 6, SERVERS = 3, PORTS = 3, ID_QUIT = 9999, ID_ASK = 100, SIZE = 256 };

struct call {
	mach_msg_header_t h;
	mach_msg_type_t type;
	uint32_t word[SIZE / 4];
};

static mach_port_t set, ports[PORTS];
static volatile bool stop;
static volatile uint32_t calls, wrong, broken;

static void server(void *arg)
{
	struct call m __attribute__((aligned(16)));
	mach_port_t from = arg != NULL ? (mach_port_t)(uintptr_t)arg : set;
	kern_return_t r = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, from, 0, 0);

	while (r == MACH_MSG_SUCCESS && m.h.msgh_id != ID_QUIT) {
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.h.msgh_bits), 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		for (unsigned i = 0; i < SIZE / 4; i++)
			m.word[i] = ~m.word[i];
		m.h.msgh_id++;
		r = mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, m.h.msgh_size, sizeof m, from, 0, 0);
		if (r == MACH_SEND_INVALID_DEST) {	/* the client gave up: the right has become a dead name */
			mach_port_deallocate(SELF, m.h.msgh_remote_port);
			r = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, from, 0, 0);
		}
	}
}

/* => one call; 0, or the error of a wait that was broken */
static kern_return_t ask(mach_port_t to, mach_port_t reply, uint32_t seed, unsigned size)
{
	struct call m __attribute__((aligned(16)));
	kern_return_t r;

	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = ID_ASK + (int)(seed % 1000) };
	for (unsigned i = 0; i < SIZE / 4; i++)
		m.word[i] = seed + i;
	r = mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof m, reply, 0, 0);
	if (r == MACH_SEND_INTERRUPTED) {	/* given back: both rights, the reply right under a name of its own */
		mach_port_deallocate(SELF, m.h.msgh_remote_port);
		mach_port_deallocate(SELF, m.h.msgh_local_port);
	}
	if (r != MACH_MSG_SUCCESS)
		return r;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	if (m.h.msgh_id != ID_ASK + (int)(seed % 1000) + 1 || m.h.msgh_size != size || m.h.msgh_local_port != reply)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < (size - 40) / 4; i++)
		if (m.word[i] != ~(seed + i))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	return r;
}

static void client(void *arg)
{
	uint64_t s = 0x9e3779b97f4a7c15ull * ((uintptr_t)arg + 1);
	mach_port_t reply = test_port();

	while (!stop) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		if (ask(ports[(s >> 16) % PORTS], reply, (uint32_t)(s >> 8), 40 + ((s >> 24) % (SIZE / 8)) * 8) != MACH_MSG_SUCCESS) {
			/* the answer may still come: to nobody */
			__atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
			mach_port_destroy(SELF, reply);
			reply = test_port();
		}
	}
	mach_port_destroy(SELF, reply);
}

static void open_service(mach_port_t *servers)
{
	stop = false;
	calls = wrong = broken = 0;
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (int i = 0; i < PORTS; i++) {
		ports[i] = test_port_with_send();
		CHECK_OK(mach_port_move_member(SELF, ports[i], set));
	}
	for (int i = 0; i < SERVERS; i++)
		servers[i] = test_thread(server, NULL);
}

static void close_service(mach_port_t *servers)
{
	for (int i = 0; i < SERVERS; i++)
		CHECK_OK(test_send(ports[0], MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_QUIT));
	for (int i = 0; i < SERVERS; i++)
		test_thread_join(servers[i]);
	for (int i = 0; i < PORTS; i++)
		test_port_destroy(ports[i]);
	test_port_destroy(set);
}

TEST(many_clients_get_their_own_answers)
{
	mach_port_t servers[SERVERS], clients[CLIENTS];

	open_service(servers);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = test_thread(client, (void *)(uintptr_t)i);
	test_sleep(1500);
	stop = true;
	for (int i = 0; i < CLIENTS; i++)
		test_thread_join(clients[i]);
	close_service(servers);
	CHECK(calls > 100);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(broken, 0);
}

TEST(broken_calls_disturb_nobody)
{
	mach_port_t servers[SERVERS], clients[CLIENTS];

	open_service(servers);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = test_thread(client, (void *)(uintptr_t)(i + 50));
	for (int i = 0; i < 300; i++) {
		CHECK_OK(thread_abort(clients[i % CLIENTS]));
		if (i % 10 == 0)
			test_sleep(5);
	}
	stop = true;
	for (int i = 0; i < CLIENTS; i++)
		test_thread_join(clients[i]);
	close_service(servers);
	CHECK_EQ(wrong, 0);
}

TEST(service_moves_in_and_out_of_its_set_under_load)
{
	mach_port_t servers[SERVERS], clients[CLIENTS], direct;

	open_service(servers);
	direct = test_thread(server, (void *)(uintptr_t)ports[2]);	/* MACH_RCV_IN_SET: ends at once */
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = test_thread(client, (void *)(uintptr_t)(i + 100));
	for (int i = 0; i < 200; i++) {
		CHECK_OK(mach_port_move_member(SELF, ports[i % PORTS], MACH_PORT_NULL));
		test_yield();
		CHECK_OK(mach_port_move_member(SELF, ports[i % PORTS], set));
	}
	stop = true;
	for (int i = 0; i < CLIENTS; i++)
		test_thread_join(clients[i]);
	close_service(servers);
	test_thread_join(direct);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(broken, 0);
}

static void child_server(void *arg)
{
	/* a child may run before its parent has given it the port */
	while (!(test_type((mach_port_t)(uintptr_t)arg) & MACH_PORT_TYPE_RECEIVE))
		test_sleep(1);
	server(arg);
}

TEST(server_task_killed_in_the_middle_of_calls)
{
	for (int round = 0; round < 4; round++) {
		mach_port_t p = test_port_with_send(), child, clients[CLIENTS];

		stop = false;
		wrong = broken = calls = 0;
		for (int i = 0; i < PORTS; i++)
			ports[i] = p;
		child = test_fork(child_server, (void *)0x4000);
		CHECK_OK(mach_port_insert_right(child, 0x4000, p, MACH_MSG_TYPE_MOVE_RECEIVE));
		for (int i = 0; i < CLIENTS; i++)
			clients[i] = test_thread(client, (void *)(uintptr_t)(i + 200));
		test_sleep(50);
		stop = true;
		CHECK_OK(task_terminate(child));
		/* who waits for an answer gets a send-once notification or an error, never nothing */
		for (int i = 0; i < CLIENTS; i++)
			test_thread_join(clients[i]);
		mach_port_destroy(SELF, p);
		mach_port_destroy(SELF, child);
	}
}

/* its reply right is destroyed: the caller hears that, and nothing else */
static void call_simple(int id, const char *name, unsigned size)
{
	mach_port_t reply = test_port();
	struct test_message m = { .h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = SELF, .msgh_local_port = reply, .msgh_id = id } };
	mach_msg_type_t *type = (mach_msg_type_t *)m.body;

	*type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_STRING_C, .msgt_size = 8, .msgt_inline = 1, .msgt_number = 8 };
	for (unsigned i = 0; i < 8; i++)
		m.body[8 + i] = name[i];
	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, size, sizeof m, reply, 1000, 0));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(test_receive(reply, &m), MACH_RCV_TIMED_OUT);
	test_port_destroy(reply);
}

TEST(simple_routines_of_the_kernel_answer_nobody)
{
	/* task_set_name: well, too long by a word, without its argument */
	call_simple(4202, "ipc_rpc\0", 48);
	call_simple(4202, "ipc_rpc\0", 56);
	call_simple(4202, "ipc_rpc\0", 32);
}

/* One client and one server who do nothing but call each other: the thread that stops the client is told so by its next wait,
   though a second one lets it go on again in the same moment. */
static volatile uint64_t stops;

static void stopper(void *arg)
{
	while (!stop) {
		CHECK_OK(thread_suspend((mach_port_t)(uintptr_t)arg));
		thread_resume((mach_port_t)(uintptr_t)arg);
		stops++;
	}
}

static volatile bool let_go, calling;

static void releaser(void *arg)
{
	while (let_go) {
		thread_resume((mach_port_t)(uintptr_t)arg);
		for (volatile unsigned i = 0; i < 100; i++)
			;
	}
}

static void caller(void *arg)
{
	mach_port_t reply = test_port();

	(void)arg;
	while (calling)
		CHECK_OK(ask(ports[0], reply, 7, 40));
	test_port_destroy(reply);
}

static void stop_and_let_go(unsigned strength)
{
	mach_port_t threads[4], service = test_port_with_send();

	stop = false;
	let_go = calling = true;
	stops = 0;
	ports[0] = service;
	threads[0] = test_thread(server, (void *)(uintptr_t)service);
	threads[1] = test_thread(caller, NULL);
	test_racer(strength);
	threads[2] = test_thread(stopper, (void *)(uintptr_t)threads[1]);
	threads[3] = test_thread(releaser, (void *)(uintptr_t)threads[1]);
	for (int i = 0; i < 8; i++) {
		uint64_t before = stops;

		for (int ms = 0; stops == before && ms < 3000; ms += 20)
			test_sleep(20);
		if (!CHECK(stops != before))
			break;
		test_sleep(80);
	}
	test_racer(0);
	let_go = false;
	test_thread_join(threads[3]);
	stop = true;
	/* one more resume for the stopper who went to sleep before the other was gone */
	for (int i = 0; i < 200 && !(test_type(threads[2]) & MACH_PORT_TYPE_DEAD_NAME); i++) {
		thread_resume(threads[1]);
		test_sleep(5);
	}
	test_thread_join(threads[2]);
	calling = false;
	test_thread_join(threads[1]);
	CHECK_OK(test_send(service, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_QUIT));
	test_thread_join(threads[0]);
	test_port_destroy(service);
}

TEST(who_stops_a_thread_that_only_calls_hears_of_it)
{
	stop_and_let_go(0);
	stop_and_let_go(2);
}

/* => after a while: how many calls were answered */
static uint32_t answered_after(unsigned ms, uint32_t wanted)
{
	for (unsigned i = 0; i < ms && calls < wanted; i++)
		test_sleep(1);
	return calls;
}

static void ask_once(void *arg)
{
	mach_port_t reply = test_port();

	CHECK_OK(ask((mach_port_t)(uintptr_t)arg, reply, 3, 48));
	test_port_destroy(reply);
}

TEST(a_queue_limit_of_zero_lets_no_request_in_though_a_receiver_waits)
{
	mach_port_t service = test_port_with_send(), serving = test_thread(server, (void *)(uintptr_t)service), asking;

	for (int round = 0; round < 3; round++) {
		calls = 0;
		test_sleep(20);
		CHECK_OK(mach_port_set_qlimit(SELF, service, 0));
		asking = test_thread(ask_once, (void *)(uintptr_t)service);
		CHECK_EQ(answered_after(50, 1), 0);
		CHECK_OK(mach_port_set_qlimit(SELF, service, 1));
		CHECK_EQ(answered_after(5000, 1), 1);
		test_thread_join(asking);
	}
	CHECK_OK(test_send(service, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_QUIT));
	test_thread_join(serving);
	test_port_destroy(service);
}
