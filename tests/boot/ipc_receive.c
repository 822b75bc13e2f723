/* SPDX-License-Identifier: BSD-2-Clause */
/* mach_msg, receiving: names, sets, sizes, waiting, and what breaks a wait. Interface reference section 3. */
#include "harness/test.h"

#define SELF mach_task_self()

TEST(receive_wants_a_receive_right_or_a_set)
{
	struct test_message m;
	mach_port_t p = test_port(), once;
	mach_msg_type_name_t type;

	CHECK_EQ(test_receive(0x55555, &m), MACH_RCV_INVALID_NAME);
	CHECK_EQ(test_receive(MACH_PORT_NULL, &m), MACH_RCV_INVALID_NAME);
	CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	CHECK_EQ(test_receive(once, &m), MACH_RCV_INVALID_NAME);
	mach_port_destroy(SELF, once);
	test_port_destroy(p);
}

TEST(poll_of_an_empty_port_times_out)
{
	struct test_message m;
	mach_port_t p = test_port();

	CHECK_EQ(test_receive(p, &m), MACH_RCV_TIMED_OUT);
	CHECK_EQ(test_receive_wait(p, &m, 20), MACH_RCV_TIMED_OUT);
	test_port_destroy(p);
}

TEST(too_small_a_buffer_destroys_the_message_and_shows_its_header)
{
	mach_port_t p = test_port_with_send();
	struct test_message m = { .h = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p, .msgh_id = 7 } };

	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, 64, 0, 0, 0, 0));
	CHECK_EQ(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 40, p, 0, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQ(m.h.msgh_size, 64);
	CHECK_EQ(m.h.msgh_id, 7);
	CHECK_EQ(test_receive(p, &m), MACH_RCV_TIMED_OUT);
	test_port_destroy(p);
}

TEST(rcv_large_leaves_the_message_and_tells_its_size)
{
	mach_port_t p = test_port_with_send();
	struct test_message m = { .h = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p, .msgh_id = 7 } };

	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, 64, 0, 0, 0, 0));
	m.h.msgh_size = 0;
	m.h.msgh_id = 1234;
	CHECK_EQ(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, 40, p, 0, 0), MACH_RCV_TOO_LARGE);
	CHECK_EQ(m.h.msgh_size, 64);
	CHECK_EQ(m.h.msgh_id, 1234);
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, 64, p, 0, 0));
	CHECK_EQ(m.h.msgh_id, 7);
	test_port_destroy(p);
}

TEST(unwritable_buffer_is_invalid_data)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_EQ(mach_msg((mach_msg_header_t *)0x10, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 64, p, 0, 0), MACH_RCV_INVALID_DATA);
	test_port_destroy(p);
}

static volatile kern_return_t waiter_result;
static volatile int waiter_id;

static void waiter(void *arg)
{
	struct test_message m;

	waiter_result = mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_INTERRUPT, 0, sizeof m, (mach_port_t)(uintptr_t)arg, 0, 0);
	waiter_id = m.h.msgh_id;
}

TEST(waiting_receiver_gets_the_message)
{
	mach_port_t p = test_port_with_send();
	mach_port_t t = test_thread(waiter, (void *)(uintptr_t)p);

	test_sleep(20);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 31));
	test_thread_join(t);
	CHECK_OK(waiter_result);
	CHECK_EQ(waiter_id, 31);
	test_port_destroy(p);
}

TEST(port_death_wakes_the_receiver)
{
	mach_port_t p = test_port();
	mach_port_t t = test_thread(waiter, (void *)(uintptr_t)p);

	test_sleep(20);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	test_thread_join(t);
	CHECK_EQ(waiter_result, MACH_RCV_PORT_DIED);
}

TEST(moving_into_a_set_wakes_the_receiver)
{
	mach_port_t p = test_port(), set;
	mach_port_t t = test_thread(waiter, (void *)(uintptr_t)p);

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	test_sleep(20);
	CHECK_OK(mach_port_move_member(SELF, p, set));
	test_thread_join(t);
	CHECK_EQ(waiter_result, MACH_RCV_PORT_CHANGED);
	test_port_destroy(p);
	test_port_destroy(set);
}

TEST(set_death_wakes_the_receiver)
{
	mach_port_t set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	mach_port_t t = test_thread(waiter, (void *)(uintptr_t)set);
	test_sleep(20);
	test_port_destroy(set);
	test_thread_join(t);
	CHECK_EQ(waiter_result, MACH_RCV_PORT_DIED);
}

TEST(abort_interrupts_a_receive)
{
	mach_port_t p = test_port();
	mach_port_t t = test_thread(waiter, (void *)(uintptr_t)p);

	test_sleep(20);
	CHECK_OK(thread_abort(t));
	test_thread_join(t);
	CHECK_EQ(waiter_result, MACH_RCV_INTERRUPTED);
	test_port_destroy(p);
}

TEST(member_of_a_set_cannot_be_received_from)
{
	struct test_message m;
	mach_port_t p = test_port_with_send(), set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_move_member(SELF, p, set));
	CHECK_EQ(test_receive(p, &m), MACH_RCV_IN_SET);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 9));
	CHECK_OK(test_receive(set, &m));
	CHECK_EQ(m.h.msgh_local_port, p);
	CHECK_EQ(m.h.msgh_id, 9);
	CHECK_OK(mach_port_move_member(SELF, p, MACH_PORT_NULL));
	CHECK_EQ(test_receive(p, &m), MACH_RCV_TIMED_OUT);
	CHECK_EQ(mach_port_move_member(SELF, p, MACH_PORT_NULL), KERN_NOT_IN_SET);
	test_port_destroy(p);
	test_port_destroy(set);
}

TEST(set_gives_the_messages_of_all_members)
{
	enum { N = 50 };
	mach_port_t ports[N], set;
	struct test_message m;
	unsigned seen = 0;
	bool got[N] = { false };

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (int i = 0; i < N; i++) {
		ports[i] = test_port_with_send();
		if (i % 2)
			CHECK_OK(mach_port_move_member(SELF, ports[i], set));
		CHECK_OK(test_send(ports[i], MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
		if (i % 2 == 0)		/* one with a message already queued joins */
			CHECK_OK(mach_port_move_member(SELF, ports[i], set));
	}
	while (test_receive(set, &m) == MACH_MSG_SUCCESS && seen < N + 1) {
		CHECK(m.h.msgh_id >= 0 && m.h.msgh_id < N && !got[m.h.msgh_id]);
		got[m.h.msgh_id] = true;
		seen++;
	}
	CHECK_EQ(seen, N);
	mach_port_name_array_t members;
	mach_msg_type_number_t n = 0;
	CHECK_OK(mach_port_get_set_status(SELF, set, &members, &n));
	CHECK_EQ(n, N);
	vm_deallocate(SELF, (vm_address_t)members, n * sizeof *members);
	test_port_destroy(set);
	for (int i = 0; i < N; i++)
		test_port_destroy(ports[i]);
}

TEST(set_survives_the_death_of_a_member)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send(), set;
	struct test_message m;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_move_member(SELF, p, set));
	CHECK_OK(mach_port_move_member(SELF, q, set));
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(test_send(q, MACH_MSG_TYPE_COPY_SEND, 0, 0, 2));
	test_port_destroy(p);
	CHECK_OK(test_receive(set, &m));
	CHECK_EQ(m.h.msgh_id, 2);
	CHECK_EQ(test_receive(set, &m), MACH_RCV_TIMED_OUT);
	test_port_destroy(q);
	test_port_destroy(set);
}

TEST(protected_payload_stands_in_for_the_port)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;

	CHECK_OK(mach_port_set_protected_payload(SELF, p, 0x1122334455667788));
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(MACH_MSGH_BITS_LOCAL(m.h.msgh_bits), MACH_MSG_TYPE_PROTECTED_PAYLOAD);
	CHECK_EQ(m.h.msgh_protected_payload, 0x1122334455667788);
	CHECK_OK(mach_port_clear_protected_payload(SELF, p));
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_local_port, p);
	test_port_destroy(p);
}

static void echo_server(void *arg)
{
	mach_port_t p = (mach_port_t)(uintptr_t)arg;
	struct test_message m;
	kern_return_t kr = mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, p, 0, 0);

	while (kr == MACH_MSG_SUCCESS && m.h.msgh_id != -1) {
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		m.h.msgh_id += 100;
		kr = mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, m.h.msgh_size, sizeof m, p, 0, 0);
	}
}

TEST(many_clients_get_their_own_replies)
{
	enum { CALLS = 300 };
	mach_port_t p = test_port_with_send(), reply = test_port();
	mach_port_t server = test_thread(echo_server, (void *)(uintptr_t)p);

	for (int i = 0; i < CALLS; i++) {
		struct test_message m = { .h = {
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		    .msgh_remote_port = p, .msgh_local_port = reply, .msgh_id = i } };
		unsigned size = 32 + (unsigned)i % 64 * 8;

		*(int *)m.body = i * 3;
		if (!CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof m, reply, 0, 0)))
			break;
		CHECK_EQ(m.h.msgh_id, i + 100);
		CHECK_EQ(m.h.msgh_size, size);
		if (size > 32)
			CHECK_EQ(*(int *)m.body, i * 3);
	}
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, -1));
	test_thread_join(server);
	test_port_destroy(p);
	test_port_destroy(reply);
}

static volatile unsigned told, too_late;

static void receive_until_it_dies(void *set)
{
	struct { mach_msg_header_t h; char room[32]; } m;
	kern_return_t kr = mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, (mach_port_t)(uintptr_t)set, 0, 0);

	if (kr == MACH_RCV_PORT_DIED)
		__atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
	else if (kr == MACH_RCV_INVALID_NAME)
		__atomic_fetch_add(&too_late, 1, __ATOMIC_RELAXED);
}

TEST(every_receiver_of_a_dying_set_learns_of_it)
{
	enum { RECEIVERS = 100 };
	mach_port_t set, p = test_port_with_send(), t[RECEIVERS];
	struct test_message m;

	told = too_late = 0;
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_move_member(SELF, p, set));
	for (unsigned i = 0; i < RECEIVERS; i++)
		t[i] = test_thread(receive_until_it_dies, (void *)(uintptr_t)set);
	test_sleep(50);
	CHECK_OK(mach_port_destroy(SELF, set));
	for (unsigned i = 0; i < RECEIVERS; i++)
		test_thread_join(t[i]);
	CHECK_EQ(told + too_late, RECEIVERS);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 5));	/* the member lives on, in no set */
	CHECK_OK(test_receive(p, &m));
	test_port_destroy(p);
}
