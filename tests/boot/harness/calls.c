/* SPDX-License-Identifier: BSD-2-Clause */
/* What was called with which result, told at the end of a module for tools/conformance. */
#include <device/device.h>
#include "test.h"

enum { COVERS_MAX = 512 };

static struct { int id, result; } covers[COVERS_MAX];
static unsigned cover_n;

void test_covers(int id, int result)
{
	for (unsigned i = 0; i < cover_n; i++)
		if (covers[i].id == id && covers[i].result == result)
			return;
	if (cover_n < COVERS_MAX) {
		covers[cover_n].id = id;
		covers[cover_n++].result = result;
	}
}

void test_hostile(int id)
{
	test_covers(id, TEST_HOSTILE);
}

/* device "calls" of the debug kernel: words of id and result */
void test_calls_say(void)
{
	mach_port_t device = MACH_PORT_NULL;
	io_buf_ptr_t data = 0;
	mach_msg_type_number_t bytes = 0;

	for (unsigned i = 0; i < cover_n; i++) {
		if (covers[i].result == TEST_HOSTILE)
			test_say("# calls %d:hostile", covers[i].id);
		else
			test_say("# calls %d:%d", covers[i].id, covers[i].result);
	}
	if (device_open(test_device_master, 1, "calls", &device) != 0)
		return;
	if (device_read(device, 0, 0, 1 << 20, &data, &bytes) != 0)
		return;
	for (unsigned i = 0; i + 8 <= bytes; i += 8) {
		const int *word = (const int *)((const char *)data + i);

		if (word[1] != 0)
			test_say("# calls %d:%d", word[1], word[0]);
	}
	vm_deallocate(mach_task_self(), (vm_address_t)data, bytes);
}
