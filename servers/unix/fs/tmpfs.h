/* SPDX-License-Identifier: BSD-2-Clause */
/* File systems in memory. */
#ifndef UNIX_FS_TMPFS_H
#define UNIX_FS_TMPFS_H

#include "enode.h"

/* => *root gets a reference */
int tmpfs_create(struct item **root);
/* The same in a size of its own: /dev is a small one. */
int tmpfs_create_sized(uint64_t bytes, struct item **root);

#endif
