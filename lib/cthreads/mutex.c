/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes and conditions over gsync.
 *
 * OBJECT	a word the kernel compares before it lets a thread wait. By traps,
 *		which take no memory: a wake must not be lost for want of some.
 * STATES	mutex: 0 free -> 1 held -> 2 held, somebody may wait. A waiter always
 *		takes it as 2, as it cannot know whether it was the only one.
 *		condition: every signal changes the sequence, so that a waiter that
 *		has dropped the mutex but not yet reached the kernel does not wait.
 * TESTS	tests/boot
 */
#include <mach/gsync.h>
#include <mach/mach_traps.h>
#include <mach_init.h>
#include <mach/gnumach.h>
#include "internal.h"

/* Looks at a held mutex before waiting in the kernel: holders are quick as a rule. */
#define SPIN_TRIES	100

static struct pool mutex_pool = POOL_INITIALIZER(struct mutex);
static struct pool condition_pool = POOL_INITIALIZER(struct condition);

mutex_t mutex_alloc(void)
{
	return pool_alloc(&mutex_pool);
}

void mutex_free(mutex_t mutex)
{
	pool_free(&mutex_pool, mutex);
}

void mutex_lock_solid(mutex_t mutex)
{
	for (int i = 0; i < SPIN_TRIES; i++) {
		if (__atomic_load_n(&mutex->mu_word, __ATOMIC_RELAXED) == 0 &&
		    mutex_try_lock(mutex))
			return;
		__builtin_ia32_pause();
	}
	while (__atomic_exchange_n(&mutex->mu_word, 2, __ATOMIC_ACQUIRE) != 0)
		gsync_wait_self((vm_address_t)&mutex->mu_word, 2, 0, 0, 0);
}

void mutex_unlock_solid(mutex_t mutex)
{
	gsync_wake_self((vm_address_t)&mutex->mu_word, 1, 0);
}

condition_t condition_alloc(void)
{
	return pool_alloc(&condition_pool);
}

void condition_free(condition_t condition)
{
	pool_free(&condition_pool, condition);
}

static kern_return_t wait_sequence(condition_t condition, mutex_t mutex, unsigned int msec,
    int flags)
{
	unsigned int sequence;
	kern_return_t kr;

	__atomic_fetch_add(&condition->cn_waiters, 1, __ATOMIC_RELAXED);
	sequence = __atomic_load_n(&condition->cn_sequence, __ATOMIC_RELAXED);
	mutex_unlock(mutex);
	kr = gsync_wait_self((vm_address_t)&condition->cn_sequence, sequence, 0,
	    msec, flags);
	mutex_lock(mutex);
	__atomic_fetch_sub(&condition->cn_waiters, 1, __ATOMIC_RELAXED);
	return kr == KERN_TIMEDOUT ? kr : KERN_SUCCESS;
}

void condition_wait(condition_t condition, mutex_t mutex)
{
	wait_sequence(condition, mutex, 0, 0);
}

kern_return_t condition_wait_timeout(condition_t condition, mutex_t mutex, unsigned int msec)
{
	return wait_sequence(condition, mutex, msec, GSYNC_TIMED);
}

void cond_signal(condition_t condition)
{
	__atomic_fetch_add(&condition->cn_sequence, 1, __ATOMIC_RELEASE);
	gsync_wake_self((vm_address_t)&condition->cn_sequence, 1, 0);
}

void cond_broadcast(condition_t condition)
{
	__atomic_fetch_add(&condition->cn_sequence, 1, __ATOMIC_RELEASE);
	gsync_wake_self((vm_address_t)&condition->cn_sequence, ~0u, 0);
}
