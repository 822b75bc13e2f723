/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT	a link: a port of the proxy task, and the port it stands for. Outward it stands for an object of the kernel, and the program
 *		has it; back it stands for a port of the program that the kernel sends to (exceptions, new tasks), and the kernel has it.
 * STATES	free (no proxy) or in use. It ends when the port it stands for dies (dead-name notification), or when nobody has a right to
 *		it any more (no-senders notification, with the count of rights made).
 * LOCKS	one, over the table; it is held across calls of the kernel
 */
#include <mach/mach_port.h>
#include <mach/notify.h>
#include <mach_debug/mach_debug.h>
#include "proxy_link.h"

#define SELF	mach_task_self()

enum { LINKS = 4096, NAMES = 65536 };

static struct link { mach_port_t proxy, real; unsigned made; bool back; } *links;
static unsigned short *of_proxy, *of_real;	/* by name: 0, or the number of the link and one */
static unsigned first_free;			/* none below it */
static volatile int lock_word;
static mach_port_t ports, notify_port;		/* the set of all proxies; where deaths are told */

static void lock(void)
{
	while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE))
		swtch();
}

static void unlock(void)
{
	__atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
}

static struct link *find(const unsigned short *by_name, mach_port_t name)
{
	return name < NAMES && by_name[name] ? &links[by_name[name] - 1] : NULL;
}

static struct link *new_link(mach_port_t real, bool back)
{
	mach_port_t old, proxy;
	struct link *l;

	while (first_free < LINKS && links[first_free].proxy)
		first_free++;
	if (first_free == LINKS || real >= NAMES || mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &proxy) != KERN_SUCCESS)
		return NULL;
	if (proxy >= NAMES) {
		mach_port_destroy(SELF, proxy);
		return NULL;
	}
	l = &links[first_free];
	*l = (struct link){ .proxy = proxy, .real = real, .back = back };
	of_proxy[proxy] = of_real[real] = (unsigned short)(first_free + 1);
	mach_port_move_member(SELF, proxy, ports);
	mach_port_request_notification(SELF, real, MACH_NOTIFY_DEAD_NAME, 1, notify_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
	mach_port_request_notification(SELF, proxy, MACH_NOTIFY_NO_SENDERS, 1, proxy, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old);
	return l;
}

static bool is_kernel_object(mach_port_t name)
{
	unsigned kind = 0;
	vm_offset_t number;

	return mach_port_kernel_object(SELF, name, &kind, &number) == KERN_SUCCESS && kind != 0;
}

/* the link by which the other side is to see this, made when there is none; NULL: it is to see the thing itself */
static struct link *link_for(mach_port_t real, enum proxy_way way)
{
	struct link *l = find(of_real, real);
	bool back = way == PROXY_IN_HEARD;

	if (way == PROXY_IN || find(of_proxy, real))
		return NULL;
	if (l)
		return l->back == back ? l : NULL;
	return is_kernel_object(real) == back ? NULL : new_link(real, back);
}

mach_port_t proxy_exchange(mach_port_t right, enum proxy_way way)
{
	struct link *l;

	if (!MACH_PORT_VALID(right))
		return right;
	lock();
	l = find(of_proxy, right);
	if (l && l->back == (way == PROXY_OUT)) {
		/* one of ours comes back from where it went to */
		mach_port_deallocate(SELF, right);
		right = l->real;
		mach_port_mod_refs(SELF, right, MACH_PORT_RIGHT_SEND, 1);
	} else if ((l = link_for(right, way)) != NULL &&
	    mach_port_insert_right(SELF, l->proxy, l->proxy, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS) {
		/* a new link keeps the reference */
		if (l->made++ > 0)
			mach_port_deallocate(SELF, right);
		right = l->proxy;
	}
	unlock();
	return right;
}

mach_port_t proxy_real(mach_port_t proxy, bool *from_kernel)
{
	mach_port_t real = MACH_PORT_NULL;
	struct link *l;

	lock();
	l = find(of_proxy, proxy);
	*from_kernel = l && l->back;
	if (l && mach_port_mod_refs(SELF, l->real, MACH_PORT_RIGHT_SEND, 1) == KERN_SUCCESS)
		real = l->real;
	unlock();
	return real;
}

static void end_link(struct link *l)
{
	mach_port_t proxy = l->proxy;

	of_proxy[proxy] = of_real[l->real] = 0;
	l->proxy = l->real = MACH_PORT_NULL;
	if ((unsigned)(l - links) < first_free)
		first_free = (unsigned)(l - links);
	mach_port_destroy(SELF, proxy);
}

static void object_died(mach_port_t real)
{
	struct link *l;

	lock();
	l = find(of_real, real);
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
	l = find(of_proxy, proxy);
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

bool proxy_notification(const mach_msg_header_t *h)
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

void *proxy_room(size_t bytes)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, bytes, TRUE));
	for (size_t at = 0; at < bytes; at += 4096)
		((volatile char *)a)[at] = 0;
	return (void *)a;
}

void proxy_links_init(mach_port_t set)
{
	ports = set;
	notify_port = test_port();
	CHECK_OK(mach_port_move_member(SELF, notify_port, ports));
	links = proxy_room(LINKS * sizeof *links);
	of_proxy = proxy_room(NAMES * sizeof *of_proxy);
	of_real = proxy_room(NAMES * sizeof *of_real);
}
