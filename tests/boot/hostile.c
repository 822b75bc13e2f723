/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile arguments: every trap and every kernel routine id with nonsense. The machine must go on and nothing may leak. */
#include "harness/test.h"

#define SELF mach_task_self()

extern long hostile_trap(long number, const long *args);
__asm__(".text\n"
    "hostile_trap: pushq %rbx; movq %rsi, %rbx; movslq %edi, %rax\n"
    " pushq 80(%rbx); pushq 72(%rbx); pushq 64(%rbx); pushq 56(%rbx); pushq 48(%rbx); pushq $0\n"
    " movq (%rbx), %rdi; movq 8(%rbx), %rsi; movq 16(%rbx), %rdx; movq 24(%rbx), %r10; movq 32(%rbx), %r8; movq 40(%rbx), %r9\n"
    " syscall; addq $48, %rsp; popq %rbx; ret");

static const long odd[] = {
	0, 1, -1, 7, 0x7fffffff, 0x80000000, 0xffffffff, 0x1000, 0xfff, 0x7fffffffffff, 0x800000000000, 0x7ffffffff000,
	(long)0xffff800000000000, (long)0xffffffff80000000, (long)0x8000000000000000, 0x7fffffffffffffff, 0x400000, 0x10001,
};
#define ODD (sizeof odd / sizeof *odd)

/* those that end, stop or move the caller are left out: they are meant to */
static bool harmless(int n)
{
	return n != 69 && n != 70 && n != 77 && n != 71 && n != 30 && n != 25 && n != 61 && n != 26 && n != 17 && n != 18 && n != 65 &&
	    n != 120 && n != 72 && n != 68 && n != 64 && n != 66 && n != 27 && n != 28 && n != 29 && n != 75 && n != 73 && n != 74;
}

TEST(every_trap_with_odd_arguments)
{
	for (int n = 0; n < 132; n++) {
		if (!harmless(n))
			continue;
		for (unsigned i = 0; i < 40; i++) {
			long args[12];

			for (unsigned a = 0; a < 12; a++)
				args[a] = odd[test_random() % ODD];
			if (n < 130)
				hostile_trap(-n, args);
		}
	}
}

TEST(unassigned_traps_are_invalid_arguments)
{
	static const int unassigned[] = { 1, 9, 14, 19, 31, 50, 62, 63, 67, 78, 100, 129 };
	long args[12] = { 0 };

	for (unsigned i = 0; i < sizeof unassigned / sizeof *unassigned; i++)
		CHECK_EQ((int)hostile_trap(-unassigned[i], args), KERN_INVALID_ARGUMENT);
	CHECK_EQ((int)hostile_trap(0, args), KERN_INVALID_ARGUMENT);
	CHECK_EQ((int)hostile_trap(-10, args), 0);
}

TEST(message_trap_with_odd_arguments)
{
	static const int options[] = { 0, 1, 2, 3, 0x101, 0x102, 0x103, 0x113, 0x133, 0x1b3, 0xfff3, 0x902, 0x302 };

	for (int i = 0; i < 4000; i++) {
		long args[12];

		for (unsigned a = 0; a < 12; a++)
			args[a] = odd[test_random() % ODD];
		/* with a timeout of nothing: it must come back */
		args[1] = options[test_random() % (sizeof options / sizeof *options)] | 0x110;
		args[5] = 0;
		hostile_trap(-25, args);
	}
	test_hostile(-25);
}

TEST(vm_traps_with_odd_arguments)
{
	/* on a child's map, so that what they manage to do goes with it */
	for (int round = 0; round < 20; round++) {
		mach_port_t task;
		long address;

		CHECK_OK(task_create(SELF, FALSE, &task));
		for (int i = 0; i < 100; i++) {
			long args[12] = { (long)task, (long)&address };
			int n = 64 + (int)(test_random() % 3);

			address = odd[test_random() % ODD];
			for (unsigned a = 2; a < 12; a++)
				args[a] = odd[test_random() % ODD];
			if (n == 66)
				args[1] = odd[test_random() % ODD];
			else if (n == 64)
				args[5] = 0;
			hostile_trap(-n, args);
		}
		CHECK_OK(task_terminate(task));
		mach_port_deallocate(SELF, task);
	}
}

/* Every routine id of every kernel subsystem, to every kind of port a program has, with a random body. */
/* it makes tasks and threads and throws their names away */
TEST_FLAGS(kernel_routines_with_random_bodies, TEST_MAY_LEAK)
{
	static const struct { int base, n; } subsystems[] = {
		{ 2000, 100 }, { 2600, 50 }, { 3200, 25 }, { 4000, 15 }, { 4200, 20 }, { 3000, 30 }, { 2800, 20 }, { 3800, 12 },
	};
	mach_port_t task, thread, reply = test_port();

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &thread));
	mach_port_t targets[] = { task, thread, mach_host_self() };
	for (unsigned s = 0; s < sizeof subsystems / sizeof *subsystems; s++)
		for (int i = 0; i < subsystems[s].n; i++)
			for (int round = 0; round < 12; round++) {
				int id = subsystems[s].base + i;
				unsigned size = 32 + test_random() % 20 * 8;
				struct test_message m = { .h = {
				    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
				    .msgh_remote_port = targets[test_random() % 3], .msgh_local_port = reply, .msgh_id = id } };

				/* the ones that change the whole machine's clock or stop are not for the unprivileged port anyway */
				for (unsigned w = 0; w < size / 4; w++)
					((uint32_t *)m.body)[w] = test_random() % 3 ? test_random() : 0x10002002;
				mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, size, sizeof m, reply, 0, 0);
				/* late and complex replies are thrown away with the port at the end */
			}
	task_terminate(task);
	mach_port_destroy(SELF, task);
	mach_port_destroy(SELF, thread);
	test_port_destroy(reply);
}

static volatile bool stop_flipping;
static uint32_t flipped[16];

static void flip(void *arg)
{
	(void)arg;
	while (!stop_flipping)
		flipped[test_random() % 16] = test_random();
}

/* reliability: the sender changes the message while the kernel reads it */
TEST(message_changed_while_it_is_sent)
{
	mach_port_t p = test_port_with_send();
	struct test_message r;

	stop_flipping = false;
	mach_port_t t = test_thread(flip, NULL);
	for (int i = 0; i < 3000; i++) {
		mach_msg_header_t *h = (mach_msg_header_t *)flipped;

		h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
		h->msgh_remote_port = p;
		h->msgh_local_port = 0;
		mach_msg(h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 64, 0, 0, 0, 0);
		while (test_receive(p, &r) == MACH_MSG_SUCCESS)
			if (MACH_MSGH_BITS_REMOTE(r.h.msgh_bits))
				mach_port_destroy(SELF, r.h.msgh_remote_port);
	}
	stop_flipping = true;
	test_thread_join(t);
	if (test_type(p))
		mach_port_destroy(SELF, p);
}
