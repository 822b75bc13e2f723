/* SPDX-License-Identifier: BSD-2-Clause */
/* User exceptions: from a machine trap to the thread's, then the task's exception port. */
#ifndef KERN_EXCEPTION_H
#define KERN_EXCEPTION_H

#include <stdint.h>

/* => current thread, user state saved, no locks; interrupts on. Does not return: the thread
   goes on in user mode when a handler said so, else its task dies */
void	exception(int exc, int code, int64_t subcode) __attribute__((noreturn));

#endif
