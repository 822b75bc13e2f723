/* SPDX-License-Identifier: BSD-2-Clause */
/* Debugger commands about tasks, threads, run queues, counters. No locks: the other CPUs stand still. */
#include <debug/counters.h>
#include <debug/kdb.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/sched.h>
#include <kern/slab_info.h>
#include <kern/task.h>
#include <kern/task_list.h>
#include <kern/thread.h>
#include <machine/cpu.h>

static void
print_state(uint32_t s)
{
	static const char letters[] = "RWSUHIDC";

	for (int i = 0; letters[i] != '\0'; i++)
		if (s >> i & 1)
			kprintf("%c", letters[i]);
}

static void
print_thread(const struct thread *t)
{
	uint64_t off;
	const char *name = t->th_continuation != NULL ? kdb_symbol((uintptr_t)t->th_continuation, &off) : NULL;

	kprintf("  thread %p \"%s\" ", (const void *)t, t->th_name);
	print_state(t->th_state);
	kprintf(" pri %d/%d ast %x hold %d cpu %d event %p %s%s user %lu ms\n", t->th_pri, t->th_base_pri, t->th_ast,
	    t->th_hold_count, t->th_last_cpu != NULL ? (int)t->th_last_cpu->cp_id : -1, t->th_wait_event,
	    t->th_stack != NULL ? "stack" : "at ", t->th_stack != NULL ? "" : name != NULL ? name : "?",
	    (t->th_user_ns + t->th_system_ns + cpu_ticks_to_ns(t->th_ticks)) / 1000000);
}

static void
print_task(const struct task *t, bool threads)
{
	struct queue *q;

	kprintf("task %p \"%s\" %s refs %u threads %d suspend %d map %p space %p\n", (const void *)t, t->tk_name,
	    t->tk_active ? "" : "dying", t->tk_refs, t->tk_thread_count, t->tk_suspend_count, (void *)t->tk_map,
	    (void *)t->tk_space);
	if (threads)
		queue_for_each(q, &t->tk_threads)
			print_thread(queue_entry(q, struct thread, th_task_link));
}

static void
show_task(int argc, char **argv)
{
	struct queue *q;
	uint64_t v;

	if (argc > 0 && kdb_parse(argv[0], &v)) {
		print_task((struct task *)v, true);
		return;
	}
	queue_for_each(q, &task_list)
		print_task(queue_entry(q, struct task, tk_link), false);
}
KDB_COMMAND(show_task, "show task", "[task]: one with its threads, or all", show_task);

static void
show_threads(int argc, char **argv)
{
	struct queue *q;

	(void)argc;
	(void)argv;
	queue_for_each(q, &task_list)
		print_task(queue_entry(q, struct task, tk_link), true);
}
KDB_COMMAND(show_threads, "show threads", "every thread of every task", show_threads);

static void
show_runq(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *c = cpu_get(i);
		struct cpu_sched *s = c->cp_sched;

		if (s == NULL)
			continue;
		kprintf("cpu %u: thread %p \"%s\" pri %d%s, %u queued, %lu switches\n", i,
		    (void *)c->cp_thread, c->cp_thread != NULL ? c->cp_thread->th_name : "", s->cs_cur_pri,
		    c->cp_idle ? " idle" : "", s->cs_runq->rq_count, s->cs_switches);
		for (int p = 0; p < PRI_QUEUES; p++) {
			struct queue *q;

			queue_for_each(q, &s->cs_runq->rq_queues[p])
				print_thread(queue_entry(q, struct thread, th_run_link));
		}
	}
}
KDB_COMMAND(show_runq, "show runq", "run queue of each CPU", show_runq);

static void
show_pset(int argc, char **argv)
{
	struct queue *q;

	(void)argc;
	(void)argv;
	queue_for_each(q, &pset_list) {
		const struct processor_set *p = queue_entry(q, struct processor_set, ps_link);

		kprintf("%sset %p: %u processors, %u tasks, %u threads, %u wait, load %u mach factor %u\n",
		    p == &default_pset ? "default " : "", (const void *)p, p->ps_processor_count, p->ps_task_count,
		    p->ps_thread_count, p->ps_runq.rq_count, p->ps_load_average, p->ps_mach_factor);
	}
}
KDB_COMMAND(show_pset, "show processor_set", "processor sets", show_pset);

static void
show_counters(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (int i = 0; i < COUNT_KINDS; i++)
		kprintf("%-16s %ld\n", counter_names[i], counter_read((enum counter)i));
}
KDB_COMMAND(show_counters, "show counters", "conservation counters", show_counters);

static void
show_slab(int argc, char **argv)
{
	static struct slab_info info[96];
	uint32_t n = slab_info_get(info, 96);

	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < n && i < 96; i++)
		kprintf("%-20s size %6lu used %8lu of %8lu slabs %6lu\n", info[i].si_name, info[i].si_obj_size,
		    info[i].si_objects, info[i].si_buffers, info[i].si_slabs);
}
KDB_COMMAND(show_slab, "show slab", "object caches", show_slab);

#ifdef DEBUG
static void
arm_fault(int argc, char **argv)
{
	uint64_t n = 1;

	if (argc > 1)
		kdb_parse(argv[1], &n);
	if (argc > 0)
		fault_point_arm(argv[0], (int64_t)n);
}
KDB_COMMAND(fault, "fault", "point [n]: the n-th allocation there fails", arm_fault);
#endif
