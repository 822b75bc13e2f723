/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace ring of each CPU (debug builds): the last events, oldest overwritten. */
#include <debug/kdb.h>
#include <debug/trace.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/timer.h>
#include <machine/cpu.h>

#ifdef DEBUG

#define TRACE_EVENTS	512u

struct trace_event {
	uint64_t	 te_time;
	const struct trace_point *te_point;
	uintptr_t	 te_args[3];
};

struct trace_ring {
	uint64_t	 tr_next;
	struct trace_event tr_events[TRACE_EVENTS];
};

void
trace_cpu_init(struct cpu *c)
{
	c->cp_trace = kzalloc(sizeof(struct trace_ring));	/* NULL: this CPU does without */
}

void
trace_record(const struct trace_point *p, uintptr_t a, uintptr_t b, uintptr_t c)
{
	unsigned long flags = interrupts_disable();
	struct trace_ring *r = cpu_self()->cp_trace;

	if (r != NULL)
		r->tr_events[r->tr_next++ % TRACE_EVENTS] = (struct trace_event){ clock_uptime_ns(), p, { a, b, c } };
	interrupts_restore(flags);
}

static void
show_trace(int argc, char **argv)
{
	uint64_t count = 40;

	if (argc > 0)
		kdb_parse(argv[0], &count);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct trace_ring *r = cpu_get(i)->cp_trace;
		uint64_t n;

		if (r == NULL)
			continue;
		n = r->tr_next < count ? r->tr_next : count;
		n = n < TRACE_EVENTS ? n : TRACE_EVENTS;
		for (uint64_t k = r->tr_next - n; k < r->tr_next; k++) {
			struct trace_event *e = &r->tr_events[k % TRACE_EVENTS];

			kprintf("cpu %u %14lu %-10s %lx %lx %lx\n", i, e->te_time, e->te_point->tp_name,
			    e->te_args[0], e->te_args[1], e->te_args[2]);
		}
	}
}
KDB_COMMAND(trace, "show trace", "[n]: last n events of each CPU", show_trace);

#else

void
trace_cpu_init(struct cpu *c)
{
	(void)c;
}

#endif
