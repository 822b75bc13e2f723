/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of boot module lines: each sentence of the language, what is wrong and how it is told, and hostile lines. Every line
 * lies in a block of exactly its size, every buffer too, so that the sanitizers see one byte too far.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kern/boot_script.h>

#define NAMES	8

static int tests, failures, bad;
static char assigned[NAMES][2][BOOT_NAME_MAX];
static int assignments;
static bool no_memory;

#define CHECK(e)	((e) ? (void)0 : complain(#e, __LINE__))

static void
complain(const char *what, int line)
{
	printf("# line %d: not so: %s\n", line, what);
	bad++;
}

static void
end(const char *name)
{
	printf("%sok %d - %s\n", bad != 0 ? "not " : "", ++tests, name);
	failures += bad != 0;
	bad = 0;
	assignments = 0;
}

/* the kernel's own */
bool string_copy(char *to, const char *from, size_t size);

bool
string_copy(char *to, const char *from, size_t size)
{
	size_t n = strlen(from), m = n < size ? n : size - 1;

	memset(to, 0, size);
	memcpy(to, from, m);
	return n < size;
}

static bool
on_assign(void *context, const char *name, const char *value)
{
	CHECK(context == &assignments);
	CHECK(*name != '\0' && *value != '\0');
	if (no_memory)
		return false;
	if (assignments < NAMES) {
		strcpy(assigned[assignments][0], name);
		strcpy(assigned[assignments][1], value);
	}
	assignments++;
	return true;
}

/* ${x...} is not known; others stand for their own name in angles, ${long} for 200 characters */
static bool
on_value(void *context, const char *name, char *to, size_t size)
{
	char text[256];

	(void)context;
	CHECK(size > 0);
	if (name[0] == 'x')
		return false;
	if (strcmp(name, "long") == 0) {
		memset(text, 'l', 200);
		text[200] = '\0';
	} else {
		snprintf(text, sizeof text, "<%s>", name);
	}
	if (strlen(text) + 1 > size)
		return false;
	strcpy(to, text);
	return true;
}

/* a block of the line's own size; freed by the next call */
static const char *
exact(const char *text)
{
	static char *block;

	free(block);
	block = malloc(strlen(text) + 1);
	return strcpy(block, text);
}

static const char *
parse(struct boot_line *l, const char *text)
{
	return boot_line_parse(l, exact(text), on_assign, &assignments);
}

static bool
is_wrong(const char *text, const char *how)
{
	struct boot_line l;
	const char *error = parse(&l, text);

	if (error != NULL && strstr(error, how) != NULL)
		return true;
	printf("# '%s': %s\n", text, error != NULL ? error : "taken");
	return false;
}

/* the arguments of a good line, joined by '|' */
static const char *
arguments(const char *text, size_t size, unsigned max)
{
	static char joined[4096];
	struct boot_line l;
	size_t argv[64], used = 0, at = 0;
	unsigned argc = 0;
	char *buffer;
	const char *error = parse(&l, text);

	if (error != NULL)
		return error;
	buffer = malloc(size);
	error = boot_line_expand(&l, on_value, NULL, buffer, size, &used, argv, &argc, max);
	if (error == NULL) {
		CHECK(argc == l.bl_words && used <= size);
		joined[0] = '\0';
		for (unsigned i = 0; i < argc; i++) {
			CHECK(argv[i] == at);
			at += strlen(buffer + argv[i]) + 1;
			strcat(joined, buffer + argv[i]);
			strcat(joined, i + 1 < argc ? "|" : "");
		}
		CHECK(at == used);
	}
	free(buffer);
	return error != NULL ? error : joined;
}

#define SAME(a, b)	CHECK(strcmp((a), (b)) == 0)

static void
test_words(void)
{
	struct boot_line l;

	CHECK(parse(&l, "/boot/server one  two\tthree \r\n") == NULL);
	CHECK(l.bl_words == 4 && !l.bl_create && !l.bl_resume && !l.bl_comment && l.bl_task_variable[0] == '\0');
	SAME(arguments("/boot/server one  two\tthree \r\n", 100, 64), "/boot/server|one|two|three");
	SAME(arguments("  leading", 100, 64), "leading");
	SAME(arguments("a$b c$ $ $$ $x{y} }{", 100, 64), "a$b|c$|$|$$|$x{y}|}{");
	end("words are separated by blanks, lone dollars are text");
}

static void
test_comments(void)
{
	struct boot_line l;

	CHECK(parse(&l, "# $(nonsense ${") == NULL && l.bl_comment);
	CHECK(parse(&l, "  \t#x") == NULL && l.bl_comment);
	CHECK(parse(&l, "") == NULL && l.bl_comment);
	CHECK(parse(&l, " \r\n") == NULL && l.bl_comment);
	CHECK(parse(&l, "a # b") == NULL && !l.bl_comment && l.bl_words == 3);
	end("a line beginning with # and an empty one are comments");
}

static void
test_variables(void)
{
	SAME(arguments("p ${host-port} --x=${device-port} ${a}${b} ${a}t", 200, 64), "p|<host-port>|--x=<device-port>|<a><b>|<a>t");
	SAME(arguments("p ${x1}", 100, 64), "unknown variable, or no right for it");
	/* text of a variable is not read again */
	SAME(arguments("p ${$(task-create)}", 100, 64), "p|<$(task-create)>");
	CHECK(is_wrong("p ${", "not closed"));
	CHECK(is_wrong("p ${a", "not closed"));
	CHECK(is_wrong("p ${a b}", "not closed"));
	CHECK(is_wrong("p ${}", "empty"));
	CHECK(is_wrong("${0123456789012345678901234567890123456789012345678901234567890123}", "too long"));
	SAME(arguments("${012345678901234567890123456789012345678901234567890123456789012}", 100, 64),
	    "<012345678901234567890123456789012345678901234567890123456789012>");
	end("variables stand for text, alone or within words");
}

static void
test_actions(void)
{
	struct boot_line l;

	CHECK(parse(&l, "p $(task-create) $(task-resume)") == NULL && l.bl_create && l.bl_resume && !l.bl_prompt && l.bl_words == 1);
	CHECK(parse(&l, "$(task-create) p $(prompt-task-resume)") == NULL && l.bl_create && l.bl_resume && l.bl_prompt);
	CHECK(parse(&l, "p $(server=task-create)") == NULL && l.bl_create && strcmp(l.bl_task_variable, "server") == 0);
	SAME(arguments("$(task-create) p a $(task-resume) b", 100, 64), "p|a|b");
	CHECK(assignments == 0);
	CHECK(parse(&l, "p $(a=b) $(c=a)") == NULL && assignments == 2);
	SAME(assigned[0][0], "a");
	SAME(assigned[0][1], "b");
	SAME(assigned[1][0], "c");
	SAME(assigned[1][1], "a");
	CHECK(parse(&l, "p $(a=b=c)") == NULL);
	SAME(assigned[2][1], "b=c");
	no_memory = true;
	CHECK(is_wrong("p $(a=b)", "no memory"));
	no_memory = false;
	end("actions and assignments are words of their own");
}

static void
test_wrong_actions(void)
{
	CHECK(is_wrong("p $(task-destroy)", "unknown action"));
	CHECK(is_wrong("p $(task-creat)", "unknown action"));
	CHECK(is_wrong("p $(task-create", "not closed"));
	CHECK(is_wrong("p $(task create)", "not closed"));
	CHECK(is_wrong("p $()", "empty"));
	CHECK(is_wrong("p $(=a)", "a name and a value"));
	CHECK(is_wrong("p $(a=)", "a name and a value"));
	CHECK(is_wrong("p $(=)", "a name and a value"));
	CHECK(is_wrong("p x$(task-create)", "word of its own"));
	CHECK(is_wrong("p $(task-create)x", "text after"));
	CHECK(is_wrong("p $(task-create)$(task-resume)", "word of its own"));
	CHECK(is_wrong("p $(task-create)${a}", "text after"));
	CHECK(is_wrong("p $(task-resume)", "without task-create"));
	CHECK(is_wrong("p $(t=task-resume)", "without task-create"));
	end("wrong actions are told");
}

static void
test_room(void)
{
	static const char line[] = "prog ${a} b${long}c $(task-create) last";
	const size_t needed = 5 + 4 + 203 + 5;

	for (size_t size = 1; size < needed + 8; size++) {
		const char *got = arguments(line, size, 64);
		bool good = strncmp(got, "prog|<a>|bll", 12) == 0;

		CHECK(good == (size >= needed));
	}
	for (unsigned max = 0; max < 6; max++)
		CHECK((strcmp(arguments(line, 500, max), "too many arguments") == 0) == (max < 4));
	end("too little room is told at every size");
}

static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* pieces of the language in any order, with some bytes changed */
static void
test_hostile(void)
{
	static const char *const pieces[] = { "$(", "${", ")", "}", "task-create", "task-resume", "prompt-task-resume", "=", " ", "\t", "#",
	    "$", "a", "host-port", "long", "x", "\x80\xff", "01234567890123456789012345678901234567890123456789012345678901234567890" };
	unsigned seed = 1, taken = 0, refused = 0;

	for (int i = 0; i < 200000; i++) {
		char text[2048] = "";
		const char *got;
		size_t length;

		for (unsigned n = next_random(&seed) % 24; n > 0; n--)
			strcat(text, pieces[next_random(&seed) % (sizeof pieces / sizeof *pieces)]);
		length = strlen(text);
		if (length > 0 && next_random(&seed) % 4 == 0)
			text[next_random(&seed) % length] = (char)next_random(&seed);
		got = arguments(text, 1 + next_random(&seed) % 400, next_random(&seed) % 12);
		CHECK(got != NULL);
		if (strchr(got, ' ') != NULL)
			refused++;
		else
			taken++;
	}
	printf("# %u taken, %u refused\n", taken, refused);
	CHECK(taken > 1000 && refused > 1000);
	end("any bytes are taken or refused");
}

int
main(void)
{
	test_words();
	test_comments();
	test_variables();
	test_actions();
	test_wrong_actions();
	test_room();
	test_hostile();
	printf("1..%d\n", tests);
	exact("");
	return failures != 0;
}
