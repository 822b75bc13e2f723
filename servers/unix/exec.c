/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: find the program, build a new space for it, move the process over.
 *
 * All that can fail for reasons of the file or of memory happens before the point of no return;
 * then the old threads and the old space go, and one new thread starts in the library's entry.
 * RIGHTS   on failure the process is as before.
 * LOCKS    none while files are read; process_lock for the move.
 * TESTS    tests/unit/unix (parsing, stack), tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "elf.h"
#include "process.h"
#include "random.h"

#define EXEC_SCRIPTS	4
#define EXEC_STRINGS_MAX (2u << 20)

struct exec_load {
	struct vfs_ctx	xl_ctx;
	struct file	*xl_file;
	char		*xl_path;	/* of what is loaded at last; owned */
	char		*xl_strings;	/* owned */
	size_t		xl_strings_size;
	uint32_t	xl_argc, xl_envc;
	struct cred	*xl_cred;	/* new credentials, a reference */
	bool		xl_secure;
	struct space	*xl_space;
	struct exec_stack xl_stack;
	uint64_t	xl_entry;
	char		xl_head[ELF_HEAD_SIZE];
	size_t		xl_head_size;
};

/* Open path for execution and read its head. */
static int
exec_open(struct exec_load *load, struct item *start, const char *path, int flags,
    struct lx_stat *stat)
{
	struct item *item;
	int64_t count;
	int error;

	error = vfs_lookup(&load->xl_ctx, start, path, flags, &item);
	if (error != 0)
		return error;
	error = item->i_ops->io_getattr(item, stat);
	if (error == 0 && (stat->st_mode & LX_S_IFMT) != LX_S_IFREG)
		error = -LX_EACCES;
	if (error == 0 && !cred_permits(load->xl_ctx.v_cred, stat->st_mode, stat->st_uid,
	    stat->st_gid, 1))
		error = -LX_EACCES;
	if (error == 0)
		error = file_create(item, LX_O_RDONLY, path, &load->xl_file);
	if (error != 0) {
		item_rel(item);
		return error;
	}
	count = file_read(load->xl_file, load->xl_head, sizeof(load->xl_head), 0);
	if (count < 0)
		return count;
	load->xl_head_size = count;
	return 0;
}

/* Replace argv[0] by "interpreter [argument] path". */
static int
exec_script_arguments(struct exec_load *load, const struct elf_script *script, const char *path)
{
	size_t first = load->xl_argc > 0 ? strlen(load->xl_strings) + 1 : 0;
	size_t path_size = strlen(path) + 1;
	size_t size = script->sc_interpreter_length + 1 + path_size + load->xl_strings_size -
	    first + (script->sc_argument != NULL ? script->sc_argument_length + 1 : 0);
	char *strings = malloc(size), *at = strings;

	if (strings == NULL)
		return -LX_ENOMEM;
	memcpy(at, script->sc_interpreter, script->sc_interpreter_length);
	at += script->sc_interpreter_length;
	*at++ = 0;
	if (script->sc_argument != NULL) {
		memcpy(at, script->sc_argument, script->sc_argument_length);
		at += script->sc_argument_length;
		*at++ = 0;
	}
	memcpy(at, path, path_size);
	memcpy(at + path_size, load->xl_strings + first, load->xl_strings_size - first);
	load->xl_argc += (load->xl_argc == 0) + 1 + (script->sc_argument != NULL);
	free(load->xl_strings);
	load->xl_strings = strings;
	load->xl_strings_size = size;
	return 0;
}

/* Follow "#!" to a binary.  => xl_file, xl_head, xl_path are its own; stat is the binary's */
static int
exec_find(struct exec_load *load, struct item *start, const char *path, int flags,
    struct lx_stat *stat)
{
	struct elf_script script;
	int depth, error;

	load->xl_path = strdup(path);
	for (depth = 0;; depth++) {
		if (load->xl_path == NULL)
			return -LX_ENOMEM;
		error = exec_open(load, start, load->xl_path, flags, stat);
		if (error != 0)
			return error;
		if (elf_script_parse(load->xl_head, load->xl_head_size, &script) != 0)
			return 0;
		if (depth == EXEC_SCRIPTS)
			return -LX_ELOOP;
		error = exec_script_arguments(load, &script, load->xl_path);
		if (error != 0)
			return error;
		free(load->xl_path);
		load->xl_path = strndup(script.sc_interpreter, script.sc_interpreter_length);
		file_rel(load->xl_file);
		load->xl_file = NULL;
		start = NULL;
		flags = 0;
	}
}

static int
exec_credentials(struct exec_load *load, const struct lx_stat *stat)
{
	struct cred *cred = cred_copy(load->xl_ctx.v_cred);

	if (cred == NULL)
		return -LX_ENOMEM;
	if (stat->st_mode & LX_S_ISUID)
		cred->c_euid = stat->st_uid;
	if ((stat->st_mode & (LX_S_ISGID | 010)) == (LX_S_ISGID | 010))
		cred->c_egid = stat->st_gid;
	cred->c_suid = cred->c_fsuid = cred->c_euid;
	cred->c_sgid = cred->c_fsgid = cred->c_egid;
	load->xl_secure = cred->c_uid != cred->c_euid || cred->c_gid != cred->c_egid;
	load->xl_cred = cred;
	return 0;
}

static int
exec_allocate(mach_port_t task, uint64_t start, uint64_t size, int prot)
{
	vm_address_t address = start;

	if (size == 0)
		return 0;
	if (vm_allocate(task, &address, size, FALSE) != KERN_SUCCESS)
		return -LX_ENOMEM;
	if (prot != 3 && vm_protect(task, address, size, FALSE, prot) != KERN_SUCCESS)
		return -LX_ENOMEM;
	return 0;
}

/* Copy bytes of the file into pages of the task that exist already and are writable. */
static int
exec_copy_in(mach_port_t task, struct file *file, uint64_t address, uint64_t size, uint64_t offset)
{
	uint64_t page = address & ~0xfffull;
	uint64_t length = ((address + size + 0xfff) & ~0xfffull) - page;
	char *buffer = aligned_alloc(4096, length);
	int64_t count = 0, done = 0;
	int error = 0;

	if (buffer == NULL)
		return -LX_ENOMEM;
	memset(buffer, 0, length);
	while (done < (int64_t)size) {
		count = file_read(file, buffer + (address - page) + done, size - done,
		    offset + done);
		if (count <= 0)
			break;
		done += count;
	}
	if (count < 0)
		error = count;
	else if (vm_write(task, page, (vm_offset_t)buffer, length) != KERN_SUCCESS)
		error = -LX_ENOMEM;
	free(buffer);
	return error;
}

/* Map whole pages of the file, private to the task.  => -LX_ENODEV: it cannot be mapped */
static int
exec_map_pages(mach_port_t task, struct file *file, uint64_t start, uint64_t size,
    uint64_t offset, int prot)
{
	const struct item_ops *ops = file->f_item->i_ops;
	vm_address_t address = start;
	mach_port_t object;
	kern_return_t kr;
	int error;

	if (size == 0)
		return 0;
	if (ops->io_map == NULL)
		return -LX_ENODEV;
	error = ops->io_map(file->f_item, VM_PROT_READ | VM_PROT_EXECUTE, &object);
	if (error != 0)
		return error;
	kr = vm_map(task, &address, size, 0, FALSE, object, offset, TRUE, prot, VM_PROT_ALL,
	    VM_INHERIT_COPY);
	mach_port_deallocate(mach_task_self(), object);
	return kr == KERN_SUCCESS ? 0 : -LX_ENOMEM;
}

/*
 * One segment: whole file pages are mapped; when memory goes on behind the file's bytes, the page
 * where they end is copied instead, and zeros follow.
 */
static int
exec_load_segment(mach_port_t task, struct file *file, const struct elf_segment *segment,
    uint64_t bias)
{
	uint64_t start = (segment->es_address + bias) & ~0xfffull;
	uint64_t data_end = segment->es_address + bias + segment->es_file_size;
	uint64_t end = (segment->es_address + bias + segment->es_memory_size + 0xfff) & ~0xfffull;
	uint64_t map_end = (data_end + 0xfff) & ~0xfffull;
	uint64_t offset = segment->es_offset & ~0xfffull;
	int error;

	if (segment->es_memory_size > segment->es_file_size)
		map_end = data_end & ~0xfffull;
	if (map_end < start)
		map_end = start;
	error = exec_map_pages(task, file, start, map_end - start, offset, segment->es_prot);
	if (error == -LX_ENODEV) {
		error = exec_allocate(task, start, end - start, VM_PROT_READ | VM_PROT_WRITE);
		if (error == 0)
			error = exec_copy_in(task, file, start, data_end - start, offset);
		if (error == 0 && segment->es_prot != (VM_PROT_READ | VM_PROT_WRITE) &&
		    vm_protect(task, start, end - start, FALSE, segment->es_prot) !=
		    KERN_SUCCESS)
			error = -LX_ENOMEM;
		return error;
	}
	if (error != 0 || map_end == end)
		return error;
	error = exec_allocate(task, map_end, end - map_end, VM_PROT_READ | VM_PROT_WRITE);
	if (error == 0 && data_end > map_end)
		error = exec_copy_in(task, file, map_end, data_end - map_end,
		    offset + (map_end - start));
	if (error == 0 && segment->es_prot != (VM_PROT_READ | VM_PROT_WRITE) &&
	    vm_protect(task, map_end, end - map_end, FALSE, segment->es_prot) != KERN_SUCCESS)
		error = -LX_ENOMEM;
	return error;
}

static int
exec_load_image(struct exec_load *load, struct file *file, const struct elf_image *image,
    uint64_t bias)
{
	int error = 0, i;

	for (i = 0; error == 0 && i < image->ei_segments; i++)
		error = exec_load_segment(load->xl_space->sp_task, file, &image->ei_segment[i],
		    bias);
	return error;
}

/* The program interpreter, when the image names one. */
static int
exec_load_interpreter(struct exec_load *load, const struct elf_image *image)
{
	struct elf_image interpreter;
	struct file *program = load->xl_file;
	char path[LX_PATH_MAX + 1];
	struct lx_stat stat;
	int64_t count;
	int error;

	count = file_read(program, path, image->ei_interp_size, image->ei_interp_offset);
	if (count != (int64_t)image->ei_interp_size)
		return -LX_ENOEXEC;
	path[image->ei_interp_size] = 0;
	load->xl_file = NULL;
	error = exec_open(load, NULL, path, 0, &stat);
	if (error == 0)
		error = elf_parse(load->xl_head, load->xl_head_size, stat.st_size, &interpreter);
	if (error == 0 && (!interpreter.ei_dynamic ||
	    interpreter.ei_high > UNIX_MMAP_TOP - UNIX_INTERP_BASE))
		error = -LX_ENOEXEC;
	if (error == 0)
		error = exec_load_image(load, load->xl_file, &interpreter, UNIX_INTERP_BASE);
	if (load->xl_file != NULL)
		file_rel(load->xl_file);
	load->xl_file = program;
	load->xl_stack.xs_base = UNIX_INTERP_BASE;
	load->xl_entry = UNIX_INTERP_BASE + interpreter.ei_entry;
	return error;
}

static int
exec_load_program(struct exec_load *load, const struct lx_stat *stat)
{
	struct elf_image image;
	uint64_t bias;
	int error;

	error = elf_parse(load->xl_head, load->xl_head_size, stat->st_size, &image);
	if (error != 0)
		return error;
	bias = image.ei_dynamic ? UNIX_PIE_BASE : 0;
	if (image.ei_low + bias < UNIX_LOW_END || image.ei_high + bias > UNIX_EMUL_BASE)
		return -LX_ENOEXEC;
	error = space_create(&load->xl_space);
	if (error == 0)
		error = exec_load_image(load, load->xl_file, &image, bias);
	if (error != 0)
		return error;
	load->xl_entry = image.ei_entry + bias;
	load->xl_stack.xs_entry = load->xl_entry;
	load->xl_stack.xs_phdr = image.ei_phdr + bias;
	load->xl_stack.xs_phent = image.ei_phentsize;
	load->xl_stack.xs_phnum = image.ei_phnum;
	load->xl_space->sp_brk_start = image.ei_high + bias;
	load->xl_space->sp_code_start = image.ei_low + bias;
	load->xl_space->sp_code_end = image.ei_high + bias;
	if (image.ei_interp_size != 0)
		error = exec_load_interpreter(load, &image);
	return error;
}

static uint64_t
exec_hwcap(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return d;
}

static int
exec_make_stack(struct exec_load *load)
{
	struct exec_stack *stack = &load->xl_stack;
	size_t size = load->xl_strings_size + strlen(load->xl_path) +
	    (load->xl_argc + load->xl_envc + 8) * sizeof(uint64_t) + 1024;
	struct space *space = load->xl_space;
	char *buffer;
	int error;

	size = (size + 0xfff) & ~0xfffull;
	buffer = aligned_alloc(4096, size);
	if (buffer == NULL)
		return -LX_ENOMEM;
	memset(buffer, 0, size);
	stack->xs_argc = load->xl_argc;
	stack->xs_envc = load->xl_envc;
	stack->xs_strings = load->xl_strings;
	stack->xs_strings_size = load->xl_strings_size;
	stack->xs_execfn = load->xl_path;
	stack->xs_hwcap = exec_hwcap();
	stack->xs_vdso = emul_header.ue_vdso;
	stack->xs_uid = load->xl_cred->c_uid;
	stack->xs_euid = load->xl_cred->c_euid;
	stack->xs_gid = load->xl_cred->c_gid;
	stack->xs_egid = load->xl_cred->c_egid;
	stack->xs_secure = load->xl_secure;
	random_fill(stack->xs_random, sizeof(stack->xs_random));
	error = exec_stack_build(stack, buffer, size, UNIX_STACK_TOP);
	if (error == 0)
		error = exec_allocate(space->sp_task, UNIX_STACK_TOP - UNIX_STACK_SIZE,
		    UNIX_STACK_SIZE, VM_PROT_READ | VM_PROT_WRITE);
	if (error == 0 && vm_write(space->sp_task, UNIX_STACK_TOP - size, (vm_offset_t)buffer,
	    size) != KERN_SUCCESS)
		error = -LX_ENOMEM;
	free(buffer);
	space->sp_args_start = stack->xs_args_start;
	space->sp_args_end = stack->xs_args_end;
	space->sp_env_start = stack->xs_env_start;
	space->sp_env_end = stack->xs_env_end;
	space->sp_stack_start = stack->xs_sp;
	return error;
}

static void
exec_set_name(struct process *process, const char *path)
{
	const char *slash = strrchr(path, '/');

	memset(process->p_name, 0, sizeof(process->p_name));
	strncpy(process->p_name, slash == NULL ? path : slash + 1, sizeof(process->p_name) - 1);
}

/* What the new program is told in its share pages. => process_lock held */
static void
exec_publish(struct process *process, uint64_t exec_count)
{
	struct unix_share *share = process->p_share;
	const struct space *space = process->p_space;

	share->uh_brk_start = space->sp_brk_start;
	share->uh_exec = exec_count + 1;
	share->uh_stack_limit = process->p_limits[RLIMIT_STACK].rl_soft;
	share->uh_ignored = process->p_ignored;
	share->uh_code_start = space->sp_code_start;
	share->uh_code_end = space->sp_code_end;
	process_publish(process);
}

/*
 * Move the process into load's space.
 * => process_lock held; -LX_EINTR nothing happened; else the process is on its way or dead
 */
static int
exec_move(struct exec_load *load, struct uthread *caller, struct process *process,
    struct cred **old_cred, struct item **old_exe, struct space **old_space)
{
	struct uthread_start start;
	struct uthread *thread;
	uint64_t mask = caller != NULL ? caller->t_slot->us_mask : 0;
	uint64_t execs;
	int error;

	if (process->p_share == NULL || process->p_killed || (caller != NULL && caller->t_dead))
		return -LX_EINTR;
	execs = process->p_share->uh_exec;
	/* point of no return */
	*old_space = process_strip(process);
	process->p_space = load->xl_space;
	load->xl_space = NULL;
	process->p_caught = 0;
	process->p_child_flags = 0;
	process->p_execed = true;
	*old_cred = process->p_cred;
	process->p_cred = load->xl_cred;
	load->xl_cred = NULL;
	*old_exe = process->p_exe;
	process->p_exe = load->xl_file->f_item;
	item_ref(process->p_exe);
	process_vfork_done(process);
	memset(&start, 0, sizeof(start));
	start.us_tid = process->p_pid;
	start.us_rip = emul_header.ue_exec;
	start.us_rsp = start.us_gs = UNIX_EMUL_BLOCKS + UNIX_BLOCK_TCB;
	start.us_rdi = load->xl_entry;
	start.us_rsi = load->xl_stack.xs_sp;
	start.us_exec = true;
	start.us_mask = mask;
	error = space_map_share(process->p_space, process, UNIX_EMUL_SHARE);
	if (error == 0)
		error = uthread_create(process, &start, &thread);
	if (error != 0) {
		process_terminate(process, wait_status_signal(LXS_KILL));
		return 0;
	}
	exec_set_name(process, load->xl_path);
	exec_publish(process, execs);
	signal_publish(process);
	if (process->p_state == PROCESS_STOPPED)
		uthread_suspend(thread);
	return thread->t_tid;
}

static int
exec_commit(struct exec_load *load, struct uthread *caller, struct process *process)
{
	struct cred *old_cred = NULL;
	struct item *old_exe = NULL;
	struct space *old_space = NULL;
	struct uthread *thread;
	int tid;

	mutex_lock(&process_lock);
	tid = exec_move(load, caller, process, &old_cred, &old_exe, &old_space);
	if (tid > 0) {
		free(process->p_exe_path);
		process->p_exe_path = strdup(load->xl_file->f_path);
	}
	mutex_unlock(&process_lock);
	space_destroy(old_space);
	if (old_cred != NULL)
		cred_rel(old_cred);
	if (old_exe != NULL)
		item_rel(old_exe);
	if (tid < 0)
		return tid;
	fdtable_end_loans(process->p_fds);
	fdtable_close_exec(process->p_fds, process->p_pid);
	mutex_lock(&process_lock);
	thread = uthread_lookup(tid);
	if (thread != NULL)
		uthread_run(thread);
	mutex_unlock(&process_lock);
	return 0;
}

static int
exec_copy_arguments(struct exec_load *load, const struct exec_args *args)
{
	const char *at = args->ea_strings, *end = at + args->ea_size;
	uint64_t i;

	if (args->ea_size > EXEC_STRINGS_MAX)
		return -LX_E2BIG;
	for (i = 0; i < (uint64_t)args->ea_argc + args->ea_envc; i++) {
		at = memchr(at, 0, end - at);
		if (at == NULL)
			return -LX_EINVAL;
		at++;
	}
	if (at != end)
		return -LX_EINVAL;
	load->xl_strings = malloc(args->ea_size + 1);
	if (load->xl_strings == NULL)
		return -LX_ENOMEM;
	memcpy(load->xl_strings, args->ea_strings, args->ea_size);
	load->xl_strings_size = args->ea_size;
	load->xl_argc = args->ea_argc;
	load->xl_envc = args->ea_envc;
	return 0;
}

int
process_exec(struct uthread *thread, struct process *process, struct item *start,
    const char *path, int flags, const struct exec_args *args)
{
	struct exec_load *load = calloc(1, sizeof(*load));
	struct lx_stat stat;
	int error;

	if (load == NULL)
		return -LX_ENOMEM;
	error = process_ctx(process, &load->xl_ctx);
	if (error != 0) {
		free(load);
		return error;
	}
	error = exec_copy_arguments(load, args);
	if (error == 0)
		error = exec_find(load, start, path, flags, &stat);
	if (error == 0)
		error = exec_credentials(load, &stat);
	if (error == 0)
		error = exec_load_program(load, &stat);
	if (error == 0)
		error = exec_make_stack(load);
	if (error == 0)
		error = exec_commit(load, thread, process);
	space_destroy(load->xl_space);
	if (load->xl_cred != NULL)
		cred_rel(load->xl_cred);
	if (load->xl_file != NULL)
		file_rel(load->xl_file);
	process_ctx_rel(&load->xl_ctx);
	free(load->xl_strings);
	free(load->xl_path);
	free(load);
	return error;
}
