/* SPDX-License-Identifier: BSD-2-Clause */
/* Who we are. */
#include <kern/version.h>

const char kernel_version_string[] = "Ernst 0.1";
