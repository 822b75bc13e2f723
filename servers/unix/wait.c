/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting inside the server: queues of sleepers over gsync, with deadlines and interruption.
 *
 * OBJECT   see wait.h.  A sleeper sleeps on its own word; a wake of a queue sets the words of all
 *          entries, so that nobody needs to know how many queues a sleeper is on.
 * LOCKS    wq_lock is a leaf spin lock.
 * TESTS    tests/unit/unix
 */
#include <stdlib.h>
#include <mach/gsync.h>
#include <mach/mach_traps.h>
#include "process.h"
#include "wait.h"
#include "worker.h"

#define WAKE_BATCH	16

void
wait_queue_init(struct wait_queue *queue)
{
	spin_lock_init(&queue->wq_lock);
	queue->wq_head.we_next = queue->wq_head.we_prev = &queue->wq_head;
}

void
sleeper_wake(struct sleeper *sleeper)
{
	if (__atomic_exchange_n(&sleeper->sl_word, 1, __ATOMIC_SEQ_CST) == 0)
		gsync_wake_self((vm_address_t)&sleeper->sl_word, 1, 0);
}

/* Set the words of entries that are not set yet; at most count of them. => how many */
static unsigned int
wait_queue_collect(struct wait_queue *queue, struct sleeper **sleepers, unsigned int count)
{
	struct wait_entry *entry;
	unsigned int n = 0;

	spin_lock(&queue->wq_lock);
	for (entry = queue->wq_head.we_next; entry != &queue->wq_head && n < count;
	    entry = entry->we_next) {
		if (__atomic_exchange_n(&entry->we_sleeper->sl_word, 1, __ATOMIC_SEQ_CST) == 0)
			sleepers[n++] = entry->we_sleeper;
	}
	spin_unlock(&queue->wq_lock);
	return n;
}

void
wait_queue_wake(struct wait_queue *queue)
{
	struct sleeper *sleepers[WAKE_BATCH];
	unsigned int i, n;

	/* What was changed is seen before the queue is looked at, as who waits enters it before it looks. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&queue->wq_head.we_next, __ATOMIC_RELAXED) == &queue->wq_head)
		return;
	/* Without the lock in the kernel's calls: sleepers are never freed. */
	do {
		n = wait_queue_collect(queue, sleepers, WAKE_BATCH);
		for (i = 0; i < n; i++)
			gsync_wake_self((vm_address_t)&sleepers[i]->sl_word, 1, 0);
	} while (n == WAKE_BATCH);
}

void
wait_prepare(void)
{
	__atomic_store_n(&sleeper_current()->sl_word, 0, __ATOMIC_SEQ_CST);
}

void
wait_enqueue(struct wait_entry *entry, struct wait_queue *queue)
{
	struct wait_entry *head = &queue->wq_head;

	entry->we_queue = queue;
	entry->we_sleeper = sleeper_current();
	spin_lock(&queue->wq_lock);
	entry->we_next = head;
	entry->we_prev = head->we_prev;
	__atomic_store_n(&head->we_prev->we_next, entry, __ATOMIC_RELAXED);
	head->we_prev = entry;
	spin_unlock(&queue->wq_lock);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
wait_dequeue(struct wait_entry *entry)
{
	struct wait_queue *queue = entry->we_queue;

	if (queue == NULL)
		return;
	spin_lock(&queue->wq_lock);
	entry->we_next->we_prev = entry->we_prev;
	entry->we_prev->we_next = entry->we_next;
	spin_unlock(&queue->wq_lock);
	entry->we_queue = NULL;
}

/* Sleep until the word is set.  => the word was cleared and the entries enqueued before */
static int
sleeper_sleep(struct sleeper *sleeper, wait_deadline_t deadline, bool killable_only)
{
	struct uthread *thread = sleeper->sl_thread;
	natural_t milliseconds = 0;
	int flags = 0;

	while (sleeper->sl_word == 0) {
		if (thread != NULL && uthread_interrupted(thread, killable_only))
			return -LX_EINTR;
		if (deadline != WAIT_FOREVER) {
			int64_t left = deadline - clock_monotonic();

			if (left <= 0)
				return -LX_ETIMEDOUT;
			left = (left + 999999) / 1000000;
			milliseconds = left > 3600000 ? 3600000 : (natural_t)left;
			flags = GSYNC_TIMED;
		}
		gsync_wait_self((vm_address_t)&sleeper->sl_word, 0, 0, milliseconds, flags);
	}
	/* What woke it may have been an interruption: the caller finds nothing, and the next sleep does not begin. */
	return 0;
}

int
wait_block(wait_deadline_t deadline)
{
	int error;

	worker_will_sleep();
	error = sleeper_sleep(sleeper_current(), deadline, false);
	worker_did_sleep();
	/* Ready for another round; what was signalled meanwhile the caller now looks at. */
	wait_prepare();
	return error;
}

static int
wait_sleep_common(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline,
    bool killable_only)
{
	struct sleeper *sleeper = sleeper_current();
	struct wait_entry entry;
	int error;

	wait_prepare();
	wait_enqueue(&entry, queue);
	mutex_unlock(mutex);
	worker_will_sleep();
	error = sleeper_sleep(sleeper, deadline, killable_only);
	worker_did_sleep();
	wait_dequeue(&entry);
	mutex_lock(mutex);
	return error;
}

int
wait_sleep(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline)
{
	return wait_sleep_common(queue, mutex, deadline, false);
}

int
wait_sleep_killable(struct wait_queue *queue, mutex_t mutex, wait_deadline_t deadline)
{
	return wait_sleep_common(queue, mutex, deadline, true);
}
