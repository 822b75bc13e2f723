/* SPDX-License-Identifier: BSD-2-Clause */
/* Routines, and the subsystem they belong to. */
#ifndef MIG_ROUTINE_H
#define MIG_ROUTINE_H

#include "argument.h"
#include "text.h"

enum routine_kind {
	ROUTINE,		/* reply, returns a code */
	ROUTINE_SIMPLE,		/* no reply */
	ROUTINE_PROCEDURE,	/* reply, returns nothing: failures go to the error procedure */
	ROUTINE_SIMPLE_PROCEDURE,
	ROUTINE_FUNCTION,	/* reply, returns a value of its type */
};

struct routine {
	struct routine		*next;
	struct place		place;
	const char		*name;
	enum routine_kind	kind;
	unsigned		index;		/* message id - base of the subsystem */
	struct argument		*arguments;
	struct argument		*request_port;
	struct argument		*reply_port;	/* the caller's, or NULL */
	struct argument		*wait_time;	/* or NULL */
	struct argument		*option;	/* or NULL */
	struct argument		*seqno;		/* the server's, or NULL */
	struct argument		*user_seqno;	/* the caller's, or NULL */
	struct argument		*value;		/* of a function, or NULL */
	const char		*wait_default;	/* expressions in force at the declaration */
	const char		*option_default;
	const char		*error_procedure;
};

enum import_kind {
	IMPORT_BOTH,
	IMPORT_USER,
	IMPORT_SERVER,
};

struct import {
	struct import		*next;
	enum import_kind	kind;
	const char		*file;
};

struct subsystem {
	struct place	place;
	const char	*name;
	unsigned long	base;
	unsigned	count;			/* ids used, skipped ones included */
	bool		kernel_user;
	bool		kernel_server;
	const char	*user_prefix;
	const char	*server_prefix;
	const char	*server_demux;
	const char	*rcsid;
	struct routine	*routines;
	struct import	*imports;
};

bool routine_replies(const struct routine *routine);
void routine_check(struct routine *routine);
void routine_user_declare(struct text *text, const struct subsystem *subsystem,
    const struct routine *routine);
void routine_server_declare(struct text *text, const struct subsystem *subsystem,
    const struct routine *routine);

#endif
