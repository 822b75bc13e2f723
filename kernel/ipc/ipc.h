/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rest of the kernel calls in ipc/ (owner ipc/; nouns have their own headers: port.h entry.h space.h right.h
 * kmsg.h pset.h notify.h kobject.h).
 *
 * RIGHTS  a `struct ipc_port *` held by the kernel as a *send right* counts in ip_srights and holds a reference;
 *         as a *naked reference* it only keeps the memory. IP_DEAD and IP_NULL are legal values of rights.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>

struct ipc_port;
struct ipc_space;
struct ipc_kmsg;
struct task;
struct thread;

#define IP_NULL		((struct ipc_port *)0)
#define IP_DEAD		((struct ipc_port *)~0ul)
#define IP_VALID(p)	((p) != IP_NULL && (p) != IP_DEAD)

/* kernel object kinds; fixed at creation; numbers visible through mach_port_kernel_object */
enum ipc_kotype {
	IKOT_NONE = 0, IKOT_THREAD = 1, IKOT_TASK = 2, IKOT_HOST = 3, IKOT_HOST_PRIV = 4, IKOT_PROCESSOR = 5,
	IKOT_PSET = 6, IKOT_PSET_NAME = 7, IKOT_PAGER = 8, IKOT_PAGING_REQUEST = 9, IKOT_DEVICE = 10,
	IKOT_XMM_OBJECT = 11, IKOT_XMM_PAGER = 12, IKOT_XMM_KERNEL = 13, IKOT_XMM_REPLY = 14, IKOT_PAGER_TERMINATING = 15,
	IKOT_PAGING_NAME = 16, IKOT_HOST_SECURITY = 17, IKOT_LEDGER = 18, IKOT_MASTER_DEVICE = 19, IKOT_ACT = 20,
	IKOT_SUBSYSTEM = 21, IKOT_IO_DONE_QUEUE = 22, IKOT_SEMAPHORE = 23, IKOT_LOCK_SET = 24, IKOT_CLOCK = 25,
	IKOT_CLOCK_CTRL = 26, IKOT_PAGER_PROXY = 27, IKOT_USER_DEVICE = 28, IKOT_IO_PERM = 29,
};

void		 ipc_init(void);
struct ipc_space *ipc_space_create(struct task *);	/* NULL on shortage */
void		 ipc_space_ref(struct ipc_space *);
void		 ipc_space_release(struct ipc_space *);
void		 ipc_space_destroy(struct ipc_space *);	/* task death: every right goes, space inactive */

/* ports whose receiver is the kernel; the kobject pointer is cleared by ipc_kobject_clear before the object dies */
struct ipc_port	*ipc_port_create_kernel(enum ipc_kotype, void *kobject);	/* NULL on shortage; kernel's receive right */
void		 ipc_port_destroy_kernel(struct ipc_port *);	/* all senders see it die */
/* => the kobject if the port is alive and of that kind, under the port lock, with `ref` called on it there; else NULL */
void		*ipc_kobject_lookup(struct ipc_port *, enum ipc_kotype, void (*ref)(void *));
/* => the same, but gives what `take` makes of the kobject there: something else of it, referenced in its place */
void		*ipc_kobject_take(struct ipc_port *, enum ipc_kotype, void *(*take)(void *));
void		 ipc_kobject_clear(struct ipc_port *);
enum ipc_kotype	 ipc_port_kotype(struct ipc_port *);

/* rights held by the kernel */
void		 ipc_port_ref(struct ipc_port *);		/* naked reference */
void		 ipc_port_release(struct ipc_port *);
struct ipc_port	*ipc_port_make_send(struct ipc_port *);	/* from a live kernel-held port; IP_NULL/IP_DEAD pass through as such */
struct ipc_port	*ipc_port_copy_send(struct ipc_port *);	/* another send right; IP_DEAD when dead */
void		 ipc_port_release_send(struct ipc_port *);	/* takes NULL and DEAD */
void		 ipc_port_release_sonce(struct ipc_port *);	/* sends the send-once notification */
struct ipc_port	*ipc_port_make_sonce(struct ipc_port *);
/* kernel-held no-senders: fn(kobject, mscount) called without locks when the last send right goes */
void		 ipc_kobject_set_no_senders(struct ipc_port *, void (*fn)(void *kobject, uint32_t mscount));

/* vm_object_port_died(port) and irq_port_died() are called without locks when the port dies; false: it is dead */
bool		 ipc_port_watch_death(struct ipc_port *);
uint32_t	 ipc_port_queued(const struct ipc_port *);	/* messages not received; approximate */

/* name a right in a task's space: consumes the send right; MACH_PORT_NULL on failure or NULL, DEAD for dead */
mach_port_name_t ipc_port_copyout_send(struct ipc_port *, struct ipc_space *);
/* a send right from a name (COPY_SEND semantics) */
kern_return_t	 ipc_port_copyin_send(struct ipc_space *, mach_port_name_t, struct ipc_port **);
/* a receive right for the kernel's or a server's use: new ordinary port in a space; the port, when wanted, referenced */
kern_return_t	 ipc_port_alloc(struct ipc_space *, mach_port_name_t *, struct ipc_port **);
/* what trap shortcuts need: kobject of a name without taking a right; => referenced by ref, NULL: not such an object */
/* the name is of a send right to that port */
bool		 ipc_name_is(struct ipc_space *, mach_port_name_t, const struct ipc_port *);
void		*ipc_name_to_kobject(struct ipc_space *, mach_port_name_t, enum ipc_kotype, void (*ref)(void *));

/*
 * Kernel sends. msg is a kernel buffer laid out as a user message whose 8-byte port slots hold struct ipc_port pointers (rights of the
 * given dispositions, consumed always) and whose out-of-line pointers hold struct vm_map_copy pointers (consumed always).
 * Ignores the queue limit; never blocks. => KERN_RESOURCE_SHORTAGE when no memory (everything destroyed all the same).
 */
kern_return_t	 ipc_kernel_send(mach_msg_header_t *msg, uint32_t size);

/*
 * Exceptions: the kernel's RPC. Sends what happened to `port` (consumes the send right) for the current thread and waits with a
 * continuation for the reply; when it comes the state it carries is the thread's, and done(kern_return) is called on a fresh stack.
 * Comes back when it cannot send: KERN_INVALID_CAPABILITY, the port is dead; KERN_RESOURCE_SHORTAGE. The rights are consumed always.
 */
struct ipc_exception {
	int		 ie_behavior;		/* EXCEPTION_DEFAULT ... of mach/exception_ports.h */
	int		 ie_flavor;		/* of the state, unless EXCEPTION_DEFAULT */
	int		 ie_kind, ie_code;
	int64_t		 ie_subcode;
	struct ipc_port	*ie_thread, *ie_task;	/* rights; none with EXCEPTION_STATE */
};
kern_return_t	 ipc_exception_rpc(struct ipc_port *port, const struct ipc_exception *, void (*done)(kern_return_t));

/* thread life: reply port cache, waits broken */
void		 ipc_thread_terminate(struct thread *);

#endif
