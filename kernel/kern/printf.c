/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted kernel output: %d %i %u %x %X %p %s %c %% with l, ll, z, width, precision (%s), zero and left fill.
 *
 * Everything printed also goes to the message log, a ring which device "kmsg" reads.
 * LOCKS  console lock (spin, interrupts off); a panicking CPU goes past it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <kern/kmsg_log.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/cpu.h>

static const struct lock_class console_class = { "console", LOCK_RANK_CONSOLE, LOCK_CLASS_IRQ };
static struct spinlock console_lock = SPIN_LOCK_INITIALIZER(&console_class);
bool console_lock_broken;

struct sink {
	char	*buf;		/* NULL: the console */
	size_t	 size;
	size_t	 used;		/* characters produced, also those that did not fit */
};

static void
sink_put(struct sink *s, char c)
{
	if (s->buf == NULL) {
		kmsg_log_put(c);
		console_putc(c);
	} else if (s->used + 1 < s->size)
		s->buf[s->used] = c;
	s->used++;
}

static void
sink_fill(struct sink *s, char c, int n)
{
	while (n-- > 0)
		sink_put(s, c);
}

static void
sink_string(struct sink *s, const char *str, int width, int precision, bool left)
{
	int n;

	if (str == NULL)
		str = "(null)";
	n = (int)strnlen(str, precision >= 0 ? (size_t)precision : 4096);
	if (!left)
		sink_fill(s, ' ', width - n);
	for (int i = 0; i < n; i++)
		sink_put(s, str[i]);
	if (left)
		sink_fill(s, ' ', width - n);
}

struct number {
	uint64_t value;
	unsigned base;
	bool	 negative, upper, zero, left;
	int	 width;
};

static void
sink_number(struct sink *s, const struct number *f)
{
	char digits[24];
	uint64_t v = f->value;
	int n = 0, pad;

	do {
		unsigned d = (unsigned)(v % f->base);

		digits[n++] = (char)(d < 10 ? '0' + d : (f->upper ? 'A' : 'a') + d - 10);
		v /= f->base;
	} while (v != 0);
	pad = f->width - n - f->negative;
	if (!f->left && !f->zero)
		sink_fill(s, ' ', pad);
	if (f->negative)
		sink_put(s, '-');
	if (!f->left && f->zero)
		sink_fill(s, '0', pad);
	while (n > 0)
		sink_put(s, digits[--n]);
	if (f->left)
		sink_fill(s, ' ', pad);
}

static uint64_t
take_unsigned(va_list *ap, int longs)
{
	return longs > 0 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
}

static void
take_signed(va_list *ap, int longs, struct number *f)
{
	int64_t v = longs > 0 ? va_arg(*ap, long) : va_arg(*ap, int);

	f->negative = v < 0;
	f->value = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* one conversion after '%'; returns the format after it */
static const char *
convert(struct sink *s, const char *fmt, va_list *ap)
{
	struct number f = { .base = 10 };
	int precision = -1, longs = 0;

	for (;; fmt++) {
		if (*fmt == '-')
			f.left = true;
		else if (*fmt == '0')
			f.zero = true;
		else if (*fmt != '#' && *fmt != ' ' && *fmt != '+')
			break;
	}
	if (*fmt == '*') {
		f.width = va_arg(*ap, int);
		fmt++;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		f.width = f.width * 10 + *fmt - '0';
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			precision = va_arg(*ap, int);
			fmt++;
		} else
			for (precision = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
				precision = precision * 10 + *fmt - '0';
	}
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		longs++;
	switch (*fmt) {
	case 'd':
	case 'i':
		take_signed(ap, longs, &f);
		sink_number(s, &f);
		break;
	case 'X':
		f.upper = true;
		__attribute__((fallthrough));
	case 'x':
		f.base = 16;
		__attribute__((fallthrough));
	case 'u':
		f.value = take_unsigned(ap, longs);
		sink_number(s, &f);
		break;
	case 'p':
		f.value = (uint64_t)(uintptr_t)va_arg(*ap, void *);
		f.base = 16;
		sink_put(s, '0');
		sink_put(s, 'x');
		sink_number(s, &f);
		break;
	case 's':
		sink_string(s, va_arg(*ap, const char *), f.width, precision, f.left);
		break;
	case 'c':
		sink_put(s, (char)va_arg(*ap, int));
		break;
	case '\0':
		return fmt;
	default:
		sink_put(s, *fmt);
	}
	return fmt + 1;
}

static void
format(struct sink *s, const char *fmt, va_list ap)
{
	va_list args;

	va_copy(args, ap);
	while (*fmt != '\0') {
		if (*fmt != '%')
			sink_put(s, *fmt++);
		else
			fmt = convert(s, fmt + 1, &args);
	}
	va_end(args);
}

int
kvprintf(const char *fmt, va_list ap)
{
	struct sink s = { NULL, 0, 0 };
	bool locked = !__atomic_load_n(&console_lock_broken, __ATOMIC_RELAXED);
	unsigned long flags = 0;

	if (locked)
		flags = spin_lock_irq(&console_lock);
	format(&s, fmt, ap);
	if (locked)
		spin_unlock_irq(&console_lock, flags);
	return (int)s.used;
}

int
kprintf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvprintf(fmt, ap);
	va_end(ap);
	return n;
}

int
ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	char none[1];
	struct sink s = { size > 0 ? buf : none, size, 0 };
	va_list ap;

	va_start(ap, fmt);
	format(&s, fmt, ap);
	va_end(ap);
	if (size > 0)
		buf[s.used < size ? s.used : size - 1] = '\0';
	return (int)s.used;
}

/* raw output, in pieces so that interrupts are not off for long */
void
kwrite(const char *text, size_t n)
{
	while (n > 0) {
		size_t part = n < 64 ? n : 64;
		unsigned long flags = spin_lock_irq(&console_lock);

		for (size_t i = 0; i < part; i++)
			console_putc(text[i]);
		spin_unlock_irq(&console_lock, flags);
		text += part;
		n -= part;
	}
}
