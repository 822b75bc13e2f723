/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that ends itself can not free itself: it runs on what would be freed. Whoever switches away from it for the
 * last time puts it here; the reaper thread says so to those who wait for its end and drops the thread's own reference.
 */
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/reaper.h>
#include <kern/sched.h>
#include <kern/thread.h>
#include <machine/cpu.h>

static const struct lock_class reaper_class = { "reaper", LOCK_RANK_RUNQ, LOCK_CLASS_IRQ };
static struct spinlock reaper_lock = SPIN_LOCK_INITIALIZER(&reaper_class);
static struct queue reaper_queue = { &reaper_queue, &reaper_queue };	/* by th_run_link */

void
reaper_add(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&reaper_lock);

	queue_push_tail(&reaper_queue, &t->th_run_link);
	spin_unlock_irq(&reaper_lock, flags);
	thread_wakeup(&t->th_stop_waiters);
	thread_wakeup(&reaper_queue);
}

static void
reaper_loop(void)
{
	struct queue *q;

	for (;;) {
		unsigned long flags = spin_lock_irq(&reaper_lock);

		q = queue_pop_head(&reaper_queue);
		spin_unlock_irq(&reaper_lock, flags);
		if (q != NULL) {
			thread_release(queue_entry(q, struct thread, th_run_link));
			continue;
		}
		assert_wait(&reaper_queue, false);
		if (queue_empty(&reaper_queue))
			thread_block(reaper_loop);
		thread_wait_cancel();
	}
}

static void
reaper_start(void *arg)
{
	(void)arg;
	reaper_loop();
}

void
reaper_init(void)
{
	kernel_thread("reaper", reaper_start, NULL, PRI_SYSTEM);
}
