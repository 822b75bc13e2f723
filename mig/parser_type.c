/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the grammar that describes types.
 *
 * OBJECT    struct type under construction; type.c says what may be built from what
 * TESTS     tests/unit/mig/errors, tests/unit/mig/layout
 */
#include "parser_type.h"

#include <string.h>
#include <strings.h>

#include "text.h"

static struct type *parser_spec(struct parser *parser);

/* An element of an array: a declared type keeps its C name. */
static const struct type *
parser_element(struct parser *parser)
{
	const struct type *type = NULL;

	if (parser->token.kind == TOKEN_WORD)
		type = type_lookup(parser->token.text);
	if (type == NULL)
		return parser_spec(parser);
	parser_advance(parser);
	return type;
}

static void
parser_of(struct parser *parser)
{
	if (!parser_at_word(parser, "of"))
		error_stop(parser->token.place, "'%s': expected 'of'", parser->token.text);
	parser_advance(parser);
}

/* array[N] of, array[] of, array[*] of, array[*:N] of */
static struct type *
parser_array(struct parser *parser)
{
	struct place place = parser->token.place;
	unsigned long count = 0;
	bool variable = false;

	parser_punct(parser, '[');
	if (parser_accept(parser, '*')) {
		variable = true;
		if (parser_accept(parser, ':')) {
			count = parser_number(parser);
			if (count == 0)
				error_stop(place, "an array has at least one element");
		}
	} else if (parser->token.kind == TOKEN_PUNCT && parser->token.punct == ']') {
		variable = true;
	} else {
		count = parser_number(parser);
	}
	parser_punct(parser, ']');
	parser_of(parser);
	if (variable)
		return type_variable(parser_element(parser), place, count);
	return type_array(parser_element(parser), place, count);
}

/* struct { type name; ... }, laid out as C does */
static struct type *
parser_members(struct parser *parser, struct place place)
{
	unsigned long bytes = 0;
	unsigned align = 1;

	while (!parser_accept(parser, '}')) {
		struct place member = parser->token.place;
		const struct type *type = parser_element(parser);
		unsigned long count = 1;

		if (type->form != FORM_FIXED || type->port || type->bits == 0)
			error_stop(member, "a struct holds only data of fixed size");
		parser_word(parser, "a member name");
		if (parser_accept(parser, '[')) {
			count = parser_number(parser);
			parser_punct(parser, ']');
			if (count == 0 || count > 0x100000)
				error_stop(member, "an array member of %lu elements", count);
		}
		parser_punct(parser, ';');
		if (type->align > align)
			align = type->align;
		bytes = (bytes + type->align - 1) / type->align * type->align;
		bytes += count * type_bytes(type);
		if (bytes > 0x100000)
			error_stop(member, "the struct is too large for a message");
	}
	return type_opaque(place, bytes, align);
}

static struct type *
parser_struct(struct parser *parser)
{
	struct place place = parser->token.place;
	unsigned long count;

	if (parser_accept(parser, '{'))
		return parser_members(parser, place);
	parser_punct(parser, '[');
	count = parser_number(parser);
	parser_punct(parser, ']');
	parser_of(parser);
	return type_repeat(parser_element(parser), place, count);
}

/* c_string[N], c_string[*:N] */
static struct type *
parser_string(struct parser *parser)
{
	struct place place = parser->token.place;
	bool variable;
	unsigned long count;

	parser_punct(parser, '[');
	variable = parser_accept(parser, '*');
	if (variable)
		parser_punct(parser, ':');
	count = parser_number(parser);
	parser_punct(parser, ']');
	return type_string(place, count, variable);
}

/* NAME, or SENT | RECEIVED */
static struct type *
parser_pair(struct parser *parser)
{
	struct place place = parser->token.place;
	const char *in = parser_word(parser, "a type");

	if (parser_accept(parser, '|'))
		return type_pair(place, in, parser_word(parser, "a type"));
	return type_named(place, in);
}

/* (NAME, bits [, flag]...) */
static struct type *
parser_parenthesis(struct parser *parser)
{
	struct type *type = parser_pair(parser);
	struct argument flags = { .dealloc = DEALLOC_NO };

	parser_punct(parser, ',');
	type = type_sized(type, parser->token.place, parser_number(parser));
	while (parser_accept(parser, ',')) {
		struct place place = parser->token.place;
		const char *word = parser_word(parser, "a flag");
		bool brackets = parser_accept(parser, '[');

		if (brackets)
			parser_punct(parser, ']');
		if (!argument_flag(&flags, word, brackets))
			error_stop(place, "'%s' is not a flag", word);
	}
	type->dealloc = flags.dealloc;
	type->longform = type->longform || flags.longform;
	parser_punct(parser, ')');
	return type;
}

static struct type *
parser_spec(struct parser *parser)
{
	struct place place = parser->token.place;

	if (parser_accept(parser, '('))
		return parser_parenthesis(parser);
	if (parser_accept(parser, '^'))
		return type_pointer(parser_element(parser), place);
	if (parser->token.kind == TOKEN_WORD && type_lookup(parser->token.text) == NULL) {
		static const struct {
			const char	*word;
			struct type	*(*parse)(struct parser *);
		} words[] = {
			{ "array", parser_array },
			{ "struct", parser_struct },
			{ "c_string", parser_string },
		};

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (parser_at_word(parser, words[i].word)) {
				parser_advance(parser);
				return words[i].parse(parser);
			}
		}
		if (parser_at_word(parser, "polymorphic") && strcmp(parser->token.text, "polymorphic") != 0)
			parser->token.text = "polymorphic";
	}
	return parser_pair(parser);
}

/* A C type: one word, or several where C needs them, and stars. */
static const char *
parser_ctype(struct parser *parser)
{
	static const char *const more[] = {
		"struct", "union", "enum", "const", "unsigned", "signed", "long", "short"
	};
	struct text text = { 0 };
	bool open = true;

	while (open) {
		const char *word = parser_word(parser, "a C type");

		text_add(&text, "%s%s", text.length ? " " : "", word);
		open = false;
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
			open = open || strcmp(word, more[i]) == 0;
		open = open && parser->token.kind == TOKEN_WORD;
	}
	if (parser_accept(parser, '*')) {
		text_add(&text, " *");
		while (parser_accept(parser, '*'))
			text_add(&text, "*");
	}
	return text.data;
}

/* RESULT function(ARGUMENT) */
static void
parser_translation(struct parser *parser, struct translation *translation, bool result,
    bool argument)
{
	if (translation->function != NULL)
		error_stop(parser->token.place, "this translation is given twice");
	if (result)
		translation->result = parser_ctype(parser);
	translation->function = parser_word(parser, "a function");
	if (!argument && !(parser->token.kind == TOKEN_PUNCT && parser->token.punct == '('))
		return;
	parser_punct(parser, '(');
	translation->argument = parser_ctype(parser);
	parser_punct(parser, ')');
}

static void
parser_set_ctype(struct parser *parser, const char **ctype)
{
	if (*ctype != NULL)
		error_stop(parser->token.place, "this C type is given twice");
	*ctype = parser_ctype(parser);
}

/* => false: the next word is not an option of a type */
static bool
parser_option(struct parser *parser, struct type *type)
{
	static const char *const words[] = {
		"ctype", "cusertype", "cservertype", "intran", "outtran", "destructor", "intranpayload"
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (parser_at_word(parser, words[i]))
			break;
	if (i == sizeof(words) / sizeof(words[0]))
		return false;
	parser_advance(parser);
	parser_punct(parser, ':');
	switch (i) {
	case 0:
		parser_set_ctype(parser, &type->ctype);
		break;
	case 1:
		parser_set_ctype(parser, &type->user_ctype);
		break;
	case 2:
		parser_set_ctype(parser, &type->server_ctype);
		break;
	case 3:
		parser_translation(parser, &type->intran, true, true);
		break;
	case 4:
		parser_translation(parser, &type->outtran, true, true);
		break;
	case 5:
		parser_translation(parser, &type->destructor, false, true);
		break;
	default:
		parser_translation(parser, &type->intranpayload, true, false);
		break;
	}
	return true;
}

/* A type with its options, to be named by the caller. */
struct type *
parser_type_new(struct parser *parser)
{
	struct type *type = parser_spec(parser);

	while (parser_option(parser, type))
		;
	return type;
}

/* The type of an argument: a declared one, a new one, or NAME = a new one. */
const struct type *
parser_type_use(struct parser *parser)
{
	struct token first = parser->token;
	const struct type *declared;
	struct type *type;

	if (first.kind != TOKEN_WORD || parser_at_word(parser, "array") ||
	    parser_at_word(parser, "struct") || parser_at_word(parser, "c_string"))
		return parser_type_new(parser);
	declared = type_lookup(first.text);
	parser_advance(parser);
	if (parser_accept(parser, '=')) {
		type = parser_type_new(parser);
		if (type->name == NULL)
			type->name = first.text;
		return type;
	}
	if (parser_accept(parser, '|')) {
		type = type_pair(first.place, first.text, parser_word(parser, "a type"));
	} else {
		if (declared == NULL)
			type = type_named(first.place, first.text);
		else if (!parser_at_word(parser, "ctype") && !parser_at_word(parser, "cusertype") &&
		    !parser_at_word(parser, "cservertype") && !parser_at_word(parser, "intran") &&
		    !parser_at_word(parser, "outtran") && !parser_at_word(parser, "destructor"))
			return declared;
		else
			type = type_named(first.place, first.text);
	}
	while (parser_option(parser, type))
		;
	return type;
}
