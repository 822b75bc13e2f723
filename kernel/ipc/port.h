/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A port: a queue of messages with one receiver. Name entries, messages in transit, kernel objects and
 *         waiting threads point at it.
 * STATES  ip_state       ip_space/ip_destination    ip_name     ip_set
 *         IP_SPACE       the receiver's space       its name    the set it is in, or NULL
 *         IP_KERNEL      NULL                       0           NULL (receive right held by the kernel)
 *         IP_LIMBO       NULL                       0           NULL (receive right in a message not yet queued)
 *         IP_TRANSIT     port it is queued at (ref) 0           NULL (receive right in a queued message)
 *         IP_DEAD_PORT   NULL                       0           NULL
 *         SPACE <-> LIMBO <-> TRANSIT; anything -> DEAD; KERNEL -> LIMBO when the kernel sends the receive right.
 *         TRANSIT begins and ends under ipc_transit_lock too, so that a chain of destinations can be walked.
 *         The kind (ip_kotype) never changes; it counts in state KERNEL only. A receive right the kernel gives away
 *         (memory_object_terminate) has lost its object for good.
 * REFS    One for each name entry, right held by the kernel or in a message, waiting thread, destination link. The last
 *         frees the memory; by then the port is dead (its receive right held a reference).
 * LOCKS   ip_lock (IPC_PORT, two in address order); after the space's, before the set's.
 *
 * Legend: (I) immutable; (p) ip_lock; (s) ip_lock and the lock of the space that holds the receive right, either to
 * read; (t) ip_lock and ipc_transit_lock; (m) the set's lock; (a) atomic.
 */
#ifndef IPC_PORT_H
#define IPC_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <ipc/ipc.h>

struct ipc_kmsg;
struct ipc_pset;
struct ipc_space;

enum ipc_port_state { IP_SPACE, IP_KERNEL, IP_LIMBO, IP_TRANSIT, IP_DEAD_PORT };

#define IP_F_PAYLOAD	0x01	/* (p) protected payload set: in the extension */
#define IP_F_READY	0x02	/* (m) on its set's ready list */
#define IP_F_KNOSENDERS	0x04	/* (p) its kind's no-senders function is wanted */
#define IP_F_USERDEV	0x08	/* (p) marked as user device by mach_port_set_ktype */
#define IP_F_PRIO	0x10	/* (p) reserved: queue ordered by sender priority */
#define IP_F_PAGER	0x40	/* (p) a memory object of ours: its death is told to vm/ */
#define IP_F_INHERIT	0x20	/* (p) reserved: receiver inherits the priority of senders */

/* One outstanding dead-name request: slot 0 of the table is not used */
struct ipc_request {
	struct ipc_port	*ir_soright;	/* NULL: free slot */
	mach_port_name_t ir_name;	/* or index of the next free slot */
};

/* The rarely needed part of a port */
struct ipc_port_ext {
	struct ipc_port	*ipx_nsrequest;	/* send-once right for no-senders */
	struct ipc_port	*ipx_pdrequest;	/* send-once right for port-destroyed */
	uint64_t	 ipx_payload;
	struct ipc_request *ipx_requests;
	uint32_t	 ipx_request_count;	/* size of the table */
	uint32_t	 ipx_request_free;	/* first free slot, 0: none */
	uint32_t	 ipx_request_used;
};

struct ipc_port {
	struct spinlock	 ip_lock;
	uint32_t	 ip_refs;		/* (a) */
	uint8_t		 ip_state;		/* (s)(t) */
	uint8_t		 ip_kotype;		/* (I) */
	uint8_t		 ip_flags;		/* see above */
	uint8_t		 ip_qlimit;		/* (p) at most MACH_PORT_QLIMIT_MAX */
	mach_port_name_t ip_name;		/* (s) */
	union {
		struct ipc_space *ip_space;		/* (s) */
		struct ipc_port	*ip_destination;	/* (t) */
	};
	void		*ip_kobject;		/* (p) NULL once the object is gone */
	uint32_t	 ip_mscount;		/* (p) make-send count */
	uint32_t	 ip_srights;		/* (p) */
	uint32_t	 ip_sorights;		/* (p) */
	uint32_t	 ip_seqno;		/* (p) of the next message received */
	uint32_t	 ip_msgcount;		/* (p) */
	uint32_t	 ip_sid;		/* (I) security label of the creator */
	struct queue	*ip_messages;		/* (p) ring of kmsgs */
	struct queue	*ip_senders;		/* (p) ring of threads, first come first */
	struct queue	*ip_receivers;		/* (p) ring of threads; NULL while in a set */
	struct ipc_pset	*ip_set;		/* (s)(p); a reference */
	struct queue	 ip_set_link;		/* (m) members of the set */
	struct queue	 ip_ready_link;		/* (m) members with messages */
	struct ipc_port_ext *ip_ext;		/* (p) NULL until needed */
};

extern const struct lock_class ipc_port_class;
extern struct spinlock ipc_transit_lock;

static inline void ipc_port_lock(struct ipc_port *port) { spin_lock(&port->ip_lock); }
static inline void ipc_port_unlock(struct ipc_port *port) { spin_unlock(&port->ip_lock); }
static inline bool ipc_port_alive(const struct ipc_port *port)
{
	return __atomic_load_n(&port->ip_state, __ATOMIC_RELAXED) != IP_DEAD_PORT;
}

static inline void ipc_port_ref_inline(struct ipc_port *port)
{
	counter_add(COUNT_PORT_REF, 1);
	__atomic_fetch_add(&port->ip_refs, 1, __ATOMIC_RELAXED);
}

/* Security hooks: true allows. A policy replaces the constant by a compare of cached decisions (labels in ip_sid) */
static inline bool ipc_label_send(const struct ipc_port *port) { (void)port; return true; }
static inline bool ipc_label_copyin(const struct ipc_port *port, unsigned type) { (void)port; (void)type; return true; }
static inline bool ipc_label_copyout(const struct ipc_port *port, unsigned type) { (void)port; (void)type; return true; }

void		 ipc_port_init(void);
/* => a live port with one reference, in state IP_LIMBO; NULL on shortage */
struct ipc_port	*ipc_port_create(void);
/* => a live port in a space under a new name, returned locked; entry made. KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE */
kern_return_t	 ipc_port_create_in(struct ipc_space *, mach_port_name_t *, struct ipc_port **);
/* => the same under a given name */
kern_return_t	 ipc_port_create_named(struct ipc_space *, mach_port_name_t, struct ipc_port **);
/* => consumes the receive right and its reference: everything queued is destroyed, waiters woken. Nothing locked */
void		 ipc_port_destroy(struct ipc_port *);
/* => port locked, loses its receiver: out of its set, counts zeroed, waiting receivers woken with `result` */
void		 ipc_port_clear_receiver(struct ipc_port *, mach_msg_return_t result);
/* => port locked, alive; its extension or NULL on shortage */
struct ipc_port_ext *ipc_port_ext(struct ipc_port *);
/* => nothing locked. Records that `port`'s receive right is in a message to dest; false: that would close a circle */
bool		 ipc_port_to_transit(struct ipc_port *port, struct ipc_port *dest);
/* => nothing locked: TRANSIT or LIMBO or KERNEL to LIMBO */
void		 ipc_port_from_transit(struct ipc_port *);

/* rights held by the kernel; ports valid */
void		 ipc_port_release_receive(struct ipc_port *);
/* => destroys one right of disposition `type` (MACH_MSG_TYPE_PORT_*); takes NULL and DEAD */
void		 ipc_right_destroy_held(struct ipc_port *, unsigned type);
/* => the port is locked on entry and unlocked on return: takes back one send right; sends no-senders when the last */
void		 ipc_port_drop_send_locked(struct ipc_port *);
/* => port locked and alive: one more send right made by the receiver, with a reference */
void		 ipc_port_make_send_locked(struct ipc_port *);
void		 ipc_port_make_sonce_locked(struct ipc_port *);

/* requests: table of dead-name requests */
/* => port locked, alive; consumes soright on success. KERN_RESOURCE_SHORTAGE */
kern_return_t	 ipc_port_request_add(struct ipc_port *, mach_port_name_t, struct ipc_port *soright, uint32_t *index);
/* => port locked, alive; gives the soright back and frees the slot */
struct ipc_port	*ipc_port_request_cancel(struct ipc_port *, mach_port_name_t, uint32_t index);
void		 ipc_port_request_rename(struct ipc_port *, uint32_t index, mach_port_name_t);
/* => port locked, alive; a no-senders request replaces the old one (returned); fires at once when due */
kern_return_t	 ipc_port_nsrequest(struct ipc_port *, uint32_t sync, struct ipc_port *notify,
		    struct ipc_port **previous, bool *fire, uint32_t *mscount);
kern_return_t	 ipc_port_pdrequest(struct ipc_port *, struct ipc_port *notify, struct ipc_port **previous);

#ifdef DEBUG
void		 ipc_port_check(struct ipc_port *);
#else
static inline void ipc_port_check(struct ipc_port *port) { (void)port; }
#endif

#endif
