/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The remote procedure call in one straight line: a small message without rights or memory in its body goes to a thread that
 * waits for it, and the sender waits for a message in the same breath.
 *
 * A request goes by a copied send right with a reply port made send-once, and its sender waits at that reply port; a reply
 * by a moved send-once right, and its sender waits at a port or a set where no message is. First everything is looked at, then, with
 * every lock held, everything is changed; in between nothing can fail. The processor, the kernel stack and the rest of the quantum go to
 * the receiver, which leaves the kernel at once: no message buffer is made, no queue of threads is touched. Whatever
 * else is the case, nothing is changed and the general path (mach_msg.c) does the work.
 *
 * The body goes through a buffer of the processor. When the receiver's memory has to be faulted in, that buffer becomes the
 * receiver's message, and the processor gets another.
 *
 * RIGHTS  a copied destination right would be made and dropped again: it is not counted. The reply right goes from port to name
 *         in one step.
 * LOCKS   interrupts are off from the trap to the return to user mode. Every lock is only tried, never waited for, so there is
 *         no order among them; what is not free at once sends the call to the general path.
 * TESTS   tests/boot: every test of messages takes this path when it can; rpc_paths compares the two, rpc_storm disturbs
 */
#include <ipc/exception_call.h>
#include <ipc/kernel_call.h>
#include <ipc/kmsg.h>
#include <ipc/mach_msg.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/ring.h>
#include <ipc/rpc.h>
#include <ipc/space.h>
#include <kern/string.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/asm.h>
#include <machine/copy.h>
#include <machine/handoff.h>
#include <mach/exception.h>
#include <mach/mig_errors.h>
#include <machine/user_access.h>
#include <vm/page.h>

/* One look in the part that changes nothing. Tests make each of them fail in debug kernels, by the fault point "rpc" */
#define HOLDS(condition)	(!fault_look("rpc") && (condition))

/* a piece of the one function, with a name */
#define LINE		static inline __attribute__((always_inline))

/* the value, not known to be computed from another: so that it is kept, and not both */
#define IN_REGISTER(value)	({ __auto_type v_ = (value); __asm__("" : "+r"(v_)); v_; })

#define HEADER_SIZE	((uint32_t)sizeof(mach_msg_header_t))
#define BODY_MAX	(IKM_LARGEST - IKM_OVERHEAD - HEADER_SIZE)

#define REQUEST_BITS	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS	MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)

_Static_assert(sizeof(mach_msg_header_t) == 32, "four words");
_Static_assert((VM_USER_MAX & (VM_USER_MAX - 1)) == 0, "two addresses are compared with it at once");

/* What the call says, and then what the receiver finds; the size is one of the trap's arguments */
struct header {
	uint32_t	 bits;
	mach_port_name_t remote;
	uint64_t	 local;
	uint32_t	 seqno, id;
};

/* ANSWER: of a handler, to the thread that waits at a port of the kernel's for what becomes of its exception */
enum rpc_kind { REQUEST, REPLY, ANSWER };

struct rpc {
	struct thread	*self, *next;
	struct ipc_space *space, *next_space;
	struct ipc_port	*dest;
	struct ipc_pset	*dest_set;	/* NULL: in none */
	struct ipc_port	*source;	/* where self will wait; NULL: at source_set */
	struct ipc_pset	*source_set;
	mach_port_name_t name;		/* of the reply right: made in next_space, or used up in space */
	struct ipc_entry *entry;	/* its entry */
	uint32_t	*live;		/* where its chunk counts names; NULL: nowhere */
};

/* => space locked: the entry of a name that is not in the table's first chunk */
static __attribute__((noinline)) struct ipc_entry *far_entry(struct ipc_table *t, mach_port_name_t name)
{
	static struct ipc_entry unused;		/* gives no right, never written */
	struct ipc_entry *e = NULL;

	if (name < t->it_limit)
		return &t->it_dir[name / IPC_CHUNK_SIZE].ic_entries[name % IPC_CHUNK_SIZE];
	if (t->it_sparse_count != 0)
		e = ipc_sparse_lookup(t, name);
	return e != NULL ? e : &unused;
}

/* => space locked; ipc_entry_lookup, but for the entries of names not in use, which give no right */
LINE struct ipc_entry *name_entry(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_table *t = &space->is_table;

	if (__builtin_expect(name < t->it_first_limit, 1))
		return &t->it_first[name];
	return far_entry(t, name);
}

/* => name >= it_first_limit: where its chunk's names in use are counted; NULL: not in the table, or in the chunk that goes next */
static __attribute__((noinline)) uint32_t *far_live(struct ipc_table *t, mach_port_name_t name)
{
	if (name >= t->it_limit || (t->it_limit > 2 * IPC_CHUNK_SIZE && name >= t->it_limit - IPC_CHUNK_SIZE))
		return NULL;
	return &t->it_dir[name / IPC_CHUNK_SIZE].ic_aux->ica_live;
}

/* => dest and its set locked: the first of their waiting receivers, locked; NULL: none who can be handed the processor */
LINE struct thread *lock_receiver(struct rpc *r, struct cpu *cpu, uint32_t size)
{
	struct queue *first = r->dest_set != NULL ? r->dest_set->ps_receivers : r->dest->ip_receivers;
	struct thread *th;

	if (!HOLDS(first != NULL))
		return NULL;
	th = IN_REGISTER(queue_entry(first, struct thread, th_wait_link));
	if (!HOLDS(spin_try_quick(&th->th_lock)))
		return NULL;
	/* off every processor, asked for nothing, in a plain receive with room; only idle threads are bound to a processor */
	if (HOLDS(th->th_state == TH_WAIT && th->th_ast == 0 && size <= th->th_ipc.it_room && th->th_pset == cpu->cp_pset))
		return th;
	spin_unlock_quick(&th->th_lock);
	return NULL;
}

/* => dest locked on success, and the set it is in */
LINE bool lock_destination(struct rpc *r, enum rpc_kind kind)
{
	struct ipc_port *dest = r->dest;

	if (!HOLDS(spin_try_quick(&dest->ip_lock)))
		return false;
	if (!HOLDS(kind == ANSWER ? dest->ip_state == IP_KERNEL && dest->ip_kotype == IKOT_NONE : dest->ip_state == IP_SPACE))
		goto unlock;
	if (!HOLDS(dest->ip_messages == NULL && !(kind == REQUEST && dest->ip_qlimit == 0) && ipc_label_send(dest)))
		goto unlock;
	r->dest_set = dest->ip_set;
	if (r->dest_set == NULL || HOLDS(spin_try_quick(&r->dest_set->ps_lock)))
		return true;
unlock:
	spin_unlock_quick(&dest->ip_lock);
	return false;
}

LINE void unlock_destination(struct rpc *r)
{
	if (r->dest_set != NULL)
		spin_unlock_quick(&r->dest_set->ps_lock);
	spin_unlock_quick(&r->dest->ip_lock);
}

/* => locked on success, without messages: where self is going to wait */
LINE bool lock_source(struct rpc *r)
{
	if (r->source != NULL) {
		if (!HOLDS(spin_try_quick(&r->source->ip_lock)))
			return false;
		if (HOLDS(r->source->ip_messages == NULL && r->source->ip_set == NULL))
			return true;
		spin_unlock_quick(&r->source->ip_lock);
		return false;
	}
	if (!HOLDS(spin_try_quick(&r->source_set->ps_lock)))
		return false;
	if (HOLDS(r->source_set->ps_ready == NULL))
		return true;
	spin_unlock_quick(&r->source_set->ps_lock);
	return false;
}

LINE void unlock_source(struct rpc *r)
{
	spin_unlock_quick(r->source != NULL ? &r->source->ip_lock : &r->source_set->ps_lock);
}

/* => locked on success: nobody wants the current thread to do anything but wait */
LINE bool lock_self(struct thread *self)
{
	if (!HOLDS(spin_try_quick(&self->th_lock)))
		return false;
	if (HOLDS(self->th_state == TH_RUN && self->th_ast == 0))
		return true;
	spin_unlock_quick(&self->th_lock);
	return false;
}

/* The receiver leaves its queue, the sender enters one */
LINE void change_waiters(struct rpc *r)
{
	struct ipc_thread *it = &r->next->th_ipc;

	ring_remove(r->dest_set != NULL ? &r->dest_set->ps_receivers : &r->dest->ip_receivers, &r->next->th_wait_link);
	it->it_queued = IPC_NOT_QUEUED;
	/* never the last references: the name has one */
	counter_add(COUNT_PORT_REF, it->it_on_set ? 0 : -1);
	__atomic_fetch_sub(it->it_on_set ? &((struct ipc_pset *)it->it_object)->ps_refs :
	    &((struct ipc_port *)it->it_object)->ip_refs, 1, __ATOMIC_RELEASE);

	it = &r->self->th_ipc;
	it->it_queued = IPC_QUEUED_RECEIVER;
	it->it_on_set = r->source == NULL;
	if (r->source != NULL) {
		it->it_object = r->source;
		ipc_port_ref_inline(r->source);
		ring_push(&r->source->ip_receivers, &r->self->th_wait_link);
	} else {
		it->it_object = r->source_set;
		__atomic_fetch_add(&r->source_set->ps_refs, 1, __ATOMIC_RELAXED);
		ring_push(&r->source_set->ps_receivers, &r->self->th_wait_link);
	}
}

/* The processor goes from self to next, both locked: when they are unlocked, self is no more our business */
LINE void change_thread(struct rpc *r, struct cpu *cpu)
{
	struct thread *self = r->self, *next = r->next;

	sched_account_switch(cpu, self, next);
	self->th_continuation = mach_msg_receive_continue;
	next->th_continuation = NULL;
	next->th_stack = self->th_stack;
	self->th_stack = NULL;
	self->th_state = TH_WAIT;
	next->th_state = TH_RUN;
	next->th_ipc.it_trace = self->th_ipc.it_trace;
	machine_handoff(cpu, cpu_machine_of(cpu), self, next);
}

/* where the processor's buffer has a message's body */
LINE void *cpu_body(struct cpu *cpu)
{
	return &cpu->cp_message->ikm_header + 1;
}

/* => a message without a body, and user mode */
static void __attribute__((noreturn)) deliver_header(const uint64_t header[HEADER_SIZE / 8])
{
	interrupts_enable();
	if (copyout(header, current_thread()->th_ipc.it_msg, HEADER_SIZE) != KERN_SUCCESS)
		thread_syscall_return(MACH_RCV_INVALID_DATA);
	thread_syscall_return(MACH_MSG_SUCCESS);
}

/* The receiver's memory is not there: a message with a body becomes an ordinary one, copied out as the receiver is able to */
static void __attribute__((noinline, noreturn)) deliver_slowly(struct cpu *cpu, uint64_t bits_size, mach_port_name_t remote,
    uint64_t local, uint64_t seqno_id)
{
	uint64_t header[HEADER_SIZE / 8] = { bits_size, remote, local, seqno_id };
	uint32_t size = (uint32_t)(bits_size >> 32);
	struct ipc_kmsg *kmsg = cpu->cp_message;

	user_access_end();
	if (size == HEADER_SIZE)
		deliver_header(header);
	cpu->cp_message = NULL;
	counter_add(COUNT_KMSG, 1);
	memcpy(&kmsg->ikm_header, header, HEADER_SIZE);
	interrupts_enable();
	ipc_rpc_refill();
	thread_syscall_return(ipc_kmsg_put(current_thread()->th_ipc.it_msg, kmsg, size));
}

/* => the receiver is current and nothing locked: its message, and user mode */
LINE void __attribute__((noreturn)) deliver(struct cpu *cpu, struct thread *next, const struct header *h, uint32_t size)
{
	uint64_t to = next->th_ipc.it_msg;

	if (!HOLDS(true))
		goto fault;
	user_access_begin();
	/* the header was read from there; a body that would go beyond the end of user space leaves all as it was */
	if (size != HEADER_SIZE &&
	    (to + size > VM_USER_MAX || !user_store_words(cpu_body(cpu), to + HEADER_SIZE, (size - HEADER_SIZE) / 8)))
		goto fault;
	user_store32(h->bits, to, 0, fault);
	user_store32(size, to, 4, fault);
	user_store((uint64_t)h->remote, to, 8, fault);
	user_store(h->local, to, 16, fault);
	user_store32(h->seqno, to, 24, fault);
	user_store32(h->id, to, 28, fault);
	user_access_end();
	machine_return_from_message(next);
fault:
	deliver_slowly(cpu, h->bits | (uint64_t)size << 32, h->remote, h->local, h->seqno | (uint64_t)h->id << 32);
}

/* => the space of r->name locked: may it be taken and given back without the table's growing or shrinking? */
LINE bool name_is_near(struct rpc *r, struct ipc_table *t)
{
	r->live = NULL;
	return __builtin_expect(r->name < t->it_first_limit, 1) || (r->live = far_live(t, r->name)) != NULL;
}

/* => space locked; the ports of a request */
LINE bool find_request(struct rpc *r, const struct header *h, mach_port_name_t rcv_name)
{
	struct ipc_entry *e = name_entry(r->space, rcv_name);

	if (!HOLDS(e->ie_bits & MACH_PORT_TYPE_RECEIVE))
		return false;
	r->source = e->ie_object;
	e = name_entry(r->space, h->remote);
	if (!HOLDS(e->ie_bits & MACH_PORT_TYPE_SEND))
		return false;
	r->dest = e->ie_object;
	return true;
}

/* => space locked; the ports of a reply, whose right can go without more ado: no request hangs on it, its name goes on the stack */
LINE bool find_reply(struct rpc *r, const struct header *h, mach_port_name_t rcv_name)
{
	struct ipc_table *t = &r->space->is_table;
	struct ipc_entry *e = name_entry(r->space, rcv_name);

	if (e->ie_bits & MACH_PORT_TYPE_PORT_SET) {
		r->source = NULL;
		r->source_set = e->ie_object;
	} else if (e->ie_bits & MACH_PORT_TYPE_RECEIVE) {
		r->source = e->ie_object;
	} else {
		return false;
	}
	e = name_entry(r->space, h->remote);
	if (!HOLDS(e->ie_bits == (MACH_PORT_TYPE_SEND_ONCE | 1) && e->ie_request == 0))
		return false;
	r->name = h->remote;
	r->entry = e;
	r->dest = e->ie_object;
	return HOLDS(name_is_near(r, t) && t->it_stack_count < IPC_NAME_STACK && t->it_stack != NULL);
}

/* => next_space locked: the name the reply right is going to have, if one is ready */
LINE bool find_name(struct rpc *r)
{
	struct ipc_table *t = &r->next_space->is_table;

	if (!HOLDS(t->it_stack_count != 0))
		return false;
	r->name = t->it_stack[t->it_stack_count - 1];
	r->entry = name_entry(r->next_space, r->name);
	return HOLDS(name_is_near(r, t));
}

/* What self is going to wait for: its own, and of no meaning while it is on no queue */
LINE void note_receive(struct thread *self, uint64_t msg, uint32_t rcv_size)
{
	struct ipc_thread *it = &self->th_ipc;

	it->it_msg = msg;
	it->it_option = MACH_SEND_MSG | MACH_RCV_MSG;
	it->it_rcv_size = rcv_size;
	it->it_room = rcv_size;
}

/* => space locked, ports found: those, the receiver and the sender locked */
LINE bool lock_ports(struct rpc *r, struct cpu *cpu, uint64_t msg, uint32_t size, uint32_t rcv_size, enum rpc_kind kind)
{
	if (!lock_destination(r, kind))
		return false;
	note_receive(r->self, msg, rcv_size);
	if ((r->next = lock_receiver(r, cpu, size)) == NULL)
		goto unlock_dest;
	if (!HOLDS(machine_handoff_ok(cpu_machine_of(cpu), r->next)) || !lock_source(r))
		goto unlock_next;
	if (lock_self(r->self))
		return true;
	unlock_source(r);
unlock_next:
	spin_unlock_quick(&r->next->th_lock);
unlock_dest:
	unlock_destination(r);
	return false;
}

LINE void unlock_ports(struct rpc *r)
{
	spin_unlock_quick(&r->self->th_lock);
	unlock_source(r);
	spin_unlock_quick(&r->next->th_lock);
	unlock_destination(r);
}

/* The reply right, made at the port and given its name in one go */
LINE void make_reply_right(struct rpc *r)
{
	struct ipc_table *t = &r->next_space->is_table;

	t->it_stack_count--;
	if (r->live != NULL)
		++*r->live;
	r->entry->ie_object = r->source;
	r->entry->ie_bits = MACH_PORT_TYPE_SEND_ONCE | 1;
	counter_add(COUNT_RIGHT, 1);
	r->source->ip_sorights++;
	ipc_port_ref_inline(r->source);
}

/* The reply right, used up: its reference is never the last */
LINE void use_reply_right(struct rpc *r)
{
	struct ipc_table *t = &r->space->is_table;

	*r->entry = (struct ipc_entry){ 0 };
	if (r->live != NULL)
		--*r->live;
	t->it_stack[t->it_stack_count++] = r->name;
	counter_add(COUNT_RIGHT, -1);
	r->dest->ip_sorights--;
	counter_add(COUNT_PORT_REF, -1);
	__atomic_fetch_sub(&r->dest->ip_refs, 1, __ATOMIC_RELEASE);
}

/* What the receiver finds in the header */
LINE void change_header(struct rpc *r, struct header *h, bool is_request)
{
	unsigned local = is_request ? MACH_MSG_TYPE_PORT_SEND : MACH_MSG_TYPE_PORT_SEND_ONCE;

	h->bits = MACH_MSGH_BITS(is_request ? MACH_MSG_TYPE_PORT_SEND_ONCE : 0, local);
	h->local = r->dest->ip_name;
	if (__builtin_expect(r->dest->ip_flags & IP_F_PAYLOAD, 0)) {
		h->local = r->dest->ip_ext->ipx_payload;
		h->bits ^= MACH_MSGH_BITS(0, local ^ MACH_MSG_TYPE_PROTECTED_PAYLOAD);
	}
	h->remote = is_request ? r->name : MACH_PORT_NAME_NULL;
	h->seqno = r->dest->ip_seqno++;
}

/* => ports locked, nothing can fail any more */
LINE void __attribute__((noreturn)) go(struct rpc *r, struct cpu *cpu, struct header *h, uint32_t size, bool is_request,
    struct spinlock *space_lock)
{
	change_waiters(r);
	change_thread(r, cpu);
	change_header(r, h, is_request);
	spin_unlock_quick(space_lock);
	unlock_ports(r);
	deliver(cpu, r->next, h, size);
}

static __attribute__((noinline)) void request(uint64_t msg, mach_port_name_t remote, uint32_t size, uint32_t rcv_size,
    mach_port_name_t rcv_name, uint32_t id)
{
	struct thread *self = current_thread();
	struct rpc r = { .self = self, .space = self->th_task->tk_space };
	struct header h = { .remote = remote, .id = id };
	struct cpu *cpu = cpu_self();

	if (!HOLDS(spin_try_quick(&r.space->is_lock)))
		return;
	if (!find_request(&r, &h, rcv_name)) {
		spin_unlock_quick(&r.space->is_lock);
		return;
	}
	if (!lock_ports(&r, cpu, msg, size, rcv_size, REQUEST)) {
		if (__builtin_expect(r.dest->ip_state == IP_KERNEL, 0))
			ipc_kernel_call(r.dest, r.source, msg, (uint64_t)rcv_size << 32 | size, rcv_name, (mach_msg_id_t)id);
		spin_unlock_quick(&r.space->is_lock);
		return;
	}
	/* both ports are locked: whatever becomes of their names, the message was sent when they were looked up */
	spin_unlock_quick(&r.space->is_lock);
	r.next_space = r.next->th_task->tk_space;
	if (!HOLDS(spin_try_quick(&r.next_space->is_lock)))
		goto unlock;
	if (find_name(&r)) {
		make_reply_right(&r);
		go(&r, cpu, &h, size, true, &r.next_space->is_lock);
	}
	spin_unlock_quick(&r.next_space->is_lock);
unlock:
	unlock_ports(&r);
}

/* => the handler says, in the processor's buffer, that the thread goes on as it is */
LINE bool repaired(void)
{
	static const mach_msg_type_t int_type = {
		.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1,
	};
	const mig_reply_header_t *reply =
	    (const mig_reply_header_t *)(const void *)&cpu_self()->cp_message->ikm_header;

	return __builtin_memcmp(&reply->RetCodeType, &int_type, sizeof(int_type)) == 0 && reply->RetCode == KERN_SUCCESS;
}

/* What looks like the answer to exception_raise: the thread goes on where it was */
static __attribute__((noinline)) void answer(uint64_t msg, uint32_t rcv_size, mach_port_name_t rcv_name, mach_port_name_t remote)
{
	struct thread *self = current_thread();
	struct rpc r = { .self = self, .space = self->th_task->tk_space };
	struct header h = { .remote = remote };
	struct cpu *cpu = cpu_self();

	if (!HOLDS(repaired() && spin_try_quick(&r.space->is_lock)))
		return;
	if (find_reply(&r, &h, rcv_name) && lock_ports(&r, cpu, msg, IPC_EXCEPTION_ANSWER_SIZE, rcv_size, ANSWER)) {
		if (HOLDS(r.next->th_ipc.it_exception_id == EXC_RAISE_ID)) {
			use_reply_right(&r);
			change_waiters(&r);
			change_thread(&r, cpu);
			spin_unlock_quick(&r.space->is_lock);
			unlock_ports(&r);
			machine_return_to_user();
		}
		unlock_ports(&r);
	}
	spin_unlock_quick(&r.space->is_lock);
}

static __attribute__((noinline)) void reply(uint64_t msg, mach_port_name_t remote, uint32_t size, uint32_t rcv_size,
    mach_port_name_t rcv_name, uint32_t id)
{
	struct thread *self = current_thread();
	struct rpc r = { .self = self, .space = self->th_task->tk_space };
	struct header h = { .remote = remote, .id = id };
	struct cpu *cpu = cpu_self();

	if (!HOLDS(spin_try_quick(&r.space->is_lock)))
		return;
	if (find_reply(&r, &h, rcv_name) && lock_ports(&r, cpu, msg, size, rcv_size, REPLY)) {
		use_reply_right(&r);
		go(&r, cpu, &h, size, false, &r.space->is_lock);
	}
	spin_unlock_quick(&r.space->is_lock);
}

/* => the body is in the processor's buffer; false: there is none at the moment, or the body cannot be had without a fault */
LINE bool fetch_body(uint64_t msg, uint32_t size)
{
	return HOLDS(cpu_self()->cp_message != NULL && size - HEADER_SIZE <= BODY_MAX && (size & 7) == 0) &&
	    user_load_words(cpu_body(cpu_self()), msg + HEADER_SIZE, (size - HEADER_SIZE) / 8);
}

void ipc_rpc(uint64_t msg, uint64_t option, uint64_t send_size, uint64_t rcv_size, uint64_t rcv_name)
{
	uint32_t size = (uint32_t)send_size, bits, id;
	mach_port_name_t remote, local;

	(void)option;
	/* one look at two addresses; a header that goes beyond the last is met by its fault */
	if (!HOLDS((msg | current_thread()->th_machine.mt_regs.rip) < VM_USER_MAX))
		return;
	/* names are half of their words; senders leave the other half as they find it */
	user_access_begin();
	user_load32(bits, msg, 0, fault);
	user_load32(remote, msg, 8, fault);
	user_load32(local, msg, 16, fault);
	user_load32(id, msg, 28, fault);
	if (size != HEADER_SIZE && !fetch_body(msg, size))
		goto fault;
	user_access_end();
	if (bits == REQUEST_BITS && local == (mach_port_name_t)rcv_name)
		request(msg, remote, size, (uint32_t)rcv_size, (mach_port_name_t)rcv_name, id);
	else if (bits == REPLY_BITS && local == MACH_PORT_NAME_NULL) {
		if (size == IPC_EXCEPTION_ANSWER_SIZE && id == EXC_RAISE_ID + EXC_REPLY_DISTANCE)
			answer(msg, (uint32_t)rcv_size, (mach_port_name_t)rcv_name, remote);
		reply(msg, remote, size, (uint32_t)rcv_size, (mach_port_name_t)rcv_name, id);
	}
	return;
fault:
	user_access_end();
}
