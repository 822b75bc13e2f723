/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console device: queued input, raw output, terminal status. com0 and kd0 are other names of it.
 *
 * The interrupt puts characters into a ring and wakes the console thread, which answers waiting reads; a read that finds
 * characters is answered at once. A waiting read whose client is gone does not eat input.
 * LOCKS   console_input_lock (spin, interrupts off): ring, list of waiting reads.
 */
#include <debug/kdb.h>
#include <device/device.h>
#include <device/tty_status.h>
#include <ipc/port.h>
#include <kern/bootstrap.h>
#include <kern/panic.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/cpu.h>

#define RING	4096u
#define KDB_KEY	0x1d			/* ^] */
#define READ_MAX 1024u

struct console_read {
	struct queue	 cr_link;
	struct ipc_port	*cr_reply;
	unsigned	 cr_type;
	bool		 cr_inband;
	uint32_t	 cr_wanted;
};

static const struct lock_class input_class = { "console input", LOCK_RANK_DEVICE_IRQ, LOCK_CLASS_IRQ };
static struct spinlock input_lock = SPIN_LOCK_INITIALIZER(&input_class);
static char ring[RING];
static uint32_t ring_in, ring_out;
static struct queue readers = { &readers, &readers };
static struct tty_status status = { 9600, 9600, 0, 0 };
static bool kdb_key_works;

static void
console_interrupt(int c)
{
	unsigned long flags;

	if (c == KDB_KEY && kdb_key_works) {
		kdb_enter("key");
		return;
	}
	flags = spin_lock_irq(&input_lock);
	if (ring_in - ring_out < RING)
		ring[ring_in++ % RING] = (char)c;
	spin_unlock_irq(&input_lock, flags);
	thread_wakeup(&ring);
}

/* => input_lock held */
static uint32_t
ring_take(char *to, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && ring_out != ring_in)
		to[n++] = ring[ring_out++ % RING];
	return n;
}

/* => a waiting read that can be answered, with its characters in buf; NULL: none */
static struct console_read *
console_next_answer(char *buf, uint32_t *count)
{
	unsigned long flags = spin_lock_irq(&input_lock);
	struct console_read *r = NULL;
	struct queue *q;

	*count = 0;
	if (ring_in != ring_out && (q = queue_pop_head(&readers)) != NULL) {
		r = queue_entry(q, struct console_read, cr_link);
		if (IP_VALID(r->cr_reply) && ipc_port_alive(r->cr_reply))
			*count = ring_take(buf, r->cr_wanted < READ_MAX ? r->cr_wanted : READ_MAX);
	}
	spin_unlock_irq(&input_lock, flags);
	return r;
}

static void
console_thread(void *arg)
{
	static char buf[READ_MAX];
	struct console_read *r;
	uint32_t n;

	(void)arg;
	for (;;) {
		assert_wait(&ring, false);
		while ((r = console_next_answer(buf, &n)) != NULL) {
			device_reply_read(r->cr_reply, r->cr_type, r->cr_inband, D_SUCCESS, buf, n);
			kfree(r, sizeof *r);
		}
		thread_block(NULL);
	}
}

void
console_init(void)
{
#ifdef DEBUG
	kdb_key_works = true;
#else
	kdb_key_works = boot_flag("-d");
#endif
	console_input_hook = console_interrupt;
	kernel_thread("console", console_thread, NULL, PRI_SYSTEM);
}

int
console_getc(void)
{
	for (;;) {
		unsigned long flags;
		char c;
		uint32_t n;

		assert_wait_deadline(&ring, true, clock_uptime_ns() + 100000000);
		flags = spin_lock_irq(&input_lock);
		n = ring_take(&c, 1);
		spin_unlock_irq(&input_lock, flags);
		if (n == 1) {
			thread_wait_cancel();
			return c == '\r' ? '\n' : c;
		}
		thread_block(NULL);
	}
}

/* --- operations --- */

static io_return_t
console_open(unsigned unit, void **data)
{
	(void)data;
	return unit == 0 ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

static io_return_t
console_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	uint32_t max = r->dr_wanted < READ_MAX ? r->dr_wanted : READ_MAX;
	struct console_read *wait = NULL;
	unsigned long flags;
	char *buf;

	(void)d;
	if (max == 0)
		return D_SUCCESS;
	buf = kalloc(READ_MAX);
	if (!(r->dr_mode & D_NOWAIT))
		wait = kalloc(sizeof *wait);
	if (buf == NULL || (wait == NULL && !(r->dr_mode & D_NOWAIT))) {
		kfree(buf, READ_MAX);
		return D_NO_MEMORY;
	}
	flags = spin_lock_irq(&input_lock);
	*count = queue_empty(&readers) ? ring_take(buf, max) : 0;
	if (*count == 0 && wait != NULL) {
		*wait = (struct console_read){ .cr_reply = r->dr_reply, .cr_type = r->dr_reply_type,
		    .cr_inband = r->dr_inband, .cr_wanted = r->dr_wanted };
		queue_push_tail(&readers, &wait->cr_link);
	}
	spin_unlock_irq(&input_lock, flags);
	if (*count == 0) {
		kfree(buf, READ_MAX);
		return wait != NULL ? D_IO_QUEUED : D_WOULD_BLOCK;
	}
	kfree(wait, sizeof *wait);
	*from = buf;
	*free = READ_MAX;
	return D_SUCCESS;
}

static io_return_t
console_write(struct device *d, uint64_t recnum, uint64_t at, const void *from, uint32_t count)
{
	(void)d;
	(void)recnum;
	(void)at;
	kwrite(from, count);
	return D_SUCCESS;
}

static io_return_t
console_get_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	switch (flavor) {
	case DEV_GET_SIZE:
		if (*count < DEV_GET_SIZE_COUNT)
			return D_INVALID_OPERATION;
		out[DEV_GET_SIZE_DEVICE_SIZE] = 0;
		out[DEV_GET_SIZE_RECORD_SIZE] = 1;
		*count = DEV_GET_SIZE_COUNT;
		return D_SUCCESS;
	case TTY_STATUS:
		if (*count < TTY_STATUS_COUNT)
			return D_INVALID_OPERATION;
		memcpy(out, &status, sizeof status);
		*count = TTY_STATUS_COUNT;
		return D_SUCCESS;
	default:
		return D_INVALID_OPERATION;
	}
}

static io_return_t
console_set_status(struct device *d, dev_flavor_t flavor, const int *in, uint32_t count)
{
	unsigned long flags;

	(void)d;
	switch (flavor) {
	case TTY_STATUS:
		if (count < TTY_STATUS_COUNT)
			return D_INVALID_OPERATION;
		memcpy(&status, in, sizeof status);
		return D_SUCCESS;
	case TTY_FLUSH:
		flags = spin_lock_irq(&input_lock);
		ring_out = ring_in;
		spin_unlock_irq(&input_lock, flags);
		return D_SUCCESS;
	case TTY_STOP:
	case TTY_START:
		return D_SUCCESS;	/* output is never held back */
	default:
		return D_INVALID_OPERATION;
	}
}

#define CONSOLE_OPS(name) {								\
	.do_name = (name), .do_open = console_open, .do_read = console_read, .do_write = console_write,	\
	.do_get_status = console_get_status, .do_set_status = console_set_status,	\
}
const struct device_ops console_ops = CONSOLE_OPS("console");
const struct device_ops com_ops = CONSOLE_OPS("com");
const struct device_ops kd_ops = CONSOLE_OPS("kd");
