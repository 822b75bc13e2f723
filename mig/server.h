/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers' stubs. */
#ifndef MIG_SERVER_H
#define MIG_SERVER_H

#include "routine.h"

void server_check(const struct subsystem *subsystem);
void server_write(struct text *text, const struct subsystem *subsystem);

#endif
