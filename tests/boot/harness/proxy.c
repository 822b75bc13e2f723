/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task between a program and the kernel: the module runs in a child whose rights to kernel objects are rights to ports of this
 * task (but the host port that a trap gives: the library gets another).
 * What comes for such a port is sent on to the object, and the answer back; rights to
 * kernel objects in requests and answers are exchanged on the way. So are those in what the kernel sends by itself: exceptions and
 * news of tasks come to a port of this task and are sent on. (The messages to a pager are not: their order counts, and many work here.)
 * A module line with the word "proxied" asks for it.
 *
 * Every worker does one request at a time, and waits for its answer, so there are many. A thread of the program that is aborted or
 * ends leaves its request here until that is over.
 */
#include <mach/mach_host.h>
#include <mach/mig_errors.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include <mach_init.h>
#include "proxy_link.h"

#define SELF	mach_task_self()

enum { WORKERS = 48, ROOM = 65536, CHILD_HOST = 0x5001, CHILD_HOST_PRIV, CHILD_DEVICE };

/* ids: answers that bear a new task or thread; requests whose rights are for others to keep, or the caller's to be told of */
enum { TASK_CREATE = 2007, TASK_SET_SPECIAL_PORT = 2059, THREAD_CREATE = 2061, THREAD_SET_SPECIAL_PORT = 2068,
    REQUEST_NOTIFICATION = 3214, INSERT_RIGHT = 3215, PORTS_REGISTER = 2033, NEW_TASK_NOTIFICATION = 4203,
    THREAD_SET_EXCEPTION_PORTS = 4600, TASK_SET_EXCEPTION_PORTS = 4602, HOST_SET_EXCEPTION_PORTS = 4604 };

static mach_port_t ports;		/* the set of all proxies */

union message {
	mach_msg_header_t h;
	char		 room[ROOM];
};
static union message (*buffers)[2];	/* of each worker: request and answer */

static void exchange(mach_msg_header_t *h, enum proxy_way way)
{
	char *at = (char *)(h + 1), *end = (char *)h + h->msgh_size;

	if (!(h->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return;
	while (at + sizeof(mach_msg_type_t) <= end) {
		const mach_msg_type_t *t = (const mach_msg_type_t *)at;
		size_t bytes = ((size_t)t->msgt_size * t->msgt_number + 7) / 8;

		at += sizeof *t;
		for (unsigned i = 0; t->msgt_name == MACH_MSG_TYPE_PORT_SEND && i < t->msgt_number; i++) {
			if (t->msgt_inline)
				((mach_port_name_inlined_t *)at)[i].name =
				    proxy_exchange(((mach_port_name_inlined_t *)at)[i].name, way);
			else
				(*(mach_port_t **)at)[i] = proxy_exchange((*(mach_port_t **)at)[i], way);
		}
		at += t->msgt_inline ? (bytes + 7) & ~7ul : 8;
	}
}

/* --- requests --- */

/* new tasks and threads see themselves through us */
static void adopt(int id, const mach_msg_header_t *answer)
{
	mach_port_t real = *(const mach_port_t *)((const char *)answer + 56), proxy;

	if (((const mig_reply_header_t *)answer)->RetCode != KERN_SUCCESS || (id != TASK_CREATE && id != THREAD_CREATE))
		return;
	mach_port_mod_refs(SELF, real, MACH_PORT_RIGHT_SEND, 1);
	proxy = proxy_exchange(real, PROXY_OUT);
	if (id == TASK_CREATE)
		task_set_special_port(real, TASK_KERNEL_PORT, proxy);
	else
		thread_set_special_port(real, THREAD_KERNEL_PORT, proxy);
	mach_port_deallocate(SELF, proxy);
}

/* what becomes of the rights in a request: false: they stay what they are */
static bool way_of(const mach_msg_header_t *h, enum proxy_way *way)
{
	int which = *(const int *)((const char *)(h + 1) + 8);

	*way = PROXY_IN;
	switch (h->msgh_id) {
	case TASK_SET_SPECIAL_PORT:
	case THREAD_SET_SPECIAL_PORT:
		*way = PROXY_IN_HEARD;
		return which == TASK_EXCEPTION_PORT;
	case THREAD_SET_EXCEPTION_PORTS:
	case TASK_SET_EXCEPTION_PORTS:
	case HOST_SET_EXCEPTION_PORTS:
	case NEW_TASK_NOTIFICATION:
		*way = PROXY_IN_HEARD;
		return true;
	case REQUEST_NOTIFICATION:
	case INSERT_RIGHT:
	case PORTS_REGISTER:
		return false;
	default:
		return true;
	}
}

static void answer(union message *from, mach_port_t client, unsigned how, int id)
{
	adopt(id, &from->h);
	exchange(&from->h, PROXY_OUT);
	from->h.msgh_bits = MACH_MSGH_BITS(how, 0) | (from->h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	from->h.msgh_remote_port = client;
	from->h.msgh_local_port = MACH_PORT_NULL;
	if (mach_msg(&from->h, MACH_SEND_MSG, from->h.msgh_size, 0, 0, 0, 0) != MACH_MSG_SUCCESS)
		mach_msg_destroy(&from->h);
}

static kern_return_t send(union message *m, mach_port_t real, mach_port_t reply, unsigned how)
{
	m->h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, reply ? how : 0) | (m->h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	m->h.msgh_remote_port = real;
	m->h.msgh_local_port = reply;
	return mach_msg(&m->h, MACH_SEND_MSG, m->h.msgh_size, 0, 0, 0, 0);
}

/* from the kernel: who is asked answers it directly */
static void tell(union message *m, mach_port_t real)
{
	exchange(&m->h, PROXY_OUT);
	if (send(m, real, m->h.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE) == MACH_MSG_SUCCESS)
		return;
	if (m->h.msgh_local_port)
		mach_port_deallocate(SELF, m->h.msgh_local_port);
	mach_msg_destroy(&m->h);
}

static void ask(union message *m, union message *back, mach_port_t real, mach_port_t here)
{
	mach_port_t client = m->h.msgh_remote_port;
	unsigned how = MACH_MSGH_BITS_REMOTE(m->h.msgh_bits);
	int id = m->h.msgh_id;
	enum proxy_way way;

	if (way_of(&m->h, &way))
		exchange(&m->h, way);
	if (send(m, real, client ? here : MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE) != MACH_MSG_SUCCESS) {
		m->h.msgh_local_port = MACH_PORT_NULL;
		mach_msg_destroy(&m->h);
		if (client)
			mach_port_deallocate(SELF, client);
		return;
	}
	if (!client)
		return;
	if (mach_msg(&back->h, MACH_RCV_MSG, 0, sizeof *back, here, 0, 0) == MACH_MSG_SUCCESS && back->h.msgh_id == id + 100)
		answer(back, client, how, id);
	else
		mach_port_deallocate(SELF, client);
}

/* who receives has a turn; what is not answered has been done when the next message is received: its sender counts on that */
static unsigned turn;			/* 0, 1: somebody's, 2: and waited for */

static void take_turn(void)
{
	unsigned none = 0;

	if (__atomic_compare_exchange_n(&turn, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&turn, 2, __ATOMIC_ACQUIRE) != 0)
		gsync_wait_self((vm_address_t)&turn, 2, 0, 0, 0);
}

static void end_turn(void)
{
	if (__atomic_exchange_n(&turn, 0, __ATOMIC_RELEASE) == 2)
		gsync_wake_self((vm_address_t)&turn, 1, 0);
}

static void work(void *arg)
{
	union message *m = buffers[(uintptr_t)arg];
	mach_port_t here = test_port(), real;
	bool from_kernel, at_once;

	for (;;) {
		take_turn();
		if (mach_msg(&m[0].h, MACH_RCV_MSG, 0, sizeof m[0], ports, 0, 0) != MACH_MSG_SUCCESS || proxy_notification(&m[0].h)) {
			end_turn();
			continue;
		}
		real = proxy_real(m[0].h.msgh_local_port, &from_kernel);
		at_once = !m[0].h.msgh_remote_port && !from_kernel;
		if (!at_once)
			end_turn();
		if (from_kernel)
			tell(&m[0], real);
		else
			ask(&m[0], &m[1], real, here);
		if (at_once)
			end_turn();
	}
}

/* --- the beginning --- */

static void (*run)(void);

/* it has its memory, and its rights a moment later: then its own port is ours */
static void begin(void *arg)
{
	(void)arg;
	while (!(test_type(CHILD_DEVICE) & MACH_PORT_TYPE_SEND))
		test_sleep(1);
	mach_init_child();
	mach_host_self_ = CHILD_HOST;
	test_is_proxied = true;
	test_host_priv = CHILD_HOST_PRIV;
	test_device_master = CHILD_DEVICE;
	run();
}

static void give(mach_port_t child, mach_port_t name, mach_port_t real)
{
	mach_port_t proxy;

	mach_port_mod_refs(SELF, real, MACH_PORT_RIGHT_SEND, 1);
	proxy = proxy_exchange(real, PROXY_OUT);
	CHECK_OK(mach_port_insert_right(child, name, proxy, MACH_MSG_TYPE_MOVE_SEND));
}

void test_proxied(void (*fn)(void))
{
	mach_port_t child, proxy, *threads;
	mach_msg_type_number_t n = 0;

	run = fn;
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &ports));
	child = test_fork(begin, NULL);
	proxy_links_init(ports);
	test_fill_reply_pool(WORKERS);
	buffers = proxy_room(WORKERS * sizeof *buffers);
	mach_port_mod_refs(SELF, child, MACH_PORT_RIGHT_SEND, 2);
	proxy = proxy_exchange(child, PROXY_OUT);
	CHECK_OK(task_set_special_port(child, TASK_KERNEL_PORT, proxy));
	CHECK_OK(task_threads(child, &threads, &n));
	mach_port_mod_refs(SELF, threads[0], MACH_PORT_RIGHT_SEND, 1);
	proxy = proxy_exchange(threads[0], PROXY_OUT);
	CHECK_OK(thread_set_special_port(threads[0], THREAD_KERNEL_PORT, proxy));
	for (unsigned i = 1; i < WORKERS; i++)
		test_thread(work, (void *)(uintptr_t)i);
	give(child, CHILD_HOST, (mach_host_self)());
	give(child, CHILD_HOST_PRIV, test_host_priv);
	give(child, CHILD_DEVICE, test_device_master);
	work(NULL);
}
