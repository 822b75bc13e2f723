/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of a server's stub that deals with the reply: room for the results before the routine
 * is called, the message around them afterwards.
 *
 * OBJECT    struct server, on the stack of server.c
 * TESTS     tests/unit/mig
 *
 * Arrays are built where they would lie if everything before them had its largest size, and move
 * down when the real sizes are known: downwards only, and in order, so nothing is overwritten
 * before it has moved.
 */
#include "server_reply.h"

/* A task's names have 4 bytes in arrays and 8 in messages; the kernel's pointers have 8 in both. */
bool
server_expands(const struct server *server, const struct type *type)
{
	return type->port && type->array && !server->subsystem->kernel_server;
}

/* Is the array of this argument built in the reply, and not only read from the request? */
bool
server_in_place(const struct argument *argument)
{
	return argument->reply && argument->type->array && argument->type->form != FORM_OUT;
}

static const struct item *
server_request_item(const struct server *server, const struct argument *argument, enum item_kind kind)
{
	for (const struct item *item = server->request.items; item != NULL; item = item->next)
		if (item->argument == argument && item->kind == kind)
			return item;
	return NULL;
}

static void
server_prepare_array(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *name = item->argument->name;

	if (server_expands(server, type))
		text_add(text, "\t%s = %sMem;\n", name, name);
	else
		text_add(text, "\t%s = (void *)((char *)OutHeadP + %u);\n", name, item->offset);
	if (type->form == FORM_FIXED && !item->argument->request)
		text_add(text, "\t__builtin_memset(%s, 0, %u);\n", name,
		    server_expands(server, type) ? 4 * type->count : item->bytes);
	if (type->string && type->form == FORM_VARIABLE)
		text_add(text, "\t%s[0] = 0;\n", name);
}

/* The value an inout argument has when the routine is called. */
static void
server_prepare_inout(const struct server *server, const struct item *item)
{
	const struct item *from = server_request_item(server, item->argument, ITEM_DATA);
	const char *field, *name = item->argument->name;
	const struct type *type = item->type;

	if (from == NULL || !server_in_place(item->argument))
		return;
	field = stub_field(&server->in, from);
	if (type_counted(type))
		text_add(server->text, "\t%sCnt = %sType.msgt_number / %uu;\n", name, field,
		    stub_element_number(type));
	text_add(server->text, "\t__builtin_memcpy(%s, %s, %s * %uu);\n", name, field,
	    type_counted(type) ? text_format("%sCnt", name) : text_format("%u", type->count),
	    stub_element_bytes(type));
}

static void
server_prepare_out(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *name = item->argument->name;
	const struct item *capacity = server_request_item(server, item->argument, ITEM_COUNT);

	if (type->array && type->form != FORM_OUT)
		server_prepare_array(server, item);
	else if (!item->argument->request)
		text_add(text, "\t__builtin_memset(&%s, 0, sizeof(%s));\n", name, name);
	if (argument_poly(item->argument, true, server->out.side) && !item->argument->request)
		text_add(text, "\t%sPoly = MACH_MSG_TYPE_PORT_SEND;\n", name);
	if (item->argument->dealloc == DEALLOC_MAYBE)
		text_add(text, "\t%sDealloc = FALSE;\n", name);
	if (item->argument->request) {
		server_prepare_inout(server, item);
		return;
	}
	if (!type_counted(type))
		return;
	text_add(text, "\t%sCnt = %u;\n", name, type->count);
	if (capacity != NULL)
		text_add(text, "\tif (%s < %sCnt)\n\t\t%sCnt = %s;\n", stub_field(&server->in, capacity),
		    name, name, stub_field(&server->in, capacity));
}

void
server_prepare(const struct server *server)
{
	for (const struct item *item = server->reply.items; item != NULL; item = item->next)
		server_prepare_out(server, item);
}

static const char *
server_code(const struct server *server, const struct item *item)
{
	if (argument_poly(item->argument, true, server->out.side))
		return text_format("%sPoly", item->argument->name);
	return type_code_name(argument_send_code(item->argument, true, server->out.side));
}

static const char *
server_dealloc(const struct item *item)
{
	if (item->argument->dealloc == DEALLOC_MAYBE)
		return text_format("(%sDealloc != 0)", item->argument->name);
	return item->argument->dealloc == DEALLOC_YES ? "1" : "0";
}

/* Elements from where the routine put them to where they belong. */
static void
server_move(const struct server *server, const struct item *item, const char *count,
    const char *member)
{
	const char *field = stub_field(&server->out, item);
	const char *name = item->argument->name;

	if (server_expands(server, item->type))
		text_add(server->text, "\tfor (unsigned mig_i = 0; mig_i < %s; mig_i++) {\n"
		    "\t\t%s%s[mig_i].slot = 0;\n\t\t%s%s[mig_i].port = %s[mig_i];\n\t}\n", count, field,
		    member, field, member, name);
	else if (item->segment != 0)
		text_add(server->text, "\t__builtin_memmove(%s%s, %s, %s * %uu);\n", field, member, name,
		    count, stub_element_bytes(item->type));
}

static void
server_pack_fixed(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *field = stub_field(&server->out, item);
	const char *name = item->argument->name;
	const char *value = name;

	if (type->outtran.function != NULL)
		value = text_format("%s(%s)", type->outtran.function, name);
	if (type->array) {
		server_move(server, item, text_format("%u", type->count), "");
		if (type->string)
			text_add(text, "\t%s[%u] = 0;\n", field, item->bytes - 1);
	} else if (type->port) {
		text_add(text, "\t%s.slot = 0;\n\t%s.port = %s;\n", field, field, value);
	} else {
		text_add(text, "\t%s = %s;\n", field, value);
	}
	stub_type(&server->out, item, server_code(server, item), NULL, NULL, NULL);
	stub_pad(&server->out, item);
}

/* Inline data of variable length; its descriptor is written after the data has moved over it. */
static void
server_pack_variable(const struct server *server, const struct item *item, const char *member)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *name = item->argument->name;
	const char *count = text_format("%sCnt", name);

	if (type->string) {
		text_add(text, "\t%s[%u] = 0;\n\tmig_number = mig_string(%s, %u);\n", name,
		    item->bytes - 1, name, item->bytes);
		server_move(server, item, "mig_number", member);
		stub_type(&server->out, item, server_code(server, item), "mig_number", "1", "0");
	} else {
		text_add(text, "\tmig_number = %s * %uu;\n", count, stub_element_bytes(type));
		server_move(server, item, count, member);
		stub_type(&server->out, item, server_code(server, item),
		    text_format("%s * %uu", count, stub_element_number(type)), "1", "0");
	}
	stub_tail(&server->out, item, "mig_number");
	text_add(text, "\tmig_length = MIG_PADDED(mig_number);\n");
}

/* Still in the room the stub gave, or out of line in memory of the routine's own. */
static void
server_pack_indefinite(const struct server *server, const struct item *item)
{
	struct text *text = server->text;
	const struct type *type = item->type;
	const char *field = stub_field(&server->out, item);
	const char *name = item->argument->name;
	const char *room = server_expands(server, type) ? text_format("%sMem", name) :
	    text_format("(void *)((char *)OutHeadP + %u)", item->offset);

	text_add(text, "\tif ((void *)%s != %s) {\n"
	    "\t\t%s.Out = (void *)%s;\n"
	    "\t\t%sType = MIG_TYPE(%s, %u, %sCnt * %uu, 0, 1, %s);\n"
	    "\t\tmig_length = 8;\n", name, room, field, name, field, server_code(server, item),
	    type->port ? 32 : type->bits, name, stub_element_number(type), server_dealloc(item));
	text_add(text, "\t\tOut0P->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;\n\t} else {\n"
	    "\t\tif (%sCnt > %u)\n\t\t\t%sCnt = %u;\n", name, type->count, name, type->count);
	text->indent++;
	server_pack_variable(server, item, ".Data");
	text->indent--;
	text_add(text, "\t}\n");
}

static void
server_pack_out(const struct server *server, const struct item *item)
{
	const struct type *type = item->type;
	const char *name = item->argument->name;

	text_add(server->text, "\t%s = %s;\n", stub_field(&server->out, item), name);
	stub_type(&server->out, item, server_code(server, item), type_counted(type) ?
	    text_format("%sCnt * %uu", name, stub_element_number(type)) : NULL, NULL,
	    server_dealloc(item));
}

static void
server_pack(const struct server *server, const struct item *item)
{
	struct text *text = server->text;

	switch (item->type->form) {
	case FORM_FIXED:
		server_pack_fixed(server, item);
		break;
	case FORM_VARIABLE:
		/* a routine that claims more than there is room for must not leak the room's end */
		if (!item->type->string)
			text_add(text, "\tif (%sCnt > %u)\n\t\t%sCnt = %u;\n", item->argument->name,
			    item->type->count, item->argument->name, item->type->count);
		server_pack_variable(server, item, "");
		break;
	case FORM_INDEFINITE:
		server_pack_indefinite(server, item);
		break;
	case FORM_OUT:
		server_pack_out(server, item);
		break;
	}
	if (item->variable) {
		text_add(text, "\tmig_size += mig_length;\n");
		stub_next(&server->out, &server->reply, item);
	}
}

/* The message around the results of a routine that succeeded. */
void
server_reply(const struct server *server)
{
	struct text *text = server->text;
	bool complex = server->reply.complex_must;

	for (const struct item *item = server->reply.items; item != NULL; item = item->next)
		complex = complex || item->type->port || item->type->form == FORM_OUT;
	if (complex)
		text_add(text, "\tOut0P->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;\n");
	for (const struct item *item = server->reply.items; item != NULL; item = item->next)
		server_pack(server, item);
	if (server->reply.least != server->reply.most)
		text_add(text, "\tOut0P->Head.msgh_size = mig_size;\n");
	else
		text_add(text, "\tOut0P->Head.msgh_size = %u;\n", server->reply.most);
}
