/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of the definition language.
 *
 * OBJECT    struct lexer: a place in one preprocessed text; it follows the line markers the
 *           preprocessor leaves, so that complaints name the file the user wrote
 * TESTS     tests/unit/mig/errors
 */
#include "lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void
lexer_init(struct lexer *lexer, const char *name, const char *data, size_t length)
{
	lexer->at = data;
	lexer->end = data + length;
	lexer->place.file = name;
	lexer->place.line = 1;
	lexer->line_start = true;
}

static int
lexer_peek(const struct lexer *lexer, size_t ahead)
{
	if ((size_t)(lexer->end - lexer->at) <= ahead)
		return -1;
	return (unsigned char)lexer->at[ahead];
}

/* A line that begins with #: a line marker, or something for the C compiler only. */
static void
lexer_directive(struct lexer *lexer)
{
	const char *line = lexer->at + 1;
	const char *stop = memchr(line, '\n', (size_t)(lexer->end - line));
	const char *quote;

	if (stop == NULL)
		stop = lexer->end;
	lexer->at = stop;
	while (line < stop && isspace((unsigned char)*line))
		line++;
	if (stop - line > 4 && memcmp(line, "line", 4) == 0)
		line += 4;
	while (line < stop && isspace((unsigned char)*line))
		line++;
	if (line == stop || !isdigit((unsigned char)*line))
		return;
	/* the marker numbers the line after it, whose newline is still to be read */
	lexer->place.line = (unsigned)strtoul(line, NULL, 10) - 1;
	quote = memchr(line, '"', (size_t)(stop - line));
	if (quote != NULL) {
		const char *end = memchr(quote + 1, '"', (size_t)(stop - quote - 1));

		if (end != NULL)
			lexer->place.file = text_copy(quote + 1, (size_t)(end - quote - 1));
	}
}

static void
lexer_comment(struct lexer *lexer)
{
	struct place start = lexer->place;

	if (lexer_peek(lexer, 1) == '/') {
		while (lexer->at < lexer->end && *lexer->at != '\n')
			lexer->at++;
		return;
	}
	lexer->at += 2;
	while (!(lexer_peek(lexer, 0) == '*' && lexer_peek(lexer, 1) == '/')) {
		if (lexer->at >= lexer->end)
			error_stop(start, "comment does not end");
		if (*lexer->at == '\n')
			lexer->place.line++;
		lexer->at++;
	}
	lexer->at += 2;
}

static void
lexer_skip(struct lexer *lexer)
{
	for (;;) {
		int c = lexer_peek(lexer, 0);

		if (c == '\n') {
			lexer->place.line++;
			lexer->line_start = true;
			lexer->at++;
		} else if (c == '#' && lexer->line_start) {
			lexer_directive(lexer);
		} else if (c == '/' && (lexer_peek(lexer, 1) == '*' || lexer_peek(lexer, 1) == '/')) {
			lexer_comment(lexer);
		} else if (c > 0 && isspace(c)) {
			lexer->at++;
		} else {
			return;
		}
	}
}

/* Text up to and including the closing delimiter, on one line. */
static const char *
lexer_delimited(struct lexer *lexer, char close)
{
	const char *start = lexer->at++;

	while (lexer->at < lexer->end && *lexer->at != close) {
		if (*lexer->at == '\n')
			break;
		lexer->at++;
	}
	if (lexer->at >= lexer->end || *lexer->at != close)
		error_stop(lexer->place, "no closing %c", close);
	lexer->at++;
	return text_copy(start, (size_t)(lexer->at - start));
}

static bool
lexer_word_char(int c)
{
	return c > 0 && (isalnum(c) || c == '_' || c == '$');
}

static void
lexer_number(struct lexer *lexer, struct token *token)
{
	char *end;

	errno = 0;
	token->kind = TOKEN_NUMBER;
	token->number = strtoul(token->text, &end, 0);
	if (*end == 'u' || *end == 'U' || *end == 'l' || *end == 'L')
		end++;
	if (*end != '\0' || errno != 0)
		error_stop(lexer->place, "'%s' is not a number", token->text);
}

struct token
lexer_next(struct lexer *lexer)
{
	struct token token = { .kind = TOKEN_END };
	int c;

	lexer_skip(lexer);
	lexer->line_start = false;
	token.place = lexer->place;
	token.text = "end of file";
	c = lexer_peek(lexer, 0);
	if (c < 0)
		return token;
	if (c == '"') {
		token.kind = TOKEN_STRING;
		token.text = lexer_delimited(lexer, '"');
	} else if (lexer_word_char(c)) {
		const char *start = lexer->at;

		while (lexer_word_char(lexer_peek(lexer, 0)))
			lexer->at++;
		token.text = text_copy(start, (size_t)(lexer->at - start));
		token.kind = TOKEN_WORD;
		if (isdigit(c))
			lexer_number(lexer, &token);
	} else {
		token.kind = TOKEN_PUNCT;
		token.punct = (char)c;
		token.text = text_copy(lexer->at++, 1);
	}
	return token;
}

/* The file name of an import: only there do < and > quote. */
struct token
lexer_file(struct lexer *lexer)
{
	struct token token = { .kind = TOKEN_FILE };
	int c;

	lexer_skip(lexer);
	token.place = lexer->place;
	c = lexer_peek(lexer, 0);
	if (c != '<' && c != '"')
		error_stop(lexer->place, "an import needs a file name in <> or \"\"");
	token.text = lexer_delimited(lexer, c == '<' ? '>' : '"');
	return token;
}
