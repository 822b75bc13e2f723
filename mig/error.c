/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Complaints on standard error, in the form editors understand: file:line: reason.
 *
 * OBJECT    the count of errors of this run; output is written only when it is zero
 * TESTS     tests/unit/mig/errors
 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned error_total;
static bool error_warnings_off;

static void
error_print(struct place place, const char *kind, const char *format, va_list args)
{
	fprintf(stderr, "%s:%u: %s", place.file, place.line, kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void
error_at(struct place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_print(place, "", format, args);
	va_end(args);
	error_total++;
}

void
error_warn(struct place place, const char *format, ...)
{
	va_list args;

	if (error_warnings_off)
		return;
	va_start(args, format);
	error_print(place, "warning: ", format, args);
	va_end(args);
}

void
error_file(const char *path, const char *what)
{
	fprintf(stderr, "mig: %s %s: %s\n", path, what, strerror(errno));
	error_total++;
}

unsigned
error_count(void)
{
	return error_total;
}

void
error_quiet(void)
{
	error_warnings_off = true;
}

void
error_stop(struct place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_print(place, "", format, args);
	va_end(args);
	exit(1);
}

void
error_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("mig: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}
