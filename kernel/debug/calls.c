/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls seen: a hash table of (routine, result), filled and never emptied.
 * LOCKS   none: a place is taken by compare-and-swap.
 */
#include <debug/calls.h>
#include <device/device.h>

#ifdef DEBUG

#define CALLS		4096u
#define PROBES		64u

static uint64_t calls[CALLS];		/* (a) */

void
calls_note(int32_t id, int32_t result)
{
	uint64_t key = (uint64_t)(uint32_t)id << 32 | (uint32_t)result;
	uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 52);

	for (uint32_t n = 0; n < PROBES; n++, at = (at + 1) % CALLS) {
		uint64_t there = __atomic_load_n(&calls[at], __ATOMIC_RELAXED);

		if (there == 0 && __atomic_compare_exchange_n(&calls[at], &there, key, false, __ATOMIC_RELAXED,
		    __ATOMIC_RELAXED))
			return;
		if (there == key)
			return;
	}
}

static io_return_t
calls_open(unsigned unit, void **data)
{
	(void)data;
	return unit == 0 ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

/* recnum is a byte offset */
static io_return_t
calls_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	uint64_t left = sizeof calls - (r->dr_recnum < sizeof calls ? r->dr_recnum : sizeof calls);

	(void)d;
	(void)free;
	*from = (const char *)calls + (sizeof calls - left);
	*count = r->dr_wanted < left ? r->dr_wanted : (uint32_t)left;
	return D_SUCCESS;
}

const struct device_ops calls_ops = {
	.do_name = "calls", .do_open = calls_open, .do_read = calls_read,
};

#endif
