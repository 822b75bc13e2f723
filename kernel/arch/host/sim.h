/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel as a Linux program: how to start it, and what its user programs are.
 *
 * A user program is a host function which runs as a thread of a Mach task. It enters the kernel by sim_trap, through the real
 * trap table, and reaches its task's memory by sim_read and sim_write, which fault like loads and stores would; its C stack
 * and variables are the host's and not in the task's memory. A thread whose PC is set to a function of sim_program starts there,
 * with RDI as the argument; any other PC is a fault.
 *
 * With one CPU everything is deterministic: time passes only by looking at the clock and by waiting.
 * With more, each is a thread of the host and time is the host's.
 */
#ifndef ARCH_HOST_SIM_H
#define ARCH_HOST_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void sim_program_t(uint64_t argument);

struct sim_config {
	unsigned	 cf_cpus;
	unsigned	 cf_memory_mb;
	sim_program_t	*cf_init;	/* the first task's program; see sim_init_argument */
	const char	*cf_command_line;
	bool		 cf_quiet;	/* no output of the kernel */
};

/* => false: the program ends, with *status (sim_leave was not called); true: init has called sim_leave */
bool	sim_boot(const struct sim_config *);
/* from the host: on with init after its sim_leave, until it calls that again */
void	sim_enter(void);

/* --- for user programs --- */

/* back to the host; one CPU only. => when the host calls sim_enter */
void	sim_leave(void);
/* functions that a PC may name */
void	sim_program_add(sim_program_t *);
long	sim_trap(int number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
	    uint64_t a7, uint64_t a8, uint64_t a9, uint64_t a10);
/* loads and stores; a fault that is not resolved becomes an exception, and the access is tried again after it */
void	sim_read(uint64_t address, void *to, size_t n);
void	sim_write(uint64_t address, const void *from, size_t n);
/* => false instead of an exception */
bool	sim_try_read(uint64_t address, void *to, size_t n);
bool	sim_try_write(uint64_t address, const void *from, size_t n);
/* fn(argument) in the kernel, as a trap of its own */
void	sim_kernel_call(void (*fn)(void *), void *argument);
/* the stack pointer the thread was started with: it has no stack there, but may have memory */
uint64_t sim_user_sp(void);
/* word n of the first task's argument vector as a number */
uint32_t sim_init_argument(unsigned n);

#define SIM_HOST_PRIV		1	/* argument numbers of the first task */
#define SIM_DEVICE_MASTER	2

#endif
