/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications: interface reference sections 4 and 7. */
#include "harness/test.h"

#define SELF mach_task_self()

static mach_port_t request(mach_port_t name, int id, unsigned sync, mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;

	CHECK_OK(mach_port_request_notification(SELF, name, id, sync, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	return previous;
}

static unsigned word(const struct test_message *m)
{
	return ((const unsigned *)m->body)[2];
}

TEST(dead_name_notification_adds_a_reference)
{
	mach_port_t p = test_port_with_send(), n = test_port();
	struct test_message m;

	CHECK_EQ(request(p, MACH_NOTIFY_DEAD_NAME, 0, n), MACH_PORT_NULL);
	CHECK(test_type(p) & MACH_PORT_TYPE_DNREQUEST);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_DEAD_NAME);
	CHECK_EQ(m.h.msgh_size, 48);
	CHECK_EQ(m.h.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	CHECK_EQ(word(&m), p);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, -2));
	test_port_destroy(n);
}

TEST(dead_name_request_on_a_dead_name_fires_at_once_when_asked)
{
	mach_port_t p, n = test_port(), previous;
	struct test_message m;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &p));
	CHECK_EQ(mach_port_request_notification(SELF, p, MACH_NOTIFY_DEAD_NAME, 0, n, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_INVALID_ARGUMENT);
	CHECK_OK(test_receive(n, &m));	/* the refused send-once right died */
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	request(p, MACH_NOTIFY_DEAD_NAME, 1, n);
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_DEAD_NAME);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, -2));
	test_port_destroy(n);
}

TEST(port_deleted_follows_when_the_name_goes_first)
{
	mach_port_t p = test_port_with_send(), n = test_port();
	struct test_message m;

	request(p, MACH_NOTIFY_DEAD_NAME, 0, n);
	test_port_destroy(p);
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_PORT_DELETED);
	CHECK_EQ(word(&m), p);
	test_port_destroy(n);
}

TEST(previous_request_is_given_back)
{
	mach_port_t p = test_port_with_send(), n = test_port(), previous, none;
	struct test_message m;

	request(p, MACH_NOTIFY_DEAD_NAME, 0, n);
	previous = request(p, MACH_NOTIFY_DEAD_NAME, 0, n);
	CHECK_EQ(test_type(previous), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(mach_port_deallocate(SELF, previous));
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(mach_port_request_notification(SELF, p, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, MACH_MSG_TYPE_MOVE_SEND_ONCE,
	    &none));
	CHECK_EQ(test_type(none), MACH_PORT_TYPE_SEND_ONCE);
	mach_port_destroy(SELF, none);
	test_port_destroy(p);
	test_port_destroy(n);
}

TEST(no_senders_carries_the_make_send_count)
{
	mach_port_t p = test_port_with_send(), n = test_port();
	struct test_message m;

	CHECK_OK(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	request(p, MACH_NOTIFY_NO_SENDERS, 0, n);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK_EQ(test_receive(n, &m), MACH_RCV_TIMED_OUT);
	/* a second right, in a message, comes and goes */
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, p, MACH_MSG_TYPE_COPY_SEND, 1));
	CHECK_OK(test_receive(p, &m));
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK_EQ(test_receive(n, &m), MACH_RCV_TIMED_OUT);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_NO_SENDERS);
	CHECK_EQ(word(&m), 2);
	test_port_destroy(p);
	test_port_destroy(n);
}

TEST(no_senders_fires_at_once_when_there_are_none)
{
	mach_port_t p = test_port(), n = test_port();
	struct test_message m;

	request(p, MACH_NOTIFY_NO_SENDERS, 0, n);
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_NO_SENDERS);
	request(p, MACH_NOTIFY_NO_SENDERS, 1, n);	/* only once one more has been made */
	CHECK_EQ(test_receive(n, &m), MACH_RCV_TIMED_OUT);
	CHECK_OK(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_OK(mach_port_deallocate(SELF, p));
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(word(&m), 1);
	test_port_destroy(p);
	test_port_destroy(n);
}

TEST(port_destroyed_hands_the_receive_right_on)
{
	mach_port_t p = test_port_with_send(), n = test_port();
	struct test_message m;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 17));
	request(p, MACH_NOTIFY_PORT_DESTROYED, 0, n);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_OK(test_receive(n, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	CHECK(m.h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	mach_port_t back = word(&m);
	CHECK(test_type(back) & MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(test_receive(back, &m));
	CHECK_EQ(m.h.msgh_id, 17);
	test_port_destroy(back);
	if (test_type(p))
		mach_port_destroy(SELF, p);
	test_port_destroy(n);
}

TEST(requests_are_checked)
{
	mach_port_t p = test_port_with_send(), n = test_port_with_send(), previous;

	CHECK_EQ(mach_port_request_notification(SELF, p, 12345, 0, n, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_request_notification(SELF, p, MACH_NOTIFY_PORT_DESTROYED, 1, n, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_request_notification(SELF, p, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_DEAD, MACH_MSG_TYPE_MOVE_SEND_ONCE,
	    &previous), KERN_INVALID_CAPABILITY);
	CHECK_EQ(mach_port_request_notification(SELF, 0x55555, MACH_NOTIFY_DEAD_NAME, 0, n, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_INVALID_NAME);
	test_port_destroy(p);
	test_port_destroy(n);
}

/* reliability classes 7 and 8: kernel objects take no notifications from users */
TEST_FLAGS(forged_notifications_to_kernel_objects_are_bad_ids, TEST_LOCAL)
{
	static const int ids[] = { 64, 65, 66, 67, 68, 69, 70, 71, 72 };
	mach_port_t reply = test_port();

	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct test_message m = { .h = {
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		    .msgh_remote_port = SELF, .msgh_local_port = reply, .msgh_id = ids[i] } };

		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, 48, sizeof m, reply, 1000, 0));
		CHECK_EQ(m.h.msgh_id, ids[i] + 100);
		CHECK_EQ((int)word(&m), -303);
	}
	test_port_destroy(reply);
}

TEST(task_death_kills_its_ports)
{
	mach_port_t task, p = MACH_PORT_NULL, n = test_port();
	mach_msg_type_name_t type;
	struct test_message m;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(mach_port_allocate_name(task, MACH_PORT_RIGHT_RECEIVE, 50));
	CHECK_OK(mach_port_extract_right(task, 50, MACH_MSG_TYPE_MAKE_SEND, &p, &type));
	request(p, MACH_NOTIFY_DEAD_NAME, 0, n);
	CHECK_OK(task_terminate(task));
	CHECK_OK(test_receive_wait(n, &m, 1000));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_DEAD_NAME);
	CHECK_EQ(word(&m), p);
	mach_port_destroy(SELF, p);
	mach_port_destroy(SELF, task);
	test_port_destroy(n);
}
