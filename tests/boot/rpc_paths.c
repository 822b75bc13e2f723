/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same conversation twice: once with calls that the kernel's straight line (kernel/ipc/rpc.c) may do, once with a time limit on every
 * receive, which leaves them to the general path. What either side can see of it must be the same: results, headers, names, bodies, the
 * bytes behind them, rights and counts.
 *
 * A conversation is made at random from a seed, which is printed when two differ. Its client and its server are two threads of one
 * fresh task, or two fresh tasks, so that even names are the same. The conductor (this task) lets the client take its next step when the
 * server waits, stops or interrupts the server, and, in debug kernels, makes one of the checks of the straight line fail.
 * The words "seconds=N" and "seed=N" on the module's line: how long, and where to begin.
 */
#include <mach/mach_host.h>
#include <mach/thread_info.h>
#include <mach/vm_param.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { STEPS = 24, LOG_MAX = 6000, CAP = 8192 + 64, RCV_ALL = 8192, QUEUED = 0x71 };
enum { CLIENT, SERVER };

struct side {
	volatile bool	 ready, in_trap, finished;
	volatile mach_port_t thread;
	uint64_t	 random;
	unsigned	 n;
	struct { const char *what; uint64_t value; } log[LOG_MAX];
};

/* shared by the conductor and the two */
struct world {
	uint64_t	 seed;
	bool		 fast, two_tasks;
	mach_port_t	 service, reply;		/* their names */
	volatile unsigned created, begun;
	volatile unsigned prepared, go, called, done, idle;	/* numbers of steps */
	volatile unsigned slow, seen;			/* in which the server answers only when the client waits */
	volatile unsigned hold, held, released;		/* in which the server does nothing before the client has called and more */
	volatile bool	 quit, over;
	struct side	 side[2];
};

static struct world *w;

static uint32_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(z >> 33);
}

static bool percent(struct side *s, unsigned n)
{
	return next(&s->random) % 100 < n;
}

static void say(struct side *s, const char *what, uint64_t value)
{
	if (s->n < LOG_MAX) {
		s->log[s->n].what = what;
		s->log[s->n++].value = value;
	}
}

/* => false: over before that */
static bool wait_for(volatile unsigned *what, unsigned number)
{
	for (unsigned i = 0; *what < number && !w->over; i++)
		if (i < 100)
			test_yield();
		else
			test_sleep(1);
	return !w->over;
}

/* --- buffers --- */

enum kind { PLAIN, ODD, CROSS, COW, FRESH, READ_ONLY, HOLE, UNMAPPED, END, ABOVE, KINDS };

struct buffer {
	vm_address_t	 map[2];
	char		*msg;
	unsigned	 room;		/* bytes that can be written before, and read after the call */
};

static char plain[2][4 * PAGE] __attribute__((aligned(4096)));

static vm_address_t pages(unsigned n)
{
	vm_address_t a = 0;

	return vm_allocate(SELF, &a, n * PAGE, TRUE) == KERN_SUCCESS ? a : 0;
}

/* => bytes from `back` before the end of user space: what is there anyway, or a page made for it */
static char *at_the_end(unsigned back)
{
	vm_address_t a = VM_MAX_ADDRESS - 3 * PAGE;

	for (; a < VM_MAX_ADDRESS; a += PAGE)
		if (vm_protect(SELF, a, PAGE, FALSE, VM_PROT_READ | VM_PROT_WRITE) != KERN_SUCCESS)
			vm_allocate(SELF, &a, PAGE, FALSE);
	return (char *)VM_MAX_ADDRESS - back;
}

static void buffer_make(struct buffer *b, unsigned side, enum kind kind, unsigned size, uint32_t r)
{
	vm_address_t a = kind >= COW && kind <= HOLE ? pages(5) : 0;
	unsigned back;

	*b = (struct buffer){ .map = { a, 0 }, .msg = plain[side], .room = CAP };
	switch (kind) {
	case ODD:
		b->msg += r % 64;
		break;
	case CROSS:
		b->msg += PAGE - 1 - r % 40;
		break;
	case COW:
	case READ_ONLY:
		b->msg = (char *)a + (r % 2 ? PAGE - 8 * (r % 8) : 0);
		break;
	case FRESH:
		b->msg = (char *)a + PAGE - 8 - r % 512;
		b->room = size;
		break;
	case HOLE:
		back = r % 3 == 0 ? size : r % 3 == 1 ? 8 + r % 64 : 2 * size;
		back = back < 2 * PAGE ? back : 2 * PAGE;
		vm_protect(SELF, a + 2 * PAGE, 3 * PAGE, FALSE, VM_PROT_NONE);
		b->msg = (char *)a + 2 * PAGE - back;
		b->room = back;
		break;
	case UNMAPPED:
		b->msg = (char *)(uintptr_t)(r % 64);
		b->room = 0;
		break;
	case END:
		b->room = size + (r % 2 ? 0 : r % 128);
		b->msg = at_the_end(b->room);
		break;
	case ABOVE:
		b->msg = (char *)(r % 2 ? 0xffff800000000000ull : (1ull << (47 + r % 16)) - r % 32);
		b->room = 0;
		break;
	default:
		break;
	}
}

/* The message is in it: what makes the kind what it is */
static void buffer_finish(struct buffer *b, enum kind kind)
{
	vm_address_t a = b->map[0];

	if (kind == READ_ONLY)
		vm_protect(SELF, a, 5 * PAGE, FALSE, VM_PROT_READ);
	if (kind != COW)
		return;
	b->map[1] = pages(5);
	vm_copy(SELF, a, 5 * PAGE, b->map[1]);
	b->msg += b->map[1] - a;
	for (unsigned i = 0; i < 5; i++)
		(void)*(volatile char *)(b->map[1] + i * PAGE);
}

static void buffer_free(struct buffer *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (b->map[i] != 0)
			vm_deallocate(SELF, b->map[i], 5 * PAGE);
}

static void copy(char *to, const char *from, unsigned n)
{
	while (n-- > 0)
		*to++ = *from++;
}

/* all bytes that may have changed, and those behind them */
static void say_buffer(struct side *s, const struct buffer *b, enum kind kind)
{
	unsigned room = kind == FRESH ? CAP : b->room;
	uint64_t hash = 0xcbf29ce484222325ull, word[4] = { 0 };

	for (unsigned i = 0; i < room; i++)
		hash = (hash ^ (unsigned char)b->msg[i]) * 0x100000001b3ull;
	copy((char *)word, b->msg, room < sizeof word ? room : sizeof word);
	say(s, "bits, size", word[0]);
	say(s, "remote", word[1]);
	say(s, "local", word[2]);
	say(s, "seqno, id", word[3]);
	say(s, "bytes", hash);
}

static enum kind pick_kind(struct side *s)
{
	static const enum kind some[] = { ODD, CROSS, COW, COW, FRESH, FRESH, FRESH, READ_ONLY, HOLE, HOLE, UNMAPPED, END, END, ABOVE };
	uint32_t r = next(&s->random);

	return percent(s, 50) ? PLAIN : some[r % (sizeof some / sizeof *some)];
}

/* of a message: all sizes, often about the largest of the straight line */
static unsigned pick_size(struct side *s)
{
	uint32_t r = next(&s->random);

	switch (next(&s->random) % 8) {
	case 0:
	case 1:
		return 32;
	case 2:
	case 3:
		return 32 + r % 64 * 8;
	case 4:
		return 4168 - 16 + r % 5 * 8;
	case 5:
		return 32 + r % 1020 * 8;
	case 6:
		return 4000 + r % 64 * 8;
	default:
		return r % 4 == 0 ? r % 8192 : 40;
	}
}

/* --- both sides --- */

static mach_msg_return_t call(struct side *s, struct buffer *b, unsigned option, unsigned size, unsigned rcv_size, mach_port_t from,
    mach_port_t notify)
{
	mach_msg_return_t mr;

	s->in_trap = true;
	mr = mach_msg_trap((mach_msg_header_t *)b->msg, w->fast ? option : option | MACH_RCV_TIMEOUT, size, rcv_size, from,
	    w->fast ? 0 : 100000, notify);
	s->in_trap = false;
	say(s, "result", mr);
	return mr;
}

/* header and body, as far as they fit; behind it a pattern */
static void write_message(struct buffer *b, enum kind kind, const mach_msg_header_t *h, unsigned size, uint32_t r)
{
	static char images[2][CAP] __attribute__((aligned(16)));
	char *image = images[b->msg >= plain[1] && b->msg < plain[1] + sizeof plain[1]];
	unsigned n = kind == FRESH ? size : CAP;

	for (unsigned i = 0; i < n; i++)
		image[i] = (char)(r + i * 7);
	copy(image, (const char *)h, sizeof *h);
	copy(b->msg, image, n < b->room ? n : b->room);
}

static bool is_send_error(mach_msg_return_t mr)
{
	return (mr & ~0x3fffu) == (MACH_SEND_INVALID_DATA & ~0x3fffu);
}

static void say_status(struct side *s, mach_port_t port)
{
	mach_port_status_t status = { 0 };

	say(s, "status", mach_port_get_receive_status(SELF, port, &status));
	say(s, "seqno, messages", (uint64_t)status.mps_seqno << 32 | status.mps_msgcount);
	say(s, "make-send, send-once", (uint64_t)status.mps_mscount << 32 | status.mps_sorights);
	say(s, "set, send rights", (uint64_t)status.mps_pset << 32 | (uint64_t)status.mps_srights);
}

static void say_names(struct side *s)
{
	mach_port_array_t names = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t n = 0, m = 0;
	uint64_t hash = 0;

	say(s, "names", mach_port_names(SELF, &names, &n, &types, &m));
	for (unsigned i = 0; i < n; i++) {
		uint64_t one = ((uint64_t)names[i] << 32 | types[i]) * 0x9e3779b97f4a7c15ull;

		one += test_urefs(names[i], MACH_PORT_RIGHT_SEND) + 3 * test_urefs(names[i], MACH_PORT_RIGHT_SEND_ONCE) +
		    5 * test_urefs(names[i], MACH_PORT_RIGHT_DEAD_NAME);
		hash += one ^ one >> 29;
	}
	say(s, "number of names", n);
	say(s, "all names", hash);
	vm_deallocate(SELF, (vm_address_t)names, n * sizeof *names);
	vm_deallocate(SELF, (vm_address_t)types, m * sizeof *types);
}

/* names come and go: up to more than the stack of free names holds; now and then one far above the table */
static void churn(struct side *s)
{
	mach_port_t port[90];
	unsigned n = percent(s, 30) ? 90 : 1 + next(&s->random) % 8;

	for (unsigned i = 0; i < n; i++)
		mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port[i]);
	for (unsigned i = 0; i < n; i++)
		mach_port_destroy(SELF, port[i]);
	if (percent(s, 25) && mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, 0x400000 + n) == KERN_SUCCESS)
		mach_port_destroy(SELF, 0x400000 + n);
}

/* what is queued there, without waiting */
static void drain(struct side *s, mach_port_t from)
{
	struct test_message m;
	mach_msg_return_t mr;

	while ((mr = mach_msg_trap(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, from, 0, 0)) == MACH_MSG_SUCCESS) {
		say(s, "drained bits, id", (uint64_t)m.h.msgh_bits << 32 | (uint32_t)m.h.msgh_id);
		say(s, "drained remote, local", (uint64_t)m.h.msgh_remote_port << 32 | m.h.msgh_local_port);
		say(s, "drained seqno, size", (uint64_t)m.h.msgh_seqno << 32 | m.h.msgh_size);
		mach_msg_destroy(&m.h);
	}
	say(s, "drained", mr);
}

/* --- the client --- */

static mach_port_t reply_port, reply_set, queue_port, own_port, dead_port;

static void client_setup(void)
{
	if (w->reply == MACH_PORT_NULL)
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &reply_port));
	else
		CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, reply_port = w->reply));
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &reply_set));
	queue_port = test_port();
	own_port = test_port_with_send();
	dead_port = test_port_with_send();
	CHECK_OK(mach_port_mod_refs(SELF, dead_port, MACH_PORT_RIGHT_RECEIVE, -1));
	w->side[CLIENT].thread = mach_thread_self();
}

struct request {
	mach_msg_header_t h;
	mach_port_t	 from;
	unsigned	 size, rcv_size, extra;
	enum kind	 kind;
	bool		 in_set;	/* the reply port, for this step */
	bool		 lose;		/* the reply port goes while the server has the message */
};

/* dest and reply are as they should be: from where the answer comes */
static void choose_source(struct side *s, struct request *q)
{
	unsigned r = next(&s->random) % 100;

	q->from = reply_port;
	if (r < 8) {
		q->from = reply_set;
		q->in_set = true;
	} else if (r < 12) {
		q->in_set = true;	/* MACH_RCV_IN_SET */
	} else if (r < 18) {
		q->from = queue_port;
	} else if (r < 21) {
		q->from = r % 2 ? MACH_PORT_NULL : dead_port;
	}
}

static void choose_request(struct side *s, struct request *q, unsigned step)
{
	static const unsigned other[][2] = { { MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE },
	    { MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND }, { MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND },
	    { MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE }, { MACH_MSG_TYPE_COPY_SEND, 0 }, { 0x77, 0x55 } };
	mach_port_t dests[] = { dead_port, own_port, 0x7777, queue_port, reply_set, MACH_PORT_NULL, MACH_PORT_DEAD };
	mach_port_t replies[] = { dead_port, own_port, w->service, MACH_PORT_NULL, MACH_PORT_DEAD, 0x7777 };
	const unsigned *kinds = other[next(&s->random) % 6];
	mach_port_t dest = w->service, reply = reply_port;
	bool usual = percent(s, 92);
	uint32_t r = next(&s->random);

	*q = (struct request){ .size = pick_size(s), .rcv_size = RCV_ALL };
	q->kind = pick_kind(s);
	q->extra = percent(s, 5) ? MACH_RCV_LARGE : 0;
	if (percent(s, 10))
		q->rcv_size = next(&s->random) % 300;
	if (percent(s, 6))
		dest = dests[r % 7];
	if (percent(s, 6))
		reply = replies[r % 6];
	q->h.msgh_bits = usual ? MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) :
	    MACH_MSGH_BITS(kinds[0], kinds[1]) | (percent(s, 10) ? r & MACH_MSGH_BITS_UNUSED : 0);
	q->h.msgh_remote_port = dest;
	q->h.msgh_local_port = reply;
	q->h.msgh_size = r;
	q->h.msgh_seqno = r;
	q->h.msgh_id = (int)(1000 + step);
	if (usual && dest == w->service && reply == reply_port)
		choose_source(s, q);
	else
		q->from = queue_port;	/* where something is, whatever becomes of this */
	q->lose = q->from == queue_port && dest == w->service && percent(s, 30);
}

static void lose_reply_port(struct side *s)
{
	say(s, "port destroyed", mach_port_destroy(SELF, reply_port));
	say(s, "port made", mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &reply_port));
}

static void client_step(struct side *s, unsigned step)
{
	struct request q;
	struct buffer b;
	mach_msg_return_t mr;

	choose_request(s, &q, step);
	buffer_make(&b, CLIENT, q.kind, q.size < 32 ? 32 : q.size, next(&s->random));
	write_message(&b, q.kind, &q.h, q.size, step);
	buffer_finish(&b, q.kind);
	if (MACH_MSGH_BITS_REMOTE(q.h.msgh_bits) == MACH_MSG_TYPE_MOVE_SEND)	/* it must last */
		say(s, "one more", mach_port_mod_refs(SELF, w->service, MACH_PORT_RIGHT_SEND, 1));
	if (q.in_set)
		say(s, "into the set", mach_port_move_member(SELF, reply_port, reply_set));
	if (percent(s, 6))
		say(s, "before the answer", test_send(reply_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
	if (q.from == queue_port)
		say(s, "queued", test_send(queue_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
	if (q.lose)
		w->hold = step;
	if (q.rcv_size != RCV_ALL)	/* a queued message is lost then, another waits for more room */
		w->slow = step;
	w->prepared = step;
	if (!wait_for(&w->go, step))
		return;
	say(s, "step", step << 16 | q.kind << 8 | (unsigned)q.in_set << 1 | q.lose);
	say(s, "bits, size", (uint64_t)q.h.msgh_bits << 32 | q.size);
	say(s, "remote, local", (uint64_t)q.h.msgh_remote_port << 32 | q.h.msgh_local_port);
	say(s, "from, room", (uint64_t)q.from << 32 | q.rcv_size);
	mr = call(s, &b, MACH_SEND_MSG | MACH_RCV_MSG | q.extra, q.size, q.rcv_size, q.from, MACH_PORT_NULL);
	w->called = step;
	if (q.lose && !is_send_error(mr) && wait_for(&w->held, step))
		lose_reply_port(s);
	w->released = step;
	w->done = step;
	if (!wait_for(&w->idle, step))
		return;
	say_buffer(s, &b, q.kind);
	buffer_free(&b);
	if (q.in_set) {
		drain(s, reply_set);
		say(s, "out of the set", mach_port_move_member(SELF, reply_port, MACH_PORT_NULL));
	}
	drain(s, reply_port);
	drain(s, queue_port);
	drain(s, own_port);
	say_status(s, reply_port);
	say_status(s, own_port);
	if (percent(s, 20))
		churn(s);
	if (percent(s, 15))
		say_names(s);
}

/* --- the server --- */

static mach_port_t service_set, notify_port;
static bool service_in_set;

static void server_setup(void)
{
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &service_set));
	notify_port = test_port();
	service_in_set = false;
}

/* what may happen to the service and to the server's names between two calls */
static void server_life(struct side *s, mach_port_t right)
{
	mach_port_t previous = MACH_PORT_NULL;

	if (percent(s, 12))
		churn(s);
	if (percent(s, 8)) {
		service_in_set = !service_in_set;
		say(s, "set changes", mach_port_move_member(SELF, w->service, service_in_set ? service_set : MACH_PORT_NULL));
	}
	if (percent(s, 6))
		say(s, "payload", mach_port_set_protected_payload(SELF, w->service, (uint64_t)next(&s->random) << 31));
	if (percent(s, 4))
		say(s, "no payload", mach_port_clear_protected_payload(SELF, w->service));
	if (percent(s, 8) && right != MACH_PORT_NULL)
		say(s, "request", mach_port_request_notification(SELF, right, MACH_NOTIFY_DEAD_NAME, 0, notify_port,
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	if (previous != MACH_PORT_NULL)
		mach_port_deallocate(SELF, previous);
	if (percent(s, 5))
		say(s, "before the next", test_send(w->service, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0, 0, QUEUED));
	if (percent(s, 10)) {
		say_status(s, w->service);
		say_names(s);
	}
	drain(s, notify_port);
}

/* a message was taken and could not be stored: the right that came with it is there, under some name */
static mach_port_t lost_right(void)
{
	mach_port_array_t names = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t n = 0, m = 0;
	mach_port_t found = MACH_PORT_NULL;

	if (mach_port_names(SELF, &names, &n, &types, &m) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	for (unsigned i = 0; i < n; i++)
		if (types[i] & MACH_PORT_TYPE_SEND_ONCE && (found == MACH_PORT_NULL || names[i] < found))
			found = names[i];
	vm_deallocate(SELF, (vm_address_t)names, n * sizeof *names);
	vm_deallocate(SELF, (vm_address_t)types, m * sizeof *types);
	return found;
}

static void server_took(struct side *s, mach_msg_header_t *h, mach_port_t *right, unsigned *type)
{
	*type = MACH_MSGH_BITS_REMOTE(h->msgh_bits);
	*right = *type != 0 && *type <= MACH_MSG_TYPE_PORT_SEND_ONCE ? h->msgh_remote_port : MACH_PORT_NULL;
	if (*right == MACH_PORT_DEAD)
		*right = MACH_PORT_NULL;
	say(s, "right", *right);
	if (*right != MACH_PORT_NULL && percent(s, 4)) {
		say(s, "right dropped", mach_port_destroy(SELF, *right));
		*right = MACH_PORT_NULL;
	}
}

/* one turn: answers, if there is whom, and waits. => false: told to end */
static bool server_turn(struct side *s, mach_port_t *right, unsigned *type, bool *failed)
{
	bool careful = *failed;		/* after a failure one turn without tricks: so it goes on */
	enum kind kind = careful ? PLAIN : pick_kind(s);
	unsigned size = careful ? 40 : pick_size(s), rcv_size = percent(s, 10) && !careful ? next(&s->random) % 300 : RCV_ALL;
	mach_msg_header_t h = { .msgh_bits = MACH_MSGH_BITS(*type, 0), .msgh_remote_port = *right, .msgh_id = (int)next(&s->random) };
	unsigned extra = percent(s, 90) || careful ? 0 : percent(s, 50) ? MACH_RCV_LARGE : MACH_RCV_NOTIFY;
	bool astray = percent(s, 3) && !careful;
	mach_port_t from;
	struct buffer b;
	mach_msg_return_t mr;

	if (kind == END && !w->two_tasks)
		kind = PLAIN;		/* there is one end, and the client may be there */
	server_life(s, *right);
	from = service_in_set && !astray ? service_set : w->service;	/* astray: MACH_RCV_IN_SET */
	buffer_make(&b, SERVER, kind, size < 32 ? 32 : size, next(&s->random));
	write_message(&b, kind, &h, size, next(&s->random));
	buffer_finish(&b, kind);
	say(s, "from", from);
	say(s, "turn", (uint64_t)kind << 48 | (uint64_t)rcv_size << 32 | size);
	mr = call(s, &b, (*right != MACH_PORT_NULL ? MACH_SEND_MSG : 0) | MACH_RCV_MSG | extra, size, rcv_size, from, notify_port);
	if (w->hold == w->go) {
		w->held = w->go;
		wait_for(&w->released, w->go);
	}
	if (w->slow == w->go)
		wait_for(&w->seen, w->go);
	say_buffer(s, &b, kind);
	if (is_send_error(mr)) {
		if (mr == MACH_SEND_INVALID_DEST) {
			say(s, "right gone", mach_port_destroy(SELF, *right));
			*right = MACH_PORT_NULL;
		}
	} else if (mr == MACH_MSG_SUCCESS) {
		copy((char *)&h, b.msg, sizeof h);
		server_took(s, &h, right, type);
	} else {
		*right = mr == MACH_RCV_INVALID_DATA ? lost_right() : MACH_PORT_NULL;
		*type = MACH_MSG_TYPE_PORT_SEND_ONCE;
		say(s, "right found", *right);
	}
	buffer_free(&b);
	*failed = mr != MACH_MSG_SUCCESS;
	return !w->quit;
}

static void server_main(void *arg)
{
	struct side *s = &w->side[SERVER];
	mach_port_t right = MACH_PORT_NULL;
	unsigned type = 0;
	bool careful = false;

	(void)arg;
	wait_for(&w->created, 1);
	while (!(test_type(w->service) & MACH_PORT_TYPE_RECEIVE))
		test_sleep(1);
	server_setup();
	s->thread = mach_thread_self();
	s->ready = true;
	while (!w->over && server_turn(s, &right, &type, &careful))
		;
	say_status(s, w->service);
	say_names(s);
	s->finished = true;
}

static void client_main(void *arg)
{
	struct side *s = &w->side[CLIENT];

	(void)arg;
	if (w->two_tasks) {
		while (!(test_type(w->service) & MACH_PORT_TYPE_SEND))
			test_sleep(1);
		client_setup();
	}
	s->ready = true;
	wait_for(&w->begun, 1);
	for (unsigned step = 1; step <= STEPS && !w->over; step++)
		client_step(s, step);
	say_names(s);
	w->quit = true;
	say(s, "end", test_send(w->service, MACH_MSG_TYPE_COPY_SEND, 0, 0, 0));
	while (!w->side[SERVER].finished && !w->over)
		test_sleep(1);
	s->finished = true;
}

static void one_task(void *arg)
{
	mach_port_t thread;

	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, w->service));
	CHECK_OK(mach_port_insert_right(SELF, w->service, w->service, MACH_MSG_TYPE_MAKE_SEND));
	client_setup();
	/* only one of the two has a call to the kernel under way at a time: so the library makes the same reply ports */
	thread = test_thread(server_main, arg);
	w->created = 1;
	while (!w->side[SERVER].ready && !w->over)
		test_sleep(1);
	client_main(arg);
	test_thread_join(thread);
}

/* --- the conductor --- */

static bool waits(struct side *s, mach_port_t thread)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;

	return s->in_trap && thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &n) == KERN_SUCCESS &&
	    info.run_state == TH_STATE_WAITING && (info.flags & TH_FLAGS_SWAPPED);
}

enum { PATIENCE = 15000 };	/* ms: the two must have gone on within that */

/* => in_trap and waiting; or, `done` not NULL, there already; false: stuck */
static bool wait_until_it_waits(unsigned which, mach_port_t thread, volatile unsigned *done, unsigned step)
{
	for (unsigned i = 0, ms = 0; ms < PATIENCE; i++) {
		if ((done != NULL && *done >= step) || waits(&w->side[which], thread))
			return true;
		if (w->side[which].finished)
			return false;
		if (i < 20) {
			test_yield();
		} else {
			test_sleep(1);
			ms++;
		}
	}
	return false;
}

static bool wait_step(volatile unsigned *what, unsigned step)
{
	for (unsigned i = 0; *what < step && i < PATIENCE; i++)
		if (i < 200)
			test_yield();
		else
			test_sleep(1);
	return *what >= step;
}

struct pair { mach_port_t task[2], thread[2]; };

/* one step of the client, with what comes between from outside; false: stuck */
static bool conduct(struct pair *p, unsigned step, uint64_t *random)
{
	bool suspended = next(random) % 100 < 6, broken = next(random) % 100 < 5, armed = next(random) % 3 == 0;
	unsigned check = 1 + next(random) % 40;

	if (!wait_step(&w->prepared, step) || !wait_until_it_waits(SERVER, p->thread[SERVER], NULL, 0))
		return false;
	if (broken) {
		CHECK_OK(thread_abort(p->thread[SERVER]));
		if (!wait_until_it_waits(SERVER, p->thread[SERVER], NULL, 0))
			return false;
	}
	if (suspended)
		CHECK_OK(thread_suspend(p->thread[SERVER]));
	armed = armed && w->fast && !suspended && test_fault_arm("rpc", check);
	w->go = step;
	if (suspended) {
		if (!wait_until_it_waits(CLIENT, p->thread[CLIENT], &w->called, step))
			return false;
		CHECK_OK(thread_resume(p->thread[SERVER]));
	}
	if (w->slow == step) {
		if (!wait_until_it_waits(CLIENT, p->thread[CLIENT], &w->called, step))
			return false;
		w->seen = step;
	}
	if (!wait_step(&w->done, step))
		return false;
	if (armed)
		test_fault_arm("rpc", 0);
	if (!wait_until_it_waits(SERVER, p->thread[SERVER], NULL, 0))
		return false;
	w->idle = step;
	return true;
}

static mach_port_t thread_of(mach_port_t task, struct side *s)
{
	mach_port_t thread = MACH_PORT_NULL;
	mach_msg_type_name_t type;

	for (unsigned ms = 0; !s->ready && ms < PATIENCE; ms++)
		test_sleep(1);
	CHECK_OK(mach_port_extract_right(task, s->thread, MACH_MSG_TYPE_COPY_SEND, &thread, &type));
	return thread;
}

static void pair_make(struct pair *p)
{
	mach_port_t port;

	if (w->two_tasks) {
		w->created = 1;
		port = test_port_with_send();
		p->task[SERVER] = test_fork(server_main, NULL);
		CHECK_OK(mach_port_insert_right(p->task[SERVER], w->service, port, MACH_MSG_TYPE_MOVE_RECEIVE));
		/* one after the other, so that nothing depends on who is first */
		p->thread[SERVER] = thread_of(p->task[SERVER], &w->side[SERVER]);
		p->task[CLIENT] = test_fork(client_main, NULL);
		CHECK_OK(mach_port_insert_right(p->task[CLIENT], w->service, port, MACH_MSG_TYPE_MOVE_SEND));
	} else {
		p->task[CLIENT] = test_fork(one_task, NULL);
		CHECK_OK(mach_port_mod_refs(SELF, p->task[CLIENT], MACH_PORT_RIGHT_SEND, 1));
		p->task[SERVER] = p->task[CLIENT];
		p->thread[SERVER] = thread_of(p->task[SERVER], &w->side[SERVER]);
	}
	p->thread[CLIENT] = thread_of(p->task[CLIENT], &w->side[CLIENT]);
}

static void pair_end(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		task_terminate(p->task[i]);
		mach_port_deallocate(SELF, p->thread[i]);
		mach_port_deallocate(SELF, p->task[i]);
	}
}

static void show(const char *what, struct side *s, unsigned around)
{
	for (unsigned i = around < 12 ? 0 : around - 12; i <= around + 3 && i < s->n; i++)
		test_say("#  %s %d %s: %lx", what, i, s->log[i].what, (int64_t)s->log[i].value);
}

static void say_thread(mach_port_t thread)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;

	if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &n) == KERN_SUCCESS)
		test_say("# state %d flags %x suspended %d %s", info.run_state, info.flags, info.suspend_count,
		    w->fast ? "fast" : "general");
}

/* => false: stuck */
static bool run_world(struct world *world, uint64_t seed, bool fast)
{
	uint64_t random = seed * 3 + 1;
	struct pair p;
	bool good = true;

	w = world;
	*w = (struct world){ .seed = seed, .fast = fast, .two_tasks = seed & 1, .service = seed & 2 ? 0x300 : 0x600000,
	    .reply = seed & 4 ? MACH_PORT_NULL : 0x700000 };
	w->side[CLIENT].random = seed * 5 + 1;
	w->side[SERVER].random = seed * 7 + 1;
	pair_make(&p);
	good = wait_until_it_waits(SERVER, p.thread[SERVER], NULL, 0);
	w->begun = 1;
	for (unsigned step = 1; good && step <= STEPS; step++)
		good = conduct(&p, step, &random);
	for (unsigned ms = 0; good && !w->side[CLIENT].finished && ms < PATIENCE; ms++)
		test_sleep(1);
	if (!good)
		say_thread(p.thread[SERVER]);
	w->over = true;
	good &= w->side[CLIENT].finished && w->side[SERVER].finished;
	if (!good) {
		test_say("# stuck at step %u: client %s, server %s", w->go, w->side[CLIENT].in_trap ? "calls" : "works",
		    w->side[SERVER].in_trap ? "waits" : "works");
		show("client", &w->side[CLIENT], w->side[CLIENT].n);
		show("server", &w->side[SERVER], w->side[SERVER].n);
	}
	pair_end(&p);
	return good;
}

/* => the same on both paths */
static bool compare(struct side *fast, struct side *general, const char *who)
{
	unsigned i = 0;

	while (i < fast->n && i < general->n && fast->log[i].what == general->log[i].what &&
	    fast->log[i].value == general->log[i].value)
		i++;
	if (i == fast->n && i == general->n)
		return true;
	test_say("# the %s sees something else at %d: %s", who, i, i < fast->n ? fast->log[i].what : "the end");
	show("fast   ", fast, i);
	show("general", general, i);
	return false;
}

static uint64_t first_seed(void)
{
	return test_number("seed=", 1);
}

static uint64_t now_ms(void)
{
	time_value64_t t = { 0 };

	CHECK_OK(host_get_uptime64(mach_host_self(), &t));
	return (uint64_t)t.seconds * 1000 + (uint64_t)t.nanoseconds / 1000000;
}

static void conversations(unsigned ms, uint64_t seed)
{
	vm_size_t size = (sizeof(struct world) + PAGE - 1) & ~(PAGE - 1);
	vm_address_t a = 0, b = 0;
	uint64_t end = now_ms() + ms;
	unsigned n = 0;

	CHECK_OK(vm_allocate(SELF, &a, size, TRUE));
	CHECK_OK(vm_allocate(SELF, &b, size, TRUE));
	CHECK_OK(vm_inherit(SELF, a, size, VM_INHERIT_SHARE));
	CHECK_OK(vm_inherit(SELF, b, size, VM_INHERIT_SHARE));
	for (bool good = true; good && now_ms() < end; seed++, n++) {
		struct world *fast = (struct world *)a, *general = (struct world *)b;

		good = run_world(fast, seed, true) && run_world(general, seed, false);
		good = good && (int)compare(&fast->side[SERVER], &general->side[SERVER], "server") &
		    compare(&fast->side[CLIENT], &general->side[CLIENT], "client");
		if (!CHECK(good))
			test_say("# seed=%ld, seconds=1", (int64_t)seed);
	}
	test_say("# %d conversations of %d steps, seeds up to %ld", n, STEPS, (int64_t)seed - 1);
	w = NULL;
	CHECK_OK(vm_deallocate(SELF, a, size));
	CHECK_OK(vm_deallocate(SELF, b, size));
}

TEST(the_straight_line_and_the_general_path_say_the_same)
{
	conversations(test_seconds(10) * 1000, first_seed());
}

TEST(they_do_with_processors_that_dawdle)
{
	test_racer(4);
	conversations(test_seconds(4) * 1000, first_seed() + 100000);
	test_racer(0);
}

/* --- one client and one server, here --- */

enum { ID_END = 0x99, BODY = 256 };

struct echo { mach_msg_header_t h; char body[BODY - 32]; };

static void echo_server(void *arg)
{
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	struct echo m = { .h.msgh_id = 0 };
	mach_msg_return_t mr = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, 0);

	while (mr == MACH_MSG_SUCCESS && m.h.msgh_id != ID_END) {
		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		m.h.msgh_id++;
		mr = mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, m.h.msgh_size, sizeof m, port, 0, 0);
	}
	CHECK_OK(mr);
}

/* => the result; what came is right, if anything */
static mach_msg_return_t echo(mach_port_t port, mach_port_t reply, int id, unsigned more)
{
	struct echo m;
	mach_msg_return_t mr;
	bool good = true;

	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = port, .msgh_local_port = reply, .msgh_id = id };

	for (unsigned i = 0; i < sizeof m.body; i++)
		m.body[i] = (char)(i * 5 + (unsigned)id);
	mr = mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG | more, sizeof m, sizeof m, reply, 10000, 0);
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	for (unsigned i = 0; i < sizeof m.body; i++)
		good &= m.body[i] == (char)(i * 5 + (unsigned)id);
	CHECK(good);
	CHECK_EQ(m.h.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	CHECK_EQ(m.h.msgh_size, sizeof m);
	CHECK_EQ(m.h.msgh_remote_port, MACH_PORT_NULL);
	CHECK_EQ(m.h.msgh_local_port, reply);
	CHECK_EQ(m.h.msgh_id, id + 1);
	return mr;
}

static void with_echo(void (*fn)(mach_port_t port, mach_port_t reply))
{
	mach_port_t port = test_port_with_send(), reply = test_port(), thread = test_thread(echo_server, (void *)(uintptr_t)port);

	for (int i = 0; i < 20; i++)
		CHECK_OK(echo(port, reply, 1000 + i, 0));
	fn(port, reply);
	CHECK_OK(test_send(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_END));
	test_thread_join(thread);
	test_port_destroy(port);
	test_port_destroy(reply);
}

static void fail_each_look(mach_port_t port, mach_port_t reply)
{
	for (unsigned k = 1; k <= 50; k++) {
		test_sleep(1);
		test_fault_arm("rpc", k);
		CHECK_OK(echo(port, reply, (int)(2000 + k), 0));
		CHECK_OK(echo(port, reply, (int)(3000 + k), 0));
		test_fault_arm("rpc", 0);
	}
}

TEST(each_look_that_fails_leaves_the_call_to_the_general_path)
{
	with_echo(fail_each_look);
}

/* the straight line has only the quick ways to switch threads */
static bool processor_is_able(void)
{
	uint32_t a = 7, b, c = 0, d, state = 0xd, b2, one = 1, d2;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	__asm__ volatile("cpuid" : "+a"(state), "=b"(b2), "+c"(one), "=d"(d2));
	return (b & 1) && (state & 1);	/* FSGSBASE, XSAVEOPT */
}

/* memory for messages fails: who needs none does not notice */
static void without_memory(mach_port_t port, mach_port_t reply)
{
	unsigned straight = 0, refused = 0;

	for (int i = 0; i < 10; i++) {
		test_sleep(3);		/* the server waits */
		test_fault_arm("ipc_kmsg", 1);
		straight += echo(port, reply, 4000 + i, 0) == MACH_MSG_SUCCESS;
		refused += echo(port, reply, 5000 + i, MACH_RCV_TIMEOUT) == MACH_SEND_NO_BUFFER;
		test_fault_arm("ipc_kmsg", 0);
	}
	if (straight == 10 && refused == 0)
		test_say("# skip: no fault points in this kernel");
	else if (!processor_is_able())
		test_say("# skip: no straight line on this processor");
	else
		CHECK(straight >= 8 && refused >= 8);
}

TEST(a_plain_call_takes_the_straight_line)
{
	with_echo(without_memory);
}
