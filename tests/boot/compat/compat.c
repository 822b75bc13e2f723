/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program of somebody else's: it knows the interface from its description only. No header and no library of this
 * project, own entry, raw traps, messages laid out by hand word by word (interface reference sections 2, 3, 13, 14, 19).
 * It ends with host_reboot(host_priv, 0).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

long trap(long a1, long a2, long a3, long a4, long a5, long a6, long a7, long number);
long trap_registers(long number);
void thread_faults(void);
extern char thread_fault_at[], thread_after[];
volatile int thread_went_on;
extern uint64_t start_registers[16], kept_registers[12];

#define TRAP(n, a, b, c, d, e, f) trap((long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f), 0, n)

enum { MACH_MSG = -25, REPLY_PORT = -26, THREAD_SELF = -27, TASK_SELF = -28, HOST_SELF = -29, PRINT = -30 };
enum { SEND = 1, RCV = 2, RCV_TIMEOUT = 0x100 };
enum { MOVE_RECEIVE = 16, MOVE_SEND = 17, MOVE_SEND_ONCE = 18, COPY_SEND = 19, MAKE_SEND = 20, MAKE_SEND_ONCE = 21 };

static unsigned host_priv, device_master, task, reply;
static unsigned tests, failed;
static bool good;

/* --- output: one call a character, as the usual test programs do --- */

static void put(char c)
{
	char s[2] = { c, 0 };

	TRAP(PRINT, s, 0, 0, 0, 0, 0);
}

static void puts_(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_hex(uint64_t v)
{
	puts_("0x");
	for (int i = 60; i >= 0; i -= 4)
		if (v >> i || i == 0)
			put("0123456789abcdef"[v >> i & 15]);
}

static void put_decimal(unsigned v)
{
	if (v >= 10)
		put_decimal(v / 10);
	put((char)('0' + v % 10));
}

static void expect(uint64_t got, uint64_t want, const char *what)
{
	if (got == want)
		return;
	good = false;
	puts_("# ");
	puts_(what);
	puts_(": ");
	put_hex(got);
	puts_(", wanted ");
	put_hex(want);
	put('\n');
}
#define EXPECT(got, want) expect((uint64_t)(got), (uint64_t)(want), #got)
#define EXPECT_TRUE(e) expect(!!(e), 1, #e)

static void run(void (*fn)(void), const char *name)
{
	good = true;
	fn();
	puts_(good ? "ok " : "not ok ");
	put_decimal(++tests);
	puts_(" - ");
	puts_(name);
	put('\n');
	failed += !good;
}

/* --- messages --- */

static union message {
	uint8_t bytes[8192];
	uint32_t w[2048];
	uint64_t q[1024];
} m;

static void clear(void)
{
	for (unsigned i = 0; i < 1024; i++)
		m.q[i] = 0;
}

static uint32_t at32(unsigned offset) { return m.w[offset / 4]; }
static uint64_t at64(unsigned offset) { return m.q[offset / 8]; }
static void set32(unsigned offset, uint32_t v) { m.w[offset / 4] = v; }
static void set64(unsigned offset, uint64_t v) { m.q[offset / 8] = v; }

/* descriptor word: name, bits of one element, inline */
#define INLINE(name, bits) ((uint32_t)(name) | (uint32_t)(bits) << 8 | 1u << 29)
#define OUT_OF_LINE(name, bits) ((uint32_t)(name) | (uint32_t)(bits) << 8 | 1u << 30)

static void item32(unsigned offset, unsigned type, uint32_t v)
{
	set32(offset - 8, INLINE(type, 32));
	set32(offset - 4, 1);
	set32(offset, v);
}

static void item64(unsigned offset, unsigned type, uint64_t v)
{
	set32(offset - 8, INLINE(type, 64));
	set32(offset - 4, 1);
	set64(offset, v);
}

/* request in m from offset 32 on; => mach_msg's result; the reply is in m */
static uint32_t rpc(unsigned dest, unsigned id, unsigned size, bool complex)
{
	set32(0, COPY_SEND | MAKE_SEND_ONCE << 8 | (complex ? 0x80000000 : 0));
	set32(4, size);
	set64(8, dest);
	set64(16, reply);
	set32(24, 0);
	set32(28, id);
	return (uint32_t)TRAP(MACH_MSG, &m, SEND | RCV, size, sizeof m, reply, 0);
}

/* the words every reply has */
static void expect_reply(unsigned id, unsigned size, bool complex, uint32_t code)
{
	EXPECT(at32(0), MOVE_SEND_ONCE << 8 | (complex ? 0x80000000 : 0));
	EXPECT(at32(4), size);
	EXPECT(at64(8), 0);
	EXPECT(at32(16), reply);
	EXPECT(at32(28), id + 100);
	EXPECT(at32(32), INLINE(2, 32));
	EXPECT(at32(36), 1);
	EXPECT(at32(40), code);
}

static void expect_item(unsigned offset, unsigned type, unsigned bits)
{
	EXPECT(at32(offset - 8), INLINE(type, bits));
	EXPECT(at32(offset - 4), 1);
}

static uint32_t receive(unsigned port, unsigned ms)
{
	clear();
	return (uint32_t)TRAP(MACH_MSG, &m, RCV | RCV_TIMEOUT, 0, sizeof m, port, ms);
}

static unsigned allocate_port(void)
{
	clear();
	item32(40, 2, 1);
	if (rpc(task, 3204, 48, false) != 0 || at32(40) != 0)
		return 0;
	return at32(56);
}

static unsigned port_type(unsigned name)
{
	clear();
	item32(40, 15, name);
	return rpc(task, 3201, 48, false) == 0 && at32(40) == 0 ? at32(56) : 0;
}

static unsigned port_refs(unsigned name, unsigned right)
{
	clear();
	item32(40, 15, name);
	item32(56, 2, right);
	return rpc(task, 3207, 64, false) == 0 && at32(40) == 0 ? at32(56) : 0;
}

static void insert(unsigned name, unsigned disposition)
{
	clear();
	item32(40, 15, name);
	item64(56, disposition, name);
	EXPECT(rpc(task, 3215, 64, true), 0);
	expect_reply(3215, 48, false, 0);
}

/* --- how a program begins --- */

static uint64_t *stack;

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = 0, k = 0;

	while (s[n])
		n++;
	while (end[k])
		k++;
	return n >= k && same(s + n - k, end);
}

static void registers_are_zero(void)
{
	for (unsigned i = 0; i < 16; i++)
		if (i != 7)
			expect(start_registers[i], 0, "a register at the start");
}

static void stack_has_arguments_and_no_environment(void)
{
	char **argv = (char **)(stack + 1);

	EXPECT((uint64_t)stack % 16, 0);
	EXPECT(stack[0], 5);
	EXPECT_TRUE(ends_with(argv[0], "/compat"));
	EXPECT_TRUE(same(argv[1], "1"));
	EXPECT_TRUE(same(argv[2], "2"));
	EXPECT_TRUE(same(argv[3], "--port=1"));
	EXPECT_TRUE(same(argv[4], "last"));
	EXPECT(argv[5], 0);
	EXPECT(argv[6], 0);	/* environment: none */
	EXPECT((uint64_t)argv[4] + 5, 0x800000000000);	/* strings end with the address space */
	EXPECT((uint64_t)argv[0] > (uint64_t)&argv[6], 1);
}

static void stack_is_128_kib_below_the_top(void)
{
	clear();
	item64(40, 11, 0x800000000000 - 0x20000);
	EXPECT(rpc(task, 2029, 48, false), 0);
	expect_reply(2029, 176, at32(0) >> 31, 0);
	expect_item(56, 11, 64);
	EXPECT(at64(56), 0x800000000000 - 0x20000);
	EXPECT(at64(72), 0x20000);
	EXPECT(at32(88) & 3, 3);
	EXPECT(at32(104), 7);
	EXPECT(at32(120), 1);
}

/* --- traps --- */

static void names_are_small_and_lowest_first(void)
{
	EXPECT(host_priv, 1);
	EXPECT(device_master, 2);
	EXPECT(task, 3);
	EXPECT(reply, 4);
	EXPECT(TRAP(TASK_SELF, 0, 0, 0, 0, 0, 0), 3);
	EXPECT(port_refs(3, 0), 2);
}

static void traps_keep_registers(void)
{
	static const long numbers[] = { -10, -60, -1, -129 };

	for (unsigned n = 0; n < 4; n++) {
		trap_registers(numbers[n]);
		for (unsigned i = 0; i < 12; i++)
			expect(kept_registers[i], 0x1001 + i, "a register after the trap");
	}
}

static void unassigned_traps_answer_4_and_null_traps_0(void)
{
	static const int null[] = { -10, -11, -12, -13, -55, -56 }, none[] = { 0, -1, -9, -14, -31, -62, -100, -129 };

	for (unsigned i = 0; i < sizeof null / sizeof *null; i++)
		EXPECT(TRAP(null[i], 0, 0, 0, 0, 0, 0), 0);
	for (unsigned i = 0; i < sizeof none / sizeof *none; i++)
		EXPECT(TRAP(none[i], 0, 0, 0, 0, 0, 0), 4);
}

static void only_eax_counts(void)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(0x12345678fffffff6) : "rcx", "r11", "memory");
	EXPECT(r, 0);
}

/* --- memory --- */

static void vm_by_trap(void)
{
	uint64_t a = 0;

	EXPECT(TRAP(-65, task, &a, 8192, 1, 0, 0), 0);
	EXPECT_TRUE(a != 0 && a % 4096 == 0);
	*(volatile char *)(a + 8191) = 5;
	EXPECT(TRAP(-66, task, a, 8192, 0, 0, 0), 0);
	a = 0x30000123;
	EXPECT(TRAP(-65, task, &a, 4096, 0, 0, 0), 0);
	EXPECT(a, 0x30000000);
	EXPECT(TRAP(-65, task, &a, 4096, 0, 0, 0), 3);
	EXPECT(TRAP(-66, task, a, 4096, 0, 0, 0), 0);
	EXPECT(TRAP(-65, reply, &a, 4096, 1, 0, 0), 0x10000007);	/* not a task: use the message */
	a = 0x999;
	EXPECT(TRAP(-65, task, &a, 0, 1, 0, 0), 0);
	EXPECT(a, 0);
}

/* 11 arguments: five of them on the stack */
static void vm_map_by_trap(void)
{
	uint64_t a = 0;
	long r;
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 1, r9 __asm__("r9") = 0;

	/* the last pushed stands where a stub's return address is */
	__asm__ volatile(
	    "pushq $1; pushq $7; pushq $3; pushq $0; pushq $0; pushq $0\n"
	    "syscall; addq $48, %%rsp"
	    : "=a"(r), "+r"(r10), "+r"(r8), "+r"(r9) : "a"(-64l), "D"((long)task), "S"(&a), "d"(12288l)
	    : "rcx", "r11", "memory", "cc");
	EXPECT(r, 0);
	EXPECT_TRUE(a != 0);
	if (r == 0 && a) {
		*(volatile int *)(a + 12284) = 1;
		EXPECT(TRAP(-66, task, a, 12288, 0, 0, 0), 0);
	}
}

static void vm_by_message(void)
{
	uint64_t a;

	clear();
	item64(40, 11, 0);
	item64(56, 11, 4096);
	item32(72, 0, 1);
	EXPECT(rpc(task, 2021, 80, false), 0);
	expect_reply(2021, 64, false, 0);
	expect_item(56, 11, 64);
	a = at64(56);
	EXPECT_TRUE(a != 0);
	*(volatile int *)a = 4711;
	clear();
	item64(40, 11, a + 1);
	item64(56, 11, 2);
	EXPECT(rpc(task, 2026, 64, false), 0);		/* vm_read */
	expect_reply(2026, 64, true, 0);
	EXPECT(at32(48), OUT_OF_LINE(9, 8) | 1u << 31);
	EXPECT(at32(52), 2);
	EXPECT(at64(56) % 4096, 1);			/* the offset in the page is kept */
	EXPECT(*(uint8_t *)at64(56), 4711 >> 8);
	EXPECT(TRAP(-66, task, at64(56) & ~4095ul, 4096, 0, 0, 0), 0);
	clear();
	item64(40, 11, a);
	item64(56, 11, 4096);
	EXPECT(rpc(task, 2023, 64, false), 0);
	expect_reply(2023, 48, false, 0);
}

/* --- ports --- */

static void port_by_message(void)
{
	unsigned p;

	clear();
	item32(40, 2, 1);
	EXPECT(rpc(task, 3204, 48, false), 0);
	expect_reply(3204, 64, false, 0);
	expect_item(56, 15, 32);
	p = at32(56);
	EXPECT(p, 5);
	EXPECT(port_type(p), 0x20000);
	insert(p, MAKE_SEND);
	EXPECT(port_type(p), 0x30000);
	EXPECT(port_refs(p, 0), 1);
	clear();
	item32(40, 15, p);
	EXPECT(rpc(task, 3205, 48, false), 0);
	expect_reply(3205, 48, false, 0);
	clear();
	item32(40, 15, p);
	EXPECT(rpc(task, 3201, 48, false), 0);
	expect_reply(3201, 48, false, 15);	/* an error reply is 48 bytes */
	EXPECT(allocate_port(), p);		/* the name is used again at once */
	EXPECT(TRAP(-73, task, p, 0, 0, 0, 0), 17);	/* no send right under it */
	clear();
	item32(40, 15, p);
	rpc(task, 3205, 48, false);
}

static void port_by_trap(void)
{
	unsigned p = 0;

	EXPECT(TRAP(-72, task, 1, &p, 0, 0, 0), 0);
	EXPECT(p, 5);
	EXPECT(TRAP(-74, task, p, p, MAKE_SEND, 0, 0), 0);
	EXPECT(TRAP(-73, task, p, 0, 0, 0, 0), 0);
	EXPECT(port_type(p), 0x20000);
	EXPECT(TRAP(-75, task, 1, 0x12345, 0, 0, 0), 0);
	EXPECT(port_type(0x12345), 0x20000);
	EXPECT(TRAP(-75, task, 1, 0x12345, 0, 0, 0), 13);
	clear();
	item32(40, 15, 0x12345);
	rpc(task, 3205, 48, false);
	clear();
	item32(40, 15, p);
	rpc(task, 3205, 48, false);
}

static void message_to_itself(void)
{
	unsigned p = allocate_port();

	insert(p, MAKE_SEND);
	clear();
	set32(0, COPY_SEND | MAKE_SEND_ONCE << 8);
	set32(4, 0xdead);	/* ignored */
	set64(8, p);
	set64(16, reply);
	set32(24, 99);
	set32(28, 1234);
	item32(40, 2, 0xabcdef01);
	EXPECT(TRAP(MACH_MSG, &m, SEND, 48, 0, 0, 0), 0);
	EXPECT(receive(p, 0), 0);
	EXPECT(at32(0), 0x1112);	/* send-once to answer, arrived by a send right */
	EXPECT(at32(4), 48);
	EXPECT_TRUE(at64(8) != 0 && at64(8) != reply);
	EXPECT(at64(16), p);
	EXPECT(at32(24), 0);
	EXPECT(at32(28), 1234);
	EXPECT(at32(32), INLINE(2, 32));
	EXPECT(at32(40), 0xabcdef01);
	/* the unused send-once right tells of its end */
	EXPECT(TRAP(-73, task, at32(8), 0, 0, 0, 0), 0);
	EXPECT(receive(reply, 0), 0);
	EXPECT(at32(0), MOVE_SEND_ONCE << 8);
	EXPECT(at32(4), 32);
	EXPECT(at64(8), 0);
	EXPECT(at32(28), 71);
	EXPECT(receive(p, 0), 0x10004003);
	clear();
	item32(40, 15, p);
	rpc(task, 3205, 48, false);
}

static void request_notification(unsigned name, unsigned id, unsigned sync, unsigned port)
{
	clear();
	item32(40, 15, name);
	item32(56, 2, id);
	item32(72, 2, sync);
	item64(88, MAKE_SEND_ONCE, port);
	EXPECT(rpc(task, 3214, 96, true), 0);
	expect_reply(3214, 64, true, 0);
	expect_item(56, 18, 64);
	EXPECT(at64(56), 0);
}

static void notifications(void)
{
	unsigned p = allocate_port(), n = allocate_port();

	insert(p, MAKE_SEND);
	request_notification(p, 70, 0, n);
	EXPECT(receive(n, 0), 0x10004003);
	EXPECT(TRAP(-73, task, p, 0, 0, 0, 0), 0);
	EXPECT(receive(n, 0), 0);
	EXPECT(at32(0), MOVE_SEND_ONCE << 8);
	EXPECT(at32(4), 48);
	EXPECT(at32(28), 70);
	EXPECT(at64(16), n);
	expect_item(40, 2, 32);
	EXPECT(at32(40), 1);		/* make-send count */

	insert(p, MAKE_SEND);
	request_notification(p, 72, 0, n);
	EXPECT(port_type(p), 0x80030000);
	/* the receive right goes, the send right becomes a dead name */
	clear();
	item32(40, 15, p);
	item32(56, 2, 1);
	item32(72, 2, (uint32_t)-1);
	EXPECT(rpc(task, 3208, 80, false), 0);
	expect_reply(3208, 48, false, 0);
	EXPECT(receive(n, 0), 0);
	EXPECT(at32(4), 48);
	EXPECT(at32(28), 72);
	expect_item(40, 15, 32);
	EXPECT(at32(40), p);
	EXPECT(port_type(p), 0x100000);
	EXPECT(port_refs(p, 4), 2);	/* one more for the notification */
	clear();
	item32(40, 15, p);
	rpc(task, 3205, 48, false);
	clear();
	item32(40, 15, n);
	rpc(task, 3205, 48, false);
}

static void wrong_requests_are_answered(void)
{
	clear();
	EXPECT(rpc(task, 2999, 32, false), 0);
	expect_reply(2999, 48, false, (uint32_t)-303);
	clear();
	item32(40, 2, 1);
	EXPECT(rpc(task, 3204, 56, false), 0);		/* size */
	expect_reply(3204, 48, false, (uint32_t)-304);
	clear();
	item32(40, 11, 1);
	EXPECT(rpc(task, 3204, 48, false), 0);		/* type */
	expect_reply(3204, 48, false, (uint32_t)-304);
	clear();
	item32(40, 2, 1);
	set32(36, 2);
	EXPECT(rpc(task, 3204, 48, false), 0);		/* number */
	expect_reply(3204, 48, false, (uint32_t)-304);
	clear();
	EXPECT(rpc(0x777, 3204, 48, false), 0x10000003);
	EXPECT(rpc(task, 3204, 24, false), 0x10000008);
}

/* --- tasks, threads, exceptions --- */

static void task_by_message(void)
{
	unsigned child;
	uint64_t a;

	clear();
	item32(40, 0, 0);
	EXPECT(rpc(task, 2007, 48, false), 0);
	expect_reply(2007, 64, true, 0);
	expect_item(56, 17, 64);
	child = at32(56);
	clear();
	item64(40, 11, 0x10000);
	item64(56, 11, 4096);
	item32(72, 0, 0);
	EXPECT(rpc(child, 2021, 80, false), 0);
	expect_reply(2021, 64, false, 0);
	EXPECT(at64(56), 0x10000);
	a = 0;
	EXPECT(TRAP(-65, task, &a, 4096, 1, 0, 0), 0);
	*(volatile uint64_t *)a = 0x1122334455667788;
	clear();
	item64(40, 11, 0x10000);
	set32(48, OUT_OF_LINE(9, 8));
	set32(52, 4096);
	set64(56, a);
	EXPECT(rpc(child, 2027, 64, true), 0);		/* vm_write */
	expect_reply(2027, 48, false, 0);
	clear();
	item64(40, 11, 0x10000);
	item64(56, 11, 8);
	EXPECT(rpc(child, 2026, 64, false), 0);
	expect_reply(2026, 64, true, 0);
	EXPECT(*(uint64_t *)at64(56), 0x1122334455667788);
	EXPECT(TRAP(-66, task, at64(56), 4096, 0, 0, 0), 0);
	EXPECT(TRAP(-66, task, a, 4096, 0, 0, 0), 0);
	clear();
	EXPECT(rpc(child, 2008, 32, false), 0);
	expect_reply(2008, 48, false, 0);
	EXPECT(port_type(child), 0x100000);
	EXPECT(TRAP(-73, task, child, 0, 0, 0, 0), 0);
	child = 0;
	EXPECT(TRAP(-68, task, 0, &child, 0, 0, 0), 0);
	EXPECT(TRAP(-69, child, 0, 0, 0, 0, 0), 0);
	EXPECT(TRAP(-73, task, child, 0, 0, 0, 0), 0);
}

static char thread_stack[8192] __attribute__((aligned(16)));

static unsigned start_thread(void)
{
	unsigned thread;

	clear();
	EXPECT(rpc(task, 2061, 32, false), 0);
	expect_reply(2061, 64, true, 0);
	expect_item(56, 17, 64);
	thread = at32(56);
	clear();
	item32(40, 2, 1);
	item32(56, 2, 1024);
	EXPECT(rpc(thread, 2017, 64, false), 0);
	expect_reply(2017, 56 + 168, false, 0);
	EXPECT(at32(48), INLINE(2, 32));
	EXPECT(at32(52), 42);
	EXPECT(at32(56 + 136), 0x1f);
	EXPECT(at32(56 + 160), 0x17);
	EXPECT(at64(56 + 144), 0x200);
	clear();
	item32(40, 2, 1);
	set32(48, INLINE(2, 32));
	set32(52, 42);
	set64(56 + 128, (uint64_t)thread_faults);
	set64(56 + 152, (uint64_t)thread_stack + sizeof thread_stack - 8);
	set64(56 + 64, 0x5555);
	EXPECT(rpc(thread, 2018, 56 + 168, false), 0);
	expect_reply(2018, 48, false, 0);
	return thread;
}

static void exception_by_message(void)
{
	unsigned p = allocate_port(), thread, answer;
	uint64_t rip;

	insert(p, MAKE_SEND);
	clear();
	item32(40, 2, 3);
	item64(56, COPY_SEND, p);
	EXPECT(rpc(task, 2059, 64, true), 0);
	expect_reply(2059, 48, false, 0);
	thread = start_thread();
	clear();
	EXPECT(rpc(thread, 2063, 32, false), 0);
	expect_reply(2063, 48, false, 0);
	EXPECT(receive(p, 5000), 0);
	EXPECT(at32(0), 0x80001112);
	EXPECT(at32(4), 112);
	EXPECT(at32(28), 2400);
	expect_item(40, 17, 64);
	EXPECT(at64(40), thread);
	expect_item(56, 17, 64);
	EXPECT(at64(56), task);
	expect_item(72, 2, 32);
	EXPECT(at32(72), 1);
	expect_item(88, 2, 32);
	EXPECT(at32(88), 1);
	expect_item(104, 11, 64);
	EXPECT(at64(104), 0x10);
	answer = at32(8);
	/* the handler reads and changes the stopped thread */
	clear();
	item32(40, 2, 1);
	item32(56, 2, 42);
	EXPECT(rpc(thread, 2017, 64, false), 0);
	EXPECT(at32(40), 0);
	rip = at64(56 + 128);
	EXPECT(rip, (uint64_t)thread_fault_at);
	EXPECT(at64(56 + 64), 0x5555);
	set64(56 + 128, (uint64_t)thread_after);
	item32(40, 2, 1);
	EXPECT(rpc(thread, 2018, 56 + 168, false), 0);
	expect_reply(2018, 48, false, 0);
	clear();
	set32(0, MOVE_SEND_ONCE);
	set64(8, answer);
	set32(28, 2500);
	item32(40, 2, 0);
	EXPECT(TRAP(MACH_MSG, &m, SEND, 48, 0, 0, 0), 0);
	for (unsigned i = 0; i < 1000 && !thread_went_on; i++)
		TRAP(-61, 0, 2, 5, 0, 0, 0);
	EXPECT(thread_went_on, 1);
	clear();
	EXPECT(rpc(thread, 2016, 32, false), 0);
	EXPECT(at32(40), 0);
	clear();
	item32(40, 2, 3);
	item64(56, COPY_SEND, 0);
	EXPECT(rpc(task, 2059, 64, true), 0);
	EXPECT(at32(40), 0);
	clear();
	item32(40, 15, p);
	rpc(task, 3205, 48, false);
}

/* --- devices --- */

static void set_text(unsigned offset, const char *s)
{
	while (*s)
		m.bytes[offset++] = (uint8_t)*s++;
}

static void console_by_message(void)
{
	unsigned d;

	clear();
	item32(40, 2, 3);
	set32(48, INLINE(12, 1024));
	set32(52, 1);
	set_text(56, "console");
	EXPECT(rpc(device_master, 2800, 184, false), 0);
	expect_reply(2800, 64, true, 0);
	expect_item(56, 17, 64);
	d = at32(56);
	clear();
	item32(40, 2, 0);
	item64(56, 11, 0);
	set32(64, INLINE(8, 8));
	set32(68, 10);
	set_text(72, "# by hand\n");
	EXPECT(rpc(d, 2803, 88, false), 0);
	expect_reply(2803, 64, false, 0);
	EXPECT(at32(56), 10);
	EXPECT(TRAP(-40, d, 0, 0, 0, "# by trap\n", 10), 0);
	clear();
	item32(40, 2, 3);
	set32(48, INLINE(12, 1024));
	set32(52, 1);
	set_text(56, "nonsense");
	EXPECT(rpc(device_master, 2800, 184, false), 0);
	expect_reply(2800, 48, false, 2502);
}

static void host_information_by_message(void)
{
	unsigned host = (unsigned)TRAP(HOST_SELF, 0, 0, 0, 0, 0, 0);

	clear();
	item32(40, 2, 1);
	item32(56, 2, 1024);
	EXPECT(rpc(host, 2638, 64, false), 0);
	expect_reply(2638, 56 + 24, false, 0);
	EXPECT(at32(52), 6);
	EXPECT(at32(56 + 16), 21);
	EXPECT(at32(56 + 20), 1);
	clear();
	item32(40, 2, 0);
	EXPECT(rpc(host, 2635, 48, false), 0);		/* not with the unprivileged port */
	EXPECT_TRUE(at32(40) != 0);
}

static unsigned number(const char *s)
{
	unsigned v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (unsigned)(*s++ - '0');
	return v;
}

#define RUN(fn) run(fn, #fn)

void c_start(uint64_t *sp)
{
	char **argv = (char **)(sp + 1);

	stack = sp;
	host_priv = number(argv[1]);
	device_master = number(argv[2]);
	task = (unsigned)TRAP(TASK_SELF, 0, 0, 0, 0, 0, 0);
	reply = (unsigned)TRAP(REPLY_PORT, 0, 0, 0, 0, 0, 0);
	puts_("1..19\n");
	RUN(registers_are_zero);
	RUN(stack_has_arguments_and_no_environment);
	RUN(stack_is_128_kib_below_the_top);
	RUN(names_are_small_and_lowest_first);
	RUN(traps_keep_registers);
	RUN(unassigned_traps_answer_4_and_null_traps_0);
	RUN(only_eax_counts);
	RUN(vm_by_trap);
	RUN(vm_map_by_trap);
	RUN(vm_by_message);
	RUN(port_by_message);
	RUN(port_by_trap);
	RUN(message_to_itself);
	RUN(notifications);
	RUN(wrong_requests_are_answered);
	RUN(task_by_message);
	RUN(exception_by_message);
	RUN(console_by_message);
	RUN(host_information_by_message);
	clear();
	item32(40, 2, 0);
	rpc(host_priv, 2635, 48, false);
	for (;;)
		;
}
