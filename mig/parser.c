/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recursive descent over the statements of a definition file.
 *
 * OBJECT    struct parser: one word of look-ahead, and the defaults that statements set for the
 *           routines after them
 * TESTS     tests/unit/mig/errors
 *
 * Words have a meaning only where the grammar asks for them, so an argument may be called "type"
 * or "in". A mistake in the grammar ends the run: what follows would only confuse the reader.
 */
#include "parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lexer.h"
#include "parser_type.h"
#include "parser_words.h"

static void
parser_subsystem(struct parser *parser)
{
	struct subsystem *subsystem = parser->subsystem;

	if (subsystem->name != NULL)
		error_stop(parser->token.place, "a file describes one subsystem");
	subsystem->place = parser->token.place;
	for (;;) {
		const char *word = parser_word(parser, "the subsystem's name");

		if (parser->token.kind == TOKEN_NUMBER) {
			subsystem->name = word;
			break;
		}
		if (strcasecmp(word, "kerneluser") == 0)
			subsystem->kernel_user = true;
		else if (strcasecmp(word, "kernelserver") == 0)
			subsystem->kernel_server = true;
		else
			error_stop(parser->token.place, "'%s': a subsystem needs a name and a base number",
			    word);
	}
	subsystem->base = parser_number(parser);
	if (subsystem->base > 0x7fffffff - 0x10000)
		error_stop(subsystem->place, "base %lu is too large for message ids", subsystem->base);
	parser_punct(parser, ';');
}

static void
parser_import(struct parser *parser, enum import_kind kind)
{
	struct import *import = text_alloc(sizeof(*import));
	struct import **last = &parser->subsystem->imports;
	/* the word after import is a file name, which the look-ahead must not have split */
	struct token file = lexer_file(&parser->lexer);

	parser_advance(parser);
	import->kind = kind;
	import->file = file.text;
	while (*last != NULL)
		last = &(*last)->next;
	*last = import;
	parser_punct(parser, ';');
}

static void
parser_type_statement(struct parser *parser)
{
	struct type *type;
	struct place place = parser->token.place;
	const char *name = parser_word(parser, "a type name");

	parser_punct(parser, '=');
	type = parser_type_new(parser);
	type->name = name;
	type->place = place;
	type_declare(type);
	parser_punct(parser, ';');
}

static void
parser_skip_ids(struct parser *parser)
{
	unsigned long count = 1;

	if (parser->token.kind == TOKEN_NUMBER)
		count = parser_number(parser);
	if (count > 0x10000)
		error_stop(parser->token.place, "skip %lu: no subsystem has that many routines", count);
	parser->subsystem->count += (unsigned)count;
	parser_punct(parser, ';');
}

static void
parser_flags(struct parser *parser, struct argument *argument)
{
	while (parser_accept(parser, ',')) {
		struct place place = parser->token.place;
		const char *word = parser_word(parser, "a flag");
		bool brackets = parser_accept(parser, '[');

		if (brackets)
			parser_punct(parser, ']');
		if (!argument_flag(argument, word, brackets))
			error_stop(place, "'%s%s' is not a flag", word, brackets ? "[]" : "");
	}
}

/* [direction] name : type [= type], flags */
static struct argument *
parser_argument(struct parser *parser)
{
	struct argument *argument = text_alloc(sizeof(*argument));
	const char *word = parser_word(parser, "an argument");

	argument_direction(argument, "in");
	if (!(parser->token.kind == TOKEN_PUNCT && parser->token.punct == ':')) {
		if (!argument_direction(argument, word))
			error_stop(parser->token.place, "'%s' is not a kind of argument", word);
		argument->place = parser->token.place;
		word = parser_word(parser, "the argument's name");
	}
	argument->place = parser->token.place;
	argument->name = word;
	parser_punct(parser, ':');
	argument->type = parser_type_use(parser);
	argument->dealloc = argument->type->dealloc;
	argument->longform = argument->type->longform;
	parser_flags(parser, argument);
	return argument;
}

static void
parser_arguments(struct parser *parser, struct routine *routine)
{
	struct argument **last = &routine->arguments;

	parser_punct(parser, '(');
	while (!parser_accept(parser, ')')) {
		*last = parser_argument(parser);
		last = &(*last)->next;
		if (!parser_accept(parser, ';') &&
		    !(parser->token.kind == TOKEN_PUNCT && parser->token.punct == ')'))
			error_stop(parser->token.place, "'%s': expected ; or ) after an argument",
			    parser->token.text);
	}
}

static void
parser_function_value(struct parser *parser, struct routine *routine)
{
	struct argument *value = text_alloc(sizeof(*value));

	argument_direction(value, "out");
	value->place = parser->token.place;
	value->name = "ReturnValue";
	parser_punct(parser, ':');
	value->type = parser_type_use(parser);
	if (value->type->form != FORM_FIXED || value->type->array || value->type->port ||
	    value->type->bits == 0)
		error_at(value->place, "a function returns a number or a struct");
	routine->value = value;
}

static void
parser_routine(struct parser *parser, enum routine_kind kind)
{
	struct routine *routine = text_alloc(sizeof(*routine));
	struct subsystem *subsystem = parser->subsystem;
	struct routine **last = &subsystem->routines;

	routine->place = parser->token.place;
	if (subsystem->name == NULL)
		error_stop(routine->place, "a routine before the subsystem statement");
	routine->kind = kind;
	routine->name = parser_word(parser, "the routine's name");
	routine->index = subsystem->count++;
	routine->wait_default = parser->wait_time;
	routine->option_default = parser->option;
	routine->error_procedure = parser->error_procedure;
	for (; *last != NULL; last = &(*last)->next)
		if (strcmp((*last)->name, routine->name) == 0)
			error_at(routine->place, "two routines are called %s", routine->name);
	*last = routine;
	parser_arguments(parser, routine);
	if (kind == ROUTINE_FUNCTION)
		parser_function_value(parser, routine);
	routine_check(routine);
	parser_punct(parser, ';');
}

/* Statements that only note a word. => false: not one of them */
static bool
parser_note(struct parser *parser, const char *word)
{
	struct subsystem *subsystem = parser->subsystem;
	const char **place = NULL;

	if (strcasecmp(word, "userprefix") == 0)
		place = &subsystem->user_prefix;
	else if (strcasecmp(word, "serverprefix") == 0)
		place = &subsystem->server_prefix;
	else if (strcasecmp(word, "serverdemux") == 0)
		place = &subsystem->server_demux;
	else if (strcasecmp(word, "error") == 0)
		place = &parser->error_procedure;
	else if (strcasecmp(word, "waittime") == 0)
		place = &parser->wait_time;
	else if (strcasecmp(word, "msgoption") == 0)
		place = &parser->option;
	else
		return false;
	*place = parser_expression_text(parser);
	return true;
}

static void
parser_statement(struct parser *parser)
{
	static const struct {
		const char		*word;
		enum routine_kind	kind;
	} routines[] = {
		{ "routine", ROUTINE },
		{ "simpleroutine", ROUTINE_SIMPLE },
		{ "procedure", ROUTINE_PROCEDURE },
		{ "simpleprocedure", ROUTINE_SIMPLE_PROCEDURE },
		{ "function", ROUTINE_FUNCTION },
	};
	struct place place = parser->token.place;
	const char *word = parser->token.text;

	if (parser->token.kind != TOKEN_WORD)
		error_stop(place, "'%s': expected a statement", word);
	if (strcasecmp(word, "import") == 0 || strcasecmp(word, "uimport") == 0 ||
	    strcasecmp(word, "simport") == 0) {
		parser_import(parser, strcasecmp(word, "uimport") == 0 ? IMPORT_USER :
		    strcasecmp(word, "simport") == 0 ? IMPORT_SERVER : IMPORT_BOTH);
		return;
	}
	parser_advance(parser);
	for (size_t i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
		if (strcasecmp(word, routines[i].word) == 0) {
			parser_routine(parser, routines[i].kind);
			return;
		}
	}
	if (strcasecmp(word, "subsystem") == 0) {
		parser_subsystem(parser);
	} else if (strcasecmp(word, "type") == 0) {
		parser_type_statement(parser);
	} else if (strcasecmp(word, "skip") == 0) {
		parser_skip_ids(parser);
	} else if (strcasecmp(word, "nowaittime") == 0) {
		parser->wait_time = NULL;
		parser_punct(parser, ';');
	} else if (strcasecmp(word, "rcsid") == 0) {
		if (parser->token.kind != TOKEN_STRING)
			error_stop(parser->token.place, "rcsid needs a string");
		parser->subsystem->rcsid = parser->token.text;
		parser_advance(parser);
		parser_punct(parser, ';');
	} else if (parser_note(parser, word)) {
		parser_punct(parser, ';');
	} else {
		error_stop(place, "'%s' is not a statement", word);
	}
}

struct subsystem *
parser_run(const char *name, const char *data, size_t length)
{
	struct parser parser = { .error_procedure = "MsgError" };

	parser.subsystem = text_alloc(sizeof(*parser.subsystem));
	parser.subsystem->user_prefix = "";
	parser.subsystem->server_prefix = "";
	lexer_init(&parser.lexer, name, data, length);
	parser_advance(&parser);
	while (parser.token.kind != TOKEN_END)
		if (!parser_accept(&parser, ';'))
			parser_statement(&parser);
	if (parser.subsystem->name == NULL)
		error_stop(parser.token.place, "no subsystem statement");
	if (parser.subsystem->server_demux == NULL)
		parser.subsystem->server_demux = text_format("%s_server", parser.subsystem->name);
	return parser.subsystem;
}
