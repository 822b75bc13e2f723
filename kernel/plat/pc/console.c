/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's console: output to the serial line and the screen, input from the serial line and the keyboard.
 * LOCKS   none: console_putc is called by one CPU at a time (the console lock of kern/printf.c, or a panic).
 */
#include <machine/cpu.h>
#include <plat/pc.h>

void (*console_input_hook)(int c);

void console_putc(char c)
{
	static char last;

	/* A terminal's line discipline has put its own carriage return before the newline. */
	if (c == '\n' && last != '\r') {
		serial_putc('\r');
		screen_putc('\r');
	}
	last = c;
	serial_putc(c);
	screen_putc(c);
}

int console_poll(void)
{
	int c = serial_poll();

	return c >= 0 ? c : kbd_poll();
}

void console_input(int c)
{
	if (console_input_hook != NULL)
		console_input_hook(c);
}
