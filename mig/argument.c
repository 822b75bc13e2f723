/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of a routine: direction words, flags, and who names the kind of a port right.
 *
 * OBJECT    struct argument: owned by its routine, fixed after argument_check
 * TESTS     tests/unit/mig
 */
#include "argument.h"

#include <strings.h>

static const struct {
	const char		*word;
	enum argument_role	role;
	bool			request, reply, user, server;
} directions[] = {
	{ "in", ROLE_DATA, true, false, true, true },
	{ "out", ROLE_DATA, false, true, true, true },
	{ "inout", ROLE_DATA, true, true, true, true },
	{ "requestport", ROLE_REQUEST_PORT, false, false, true, true },
	{ "urequestport", ROLE_REQUEST_PORT, false, false, true, false },
	{ "srequestport", ROLE_REQUEST_PORT, false, false, false, true },
	{ "replyport", ROLE_REPLY_PORT, false, false, true, true },
	{ "ureplyport", ROLE_REPLY_PORT, false, false, true, false },
	{ "sreplyport", ROLE_REPLY_PORT, false, false, false, true },
	{ "waittime", ROLE_WAIT_TIME, false, false, true, false },
	{ "msgoption", ROLE_OPTION, false, false, true, false },
	{ "msgtype", ROLE_MESSAGE_TYPE, false, false, true, false },
	{ "msgseqno", ROLE_SEQNO, false, false, false, true },
	{ "smsgseqno", ROLE_SEQNO, false, false, false, true },
	{ "umsgseqno", ROLE_SEQNO, false, false, true, false },
	{ "useqno", ROLE_SEQNO, false, false, true, false },
};

/* => false: not a direction word */
bool
argument_direction(struct argument *argument, const char *word)
{
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (strcasecmp(directions[i].word, word) != 0)
			continue;
		argument->role = directions[i].role;
		argument->request = directions[i].request;
		argument->reply = directions[i].reply;
		argument->user = directions[i].user;
		argument->server = directions[i].server;
		return true;
	}
	return false;
}

/*
 * A word after the type. PhysicalCopy and its like told old kernels how to copy; copies are lazy
 * here, so they say nothing.
 * => false: not a flag
 */
bool
argument_flag(struct argument *argument, const char *word, bool brackets)
{
	static const char *const hints[] = { "physicalcopy", "nophysicalcopy", "overwrite", "auto", "const" };

	if (strcasecmp(word, "dealloc") == 0) {
		argument->dealloc = brackets ? DEALLOC_MAYBE : DEALLOC_YES;
		return true;
	}
	if (brackets)
		return false;
	if (strcasecmp(word, "notdealloc") == 0)
		argument->dealloc = DEALLOC_NO;
	else if (strcasecmp(word, "islong") == 0)
		argument->longform = true;
	else if (strcasecmp(word, "isnotlong") == 0)
		argument->longform = false;
	else if (strcasecmp(word, "servercopy") == 0)
		argument->server_copy = true;
	else if (strcasecmp(word, "countinout") == 0)
		argument->count_in_out = true;
	else {
		for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
			if (strcasecmp(word, hints[i]) == 0)
				return true;
		return false;
	}
	return true;
}

static bool
argument_needs_port(const struct argument *argument)
{
	return argument->role == ROLE_REQUEST_PORT || argument->role == ROLE_REPLY_PORT;
}

/* Refuse what no stub can do; the message formats themselves are checked by layout.c. */
void
argument_check(struct argument *argument)
{
	const struct type *type = argument->type;
	bool out_of_line = type->form == FORM_OUT || type->form == FORM_INDEFINITE;

	if (argument_needs_port(argument) &&
	    (!type->port || type->array || type->form != FORM_FIXED))
		error_at(argument->place, "argument %s: not one port right", argument->name);
	if (argument->role == ROLE_DATA && type->bits == 0)
		error_at(argument->place, "argument %s: size not known", argument->name);
	if (argument->count_in_out && (!type_counted(type) || type->form == FORM_OUT ||
	    !argument->reply || argument->request))
		error_at(argument->place, "argument %s: CountInOut is for inline out arrays of variable "
		    "length", argument->name);
	if (argument->dealloc != DEALLOC_NO && !out_of_line)
		error_at(argument->place, "argument %s: Dealloc is for out-of-line data", argument->name);
	if (argument->server_copy && (!out_of_line || !argument->request))
		error_at(argument->place, "argument %s: ServerCopy is for out-of-line in arguments",
		    argument->name);
	if (type->string && argument->request && argument->reply)
		error_at(argument->place, "argument %s: a string cannot be inout", argument->name);
	if (out_of_line && argument->request && argument->reply && type->form == FORM_INDEFINITE)
		error_at(argument->place, "argument %s: an indefinite array cannot be inout",
		    argument->name);
}

/*
 * The kind a sender writes into the descriptor. A kernel hands out rights in their received form:
 * there is no name table to copy or make a right from.
 */
int
argument_send_code(const struct argument *argument, bool reply, struct side side)
{
	if (reply && side.server && side.kernel)
		return argument->type->out_code;
	return argument->type->in_code;
}

/* Is the kind of right an argument of its own, on this side and in this message? */
bool
argument_poly(const struct argument *argument, bool reply, struct side side)
{
	bool sender = reply == side.server;

	if (!argument->type->port)
		return false;
	if (!sender)
		return argument->type->out_code == CODE_POLYMORPHIC;
	return argument_send_code(argument, reply, side) == CODE_POLYMORPHIC;
}

/* C arrays are references already; anything else that comes back needs an address. */
bool
argument_by_reference(const struct argument *argument)
{
	const struct type *type = argument->type;

	if (!argument->reply)
		return false;
	return !type->array || type->form == FORM_INDEFINITE || type->form == FORM_OUT;
}
