/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine dependent header of the machine we are built for. */
#include <mach/x86_64/mach_i386_types.h>
