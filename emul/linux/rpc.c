/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the library: the C side of mach_msg and what generated stubs need. Every thread has its own reply
 * port, found through the thread structure; a forked child makes a new one, because port names are not inherited.
 */
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/mach_traps.h>
#include "emul.h"

mach_port_t mach_task_self_;

mach_port_t emul_call_port(void)
{
	return tcb_self()->t_slot->us_port;
}

/* The server never lets a request fail: a message error means that it is gone, that a pointer was bad, or that memory is short. */
long emul_result(kern_return_t kr, const int64_t *result)
{
	if (kr == KERN_SUCCESS)
		return *result;
	if (kr == MACH_SEND_INVALID_MEMORY || kr == MACH_SEND_INVALID_DATA)
		return -LX_EFAULT;
	/* no memory for the request (the server could not take it in), for what comes with the reply, or for the port it comes to */
	if (kr == MIG_SERVER_DIED || kr == MACH_SEND_NO_BUFFER || kr == MACH_SEND_INVALID_REPLY || kr == MACH_RCV_INVALID_NAME ||
	    (kr & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR || (kr & ~MACH_MSG_MASK) == MACH_RCV_HEADER_ERROR)
		return -LX_ENOMEM;
	return -LX_EIO;
}

/*
 * A send is repeated when it was interrupted, a receive is simply continued: the server answers every request.
 */
mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name, mach_msg_timeout_t timeout, mach_port_name_t notify)
{
	mach_msg_return_t mr;

	do
		mr = mach_msg_trap(msg, option, send_size, rcv_size, rcv_name, timeout, notify);
	while (mr == MACH_SEND_INTERRUPTED);
	while (mr == MACH_RCV_INTERRUPTED)
		mr = mach_msg_trap(msg, option & ~MACH_SEND_MSG, 0, rcv_size, rcv_name, timeout, notify);
	return mr;
}

mach_port_t mig_get_reply_port(void)
{
	struct tcb *t = tcb_self();

	if (t->t_reply_port == MACH_PORT_NULL)
		t->t_reply_port = mach_reply_port();
	return t->t_reply_port;
}

void mig_put_reply_port(mach_port_t port)
{
	(void)port;
}

/* A late reply may still come to it: it is not used again. It dies with the task. */
void mig_dealloc_reply_port(mach_port_t port)
{
	(void)port;
	tcb_self()->t_reply_port = MACH_PORT_NULL;
}

void mig_allocate(vm_address_t *address, vm_size_t size)
{
	syscall_vm_allocate(mach_task_self_, address, size, TRUE);
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
	syscall_vm_deallocate(mach_task_self_, address, size);
}

void mach_msg_destroy(mach_msg_header_t *msg);

/* Only a broken server sends a reply nobody understands: what it carries stays until the process ends. */
void mach_msg_destroy(mach_msg_header_t *msg)
{
	(void)msg;
}

vm_size_t mig_strncpy(char *to, const char *from, int max)
{
	int i;

	if (max <= 0)
		return 0;
	for (i = 0; i + 1 < max && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
	return (vm_size_t)i;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;
	size_t words = n / 8;

	n %= 8;
	__asm__ volatile("rep movsq; movq %3, %%rcx; rep movsb"
	    : "+D"(d), "+S"(from), "+c"(words) : "r"(n) : "memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *d = to;
	size_t words = n / 8;

	n %= 8;
	__asm__ volatile("rep stosq; movq %2, %%rcx; rep stosb"
	    : "+D"(d), "+c"(words) : "r"(n), "a"((uint8_t)c * 0x0101010101010101ull) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}
