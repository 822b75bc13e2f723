/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a terminal: the kernel's console device below, the line discipline above.
 *
 * OBJECT   the one console tty; a thread that reads the device.
 * LOCKS    t_lock of the tty.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <mach/thread_switch.h>
#include <device/device.h>
#include <cthreads.h>
#include <string.h>

#include "tty.h"

static struct tty console;
static mach_port_t console_device;

static size_t
console_write(struct tty *tty, const uint8_t *data, size_t size)
{
	size_t done = 0, n;
	int written;

	(void)tty;
	while (done < size) {
		n = size - done;
		if (n > IO_INBAND_MAX)
			n = IO_INBAND_MAX;
		if (device_write_inband(console_device, 0, 0, (const char *)data + done,
		    (mach_msg_type_number_t)n, &written) != KERN_SUCCESS || written <= 0)
			break;
		done += (size_t)written;
	}
	/* A device that fails takes everything: nobody is helped by a writer that waits. */
	return size;
}

static any_t
console_loop(any_t argument)
{
	io_buf_ptr_inband_t data;
	mach_msg_type_number_t count;
	kern_return_t kr;

	(void)argument;
	for (;;) {
		count = sizeof(data);
		kr = device_read_inband(console_device, 0, 0, (int)sizeof(data), data, &count);
		if (kr == KERN_SUCCESS && count > 0)
			tty_input(&console, (const uint8_t *)data, count);
		else if (kr != KERN_SUCCESS)
			(void)thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 100);
	}
	return NULL;
}

static const struct tty_driver console_driver = {
	.td_write = console_write,
};

int
console_start(mach_port_t device_master)
{
	dev_name_t name = "console";
	cthread_t thread;

	if (device_open(device_master, D_READ | D_WRITE, name, &console_device) != KERN_SUCCESS)
		return -LX_ENODEV;
	tty_init(&console, &console_driver, lx_makedev(5, 1), 0600);
	console.t_size.ws_row = 24;
	console.t_size.ws_col = 80;
	dev_register(&console.t_dev);
	thread = cthread_fork(console_loop, NULL);
	if (thread == CTHREAD_NULL)
		return -LX_ENOMEM;
	cthread_set_name(thread, "console");
	cthread_detach(thread);
	return 0;
}

bool
console_at_line_start(void)
{
	return console.t_ldisc.l_column == 0;
}
