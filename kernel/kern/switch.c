/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving the CPU from one thread to the next.
 *
 * The old thread keeps TH_RUN until the next thread, on another context, dispatches it: only then its registers are
 * saved and its stack is free. When the old thread has a continuation and the next has no stack, the
 * stack changes hands and nothing is saved at all.
 */
#include <debug/lockdep.h>
#include <debug/trace.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/stack.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <kern/reaper.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <machine/handoff.h>

TRACE_POINT(trace_switch, "switch", "from %p to %p stack %lx", 3);

/* => old locked, not simply waiting. true: reaper's business */
static bool __attribute__((noinline))
thread_dispatch_slow(struct thread *old, bool *stopped)
{
	if (old->th_state & TH_DEAD) {
		old->th_state &= ~TH_RUN;
		return true;
	}
	if (old->th_preempted)
		sched_setrun(old);
	else if ((old->th_state & TH_SUSP) && old->th_continuation != NULL
	    && ((old->th_state & TH_CLEAN) || !(old->th_ast & AST_STOP_LATER))) {
		old->th_state &= ~TH_RUN;
		*stopped = old->th_stop_waiters;
		old->th_stop_waiters = false;
	} else if (old->th_gave)
		sched_setrun_given(old);
	else
		sched_setrun(old);
	return false;
}

/*
 * The CPU has left `old`: decide what becomes of it.
 * => interrupts off, nothing locked; current thread is another one
 */
static inline void
thread_dispatch(struct thread *old)
{
	bool stopped = false, reap = false;

	if (__builtin_expect(__atomic_load_n(&old->th_state, __ATOMIC_RELAXED) & TH_IDLE, 0))
		return;
	if (old->th_continuation != NULL && old->th_stack != NULL) {
		stack_free(old->th_stack);
		old->th_stack = NULL;
	}
	spin_lock(&old->th_lock);
	if (__builtin_expect((old->th_state & (TH_WAIT | TH_DEAD)) == TH_WAIT && !old->th_preempted, 1)) {
		old->th_state &= ~TH_RUN;
		stopped = old->th_stop_waiters;
		old->th_stop_waiters = false;
	} else
		reap = thread_dispatch_slow(old, &stopped);
	spin_unlock(&old->th_lock);
	if (__builtin_expect(reap, 0))
		reaper_add(old);
	else if (__builtin_expect(stopped, 0))
		thread_wakeup(&old->th_stop_waiters);
}

/* every thread without a saved context enters here, on its fresh or inherited stack */
static void
thread_continue(void)
{
	struct thread *t = current_thread();
	continuation_t cont = t->th_continuation;

	t->th_continuation = NULL;
	interrupts_enable();
	if (__builtin_expect(preempt_wanted(), 0))
		preempt_check();
	wait_event_clear(t);
	cont();
	panic("continuation %p of thread %p returned", (void *)(uintptr_t)cont, (void *)t);
}

static void
thread_begin(struct thread *prev)
{
	thread_dispatch(prev);
	thread_continue();
}

void
thread_switch_to(struct thread *next)
{
	struct thread *old = current_thread(), *prev;
	void *stack = old->th_stack;

	KASSERT(next != old);
	sched_account_switch(cpu_self(), old, next);
	trace_switch((uintptr_t)old, (uintptr_t)next, (uintptr_t)next->th_stack);
	if (old->th_continuation != NULL && next->th_stack == NULL) {
		stack_handoff(old, next);
		next->th_stack = stack;
		old->th_stack = NULL;
		thread_dispatch(old);
		call_continuation(thread_continue);
	}
	KASSERT(next->th_stack != NULL);
	prev = context_switch(old, next);
	thread_dispatch(prev);
}

/* a stack for a thread about to run, when the present one stays with its owner */
static bool
thread_give_stack(struct thread *t)
{
	void *stack;

	if (t->th_stack != NULL)
		return true;
	stack = stack_try_alloc(t->th_stack_reserved);
	if (stack == NULL)
		return false;
	t->th_stack = stack;
	stack_prepare(t, stack, thread_begin);
	return true;
}

struct thread *
sched_choose(bool keep_stack)
{
	struct thread *t;

	while ((t = sched_pick()) != NULL) {
		if (!keep_stack || thread_give_stack(t))
			return t;
		stack_wait(t);
	}
	return cpu_self()->cp_idle_thread;
}

enum wait_result
thread_block(continuation_t cont)
{
	struct thread *t = current_thread();
	unsigned long flags;

	lockdep_may_sleep("thread_block");
	flags = interrupts_disable();
	t->th_continuation = cont;
	t->th_preempted = false;
	if (__atomic_load_n(&t->th_state, __ATOMIC_ACQUIRE) & TH_WAIT)
		thread_switch_to(sched_choose(cont == NULL));
	else if (cont != NULL)
		call_continuation(thread_continue);
	interrupts_restore(flags);
	wait_event_clear(t);
	return t->th_wait_result;
}

void
thread_block_reserved(continuation_t cont)
{
	struct thread *t = current_thread();

	lockdep_may_sleep("thread_block");
	interrupts_disable();
	t->th_continuation = cont;
	t->th_preempted = false;
	if (__atomic_load_n(&t->th_state, __ATOMIC_ACQUIRE) & TH_WAIT)
		thread_switch_to(sched_choose(true));
	call_continuation(thread_continue);
}

enum wait_result
thread_handoff(struct thread *next, continuation_t cont)
{
	struct thread *t = current_thread();
	unsigned long flags = interrupts_disable();
	bool owned = t->th_handoff_to == next;

	lockdep_may_sleep("thread_handoff");
	t->th_handoff_to = NULL;
	if (owned && cont == NULL && !thread_give_stack(next)) {
		stack_wait(next);
		owned = false;
	}
	t->th_continuation = cont;
	t->th_preempted = false;
	if (owned)
		thread_switch_to(next);
	else if (__atomic_load_n(&t->th_state, __ATOMIC_ACQUIRE) & TH_WAIT)
		thread_switch_to(sched_choose(cont == NULL));
	else if (cont != NULL)
		call_continuation(thread_continue);
	interrupts_restore(flags);
	wait_event_clear(t);
	return t->th_wait_result;
}

/* => sched_exchange said so: the processor, the stack with it, is next's */
static void __attribute__((noreturn))
thread_exchange(struct thread *old, struct thread *next, continuation_t cont)
{
	struct cpu *c = cpu_self();

	old->th_continuation = cont;
	old->th_preempted = false;
	sched_account_switch(cpu_self(), old, next);
	trace_switch((uintptr_t)old, (uintptr_t)next, 0);
	next->th_stack = old->th_stack;
	old->th_stack = NULL;
	machine_handoff(c, cpu_machine_of(c), old, next);
	sched_exchange_end(old);
	call_continuation(thread_continue);
}

bool
thread_yield(continuation_t cont)
{
	struct thread *t = current_thread(), *next;
	unsigned long flags;

	lockdep_may_sleep("thread_yield");
	flags = interrupts_disable();
	if (cont != NULL && (next = sched_exchange(t)) != NULL)
		thread_exchange(t, next, cont);
	next = sched_pick_not_worse(t->th_pri);
	t->th_continuation = cont;
	t->th_preempted = false;
	if (next != NULL && cont == NULL && !thread_give_stack(next)) {
		stack_wait(next);
		next = NULL;
	}
	if (next != NULL)
		thread_switch_to(next);
	else if (cont != NULL)
		call_continuation(thread_continue);
	interrupts_restore(flags);
	return next != NULL;
}

/* pre-emption inside the kernel: the thread may be about to wait and must not lose that */
void
sched_preempt(void)
{
	struct thread *t = current_thread(), *next;

	__atomic_store_n(&cpu_self()->cp_need_resched, 0, __ATOMIC_RELAXED);
	if (__atomic_load_n(&t->th_state, __ATOMIC_RELAXED) & TH_IDLE)
		return;			/* its loop looks at the queues */
	next = sched_pick_not_worse(t->th_pri);
	if (next == NULL && (__atomic_load_n(&t->th_ast, __ATOMIC_RELAXED) & AST_MIGRATE) && sched_should_leave(t))
		next = sched_choose(true);
	if (next == NULL)
		return;
	if (!thread_give_stack(next)) {
		stack_wait(next);
		return;
	}
	t->th_preempted = true;
	t->th_continuation = NULL;
	thread_switch_to(next);
	t->th_preempted = false;
}

void
preempt_check(void)
{
	struct cpu *c = cpu_self();
	unsigned long flags;

	if (__atomic_load_n(&c->cp_need_resched, __ATOMIC_RELAXED) == 0 || c->cp_preempt_off != 0 || !interrupts_enabled())
		return;
	flags = interrupts_disable();
	if (__atomic_load_n(&cpu_self()->cp_need_resched, __ATOMIC_RELAXED) != 0)
		sched_preempt();
	interrupts_restore(flags);
}

void
thread_stop_self(void)
{
	struct thread *t = current_thread();

	t->th_state |= TH_CLEAN;
	t->th_continuation = thread_return_to_user;
	t->th_preempted = false;
	spin_unlock_irq(&t->th_lock, 0);	/* interrupts stay off */
	thread_switch_to(sched_choose(false));
	panic("stopped thread came back on its stack");
}

void
thread_return_to_user(void)
{
	lockdep_holds_nothing("return to user mode");
	machine_return_to_user();
}

void
thread_syscall_return(long result)
{
	machine_set_syscall_result(&current_thread()->th_machine, (uint64_t)result);
	thread_return_to_user();
}

/* first switch of a CPU: away from the start-up context, which is never resumed */
void
thread_start_idle(struct thread *boot)
{
	struct thread *idle = cpu_self()->cp_idle_thread;

	(void)context_switch(boot, idle);
	panic("start-up context resumed");
}

/* --- the idle thread --- */

static void __attribute__((noreturn))
idle_loop(void)
{
	struct cpu *c = cpu_self();
	struct thread *self = current_thread(), *next;

	for (;;) {
		interrupts_disable();
		sched_set_idle(true);
		__atomic_store_n(&c->cp_need_resched, 0, __ATOMIC_RELAXED);
		next = sched_choose(true);
		if (next == self) {
			cpu_idle_wait();
			sched_set_idle(false);
			continue;
		}
		sched_set_idle(false);
		self->th_continuation = NULL;
		thread_switch_to(next);
	}
}

void
idle_begin(struct thread *prev)
{
	(void)prev;		/* start-up context of the boot processor; its thread structure stays */
	idle_loop();
}
