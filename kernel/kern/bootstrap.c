/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot modules: script variables, tasks, arguments, starting.
 *
 * All tasks are created and loaded first, each kept suspended, then the resume words run in order. A module
 * without $(task-create) is not started: it is data, reached through device "rd<N>".
 * RIGHTS  variables hold send rights; an argument makes one more, named in the new task's space.
 */
#include <debug/kdb.h>
#include <device/device.h>
#include <ipc/ipc.h>
#include <kern/boot_script.h>
#include <kern/bootstrap.h>
#include <kern/loader.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/right.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <mach/mach.server.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <vm/map.h>
#include <vm/page.h>

#define STACK_SIZE	(128 * 1024ull)
#define ARGS_SIZE	16384u
#define ARGS_MAX	256u

struct boot_variable {
	struct boot_variable *bv_next;
	char		 bv_name[BOOT_NAME_MAX];
	const char	*bv_text;		/* NULL: bv_task or bv_port or bv_other */
	size_t		 bv_length;
	struct ipc_port	*bv_port;
	struct task	*bv_task;
	char		 bv_other[BOOT_NAME_MAX];	/* stands for this one */
};

struct boot_program {
	struct boot_line bp_line;
	struct task	*bp_task;
	struct thread	*bp_thread;
	bool		 bp_bad;
};

static struct boot_variable *variables;

/* --- variables --- */

static struct boot_variable *
variable_add(const char *name, size_t n)
{
	struct boot_variable *v = kzalloc(sizeof *v);

	if (v == NULL)
		return NULL;
	memcpy(v->bv_name, name, n < BOOT_NAME_MAX ? n : BOOT_NAME_MAX - 1);
	v->bv_next = variables;		/* later ones hide earlier ones */
	variables = v;
	return v;
}

static struct boot_variable *
variable_find(const char *name)
{
	for (int depth = 0; depth < 16; depth++) {
		struct boot_variable *v = variables;

		while (v != NULL && strcmp(v->bv_name, name) != 0)
			v = v->bv_next;
		if (v == NULL || v->bv_other[0] == '\0')
			return v;
		name = v->bv_other;
	}
	return NULL;			/* a circle */
}

static void
variable_text(const char *name, const char *text, size_t length)
{
	struct boot_variable *v = variable_add(name, strlen(name));

	if (v == NULL)
		return;
	v->bv_text = text;
	v->bv_length = length;
}

static void
variable_port(const char *name, struct ipc_port *right)
{
	struct boot_variable *v = variable_add(name, strlen(name));

	if (v != NULL)
		v->bv_port = right;
}

static bool
assign_variable(void *context, const char *name, const char *value)
{
	struct boot_variable *v = variable_add(name, strlen(name));

	(void)context;
	if (v == NULL)
		return false;
	string_copy(v->bv_other, value, BOOT_NAME_MAX);
	return true;
}

/* NAME=value words, root= and flag letters of the kernel command line */
static void
variables_from_command_line(void)
{
	static char flags[32] = "-";
	static char root[64] = "UNKNOWN";
	const char *s = boot_command_line;
	size_t nflags = 1;

	while (s < boot_command_line_end) {
		const char *word = s, *equals = NULL;

		for (; *s != ' ' && *s != '\0'; s++)
			if (*s == '=' && equals == NULL)
				equals = s;
		if (equals != NULL && equals > word) {
			struct boot_variable *v = variable_add(word, (size_t)(equals - word));

			if (v != NULL) {
				v->bv_text = equals + 1;
				v->bv_length = (size_t)(s - equals - 1);
			}
			if (strncmp(word, "root=", 5) == 0) {
				const char *dev = strncmp(word + 5, "/dev/", 5) == 0 ? word + 10 : word + 5;
				size_t n = (size_t)(s - dev) < sizeof root - 1 ? (size_t)(s - dev) : sizeof root - 1;

				memcpy(root, dev, n);
				root[n] = '\0';
			}
		} else if (*word == '-')
			for (const char *c = word + 1; c < s && nflags + 1 < sizeof flags; c++)
				flags[nflags++] = *c;
		while (*s == ' ')
			s++;
	}
	if (nflags == 1)
		flags[nflags++] = 'x';
	flags[nflags] = '\0';
	variable_text("boot-args", flags, nflags);
	variable_text("root-device", root, strlen(root));
	variable_text("kernel-command-line", boot_command_line, strlen(boot_command_line));
}

static void
variables_init(void)
{
	variables_from_command_line();
	variable_port("host-port", ipc_port_make_send(realhost.h_priv_self));
	variable_port("device-port", ipc_port_make_send(device_master_port));
	variable_port("kernel-task", ipc_port_make_send(kernel_task->tk_self));
}

/* text of a variable for an argument of the program */
static bool
variable_value(void *context, const char *name, char *to, size_t size)
{
	struct boot_program *p = context;
	struct boot_variable *v = variable_find(name);
	mach_port_name_t right = MACH_PORT_NAME_NULL;

	if (v == NULL)
		return false;
	if (v->bv_text != NULL) {
		if (v->bv_length >= size)
			return false;
		memcpy(to, v->bv_text, v->bv_length);
		to[v->bv_length] = '\0';
		return true;
	}
	if (v->bv_task != NULL) {
		task_ref(v->bv_task);
		right = ipc_port_copyout_send(convert_task_to_port(v->bv_task), p->bp_task->tk_space);
	} else if (v->bv_port != NULL)
		right = ipc_port_copyout_send(ipc_port_copy_send(v->bv_port), p->bp_task->tk_space);
	return right != MACH_PORT_NAME_NULL && ksnprintf(to, size, "%u", right) < (int)size;
}

/* --- programs --- */

static void
complain(const struct boot_program *p, const char *what)
{
	kprintf("boot: module \"%s\": %s\n", p->bp_line.bl_text, what);
}

/* file name without its folders */
static void
name_task(struct task *task, const char *text)
{
	char name[TASK_NAME_MAX];
	const char *last = text;
	size_t n;

	for (n = 0; text[n] != ' ' && text[n] != '\0'; n++)
		if (text[n] == '/')
			last = text + n + 1;
	n -= (size_t)(last - text);
	n = n < sizeof name - 1 ? n : sizeof name - 1;
	memcpy(name, last, n);
	name[n] = '\0';
	string_copy(task->tk_name, name, sizeof task->tk_name);
}

static const char *
create_program(struct boot_program *p)
{
	if (task_create_internal(NULL, false, &p->bp_task) != KERN_SUCCESS)
		return "no memory for its task";
	name_task(p->bp_task, p->bp_line.bl_text);
	(void)task_suspend(p->bp_task);
	if (p->bp_line.bl_task_variable[0] != '\0') {
		struct boot_variable *v = variable_add(p->bp_line.bl_task_variable, strlen(p->bp_line.bl_task_variable));

		if (v == NULL)
			return "no memory for a variable";
		v->bv_task = p->bp_task;
	}
	return NULL;
}

/* Stack as programs expect it: argc, argv, 0, envp, 0, strings up to the top. */
static const char *
build_stack(struct vm_map *map, const char *strings, size_t used, const size_t *words, unsigned argc, unsigned envc,
    vm_prot_t prot, uint64_t *sp)
{
	uint64_t block[ARGS_MAX + 4];
	uint64_t top = VM_USER_MAX - used, at;
	unsigned n = 0;

	if (vm_map_enter_anon(map, VM_USER_MAX - STACK_SIZE, STACK_SIZE, prot, VM_PROT_ALL) != KERN_SUCCESS)
		return "no memory for its stack";
	block[n++] = argc;
	for (unsigned i = 0; i < argc; i++)
		block[n++] = top + words[i];
	block[n++] = 0;
	for (unsigned i = argc; i < argc + envc; i++)
		block[n++] = top + words[i];
	block[n++] = 0;
	at = (top - n * sizeof(uint64_t)) & ~15ull;
	if (vm_map_write_kernel(map, top, strings, used) != KERN_SUCCESS
	    || vm_map_write_kernel(map, at, block, n * sizeof(uint64_t)) != KERN_SUCCESS)
		return "no memory for its arguments";
	*sp = at;
	return NULL;
}

/* one module without arguments: the old protocol */
static const char *
compatibility_line(void)
{
	static char line[512];

	ksnprintf(line, sizeof line, "bootstrap ${boot-args} ${host-port} ${device-port} ${root-device}");
	return line;
}

static const char *
start_program(struct boot_program *p, const struct boot_module *m, bool compatibility)
{
	char *strings = kalloc(ARGS_SIZE);
	size_t *words = kalloc(ARGS_MAX * sizeof *words), used = 0;
	struct boot_line line = p->bp_line;
	struct loaded_program program;
	const char *error = "no memory for its arguments";
	unsigned argc = 0, envc = 0;
	uint64_t sp;

	if (strings == NULL || words == NULL)
		goto out;
	if (compatibility)
		line.bl_text = compatibility_line();
	error = boot_line_expand(&line, variable_value, p, strings, ARGS_SIZE, &used, words, &argc, ARGS_MAX - 1);
	if (error == NULL && compatibility) {
		words[argc] = used;
		envc = 1;
		used += (size_t)ksnprintf(strings + used, ARGS_SIZE - used, "MULTIBOOT_CMDLINE=%s", boot_command_line) + 1;
		if (used > ARGS_SIZE)
			error = "kernel command line too long";
	}
	if (error == NULL)
		error = loader_load(p->bp_task->tk_map, phys_to_kv(m->bm_start), m->bm_size, &program);
	if (error == NULL)
		error = build_stack(p->bp_task->tk_map, strings, used, words, argc, envc, program.lp_stack_prot, &sp);
	if (error == NULL && thread_create_in(p->bp_task, &p->bp_thread) != KERN_SUCCESS)
		error = "no memory for its thread";
	if (error == NULL) {
		machine_set_user_entry(p->bp_thread, program.lp_entry, sp);
		(void)thread_resume(p->bp_thread);	/* its task is still suspended */
	}
out:
	kfree(strings, ARGS_SIZE);
	kfree(words, ARGS_MAX * sizeof *words);
	return error;
}

static void
discard_program(struct boot_program *p, const char *error)
{
	complain(p, error);
	p->bp_bad = true;
	if (p->bp_task != NULL)
		(void)task_terminate_internal(p->bp_task);
}

static void
resume_program(struct boot_program *p)
{
	if (p->bp_line.bl_prompt) {
		kprintf("Hit return to resume %s...", p->bp_task->tk_name);
		while (console_getc() != '\n')
			;
		kprintf("\n");
	}
	(void)task_resume(p->bp_task);
}

static bool
parse_lines(struct boot_program *programs, uint32_t n)
{
	bool any = false;

	for (uint32_t i = 0; i < n; i++) {
		const char *error = boot_line_parse(&programs[i].bp_line, boot_modules[i].bm_line, assign_variable, NULL);

		if (error != NULL)
			discard_program(&programs[i], error);
		else if (!programs[i].bp_line.bl_comment)
			any = true;
	}
	return any;
}

/* => how many run */
static uint32_t
run_programs(struct boot_program *programs, uint32_t n)
{
	bool compatibility = n == 1 && !programs[0].bp_bad && programs[0].bp_line.bl_words <= 1
	    && !programs[0].bp_line.bl_create;
	uint32_t started = 0;

	if (compatibility)
		programs[0].bp_line.bl_create = programs[0].bp_line.bl_resume = true;
	for (uint32_t i = 0; i < n; i++) {
		const char *error = programs[i].bp_bad || !programs[i].bp_line.bl_create ? NULL
		    : create_program(&programs[i]);

		if (error != NULL)
			discard_program(&programs[i], error);
	}
	for (uint32_t i = 0; i < n; i++) {
		const char *error = programs[i].bp_bad || programs[i].bp_task == NULL ? NULL
		    : start_program(&programs[i], &boot_modules[i], compatibility);

		if (error != NULL)
			discard_program(&programs[i], error);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct boot_program *p = &programs[i];

		if (!p->bp_bad && p->bp_task != NULL && p->bp_line.bl_resume) {
			resume_program(p);
			started++;
		}
	}
	return started;
}

/* nobody will ever run: somebody at the console may look round, a machine alone ends */
static void
nothing_to_run(void)
{
	unsigned long flags;

	kprintf("boot: no program was started: give a module with $(task-create) $(task-resume)\n");
	flags = interrupts_disable();
	if (!kdb_attended(2))
		plat_exit(3);
	kdb_enter("nothing to run");
	interrupts_restore(flags);
}

/* tasks live by their threads from here on */
static void
release_programs(struct boot_program *programs, uint32_t n)
{
	struct boot_variable *v;

	for (uint32_t i = 0; i < n; i++) {
		if (programs[i].bp_thread != NULL)
			thread_release(programs[i].bp_thread);
		if (programs[i].bp_task != NULL)
			task_release(programs[i].bp_task);
	}
	kfree(programs, n * sizeof *programs);
	while ((v = variables) != NULL) {
		variables = v->bv_next;
		ipc_port_release_send(v->bv_port);
		kfree(v, sizeof *v);
	}
}

void
bootstrap_start(void)
{
	uint32_t n = boot_module_count, started;
	struct boot_program *programs = n > 0 ? kzalloc(n * sizeof *programs) : NULL;

	if (n == 0) {
		kprintf("boot: no modules. Add them with qemu -initrd or GRUB's module command\n");
		nothing_to_run();
		return;
	}
	if (programs == NULL)
		panic("no memory for %u boot modules", n);
	variables_init();
	started = parse_lines(programs, n) ? run_programs(programs, n) : 0;
	release_programs(programs, n);
	if (started == 0)
		nothing_to_run();
}
