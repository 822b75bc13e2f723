/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel debugger. Commands are registered beside the object they show, through a linker set. */
#ifndef DEBUG_KDB_H
#define DEBUG_KDB_H

#include <stdint.h>

struct kdb_command {
	const char	*kc_name;	/* "show task" */
	const char	*kc_help;	/* arguments and what it does */
	void		(*kc_fn)(int argc, char **argv);	/* argv[0]: first argument */
};

#define KDB_COMMAND(ident, name, help, fn)						\
	static const struct kdb_command kdb_command_##ident				\
	    __attribute__((used, section("kdb_commands"), aligned(8))) = { (name), (help), (fn) }

/* => any context; the other CPUs are stopped meanwhile; returns on "continue" */
void	kdb_enter(const char *why);
/* => a key was pressed within the time */
_Bool	kdb_attended(unsigned seconds);
void	kdb_backtrace(uintptr_t pc, uintptr_t fp);
void	kdb_backtrace_all(void);
/* a number (0x, or decimal) or a symbol's address; false: neither */
_Bool	kdb_parse(const char *, uint64_t *);
/* => safe read of kernel memory; false when it is not mapped */
_Bool	kdb_read(uintptr_t, void *, uint64_t size);
/* name of the function around pc and the distance to its start; NULL when unknown */
const char *kdb_symbol(uintptr_t pc, uint64_t *offset);

#endif
