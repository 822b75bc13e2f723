/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mach_msg and the traps around it: headers, descriptors, options and sizes from the input, or bytes as they come; names of every
 * sort; out-of-line memory at any address; rights that move between two ports and a set; receives too small or nowhere.
 */
#include <string.h>
#include "fuzz.h"

#define AT	fuzz_memory		/* the message lies there */

static uint8_t message[FUZZ_MESSAGE] __attribute__((aligned(8)));

void fuzz_prepare(mach_port_t task) { (void)task; }

static long trap(int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return sim_trap(number, a, b, c, d, 0, 0, 0, 0, 0, 0, 0);
}

static uint32_t put_data(uint8_t *at, uint32_t room, const mach_msg_type_t *t)
{
	static const uint32_t bits[] = { 1, 8, 16, 32, 64, 128 };
	uint64_t bytes = ((uint64_t)t->msgt_number * (t->msgt_size ? t->msgt_size : bits[3]) / 8 + 7) & ~7ull;

	if (bytes > room)
		bytes = room & ~7u;
	for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t v = t->msgt_name >= MACH_MSG_TYPE_PORT_NAME && t->msgt_name <= MACH_MSG_TYPE_MAKE_SEND_ONCE ? fuzz_port() :
		    i < 64 ? fuzz_number() : 0;

		memcpy(at + i, &v, 8);
	}
	return (uint32_t)bytes;
}

/* one descriptor and what it describes */
static uint32_t put_item(uint8_t *at, uint32_t room)
{
	mach_msg_type_t t = {
		.msgt_name = fuzz_pick(24), .msgt_size = (unsigned)(fuzz_pick(4) == 0 ? fuzz_number() : 64),
		.msgt_inline = fuzz_pick(3) != 0, .msgt_deallocate = fuzz_pick(4) == 1, .msgt_longform = fuzz_pick(4) == 1,
		.msgt_number = (mach_msg_type_number_t)(fuzz_pick(4) == 0 ? fuzz_number() : fuzz_pick(6)),
	};
	uint32_t used = sizeof t;

	if (t.msgt_name == 23)
		memset(&t, fuzz_u8(), sizeof t);
	memcpy(at, &t, sizeof t);
	if (t.msgt_inline) {
		used += put_data(at + used, room - used, &t);
	} else {
		uint64_t address = fuzz_address();

		/* names for the rights in it */
		for (unsigned i = 0; i < t.msgt_number && i < 6 && t.msgt_name >= MACH_MSG_TYPE_MOVE_RECEIVE; i++) {
			mach_port_t name = fuzz_port();

			(void)sim_try_write(address + i * sizeof name, &name, sizeof name);
		}
		memcpy(at + used, &address, sizeof address);
		used += sizeof address;
	}
	return used;
}

static uint32_t build(void)
{
	mach_msg_header_t *h = (mach_msg_header_t *)(void *)message;
	uint32_t size = sizeof *h;
	unsigned items = fuzz_pick(5);

	memset(message, 0, sizeof message);
	if (fuzz_pick(8) == 7) {
		/* as they come */
		for (size = 0; size < 96 && fuzz_left(); size++)
			message[size] = fuzz_u8();
		return size;
	}
	for (unsigned i = 0; i < items && size < 2048; i++)
		size += put_item(message + size, 2048 - size + 512);
	h->msgh_bits = MACH_MSGH_BITS(fuzz_pick(24), fuzz_pick(24)) | (items > 0 ? MACH_MSGH_BITS_COMPLEX : 0);
	if (fuzz_pick(8) == 1)
		h->msgh_bits = fuzz_u32();
	h->msgh_size = size;
	h->msgh_remote_port = fuzz_port();
	h->msgh_local_port = fuzz_port();
	h->msgh_id = fuzz_pick(2) ? (int)fuzz_u16() : 2000 + fuzz_pick(100);
	return fuzz_pick(8) == 1 ? (uint32_t)fuzz_number() : size;
}

static void do_message(void)
{
	uint32_t options = fuzz_pick(8) == 1 ? fuzz_u32() : fuzz_pick(4);
	uint32_t send_size = options & MACH_SEND_MSG ? build() : 0;
	uint32_t rcv_size = fuzz_pick(4) == 1 ? (uint32_t)fuzz_number() : FUZZ_MESSAGE;
	uint64_t at = fuzz_pick(16) == 1 ? fuzz_address() : AT;
	mach_msg_header_t h;

	if (fuzz_pick(16) != 1)
		options |= MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT;
	(void)sim_try_write(at, message, sizeof message);
	if (sim_trap(25, at, options, send_size, rcv_size, fuzz_port(), fuzz_pick(3), fuzz_port(), 0, 0, 0, 0) == 0 &&
	    (options & MACH_RCV_MSG) && sim_try_read(at, &h, sizeof h) && h.msgh_size <= sizeof message &&
	    sim_try_read(at, message, h.msgh_size))
		fuzz_harvest(message, h.msgh_size);
}

static void do_port(void)
{
	mach_port_t task = fuzz_pick(8) == 1 ? fuzz_port() : fuzz_name[FUZZ_TASK];

	switch (fuzz_pick(10)) {
	case 0:
		(void)trap(72, task, fuzz_pick(6), AT + 4096, 0);
		break;
	case 1:
		(void)trap(73, task, fuzz_port(), 0, 0);
		break;
	case 2:
		(void)trap(74, task, fuzz_port(), fuzz_port(), fuzz_pick(24));
		break;
	case 3:
		(void)trap(75, task, fuzz_pick(6), 2000 + fuzz_pick(8), 0);
		fuzz_found(2000 + fuzz_pick(8));
		break;
	case 4:
		u_mach_port_move_member(task, fuzz_port(), fuzz_port());
		break;
	case 5:
		u_mach_port_mod_refs(task, fuzz_port(), fuzz_pick(6), (int)fuzz_pick(8) - 4);
		break;
	case 6: {
		mach_port_t previous = MACH_PORT_NULL;

		u_mach_port_request_notification(task, fuzz_port(), 64 + fuzz_pick(12), fuzz_pick(3), fuzz_port(),
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
		fuzz_found(previous);
		break;
	}
	case 7:
		u_mach_port_set_qlimit(task, fuzz_port(), fuzz_pick(20));
		break;
	case 8:
		u_mach_port_destroy(task, fuzz_port());
		break;
	case 9:
		u_mach_port_rename(task, fuzz_port(), (mach_port_t)fuzz_number());
		break;
	}
}

static void do_memory(void)
{
	uint64_t address = fuzz_address(), size = fuzz_number();

	switch (fuzz_pick(4)) {
	case 0:
		u_vm_deallocate(fuzz_name[FUZZ_TASK], address, size);
		break;
	case 1:
		u_vm_allocate(fuzz_name[FUZZ_TASK], &address, size % 0x100000, (int)fuzz_pick(2));
		break;
	case 2:
		u_vm_protect(fuzz_name[FUZZ_TASK], address, size, (int)fuzz_pick(2), (int)fuzz_pick(16));
		break;
	case 3:
		(void)sim_try_write(address, &size, sizeof size);
		break;
	}
}

void fuzz_main(void)
{
	for (unsigned n = 0; n < 40 && fuzz_left(); n++) {
		unsigned kind = fuzz_pick(8);

		if (kind < 5)
			do_message();
		else if (kind < 7)
			do_port();
		else
			do_memory();
	}
}
