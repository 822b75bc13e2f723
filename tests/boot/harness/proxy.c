/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task between a program and the kernel: the module runs in a child whose rights to kernel objects are rights to ports of this
 * task (but the host port that a trap gives: the library gets another).
 * What comes for such a port is sent on to the object, and the answer back; rights to
 * kernel objects in requests and answers are exchanged on the way. A module line with the word "proxied" asks for it.
 *
 * A link is a port of ours and the object it stands for. It ends when the object dies (dead-name notification), or when nobody has
 * a right to it any more (no-senders notification, with the count of rights made). Every worker does one request at a time, and
 * waits for its answer, so there are many.
 */
#include <mach/mach_port.h>
#include <mach/mach_host.h>
#include <mach/mig_errors.h>
#include <mach/notify.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include <mach_debug/mach_debug.h>
#include <mach_init.h>
#include "test.h"

#define SELF	mach_task_self()

enum { LINKS = 4096, WORKERS = 24, ROOM = 65536, CHILD_HOST = 0x5001, CHILD_HOST_PRIV, CHILD_DEVICE };

/* ids: answers that bear a new task or thread; requests whose rights are for others to keep, or the caller's to be told of */
enum { TASK_CREATE = 2007, TASK_SET_SPECIAL_PORT = 2059, THREAD_CREATE = 2061, THREAD_SET_SPECIAL_PORT = 2067,
    REQUEST_NOTIFICATION = 3214, INSERT_RIGHT = 3215, PORTS_REGISTER = 2033 };

static struct link { mach_port_t proxy, real; unsigned made; } *links;
static unsigned link_n;
static volatile int lock_word;
static mach_port_t ports, notify_port;	/* the set of all proxies; where deaths are told */

union message {
	mach_msg_header_t h;
	char		 room[ROOM];
};
static union message (*buffers)[2];	/* of each worker: request and answer */

static void lock(void)
{
	while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE))
		swtch();
}

static void unlock(void)
{
	__atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
}

static struct link *by_real(mach_port_t real)
{
	for (unsigned i = 0; i < link_n; i++)
		if (links[i].real == real && real)
			return &links[i];
	return NULL;
}

static struct link *by_proxy(mach_port_t proxy)
{
	for (unsigned i = 0; i < link_n; i++)
		if (links[i].proxy == proxy && proxy)
			return &links[i];
	return NULL;
}

static struct link *new_link(mach_port_t real)
{
	struct link *l = NULL;
	mach_port_t old;

	for (unsigned i = 0; i < link_n && !l; i++)
		if (!links[i].proxy)
			l = &links[i];
	if (!l && link_n < LINKS)
		l = &links[link_n++];
	if (!l || mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &l->proxy) != KERN_SUCCESS)
		return NULL;
	l->real = real;
	l->made = 0;
	mach_port_move_member(SELF, l->proxy, ports);
	mach_port_request_notification(SELF, real, MACH_NOTIFY_DEAD_NAME, 1, notify_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
	mach_port_request_notification(SELF, l->proxy, MACH_NOTIFY_NO_SENDERS, 1, l->proxy, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
	return l;
}

static bool is_kernel_object(mach_port_t name)
{
	unsigned kind = 0;
	vm_offset_t number;

	return mach_port_kernel_object(SELF, name, &kind, &number) == KERN_SUCCESS && kind != 0;
}

/* => consumes a send right; one to what the program is to see instead */
static mach_port_t outward(mach_port_t real)
{
	struct link *l;

	if (!MACH_PORT_VALID(real))
		return real;
	lock();
	l = by_real(real);
	if (l)
		mach_port_deallocate(SELF, real);
	else if (!by_proxy(real) && is_kernel_object(real))
		l = new_link(real);
	if (l && mach_port_insert_right(SELF, l->proxy, l->proxy, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS) {
		l->made++;
		real = l->proxy;
	}
	unlock();
	return real;
}

/* the other way */
static mach_port_t inward(mach_port_t name)
{
	struct link *l;

	if (!MACH_PORT_VALID(name))
		return name;
	lock();
	l = by_proxy(name);
	if (l) {
		mach_port_deallocate(SELF, name);
		name = l->real;
		mach_port_mod_refs(SELF, name, MACH_PORT_RIGHT_SEND, 1);
	}
	unlock();
	return name;
}

static void exchange(mach_msg_header_t *h, mach_port_t (*one)(mach_port_t))
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
				((mach_port_name_inlined_t *)at)[i].name = one(((mach_port_name_inlined_t *)at)[i].name);
			else
				(*(mach_port_t **)at)[i] = one((*(mach_port_t **)at)[i]);
		}
		at += t->msgt_inline ? (bytes + 7) & ~7ul : 8;
	}
}

/* --- the ends of links --- */

static void end_link(struct link *l)
{
	mach_port_t proxy = l->proxy;

	l->proxy = l->real = MACH_PORT_NULL;
	mach_port_destroy(SELF, proxy);
}

static void object_died(mach_port_t real)
{
	struct link *l;

	lock();
	l = by_real(real);
	if (l)
		end_link(l);
	unlock();
	/* the notification has a reference of its own: until it is dropped nobody else gets the name */
	if (l)
		mach_port_deallocate(SELF, real);
	mach_port_deallocate(SELF, real);
}

static void nobody_left(mach_port_t proxy, unsigned mscount)
{
	struct link *l;
	mach_port_t old = MACH_PORT_NULL, real = MACH_PORT_NULL;

	lock();
	l = by_proxy(proxy);
	if (l && l->made == mscount) {
		/* who else has a right to the object here keeps it */
		real = l->real;
		mach_port_request_notification(SELF, real, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
		end_link(l);
	} else if (l)
		mach_port_request_notification(SELF, proxy, MACH_NOTIFY_NO_SENDERS, l->made, proxy, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
	unlock();
	if (MACH_PORT_VALID(old))
		mach_port_deallocate(SELF, old);	/* the request taken back */
	if (real)
		mach_port_deallocate(SELF, real);
}

/* => it was one */
static bool notification(const mach_msg_header_t *h)
{
	unsigned word = *(const unsigned *)((const char *)(h + 1) + 8);

	switch (h->msgh_id) {
	case MACH_NOTIFY_DEAD_NAME:
		object_died(word);
		return true;
	case MACH_NOTIFY_NO_SENDERS:
		nobody_left(h->msgh_local_port, word);
		return true;
	case MACH_NOTIFY_PORT_DELETED:
	case MACH_NOTIFY_SEND_ONCE:
		return true;
	default:
		return false;
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
	proxy = outward(real);
	if (id == TASK_CREATE)
		task_set_special_port(real, TASK_KERNEL_PORT, proxy);
	else
		thread_set_special_port(real, THREAD_KERNEL_PORT, proxy);
	mach_port_deallocate(SELF, proxy);
}

static bool keeps_rights(int id)
{
	return id == TASK_SET_SPECIAL_PORT || id == THREAD_SET_SPECIAL_PORT || id == REQUEST_NOTIFICATION || id == INSERT_RIGHT ||
	    id == PORTS_REGISTER;
}

static void answer(union message *from, mach_port_t client, unsigned how, int id)
{
	adopt(id, &from->h);
	exchange(&from->h, outward);
	from->h.msgh_bits = MACH_MSGH_BITS(how, 0) | (from->h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	from->h.msgh_remote_port = client;
	from->h.msgh_local_port = MACH_PORT_NULL;
	if (mach_msg(&from->h, MACH_SEND_MSG, from->h.msgh_size, 0, 0, 0, 0) != MACH_MSG_SUCCESS)
		mach_msg_destroy(&from->h);
}

static void pass_on(union message *m, union message *back, mach_port_t here)
{
	mach_port_t client = m->h.msgh_remote_port, real;
	unsigned how = MACH_MSGH_BITS_REMOTE(m->h.msgh_bits);
	int id = m->h.msgh_id;
	struct link *l;

	lock();
	l = by_proxy(m->h.msgh_local_port);
	real = l ? l->real : MACH_PORT_NULL;
	unlock();
	if (!keeps_rights(id))
		exchange(&m->h, inward);
	m->h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, client ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0) |
	    (m->h.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	m->h.msgh_remote_port = real;
	m->h.msgh_local_port = client ? here : MACH_PORT_NULL;
	if (mach_msg(&m->h, MACH_SEND_MSG, m->h.msgh_size, 0, 0, 0, 0) != MACH_MSG_SUCCESS) {
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

static void work(void *arg)
{
	union message *m = buffers[(uintptr_t)arg];
	mach_port_t here = test_port();

	for (;;)
		if (mach_msg(&m[0].h, MACH_RCV_MSG, 0, sizeof m[0], ports, 0, 0) == MACH_MSG_SUCCESS && !notification(&m[0].h))
			pass_on(&m[0], &m[1], here);
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
	proxy = outward(real);
	CHECK_OK(mach_port_insert_right(child, name, proxy, MACH_MSG_TYPE_MOVE_SEND));
}

/* not the child's, and touched before anything is counted */
static void *room(size_t bytes)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, bytes, TRUE));
	for (size_t at = 0; at < bytes; at += 4096)
		((volatile char *)a)[at] = 0;
	return (void *)a;
}

void test_proxied(void (*fn)(void))
{
	mach_port_t child, proxy, *threads;
	mach_msg_type_number_t n = 0;

	run = fn;
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &ports));
	notify_port = test_port();
	CHECK_OK(mach_port_move_member(SELF, notify_port, ports));
	child = test_fork(begin, NULL);
	links = room(LINKS * sizeof *links);
	buffers = room(WORKERS * sizeof *buffers);
	mach_port_mod_refs(SELF, child, MACH_PORT_RIGHT_SEND, 2);
	proxy = outward(child);
	CHECK_OK(task_set_special_port(child, TASK_KERNEL_PORT, proxy));
	CHECK_OK(task_threads(child, &threads, &n));
	mach_port_mod_refs(SELF, threads[0], MACH_PORT_RIGHT_SEND, 1);
	proxy = outward(threads[0]);
	CHECK_OK(thread_set_special_port(threads[0], THREAD_KERNEL_PORT, proxy));
	for (unsigned i = 1; i < WORKERS; i++)
		test_thread(work, (void *)(uintptr_t)i);
	give(child, CHILD_HOST, (mach_host_self)());
	give(child, CHILD_HOST_PRIV, test_host_priv);
	give(child, CHILD_DEVICE, test_device_master);
	work(NULL);
}
