/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A boot module that tells what it was given, and does what its words say; tools/console-tests reads the console.
 *
 *   name=NAME     begins every line of this one
 *   task=PORT     says whether PORT is a task's
 *   crash         an invalid instruction
 *   stop=PORT     kernel assertion (debug builds), by host port
 *   fault=PORT    kernel fault (debug builds), by host port
 *   end=PORT      half a second later the machine ends with status 0, by host port
 */
#include <mach.h>
#include <mach/mach_host.h>
#include <mach/mach_traps.h>
#include <mach/thread_switch.h>

#define EXIT_0		0x8000
#define DEBUG_ASSERT	0x2000
#define DEBUG_FAULT	0x4000

static char line[4096];
static unsigned used;
static const char *name = "args";

static void add(const char *s)
{
	while (*s && used < sizeof line - 2)
		line[used++] = *s++;
}

static void add_number(unsigned v)
{
	char digits[12];
	unsigned n = sizeof digits;

	digits[--n] = 0;
	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(&digits[n]);
}

static void end_line(void)
{
	line[used++] = '\n';
	line[used] = 0;
	mach_print(line);
	used = 0;
}

static void say(const char *what, unsigned i, const char *text)
{
	add(name);
	add(": ");
	add(what);
	add(" ");
	add_number(i);
	add(" [");
	add(text);
	add("]");
	end_line();
}

/* => what comes after the word; NULL: another word */
static const char *after(const char *arg, const char *word)
{
	while (*word)
		if (*arg++ != *word++)
			return NULL;
	return arg;
}

static unsigned number(const char *s)
{
	unsigned v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (unsigned)(*s - '0');
	return v;
}

static void act(const char *arg)
{
	const char *v;

	if ((v = after(arg, "task="))) {
		struct vm_statistics st;

		say("task", number(v), vm_statistics(number(v), &st) == KERN_SUCCESS ? "yes" : "no");
	}
	if (after(arg, "crash"))
		__asm__ volatile("ud2");
	if ((v = after(arg, "stop=")))
		host_reboot(number(v), DEBUG_ASSERT);
	if ((v = after(arg, "fault=")))
		host_reboot(number(v), DEBUG_FAULT);
	if ((v = after(arg, "end="))) {
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 500);
		host_reboot(number(v), EXIT_0);
	}
}

int main(int argc, char **argv, char **envp)
{
	for (int i = 1; i < argc; i++)
		if (after(argv[i], "name="))
			name = after(argv[i], "name=");
	for (int i = 0; i < argc; i++)
		say("arg", (unsigned)i, argv[i]);
	for (unsigned i = 0; envp[i]; i++)
		say("env", i, envp[i]);
	say("argc", (unsigned)argc, "end");
	for (int i = 1; i < argc; i++)
		act(argv[i]);
	/* the old protocol has the host port in the third place */
	if (argc == 5 && after(argv[0], "bootstrap"))
		host_reboot(number(argv[2]), EXIT_0);
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}
