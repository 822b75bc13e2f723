/* SPDX-License-Identifier: BSD-2-Clause */
/* VGA text screen: 80 x 25, cursor, tab, backspace, scrolling. Written by one CPU at a time (console.c's lock). */
#include <kern/string.h>
#include <machine/pmap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define COLUMNS	80
#define ROWS	25
#define BLANK	0x0720

static volatile uint16_t *vga;
static unsigned vga_pos;

void screen_off(void)
{
	vga = NULL;
}

void vga_init(void)
{
	vga = phys_to_kv(0xb8000);
	for (unsigned i = 0; i < COLUMNS * ROWS; i++)
		vga[i] = BLANK;
	vga_pos = 0;
}

static void scroll(void)
{
	for (unsigned i = 0; i < COLUMNS * (ROWS - 1); i++)
		vga[i] = vga[i + COLUMNS];
	for (unsigned i = COLUMNS * (ROWS - 1); i < COLUMNS * ROWS; i++)
		vga[i] = BLANK;
	vga_pos -= COLUMNS;
}

void vga_putc(char c)
{
	if (vga == NULL)
		return;
	switch (c) {
	case '\n':
		vga_pos += COLUMNS;
		break;
	case '\r':
		vga_pos -= vga_pos % COLUMNS;
		break;
	case '\b':
		if (vga_pos % COLUMNS != 0)
			vga_pos--;
		break;
	case '\t':
		vga_pos = (vga_pos + 8) & ~7u;
		break;
	default:
		if ((unsigned char)c >= ' ')
			vga[vga_pos++] = 0x0700 | (unsigned char)c;
	}
	while (vga_pos >= COLUMNS * ROWS)
		scroll();
	outw(0x3d4, 0x0e | (vga_pos & 0xff00));
	outw(0x3d4, 0x0f | vga_pos << 8);
}
