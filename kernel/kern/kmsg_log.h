/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel message log: the last characters printed. */
#ifndef KERN_KMSG_LOG_H
#define KERN_KMSG_LOG_H

#include <stddef.h>
#include <stdint.h>

void	kmsg_log_put(char);		/* console lock held */
/* => characters from *position on (moved up to the oldest kept one), at most size; *position advances */
size_t	kmsg_log_read(uint64_t *position, char *buf, size_t size);

#endif
