/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory and string functions compilers and generated stubs take for
 * granted. All weak: a C library's are taken instead.
 *
 * The copies use string instructions; written as loops the compiler would turn
 * them into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

#define WEAK __attribute__((weak))

void *memcpy(void *restrict dest, const void *restrict src, size_t n);
void *memmove(void *dest, const void *src, size_t n);
void *memset(void *dest, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strcpy(char *dest, const char *src);
char *strncpy(char *dest, const char *src, size_t n);
char *strcat(char *dest, const char *src);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *sub);
unsigned long strtoul(const char *s, char **end, int base);
long strtol(const char *s, char **end, int base);
int atoi(const char *s);

WEAK void *memcpy(void *restrict dest, const void *restrict src, size_t n)
{
	void *d = dest;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dest;
}

WEAK void *memmove(void *dest, const void *src, size_t n)
{
	unsigned char *d = dest;
	const unsigned char *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(dest, src, n);
	d += n - 1;
	s += n - 1;
	__asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	return dest;
}

WEAK void *memset(void *dest, int c, size_t n)
{
	void *d = dest;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dest;
}

WEAK int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n != 0; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

WEAK void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n != 0; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

WEAK size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

WEAK size_t strlen(const char *s)
{
	const char *p = s;

	/* volatile: not to be recognised as strlen */
	while (*(const volatile char *)p != '\0')
		p++;
	return (size_t)(p - s);
}

WEAK int strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

WEAK int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

WEAK char *strncpy(char *dest, const char *src, size_t n)
{
	size_t length = strnlen(src, n);

	memcpy(dest, src, length);
	memset(dest + length, 0, n - length);
	return dest;
}

WEAK char *strcpy(char *dest, const char *src)
{
	memcpy(dest, src, strlen(src) + 1);
	return dest;
}

WEAK char *strcat(char *dest, const char *src)
{
	strcpy(dest + strlen(dest), src);
	return dest;
}

WEAK char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

WEAK char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (*s == '\0')
			return (char *)(uintptr_t)found;
	}
}

WEAK char *strstr(const char *s, const char *sub)
{
	size_t length = strlen(sub);

	for (;; s++) {
		if (strncmp(s, sub, length) == 0)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

WEAK unsigned long strtoul(const char *s, char **end, int base)
{
	unsigned long value = 0;
	int negative = 0, digit;

	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' &&
	    digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = *s == '0' ? 8 : 10;
	for (; (digit = digit_value(*s)) < base; s++)
		value = value * (unsigned long)base + (unsigned long)digit;
	if (end != NULL)
		*end = (char *)(uintptr_t)s;
	return negative ? 0 - value : value;
}

WEAK long strtol(const char *s, char **end, int base)
{
	return (long)strtoul(s, end, base);
}

WEAK int atoi(const char *s)
{
	return (int)strtol(s, NULL, 10);
}
