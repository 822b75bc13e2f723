/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, mouse, serial lines and screen apart from the kernel's console: provided by plat, used by device/. */
#ifndef MACHINE_LINES_H
#define MACHINE_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* interrupt context; set once, by device/ */
extern void (*keyboard_hook)(unsigned code);	/* scan codes, while keyboard_raw */
extern void (*mouse_hook)(unsigned byte);
extern void (*serial_hook)(unsigned unit, char c);

extern bool keyboard_raw;			/* atomic: keys go to keyboard_hook in the place of the console */
void	keyboard_leds(unsigned bits);		/* 1 scroll, 2 number, 4 capitals */
bool	mouse_start(void);			/* => false: there is none */

#define SERIAL_LINES	4
unsigned serial_console_unit(void);		/* the kernel's console line */
bool	serial_line_start(unsigned unit);	/* => false: there is none, or its interrupt is somebody's */
void	serial_line_put(unsigned unit, char);
bool	serial_line_speed(unsigned unit, unsigned bits_per_second);	/* => false: not a speed */
unsigned serial_line_modem(unsigned unit);	/* bits of the modem control and (<< 8) modem status registers */
void	serial_line_control(unsigned unit, unsigned bits);	/* of the modem control register */
void	serial_line_break(unsigned unit, bool on);

/* => what shows on the screen: a framebuffer, else the cells of a text screen */
void	screen_memory(uint64_t *phys, uint64_t *size);

#endif
