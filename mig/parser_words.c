/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small steps of the parser: words, punctuation, constant expressions.
 *
 * OBJECT    struct parser, owned by parser.c
 * TESTS     tests/unit/mig/errors
 */
#include "parser_words.h"

#include <string.h>
#include <strings.h>

void
parser_advance(struct parser *parser)
{
	parser->token = lexer_next(&parser->lexer);
}

bool
parser_accept(struct parser *parser, char punct)
{
	if (parser->token.kind != TOKEN_PUNCT || parser->token.punct != punct)
		return false;
	parser_advance(parser);
	return true;
}

void
parser_punct(struct parser *parser, char punct)
{
	if (!parser_accept(parser, punct))
		error_stop(parser->token.place, "'%s': expected '%c'", parser->token.text, punct);
}

bool
parser_at_word(const struct parser *parser, const char *word)
{
	return parser->token.kind == TOKEN_WORD && strcasecmp(parser->token.text, word) == 0;
}

const char *
parser_word(struct parser *parser, const char *what)
{
	const char *word = parser->token.text;

	if (parser->token.kind != TOKEN_WORD)
		error_stop(parser->token.place, "'%s': expected %s", word, what);
	parser_advance(parser);
	return word;
}

static unsigned long
parser_factor(struct parser *parser)
{
	unsigned long value;

	if (parser_accept(parser, '(')) {
		value = parser_number(parser);
		parser_punct(parser, ')');
		return value;
	}
	if (parser->token.kind != TOKEN_NUMBER)
		error_stop(parser->token.place, "'%s': expected a number", parser->token.text);
	value = parser->token.number;
	parser_advance(parser);
	return value;
}

static unsigned long
parser_product(struct parser *parser)
{
	unsigned long value = parser_factor(parser);

	for (;;) {
		struct place place = parser->token.place;
		unsigned long right;

		if (parser_accept(parser, '*')) {
			right = parser_factor(parser);
			if (__builtin_mul_overflow(value, right, &value))
				error_stop(place, "the number is too large");
		} else if (parser_accept(parser, '/')) {
			right = parser_factor(parser);
			if (right == 0)
				error_stop(place, "division by zero");
			value /= right;
		} else {
			return value;
		}
	}
}

/* A constant expression of + - * / and parentheses. */
unsigned long
parser_number(struct parser *parser)
{
	unsigned long value = parser_product(parser);

	for (;;) {
		struct place place = parser->token.place;
		bool overflow;

		if (parser_accept(parser, '+'))
			overflow = __builtin_add_overflow(value, parser_product(parser), &value);
		else if (parser_accept(parser, '-'))
			overflow = __builtin_sub_overflow(value, parser_product(parser), &value);
		else
			return value;
		if (overflow)
			error_stop(place, "the number does not fit");
	}
}

/* What a C compiler will read: everything up to the semicolon, which stays. */
const char *
parser_expression_text(struct parser *parser)
{
	struct text text = { 0 };

	while (!(parser->token.kind == TOKEN_PUNCT && parser->token.punct == ';')) {
		if (parser->token.kind == TOKEN_END)
			error_stop(parser->token.place, "expected ';'");
		text_add(&text, "%s%s", text.length ? " " : "", parser->token.text);
		parser_advance(parser);
	}
	if (text.length == 0)
		error_stop(parser->token.place, "expected a word before ';'");
	return text.data;
}
