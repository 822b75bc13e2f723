/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the definition language, read from preprocessed text. */
#ifndef MIG_LEXER_H
#define MIG_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,	/* identifier or keyword: the language has no reserved words */
	TOKEN_NUMBER,
	TOKEN_STRING,	/* text includes the quotes */
	TOKEN_FILE,	/* <...> or "..." after an import, delimiters included */
	TOKEN_PUNCT,
};

struct token {
	enum token_kind	kind;
	char		punct;
	unsigned long	number;
	const char	*text;
	struct place	place;
};

struct lexer {
	const char	*at;
	const char	*end;
	struct place	place;
	bool		line_start;
};

void lexer_init(struct lexer *lexer, const char *name, const char *data, size_t length);
struct token lexer_next(struct lexer *lexer);
struct token lexer_file(struct lexer *lexer);

#endif
