/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of host_reboot under their old names. */
#ifndef MACH_HOST_REBOOT_H
#define MACH_HOST_REBOOT_H

#define RB_AUTOBOOT	0
#define RB_HALT		0x8
#define RB_DEBUGGER	0x1000

#endif
