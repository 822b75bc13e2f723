/* SPDX-License-Identifier: BSD-2-Clause */
/* Flags of gsync_wait, gsync_wake and gsync_requeue. */
#ifndef MACH_GSYNC_H
#define MACH_GSYNC_H

#define GSYNC_SHARED		0x01
#define GSYNC_QUAD		0x02
#define GSYNC_TIMED		0x04
#define GSYNC_BROADCAST		0x08
#define GSYNC_MUTATE		0x10

#endif
