/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel debugger on the console: polled input, the other CPUs stopped. Commands come from the linker set
 * kdb_commands; those about the debugger itself are here, those about objects beside them or in kdb_show.c.
 */
#include <debug/kdb.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <machine/trap.h>
#include <vm/page.h>

extern const struct kdb_command __start_kdb_commands[], __stop_kdb_commands[];
extern bool console_lock_broken;

static bool kdb_leave;
static uint32_t kdb_owner;		/* CPU + 1 */

const char *
kdb_symbol(uintptr_t pc, uint64_t *offset)
{
	return symbol_find(pc, offset);
}

void
kdb_backtrace(uintptr_t pc, uintptr_t fp)
{
	backtrace_print(pc, fp);
}

void
kdb_backtrace_all(void)
{
	kprintf("cpu %u:\n", cpu_self()->cp_id);
	/* this frame's return address is the first line */
	backtrace_print((uintptr_t)__builtin_return_address(0), *(const uintptr_t *)__builtin_frame_address(0));
	cpu_backtrace_others();
}

_Bool
kdb_parse(const char *s, uint64_t *value)
{
	const char *p = s;
	uint64_t v = 0;
	unsigned base = 10;

	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	for (; *p != '\0'; p++) {
		unsigned d = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0')
		    : (*p | 32) >= 'a' && (*p | 32) <= 'f' ? (unsigned)((*p | 32) - 'a' + 10) : 99;

		if (d > 9 && base == 10 && d < 16) {
			base = 16;	/* plain hexadecimal: again from the start */
			v = 0;
			p = s - 1;
			continue;
		}
		if (d >= base) {
			v = symbol_lookup(s);
			if (v == 0)
				return false;
			break;
		}
		v = v * base + d;
	}
	*value = v;
	return p != s;
}

_Bool
kdb_read(uintptr_t at, void *to, uint64_t size)
{
	pmap_paddr_t pa;

	for (uint64_t a = page_trunc(at); a < at + size; a += PAGE_SIZE)
		if (!pmap_extract(kernel_pmap, a, &pa))
			return false;
	memcpy(to, (const void *)at, size);
	return true;
}

/* --- input --- */

static int
kdb_getc(void)
{
	int c;

	while ((c = console_poll()) < 0)
		cpu_pause();
	return c == '\r' ? '\n' : c;
}

static void
kdb_getline(char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		int c = kdb_getc();

		if (c == '\n')
			break;
		if ((c == 8 || c == 127) && n > 0) {
			n--;
			kprintf("\b \b");
		} else if (c >= ' ' && c < 127 && n + 1 < size) {
			line[n++] = (char)c;
			kprintf("%c", c);
		}
	}
	line[n] = '\0';
	kprintf("\n");
}

static int
kdb_split(char *line, char **argv, int max)
{
	int n = 0;

	while (n < max) {
		while (*line == ' ')
			line++;
		if (*line == '\0')
			break;
		argv[n++] = line;
		while (*line != ' ' && *line != '\0')
			line++;
		if (*line != '\0')
			*line++ = '\0';
	}
	return n;
}

/* number of words of a command's name that argv begins with, 0: another command */
static int
kdb_matches(const struct kdb_command *c, int argc, char **argv)
{
	const char *name = c->kc_name;

	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]);

		if (strncmp(name, argv[i], n) != 0)
			return 0;
		if (name[n] == '\0')
			return i + 1;
		if (name[n] != ' ')
			return 0;
		name += n + 1;
	}
	return 0;
}

static void
kdb_run(char *line)
{
	char *argv[8];
	int argc = kdb_split(line, argv, 8);

	if (argc == 0)
		return;
	for (const struct kdb_command *c = __start_kdb_commands; c < __stop_kdb_commands; c++) {
		int words = kdb_matches(c, argc, argv);

		if (words > 0) {
			c->kc_fn(argc - words, argv + words);
			return;
		}
	}
	kprintf("unknown command; help lists them\n");
}

/* => a key was pressed within the time: somebody is there */
bool
kdb_attended(unsigned seconds)
{
	uint64_t end = timer_hw_now() + seconds * 1000000000ull;

	kprintf("press a key within %u seconds for the debugger\n", seconds);
	while (timer_hw_now() < end)
		if (console_poll() >= 0)
			return true;
	return false;
}

void
kdb_enter(const char *why)
{
	unsigned long flags = interrupts_disable();
	uint32_t none = 0, me = cpu_self()->cp_id + 1;
	bool broken = console_lock_broken;
	char line[128];

	if (!__atomic_compare_exchange_n(&kdb_owner, &none, me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		interrupts_restore(flags);
		return;			/* inside already, or another CPU is and will stop this one */
	}
	cpu_stop_others();
	console_lock_broken = true;
	kprintf("\nkdb: %s (cpu %u; continue, help)\n", why, me - 1);
	for (kdb_leave = false; !kdb_leave; ) {
		kprintf("kdb> ");
		kdb_getline(line, sizeof line);
		kdb_run(line);
	}
	console_lock_broken = broken;
	__atomic_store_n(&kdb_owner, 0, __ATOMIC_SEQ_CST);
	cpu_resume_others();
	interrupts_restore(flags);
}

/* --- commands --- */

static void
kdb_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (const struct kdb_command *c = __start_kdb_commands; c < __stop_kdb_commands; c++)
		kprintf("  %-16s %s\n", c->kc_name, c->kc_help);
}
KDB_COMMAND(help, "help", "this list", kdb_help);

static void
kdb_continue(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kdb_leave = true;
}
KDB_COMMAND(cont, "continue", "leave the debugger", kdb_continue);

static void
kdb_reboot(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	plat_reboot();
}
KDB_COMMAND(reboot, "reboot", "restart the machine at once", kdb_reboot);

static void
kdb_bt(int argc, char **argv)
{
	uint64_t v;
	struct thread *t;
	struct { uint64_t regs[6]; } frame;

	if (argc == 0) {
		kdb_backtrace((uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_frame_address(0));
		return;
	}
	if (strcmp(argv[0], "all") == 0) {
		kdb_backtrace_all();
		return;
	}
	if (!kdb_parse(argv[0], &v))
		return;
	t = (struct thread *)v;
	if (t->th_stack == NULL) {
		uint64_t off;
		const char *name = kdb_symbol((uintptr_t)t->th_continuation, &off);

		kprintf("no stack; continues at %s\n", name != NULL ? name : "?");
		return;
	}
	/* as context_switch left it: r15 r14 r13 r12 rbp rbx, return address */
	if (kdb_read(t->th_machine.mt_kernel_rsp, &frame, sizeof frame))
		for (int i = 0; i < 6; i++)
			if (frame.regs[i] > (uintptr_t)t->th_stack
			    && frame.regs[i] < (uintptr_t)t->th_stack + KERNEL_STACK_SIZE) {
				backtrace_print(0, frame.regs[i]);
				return;
			}
	kprintf("no frame found\n");
}
KDB_COMMAND(bt, "bt", "[all | thread]: backtrace", kdb_bt);

static void
kdb_examine(int argc, char **argv)
{
	uint64_t at, n = 8, word;

	if (argc == 0 || !kdb_parse(argv[0], &at))
		return;
	if (argc > 1)
		kdb_parse(argv[1], &n);
	for (uint64_t i = 0; i < n; i++, at += 8) {
		if (i % 4 == 0)
			kprintf("%s%016lx:", i > 0 ? "\n" : "", at);
		if (!kdb_read(at, &word, sizeof word)) {
			kprintf(" not mapped");
			break;
		}
		kprintf(" %016lx", word);
	}
	kprintf("\n");
}
KDB_COMMAND(examine, "x", "address [count]: memory as 64-bit words", kdb_examine);
