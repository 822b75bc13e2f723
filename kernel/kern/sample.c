/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sampling of program counters.
 *
 * OBJECT  A sampler belongs to a task or a thread: a ring of the last samples, numbered from 1. There is no periodic tick, so
 *         while somebody samples by time, and only then, every processor has a timer for it.
 * REFS    the owner's pointer is the only one; freed when sampling is disabled or with the owner.
 * LOCKS   one (spin, interrupt) for all samplers and the pointers to them: sampling is rare.
 * RIGHTS  nothing but the request's own.
 * TESTS   tests/boot/sample.c
 */
#include <kern/mig_kernel.h>
#include <kern/sample.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <mach/mach4.server.h>
#include <machine/cpu.h>

#define KNOWN_EVENTS	(SAMPLED_PC_PERIODIC | SAMPLED_PC_VM_FAULTS)

struct sampler {
	sampled_pc_flavor_t sa_events;
	sampled_pc_seqno_t sa_seqno;		/* of the last sample */
	sampled_pc_t	 sa_ring[MAX_PC_SAMPLES];
};

static const struct lock_class sample_class = { "pc samples", LOCK_RANK_RUNQ, LOCK_CLASS_IRQ };
static struct spinlock sample_lock = SPIN_LOCK_INITIALIZER(&sample_class);
uint32_t samplers;
static uint32_t periodic;		/* those of them that want every tick; sample lock */

/* => sample lock held */
static void
note(struct sampler *s, const struct thread *t, sampled_pc_flavor_t events)
{
	sampled_pc_t *sample;

	if (s == NULL || (s->sa_events & events) == 0)
		return;
	sample = &s->sa_ring[s->sa_seqno++ % MAX_PC_SAMPLES];
	sample->id = (rpc_vm_offset_t)(uintptr_t)t;
	sample->pc = machine_user_pc(&t->th_machine);
	sample->sampletype = s->sa_events & events;
}

void
pc_sample_slow(sampled_pc_flavor_t events)
{
	struct thread *t = current_thread();
	unsigned long flags = spin_lock_irq(&sample_lock);

	note(t->th_sampler, t, events);
	note(t->th_task->tk_sampler, t, events);
	spin_unlock_irq(&sample_lock, flags);
}

static void
tick(void *arg)
{
	struct cpu_sched *s = arg;

	if (__atomic_load_n(&periodic, __ATOMIC_RELAXED) == 0)
		return;
	if (!(current_thread()->th_state & TH_IDLE))
		pc_sample_slow(SAMPLED_PC_PERIODIC);
	timer_set(&s->cs_sample, clock_uptime_ns() + TICK_NS);
}

void
sample_cpu_init(struct cpu_sched *s)
{
	timer_init(&s->cs_sample, tick, s);
}

static void
start_ticks(void *arg)
{
	(void)arg;
	timer_set(&cpu_self()->cp_sched->cs_sample, clock_uptime_ns() + TICK_NS);
}

/* => sample lock held */
static void
count_sampler(sampled_pc_flavor_t events, uint32_t n)
{
	samplers += n;
	if (events & SAMPLED_PC_PERIODIC)
		periodic += n;
}

void
sampler_free(struct sampler *s)
{
	unsigned long flags;

	if (s == NULL)
		return;
	flags = spin_lock_irq(&sample_lock);
	count_sampler(s->sa_events, -1u);
	spin_unlock_irq(&sample_lock, flags);
	kfree(s, sizeof *s);
}

/* a second time only the events change */
static kern_return_t
enable(struct sampler **slot, int *tick_us, sampled_pc_flavor_t events)
{
	struct sampler *new, *unused = NULL;
	unsigned long flags;

	if (events == 0 || (events & ~(sampled_pc_flavor_t)KNOWN_EVENTS))
		return KERN_INVALID_ARGUMENT;
	new = kalloc(sizeof *new);
	if (new == NULL)
		return KERN_RESOURCE_SHORTAGE;
	new->sa_seqno = 0;
	flags = spin_lock_irq(&sample_lock);
	if (*slot != NULL) {
		unused = new;
		count_sampler((*slot)->sa_events, -1u);
	} else
		*slot = new;
	(*slot)->sa_events = events;
	count_sampler(events, 1);
	spin_unlock_irq(&sample_lock, flags);
	if (unused != NULL)
		kfree(unused, sizeof *unused);
	if (events & SAMPLED_PC_PERIODIC)
		cpu_call_all(start_ticks, NULL);
	*tick_us = TICK_NS / 1000;
	return KERN_SUCCESS;
}

static kern_return_t
disable(struct sampler **slot, int *count)
{
	unsigned long flags = spin_lock_irq(&sample_lock);
	struct sampler *s = *slot;

	*slot = NULL;
	spin_unlock_irq(&sample_lock, flags);
	if (s == NULL)
		return KERN_FAILURE;
	*count = (int)s->sa_seqno;
	sampler_free(s);
	return KERN_SUCCESS;
}

/* those after the given number that are still there */
static kern_return_t
get(struct sampler **slot, sampled_pc_seqno_t *seqno, sampled_pc_array_t out, mach_msg_type_number_t *count)
{
	unsigned long flags = spin_lock_irq(&sample_lock);
	const struct sampler *s = *slot;
	uint32_t n;

	if (s == NULL) {
		spin_unlock_irq(&sample_lock, flags);
		return KERN_FAILURE;
	}
	n = s->sa_seqno - *seqno;
	if (*seqno > s->sa_seqno)
		n = 0;
	else if (n > MAX_PC_SAMPLES)
		n = MAX_PC_SAMPLES;
	for (uint32_t i = 0; i < n; i++)
		out[i] = s->sa_ring[(s->sa_seqno - n + i) % MAX_PC_SAMPLES];
	*seqno = s->sa_seqno;
	*count = n;
	spin_unlock_irq(&sample_lock, flags);
	return KERN_SUCCESS;
}

kern_return_t
task_enable_pc_sampling(task_t task, int *tick_us, sampled_pc_flavor_t events)
{
	return task == NULL ? KERN_INVALID_ARGUMENT : enable(&task->tk_sampler, tick_us, events);
}

kern_return_t
task_disable_pc_sampling(task_t task, int *count)
{
	return task == NULL ? KERN_INVALID_ARGUMENT : disable(&task->tk_sampler, count);
}

kern_return_t
task_get_sampled_pcs(task_t task, sampled_pc_seqno_t *seqno, sampled_pc_array_t out, mach_msg_type_number_t *count)
{
	return task == NULL ? KERN_INVALID_ARGUMENT : get(&task->tk_sampler, seqno, out, count);
}

kern_return_t
thread_enable_pc_sampling(thread_t t, int *tick_us, sampled_pc_flavor_t events)
{
	return t == NULL ? KERN_INVALID_ARGUMENT : enable(&t->th_sampler, tick_us, events);
}

kern_return_t
thread_disable_pc_sampling(thread_t t, int *count)
{
	return t == NULL ? KERN_INVALID_ARGUMENT : disable(&t->th_sampler, count);
}

kern_return_t
thread_get_sampled_pcs(thread_t t, sampled_pc_seqno_t *seqno, sampled_pc_array_t out, mach_msg_type_number_t *count)
{
	return t == NULL ? KERN_INVALID_ARGUMENT : get(&t->th_sampler, seqno, out, count);
}
