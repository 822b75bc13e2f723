/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gsync: waiting on and waking by the value of a word of user memory.
 *
 * OBJECT  gsync_waiter, in th_saved of the thread that waits, in a hash bucket by the key of its address: (map, address), or
 *         (object, offset) for shared keys. What keeps the key unique is a reference, or that the map is the waiting thread's own.
 * STATES  queued (gw_bucket set) -> off (gw_bucket null): taken by a waker, whose last access that is, or by itself after a
 *         time-out, an interruption or a changed value.
 *         Reading the word may fault, so it is done after queueing, without locks: a waker that stored a new value before it
 *         looked at the queue finds the waiter there, one that comes later is found by the value.
 *         A wait by a trap leaves a continuation and no stack; one by a message has an answer to send and keeps its stack.
 * LOCKS   bucket lock (spin), two at a time in address order (requeue).
 */
#include <debug/pause.h>
#include <debug/racer.h>
#include <ipc/ipc.h>
#include <kern/gsync.h>
#include <kern/lock.h>
#include <kern/mig_kernel.h>
#include <kern/queue.h>
#include <kern/timer.h>
#include <kern/thread.h>
#include <kern/traps.h>
#include <kern/wait.h>
#include <mach/gnumach.server.h>
#include <mach/gsync.h>
#include <machine/copy.h>
#include <machine/cpu.h>
#include <vm/map.h>

#define BUCKETS		256
#define WAKE_ALL	0x7fffffffu	/* more than can wait */

struct gsync_bucket {
	struct spinlock	 gb_lock;
	struct queue	 gb_waiters;
} __attribute__((aligned(64)));

struct gsync_key {
	struct vm_key	 gk_memory;
	bool		 gk_counted;	/* with a reference */
};

struct gsync_waiter {
	struct queue	 gw_link;	/* bucket lock */
	struct gsync_bucket *gw_bucket;	/* lock of the bucket it is in; NULL: off */
	struct gsync_key gw_key;	/* bucket lock */
};

_Static_assert(sizeof(struct gsync_waiter) <= sizeof ((struct thread *)NULL)->th_saved, "no room in a thread");

static const struct lock_class gsync_class = { "gsync", LOCK_RANK_GSYNC, LOCK_CLASS_MULTIPLE };
static struct gsync_bucket buckets[BUCKETS];

void
gsync_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_lock_init(&buckets[i].gb_lock, &gsync_class);
		queue_init(&buckets[i].gb_waiters);
	}
}

static struct gsync_waiter *
waiter_of(struct thread *t)
{
	return (struct gsync_waiter *)t->th_saved;
}

static struct thread *
waiter_thread(struct gsync_waiter *w)
{
	return (struct thread *)((char *)w - offsetof(struct thread, th_saved));
}

static struct gsync_bucket *
bucket_of(const struct gsync_key *key)
{
	uint64_t h = ((uintptr_t)key->gk_memory.vk_base ^ key->gk_memory.vk_offset * 31) * 0x9e3779b97f4a7c15ull;

	return &buckets[h >> 56];
}

static bool
same_key(const struct gsync_key *a, const struct gsync_key *b)
{
	return a->gk_memory.vk_base == b->gk_memory.vk_base && a->gk_memory.vk_offset == b->gk_memory.vk_offset;
}

/* the caller's own task is read and written in place; size 4 or 8 */
static kern_return_t
word_read(struct task *task, uint64_t addr, uint32_t *to, uint64_t size)
{
	if (task != current_thread()->th_task)
		return vm_map_read_kernel(task->tk_map, addr, to, size);
	return size == sizeof *to ? copyin_word(addr, to) : copyin(addr, to, size);
}

static kern_return_t
word_write(struct task *task, uint64_t addr, uint32_t value)
{
	if (task == current_thread()->th_task)
		return copyout(&value, addr, sizeof value);
	return vm_map_write_kernel(task->tk_map, addr, &value, sizeof value);
}

/* => the key of memory of the current thread's own task need not be counted while that thread is in the call; will_read: the caller
   reads the word before it relies on it */
static inline kern_return_t
get_key(struct task *task, uint64_t addr, int flags, bool will_read, struct gsync_key *key)
{
	bool private = !(flags & GSYNC_SHARED) && task == current_thread()->th_task;
	uint32_t word;

	if (addr % 4 != 0 || addr >= VM_USER_MAX)
		return KERN_INVALID_ADDRESS;
	/* resident, so that the memory has its identity; it may still change, then both sides see the change */
	if (!(private && will_read) && word_read(task, addr, &word, sizeof word) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	key->gk_counted = !private;
	if (private) {
		key->gk_memory = (struct vm_key){ task->tk_map, addr };
		return KERN_SUCCESS;
	}
	return vm_map_key(task->tk_map, addr, flags & GSYNC_SHARED, &key->gk_memory) == KERN_SUCCESS ? KERN_SUCCESS
	    : KERN_INVALID_ADDRESS;
}

/* somebody else may keep it */
static void
key_count(struct gsync_key *key)
{
	struct vm_key *m = &key->gk_memory;

	if (!key->gk_counted)
		vm_map_key_private(current_thread()->th_task->tk_map, m->vk_offset, m);
	key->gk_counted = true;
}

static inline void
key_release(struct gsync_key *key)
{
	if (key->gk_counted)
		vm_map_key_release(&key->gk_memory);
}

/* => takes itself off; false: a waker had done so */
static bool
waiter_withdraw(struct gsync_waiter *w)
{
	struct gsync_bucket *b;

	while ((b = __atomic_load_n(&w->gw_bucket, __ATOMIC_ACQUIRE)) != NULL) {
		bool here;

		spin_lock(&b->gb_lock);
		here = w->gw_bucket == b;
		if (here) {
			queue_remove(&w->gw_link);
			w->gw_bucket = NULL;
		}
		spin_unlock(&b->gb_lock);
		if (here)
			return true;
	}
	return false;
}

/* => KERN_SUCCESS: the word has the values waited on */
static kern_return_t
check_value(struct task *task, uint64_t addr, uint32_t val1, uint32_t val2, int flags)
{
	uint32_t words[2];
	uint64_t size = flags & GSYNC_QUAD ? 8 : 4;

	if (word_read(task, addr, words, size) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	if (words[0] != val1 || ((flags & GSYNC_QUAD) && words[1] != val2))
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

/* => the wait is over: its result, and the key is given up */
static kern_return_t
waiter_result(struct gsync_waiter *w, enum wait_result result)
{
	kern_return_t kr = KERN_SUCCESS;

	/* off before this memory serves for something else; who was woken as well as timed out was woken */
	if (waiter_withdraw(w) && result != WAIT_AWAKENED)
		kr = result == WAIT_TIMED_OUT ? KERN_TIMEDOUT : KERN_INTERRUPTED;
	key_release(&w->gw_key);
	return kr;
}

/* => queued and the value seen: sleep until off, time-out or interruption; goes on at the continuation, if there is one */
static kern_return_t
waiter_sleep(struct gsync_waiter *w, uint64_t deadline, continuation_t cont)
{
	for (;;) {
		struct gsync_bucket *b = __atomic_load_n(&w->gw_bucket, __ATOMIC_ACQUIRE);

		if (b == NULL)
			return waiter_result(w, WAIT_AWAKENED);
		pause_point("gsync sleeps");
		spin_lock(&b->gb_lock);
		if (w->gw_bucket != b) {	/* woken or requeued meanwhile */
			spin_unlock(&b->gb_lock);
			continue;
		}
		thread_will_wait(true, deadline);
		spin_unlock(&b->gb_lock);
		return waiter_result(w, thread_block(cont));
	}
}

/* cont: where a wait goes on that has begun; NULL: here */
static inline kern_return_t
wait_for_value(struct task *task, uint64_t addr, const uint32_t *values, natural_t msec, int flags, continuation_t cont)
{
	struct gsync_waiter *w = waiter_of(current_thread());
	struct gsync_bucket *b;
	uint64_t deadline = 0;
	kern_return_t kr;

	kr = get_key(task, addr, flags, true, &w->gw_key);
	if (kr != KERN_SUCCESS)
		return kr;
	if (flags & GSYNC_TIMED)
		deadline = clock_uptime_ns() + (uint64_t)msec * 1000000 + 1;
	b = bucket_of(&w->gw_key);
	spin_lock(&b->gb_lock);
	w->gw_bucket = b;
	queue_push_tail(&b->gb_waiters, &w->gw_link);
	spin_unlock(&b->gb_lock);
	kr = check_value(task, addr, values[0], values[1], flags);
	if (kr == KERN_SUCCESS)
		return waiter_sleep(w, deadline, cont);
	if (!waiter_withdraw(w))
		kr = KERN_SUCCESS;	/* somebody's wake-up was spent on us */
	key_release(&w->gw_key);
	return kr;
}

kern_return_t
gsync_wait(task_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags)
{
	if (task == NULL)
		return KERN_INVALID_TASK;
	return wait_for_value(task, addr, (uint32_t [2]){ val1, val2 }, msec, flags, NULL);
}

/* => bucket locked: the first waiter of that key */
static struct gsync_waiter *
bucket_find(struct gsync_bucket *b, const struct gsync_key *key)
{
	struct queue *q;

	queue_for_each(q, &b->gb_waiters) {
		struct gsync_waiter *w = queue_entry(q, struct gsync_waiter, gw_link);

		if (same_key(&w->gw_key, key))
			return w;
	}
	return NULL;
}

/*
 * => bucket locked. The thread is made to go first, for once gw_bucket is cleared it may do so by itself: then it waits for something
 *    else, or is gone. Until then it stays: it looks at gw_bucket and waits for the lock
 */
static void
waiter_wake(struct gsync_waiter *w)
{
	queue_remove(&w->gw_link);
	thread_go(waiter_thread(w), WAIT_AWAKENED);
	race_point();
	__atomic_store_n(&w->gw_bucket, NULL, __ATOMIC_RELEASE);
}

/* => how many were woken, at most `most`; the bucket's lock is released between two */
static unsigned
wake_key(const struct gsync_key *key, unsigned most)
{
	struct gsync_bucket *b = bucket_of(key);
	struct gsync_waiter *w;
	unsigned n = 0;

	if (most == 0)
		return 0;
	do {
		spin_lock(&b->gb_lock);
		w = bucket_find(b, key);
		if (w != NULL) {
			waiter_wake(w);
			n++;
		}
		spin_unlock(&b->gb_lock);
	} while (w != NULL && n < most);
	return n;
}

kern_return_t
gsync_wake(task_t task, vm_address_t addr, unsigned val, int flags)
{
	struct gsync_key key;
	kern_return_t kr;
	unsigned woken;

	if (task == NULL)
		return KERN_INVALID_TASK;
	kr = get_key(task, addr, flags, false, &key);
	if (kr != KERN_SUCCESS)
		return kr;
	if ((flags & GSYNC_MUTATE) && word_write(task, addr, val) != KERN_SUCCESS)
		kr = KERN_INVALID_ADDRESS;
	if (kr == KERN_SUCCESS) {
		woken = wake_key(&key, flags & GSYNC_BROADCAST ? WAKE_ALL : 1);
		kr = woken > 0 ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
	}
	key_release(&key);
	return kr;
}

static void
gsync_wait_continue(void)
{
	struct thread *t = current_thread();

	thread_syscall_return(waiter_result(waiter_of(t), t->th_wait_result));
}

long
trap_gsync_wait_self(vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags)
{
	return wait_for_value(current_thread()->th_task, addr, (uint32_t [2]){ val1, val2 }, msec, flags, gsync_wait_continue);
}

long
trap_gsync_wake_self(vm_address_t addr, unsigned most, int flags)
{
	struct gsync_key key;
	kern_return_t kr = get_key(current_thread()->th_task, addr, flags, false, &key);
	unsigned woken;

	if (kr != KERN_SUCCESS)
		return -kr;
	woken = wake_key(&key, most < WAKE_ALL ? most : WAKE_ALL);
	key_release(&key);
	return woken;
}

/* what stands between the task and the kernel must see the message */
static bool
names_own_task(mach_port_name_t name)
{
	struct task *task = current_thread()->th_task;

	return ipc_name_is(task->tk_space, name, task->tk_self);
}

long
trap_gsync_wait(mach_port_name_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags)
{
	return names_own_task(task) ? trap_gsync_wait_self(addr, val1, val2, msec, flags) : MACH_SEND_INTERRUPTED;
}

/* like the message it has no answer */
long
trap_gsync_wake(mach_port_name_t task, vm_address_t addr, unsigned val, int flags)
{
	if (!names_own_task(task))
		return MACH_SEND_INTERRUPTED;
	(void)gsync_wake(current_thread()->th_task, addr, val, flags);
	return KERN_SUCCESS;
}

/* => moves the first waiter from one key to the other; it takes over the reference in *to and gives back its own there */
static bool
move_one(const struct gsync_key *from, struct gsync_key *to)
{
	struct gsync_bucket *a = bucket_of(from), *b = bucket_of(to), *first = a < b ? a : b, *second = a < b ? b : a;
	struct gsync_waiter *w;

	spin_lock(&first->gb_lock);
	if (first != second)
		spin_lock(&second->gb_lock);
	w = bucket_find(a, from);
	if (w != NULL) {
		struct gsync_key old = w->gw_key;

		queue_remove(&w->gw_link);
		w->gw_key = *to;
		*to = old;
		queue_push_tail(&b->gb_waiters, &w->gw_link);
		__atomic_store_n(&w->gw_bucket, b, __ATOMIC_RELEASE);
	}
	if (first != second)
		spin_unlock(&second->gb_lock);
	spin_unlock(&first->gb_lock);
	return w != NULL;
}

kern_return_t
gsync_requeue(task_t task, vm_address_t src, vm_address_t dst, boolean_t wake_one, int flags)
{
	struct gsync_key from, to;
	kern_return_t kr;
	bool moved, same;

	if (task == NULL)
		return KERN_INVALID_TASK;
	kr = get_key(task, src, flags, false, &from);
	if (kr != KERN_SUCCESS)
		return kr;
	if (wake_one)
		wake_key(&from, 1);
	do {
		kr = get_key(task, dst, flags, false, &to);
		if (kr != KERN_SUCCESS)
			break;
		same = same_key(&from, &to);
		key_count(&to);
		moved = !same && move_one(&from, &to);
		key_release(&to);
	} while (moved && (flags & GSYNC_BROADCAST));
	key_release(&from);
	return kr;
}
