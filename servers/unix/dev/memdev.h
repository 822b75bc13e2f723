/* SPDX-License-Identifier: BSD-2-Clause */
/* null, zero, full, random, urandom, kmsg. */
#ifndef UNIX_DEV_MEMDEV_H
#define UNIX_DEV_MEMDEV_H

void memdev_start(void);

#endif
