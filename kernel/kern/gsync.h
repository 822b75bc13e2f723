/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERN_GSYNC_H
#define KERN_GSYNC_H

void	gsync_init(void);

#endif
