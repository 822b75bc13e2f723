/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, rights, messages and notifications of kernel/ipc, sentence by sentence, with conservation checked after each test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ipc/ipc.h>
#include <ipc/entry.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/notify.h>
#include <mach/mach_port.server.h>
#include "shim.h"

static int tests, failures;
static struct task *ta, *tb;
static struct thread *a, *a2, *b;
static const char *test_name;
static bool test_ok;

#define CHECK(e) do { if (!(e)) { test_ok = false; printf("# %s:%d: %s\n", test_name, __LINE__, #e); } } while (0)
#define SA (ta->tk_space)
#define SB (tb->tk_space)

/* A message with room for what the tests carry */
struct buffer {
	struct {
		uint32_t bits, size;
		uint64_t remote, local;
		uint32_t seqno;
		int32_t	 id;
	} h;
	uint64_t body[64];
};

#define BITS MACH_MSGH_BITS
#define MOVE_R MACH_MSG_TYPE_MOVE_RECEIVE
#define MOVE_S MACH_MSG_TYPE_MOVE_SEND
#define MOVE_O MACH_MSG_TYPE_MOVE_SEND_ONCE
#define COPY_S MACH_MSG_TYPE_COPY_SEND
#define MAKE_S MACH_MSG_TYPE_MAKE_SEND
#define MAKE_O MACH_MSG_TYPE_MAKE_SEND_ONCE
#define COMPLEX MACH_MSGH_BITS_COMPLEX

static uint64_t descriptor(unsigned name, unsigned size, uint32_t number, bool in_line, bool dealloc)
{
	return name | (uint64_t)size << 8 | (uint64_t)in_line << 29 | (uint64_t)dealloc << 31 | (uint64_t)number << 32;
}

static long send_to(struct thread *t, struct buffer *m, uint32_t bits, uint32_t remote, uint32_t local, uint32_t size,
    uint32_t option, uint32_t notify)
{
	m->h.bits = bits;
	m->h.remote = remote;
	m->h.local = local;
	return shim_mach_msg(t, m, MACH_SEND_MSG | option, size, 0, 0, 0, notify);
}

static long receive(struct thread *t, struct buffer *m, uint32_t name, uint32_t option)
{
	return shim_mach_msg(t, m, MACH_RCV_MSG | option, 0, sizeof(*m), name, 0, 0);
}

#define POLL MACH_RCV_TIMEOUT

static uint32_t port_in(struct ipc_space *s)
{
	uint32_t name = 0;

	CHECK(mach_port_allocate(s, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS);
	return name;
}

static uint32_t type_of(struct ipc_space *s, uint32_t name)
{
	uint32_t type = 0;

	return mach_port_type(s, name, &type) == KERN_SUCCESS ? type : 0;
}

static uint32_t refs(struct ipc_space *s, uint32_t name, uint32_t right)
{
	uint32_t n = 0;

	return mach_port_get_refs(s, name, right, &n) == KERN_SUCCESS ? n : ~0u;
}

/* a right of A's as something in B (send right made, or send-once); its name there */
static uint32_t give(uint32_t name, unsigned type, uint32_t as)
{
	struct ipc_port *port;

	CHECK(ipc_right_copyin_name(SA, name, type, false, &port) == KERN_SUCCESS);
	if (as == 0) {
		CHECK(ipc_right_copyout(SB, port, ipc_right_held_type(type), &as, NULL) == KERN_SUCCESS);
		return as;
	}
	CHECK(mach_port_insert_right(SB, as, port, ipc_right_held_type(type)) == KERN_SUCCESS);
	return as;
}

static uint32_t give_self(uint32_t name)
{
	struct ipc_port *port;

	CHECK(ipc_right_copyin_name(SA, name, MAKE_S, false, &port) == KERN_SUCCESS);
	CHECK(mach_port_insert_right(SA, name, port, MOVE_S) == KERN_SUCCESS);
	return name;
}

static struct ipc_port *sonce(struct ipc_space *s, uint32_t name)
{
	struct ipc_port *port = NULL;

	CHECK(ipc_right_copyin_name(s, name, MAKE_O, false, &port) == KERN_SUCCESS);
	return port;
}

static kern_return_t request(struct ipc_space *s, uint32_t name, int id, uint32_t sync, uint32_t notify,
    struct ipc_port **previous)
{
	struct ipc_port *n = notify ? sonce(s, notify) : NULL;
	kern_return_t kr = mach_port_request_notification(s, name, id, sync, n, previous);

	if (kr != KERN_SUCCESS && n != NULL)
		ipc_port_release_sonce(n);
	return kr;
}

/* --- names --- */

static void names_lowest_first_reused_last_first(void)
{
	uint32_t n[6];

	for (uint32_t i = 0; i < 5; i++) {
		n[i] = port_in(SA);
		CHECK(n[i] == i + 1);
	}
	CHECK(mach_port_destroy(SA, 2) == KERN_SUCCESS && mach_port_destroy(SA, 4) == KERN_SUCCESS);
	CHECK(port_in(SA) == 4 && port_in(SA) == 2 && port_in(SA) == 6);
	CHECK(mach_port_allocate_name(SA, MACH_PORT_RIGHT_DEAD_NAME, 0x12345678) == KERN_SUCCESS);
	CHECK(mach_port_allocate_name(SA, MACH_PORT_RIGHT_DEAD_NAME, 0x12345678) == KERN_NAME_EXISTS);
	CHECK(mach_port_deallocate(SA, 0x12345678) == KERN_SUCCESS);
	CHECK(port_in(SA) == 0x12345678);
	CHECK(port_in(SA) == 7);
	CHECK(mach_port_allocate_name(SA, MACH_PORT_RIGHT_RECEIVE, 0) == KERN_INVALID_VALUE);
	CHECK(mach_port_allocate(SA, MACH_PORT_RIGHT_SEND, n) == KERN_INVALID_VALUE);
}

static void names_many(void)
{
	enum { N = 20000 };
	struct ipc_port *port;
	uint32_t name;

	for (uint32_t i = 1; i <= N; i++)
		CHECK(port_in(SA) == i);
	for (uint32_t i = 1; i <= N; i++) {
		CHECK(ipc_right_copyin_name(SA, i, MAKE_S, false, &port) == KERN_SUCCESS);
		CHECK(ipc_right_copyout(SB, port, MOVE_S, &name, NULL) == KERN_SUCCESS && name == i);
	}
	for (uint32_t i = 1; i <= N; i += 7)
		CHECK(give(i, MAKE_S, 0) == i && refs(SB, i, MACH_PORT_RIGHT_SEND) == 2);
	for (uint32_t i = 1; i <= N; i += 2)
		CHECK(mach_port_destroy(SA, i) == KERN_SUCCESS);
	for (uint32_t i = 1; i <= N; i++)
		CHECK(type_of(SB, i) == (i % 2 ? MACH_PORT_TYPE_DEAD_NAME : MACH_PORT_TYPE_SEND));
	/* 64 are remembered, then the lowest */
	for (uint32_t i = 0; i < 64; i++)
		CHECK(port_in(SA) == 127 - 2 * i);
	CHECK(port_in(SA) == 129 && port_in(SA) == 131);
}

/* else each reply would go by a name above the table for ever after */
static void names_of_a_table_that_shrank_are_low(void)
{
	for (uint32_t i = 1; i <= 3000; i++)
		CHECK(port_in(SA) == i);
	for (uint32_t i = 3000; i > 1; i--)
		CHECK(mach_port_destroy(SA, i) == KERN_SUCCESS);
	for (uint32_t i = 0; i < 64; i++)
		CHECK(port_in(SA) < 768);
}

static void names_sparse(void)
{
	for (uint32_t i = 1; i < 3000; i++)
		CHECK(mach_port_allocate_name(SA, MACH_PORT_RIGHT_RECEIVE, i * 1000003u) == KERN_SUCCESS);
	for (uint32_t i = 1; i < 3000; i++)
		CHECK(give(i * 1000003u, MAKE_S, i * 2000003u) == i * 2000003u);
	for (uint32_t i = 1; i < 3000; i++) {
		CHECK(type_of(SB, i * 2000003u) == MACH_PORT_TYPE_SEND);
		CHECK(give(i * 1000003u, MAKE_S, 0) == i * 2000003u);
	}
	/* the table grows over explicit names */
	CHECK(mach_port_allocate_name(SA, MACH_PORT_RIGHT_RECEIVE, 1000) == KERN_SUCCESS);
	for (uint32_t i = 1; i < 1500; i++)
		CHECK(port_in(SA) == (i < 1000 ? i : i + 1));
	CHECK(type_of(SA, 1000) == MACH_PORT_TYPE_RECEIVE);
}

static void rename_keeps_rights(void)
{
	uint32_t p = give_self(port_in(SA)), q = give(p, MAKE_S, 0);

	CHECK(mach_port_rename(SA, p, 77) == KERN_SUCCESS && type_of(SA, 77) == MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK(type_of(SA, p) == 0 && mach_port_rename(SA, p, 5) == KERN_INVALID_NAME);
	CHECK(mach_port_rename(SB, q, 0x7000000) == KERN_SUCCESS && give(77, MAKE_S, 0) == 0x7000000);
	CHECK(refs(SB, 0x7000000, MACH_PORT_RIGHT_SEND) == 2);
	CHECK(mach_port_rename(SB, 0x7000000, 0) == KERN_INVALID_VALUE);
}

/* --- rights --- */

static void insert_right_errors(void)
{
	uint32_t p = port_in(SA), q = port_in(SA);
	struct ipc_port *port;

	CHECK(ipc_right_copyin_name(SA, p, MAKE_S, false, &port) == KERN_SUCCESS);
	CHECK(mach_port_insert_right(SA, q, port, MOVE_S) == KERN_RIGHT_EXISTS);
	CHECK(mach_port_insert_right(SB, 0, port, MOVE_S) == KERN_INVALID_VALUE);
	CHECK(mach_port_insert_right(SB, 9, port, COPY_S) == KERN_INVALID_VALUE);
	CHECK(mach_port_insert_right(SB, 9, IP_DEAD, MOVE_S) == KERN_INVALID_CAPABILITY);
	CHECK(mach_port_insert_right(SB, 9, port, MOVE_S) == KERN_SUCCESS);
	port = sonce(SA, p);
	CHECK(mach_port_insert_right(SB, 9, port, MOVE_O) == KERN_NAME_EXISTS);
	CHECK(mach_port_insert_right(SB, 10, port, MOVE_O) == KERN_SUCCESS);
	CHECK(type_of(SB, 10) == MACH_PORT_TYPE_SEND_ONCE);
	CHECK(ipc_right_copyin_name(SA, q, MAKE_S, false, &port) == KERN_SUCCESS);
	CHECK(mach_port_insert_right(SB, 9, port, MOVE_S) == KERN_NAME_EXISTS);
	ipc_port_release_send(port);
}

static void urefs_limits(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0);
	struct ipc_port *port;

	CHECK(mach_port_mod_refs(SB, q, MACH_PORT_RIGHT_SEND, 65533) == KERN_SUCCESS);
	CHECK(mach_port_mod_refs(SB, q, MACH_PORT_RIGHT_SEND, 1) == KERN_UREFS_OVERFLOW);
	CHECK(refs(SB, q, MACH_PORT_RIGHT_SEND) == 65534);
	CHECK(mach_port_mod_refs(SB, q, MACH_PORT_RIGHT_SEND, -65535) == KERN_INVALID_VALUE);
	CHECK(ipc_right_copyin_name(SA, p, MAKE_S, false, &port) == KERN_SUCCESS);
	CHECK(mach_port_insert_right(SB, q, port, MOVE_S) == KERN_UREFS_OVERFLOW);
	/* a right that arrives by message is dropped, and then the count is not trusted to reach zero */
	CHECK(ipc_right_copyout(SB, port, MOVE_S, &q, NULL) == KERN_SUCCESS);
	CHECK(refs(SB, q, MACH_PORT_RIGHT_SEND) == 65534);
	for (int i = 0; i < 65540; i++)
		CHECK(mach_port_deallocate(SB, q) == KERN_SUCCESS);
	CHECK(type_of(SB, q) == MACH_PORT_TYPE_SEND);
	CHECK(mach_port_mod_refs(SB, q, MACH_PORT_RIGHT_SEND, -65534) == KERN_SUCCESS && type_of(SB, q) == 0);
	CHECK(mach_port_allocate(SA, MACH_PORT_RIGHT_DEAD_NAME, &q) == KERN_SUCCESS);
	CHECK(mach_port_mod_refs(SA, q, MACH_PORT_RIGHT_DEAD_NAME, 65534) == KERN_SUCCESS);
	CHECK(mach_port_mod_refs(SA, q, MACH_PORT_RIGHT_DEAD_NAME, 1) == KERN_UREFS_OVERFLOW);
	CHECK(mach_port_mod_refs(SA, p, MACH_PORT_RIGHT_RECEIVE, 1) == KERN_INVALID_VALUE);
	CHECK(mach_port_mod_refs(SA, p, MACH_PORT_RIGHT_SEND, -1) == KERN_INVALID_RIGHT);
}

static void notifications(void)
{
	uint32_t p = port_in(SA), n = port_in(SB), m = port_in(SA), q = give(p, MAKE_S, 0), o;
	struct ipc_port *previous;
	struct buffer buf;

	/* dead name: one user reference more; port deleted when the name goes first */
	CHECK(request(SB, q, MACH_NOTIFY_DEAD_NAME, 0, n, &previous) == KERN_SUCCESS && previous == NULL);
	CHECK(type_of(SB, q) == (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DNREQUEST));
	CHECK(mach_port_deallocate(SB, q) == KERN_SUCCESS);
	CHECK(receive(b, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_PORT_DELETED && buf.h.size == 48);
	CHECK((uint32_t)buf.body[1] == q && buf.h.bits == BITS(0, MOVE_O) && buf.h.remote == 0);
	/* no senders: once, with the make-send count */
	CHECK(request(SA, p, MACH_NOTIFY_NO_SENDERS, 2, m, &previous) == KERN_SUCCESS);
	CHECK(receive(a, &buf, m, POLL) == MACH_RCV_TIMED_OUT);
	q = give(p, MAKE_S, 0);
	CHECK(mach_port_deallocate(SB, q) == KERN_SUCCESS);
	CHECK(receive(a, &buf, m, POLL) == 0 && buf.h.id == MACH_NOTIFY_NO_SENDERS && (uint32_t)buf.body[1] == 2);
	CHECK(request(SA, p, MACH_NOTIFY_NO_SENDERS, 2, m, &previous) == KERN_SUCCESS);
	CHECK(receive(a, &buf, m, POLL) == 0 && buf.h.id == MACH_NOTIFY_NO_SENDERS);
	/* send-once destroyed */
	o = give(p, MAKE_O, 0);
	CHECK(mach_port_deallocate(SB, o) == KERN_SUCCESS);
	CHECK(receive(a, &buf, p, POLL) == 0 && buf.h.id == MACH_NOTIFY_SEND_ONCE && buf.h.size == 32);
	/* dead name */
	q = give(p, MAKE_S, 0);
	o = give(p, MAKE_O, 0);
	CHECK(request(SB, q, MACH_NOTIFY_DEAD_NAME, 0, n, &previous) == KERN_SUCCESS);
	CHECK(request(SB, o, MACH_NOTIFY_DEAD_NAME, 0, n, &previous) == KERN_SUCCESS);
	CHECK(mach_port_destroy(SA, p) == KERN_SUCCESS);
	CHECK(receive(b, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_DEAD_NAME);
	CHECK(receive(b, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_DEAD_NAME && buf.h.seqno == 2);
	CHECK(type_of(SB, q) == MACH_PORT_TYPE_DEAD_NAME && refs(SB, q, MACH_PORT_RIGHT_DEAD_NAME) == 2);
	CHECK(type_of(SB, o) == MACH_PORT_TYPE_DEAD_NAME && refs(SB, o, MACH_PORT_RIGHT_DEAD_NAME) == 2);
	CHECK(request(SB, q, MACH_NOTIFY_DEAD_NAME, 0, n, &previous) == KERN_INVALID_ARGUMENT);
	CHECK(receive(b, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_SEND_ONCE);
	CHECK(request(SB, q, MACH_NOTIFY_DEAD_NAME, 1, n, &previous) == KERN_SUCCESS);
	CHECK(receive(b, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_DEAD_NAME);
	CHECK(refs(SB, q, MACH_PORT_RIGHT_DEAD_NAME) == 3);
	CHECK(request(SB, n, MACH_NOTIFY_FIRST, 1, 0, &previous) == KERN_INVALID_VALUE);
	CHECK(mach_port_request_notification(SB, n, 70, 0, IP_DEAD, &previous) == KERN_INVALID_CAPABILITY);
}

static void port_destroyed_gives_the_right_back(void)
{
	uint32_t p = give_self(port_in(SA)), n = port_in(SA), q = give(p, MAKE_S, 0);
	struct ipc_port *previous;
	struct buffer buf;

	CHECK(send_to(b, &buf, BITS(COPY_S, 0), q, 0, 32, 0, 0) == 0);
	CHECK(request(SA, p, MACH_NOTIFY_PORT_DESTROYED, 1, n, &previous) == KERN_INVALID_VALUE);
	CHECK(receive(a, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_SEND_ONCE);
	CHECK(request(SA, p, MACH_NOTIFY_PORT_DESTROYED, 0, n, &previous) == KERN_SUCCESS);
	CHECK(mach_port_mod_refs(SA, p, MACH_PORT_RIGHT_RECEIVE, -1) == KERN_SUCCESS);
	CHECK(type_of(SA, p) == MACH_PORT_TYPE_SEND && type_of(SB, q) == MACH_PORT_TYPE_SEND);
	CHECK(receive(a, &buf, n, POLL) == 0 && buf.h.id == MACH_NOTIFY_PORT_DESTROYED && buf.h.size == 48);
	CHECK(buf.h.bits == (COMPLEX | BITS(0, MOVE_O)) && (uint32_t)buf.body[1] == p);
	CHECK(type_of(SA, p) == MACH_PORT_TYPE_SEND_RECEIVE);
	/* the message sent before is still there */
	CHECK(receive(a, &buf, p, POLL) == 0 && buf.h.seqno == 0);
}

/* --- messages --- */

static void request_and_reply(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), r = port_in(SB);
	struct buffer ma = { 0 }, mb = { 0 };
	long mr;

	CHECK(receive(a, &ma, p, 0) == SHIM_BLOCKED);
	mb.h.bits = BITS(COPY_S, MAKE_O);
	mb.h.remote = q;
	mb.h.local = r;
	mb.h.id = 42;
	mb.body[0] = 0x1122334455667788;
	mr = shim_mach_msg(b, &mb, MACH_SEND_MSG | MACH_RCV_MSG, 40, sizeof(mb), r, 0, 0);
	CHECK(mr == SHIM_BLOCKED && shim_runnable(a) && !shim_runnable(b));
	CHECK(shim_resume(a) == 0 && ma.h.bits == 0x1112 && ma.h.size == 40 && ma.h.id == 42 && ma.h.local == p);
	CHECK(ma.body[0] == 0x1122334455667788 && type_of(SA, (uint32_t)ma.h.remote) == MACH_PORT_TYPE_SEND_ONCE);
	ma.h.bits = BITS(MOVE_O, 0);
	ma.h.local = 0;
	mr = shim_mach_msg(a, &ma, MACH_SEND_MSG | MACH_RCV_MSG, 32, sizeof(ma), p, 0, 0);
	CHECK(mr == SHIM_BLOCKED && shim_runnable(b) && shim_resume(b) == 0);
	CHECK(mb.h.bits == BITS(0, MOVE_O) && mb.h.local == r && mb.h.size == 32);
	shim_break(a, false);
	CHECK(shim_resume(a) == MACH_RCV_INTERRUPTED);
}

static void header_errors_consume_nothing(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), r = port_in(SB), o = give(p, MAKE_O, 0), d;
	struct buffer m = { 0 };

	CHECK(mach_port_allocate(SB, MACH_PORT_RIGHT_DEAD_NAME, &d) == KERN_SUCCESS);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), 999, 0, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), 0, 0, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), ~0u, 0, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), d, 0, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(COPY_S, MAKE_O), q, 999, 32, 0, 0) == MACH_SEND_INVALID_REPLY);
	CHECK(send_to(b, &m, BITS(COPY_S, MAKE_O), q, d, 32, 0, 0) == MACH_SEND_INVALID_REPLY);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, r, 32, 0, 0) == MACH_SEND_INVALID_HEADER);
	CHECK(send_to(b, &m, BITS(MOVE_R, 0), q, 0, 32, 0, 0) == MACH_SEND_INVALID_HEADER);
	CHECK(send_to(b, &m, BITS(MOVE_O, MOVE_O), o, o, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(MOVE_S, MOVE_S), q, q, 32, 0, 0) == MACH_SEND_INVALID_DEST);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 28, 0, 0) == MACH_SEND_MSG_TOO_SMALL);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 36, 0, 0) == MACH_SEND_MSG_TOO_SMALL);
	CHECK(shim_mach_msg(b, (void *)8, MACH_SEND_MSG, 32, 0, 0, 0, 0) == MACH_SEND_INVALID_DATA);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 32, MACH_SEND_CANCEL, q) == MACH_SEND_INVALID_NOTIFY);
	CHECK(refs(SB, q, 0) == 1 && type_of(SB, o) == MACH_PORT_TYPE_SEND_ONCE);
	/* both from one name */
	CHECK(send_to(b, &m, BITS(MOVE_S, COPY_S), q, q, 32, 0, 0) == 0 && type_of(SB, q) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.remote == p && m.h.bits == BITS(MOVE_S, MOVE_S));
	CHECK(type_of(SA, p) == MACH_PORT_TYPE_SEND_RECEIVE);
	/* a dead reply right */
	q = give(p, MAKE_S, 0);
	CHECK(send_to(b, &m, BITS(COPY_S, MOVE_S), q, d, 32, 0, 0) == 0 && type_of(SB, d) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.remote == MACH_PORT_NAME_DEAD);
}

static void body_errors_destroy_everything(void)
{
	uint32_t p = port_in(SA), o = give(p, MAKE_O, 0), x = port_in(SB);
	struct buffer m = { 0 };

	/* a good item, then a name without the right */
	m.body[0] = descriptor(MOVE_R, 64, 1, true, false);
	m.body[1] = x;
	m.body[2] = descriptor(COPY_S, 64, 1, true, false);
	m.body[3] = 999;
	CHECK(send_to(b, &m, COMPLEX | BITS(MOVE_O, 0), o, 0, 64, 0, 0) == MACH_SEND_INVALID_RIGHT);
	CHECK(type_of(SB, x) == 0 && type_of(SB, o) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.id == MACH_NOTIFY_SEND_ONCE);
	m.body[0] = descriptor(MACH_MSG_TYPE_BYTE, 8, 100, true, false);
	o = give(p, MAKE_S, 0);
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), o, 0, 48, 0, 0) == MACH_SEND_MSG_TOO_SMALL);
	m.body[0] = descriptor(COPY_S, 32, 1, true, false);
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), o, 0, 48, 0, 0) == MACH_SEND_INVALID_TYPE);
	m.body[0] = descriptor(MACH_MSG_TYPE_BYTE, 8, 8, true, true);
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), o, 0, 48, 0, 0) == MACH_SEND_INVALID_TYPE);
	m.body[0] = descriptor(MACH_MSG_TYPE_BYTE, 8, 8, false, false);
	m.body[1] = 16;
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), o, 0, 48, 0, 0) == MACH_SEND_INVALID_MEMORY);
	/* without the complex bit nothing is looked at; with it and nothing special in the body it goes */
	CHECK(send_to(b, &m, BITS(COPY_S, 0), o, 0, 48, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.body[1] == 16);
	m.body[0] = descriptor(MACH_MSG_TYPE_BYTE, 8, 8, true, false);
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), o, 0, 48, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.bits == BITS(0, MOVE_S));
}

static void bodies_carry_rights_and_memory(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), x = port_in(SB), y = port_in(SB);
	uint32_t names[3] = { x, y, 0 };
	static char data[5000] = "hello";
	struct buffer m = { 0 };
	uint32_t *got;

	m.body[0] = descriptor(MAKE_S, 32, 3, false, false);
	m.body[1] = (uint64_t)names;
	m.body[2] = descriptor(MACH_MSG_TYPE_BYTE, 8, 3, true, false);
	m.body[3] = 7;
	m.body[4] = descriptor(MACH_MSG_TYPE_CHAR, 8, sizeof(data), false, false);
	m.body[5] = (uint64_t)data;
	m.body[6] = descriptor(MAKE_O, 64, 2, true, false);
	m.body[7] = x;
	m.body[8] = y;
	m.body[9] = descriptor(MACH_MSG_TYPE_CHAR, 8, 0, false, false);
	m.body[10] = 0xdead0000;
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), q, 0, 32 + 88, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.bits == (COMPLEX | BITS(0, MOVE_S)) && m.h.size == 120);
	CHECK(m.body[0] == descriptor(MOVE_S, 32, 3, false, true));
	got = (uint32_t *)m.body[1];
	CHECK(type_of(SA, got[0]) == MACH_PORT_TYPE_SEND && type_of(SA, got[1]) == MACH_PORT_TYPE_SEND && got[2] == 0);
	CHECK(m.body[4] == descriptor(MACH_MSG_TYPE_CHAR, 8, sizeof(data), false, true));
	CHECK(memcmp((void *)m.body[5], data, sizeof(data)) == 0);
	CHECK(type_of(SA, (uint32_t)m.body[7]) == MACH_PORT_TYPE_SEND_ONCE && m.body[7] != got[0]);
	CHECK(m.body[10] == 0 && m.body[3] == 7);
	free(got);
	free((void *)m.body[5]);
}

static void receive_right_moves_with_its_queue(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), x = port_in(SB), s;
	struct buffer m = { 0 }, w = { 0 };
	mach_port_status_t st;

	CHECK(mach_port_allocate(SB, MACH_PORT_RIGHT_PORT_SET, &s) == KERN_SUCCESS);
	CHECK(receive(b, &w, x, 0) == SHIM_BLOCKED);
	CHECK(mach_port_move_member(SB, x, s) == KERN_SUCCESS && shim_resume(b) == MACH_RCV_PORT_CHANGED);
	m.h.id = 7;
	for (int i = 0; i < 3; i++)
		CHECK(send_to(b, &m, BITS(MAKE_S, 0), x, 0, 32, 0, 0) == 0);
	CHECK(receive(b, &w, s, POLL) == 0 && w.h.seqno == 0 && w.h.local == x);
	m.body[0] = descriptor(MOVE_R, 64, 1, true, false);
	m.body[1] = x;
	CHECK(send_to(b, &m, COMPLEX | BITS(COPY_S, 0), q, 0, 48, 0, 0) == 0 && type_of(SB, x) == 0);
	CHECK(receive(a, &m, p, POLL) == 0);
	x = (uint32_t)m.body[1];
	CHECK(mach_port_get_receive_status(SA, x, &st) == KERN_SUCCESS);
	CHECK(st.mps_pset == 0 && st.mps_seqno == 0 && st.mps_mscount == 0 && st.mps_msgcount == 2 && st.mps_srights);
	CHECK(receive(a, &m, x, POLL) == 0 && m.h.seqno == 0 && m.h.id == 7);
	/* a waiting receiver learns that the right went away */
	CHECK(receive(a, &w, x, POLL) == 0 && receive(a, &w, x, 0) == SHIM_BLOCKED);
	x = give(x, MOVE_R, 0);
	CHECK(shim_resume(a) == MACH_RCV_PORT_DIED && type_of(SB, x) == MACH_PORT_TYPE_RECEIVE);
}

static void circles_are_collected(void)
{
	uint32_t p = give_self(port_in(SA)), q = give_self(port_in(SA)), chain;
	struct buffer m = { 0 };

	m.body[0] = descriptor(MOVE_R, 64, 1, true, false);
	m.body[1] = q;
	CHECK(send_to(a, &m, COMPLEX | BITS(COPY_S, 0), p, 0, 48, 0, 0) == 0);
	m.body[1] = p;
	CHECK(send_to(a, &m, COMPLEX | BITS(COPY_S, 0), q, 0, 48, 0, 0) == 0);
	CHECK(type_of(SA, p) == MACH_PORT_TYPE_DEAD_NAME && type_of(SA, q) == MACH_PORT_TYPE_DEAD_NAME);
	/* a long chain goes down without a deep stack */
	chain = port_in(SA);
	for (int i = 0; i < 20000; i++) {
		uint32_t next = port_in(SA);

		m.body[1] = chain;
		m.body[0] = descriptor(MOVE_R, 64, 1, true, false);
		CHECK(send_to(a, &m, COMPLEX | BITS(MAKE_S, 0), next, 0, 48, 0, 0) == 0);
		chain = next;
	}
	CHECK(mach_port_destroy(SA, chain) == KERN_SUCCESS);
}

static void queue_limit_blocks_in_order(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), x = port_in(SB);
	struct thread *c = shim_thread(tb);
	struct buffer m = { 0 }, m1 = { 0 }, m2 = { 0 };

	for (int i = 0; i < 5; i++)
		CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 32, 0, 0) == 0);
	m1.h.id = 101;
	m2.h.id = 102;
	CHECK(send_to(b, &m1, BITS(COPY_S, 0), q, 0, 32, 0, 0) == SHIM_BLOCKED);
	CHECK(send_to(c, &m2, BITS(COPY_S, 0), q, 0, 32, 0, 0) == SHIM_BLOCKED);
	CHECK(receive(a, &m, p, POLL) == 0 && shim_runnable(b) && !shim_runnable(c) && shim_resume(b) == 0);
	/* interrupted: the message comes back, other names perhaps */
	shim_break(c, false);
	CHECK(shim_resume(c) == MACH_SEND_INTERRUPTED && m2.h.bits == BITS(MOVE_S, 0) && m2.h.remote == q);
	CHECK(refs(SB, q, 0) == 2);
	/* timeout 0; a moved right in the body returns */
	m2.body[0] = descriptor(MOVE_R, 64, 1, true, false);
	m2.body[1] = x;
	CHECK(send_to(c, &m2, COMPLEX | BITS(COPY_S, 0), q, 0, 48, MACH_SEND_TIMEOUT, 0) == MACH_SEND_TIMED_OUT);
	CHECK(type_of(SB, (uint32_t)m2.body[1]) == MACH_PORT_TYPE_RECEIVE && refs(SB, q, 0) == 3);
	x = (uint32_t)m2.body[1];
	/* forced in, once */
	CHECK(send_to(c, &m2, BITS(COPY_S, 0), q, 0, 32, MACH_SEND_NOTIFY, x) == MACH_SEND_WILL_NOTIFY);
	CHECK(type_of(SB, q) == (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_MAREQUEST));
	CHECK(send_to(c, &m2, BITS(COPY_S, 0), q, 0, 32, MACH_SEND_NOTIFY, x) == MACH_SEND_NOTIFY_IN_PROGRESS);
	CHECK(send_to(c, &m2, BITS(COPY_S, 0), q, 0, 32, MACH_SEND_NOTIFY, q) == MACH_SEND_INVALID_NOTIFY);
	for (int i = 0; i < 5; i++)
		CHECK(receive(a, &m, p, POLL) == 0);
	CHECK(m.h.id == 101 && receive(c, &m, x, POLL) == MACH_RCV_TIMED_OUT);
	CHECK(receive(a, &m, p, POLL) == 0);
	CHECK(receive(c, &m, x, POLL) == 0 && m.h.id == MACH_NOTIFY_MSG_ACCEPTED && (uint32_t)m.body[1] == q);
	CHECK(type_of(SB, q) == MACH_PORT_TYPE_SEND);
	/* the port dies: senders go on, their messages with it */
	for (int i = 0; i < 5; i++)
		CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 32, 0, 0) == 0);
	CHECK(send_to(b, &m1, BITS(COPY_S, 0), q, 0, 32, 0, 0) == SHIM_BLOCKED);
	CHECK(mach_port_destroy(SA, p) == KERN_SUCCESS && shim_resume(b) == 0);
	shim_thread_end(c);
}

static void too_large(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0);
	struct buffer m = { 0 }, w = { 0 };

	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 64, 0, 0) == 0);
	CHECK(shim_mach_msg(a, &w, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 40, p, 0, 0) == MACH_RCV_TOO_LARGE);
	CHECK(w.h.size == 64 && w.h.bits == 0);
	CHECK(shim_mach_msg(a, &w, MACH_RCV_MSG, 0, 40, p, 0, 0) == MACH_RCV_TOO_LARGE && w.h.local == p);
	CHECK(receive(a, &w, p, POLL) == MACH_RCV_TIMED_OUT);
	/* a waiting one with too small a buffer learns the size, the message goes to the next */
	CHECK(shim_mach_msg(a, &w, MACH_RCV_MSG, 0, 40, p, 0, 0) == SHIM_BLOCKED);
	memset(&m, 0, sizeof(m));
	CHECK(receive(a2, &m, p, 0) == SHIM_BLOCKED);
	w.h.size = 0;
	{
		struct buffer s = { 0 };

		CHECK(send_to(b, &s, BITS(COPY_S, 0), q, 0, 64, 0, 0) == 0);
	}
	CHECK(shim_resume(a) == MACH_RCV_TOO_LARGE && w.h.size == 64);
	CHECK(shim_resume(a2) == 0 && m.h.size == 64 && m.h.seqno == 1);
}

static void sets(void)
{
	uint32_t s, p[40];
	struct buffer m = { 0 };
	struct ipc_port *held[40];

	CHECK(mach_port_allocate(SA, MACH_PORT_RIGHT_PORT_SET, &s) == KERN_SUCCESS);
	for (int i = 0; i < 40; i++) {
		p[i] = port_in(SA);
		CHECK(mach_port_move_member(SA, p[i], s) == KERN_SUCCESS);
		held[i] = NULL;
		CHECK(send_to(a, &m, BITS(MAKE_O, 0), p[i], 0, 32, 0, 0) == 0);
	}
	(void)held;
	CHECK(receive(a, &m, p[3], POLL) == MACH_RCV_IN_SET);
	for (int i = 0; i < 40; i++)
		CHECK(receive(a, &m, s, POLL) == 0 && m.h.local == p[i]);
	CHECK(receive(a, &m, s, POLL) == MACH_RCV_TIMED_OUT);
	CHECK(mach_port_move_member(SA, p[0], 0) == KERN_SUCCESS);
	CHECK(mach_port_move_member(SA, p[0], 0) == KERN_NOT_IN_SET);
	CHECK(mach_port_move_member(SA, p[0], p[1]) == KERN_INVALID_RIGHT);
	CHECK(mach_port_move_member(SA, s, s) == KERN_INVALID_RIGHT);
	/* queued messages come along into a set with a waiting receiver */
	CHECK(send_to(a, &m, BITS(MAKE_O, 0), p[0], 0, 32, 0, 0) == 0);
	CHECK(receive(a2, &m, s, 0) == SHIM_BLOCKED);
	shim_run_as(a);
	CHECK(mach_port_move_member(SA, p[0], s) == KERN_SUCCESS && shim_resume(a2) == 0 && m.h.local == p[0]);
	CHECK(receive(a2, &m, s, 0) == SHIM_BLOCKED);
	CHECK(mach_port_destroy(SA, s) == KERN_SUCCESS && shim_resume(a2) == MACH_RCV_PORT_DIED);
	CHECK(receive(a, &m, p[5], POLL) == MACH_RCV_TIMED_OUT);
}

static void payload(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0);
	struct buffer m = { 0 };

	CHECK(mach_port_set_protected_payload(SA, p, 0x123456789abcdef0) == KERN_SUCCESS);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 32, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.local == 0x123456789abcdef0 && m.h.bits == BITS(0, 23));
	CHECK(mach_port_clear_protected_payload(SA, p) == KERN_SUCCESS);
	CHECK(send_to(b, &m, BITS(COPY_S, 0), q, 0, 32, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0 && m.h.local == p);
	CHECK(mach_port_set_protected_payload(SA, q + 50, 1) == KERN_INVALID_NAME);
}

static void dead_destination_swallows(void)
{
	uint32_t p = port_in(SA), q = give(p, MAKE_S, 0), n = port_in(SB);
	struct ipc_port *previous;
	struct buffer m = { 0 };

	/* SEND_CANCEL withdraws a request of the name that the send uses up */
	CHECK(request(SB, q, MACH_NOTIFY_DEAD_NAME, 0, n, &previous) == KERN_SUCCESS);
	CHECK(send_to(b, &m, BITS(MOVE_S, 0), q, 0, 32, MACH_SEND_CANCEL, n) == 0);
	CHECK(receive(b, &m, n, POLL) == MACH_RCV_TIMED_OUT && receive(a, &m, p, POLL) == 0);
	/* RCV_NOTIFY: a dead-name request on a fresh reply name */
	q = give(p, MAKE_S, 0);
	CHECK(send_to(b, &m, BITS(COPY_S, MAKE_S), q, n, 32, 0, 0) == 0);
	CHECK(receive(a, &m, p, POLL) == 0);
	CHECK(shim_mach_msg(a, &m, MACH_RCV_MSG | MACH_RCV_NOTIFY, 0, sizeof(m), p, 0, p) == SHIM_BLOCKED);
	CHECK(send_to(b, &m, BITS(COPY_S, MAKE_O), q, n, 32, 0, 0) == 0);
	CHECK(shim_resume(a) == 0);
	CHECK(type_of(SA, (uint32_t)m.h.remote) == (MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DNREQUEST));
	CHECK(send_to(b, &m, BITS(COPY_S, MAKE_O), q, n, 32, 0, 0) == 0);
	CHECK(shim_mach_msg(a, &m, MACH_RCV_MSG | MACH_RCV_NOTIFY, 0, sizeof(m), p, 0, 999) == MACH_RCV_INVALID_NOTIFY);
	CHECK(m.h.local == p);
}

static void nothing_leaks_when_memory_is_short(void)
{
	for (int n = 1; n < 60; n++) {
		uint32_t p = 0, x = 0, s = 0;
		struct buffer m = { 0 };
		long mr;

		shim_fail_at = n;
		if (mach_port_allocate(SA, MACH_PORT_RIGHT_RECEIVE, &p) == KERN_SUCCESS &&
		    mach_port_allocate(SA, MACH_PORT_RIGHT_RECEIVE, &x) == KERN_SUCCESS &&
		    mach_port_allocate(SA, MACH_PORT_RIGHT_PORT_SET, &s) == KERN_SUCCESS &&
		    mach_port_move_member(SA, p, s) == KERN_SUCCESS) {
			struct ipc_port *previous;
			uint32_t names[2] = { x, x };

			(void)request(SA, x, MACH_NOTIFY_DEAD_NAME, 0, p, &previous);
			(void)request(SA, x, MACH_NOTIFY_NO_SENDERS, 0, p, &previous);
			m.body[0] = descriptor(MAKE_S, 32, 2, false, false);
			m.body[1] = (uint64_t)names;
			m.body[2] = descriptor(MOVE_R, 64, 1, true, false);
			m.body[3] = x;
			mr = send_to(a, &m, COMPLEX | BITS(MAKE_S, MAKE_O), p, p, 64, 0, 0);
			if (mr == 0) {
				do {
					m.body[1] = 0;
					mr = receive(a, &m, s, POLL);
				} while (mr == 0 && m.h.size != 64);
				if (mr == 0 || (mr & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR)
					free((void *)m.body[1]);
			}
		}
		shim_fail_at = 0;
		for (uint32_t i = 1; i < 40; i++)
			(void)mach_port_destroy(SA, i);
	}
}

static void run(const char *name, void (*fn)(void))
{
	test_name = name;
	test_ok = true;
	shim_count_start();
	ta = shim_task();
	tb = shim_task();
	a = shim_thread(ta);
	a2 = shim_thread(ta);
	b = shim_thread(tb);
	shim_run_as(a);
	fn();
	shim_run_as(a);
	shim_task_end(tb);
	shim_run_as(a);
	shim_task_end(ta);
	shim_thread_end(a2);
	shim_thread_end(b);
	shim_thread_end(a);
	if (!shim_count_same())
		test_ok = false;
	printf("%sok %d - %s\n", test_ok ? "" : "not ", ++tests, name);
	fflush(stdout);
	failures += !test_ok;
}

#define RUN(fn) run(#fn, fn)

int main(void)
{
	ipc_init();
	RUN(names_lowest_first_reused_last_first);
	RUN(names_many);
	RUN(names_of_a_table_that_shrank_are_low);
	RUN(names_sparse);
	RUN(rename_keeps_rights);
	RUN(insert_right_errors);
	RUN(urefs_limits);
	RUN(notifications);
	RUN(port_destroyed_gives_the_right_back);
	RUN(request_and_reply);
	RUN(header_errors_consume_nothing);
	RUN(body_errors_destroy_everything);
	RUN(bodies_carry_rights_and_memory);
	RUN(receive_right_moves_with_its_queue);
	RUN(circles_are_collected);
	RUN(queue_limit_blocks_in_order);
	RUN(too_large);
	RUN(sets);
	RUN(payload);
	RUN(dead_destination_swallows);
	RUN(nothing_leaks_when_memory_is_short);
	printf("1..%d\n", tests);
	return failures != 0;
}
