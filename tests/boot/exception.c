/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions and system call redirection: interface reference sections 8 and 17, architecture decision 2. */
#include <mach/exception.h>
#include <mach/machine/thread_status.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include "harness/test.h"

#define SELF mach_task_self()

struct raise {
	mach_msg_header_t h;
	struct port_item thread, task;
	mach_msg_type_t t1; int exception, p1;
	mach_msg_type_t t2; int code, p2;
	mach_msg_type_t t3; int64_t subcode;
	char room[64];
};

static struct raise got;
static volatile int handled;

/* Repair by moving on: the faulting thread continues at fixed_rip, or after `skip` bytes. */
static uint64_t fixed_rip;
static int skip;

static void reply(const struct raise *m, int code)
{
	struct { mach_msg_header_t h; mach_msg_type_t type; int code, pad; } r = {
		.h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0), .msgh_remote_port = m->h.msgh_remote_port,
		    .msgh_id = m->h.msgh_id + 100 },
		.type = { .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 },
		.code = code,
	};

	CHECK_OK(mach_msg(&r.h, MACH_SEND_MSG, sizeof r, 0, 0, 0, 0));
}

static void handle_one(mach_port_t port)
{
	struct i386_thread_state s;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;

	if (!CHECK_OK(mach_msg(&got.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof got, port, 5000, 0)))
		return;
	CHECK_EQ(got.h.msgh_size, 112);
	CHECK_EQ(got.h.msgh_id, 2400);
	CHECK_EQ(got.h.msgh_bits, 0x80001112);
	CHECK_OK(thread_get_state(got.thread.port.name, i386_THREAD_STATE, (thread_state_t)&s, &n));
	s.rip = fixed_rip ? fixed_rip : s.rip + (uint64_t)skip;
	CHECK_OK(thread_set_state(got.thread.port.name, i386_THREAD_STATE, (thread_state_t)&s, n));
	mach_port_deallocate(SELF, got.thread.port.name);
	mach_port_deallocate(SELF, got.task.port.name);
	handled++;
	reply(&got, 0);
}

static volatile int finished;

static void ud2(void *arg) { (void)arg; __asm__ volatile("ud2"); finished = 1; }
static void int3(void *arg) { (void)arg; __asm__ volatile("int3"); finished = 1; }
static void divide(void *arg)
{
	(void)arg;
	__asm__ volatile("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx" ::: "eax", "ecx", "edx");
	finished = 1;
}
static void privileged(void *arg) { (void)arg; __asm__ volatile("hlt"); finished = 1; }
static void read_null(void *arg) { (void)arg; __asm__ volatile("movl 0x123, %%eax" ::: "eax"); finished = 1; }
static void write_kernel(void *arg)
{
	(void)arg;
	__asm__ volatile("movabsq $0xffff800000001000, %%rax; movl %%eax, (%%rax)" ::: "rax");
	finished = 1;
}
static void positive_call(void *arg) { (void)arg; __asm__ volatile("movl $39, %%eax; syscall" ::: "rax", "rcx", "r11"); finished = 1; }

/* run fn in a thread with an exception port; skip bytes is the length of the faulting instruction */
static void expect(void (*fn)(void *), int length, int exception, int code, bool check_subcode, int64_t subcode)
{
	mach_port_t port = test_port_with_send(), t;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	skip = length;
	fixed_rip = 0;
	handled = finished = 0;
	t = test_thread(fn, NULL);
	handle_one(port);
	test_thread_join(t);
	CHECK_EQ(handled, 1);
	CHECK_EQ(finished, 1);
	CHECK_EQ(got.exception, exception);
	CHECK_EQ(got.code, code);
	if (check_subcode)
		CHECK_EQ(got.subcode, subcode);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	test_port_destroy(port);
}

TEST(invalid_opcode) { expect(ud2, 2, EXC_BAD_INSTRUCTION, 1, false, 0); }
TEST(breakpoint) { expect(int3, 0, EXC_BREAKPOINT, 2, true, 0); }
TEST(divide_by_zero) { expect(divide, 2, EXC_ARITHMETIC, 1, false, 0); }
TEST(privileged_instruction) { expect(privileged, 1, EXC_BAD_INSTRUCTION, 13, true, 0); }
TEST(unmapped_address) { expect(read_null, 7, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, true, 0x123); }
TEST(kernel_address) { expect(write_kernel, 2, EXC_BAD_ACCESS, 14, true, (int64_t)0xffff800000001000); }
TEST(positive_call_without_redirection) { expect(positive_call, 0, EXC_BAD_INSTRUCTION, 1, false, 0); }

/* --- repair and restart --- */

static volatile int *missing;

static void store_to_missing(void *arg)
{
	(void)arg;
	*missing = 4711;
	finished = 1;
}

TEST(handler_makes_the_memory_that_was_missing)
{
	mach_port_t port = test_port_with_send(), t;
	vm_address_t a;
	struct raise m;

	missing = (volatile int *)0x654321064;
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	finished = 0;
	t = test_thread(store_to_missing, NULL);
	REQUIRE(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 5000, 0) == MACH_MSG_SUCCESS);
	CHECK_EQ(m.exception, EXC_BAD_ACCESS);
	CHECK_EQ(m.code, KERN_INVALID_ADDRESS);
	CHECK_EQ(m.subcode, (int64_t)missing);
	a = (vm_address_t)missing & ~4095ul;
	CHECK_OK(vm_map(SELF, &a, 4096, 0, FALSE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_ALL, VM_INHERIT_COPY));
	reply(&m, KERN_SUCCESS);			/* there, but not to be written */
	mach_port_deallocate(SELF, m.thread.port.name);
	mach_port_deallocate(SELF, m.task.port.name);
	REQUIRE(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 5000, 0) == MACH_MSG_SUCCESS);
	CHECK_EQ(m.code, KERN_PROTECTION_FAILURE);
	CHECK_EQ(m.subcode, (int64_t)missing);
	CHECK_OK(vm_protect(SELF, a, 4096, FALSE, VM_PROT_READ | VM_PROT_WRITE));
	reply(&m, KERN_SUCCESS);
	mach_port_deallocate(SELF, m.thread.port.name);
	mach_port_deallocate(SELF, m.task.port.name);
	test_thread_join(t);
	CHECK_EQ(finished, 1);
	CHECK_EQ(*missing, 4711);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(vm_deallocate(SELF, a, 4096));
	test_port_destroy(port);
}

static void thread_port_body(void *arg)
{
	mach_port_t self = mach_thread_self();

	CHECK_OK(thread_set_special_port(self, THREAD_EXCEPTION_PORT, (mach_port_t)(uintptr_t)arg));
	mach_port_deallocate(SELF, self);
	int3(NULL);
}

TEST(thread_port_comes_before_the_task_port)
{
	mach_port_t thread_port = test_port_with_send(), task_port = test_port_with_send();
	struct test_message m;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, task_port));
	skip = 0;
	finished = 0;
	mach_port_t t = test_thread(thread_port_body, (void *)(uintptr_t)thread_port);
	handle_one(thread_port);
	CHECK_EQ(test_receive(task_port, &m), MACH_RCV_TIMED_OUT);
	test_thread_join(t);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	test_port_destroy(thread_port);
	test_port_destroy(task_port);
}

static void child_fault(void *arg) { (void)arg; __asm__ volatile("ud2"); }

TEST(unhandled_exception_ends_the_task)
{
	mach_port_t task = test_fork(child_fault, NULL);

	for (int i = 0; i < 500 && !(test_type(task) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(10);
	CHECK(test_type(task) & MACH_PORT_TYPE_DEAD_NAME);
	mach_port_destroy(SELF, task);
}

TEST(refused_exception_ends_the_task)
{
	mach_port_t port = test_port_with_send(), task;
	struct raise m;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	task = test_fork(child_fault, NULL);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 5000, 0));
	mach_port_deallocate(SELF, m.thread.port.name);
	mach_port_deallocate(SELF, m.task.port.name);
	reply(&m, KERN_FAILURE);
	for (int i = 0; i < 500 && !(test_type(task) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(10);
	CHECK(test_type(task) & MACH_PORT_TYPE_DEAD_NAME);
	mach_port_destroy(SELF, task);
	test_port_destroy(port);
}

TEST(thread_waiting_for_its_handler_can_be_terminated)
{
	mach_port_t port = test_port_with_send();
	struct raise m;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	mach_port_t t = test_thread(ud2, NULL);
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 5000, 0));
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, m.thread.port.name);
	mach_port_deallocate(SELF, m.task.port.name);
	mach_port_deallocate(SELF, m.h.msgh_remote_port);
	test_thread_join(t);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	test_port_destroy(port);
}

/* --- redirection: RCX return address, R11 flags, everything else as the program left it --- */
extern void redirected(void);
extern long redirect_seen[4];
long redirect_seen[4];
__asm__(".text; .globl redirected\n"
    "redirected: movq %rax, redirect_seen(%rip); movq %rdi, redirect_seen+8(%rip); movq %rsp, redirect_seen+16(%rip)\n"
    " movq %r11, redirect_seen+24(%rip); movl $4242, %eax; jmp *%rcx");

static long call(long number, long argument, long *sp)
{
	long result;

	__asm__ volatile("movq %%rsp, %1; syscall" : "=a"(result), "=&r"(*sp) : "a"(number), "D"(argument) : "rcx", "r11", "memory");
	return result;
}

TEST(positive_calls_go_to_the_emulation_vector)
{
	long sp;

	CHECK_OK(task_set_emulation(SELF, (vm_address_t)redirected, 39));
	CHECK_EQ(call(39, 0x1234, &sp), 4242);
	CHECK_EQ(redirect_seen[0], 39);
	CHECK_EQ(redirect_seen[1], 0x1234);
	CHECK_EQ(redirect_seen[2], sp);
	CHECK(redirect_seen[3] & 0x200);
	/* Mach's own traps are not touched */
	CHECK((mach_task_self)() != MACH_PORT_NULL);
	mach_port_deallocate(SELF, mach_task_self());
	CHECK_OK(task_set_emulation(SELF, 0, 39));
}

static void child_redirected(void *arg)
{
	long sp;

	if (call(500, 1, &sp) != 4242)
		for (;;)
			test_sleep(1000);
	(void)arg;
}

TEST(vector_is_inherited_by_children)
{
	vm_offset_t vector[4] = { (vm_offset_t)redirected, 0, (vm_offset_t)redirected, (vm_offset_t)redirected };
	emulation_vector_t back;
	mach_msg_type_number_t n = 0;
	int start = 0;

	CHECK_OK(task_set_emulation_vector(SELF, 500, vector, 4));
	CHECK_OK(task_get_emulation_vector(SELF, &start, &back, &n));
	CHECK(n >= 4);
	CHECK(start <= 500 && start + (int)n >= 504);
	vm_deallocate(SELF, (vm_address_t)back, n * sizeof *back);
	mach_port_t task = test_fork(child_redirected, NULL);
	for (int i = 0; i < 500 && !(test_type(task) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(10);
	CHECK(test_type(task) & MACH_PORT_TYPE_DEAD_NAME);
	mach_port_destroy(SELF, task);
	vector[0] = vector[2] = vector[3] = 0;
	CHECK_OK(task_set_emulation_vector(SELF, 500, vector, 4));
}

TEST(vectors_check_their_arguments)
{
	static vm_offset_t vector[9000];
	emulation_vector_t back;
	mach_msg_type_number_t n = 77;
	mach_port_t task;
	int start = 0;

	CHECK_EQ(task_set_emulation(SELF, 0x1000, -1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation(SELF, 0x1000, 8192), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation(SELF, 0x1000, 0x7fffffff), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation(SELF, 0x800000000000, 1), KERN_INVALID_ADDRESS);
	CHECK_EQ(task_set_emulation(SELF, 0xffffffff80000000, 1), KERN_INVALID_ADDRESS);
	CHECK_EQ(task_set_emulation(test_host_priv, 0x1000, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(SELF, -1, vector, 4), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(SELF, 0, vector, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(SELF, 0, vector, 8193), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(SELF, 8193, vector, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(SELF, 0x7fffffff, vector, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_emulation_vector(test_host_priv, 0, vector, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_get_emulation_vector(test_host_priv, &start, &back, &n), KERN_INVALID_ARGUMENT);
	vector[1] = 0x800000000000;
	CHECK_EQ(task_set_emulation_vector(SELF, 0, vector, 2), KERN_INVALID_ADDRESS);
	vector[1] = 0;
	/* 8192 entries from the lowest to the highest, not more */
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_set_emulation(task, 0x1000, 0));
	CHECK_OK(task_set_emulation(task, 0x2000, 8191));
	CHECK_EQ(task_set_emulation_vector(task, 8191, vector, 2), KERN_RESOURCE_SHORTAGE);
	CHECK_OK(task_get_emulation_vector(task, &start, &back, &n));
	CHECK(start == 0 && n == 8192 && back[0] == 0x1000 && back[8191] == 0x2000 && back[1] == 0);
	vm_deallocate(SELF, (vm_address_t)back, n * sizeof *back);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
}

/* a handler is told from the caller's state alone, whatever that is: the flags and the stack are its own */
TEST(redirection_needs_nothing_of_the_callers_stack)
{
	long result;

	CHECK_OK(task_set_emulation(SELF, (vm_address_t)redirected, 40));
	__asm__ volatile("movq %%rsp, %%rbx; xorl %%esp, %%esp; movl $40, %%eax; std; syscall; cld; movq %%rbx, %%rsp"
	    : "=a"(result) :: "rbx", "rcx", "r11", "rdi", "memory");
	CHECK_EQ(result, 4242);
	CHECK_EQ(redirect_seen[2], 0);
	CHECK(redirect_seen[3] & 0x400);
	CHECK_OK(task_set_emulation(SELF, 0, 40));
}

static volatile bool calling;
static volatile long answers, others;

/* number 60 is always redirected; the table around it comes and goes */
static void call_on(void *arg)
{
	long sp;

	(void)arg;
	while (calling) {
		if (call(60, 0, &sp) == 4242)
			answers++;
		else
			others++;
	}
}

TEST(vectors_change_under_running_callers)
{
	vm_offset_t vector[300] = { 0 };
	mach_port_t t[2];

	CHECK_OK(task_set_emulation(SELF, (vm_address_t)redirected, 60));
	answers = others = 0;
	calling = true;
	for (int i = 0; i < 2; i++)
		t[i] = test_thread(call_on, NULL);
	for (int i = 0; i < 300; i++)
		vector[i] = (vm_offset_t)redirected;
	for (int i = 0; i < 50; i++) {
		CHECK_OK(task_set_emulation_vector(SELF, 61 + i, vector, 1 + (unsigned)i));
		CHECK_OK(task_set_emulation(SELF, i % 2 ? 0 : (vm_address_t)redirected, 1000 + i));
	}
	calling = false;
	for (int i = 0; i < 2; i++)
		test_thread_join(t[i]);
	CHECK(answers > 0);
	CHECK_EQ(others, 0);
	CHECK_OK(task_set_emulation(SELF, 0, 60));
}
