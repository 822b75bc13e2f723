/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Circular lists known by a pointer to their first element: half the size of a queue head, which counts where a
 * port has three of them. An element removed is left self-linked; membership is the owner's business.
 */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <stddef.h>
#include <kern/queue.h>

static inline __attribute__((always_inline)) void ring_push(struct queue **first, struct queue *e)
{
	if (*first == NULL) {
		queue_init(e);
		*first = e;
	} else {
		queue_push_tail(*first, e);
	}
}

static inline __attribute__((always_inline)) void ring_remove(struct queue **first, struct queue *e)
{
	if (e->next == e) {
		*first = NULL;
		return;
	}
	if (*first == e)
		*first = e->next;
	queue_remove(e);
}

static inline struct queue *ring_pop(struct queue **first)
{
	struct queue *e = *first;

	if (e != NULL)
		ring_remove(first, e);
	return e;
}

#endif
