/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing text, and memory that is never given back.
 *
 * OBJECT    struct text, owned by whoever declares it; arena blocks, owned by the program
 * TESTS     tests/unit/mig (every golden file goes through here)
 */
#define _GNU_SOURCE
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* Blocks stay linked, so that a leak checker sees that they are meant to stay. */
struct arena_block {
	struct arena_block	*next;
	max_align_t		data[];
};

static struct arena_block *arena;

void *
text_alloc(size_t size)
{
	struct arena_block *block = calloc(1, sizeof(*block) + size);

	if (block == NULL)
		error_fatal("out of memory");
	block->next = arena;
	arena = block;
	return block->data;
}

char *
text_copy(const char *data, size_t length)
{
	char *copy = text_alloc(length + 1);

	memcpy(copy, data, length);
	return copy;
}

char *
text_format(const char *format, ...)
{
	va_list args;
	char *result;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	result = text_alloc((size_t)length + 1);
	va_start(args, format);
	vsnprintf(result, (size_t)length + 1, format, args);
	va_end(args);
	return result;
}

static void
text_reserve(struct text *text, size_t more)
{
	size_t capacity = text->capacity ? text->capacity : 4096;
	char *data;

	while (capacity < text->length + more + 1)
		capacity *= 2;
	if (capacity == text->capacity)
		return;
	data = text_alloc(capacity);
	if (text->length != 0)
		memcpy(data, text->data, text->length);
	text->data = data;
	text->capacity = capacity;
}

void
text_append(struct text *text, const char *data, size_t length)
{
	text_reserve(text, length);
	memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void
text_add(struct text *text, const char *format, ...)
{
	va_list args;
	char *added, *at;
	int length;

	va_start(args, format);
	length = vasprintf(&added, format, args);
	va_end(args);
	if (length < 0)
		error_fatal("out of memory");
	for (at = added; *at != '\0'; ) {
		size_t line = strcspn(at, "\n");

		if (at[line] == '\n')
			line++;
		if (*at == '\t' && (text->length == 0 || text->data[text->length - 1] == '\n'))
			for (unsigned i = 0; i < text->indent; i++)
				text_append(text, "\t", 1);
		text_append(text, at, line);
		at += line;
	}
	free(added);
}

/*
 * Write the text to a file that appears whole or not at all.
 * => false, with a message printed, when it could not be written
 */
bool
text_save(const struct text *text, const char *path)
{
	char *temporary;
	FILE *file;
	bool good;

	if (strcmp(path, "/dev/null") == 0)
		return true;
	if (strcmp(path, "-") == 0)
		return fwrite(text->data, 1, text->length, stdout) == text->length &&
		    fflush(stdout) == 0;
	temporary = text_format("%s.%ld.tmp", path, (long)getpid());
	file = fopen(temporary, "w");
	if (file == NULL) {
		error_file(path, "cannot be created");
		return false;
	}
	good = fwrite(text->data, 1, text->length, file) == text->length;
	good = fclose(file) == 0 && good;
	if (!good || rename(temporary, path) != 0) {
		error_file(path, "cannot be written");
		remove(temporary);
		return false;
	}
	return true;
}
