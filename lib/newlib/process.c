/* SPDX-License-Identifier: BSD-2-Clause */
/* What a native task has of Unix's processes: an end. */
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mach/mach_traps.h>
#include <mach_init.h>
#include <mach/mach_interface.h>

int kill(pid_t pid, int sig);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int getentropy(void *buffer, size_t size);
void _init(void);
void _fini(void);

void _exit(int status)
{
	/* nobody asks a native task for a status */
	(void)status;
	for (;;)
		task_terminate(mach_task_self());
}

/* abort raises SIGABRT, and there is nobody else to send signals to. */
int kill(pid_t pid, int sig)
{
	(void)pid;
	if (sig == SIGABRT) {
		mach_print("abort\n");
		_exit(1);
	}
	errno = ENOSYS;
	return -1;
}

pid_t getpid(void)
{
	return 1;
}

pid_t fork(void)
{
	errno = ENOSYS;
	return -1;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	(void)path;
	(void)argv;
	(void)envp;
	errno = ENOSYS;
	return -1;
}

pid_t wait(int *status)
{
	(void)status;
	errno = ECHILD;
	return -1;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	errno = ENOSYS;
	return -1;
}

int getentropy(void *buffer, size_t size)
{
	(void)buffer;
	(void)size;
	errno = ENOSYS;
	return -1;
}

/* crt0 runs the constructors; newlib's own start code would call these. */
void _init(void)
{
}

void _fini(void)
{
}
