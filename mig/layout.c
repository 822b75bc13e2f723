/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte layout of messages, for the generators and for people (mig -layout).
 *
 * OBJECT    struct message: computed from a routine whenever it is needed, then only read
 * TESTS     tests/unit/mig/layout: every routine of the system against a written table
 */
#include "layout.h"

unsigned
layout_padded(unsigned bytes)
{
	return (bytes + 7) & ~7u;
}

bool
layout_item_out(const struct item *item)
{
	return item->kind == ITEM_DATA && item->type->form == FORM_OUT;
}

bool
layout_item_inline(const struct item *item)
{
	return item->kind == ITEM_COUNT || item->type->form != FORM_OUT;
}

static unsigned
layout_item_bytes(const struct item *item)
{
	if (item->kind == ITEM_COUNT)
		return 4;
	if (item->type->form == FORM_OUT)
		return 8;
	if (item->type->form == FORM_INDEFINITE && type_bytes(item->type) < 8)
		return 8;
	return type_bytes(item->type);
}

static void
layout_complex(struct message *message, const struct item *item)
{
	if (item->kind == ITEM_COUNT)
		return;
	if (item->type->form == FORM_FIXED && item->type->port)
		message->complex_must = true;
	if (item->type->port || item->type->form == FORM_OUT || item->type->form == FORM_INDEFINITE)
		message->complex_may = true;
}

static void
layout_add(struct message *message, struct item ***last, enum item_kind kind,
    const struct argument *argument)
{
	struct item *item = text_alloc(sizeof(*item));
	unsigned padded;

	item->kind = kind;
	item->argument = argument;
	item->type = argument->type;
	item->name = kind == ITEM_COUNT ? text_format("%sCnt", argument->name) : argument->name;
	item->segment = message->segments - 1;
	item->bytes = layout_item_bytes(item);
	item->variable = kind == ITEM_DATA && (argument->type->form == FORM_VARIABLE ||
	    argument->type->form == FORM_INDEFINITE);
	item->offset = message->most + 8;
	padded = layout_padded(item->bytes);
	message->most += 8 + padded;
	message->least += 8 + (item->variable ? 0 : padded);
	layout_complex(message, item);
	**last = item;
	*last = &item->next;
	/* opened here, dropped by the caller when nothing comes after */
	if (item->variable)
		message->segments++;
}

struct message
layout_message(const struct routine *routine, bool reply)
{
	struct message message = { .reply = reply, .segments = 1 };
	struct item **last = &message.items;

	message.most = message.least = reply ? LAYOUT_REPLY : LAYOUT_HEADER;
	if (reply && routine->value != NULL)
		layout_add(&message, &last, ITEM_DATA, routine->value);
	for (const struct argument *argument = routine->arguments; argument != NULL;
	    argument = argument->next) {
		if (reply ? argument->reply : argument->request)
			layout_add(&message, &last, ITEM_DATA, argument);
		if (!reply && argument->count_in_out)
			layout_add(&message, &last, ITEM_COUNT, argument);
	}
	return message;
}

static void
layout_print_item(struct text *text, const struct item *item, bool reply)
{
	const struct type *type = item->type;
	int code = reply ? type->out_code : type->in_code;

	text_add(text, " %s@%u+%u", item->name, item->offset, item->bytes);
	if (item->kind == ITEM_COUNT) {
		text_add(text, "[2/32/1]");
		return;
	}
	if (code == CODE_POLYMORPHIC)
		text_add(text, "[MACH_MSG_TYPE_POLYMORPHIC");
	else
		text_add(text, "[%d", code);
	text_add(text, "/%u/%u", type->port && type->form == FORM_OUT ? 32 : type->bits, type->number);
	if (type->form == FORM_OUT)
		text_add(text, " ool");
	if (type->form == FORM_VARIABLE)
		text_add(text, " max");
	if (type->form == FORM_INDEFINITE)
		text_add(text, " max or ool");
	if (item->argument->dealloc == DEALLOC_YES)
		text_add(text, " dealloc");
	if (item->argument->dealloc == DEALLOC_MAYBE)
		text_add(text, " dealloc[]");
	text_add(text, "]");
}

static void
layout_print_message(struct text *text, const struct routine *routine, bool reply)
{
	struct message message = layout_message(routine, reply);

	if (reply && !routine_replies(routine)) {
		text_add(text, "none");
		return;
	}
	text_add(text, "%u:", message.most);
	if (reply)
		text_add(text, " RetCode@40+4[2/32/1]");
	for (const struct item *item = message.items; item != NULL; item = item->next) {
		if (reply || item != message.items)
			text_add(text, ",");
		layout_print_item(text, item, reply);
	}
}

/*
 * One line for each routine: id, kind, name, then the largest request and reply with their items
 * as the caller writes and checks them: name@offset+bytes[kind/bits/number].
 */
void
layout_print(struct text *text, const struct subsystem *subsystem)
{
	text_add(text, "# subsystem %s %lu\n", subsystem->name, subsystem->base);
	for (const struct routine *routine = subsystem->routines; routine != NULL;
	    routine = routine->next) {
		text_add(text, "%lu %s %s | ", subsystem->base + routine->index,
		    routine_replies(routine) ? "R" : "S", routine->name);
		layout_print_message(text, routine, false);
		text_add(text, " | ");
		layout_print_message(text, routine, true);
		text_add(text, "\n");
	}
}
