/* SPDX-License-Identifier: BSD-2-Clause */
/* The page queues as the pageout daemon sees them; others use vm/page.h. */
#ifndef VM_PAGEQ_H
#define VM_PAGEQ_H

#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>

#define PAGEQ_SETS	8

struct vm_page;

/* pages of memory objects and anonymous pages age apart: without a default pager only the first can go */
enum pageq_kind { PAGEQ_OBJECT, PAGEQ_ANON, PAGEQ_KINDS };

/* everything under pq_lock */
struct pageq_set {
	struct spinlock	 pq_lock;
	struct queue	 pq_active[PAGEQ_KINDS];
	struct queue	 pq_inactive[PAGEQ_KINDS];
	uint64_t	 pq_active_count[PAGEQ_KINDS];
	uint64_t	 pq_inactive_count[PAGEQ_KINDS];
} __attribute__((aligned(64)));

extern struct pageq_set pageq_set[PAGEQ_SETS];

/* => pq_lock of the page's set held */
void	vm_pageq_activate_locked(struct pageq_set *, struct vm_page *);
void	vm_pageq_deactivate_locked(struct pageq_set *, struct vm_page *);
/* off its queue, to PAGE_QUEUE_OUT or PAGE_QUEUE_NONE */
void	vm_pageq_take_locked(struct pageq_set *, struct vm_page *, unsigned queue);

#endif
