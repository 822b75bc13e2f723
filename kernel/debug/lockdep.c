/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run-time checks of the lock rules (debug builds): order by rank, interrupt safety, sleeping while spinning, spinning too long;
 * and by class and place: how often taken, how often contended, longest hold.
 *
 * Spin locks held are kept per CPU (a holder can not move), sleep locks per thread.
 */
#include <debug/kdb.h>
#include <debug/lockdep.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <machine/cpu.h>

#ifdef DEBUG

#define SPIN_MAX	24
#define PLACES		1024

struct spin_held {
	const struct spinlock *sh_lock;
	uintptr_t	 sh_pc;
	uint64_t	 sh_since;
};

struct lockdep_cpu {
	struct spin_held lc_held[SPIN_MAX];
	uint32_t	 lc_count;
	bool		 lc_off;	/* reporting: no more checks */
};

/* statistics by place of acquisition; races lose a count now and then */
static struct lock_place {
	uintptr_t	 lp_pc;
	const struct lock_class *lp_class;
	uint64_t	 lp_taken;
	uint64_t	 lp_contended;
	uint64_t	 lp_spins;
	uint64_t	 lp_longest_ns;
} places[PLACES];

static struct lockdep_cpu boot_lockdep;

void
lockdep_cpu_init(struct cpu *c)
{
	c->cp_lockdep = c == cpu_self() ? &boot_lockdep : kzalloc(sizeof(struct lockdep_cpu));
}

static struct lock_place *
place_of(uintptr_t pc, const struct lock_class *class)
{
	for (unsigned i = 0; i < 8; i++) {
		struct lock_place *p = &places[((pc >> 2) + i) % PLACES];

		if (p->lp_pc == 0) {
			p->lp_pc = pc;
			p->lp_class = class;
		}
		if (p->lp_pc == pc)
			return p;
	}
	return NULL;
}

static void
note_hold(uintptr_t pc, const struct lock_class *class, uint64_t ns)
{
	struct lock_place *p = place_of(pc, class);

	if (p == NULL)
		return;
	p->lp_taken++;
	if (ns > p->lp_longest_ns)
		p->lp_longest_ns = ns;
}

static void
print_pc(const char *what, uintptr_t pc)
{
	uint64_t off;
	const char *name = kdb_symbol(pc, &off);

	kprintf("  %s %lx %s+%#lx\n", what, pc, name != NULL ? name : "?", name != NULL ? off : 0);
}

static void __attribute__((noreturn))
lockdep_fail(struct lockdep_cpu *lc, const char *why, const struct lock_class *class, const void *lock,
    uintptr_t pc)
{
	struct thread *t = current_thread();

	lc->lc_off = true;
	kprintf("\nlockdep: %s: \"%s\" %p rank %d\n", why, class != NULL ? class->lc_name : "-", lock,
	    class != NULL ? class->lc_rank : 0);
	print_pc("at", pc);
	for (uint32_t i = 0; i < lc->lc_count; i++) {
		kprintf(" holds spin \"%s\" %p rank %d\n", lc->lc_held[i].sh_lock->sl_class->lc_name,
		    (const void *)lc->lc_held[i].sh_lock, lc->lc_held[i].sh_lock->sl_class->lc_rank);
		print_pc("taken at", lc->lc_held[i].sh_pc);
	}
	for (uint32_t i = 0; t != NULL && i < t->th_held_count; i++) {
		kprintf(" holds sleep \"%s\" %p rank %d\n", t->th_held[i].lh_class->lc_name,
		    t->th_held[i].lh_lock, t->th_held[i].lh_class->lc_rank);
		print_pc("taken at", t->th_held[i].lh_pc);
	}
	panic("lockdep: %s", why);
}

/* may a lock be taken while one of class `held` is? */
static bool
order_ok(const struct lock_class *held, const void *held_lock, const struct lock_class *class, const void *lock)
{
	if (class->lc_rank > held->lc_rank)
		return true;
	if (class->lc_rank < held->lc_rank)
		return false;
	if (class->lc_flags & held->lc_flags & LOCK_CLASS_NESTED)
		return true;
	return (class->lc_flags & LOCK_CLASS_MULTIPLE) && lock > held_lock;
}

static struct lockdep_cpu *
lockdep_self(void)
{
	struct lockdep_cpu *lc = cpu_self()->cp_lockdep;

	return lc == NULL || lc->lc_off ? NULL : lc;
}

/* => pre-emption off */
void
lockdep_before_spin(const struct spinlock *l, uintptr_t pc)
{
	struct lockdep_cpu *lc = lockdep_self();
	const struct lock_class *class = l->sl_class;
	struct thread *t = current_thread();

	if (lc == NULL)
		return;
	if (class == NULL)
		lockdep_fail(lc, "lock not initialised", class, l, pc);
	if ((class->lc_flags & LOCK_CLASS_IRQ) && interrupts_enabled())
		lockdep_fail(lc, "interrupt lock taken with interrupts on", class, l, pc);
	if (!(class->lc_flags & LOCK_CLASS_IRQ) && cpu_self()->cp_interrupt_depth > 0)
		lockdep_fail(lc, "lock not safe in an interrupt", class, l, pc);
	for (uint32_t i = 0; i < lc->lc_count; i++) {
		const struct spinlock *h = lc->lc_held[i].sh_lock;

		if (h == l)
			lockdep_fail(lc, "lock held already", class, l, pc);
		if (!order_ok(h->sl_class, h, class, l))
			lockdep_fail(lc, "lock order", class, l, pc);
	}
	for (uint32_t i = 0; t != NULL && cpu_self()->cp_interrupt_depth == 0 && i < t->th_held_count; i++)
		if (t->th_held[i].lh_class->lc_rank >= class->lc_rank)
			lockdep_fail(lc, "spin lock ranks before a sleep lock held", class, l, pc);
}

void
lockdep_after_spin(struct spinlock *l, uintptr_t pc)
{
	struct lockdep_cpu *lc = lockdep_self();
	unsigned long flags;

	l->sl_pc = pc;
	if (lc == NULL)
		return;
	flags = interrupts_disable();
	if (lc->lc_count == SPIN_MAX)
		lockdep_fail(lc, "too many spin locks", l->sl_class, l, pc);
	lc->lc_held[lc->lc_count].sh_lock = l;
	lc->lc_held[lc->lc_count].sh_pc = pc;
	lc->lc_held[lc->lc_count].sh_since = clock_uptime_ns();
	lc->lc_count++;
	interrupts_restore(flags);
}

void
lockdep_unlock_spin(struct spinlock *l)
{
	struct lockdep_cpu *lc = lockdep_self();
	unsigned long flags;
	uint64_t ns;
	uint32_t i;

	if (lc == NULL)
		return;
	flags = interrupts_disable();
	for (i = lc->lc_count; i > 0 && lc->lc_held[i - 1].sh_lock != l; i--)
		;
	if (i == 0)
		lockdep_fail(lc, "spin lock released but not held by this CPU", l->sl_class, l,
		    (uintptr_t)__builtin_return_address(0));
	ns = clock_uptime_ns() - lc->lc_held[i - 1].sh_since;
	note_hold(lc->lc_held[i - 1].sh_pc, l->sl_class, ns);
	for (; i < lc->lc_count; i++)
		lc->lc_held[i - 1] = lc->lc_held[i];
	lc->lc_count--;
	interrupts_restore(flags);
}

void
lockdep_contended(const struct spinlock *l, uintptr_t pc, uint32_t spins)
{
	struct lock_place *p = place_of(pc, l->sl_class);

	if (p != NULL) {
		p->lp_contended++;
		p->lp_spins += spins;
	}
}

void
lockdep_spin_report(const struct spinlock *l, uintptr_t pc)
{
	uint32_t owner = l->sl_word;
	struct lockdep_cpu *lc = lockdep_self();

	kprintf("\nspinning long: cpu %u thread %p waits for \"%s\" %p, held by cpu %d\n", cpu_self()->cp_id,
	    (void *)current_thread(), l->sl_class->lc_name, (const void *)l, (int)owner - 1);
	print_pc("waits at", pc);
	print_pc("taken at", l->sl_pc);
	if (lc != NULL)
		lc->lc_off = true;
	panic("spin lock held too long");
}

/* --- sleep locks --- */

/* with interrupts off: the thread must not go to another CPU between finding this one's list and reading it */
void
lockdep_may_sleep(const char *what)
{
	unsigned long flags = interrupts_disable();
	struct lockdep_cpu *lc = lockdep_self();

	if (lc != NULL && lc->lc_count > 0)
		lockdep_fail(lc, what, lc->lc_held[0].sh_lock->sl_class, lc->lc_held[0].sh_lock,
		    (uintptr_t)__builtin_return_address(0));
	if (lc != NULL && (cpu_self()->cp_preempt_off != 0 || cpu_self()->cp_interrupt_depth != 0))
		lockdep_fail(lc, what, NULL, NULL, (uintptr_t)__builtin_return_address(0));
	interrupts_restore(flags);
}

void
lockdep_before_sleep(const void *lock, const struct lock_class *class, uintptr_t pc)
{
	struct lockdep_cpu *lc = lockdep_self();
	struct thread *t = current_thread();

	if (lc == NULL)
		return;
	lockdep_may_sleep("sleep lock taken while spinning");
	for (uint32_t i = 0; i < t->th_held_count; i++) {
		if (t->th_held[i].lh_lock == lock)
			lockdep_fail(lc, "sleep lock held already", class, lock, pc);
		if (!order_ok(t->th_held[i].lh_class, t->th_held[i].lh_lock, class, lock))
			lockdep_fail(lc, "sleep lock order", class, lock, pc);
	}
}

void
lockdep_after_sleep(const void *lock, const struct lock_class *class, uintptr_t pc)
{
	struct thread *t = current_thread();

	if (t->th_held_count == LOCKDEP_SLEEP_MAX)
		panic("lockdep: too many sleep locks");
	t->th_held[t->th_held_count++] = (struct lockdep_held){ lock, class, pc, clock_uptime_ns() };
}

void
lockdep_unlock_sleep(const void *lock)
{
	struct thread *t = current_thread();
	uint32_t i;

	for (i = t->th_held_count; i > 0 && t->th_held[i - 1].lh_lock != lock; i--)
		;
	if (i == 0)
		panic("lockdep: sleep lock %p released but not held", lock);
	note_hold(t->th_held[i - 1].lh_pc, t->th_held[i - 1].lh_class, clock_uptime_ns() - t->th_held[i - 1].lh_since);
	for (; i < t->th_held_count; i++)
		t->th_held[i - 1] = t->th_held[i];
	t->th_held_count--;
}

void
lockdep_contended_sleep(const struct lock_class *class, uintptr_t pc)
{
	struct lock_place *p = place_of(pc, class);

	if (p != NULL)
		p->lp_contended++;
}

void
lockdep_holds_nothing(const char *what)
{
	struct lockdep_cpu *lc = lockdep_self();
	struct thread *t = current_thread();

	if (lc == NULL)
		return;
	lockdep_may_sleep(what);
	if (t->th_held_count > 0)
		lockdep_fail(lc, what, t->th_held[0].lh_class, t->th_held[0].lh_lock, t->th_held[0].lh_pc);
}

/* One line for each place that was ever waited at, or held long; what reads them adds them up by class */
void
lockdep_say(uint64_t longer_than_ns)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct lock_place *p = &places[i];
		uint64_t off;
		const char *name;

		if (p->lp_pc == 0 || (p->lp_contended == 0 && p->lp_longest_ns < longer_than_ns))
			continue;
		name = kdb_symbol(p->lp_pc, &off);
		kprintf("LOCK %lu taken %lu contended %lu spins %lu ns %s+%#lx %s\n", p->lp_taken, p->lp_contended, p->lp_spins,
		    p->lp_longest_ns, name != NULL ? name : "?", name != NULL ? off : 0, p->lp_class->lc_name);
	}
}

static void
show_locks(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	lockdep_say(20000);
}
KDB_COMMAND(locks, "show lock", "contention and longest hold, by place", show_locks);

#endif
