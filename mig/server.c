/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers' stubs: check a request, call the routine, build the reply.
 *
 * RIGHTS    the stub never writes into the request. When the routine fails, nothing was consumed
 *           and the caller of the stub destroys the whole request. When it succeeds, the routine
 *           has consumed the rights and memory it was given; the stub itself releases the rights
 *           it handed over only as translations, and indefinite arrays without ServerCopy
 * TESTS     tests/unit/mig: round trips, hostile messages, golden files
 */
#include "server.h"

#include "header.h"
#include "server_reply.h"

/* Refuse what cannot be served safely. */
static void
server_check_argument(const struct subsystem *subsystem, const struct argument *argument)
{
	const struct type *type = argument->type;
	bool in = argument->role == ROLE_DATA && argument->request;

	/* one slot for two rights: an implementation always loses one or releases one twice */
	if (argument->request && argument->reply && type->port)
		error_at(argument->place, "argument %s: a server cannot have a port right inout; "
		    "write an in and an out argument", argument->name);
	if (subsystem->kernel_server && in && type->form == FORM_INDEFINITE && !argument->server_copy)
		error_at(argument->place, "argument %s: a kernel server's indefinite array needs "
		    "ServerCopy", argument->name);
	if (type->array && (type->intran.function != NULL || type->outtran.function != NULL))
		error_at(argument->place, "argument %s: an array cannot be translated", argument->name);
}

void
server_check(const struct subsystem *subsystem)
{
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next)
		for (const struct argument *argument = routine->arguments; argument != NULL;
		    argument = argument->next)
			server_check_argument(subsystem, argument);
}

/* The kernel gets a request as it was sent: its destination is still the remote port. */
static const char *
server_request_field(const struct server *server)
{
	return server->subsystem->kernel_server ? "msgh_remote_port" : "msgh_local_port";
}

static const char *
server_reply_field(const struct server *server)
{
	return server->subsystem->kernel_server ? "msgh_local_port" : "msgh_remote_port";
}

static const char *
server_reply_bits(const struct server *server)
{
	return server->subsystem->kernel_server ? "MACH_MSGH_BITS_LOCAL" : "MACH_MSGH_BITS_REMOTE";
}

static void
server_payload(const struct server *server, const struct argument *argument)
{
	const struct type *type = argument->type;

	text_add(server->text, "\tif (MACH_MSGH_BITS_LOCAL(In0P->Head.msgh_bits) == "
	    "MACH_MSG_TYPE_PROTECTED_PAYLOAD)\n"
	    "\t\t%s = %s(In0P->Head.msgh_protected_payload);\n\telse\n", argument->name,
	    type->intranpayload.function);
	if (type->intran.function != NULL)
		text_add(server->text, "\t\t%s = %s(In0P->Head.msgh_local_port);\n", argument->name,
		    type->intran.function);
	else
		text_add(server->text, "\t\t%s = (%s)In0P->Head.msgh_local_port;\n", argument->name,
		    type_translated(type, false));
}

/* Declare and set the local of an argument from the header or the request. */
static void
server_unpack_header(const struct server *server, const struct argument *argument)
{
	struct text *text = server->text;
	const struct type *type = argument->type;
	const char *field;

	if (argument->role == ROLE_SEQNO) {
		text_add(text, "\t%s = In0P->Head.msgh_seqno;\n", argument->name);
		return;
	}
	field = argument->role == ROLE_REQUEST_PORT ? server_request_field(server) :
	    server_reply_field(server);
	if (argument->role == ROLE_REQUEST_PORT && type->intranpayload.function != NULL &&
	    !server->subsystem->kernel_server)
		server_payload(server, argument);
	else if (type->intran.function != NULL)
		text_add(text, "\t%s = %s(In0P->Head.%s);\n", argument->name, type->intran.function, field);
	else
		text_add(text, "\t%s = In0P->Head.%s;\n", argument->name, field);
}

static void
server_unpack_array(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const char *field = stub_field(&server->in, item);
	const char *name = item->argument->name;
	const char *member = item->type->form == FORM_INDEFINITE ? ".Data" : "";
	const char *count = type_counted(item->type) ? text_format("%sCnt", name) :
	    text_format("%u", item->type->count);

	if (server_expands(server, item->type))
		text_add(text, "\tfor (unsigned mig_i = 0; mig_i < %s; mig_i++)\n"
		    "\t\t%sMem[mig_i] = %s%s[mig_i].port;\n\t%s = %sMem;\n", count, name, field, member,
		    name, name);
	else
		text_add(text, "\t%s = (void *)%s%s;\n", name, field, member);
}

static void
server_unpack_data(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *field = stub_field(&server->in, item);
	const char *name = item->argument->name;
	const char *value = text_format("%s%s", field, type->port ? ".port" : "");

	if (argument_poly(item->argument, false, server->in.side))
		text_add(text, "\t%sPoly = %sType.msgt_name;\n", name, field);
	if (type_counted(type))
		text_add(text, "\t%sCnt = %sType.msgt_number / %uu;\n", name, field,
		    stub_element_number(type));
	if (item->argument->server_copy)
		text_add(text, "\t%sSCopy = %sType.msgt_inline;\n", name, field);
	if (type->form == FORM_OUT) {
		text_add(text, "\t%s = %sType.msgt_number != 0 ? %s : (%s)0;\n", name, field, field,
		    type_server(type));
	} else if (type->form == FORM_INDEFINITE) {
		text_add(text, "\tif (!%sType.msgt_inline)\n\t\t%s = %sCnt != 0 ? (%s)%s.Out : (%s)0;\n"
		    "\telse {\n", field, name, name, type_server(type), field, type_server(type));
		text->indent++;
		server_unpack_array(server, item);
		text->indent--;
		text_add(text, "\t}\n");
	} else if (type->array) {
		server_unpack_array(server, item);
	} else if (type->intran.function != NULL) {
		text_add(text, "\t%s = %s(%s);\n", name, type->intran.function, value);
	} else {
		text_add(text, "\t%s = %s;\n", name, value);
	}
}

static void
server_unpack(const struct server *server)
{
	for (const struct argument *argument = server->routine->arguments; argument != NULL;
	    argument = argument->next) {
		if (!argument->server || argument->role == ROLE_DATA)
			continue;
		server_unpack_header(server, argument);
		if (argument->role == ROLE_REPLY_PORT && argument->type->out_code == CODE_POLYMORPHIC)
			text_add(server->text, "\t%sPoly = %s(In0P->Head.msgh_bits);\n", argument->name,
			    server_reply_bits(server));
	}
	for (const struct item *item = server->request.items; item != NULL; item = item->next)
		if (item->kind == ITEM_DATA && item->argument->server && !server_in_place(item->argument))
			server_unpack_data(server, item);
}

static void
server_argument(struct text *text, unsigned *count, const char *reference, const char *name,
    const char *suffix)
{
	text_add(text, "%s%s%s%s", (*count)++ ? ", " : "", reference, name, suffix);
}

/* The values in the routine's parameter order (routine.c declares the same). */
static void
server_arguments(const struct server *server)
{
	struct text *text = server->text;
	unsigned count = 0;

	for (const struct argument *argument = server->routine->arguments; argument != NULL;
	    argument = argument->next) {
		const char *reference = argument->reply ? "&" : "";
		const char *name = argument->name;

		if (!argument->server)
			continue;
		server_argument(text, &count, argument_by_reference(argument) ? "&" : "", name, "");
		if (argument->role == ROLE_REPLY_PORT && argument->type->out_code == CODE_POLYMORPHIC)
			server_argument(text, &count, "", name, "Poly");
		if (argument->role != ROLE_DATA)
			continue;
		if ((argument->request && argument_poly(argument, false, server->in.side)) ||
		    (argument->reply && argument_poly(argument, true, server->in.side)))
			server_argument(text, &count, reference, name, "Poly");
		if (type_counted(argument->type))
			server_argument(text, &count, reference, name, "Cnt");
		if (argument->dealloc == DEALLOC_MAYBE && argument->reply)
			server_argument(text, &count, "&", name, "Dealloc");
		if (argument->server_copy)
			server_argument(text, &count, "", name, "SCopy");
	}
}

static void
server_call(const struct server *server)
{
	struct text *text = server->text;
	const struct routine *routine = server->routine;
	const char *result = "mig_result = ";

	if (routine->kind == ROUTINE_FUNCTION)
		result = "ReturnValue = ";
	else if (routine->kind == ROUTINE_PROCEDURE || routine->kind == ROUTINE_SIMPLE_PROCEDURE)
		result = "";
	text_add(text, "\t%s%s%s(", result, server->subsystem->server_prefix, routine->name);
	server_arguments(server);
	text_add(text, ");\n");
	if (routine->kind != ROUTINE && routine->kind != ROUTINE_SIMPLE)
		text_add(text, "\tmig_result = KERN_SUCCESS;\n");
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next)
		if (argument->server && argument->type->destructor.function != NULL &&
		    (argument->request || argument->role == ROLE_REQUEST_PORT))
			/* a kernel translates a right to something else, or a dead one, to nothing */
			text_add(text, "%s\t%s(%s);\n", server->subsystem->kernel_server ?
			    text_format("\tif (%s != 0)\n\t", argument->name) : "",
			    argument->type->destructor.function, argument->name);
	text_add(text, "\tOut0P->RetCode = mig_result;\n");
}

static const char *
server_release_function(const struct type *type)
{
	switch (type->out_code) {
	case CODE_MOVE_RECEIVE:
		return "ipc_port_release_receive";
	case CODE_MOVE_SEND_ONCE:
		return "ipc_port_release_sonce";
	default:
		return "ipc_port_release_send";
	}
}

static bool
server_releases(const struct server *server, const struct item *item)
{
	if (item->kind != ITEM_DATA)
		return false;
	if (item->type->form == FORM_INDEFINITE)
		return !item->argument->server_copy;
	return server->subsystem->kernel_server && item->type->port && !item->type->array &&
	    item->type->form == FORM_FIXED && item->type->intran.function != NULL;
}

/* After success: what the routine never saw as itself it cannot have consumed. */
static void
server_release(const struct server *server)
{
	struct text *text = server->text;
	bool any = false;

	for (const struct item *item = server->request.items; item != NULL; item = item->next) {
		const char *field = stub_field(&server->in, item);

		if (!server_releases(server, item))
			continue;
		/* without a reply the request counts as accepted all the same */
		if (!any)
			text_add(text, "\tif (mig_result != KERN_SUCCESS && mig_result != MIG_NO_REPLY)\n"
			    "\t\treturn;\n");
		any = true;
		if (item->type->form == FORM_INDEFINITE)
			text_add(text, "\tif (!%sType.msgt_inline && %sCnt != 0)\n"
			    "\t\tmig_deallocate((vm_address_t)%s.Out, %sCnt * %uu);\n", field,
			    item->argument->name, field, item->argument->name,
			    item->type->port ? 4 : stub_element_bytes(item->type));
		else
			text_add(text, "\tif (MACH_PORT_VALID(%s.port))\n\t\t%s(%s.port);\n", field,
			    server_release_function(item->type), field);
	}
}

/* A local for each parameter, with what goes with it. */
static void
server_local(const struct server *server, const struct argument *argument)
{
	struct text *text = server->text;
	const struct type *type = argument->type;
	const char *ctype = type_translated(type, argument->reply);
	const char *name = argument->name;
	bool poly;

	if (type->array && type->form != FORM_OUT && type->form != FORM_INDEFINITE)
		text_add(text, "\t%s *%s;\n", type->port ? "mach_port_t" :
		    stub_element(&server->in, type), name);
	else
		text_add(text, "\t%s %s;\n", ctype, name);
	if (type->array && type->form != FORM_OUT && server_expands(server, type))
		text_add(text, "\tmach_port_t %sMem[%u];\n", name, type->count);
	if (argument->role == ROLE_DATA)
		poly = (argument->request && argument_poly(argument, false, server->in.side)) ||
		    (argument->reply && argument_poly(argument, true, server->in.side));
	else
		poly = argument->role == ROLE_REPLY_PORT && type->out_code == CODE_POLYMORPHIC;
	if (poly)
		text_add(text, "\tmach_msg_type_name_t %sPoly;\n", name);
	if (argument->role != ROLE_DATA)
		return;
	if (type_counted(type))
		text_add(text, "\tmach_msg_type_number_t %sCnt;\n", name);
	if (argument->dealloc == DEALLOC_MAYBE && argument->reply)
		text_add(text, "\tboolean_t %sDealloc;\n", name);
	if (argument->server_copy)
		text_add(text, "\tboolean_t %sSCopy;\n", name);
}

static void
server_locals(const struct server *server)
{
	struct text *text = server->text;
	const struct routine *routine = server->routine;
	bool variable = server->request.least != server->request.most;
	bool reply_variable = server->reply.least != server->reply.most;

	stub_structs(&server->in, &server->request);
	stub_structs(&server->out, &server->reply);
	text_add(text, "\tconst struct mig_request *const In0P = (const struct mig_request *)InHeadP;\n"
	    "\tstruct mig_reply *const Out0P = (struct mig_reply *)OutHeadP;\n");
	stub_segments(&server->in, &server->request);
	stub_segments(&server->out, &server->reply);
	text_add(text, "\tunsigned mig_left = In0P->Head.msgh_size;\n"
	    "\tconst int mig_complex = (In0P->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;\n"
	    "\tkern_return_t mig_result;\n");
	if (variable || reply_variable)
		text_add(text, "\tunsigned mig_length __attribute__((unused));\n");
	if (reply_variable)
		text_add(text, "\tunsigned mig_number __attribute__((unused)), mig_size = %u;\n",
		    server->reply.least);
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next)
		if (argument->server)
			server_local(server, argument);
	if (routine->value != NULL)
		text_add(text, "\t%s ReturnValue;\n", type_translated(routine->value->type, true));
	text_add(text, "\n");
}

static void
server_routine(struct text *text, const struct subsystem *subsystem, const struct routine *routine)
{
	struct side side = { .kernel = subsystem->kernel_server, .server = true };
	struct server server = {
		.subsystem = subsystem,
		.routine = routine,
		.in = { text, side, "request", "In" },
		.out = { text, side, "reply", "Out" },
		.request = layout_message(routine, false),
		.reply = layout_message(routine, true),
		.text = text,
	};

	text_add(text, "/* %lu */\nstatic void\n_X%s(mach_msg_header_t *InHeadP, "
	    "mach_msg_header_t *OutHeadP)\n{\n", subsystem->base + routine->index, routine->name);
	server_locals(&server);
	text_add(text, "\tOut0P->Head.msgh_size = %u;\n"
	    "\tOut0P->RetCodeType = MIG_TYPE(MACH_MSG_TYPE_INTEGER_32, 32, 1, 1, 0, 0);\n"
	    "\t__builtin_memset(Out0P->RetCodePad, 0, 4);\n", LAYOUT_REPLY);
	/* nobody answers, whatever the caller expects: its reply right stays with the request */
	if (!routine_replies(routine) && (routine->reply_port == NULL || !routine->reply_port->server))
		text_add(text, "\tOut0P->Head.msgh_remote_port = MACH_PORT_NULL;\n");
	stub_check(&server.in, &server.request);
	server_unpack(&server);
	server_prepare(&server);
	server_call(&server);
	server_release(&server);
	if (routine_replies(routine)) {
		text_add(text, "\tif (mig_result != KERN_SUCCESS)\n\t\treturn;\n");
		server_reply(&server);
	}
	text_add(text, "\treturn;\nmig_bad:\n\tOut0P->RetCode = MIG_BAD_ARGUMENTS;\n}\n\n");
}

/* An array with what `write` says of each routine, 0 for an id without one. */
static void
server_array(struct text *text, const struct subsystem *subsystem, const char *type, const char *name,
    void (*write)(struct text *, const struct routine *))
{
	const struct routine *routine = subsystem->routines;

	text_add(text, "const %s %s_%s[] = {\n", type, subsystem->server_demux, name);
	for (unsigned index = 0; index < subsystem->count; index++) {
		if (routine != NULL && routine->index == index) {
			write(text, routine);
			routine = routine->next;
		} else {
			text_add(text, "\t0,\n");
		}
	}
	if (subsystem->count == 0)
		text_add(text, "\t0\n");
	text_add(text, "};\n\n");
}

static void
server_table_entry(struct text *text, const struct routine *routine)
{
	text_add(text, "\t_X%s,\n", routine->name);
}

static bool
server_knows_reply_port(const struct routine *routine)
{
	for (const struct argument *argument = routine->arguments; argument != NULL; argument = argument->next)
		if (argument->role == ROLE_REPLY_PORT && argument->server)
			return true;
	return false;
}

/* Bytes of a routine's largest reply; 0: nobody answers, or another may, later. */
static unsigned
server_reply_size(const struct routine *routine)
{
	struct message reply = layout_message(routine, true);

	return routine_replies(routine) && !server_knows_reply_port(routine) ? reply.most : 0;
}

static void
server_reply_size_entry(struct text *text, const struct routine *routine)
{
	text_add(text, "\t%u,\n", server_reply_size(routine));
}

static void
server_demux(struct text *text, const struct subsystem *subsystem)
{
	struct server server = { .subsystem = subsystem };
	const char *demux = subsystem->server_demux;

	text_add(text, "mig_routine_t\n%s_routine(const mach_msg_header_t *InHeadP)\n{\n"
	    "\tunsigned index = (unsigned)InHeadP->msgh_id - %luu;\n\n"
	    "\tif (index >= %u)\n\t\treturn 0;\n\treturn %s_routines[index];\n}\n\n", demux,
	    subsystem->base, subsystem->count ? subsystem->count : 1, demux);
	text_add(text, "boolean_t\n%s(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)\n{\n"
	    "\tmig_reply_header_t *reply = (mig_reply_header_t *)OutHeadP;\n"
	    "\tmig_routine_t routine = %s_routine(InHeadP);\n\n", demux, demux);
	text_add(text, "\t__builtin_memset(reply, 0, sizeof(*reply));\n"
	    "\treply->Head.msgh_bits = MACH_MSGH_BITS(%s(InHeadP->msgh_bits), 0);\n"
	    "\treply->Head.msgh_size = %u;\n"
	    "\treply->Head.msgh_remote_port = InHeadP->%s;\n"
	    "\treply->Head.msgh_local_port = MACH_PORT_NULL;\n"
	    "\treply->Head.msgh_seqno = 0;\n"
	    "\treply->Head.msgh_id = (mach_msg_id_t)((unsigned)InHeadP->msgh_id + 100u);\n"
	    "\treply->RetCodeType = MIG_TYPE(MACH_MSG_TYPE_INTEGER_32, 32, 1, 1, 0, 0);\n"
	    "\treply->RetCode = MIG_BAD_ID;\n"
	    "\tif (routine == 0)\n\t\treturn FALSE;\n"
	    "\troutine(InHeadP, OutHeadP);\n\treturn TRUE;\n}\n", server_reply_bits(&server),
	    LAYOUT_REPLY, server_reply_field(&server));
}

void
server_write(struct text *text, const struct subsystem *subsystem)
{
	stub_prologue(text, subsystem, IMPORT_SERVER);
	header_server_symbols(text, subsystem);
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next) {
		routine_server_declare(text, subsystem, routine);
		text_add(text, ";\n\n");
	}
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next)
		server_routine(text, subsystem, routine);
	server_array(text, subsystem, "mig_routine_t", "routines", server_table_entry);
	/* a kernel runs the routines that only answer without making a message of the answer */
	if (subsystem->kernel_server)
		server_array(text, subsystem, "unsigned", "reply_sizes", server_reply_size_entry);
	server_demux(text, subsystem);
}
