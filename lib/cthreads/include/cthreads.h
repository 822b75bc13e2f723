/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C Threads: threads, mutual exclusion, conditions.
 *
 * The interface of Mach 3's library of that name. Every C thread is a kernel
 * thread. A condition's waiter looks at its predicate again after it wakes:
 * there may be wakeups without cause.
 */
#ifndef CTHREADS_H
#define CTHREADS_H

#include <stddef.h>
#include <mach/mach_types.h>

typedef void *any_t;
typedef any_t (*cthread_fn_t)(any_t);

/* Spin locks: for a few instructions only. */
typedef volatile int spin_lock_t;
#define SPIN_LOCK_INITIALIZER		0
#define spin_lock_init(s)		(*(s) = 0)
#define spin_lock_locked(s)		(*(s) != 0)
#define spin_try_lock(s)		(__atomic_exchange_n((s), 1, __ATOMIC_ACQUIRE) == 0)
#define spin_unlock(s)			__atomic_store_n((s), 0, __ATOMIC_RELEASE)

static inline void spin_lock(spin_lock_t *lock)
{
	while (!spin_try_lock(lock))
		while (spin_lock_locked(lock))
			__builtin_ia32_pause();
}

/* Mutexes. */
typedef struct mutex {
	unsigned int mu_word;		/* 0 free, 1 held, 2 held and waited for */
	const char *mu_name;
} *mutex_t;

#define MUTEX_NULL			((mutex_t)0)
#define MUTEX_INITIALIZER		{ 0, NULL }
#define MUTEX_NAMED_INITIALIZER(name)	{ 0, (name) }

extern mutex_t mutex_alloc(void);
extern void mutex_free(mutex_t mutex);
extern void mutex_lock_solid(mutex_t mutex);
extern void mutex_unlock_solid(mutex_t mutex);

#define mutex_init(m)			((m)->mu_word = 0, (m)->mu_name = NULL)
#define mutex_clear(m)			((void)((m)->mu_word = 0))
#define mutex_set_name(m, x)		((m)->mu_name = (x))
#define mutex_name(m)			((m)->mu_name != NULL ? (m)->mu_name : "?")
#define mutex_held(m)			((m)->mu_word != 0)

/* Whether the calling thread has the mutex now. */
static inline int mutex_try_lock(mutex_t mutex)
{
	unsigned int free = 0;

	return __atomic_compare_exchange_n(&mutex->mu_word, &free, 1, 0, __ATOMIC_ACQUIRE,
	    __ATOMIC_RELAXED);
}

static inline void mutex_lock(mutex_t mutex)
{
	if (!mutex_try_lock(mutex))
		mutex_lock_solid(mutex);
}

static inline void mutex_unlock(mutex_t mutex)
{
	if (__atomic_exchange_n(&mutex->mu_word, 0, __ATOMIC_RELEASE) == 2)
		mutex_unlock_solid(mutex);
}

/* Conditions. */
typedef struct condition {
	unsigned int cn_sequence;	/* one more with every signal */
	unsigned int cn_waiters;
	const char *cn_name;
} *condition_t;

#define CONDITION_NULL			((condition_t)0)
#define CONDITION_INITIALIZER		{ 0, 0, NULL }
#define CONDITION_NAMED_INITIALIZER(name) { 0, 0, (name) }

extern condition_t condition_alloc(void);
extern void condition_free(condition_t condition);
extern void condition_wait(condition_t condition, mutex_t mutex);
/* KERN_TIMEDOUT when msec are over, else KERN_SUCCESS; the mutex is held again in both cases. */
extern kern_return_t condition_wait_timeout(condition_t condition, mutex_t mutex,
    unsigned int msec);
extern void cond_signal(condition_t condition);
extern void cond_broadcast(condition_t condition);

#define condition_init(c)	((c)->cn_sequence = 0, (c)->cn_waiters = 0, (c)->cn_name = NULL)
#define condition_clear(c)		cond_broadcast(c)
#define condition_set_name(c, x)	((c)->cn_name = (x))
#define condition_name(c)		((c)->cn_name != NULL ? (c)->cn_name : "?")

static inline void condition_signal(condition_t condition)
{
	if (__atomic_load_n(&condition->cn_waiters, __ATOMIC_RELAXED) != 0)
		cond_signal(condition);
}

static inline void condition_broadcast(condition_t condition)
{
	if (__atomic_load_n(&condition->cn_waiters, __ATOMIC_RELAXED) != 0)
		cond_broadcast(condition);
}

/* Threads. */
#define CTHREAD_KEYS_MAX	8

typedef int cthread_key_t;
#define CTHREAD_KEY_INVALID	((cthread_key_t)-1)

/*
 * The GS base of a C thread points here; ct_self must stay first.
 * The fields are the library's, but for those the macros below name.
 */
typedef struct cthread {
	struct cthread *ct_self;
	mach_port_t ct_reply_port;	/* of stubs */
	mach_port_t ct_port;		/* the kernel thread */
	unsigned int ct_state;		/* CTHREAD_*; joiners wait on this word */
	cthread_fn_t ct_function;
	any_t ct_argument;
	any_t ct_result;
	const char *ct_name;
	any_t ct_data;
	any_t ct_ldata;
	any_t ct_keys[CTHREAD_KEYS_MAX];
	void *ct_reent;			/* the C library's per-thread data */
	vm_address_t ct_stack;
	vm_size_t ct_stack_whole;
	struct cthread *ct_next;	/* list of free ones */
} *cthread_t;

#define CTHREAD_NULL		((cthread_t)0)

extern vm_size_t cthread_stack_size;

/* Called by crt0; makes the running thread the main C thread. */
extern void cthread_init(void);
/* Called by mach_init_child. */
extern void cthread_init_child(void);
/* Null when there is no memory or no thread to be had. */
extern cthread_t cthread_fork(cthread_fn_t function, any_t argument);
extern void cthread_detach(cthread_t thread);
/* Wait for a thread that was not detached, once. */
extern any_t cthread_join(cthread_t thread);
extern void cthread_exit(any_t result) __attribute__((noreturn));
extern void cthread_yield(void);
extern void cthread_set_name(cthread_t thread, const char *name);
extern int cthread_count(void);

static inline cthread_t cthread_self(void)
{
	cthread_t self;

	__asm__("movq %%gs:0, %0" : "=r"(self));
	return self;
}

#define cthread_name(t)			((t)->ct_name != NULL ? (t)->ct_name : "?")
#define cthread_set_data(t, x)		((t)->ct_data = (x))
#define cthread_data(t)			((t)->ct_data)
#define cthread_set_ldata(t, x)		((t)->ct_ldata = (x))
#define cthread_ldata(t)		((t)->ct_ldata)
#define cthread_port(t)			((t)->ct_port)

/* One kernel thread each: nothing to wire, no limit to set. */
#define cthread_wire()			((void)0)
#define cthread_unwire()		((void)0)
#define cthread_set_limit(n)		((void)(n))
#define cthread_limit()			0
#define cthread_set_kernel_limit(n)	((void)(n))
#define cthread_kernel_limit()		0

/* Data per thread and key; -1 when there is no such key, or no more keys. */
extern int cthread_keycreate(cthread_key_t *key);
extern int cthread_setspecific(cthread_key_t key, any_t value);
extern int cthread_getspecific(cthread_key_t key, any_t *value);

/* The C library's hook: free what it keeps for a thread that ends. */
extern void cthread_reent_release(void *reent) __attribute__((weak));

#endif
