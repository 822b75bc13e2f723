/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, rights and user references: interface reference section 4. */
#include "harness/test.h"

#define SELF mach_task_self()

TEST(send_and_receive_rights_share_one_name)
{
	mach_port_t p = test_port();

	CHECK_EQ(test_type(p), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_SEND);
	CHECK_OK(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_RECEIVE), 1);
	test_port_destroy(p);
	CHECK_EQ(test_type(p), 0);
}

TEST(names_are_small_and_reused_last_freed_first)
{
	mach_port_t a = test_port(), b = test_port(), c;

	CHECK(a < 1000 && b < 1000 && a != b);
	test_port_destroy(a);
	c = test_port();
	CHECK_EQ(c, a);
	test_port_destroy(b);
	test_port_destroy(c);
}

TEST(explicit_name_may_be_any_but_null_and_dead)
{
	mach_port_t name = 0x12345678;

	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name));
	CHECK_EQ(test_type(name), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_NAME_EXISTS);
	CHECK_OK(mach_port_destroy(SELF, name));
	CHECK_EQ(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, 0), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, ~0u), KERN_INVALID_VALUE);
	/* a freed explicit name is a free name like any other: take it off the list again */
	mach_port_t again = test_port();
	test_port_destroy(again);
}

TEST(allocate_takes_receive_set_and_dead_name_only)
{
	mach_port_t p;

	CHECK_EQ(mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND, &p), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND_ONCE, &p), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_allocate(SELF, 77, &p), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &p));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_OK(mach_port_deallocate(SELF, p));
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &p));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_PORT_SET);
	test_port_destroy(p);
}

TEST(send_right_references_stop_before_the_one_kept_for_the_dead_name)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, 65533));
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 65534);
	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, 1), KERN_UREFS_OVERFLOW);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 65534);
	test_port_destroy(p);
}

TEST(dead_name_references_reach_one_more)
{
	mach_port_t p;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &p));
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, 65534));
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_DEAD_NAME), 65535);
	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_UREFS_OVERFLOW);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, -65535));
	CHECK_EQ(test_type(p), 0);
}

TEST(mod_refs_checks_its_arguments)
{
	mach_port_t p = test_port_with_send();

	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -2), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, 1), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_mod_refs(SELF, p, 99, 1), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_mod_refs(SELF, 0x7654321, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_NAME);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, -1));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(test_type(p), 0);
}

TEST(destroying_the_receive_right_turns_send_rights_into_dead_names)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, 4));
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_DEAD_NAME), 5);
	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_DEAD_NAME, -5));
	CHECK_EQ(test_type(p), 0);
}

TEST(every_send_once_right_has_its_own_name)
{
	mach_port_t p = test_port(), a, b;
	mach_msg_type_name_t type;

	CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &a, &type));
	CHECK_EQ(type, MACH_MSG_TYPE_PORT_SEND_ONCE);
	CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &b, &type));
	CHECK(a != b && a != p && b != p);
	CHECK_EQ(test_type(a), MACH_PORT_TYPE_SEND_ONCE);
	/* dropping them unused tells the receiver twice */
	CHECK_OK(mach_port_deallocate(SELF, a));
	CHECK_OK(mach_port_deallocate(SELF, b));
	struct test_message m;
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(test_receive(p, &m), MACH_RCV_TIMED_OUT);
	test_port_destroy(p);
}

TEST(insert_right_answers_each_mistake)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send();

	CHECK_EQ(mach_port_insert_right(SELF, q, p, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS);	/* the port's own name wins */
	CHECK_EQ(mach_port_insert_right(SELF, 0x7654, p, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS);
	CHECK_EQ(mach_port_insert_right(SELF, 0x7654, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
	CHECK_EQ(mach_port_insert_right(SELF, 0x7654, MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
	CHECK_EQ(mach_port_insert_right(SELF, 0, p, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_insert_right(SELF, ~0u, p, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_VALUE);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(test_urefs(q, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(p);
	test_port_destroy(q);
}

/* a message with such an item is not one of this routine */
TEST_FLAGS(insert_right_by_trap_refuses_dispositions_that_are_none, TEST_LOCAL)
{
	mach_port_t p = test_port_with_send();

	CHECK_EQ(mach_port_insert_right(SELF, 0x7654, p, 99), KERN_INVALID_VALUE);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(p);
}

TEST(rename_keeps_the_right)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(mach_port_rename(SELF, p, 0x4444));
	CHECK_EQ(test_type(p), 0);
	CHECK_EQ(test_type(0x4444), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(test_send(0x4444, MACH_MSG_TYPE_COPY_SEND, 0, 0, 5));
	struct test_message m;
	CHECK_OK(test_receive(0x4444, &m));
	CHECK_EQ(m.h.msgh_local_port, 0x4444);
	CHECK_EQ(mach_port_rename(SELF, 0x4444, 0), KERN_INVALID_VALUE);
	test_port_destroy(0x4444);
	mach_port_t again = test_port();
	test_port_destroy(again);
}

TEST(names_lists_every_right_with_its_type)
{
	mach_port_t p = test_port_with_send();
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t n = 0, tn = 0;
	bool found = false;

	CHECK_OK(mach_port_names(SELF, &names, &n, &types, &tn));
	CHECK_EQ(n, tn);
	for (unsigned i = 0; i < n; i++)
		if (names[i] == p)
			found = types[i] == (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
	CHECK(found);
	vm_deallocate(SELF, (vm_address_t)names, n * sizeof *names);
	vm_deallocate(SELF, (vm_address_t)types, tn * sizeof *types);
	test_port_destroy(p);
}

TEST(receive_status_tells_what_the_port_is_like)
{
	mach_port_t p = test_port_with_send();
	mach_port_status_t s;

	CHECK_OK(mach_port_get_receive_status(SELF, p, &s));
	CHECK_EQ(s.mps_qlimit, 5);
	CHECK_EQ(s.mps_msgcount, 0);
	CHECK_EQ(s.mps_mscount, 1);
	CHECK_EQ(s.mps_srights, TRUE);
	CHECK_EQ(s.mps_sorights, 0);
	CHECK_EQ(s.mps_pset, MACH_PORT_NULL);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(mach_port_set_qlimit(SELF, p, 16));
	CHECK_EQ(mach_port_set_qlimit(SELF, p, 17), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_set_mscount(SELF, p, 9));
	CHECK_OK(mach_port_set_seqno(SELF, p, 100));
	CHECK_OK(mach_port_get_receive_status(SELF, p, &s));
	CHECK_EQ(s.mps_qlimit, 16);
	CHECK_EQ(s.mps_msgcount, 1);
	CHECK_EQ(s.mps_mscount, 9);
	CHECK_EQ(s.mps_seqno, 100);
	struct test_message m;
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_seqno, 100);
	CHECK_EQ(mach_port_get_receive_status(SELF, 0x999999, &s), KERN_INVALID_NAME);
	test_port_destroy(p);
}

TEST(copied_send_right_joins_the_existing_name)
{
	mach_port_t p = test_port_with_send(), carrier = test_port_with_send();
	struct { mach_msg_header_t h; struct port_item item; } m = {
		.h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
		    .msgh_remote_port = carrier },
		.item = { test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), { p } },
	};
	struct test_message r;

	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
	CHECK_OK(test_receive(carrier, &r));
	struct port_item *item = (struct port_item *)r.body;
	CHECK_EQ(item->port.name, p);
	CHECK_EQ(item->type.msgt_name, MACH_MSG_TYPE_PORT_SEND);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 2);
	test_port_destroy(p);
	test_port_destroy(carrier);
}

/* reliability class 1: references received past the limit are not counted, and giving all back does not free the name */
TEST(receiving_past_the_reference_limit_keeps_the_right)
{
	mach_port_t p = test_port_with_send(), carrier = test_port_with_send();
	struct test_message r;
	unsigned given;

	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, 65532));
	for (int i = 0; i < 10; i++) {
		struct { mach_msg_header_t h; struct port_item item; } m = {
			.h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
			    .msgh_remote_port = carrier },
			.item = { test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), { p } },
		};

		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
		CHECK_OK(test_receive(carrier, &r));
	}
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 65534);
	for (given = 0; given < 65543 && mach_port_deallocate(SELF, p) == KERN_SUCCESS; given++)
		;
	CHECK_EQ(given, 65543);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 3));
	CHECK_OK(test_receive(p, &r));
	/* nor does moving them away, as messages do */
	for (given = 0; given < 65543 && test_send(p, MACH_MSG_TYPE_MOVE_SEND, 0, 0, 3) == KERN_SUCCESS; given++)
		CHECK_OK(test_receive(p, &r));
	CHECK_EQ(given, 65543);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 65534);
	test_port_destroy(p);
	test_port_destroy(carrier);
}

TEST(inserting_past_the_reference_limit_is_an_overflow)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(mach_port_mod_refs(SELF, p, MACH_PORT_RIGHT_SEND, 65533));
	CHECK_EQ(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND), KERN_UREFS_OVERFLOW);
	CHECK_EQ(mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_COPY_SEND), KERN_UREFS_OVERFLOW);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 65534);
	test_port_destroy(p);
}

TEST(many_ports_cost_only_themselves)
{
	const unsigned N = test_is_proxied ? 2000 : 20000;
	vm_address_t table = 0;
	unsigned made = 0;

	REQUIRE(vm_allocate(SELF, &table, N * sizeof(mach_port_t), TRUE) == KERN_SUCCESS);
	mach_port_t *ports = (mach_port_t *)table;
	while (made < N && mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &ports[made]) == KERN_SUCCESS)
		made++;
	CHECK_EQ(made, N);
	for (unsigned i = 0; i < made; i += 997)
		CHECK_EQ(test_type(ports[i]), MACH_PORT_TYPE_RECEIVE);
	for (unsigned i = 0; i < made; i++)
		mach_port_destroy(SELF, ports[i]);
	vm_deallocate(SELF, table, N * sizeof(mach_port_t));
}
