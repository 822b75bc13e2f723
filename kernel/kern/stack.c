/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks, with guard pages, from the kernel map.
 *
 * A switch can need a stack where nothing may sleep or fail. Freed stacks are kept on a list. When it is empty
 * the thread that needs one is left to the stack maker, a kernel thread that may sleep for memory, and
 * the CPU runs something else (at worst its idle thread, which has a stack of its own).
 *
 * The maker itself, and the pageout daemon it may have to wait for, give theirs up while they have nothing to do: the last free stacks
 * are for those two (th_stack_reserved), and they never hand over their own (thread_block_reserved).
 * LOCKS   stack_lock (spin, interrupts off).
 */
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <kern/stack.h>
#include <kern/thread.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <vm/map.h>
#include <vm/page.h>

#define STACK_PAGES	((int64_t)(KERNEL_STACK_SIZE / PAGE_SIZE))
#define STACK_RESERVED	2u	/* threads with th_stack_reserved */

static const struct lock_class stack_class = { "stacks", LOCK_RANK_RUNQ, LOCK_CLASS_IRQ };
static struct spinlock stack_lock = SPIN_LOCK_INITIALIZER(&stack_class);

/* lies at the lowest address of a free stack */
struct free_stack {
	struct free_stack *next;
};

/* all under stack_lock */
static struct free_stack *stack_list;
static uint32_t stack_free_count;
static uint32_t stack_total;
static struct queue stack_waiters = { &stack_waiters, &stack_waiters };	/* by th_run_link */

/* without the lock: somebody who came since is seen by the maker */
static bool
stack_awaited(void)
{
	return !queue_empty(&stack_waiters);
}

/* kept ready, so that a burst of wake-ups needs no memory */
static uint32_t
stack_reserve(void)
{
	return cpu_count + 2 + STACK_RESERVED;
}

/* => stack_lock held: is a free stack at hand for others than the reserved? */
static bool
stack_to_spare(void)
{
	return stack_free_count > STACK_RESERVED;
}

void *
stack_try_alloc(bool reserved)
{
	unsigned long flags = spin_lock_irq(&stack_lock);
	struct free_stack *s = reserved || stack_to_spare() ? stack_list : NULL;

	if (s != NULL) {
		stack_list = s->next;
		stack_free_count--;
	}
	spin_unlock_irq(&stack_lock, flags);
	if (s != NULL) {
		counter_add(COUNT_STACK, 1);
		counter_add(COUNT_PAGE_USED, STACK_PAGES);
	}
	return s;
}

static void *
stack_make(void)
{
	void *s = fault_point("stack") ? NULL : kmem_alloc(KERNEL_STACK_SIZE);

	if (s != NULL) {
		__atomic_fetch_add(&stack_total, 1, __ATOMIC_RELAXED);
		/* its map entry lives as long as the cache likes: no test can balance it */
		counter_add(COUNT_MAP_ENTRY, -1);
	}
	return s;
}

void *
stack_alloc(void)
{
	void *s = stack_try_alloc(false);

	if (s != NULL)
		return s;
	s = stack_make();
	if (s != NULL)
		counter_add(COUNT_STACK, 1);
	return s;
}

/* pages of kept stacks do not count as used: see slab.c */
static void
stack_keep(struct free_stack *s)
{
	unsigned long flags = spin_lock_irq(&stack_lock);

	counter_add(COUNT_PAGE_USED, -STACK_PAGES);
	s->next = stack_list;
	stack_list = s;
	stack_free_count++;
	spin_unlock_irq(&stack_lock, flags);
}

/* => wakes a thread that waits for a stack; never frees memory (may be in a switch) */
static struct thread *
stack_next_waiter(void)
{
	unsigned long flags = spin_lock_irq(&stack_lock);
	struct queue *q = stack_to_spare() ? queue_pop_head(&stack_waiters) : NULL;

	spin_unlock_irq(&stack_lock, flags);
	return q != NULL ? queue_entry(q, struct thread, th_run_link) : NULL;
}

static void
stack_serve_waiters(void)
{
	struct thread *t;

	while ((t = stack_next_waiter()) != NULL) {
		unsigned long flags = spin_lock_irq(&t->th_lock);

		sched_setrun(t);
		spin_unlock_irq(&t->th_lock, flags);
	}
}

void
stack_free(void *s)
{
	counter_add(COUNT_STACK, -1);
	stack_keep(s);
	if (stack_awaited() || stack_free_count > 4 * stack_reserve())
		thread_wakeup(&stack_waiters);
}

void
stack_wait(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&stack_lock);

	queue_push_tail(&stack_waiters, &t->th_run_link);
	spin_unlock_irq(&stack_lock, flags);
	thread_wakeup(&stack_waiters);
}

/* give back what is far above the reserve */
static void
stack_trim(void)
{
	for (;;) {
		unsigned long flags = spin_lock_irq(&stack_lock);
		struct free_stack *s = stack_free_count > 2 * stack_reserve() ? stack_list : NULL;

		if (s != NULL) {
			stack_list = s->next;
			stack_free_count--;
			stack_total--;
		}
		spin_unlock_irq(&stack_lock, flags);
		if (s == NULL)
			return;
		/* a kept stack counts as neither, and kmem_free takes both away */
		counter_add(COUNT_MAP_ENTRY, 1);
		counter_add(COUNT_PAGE_USED, STACK_PAGES);
		kmem_free(s, KERNEL_STACK_SIZE);
	}
}

static void
stack_maker_go_on(void)
{
	for (;;) {
		while (stack_free_count < stack_reserve() || stack_awaited()) {
			void *s = stack_make();

			if (s == NULL)
				vm_page_wait();
			else
				stack_keep(s);
			stack_serve_waiters();
		}
		stack_trim();
		assert_wait(&stack_waiters, false);
		if (!stack_awaited())
			thread_block_reserved(stack_maker_go_on);
		thread_wait_cancel();
	}
}

static void
stack_maker(void *arg)
{
	(void)arg;
	current_thread()->th_stack_reserved = true;
	stack_maker_go_on();
}

void
stack_init(void)
{
	for (uint32_t i = 0; i < stack_reserve(); i++) {
		void *s = stack_make();

		if (s == NULL)
			panic("no memory for kernel stacks");
		stack_keep(s);
	}
	kernel_thread("stacks", stack_maker, NULL, PRI_BEST);
}

void
stack_usage(uint32_t *total)
{
	*total = stack_total;
}
