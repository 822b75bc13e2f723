/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output for programs without a C library, on the kernel's console.
 * TESTS	tests/unit/abi
 */
#include <stddef.h>
#include <stdint.h>
#include <mach/mach_traps.h>
#include <mach_lib.h>

/* The line a call prints at once, so that lines of several threads do not mix. */
#define LINE_MAX	512

struct output {
	char *out_buffer;
	size_t out_size;
	size_t out_length;		/* as if there had been room for all */
};

struct spec {
	int sp_left;
	int sp_zero;
	char sp_sign;			/* 0, '+' or ' ' */
	int sp_alternate;
	int sp_width;
	int sp_precision;		/* -1: none */
	int sp_long;			/* 0 int, 1 long, -1 short, -2 char */
};

static void put(struct output *out, char c)
{
	if (out->out_length + 1 < out->out_size)
		out->out_buffer[out->out_length] = c;
	out->out_length++;
}

static void pad(struct output *out, char c, int count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_text(struct output *out, const struct spec *sp, const char *text)
{
	int length = 0;

	if (text == NULL)
		text = "(null)";
	while (text[length] != '\0' && (sp->sp_precision < 0 || length < sp->sp_precision))
		length++;
	if (!sp->sp_left)
		pad(out, ' ', sp->sp_width - length);
	for (int i = 0; i < length; i++)
		put(out, text[i]);
	if (sp->sp_left)
		pad(out, ' ', sp->sp_width - length);
}

static void put_number(struct output *out, const struct spec *sp, uint64_t value, char conversion,
    int negative)
{
	const char *digits = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int base = 10;
	char text[24], prefix[3];
	int length = 0, prefix_length = 0, zeros = 0, room;

	if (conversion == 'x' || conversion == 'X' || conversion == 'p')
		base = 16;
	else if (conversion == 'o')
		base = 8;
	if (negative)
		prefix[prefix_length++] = '-';
	else if (sp->sp_sign != 0 && (conversion == 'd' || conversion == 'i'))
		prefix[prefix_length++] = sp->sp_sign;
	if ((sp->sp_alternate && base == 16 && value != 0) || conversion == 'p') {
		prefix[prefix_length++] = '0';
		prefix[prefix_length++] = conversion == 'X' ? 'X' : 'x';
	}
	for (; value != 0; value /= base)
		text[length++] = digits[value % base];
	if (length == 0 && sp->sp_precision != 0)
		text[length++] = '0';
	if (sp->sp_precision > length)
		zeros = sp->sp_precision - length;
	room = sp->sp_width - length - prefix_length - zeros;
	if (sp->sp_zero && !sp->sp_left && sp->sp_precision < 0 && room > 0) {
		zeros += room;
		room = 0;
	}
	if (!sp->sp_left)
		pad(out, ' ', room);
	for (int i = 0; i < prefix_length; i++)
		put(out, prefix[i]);
	pad(out, '0', zeros);
	while (length > 0)
		put(out, text[--length]);
	if (sp->sp_left)
		pad(out, ' ', room);
}

static int parse_number(const char **format, va_list *args)
{
	int value = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*args, int);
	}
	while (**format >= '0' && **format <= '9')
		value = value * 10 + *(*format)++ - '0';
	return value;
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *args)
{
	*sp = (struct spec) { .sp_precision = -1 };
	for (;; f++) {
		if (*f == '-')
			sp->sp_left = 1;
		else if (*f == '0')
			sp->sp_zero = 1;
		else if (*f == '+' || (*f == ' ' && sp->sp_sign == 0))
			sp->sp_sign = *f;
		else if (*f == '#')
			sp->sp_alternate = 1;
		else
			break;
	}
	sp->sp_width = parse_number(&f, args);
	if (sp->sp_width < 0) {
		sp->sp_left = 1;
		sp->sp_width = -sp->sp_width;
	}
	if (*f == '.') {
		f++;
		sp->sp_precision = parse_number(&f, args);
	}
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 't' || *f == 'j')
			sp->sp_long = 1;
		else if (*f == 'h')
			sp->sp_long--;
		else
			break;
	}
	return f;
}

static int64_t get_signed(const struct spec *sp, va_list *args)
{
	if (sp->sp_long > 0)
		return va_arg(*args, int64_t);
	if (sp->sp_long == -1)
		return (short)va_arg(*args, int);
	if (sp->sp_long < -1)
		return (signed char)va_arg(*args, int);
	return va_arg(*args, int);
}

static uint64_t get_unsigned(const struct spec *sp, va_list *args)
{
	if (sp->sp_long > 0)
		return va_arg(*args, uint64_t);
	if (sp->sp_long == -1)
		return (unsigned short)va_arg(*args, int);
	if (sp->sp_long < -1)
		return (unsigned char)va_arg(*args, int);
	return va_arg(*args, unsigned int);
}

static void convert(struct output *out, const struct spec *sp, char conversion, va_list *args)
{
	char text[2] = { 0, 0 };
	int64_t number;

	switch (conversion) {
	case 'd':
	case 'i':
		number = get_signed(sp, args);
		put_number(out, sp, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 'd',
		    number < 0);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_number(out, sp, get_unsigned(sp, args), conversion, 0);
		break;
	case 'p':
		put_number(out, sp, (uintptr_t)va_arg(*args, void *), 'p', 0);
		break;
	case 'c':
		text[0] = (char)va_arg(*args, int);
		put_text(out, sp, text);
		break;
	case 's':
		put_text(out, sp, va_arg(*args, const char *));
		break;
	default:
		put(out, conversion);
		break;
	}
}

int mach_vsnprintf(char *buffer, unsigned long size, const char *format, va_list args)
{
	struct output out = { .out_buffer = buffer, .out_size = size };
	struct spec sp;
	va_list ap;

	va_copy(ap, args);
	while (*format != '\0') {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format = parse_spec(format + 1, &sp, &ap);
		if (*format == '\0')
			break;
		convert(&out, &sp, *format++, &ap);
	}
	va_end(ap);
	if (size > 0)
		buffer[out.out_length < size ? out.out_length : size - 1] = '\0';
	return (int)out.out_length;
}

int mach_snprintf(char *buffer, unsigned long size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = mach_vsnprintf(buffer, size, format, args);
	va_end(args);
	return length;
}

int mach_vprintf(const char *format, va_list args)
{
	char line[LINE_MAX];
	int length = mach_vsnprintf(line, sizeof(line), format, args);

	mach_print(line);
	return length;
}

int mach_printf(const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = mach_vprintf(format, args);
	va_end(args);
	return length;
}
