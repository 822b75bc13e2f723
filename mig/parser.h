/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions read into a subsystem. */
#ifndef MIG_PARSER_H
#define MIG_PARSER_H

#include "routine.h"

struct subsystem *parser_run(const char *name, const char *data, size_t length);

#endif
