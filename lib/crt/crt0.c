/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of a native program: find the arguments, set up the libraries that are
 * linked in, run constructors, main and exit.
 */
#include <mach_init.h>

extern int main(int argc, char **argv, char **envp);
extern void exit(int status) __attribute__((noreturn));
/* Present when the program uses C Threads, which the C library does. */
extern void cthread_init(void) __attribute__((weak));

extern void (*__init_array_start[])(int, char **, char **) __attribute__((visibility("hidden")));
extern void (*__init_array_end[])(int, char **, char **) __attribute__((visibility("hidden")));

char **environ;
/* Arguments as they were given, for libraries that want them. */
int mach_argc;
char **mach_argv;

void crt0_start(long *stack) __attribute__((noreturn));

void crt0_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;

	mach_argc = argc;
	mach_argv = argv;
	environ = envp;
	mach_init();
	if (cthread_init)
		cthread_init();
	for (long i = 0; i < __init_array_end - __init_array_start; i++)
		__init_array_start[i](argc, argv, envp);
	exit(main(argc, argv, envp));
}
