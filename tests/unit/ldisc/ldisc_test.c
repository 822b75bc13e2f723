/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline, character by character: what is read, what the screen shows, which signals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../servers/unix/tty/ldisc.h"

static struct ldisc l;
static char screen[20000];
static size_t screen_size;
static int signals[8], nsignals, starts, tests, failures;

static void
on_echo(void *arg, const uint8_t *data, size_t size)
{
	(void)arg;
	if (screen_size + size < sizeof(screen)) {
		memcpy(screen + screen_size, data, size);
		screen_size += size;
	}
}

static void
on_signal(void *arg, int sig)
{
	(void)arg;
	signals[nsignals++ & 7] = sig;
}

static void
on_start(void *arg)
{
	(void)arg;
	starts++;
}

static void
reset(void)
{
	ldisc_init(&l);
	l.l_echo = on_echo;
	l.l_signal = on_signal;
	l.l_start = on_start;
	screen_size = 0;
	nsignals = starts = 0;
}

static void
type(const char *text)
{
	while (*text != 0)
		ldisc_input(&l, (uint8_t)*text++);
}

static void
ok(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	failures += !good;
}

static bool
reads(const char *want)
{
	uint8_t buf[10000];
	size_t n = ldisc_read(&l, buf, sizeof(buf));

	return n == strlen(want) && memcmp(buf, want, n) == 0;
}

static bool
shows(const char *want)
{
	bool same = screen_size == strlen(want) && memcmp(screen, want, screen_size) == 0;

	if (!same)
		printf("# screen: '%.*s'\n", (int)screen_size, screen);
	return same;
}

static void
test_canonical(void)
{
	uint8_t two[2];

	reset();
	type("hel");
	ok(!ldisc_readable(&l, 1), "no line yet");
	type("lo\r");
	ok(ldisc_readable(&l, 1) && reads("hello\n") && shows("hello\r\n"),
	    "a line, carriage return as newline");
	reset();
	type("a\nb\n");
	ok(reads("a\n") && reads("b\n") && !ldisc_readable(&l, 1), "one line a read");
	reset();
	type("ab\004");
	ok(reads("ab") && !ldisc_readable(&l, 1), "^D ends a line without a character");
	type("\004");
	ok(ldisc_readable(&l, 1) && reads(""), "^D alone is end of file");
	reset();
	type("ab\004cd\n");
	ok(ldisc_read(&l, two, 2) == 2 && reads("cd\n"), "a full buffer swallows the ^D");
	reset();
	type("abcd\n");
	ok(ldisc_read(&l, two, 2) == 2 && ldisc_available(&l) == 3 && reads("cd\n"),
	    "a line in pieces");
	reset();
	l.l_termios.c_cc[T_VEOL] = ';';
	type("a;b");
	ok(reads("a;") && !ldisc_readable(&l, 1), "EOL ends a line");
}

static void
test_editing(void)
{
	reset();
	type("abc\177\177d\n");
	ok(reads("ad\n") && shows("abc\b \b\b \bd\r\n"), "erase");
	reset();
	type("\177x\n");
	ok(reads("x\n") && shows("x\r\n"), "erase at the start does nothing");
	reset();
	type("a\001\177\n");
	ok(reads("a\n") && shows("a^A\b \b\b \b\r\n"), "erase of a control character");
	reset();
	type("ab\t\177\n");
	ok(reads("ab\n") && shows("ab\t\b \b\b \b\b \b\b \b\b \b\b \b\r\n"), "erase of a tab");
	reset();
	type("one two\027x\n");
	ok(reads("one x\n") && shows("one two\b \b\b \b\b \bx\r\n"), "word erase");
	reset();
	type("abc\025z\n");
	ok(reads("z\n") && shows("abc\b \b\b \b\b \bz\r\n"), "kill with ECHOKE");
	reset();
	l.l_termios.c_lflag &= ~(uint32_t)T_ECHOKE;
	type("abc\025z\n");
	ok(reads("z\n") && shows("abc^U\r\nz\r\n"), "kill with ECHOK");
	reset();
	type("a\026\003b\n");
	ok(reads("a\003b\n") && nsignals == 0, "literal next");
	reset();
	type("ab\022c\n");
	ok(reads("abc\n") && shows("ab^R\r\nabc\r\n"), "reprint");
	reset();
	l.l_termios.c_iflag |= T_IUTF8;
	type("a\303\244\177\n");
	ok(reads("a\n") && shows("a\303\244\b \b\r\n"), "erase of a UTF-8 character");
}

static void
test_signals(void)
{
	reset();
	type("abc\003");
	ok(nsignals == 1 && signals[0] == LX_SIGINT && shows("abc^C"), "^C");
	type("x\n");
	ok(reads("x\n"), "^C discards the line");
	reset();
	type("\032\034");
	ok(nsignals == 2 && signals[0] == LX_SIGTSTP && signals[1] == LX_SIGQUIT, "^Z, ^\\");
	reset();
	l.l_termios.c_lflag |= T_NOFLSH;
	type("abc\003d\n");
	ok(reads("abcd\n"), "NOFLSH keeps the line");
	reset();
	l.l_termios.c_lflag &= ~(uint32_t)T_ISIG;
	type("\003\n");
	ok(nsignals == 0 && reads("\003\n"), "no ISIG: ^C is a character");
}

static void
test_echo(void)
{
	reset();
	l.l_termios.c_lflag &= ~(uint32_t)T_ECHO;
	type("secret\n");
	ok(reads("secret\n") && shows(""), "no ECHO");
	reset();
	l.l_termios.c_lflag &= ~(uint32_t)T_ECHO;
	l.l_termios.c_lflag |= T_ECHONL;
	type("secret\n");
	ok(shows("\r\n"), "ECHONL");
	reset();
	l.l_termios.c_lflag &= ~(uint32_t)T_ECHOCTL;
	type("\001\n");
	ok(shows("\001\r\n"), "no ECHOCTL");
}

static void
test_raw(void)
{
	struct lx_termios t;

	reset();
	t = l.l_termios;
	t.c_lflag &= ~(uint32_t)(T_ICANON | T_ECHO | T_ISIG);
	t.c_iflag &= ~(uint32_t)(T_ICRNL | T_IXON);
	ldisc_set(&l, &t);
	type("a");
	ok(ldisc_readable(&l, 1) && !ldisc_readable(&l, 2), "raw: min");
	type("\r\003\177\004\023");
	ok(reads("a\r\003\177\004\023") && nsignals == 0, "raw: nothing is special");
	reset();
	type("half");
	t = l.l_termios;
	t.c_lflag &= ~(uint32_t)T_ICANON;
	ldisc_set(&l, &t);
	ok(ldisc_readable(&l, 1) && reads("half"), "leaving canonical mode frees the line");
	type("xy");
	t.c_lflag |= T_ICANON;
	ldisc_set(&l, &t);
	ok(ldisc_readable(&l, 1) && reads("xy"), "entering canonical mode keeps what was typed");
}

static void
test_output(void)
{
	uint8_t out[64];
	size_t n, taken;

	reset();
	taken = ldisc_output(&l, (const uint8_t *)"a\nb", 3, out, sizeof(out), &n);
	ok(taken == 3 && n == 4 && memcmp(out, "a\r\nb", 4) == 0, "ONLCR");
	reset();
	l.l_termios.c_oflag = 0;
	taken = ldisc_output(&l, (const uint8_t *)"a\n", 2, out, sizeof(out), &n);
	ok(n == 2 && out[1] == '\n', "no OPOST");
	reset();
	l.l_termios.c_oflag |= T_XTABS;
	taken = ldisc_output(&l, (const uint8_t *)"ab\tc", 4, out, sizeof(out), &n);
	ok(n == 9 && memcmp(out, "ab      c", 9) == 0, "XTABS");
	taken = ldisc_output(&l, (const uint8_t *)"0123456789", 10, out, 12, &n);
	ok(taken == 5 && n == 5, "output stops while there is room for the worst");
	reset();
	type("\023");
	ok(l.l_stopped && !ldisc_readable(&l, 1), "^S stops");
	type("\021");
	ok(!l.l_stopped && starts == 1, "^Q starts");
	type("\023\003");
	ok(!l.l_stopped && starts == 2, "^C starts too");
}

static void
test_full(void)
{
	static uint8_t buf[8192];
	size_t n, i;

	reset();
	for (i = 0; i < 5000; i++)
		ldisc_input(&l, 'x');
	type("\n");
	n = ldisc_read(&l, buf, sizeof(buf));
	ok(n == 4096 && buf[4095] == '\n', "a line longer than the buffer still ends");
	reset();
	srand(1);
	for (i = 0; i < 300000; i++) {
		ldisc_input(&l, (uint8_t)rand());
		if (rand() % 7 == 0 && ldisc_readable(&l, 1))
			(void)ldisc_read(&l, buf, (size_t)(rand() % 50));
		if (rand() % 1000 == 0) {
			struct lx_termios t = l.l_termios;

			t.c_lflag ^= (uint32_t)rand() & 0xffff;
			t.c_iflag ^= (uint32_t)rand() & 0xffff;
			ldisc_set(&l, &t);
		}
		screen_size = 0;
	}
	ok(l.l_head - l.l_tail <= LDISC_SIZE && l.l_line - l.l_tail <= l.l_head - l.l_tail,
	    "random input keeps the buffer whole");
}

int
main(void)
{
	test_canonical();
	test_editing();
	test_signals();
	test_echo();
	test_raw();
	test_output();
	test_full();
	printf("1..%d\n", tests);
	return failures != 0;
}
