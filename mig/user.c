/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callers' stubs: put arguments into a request, send it, take the reply apart.
 *
 * RIGHTS    a request that was not sent left everything with the caller, unless mach_msg says
 *           otherwise; a reply that fails its checks is destroyed with what it carries
 * TESTS     tests/unit/mig: round trips, golden files
 */
#include "user.h"

#include "header.h"
#include "stub.h"

struct user {
	const struct subsystem	*subsystem;
	const struct routine	*routine;
	struct stub		in;		/* request, written */
	struct stub		out;		/* reply, read */
	struct message		request;
	struct message		reply;
	struct text		*text;
};

/* Refuse what has no meaning for a caller inside the kernel. */
void
user_check(const struct subsystem *subsystem)
{
	if (!subsystem->kernel_user)
		return;
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next)
		if (routine_replies(routine))
			error_at(routine->place, "routine %s: the kernel does not wait for replies of tasks; "
			    "only simple routines can be called from it", routine->name);
}

/* Leave the stub with a code. */
static void
user_leave(const struct user *user, const char *indent, const char *code)
{
	const struct routine *routine = user->routine;

	switch (routine->kind) {
	case ROUTINE:
	case ROUTINE_SIMPLE:
		text_add(user->text, "%sreturn %s;\n", indent, code);
		break;
	case ROUTINE_FUNCTION:
		text_add(user->text, "%s%s(%s);\n%sreturn mig_value;\n", indent, routine->error_procedure,
		    code, indent);
		break;
	default:
		text_add(user->text, "%s%s(%s);\n%sreturn;\n", indent, routine->error_procedure, code,
		    indent);
		break;
	}
}

static const char *
user_value(const struct item *item)
{
	if (argument_by_reference(item->argument))
		return text_format("(*%s)", item->argument->name);
	return item->argument->name;
}

static const char *
user_count(const struct item *item)
{
	return text_format("%s%sCnt", item->argument->reply ? "*" : "", item->argument->name);
}

static const char *
user_code(const struct user *user, const struct item *item)
{
	if (argument_poly(item->argument, false, user->in.side))
		return text_format("%s%sPoly", item->argument->reply ? "*" : "", item->argument->name);
	return type_code_name(item->type->in_code);
}

/* Copy count elements into the message; count is an expression. */
static void
user_copy_in(const struct user *user, const struct item *item, const char *count, const char *member)
{
	const char *field = stub_field(&user->in, item);
	const struct type *type = item->type;
	const char *value = item->argument->name;

	if (type->port)
		text_add(user->text, "\tfor (unsigned mig_i = 0; mig_i < %s; mig_i++) {\n"
		    "\t\t%s%s[mig_i].slot = 0;\n\t\t%s%s[mig_i].port = %s[mig_i];\n\t}\n", count, field,
		    member, field, member, value);
	else
		text_add(user->text, "\t__builtin_memcpy(%s%s, %s, %s * %uu);\n", field, member, value,
		    count, stub_element_bytes(type));
}

static void
user_pack_fixed(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const char *field = stub_field(&user->in, item);
	const struct type *type = item->type;

	stub_type(&user->in, item, user_code(user, item), NULL, NULL, NULL);
	if (type->string)
		text_add(text, "\t__builtin_memset(%s, 0, %u);\n\tmig_strncpy(%s, %s, %u);\n"
		    "\t%s[%u] = 0;\n", field, item->bytes, field, item->argument->name, item->bytes, field,
		    item->bytes - 1);
	else if (type->array)
		user_copy_in(user, item, text_format("%u", type->count), "");
	else if (type->port)
		text_add(text, "\t%s.slot = 0;\n\t%s.port = %s;\n", field, field, user_value(item));
	else
		text_add(text, "\t%s = %s;\n", field, user_value(item));
	stub_pad(&user->in, item);
}

static void
user_pack_string(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const char *field = stub_field(&user->in, item);

	text_add(text, "\tmig_strncpy(%s, %s, %u);\n\t%s[%u] = 0;\n"
	    "\tmig_number = mig_string(%s, %u);\n", field, item->argument->name,
	    item->bytes, field, item->bytes - 1, field, item->bytes);
	stub_type(&user->in, item, user_code(user, item), "mig_number", NULL, NULL);
	stub_tail(&user->in, item, "mig_number");
	text_add(text, "\tmig_length = MIG_PADDED(mig_number);\n");
}

static void
user_pack_variable(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const struct type *type = item->type;
	const char *count = user_count(item);
	const char *number = text_format("%s * %uu", count, stub_element_number(type));

	text_add(text, "\tif (%s > %u) {\n", count, type->count);
	user_leave(user, "\t\t", "MIG_ARRAY_TOO_LARGE");
	text_add(text, "\t}\n");
	stub_type(&user->in, item, user_code(user, item), number, NULL, NULL);
	user_copy_in(user, item, count, "");
	text_add(text, "\tmig_number = %s * %uu;\n", count, stub_element_bytes(type));
	stub_tail(&user->in, item, "mig_number");
	text_add(text, "\tmig_length = MIG_PADDED(mig_number);\n");
}

static const char *
user_dealloc(const struct item *item)
{
	if (item->argument->dealloc == DEALLOC_MAYBE)
		return text_format("(%sDealloc != 0)", item->argument->name);
	return item->argument->dealloc == DEALLOC_YES ? "1" : "0";
}

static void
user_pack_indefinite(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const struct type *type = item->type;
	const char *field = stub_field(&user->in, item);
	const char *count = user_count(item);
	const char *number = text_format("%s * %uu", count, stub_element_number(type));
	const char *code = user_code(user, item);

	text_add(text, "\tif (%s > %u) {\n", count, type->count);
	text_add(text, "\t\t%sType = MIG_TYPE(%s, %u, %s, 0, 1, %s);\n", field, code,
	    type->port ? 32 : type->bits, number, user_dealloc(item));
	text_add(text, "\t\t%s.Out = (void *)%s;\n\t\tmig_length = 8;\n\t\tmig_complex = 1;\n\t} else {\n",
	    field, item->argument->name);
	text->indent++;
	stub_type(&user->in, item, code, number, "1", "0");
	user_copy_in(user, item, count, ".Data");
	text_add(text, "\tmig_number = %s * %uu;\n", count, stub_element_bytes(type));
	stub_tail(&user->in, item, "mig_number");
	text_add(text, "\tmig_length = MIG_PADDED(mig_number);\n");
	/* the data went along as a copy, so giving it away means freeing it here */
	if (item->argument->dealloc != DEALLOC_NO)
		text_add(text, "\tif (%s)\n\t\tmig_deallocate((vm_address_t)%s, %s * %uu);\n",
		    user_dealloc(item), item->argument->name, count,
		    type->port ? 4 : stub_element_bytes(type));
	text->indent--;
	text_add(text, "\t}\n");
}

static void
user_pack_out(const struct user *user, const struct item *item)
{
	const struct type *type = item->type;
	const char *number = NULL;

	if (type_counted(type))
		number = text_format("%s * %uu", user_count(item), stub_element_number(type));
	stub_type(&user->in, item, user_code(user, item), number, NULL, user_dealloc(item));
	text_add(user->text, "\t%s = %s;\n", stub_field(&user->in, item), user_value(item));
}

static void
user_pack_count(const struct user *user, const struct item *item)
{
	const char *field = stub_field(&user->in, item);
	const char *name = item->argument->name;

	stub_type(&user->in, item, NULL, NULL, NULL, NULL);
	text_add(user->text, "\t%s = *%sCnt < %u ? *%sCnt : %u;\n", field, name, item->type->count, name,
	    item->type->count);
	text_add(user->text, "\t__builtin_memset(%sPad, 0, 4);\n", field);
}

static void
user_pack(const struct user *user)
{
	for (const struct item *item = user->request.items; item != NULL; item = item->next) {
		if (item->kind == ITEM_COUNT)
			user_pack_count(user, item);
		else if (item->type->form == FORM_OUT)
			user_pack_out(user, item);
		else if (item->type->form == FORM_INDEFINITE)
			user_pack_indefinite(user, item);
		else if (item->type->form == FORM_FIXED)
			user_pack_fixed(user, item);
		else if (item->type->string)
			user_pack_string(user, item);
		else
			user_pack_variable(user, item);
		if (item->variable) {
			text_add(user->text, "\tmig_size += mig_length;\n");
			stub_next(&user->in, &user->request, item);
		}
	}
}

/* The kind of right in the header, a constant or the caller's word. */
static const char *
user_header_code(const struct argument *argument)
{
	if (argument->type->in_code == CODE_POLYMORPHIC)
		return text_format("%sPoly", argument->name);
	return type_code_name(argument->type->in_code);
}

static void
user_header(const struct user *user)
{
	struct text *text = user->text;
	const struct routine *routine = user->routine;
	const char *reply_code = "0", *reply_port = "MACH_PORT_NULL";
	const char *complex = user->request.complex_must ? "MACH_MSGH_BITS_COMPLEX" : NULL;

	if (routine->reply_port != NULL) {
		reply_code = user_header_code(routine->reply_port);
		if (routine->reply_port->type->in_code != CODE_POLYMORPHIC)
			reply_code = text_format("(%s != MACH_PORT_NULL ? %s : 0)",
			    routine->reply_port->name, reply_code);
		reply_port = routine->reply_port->name;
	} else if (routine_replies(routine)) {
		reply_code = "MACH_MSG_TYPE_MAKE_SEND_ONCE";
		reply_port = "mig_port";
	}
	if (complex == NULL && user->request.complex_may)
		complex = "(mig_complex ? MACH_MSGH_BITS_COMPLEX : 0)";
	text_add(text, "\tIn0P->Head.msgh_bits = MACH_MSGH_BITS((unsigned)%s, (unsigned)%s)%s%s;\n",
	    user_header_code(routine->request_port), reply_code, complex ? " |\n\t    " : "",
	    complex ? complex : "");
	text_add(text, "\tIn0P->Head.msgh_size = mig_size;\n"
	    "\tIn0P->Head.msgh_remote_port = %s;\n"
	    "\tIn0P->Head.msgh_local_port = %s;\n"
	    "\tIn0P->Head.msgh_seqno = 0;\n"
	    "\tIn0P->Head.msgh_id = %lu;\n", routine->request_port->name, reply_port,
	    user->subsystem->base + routine->index);
}

static const char *
user_options(const struct user *user, const char *halves)
{
	const struct routine *routine = user->routine;
	bool wait = routine->wait_time != NULL || routine->wait_default != NULL;
	const char *timeout = "";
	const char *option = "";

	if (wait)
		timeout = routine_replies(routine) ? " | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT" :
		    " | MACH_SEND_TIMEOUT";
	if (routine->option != NULL)
		option = text_format(" | %s", routine->option->name);
	else if (routine->option_default != NULL)
		option = text_format(" | (%s)", routine->option_default);
	return text_format("%s%s%s", halves, timeout, option);
}

static const char *
user_timeout(const struct user *user)
{
	if (user->routine->wait_time != NULL)
		return user->routine->wait_time->name;
	if (user->routine->wait_default != NULL)
		return user->routine->wait_default;
	return "MACH_MSG_TIMEOUT_NONE";
}

static void
user_send_simple(const struct user *user)
{
	if (user->subsystem->kernel_user)
		text_add(user->text, "\tmig_result = mach_msg_send_from_kernel(&In0P->Head, mig_size);\n");
	else
		text_add(user->text, "\tmig_result = mach_msg(&In0P->Head, %s,\n"
		    "\t    mig_size, 0, MACH_PORT_NULL, %s, MACH_PORT_NULL);\n",
		    user_options(user, "MACH_SEND_MSG"), user_timeout(user));
}

static void
user_send(const struct user *user)
{
	struct text *text = user->text;
	bool own = user->routine->reply_port == NULL;

	text_add(text, "\tmig_result = mach_msg(&In0P->Head, %s,\n"
	    "\t    mig_size, %u, mig_port, %s, MACH_PORT_NULL);\n",
	    user_options(user, "MACH_SEND_MSG | MACH_RCV_MSG"), user->reply.most, user_timeout(user));
	text_add(text, "\tif (mig_result != MACH_MSG_SUCCESS) {\n");
	/* what did arrive of a reply that is not whole */
	if (user->reply.complex_may || user->reply.complex_must)
		text_add(text, "\t\tif ((mig_result & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR)\n"
		    "\t\t\tmach_msg_destroy(&Out0P->Head);\n");
	/* a reply may still be on its way to that port */
	if (own)
		text_add(text, "\t\tmig_dealloc_reply_port(mig_port);\n");
	user_leave(user, "\t\t", "mig_result");
	text_add(text, "\t}\n");
	if (own)
		text_add(text, "\tmig_put_reply_port(mig_port);\n");
}

static void
user_check_reply(const struct user *user)
{
	struct text *text = user->text;

	/* 71: the send-once right to the reply port died unused */
	text_add(text, "\tif (Out0P->Head.msgh_id != %lu) {\n"
	    "\t\tmig_result = Out0P->Head.msgh_id == 71 ? MIG_SERVER_DIED : MIG_REPLY_MISMATCH;\n"
	    "\t\tif (Out0P->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)\n"
	    "\t\t\tmach_msg_destroy(&Out0P->Head);\n",
	    user->subsystem->base + user->routine->index + 100);
	user_leave(user, "\t\t", "mig_result");
	text_add(text, "\t}\n"
	    "\tmig_left = Out0P->Head.msgh_size;\n"
	    "\tmig_complex = (Out0P->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;\n"
	    "\tif (mig_left < %u || Out0P->RetCodeType.msgt_number != 1 ||\n"
	    "\t    mig_word(&Out0P->RetCodeType) != MIG_WORD(MACH_MSG_TYPE_INTEGER_32, 32u, 1u))\n"
	    "\t\tgoto mig_bad;\n"
	    "\tif (Out0P->RetCode != KERN_SUCCESS) {\n"
	    "\t\tif (mig_left != %u || mig_complex)\n\t\t\tgoto mig_bad;\n"
	    "\t\tmig_result = Out0P->RetCode;\n", LAYOUT_REPLY, LAYOUT_REPLY);
	user_leave(user, "\t\t", "mig_result");
	text_add(text, "\t}\n");
	stub_check(&user->out, &user->reply);
}

/* Copy elements out of the message, as many as count says. */
static void
user_copy_out(const struct user *user, const struct item *item, const char *to, const char *count,
    const char *member)
{
	const char *field = stub_field(&user->out, item);
	const struct type *type = item->type;

	if (type->port)
		text_add(user->text, "\tfor (unsigned mig_i = 0; mig_i < %s; mig_i++)\n"
		    "\t\t%s[mig_i] = %s%s[mig_i].port;\n", count, to, field, member);
	else
		text_add(user->text, "\t__builtin_memcpy(%s, %s%s, %s * %uu);\n", to, field, member, count,
		    stub_element_bytes(type));
}

static void
user_unpack_variable(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const char *field = stub_field(&user->out, item);
	const char *name = item->argument->name;

	text_add(text, "\tmig_number = %sType.msgt_number / %uu;\n", field,
	    stub_element_number(item->type));
	if (item->type->string) {
		user_copy_out(user, item, name, "mig_number", "");
		return;
	}
	if (item->argument->count_in_out) {
		text_add(text, "\tif (mig_number > *%sCnt) {\n", name);
		text->indent++;
		user_copy_out(user, item, name, text_format("*%sCnt", name), "");
		text->indent--;
		text_add(text, "\t\tmig_result = MIG_ARRAY_TOO_LARGE;\n\t} else {\n");
		text->indent++;
		user_copy_out(user, item, name, "mig_number", "");
		text->indent--;
		text_add(text, "\t}\n");
	} else {
		user_copy_out(user, item, name, "mig_number", "");
	}
	text_add(text, "\t*%sCnt = mig_number;\n", name);
}

/* Data goes into the caller's array if it fits, else into new memory. */
static void
user_unpack_indefinite(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const char *field = stub_field(&user->out, item);
	const char *name = item->argument->name;
	const char *ctype = type_user(item->type);
	unsigned bytes = item->type->port ? 4 : stub_element_bytes(item->type);

	text_add(text, "\tmig_number = %sType.msgt_number / %uu;\n", field,
	    stub_element_number(item->type));
	text_add(text, "\tif (!%sType.msgt_inline) {\n"
	    "\t\t*%s = mig_number != 0 ? (%s)%s.Out : (%s)0;\n"
	    "\t} else {\n"
	    "\t\tif (mig_number > *%sCnt) {\n"
	    "\t\t\tvm_address_t mig_new = 0;\n\n"
	    "\t\t\tmig_allocate(&mig_new, mig_number * %uu);\n"
	    "\t\t\t*%s = (%s)mig_new;\n"
	    "\t\t\tif (mig_new == 0) {\n"
	    "\t\t\t\tmig_number = 0;\n"
	    "\t\t\t\tmig_result = KERN_RESOURCE_SHORTAGE;\n"
	    "\t\t\t}\n\t\t}\n", field, name, ctype, field, ctype, name, bytes, name, ctype);
	text->indent++;
	user_copy_out(user, item, text_format("(*%s)", name), "mig_number", ".Data");
	text->indent--;
	text_add(text, "\t}\n\t*%sCnt = mig_number;\n", name);
}

static void
user_unpack(const struct user *user, const struct item *item)
{
	struct text *text = user->text;
	const char *field = stub_field(&user->out, item);
	const char *name = item->argument->name;
	const struct type *type = item->type;

	if (argument_poly(item->argument, true, user->out.side))
		text_add(text, "\t*%sPoly = %sType.msgt_name;\n", name, field);
	if (item->argument == user->routine->value) {
		text_add(text, "\tmig_value = %s;\n", field);
		return;
	}
	switch (type->form) {
	case FORM_FIXED:
		if (type->string)
			text_add(text, "\t__builtin_memcpy(%s, %s, %u);\n", name, field, item->bytes);
		else if (type->array)
			user_copy_out(user, item, name, text_format("%u", type->count), "");
		else
			text_add(text, "\t*%s = %s%s;\n", name, field, type->port ? ".port" : "");
		break;
	case FORM_VARIABLE:
		user_unpack_variable(user, item);
		break;
	case FORM_INDEFINITE:
		user_unpack_indefinite(user, item);
		break;
	case FORM_OUT:
		text_add(text, "\t*%s = %sType.msgt_number != 0 ? %s : (%s)0;\n", name, field, field,
		    type_user(type));
		if (type_counted(type))
			text_add(text, "\t*%sCnt = %sType.msgt_number / %uu;\n", name, field,
			    stub_element_number(type));
		break;
	}
}

static bool
user_has_variable(const struct message *message)
{
	return message->least != message->most;
}

/* Locals of one stub: only those its code uses, since unused ones are errors. */
static void
user_locals(const struct user *user)
{
	struct text *text = user->text;
	const struct routine *routine = user->routine;
	bool replies = routine_replies(routine);
	bool variable = user_has_variable(&user->request);

	stub_structs(&user->in, &user->request);
	if (replies)
		stub_structs(&user->out, &user->reply);
	text_add(text, "\tunion {\n\t\tmach_msg_header_t Head;\n\t\tstruct mig_request In;\n");
	if (replies)
		text_add(text, "\t\tstruct mig_reply Out;\n");
	text_add(text, "\t\tchar Bytes[%u];\n\t} __attribute__((aligned(8))) mig_message;\n",
	    replies && user->reply.most > user->request.most ? user->reply.most : user->request.most);
	text_add(text, "\tstruct mig_request *const In0P = &mig_message.In;\n");
	stub_segments(&user->in, &user->request);
	if (replies) {
		text_add(text, "\tstruct mig_reply *const Out0P = &mig_message.Out;\n");
		stub_segments(&user->out, &user->reply);
		text_add(text, "\tmach_port_t mig_port;\n\tunsigned mig_left;\n");
	}
	text_add(text, "\tmach_msg_return_t mig_result;\n");
	text_add(text, "\tmach_msg_size_t mig_size = %u;\n", user->request.least);
	if (variable || (replies && user_has_variable(&user->reply)))
		text_add(text, "\tunsigned mig_length __attribute__((unused)), "
		    "mig_number __attribute__((unused));\n");
	if (replies || (user->request.complex_may && !user->request.complex_must))
		text_add(text, "\tint mig_complex __attribute__((unused)) = 0;\n");
	if (routine->kind == ROUTINE_FUNCTION)
		text_add(text, "\t%s mig_value;\n", type_user(routine->value->type));
	text_add(text, "\n");
	if (routine->kind == ROUTINE_FUNCTION)
		text_add(text, "\t__builtin_memset(&mig_value, 0, sizeof(mig_value));\n");
}

/* Pointers and rights that are present always make a message complex. */
static void
user_complex(const struct user *user)
{
	if (user->request.complex_must || !user->request.complex_may)
		return;
	for (const struct item *item = user->request.items; item != NULL; item = item->next) {
		if (item->kind == ITEM_DATA && (item->type->form == FORM_OUT || item->type->port)) {
			text_add(user->text, "\tmig_complex = 1;\n");
			return;
		}
	}
}

static void
user_finish(const struct user *user)
{
	struct text *text = user->text;
	const struct routine *routine = user->routine;

	for (const struct item *item = user->reply.items; item != NULL; item = item->next)
		user_unpack(user, item);
	if (routine->user_seqno != NULL)
		text_add(text, "\t*%s = Out0P->Head.msgh_seqno;\n", routine->user_seqno->name);
	switch (routine->kind) {
	case ROUTINE:
		text_add(text, "\treturn mig_result;\n");
		break;
	case ROUTINE_FUNCTION:
		text_add(text, "\tif (mig_result != KERN_SUCCESS)\n\t\t%s(mig_result);\n\treturn mig_value;\n",
		    routine->error_procedure);
		break;
	default:
		text_add(text, "\tif (mig_result != KERN_SUCCESS)\n\t\t%s(mig_result);\n\treturn;\n",
		    routine->error_procedure);
		break;
	}
	/* nothing was taken out yet */
	text_add(text, "mig_bad:\n\tif (mig_complex)\n\t\tmach_msg_destroy(&Out0P->Head);\n");
	user_leave(user, "\t", "MIG_TYPE_ERROR");
}

static void
user_routine(struct text *text, const struct subsystem *subsystem, const struct routine *routine)
{
	struct side side = { .kernel = subsystem->kernel_user, .server = false };
	struct user user = {
		.subsystem = subsystem,
		.routine = routine,
		.in = { text, side, "request", "In" },
		.out = { text, side, "reply", "Out" },
		.request = layout_message(routine, false),
		.reply = layout_message(routine, true),
		.text = text,
	};

	text_add(text, "/* %lu */\n", subsystem->base + routine->index);
	routine_user_declare(text, subsystem, routine);
	text_add(text, "\n{\n");
	user_locals(&user);
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next)
		if (argument->role == ROLE_MESSAGE_TYPE)
			text_add(text, "\t(void)%s;\n", argument->name);
	user_complex(&user);
	user_pack(&user);
	if (routine_replies(routine))
		text_add(text, "\tmig_port = %s;\n", routine->reply_port != NULL ?
		    routine->reply_port->name : "mig_get_reply_port()");
	user_header(&user);
	if (routine_replies(routine)) {
		user_send(&user);
		user_check_reply(&user);
		user_finish(&user);
	} else {
		user_send_simple(&user);
		if (routine->kind == ROUTINE_SIMPLE) {
			text_add(text, "\treturn mig_result;\n");
		} else {
			text_add(text, "\tif (mig_result != MACH_MSG_SUCCESS)\n\t\t%s(mig_result);\n",
			    routine->error_procedure);
		}
	}
	text_add(text, "}\n\n");
}

static void
user_declare(struct text *text, const struct subsystem *subsystem, const struct routine *routine)
{
	if (routine->kind != ROUTINE && routine->kind != ROUTINE_SIMPLE)
		text_add(text, "extern void %s(kern_return_t);\n", routine->error_procedure);
	routine_user_declare(text, subsystem, routine);
	text_add(text, ";\n\n");
}

/* A file of its own for one routine, so that a library gives a program only what it calls. */
void
user_write_one(struct text *text, const struct subsystem *subsystem, const struct routine *routine)
{
	stub_prologue(text, subsystem, IMPORT_USER);
	user_declare(text, subsystem, routine);
	user_routine(text, subsystem, routine);
}

void
user_write(struct text *text, const struct subsystem *subsystem)
{
	stub_prologue(text, subsystem, IMPORT_USER);
	/* declarations first, so that a stub never goes without one */
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next)
		user_declare(text, subsystem, routine);
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next)
		user_routine(text, subsystem, routine);
}
