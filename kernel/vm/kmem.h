/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel virtual memory; the calls for other parts are in vm/map.h. */
#ifndef VM_KMEM_H
#define VM_KMEM_H

void	kmem_bootstrap(void);

#endif
