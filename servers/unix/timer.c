/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interval timers of processes (ITIMER_REAL, alarm).
 *
 * OBJECT   p_timer_deadline and p_timer_interval of a process; one thread serves all.
 * LOCKS    process_lock.
 * TESTS    tests/linux
 */
#include "process.h"

static struct wait_queue timer_queue;

void
timer_set(struct process *process, int64_t deadline, int64_t interval)
{
	if (process->p_timer_deadline == 0 && deadline == 0)
		return;
	process->p_timer_deadline = deadline;
	process->p_timer_interval = interval;
	if (deadline != 0)
		wait_queue_wake(&timer_queue);
}

/* Post what is due; the next deadline.  => process_lock held */
static wait_deadline_t
timer_expire(int64_t now)
{
	wait_deadline_t next = WAIT_FOREVER;
	struct process *process;
	struct lx_siginfo info;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_timer_deadline == 0)
			continue;
		if (process->p_timer_deadline <= now) {
			int64_t interval = process->p_timer_interval;

			/* Missed periods are skipped, not made up for. */
			process->p_timer_deadline = interval == 0 ? 0 :
			    now + interval - (now - process->p_timer_deadline) % interval;
			signal_fill(&info, LXS_ALRM, LX_SI_KERNEL, 0, 0);
			signal_post_process(process, &info);
		}
		if (process->p_timer_deadline != 0 && process->p_timer_deadline < next)
			next = process->p_timer_deadline;
	}
	return next;
}

static void *
timer_thread(void *argument)
{
	(void)argument;
	mutex_lock(&process_lock);
	for (;;)
		wait_sleep(&timer_queue, &process_lock, timer_expire(clock_monotonic()));
	return NULL;
}

void
timer_start(void)
{
	wait_queue_init(&timer_queue);
	cthread_detach(cthread_fork(timer_thread, NULL));
}
