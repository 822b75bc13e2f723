/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Unix server: start.
 *
 * Arguments: the names of the privileged host port and of the device master port, then options
 * (docs/unix.md, Boot).  README.md: threads, locks, what a crash means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mach/host_info.h>
#include "process.h"
#include "system.h"

#define SERVER_STACK	(128 * 1024)
#define MEMORY_BESIDE_ROOT	16	/* MiB, measured */
#define SERVER_SPACE	(1ul << 40)	/* virtual: disk, windows on files, share pages */

mach_port_t host_privileged, device_master;
extern mach_port_t exception_port;
int system_page_start(void);

/* No memory at the start is the machine's size: say what it takes. */
static void
fatal(const char *what, int error)
{
	struct host_basic_info info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	if (error == -LX_ENOMEM && host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info,
	    &count) == KERN_SUCCESS)
		system_log("unix: %s: not enough memory: this machine has %u MiB, a shell takes %u MiB more than the root disk\n",
		    what, (unsigned int)(info.memory_size >> 20), MEMORY_BESIDE_ROOT);
	else
		system_log("unix: %s: error %d\n", what, -error);
	host_reboot(host_privileged, 0);
	exit(1);
}

static void
ports_start(void)
{
	mach_port_t self = mach_task_self();
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &worker_set);
	if (kr == KERN_SUCCESS)
		kr = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &exception_port);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_right(self, exception_port, exception_port,
		    MACH_MSG_TYPE_MAKE_SEND);
	if (kr == KERN_SUCCESS)
		kr = mach_port_move_member(self, exception_port, worker_set);
	if (kr != KERN_SUCCESS)
		fatal("ports", -LX_ENOMEM);
}

/* Descriptors 0, 1, 2 of the first program: the console, which becomes its terminal. */
static int
init_open_console(struct process *process)
{
	char nothing[IOCTL_DATA_MAX];
	struct item_ioctl control = { LX_TIOCSCTTY, 0, nothing, 0, nothing, 0 };
	struct vfs_ctx ctx;
	struct file *file;
	int error, fd;

	error = process_ctx(process, &ctx);
	if (error == 0) {
		error = vfs_open(&ctx, NULL, "/dev/console", LX_O_RDWR | LX_O_NOCTTY, 0, &file);
		process_ctx_rel(&ctx);
	}
	if (error != 0)
		return error;
	for (fd = 0; fd < 3; fd++) {
		file_ref(file);
		fdtable_install(process->p_fds, file, 0, 3, false);
	}
	/* The session's leader; the console is its terminal from the start. */
	job_act_for(process);
	file_ioctl(file, &control);
	job_act_for(NULL);
	file_rel(file);
	return 0;
}

/* The strings of the first program: argc in *argc, three of environment. */
static size_t
init_strings(const char *command, char *buffer, uint32_t *argc, uint32_t *envc)
{
	static const char *const environment[] = {
		"HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "TERM=linux", "USER=root",
		"LOGNAME=root", "SHELL=/bin/sh", "PS1=\\w # ",
	};
	const char *words[3] = { command != NULL ? "sh" : "-sh", "-c", command };
	size_t at = 0;
	uint32_t i;

	*argc = command != NULL ? 3 : 1;
	*envc = sizeof(environment) / sizeof(environment[0]);
	for (i = 0; i < *argc; i++) {
		strcpy(buffer + at, words[i]);
		at += strlen(words[i]) + 1;
	}
	for (i = 0; i < *envc; i++) {
		strcpy(buffer + at, environment[i]);
		at += strlen(environment[i]) + 1;
	}
	return at;
}

/*
 * Process 1 is the server's own: it has no task, and forgets every child at once, so orphans are
 * never left.  => process_lock held
 */
static int
init_create(struct item *root)
{
	int error = process_create(NULL, &process_init);

	if (error != 0)
		return error;
	process_init->p_root = process_init->p_cwd = root;
	item_ref(root);
	process_init->p_child_flags = CHILD_NO_WAIT;
	strcpy(process_init->p_name, "init");
	return 0;
}

/* The first program, as process 2, leader of a session; its end is the end of the system. */
static void
init_start(struct item *root, const char *command)
{
	struct process *process = NULL;
	struct exec_args args;
	char *strings = malloc(65536);
	int error;

	mutex_lock(&process_lock);
	error = init_create(root);
	if (error == 0)
		error = process_create(process_init, &process);
	if (error == 0)
		error = share_alloc(&process->p_share_index, &process->p_share);
	if (error == 0)
		fdtable_attach(process->p_fds, process, process->p_share);
	if (error == 0)
		error = job_setsid(process);
	process_first = process;
	mutex_unlock(&process_lock);
	if (error < 0 || strings == NULL)
		fatal("first process", error);
	error = init_open_console(process);
	if (error != 0)
		fatal("/dev/console", error);
	if (command != NULL)
		system_log("ernst: command begins\n");
	args.ea_strings = strings;
	args.ea_size = init_strings(command, strings, &args.ea_argc, &args.ea_envc);
	error = process_exec(NULL, process, NULL, "/bin/sh", 0, &args);
	if (error != 0)
		fatal("/bin/sh", error);
	free(strings);
}

int
main(int argc, char **argv)
{
	struct system_options options;
	struct item *root;
	int error;

	if (argc < 3) {
		system_log("unix: no port names; see docs/unix.md\n");
		return 1;
	}
	host_privileged = strtoul(argv[1], NULL, 10);
	device_master = strtoul(argv[2], NULL, 10);
	system_options_parse(argc - 3, argv + 3, &options);
	cthread_stack_size = SERVER_STACK;
	/* The limit of a task is the size of memory; the root disk alone may be larger than what it left. */
	vm_set_size_limit(host_privileged, mach_task_self(), SERVER_SPACE, SERVER_SPACE);
	ports_start();
	process_start();
	error = share_start();
	if (error == 0)
		error = system_page_start();
	if (error != 0)
		fatal("share pages", error);
	system_time_start();
	error = space_start(options.so_emul);
	if (error != 0)
		fatal("emulation library", error);
	error = vfs_start(device_master, options.so_root, &root);
	if (error != 0)
		fatal("root file system", error);
	reaper_start();
	timer_start();
	worker_start();
	init_start(root, options.so_command);
	for (;;) {
		struct wait_queue never;
		struct mutex lock = MUTEX_INITIALIZER;

		wait_queue_init(&never);
		mutex_lock(&lock);
		wait_sleep(&never, &lock, WAIT_FOREVER);
	}
}
