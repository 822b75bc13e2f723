/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console device: the kernel's serial line and its screen and keyboard together; queued input, raw output, terminal status.
 * kd0 is another name of it, which shows its screen's memory as well; the console's own com line is one, too (com.c).
 * LOCKS   those of its input.
 */
#include <debug/kdb.h>
#include <device/input.h>
#include <device/tty_status.h>
#include <kern/bootstrap.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/string.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/cpu.h>
#include <machine/lines.h>
#include <machine/pmap.h>
#include <vm/page.h>

#define RING	4096u
#define KDB_KEY	0x1d			/* ^] */

static char ring[RING];
static struct device_input input;
static struct tty_status status = { 9600, 9600, 0, 0 };
static bool kdb_key_works;

static void
console_interrupt(int c)
{
	char byte = (char)c;

	if (c == KDB_KEY && kdb_key_works) {
		kdb_enter("key");
		return;
	}
	device_input_put(&input, &byte, 1);
}

void
console_init(void)
{
#ifdef DEBUG
	kdb_key_works = true;
#else
	kdb_key_works = boot_flag("-d");
#endif
	device_input_init(&input, ring, sizeof ring, 1, NULL);
	console_input_hook = console_interrupt;
}

int
console_getc(void)
{
	for (;;) {
		char c;

		assert_wait_deadline(device_input_event(), true, clock_uptime_ns() + 100000000);
		if (device_input_take(&input, &c, 1) == 1) {
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

io_return_t
console_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	(void)d;
	return device_input_read(&input, r, from, count, free);
}

io_return_t
console_write(struct device *d, uint64_t recnum, uint64_t at, const void *from, uint32_t count)
{
	(void)d;
	(void)recnum;
	(void)at;
	kwrite(from, count);
	return D_SUCCESS;
}

io_return_t
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

io_return_t
console_set_status(struct device *d, dev_flavor_t flavor, const int *in, uint32_t count)
{
	(void)d;
	switch (flavor) {
	case TTY_STATUS:
		if (count < TTY_STATUS_COUNT)
			return D_INVALID_OPERATION;
		memcpy(&status, in, sizeof status);
		return D_SUCCESS;
	case TTY_FLUSH:
		device_input_flush(&input);
		return D_SUCCESS;
	case TTY_STOP:
	case TTY_START:
		return D_SUCCESS;	/* output is never held back */
	default:
		return D_INVALID_OPERATION;
	}
}

/* the screen: a framebuffer as the loader left it (device mbinfo says its form), else the cells of a text screen */
static io_return_t
kd_map(struct device *d, vm_prot_t prot, uint64_t offset, uint64_t size, uint64_t *phys, unsigned *cache)
{
	uint64_t start, whole;

	(void)d;
	(void)prot;
	screen_memory(&start, &whole);
	whole = page_round(whole);
	if (start % PAGE_SIZE != 0 || offset > whole || whole - offset < size)
		return D_INVALID_SIZE;
	*phys = start + offset;
	*cache = PMAP_CACHE_OFF;
	return D_SUCCESS;
}

const struct device_ops console_ops = {
	.do_name = "console", .do_open = console_open, .do_read = console_read, .do_write = console_write,
	.do_get_status = console_get_status, .do_set_status = console_set_status,
};
const struct device_ops kd_ops = {
	.do_name = "kd", .do_open = console_open, .do_read = console_read, .do_write = console_write,
	.do_get_status = console_get_status, .do_set_status = console_set_status, .do_map = kd_map,
};
