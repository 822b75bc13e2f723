/* SPDX-License-Identifier: BSD-2-Clause */
/* What the C library of native tasks offers besides the standard. */
#ifndef LIBC_MACH_H
#define LIBC_MACH_H

#include <mach/mach_types.h>

/*
 * Descriptors 0, 1 and 2 from now on are this device (a send right that stays
 * the caller's); without one, output goes to the kernel's console by mach_print
 * and input is at its end.
 */
extern void libc_set_console(mach_port_t device);

#endif
