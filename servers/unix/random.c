/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes: the processor's generator where it has one, mixed with the time stamp counter.
 *
 * Good enough for stack canaries and temporary names; not a source of keys (CAVEATS.md).
 * LOCKS    random_lock, a leaf.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cthreads.h>
#include "random.h"

static spin_lock_t random_lock;
static uint64_t random_state;	/* random_lock */

static bool
random_has_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return (c & (1u << 30)) != 0;
}

static uint64_t
random_hardware(void)
{
	uint64_t value = __builtin_ia32_rdtsc();
	uint64_t drawn;
	uint8_t good = 0;

	if (random_has_rdrand())
		__asm__ volatile("rdrand %0; setc %1" : "=r" (drawn), "=qm" (good) : : "cc");
	return good ? value ^ drawn : value;
}

void
random_fill(void *data, size_t size)
{
	unsigned char *out = data;
	uint64_t word;
	size_t step;

	while (size > 0) {
		word = random_hardware();
		spin_lock(&random_lock);
		/* splitmix64 over the mixture */
		random_state += word + 0x9e3779b97f4a7c15ull;
		word = random_state;
		spin_unlock(&random_lock);
		word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
		word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
		word ^= word >> 31;
		step = size < sizeof(word) ? size : sizeof(word);
		memcpy(out, &word, step);
		out += step;
		size -= step;
	}
}
