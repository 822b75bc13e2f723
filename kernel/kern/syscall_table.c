/* SPDX-License-Identifier: BSD-2-Clause */
/* The Mach trap table. */
#include <ipc/ipc_traps.h>
#include <kern/syscall_table.h>
#include <kern/traps.h>

#define TRAP(fn, args)	{ (mach_trap_fn *)(void (*)(void))(fn), (args) }

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const struct mach_trap mach_trap_table[MACH_TRAP_COUNT] = {
	[0 ... MACH_TRAP_COUNT - 1] = TRAP(trap_invalid, 0),
	[10] = TRAP(trap_null, 0),
	[11] = TRAP(trap_null, 0),
	[12] = TRAP(trap_null, 0),
	[13] = TRAP(trap_null, 0),
	[17] = TRAP(trap_invalid, 1),		/* evc_wait: there are no event counters */
	[18] = TRAP(trap_invalid, 1),		/* evc_wait_clear */
	[25] = TRAP(mach_msg_trap, 7),
	[26] = TRAP(trap_mach_reply_port, 0),
	[27] = TRAP(trap_mach_thread_self, 0),
	[28] = TRAP(trap_mach_task_self, 0),
	[29] = TRAP(trap_mach_host_self, 0),
	[30] = TRAP(trap_mach_print, 1),
	[39] = TRAP(trap_device_writev, 6),
	[40] = TRAP(trap_device_write, 6),
	[55] = TRAP(trap_null, 0),
	[56] = TRAP(trap_null, 0),
	[59] = TRAP(trap_swtch_pri, 1),
	[60] = TRAP(trap_swtch, 0),
	[61] = TRAP(trap_thread_switch, 3),
	[64] = TRAP(trap_vm_map, 11),
	[65] = TRAP(trap_vm_allocate, 4),
	[66] = TRAP(trap_vm_deallocate, 3),
	[68] = TRAP(trap_task_create, 3),
	[69] = TRAP(trap_task_terminate, 1),
	[70] = TRAP(trap_task_suspend, 1),
	[71] = TRAP(trap_task_set_special_port, 3),
	[72] = TRAP(trap_mach_port_allocate, 3),
	[73] = TRAP(trap_mach_port_deallocate, 2),
	[74] = TRAP(trap_mach_port_insert_right, 4),
	[75] = TRAP(trap_mach_port_allocate_name, 3),
	[76] = TRAP(trap_thread_depress_abort, 1),
	[77] = TRAP(trap_thread_set_self_state, 3),
	[120] = TRAP(trap_gsync_wait_self, 5),
	[121] = TRAP(trap_gsync_wake_self, 3),
	[122] = TRAP(trap_gsync_wait, 6),
	[123] = TRAP(trap_gsync_wake, 4),
};
#pragma GCC diagnostic pop
