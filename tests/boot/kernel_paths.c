/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same calls to the kernel's own ports twice: once so that kernel/ipc/kernel_call.c may do them, once with a time limit on the
 * receive, which leaves them to the general path. Results, headers, bytes, names and counts must be the same, whatever the routine
 * does to the very port that waits for its answer. The words "seconds=N" and "seed=N" on the module's line: how long, where to begin.
 */
#include <mach/mach_host.h>
#include <mach/vm_param.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { STEPS = 60, LOG_MAX = 4000, ROOM = 1024, QUEUED = 0x71, MORE = 32 };

struct world {
	uint64_t	 random;
	bool		 fast;
	volatile bool	 finished;
	unsigned	 n;
	struct { const char *what; uint64_t value; } log[LOG_MAX];
};

static struct world *w;

static uint32_t next(void)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(z >> 33);
}

static void say(const char *what, uint64_t value)
{
	if (w->n < LOG_MAX) {
		w->log[w->n].what = what;
		w->log[w->n++].value = value;
	}
}

/* --- the names of the child --- */

static mach_port_t reply_port, reply_set, own_port, dead_port, thread_port;

static mach_port_t a_name(void)
{
	mach_port_t names[] = { reply_port, reply_port, reply_port, own_port, reply_set, dead_port, thread_port, 0x7777, MACH_PORT_NULL };

	return names[next() % (sizeof names / sizeof *names)];
}

/* --- requests --- */

enum { END = 0, NAME, INT, LONG };

/* what a routine takes after the header, and how many values the numbers are chosen from */
static const struct routine {
	int		 id;
	uint8_t		 argument[3], range;
	bool		 says;		/* the answer's body is the same every time */
} routines[] = {
	{ 3200, { END }, 0, false }, { 3201, { NAME }, 0, true }, { 3202, { NAME, INT }, 60, true },
	{ 3203, { INT, INT }, 40, true }, { 3204, { INT }, 6, true }, { 3205, { NAME }, 0, true },
	{ 3206, { NAME }, 0, true }, { 3207, { NAME, INT }, 6, true }, { 3208, { NAME, INT, INT }, 3, true },
	{ 3210, { NAME, INT }, 20, true }, { 3211, { NAME, INT }, 20, true }, { 3212, { NAME }, 0, false },
	{ 3213, { NAME, NAME }, 0, true }, { 3217, { NAME }, 0, true }, { 3218, { NAME, INT }, 20, true },
	{ 3221, { NAME, LONG }, 200, true }, { 3222, { NAME }, 0, true }, { 3299, { END }, 0, true },
	{ 2030, { END }, 0, false }, { 2058, { INT }, 5, true }, { 2061, { END }, 0, true }, { 2062, { END }, 0, true },
	{ 2063, { END }, 0, true }, { 2646, { END }, 0, true }, { 2025, { LONG, LONG, INT }, 5, true },
	{ 2067, { INT }, 5, true }, { 1, { END }, 0, true }, { 0x7fffffff, { END }, 0, true }, { -5, { NAME }, 0, true },
};

static unsigned put(char *at, unsigned what, unsigned range)
{
	mach_msg_type_t type = { .msgt_name = what == LONG ? MACH_MSG_TYPE_INTEGER_64 : MACH_MSG_TYPE_INTEGER_32,
	    .msgt_size = what == LONG ? 64 : 32, .msgt_inline = 1, .msgt_number = 1 };
	uint64_t value = what == NAME ? a_name() : range == 0 ? 0 : next() % range;

	if (next() % 50 == 0)
		type.msgt_number++;
	if (what == INT && range != 0 && next() % 8 == 0)
		value = (uint32_t)-1;
	*(mach_msg_type_t *)(void *)at = type;
	*(uint64_t *)(void *)(at + sizeof type) = value;
	return sizeof type + sizeof value;
}

static mach_port_t destination(void)
{
	switch (next() % 16) {
	case 0:
		return thread_port;
	case 1:
		return mach_host_self();
	case 2:
		return dead_port;
	case 3:
		return own_port;
	default:
		return SELF;
	}
}

/* => its size; a copy of the header in *h */
static unsigned request(char *at, const struct routine *r, mach_msg_header_t *h)
{
	unsigned size = sizeof *h;

	for (unsigned i = 0; i < ROOM; i++)
		at[i] = (char)(i * 7);
	for (unsigned i = 0; i < 3 && r->argument[i] != END; i++)
		size += put(at + size, r->argument[i], r->range);
	if (next() % 20 == 0)
		size += 8;
	*h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = next(), .msgh_remote_port = destination(), .msgh_local_port = reply_port, .msgh_seqno = next(),
	    .msgh_id = r->id };
	if (h->msgh_remote_port == own_port)	/* nobody answers there */
		h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0x77);
	*(mach_msg_header_t *)(void *)at = *h;
	return size;
}

/* --- where the message is --- */

enum kind { PLAIN, ODD, CROSS, READ_ONLY, HOLE, KINDS };

static char *place(enum kind kind, vm_address_t a, unsigned size)
{
	switch (kind) {
	case ODD:
		return (char *)a + 1 + next() % 60;
	case CROSS:
		return (char *)a + PAGE - 8 * (1 + next() % 20);
	case HOLE:
		return (char *)a + 2 * PAGE - size;
	default:
		return (char *)a;
	}
}

static void say_answer(const char *m, unsigned size, bool body)
{
	const uint64_t *word = (const uint64_t *)(const void *)m;
	uint64_t hash = 0xcbf29ce484222325ull;

	say("bits, size", word[0]);
	say("remote", word[1]);
	say("local", word[2]);
	say("seqno, id", word[3]);
	for (unsigned i = 32; body && i < size; i++)		/* with what is behind the answer */
		hash = (hash ^ (unsigned char)m[i]) * 0x100000001b3ull;
	say("bytes", hash);
}

/* --- what is there after a call --- */

/* what is queued there, without waiting */
static void drain(mach_port_t from)
{
	struct test_message m;
	mach_msg_return_t mr;

	while ((mr = mach_msg_trap(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, from, 0, 0)) == MACH_MSG_SUCCESS) {
		say("drained bits, id", (uint64_t)m.h.msgh_bits << 32 | (uint32_t)m.h.msgh_id);
		say("drained remote, local", (uint64_t)m.h.msgh_remote_port << 32 | m.h.msgh_local_port);
		say("drained seqno, size", (uint64_t)m.h.msgh_seqno << 32 | m.h.msgh_size);
		mach_msg_destroy(&m.h);
	}
	say("drained", mr);
}

static void say_status(mach_port_t port)
{
	mach_port_status_t status = { 0 };

	say("status", mach_port_get_receive_status(SELF, port, &status));
	say("seqno, messages", (uint64_t)status.mps_seqno << 32 | status.mps_msgcount);
	say("make-send, send-once", (uint64_t)status.mps_mscount << 32 | status.mps_sorights);
	say("set, send rights", (uint64_t)status.mps_pset << 32 | (uint64_t)status.mps_srights);
}

static void say_names(void)
{
	mach_port_array_t names = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t n = 0, m = 0;
	uint64_t hash = 0;

	say("names", mach_port_names(SELF, &names, &n, &types, &m));
	for (unsigned i = 0; i < n; i++) {
		uint64_t one = ((uint64_t)names[i] << 32 | types[i]) * 0x9e3779b97f4a7c15ull;

		one += test_urefs(names[i], MACH_PORT_RIGHT_SEND) + 5 * test_urefs(names[i], MACH_PORT_RIGHT_DEAD_NAME);
		hash += one ^ one >> 29;
	}
	say("number of names", n);
	say("all names", hash);
	vm_deallocate(SELF, (vm_address_t)names, n * sizeof *names);
	vm_deallocate(SELF, (vm_address_t)types, m * sizeof *types);
}

/* as they were, whatever the call has done to them */
static void repair(void)
{
	if (!(test_type(reply_port) & MACH_PORT_TYPE_RECEIVE))
		say("another reply port", mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &reply_port));
	if (!(test_type(reply_set) & MACH_PORT_TYPE_PORT_SET))
		say("another set", mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &reply_set));
	if (!(test_type(own_port) & MACH_PORT_TYPE_SEND) || !(test_type(own_port) & MACH_PORT_TYPE_RECEIVE))
		own_port = test_port_with_send();
	say("out of the set", mach_port_move_member(SELF, reply_port, MACH_PORT_NULL));
	say("no payload", mach_port_clear_protected_payload(SELF, reply_port));
	say("limit", mach_port_set_qlimit(SELF, reply_port, 5));
}

/* what thread_create answered, if it did */
static void end_thread(const char *image)
{
	const struct { mach_msg_header_t h; char code[16]; struct port_item p; } *m = (const void *)image;

	if (m->h.msgh_id == 2161 && m->h.msgh_size == sizeof *m)
		thread_terminate(m->p.port.name);
}

static void step(vm_address_t a)
{
	const struct routine *r = &routines[next() % (sizeof routines / sizeof *routines)];
	enum kind kind = next() % 3 == 0 ? next() % KINDS : PLAIN;
	static char image[ROOM] __attribute__((aligned(8)));
	unsigned option = MACH_SEND_MSG | MACH_RCV_MSG | (next() % 12 == 0 ? MACH_RCV_LARGE : 0);
	mach_msg_header_t h;
	unsigned size = request(image, r, &h), rcv_size = next() % 8 == 0 ? next() % 100 : ROOM, total = size + MORE;
	mach_port_t from = next() % 20 == 0 ? reply_set : reply_port;
	mach_msg_return_t mr;
	char *m = place(kind, a, total);

	say("id, size", (uint64_t)(uint32_t)r->id << 32 | size);
	say("to, room", (uint64_t)h.msgh_remote_port << 32 | rcv_size);
	if (from == reply_set)
		say("into the set", mach_port_move_member(SELF, reply_port, reply_set));
	if (next() % 12 == 0)
		say("before the answer", test_send(reply_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
	for (unsigned i = 0; i < total; i++)
		m[i] = image[i];
	if (kind == READ_ONLY)
		vm_protect(SELF, a, 2 * PAGE, FALSE, VM_PROT_READ);
	mr = mach_msg_trap((mach_msg_header_t *)m, w->fast ? option : option | MACH_RCV_TIMEOUT, size, rcv_size, from,
	    w->fast ? 0 : 100000, MACH_PORT_NULL);
	vm_protect(SELF, a, 2 * PAGE, FALSE, VM_PROT_READ | VM_PROT_WRITE);
	say("result", mr);
	for (unsigned i = 0; i < total && m + i < (char *)a + 2 * PAGE; i++)
		image[i] = m[i];
	say_answer(image, total, r->says && !(*(uint32_t *)(void *)image & MACH_MSGH_BITS_COMPLEX));
	if (mr == MACH_MSG_SUCCESS && kind != READ_ONLY && r->id == 2061)
		end_thread(image);
	drain(reply_set);
	drain(reply_port);
	repair();
	drain(reply_port);
	drain(own_port);
	say_status(reply_port);
	if (next() % 4 == 0)
		say_names();
}

static void child(void *arg)
{
	vm_address_t a = 0;

	(void)arg;
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &reply_port));
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &reply_set));
	own_port = test_port_with_send();
	dead_port = test_port_with_send();
	CHECK_OK(mach_port_mod_refs(SELF, dead_port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_OK(thread_create(SELF, &thread_port));
	for (unsigned i = 0; i < STEPS; i++)	/* it must never run */
		CHECK_OK(thread_suspend(thread_port));
	CHECK_OK(vm_allocate(SELF, &a, 3 * PAGE, TRUE));
	CHECK_OK(vm_protect(SELF, a + 2 * PAGE, PAGE, FALSE, VM_PROT_NONE));
	for (unsigned i = 0; i < STEPS; i++)
		step(a);
	w->finished = true;
}

/* --- both ways --- */

static bool run_world(struct world *world, uint64_t seed, bool fast, unsigned check)
{
	mach_port_t task;

	w = world;
	*w = (struct world){ .random = seed * 5 + 1, .fast = fast };
	if (fast && check != 0)
		test_fault_arm("rpc", check);
	task = test_fork(child, NULL);
	for (unsigned ms = 0; !w->finished && ms < 30000; ms++)
		test_sleep(1);
	test_fault_arm("rpc", 0);
	task_terminate(task);
	mach_port_deallocate(SELF, task);
	return w->finished;
}

static void show(const char *what, const struct world *world, unsigned around)
{
	for (unsigned i = around < 12 ? 0 : around - 12; i <= around + 3 && i < world->n; i++)
		test_say("#  %s %d %s: %lx", what, i, world->log[i].what, (int64_t)world->log[i].value);
}

static bool compare(const struct world *fast, const struct world *general)
{
	unsigned i = 0;

	while (i < fast->n && i < general->n && fast->log[i].what == general->log[i].what &&
	    fast->log[i].value == general->log[i].value)
		i++;
	if (i == fast->n && i == general->n && fast->finished && general->finished)
		return true;
	show("straight", fast, i);
	show("general ", general, i);
	return false;
}

static uint64_t now_ms(void)
{
	time_value64_t t = { 0 };

	CHECK_OK(host_get_uptime64(mach_host_self(), &t));
	return (uint64_t)t.seconds * 1000 + (uint64_t)t.nanoseconds / 1000000;
}

TEST(calls_to_the_kernel_say_the_same_on_both_paths)
{
	vm_size_t size = (sizeof(struct world) + PAGE - 1) & ~(PAGE - 1);
	uint64_t seed = test_number("seed=", 1), end = now_ms() + test_seconds(4) * 1000;
	vm_address_t both = 0;
	unsigned n = 0;

	CHECK_OK(vm_allocate(SELF, &both, 2 * size, TRUE));
	CHECK_OK(vm_inherit(SELF, both, 2 * size, VM_INHERIT_SHARE));
	for (bool good = true; good && (n < 3 || now_ms() < end); seed++, n++) {
		struct world *fast = (struct world *)both, *general = (struct world *)(both + size);

		good = run_world(fast, seed, true, seed % 3 == 0 ? 1 + (unsigned)(seed * 7 % 400) : 0) &&
		    run_world(general, seed, false, 0);
		if (!CHECK(compare(fast, general) && good))
			test_say("# seed=%ld", (int64_t)seed);
	}
	test_say("# %d times %d calls", n, STEPS);
	CHECK_OK(vm_deallocate(SELF, both, 2 * size));
}

/* --- somebody else waits where the answer comes --- */

static struct test_message other;

static void first_receiver(void *arg)
{
	mach_port_t port = (mach_port_t)(uintptr_t)arg;

	CHECK_OK(test_receive_wait(port, &other, 10000));
	CHECK_OK(test_send(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
}

TEST(an_answer_goes_to_who_waited_first)
{
	mach_port_t reply = test_port(), thread = test_thread(first_receiver, (void *)(uintptr_t)reply);
	struct test_message m;

	test_sleep(20);		/* else the answer is ours, and the test says nothing */
	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = SELF, .msgh_local_port = reply, .msgh_id = 2030 };
	CHECK_OK(mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.h, sizeof m, reply, 0, 0));
	if (m.h.msgh_id != 2130) {
		CHECK_EQ(m.h.msgh_id, QUEUED);
		CHECK_EQ(other.h.msgh_id, 2130);
	} else {
		CHECK_OK(test_send(reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
	}
	test_thread_join(thread);
	test_port_destroy(reply);
}
