/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers are its own: across calls of the kernel, faults, pre-emption and moves between processors.
 */
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define ROUNDS	(test_is_proxied ? 20u : 400u)
enum { THREADS = 6 };

/* fn(arg) with a pattern in every register that a call must keep; => 0, or a bit for each one lost */
extern int registers_hold(void (*fn)(void *), void *arg, uint64_t pattern);
__asm__(
	".text\n"
	"registers_hold:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	push %rdx\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	lea 1(%rdx), %rbx\n	lea 2(%rdx), %rbp\n	lea 3(%rdx), %r12\n"
	"	lea 4(%rdx), %r13\n	lea 5(%rdx), %r14\n	lea 6(%rdx), %r15\n"
	"	call *%rax\n"
	"	pop %rdx\n"
	"	xor %eax, %eax\n"
	"	lea 1(%rdx), %rcx\n	cmp %rcx, %rbx\n	je 1f\n	or $1, %eax\n"
	"1:	lea 2(%rdx), %rcx\n	cmp %rcx, %rbp\n	je 1f\n	or $2, %eax\n"
	"1:	lea 3(%rdx), %rcx\n	cmp %rcx, %r12\n	je 1f\n	or $4, %eax\n"
	"1:	lea 4(%rdx), %rcx\n	cmp %rcx, %r13\n	je 1f\n	or $8, %eax\n"
	"1:	lea 5(%rdx), %rcx\n	cmp %rcx, %r14\n	je 1f\n	or $16, %eax\n"
	"1:	lea 6(%rdx), %rcx\n	cmp %rcx, %r15\n	je 1f\n	or $32, %eax\n"
	"1:	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
	"	ret\n"
);

static unsigned word;

/* sleeps and wakes of a contended lock */
static void contend(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		while (__atomic_exchange_n(&word, 2, __ATOMIC_ACQUIRE) != 0)
			gsync_wait(SELF, (vm_address_t)(uintptr_t)&word, 2, 0, 0, 0);
		for (volatile int k = 0; k < 50; k++)
			;
		__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
		gsync_wake(SELF, (vm_address_t)(uintptr_t)&word, 0, 0);
	}
}

static void fault(void *arg)
{
	vm_address_t a = 0;

	(void)arg;
	if (vm_allocate(SELF, &a, 8 * vm_page_size, TRUE) != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < 8; i++)
		*(volatile char *)(a + i * vm_page_size) = 1;
	vm_deallocate(SELF, a, 8 * vm_page_size);
}

static void yield(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		test_yield();
}

static void wait(void *arg)
{
	struct test_message m;

	test_receive_wait((mach_port_t)(uintptr_t)arg, &m, 1);
}

static unsigned lost;

static void work(void *arg)
{
	uint64_t n = (uint64_t)(uintptr_t)arg;
	mach_port_t port = test_port();
	int bits = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t pattern = n << 48 | (uint64_t)i << 8;

		bits |= registers_hold(contend, NULL, pattern);
		bits |= registers_hold(fault, NULL, pattern);
		bits |= registers_hold(yield, NULL, pattern);
		if (i % 16 == 0)
			bits |= registers_hold(wait, (void *)(uintptr_t)port, pattern);
	}
	test_port_destroy(port);
	__atomic_fetch_or(&lost, (unsigned)bits, __ATOMIC_RELAXED);
}

TEST(registers_survive_waits_faults_and_switches)
{
	mach_port_t t[THREADS];

	lost = word = 0;
	for (unsigned i = 0; i < THREADS; i++)
		t[i] = test_thread(work, (void *)(uintptr_t)(i + 1));
	for (unsigned i = 0; i < THREADS; i++)
		test_thread_join(t[i]);
	CHECK_EQ(lost, 0);
}
