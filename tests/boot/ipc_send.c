/* SPDX-License-Identifier: BSD-2-Clause */
/* mach_msg, sending: header checks, what a failed send consumes, flow control. Interface reference section 3. */
#include "harness/test.h"

#define SELF mach_task_self()

TEST(simple_message_arrives_as_sent)
{
	mach_port_t p = test_port_with_send(), reply = test_port();
	struct test_message m;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 4711));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_bits, 0x1112);
	CHECK_EQ(m.h.msgh_size, 32);
	CHECK_EQ(m.h.msgh_id, 4711);
	CHECK_EQ(m.h.msgh_local_port, p);
	CHECK_EQ(m.h.msgh_seqno, 0);
	CHECK(m.h.msgh_remote_port != reply);
	CHECK_EQ(test_type(m.h.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(test_send(m.h.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, 4811));
	CHECK_OK(test_receive(reply, &m));
	CHECK_EQ(m.h.msgh_id, 4811);
	CHECK_EQ(m.h.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	CHECK_EQ(m.h.msgh_remote_port, MACH_PORT_NULL);
	test_port_destroy(p);
	test_port_destroy(reply);
}

TEST(sequence_numbers_rise_by_one)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;

	for (unsigned i = 0; i < 20; i++) {
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, (int)i));
		CHECK_OK(test_receive(p, &m));
		CHECK_EQ(m.h.msgh_seqno, i);
		CHECK_EQ(m.h.msgh_id, i);
	}
	test_port_destroy(p);
}

TEST(messages_keep_their_order)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;

	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	for (int i = 0; i < 5; i++) {
		CHECK_OK(test_receive(p, &m));
		CHECK_EQ(m.h.msgh_id, i);
	}
	test_port_destroy(p);
}

TEST(header_mistakes_consume_nothing)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send();

	CHECK_EQ(test_send(0x55555, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(test_send(MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(test_send(MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(test_send(p, 0, 0, 0, 1), MACH_SEND_INVALID_HEADER);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_MOVE_RECEIVE, 0, 0, 1), MACH_SEND_INVALID_HEADER);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_COPY_SEND, q, 0, 1), MACH_SEND_INVALID_HEADER);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_COPY_SEND, q, MACH_MSG_TYPE_MOVE_RECEIVE, 1), MACH_SEND_INVALID_HEADER);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0x55555, MACH_MSG_TYPE_MAKE_SEND, 1), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_MOVE_SEND, 0x55555, MACH_MSG_TYPE_COPY_SEND, 1), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(test_urefs(q, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(p);
	test_port_destroy(q);
}

TEST(size_must_be_whole_and_cover_the_header)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;
	static const unsigned bad[] = { 0, 1, 8, 24, 31, 33, 34, 39, 41 };

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p };
		CHECK_EQ(mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, bad[i], 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
	}
	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p, .msgh_size = 12345 };
	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, 40, 0, 0, 0, 0));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_size, 40);
	test_port_destroy(p);
}

TEST(unreadable_message_is_invalid_data)
{
	mach_port_t p = test_port_with_send();

	CHECK_EQ(mach_msg((mach_msg_header_t *)0x10, MACH_SEND_MSG, 32, 0, 0, 0, 0), MACH_SEND_INVALID_DATA);
	CHECK_EQ(mach_msg((mach_msg_header_t *)0xffff800000000000, MACH_SEND_MSG, 32, 0, 0, 0, 0), MACH_SEND_INVALID_DATA);
	CHECK_EQ(mach_msg((mach_msg_header_t *)0x7fffffffffe0, MACH_SEND_MSG, 0xfffffff8, 0, 0, 0, 0) & ~0x3fff,
	    MACH_SEND_INVALID_DATA & ~0x3fff);
	test_port_destroy(p);
}

TEST(sending_to_a_dead_port_is_invalid_dest)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_OK(mach_port_deallocate(SELF, p));
}

TEST(dead_reply_port_arrives_dead)
{
	mach_port_t p = test_port_with_send(), reply = test_port_with_send();
	struct test_message m;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_COPY_SEND, 1));
	CHECK_OK(mach_port_destroy(SELF, reply));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_remote_port, MACH_PORT_DEAD);
	/* so does the name that stands for all dead rights, whatever it is sent as */
	for (unsigned type = MACH_MSG_TYPE_MOVE_SEND; type <= MACH_MSG_TYPE_MAKE_SEND_ONCE; type++) {
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_DEAD, type, 1));
		CHECK_OK(test_receive(p, &m));
		CHECK_EQ(m.h.msgh_remote_port, MACH_PORT_DEAD);
	}
	test_port_destroy(p);
}

TEST(full_queue_holds_the_sender_until_the_timeout)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;

	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 5), MACH_SEND_TIMED_OUT);
	CHECK_OK(test_receive(p, &m));
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 5));
	/* pseudo-receive on time-out: the moved right comes back */
	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND),
	    .msgh_remote_port = p };
	mach_port_t q = test_port_with_send();
	m.h.msgh_local_port = q;
	CHECK_EQ(mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 32, 0, 0, 10, 0), MACH_SEND_TIMED_OUT);
	CHECK_EQ(m.h.msgh_local_port, q);
	CHECK_EQ(test_urefs(q, MACH_PORT_RIGHT_SEND), 1);
	/* the copied destination came back as a reference, both times */
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 3);
	test_port_destroy(p);
	test_port_destroy(q);
}

TEST(send_once_ignores_the_queue_limit)
{
	mach_port_t p = test_port_with_send();
	mach_port_t once[4];
	mach_msg_type_name_t type;

	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	for (int i = 0; i < 4; i++) {
		CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once[i], &type));
		CHECK_OK(test_send(once[i], MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, 10 + i));
	}
	test_port_destroy(p);
}

static mach_port_t blocked_port;
static volatile int blocked_result, blocked_done;

static void blocked_sender(void *arg)
{
	mach_msg_header_t h = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = blocked_port,
	    .msgh_id = (int)(intptr_t)arg };

	blocked_result = mach_msg(&h, MACH_SEND_MSG, 32, 0, 0, 0, 0);
	blocked_done = 1;
}

TEST(blocked_sender_goes_on_when_there_is_room)
{
	struct test_message m;

	blocked_port = test_port_with_send();
	blocked_done = 0;
	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(blocked_port, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	mach_port_t t = test_thread(blocked_sender, (void *)99);
	test_sleep(30);
	CHECK_EQ(blocked_done, 0);
	for (int i = 0; i < 5; i++) {
		CHECK_OK(test_receive(blocked_port, &m));
		CHECK_EQ(m.h.msgh_id, i);
	}
	CHECK_OK(test_receive_wait(blocked_port, &m, 1000));
	CHECK_EQ(m.h.msgh_id, 99);
	test_thread_join(t);
	CHECK_OK(blocked_result);
	test_port_destroy(blocked_port);
}

TEST(blocked_sender_succeeds_when_the_port_dies)
{
	blocked_port = test_port_with_send();
	blocked_done = 0;
	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(blocked_port, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	mach_port_t t = test_thread(blocked_sender, NULL);
	test_sleep(30);
	CHECK_OK(mach_port_mod_refs(SELF, blocked_port, MACH_PORT_RIGHT_RECEIVE, -1));
	test_thread_join(t);
	CHECK_OK(blocked_result);
	CHECK_OK(mach_port_deallocate(SELF, blocked_port));
}

TEST(blocked_send_can_be_aborted)
{
	blocked_port = test_port_with_send();
	blocked_done = 0;
	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(blocked_port, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	mach_port_t t = test_thread(blocked_sender, NULL);
	test_sleep(30);
	CHECK_OK(thread_abort(t));	/* the library tries again */
	test_sleep(30);
	CHECK_EQ(blocked_done, 0);
	CHECK_OK(thread_terminate(t));
	test_thread_join(t);
	test_port_destroy(blocked_port);
}

TEST(send_notify_queues_and_tells_when_accepted)
{
	mach_port_t p = test_port_with_send(), n = test_port();
	struct test_message m;
	mach_msg_header_t h = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p, .msgh_id = 70 };

	for (int i = 0; i < 5; i++)
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	CHECK_EQ(mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, 32, 0, 0, 0, n), MACH_SEND_WILL_NOTIFY);
	CHECK(test_type(p) & MACH_PORT_TYPE_MAREQUEST);
	CHECK_EQ(mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, 32, 0, 0, 0, n),
	    MACH_SEND_NOTIFY_IN_PROGRESS);
	for (int i = 0; i < 6; i++)
		CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, 70);
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_MSG_ACCEPTED);
	CHECK_EQ(((mach_port_name_t *)m.body)[2], p);
	CHECK_EQ(test_type(p) & MACH_PORT_TYPE_MAREQUEST, 0);
	test_port_destroy(p);
	test_port_destroy(n);
}

TEST(move_send_takes_the_reference)
{
	mach_port_t p = test_port_with_send();
	struct test_message m;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_MOVE_SEND, 0, 0, 1));
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 0);
	CHECK_EQ(test_send(p, MACH_MSG_TYPE_MOVE_SEND, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_MAKE_SEND, 0, 0, 2));
	CHECK_OK(test_receive(p, &m));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, 2);
	test_port_destroy(p);
}

TEST(same_right_as_destination_and_reply)
{
	mach_port_t p = test_port_with_send(), once;
	mach_msg_type_name_t type;
	struct test_message m;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, p, MACH_MSG_TYPE_COPY_SEND, 1));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_remote_port, p);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 2);
	/* one reference cannot be moved twice */
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK(test_send(p, MACH_MSG_TYPE_MOVE_SEND, p, MACH_MSG_TYPE_MOVE_SEND, 1) != MACH_MSG_SUCCESS);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	/* and a send-once right is used once */
	CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	CHECK_EQ(test_send(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(test_type(once), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(test_send(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, 2));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, 2);
	test_port_destroy(p);
}

TEST(large_message_is_carried_whole)
{
	enum { SIZE = 256 * 1024 };
	mach_port_t p = test_port_with_send();
	vm_address_t a = 0, b = 0;

	REQUIRE(vm_allocate(SELF, &a, SIZE, TRUE) == KERN_SUCCESS);
	REQUIRE(vm_allocate(SELF, &b, SIZE, TRUE) == KERN_SUCCESS);
	uint32_t *from = (uint32_t *)a, *to = (uint32_t *)b;
	for (unsigned i = 8; i < SIZE / 4; i++)
		from[i] = i * 2654435761u;
	mach_msg_header_t *h = (mach_msg_header_t *)a;
	*h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p };
	CHECK_OK(mach_msg(h, MACH_SEND_MSG, SIZE, 0, 0, 0, 0));
	CHECK_OK(mach_msg((mach_msg_header_t *)b, MACH_RCV_MSG, 0, SIZE, p, 0, 0));
	bool same = true;
	for (unsigned i = 8; i < SIZE / 4; i++)
		same &= to[i] == i * 2654435761u;
	CHECK(same);
	vm_deallocate(SELF, a, SIZE);
	vm_deallocate(SELF, b, SIZE);
	test_port_destroy(p);
}
