/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conservation counters and allocation fault points (debug builds).
 * A counter is the sum of one word per CPU; additions need only pre-emption off.
 */
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/cpu.h>
#include <debug/counters.h>

const char *const counter_names[COUNT_KINDS] = {
	"task", "thread", "stack", "space", "port", "pset", "right", "port_ref", "kmsg", "notify_request",
	"map", "map_entry", "object", "amap_node", "anon", "map_copy", "page_used", "pmap", "pv", "processor_set", "kalloc",
	"kmsg_spare", "stale_out",
};

#ifdef DEBUG

/* before a CPU has its own words (and for the boot CPU always) */
static int64_t boot_counters[COUNT_KINDS];

void
counter_add(enum counter c, int64_t n)
{
	struct cpu *cpu;

	preempt_disable();
	cpu = cpu_self();
	__atomic_fetch_add(cpu->cp_counters != NULL ? &cpu->cp_counters[c] : &boot_counters[c], n,
	    __ATOMIC_RELAXED);
	preempt_enable_no_resched();
}

int64_t
counter_read(enum counter c)
{
	int64_t sum = boot_counters[c];

	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpu_get(i);

		if (cpu->cp_counters != NULL)
			sum += __atomic_load_n(&cpu->cp_counters[c], __ATOMIC_RELAXED);
	}
	return sum;
}

/* One armed point at a time: the n-th call under that name fails (name "*": of any allocation) */
static char fault_name[32];
static int64_t fault_countdown;		/* 0: off */

void
fault_point_arm(const char *name, int64_t nth)
{
	__atomic_store_n(&fault_countdown, 0, __ATOMIC_SEQ_CST);
	string_copy(fault_name, name, sizeof fault_name);
	__atomic_store_n(&fault_countdown, nth, __ATOMIC_SEQ_CST);
}

static bool
armed(void)
{
	return __builtin_expect(__atomic_load_n(&fault_countdown, __ATOMIC_RELAXED) != 0, 0);
}

static bool
count_down(void)
{
	return __atomic_sub_fetch(&fault_countdown, 1, __ATOMIC_RELAXED) == 0;
}

bool
fault_point(const char *name)
{
	return armed() && (strcmp(fault_name, "*") == 0 || strcmp(fault_name, name) == 0) && count_down();
}

bool
fault_look(const char *name)
{
	return armed() && strcmp(fault_name, name) == 0 && count_down();
}

bool
fault_point_fired(void)
{
	return fault_name[0] != '\0' && __atomic_load_n(&fault_countdown, __ATOMIC_RELAXED) <= 0;
}

#else

int64_t
counter_read(enum counter c)
{
	(void)c;
	return 0;
}

#endif
