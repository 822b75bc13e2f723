/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes for AT_RANDOM and /dev/urandom. */
#ifndef UNIX_RANDOM_H
#define UNIX_RANDOM_H

#include <stddef.h>

void	random_fill(void *data, size_t size);

#endif
