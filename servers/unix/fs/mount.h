/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount table as /proc shows it. */
#ifndef UNIX_FS_MOUNT_H
#define UNIX_FS_MOUNT_H

#include <stddef.h>

size_t mount_format(char *data, size_t size);

#endif
