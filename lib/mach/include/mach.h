/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything a native program usually needs. */
#ifndef MACH_H
#define MACH_H

#include <mach/mach_types.h>
#include <mach/mach_traps.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/notify.h>
#include <mach/thread_switch.h>
#include <mach/vm_param.h>
#include <mach_init.h>
#include <mach_error.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include <mach/mach_host.h>
#include <mach/gnumach.h>
#include <mach/mach4.h>
#include <mach_lib.h>

#endif
