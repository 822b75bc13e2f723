/* SPDX-License-Identifier: BSD-2-Clause */
/* See cases.h. */
#include <stdio.h>
#include <stdlib.h>
#include <debug/counters.h>
#include <kern/counter.h>
#include <machine/context.h>
#include "cases.h"
#include "user.h"

static unsigned number, failures;

bool case_check(bool good, const char *what, const char *file, int line)
{
	if (getenv("CASES") != NULL)
		fprintf(stderr, "# %s:%d: %s\n", file, line, what);
	if (!good) {
		failures++;
		printf("# %s:%d: not so: %s\n", file, line, what);
	}
	return good;
}

bool case_result(kern_return_t kr, kern_return_t expected, const char *what, const char *file, int line)
{
	if (getenv("CASES") != NULL)
		fprintf(stderr, "# %s:%d: %s\n", file, line, what);
	if (kr != expected) {
		failures++;
		printf("# %s:%d: %#x, not %#x: %s\n", file, line, (unsigned)kr, (unsigned)expected, what);
	}
	return kr == expected;
}

static void counts_at_rest(int64_t *c)
{
	for (int round = 0; round < 100; round++) {
		bool moved = false;

		user_sleep(5);
		for (int i = 0; i < COUNT_KINDS; i++) {
			int64_t now = counter_read((enum counter)i);

			/* spare stacks come and go */
			if (i == COUNT_PAGE_USED)
				now -= counter_read(COUNT_STACK) * (KERNEL_STACK_SIZE / 4096);
			moved |= now != c[i];
			c[i] = now;
		}
		if (!moved)
			return;
	}
}

void case_run(void (*fn)(void), const char *name)
{
	static const int64_t slack[COUNT_KINDS] = {
		[COUNT_STACK] = 8, [COUNT_AMAP_NODE] = 4, [COUNT_ANON] = 4, [COUNT_PAGE_USED] = 64, [COUNT_PV] = 64, [COUNT_KMSG_SPARE] = 8,
	};
	int64_t before[COUNT_KINDS] = { 0 }, after[COUNT_KINDS] = { 0 };
	unsigned failed = failures;

	counts_at_rest(before);
	fn();
	counts_at_rest(after);
	for (int i = 0; i < COUNT_KINDS; i++)
		if (llabs(after[i] - before[i]) > slack[i]) {
			failures++;
			printf("# leak: %s %+ld\n", counter_names[i], (long)(after[i] - before[i]));
		}
	printf("%sok %u - %s\n", failures == failed ? "" : "not ", ++number, name);
	fflush(stdout);
}

int cases_end(void)
{
	printf("1..%u\n", number);
	fflush(stdout);
	return failures != 0;
}
