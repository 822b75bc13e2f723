/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of the definition language.
 *
 * OBJECT    struct type: made by the parser, fixed once declared; arguments point at it
 * TESTS     tests/unit/mig/layout (every type of every definition file)
 */
#include "type.h"

#include <string.h>

#include "text.h"

/* Names the message format itself defines. */
struct primitive {
	const char	*name;
	int		in_code;
	int		out_code;
	unsigned	bits;
};

/*
 * A right named only as its receiver sees it can be sent in several ways, so the sender says
 * which: in_code is polymorphic.
 */
static const struct primitive primitives[] = {
	{ "UNSTRUCTURED", CODE_BOOLEAN, CODE_BOOLEAN, 0 },
	{ "BIT", CODE_BOOLEAN, CODE_BOOLEAN, 1 },
	{ "BOOLEAN", CODE_BOOLEAN, CODE_BOOLEAN, 32 },
	{ "INTEGER_8", CODE_BYTE, CODE_BYTE, 8 },
	{ "INTEGER_16", CODE_INTEGER_16, CODE_INTEGER_16, 16 },
	{ "INTEGER_32", CODE_INTEGER_32, CODE_INTEGER_32, 32 },
	{ "INTEGER_T", CODE_INTEGER_32, CODE_INTEGER_32, 32 },
	{ "INTEGER_64", CODE_INTEGER_64, CODE_INTEGER_64, 64 },
	{ "CHAR", CODE_CHAR, CODE_CHAR, 8 },
	{ "BYTE", CODE_BYTE, CODE_BYTE, 8 },
	{ "REAL", CODE_REAL, CODE_REAL, 32 },
	{ "REAL_32", CODE_REAL, CODE_REAL, 32 },
	{ "REAL_64", CODE_REAL, CODE_REAL, 64 },
	{ "STRING", CODE_STRING, CODE_STRING, 0 },
	{ "STRING_C", CODE_STRING, CODE_STRING, 0 },
	{ "PORT_NAME", CODE_PORT_NAME, CODE_PORT_NAME, 32 },
	{ "MOVE_RECEIVE", CODE_MOVE_RECEIVE, CODE_MOVE_RECEIVE, 64 },
	{ "MOVE_SEND", CODE_MOVE_SEND, CODE_MOVE_SEND, 64 },
	{ "MOVE_SEND_ONCE", CODE_MOVE_SEND_ONCE, CODE_MOVE_SEND_ONCE, 64 },
	{ "COPY_SEND", CODE_COPY_SEND, CODE_MOVE_SEND, 64 },
	{ "MAKE_SEND", CODE_MAKE_SEND, CODE_MOVE_SEND, 64 },
	{ "MAKE_SEND_ONCE", CODE_MAKE_SEND_ONCE, CODE_MOVE_SEND_ONCE, 64 },
	{ "PORT_RECEIVE", CODE_POLYMORPHIC, CODE_MOVE_RECEIVE, 64 },
	{ "PORT_SEND", CODE_POLYMORPHIC, CODE_MOVE_SEND, 64 },
	{ "PORT_SEND_ONCE", CODE_POLYMORPHIC, CODE_MOVE_SEND_ONCE, 64 },
	{ "POLYMORPHIC", CODE_POLYMORPHIC, CODE_POLYMORPHIC, 64 },
};

static struct type *types;

const struct type *
type_lookup(const char *name)
{
	for (const struct type *type = types; type != NULL; type = type->next)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

void
type_declare(struct type *type)
{
	if (type_lookup(type->name) != NULL)
		error_warn(type->place, "type %s is declared again", type->name);
	type->next = types;
	types = type;
}

static struct type *
type_create(struct place place)
{
	struct type *type = text_alloc(sizeof(*type));

	type->place = place;
	type->number = 1;
	type->align = 1;
	return type;
}

/* A copy of what travels, without what the original is called in C. */
static struct type *
type_derive(const struct type *base, struct place place)
{
	struct type *type = type_create(place);

	*type = *base;
	type->next = NULL;
	type->place = place;
	type->name = NULL;
	type->ctype = type->user_ctype = type->server_ctype = NULL;
	memset(&type->intran, 0, sizeof(type->intran));
	memset(&type->outtran, 0, sizeof(type->outtran));
	memset(&type->destructor, 0, sizeof(type->destructor));
	memset(&type->intranpayload, 0, sizeof(type->intranpayload));
	return type;
}

static bool
type_code_is_port(int code)
{
	return code == CODE_POLYMORPHIC || (code >= CODE_MOVE_RECEIVE && code <= CODE_MAKE_SEND_ONCE);
}

static const struct primitive *
type_primitive(const char *name)
{
	static const char prefix[] = "MACH_MSG_TYPE_";
	const char *rest = name + sizeof(prefix) - 1;

	if (strcmp(name, "polymorphic") == 0)
		rest = "POLYMORPHIC";
	else if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++)
		if (strcmp(primitives[i].name, rest) == 0)
			return &primitives[i];
	return NULL;
}

/* A type by name: one declared before, or one the message format defines. */
struct type *
type_named(struct place place, const char *name)
{
	const struct type *old = type_lookup(name);
	const struct primitive *primitive;
	struct type *type;

	if (old != NULL)
		return type_derive(old, place);
	primitive = type_primitive(name);
	if (primitive == NULL)
		error_stop(place, "type '%s' is not declared", name);
	type = type_create(place);
	type->in_code = primitive->in_code;
	type->out_code = primitive->out_code;
	type->bits = primitive->bits;
	type->port = type_code_is_port(primitive->out_code);
	type->align = primitive->bits >= 8 ? primitive->bits / 8 : 1;
	type->string = primitive->in_code == CODE_STRING;
	return type;
}

struct type *
type_pair(struct place place, const char *in, const char *out)
{
	struct type *type = type_named(place, in);
	const struct type *receiver = type_named(place, out);

	if (type->bits != receiver->bits || type->port != receiver->port)
		error_stop(place, "%s | %s: the two sides are not of the same kind", in, out);
	type->out_code = receiver->out_code;
	return type;
}

/* (NAME, bits): one element of that many bits. */
struct type *
type_sized(struct type *base, struct place place, unsigned long bits)
{
	if (base->port) {
		/* 32 was the size of a port in messages of 32-bit systems */
		if (bits != 32 && bits != 64)
			error_stop(place, "a port right has 64 bits");
		return base;
	}
	if (bits == 0 || bits > 0xffff || bits % 8 != 0)
		error_stop(place, "size %lu: a type has 8 to 65528 bits, a multiple of 8", bits);
	if (base->bits != 0 && bits % base->bits != 0)
		error_stop(place, "size %lu is not a multiple of the type's %u bits", bits, base->bits);
	if (base->string) {
		base->bits = (unsigned)bits;
		base->array = true;
		base->count = (unsigned)(bits / 8);
	} else if (base->bits == 0) {
		base->bits = (unsigned)bits;
		base->structured = true;
	} else {
		base->number = (unsigned)(bits / base->bits);
		base->structured = base->structured || base->number != 1;
	}
	return base;
}

static void
type_check_element(const struct type *element, struct place place, unsigned long count)
{
	if (element->form != FORM_FIXED || element->array)
		error_stop(place, "this type cannot be an element of an array");
	if (element->bits == 0)
		error_stop(place, "the size of the element is not known");
	if (count > 0x1000000 / (type_bytes(element) ? type_bytes(element) : 1))
		error_stop(place, "an array of %lu elements is too large for a message", count);
}

struct type *
type_array(const struct type *element, struct place place, unsigned long count)
{
	struct type *type;

	if (count == 0)
		error_stop(place, "an array has at least one element");
	type_check_element(element, place, count);
	type = type_derive(element, place);
	type->element = element;
	type->count = (unsigned)count;
	type->number = element->number * type->count;
	type->array = true;
	type->structured = false;
	return type;
}

/* count 0: indefinite. */
struct type *
type_variable(const struct type *element, struct place place, unsigned long count)
{
	struct type *type;
	enum type_form form = FORM_VARIABLE;

	type_check_element(element, place, count);
	if (count == 0) {
		form = FORM_INDEFINITE;
		count = TYPE_INDEFINITE_BYTES / type_bytes(element);
		if (count == 0)
			error_stop(place, "the element is larger than %u bytes", TYPE_INDEFINITE_BYTES);
	}
	type = type_array(element, place, count);
	type->form = form;
	return type;
}

struct type *
type_pointer(const struct type *base, struct place place)
{
	struct type *type = type_derive(base, place);

	if (base->form == FORM_OUT)
		error_stop(place, "a pointer to a pointer cannot be sent");
	if (base->form == FORM_INDEFINITE) {
		type->count = 0;
		type->number = 0;
	} else if (base->form == FORM_VARIABLE) {
		error_stop(place, "out-of-line arrays have no maximum: write ^array[] of");
	}
	if (base->string)
		error_stop(place, "a string cannot be sent out of line");
	if (!base->array)
		type->element = base;
	type->form = FORM_OUT;
	type->longform = true;
	return type;
}

/* struct[count] of element: one C value. */
struct type *
type_repeat(const struct type *element, struct place place, unsigned long count)
{
	struct type *type = type_array(element, place, count);

	if (element->port)
		error_stop(place, "a struct cannot hold port rights: use an array");
	type->array = false;
	type->structured = true;
	type->element = NULL;
	return type;
}

struct type *
type_string(struct place place, unsigned long count, bool variable)
{
	struct type *type = type_create(place);

	if (count == 0 || count > 0x100000)
		error_stop(place, "a string of %lu bytes cannot be sent", count);
	type->in_code = type->out_code = CODE_STRING;
	type->bits = 8;
	type->number = (unsigned)count;
	type->count = (unsigned)count;
	type->form = variable ? FORM_VARIABLE : FORM_FIXED;
	type->string = true;
	type->array = true;
	return type;
}

struct type *
type_polymorphic(struct place place)
{
	return type_named(place, "MACH_MSG_TYPE_POLYMORPHIC");
}

/*
 * struct { ... }: sent as integers of the widest member's size, so that a message never hides
 * integers wider than its descriptor says.
 */
struct type *
type_opaque(struct place place, unsigned long bytes, unsigned align)
{
	struct type *type = type_create(place);
	unsigned long size = (bytes + align - 1) / align * align;

	if (size == 0)
		error_stop(place, "a struct without members cannot be sent");
	if (size > 0x100000)
		error_stop(place, "a struct of %lu bytes is too large for a message", size);
	type->in_code = align == 8 ? CODE_INTEGER_64 : align == 4 ? CODE_INTEGER_32 :
	    align == 2 ? CODE_INTEGER_16 : CODE_BYTE;
	type->out_code = type->in_code;
	type->bits = align * 8;
	type->align = align;
	type->number = (unsigned)(size / align);
	type->structured = true;
	return type;
}

/* Bytes of one value inline, at most; for ports those of the message's 8-byte slots. */
unsigned
type_bytes(const struct type *type)
{
	return (unsigned)(((unsigned long)type->bits * type->number + 7) / 8);
}

const char *
type_code_name(int code)
{
	switch (code) {
	case CODE_BOOLEAN:		return "MACH_MSG_TYPE_BOOLEAN";
	case CODE_INTEGER_16:		return "MACH_MSG_TYPE_INTEGER_16";
	case CODE_INTEGER_32:		return "MACH_MSG_TYPE_INTEGER_32";
	case CODE_CHAR:			return "MACH_MSG_TYPE_CHAR";
	case CODE_BYTE:			return "MACH_MSG_TYPE_BYTE";
	case CODE_REAL:			return "MACH_MSG_TYPE_REAL";
	case CODE_INTEGER_64:		return "MACH_MSG_TYPE_INTEGER_64";
	case CODE_STRING:		return "MACH_MSG_TYPE_STRING";
	case CODE_PORT_NAME:		return "MACH_MSG_TYPE_PORT_NAME";
	case CODE_MOVE_RECEIVE:		return "MACH_MSG_TYPE_PORT_RECEIVE";
	case CODE_MOVE_SEND:		return "MACH_MSG_TYPE_PORT_SEND";
	case CODE_MOVE_SEND_ONCE:	return "MACH_MSG_TYPE_PORT_SEND_ONCE";
	case CODE_COPY_SEND:		return "MACH_MSG_TYPE_COPY_SEND";
	case CODE_MAKE_SEND:		return "MACH_MSG_TYPE_MAKE_SEND";
	case CODE_MAKE_SEND_ONCE:	return "MACH_MSG_TYPE_MAKE_SEND_ONCE";
	default:			return "MACH_MSG_TYPE_POLYMORPHIC";
	}
}

static const char *
type_plain(const struct type *type)
{
	if (type->ctype != NULL)
		return type->ctype;
	if (type->name != NULL)
		return type->name;
	if (type->port)
		return "mach_port_t";
	if (type->element != NULL && type->form == FORM_OUT)
		return text_format("%s *", type_plain(type->element));
	switch (type->bits) {
	case 16:	return "int16_t";
	case 32:	return "integer_t";
	case 64:	return "int64_t";
	default:	return "char";
	}
}

const char *
type_user(const struct type *type)
{
	return type->user_ctype != NULL ? type->user_ctype : type_plain(type);
}

/* As the server finds it in the message. */
const char *
type_server(const struct type *type)
{
	if (type->server_ctype != NULL)
		return type->server_ctype;
	if (type->ctype == NULL && type->intran.argument != NULL)
		return type->intran.argument;
	if (type->ctype == NULL && type->outtran.result != NULL)
		return type->outtran.result;
	return type_plain(type);
}

/* As the server's routine gets it, or gives it back. */
const char *
type_translated(const struct type *type, bool out)
{
	if (out)
		return type->outtran.function != NULL ? type->outtran.argument : type_server(type);
	if (type->intran.function != NULL)
		return type->intran.result;
	if (type->intranpayload.function != NULL)
		return type->intranpayload.result;
	return type_server(type);
}

/* Has a count argument of its own. */
bool
type_counted(const struct type *type)
{
	return !type->string && (type->form == FORM_VARIABLE || type->form == FORM_INDEFINITE ||
	    (type->form == FORM_OUT && type->count == 0 && type->array));
}
