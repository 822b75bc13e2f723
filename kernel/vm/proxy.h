/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory object proxies: a window of a memory object, or of a task's memory, with lowered protection, as a port. */
#ifndef VM_PROXY_H
#define VM_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>

struct ipc_port;
struct vm_entry;

/*
 * Back e with [offset, offset + size) of the proxy a port stands for; *prot are lowered.
 * => false: the port is no proxy. Else *kr is KERN_SUCCESS, or KERN_INVALID_ARGUMENT beyond its length, or a shortage.
 */
bool	vm_proxy_back(struct ipc_port *, struct vm_entry *e, uint64_t offset, uint64_t size, bool copy, vm_prot_t *cur,
	    vm_prot_t *max, kern_return_t *kr);

#endif
