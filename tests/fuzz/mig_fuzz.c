/* SPDX-License-Identifier: BSD-2-Clause */
/* Every routine of the kernel's servers, with arguments of the types its .defs says and values from the input, on any right. */
#include "fuzz.h"

/* what ends the machine, or lasts beyond the task that asked for it (by right: these ask for a privileged port) */
static bool lasts(int id)
{
	switch (id) {
	case 2041:	/* vm_set_default_memory_manager */
	case 2604:	/* processor_exit */
	case 2608:	/* processor_set_create */
	case 2611:	/* processor_assign */
	case 2623:	/* processor_set_max_priority */
	case 2625:	/* processor_set_policy_enable */
	case 2626:	/* processor_set_policy_disable */
	case 2630:	/* host_processor_set_priv: every task there is */
	case 2635:	/* host_reboot */
	case 2809:	/* device_map: of physical memory */
	case 4203:	/* register_new_task_notification */
	case 4211:	/* task_set_essential */
	case 4604:	/* host_set_exception_ports */
		return true;
	}
	return false;
}

void fuzz_prepare(mach_port_t task) { (void)task; }

void fuzz_main(void)
{
	static uint8_t message[FUZZ_MESSAGE] __attribute__((aligned(8)));

	for (unsigned calls = 0; calls < 32 && fuzz_left(); calls++) {
		const struct fuzz_routine *r = &fuzz_routines[fuzz_pick(fuzz_routine_count)];
		mach_port_t dest = fuzz_port();

		if (!lasts(r->fr_id))
			fuzz_call(message, fuzz_request(r, message, dest));
	}
}
