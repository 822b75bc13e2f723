/* SPDX-License-Identifier: BSD-2-Clause */
/* The page queues as the pageout daemon sees them; others use vm/page.h. */
#ifndef VM_PAGEQ_H
#define VM_PAGEQ_H

#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>

#define PAGEQ_SETS	8

struct vm_page;

/* everything under pq_lock */
struct pageq_set {
	struct spinlock	 pq_lock;
	struct queue	 pq_active;
	struct queue	 pq_inactive;
	uint64_t	 pq_active_count;
	uint64_t	 pq_inactive_count;
} __attribute__((aligned(64)));

extern struct pageq_set pageq_set[PAGEQ_SETS];

/* => pq_lock of the page's set held */
void	vm_pageq_activate_locked(struct pageq_set *, struct vm_page *);
void	vm_pageq_deactivate_locked(struct pageq_set *, struct vm_page *);

#endif
