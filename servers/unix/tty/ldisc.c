/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline.  See ldisc.h.
 */
#include "ldisc.h"

#include <string.h>

#define DISABLED	0	/* _POSIX_VDISABLE */

static bool
flag_i(const struct ldisc *l, uint32_t f)
{
	return (l->l_termios.c_iflag & f) != 0;
}

static bool
flag_l(const struct ldisc *l, uint32_t f)
{
	return (l->l_termios.c_lflag & f) != 0;
}

static bool
is_cc(const struct ldisc *l, uint8_t c, int which)
{
	return c != DISABLED && c == l->l_termios.c_cc[which];
}

void
ldisc_init(struct ldisc *l)
{
	static const uint8_t cc[LX_NCCS] = {
		[T_VINTR] = 3, [T_VQUIT] = 28, [T_VERASE] = 127, [T_VKILL] = 21, [T_VEOF] = 4,
		[T_VMIN] = 1, [T_VSTART] = 17, [T_VSTOP] = 19, [T_VSUSP] = 26,
		[T_VREPRINT] = 18, [T_VDISCARD] = 15, [T_VWERASE] = 23, [T_VLNEXT] = 22,
	};

	memset(l, 0, sizeof(*l));
	l->l_termios.c_iflag = T_ICRNL | T_IXON;
	l->l_termios.c_oflag = T_OPOST | T_ONLCR;
	l->l_termios.c_cflag = T_B38400 | T_CS8 | T_CREAD | T_HUPCL;
	l->l_termios.c_lflag = T_ISIG | T_ICANON | T_ECHO | T_ECHOE | T_ECHOK | T_ECHOCTL |
	    T_ECHOKE | T_IEXTEN;
	memcpy(l->l_termios.c_cc, cc, sizeof(cc));
}

/* ---- output ---- */

static void
column_note(struct ldisc *l, uint8_t c)
{
	switch (c) {
	case '\r':
		l->l_column = 0;
		break;
	case '\b':
		if (l->l_column > 0)
			l->l_column--;
		break;
	case '\t':
		l->l_column = (l->l_column | 7) + 1;
		break;
	default:
		/* Bytes after the first of a UTF-8 character take no place. */
		if (c >= ' ' && c != 127 && !(flag_i(l, T_IUTF8) && (c & 0xc0) == 0x80))
			l->l_column++;
	}
}

/* One character by the rules of c_oflag: up to 8 bytes. */
static size_t
output_one(struct ldisc *l, uint8_t c, uint8_t *out)
{
	uint32_t f = l->l_termios.c_oflag, n, i;

	if (!(f & T_OPOST)) {
		out[0] = c;
		return 1;
	}
	switch (c) {
	case '\n':
		if (f & T_ONLRET)
			l->l_column = 0;
		if (f & T_ONLCR) {
			l->l_column = 0;
			out[0] = '\r';
			out[1] = '\n';
			return 2;
		}
		break;
	case '\r':
		if ((f & T_ONOCR) && l->l_column == 0)
			return 0;
		if (f & T_OCRNL) {
			out[0] = '\n';
			if (f & T_ONLRET)
				l->l_column = 0;
			return 1;
		}
		break;
	case '\t':
		if ((f & T_XTABS) == T_XTABS) {
			n = 8 - (l->l_column & 7);
			for (i = 0; i < n; i++)
				out[i] = ' ';
			l->l_column += n;
			return n;
		}
		break;
	default:
		if ((f & T_OLCUC) && c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
	}
	column_note(l, c);
	out[0] = c;
	return 1;
}

size_t
ldisc_output(struct ldisc *l, const uint8_t *data, size_t size, uint8_t *out, size_t room,
    size_t *out_size)
{
	size_t i, n = 0;

	for (i = 0; i < size && room - n >= 8; i++)
		n += output_one(l, data[i], out + n);
	*out_size = n;
	return i;
}

/* ---- echo ---- */

static void
echo_raw(struct ldisc *l, const uint8_t *data, size_t size)
{
	if (l->l_echo != NULL)
		l->l_echo(l->l_arg, data, size);
}

/* Through output processing, like a program's output. */
static void
echo_char(struct ldisc *l, uint8_t c)
{
	uint8_t out[8];

	echo_raw(l, out, output_one(l, c, out));
}

static bool
shown_as_caret(const struct ldisc *l, uint8_t c)
{
	return flag_l(l, T_ECHOCTL) && (c < ' ' || c == 127) && c != '\t' && c != '\n';
}

static void
echo_input(struct ldisc *l, uint8_t c)
{
	if (!flag_l(l, T_ECHO)) {
		if (c == '\n' && flag_l(l, T_ECHONL) && flag_l(l, T_ICANON))
			echo_char(l, c);
		return;
	}
	if (shown_as_caret(l, c)) {
		echo_char(l, '^');
		echo_char(l, c ^ 0x40);
	} else {
		echo_char(l, c);
	}
}

/* ---- the buffer ---- */

static uint8_t *
at(struct ldisc *l, uint32_t i)
{
	return &l->l_buf[i & (LDISC_SIZE - 1)];
}

static void
mark_set(struct ldisc *l, uint32_t i, bool on)
{
	uint32_t k = i & (LDISC_SIZE - 1);

	if (on)
		l->l_mark[k >> 3] |= (uint8_t)(1u << (k & 7));
	else
		l->l_mark[k >> 3] &= (uint8_t)~(1u << (k & 7));
}

static bool
mark_get(const struct ldisc *l, uint32_t i)
{
	uint32_t k = i & (LDISC_SIZE - 1);

	return (l->l_mark[k >> 3] >> (k & 7)) & 1;
}

/* => false: full (one place is kept for the end of a line) */
static bool
append(struct ldisc *l, uint8_t c, bool line_end)
{
	uint32_t used = l->l_head - l->l_tail;

	if (used >= LDISC_SIZE - (line_end || !flag_l(l, T_ICANON) ? 0 : 1)) {
		if (flag_i(l, T_IMAXBEL))
			echo_raw(l, (const uint8_t *)"\a", 1);
		return false;
	}
	*at(l, l->l_head) = c;
	mark_set(l, l->l_head, line_end);
	l->l_head++;
	if (line_end)
		l->l_lines++;
	if (line_end || !flag_l(l, T_ICANON))
		l->l_line = l->l_head;
	return true;
}

void
ldisc_flush_input(struct ldisc *l)
{
	l->l_tail = l->l_line = l->l_head;
	l->l_lines = 0;
	l->l_literal = false;
}

/* ---- editing ---- */

/* The column behind the line being edited, without its last `less' characters. */
static uint32_t
edit_width(struct ldisc *l, uint32_t end)
{
	uint32_t column = l->l_edit_column, i;
	uint8_t c;

	for (i = l->l_line; i != end; i++) {
		c = *at(l, i);
		if (c == '\t')
			column = (column | 7) + 1;
		else if (shown_as_caret(l, c))
			column += 2;
		else if (c >= ' ' && c != 127 && !(flag_i(l, T_IUTF8) && (c & 0xc0) == 0x80))
			column++;
	}
	return column;
}

/* Takes the last character of the line away, on the screen too. */
static void
rub_out(struct ldisc *l, bool show)
{
	uint32_t before = edit_width(l, l->l_head), after;

	do {
		l->l_head--;
	} while (flag_i(l, T_IUTF8) && l->l_head != l->l_line &&
	    (*at(l, l->l_head) & 0xc0) == 0x80);
	if (!show || !flag_l(l, T_ECHO))
		return;
	if (!flag_l(l, T_ECHOE)) {
		echo_input(l, l->l_termios.c_cc[T_VERASE]);
		return;
	}
	for (after = edit_width(l, l->l_head); before > after; before--) {
		echo_raw(l, (const uint8_t *)"\b \b", 3);
		if (l->l_column > 0)
			l->l_column--;
	}
}

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    c == '_' || c >= 0x80;
}

static void
erase_word(struct ldisc *l)
{
	while (l->l_head != l->l_line && !is_word(*at(l, l->l_head - 1)))
		rub_out(l, true);
	while (l->l_head != l->l_line && is_word(*at(l, l->l_head - 1)))
		rub_out(l, true);
}

static void
kill_line(struct ldisc *l, uint8_t c)
{
	if (flag_l(l, T_ECHOK) && flag_l(l, T_ECHOKE) && flag_l(l, T_ECHOE)) {
		while (l->l_head != l->l_line)
			rub_out(l, true);
		return;
	}
	l->l_head = l->l_line;
	echo_input(l, c);
	if (flag_l(l, T_ECHOK) && flag_l(l, T_ECHO))
		echo_char(l, '\n');
}

static void
reprint(struct ldisc *l, uint8_t c)
{
	uint32_t i;

	if (!flag_l(l, T_ECHO))
		return;
	echo_input(l, c);
	echo_char(l, '\n');
	l->l_edit_column = l->l_column;
	for (i = l->l_line; i != l->l_head; i++)
		echo_input(l, *at(l, i));
}

/* => true: the character was an editing character of canonical mode */
static bool
edit(struct ldisc *l, uint8_t c)
{
	if (is_cc(l, c, T_VERASE)) {
		if (l->l_head != l->l_line)
			rub_out(l, true);
		return true;
	}
	if (is_cc(l, c, T_VKILL)) {
		kill_line(l, c);
		return true;
	}
	if (is_cc(l, c, T_VEOF)) {
		/* An end that is not part of the line: marked, never copied. */
		(void)append(l, DISABLED, true);
		return true;
	}
	if (!flag_l(l, T_IEXTEN))
		return false;
	if (is_cc(l, c, T_VWERASE)) {
		erase_word(l);
		return true;
	}
	if (is_cc(l, c, T_VREPRINT)) {
		reprint(l, c);
		return true;
	}
	return false;
}

/* ---- input ---- */

/* => true: c was for flow control */
static bool
flow_control(struct ldisc *l, uint8_t c)
{
	if (is_cc(l, c, T_VSTART) || (l->l_stopped && flag_i(l, T_IXANY) &&
	    !is_cc(l, c, T_VSTOP))) {
		if (l->l_stopped) {
			l->l_stopped = false;
			if (l->l_start != NULL)
				l->l_start(l->l_arg);
		}
		return is_cc(l, c, T_VSTART);
	}
	if (is_cc(l, c, T_VSTOP)) {
		l->l_stopped = true;
		return true;
	}
	return false;
}

static bool
signal_char(struct ldisc *l, uint8_t c)
{
	int sig;

	if (is_cc(l, c, T_VINTR))
		sig = LX_SIGINT;
	else if (is_cc(l, c, T_VQUIT))
		sig = LX_SIGQUIT;
	else if (is_cc(l, c, T_VSUSP))
		sig = LX_SIGTSTP;
	else
		return false;
	if (!flag_l(l, T_NOFLSH))
		ldisc_flush_input(l);
	if (l->l_stopped) {
		l->l_stopped = false;
		if (l->l_start != NULL)
			l->l_start(l->l_arg);
	}
	echo_input(l, c);
	if (l->l_signal != NULL)
		l->l_signal(l->l_arg, sig);
	return true;
}

/* => false: dropped */
static bool
translate(struct ldisc *l, uint8_t *c)
{
	if (flag_i(l, T_ISTRIP))
		*c &= 0x7f;
	if (flag_i(l, T_IUCLC) && flag_l(l, T_IEXTEN) && *c >= 'A' && *c <= 'Z')
		*c = (uint8_t)(*c - 'A' + 'a');
	if (*c == '\r') {
		if (flag_i(l, T_IGNCR))
			return false;
		if (flag_i(l, T_ICRNL))
			*c = '\n';
	} else if (*c == '\n' && flag_i(l, T_INLCR)) {
		*c = '\r';
	}
	return true;
}

void
ldisc_input(struct ldisc *l, uint8_t c)
{
	bool canonical = flag_l(l, T_ICANON), end;

	if (l->l_literal) {
		l->l_literal = false;
		if (append(l, c, false))
			echo_input(l, c);
		return;
	}
	if (!translate(l, &c))
		return;
	if (flag_i(l, T_IXON) && flow_control(l, c))
		return;
	if (flag_l(l, T_ISIG) && signal_char(l, c))
		return;
	if (!canonical) {
		if (append(l, c, false))
			echo_input(l, c);
		return;
	}
	if (l->l_head == l->l_line)
		l->l_edit_column = l->l_column;
	if (flag_l(l, T_IEXTEN) && is_cc(l, c, T_VLNEXT)) {
		l->l_literal = true;
		if (flag_l(l, T_ECHO) && flag_l(l, T_ECHOCTL))
			echo_raw(l, (const uint8_t *)"^\b", 2);
		return;
	}
	if (edit(l, c))
		return;
	end = c == '\n' || is_cc(l, c, T_VEOL) || (flag_l(l, T_IEXTEN) && is_cc(l, c, T_VEOL2));
	if (append(l, c, end))
		echo_input(l, c);
}

/* ---- reading ---- */

bool
ldisc_readable(const struct ldisc *l, uint32_t min)
{
	uint32_t n = l->l_line - l->l_tail;

	if (flag_l(l, T_ICANON))
		return l->l_lines > 0;
	return n >= (min == 0 ? 1 : min);
}

size_t
ldisc_read(struct ldisc *l, uint8_t *data, size_t size)
{
	bool canonical = flag_l(l, T_ICANON);
	size_t n = 0;
	bool end, eof;
	uint8_t c;

	while (l->l_tail != l->l_line) {
		c = *at(l, l->l_tail);
		end = mark_get(l, l->l_tail);
		eof = end && c == DISABLED;
		/* A full buffer still swallows the ^D that ends its line. */
		if (n == size && !(eof && canonical && size != 0))
			break;
		l->l_tail++;
		if (end)
			l->l_lines--;
		if (!eof)
			data[n++] = c;
		if (end && canonical)
			break;
	}
	return n;
}

uint32_t
ldisc_available(const struct ldisc *l)
{
	uint32_t n = 0, i;

	if (flag_l(l, T_ICANON) && l->l_lines == 0)
		return 0;
	for (i = l->l_tail; i != l->l_line; i++)
		n += !(mark_get(l, i) && l->l_buf[i & (LDISC_SIZE - 1)] == DISABLED);
	return n;
}

/* The line being edited becomes readable when canonical mode ends. */
void
ldisc_set(struct ldisc *l, const struct lx_termios *t)
{
	bool was = flag_l(l, T_ICANON);

	l->l_termios = *t;
	if (was && !flag_l(l, T_ICANON)) {
		l->l_line = l->l_head;
		l->l_literal = false;
	} else if (!was && flag_l(l, T_ICANON) && l->l_line != l->l_tail && l->l_lines == 0) {
		/* What was typed raw reads as a line of its own. */
		mark_set(l, l->l_line - 1, true);
		l->l_lines = 1;
	}
	if (!flag_i(l, T_IXON) && l->l_stopped) {
		l->l_stopped = false;
		if (l->l_start != NULL)
			l->l_start(l->l_arg);
	}
}
