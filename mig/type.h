/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of the definition language: how a value looks in C and how it travels. */
#ifndef MIG_TYPE_H
#define MIG_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Numbers of the message format. */
enum type_code {
	CODE_BOOLEAN = 0,
	CODE_INTEGER_16 = 1,
	CODE_INTEGER_32 = 2,
	CODE_CHAR = 8,
	CODE_BYTE = 9,
	CODE_REAL = 10,
	CODE_INTEGER_64 = 11,
	CODE_STRING = 12,
	CODE_PORT_NAME = 15,
	CODE_MOVE_RECEIVE = 16,
	CODE_MOVE_SEND = 17,
	CODE_MOVE_SEND_ONCE = 18,
	CODE_COPY_SEND = 19,
	CODE_MAKE_SEND = 20,
	CODE_MAKE_SEND_ONCE = 21,
	CODE_POLYMORPHIC = -1,	/* chosen at run time, an argument of its own */
};

enum dealloc {
	DEALLOC_NO,
	DEALLOC_YES,
	DEALLOC_MAYBE,		/* dealloc[]: the caller says, in an argument of its own */
};

/*
 * How the data of an item sits in a message.
 *
 *	FIXED		inline, the number of elements is known here
 *	VARIABLE	inline, at most count elements
 *	INDEFINITE	VARIABLE, or OUT when there are more than count elements
 *	OUT		out of line: the message holds a pointer
 */
enum type_form {
	FORM_FIXED,
	FORM_VARIABLE,
	FORM_INDEFINITE,
	FORM_OUT,
};

struct translation {
	const char	*result;	/* C type it gives, NULL for a destructor */
	const char	*function;	/* NULL: no translation */
	const char	*argument;	/* C type it takes */
};

struct type {
	struct type		*next;		/* declared types */
	struct place		place;
	const char		*name;
	const char		*ctype;		/* C types as declared, NULL: the name */
	const char		*user_ctype;
	const char		*server_ctype;
	struct translation	intran;
	struct translation	outtran;
	struct translation	destructor;
	struct translation	intranpayload;
	enum type_form		form;
	enum dealloc		dealloc;
	int			in_code;	/* as the sender writes it */
	int			out_code;	/* as the receiver sees it */
	unsigned		bits;		/* of one descriptor element */
	unsigned		number;		/* descriptor elements; most of them when variable */
	unsigned		align;		/* bytes, inside a struct */
	bool			port;
	bool			string;		/* C string: terminated, length from its content */
	bool			array;		/* passed as a C array, not as one value */
	bool			structured;	/* one C value of several elements */
	bool			longform;
	const struct type	*element;	/* of an array */
	unsigned		count;		/* elements of an array; 0 when unlimited */
};

/* Most bytes an indefinite array may have inline. */
#define TYPE_INDEFINITE_BYTES	2048

const struct type *type_lookup(const char *name);
void type_declare(struct type *type);
struct type *type_named(struct place place, const char *name);
struct type *type_pair(struct place place, const char *in, const char *out);
struct type *type_sized(struct type *base, struct place place, unsigned long bits);
struct type *type_array(const struct type *element, struct place place, unsigned long count);
struct type *type_variable(const struct type *element, struct place place, unsigned long count);
struct type *type_pointer(const struct type *base, struct place place);
struct type *type_repeat(const struct type *element, struct place place, unsigned long count);
struct type *type_string(struct place place, unsigned long count, bool variable);
struct type *type_polymorphic(struct place place);
struct type *type_opaque(struct place place, unsigned long bytes, unsigned align);

unsigned type_bytes(const struct type *type);
const char *type_code_name(int code);
const char *type_user(const struct type *type);
const char *type_server(const struct type *type);
const char *type_translated(const struct type *type, bool out);
bool type_counted(const struct type *type);

#endif
