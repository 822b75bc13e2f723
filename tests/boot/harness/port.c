/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports and small messages for tests. */
#include "test.h"

mach_port_t test_port(void)
{
	mach_port_t p = MACH_PORT_NULL;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &p));
	return p;
}

mach_port_t test_port_with_send(void)
{
	mach_port_t p = test_port();

	CHECK_OK(mach_port_insert_right(mach_task_self(), p, p, MACH_MSG_TYPE_MAKE_SEND));
	return p;
}

void test_port_destroy(mach_port_t p)
{
	CHECK_OK(mach_port_destroy(mach_task_self(), p));
}

kern_return_t test_send(mach_port_t dest, unsigned disposition, mach_port_t reply, unsigned reply_disposition, int id)
{
	mach_msg_header_t h = {
		.msgh_bits = MACH_MSGH_BITS(disposition, reply_disposition), .msgh_size = sizeof h,
		.msgh_remote_port = dest, .msgh_local_port = reply, .msgh_id = id,
	};

	return mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof h, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

kern_return_t test_receive_wait(mach_port_t p, struct test_message *m, unsigned ms)
{
	return mach_msg(&m->h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, p, ms, MACH_PORT_NULL);
}

kern_return_t test_receive(mach_port_t p, struct test_message *m)
{
	return test_receive_wait(p, m, 0);
}

unsigned test_urefs(mach_port_t name, mach_port_right_t right)
{
	mach_port_urefs_t n = 0;

	return mach_port_get_refs(mach_task_self(), name, right, &n) == KERN_SUCCESS ? n : 0;
}

mach_port_type_t test_type(mach_port_t name)
{
	mach_port_type_t t = 0;

	return mach_port_type(mach_task_self(), name, &t) == KERN_SUCCESS ? t : 0;
}

bool test_is_dead(mach_port_t name)
{
	for (int i = 0; test_is_proxied && i < 1000 && !(test_type(name) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(1);
	return test_type(name) & MACH_PORT_TYPE_DEAD_NAME;
}
