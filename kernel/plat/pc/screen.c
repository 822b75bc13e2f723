/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal on the screen: what full-screen programs of the console need of ECMA-48 (cursor movement, erasing, inverse and bold, the
 * sixteen colours), over whatever draws cells. Sequences it does not know are swallowed whole. Only the serial line answers queries.
 * LOCKS   none: one CPU at a time (console.c).
 */
#include <plat/pc.h>

#define CELLS_MAX	(240 * 80)
#define PARAMETERS	8
#define NORMAL		0x07

enum state { PLAIN, ESCAPE, SEQUENCE };

static const struct screen *screen;
static bool paused;
static struct { unsigned char c; uint8_t attribute; } cells[CELLS_MAX];
static unsigned row, column;
static uint8_t attribute;
static enum state state;
static unsigned parameter[PARAMETERS], parameters;

static void put(unsigned r, unsigned c, unsigned char ch, uint8_t attr)
{
	unsigned at = r * screen->sc_columns + c;

	cells[at].c = ch;
	cells[at].attribute = attr;
	screen->sc_draw(r, c, ch, attr);
}

/* [from, to) in reading order */
static void erase(unsigned from, unsigned to)
{
	for (unsigned at = from; at < to; at++)
		put(at / screen->sc_columns, at % screen->sc_columns, ' ', NORMAL);
}

static void scroll(void)
{
	unsigned columns = screen->sc_columns, last = columns * (screen->sc_rows - 1);

	for (unsigned at = 0; at < last; at++)
		put(at / columns, at % columns, cells[at + columns].c, cells[at + columns].attribute);
	erase(last, last + columns);
	row--;
}

static unsigned first(unsigned i, unsigned missing)
{
	return i < parameters && parameter[i] != 0 ? parameter[i] : missing;
}

static void move(unsigned r, unsigned c)
{
	row = r < screen->sc_rows ? r : screen->sc_rows - 1;
	column = c < screen->sc_columns ? c : screen->sc_columns - 1;
}

/* the colours of a text screen have red and blue the other way round */
static uint8_t colour(unsigned ansi)
{
	return (uint8_t)((ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2);
}

static void rendition(void)
{
	for (unsigned i = 0; i < (parameters ? parameters : 1); i++) {
		unsigned p = i < parameters ? parameter[i] : 0;

		if (p == 0)
			attribute = NORMAL;
		else if (p == 1)
			attribute |= 0x08;
		else if (p == 7)
			attribute = (uint8_t)(attribute << 4 | attribute >> 4) & 0x7f;
		else if (p == 27 || p == 22)
			attribute = NORMAL;
		else if (p >= 30 && p <= 37)
			attribute = (attribute & 0xf8) | colour(p - 30);
		else if (p >= 40 && p <= 47)
			attribute = (attribute & 0x8f) | (uint8_t)(colour(p - 40) << 4);
	}
}

static void sequence(char final)
{
	unsigned columns = screen->sc_columns, at = row * columns + column, n = first(0, 1);
	unsigned mode = parameters ? parameter[0] : 0;

	switch (final) {
	case 'A':
		move(row > n ? row - n : 0, column);
		break;
	case 'B':
		move(row + n, column);
		break;
	case 'C':
		move(row, column + n);
		break;
	case 'D':
		move(row, column > n ? column - n : 0);
		break;
	case 'G':
		move(row, n - 1);
		break;
	case 'H':
	case 'f':
		move(n - 1, first(1, 1) - 1);
		break;
	case 'J':
		erase(mode ? 0 : at, mode == 1 ? at + 1 : columns * screen->sc_rows);
		break;
	case 'K':
		erase(mode ? row * columns : at, mode == 1 ? at + 1 : (row + 1) * columns);
		break;
	case 'm':
		rendition();
		break;
	}
}

static void in_sequence(char c)
{
	if (c >= '0' && c <= '9') {
		if (parameters == 0)
			parameters = 1;
		if (parameter[parameters - 1] < 10000)
			parameter[parameters - 1] = parameter[parameters - 1] * 10 + (unsigned)(c - '0');
	} else if (c == ';') {
		if (parameters < PARAMETERS)
			parameter[parameters++] = 0;
	} else if (c >= '@' && c <= '~') {
		sequence(c);
		state = PLAIN;
	}
}

static void plain(unsigned char c)
{
	switch (c) {
	case '\n':
		row++;
		break;
	case '\r':
		column = 0;
		break;
	case '\b':
		column -= column != 0;
		break;
	case '\t':
		column = (column + 8) & ~7u;
		break;
	case 033:
		state = ESCAPE;
		break;
	default:
		if (c >= ' ')
			put(row, column++, c, attribute);
	}
	if (column >= screen->sc_columns) {
		column = 0;
		row++;
	}
	if (row >= screen->sc_rows)
		scroll();
}

void screen_init(const struct screen *s)
{
	screen = s;
	attribute = NORMAL;
	row = column = 0;
	erase(0, s->sc_columns * s->sc_rows);
}

void screen_pause(bool on)
{
	paused = on;
}

void screen_putc(char c)
{
	if (screen == NULL || paused)
		return;
	if (state == SEQUENCE) {
		in_sequence(c);
	} else if (state == ESCAPE) {
		state = c == '[' ? SEQUENCE : PLAIN;
		for (unsigned i = 0; i < PARAMETERS; i++)
			parameter[i] = 0;
		parameters = 0;
	} else {
		plain((unsigned char)c);
	}
	screen->sc_cursor(row, column);
}
