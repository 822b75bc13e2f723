/* SPDX-License-Identifier: BSD-2-Clause */
/* Keyboard, mouse, serial lines, screen: one serial line that swallows what it is given, and nothing else. */
#include <machine/lines.h>

void (*keyboard_hook)(unsigned code);
void (*mouse_hook)(unsigned byte);
void (*serial_hook)(unsigned unit, char c);
bool keyboard_raw;

void keyboard_leds(unsigned bits) { (void)bits; }
bool mouse_start(void) { return false; }
unsigned serial_console_unit(void) { return 0; }
bool serial_line_start(unsigned unit) { return unit == 1; }
void serial_line_put(unsigned unit, char c)
{
	(void)unit;
	(void)c;
}
bool serial_line_speed(unsigned unit, unsigned bits_per_second)
{
	(void)unit;
	return bits_per_second != 0;
}
unsigned serial_line_modem(unsigned unit)
{
	(void)unit;
	return 0;
}
void serial_line_control(unsigned unit, unsigned bits)
{
	(void)unit;
	(void)bits;
}
void serial_line_break(unsigned unit, bool on)
{
	(void)unit;
	(void)on;
}
void screen_memory(uint64_t *phys, uint64_t *size) { *phys = *size = 0; }
