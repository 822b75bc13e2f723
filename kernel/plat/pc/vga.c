/* SPDX-License-Identifier: BSD-2-Clause */
/* VGA text screen: 80 x 25 cells of character and attribute. Written by one CPU at a time (console.c). */
#include <machine/pmap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define COLUMNS	80
#define ROWS	25

static volatile uint16_t *cells;

static void draw(unsigned row, unsigned column, unsigned char c, uint8_t attribute)
{
	cells[row * COLUMNS + column] = (uint16_t)(attribute << 8 | c);
}

static void cursor(unsigned row, unsigned column)
{
	unsigned at = row * COLUMNS + column;

	outw(0x3d4, 0x0e | (at & 0xff00));
	outw(0x3d4, 0x0f | at << 8);
}

void vga_init(void)
{
	static const struct screen vga = { COLUMNS, ROWS, draw, cursor };

	cells = phys_to_kv(0xb8000);
	screen_init(&vga);
}
