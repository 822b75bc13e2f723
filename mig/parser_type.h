/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the grammar that describes types. */
#ifndef MIG_PARSER_TYPE_H
#define MIG_PARSER_TYPE_H

#include "parser_words.h"

struct type *parser_type_new(struct parser *parser);
const struct type *parser_type_use(struct parser *parser);

#endif
