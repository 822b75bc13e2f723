/* SPDX-License-Identifier: BSD-2-Clause */
/* The words a person types. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mach/mach_host.h>
#include <mach/gnumach.h>
#include <mach/mach_types.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>
#include "debugger.h"

#define WORDS_MAX	36
#define TASKS_MAX	256

struct command {
	const char	*name, *arguments, *help;
	bool		needs_task;
	void		(*run)(int argc, char **argv);
};

static const struct command commands[];
static bool quitting;

/* registers by name, as offsets in 8-byte words of the general state */
static const struct { const char *name; unsigned word; } registers[] = {
	{ "rax", 15 }, { "rbx", 12 }, { "rcx", 14 }, { "rdx", 13 }, { "rsi", 9 }, { "rdi", 8 }, { "rbp", 10 }, { "rsp", 19 },
	{ "r8", 0 }, { "r9", 1 }, { "r10", 2 }, { "r11", 3 }, { "r12", 4 }, { "r13", 5 }, { "r14", 6 }, { "r15", 7 },
	{ "rip", 16 }, { "flags", 18 },
};
#define REGISTERS (sizeof registers / sizeof *registers)

static uint64_t *register_in(struct i386_thread_state *s, const char *name)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		if (strcmp(registers[i].name, name) == 0)
			return (uint64_t *)(void *)s + registers[i].word;
	return NULL;
}

/* NAME, $REGISTER or a number, and +NUMBER or -NUMBER after it */
static bool evaluate(const char *text, uint64_t *value)
{
	struct i386_thread_state s;
	char name[96];
	size_t n = strcspn(text + 1, "+-") + 1;
	uint64_t *reg;
	char *end;

	if (*text == 0 || n >= sizeof name)
		return false;
	memcpy(name, text, n);
	name[n] = 0;
	if (name[0] == '$') {
		if (!target_get(target.current, &s) || (reg = register_in(&s, name + 1)) == NULL)
			return false;
		*value = *reg;
	} else if (name[0] >= '0' && name[0] <= '9') {
		*value = strtoul(name, &end, 0);
		if (*end != 0)
			return false;
	} else if (!symbol_value(name, value)) {
		return false;
	}
	if (text[n] == 0)
		return true;
	*value += text[n] == '+' ? strtoul(text + n + 1, &end, 0) : -strtoul(text + n + 1, &end, 0);
	return *end == 0;
}

/* => argument i, or what stands in its place when there is none */
static bool argument(int argc, char **argv, int i, uint64_t otherwise, uint64_t *value)
{
	if (i >= argc) {
		*value = otherwise;
		return true;
	}
	if (evaluate(argv[i], value))
		return true;
	printf("what is %s?\n", argv[i]);
	return false;
}

/* --- tasks --- */

/* => all tasks, a right each */
static unsigned all_tasks(mach_port_t list[TASKS_MAX])
{
	processor_set_name_array_t sets;
	task_array_t tasks;
	mach_msg_type_number_t n = 0, count;
	unsigned total = 0;
	mach_port_t control;

	if (host_processor_sets(host_priv, &sets, &n) != KERN_SUCCESS)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (host_processor_set_priv(host_priv, sets[i], &control) == KERN_SUCCESS &&
		    processor_set_tasks(control, &tasks, &count) == KERN_SUCCESS) {
			for (unsigned k = 0; k < count; k++) {
				if (total < TASKS_MAX)
					list[total++] = tasks[k];
				else
					mach_port_deallocate(SELF, tasks[k]);
			}
			vm_deallocate(SELF, (vm_address_t)tasks, count * sizeof *tasks);
			mach_port_deallocate(SELF, control);
		}
		mach_port_deallocate(SELF, sets[i]);
	}
	vm_deallocate(SELF, (vm_address_t)sets, n * sizeof *sets);
	return total;
}

static void show_task(unsigned number, mach_port_t task)
{
	task_basic_info_data_t info;
	mach_msg_type_number_t n = TASK_BASIC_INFO_COUNT;
	thread_array_t threads;
	kernel_debug_name_t name = "";

	if (task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &n) != KERN_SUCCESS)
		return;
	if (task_threads(task, &threads, &n) != KERN_SUCCESS)
		return;
	if (n > 0)
		(void)thread_get_name(threads[0], name);
	printf("%2u  %2u threads  %6lu KiB mapped  %6lu KiB resident  %s%s\n", number, n, (unsigned long)info.virtual_size / 1024,
	    (unsigned long)info.resident_size / 1024, name, task == SELF ? " (this debugger)" : "");
	for (unsigned i = 0; i < n; i++)
		mach_port_deallocate(SELF, threads[i]);
	vm_deallocate(SELF, (vm_address_t)threads, n * sizeof *threads);
}

static void run_tasks(int argc, char **argv)
{
	mach_port_t list[TASKS_MAX];
	unsigned n = all_tasks(list);

	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < n; i++) {
		show_task(i + 1, list[i]);
		mach_port_deallocate(SELF, list[i]);
	}
}

static void run_attach(int argc, char **argv)
{
	mach_port_t list[TASKS_MAX], chosen = MACH_PORT_NULL;
	unsigned n, number = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
	struct i386_thread_state s;

	if (target.task != MACH_PORT_NULL) {
		printf("detach first\n");
		return;
	}
	n = all_tasks(list);
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 == number && list[i] != SELF)
			chosen = list[i];
		else
			mach_port_deallocate(SELF, list[i]);
	}
	if (chosen == MACH_PORT_NULL || !target_attach(chosen))
		printf("no such task\n");
	else if (target.current != MACH_PORT_NULL && target_get(target.current, &s))
		printf("stopped, thread 1 of %u at %s\n", target.thread_count, where(s.rip));
}

static void run_detach(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	target_detach();
}

static void run_kill(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)task_terminate(target.task);
	target_ended();
}

/* --- running --- */

static void run_continue(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	target_continue();
}

static void run_step(int argc, char **argv)
{
	uint64_t n;

	if (argument(argc, argv, 1, 1, &n))
		target_step((unsigned)n);
}

static void run_pass(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	target_pass();
}

static void run_break(int argc, char **argv)
{
	uint64_t address;

	if (argc < 2)
		breakpoint_list();
	else if (argument(argc, argv, 1, 0, &address) && !breakpoint_set(address))
		printf("no breakpoint can be there\n");
}

static void run_delete(int argc, char **argv)
{
	if (argc < 2)
		breakpoint_delete_all();
	else if (!breakpoint_delete((unsigned)strtoul(argv[1], NULL, 0)))
		printf("no such breakpoint\n");
}

static void run_watch(int argc, char **argv)
{
	uint64_t address, length;
	unsigned condition = 1;

	if (!argument(argc, argv, 1, 0, &address) || !argument(argc, argv, 2, 8, &length))
		return;
	if (argc > 3)
		condition = argv[3][0] == 'x' ? 0 : argv[3][0] == 'r' ? 3 : 1;
	if (!watch_set(address, condition == 0 ? 1 : (unsigned)length, condition))
		printf("no watch can be there\n");
}

static void run_unwatch(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	watch_clear_all();
}

/* --- looking and changing --- */

static void run_threads(int argc, char **argv)
{
	static const char *const states[] = { "?", "running", "stopped", "waiting", "uninterruptible", "halted" };
	struct i386_thread_state s;
	thread_basic_info_data_t info;
	mach_msg_type_number_t n;

	(void)argc;
	(void)argv;
	target_threads();
	for (unsigned i = 0; i < target.thread_count; i++) {
		n = THREAD_BASIC_INFO_COUNT;
		if (!target_get(target.threads[i], &s) ||
		    thread_info(target.threads[i], THREAD_BASIC_INFO, (thread_info_t)&info, &n) != KERN_SUCCESS)
			continue;
		printf("%c%u  %s%s  at %s\n", target.threads[i] == target.current ? '*' : ' ', i + 1,
		    info.run_state >= 0 && info.run_state < 6 ? states[info.run_state] : "?",
		    target_stop_of(target.threads[i]) ? ", in an exception" : "", where(s.rip));
	}
}

static void run_thread(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;

	target_threads();
	if (n == 0 || n > target.thread_count)
		printf("no such thread\n");
	else
		target.current = target.threads[n - 1];
}

static void run_registers(int argc, char **argv)
{
	struct i386_thread_state s;

	(void)argc;
	(void)argv;
	if (!target_get(target.current, &s))
		return;
	for (unsigned i = 0; i < REGISTERS; i++)
		printf("%-5s %016lx%s", registers[i].name, (unsigned long)*register_in(&s, registers[i].name), i % 4 == 3 ? "\n" : "  ");
	printf("\nat %s\n", where(s.rip));
}

static void run_set(int argc, char **argv)
{
	struct i386_thread_state s;
	uint64_t value, *reg;

	if (argc != 3 || !target_get(target.current, &s) || (reg = register_in(&s, argv[1] + (argv[1][0] == '$'))) == NULL)
		printf("set REGISTER VALUE\n");
	else if (argument(argc, argv, 2, 0, &value)) {
		*reg = value;
		if (!target_set(target.current, &s))
			printf("refused\n");
	}
}

static void run_examine(int argc, char **argv)
{
	uint64_t address, count;
	uint8_t row[16];

	if (!argument(argc, argv, 1, 0, &address) || !argument(argc, argv, 2, 4, &count))
		return;
	for (uint64_t i = 0; i < count && i < 256; i += 2, address += sizeof row) {
		uint64_t words[2];

		if (!memory_read(address, row, sizeof row)) {
			printf("%lx: not readable\n", (unsigned long)address);
			return;
		}
		memcpy(words, row, sizeof words);
		printf("%-24s %016lx %016lx  ", where(address), (unsigned long)words[0], (unsigned long)words[1]);
		for (unsigned k = 0; k < sizeof row; k++)
			printf("%c", row[k] >= ' ' && row[k] < 0x7f ? row[k] : '.');
		printf("\n");
	}
}

static void run_write(int argc, char **argv)
{
	uint64_t address, byte;
	uint8_t bytes[WORDS_MAX];

	if (argc < 3) {
		printf("write ADDRESS BYTE ...\n");
		return;
	}
	if (!argument(argc, argv, 1, 0, &address))
		return;
	for (int i = 2; i < argc; i++) {
		if (!argument(argc, argv, i, 0, &byte))
			return;
		bytes[i - 2] = (uint8_t)byte;
	}
	if (!memory_write(address, bytes, (unsigned)argc - 2))
		printf("not writable\n");
}

static void run_regions(int argc, char **argv)
{
	vm_address_t address = 0;
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t object;
	vm_offset_t offset;

	(void)argc;
	(void)argv;
	while (object = MACH_PORT_NULL, vm_region(target.task, &address, &size, &prot, &max, &inherit, &shared, &object, &offset) ==
	    KERN_SUCCESS) {
		printf("%12lx-%-12lx %c%c%c%s%s\n", (unsigned long)address, (unsigned long)(address + size),
		    prot & VM_PROT_READ ? 'r' : '-', prot & VM_PROT_WRITE ? 'w' : '-',
		    prot & VM_PROT_EXECUTE ? 'x' : '-', shared ? " shared" : "", object ? " object" : "");
		if (object != MACH_PORT_NULL)
			mach_port_deallocate(SELF, object);
		address += size;
	}
}

static void run_backtrace(int argc, char **argv)
{
	struct i386_thread_state s;
	uint64_t frame[2], at, offset;
	int i = 1;

	(void)argc;
	(void)argv;
	if (!target_get(target.current, &s))
		return;
	printf("#0  %s\n", where(s.rip));
	/* a function's first instruction has not made its frame yet */
	if (symbol_of(s.rip, &offset) != NULL && offset == 0 && memory_read(s.ursp, frame, sizeof frame))
		printf("#%d  %s\n", i++, where(frame[0]));
	at = s.rbp;
	for (; i < 32 && at != 0 && memory_read(at, frame, sizeof frame) && frame[1] != 0; i++) {
		printf("#%d  %s\n", i, where(frame[1]));
		if (frame[0] <= at)
			break;
		at = frame[0];
	}
}

static void run_symbols(int argc, char **argv)
{
	if (argc < 2 || !symbols_load(argv[1]))
		printf("no symbols there\n");
}

static void run_quit(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (target.task != MACH_PORT_NULL)
		target_detach();
	quitting = true;
}

static void run_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (const struct command *c = commands; c->name != NULL; c++)
		printf("  %-10s %-22s %s\n", c->name, c->arguments, c->help);
	printf("ADDRESS is a number, a symbol or $REGISTER, with +N or -N after it. The shortest beginning of a word will do.\n");
}

static const struct command commands[] = {
	{ "attach", "N", "stop task N of the list and look at it", false, run_attach },
	{ "break", "[ADDRESS]", "stop there; without: what there is", true, run_break },
	{ "bt", "", "the callers, by frame pointers", true, run_backtrace },
	{ "continue", "", "let it run until something stops it; Enter stops it", true, run_continue },
	{ "delete", "[N]", "take breakpoint N away, or all", true, run_delete },
	{ "detach", "", "let it go, as it was", true, run_detach },
	{ "help", "", "this", false, run_help },
	{ "kill", "", "end it", true, run_kill },
	{ "pass", "", "refuse the exception: the next handler's, or the task's end", true, run_pass },
	{ "quit", "", "detach and end the debugger", false, run_quit },
	{ "registers", "", "of the current thread", true, run_registers },
	{ "regions", "", "of its address space", true, run_regions },
	{ "step", "[N]", "one instruction of the current thread, or N", true, run_step },
	{ "set", "REGISTER VALUE", "", true, run_set },
	{ "symbols", "rdN", "names from boot module N", false, run_symbols },
	{ "threads", "", "", true, run_threads },
	{ "thread", "N", "make it the current one", true, run_thread },
	{ "tasks", "", "every task of the machine", false, run_tasks },
	{ "unwatch", "", "no watches any more", true, run_unwatch },
	{ "watch", "ADDRESS [LENGTH] [w|r|x]", "stop when it is stored to, used or executed", true, run_watch },
	{ "write", "ADDRESS BYTE ...", "change memory", true, run_write },
	{ "x", "ADDRESS [WORDS]", "look at memory", true, run_examine },
	{ NULL, NULL, NULL, false, NULL },
};

/* the word itself, or the first command that begins with it */
static const struct command *find(const char *word)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, word) == 0)
			return c;
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strncmp(c->name, word, strlen(word)) == 0)
			return c;
	return NULL;
}

bool command_run(char *line)
{
	char *argv[WORDS_MAX], *save = NULL;
	const struct command *c;
	int argc = 0;

	for (char *w = strtok_r(line, " \t", &save); w != NULL && argc < WORDS_MAX; w = strtok_r(NULL, " \t", &save))
		argv[argc++] = w;
	if (argc == 0 || argv[0][0] == '#')
		return true;
	c = find(argv[0]);
	if (c == NULL)
		printf("no such word: %s (help says which)\n", argv[0]);
	else if (c->needs_task && target.task == MACH_PORT_NULL)
		printf("attach to a task first\n");
	else
		c->run(argc, argv);
	return !quitting;
}
