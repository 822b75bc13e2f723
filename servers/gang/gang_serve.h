/* SPDX-License-Identifier: BSD-2-Clause */
/* The gang scheduler: a program gives it the privileged host port and a port to be asked at. */
#ifndef GANG_SERVE_H
#define GANG_SERVE_H

#include <mach.h>

#define GANG_SLICE_MS	200

/* => all processors but the boot processor are its own from now on; serves until the service port dies; KERN_FAILURE: the
   machine has one processor */
kern_return_t	gang_serve(mach_port_t host_priv, mach_port_t service);

#endif
