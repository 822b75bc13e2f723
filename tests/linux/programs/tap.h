/* SPDX-License-Identifier: BSD-2-Clause */
/* What the Linux test programs share: TAP lines, a child with a time limit. Each program is run on the host too and must pass there. */
#ifndef TAP_H
#define TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tap_count, tap_failed;

/* a bad pointer that the compiler does not see through */
__attribute__((unused)) static void *volatile nowhere = (void *)8;

static inline bool tap(bool good, const char *format, ...)
{
	va_list ap;
	int e = errno;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("%s%s%s\n", good ? "" : " (errno ", good ? "" : strerrorname_np(e) ? strerrorname_np(e) : "0", good ? "" : ")");
	fflush(stdout);
	tap_failed += !good;
	return good;
}

#define ok(condition) tap((condition), "%s", #condition)
#define is(a, b) do {									\
	long is_a = (long)(a), is_b = (long)(b);					\
	tap(is_a == is_b, "%s is %s%s", #a, #b, is_a == is_b ? "" : is_text(is_a, is_b)); \
} while (0)
#define fails(call, error) do {								\
	errno = 0;									\
	long f_r = (long)(call);							\
	int f_e = errno;								\
	tap(f_r == -1 && f_e == (error), "%s fails with %s", #call, strerrorname_np(error)); \
} while (0)

static inline const char *is_text(long a, long b)
{
	static char text[80];

	snprintf(text, sizeof text, " (%ld, not %ld)", a, b);
	return text;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	fflush(stdout);
	return tap_failed != 0;
}

/* run f in a child; its wait status. SIGALRM ends it after so many seconds */
static inline int in_child(unsigned seconds, void (*f)(void))
{
	int status = -1;
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		alarm(seconds);
		f();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

#endif
