/* SPDX-License-Identifier: BSD-2-Clause */
/* libmach's error texts, formatted output and string functions, against the host's C library. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <device/device_types.h>
#include <mach/mig_errors.h>
#include <mach_error.h>
#include <mach_lib.h>

void *t_memcpy(void *, const void *, size_t);
void *t_memmove(void *, const void *, size_t);
void *t_memset(void *, int, size_t);
int t_memcmp(const void *, const void *, size_t);
void *t_memchr(const void *, int, size_t);
size_t t_strlen(const char *);
int t_strcmp(const char *, const char *);
int t_strncmp(const char *, const char *, size_t);
char *t_strncpy(char *, const char *, size_t);
char *t_strchr(const char *, int);
char *t_strrchr(const char *, int);
char *t_strstr(const char *, const char *);
unsigned long t_strtoul(const char *, char **, int);

static char printed[1024];
static int number, failures;

/* the trap */
void mach_print(const char *string)
{
	strncat(printed, string, sizeof(printed) - strlen(printed) - 1);
}

static void check(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failures += !good;
}

static int known(int code)
{
	return strcmp(mach_error_string(code), "unknown error code") != 0;
}

static int range_known(int first, int last, const char *holes)
{
	for (int code = first; code <= last; code++) {
		char hole[16];

		snprintf(hole, sizeof(hole), " %d ", code - first);
		if (known(code) == (strstr(holes, hole) != NULL)) {
			printf("# code %d\n", code);
			return 0;
		}
	}
	return 1;
}

static void test_errors(void)
{
	check(range_known(0, 28, " 11 25 "), "every kern_return has a text");
	check(range_known(0x10000001, 0x10000010, ""), "every send error has a text");
	check(range_known(0x10004001, 0x1000400c, ""), "every receive error has a text");
	check(range_known(-309, -300, ""), "every interface error has a text");
	check(range_known(2500, 2509, "") && known(-1), "every device error has a text");
	check(!known(29) && !known(0x10000011) && !known(-310), "other codes have none");
	check(strcmp(mach_error_string(MACH_SEND_INVALID_RIGHT | MACH_MSG_IPC_SPACE),
	    mach_error_string(MACH_SEND_INVALID_RIGHT)) == 0, "resource bits do not hide a text");
	check(strcmp(mach_error_type(MACH_RCV_TIMED_OUT), "(ipc/receive)") == 0 &&
	    strcmp(mach_error_type(MACH_SEND_TIMED_OUT), "(ipc/send)") == 0 &&
	    strcmp(mach_error_type(MIG_BAD_ID), "(ipc/interface)") == 0 &&
	    strcmp(mach_error_type(D_NO_MEMORY), "(device)") == 0 &&
	    strcmp(mach_error_type(KERN_FAILURE), "(kernel)") == 0, "types of errors");
	printed[0] = '\0';
	mach_error("open", D_NO_SUCH_DEVICE);
	check(strcmp(printed, "open: (device) device: no such device (9c6)\n") == 0, "mach_error");
}

__attribute__((format(printf, 1, 2))) static void same(const char *format, ...)
{
	char ours[64], host[64];
	va_list args;
	int a, b;

	va_start(args, format);
	a = mach_vsnprintf(ours, sizeof(ours), format, args);
	va_end(args);
	va_start(args, format);
	b = vsnprintf(host, sizeof(host), format, args);
	va_end(args);
	if (a != b || strcmp(ours, host) != 0)
		printf("# '%s': '%s' %d, host '%s' %d\n", format, ours, a, host, b);
	check(a == b && strcmp(ours, host) == 0, format);
}

static void test_printf(void)
{
	char small[4];

	same("plain");
	same("%d %i %d", 0, -1, -2147483647 - 1);
	same("%u %x %X %o", 4294967295u, 0xabcu, 0xABCu, 8u);
	same("%ld %lu %lx", -1L, ~0UL, ~0UL);
	same("%lld %llx %zu %zd", -5LL, 5ULL, (size_t)7, (ssize_t)-7);
	same("%hhd %hd %hhu %hu", (signed char)-3, (short)-300, (unsigned char)200, (unsigned short)60000);
	same("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, -42, 42, 42);
	same("[%8.3d] [%-8.3d] [%.0d]", 7, 7, 0);
	same("[%#x] [%#x] [%#10x] [%#010x]", 255u, 0u, 255u, 255u);
	same("[%s] [%10s] [%-10s] [%.2s] [%.*s]", "abc", "abc", "abc", "abc", 1, "abc");
	same("%c%c%%", 'a', 'b');
	same("%*d|%-*d", 6, 3, 6, 3);
	same("%p", (void *)0x1234);
	check(mach_snprintf(small, sizeof(small), "%s", "abcdef") == 6 && strcmp(small, "abc") == 0,
	    "a small buffer is filled, terminated, and the whole length told");
	check(mach_snprintf(NULL, 0, "%d", 1234) == 4, "no buffer at all");
}

static void test_memory(void)
{
	unsigned char a[64], b[64];
	int good = 1;

	for (size_t from = 0; from < 16; from++)
		for (size_t to = 0; to < 16; to++)
			for (size_t n = 0; n < 32; n++) {
				for (int i = 0; i < 64; i++)
					a[i] = b[i] = (unsigned char)i;
				t_memmove(a + to, a + from, n);
				memmove(b + to, b + from, n);
				good &= memcmp(a, b, sizeof(a)) == 0;
			}
	check(good, "memmove with every overlap");
	t_memset(a, 7, 33);
	memset(b, 7, 33);
	t_memcpy(a + 40, a, 10);
	memcpy(b + 40, b, 10);
	check(t_memcmp(a, b, 64) == 0 && t_memcmp("a", "b", 1) < 0 && t_memcmp("\xff", "\1", 1) > 0,
	    "memset, memcpy, memcmp");
	check(t_memchr("abc", 'c', 3) != NULL && t_memchr("abc", 'c', 2) == NULL, "memchr");
}

static void test_strings(void)
{
	const char *text = "hello";
	char buffer[8];
	char *end;

	check(t_strlen("") == 0 && t_strlen(text) == 5, "strlen");
	check(t_strcmp("a", "a") == 0 && t_strcmp("a", "b") < 0 && t_strcmp("ab", "a") > 0 &&
	    t_strncmp("abc", "abd", 2) == 0, "strcmp and strncmp");
	memset(buffer, 'x', sizeof(buffer));
	t_strncpy(buffer, "ab", 4);
	check(memcmp(buffer, "ab\0\0xxxx", 8) == 0, "strncpy fills with zeros");
	check(t_strchr(text, 'l') == text + 2 && t_strrchr(text, 'l') == text + 3 &&
	    t_strchr(text, 0) == text + 5 && t_strchr(text, 'z') == NULL, "strchr and strrchr");
	check(t_strstr(text, "llo") == text + 2 && t_strstr(text, "lx") == NULL &&
	    t_strstr(text, "") == text, "strstr");
	check(t_strtoul(" 0x1fz", &end, 0) == 31 && *end == 'z' && t_strtoul("077", NULL, 0) == 63 &&
	    t_strtoul("12", NULL, 10) == 12 && t_strtoul("-1", NULL, 10) == ~0UL &&
	    t_strtoul("0x", &end, 0) == 0 && *end == 'x', "strtoul");
}

int main(void)
{
	test_errors();
	test_printf();
	test_memory();
	test_strings();
	printf("1..%d\n", number);
	return failures != 0;
}
