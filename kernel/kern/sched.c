/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduler: a run queue per CPU, stealing, time accounting, policies.
 *
 * A thread that becomes runnable is queued at the CPU it last ran on when that is idle, else at any idle CPU of
 * its set, else where it was. A CPU is interrupted only when it idles or runs something worse. Nothing ticks:
 * each busy CPU has one timer, its quantum; an idle CPU has none. At the end of a quantum the running thread's
 * priority is computed anew, the heads of the queues age, and a better thread waiting at another CPU of the
 * set may be taken over, which is what shares three threads out fairly on two CPUs.
 *
 * A CPU changes its set by itself, in an interrupt another CPU asks for (sched_move_cpu), so whoever runs there with interrupts
 * off sees one set. It begins its new life with an empty queue; the old queue is emptied by the CPU that asked. Threads of
 * a set without processors wait in its own queue, but only at a clean point: one that is inside the kernel may hold
 * what others need and goes on at the boot processor until it comes to user mode, and so does one that is asked to stop.
 *
 * LOCKS   thread lock, then one run queue lock; both with interrupts off. th_runq changes under both
 *         when queued, under the run queue lock alone when taken off to be run. th_pset changes under the thread lock while
 *         the thread is on no queue.
 */
#include <debug/trace.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/sample.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <machine/handoff.h>

static const struct lock_class runq_class = { "run queue", LOCK_RANK_RUNQ, LOCK_CLASS_IRQ };

static uint64_t idle_mask;		/* (a) CPUs in the idle loop, not yet claimed by a waker */

/* its running out makes nobody wait for a processor that it does not have */
#define AST_STOPPING	(AST_TERMINATE | AST_SUSPEND | AST_ABORT)

static uint64_t
cpu_bit(const struct cpu *c)
{
	return 1ull << (c->cp_id & 63);
}

/* --- policies --- */

/* Recent use decays by 1/8 every 125 ms of uptime, so one second of full use counts about 1e9 and costs
   32 levels */
#define DECAY_NS	125000000ull

static void
usage_decay(struct thread *t, uint64_t now)
{
	uint64_t steps = (now - t->th_usage_stamp) / DECAY_NS;

	if (steps == 0)
		return;
	t->th_usage_stamp += steps * DECAY_NS;
	if (steps > 64)
		t->th_cpu_usage = 0;
	for (; steps > 0 && t->th_cpu_usage > 0; steps--)
		t->th_cpu_usage -= t->th_cpu_usage / 8 + 1;
	if ((int64_t)t->th_cpu_usage < 0)
		t->th_cpu_usage = 0;
}

/* Whoever enters the kernel does not look at the clock: the end of a quantum counts in which mode it found the thread. Neither
   time ever goes down */
static void
split_time(const struct thread *t, uint64_t ns, uint64_t *user, uint64_t *system)
{
	uint32_t found = t->th_found_user + t->th_found_system;
	uint64_t all = *user + *system + ns, due;

	due = found != 0 ? all / found * t->th_found_system : 0;
	if (t->th_task == kernel_task)
		due = all;
	due = due > *system ? due - *system : 0;
	if (due > ns)
		due = ns;
	*system += due;
	*user += ns - due;
}

void
sched_times(const struct thread *t, uint64_t *user, uint64_t *system)
{
	*user = t->th_user_ns;
	*system = t->th_system_ns;
	split_time(t, cpu_ticks_to_ns(t->th_ticks), user, system);
}

/* ticks of CPU time become ns of use; => the thread does not run, or runs here with interrupts off */
static void
usage_settle(struct thread *t)
{
	uint64_t ns = cpu_ticks_to_ns(t->th_ticks);

	if (t->th_ticks == 0)
		return;
	t->th_ticks = 0;
	split_time(t, ns, &t->th_user_ns, &t->th_system_ns);
	t->th_cpu_usage += ns;
}

static int
timeshare_priority(struct thread *t, uint64_t now)
{
	int pri;

	usage_settle(t);
	usage_decay(t, now);
	pri = t->th_base_pri + (int)(t->th_cpu_usage >> 25);
	return pri > PRI_WORST_USER ? PRI_WORST_USER : pri;
}

static uint64_t
timeshare_quantum(struct thread *t)
{
	(void)t;
	return QUANTUM_NS;
}

static int
fixed_priority(struct thread *t, uint64_t now)
{
	usage_settle(t);
	usage_decay(t, now);
	return t->th_base_pri;
}

static uint64_t
fixed_quantum(struct thread *t)
{
	uint64_t ns = (uint64_t)t->th_policy_data * 1000000;

	return ns < TICK_NS ? TICK_NS : ns;
}

static const struct sched_policy policies[] = {
	{ "timeshare", POLICY_TIMESHARE, timeshare_priority, timeshare_quantum },
	{ "fixed", POLICY_FIXEDPRI, fixed_priority, fixed_quantum },
};

const struct sched_policy *
sched_policy(int number)
{
	for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++)
		if (policies[i].sp_number == number)
			return &policies[i];
	return NULL;
}

static const struct sched_policy *
policy_of(const struct thread *t)
{
	return &policies[t->th_policy == POLICY_FIXEDPRI];
}

static int
effective_priority(struct thread *t, uint64_t now)
{
	t->th_priced = cpu_ticks();
	if (t->th_depress_pri >= 0)
		return t->th_depress_pri;
	return policy_of(t)->sp_priority(t, now);
}

/* In less than this (a millisecond at most) use and decay move a priority by a thirtieth of a step: who comes and goes all the time is
   not computed anew each time. Another CPU's clock that is behind looks like a long time, which does no harm */
#define PRICE_TICKS	(1ull << 20)

static inline bool
price_is_old(const struct thread *t)
{
	return cpu_ticks() - t->th_priced >= PRICE_TICKS;
}

/* --- run queues; rq_lock held --- */

static void
runq_push(struct run_queue *rq, struct thread *t, bool head)
{
	if (head)
		queue_push_head(&rq->rq_queues[t->th_pri], &t->th_run_link);
	else
		queue_push_tail(&rq->rq_queues[t->th_pri], &t->th_run_link);
	rq->rq_bits[t->th_pri >> 6] |= 1ull << (t->th_pri & 63);
	__atomic_store_n(&rq->rq_count, rq->rq_count + 1, __ATOMIC_SEQ_CST);
	t->th_runq = rq;
}

static void
runq_take(struct run_queue *rq, struct thread *t)
{
	struct queue *q = &rq->rq_queues[t->th_pri];

	queue_remove(&t->th_run_link);
	if (queue_empty(q))
		rq->rq_bits[t->th_pri >> 6] &= ~(1ull << (t->th_pri & 63));
	rq->rq_count--;
	t->th_runq = NULL;
}

static int
runq_best(const struct run_queue *rq)
{
	if (rq->rq_bits[0] != 0)
		return __builtin_ctzll(rq->rq_bits[0]);
	if (rq->rq_bits[1] != 0)
		return 64 + __builtin_ctzll(rq->rq_bits[1]);
	return PRI_QUEUES;
}

/* the best thread of that set not bound to this queue's CPU, when no worse than pri */
static struct thread *
runq_stealable(struct run_queue *rq, const struct processor_set *set, int pri)
{
	for (int p = runq_best(rq); p <= pri && p < PRI_QUEUES; p++) {
		struct queue *q;

		queue_for_each(q, &rq->rq_queues[p]) {
			struct thread *t = queue_entry(q, struct thread, th_run_link);

			if (t->th_bound_cpu == NULL && t->th_pset == set)
				return t;
		}
	}
	return NULL;
}

static struct thread *
steal(struct cpu *self, int pri)
{
	const struct processor_set *set = self->cp_sched->cs_pset;

	for (uint32_t n = 1; n < cpu_count; n++) {
		struct cpu *c = cpu_get((self->cp_id + n) % cpu_count);
		struct run_queue *rq = c->cp_sched != NULL ? c->cp_sched->cs_runq : NULL;
		struct thread *t;

		if (rq == NULL || c->cp_sched->cs_pset != set || __atomic_load_n(&rq->rq_count, __ATOMIC_RELAXED) == 0)
			continue;
		if (!spin_trylock(&rq->rq_lock))
			continue;
		t = runq_stealable(rq, set, pri);
		if (t != NULL)
			runq_take(rq, t);
		spin_unlock(&rq->rq_lock);
		if (t != NULL)
			return t;
	}
	return NULL;
}

struct thread *
sched_pick_not_worse(int pri)
{
	struct cpu *c = cpu_self();
	struct run_queue *rq = c->cp_sched->cs_runq;
	struct thread *t = NULL;
	int best;

	__atomic_store_n(&c->cp_need_resched, 0, __ATOMIC_RELAXED);
	spin_lock(&rq->rq_lock);
	best = runq_best(rq);
	if (best <= pri && best < PRI_QUEUES) {
		t = queue_entry(queue_first(&rq->rq_queues[best]), struct thread, th_run_link);
		runq_take(rq, t);
	}
	spin_unlock(&rq->rq_lock);
	return t;
}

struct thread *
sched_pick(void)
{
	struct thread *t = sched_pick_not_worse(PRI_QUEUES);

	return t != NULL ? t : steal(cpu_self(), PRI_QUEUES);
}

/* takes next and pushes old: between equals the count and the bits stay as they are */
static void
runq_swap(struct run_queue *rq, struct thread *next, struct thread *old)
{
	if (next->th_pri != old->th_pri) {
		runq_take(rq, next);
		runq_push(rq, old, false);
		return;
	}
	queue_push_tail(&rq->rq_queues[old->th_pri], &old->th_run_link);
	old->th_runq = rq;
	queue_remove(&next->th_run_link);
	next->th_runq = NULL;
}

/*
 * Old waits for nothing and has nothing to stop for; it and the next one go by machine_handoff. Both locks stay held until it is saved:
 * who steals it before would run a thread whose registers are still here.
 */
struct thread *
sched_exchange(struct thread *old)
{
	struct cpu *c = cpu_self();
	struct run_queue *rq = c->cp_sched->cs_runq;
	struct thread *next;
	int best;

	if (runq_length(rq) == 0 || __atomic_load_n(&idle_mask, __ATOMIC_RELAXED) != 0 || !spin_try_quick(&old->th_lock))
		return NULL;
	if (old->th_state != TH_RUN || old->th_gave || !sched_may_run_here(old) || price_is_old(old) || !spin_try_quick(&rq->rq_lock))
		goto no_queue;
	best = runq_best(rq);
	if (best > old->th_pri)
		goto not_here;
	next = queue_entry(queue_first(&rq->rq_queues[best]), struct thread, th_run_link);
	if (next->th_stack != NULL || !machine_is_user(old) || !machine_is_user(next) || !machine_handoff_ok(cpu_machine_of(c), next))
		goto not_here;
	__atomic_store_n(&c->cp_need_resched, 0, __ATOMIC_RELAXED);
	runq_swap(rq, next, old);
	return next;
not_here:
	spin_unlock_quick(&rq->rq_lock);
no_queue:
	spin_unlock_quick(&old->th_lock);
	return NULL;
}

void
sched_exchange_end(struct thread *old)
{
	spin_unlock_quick(&old->th_runq->rq_lock);
	spin_unlock_quick(&old->th_lock);
}

/* --- becoming runnable --- */

static bool
claim_idle(struct cpu *c)
{
	uint64_t bit = cpu_bit(c);

	return __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) & bit
	    && __atomic_fetch_and(&idle_mask, ~bit, __ATOMIC_SEQ_CST) & bit;
}

static bool
cpu_takes(const struct cpu *c, const struct thread *t)
{
	return c != NULL && c->cp_online && c->cp_sched != NULL
	    && (t->th_bound_cpu == c || c->cp_sched->cs_pset == t->th_pset);
}

/* => the CPU to queue t at; *idle: it idles and was claimed */
static struct cpu *
choose_cpu(const struct thread *t, bool *idle)
{
	struct cpu *last = t->th_last_cpu, *any = NULL;
	uint64_t idlers;

	*idle = false;
	if (t->th_bound_cpu != NULL) {
		*idle = claim_idle(t->th_bound_cpu);
		return t->th_bound_cpu;
	}
	if (!cpu_takes(last, t))
		last = NULL;
	idlers = __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST);
	if (__builtin_expect(last != NULL && idlers == 0, 1))
		return last;
	if (last != NULL && claim_idle(last)) {
		*idle = true;
		return last;
	}
	for (; idlers != 0; idlers &= idlers - 1) {
		struct cpu *c = cpu_get((uint32_t)__builtin_ctzll(idlers));

		if (cpu_takes(c, t) && claim_idle(c)) {
			*idle = true;
			return c;
		}
	}
	if (last != NULL)
		return last;
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpu_takes(cpu_get(i), t) && (any == NULL
		    || runq_length(cpu_get(i)->cp_sched->cs_runq) < runq_length(any->cp_sched->cs_runq)))
			any = cpu_get(i);
	return any;
}

/* the running thread of c should make way */
static void
ask_resched(struct cpu *c)
{
	__atomic_store_n(&c->cp_need_resched, 1, __ATOMIC_SEQ_CST);
	if (c == cpu_self())
		__atomic_fetch_or(&c->cp_thread->th_ast, AST_PREEMPT, __ATOMIC_RELAXED);
	else
		cpu_kick(c);
}

void
sched_kicked(void)
{
	struct cpu *c = cpu_self();

	if (__atomic_load_n(&c->cp_need_resched, __ATOMIC_RELAXED))
		__atomic_fetch_or(&c->cp_thread->th_ast, AST_PREEMPT, __ATOMIC_RELAXED);
}

/* => t is in the queue; false: that queue is not the one for it (any more) */
static inline bool
push_at_cpu(struct cpu *c, struct thread *t)
{
	struct cpu_sched *s = c->cp_sched;
	struct run_queue *rq = __atomic_load_n(&s->cs_runq, __ATOMIC_RELAXED);
	bool fits;

	spin_lock(&rq->rq_lock);
	fits = rq == s->cs_runq && (s->cs_pset == t->th_pset || t->th_bound_cpu == c);
	if (__builtin_expect(fits, 1)) {
		runq_push(rq, t, t->th_preempted);
		t->th_preempted = false;
	}
	spin_unlock(&rq->rq_lock);
	return fits;
}

/* => its set has no processor: where it waits. false: the set has one now */
static bool
push_stranded(struct thread *t)
{
	struct run_queue *rq = &t->th_pset->ps_runq;
	bool none;

	spin_lock(&rq->rq_lock);
	none = t->th_pset->ps_processor_count == 0;
	if (none) {
		runq_push(rq, t, false);
		t->th_preempted = false;
	}
	spin_unlock(&rq->rq_lock);
	return none;
}

/* a guest at the boot processor, which stays in its set, until it comes to its clean point */
static struct cpu *
push_guest(struct thread *t)
{
	struct cpu *c = cpu_get(0);
	struct run_queue *rq = c->cp_sched->cs_runq;

	__atomic_fetch_or(&t->th_ast, AST_MIGRATE, __ATOMIC_RELAXED);
	spin_lock(&rq->rq_lock);
	runq_push(rq, t, t->th_preempted);
	t->th_preempted = false;
	spin_unlock(&rq->rq_lock);
	return c;
}

/* its set has no processor; => as enqueue; *done false: it has one now */
static struct cpu * __attribute__((noinline))
push_elsewhere(struct thread *t, bool *done)
{
	*done = true;
	if (t->th_continuation == NULL || (t->th_ast & AST_STOPPING))
		return push_guest(t);
	*done = push_stranded(t);
	return NULL;
}

/* => queued at that CPU, NULL: at none; *idle: it idled and was claimed */
static struct cpu *
enqueue(struct thread *t, bool *idle)
{
	struct cpu *c;
	bool done;

	KASSERT(t->th_runq == NULL && !(t->th_state & TH_IDLE));
	if (__builtin_expect(price_is_old(t), 0))
		t->th_pri = (int16_t)effective_priority(t, clock_uptime_ns());
	for (;;) {
		c = choose_cpu(t, idle);
		if (__builtin_expect(c == NULL, 0)) {
			c = push_elsewhere(t, &done);
			if (done)
				return c;
			continue;
		}
		if (__builtin_expect(push_at_cpu(c, t), 1))
			return c;
		if (*idle)
			ask_resched(c);		/* it was claimed in vain */
	}
}

void
sched_setrun(struct thread *t)
{
	bool idle;
	struct cpu *c = enqueue(t, &idle);

	if (idle || (c != NULL && t->th_pri < __atomic_load_n(&c->cp_sched->cs_cur_pri, __ATOMIC_RELAXED)))
		ask_resched(c);
}

void
sched_setrun_given(struct thread *t)
{
	bool idle;
	struct cpu *c = enqueue(t, &idle);

	if (idle || (c != NULL && c != cpu_self()
	    && t->th_pri < __atomic_load_n(&c->cp_sched->cs_cur_pri, __ATOMIC_RELAXED)))
		ask_resched(c);
}

bool
sched_remove(struct thread *t)
{
	struct run_queue *rq = __atomic_load_n(&t->th_runq, __ATOMIC_ACQUIRE);
	bool there;

	if (rq == NULL)
		return false;
	spin_lock(&rq->rq_lock);
	there = t->th_runq == rq;
	if (there)
		runq_take(rq, t);
	spin_unlock(&rq->rq_lock);
	return there;
}

void
sched_update_priority(struct thread *t)
{
	int pri = effective_priority(t, clock_uptime_ns());
	struct cpu *c = t->th_last_cpu;

	if (pri == t->th_pri)
		return;
	if (sched_remove(t)) {
		t->th_pri = (int16_t)pri;
		sched_setrun(t);
		return;
	}
	t->th_pri = (int16_t)pri;
	if (c != NULL && c->cp_thread == t) {
		__atomic_store_n(&c->cp_sched->cs_cur_pri, pri, __ATOMIC_RELAXED);
		if (runq_best(c->cp_sched->cs_runq) < pri)
			ask_resched(c);
	}
}

bool
sched_runnable_elsewhere(void)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu_sched *s = cpu_get(i)->cp_sched;

		if (s != NULL && s->cs_pset == cpu_self()->cp_sched->cs_pset
		    && __atomic_load_n(&s->cs_runq->rq_count, __ATOMIC_RELAXED) > 0)
			return true;
	}
	return false;
}

/* --- time; own CPU, interrupts off --- */

void
sched_charge(struct thread *t)
{
	struct cpu_sched *s = cpu_self()->cp_sched;
	uint64_t now = cpu_ticks();

	t->th_ticks += now - s->cs_stamp;
	t->th_stop_ticks = now;
	s->cs_stamp = now;
}

void
sched_settle(struct thread *t)
{
	unsigned long flags = interrupts_disable();

	if (t == current_thread())
		sched_charge(t);
	usage_settle(t);
	interrupts_restore(flags);
}

/* an idle CPU needs no quantum */
void
sched_arm_quantum(struct cpu_sched *s, struct thread *t)
{
	if (__atomic_load_n(&t->th_state, __ATOMIC_RELAXED) & TH_IDLE)
		return;
	s->cs_quantum_armed = true;
	timer_set(&s->cs_quantum, clock_uptime_ns() + policy_of(t)->sp_quantum(t));
}

/* one thread per queue moves up when its use has decayed: at most PRI_QUEUES steps */
static void
age_queues(struct run_queue *rq, uint64_t now)
{
	spin_lock(&rq->rq_lock);
	for (int p = runq_best(rq); p < PRI_QUEUES; p++) {
		struct thread *t;
		int pri;

		if (queue_empty(&rq->rq_queues[p]))
			continue;
		t = queue_entry(queue_first(&rq->rq_queues[p]), struct thread, th_run_link);
		if (t->th_policy != POLICY_TIMESHARE || t->th_depress_pri >= 0)
			continue;
		pri = timeshare_priority(t, now);
		if (pri < p) {
			runq_take(rq, t);
			t->th_pri = (int16_t)pri;
			runq_push(rq, t, false);
		}
	}
	spin_unlock(&rq->rq_lock);
}

static int
best_elsewhere(const struct cpu *self)
{
	int best = PRI_QUEUES;

	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *c = cpu_get(i);
		int p;

		if (c == self || c->cp_sched == NULL || c->cp_sched->cs_pset != self->cp_sched->cs_pset
		    || c->cp_sched->cs_runq->rq_count == 0)
			continue;
		p = runq_best(c->cp_sched->cs_runq);
		if (p < best)
			best = p;
	}
	return best;
}

/* a better thread that waits at another CPU comes here, to be run next */
static void
pull(struct cpu *self, int pri)
{
	struct run_queue *rq = self->cp_sched->cs_runq;
	struct thread *t = steal(self, pri - 1);

	if (t == NULL)
		return;
	spin_lock(&rq->rq_lock);
	runq_push(rq, t, false);
	spin_unlock(&rq->rq_lock);
}

/* own CPU, interrupts off: its thread should go on elsewhere */
static void
ask_leave(struct cpu *c, struct thread *t)
{
	__atomic_fetch_or(&t->th_ast, AST_MIGRATE, __ATOMIC_RELAXED);
	ask_resched(c);
}

static void
quantum_end(void *arg)
{
	struct cpu *c = arg;
	struct cpu_sched *s = c->cp_sched;
	struct thread *t = c->cp_thread;
	uint64_t now = clock_uptime_ns();
	int best;

	s->cs_quantum_armed = false;
	if (t == c->cp_idle_thread)
		return;
	usage_settle(t);	/* what was told of the time before this run stays as it was told: neither part goes down */
	sched_charge(t);
	if (c->cp_tick_in_user)
		t->th_found_user++;
	else
		t->th_found_system++;
	if (spin_trylock(&t->th_lock)) {	/* contended: the next quantum will do */
		t->th_pri = (int16_t)effective_priority(t, now);
		spin_unlock(&t->th_lock);
	}
	__atomic_store_n(&s->cs_cur_pri, t->th_pri, __ATOMIC_RELAXED);
	age_queues(s->cs_runq, now);
	if (best_elsewhere(c) < t->th_pri && best_elsewhere(c) < runq_best(s->cs_runq))
		pull(c, t->th_pri);
	best = runq_best(s->cs_runq);
	if (!sched_may_run_here(t))
		ask_leave(c, t);
	s->cs_quantum_armed = true;
	timer_set(&s->cs_quantum, now + policy_of(t)->sp_quantum(t));
	if (best <= t->th_pri)
		ask_resched(c);
}

void
sched_set_idle(bool idle)
{
	struct cpu *c = cpu_self();

	if (idle) {
		__atomic_store_n(&c->cp_idle, true, __ATOMIC_RELAXED);
		__atomic_fetch_or(&idle_mask, cpu_bit(c), __ATOMIC_SEQ_CST);
	} else {
		__atomic_fetch_and(&idle_mask, ~cpu_bit(c), __ATOMIC_SEQ_CST);
		__atomic_store_n(&c->cp_idle, false, __ATOMIC_RELAXED);
	}
}

/* --- processors between sets --- */

struct cpu_move {
	struct processor_set *to;
	struct run_queue *left;		/* the queue it had */
};

/* on the CPU that moves, interrupts off */
static void
change_set(void *arg)
{
	struct cpu_move *m = arg;
	struct cpu *c = cpu_self();
	struct cpu_sched *s = c->cp_sched;
	struct run_queue *rq = s->cs_runq;

	spin_lock(&rq->rq_lock);
	m->left = rq;
	__atomic_store_n(&s->cs_pset, m->to, __ATOMIC_RELAXED);
	__atomic_store_n(&c->cp_pset, m->to, __ATOMIC_RELAXED);
	__atomic_store_n(&s->cs_runq, &s->cs_runqs[rq == &s->cs_runqs[0]], __ATOMIC_RELAXED);
	spin_unlock(&rq->rq_lock);
	if (!(c->cp_thread->th_state & TH_IDLE) && !sched_may_run_here(c->cp_thread))
		ask_leave(c, c->cp_thread);
	else
		ask_resched(c);
}

/* => each of its threads is queued where it belongs now */
static void
empty_queue(struct run_queue *rq)
{
	struct thread *t;

	do {
		unsigned long flags = spin_lock_irq(&rq->rq_lock);
		int best = runq_best(rq);

		t = NULL;
		if (best < PRI_QUEUES) {
			t = queue_entry(queue_first(&rq->rq_queues[best]), struct thread, th_run_link);
			runq_take(rq, t);
		}
		spin_unlock(&rq->rq_lock);
		if (t != NULL) {
			spin_lock(&t->th_lock);
			sched_setrun(t);
			spin_unlock(&t->th_lock);
		}
		interrupts_restore(flags);
	} while (t != NULL);
}

static void
count_processor(struct processor_set *set, uint32_t n)
{
	unsigned long flags;

	if (set == NULL)
		return;
	flags = spin_lock_irq(&set->ps_runq.rq_lock);
	set->ps_processor_count += n;
	spin_unlock_irq(&set->ps_runq.rq_lock, flags);
}

/* The count is never above the number of CPUs that take the set's threads: enqueue relies on it */
void
sched_move_cpu(struct cpu *c, struct processor_set *to)
{
	struct cpu_move m = { to, NULL };

	count_processor(c->cp_sched->cs_pset, -1u);
	cpu_call_one(c, change_set, &m);
	count_processor(to, 1);
	empty_queue(m.left);
	if (to != NULL)
		empty_queue(&to->ps_runq);
}

struct look {
	const struct thread *whom;
	bool found;
};

static void
look_for_stranger(void *arg)
{
	struct thread *t = current_thread();
	struct look *l = arg;

	l->found = !(t->th_state & TH_IDLE) && !sched_may_run_here(t) && (l->whom == NULL || l->whom == t);
}

bool
sched_runs_stranger(struct cpu *c, const struct thread *t)
{
	struct look l = { t, false };

	cpu_call_one(c, look_for_stranger, &l);
	return l.found;
}

void
sched_unstrand(struct thread *t)
{
	struct run_queue *rq = __atomic_load_n(&t->th_runq, __ATOMIC_ACQUIRE);

	if (rq != NULL && rq->rq_stranded && sched_remove(t))
		sched_setrun(t);
}

void
sched_go_home(void)
{
	struct thread *t = current_thread();
	unsigned long flags = interrupts_disable();

	if (!sched_may_run_here(t)) {
		t->th_continuation = thread_return_to_user;
		t->th_preempted = false;
		thread_switch_to(sched_choose(false));
		panic("thread %p came back to another set's processor", (void *)t);
	}
	interrupts_restore(flags);
}

void
run_queue_init(struct run_queue *rq)
{
	spin_lock_init(&rq->rq_lock, &runq_class);
	for (int i = 0; i < PRI_QUEUES; i++)
		queue_init(&rq->rq_queues[i]);
}

void
sched_cpu_init(struct cpu *c, struct cpu_sched *s)
{
	run_queue_init(&s->cs_runqs[0]);
	run_queue_init(&s->cs_runqs[1]);
	s->cs_runq = &s->cs_runqs[0];
	s->cs_cur_pri = PRI_QUEUES;
	timer_init(&s->cs_quantum, quantum_end, c);
	sample_cpu_init(s);
	c->cp_sched = s;
}
