/* SPDX-License-Identifier: BSD-2-Clause */
/* Host build of ipc/: one scripted processor. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
extern struct thread *shim_current;
static inline struct thread *current_thread(void) { return shim_current; }

#endif
