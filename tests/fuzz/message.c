/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests with arguments from the input, and what comes back. */
#include <string.h>
#include <mach/mach_types.h>
#include "fuzz.h"

#define SCRATCH		(FUZZ_MEMORY / 2)	/* where out-of-line data is taken from */

static bool is_port(unsigned name)
{
	return name >= MACH_MSG_TYPE_MOVE_RECEIVE && name <= MACH_MSG_TYPE_MAKE_SEND_ONCE;
}

static void put_value(uint8_t *at, unsigned bytes)
{
	uint64_t v = bytes == 8 && fuzz_pick(3) == 0 ? fuzz_address() : fuzz_number();

	memcpy(at, &v, bytes < 8 ? bytes : 8);
}

static uint32_t put_inline(uint8_t *at, uint32_t room, const struct fuzz_field *f, mach_msg_type_t *t)
{
	uint32_t bytes = f->ff_bits / 8, i;

	if (f->ff_flags & FUZZ_MAX)
		t->msgt_number = f->ff_count > 1 ? fuzz_number() % (f->ff_count + 1u) : 1;
	if (is_port(t->msgt_name))
		t->msgt_size = 64, bytes = 8;
	while (t->msgt_number > 0 && (uint64_t)t->msgt_number * bytes > room)
		t->msgt_number /= 2;
	for (i = 0; i < t->msgt_number; i++) {
		if (is_port(t->msgt_name) || t->msgt_name == MACH_MSG_TYPE_PORT_NAME) {
			mach_port_t name = fuzz_port();

			memset(at + i * bytes, 0, bytes);
			memcpy(at + i * bytes, &name, sizeof name);
		} else if (bytes == 1) {
			at[i] = fuzz_u8();
		} else {
			put_value(at + i * bytes, bytes);
		}
	}
	return (i * bytes + 7) & ~7u;
}

static uint32_t put_ool(uint8_t *at, const struct fuzz_field *f, mach_msg_type_t *t)
{
	uint64_t address = fuzz_memory + SCRATCH + (fuzz_pick(4) == 0 ? fuzz_u16() : 0);

	t->msgt_inline = 0;
	t->msgt_deallocate = fuzz_pick(8) == 1;
	if (is_port(t->msgt_name))
		t->msgt_size = 32;
	t->msgt_number = (mach_msg_type_number_t)(fuzz_number() % (SCRATCH / (f->ff_bits / 8)));
	if (fuzz_pick(16) == 1)
		address = fuzz_number();
	for (uint32_t i = 0; is_port(t->msgt_name) && i < t->msgt_number && i < 8; i++) {
		mach_port_t name = fuzz_port();

		(void)sim_try_write(fuzz_memory + SCRATCH + i * sizeof name, &name, sizeof name);
	}
	memcpy(at, &address, sizeof address);
	return 8;
}

uint32_t fuzz_request(const struct fuzz_routine *r, uint8_t *buffer, mach_port_t dest)
{
	mach_msg_header_t *h = (mach_msg_header_t *)(void *)buffer;
	uint32_t size = sizeof *h;
	unsigned how = fuzz_u8();
	bool complex = false;

	memset(buffer, 0, FUZZ_MESSAGE);
	for (unsigned i = 0; i < r->fr_fields; i++) {
		const struct fuzz_field *f = &r->fr_field[i];
		mach_msg_type_t t = { .msgt_name = f->ff_name, .msgt_size = f->ff_bits, .msgt_inline = 1, .msgt_number = f->ff_count };
		uint8_t *at = buffer + size + sizeof t;

		if (size + sizeof t + 16 > FUZZ_MESSAGE)
			break;
		if (f->ff_name == 255)
			t.msgt_name = MACH_MSG_TYPE_MOVE_RECEIVE + fuzz_pick(6);
		if (is_port(t.msgt_name) || (f->ff_flags & FUZZ_OOL))
			complex = true;
		size += (uint32_t)sizeof t + (f->ff_flags & FUZZ_OOL ? put_ool(at, f, &t) :
		    put_inline(at, FUZZ_MESSAGE - size - (uint32_t)sizeof t, f, &t));
		if (how == 0xee)		/* now and then what no stub would send */
			((uint8_t *)&t)[fuzz_pick(8)] ^= fuzz_u8();
		memcpy(at - sizeof t, &t, sizeof t);
	}
	h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, how & 1 ? 0 : MACH_MSG_TYPE_MAKE_SEND_ONCE) |
	    (complex ? MACH_MSGH_BITS_COMPLEX : 0);
	h->msgh_size = size;
	h->msgh_remote_port = dest;
	h->msgh_local_port = how & 1 ? MACH_PORT_NULL : fuzz_name[FUZZ_REPLY];
	h->msgh_id = r->fr_id;
	return how == 0xef ? size & ~(8u * fuzz_pick(4)) : size;
}

void fuzz_harvest(const uint8_t *message, uint32_t size)
{
	const mach_msg_header_t *h = (const mach_msg_header_t *)(const void *)message;
	uint32_t at = sizeof *h;

	if (MACH_MSGH_BITS_REMOTE(h->msgh_bits) != 0)
		fuzz_found(h->msgh_remote_port);
	while ((h->msgh_bits & MACH_MSGH_BITS_COMPLEX) && at + 16 <= size) {
		mach_msg_type_t t;
		mach_port_t name;
		uint64_t bytes;

		memcpy(&t, message + at, sizeof t);
		at += sizeof t;
		bytes = t.msgt_inline ? ((uint64_t)t.msgt_number * t.msgt_size / 8 + 7) & ~7ull : 8;
		if (t.msgt_inline && is_port(t.msgt_name) && t.msgt_number > 0) {
			memcpy(&name, message + at, sizeof name);
			fuzz_found(name);
		}
		if (bytes > size - at)
			return;
		at += (uint32_t)bytes;
	}
}

bool fuzz_receive(mach_port_t port, unsigned ms, uint8_t *buffer, uint32_t room)
{
	mach_msg_header_t *h = (mach_msg_header_t *)(void *)buffer;

	if (mach_msg(h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, room, port, ms, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		return false;
	fuzz_harvest(buffer, h->msgh_size < room ? h->msgh_size : room);
	return true;
}

void fuzz_call(const uint8_t *message, uint32_t size)
{
	static uint8_t buffer[FUZZ_MESSAGE] __attribute__((aligned(8)));

	memcpy(buffer, message, size);
	if (mach_msg((mach_msg_header_t *)(void *)buffer, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL, 0,
	    MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		(void)fuzz_receive(fuzz_name[FUZZ_REPLY], 0, buffer, sizeof buffer);
}
