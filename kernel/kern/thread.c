/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: creation, references, stopping, ending.
 *
 * OBJECT  see thread.h. The kernel port is created with the thread and dies with it, before the memory.
 * STATES  th_state. A new thread is TH_SUSP | TH_CLEAN, held once for its suspend count of 1 (kernel threads
 *         run at once). Stopping is counted in th_hold_count: the thread's own suspend count, its task's, and each get or
 *         set of state in progress hold once. A held thread stops on its way to user mode (TH_CLEAN) or freezes
 *         where it waits with a continuation.
 *         A thread that stands at its clean point when it is ended never runs again: who ends it takes its last steps for it
 *         (thread_end_stopped). All others go there themselves, and the reaper has them then.
 * REFS    see thread.h; thread_release may be called with no spin locks held (the last one frees memory).
 * LOCKS   task lock before thread lock.
 */
#include <stddef.h>
#include <debug/lockdep.h>
#include <ipc/ipc.h>
#include <kern/counter.h>
#include <kern/exception_ports.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/right.h>
#include <kern/sample.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/stack.h>
#include <kern/string.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/context.h>
#include <machine/cpu.h>

static const struct lock_class thread_class = { "thread", LOCK_RANK_THREAD, LOCK_CLASS_IRQ };
static struct slab_cache *thread_cache;

void
thread_init(void)
{
	thread_cache = slab_cache_create("thread", sizeof(struct thread), 64);
}

/* a depression's time is over */
static void
thread_depress_timeout(void *arg)
{
	struct thread *t = arg;
	unsigned long flags = spin_lock_irq(&t->th_lock);

	if (t->th_depress_pri >= 0) {
		t->th_depress_pri = -1;
		sched_update_priority(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
}

void
thread_setup(struct thread *t, int priority)
{
	/* its registers are machine_thread_init's */
	memset(&t->th_task, 0, offsetof(struct thread, th_name) - offsetof(struct thread, th_task));
	spin_lock_init(&t->th_lock, &thread_class);
	t->th_refs = 1;
	t->th_active = true;
	queue_init(&t->th_task_link);
	queue_init(&t->th_wait_link);
	queue_init(&t->th_run_link);
	queue_init(&t->th_donations);
	queue_init(&t->th_pset_link);
	timer_init(&t->th_wait_timer, thread_wait_timeout, t);
	timer_init(&t->th_depress_timer, thread_depress_timeout, t);
	t->th_base_pri = t->th_pri = (int16_t)priority;
	t->th_depress_pri = -1;
	t->th_policy = POLICY_TIMESHARE;
	t->th_usage_stamp = clock_uptime_ns();
	t->th_created = clock_wall_ns();
	t->th_stop_ticks = cpu_ticks();
	t->th_pset = &default_pset;
	t->th_name[0] = '\0';
}

/* => a thread no one else knows yet, of a task that is still without it */
static struct thread *
thread_alloc(struct task *task)
{
	struct thread *t = slab_alloc(thread_cache);

	if (t == NULL)
		return NULL;
	thread_setup(t, task->tk_priority);
	t->th_task = task;
	t->th_sid = task->tk_sid;
	if (machine_thread_init(t) != KERN_SUCCESS)
		goto no_machine;
	t->th_self = ipc_port_create_kernel(IKOT_THREAD, t);
	if (t->th_self == IP_NULL)
		goto no_port;
	t->th_self_right = ipc_port_make_send(t->th_self);
	counter_add(COUNT_THREAD, 1);
	return t;
no_port:
	machine_thread_destroy(t);
no_machine:
	slab_free(thread_cache, t);
	return NULL;
}

void
thread_ref(struct thread *t)
{
	uint32_t old = __atomic_fetch_add(&t->th_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old > 0);
	(void)old;
}

void
thread_release(struct thread *t)
{
	if (__atomic_sub_fetch(&t->th_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	KASSERT(t->th_state & TH_DEAD);
	if (t->th_timed) {
		timer_drain(&t->th_wait_timer);
		timer_drain(&t->th_depress_timer);
	}
	machine_thread_destroy(t);
	sampler_free(t->th_sampler);
	pset_release(t->th_pset);
	task_release(t->th_task);
	counter_add(COUNT_THREAD, -1);
	slab_free(thread_cache, t);
}

/* => links the thread into its task; a reference on the task for the thread; false: the task is dying */
static bool
thread_enter_task(struct thread *t, struct task *task)
{
	unsigned long flags;

	spin_lock(&task->tk_lock);
	if (!task->tk_active) {
		spin_unlock(&task->tk_lock);
		return false;
	}
	task_ref(task);
	queue_push_tail(&task->tk_threads, &t->th_task_link);
	task->tk_thread_count++;
	if (task->tk_suspend_count > 0) {
		flags = spin_lock_irq(&t->th_lock);
		t->th_hold_count++;
		t->th_state |= TH_SUSP;
		spin_unlock_irq(&t->th_lock, flags);
	}
	pset_add_thread(task, t);
	spin_unlock(&task->tk_lock);
	return true;
}

/* a thread that never was in its task goes away again */
static void
thread_discard(struct thread *t)
{
	ipc_port_release_send(t->th_self_right);
	ipc_port_destroy_kernel(t->th_self);
	ipc_thread_terminate(t);
	machine_thread_destroy(t);
	counter_add(COUNT_THREAD, -1);
	slab_free(thread_cache, t);
}

kern_return_t
thread_create_in(struct task *task, struct thread **out)
{
	struct thread *t = thread_alloc(task);

	if (t == NULL)
		return KERN_RESOURCE_SHORTAGE;
	t->th_state = TH_SUSP | TH_CLEAN;
	t->th_suspend_count = t->th_hold_count = 1;
	t->th_continuation = thread_return_to_user;
	thread_ref(t);
	if (!thread_enter_task(t, task)) {
		thread_discard(t);
		return KERN_FAILURE;
	}
	*out = t;
	return KERN_SUCCESS;
}

/* first steps of a thread that starts inside the kernel */
static void
thread_kernel_start(void)
{
	struct thread *t = current_thread();

	((void (*)(void *))t->th_saved[0])((void *)t->th_saved[1]);
	panic("kernel thread %s returned", t->th_name);
}

kern_return_t
thread_create_kernel_start(struct task *task, void (*fn)(void *), void *arg, struct thread **out)
{
	kern_return_t kr = thread_create_in(task, out);

	if (kr != KERN_SUCCESS)
		return kr;
	(*out)->th_state &= ~TH_CLEAN;
	(*out)->th_continuation = thread_kernel_start;
	(*out)->th_saved[0] = (uintptr_t)fn;
	(*out)->th_saved[1] = (uintptr_t)arg;
	return KERN_SUCCESS;
}

struct thread *
kernel_thread(const char *name, void (*fn)(void *), void *arg, int priority)
{
	struct thread *t;

	if (thread_create_kernel_start(kernel_task, fn, arg, &t) != KERN_SUCCESS)
		panic("cannot create kernel thread %s", name);
	string_copy(t->th_name, name, sizeof t->th_name);
	t->th_base_pri = t->th_pri = (int16_t)priority;
	t->th_policy = POLICY_FIXEDPRI;
	t->th_policy_data = QUANTUM_NS / 1000000;
	t->th_suspend_count = 0;
	t->th_vm_privilege = true;
	thread_unhold(t);
	thread_release(t);
	return t;
}

/* => the idle thread of a CPU, with its stack, never on a run queue */
struct thread *
thread_create_idle(struct cpu *c)
{
	struct thread *t;
	char name[THREAD_NAME_MAX];

	ksnprintf(name, sizeof name, "idle/%u", c->cp_id);
	if (thread_create_in(kernel_task, &t) != KERN_SUCCESS)
		panic("cannot create %s", name);
	string_copy(t->th_name, name, sizeof t->th_name);
	t->th_state = TH_RUN | TH_IDLE;
	t->th_hold_count = t->th_suspend_count = 0;
	t->th_base_pri = t->th_pri = PRI_IDLE;
	t->th_bound_cpu = t->th_last_cpu = c;
	t->th_continuation = NULL;
	t->th_stack = stack_alloc();
	if (t->th_stack == NULL)
		panic("no stack for %s", name);
	stack_prepare(t, t->th_stack, idle_begin);
	return t;
}

/* --- stopping --- */

/* make a thread look at its th_ast soon */
static void
thread_poke(struct thread *t)
{
	struct cpu *c = __atomic_load_n(&t->th_last_cpu, __ATOMIC_RELAXED);

	if (c != NULL && c != cpu_self() && __atomic_load_n(&c->cp_thread, __ATOMIC_RELAXED) == t)
		cpu_kick(c);
}

void
thread_ast_set(struct thread *t, uint32_t bits)
{
	__atomic_fetch_or(&t->th_ast, bits, __ATOMIC_SEQ_CST);
	thread_poke(t);
}

void
thread_hold_locked(struct thread *t)
{
	if (t->th_hold_count++ == 0 && t->th_active) {
		/* the thread looks at its state without the lock */
		__atomic_store_n(&t->th_state, t->th_state | TH_SUSP, __ATOMIC_RELAXED);
		thread_ast_set(t, AST_SUSPEND);
		sched_unstrand(t);
	}
}

void
thread_hold(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);

	thread_hold_locked(t);
	spin_unlock_irq(&t->th_lock, flags);
}

/* => thread locked: it may run again (no reason left to stop) */
static void
thread_let_run(struct thread *t)
{
	__atomic_store_n(&t->th_state, t->th_state & ~(TH_SUSP | TH_CLEAN | TH_HALTED), __ATOMIC_RELAXED);
	__atomic_fetch_and(&t->th_ast, ~AST_SUSPEND, __ATOMIC_RELAXED);
	if (t->th_state & (TH_RUN | TH_WAIT | TH_DEAD))
		return;
	t->th_state |= TH_RUN;
	sched_setrun(t);
}

bool
thread_unhold_locked(struct thread *t)
{
	bool waiters = t->th_stop_waiters;

	KASSERT(t->th_hold_count > 0);
	if (--t->th_hold_count > 0 || !t->th_active)
		return false;
	thread_let_run(t);
	t->th_stop_waiters = false;
	return waiters;
}

void
thread_unhold(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	bool waiters = thread_unhold_locked(t);

	spin_unlock_irq(&t->th_lock, flags);
	if (waiters)
		thread_wakeup(&t->th_stop_waiters);
}

/* => thread locked: its registers stay as they are */
static bool
thread_is_stopped(const struct thread *t)
{
	if (t->th_state & TH_RUN)
		return false;
	return !(t->th_state & TH_WAIT) || !(t->th_state & TH_UNINT);
}

/* => wait until the thread has stopped, or nobody wants that any more; false: it dies, or the caller was interrupted */
bool
thread_wait_stopped(struct thread *t)
{
	for (;;) {
		unsigned long flags = spin_lock_irq(&t->th_lock);
		bool stopped = thread_is_stopped(t) || t->th_hold_count == 0, dying = !t->th_active;

		if (!stopped && !dying)
			t->th_stop_waiters = true;
		spin_unlock_irq(&t->th_lock, flags);
		if (stopped || dying)
			return !dying;
		assert_wait(&t->th_stop_waiters, true);
		flags = spin_lock_irq(&t->th_lock);
		stopped = !t->th_stop_waiters || !t->th_active;
		spin_unlock_irq(&t->th_lock, flags);
		if (stopped)
			thread_wait_cancel();
		else if (thread_block(NULL) == WAIT_INTERRUPTED)
			return false;
	}
}

bool
thread_hold_and_wait(struct thread *t)
{
	thread_hold(t);
	if (thread_wait_stopped(t))
		return true;
	thread_unhold(t);
	return false;
}

/* --- ending --- */

/* => no right of the thread's is left, its task is without it, and cleaned when that was its end. It is the current thread, or no
   other processor runs it (thread_claim_stopped) */
static void
thread_strip(struct thread *t)
{
	struct task *task = t->th_task;
	struct ipc_port *self, *exception, *self_right;
	bool last;

	ipc_thread_terminate(t);
	spin_lock(&task->tk_lock);
	self = t->th_self;
	exception = t->th_exception;
	self_right = t->th_self_right;
	/* nobody fills a slot from now on */
	t->th_self = t->th_exception = t->th_self_right = IP_NULL;
	spin_unlock(&task->tk_lock);
	if (t->th_actions != NULL)
		exception_actions_drop(task, &t->th_actions);
	ipc_port_release_send(exception);
	ipc_port_release_send(self_right);
	ipc_port_destroy_kernel(self);
	if (t->th_timed)
		timer_cancel(&t->th_depress_timer);

	sched_settle(t);
	spin_lock(&task->tk_lock);
	pset_remove_thread(t);
	queue_remove(&t->th_task_link);
	task->tk_dead_user_ns += t->th_user_ns;
	task->tk_dead_system_ns += t->th_system_ns;
	last = --task->tk_thread_count == 0 && !task->tk_active;
	spin_unlock(&task->tk_lock);
	if (last)
		task_cleanup(task);
}

/*
 * => thread locked. true: it stood at its clean point, without a stack; to all others it is now one that runs and is being
 *    ended: nobody makes it runnable or waits for it to stop
 */
static bool
thread_claim_stopped(struct thread *t)
{
	if ((t->th_state & (TH_CLEAN | TH_RUN | TH_WAIT | TH_DEAD)) != TH_CLEAN || t->th_continuation != thread_return_to_user)
		return false;
	__atomic_store_n(&t->th_state, TH_RUN, __ATOMIC_RELAXED);
	return true;
}

/* a claimed thread takes its last steps in the thread of who ends it */
static void
thread_end_stopped(struct thread *t)
{
	unsigned long flags;
	bool waiters;

	thread_strip(t);
	flags = spin_lock_irq(&t->th_lock);
	__atomic_store_n(&t->th_state, TH_DEAD, __ATOMIC_RELEASE);
	t->th_continuation = NULL;
	waiters = t->th_stop_waiters;
	t->th_stop_waiters = false;
	spin_unlock_irq(&t->th_lock, flags);
	if (waiters)
		thread_wakeup(&t->th_stop_waiters);
	thread_release(t);	/* its own reference */
}

/* start termination; may be repeated */
void
thread_end(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	bool claimed = thread_claim_stopped(t);

	t->th_active = false;
	if (claimed) {
		spin_unlock_irq(&t->th_lock, flags);
		thread_end_stopped(t);
		return;
	}
	thread_ast_set(t, AST_TERMINATE);
	sched_unstrand(t);
	spin_unlock_irq(&t->th_lock, flags);
	thread_interrupt(t);
	flags = spin_lock_irq(&t->th_lock);
	thread_let_run(t);
	spin_unlock_irq(&t->th_lock, flags);
}

void
thread_terminate_internal(struct thread *t)
{
	unsigned long flags;

	thread_end(t);
	if (t == current_thread())
		return;			/* at its next step to user mode */
	while (!(__atomic_load_n(&t->th_state, __ATOMIC_ACQUIRE) & TH_DEAD)) {
		bool dead;

		assert_wait(&t->th_stop_waiters, true);
		flags = spin_lock_irq(&t->th_lock);
		dead = t->th_state & TH_DEAD;
		t->th_stop_waiters = !dead;
		spin_unlock_irq(&t->th_lock, flags);
		if (dead)
			thread_wait_cancel();
		else if (thread_block(NULL) == WAIT_INTERRUPTED)
			return;		/* the caller is being ended itself */
	}
}

static void
thread_never(void)
{
	panic("dead thread runs");
}

/* => the current thread, on its way to user mode; nothing held */
static void __attribute__((noreturn))
thread_terminate_self(void)
{
	struct thread *t = current_thread();

	thread_strip(t);
	interrupts_disable();
	spin_lock(&t->th_lock);
	t->th_state |= TH_DEAD;
	t->th_continuation = thread_never;
	t->th_preempted = false;
	spin_unlock(&t->th_lock);
	thread_switch_to(sched_choose(false));
	panic("dead thread came back");
}

/* --- on the way to user mode --- */

void
ast_taken(void)
{
	struct thread *t = current_thread();
	uint32_t ast = __atomic_fetch_and(&t->th_ast, ~(AST_PREEMPT | AST_MIGRATE),
	    __ATOMIC_SEQ_CST);

	lockdep_holds_nothing("ast");
	if (ast & AST_TERMINATE)
		thread_terminate_self();
	if (ast & (AST_ABORT | AST_SUSPEND)) {
		unsigned long flags = spin_lock_irq(&t->th_lock);

		if ((ast & AST_ABORT) && (t->th_state & TH_SUSP))
			t->th_state |= TH_HALTED;
		__atomic_fetch_and(&t->th_ast, ~(AST_ABORT | AST_SUSPEND), __ATOMIC_RELAXED);
		if (t->th_state & TH_SUSP)
			thread_stop_self();
		spin_unlock_irq(&t->th_lock, flags);
	}
	if (ast & AST_DEBUG)
		machine_debug_taken();
	if (ast & AST_MIGRATE)
		sched_go_home();
	if (ast & AST_PREEMPT)
		thread_yield(thread_return_to_user);
}
