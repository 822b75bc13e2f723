/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on the loader's framebuffer: 8 x 16 glyphs of console_font, in the sixteen colours of a text screen. Written by one CPU at a time.
 * The boot page tables show the first 4 GiB; plat_screen_resume maps it again when the kernel has its own.
 */
#include <machine/lines.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <plat/pc.h>
#include <kern/panic.h>

#define TEXT_PHYS	0xb8000u
#define TEXT_SIZE	0x8000u
#define GLYPH_WIDTH	8
#define GLYPH_HEIGHT	16
#define COLUMNS_MAX	240
#define ROWS_MAX	80

extern const uint8_t console_font[256][GLYPH_HEIGHT];

static struct screen fb_screen;
static uint8_t *pixels;
static unsigned pixel_bytes;		/* 3 or 4 */
static unsigned cursor_row, cursor_column;
static struct { unsigned char c; uint8_t attribute; } shown[ROWS_MAX][COLUMNS_MAX];

static uint32_t colour(unsigned index)
{
	const struct framebuffer *fb = &boot_framebuffer;
	uint32_t level = index & 8 ? 0xff : 0xaa;

	return (index & 4 ? level : 0) << fb->fb_red | (index & 2 ? level : 0) << fb->fb_green | (index & 1 ? level : 0) << fb->fb_blue;
}

static void set_pixel(volatile uint8_t *at, uint32_t value)
{
	if (pixel_bytes == 4) {
		*(volatile uint32_t *)at = value;
		return;
	}
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	at[2] = (uint8_t)(value >> 16);
}

static void paint(unsigned row, unsigned column, bool inverse)
{
	const uint8_t *glyph = console_font[shown[row][column].c];
	uint8_t attribute = shown[row][column].attribute;
	uint32_t front = colour(attribute & 0xf), back = colour(attribute >> 4);

	for (unsigned y = 0; y < GLYPH_HEIGHT; y++) {
		volatile uint8_t *at = pixels + (row * GLYPH_HEIGHT + y) * boot_framebuffer.fb_pitch +
		    column * GLYPH_WIDTH * pixel_bytes;
		uint8_t bits = inverse ? (uint8_t)~glyph[y] : glyph[y];

		for (unsigned x = 0; x < GLYPH_WIDTH; x++, at += pixel_bytes)
			set_pixel(at, bits & 0x80 >> x ? front : back);
	}
}

static void draw(unsigned row, unsigned column, unsigned char c, uint8_t attribute)
{
	/* scrolling draws every cell: most have not changed */
	if (shown[row][column].c == c && shown[row][column].attribute == attribute)
		return;
	shown[row][column].c = c;
	shown[row][column].attribute = attribute;
	paint(row, column, false);
}

static void cursor(unsigned row, unsigned column)
{
	paint(cursor_row, cursor_column, false);
	cursor_row = row;
	cursor_column = column;
	paint(row, column, true);
}

bool fb_init(void)
{
	const struct framebuffer *fb = &boot_framebuffer;

	if (fb->fb_type != 1 || (fb->fb_bpp != 32 && fb->fb_bpp != 24) || fb->fb_width < GLYPH_WIDTH || fb->fb_height < GLYPH_HEIGHT ||
	    fb->fb_phys + (uint64_t)fb->fb_pitch * fb->fb_height > 1ull << 32)
		return false;
	pixels = phys_to_kv(fb->fb_phys);
	pixel_bytes = fb->fb_bpp / 8;
	fb_screen = (struct screen){ fb->fb_width / GLYPH_WIDTH, fb->fb_height / GLYPH_HEIGHT, draw, cursor };
	if (fb_screen.sc_columns > COLUMNS_MAX)
		fb_screen.sc_columns = COLUMNS_MAX;
	if (fb_screen.sc_rows > ROWS_MAX)
		fb_screen.sc_rows = ROWS_MAX;
	screen_init(&fb_screen);
	return true;
}

void screen_memory(uint64_t *phys, uint64_t *size)
{
	const struct framebuffer *fb = &boot_framebuffer;

	*phys = pixels != NULL ? fb->fb_phys : TEXT_PHYS;
	*size = pixels != NULL ? (uint64_t)fb->fb_pitch * fb->fb_height : TEXT_SIZE;
}

void plat_screen_pause(void)
{
	if (pixels != NULL)
		screen_pause(true);
}

void plat_screen_resume(void)
{
	const struct framebuffer *fb = &boot_framebuffer;

	if (fb->fb_phys != 0 && fb->fb_type != 2)
		kprintf("screen: %u x %u, %u bits, at %lx%s\n", fb->fb_width, fb->fb_height, fb->fb_bpp, fb->fb_phys,
		    pixels == NULL ? ", not usable" : "");
	if (pixels != NULL && pmap_map_physical(boot_framebuffer.fb_phys,
	    (uint64_t)boot_framebuffer.fb_pitch * boot_framebuffer.fb_height, true) != NULL)
		screen_pause(false);
}
