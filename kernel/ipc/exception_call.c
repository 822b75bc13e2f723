/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exception_raise in one straight line: the handler waits for a message and gets it with the processor; the thread that ran into
 * the exception waits for the answer, which rpc.c brings back in the same way.
 *
 * As in rpc.c everything is looked at first, then, with every lock held, everything is changed, and nothing in between can fail. The
 * message is never anywhere but in the handler's memory: it is written there when the handler's address space is loaded; when that
 * memory has to be faulted in, the processor's buffer becomes the message. Whatever else is the case, nothing is changed and
 * exception.c does the work: forms with a state, handlers that are busy, names that want memory.
 *
 * RIGHTS  the rights to the thread and its task, and the one to answer by, are made at their ports and given their names in one step.
 *         The right to the handler's port is not counted: the message is received in the moment it is sent.
 * LOCKS   interrupts are off; every lock is only tried, never waited for.
 * TESTS   tests/boot: exception_paths compares it with the general path; exception, exception_ports, the debugger's
 */
#include <debug/calls.h>
#include <ipc/exception_call.h>
#include <ipc/kmsg.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/ring.h>
#include <ipc/rpc.h>
#include <ipc/space.h>
#include <kern/exception_ports.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/exception.h>
#include <mach/mig_errors.h>
#include <machine/copy.h>
#include <machine/handoff.h>
#include <machine/user_access.h>
#include <vm/page.h>

/* One look in the part that changes nothing; as in rpc.c */
#define HOLDS(condition)	(!fault_look("rpc") && (condition))

/* a piece of the one function, with a name */
#define LINE		static inline __attribute__((always_inline))

#define SIZE		112u		/* of the message */

/* the descriptors of the body's items: name, bits of an element, inline, one element */
#define ITEM(name, bits)	((uint64_t)(name) | (uint64_t)(bits) << 8 | 1ull << 29 | 1ull << 32)
#define ITEM_RIGHT	ITEM(MACH_MSG_TYPE_PORT_SEND, 64)
#define ITEM_INT	ITEM(MACH_MSG_TYPE_INTEGER_32, 32)
#define ITEM_LONG	ITEM(MACH_MSG_TYPE_INTEGER_64, 64)

/* a right that goes to the handler */
struct named {
	struct ipc_port	 *port;
	struct ipc_entry *entry;
	mach_port_name_t  name;
	bool		  fresh;	/* the name is new */
};

struct call {
	struct thread	*self, *next;
	struct ipc_space *space;	/* of next */
	struct ipc_port	*dest, *reply;
	struct ipc_pset	*dest_set;	/* NULL: in none */
	struct named	 thread, task, answer;
	uint32_t	 taken;		/* fresh names */
};

/* => space locked, no other name chosen since: the next name that is ready */
LINE bool choose_name(struct call *c, struct named *n)
{
	struct ipc_table *t = &c->space->is_table;

	if (!HOLDS(c->taken < t->it_stack_count))
		return false;
	n->name = t->it_stack[t->it_stack_count - 1 - c->taken++];
	n->fresh = true;
	n->entry = &t->it_dir[n->name / IPC_CHUNK_SIZE].ic_entries[n->name % IPC_CHUNK_SIZE];
	return HOLDS(n->name < t->it_limit);
}

/* => space locked: the name the handler knows the port by, most often the one given last; else a new one */
LINE bool choose_send_name(struct call *c, struct named *n, mach_port_name_t last)
{
	struct ipc_table *t = &c->space->is_table;
	mach_port_name_t known;

	n->name = last;
	n->fresh = false;
	if (last < t->it_limit) {
		n->entry = &t->it_dir[last / IPC_CHUNK_SIZE].ic_entries[last % IPC_CHUNK_SIZE];
		if (n->entry->ie_object == n->port && IE_TYPE(n->entry->ie_bits) == MACH_PORT_TYPE_SEND)
			return HOLDS(IE_UREFS(n->entry->ie_bits) < IE_UREFS_MAX);
	}
	n->entry = ipc_reverse_lookup(t, n->port, &known);
	n->name = known;
	if (n->entry != NULL)
		return HOLDS(IE_UREFS(n->entry->ie_bits) < IE_UREFS_MAX);
	return choose_name(c, n) && HOLDS(ipc_reverse_ready(t, c->taken));
}

/* => space locked: all three names */
LINE bool choose_names(struct call *c)
{
	const struct ipc_thread *it = &c->self->th_ipc;

	c->taken = 0;
	return choose_name(c, &c->answer) && choose_send_name(c, &c->thread, it->it_named_thread) &&
	    choose_send_name(c, &c->task, it->it_named_task);
}

/* => dest and its set locked: the first waiting receiver, locked, off every processor, asked for nothing, in a plain receive */
LINE bool lock_receiver(struct call *c, struct cpu *cpu)
{
	struct queue *first = c->dest_set != NULL ? c->dest_set->ps_receivers : c->dest->ip_receivers;
	struct thread *th;

	if (!HOLDS(first != NULL))
		return false;
	th = queue_entry(first, struct thread, th_wait_link);
	if (!HOLDS(spin_try_quick(&th->th_lock)))
		return false;
	c->next = th;
	if (HOLDS(th->th_state == TH_WAIT && th->th_ast == 0 && SIZE <= th->th_ipc.it_room && th->th_pset == cpu->cp_pset &&
	    machine_handoff_ok(cpu_machine_of(cpu), th)))
		return true;
	spin_unlock_quick(&th->th_lock);
	return false;
}

/* => the handler's port, its set and the receiver locked */
LINE bool lock_destination(struct call *c, struct cpu *cpu)
{
	struct ipc_port *dest = c->dest;

	if (!HOLDS(spin_try_quick(&dest->ip_lock)))
		return false;
	if (!HOLDS(dest->ip_state == IP_SPACE && dest->ip_messages == NULL && ipc_label_send(dest)))
		goto unlock;
	c->dest_set = dest->ip_set;
	if (c->dest_set != NULL && !HOLDS(spin_try_quick(&c->dest_set->ps_lock)))
		goto unlock;
	if (lock_receiver(c, cpu))
		return true;
	if (c->dest_set != NULL)
		spin_unlock_quick(&c->dest_set->ps_lock);
unlock:
	spin_unlock_quick(&dest->ip_lock);
	return false;
}

LINE void unlock_destination(struct call *c)
{
	spin_unlock_quick(&c->next->th_lock);
	if (c->dest_set != NULL)
		spin_unlock_quick(&c->dest_set->ps_lock);
	spin_unlock_quick(&c->dest->ip_lock);
}

/* => locked: a port of the kernel's, alive */
LINE bool lock_kernel_port(struct ipc_port *port)
{
	if (!HOLDS(IP_VALID(port) && spin_try_quick(&port->ip_lock)))
		return false;
	if (HOLDS(port->ip_state == IP_KERNEL))
		return true;
	spin_unlock_quick(&port->ip_lock);
	return false;
}

/* => locked: where the answer will come, and nobody wants the current thread to do anything but wait for it */
LINE bool lock_self(struct call *c)
{
	struct thread *self = c->self;

	if (!lock_kernel_port(c->reply))
		return false;
	if (HOLDS(c->reply->ip_messages == NULL && c->reply->ip_receivers == NULL && spin_try_quick(&self->th_lock))) {
		if (HOLDS(self->th_state == TH_RUN && self->th_ast == 0))
			return true;
		spin_unlock_quick(&self->th_lock);
	}
	spin_unlock_quick(&c->reply->ip_lock);
	return false;
}

LINE bool lock_identity(struct call *c)
{
	if (!lock_kernel_port(c->thread.port))
		return false;
	if (lock_kernel_port(c->task.port))
		return true;
	spin_unlock_quick(&c->thread.port->ip_lock);
	return false;
}

LINE void unlock_identity(struct call *c)
{
	spin_unlock_quick(&c->task.port->ip_lock);
	spin_unlock_quick(&c->thread.port->ip_lock);
}

/* => task locked: everything else that the change takes, names chosen */
LINE bool lock_all(struct call *c, struct cpu *cpu)
{
	if (!lock_destination(c, cpu))
		return false;
	if (!lock_self(c))
		goto unlock_dest;
	if (!lock_identity(c))
		goto unlock_self;
	c->space = c->next->th_task->tk_space;
	if (HOLDS(spin_try_quick(&c->space->is_lock))) {
		if (choose_names(c))
			return true;
		spin_unlock_quick(&c->space->is_lock);
	}
	unlock_identity(c);
unlock_self:
	spin_unlock_quick(&c->self->th_lock);
	spin_unlock_quick(&c->reply->ip_lock);
unlock_dest:
	unlock_destination(c);
	return false;
}

/* A send right made at its port and given to the handler: one more user reference, or a new name */
LINE void give_send(struct call *c, const struct named *n)
{
	struct ipc_table *t = &c->space->is_table;

	n->port->ip_mscount++;
	if (!n->fresh) {
		n->entry->ie_bits++;
		return;
	}
	n->port->ip_srights++;
	ipc_port_ref_inline(n->port);
	t->it_dir[n->name / IPC_CHUNK_SIZE].ic_aux->ica_live++;
	counter_add(COUNT_RIGHT, 1);
	n->entry->ie_object = n->port;
	n->entry->ie_bits = MACH_PORT_TYPE_SEND | 1;
	ipc_reverse_insert(t, n->name);
}

LINE void give_names(struct call *c)
{
	struct ipc_table *t = &c->space->is_table;
	struct ipc_thread *it = &c->self->th_ipc;

	give_send(c, &c->thread);
	give_send(c, &c->task);
	it->it_named_thread = c->thread.name;
	it->it_named_task = c->task.name;
	t->it_dir[c->answer.name / IPC_CHUNK_SIZE].ic_aux->ica_live++;
	counter_add(COUNT_RIGHT, 1);
	c->answer.entry->ie_object = c->reply;
	c->answer.entry->ie_bits = MACH_PORT_TYPE_SEND_ONCE | 1;
	c->reply->ip_sorights++;
	ipc_port_ref_inline(c->reply);
	t->it_stack_count -= c->taken;
}

/* The handler leaves its queue, the current thread enters that of its own port */
LINE void change_waiters(struct call *c, void (*done)(kern_return_t))
{
	struct ipc_thread *it = &c->next->th_ipc;

	ring_remove(c->dest_set != NULL ? &c->dest_set->ps_receivers : &c->dest->ip_receivers, &c->next->th_wait_link);
	it->it_queued = IPC_NOT_QUEUED;
	/* never the last references: the name has one */
	counter_add(COUNT_PORT_REF, it->it_on_set ? 0 : -1);
	__atomic_fetch_sub(it->it_on_set ? &((struct ipc_pset *)it->it_object)->ps_refs :
	    &((struct ipc_port *)it->it_object)->ip_refs, 1, __ATOMIC_RELEASE);

	it = &c->self->th_ipc;
	it->it_exception_id = EXC_RAISE_ID;
	it->it_done = done;
	it->it_option = MACH_RCV_MSG;
	it->it_rcv_size = UINT32_MAX;
	it->it_room = IPC_EXCEPTION_ANSWER_SIZE;
	it->it_kmsg = NULL;
	it->it_queued = IPC_QUEUED_RECEIVER;
	it->it_on_set = false;
	it->it_object = c->reply;
	ipc_port_ref_inline(c->reply);
	ring_push(&c->reply->ip_receivers, &c->self->th_wait_link);
}

/* The processor goes to the handler, both threads locked */
LINE void change_thread(struct call *c, struct cpu *cpu)
{
	struct thread *self = c->self, *next = c->next;

	sched_account_switch(cpu, self, next);
	self->th_continuation = ipc_exception_continue;
	next->th_continuation = NULL;
	next->th_stack = self->th_stack;
	self->th_stack = NULL;
	self->th_state = TH_WAIT;
	next->th_state = TH_RUN;
	next->th_ipc.it_trace = self->th_ipc.it_trace;
	machine_handoff(cpu, cpu_machine_of(cpu), self, next);
}

/* What the handler finds, but for the fixed parts */
struct found {
	uint64_t local;		/* its port's name, or what it had put in the place of that */
	uint32_t bits, seqno;
	mach_port_name_t answer, thread, task;
};

/* The handler's memory is not there: the message becomes an ordinary one, copied out as the handler is able to */
static void __attribute__((noinline, noreturn)) deliver_slowly(uint64_t local, uint64_t bits_seqno, uint64_t rights,
    mach_port_name_t answer, uint64_t kind_code, int64_t subcode)
{
	struct cpu *cpu = cpu_self();
	struct ipc_kmsg *kmsg = cpu->cp_message;
	uint64_t *word = (uint64_t *)(void *)&kmsg->ikm_header;

	user_access_end();
	cpu->cp_message = NULL;
	counter_add(COUNT_KMSG, 1);
	word[0] = (uint32_t)bits_seqno | (uint64_t)SIZE << 32;
	word[1] = answer;
	word[2] = local;
	word[3] = bits_seqno >> 32 | (uint64_t)EXC_RAISE_ID << 32;
	word[4] = word[6] = ITEM_RIGHT;
	word[5] = (uint32_t)rights;
	word[7] = rights >> 32;
	word[8] = word[10] = ITEM_INT;
	word[9] = (uint32_t)kind_code;
	word[11] = kind_code >> 32;
	word[12] = ITEM_LONG;
	word[13] = (uint64_t)subcode;
	interrupts_enable();
	ipc_rpc_refill();
	thread_syscall_return(ipc_kmsg_put(current_thread()->th_ipc.it_msg, kmsg, SIZE));
}

/* => ports locked, names chosen */
LINE struct found compose(struct call *c)
{
	struct ipc_port *dest = c->dest;
	unsigned local = MACH_MSG_TYPE_PORT_SEND;
	struct found f = { dest->ip_name, 0, dest->ip_seqno++, c->answer.name, c->thread.name, c->task.name };

	if (__builtin_expect(dest->ip_flags & IP_F_PAYLOAD, 0)) {
		f.local = dest->ip_ext->ipx_payload;
		local = MACH_MSG_TYPE_PROTECTED_PAYLOAD;
	}
	f.bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, local);
	return f;
}

/* => the handler is current and nothing locked: its message, and user mode */
LINE void __attribute__((noreturn)) deliver(struct thread *next, struct found f, const struct ipc_exception *e)
{
	uint64_t to = next->th_ipc.it_msg, item;

	if (!HOLDS(to + SIZE <= VM_USER_MAX))
		goto fault;
	user_access_begin();
	user_store32(f.bits, to, 0, fault);
	user_store32(SIZE, to, 4, fault);
	user_store((uint64_t)f.answer, to, 8, fault);
	user_store(f.local, to, 16, fault);
	user_store32(f.seqno, to, 24, fault);
	user_store32(EXC_RAISE_ID, to, 28, fault);
	item = ITEM_RIGHT;
	user_store(item, to, 32, fault);
	user_store((uint64_t)f.thread, to, 40, fault);
	user_store(item, to, 48, fault);
	user_store((uint64_t)f.task, to, 56, fault);
	item = ITEM_INT;
	user_store(item, to, 64, fault);
	user_store((uint64_t)(uint32_t)e->ie_kind, to, 72, fault);
	user_store(item, to, 80, fault);
	user_store((uint64_t)(uint32_t)e->ie_code, to, 88, fault);
	item = ITEM_LONG;
	user_store(item, to, 96, fault);
	user_store((uint64_t)e->ie_subcode, to, 104, fault);
	user_access_end();
	machine_return_from_message(next);
fault:
	deliver_slowly(f.local, f.bits | (uint64_t)f.seqno << 32, f.thread | (uint64_t)f.task << 32, f.answer,
	    (uint32_t)e->ie_kind | (uint64_t)(uint32_t)e->ie_code << 32, e->ie_subcode);
}

void ipc_exception_call(const struct ipc_exception *e, uintptr_t *stage, void (*done)(kern_return_t))
{
	struct thread *self = current_thread();
	struct task *task = self->th_task;
	struct cpu *cpu = cpu_self();
	struct call c;
	struct found found;
	enum exception_stage after;

	if (!HOLDS(cpu->cp_message != NULL && spin_try_quick(&task->tk_lock)))
		return;
	c.self = self;
	c.reply = self->th_ipc.it_reply;
	c.dest = exception_first_port(self, e->ie_kind, &after);
	c.thread.port = self->th_self;
	c.task.port = task->tk_self;
	if (!HOLDS(IP_VALID(c.dest)) || !lock_all(&c, cpu)) {
		spin_unlock_quick(&task->tk_lock);
		return;
	}
	/* nothing can fail from here on; the ports are locked: whatever becomes of the slots that named them */
	spin_unlock_quick(&task->tk_lock);
	calls_note(EXC_RAISE_ID, KERN_SUCCESS);
	*stage = after;
	found = compose(&c);
	give_names(&c);
	change_waiters(&c, done);
	change_thread(&c, cpu);
	spin_unlock_quick(&c.space->is_lock);
	unlock_identity(&c);
	spin_unlock_quick(&self->th_lock);
	spin_unlock_quick(&c.reply->ip_lock);
	unlock_destination(&c);
	deliver(c.next, found, e);
}
