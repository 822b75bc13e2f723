/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes as text. */
#ifndef LIB_MACH_ERROR_H
#define LIB_MACH_ERROR_H

#include <mach/error.h>

/* What happened; never null. */
extern const char *mach_error_string(mach_error_t error);
/* Which part of the system says so, as "(ipc/send)". */
extern const char *mach_error_type(mach_error_t error);
/* Print "str: what happened" on the console. */
extern void mach_error(const char *str, mach_error_t error);

#endif
