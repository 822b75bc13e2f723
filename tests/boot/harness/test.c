/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness: runs the test cases, prints TAP, compares conservation counters, ends the machine with 0 or 1. */
#include <stdarg.h>
#include <device/device.h>
#include <mach/host_info.h>
#include "test.h"

extern const struct test_case __start_test_cases[], __stop_test_cases[];

mach_port_t test_host_priv, test_device_master;
bool test_is_proxied;
int test_argc;
char **test_argv;

static const char *current_name;
static unsigned failures;		/* of the current test */
static uint64_t random_state, random_start;
static mach_port_t counters_device;

/* Caches keep stacks, pages and tables on purpose; these kinds may differ by a few after a test. */
static const struct { const char *name; int64_t slack; } slack[] = {
	{ "stack", 8 }, { "amap_node", 4 }, { "anon", 4 }, { "page_used", 64 }, { "pv", 64 },
	/* tables of names grow and stay */
	{ "kalloc", 8 },
	/* a thread keeps the buffer of its last message */
	{ "kmsg_spare", 8 },
};

static void put_number(char **p, char *end, uint64_t v, unsigned base)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n && *p < end)
		*(*p)++ = digits[--n];
}

/* %s %d %u %x %lx %ld %c: what tests say */
void test_say(const char *fmt, ...)
{
	char line[512], *p = line, *end = line + sizeof line - 2;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt && p < end; fmt++) {
		if (*fmt != '%') {
			*p++ = *fmt;
			continue;
		}
		bool is_long = *++fmt == 'l';
		if (is_long)
			fmt++;
		if (*fmt == 's') {
			for (const char *s = va_arg(ap, const char *); *s && p < end; s++)
				*p++ = *s;
		} else if (*fmt == 'c') {
			*p++ = (char)va_arg(ap, int);
		} else {
			int64_t v = is_long ? va_arg(ap, int64_t) : va_arg(ap, int);
			if (*fmt == 'd' && v < 0) {
				*p++ = '-';
				v = -v;
			} else if (!is_long && *fmt != 'd') {
				v = (uint32_t)v;
			}
			put_number(&p, end, (uint64_t)v, *fmt == 'x' ? 16 : 10);
		}
	}
	va_end(ap);
	*p++ = '\n';
	*p = 0;
	mach_print(line);
}

bool test_check(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
		test_say("# %s: %s:%d: not so: %s", current_name, file, line, what);
	}
	return good;
}

bool test_check_eq(uint64_t got, uint64_t want, const char *what, const char *file, int line)
{
	if (got != want) {
		__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
		test_say("# %s: %s:%d: %s is 0x%lx, wanted 0x%lx", current_name, file, line, what, (int64_t)got, (int64_t)want);
	}
	return got == want;
}

void test_random_seed(uint64_t seed)
{
	random_start = random_state = seed;
}

/* xorshift64* */
uint32_t test_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

void test_fill_reply_pool(unsigned n)
{
	mach_port_t port[64];

	for (unsigned i = 0; i < n; i++)
		port[i] = mig_get_reply_port();
	for (unsigned i = 0; i < n; i++)
		mig_put_reply_port(port[i]);
}

/* device "counters": lines "name value" */
void test_counts_read(struct test_counts *counts)
{
	io_buf_ptr_t data = 0;
	mach_msg_type_number_t bytes = 0;

	counts->n = 0;
	/* behind a proxy calls take long: many are under way at once */
	test_fill_reply_pool(test_is_proxied ? 64 : 16);
	if (!counters_device || device_read(counters_device, 0, 0, 4096, &data, &bytes) != 0)
		return;
	const char *p = (const char *)data, *end = p + bytes;
	while (p < end && counts->n < TEST_COUNTERS) {
		struct test_count *c = &counts->c[counts->n++];
		unsigned i = 0;
		bool negative;

		for (; p < end && *p != ' '; p++)
			if (i + 1 < sizeof c->name)
				c->name[i++] = *p;
		c->name[i] = 0;
		c->value = 0;
		negative = ++p < end && *p == '-';
		for (p += negative; p < end && *p >= '0' && *p <= '9'; p++)
			c->value = c->value * 10 + (*p - '0');
		if (negative)
			c->value = -c->value;
		for (; p < end && *p == '\n'; p++)
			;
	}
	vm_deallocate(mach_task_self(), (vm_address_t)data, bytes);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int64_t slack_of(const char *name)
{
	for (unsigned i = 0; i < sizeof slack / sizeof *slack; i++)
		if (same(name, slack[i].name))
			/* a proxy has many names, that come and go in tables that stay */
			return slack[i].slack * (test_is_proxied ? 8 : 1);
	return 0;
}

/* => they differ; *more: something is there that was not */
static bool counts_differ(const struct test_counts *a, const struct test_counts *b, bool say, bool *more)
{
	bool differ = false;

	*more = false;

	for (unsigned i = 0; i < a->n && i < b->n; i++) {
		int64_t d = b->c[i].value - a->c[i].value, allowed = slack_of(a->c[i].name);

		if (d > allowed || -d > allowed) {
			differ = true;
			*more |= d > allowed;
			if (say)
				test_say("# %s: leak: %s %ld before, %ld after", current_name, a->c[i].name, a->c[i].value,
				    b->c[i].value);
		}
	}
	return differ;
}

/*
 * What a test started may take a moment to die: look again for a while before calling it a leak.
 * => false: there is less than before. A processor the host had stopped still had something of the last test to take apart
 */
static bool check_conservation(const struct test_counts *before, bool last)
{
	struct test_counts after;
	bool more = false;

	for (int i = 0; i < 100; i++) {
		test_counts_read(&after);
		if (!counts_differ(before, &after, false, &more))
			return true;
		test_sleep(10);
	}
	if (!more && !last)
		return false;
	counts_differ(before, &after, true, &more);
	failures++;
	return true;
}

/* What the last test killed may still be dying: let the numbers come to rest before they are the measure. */
static void counts_at_rest(struct test_counts *counts)
{
	struct test_counts later;
	int still = 0;

	test_counts_read(counts);
	for (int i = 0; i < 100 && still < 3; i++) {
		test_sleep(3);
		test_counts_read(&later);
		bool moved = false;
		for (unsigned c = 0; c < later.n; c++)
			moved |= later.c[c].value != counts->c[c].value;
		*counts = later;
		still = moved ? 0 : still + 1;
	}
}

static bool run_case(const struct test_case *tc, unsigned number)
{
	struct test_counts before;
	bool settled = false;

	current_name = tc->tc_name;
	failures = 0;
	if (test_is_proxied && (tc->tc_flags & TEST_LOCAL)) {
		test_say("ok %d - %s # SKIP behind a proxy", number, tc->tc_name);
		return true;
	}
	for (int again = 0; !settled && again < 2; again++) {
		test_random_seed(0x9e3779b97f4a7c15ull);
		counts_at_rest(&before);
		tc->tc_run();
		settled = tc->tc_flags & TEST_MAY_LEAK || check_conservation(&before, again == 1);
		if (!settled)
			test_say("# less than before: it was not at rest. Once more");
	}
	if (failures)
		test_say("# seed 0x%lx", (int64_t)random_start);
	test_say("%sok %d - %s", failures ? "not " : "", number, tc->tc_name);
	return failures == 0;
}

/* the compiler may have turned the section round: tests run in the order of their lines, those of several files mixed */
static bool is_before(const struct test_case *a, const struct test_case *b)
{
	return a->tc_line != b->tc_line ? a->tc_line < b->tc_line : a < b;
}

static const struct test_case *next_case(const struct test_case *last)
{
	const struct test_case *next = NULL;

	for (const struct test_case *tc = __start_test_cases; tc < __stop_test_cases; tc++)
		if ((!last || is_before(last, tc)) && (!next || is_before(tc, next)))
			next = tc;
	return next;
}

static mach_port_t argument_port(char **argv, int argc, int i)
{
	mach_port_t v = 0;

	if (i < argc)
		for (const char *s = argv[i]; *s >= '0' && *s <= '9'; s++)
			v = v * 10 + (mach_port_t)(*s - '0');
	return v;
}

/* => what follows key in a word of the module's line; only=NAME runs that test alone */
static const char *word_value(const char *key)
{
	for (int i = 3; i < test_argc; i++) {
		const char *w = test_argv[i], *k = key;

		while (*k && *k == *w)
			k++, w++;
		if (!*k)
			return w;
	}
	return NULL;
}

static void run_all(void)
{
	unsigned count = (unsigned)(__stop_test_cases - __start_test_cases), failed = 0;
	const char *only = word_value("only=");

	device_open(test_device_master, 1, "counters", &counters_device);
	test_say("1..%d", only ? 1 : count);
	if (test_prepare)
		test_prepare();
	/* the first thread, message and mapping fill caches: make them before anything is counted */
	test_sleep(1);
	test_thread_join(test_thread((void (*)(void *))test_yield, NULL));
	const struct test_case *tc = next_case(NULL);
	for (unsigned i = 0; i < count; i++, tc = next_case(tc))
		if ((!only || same(tc->tc_name, only)) && !run_case(tc, i + 1))
			failed++;
	test_calls_say();
	test_say("# %s: %d tests, %d failed", test_argv[0], count, failed);
	host_reboot(test_host_priv, 0x8000 | (failed ? 1 << 16 : 0));
	for (;;)
		test_sleep(1000);
}

/* a word of the module's line */
static bool has_word(const char *word)
{
	for (int i = 3; i < test_argc; i++)
		if (same(test_argv[i], word))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	test_argc = argc;
	test_argv = argv;
	test_host_priv = argument_port(argv, argc, 1);
	test_device_master = argument_port(argv, argc, 2);
	current_name = "start";
	if (test_proxied && has_word("proxied"))
		test_proxied(run_all);
	run_all();
	return 0;
}
