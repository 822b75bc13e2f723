/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routines: which argument plays which part, and their C declarations.
 *
 * OBJECT    struct routine: owned by the subsystem, fixed after routine_check
 * TESTS     tests/unit/mig
 */
#include "routine.h"

#include <string.h>

bool
routine_replies(const struct routine *routine)
{
	return routine->kind != ROUTINE_SIMPLE && routine->kind != ROUTINE_SIMPLE_PROCEDURE;
}

static void
routine_assign(struct routine *routine, struct argument **part, struct argument *argument)
{
	if (*part != NULL)
		error_at(argument->place, "routine %s: arguments %s and %s play the same part",
		    routine->name, (*part)->name, argument->name);
	*part = argument;
}

static void
routine_assign_roles(struct routine *routine)
{
	for (struct argument *argument = routine->arguments; argument != NULL; argument = argument->next) {
		switch (argument->role) {
		case ROLE_REQUEST_PORT:
			routine_assign(routine, &routine->request_port, argument);
			break;
		case ROLE_REPLY_PORT:
			if (argument->user)
				routine_assign(routine, &routine->reply_port, argument);
			break;
		case ROLE_WAIT_TIME:
			routine_assign(routine, &routine->wait_time, argument);
			break;
		case ROLE_OPTION:
			routine_assign(routine, &routine->option, argument);
			break;
		case ROLE_SEQNO:
			routine_assign(routine, argument->user ? &routine->user_seqno : &routine->seqno,
			    argument);
			break;
		case ROLE_DATA:
		case ROLE_MESSAGE_TYPE:
			break;
		}
	}
}

static void
routine_check_argument(const struct routine *routine, struct argument *argument)
{
	argument_check(argument);
	for (const struct argument *other = argument->next; other != NULL; other = other->next)
		if (strcmp(other->name, argument->name) == 0)
			error_at(other->place, "routine %s: two arguments are called %s", routine->name,
			    other->name);
	if (argument->reply && !routine_replies(routine))
		error_at(argument->place, "routine %s: no reply can bring back argument %s",
		    routine->name, argument->name);
}

/* Find the parts; the first argument is the request port unless another one says it is. */
void
routine_check(struct routine *routine)
{
	struct argument *first = routine->arguments;
	bool named = false;

	for (struct argument *argument = first; argument != NULL; argument = argument->next)
		named = named || argument->role == ROLE_REQUEST_PORT;
	if (!named) {
		if (first == NULL || first->role != ROLE_DATA || first->reply || !first->type->port) {
			error_at(routine->place, "routine %s has no request port", routine->name);
			return;
		}
		first->role = ROLE_REQUEST_PORT;
		first->request = false;
	}
	routine_assign_roles(routine);
	for (struct argument *argument = first; argument != NULL; argument = argument->next)
		routine_check_argument(routine, argument);
}

struct parameters {
	struct text	*text;
	unsigned	count;
};

static void
routine_parameter(struct parameters *list, const char *ctype, bool reference, const char *name,
    const char *suffix)
{
	size_t length = strlen(ctype);

	text_add(list->text, "%s\n\t%s%s%s%s%s", list->count++ ? "," : "", ctype,
	    ctype[length - 1] == '*' ? "" : " ", reference ? "*" : "", name, suffix);
}

/* The arguments that follow a data argument: kind of right, count, deallocate, where the data is. */
static void
routine_extra(struct parameters *list, const struct argument *argument, struct side side)
{
	bool reference = argument->reply;

	if ((argument->request && argument_poly(argument, false, side)) ||
	    (argument->reply && argument_poly(argument, true, side)))
		routine_parameter(list, "mach_msg_type_name_t", reference, argument->name, "Poly");
	if (type_counted(argument->type))
		routine_parameter(list, "mach_msg_type_number_t", reference, argument->name, "Cnt");
	if (argument->dealloc == DEALLOC_MAYBE) {
		if (!side.server && argument->request)
			routine_parameter(list, "boolean_t", false, argument->name, "Dealloc");
		if (side.server && argument->reply)
			routine_parameter(list, "boolean_t", true, argument->name, "Dealloc");
	}
	if (side.server && argument->server_copy)
		routine_parameter(list, "boolean_t", false, argument->name, "SCopy");
}

static void
routine_user_parameter(struct parameters *list, const struct argument *argument, struct side side)
{
	const struct type *type = argument->type;

	switch (argument->role) {
	case ROLE_DATA:
		if (type->array && !argument->reply && type->form != FORM_OUT &&
		    type->form != FORM_INDEFINITE)
			/* a pointer to the element: a shorter array than the largest is welcome */
			routine_parameter(list, text_format("const %s *",
			    type->string ? "char" : type_user(type->element)), false,
			    argument->name, "");
		else
			routine_parameter(list, type_user(type), argument_by_reference(argument),
			    argument->name, "");
		routine_extra(list, argument, side);
		break;
	case ROLE_REQUEST_PORT:
	case ROLE_REPLY_PORT:
		routine_parameter(list, type_user(type), false, argument->name, "");
		if (type->in_code == CODE_POLYMORPHIC)
			routine_parameter(list, "mach_msg_type_name_t", false, argument->name, "Poly");
		break;
	case ROLE_SEQNO:
		routine_parameter(list, type_user(type), true, argument->name, "");
		break;
	default:
		routine_parameter(list, type_user(type), false, argument->name, "");
		break;
	}
}

static void
routine_server_parameter(struct parameters *list, const struct argument *argument, struct side side)
{
	const struct type *type = argument->type;

	switch (argument->role) {
	case ROLE_DATA:
		routine_parameter(list, type_translated(type, argument->reply),
		    argument_by_reference(argument), argument->name, "");
		routine_extra(list, argument, side);
		break;
	case ROLE_REQUEST_PORT:
	case ROLE_REPLY_PORT:
		routine_parameter(list, type_translated(type, false), false, argument->name, "");
		if (argument->role == ROLE_REPLY_PORT && type->out_code == CODE_POLYMORPHIC)
			routine_parameter(list, "mach_msg_type_name_t", false, argument->name, "Poly");
		break;
	default:
		routine_parameter(list, type_server(type), false, argument->name, "");
		break;
	}
}

static void
routine_result(struct text *text, const struct routine *routine, bool server)
{
	if (routine->kind == ROUTINE_FUNCTION)
		text_add(text, "%s\n", server ? type_translated(routine->value->type, true) :
		    type_user(routine->value->type));
	else if (routine->kind == ROUTINE_PROCEDURE || routine->kind == ROUTINE_SIMPLE_PROCEDURE)
		text_add(text, "void\n");
	else
		text_add(text, "kern_return_t\n");
}

/* The caller's function, without what follows its closing parenthesis. */
void
routine_user_declare(struct text *text, const struct subsystem *subsystem,
    const struct routine *routine)
{
	struct parameters list = { .text = text };
	struct side side = { .kernel = subsystem->kernel_user, .server = false };

	routine_result(text, routine, false);
	text_add(text, "%s%s(", subsystem->user_prefix, routine->name);
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next)
		if (argument->user)
			routine_user_parameter(&list, argument, side);
	text_add(text, "%s)", list.count ? "" : "void");
}

void
routine_server_declare(struct text *text, const struct subsystem *subsystem,
    const struct routine *routine)
{
	struct parameters list = { .text = text };
	struct side side = { .kernel = subsystem->kernel_server, .server = true };

	routine_result(text, routine, true);
	text_add(text, "%s%s(", subsystem->server_prefix, routine->name);
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next)
		if (argument->server)
			routine_server_parameter(&list, argument, side);
	text_add(text, "%s)", list.count ? "" : "void");
}
