/* SPDX-License-Identifier: BSD-2-Clause */
/* Remote procedure calls between two tasks and two threads, by size and by what they carry. */
#include <mach/thread_switch.h>
#include "bench.h"

enum { ID_NULL = 1, ID_ECHO, ID_RIGHT, ID_OOL_READ, ID_OOL_WRITE, ID_QUIT };

struct inline_message { mach_msg_header_t h; mach_msg_type_t type; char data[8192]; };
struct right_message { mach_msg_header_t h; struct port_item item; };
struct ool_message { mach_msg_header_t h; struct data_item item; };
union any_message { mach_msg_header_t h; struct inline_message in; struct right_message right; struct ool_message ool; };

static volatile char sink;

static void touch(const struct data_item *d, bool write)
{
	volatile char *p = d->address;

	for (unsigned at = 0; at < d->type.msgt_number; at += PAGE) {
		if (write)
			p[at] = 1;
		else
			sink = p[at];
	}
	vm_deallocate(SELF, (vm_address_t)d->address, d->type.msgt_number);
}

static void server(void *arg)
{
	static union any_message m __attribute__((aligned(64)));
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	int r;

	/* a child may run before its parent has given it the port */
	while ((r = mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL)) == MACH_RCV_INVALID_NAME)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
	while (r == MACH_MSG_SUCCESS && m.h.msgh_id != ID_QUIT) {
		unsigned size = 32;

		if (m.h.msgh_id == ID_ECHO)
			size = m.h.msgh_size;
		else if (m.h.msgh_id == ID_RIGHT)
			mach_port_deallocate(SELF, m.right.item.port.name);
		else if (m.h.msgh_id == ID_OOL_READ || m.h.msgh_id == ID_OOL_WRITE)
			touch(&m.ool.item, m.h.msgh_id == ID_OOL_WRITE);
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		r = mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof m, port, 0, MACH_PORT_NULL);
	}
}

static union any_message call __attribute__((aligned(64)));

static void rpc(mach_port_t to, mach_port_t reply, int id, unsigned size, unsigned complex)
{
	call.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) | complex;
	call.h.msgh_remote_port = to;
	call.h.msgh_local_port = reply;
	call.h.msgh_id = id;
	if (mach_msg(&call.h, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof call, reply, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		test_say("# rpc failed");
}

static void bytes(unsigned n)
{
	call.in.type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_BYTE, .msgt_size = 8, .msgt_inline = 1, .msgt_number = n };
}

TEST_FLAGS(rpc_two_threads, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send(), reply = test_port();
	mach_port_t t = test_thread(server, (void *)(uintptr_t)p);

	BENCH("rpc_null_thread", 2000, rpc(p, reply, ID_NULL, 32, 0));
	call.h.msgh_bits = MACH_MSG_TYPE_COPY_SEND;
	test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_QUIT);
	test_thread_join(t);
}

TEST_FLAGS(rpc_two_tasks, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send(), reply = test_port(), extra = test_port_with_send(), child;
	static const struct { const char *read, *write; unsigned size; int n; } sizes[] = {
		{ "ool_256k_read", "ool_256k_write", 256 * 1024, 30 }, { "ool_4m_read", "ool_4m_write", 4 << 20, 3 },
	};
	vm_address_t source = 0;

	child = test_fork(server, (void *)BENCH_CHILD_PORT);
	CHECK_OK(mach_port_insert_right(child, BENCH_CHILD_PORT, p, MACH_MSG_TYPE_MOVE_RECEIVE));
	BENCH("rpc_null", 2000, rpc(p, reply, ID_NULL, 32, 0));
	bytes(128);
	BENCH("rpc_128", 1000, rpc(p, reply, ID_NULL, 32 + 8 + 128, 0));
	bytes(256);
	BENCH("rpc_256_echo", 1000, rpc(p, reply, ID_ECHO, 32 + 8 + 256, 0); bytes(256));
	bytes(4096);
	BENCH("rpc_4096", 500, rpc(p, reply, ID_NULL, 32 + 8 + 4096, 0));
	BENCH("rpc_right", 500,
	    call.right.item = (struct port_item){ test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), { extra } };
	    rpc(p, reply, ID_RIGHT, 48, MACH_MSGH_BITS_COMPLEX));
	for (unsigned i = 0; i < 2; i++) {
		CHECK_OK(vm_allocate(SELF, &source, sizes[i].size, TRUE));
		for (unsigned at = 0; at < sizes[i].size; at += PAGE)
			((volatile char *)source)[at] = 1;
		BENCH(sizes[i].read, sizes[i].n,
		    call.ool.item = (struct data_item){ test_type_ool(sizes[i].size, false), (void *)source };
		    rpc(p, reply, ID_OOL_READ, 48, MACH_MSGH_BITS_COMPLEX));
		BENCH(sizes[i].write, sizes[i].n,
		    call.ool.item = (struct data_item){ test_type_ool(sizes[i].size, false), (void *)source };
		    rpc(p, reply, ID_OOL_WRITE, 48, MACH_MSGH_BITS_COMPLEX));
		vm_deallocate(SELF, source, sizes[i].size);
	}
	task_terminate(child);
}

TEST_FLAGS(one_way, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send();

	BENCH("queued_send_receive", 2000,
	    call.h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p };
	    mach_msg(&call.h, MACH_SEND_MSG | MACH_RCV_MSG, 32, sizeof call, p, 0, MACH_PORT_NULL));
}
