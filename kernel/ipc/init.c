/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of ipc/. */
#include <ipc/ipc.h>
#include <ipc/entry.h>
#include <ipc/kmsg.h>
#include <ipc/kobject.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/space.h>

void ipc_init(void)
{
	ipc_entry_init();
	ipc_space_init();
	ipc_port_init();
	ipc_pset_init();
	ipc_kmsg_init();
	ipc_marequest_init();
	ipc_kobject_init();
}
