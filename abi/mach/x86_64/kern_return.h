/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine part of the kernel return type. */
#ifndef MACH_X86_64_KERN_RETURN_H
#define MACH_X86_64_KERN_RETURN_H

#ifndef __ASSEMBLER__
typedef int kern_return_t;
#endif

#endif
