/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser's state, and the small steps every part of the grammar takes. */
#ifndef MIG_PARSER_WORDS_H
#define MIG_PARSER_WORDS_H

#include "lexer.h"
#include "routine.h"

struct parser {
	struct lexer		lexer;
	struct token		token;		/* look-ahead */
	struct subsystem	*subsystem;
	const char		*wait_time;	/* in force for the routines that follow */
	const char		*option;
	const char		*error_procedure;
};

void parser_advance(struct parser *parser);
bool parser_accept(struct parser *parser, char punct);
void parser_punct(struct parser *parser, char punct);
bool parser_at_word(const struct parser *parser, const char *word);
const char *parser_word(struct parser *parser, const char *what);
unsigned long parser_number(struct parser *parser);
const char *parser_expression_text(struct parser *parser);

#endif
