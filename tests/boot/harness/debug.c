/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests ask of a debug kernel by writing to its device "counters", and the words of the module's line. */
#include <device/device.h>
#include "test.h"

static bool tell(const char *word, unsigned value)
{
	static mach_port_t device;
	unsigned length = 0;
	int written;

	while (word[length])
		length++;
	if (device == MACH_PORT_NULL && device_open(test_device_master, 2, "counters", &device) != 0)
		return false;
	return device_write_inband(device, 0, value, word, length, &written) == 0;
}

bool test_fault_arm(const char *name, unsigned nth)
{
	return tell(name, nth);
}

void test_racer(unsigned strength)
{
	CHECK(tell("racer", strength));
}

bool test_pause_arm(const char *point)
{
	char word[32] = "pause=";

	for (unsigned i = 6; i < sizeof word - 1 && *point; i++)
		word[i] = *point++;
	return tell(word, 1);
}

bool test_pause_taken(void)
{
	for (int i = 0; i < 5000; i++, test_sleep(1))
		if (tell("pause", 1))
			return true;
	return false;
}

void test_pause_end(void)
{
	CHECK(tell("pause", 0));
}

void test_say_locks(void)
{
	tell("locks", 0);
}

/* not beyond the end: the last argument ends with user memory */
static const char *after(const char *arg, const char *word)
{
	for (; *word; word++, arg++)
		if (*arg != *word)
			return NULL;
	return arg;
}

unsigned test_seconds(unsigned otherwise)
{
	return test_number("seconds=", otherwise);
}

unsigned test_number(const char *word, unsigned otherwise)
{
	for (int i = 1; i < test_argc; i++) {
		const char *p = after(test_argv[i], word);
		unsigned v = 0;

		if (p == NULL)
			continue;
		for (; *p >= '0' && *p <= '9'; p++)
			v = v * 10 + (unsigned)(*p - '0');
		return v;
	}
	return otherwise;
}
