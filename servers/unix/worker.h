/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers: the C threads that serve requests, and what each of them is doing.
 *
 * OBJECT   struct sleeper, one per worker (and per other thread of the server that ever sleeps),
 *          never freed, so a late wake of a worker that went on to other work is harmless.
 */
#ifndef UNIX_WORKER_H
#define UNIX_WORKER_H

#include <stdint.h>
#include <mach.h>
#include <cthreads.h>

struct uthread;

struct sleeper {
	volatile uint32_t	sl_word;	/* gsync word: 1 woken */
	struct uthread		*sl_thread;	/* being served, or null; owner only */
	struct sleeper		*sl_next;	/* immutable after creation */
};

/* The sleeper of the calling thread; made on first use. */
struct sleeper	*sleeper_current(void);
void		sleeper_wake(struct sleeper *sleeper);

/* The thread whose request is being served, or null. */
struct uthread	*uthread_current(void);

/* A worker is about to sleep: see that another one can receive. */
void		worker_will_sleep(void);
void		worker_did_sleep(void);
/* The receive set of all request ports and the exception port. */
extern mach_port_t worker_set;
void		worker_start(void);

#endif
