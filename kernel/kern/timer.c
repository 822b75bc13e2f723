/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-shot timers and the clocks.
 *
 * OBJECT  struct timer, part of its owner. One heap per CPU; a timer is queued on the CPU that set it.
 * LOCKS   the heap's lock (spin, interrupts off). Who may set and cancel a timer is the owner's rule
 *         (for a thread's timers: the thread lock).
 * A pairing heap: insertion and "which is first" are constant, removal logarithmic (amortised), and the
 * links are in the timer.
 */
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/timer.h>
#include <machine/cpu.h>

static const struct lock_class timer_class = { "timer heap", LOCK_RANK_TIMER, LOCK_CLASS_IRQ };
static const struct lock_class clock_class = { "wall clock", LOCK_RANK_TIMER, LOCK_CLASS_IRQ };

struct timer_heap {
	struct spinlock	 tq_lock;
	struct timer	*tq_root;
	struct timer	*tq_running;	/* its function is being called */
};

static struct timer_heap boot_heap;
static struct spinlock clock_lock = SPIN_LOCK_INITIALIZER(&clock_class);
static uint64_t clock_base;		/* wall clock minus uptime; clock lock to write */
static int64_t clock_slew_left;		/* still to be added, ns */
static uint64_t clock_slew_stamp;

static struct timer_heap *
heap_of(struct cpu *c)
{
	return c->cp_timer_queue;
}

static struct timer *
heap_meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->tm_deadline < a->tm_deadline) {
		t = a;
		a = b;
		b = t;
	}
	b->tm_prev = a;
	b->tm_next = a->tm_child;
	if (a->tm_child != NULL)
		a->tm_child->tm_prev = b;
	a->tm_child = b;
	a->tm_next = NULL;
	return a;
}

/* the classic two passes over a list of siblings */
static struct timer *
heap_merge_pairs(struct timer *first)
{
	struct timer *done = NULL, *all = NULL;

	while (first != NULL) {
		struct timer *a = first, *b = a->tm_next, *pair;

		first = b != NULL ? b->tm_next : NULL;
		a->tm_next = NULL;
		if (b != NULL)
			b->tm_next = NULL;
		pair = heap_meld(a, b);
		pair->tm_next = done;
		done = pair;
	}
	while (done != NULL) {
		struct timer *next = done->tm_next;

		done->tm_next = NULL;
		all = heap_meld(all, done);
		done = next;
	}
	return all;
}

static void
heap_remove(struct timer_heap *q, struct timer *t)
{
	struct timer *sub;

	if (t == q->tq_root) {
		q->tq_root = heap_merge_pairs(t->tm_child);
		if (q->tq_root != NULL)
			q->tq_root->tm_prev = NULL;
	} else {
		if (t->tm_prev->tm_child == t)
			t->tm_prev->tm_child = t->tm_next;
		else
			t->tm_prev->tm_next = t->tm_next;
		if (t->tm_next != NULL)
			t->tm_next->tm_prev = t->tm_prev;
		sub = heap_merge_pairs(t->tm_child);
		q->tq_root = heap_meld(q->tq_root, sub);
		if (q->tq_root != NULL)
			q->tq_root->tm_prev = NULL;
	}
	t->tm_child = t->tm_next = t->tm_prev = NULL;
	/* last: who sees it in timer_cancel may free the timer */
	__atomic_store_n(&t->tm_cpu, NULL, __ATOMIC_RELEASE);
}

void
timer_cpu_init(struct cpu *c)
{
	struct timer_heap *q = &boot_heap;

	if (c != cpu_self()) {
		q = kzalloc(sizeof *q);
		if (q == NULL)
			panic("no memory for the timers of cpu %u", c->cp_id);
	}
	spin_lock_init(&q->tq_lock, &timer_class);
	c->cp_timer_queue = q;
}

void
timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
	t->tm_deadline = 0;
	t->tm_fn = fn;
	t->tm_arg = arg;
	t->tm_cpu = NULL;
	t->tm_child = t->tm_next = t->tm_prev = NULL;
}

void
timer_set(struct timer *t, uint64_t deadline)
{
	unsigned long flags = interrupts_disable();
	struct cpu *c = cpu_self();
	struct timer_heap *q = heap_of(c);

	timer_cancel(t);
	spin_lock(&q->tq_lock);
	t->tm_deadline = deadline;
	__atomic_store_n(&t->tm_cpu, c, __ATOMIC_RELEASE);
	q->tq_root = heap_meld(q->tq_root, t);
	if (q->tq_root == t)
		timer_hw_set(deadline);
	spin_unlock(&q->tq_lock);
	interrupts_restore(flags);
}

bool
timer_cancel(struct timer *t)
{
	struct cpu *c;

	while ((c = __atomic_load_n(&t->tm_cpu, __ATOMIC_ACQUIRE)) != NULL) {
		struct timer_heap *q = heap_of(c);
		unsigned long flags = spin_lock_irq(&q->tq_lock);
		bool here = t->tm_cpu == c;

		if (here)
			heap_remove(q, t);
		spin_unlock_irq(&q->tq_lock, flags);
		if (here)
			return true;
	}
	return false;
}

void
timer_drain(struct timer *t)
{
	timer_cancel(t);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct timer_heap *q = heap_of(cpu_get(i));

		if (q == NULL || cpu_get(i) == cpu_self())
			continue;
		while (__atomic_load_n(&q->tq_running, __ATOMIC_ACQUIRE) == t)
			cpu_pause();
	}
}

void
timer_interrupt(void)
{
	struct timer_heap *q = heap_of(cpu_self());
	uint64_t now = clock_uptime_ns();

	spin_lock(&q->tq_lock);
	for (;;) {
		struct timer *t = q->tq_root;

		if (t == NULL)
			break;
		if (t->tm_deadline > now) {
			now = clock_uptime_ns();
			if (t->tm_deadline > now) {
				timer_hw_set(t->tm_deadline);
				break;
			}
		}
		heap_remove(q, t);
		__atomic_store_n(&q->tq_running, t, __ATOMIC_RELEASE);
		spin_unlock(&q->tq_lock);
		t->tm_fn(t->tm_arg);
		__atomic_store_n(&q->tq_running, NULL, __ATOMIC_RELEASE);
		spin_lock(&q->tq_lock);
	}
	spin_unlock(&q->tq_lock);
}

/* --- clocks --- */

void
clock_init(void)
{
	clock_base = rtc_wall_ns() - timer_hw_now();
}

uint64_t
clock_uptime_ns(void)
{
	return timer_hw_now();
}

/* a slew runs at 5 parts in 1,000; clock lock held */
static void
clock_slew(uint64_t now)
{
	int64_t most = (int64_t)((now - clock_slew_stamp) / 200), part = clock_slew_left;

	clock_slew_stamp = now;
	if (part > most)
		part = most;
	else if (part < -most)
		part = -most;
	clock_slew_left -= part;
	clock_base += (uint64_t)part;
}

uint64_t
clock_wall_ns(void)
{
	uint64_t now = clock_uptime_ns();

	if (clock_slew_left != 0) {
		unsigned long flags = spin_lock_irq(&clock_lock);

		clock_slew(now);
		spin_unlock_irq(&clock_lock, flags);
	}
	return __atomic_load_n(&clock_base, __ATOMIC_RELAXED) + now;
}

void
clock_set_wall(uint64_t ns)
{
	unsigned long flags = spin_lock_irq(&clock_lock);

	clock_slew_left = 0;
	__atomic_store_n(&clock_base, ns - clock_uptime_ns(), __ATOMIC_RELAXED);
	spin_unlock_irq(&clock_lock, flags);
}

int64_t
clock_adjust(int64_t ns)
{
	unsigned long flags = spin_lock_irq(&clock_lock);
	uint64_t now = clock_uptime_ns();
	int64_t left;

	clock_slew(now);
	left = clock_slew_left;
	clock_slew_left = ns;
	spin_unlock_irq(&clock_lock, flags);
	return left;
}
