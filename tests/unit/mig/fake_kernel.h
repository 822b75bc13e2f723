/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel small enough for one process: it carries messages from stub to stub. */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is done to the next messages on their way. */
struct fake_mutation {
	bool		active;
	unsigned	seed;
};

struct fake_capture {
	bool		active;
	unsigned	size;
	_Alignas(8) char bytes[65536];
};

extern struct fake_mutation fake_reply_mutation;
extern struct fake_capture fake_capture;
extern unsigned fake_last_timeout, fake_last_options, fake_last_reply_name, fake_last_remote_kind;

extern uint64_t fake_payload;		/* of the server's port; 0: it has none */

/* Memory as vm_allocate and messages give it: exact blocks, each freed once. */
void *fake_alloc(size_t bytes);
void fake_free(const void *block, size_t bytes);
bool fake_block(const void *block, size_t bytes);
long fake_blocks(void);

/* Rights the server got and has not given up. */
long fake_rights(void);
void fake_right_release(unsigned name);
bool fake_right_known(unsigned name);
void fake_reset(void);

enum fake_result {
	FAKE_REFUSED,		/* by the kernel: no server sees such a message */
	FAKE_BAD_ID,
	FAKE_DONE,
};

/* Send size bytes to the server; the reply as the server left it, and whether it broke a rule. */
enum fake_result fake_deliver(const void *message, unsigned size, const char **broken);
int fake_reply_code(void);
void fake_mutate(char *message, unsigned *size, unsigned capacity, unsigned *seed);
unsigned fake_random(unsigned *seed);

/* For the server's side, which may hold pointers for rights. */
void *fake_port(unsigned name);
unsigned fake_name(const void *port);

#endif
