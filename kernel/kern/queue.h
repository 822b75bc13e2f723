/* SPDX-License-Identifier: BSD-2-Clause */
/* Intrusive circular doubly linked lists. */
#ifndef KERN_QUEUE_H
#define KERN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue {
	struct queue *next;
	struct queue *prev;
};

static inline void queue_init(struct queue *q) { q->next = q->prev = q; }
static inline bool queue_empty(const struct queue *q) { return q->next == q; }
static inline struct queue *queue_first(const struct queue *q) { return q->next; }
static inline struct queue *queue_last(const struct queue *q) { return q->prev; }

static inline void queue_insert_after(struct queue *pos, struct queue *e)
{
	e->next = pos->next;
	e->prev = pos;
	pos->next->prev = e;
	pos->next = e;
}

static inline void queue_push_tail(struct queue *q, struct queue *e) { queue_insert_after(q->prev, e); }
static inline void queue_push_head(struct queue *q, struct queue *e) { queue_insert_after(q, e); }

/* the element is left self-linked, so that removing it twice is harmless */
static inline void queue_remove(struct queue *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	queue_init(e);
}

static inline struct queue *queue_pop_head(struct queue *q)
{
	struct queue *e = q->next;

	if (e == q)
		return NULL;
	queue_remove(e);
	return e;
}

#define queue_entry(e, type, field) ((type *)((char *)(e) - offsetof(type, field)))
#define queue_for_each(it, q) for ((it) = (q)->next; (it) != (q); (it) = (it)->next)
#define queue_for_each_safe(it, tmp, q) \
	for ((it) = (q)->next, (tmp) = (it)->next; (it) != (q); (it) = (tmp), (tmp) = (it)->next)

#endif
