/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing text: what an output file holds until it is known to be complete. */
#ifndef MIG_TEXT_H
#define MIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char	*data;		/* always terminated once anything was added */
	size_t	length;
	size_t	capacity;
	unsigned indent;	/* more tabs for lines that begin with one */
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *text, const char *data, size_t length);
bool text_save(const struct text *text, const char *path);

/* Memory that lives as long as the program: everything read from the definitions. */
void *text_alloc(size_t size);
char *text_copy(const char *data, size_t length);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
