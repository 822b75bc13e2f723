/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole: start options, names, the end. */
#ifndef UNIX_SYSTEM_H
#define UNIX_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <mach.h>

struct system_options {
	const char	*so_root;	/* device of the root file system */
	const char	*so_emul;	/* device of the emulation library */
	const char	*so_command;	/* CMD=, or null */
};

/* Parse what is after the two port names. */
void	system_options_parse(int argc, char **argv, struct system_options *options);
void	system_time_start(void);
int	system_set_name(int which, const char *name, uint32_t length);
void	system_set_time(int64_t nanoseconds);
/* Process 1 ended: say its status, stop the machine. */
void	system_end(int status) __attribute__((noreturn));
void	system_restart(int options) __attribute__((noreturn));
/*
 * Calls of the kernel that must not fail for want of memory, for nobody would make them again: a thread that is to run, a task that is to
 * end. => true: kr says so, so nothing was done, and the caller, after a moment's wait, tries again; for a second at most.
 */
bool	kernel_again(kern_return_t kr, unsigned int *tries);
/* The same for calls that take a port only. */
kern_return_t	kernel_insist(kern_return_t (*call)(mach_port_t), mach_port_t port);
void	system_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
