/* SPDX-License-Identifier: BSD-2-Clause */
/* Message bodies: rights and memory in any order, what each failure consumes. Interface reference section 3. */
#include "harness/test.h"

#define SELF mach_task_self()
#define COMPLEX(remote) (MACH_MSGH_BITS((remote), 0) | MACH_MSGH_BITS_COMPLEX)
#define PAGE 4096u

struct item_message { mach_msg_header_t h; struct port_item item; };
struct data_message { mach_msg_header_t h; struct data_item item; };

static kern_return_t send_item(mach_port_t to, mach_msg_type_t type, mach_port_t name)
{
	struct item_message m = { { .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = to }, { type, { name } } };

	return mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, 0, 0);
}

static kern_return_t send_data(mach_port_t to, mach_msg_type_t type, void *address)
{
	struct data_message m = { { .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = to }, { type, address } };

	return mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, 0, 0);
}

static char *allocate(unsigned bytes)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, bytes, TRUE));
	return (char *)a;
}

static void release(void *p, unsigned bytes)
{
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)p, bytes));
}

TEST(body_of_a_simple_message_is_not_looked_at)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send();
	struct item_message m = { { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = p },
	    { test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), { q } } };
	struct test_message r;

	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(r.h.msgh_bits & MACH_MSGH_BITS_COMPLEX, 0);
	CHECK_EQ(((struct port_item *)r.body)->port.name, q);
	CHECK_EQ(test_type(q), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
	test_port_destroy(p);
	test_port_destroy(q);
}

TEST(complex_bit_is_cleared_when_nothing_complex_is_inside)
{
	mach_port_t p = test_port_with_send();
	struct { mach_msg_header_t h; mach_msg_type_t type; uint64_t value; } m = {
		{ .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = p },
		{ .msgt_name = MACH_MSG_TYPE_INTEGER_64, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1 }, 77 };
	struct test_message r;

	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(r.h.msgh_bits & MACH_MSGH_BITS_COMPLEX, 0);
	CHECK_EQ(((uint64_t *)r.body)[1], 77);
	test_port_destroy(p);
}

TEST(bad_descriptors_are_refused)
{
	mach_port_t p = test_port_with_send();
	mach_msg_type_t good = test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), t;

	t = good; t.msgt_unused = 1;
	CHECK_EQ(send_item(p, t, p), MACH_SEND_INVALID_TYPE);
	t = good; t.msgt_size = 32;
	CHECK_EQ(send_item(p, t, p), MACH_SEND_INVALID_TYPE);
	t = good; t.msgt_deallocate = 1;
	CHECK_EQ(send_item(p, t, p), MACH_SEND_INVALID_TYPE);
	t = good; t.msgt_number = 2;
	CHECK_EQ(send_item(p, t, p), MACH_SEND_MSG_TOO_SMALL);
	t = good; t.msgt_number = 0xffffffff;
	CHECK_EQ(send_item(p, t, p), MACH_SEND_MSG_TOO_SMALL);
	t = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_64, .msgt_size = 0xffff, .msgt_inline = 1,
	    .msgt_number = 0xffffffff };
	CHECK_EQ(send_item(p, t, p), MACH_SEND_MSG_TOO_SMALL);
	CHECK_EQ(send_item(p, good, 0x55555), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	struct test_message r;
	CHECK_EQ(test_receive(p, &r), MACH_RCV_TIMED_OUT);
	test_port_destroy(p);
}

/* what a failed body had taken in is destroyed, the header's rights included */
TEST(body_error_destroys_a_moved_send_once_destination)
{
	mach_port_t p = test_port(), once;
	mach_msg_type_name_t type;
	struct test_message r;

	CHECK_OK(mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	struct item_message m = { { .msgh_bits = COMPLEX(MACH_MSG_TYPE_MOVE_SEND_ONCE), .msgh_remote_port = once },
	    { test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), { 0x55555 } } };
	CHECK_EQ(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(test_type(once), 0);
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(r.h.msgh_id, MACH_NOTIFY_SEND_ONCE);
	test_port_destroy(p);
}

TEST(null_and_dead_rights_travel)
{
	mach_port_t p = test_port_with_send();
	struct test_message r;

	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), MACH_PORT_NULL));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(((struct port_item *)r.body)->port.name, MACH_PORT_NULL);
	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), MACH_PORT_DEAD));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(((struct port_item *)r.body)->port.name, MACH_PORT_DEAD);
	test_port_destroy(p);
}

/* a name has half a slot: the other half is zero, not what is left of the kernel's pointer */
TEST(slots_of_received_names_are_whole)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send();
	struct test_message r;

	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), q));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(*(uint64_t *)(r.body + sizeof(mach_msg_type_t)), q);
	CHECK_OK(mach_port_deallocate(SELF, q));
	/* those of the header too: no reply port, a send right, a send-once right */
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(((uint64_t *)&r.h)[1], 0);
	CHECK_EQ(((uint64_t *)&r.h)[2], p);
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, q, MACH_MSG_TYPE_COPY_SEND, 1));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(((uint64_t *)&r.h)[1], q);
	CHECK_EQ(((uint64_t *)&r.h)[2], p);
	test_port_destroy(p);
	test_port_destroy(q);
}

TEST(nothing_behind_a_message_is_written)
{
	mach_port_t p = test_port_with_send();
	struct test_message r;
	unsigned wrong = 0;

	__builtin_memset(&r, 0x5c, sizeof r);
	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_COPY_SEND, 1), p));
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(r.h.msgh_size, 48);
	for (unsigned i = 48; i < sizeof r; i++)
		wrong += ((uint8_t *)&r)[i] != 0x5c;
	CHECK_EQ(wrong, 0);
	test_port_destroy(p);
}

TEST(receive_right_moves_with_its_messages)
{
	mach_port_t p = test_port_with_send(), q = test_port_with_send();
	struct test_message r;
	mach_port_status_t s;

	CHECK_OK(mach_port_set_protected_payload(SELF, q, 5));
	for (int i = 0; i < 3; i++)
		CHECK_OK(test_send(q, MACH_MSG_TYPE_COPY_SEND, 0, 0, i));
	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), q));
	CHECK_EQ(test_type(q), MACH_PORT_TYPE_SEND);
	CHECK_EQ(test_receive(q, &r), MACH_RCV_INVALID_NAME);
	CHECK_OK(test_send(q, MACH_MSG_TYPE_COPY_SEND, 0, 0, 3));	/* senders notice nothing */
	CHECK_OK(test_receive(p, &r));
	CHECK_EQ(((struct port_item *)r.body)->port.name, q);		/* joins the send right */
	CHECK_OK(mach_port_get_receive_status(SELF, q, &s));
	CHECK_EQ(s.mps_msgcount, 4);
	CHECK_EQ(s.mps_seqno, 0);
	CHECK_EQ(s.mps_mscount, 0);
	for (int i = 0; i < 4; i++) {
		CHECK_OK(test_receive(q, &r));
		CHECK_EQ(r.h.msgh_id, i);
		CHECK_EQ(r.h.msgh_local_port, q);
		CHECK_EQ(r.h.msgh_seqno, i);
	}
	test_port_destroy(p);
	test_port_destroy(q);
}

TEST(receive_right_sent_to_itself_is_collected)
{
	mach_port_t p = test_port_with_send();

	CHECK_OK(send_item(p, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), p));
	CHECK_EQ(test_type(p), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_OK(mach_port_deallocate(SELF, p));
}

TEST(circle_of_receive_rights_is_collected)
{
	mach_port_t a = test_port_with_send(), b = test_port_with_send(), c = test_port_with_send();

	CHECK_OK(send_item(b, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), a));
	CHECK_OK(send_item(c, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), b));
	CHECK_OK(send_item(a, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), c));
	CHECK_EQ(test_type(a), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(test_type(b), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(test_type(c), MACH_PORT_TYPE_DEAD_NAME);
	mach_port_deallocate(SELF, a);
	mach_port_deallocate(SELF, b);
	mach_port_deallocate(SELF, c);
}

TEST(long_chain_of_ports_in_messages_is_destroyed_without_recursion)
{
	enum { LENGTH = 2000 };
	mach_port_t first = test_port_with_send(), to = first;

	for (int i = 0; i < LENGTH; i++) {
		mach_port_t next = test_port_with_send();

		CHECK_OK(send_item(to, test_type_port(MACH_MSG_TYPE_MOVE_RECEIVE, 1), next));
		if (to != first)
			mach_port_deallocate(SELF, to);
		to = next;
	}
	mach_port_deallocate(SELF, to);
	test_port_destroy(first);
}

TEST(arrays_of_rights_inline_and_out_of_line)
{
	enum { N = 40 };
	mach_port_t p = test_port_with_send(), q[N];
	struct { mach_msg_header_t h; mach_msg_type_t type; mach_port_name_inlined_t port[N]; mach_msg_type_t otype; void *a; } m;
	mach_port_name_t *names = (mach_port_name_t *)allocate(PAGE);
	struct test_message r;

	m.h = (mach_msg_header_t){ .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = p };
	m.type = test_type_port(MACH_MSG_TYPE_MAKE_SEND, N);
	m.otype = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_MAKE_SEND_ONCE, .msgt_size = 32, .msgt_number = N };
	m.a = names;
	for (int i = 0; i < N; i++)
		m.port[i].name = names[i] = q[i] = test_port();
	CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
	CHECK_OK(test_receive(p, &r));
	CHECK(r.h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	mach_msg_type_t *t = (mach_msg_type_t *)r.body;
	mach_port_name_inlined_t *in = (mach_port_name_inlined_t *)(t + 1);
	CHECK_EQ(t->msgt_name, MACH_MSG_TYPE_PORT_SEND);
	mach_msg_type_t *ot = (mach_msg_type_t *)(in + N);
	mach_port_name_t *out = *(mach_port_name_t **)(ot + 1);
	CHECK_EQ(ot->msgt_name, MACH_MSG_TYPE_PORT_SEND_ONCE);
	CHECK_EQ(ot->msgt_deallocate, 1);
	for (int i = 0; i < N; i++) {
		CHECK_EQ(in[i].name, q[i]);
		CHECK_EQ(test_type(q[i]), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
		CHECK_EQ(test_type(out[i]), MACH_PORT_TYPE_SEND_ONCE);
		mach_port_destroy(SELF, out[i]);
		test_port_destroy(q[i]);
	}
	release(out, N * sizeof *out);
	release(names, PAGE);
	test_port_destroy(p);
}

/* around what was sent there are zeros, whatever the pages held before */
TEST(out_of_line_data_comes_alone_in_its_pages)
{
	mach_port_t p = test_port_with_send();
	char *from = allocate(2 * PAGE), *dirty = allocate(64 * PAGE);
	struct test_message r;
	unsigned wrong = 0;

	__builtin_memset(dirty, 0x77, 64 * PAGE);
	release(dirty, 64 * PAGE);
	__builtin_memset(from, 'x', 2 * PAGE);
	for (unsigned n = 0; n < 32; n++) {
		struct { mach_msg_header_t h; struct data_item item; } m = {
			{ .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = p },
			{ test_type_ool(100 + n, false), from + 200 },
		};

		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0));
		CHECK_OK(test_receive(p, &r));
		uint8_t *got = ((struct data_item *)r.body)->address, *page = (uint8_t *)((uintptr_t)got & ~(PAGE - 1));
		for (unsigned i = 0; i < PAGE; i++)
			wrong += page[i] != (page + i >= got && page + i < got + 100 + n ? 'x' : 0);
		release(page, PAGE);
	}
	CHECK_EQ(wrong, 0);
	release(from, 2 * PAGE);
	test_port_destroy(p);
}

TEST(out_of_line_data_is_a_snapshot)
{
	enum { SIZE = 10 * PAGE };
	static const unsigned offsets[] = { 0, 1, 4095, 100 };
	static const unsigned sizes[] = { 1, 100, PAGE, PAGE + 1, SIZE - PAGE };
	mach_port_t p = test_port_with_send();
	char *from = allocate(SIZE);
	struct test_message r;

	for (unsigned o = 0; o < 4; o++)
		for (unsigned s = 0; s < 5; s++) {
			unsigned size = sizes[s];

			for (unsigned i = 0; i < SIZE; i++)
				from[i] = (char)(i * 7 + o + s);
			CHECK_OK(send_data(p, test_type_ool(size, false), from + offsets[o]));
			for (unsigned i = 0; i < SIZE; i++)
				from[i] = 0x55;
			if (!CHECK_OK(test_receive(p, &r)))
				continue;
			struct data_item *d = (struct data_item *)r.body;
			unsigned char *got = d->address;
			CHECK_EQ(d->type.msgt_deallocate, 1);
			CHECK_EQ(d->type.msgt_number, size);
			CHECK_EQ((uintptr_t)got % PAGE, (uintptr_t)(from + offsets[o]) % PAGE);
			bool same = true;
			for (unsigned i = 0; i < size; i++)
				same &= got[i] == (unsigned char)((i + offsets[o]) * 7 + o + s);
			CHECK(same);
			got[0] = 1;	/* and is the receiver's to write */
			CHECK_EQ(from[offsets[o]], 0x55);
			release(got, size);
		}
	release(from, SIZE);
	test_port_destroy(p);
}

TEST(deallocate_takes_the_memory_from_the_sender)
{
	mach_port_t p = test_port_with_send();
	char *from = allocate(4 * PAGE);
	struct test_message r;
	vm_address_t probe = (vm_address_t)from;

	from[3 * PAGE] = 42;
	CHECK_OK(send_data(p, test_type_ool(4 * PAGE, true), from));
	/* the range is free again: exactly that range can be allocated */
	CHECK_OK(vm_allocate(SELF, &probe, 4 * PAGE, FALSE));
	release((void *)probe, 4 * PAGE);
	CHECK_OK(test_receive(p, &r));
	struct data_item *d = (struct data_item *)r.body;
	CHECK_EQ(((char *)d->address)[3 * PAGE], 42);
	release(d->address, 4 * PAGE);
	test_port_destroy(p);
}

/* whole pages go, whatever of them the array takes */
TEST(deallocate_takes_the_memory_of_an_array_of_rights)
{
	mach_port_t p = test_port_with_send();
	mach_msg_type_t type = { .msgt_name = MACH_MSG_TYPE_COPY_SEND, .msgt_size = 32, .msgt_longform = 1, .msgt_deallocate = 1,
	    .msgt_number = 3 };
	struct test_message r;

	for (unsigned at = 0; at < 3; at++) {
		char *memory = allocate(3 * PAGE);
		mach_port_t *names = (mach_port_t *)(memory + (at == 2 ? 2 * PAGE - 8 : at * 64));
		vm_size_t size = 0;
		vm_address_t first = (vm_address_t)memory;
		vm_prot_t prot, most;
		vm_inherit_t inherit;
		boolean_t shared;
		mach_port_t object;
		vm_offset_t offset;

		for (unsigned i = 0; i < 3; i++)
			names[i] = p;
		CHECK_OK(send_data(p, type, names));
		CHECK_OK(test_receive(p, &r));
		mach_msg_destroy(&r.h);
		/* the first page, or the second and third */
		CHECK_OK(vm_region(SELF, &first, &size, &prot, &most, &inherit, &shared, &object, &offset));
		CHECK_EQ(first, (vm_address_t)memory + (at == 2 ? 0 : PAGE));
		CHECK(at != 2 || size == PAGE);
		CHECK_OK(vm_deallocate(SELF, (vm_address_t)memory, 3 * PAGE));
	}
	test_port_destroy(p);
}

TEST(empty_out_of_line_data_is_a_null_pointer)
{
	mach_port_t p = test_port_with_send();
	struct test_message r;

	CHECK_OK(send_data(p, test_type_ool(0, false), (void *)0x1234));
	CHECK_OK(test_receive(p, &r));
	CHECK(((struct data_item *)r.body)->address == NULL);
	test_port_destroy(p);
}

TEST(unmapped_out_of_line_data_is_invalid_memory)
{
	mach_port_t p = test_port_with_send();
	char *hole = allocate(3 * PAGE);

	release(hole + PAGE, PAGE);
	CHECK_EQ(send_data(p, test_type_ool(3 * PAGE, false), hole), MACH_SEND_INVALID_MEMORY);
	CHECK_EQ(send_data(p, test_type_ool(PAGE, false), (void *)0xffff800000000000), MACH_SEND_INVALID_MEMORY);
	CHECK_EQ(send_data(p, test_type_ool(0xfffff000, false), (void *)0x7ffffffff000), MACH_SEND_INVALID_MEMORY);
	release(hole, PAGE);
	release(hole + 2 * PAGE, PAGE);
	test_port_destroy(p);
}

/* many items of every kind, in random order, come back in that order */
TEST(items_in_any_order)
{
	enum { ITEMS = 12, ROUNDS = 30 };
	mach_port_t p = test_port_with_send(), right = test_port_with_send();
	char *page = allocate(PAGE);
	struct test_message m, r;

	for (int round = 0; round < ROUNDS; round++) {
		unsigned kinds[ITEMS];
		uint64_t *w = (uint64_t *)m.body;

		m.h = (mach_msg_header_t){ .msgh_bits = COMPLEX(MACH_MSG_TYPE_COPY_SEND), .msgh_remote_port = p };
		for (int i = 0; i < ITEMS; i++) {
			mach_msg_type_t t = { .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 };

			kinds[i] = test_random() % 3;
			if (kinds[i] == 1)
				t = test_type_port(MACH_MSG_TYPE_COPY_SEND, 1);
			if (kinds[i] == 2)
				t = test_type_ool(PAGE, false);
			*(mach_msg_type_t *)w++ = t;
			*w++ = kinds[i] == 0 ? (uint64_t)i : kinds[i] == 1 ? right : (uint64_t)page;
		}
		page[0] = (char)round;
		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG, (unsigned)((char *)w - (char *)&m), 0, 0, 0, 0));
		if (!CHECK_OK(test_receive(p, &r)))
			break;
		w = (uint64_t *)r.body;
		for (int i = 0; i < ITEMS; i++, w += 2) {
			if (kinds[i] == 0)
				CHECK_EQ((uint32_t)w[1], i);
			else if (kinds[i] == 1)
				CHECK_EQ((uint32_t)w[1], right);
			else {
				CHECK_EQ(*(char *)w[1], round);
				release((void *)w[1], PAGE);
			}
		}
	}
	release(page, PAGE);
	test_port_destroy(right);
	test_port_destroy(p);
}
