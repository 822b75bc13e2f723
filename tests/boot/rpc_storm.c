/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients and servers who do nothing but call each other in the plainest way (kernel/ipc/rpc.c), while others stop them, look at their
 * registers and write them back, interrupt them, change their priorities, their system call vectors and the protection of their
 * memory. A caller's registers, vector registers and segment base must come through every call, every answer must be its own.
 * A word "seconds=N" on the module's line sets the time of each test (default 4).
 */
#include <mach/mach_host.h>
#include <mach/machine/thread_status.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { PAIRS = 3, DISTURBERS = 2, ID_END = 0x99, SIZE = 192, CHILD_PORT = 0x5000 };
enum { CALLERS = 45 };		/* priority: worse than the disturbers' */

struct message { mach_msg_header_t h; uint64_t word[(SIZE - 32) / 8]; };

static struct pair {
	mach_port_t	 service, client, server, task;
	struct message	*buffer;		/* a page of its own */
	uint64_t	 marker;		/* fs:0 of the client */
	volatile bool	 marked;
	volatile uint64_t calls, broken;
} pairs[PAIRS];

static volatile bool stop, calm;
static volatile uint64_t wrong_registers, wrong_answers, disturbances;

static uint32_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (uint32_t)(*s >> 16);
}

/* mach_msg_trap with send and receive and nothing else; => the result; what the call must keep and did not is counted */
static __attribute__((noinline)) mach_msg_return_t call(struct message *m, unsigned option, mach_port_t from, uint64_t seed)
{
	register uint64_t r10 __asm__("r10") = SIZE, r8 __asm__("r8") = from, r9 __asm__("r9") = seed;
	register uint64_t rbx __asm__("rbx") = seed + 1, r12 __asm__("r12") = seed + 2, r15 __asm__("r15") = seed + 3;
	uint64_t rax = (uint64_t)-25, rdi = (uint64_t)m, rsi = option, rdx = SIZE, low, high;

	__asm__ volatile(
	    "movq %%r9, %%xmm3; movq %%r12, %%xmm14; punpcklqdq %%xmm3, %%xmm14; subq $136, %%rsp; movq $0, 8(%%rsp)\n\t"
	    "syscall\n\t"
	    "addq $136, %%rsp; movq %%xmm3, %[low]; psrldq $8, %%xmm14; movq %%xmm14, %[high]"
	    : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(rbx), "+r"(r12), "+r"(r15),
	      [low] "=&r"(low), [high] "=&r"(high)
	    :: "rcx", "r11", "xmm3", "xmm14", "memory", "cc");
	if (rdi != (uint64_t)m || rsi != option || rdx != SIZE || r10 != SIZE || r8 != from || r9 != seed || rbx != seed + 1 ||
	    r12 != seed + 2 || r15 != seed + 3 || low != seed || high != seed)
		__atomic_fetch_add(&wrong_registers, 1, __ATOMIC_RELAXED);
	return (mach_msg_return_t)rax;
}

static uint64_t fs_word(void)
{
	uint64_t v;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(v));
	return v;
}

/* --- servers --- */

static void serve(mach_port_t port)
{
	struct message m;
	mach_msg_return_t mr = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, 0);
	uint64_t turn = 0;

	while (mr == MACH_MSG_SUCCESS || mr == MACH_RCV_INTERRUPTED || mr == MACH_SEND_INVALID_DEST) {
		if (mr != MACH_MSG_SUCCESS) {
			if (mr == MACH_SEND_INVALID_DEST)	/* the client gave up */
				mach_port_deallocate(SELF, m.h.msgh_remote_port);
			mr = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, 0);
			continue;
		}
		if (m.h.msgh_id == ID_END)
			return;
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		m.h.msgh_id++;
		for (unsigned i = 0; i < sizeof m.word / 8; i++)
			m.word[i] = ~m.word[i];
		mr = call(&m, MACH_SEND_MSG | MACH_RCV_MSG, port, 0x1234567 * ++turn);
	}
	CHECK_EQ(mr, MACH_MSG_SUCCESS);
}

static void server_main(void *arg)
{
	serve(((struct pair *)arg)->service);
}

static void child_main(void *arg)
{
	(void)arg;
	while (!(test_type(CHILD_PORT) & MACH_PORT_TYPE_RECEIVE))
		test_sleep(1);
	serve(CHILD_PORT);
}

/* --- clients --- */

/* => the answer is right */
static bool ask(struct pair *p, mach_port_t reply, uint64_t seed)
{
	struct message *m = p->buffer;
	int id = (int)(1000 + (seed >> 3) % 100000 * 2);
	mach_msg_return_t mr;

	m->h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = p->service, .msgh_local_port = reply, .msgh_id = id };
	for (unsigned i = 0; i < sizeof m->word / 8; i++)
		m->word[i] = seed + i;
	mr = call(m, MACH_SEND_MSG | MACH_RCV_MSG, reply, seed);
	if (mr == MACH_SEND_INTERRUPTED) {	/* given back: both rights */
		mach_port_deallocate(SELF, m->h.msgh_remote_port);
		mach_port_deallocate(SELF, m->h.msgh_local_port);
	}
	if (mr != MACH_MSG_SUCCESS)
		return false;
	if (m->h.msgh_id != id + 1 || m->h.msgh_size != SIZE || m->h.msgh_local_port != reply || m->h.msgh_remote_port != 0)
		__atomic_fetch_add(&wrong_answers, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < sizeof m->word / 8; i++)
		if (m->word[i] != ~(seed + i))
			__atomic_fetch_add(&wrong_answers, 1, __ATOMIC_RELAXED);
	return true;
}

static void client_main(void *arg)
{
	struct pair *p = arg;
	uint64_t s = 0x9e3779b97f4a7c15ull * (uint64_t)(p - pairs + 1);
	mach_port_t reply = test_port();

	while (!p->marked)
		test_yield();
	while (!stop) {
		next(&s);
		if (!ask(p, reply, s)) {
			/* the answer may still come: to nobody */
			p->broken++;
			mach_port_destroy(SELF, reply);
			reply = test_port();
		}
		p->calls++;
		if (fs_word() != p->marker)
			__atomic_fetch_add(&wrong_registers, 1, __ATOMIC_RELAXED);
	}
	mach_port_destroy(SELF, reply);
}

/* --- what disturbs them --- */

/* what it has, written back: it leaves the kernel by the slow way then */
static void write_state_back(mach_port_t thread, uint32_t r)
{
	static const struct { int flavor; unsigned count; } all[] = { { i386_THREAD_STATE, i386_THREAD_STATE_COUNT },
	    { i386_FLOAT_STATE, i386_FLOAT_STATE_COUNT }, { i386_FSGS_BASE_STATE, i386_FSGS_BASE_STATE_COUNT },
	    { i386_DEBUG_STATE, i386_DEBUG_STATE_COUNT } };
	unsigned state[512];
	mach_msg_type_number_t n = all[r % 4].count;

	CHECK_OK(thread_suspend(thread));
	if (CHECK_OK(thread_get_state(thread, all[r % 4].flavor, state, &n)))
		CHECK_OK(thread_set_state(thread, all[r % 4].flavor, state, n));
	CHECK_OK(thread_resume(thread));
}

static void change_vector(mach_port_t task, uint32_t r)
{
	/* numbers nobody uses */
	task_set_emulation(task, r % 2 ? 0 : 0x401000, (int)(600 + r % 16));
}

/* the answer finds its buffer closed, or its page shared */
static void change_memory(struct pair *p, uint32_t r)
{
	vm_address_t a = (vm_address_t)p->buffer;
	vm_offset_t copy = 0;
	mach_msg_type_number_t n = 0;

	if (r % 2 == 0) {
		vm_protect(SELF, a, PAGE, FALSE, VM_PROT_READ);
		if (r % 4 == 0)
			test_yield();
		vm_protect(SELF, a, PAGE, FALSE, VM_PROT_READ | VM_PROT_WRITE);
	} else if (vm_read(SELF, a, PAGE, &copy, &n) == KERN_SUCCESS) {
		vm_deallocate(SELF, copy, n);
	}
}

static void disturb(uint64_t *s)
{
	struct pair *p = &pairs[next(s) % PAIRS];
	uint32_t r = next(s);
	mach_port_t thread = r % 3 == 0 && p->server != MACH_PORT_NULL ? p->server : p->client;
	unsigned state[i386_FLOAT_STATE_COUNT];
	mach_msg_type_number_t n = i386_FLOAT_STATE_COUNT;

	switch (next(s) % 9) {
	case 0:
		CHECK_OK(thread_suspend(thread));
		CHECK_OK(thread_resume(thread));
		break;
	case 1:
	case 2:
		write_state_back(thread, r >> 8);
		break;
	case 3:
		CHECK_OK(thread_get_state(thread, i386_FLOAT_STATE, state, &n));
		break;
	case 4:
		CHECK_OK(thread_priority(thread, CALLERS + (int)(r >> 8) % 8, FALSE));
		break;
	case 5:
		change_vector(p->task, r);
		break;
	case 6:
		CHECK_OK(thread_abort(thread));
		break;
	case 7:
		/* closed only while the client is stopped: it writes there itself */
		CHECK_OK(thread_suspend(p->client));
		change_memory(p, r & ~1u);
		CHECK_OK(thread_resume(p->client));
		break;
	default:
		change_memory(p, 1);
	}
	__atomic_fetch_add(&disturbances, 1, __ATOMIC_RELAXED);
}

static void disturber(void *arg)
{
	uint64_t s = 0xd1342543de82ef95ull * ((uintptr_t)arg + 1);

	while (!calm) {
		disturb(&s);
		if (next(&s) % 8 == 0)
			test_sleep(1);
	}
}

/* --- */

static void start_pair(struct pair *p, bool child)
{
	struct i386_fsgs_base_state base = { 0 };
	vm_address_t a = 0;

	*p = (struct pair){ .service = test_port_with_send(), .task = SELF };
	CHECK_OK(vm_allocate(SELF, &a, PAGE, TRUE));
	p->buffer = (struct message *)a;
	if (child) {
		p->task = test_fork(child_main, NULL);
		CHECK_OK(mach_port_insert_right(p->task, CHILD_PORT, p->service, MACH_MSG_TYPE_MOVE_RECEIVE));
		CHECK_OK(task_priority(p->task, CALLERS, TRUE));
	} else {
		p->server = test_thread(server_main, p);
		CHECK_OK(thread_priority(p->server, CALLERS, FALSE));
	}
	p->client = test_thread(client_main, p);
	CHECK_OK(thread_priority(p->client, CALLERS, FALSE));
	p->marker = 0x5a5a000000000000ull | (uint64_t)p->client;
	base.fs_base = (uint64_t)&p->marker;
	CHECK_OK(thread_set_state(p->client, i386_FSGS_BASE_STATE, (thread_state_t)&base, i386_FSGS_BASE_STATE_COUNT));
	p->marked = true;
}

static void end_pair(struct pair *p)
{
	test_thread_join(p->client);
	CHECK_OK(test_send(p->service, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_END));
	if (p->server != MACH_PORT_NULL) {
		test_thread_join(p->server);
		test_port_destroy(p->service);
	} else {
		/* its own end, not ours */
		for (int ms = 0; ms < 20000 && !(test_type(p->task) & MACH_PORT_TYPE_DEAD_NAME); ms++)
			test_sleep(1);
		CHECK(test_type(p->task) & MACH_PORT_TYPE_DEAD_NAME);
		mach_port_destroy(SELF, p->task);
		mach_port_destroy(SELF, p->service);
	}
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)p->buffer, PAGE));
}

/* each client goes on, whatever the others do to it */
static void watch(unsigned ms)
{
	uint64_t before[PAIRS];

	for (unsigned i = 0; i < PAIRS; i++)
		before[i] = pairs[i].calls;
	test_sleep(ms);
	for (unsigned i = 0; i < PAIRS; i++) {
		for (int more = 0; pairs[i].calls == before[i] && more < 10000; more += 10)
			test_sleep(10);
		CHECK(pairs[i].calls != before[i]);
	}
}

static void storm(unsigned ms, unsigned racer)
{
	mach_port_t disturbers[DISTURBERS];
	uint64_t calls = 0, broken = 0;

	stop = calm = false;
	wrong_registers = wrong_answers = disturbances = 0;
	for (unsigned i = 0; i < PAIRS; i++)
		start_pair(&pairs[i], i % 2);
	test_racer(racer);
	for (unsigned i = 0; i < DISTURBERS; i++)
		disturbers[i] = test_thread(disturber, (void *)(uintptr_t)i);
	for (unsigned done = 0; done < ms; done += 250)
		watch(250);
	calm = true;
	for (unsigned i = 0; i < DISTURBERS; i++)
		test_thread_join(disturbers[i]);
	test_racer(0);
	watch(50);
	stop = true;
	for (unsigned i = 0; i < PAIRS; i++) {
		end_pair(&pairs[i]);
		calls += pairs[i].calls;
		broken += pairs[i].broken;
	}
	test_say("# %ld calls, %ld broken, %ld disturbances", (int64_t)calls, (int64_t)broken, (int64_t)disturbances);
	CHECK_EQ(wrong_registers, 0);
	CHECK_EQ(wrong_answers, 0);
	CHECK(broken < calls);
}

TEST(calls_survive_whoever_disturbs_them)
{
	storm(test_seconds(4) * 1000, 0);
}

TEST(calls_survive_them_on_processors_that_dawdle)
{
	storm(test_seconds(4) * 1000, 3);
}

static uint64_t now_ms(void)
{
	time_value64_t t = { 0 };

	CHECK_OK(host_get_uptime64(mach_host_self(), &t));
	return (uint64_t)t.seconds * 1000 + (uint64_t)t.nanoseconds / 1000000;
}

/* pre-emption reaches callers too, who are in the kernel with interrupts off half of their time */
TEST(a_better_thread_has_the_processor_when_it_wakes)
{
	enum { SLEEPS = 50, QUANTUM = 30 };
	uint64_t best = ~0ull;

	stop = false;
	for (unsigned i = 0; i < PAIRS; i++)
		start_pair(&pairs[i], i % 2);
	/* the host may be busy with something else: one good try is enough */
	for (int try = 0; try < 20 && best > SLEEPS * QUANTUM / 2; try++) {
		uint64_t begin = now_ms();

		for (int i = 0; i < SLEEPS; i++)
			test_sleep(1);
		best = now_ms() - begin < best ? now_ms() - begin : best;
	}
	test_say("# %d sleeps of 1 ms took %ld ms", SLEEPS, (int64_t)best);
	CHECK(best <= SLEEPS * QUANTUM / 2);
	stop = true;
	for (unsigned i = 0; i < PAIRS; i++)
		end_pair(&pairs[i]);
}
