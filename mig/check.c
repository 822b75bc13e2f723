/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated checks of a received message: complex bit, every descriptor, every length.
 *
 * OBJECT    none: everything here writes text
 * TESTS     tests/unit/mig/hostile
 *
 * The generated code jumps to mig_bad at the first wrong byte, before anything was taken out of
 * the message. In it mig_left counts the bytes of variable items that are still unexplained.
 */
#include "stub.h"

static void
check_word(const struct stub *stub, const struct item *item, bool is_inline, const char *indent)
{
	const struct type *type = item->type;
	const char *field = stub_field(stub, item);
	const char *dealloc = is_inline ? "" : " & ~MIG_DEALLOCATE";
	unsigned bits = type->port && !is_inline ? 32 : type->bits;

	if (type->port && type->out_code == CODE_POLYMORPHIC)
		text_add(stub->text, "%sif (!MACH_MSG_TYPE_PORT_ANY(%sType.msgt_name) ||\n"
		    "%s    (mig_word(&%sType)%s & ~MIG_NAME) != MIG_WORD(0, %uu, %du))\n"
		    "%s\tgoto mig_bad;\n", indent, field, indent, field, dealloc, bits, is_inline, indent);
	else
		text_add(stub->text, "%sif ((mig_word(&%sType)%s) != MIG_WORD(%s, %uu, %du))\n"
		    "%s\tgoto mig_bad;\n", indent, field, dealloc, type_code_name(type->out_code), bits,
		    is_inline, indent);
}

/* Fixed data: the number is known; a C string must end inside it. */
static void
check_fixed(const struct stub *stub, const struct item *item)
{
	const char *field = stub_field(stub, item);

	check_word(stub, item, true, "\t");
	text_add(stub->text, "\tif (%sType.msgt_number != %u)\n\t\tgoto mig_bad;\n", field,
	    item->type->number);
	if (item->type->string)
		text_add(stub->text, "\tif (mig_string(%s, %u) == 0)\n\t\tgoto mig_bad;\n",
		    field, item->bytes);
}

/* Inline data of variable length, at the given indentation; leaves mig_length. */
static void
check_variable(const struct stub *stub, const struct item *item, const char *indent)
{
	struct text *text = stub->text;
	const struct type *type = item->type;
	const char *field = stub_field(stub, item);
	unsigned number = stub_element_number(type);

	check_word(stub, item, true, indent);
	text_add(text, "%sif (%sType.msgt_number > %u)\n%s\tgoto mig_bad;\n", indent, field, type->number,
	    indent);
	if (number > 1)
		text_add(text, "%sif (%sType.msgt_number %% %u != 0)\n%s\tgoto mig_bad;\n", indent, field,
		    number, indent);
	if (type->port)
		text_add(text, "%sif (%sType.msgt_number != 0 && !mig_complex)\n%s\tgoto mig_bad;\n",
		    indent, field, indent);
	text_add(text, "%smig_length = MIG_PADDED(%sType.msgt_number * %uu);\n", indent, field,
	    stub_element_bytes(type) / number);
	text_add(text, "%sif (mig_length > mig_left)\n%s\tgoto mig_bad;\n", indent, indent);
	if (type->string)
		text_add(text, "%sif (mig_string(%s, %sType.msgt_number) == 0)\n%s\tgoto mig_bad;\n",
		    indent, field, field, indent);
}

static void
check_out(const struct stub *stub, const struct item *item, const char *indent)
{
	struct text *text = stub->text;
	const struct type *type = item->type;
	const char *field = stub_field(stub, item);
	unsigned number = stub_element_number(type);

	check_word(stub, item, false, indent);
	if (!type_counted(type))
		text_add(text, "%sif (%sType.msgt_number != %u)\n%s\tgoto mig_bad;\n", indent, field,
		    type->number, indent);
	else if (number > 1)
		text_add(text, "%sif (%sType.msgt_number %% %u != 0)\n%s\tgoto mig_bad;\n", indent, field,
		    number, indent);
	/* without the complex bit the pointer is only a number somebody wrote */
	text_add(text, "%sif (%sType.msgt_number != 0 && !mig_complex)\n%s\tgoto mig_bad;\n", indent,
	    field, indent);
}

static void
check_item(const struct stub *stub, const struct item *item)
{
	struct text *text = stub->text;
	const char *field = stub_field(stub, item);

	if (item->kind == ITEM_COUNT) {
		text_add(text, "\tif (mig_word(&%sType) != MIG_WORD(MACH_MSG_TYPE_INTEGER_32, 32u, 1u) ||\n"
		    "\t    %sType.msgt_number != 1)\n\t\tgoto mig_bad;\n", field, field);
		return;
	}
	switch (item->type->form) {
	case FORM_FIXED:
		check_fixed(stub, item);
		break;
	case FORM_VARIABLE:
		check_variable(stub, item, "\t");
		break;
	case FORM_INDEFINITE:
		text_add(text, "\tif (%sType.msgt_inline) {\n", field);
		check_variable(stub, item, "\t\t");
		text_add(text, "\t} else {\n");
		check_out(stub, item, "\t\t");
		text_add(text, "\t\tmig_length = 8;\n\t\tif (mig_length > mig_left)\n\t\t\tgoto mig_bad;\n\t}\n");
		break;
	case FORM_OUT:
		check_out(stub, item, "\t");
		break;
	}
}

/*
 * Check a whole message. Wants locals mig_complex, mig_left, mig_length and the segment pointers;
 * mig_left is the message's size on entry.
 */
void
stub_check(const struct stub *stub, const struct message *message)
{
	struct text *text = stub->text;
	bool variable = message->least != message->most;

	if (message->complex_must)
		text_add(text, "\tif (!mig_complex)\n\t\tgoto mig_bad;\n");
	else if (!message->complex_may)
		text_add(text, "\tif (mig_complex)\n\t\tgoto mig_bad;\n");
	text_add(text, "\tif (mig_left %s %u)\n\t\tgoto mig_bad;\n", variable ? "<" : "!=",
	    message->least);
	if (variable)
		text_add(text, "\tmig_left -= %u;\n", message->least);
	for (const struct item *item = message->items; item != NULL; item = item->next) {
		check_item(stub, item);
		if (!item->variable)
			continue;
		text_add(text, "\tmig_left -= mig_length;\n");
		stub_next(stub, message, item);
	}
	if (variable)
		text_add(text, "\tif (mig_left != 0)\n\t\tgoto mig_bad;\n");
}
