/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocking and waking.
 *
 * Two ways to wait. (1) Queues owned by their object (ports, sets): the caller holds
 * the queue's lock, links the thread, calls thread_will_wait*, unlocks, thread_block().
 * The waker unlinks under the same lock and calls thread_go(). (2) Events: assert_wait()
 * and thread_wakeup() over a hash of addresses.
 *
 * A thread which blocks with a continuation gives up its kernel stack; when it runs again
 * the continuation is called on a fresh stack with the result in th_wait_result.
 * A continuation never returns: it ends in thread_return_to_user(), thread_exception_return()
 * or blocks again. Blocking with no continuation (NULL) keeps the stack.
 */
#ifndef KERN_WAIT_H
#define KERN_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

enum wait_result {
	WAIT_AWAKENED = 0,
	WAIT_TIMED_OUT,		/* the deadline passed */
	WAIT_INTERRUPTED,	/* thread_abort, termination */
	WAIT_RESTART,		/* the thing waited for changed: look again */
};

typedef void (*continuation_t)(void);

/* => current thread only; lock of the queue held; deadline_ns absolute uptime, 0 = none */
void	thread_will_wait(bool interruptible, uint64_t deadline_ns);
/* => any locks below the thread lock; true when the thread was waiting and is now runnable */
bool	thread_go(struct thread *, enum wait_result);
/* as thread_go, but the thread is not put on a run queue: the caller must hand it the CPU
   with thread_handoff() at once (no locks held in between but those it releases) */
bool	thread_go_handoff(struct thread *, enum wait_result);
enum wait_result thread_block(continuation_t);
/* the same for a thread with th_stack_reserved: its stack goes back to the free ones and to nobody else */
void	thread_block_reserved(continuation_t) __attribute__((noreturn));
/* run `next` (from thread_go_handoff) now in the place of the current thread, which waits
   (after thread_will_wait) or stays runnable; same continuation rule as thread_block */
enum wait_result thread_handoff(struct thread *next, continuation_t);

void	assert_wait(const void *event, bool interruptible);
void	assert_wait_deadline(const void *event, bool interruptible, uint64_t deadline_ns);
void	thread_wakeup(const void *event);
void	thread_wakeup_one(const void *event);
/* withdraw an assert_wait that will not be followed by thread_block */
void	thread_wait_cancel(void);
/* break an interruptible wait; => true when it was waiting */
bool	thread_interrupt(struct thread *);
void	thread_return_to_user(void) __attribute__((noreturn));
/* leave a trap with result in the user's rax */
void	thread_syscall_return(long result) __attribute__((noreturn));

#endif
