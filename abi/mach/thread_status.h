/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread state as an array of naturals; the flavours are the machine's. */
#ifndef MACH_THREAD_STATUS_H
#define MACH_THREAD_STATUS_H

#include <mach/machine/thread_status.h>
#include <mach/machine/vm_types.h>

typedef natural_t *thread_state_t;
#define THREAD_STATE_MAX	1024
typedef natural_t thread_state_data_t[THREAD_STATE_MAX];

#endif
