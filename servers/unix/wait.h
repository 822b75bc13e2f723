/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting inside the server.
 *
 * OBJECT   struct wait_queue: who waits for one condition.  Embedded in the thing waited for
 *          (a pipe, a tty, a process).  struct sleeper: one worker thread that may sleep; it is
 *          found with sleeper_current() and belongs to the request being served.
 * RULES    A worker serving a request sleeps ONLY in wait_sleep() or wait_block(); so every sleep
 *          is interruptible by signals and by SIGKILL, and no request can hold a dead process up.
 *          Server threads that serve no request (pagers, ticker) use the same calls and are
 *          never interrupted.
 * RETURNS  0 woken (look at the condition again), -LX_EINTR the calling thread has a signal to
 *          take or its process dies, -LX_ETIMEDOUT the deadline passed.  The item operation
 *          passes the error up unchanged; the request layer turns -LX_EINTR into the restart
 *          class of the call.  A transfer that already moved data returns the count instead.
 * LOCKS    wq_lock is a leaf.  The mutex given to wait_sleep() is released while asleep.
 */
#ifndef UNIX_WAIT_H
#define UNIX_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <cthreads.h>

struct sleeper;

struct wait_entry {
	struct wait_entry	*we_next;	/* under the lock of the queue */
	struct wait_entry	*we_prev;
	struct wait_queue	*we_queue;	/* null: not enqueued; owner only */
	struct sleeper		*we_sleeper;	/* immutable while enqueued */
};

struct wait_queue {
	spin_lock_t		wq_lock;
	struct wait_entry	wq_head;	/* under wq_lock; ring */
};

/* Absolute CLOCK_MONOTONIC nanoseconds; WAIT_FOREVER never passes. */
typedef int64_t wait_deadline_t;
#define WAIT_FOREVER	INT64_MAX

void	wait_queue_init(struct wait_queue *queue);

/*
 * Wake everyone on the queue.
 * => callable with any lock held, never blocks
 */
void	wait_queue_wake(struct wait_queue *queue);

/*
 * Sleep until the queue is woken.
 * => mutex locked on entry and on return
 * => a wake after the mutex was released is never lost
 */
int	wait_sleep(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline);
/* The same, but only the death of the process interrupts it. */
int	wait_sleep_killable(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline);

/*
 * Waiting for several queues (poll): prepare, enqueue one entry per queue, test the conditions,
 * block, test again, ..., dequeue every entry.  A wake between enqueue and block makes block
 * return at once.
 */
void	wait_prepare(void);
void	wait_enqueue(struct wait_entry *entry, struct wait_queue *queue);
void	wait_dequeue(struct wait_entry *entry);
int	wait_block(wait_deadline_t deadline);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. */
int64_t	clock_monotonic(void);
int64_t	clock_realtime(void);

#endif
