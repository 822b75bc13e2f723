/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library over the kernel: memory, output, errno and locks of several threads. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <cthreads.h>
#include "../boot/harness/test.h"

#define THREADS	4

/* the heap keeps what it grew by */
TEST_FLAGS(malloc_grows_and_reuses, TEST_MAY_LEAK)
{
	char *pieces[64];

	for (int i = 0; i < 64; i++) {
		REQUIRE((pieces[i] = malloc(20000)) != NULL);
		memset(pieces[i], i, 20000);
	}
	for (int i = 0; i < 64; i++)
		CHECK(pieces[i][0] == i && pieces[i][19999] == i);
	for (int i = 0; i < 64; i++)
		free(pieces[i]);
	CHECK(malloc(1UL << 50) == NULL);
	CHECK_EQ(errno, ENOMEM);
}

TEST_FLAGS(printf_formats_and_prints, TEST_MAY_LEAK)
{
	char text[64];

	CHECK_EQ(snprintf(text, sizeof(text), "%d %s %.3f %llx", 42, "x", sqrt(2.0), 1ULL << 40), 22);
	CHECK(strcmp(text, "42 x 1.414 10000000000") == 0);
	CHECK_EQ(printf("# printed by printf\n"), 20);
	CHECK_EQ(fflush(stdout), 0);
}

TEST(calls_without_files_fail_properly)
{
	errno = 0;
	CHECK_EQ(open("/etc/passwd", O_RDONLY), -1);
	CHECK_EQ(errno, ENOSYS);
	CHECK_EQ(write(7, "x", 1), -1);
	CHECK_EQ(errno, EBADF);
}

TEST(time_moves)
{
	struct timeval a, b;

	CHECK_EQ(gettimeofday(&a, NULL), 0);
	test_sleep(30);
	CHECK_EQ(gettimeofday(&b, NULL), 0);
	CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_usec > a.tv_usec));
}

/* A joined thread has yet to leave the kernel: wait until this task has one thread again. */
static void settle(void)
{
	for (int i = 0; i < 2000; i++) {
		mach_port_t *threads;
		mach_msg_type_number_t count = 0;

		CHECK_OK(task_threads(mach_task_self(), &threads, &count));
		for (mach_msg_type_number_t t = 0; t < count; t++)
			mach_port_deallocate(mach_task_self(), threads[t]);
		vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
		if (count == 1)
			return;
		test_sleep(1);
	}
	CHECK(!"the threads end");
}

static any_t churn(any_t seed)
{
	unsigned int state = (unsigned int)(uintptr_t)seed;
	char *held[16] = { NULL };

	for (int i = 0; i < 2000; i++) {
		int slot = rand_r(&state) % 16;

		free(held[slot]);
		held[slot] = malloc((size_t)(rand_r(&state) % 3000) + 1);
		if (held[slot] != NULL)
			held[slot][0] = (char)slot;
	}
	for (int i = 0; i < 16; i++)
		free(held[i]);
	errno = (int)(uintptr_t)seed;
	cthread_yield();
	return (any_t)(uintptr_t)errno;
}

TEST_FLAGS(threads_share_the_heap_and_not_errno, TEST_MAY_LEAK)
{
	cthread_t threads[THREADS];

	errno = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE((threads[i] = cthread_fork(churn, (any_t)(i + 100))) != CTHREAD_NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(cthread_join(threads[i]), i + 100);
	settle();
	CHECK_EQ(errno, 0);
}
