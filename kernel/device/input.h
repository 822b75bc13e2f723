/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  device_input: what comes in on a device that talks by itself (a line, keys, a log) and the reads that wait for it.
 * STATES  characters wait in the ring, or reads wait in the list; both only until the input thread has looked.
 * LOCKS   in_lock (spin, interrupts off): ring and list.
 * RIGHTS  a waiting read has its reply right; the answer consumes it, and so does the end of a read whose client is gone.
 * Legend: (i) in_lock; (I) immutable after device_input_init.
 */
#ifndef DEVICE_INPUT_H
#define DEVICE_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <device/device.h>
#include <kern/lock.h>
#include <kern/queue.h>

struct device_input {
	struct spinlock	 in_lock;
	char		*in_ring;		/* (i) of in_size bytes, a power of two */
	uint32_t	 in_size;		/* (I) */
	uint32_t	 in_record;		/* (I) bytes that stay together; divides in_size */
	uint32_t	 in_in, in_out;		/* (i) bytes ever */
	struct queue	 in_readers;		/* (i) */
	uint32_t	 in_reader_count;	/* (i) */
	uint32_t	 (*in_take)(char *to, uint32_t max);	/* (I) instead of the ring: asked ten times a second */
	struct device_input *in_next;		/* (I) all of them */
};

/* => ring may be NULL when take is given; the input lives for ever */
void	device_input_init(struct device_input *, char *ring, uint32_t size, uint32_t record, uint32_t (*take)(char *, uint32_t));
/* => any context; n is a whole number of records; what does not fit is lost */
void	device_input_put(struct device_input *, const void *, uint32_t n);
/* => do_read of a driver: D_SUCCESS, D_IO_QUEUED, D_WOULD_BLOCK (D_NOWAIT, or too many wait), D_INVALID_SIZE (less than a record),
   D_NO_MEMORY */
io_return_t device_input_read(struct device_input *, const struct device_read *, const void **from, uint32_t *count, uint32_t *free);
/* => bytes taken, at once */
uint32_t device_input_take(struct device_input *, char *to, uint32_t max);
void	device_input_flush(struct device_input *);
/* what device_input_put wakes */
const void *device_input_event(void);
void	device_input_start(void);

#endif
