/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations for callers and servers. */
#ifndef MIG_HEADER_H
#define MIG_HEADER_H

#include "routine.h"

void header_user(struct text *text, const struct subsystem *subsystem);
void header_server(struct text *text, const struct subsystem *subsystem);
void header_internal(struct text *text, const struct subsystem *subsystem);
void header_list(struct text *text, const struct subsystem *subsystem);
void header_server_symbols(struct text *text, const struct subsystem *subsystem);
void header_imports(struct text *text, const struct subsystem *subsystem, enum import_kind kind);

#endif
