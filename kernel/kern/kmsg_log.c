/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel message log.
 * A ring written under the console lock and read without it: the reader checks afterwards that what
 * it copied had not been overwritten meanwhile.
 */
#include <kern/kmsg_log.h>

#define LOG_SIZE	65536u

static char log_ring[LOG_SIZE];
static uint64_t log_written;		/* characters ever; single writer */

void
kmsg_log_put(char c)
{
	uint64_t at = log_written;

	log_ring[at % LOG_SIZE] = c;
	__atomic_store_n(&log_written, at + 1, __ATOMIC_RELEASE);
}

size_t
kmsg_log_read(uint64_t *position, char *buf, size_t size)
{
	for (;;) {
		uint64_t end = __atomic_load_n(&log_written, __ATOMIC_ACQUIRE);
		uint64_t at = *position;
		size_t n;

		if (end - at > LOG_SIZE)
			at = end - LOG_SIZE;
		n = end - at < size ? end - at : size;
		for (size_t i = 0; i < n; i++)
			buf[i] = log_ring[(at + i) % LOG_SIZE];
		if (__atomic_load_n(&log_written, __ATOMIC_ACQUIRE) - at <= LOG_SIZE) {
			*position = at + n;
			return n;
		}
	}
}
