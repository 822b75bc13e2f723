/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input that comes by itself. An interrupt puts it into a ring and wakes the input thread, which answers the reads that wait; a read that
 * finds something is answered at once. A read whose client is gone takes nothing, and is forgotten when the next one comes.
 * TESTS   tests/boot/device.c, device_input.c
 */
#include <device/input.h>
#include <ipc/port.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <kern/timer.h>

#define READ_MAX	1024u
#define READERS_MAX	64u		/* of one device: a client may die and leave many */
#define POLL_NS		100000000ull

struct input_read {
	struct queue	 ir_link;
	struct ipc_port	*ir_reply;
	unsigned	 ir_type;
	bool		 ir_inband;
	uint32_t	 ir_wanted;
};

static const struct lock_class input_class = { "device input", LOCK_RANK_DEVICE_IRQ, LOCK_CLASS_IRQ };
/* pushed at the head, never taken off */
static struct device_input *inputs;

void
device_input_init(struct device_input *in, char *ring, uint32_t size, uint32_t record, uint32_t (*take)(char *, uint32_t))
{
	struct device_input *first = __atomic_load_n(&inputs, __ATOMIC_ACQUIRE);

	KASSERT((size & (size - 1)) == 0 && record > 0 && size % record == 0);
	*in = (struct device_input){ .in_ring = ring, .in_size = size, .in_record = record, .in_take = take };
	spin_lock_init(&in->in_lock, &input_class);
	queue_init(&in->in_readers);
	do {
		in->in_next = first;
	} while (!__atomic_compare_exchange_n(&inputs, &first, in, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

const void *
device_input_event(void)
{
	return &inputs;
}

void
device_input_put(struct device_input *in, const void *data, uint32_t n)
{
	unsigned long flags = spin_lock_irq(&in->in_lock);

	if (in->in_size - (in->in_in - in->in_out) >= n) {
		for (uint32_t i = 0; i < n; i++)
			in->in_ring[in->in_in++ & (in->in_size - 1)] = ((const char *)data)[i];
	}
	spin_unlock_irq(&in->in_lock, flags);
	thread_wakeup(&inputs);
}

/* => in_lock held */
static uint32_t
take(struct device_input *in, char *to, uint32_t max)
{
	uint32_t n = 0;

	if (in->in_take != NULL)
		return in->in_take(to, max);
	max -= max % in->in_record;
	while (n < max && in->in_out != in->in_in)
		to[n++] = in->in_ring[in->in_out++ & (in->in_size - 1)];
	return n;
}

uint32_t
device_input_take(struct device_input *in, char *to, uint32_t max)
{
	unsigned long flags = spin_lock_irq(&in->in_lock);
	uint32_t n = take(in, to, max);

	spin_unlock_irq(&in->in_lock, flags);
	return n;
}

void
device_input_flush(struct device_input *in)
{
	unsigned long flags = spin_lock_irq(&in->in_lock);

	in->in_out = in->in_in;
	spin_unlock_irq(&in->in_lock, flags);
}

static bool
client_is_there(const struct input_read *r)
{
	return IP_VALID(r->ir_reply) && ipc_port_alive(r->ir_reply);
}

/* => in_lock held: the reads nobody waits for go to `gone` */
static void
drop_dead(struct device_input *in, struct queue *gone)
{
	for (uint32_t i = in->in_reader_count; i > 0; i--) {
		struct queue *q = queue_pop_head(&in->in_readers);

		if (client_is_there(queue_entry(q, struct input_read, ir_link))) {
			queue_push_tail(&in->in_readers, q);
			continue;
		}
		queue_push_tail(gone, q);
		in->in_reader_count--;
	}
}

static void
answer(struct input_read *r, const char *data, uint32_t n)
{
	device_reply_read(r->ir_reply, r->ir_type, r->ir_inband, D_SUCCESS, data, n);
	kfree(r, sizeof *r);
}

static void
answer_dead(struct queue *gone)
{
	struct queue *q;

	while ((q = queue_pop_head(gone)) != NULL)
		answer(queue_entry(q, struct input_read, ir_link), "", 0);
}

/* => a waiting read with its bytes in buf; NULL: none can be answered */
static struct input_read *
next_answer(struct device_input *in, char *buf, uint32_t *count)
{
	struct queue gone = { &gone, &gone };
	struct input_read *r = NULL;
	unsigned long flags = spin_lock_irq(&in->in_lock);

	*count = 0;
	drop_dead(in, &gone);
	if (!queue_empty(&in->in_readers)) {
		r = queue_entry(in->in_readers.next, struct input_read, ir_link);
		*count = take(in, buf, r->ir_wanted < READ_MAX ? r->ir_wanted : READ_MAX);
		if (*count > 0) {
			queue_remove(&r->ir_link);
			in->in_reader_count--;
		} else {
			r = NULL;
		}
	}
	spin_unlock_irq(&in->in_lock, flags);
	answer_dead(&gone);
	return r;
}

/* => somebody waits for what has to be asked for */
static bool
must_poll(void)
{
	for (struct device_input *in = __atomic_load_n(&inputs, __ATOMIC_ACQUIRE); in != NULL; in = in->in_next)
		if (in->in_take != NULL && __atomic_load_n(&in->in_reader_count, __ATOMIC_RELAXED) > 0)
			return true;
	return false;
}

static void
input_go_on(void)
{
	static char buf[READ_MAX];
	struct input_read *r;
	uint32_t n;

	if (must_poll())
		assert_wait_deadline(&inputs, false, clock_uptime_ns() + POLL_NS);
	else
		assert_wait(&inputs, false);
	for (struct device_input *in = __atomic_load_n(&inputs, __ATOMIC_ACQUIRE); in != NULL; in = in->in_next)
		while ((r = next_answer(in, buf, &n)) != NULL)
			answer(r, buf, n);
	thread_block(input_go_on);
}

static void
input_thread(void *arg)
{
	(void)arg;
	input_go_on();
}

void
device_input_start(void)
{
	kernel_thread("device input", input_thread, NULL, PRI_SYSTEM);
}

/* => in_lock held: D_SUCCESS with bytes in buf, else what becomes of the read (D_IO_QUEUED: it is in the list) */
static io_return_t
read_or_wait(struct device_input *in, char *buf, uint32_t max, struct input_read *wait, uint32_t *count)
{
	*count = queue_empty(&in->in_readers) ? take(in, buf, max) : 0;
	if (*count > 0)
		return D_SUCCESS;
	if (wait == NULL || in->in_reader_count >= READERS_MAX)
		return D_WOULD_BLOCK;
	queue_push_tail(&in->in_readers, &wait->ir_link);
	in->in_reader_count++;
	return D_IO_QUEUED;
}

io_return_t
device_input_read(struct device_input *in, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	uint32_t max = r->dr_wanted < READ_MAX ? r->dr_wanted : READ_MAX;
	struct queue gone = { &gone, &gone };
	struct input_read *wait = NULL;
	unsigned long flags;
	io_return_t kr;
	char *buf;

	if (max == 0)
		return D_SUCCESS;
	if (max < in->in_record)
		return D_INVALID_SIZE;
	buf = kalloc(READ_MAX);
	if (!(r->dr_mode & D_NOWAIT) && (wait = kalloc(sizeof *wait)) != NULL)
		*wait = (struct input_read){ .ir_reply = r->dr_reply, .ir_type = r->dr_reply_type, .ir_inband = r->dr_inband,
		    .ir_wanted = r->dr_wanted };
	if (buf == NULL || (wait == NULL && !(r->dr_mode & D_NOWAIT))) {
		kfree(wait, sizeof *wait);
		kfree(buf, READ_MAX);
		return D_NO_MEMORY;
	}
	flags = spin_lock_irq(&in->in_lock);
	drop_dead(in, &gone);
	kr = read_or_wait(in, buf, max, wait, count);
	spin_unlock_irq(&in->in_lock, flags);
	answer_dead(&gone);
	if (kr != D_IO_QUEUED)
		kfree(wait, sizeof *wait);
	else if (in->in_take != NULL)
		thread_wakeup(&inputs);		/* to be asked from now on */
	if (kr != D_SUCCESS) {
		kfree(buf, READ_MAX);
		return kr;
	}
	*from = buf;
	*free = READ_MAX;
	return D_SUCCESS;
}
