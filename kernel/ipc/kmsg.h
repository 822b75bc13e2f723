/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A message in the kernel. Owned by exactly one holder: the thread that builds it, a port's queue, a blocked
 *         sender, the thread it was delivered to.
 * STATES  raw      names and user addresses, as copied from the sender once; nothing owned
 *         held     header slots hold ports with one right of the header's (received) dispositions; items with rights hold
 *                  ports; out-of-line data is a struct vm_map_copy; an out-of-line array of rights is a kalloc'ed
 *                  array of ports, number * 8 bytes. Zero elements: a null pointer
 *         fast     delivered by fastpath.c: local is final, remote a held send-once right or null
 *         copied   names of the receiver again, for its buffer
 *         remote is the destination and local the reply port until copied out.
 * LOCKS   none of its own; never freed under a spin lock (large ones go to the kernel map, rights recurse).
 */
#ifndef IPC_KMSG_H
#define IPC_KMSG_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/queue.h>
#include <mach/message.h>
#include <ipc/ipc.h>

struct ipc_marequest;

struct ipc_kmsg {
	struct queue	 ikm_link;	/* in its port's queue or a work list */
	struct ipc_marequest *ikm_marequest;	/* sender wants to know when it is received */
	uint64_t	 ikm_trace;	/* id that follows a request through servers */
	uint64_t	 ikm_sender;	/* reserved: sender's priority, reserve and label */
	uint32_t	 ikm_alloc;	/* bytes allocated */
	uint32_t	 ikm_sid;	/* sender's label */
	bool		 ikm_fast;	/* half copied out: see fastpath.c */
	mach_msg_header_t ikm_header;	/* the body follows */
};

#define IKM_OVERHEAD	(sizeof(struct ipc_kmsg) - sizeof(mach_msg_header_t))
#define IKM_LARGEST	4224u		/* bytes of the largest message that is a slab object */
#define IKM_SIZE_MAX	(64u << 20)	/* what one message may take of the kernel map */

static inline struct ipc_port *ikm_dest(const struct ipc_kmsg *k) { return k->ikm_header.msgh_remote_port; }

void		 ipc_kmsg_init(void);
/* => room for a message of size bytes, header included; NULL on shortage. Sleeps only when large */
struct ipc_kmsg	*ipc_kmsg_alloc(uint32_t size);
/* => waits for memory if there is hope, but not in a thread that makes memory free; nothing is locked */
struct ipc_kmsg	*ipc_kmsg_alloc_patiently(uint32_t size);
/* an allocation failed. => it is worth another try; false after some (*tries starts at 0). Waits as the last; nothing is locked */
bool		 ipc_wait_for_memory(unsigned *tries);
/* => raw or copied */
void		 ipc_kmsg_free(struct ipc_kmsg *);
/* The same for the message trap: the current thread keeps the last small buffer it received for the next it sends */
#define IKM_SPARE_SIZE	200u
_Static_assert(IKM_SPARE_SIZE + IKM_OVERHEAD == 256, "a small message takes a small slab object");
struct ipc_thread;
struct ipc_kmsg	*ipc_kmsg_alloc_sender(uint32_t size);
void		 ipc_kmsg_free_receiver(struct ipc_kmsg *);
void		 ipc_kmsg_drop_spare(struct ipc_thread *);
/* => held, not queued: every right and memory in it goes. Nothing locked. Bounded stack: see kmsg.c */
void		 ipc_kmsg_destroy(struct ipc_kmsg *);
/* => held: everything it owns goes, the buffer stays */
void		 ipc_kmsg_clean(struct ipc_kmsg *);
/* => the rights and memory of the items before `end` go; the buffer stays */
void		 ipc_kmsg_clean_body(struct ipc_kmsg *, const void *end);

/* One typed item, taken apart */
struct ipc_item {
	unsigned	 ii_name;
	bool		 ii_inline;
	bool		 ii_port;	/* rights */
	bool		 ii_dealloc;
	uint32_t	 ii_number;
	uint64_t	 ii_length;	/* bytes of data, unpadded */
	mach_msg_type_t	*ii_type;
	char		*ii_data;	/* the data, or the pointer to it */
	char		*ii_next;
};
/* => false at the end of a body the kernel has checked or made */
static inline bool ipc_item_next(struct ipc_item *item, char *at, const char *end)
{
	mach_msg_type_t *type = (mach_msg_type_t *)(void *)at;
	uint32_t word;

	if (at + sizeof(*type) > end)
		return false;
	word = *(const uint32_t *)(const void *)at;	/* one load for the bit fields */
	item->ii_type = type;
	item->ii_name = word & 0xff;
	item->ii_inline = word >> 29 & 1;
	item->ii_dealloc = word >> 31;
	item->ii_port = MACH_MSG_TYPE_PORT_ANY(item->ii_name);
	item->ii_number = type->msgt_number;
	item->ii_length = ((uint64_t)type->msgt_number * (word >> 8 & 0xffff) + 7) / 8;
	item->ii_data = at + sizeof(*type);
	item->ii_next = item->ii_data + (item->ii_inline ? (item->ii_length + 7) & ~7ull : sizeof(uint64_t));
	return true;
}

/* copyin.c: message of the current thread, raw to held. On error the message is back to raw: header errors
   took nothing, body errors destroyed what was taken */
mach_msg_return_t ipc_kmsg_get(uint64_t msg, uint32_t size, struct ipc_kmsg **);
mach_msg_return_t ipc_kmsg_copyin(struct ipc_kmsg *, struct ipc_space *, mach_port_name_t notify);
/* => header held: the body raw to held; an error has destroyed the message */
mach_msg_return_t ipc_kmsg_copyin_body(struct ipc_kmsg *, struct ipc_space *);
/* => message built by the kernel: dispositions made into held rights */
void		 ipc_kmsg_copyin_kernel(struct ipc_kmsg *);

/* copyout.c: held to copied, for the current thread */
mach_msg_return_t ipc_kmsg_copyout(struct ipc_kmsg *, struct ipc_space *, mach_port_name_t notify, bool notify_wanted);
/* => the body only, held to copied; error bits of MACH_RCV_BODY_ERROR */
mach_msg_return_t ipc_kmsg_copyout_body(struct ipc_kmsg *, struct ipc_space *);
/* => all rights but the identity of the port it arrived on are destroyed */
void		 ipc_kmsg_copyout_dest(struct ipc_kmsg *, struct ipc_space *);
/* => a message that could not be queued goes back to its sender */
mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_kmsg *, struct ipc_space *);
/* => writes size bytes to the user and frees the message */
mach_msg_return_t ipc_kmsg_put(uint64_t msg, struct ipc_kmsg *, uint32_t size);

#endif
