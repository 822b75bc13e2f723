/* SPDX-License-Identifier: BSD-2-Clause */
/* What generated stubs call. */
#ifndef MACH_MIG_SUPPORT_H
#define MACH_MIG_SUPPORT_H

#include <mach/machine/vm_types.h>
#include <mach/message.h>
#include <mach/std_types.h>

extern void mig_init(void *initial);
extern void mig_allocate(vm_address_t *address, vm_size_t size);
extern void mig_deallocate(vm_address_t address, vm_size_t size);

/* The calling thread's reply port; dealloc after a send that may have lost it. */
extern mach_port_t mig_get_reply_port(void);
extern void mig_put_reply_port(mach_port_t port);
extern void mig_dealloc_reply_port(mach_port_t port);

/* Fill the header of a reply to request, return code item excluded. */
extern void mig_reply_setup(const mach_msg_header_t *request, mach_msg_header_t *reply);

/* Copy at most len bytes, always terminated; the length with its terminator. */
extern vm_size_t mig_strncpy(char *dest, const char *src, int len);

#endif
