/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Simulated processors: CPU 0 is the thread that called sim_boot, every other one a thread of its own.
 * STATES  A CPU runs what its kernel switches to. Interrupts are bits in sc_pending, taken by sim_poll when they are enabled.
 *         Idle: with one CPU time jumps to the next timer; with more the host thread sleeps until a bit or the time comes.
 * LOCKS   call_lock: one cross-CPU call at a time; who waits with interrupts off answers calls itself.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/startup.h>
#include <kern/thread.h>
#include <machine/pte.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include "machine.h"
#include "stacks.h"

struct cpu_features cpu_features = { .nx = true, .fxsr = true, .xsave_size = 576, .name = "host process" };
uint32_t cpu_count = 1, plat_cpu_count = 1;
struct cpu **cpu_table;
struct sim_cpu sim_boot_cpu;
static struct cpu *boot_cpu_table[1] = { &sim_boot_cpu.sc_cpu };

struct call {
	void	(*fn)(void *);
	void	*arg;
	uint32_t waiting;		/* (a) */
};
static uint32_t call_lock;		/* (a) */
static struct call *call_current;	/* (a) */
static uint64_t virtual_time = 1000000;

struct cpu *cpu_get(uint32_t id)
{
	if (cpu_table == NULL)
		cpu_table = boot_cpu_table;
	return id < cpu_count ? cpu_table[id] : NULL;
}

static struct sim_cpu *sim_cpu_of(struct cpu *c) { return (struct sim_cpu *)(void *)c; }

void sim_cpu_here(struct sim_cpu *sc)
{
	sc->sc_cpu.cp_self = &sc->sc_cpu;
	sc->sc_host_fiber = sim_fiber_current();
	syscall(SYS_arch_prctl, ARCH_SET_GS, sc);
}

/* --- time --- */

static bool time_is_virtual(void) { return plat_cpu_count == 1; }

uint64_t timer_hw_now(void)
{
	struct sim_cpu *sc;
	struct timespec ts;

	if (!time_is_virtual()) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	}
	virtual_time += 50;
	sc = sim_cpu_self();
	if (sc->sc_deadline != 0 && virtual_time >= sc->sc_deadline)
		__atomic_or_fetch(&sc->sc_pending, SIM_PENDING_TIMER, __ATOMIC_RELAXED);
	return virtual_time;
}

uint64_t cpu_ticks_to_ns(uint64_t ticks) { return ticks; }
uint64_t rtc_wall_ns(void) { return 1700000000000000000ull; }

void timer_hw_set(uint64_t deadline)
{
	sim_cpu_self()->sc_deadline = deadline;
}

/* --- interrupts --- */

static void take_call(void)
{
	struct call *c = __atomic_load_n(&call_current, __ATOMIC_ACQUIRE);

	c->fn(c->arg);
	__atomic_sub_fetch(&c->waiting, 1, __ATOMIC_RELEASE);
}

/* real time: nobody else notices that a timer is due */
void sim_tick(void)
{
	struct sim_cpu *sc = sim_cpu_self();

	if (!time_is_virtual() && sc->sc_deadline != 0 && timer_hw_now() >= sc->sc_deadline)
		__atomic_or_fetch(&sc->sc_pending, SIM_PENDING_TIMER, __ATOMIC_RELAXED);
	if (__atomic_load_n(&sc->sc_pending, __ATOMIC_RELAXED) != 0 && interrupts_enabled())
		sim_poll();
}

static void take_pending(struct sim_cpu *sc)
{
	uint32_t pending = __atomic_exchange_n(&sc->sc_pending, 0, __ATOMIC_ACQ_REL);

	sc->sc_cpu.cp_interrupt_depth++;
	if (pending & SIM_PENDING_CALL)
		take_call();
	if ((pending & SIM_PENDING_TIMER) && sc->sc_deadline != 0) {
		sc->sc_deadline = 0;
		timer_interrupt();
	}
	sc->sc_cpu.cp_interrupt_depth--;
}

void sim_poll(void)
{
	struct sim_cpu *sc = sim_cpu_self();
	struct cpu *cpu = &sc->sc_cpu;

	sc->sc_enabled = 0;
	take_pending(sc);
	if (cpu->cp_need_resched && cpu->cp_preempt_off == 0 && cpu->cp_interrupt_depth == 0 &&
	    cpu->cp_thread != NULL && cpu->cp_thread != cpu->cp_idle_thread)
		sched_preempt();
	sim_cpu_self()->sc_enabled = 1;
}

/* the other simulated processors may need the host's to let go of what this one spins for */
void sim_pause(void)
{
	struct sim_cpu *sc = sim_cpu_self();

	if (sc->sc_enabled)
		sim_tick();
	if (!time_is_virtual())
		sched_yield();
}

void smp_poll(void)
{
	struct sim_cpu *sc = sim_cpu_self();

	if (!sc->sc_enabled &&
	    (__atomic_fetch_and(&sc->sc_pending, ~SIM_PENDING_CALL, __ATOMIC_ACQ_REL) & SIM_PENDING_CALL))
		take_call();
	cpu_pause();
}

static void interrupt_send(struct cpu *cpu, uint32_t bits)
{
	struct sim_cpu *sc = sim_cpu_of(cpu);

	if (__atomic_fetch_or(&sc->sc_pending, bits, __ATOMIC_ACQ_REL) == 0)
		syscall(SYS_futex, &sc->sc_pending, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void cpu_kick(struct cpu *cpu)
{
	if (cpu != cpu_self())
		interrupt_send(cpu, SIM_PENDING_KICK);
}

static void call_on(void (*fn)(void *), void *arg, struct cpu *only)
{
	struct call c = { fn, arg, 0 };
	struct cpu *self;
	unsigned long flags;

	preempt_disable();
	self = cpu_self();
	while (__atomic_exchange_n(&call_lock, 1, __ATOMIC_ACQUIRE))
		smp_poll();
	__atomic_store_n(&call_current, &c, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpu_get(i);

		if (cpu == self || !__atomic_load_n(&cpu->cp_online, __ATOMIC_ACQUIRE) || (only != NULL && cpu != only))
			continue;
		__atomic_add_fetch(&c.waiting, 1, __ATOMIC_RELAXED);
		interrupt_send(cpu, SIM_PENDING_CALL);
	}
	if (only == NULL || only == self) {
		flags = interrupts_disable();
		fn(arg);
		interrupts_restore(flags);
	}
	while (__atomic_load_n(&c.waiting, __ATOMIC_ACQUIRE) != 0)
		smp_poll();
	__atomic_store_n(&call_lock, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

void cpu_call_all(void (*fn)(void *), void *arg) { call_on(fn, arg, NULL); }
void cpu_call_one(struct cpu *cpu, void (*fn)(void *), void *arg) { call_on(fn, arg, cpu); }

static void wait_for_host(struct sim_cpu *sc)
{
	struct timespec ts, *timeout = NULL;
	uint64_t now = timer_hw_now();

	if (sc->sc_deadline != 0) {
		uint64_t left = sc->sc_deadline > now ? sc->sc_deadline - now : 0;

		ts.tv_sec = (time_t)(left / 1000000000u);
		ts.tv_nsec = (long)(left % 1000000000u);
		timeout = &ts;
	}
	syscall(SYS_futex, &sc->sc_pending, FUTEX_WAIT_PRIVATE, 0, timeout, NULL, 0);
	sim_tick();
}

void cpu_idle_wait(void)
{
	struct sim_cpu *sc = sim_cpu_self();

	if (sc->sc_cpu.cp_need_resched || __atomic_load_n(&sc->sc_pending, __ATOMIC_ACQUIRE) != 0) {
		/* nothing to wait for */
	} else if (!time_is_virtual()) {
		wait_for_host(sc);
	} else if (sc->sc_deadline != 0) {
		if (virtual_time < sc->sc_deadline)
			virtual_time = sc->sc_deadline;
		sc->sc_pending |= SIM_PENDING_TIMER;
	} else {
		panic("every thread waits, and for nothing that will come");
	}
	interrupts_enable();
}

/* --- user translations: nobody may use an old one when tlb_flush returns --- */

void sim_access_begin(void)
{
	__atomic_add_fetch(&sim_cpu_self()->sc_access, 1, __ATOMIC_SEQ_CST);
}

void sim_access_end(void)
{
	__atomic_add_fetch(&sim_cpu_self()->sc_access, 1, __ATOMIC_RELEASE);
}

void tlb_batch_add(struct tlb_batch *tb, uint64_t va)
{
	(void)va;
	tb->tb_count++;
}

void tlb_flush(struct tlb_batch *tb)
{
	if (tb->tb_count == 0)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < cpu_count && cpu_count > 1; i++) {
		struct sim_cpu *sc = sim_cpu_of(cpu_get(i));
		uint32_t seen = __atomic_load_n(&sc->sc_access, __ATOMIC_SEQ_CST);

		if (sc == sim_cpu_self() || !(seen & 1))
			continue;
		while (__atomic_load_n(&sc->sc_access, __ATOMIC_ACQUIRE) == seen)
			sched_yield();
	}
}

bool tlb_is_remote(const struct pmap *pm)
{
	(void)pm;
	return false;
}

void pmap_switch(struct cpu *cpu, struct pmap *pm)
{
	cpu->cp_pmap = pm;
}

/* --- starting --- */

static void cpu_begin(void *thread)
{
	struct cpu *cpu = cpu_self();

	(void)thread;
	__atomic_store_n(&cpu->cp_online, true, __ATOMIC_RELEASE);
	kernel_ap_main();
}

static void *cpu_thread(void *arg)
{
	struct sim_cpu *sc = arg;
	struct thread *idle = sc->sc_cpu.cp_idle_thread;

	sim_cpu_here(sc);
	sim_thread_prepare(idle, cpu_begin);
	sc->sc_cpu.cp_thread = idle;
	sim_switch_to(sim_thread_stack(idle), &sc->sc_host_sp, (void *)idle->th_machine.mt_kernel_rsp, NULL);
	return NULL;
}

void cpus_start(void)
{
	struct cpu **table = calloc(plat_cpu_count, sizeof *table);
	pthread_t thread;

	table[0] = &sim_boot_cpu.sc_cpu;
	cpu_table = table;
	for (uint32_t i = 1; i < plat_cpu_count; i++) {
		struct sim_cpu *sc = calloc(1, sizeof *sc);

		sc->sc_cpu.cp_id = sc->sc_cpu.cp_apic_id = i;
		sc->sc_cpu.cp_self = &sc->sc_cpu;
		table[i] = &sc->sc_cpu;
		if (kernel_cpu_init(table[i]) != KERN_SUCCESS)
			panic("no memory for CPU %u", i);
		sc->sc_cpu.cp_kernel_rsp = (uint64_t)sc->sc_cpu.cp_idle_thread->th_stack + KERNEL_STACK_SIZE;
	}
	__atomic_store_n(&cpu_count, plat_cpu_count, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < plat_cpu_count; i++)
		pthread_create(&thread, NULL, cpu_thread, table[i]);
}

void cpu_stop_others(void) { }
void cpu_resume_others(void) { }
void cpu_backtrace_others(void) { }
