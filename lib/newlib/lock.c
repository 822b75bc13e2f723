/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's locks: C Threads mutexes, with an owner and a count for those that
 * may be taken again by their holder.
 *
 * OBJECT	struct __lock: a static one per library module, one per stream
 * LOCKS	lk_owner is written by the holder only; a thread reads its own name
 *		there only if it wrote it
 */
#include <stdlib.h>
#include <sys/lock.h>
#include <cthreads.h>

struct __lock {
	struct mutex lk_mutex;
	cthread_t lk_owner;
	unsigned int lk_count;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

/* Without memory a stream gets this one: shared, but a lock. */
static struct __lock lock_of_last_resort;

void __retarget_lock_init(_LOCK_T *lock)
{
	*lock = calloc(1, sizeof(struct __lock));
	if (*lock == NULL)
		*lock = &lock_of_last_resort;
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
	if (lock != &lock_of_last_resort)
		free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	__retarget_lock_close(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
	mutex_lock(&lock->lk_mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
	return mutex_try_lock(&lock->lk_mutex);
}

void __retarget_lock_release(_LOCK_T lock)
{
	mutex_unlock(&lock->lk_mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	cthread_t self = cthread_self();

	if (__atomic_load_n(&lock->lk_owner, __ATOMIC_RELAXED) != self) {
		mutex_lock(&lock->lk_mutex);
		__atomic_store_n(&lock->lk_owner, self, __ATOMIC_RELAXED);
	}
	lock->lk_count++;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	cthread_t self = cthread_self();

	if (__atomic_load_n(&lock->lk_owner, __ATOMIC_RELAXED) != self) {
		if (!mutex_try_lock(&lock->lk_mutex))
			return 0;
		__atomic_store_n(&lock->lk_owner, self, __ATOMIC_RELAXED);
	}
	lock->lk_count++;
	return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->lk_count != 0)
		return;
	__atomic_store_n(&lock->lk_owner, CTHREAD_NULL, __ATOMIC_RELAXED);
	mutex_unlock(&lock->lk_mutex);
}
