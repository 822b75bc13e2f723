/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of a routine. */
#ifndef MIG_ARGUMENT_H
#define MIG_ARGUMENT_H

#include <stdbool.h>

#include "type.h"

enum argument_role {
	ROLE_DATA,
	ROLE_REQUEST_PORT,
	ROLE_REPLY_PORT,
	ROLE_WAIT_TIME,
	ROLE_OPTION,
	ROLE_SEQNO,
	ROLE_MESSAGE_TYPE,	/* of Mach 2.5: accepted, has no meaning any more */
};

struct argument {
	struct argument		*next;
	struct place		place;
	const char		*name;
	const struct type	*type;
	enum argument_role	role;
	enum dealloc		dealloc;
	bool			request;	/* data travels in the request */
	bool			reply;		/* data travels in the reply */
	bool			user;		/* in the caller's argument list */
	bool			server;		/* in the server routine's argument list */
	bool			longform;
	bool			count_in_out;	/* the caller's capacity goes with the request */
	bool			server_copy;	/* the routine is told where the data is */
};

/* Who writes the stub: the kernel holds port pointers where a task holds names. */
struct side {
	bool	kernel;
	bool	server;
};

bool argument_direction(struct argument *argument, const char *word);
bool argument_flag(struct argument *argument, const char *word, bool brackets);
void argument_check(struct argument *argument);
int argument_send_code(const struct argument *argument, bool reply, struct side side);
bool argument_poly(const struct argument *argument, bool reply, struct side side);
bool argument_by_reference(const struct argument *argument);

#endif
