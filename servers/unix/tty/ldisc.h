/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline: what happens to characters between a terminal and its readers and writers.
 *
 * OBJECT   struct ldisc, embedded in a tty.  Pure: it knows no processes, no locks, no time.
 * STATES   l_buf[l_tail, l_line) can be read, [l_line, l_head) is the line being edited
 *          (canonical mode only; in raw mode l_line == l_head).
 * LOCKS    the tty's lock around every call; callbacks run under it.
 * TESTS    tests/unit/ldisc
 */
#ifndef UNIX_TTY_LDISC_H
#define UNIX_TTY_LDISC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../linux.h"

/* c_iflag */
#define T_IGNBRK	0001
#define T_BRKINT	0002
#define T_INPCK		0020
#define T_ISTRIP	0040
#define T_INLCR		0100
#define T_IGNCR		0200
#define T_ICRNL		0400
#define T_IUCLC		01000
#define T_IXON		02000
#define T_IXANY		04000
#define T_IXOFF		010000
#define T_IMAXBEL	020000
#define T_IUTF8		040000
/* c_oflag */
#define T_OPOST		0001
#define T_OLCUC		0002
#define T_ONLCR		0004
#define T_OCRNL		0010
#define T_ONOCR		0020
#define T_ONLRET	0040
#define T_XTABS		014000
/* c_cflag */
#define T_B38400	0017
#define T_CS8		0060
#define T_CREAD		0200
#define T_HUPCL		02000
/* c_lflag */
#define T_ISIG		0001
#define T_ICANON	0002
#define T_ECHO		0010
#define T_ECHOE		0020
#define T_ECHOK		0040
#define T_ECHONL	0100
#define T_NOFLSH	0200
#define T_TOSTOP	0400
#define T_ECHOCTL	01000
#define T_ECHOPRT	02000
#define T_ECHOKE	04000
#define T_IEXTEN	0100000
/* c_cc */
#define T_VINTR		0
#define T_VQUIT		1
#define T_VERASE	2
#define T_VKILL		3
#define T_VEOF		4
#define T_VTIME		5
#define T_VMIN		6
#define T_VSTART	8
#define T_VSTOP		9
#define T_VSUSP		10
#define T_VEOL		11
#define T_VREPRINT	12
#define T_VDISCARD	13
#define T_VWERASE	14
#define T_VLNEXT	15
#define T_VEOL2		16

#define LDISC_SIZE	4096u	/* a power of two */

struct ldisc {
	struct lx_termios l_termios;
	uint8_t		l_buf[LDISC_SIZE];
	uint8_t		l_mark[LDISC_SIZE / 8];	/* bit: this character ends a line */
	uint32_t	l_tail, l_line, l_head;	/* free-running */
	uint32_t	l_lines;		/* line ends in [tail, line) */
	uint32_t	l_column;		/* of the cursor, as far as known */
	uint32_t	l_edit_column;		/* where the line being edited began */
	bool		l_literal;		/* the next character is taken as it is */
	bool		l_stopped;		/* by ^S */
	/* Terminal output: echo.  What does not fit is lost. */
	void		(*l_echo)(void *arg, const uint8_t *data, size_t size);
	void		(*l_signal)(void *arg, int sig);
	void		(*l_start)(void *arg);	/* output may go on after ^S */
	void		*l_arg;
};

void ldisc_init(struct ldisc *l);
/* One character from the terminal. */
void ldisc_input(struct ldisc *l, uint8_t c);
/*
 * Output of a program: converts as many characters as surely fit, returns how many were taken;
 * *out_size is how much of out was filled.
 */
size_t ldisc_output(struct ldisc *l, const uint8_t *data, size_t size, uint8_t *out,
    size_t room, size_t *out_size);
/* Is there something for a reader: a line, or (raw) at least `min' characters? */
bool ldisc_readable(const struct ldisc *l, uint32_t min);
/* Up to one line (canonical) or what there is (raw).  An empty line from ^D reads as 0. */
size_t ldisc_read(struct ldisc *l, uint8_t *data, size_t size);
/* Characters FIONREAD tells. */
uint32_t ldisc_available(const struct ldisc *l);
void ldisc_flush_input(struct ldisc *l);
void ldisc_set(struct ldisc *l, const struct lx_termios *t);

#endif
