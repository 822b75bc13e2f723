/* SPDX-License-Identifier: BSD-2-Clause */
/* The half of a server's stub that deals with the reply. */
#ifndef MIG_SERVER_REPLY_H
#define MIG_SERVER_REPLY_H

#include "stub.h"

struct server {
	const struct subsystem	*subsystem;
	const struct routine	*routine;
	struct stub		in;		/* request, read */
	struct stub		out;		/* reply, written */
	struct message		request;
	struct message		reply;
	struct text		*text;
};

bool server_expands(const struct server *server, const struct type *type);
bool server_in_place(const struct argument *argument);
void server_prepare(const struct server *server);
void server_reply(const struct server *server);

#endif
