/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panic: stop the other CPUs, say what happened with a backtrace of every CPU, enter the debugger.
 */
#include <stdbool.h>
#include <stdint.h>
#include <debug/kdb.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

extern bool console_lock_broken;
static uint32_t panic_cpu;		/* CPU + 1 */

static void
panic_header(const char *fmt, va_list ap)
{
	struct thread *t = current_thread();

	kprintf("\npanic: ");
	kvprintf(fmt, ap);
	kprintf("\ncpu %u", cpu_self()->cp_id);
	if (t != NULL)
		kprintf(" thread %p \"%s\"", (void *)t, t->th_name);
	if (t != NULL && t->th_task != NULL)
		kprintf(" task %p \"%s\"", (void *)t->th_task, t->th_task->tk_name);
	kprintf("\n");
}

void
panic(const char *fmt, ...)
{
	uint32_t me = cpu_self()->cp_id + 1, none = 0;
	va_list ap;

	interrupts_disable();
	if (!__atomic_compare_exchange_n(&panic_cpu, &none, me, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST) && none != me)
		for (;;)
			cpu_pause();	/* another CPU panics and is about to stop this one */
	__atomic_store_n(&console_lock_broken, true, __ATOMIC_SEQ_CST);
	va_start(ap, fmt);
	panic_header(fmt, ap);
	va_end(ap);
	if (none == me) {		/* a panic inside the panic: no more steps */
		kprintf("panic: while reporting a panic\n");
		plat_exit(3);
	}
	cpu_stop_others();
	kdb_backtrace_all();
	if (kdb_attended(2))
		kdb_enter("panic");
	kprintf("panic: halted\n");
	plat_exit(3);
}

void
assert_failed(const char *expr, const char *file, int line)
{
	panic("assertion failed: %s, %s:%d", expr, file, line);
}
