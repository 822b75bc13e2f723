/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot modules: their script lines, loading, starting. */
#ifndef KERN_BOOTSTRAP_H
#define KERN_BOOTSTRAP_H

#include <stdbool.h>

void	bootstrap_start(void);
bool	boot_flag(const char *word);

#endif
