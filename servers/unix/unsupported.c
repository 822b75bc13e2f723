/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of what programs asked for and did not get, by name.
 *
 * OBJECT   a fixed table: names come from programs, so it must not grow with them; what finds no
 *          room is counted under "other".
 * LOCKS    unsupported_lock, a leaf.
 * TESTS    tests/linux
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cthreads.h>
#include "procinfo.h"

#define UNSUPPORTED_MAX		256
#define UNSUPPORTED_NAME	64

struct unsupported {
	char		un_name[UNSUPPORTED_NAME];
	uint64_t	un_count;
};

static struct mutex unsupported_lock = MUTEX_INITIALIZER;
static struct unsupported unsupported_table[UNSUPPORTED_MAX];	/* unsupported_lock */
static unsigned int unsupported_used;				/* unsupported_lock */

static struct unsupported *
unsupported_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < unsupported_used; i++) {
		if (strcmp(unsupported_table[i].un_name, name) == 0)
			return &unsupported_table[i];
	}
	if (unsupported_used >= UNSUPPORTED_MAX - 1 && strcmp(name, "other") != 0)
		return unsupported_find("other");
	strcpy(unsupported_table[unsupported_used].un_name, name);
	return &unsupported_table[unsupported_used++];
}

void
unsupported_count(const char *format, ...)
{
	char name[UNSUPPORTED_NAME];
	va_list args;
	char *at;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	for (at = name; *at != 0; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	mutex_lock(&unsupported_lock);
	unsupported_find(name)->un_count++;
	mutex_unlock(&unsupported_lock);
}

size_t
unsupported_format(char *data, size_t size)
{
	size_t length = 0;
	unsigned int i;

	mutex_lock(&unsupported_lock);
	for (i = 0; i < unsupported_used; i++) {
		const struct unsupported *one = &unsupported_table[i];

		length += snprintf(data + (length < size ? length : size),
		    length < size ? size - length : 0, "%8llu %s\n",
		    (unsigned long long)one->un_count, one->un_name);
	}
	mutex_unlock(&unsupported_lock);
	return length;
}
