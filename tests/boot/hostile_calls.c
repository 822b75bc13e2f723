/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every routine of the interface with requests of the right form and arguments that make no sense, and of wrong forms, to every
 * kind of port it could be meant for. Nothing may break or leak, and wrong forms are told as such. The requests come from the
 * .defs (tools/conformance --table).
 */
#include <device/device.h>
#include <mach/gnumach.h>
#include <mach/mach_host.h>
#include <mach/mig_errors.h>
#include "harness/test.h"

#define SELF	mach_task_self()

enum { ITEMS_MAX = 12, ROUNDS = 12, TASK_CREATE = 2007 };

struct item { unsigned short offset, bytes; unsigned name, bits, number, ool; };
static const struct routine {
	int		 id, simple, wrong_kind;
	unsigned	 size, items;
	struct item	 item[ITEMS_MAX];
} routines[] = {
#include <routines.inc>
};
#define ROUTINES	(sizeof routines / sizeof *routines)

static const uint64_t odd[] = {
	0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xffffffff, 0x1000, 0xfff, 0x7fffffffffff, 0x800000000000, 0x7ffffffff000,
	0xffff800000000000, 0xffffffff80000000, 0x8000000000000000, 0x7fffffffffffffff, 0x400000, 0x10001, ~0ull,
};

static struct victims {
	mach_port_t	 task, thread, set, set_name, host, device, any;
} v;
static union {
	mach_msg_header_t h;
	char		 room[65536];
} __attribute__((aligned(8))) request, reply;
static mach_port_t reply_port;

/* what would end or change more than the victims: only to ports that may not */
static bool is_dangerous(int id)
{
	switch (id) {
	case 2041:		/* vm_set_default_memory_manager */
	case 2604:		/* processor_exit */
	case 2608:		/* processor_set_create: nobody would end the set */
	case 2635:		/* host_reboot */
	case 4203:		/* register_new_task_notification: for ever */
		return true;
	default:
		return false;
	}
}

static void make_victims(void)
{
	CHECK_OK(task_create(SELF, FALSE, &v.task));
	CHECK_OK(thread_create(v.task, &v.thread));
	CHECK_OK(processor_set_create(test_host_priv, &v.set, &v.set_name));
	CHECK_OK(device_open(test_device_master, 3, "null", &v.device));
	v.any = test_port_with_send();
}

static void end_victims(void)
{
	task_set_essential(v.task, FALSE);
	processor_set_destroy(v.set);
	task_terminate(v.task);
	device_close(v.device);
	test_port_destroy(v.any);
	mach_port_destroy(SELF, v.task);
	mach_port_destroy(SELF, v.thread);
	mach_port_destroy(SELF, v.set);
	mach_port_destroy(SELF, v.set_name);
	mach_port_destroy(SELF, v.device);
}

/* => the result the reply tells, or what the message system said */
static int call(mach_port_t target, int id, unsigned size, bool complex)
{
	mach_msg_return_t mr;

	request.h = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) | (complex ? MACH_MSGH_BITS_COMPLEX : 0),
		.msgh_remote_port = target, .msgh_local_port = reply_port, .msgh_id = id,
	};
	mr = mach_msg(&request.h, MACH_SEND_MSG, size, 0, 0, 0, 0);
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	/* twice the stack's size: outs may be large, and come out of line */
	do {
		mr = mach_msg(&reply.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof reply, reply_port, 0, 0);
		if (mr == MACH_MSG_SUCCESS && reply.h.msgh_id != id + 100)
			mach_msg_destroy(&reply.h);	/* of an earlier request that took longer */
	} while (mr == MACH_MSG_SUCCESS && reply.h.msgh_id != id + 100);
	if (mr == MACH_RCV_TOO_LARGE) {
		mach_port_destroy(SELF, reply_port);
		reply_port = test_port();
	}
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	mr = ((mig_reply_header_t *)&reply)->RetCode;
	if (id == TASK_CREATE && mr == KERN_SUCCESS)
		task_terminate(((mach_port_t *)&reply)[56 / 4]);
	mach_msg_destroy(&reply.h);
	return mr;
}

static void put_item(const struct item *it, bool *complex)
{
	static const mach_port_t none[] = { MACH_PORT_NULL, MACH_PORT_DEAD };
	char *at = (char *)&request + it->offset;
	mach_msg_type_t *type = (mach_msg_type_t *)(at - 8);
	bool port = it->name >= 16 && it->name <= 22;

	*type = (mach_msg_type_t){ .msgt_name = it->name, .msgt_size = it->bits, .msgt_number = it->number & 0xfff, .msgt_inline = 1 };
	if (it->ool) {
		type->msgt_inline = 0;
		type->msgt_number = test_random() % 5;
		*(uint64_t *)at = odd[test_random() % (sizeof odd / sizeof *odd)];
		*complex = true;
		return;
	}
	for (unsigned b = 0; b < it->bytes; b += 8)
		*(uint64_t *)(at + b) = odd[test_random() % (sizeof odd / sizeof *odd)];
	if (!port)
		return;
	*complex = true;
	for (unsigned b = 0; b < it->bytes; b += 8) {
		const mach_port_t some[] = { v.task, v.thread, v.set, v.set_name, v.any, v.any, none[0], none[1] };
		/* receive rights are the caller's to lose: none here */
		mach_port_t p = some[test_random() % 8];

		*(uint64_t *)(at + b) = it->name == MACH_MSG_TYPE_MAKE_SEND || it->name == MACH_MSG_TYPE_MAKE_SEND_ONCE ?
		    v.any : it->name == MACH_MSG_TYPE_MOVE_RECEIVE ? MACH_PORT_NULL : p;
	}
}

static void nonsense(const struct routine *r)
{
	mach_port_t targets[] = { v.task, v.thread, v.host, v.set, v.set_name, v.device, test_device_master, test_host_priv };
	unsigned n = is_dangerous(r->id) ? 3 : 8;

	for (unsigned t = 0; t < n; t++)
		for (int round = 0; round < ROUNDS; round++) {
			bool complex = false;

			for (unsigned i = 0; i < r->items; i++)
				put_item(&r->item[i], &complex);
			call(targets[t], r->id, r->size, complex);
		}
}

static void refused(const struct routine *r, int kr)
{
	if (!CHECK_EQ(kr, r->simple ? MACH_RCV_TIMED_OUT : MIG_BAD_ARGUMENTS))
		test_say("# in routine %d", r->id);
}

/* => the routine is not entered */
static void wrong_forms(const struct routine *r)
{
	unsigned long *body = (unsigned long *)(&request.h + 1);

	if (r->items > 0) {
		refused(r, call(v.task, r->id, sizeof request.h, false));
		for (unsigned i = 0; i < r->size / 8; i++)
			body[i] = 0;
		refused(r, call(v.task, r->id, r->size, false));
	}
	for (unsigned i = 0; i < 2; i++)
		body[i] = 0;
	refused(r, call(v.task, r->id, r->size + 8, false));
}

/* memory that is touched once and stays */
void test_prepare(void)
{
	for (unsigned i = 0; i < sizeof request; i += 4096)
		((volatile char *)&request)[i] = ((volatile char *)&reply)[i] = 0;
	make_victims();
	end_victims();
}

static void each(unsigned from, unsigned to)
{
	v.host = mach_host_self();
	reply_port = test_port();
	for (unsigned i = from; i < to; i++) {
		make_victims();
		wrong_forms(&routines[i]);
		nonsense(&routines[i]);
		end_victims();
		test_hostile(routines[i].id);
	}
	test_port_destroy(reply_port);
}

/* --- traps that hostile.c leaves out because of what they do: with victims they may --- */

static long trap(int number, const uint64_t *args)
{
	register uint64_t r10 __asm__("r10") = args[3];
	register uint64_t r8 __asm__("r8") = args[4];
	register uint64_t r9 __asm__("r9") = args[5];
	long result = -number;

	__asm__ volatile("syscall" : "+a"(result) : "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return result;
}

static void trap_nonsense(int number, uint64_t first)
{
	uint64_t args[6] = { first };

	for (unsigned a = 1; a < 6; a++)
		args[a] = odd[test_random() % (sizeof odd / sizeof *odd)];
	/* a child made by task_create has no name here when the address is nonsense: it is the victim's, and stays */
	if (number == 68)
		args[0] = odd[test_random() % (sizeof odd / sizeof *odd)];
	/* it waits that long */
	if (number == 61)
		args[2] %= 2;
	trap(number, args);
}

TEST(traps_with_nonsense)
{
	static const int on_task[] = { 64, 65, 66, 68, 70, 71, 72, 73, 74, 75, 69 }, on_thread[] = { 76, 61 }, on_device[] = { 39, 40 };

	for (int round = 0; round < 30; round++) {
		make_victims();
		for (unsigned i = 0; i < sizeof on_task / sizeof *on_task; i++)
			trap_nonsense(on_task[i], v.task);
		for (unsigned i = 0; i < sizeof on_thread / sizeof *on_thread; i++)
			trap_nonsense(on_thread[i], v.thread);
		for (unsigned i = 0; i < sizeof on_device / sizeof *on_device; i++)
			trap_nonsense(on_device[i], v.device);
		trap(120, (const uint64_t[6]){ odd[test_random() % 17], odd[test_random() % 17], 0, 1, 4 });
		trap(122, (const uint64_t[6]){ odd[test_random() % 17], odd[test_random() % 17], odd[test_random() % 17], 0, 1, 4 });
		trap(122, (const uint64_t[6]){ SELF, odd[test_random() % 17], odd[test_random() % 17], 0, 1, 4 });
		/* nothing is stored */
		trap(123, (const uint64_t[6]){ SELF, odd[test_random() % 17], odd[test_random() % 17], odd[test_random() % 17] & 9 });
		trap(121, (const uint64_t[6]){ odd[test_random() % 17], odd[test_random() % 17], odd[test_random() % 17] });
		/* reads the console's characters from there: not from what is text */
		trap(30, (const uint64_t[6]){ 0x600000000000 + round });
		/* a flavour that is one would make this thread another */
		trap(77, (const uint64_t[6]){ 1000 + odd[round % 17], odd[test_random() % 17], odd[test_random() % 17] });
		end_victims();
	}
	for (unsigned i = 0; i < sizeof on_task / sizeof *on_task; i++)
		test_hostile(-on_task[i]);
	for (unsigned i = 0; i < 2; i++) {
		test_hostile(-on_thread[i]);
		test_hostile(-on_device[i]);
	}
	test_hostile(-30);
	test_hostile(-77);
	test_hostile(-120);
	test_hostile(-121);
	test_hostile(-122);
	test_hostile(-123);
}

/* nothing to get wrong: whatever is in the registers */
TEST(traps_without_arguments_look_at_none)
{
	static const int empty[] = { 10, 11, 12, 13, 17, 18, 55, 56, 59, 60 };
	mach_port_t p;

	for (unsigned i = 0; i < sizeof empty / sizeof *empty; i++) {
		trap_nonsense(empty[i], odd[test_random() % 17]);
		test_hostile(-empty[i]);
	}
	for (int n = 26; n < 30; n++) {
		p = (mach_port_t)trap(n, (const uint64_t[6]){ ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul });
		CHECK(test_type(p) != 0);
		if (n == 26)
			test_port_destroy(p);
		else
			mach_port_deallocate(SELF, p);
		test_hostile(-n);
	}
}

TEST(routines_with_nonsense_first_quarter) { each(0, ROUTINES / 4); }
TEST(routines_with_nonsense_second_quarter) { each(ROUTINES / 4, ROUTINES / 2); }
TEST(routines_with_nonsense_third_quarter) { each(ROUTINES / 2, ROUTINES * 3 / 4); }
TEST(routines_with_nonsense_last_quarter) { each(ROUTINES * 3 / 4, ROUTINES); }
