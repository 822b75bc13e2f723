/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy and clear with the string instructions: whole words with the q forms, the tail
 * by bytes. Works before any CPU feature is set up.
 */
#include <stddef.h>
#include <stdint.h>
#include <kern/string.h>

void *
(memcpy)(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	const void *s = from;
	size_t words = n >> 3, tail = n & 7;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) :: "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(tail) :: "memory");
	return to;
}

void *
(memmove)(void *to, const void *from, size_t n)
{
	void *d = (char *)to + n - 1;
	const void *s = (const char *)from + n - 1;

	if ((uintptr_t)to - (uintptr_t)from >= n)
		return memcpy(to, from, n);
	__asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
	return to;
}

void *
(memset)(void *to, int c, size_t n)
{
	void *d = to;
	uint64_t word = (uint8_t)c * 0x0101010101010101ull;
	size_t words = n >> 3, tail = n & 7;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(tail) : "a"(word) : "memory");
	return to;
}
