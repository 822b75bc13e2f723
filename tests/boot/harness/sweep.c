/* SPDX-License-Identifier: BSD-2-Clause */
#include <device/device.h>
#include <mach/mig_errors.h>
#include "sweep.h"

enum { QUIET = 16, MOST = 300 };	/* so many successes in a row: no allocation is left to fail */

unsigned sweep_nth;

bool sweep_is_shortage(kern_return_t kr)
{
	int error = kr & ~0x3e00, bits = kr & 0x3e00;

	/* parts of a message that did not arrive, for want of kernel memory */
	if (error == MACH_RCV_BODY_ERROR || error == MACH_RCV_HEADER_ERROR)
		return bits == MACH_MSG_VM_KERNEL || bits == MACH_MSG_IPC_KERNEL;
	return kr == KERN_RESOURCE_SHORTAGE || kr == D_NO_MEMORY || kr == MACH_SEND_NO_BUFFER || kr == MACH_SEND_INVALID_MEMORY ||
	    kr == MACH_SEND_INVALID_REPLY || kr == MACH_RCV_INVALID_NAME || kr == MIG_SERVER_DIED;
}

void sweep(const char *name, kern_return_t (*run)(void))
{
	unsigned failed = 0, quiet = 0;

	sweep_nth = 0;
	if (!CHECK_OK(run())) {
		test_say("# in %s", name);
		return;
	}
	for (unsigned k = 1; quiet < QUIET && k < MOST; k++) {
		kern_return_t kr;

		sweep_nth = k;
		kr = run();
		quiet = kr == KERN_SUCCESS ? quiet + 1 : 0;
		failed += kr != KERN_SUCCESS;
		if (kr != KERN_SUCCESS && !CHECK(sweep_is_shortage(kr)))
			test_say("# %s: allocation %d: 0x%x", name, k, kr);
		sweep_nth = 0;
		if (!CHECK_OK(run())) {
			test_say("# %s: after allocation %d failed", name, k);
			return;
		}
	}
	CHECK(quiet == QUIET);
	test_say("# %s: %d failures", name, failed);
}
