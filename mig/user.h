/* SPDX-License-Identifier: BSD-2-Clause */
/* Callers' stubs. */
#ifndef MIG_USER_H
#define MIG_USER_H

#include "routine.h"

void user_check(const struct subsystem *subsystem);
void user_write_one(struct text *text, const struct subsystem *subsystem,
    const struct routine *routine);
void user_write(struct text *text, const struct subsystem *subsystem);

#endif
