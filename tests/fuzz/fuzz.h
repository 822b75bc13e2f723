/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzzers of the host kernel share. The kernel is booted once; for each input a task is made, which does what the input says
 * and is then destroyed: every conservation counter must be back where it was.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "user.h"

/* --- provided by each fuzzer --- */

/* first thread of the input's task; when it is done it returns or dies */
void	fuzz_main(void);
/* before its thread runs: more rights */
void	fuzz_prepare(mach_port_t task);

/* --- the input: zeros after its end --- */

bool	fuzz_left(void);
uint8_t	fuzz_u8(void);
uint16_t fuzz_u16(void);
uint32_t fuzz_u32(void);
uint64_t fuzz_u64(void);
/* below n, of one byte */
unsigned fuzz_pick(unsigned n);
/* a number of interest or any: sizes, addresses */
uint64_t fuzz_number(void);

/* --- rights of the task, by number --- */

#define FUZZ_RIGHTS	32
enum fuzz_right {
	FUZZ_TASK, FUZZ_THREAD, FUZZ_HOST, FUZZ_PORT_A, FUZZ_PORT_B, FUZZ_SET, FUZZ_DEAD, FUZZ_HOST_PRIV, FUZZ_DEVICE,
	FUZZ_VICTIM, FUZZ_VICTIM_THREAD, FUZZ_REPLY, FUZZ_FOUND
};
extern mach_port_t fuzz_name[FUZZ_RIGHTS];
/* of those, null, dead, or anything */
mach_port_t fuzz_port(void);
/* a right that arrived: used again later */
void	fuzz_found(mach_port_t);

/* --- memory of the task: FUZZ_MEMORY bytes from fuzz_memory --- */

#define FUZZ_MEMORY	(16 * 4096u)
extern vm_address_t fuzz_memory;
/* an address in it, at its edges or anywhere */
uint64_t fuzz_address(void);

/* --- messages --- */

struct fuzz_field {
	uint8_t	 ff_name;		/* 255: a port of any disposition */
	uint16_t ff_bits;
	uint16_t ff_count;
	uint8_t	 ff_flags;
};
#define FUZZ_OOL	1
#define FUZZ_MAX	2
struct fuzz_routine {
	int		 fr_id;
	const char	*fr_name;
	unsigned	 fr_fields;
	struct fuzz_field fr_field[12];
};
extern const struct fuzz_routine fuzz_routines[];
extern const unsigned fuzz_routine_count;

#define FUZZ_MESSAGE	8192u
/* => a request of the routine with arguments from the input: its size */
uint32_t fuzz_request(const struct fuzz_routine *, uint8_t *buffer, mach_port_t dest);
/* send it and take the reply if one comes; rights in it are found */
void	fuzz_call(const uint8_t *message, uint32_t size);
/* whatever is at the port */
bool	fuzz_receive(mach_port_t, unsigned ms, uint8_t *buffer, uint32_t room);
/* rights in a received message */
void	fuzz_harvest(const uint8_t *message, uint32_t size);

#endif
