/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: which items, in which order, at which offsets. */
#ifndef MIG_LAYOUT_H
#define MIG_LAYOUT_H

#include "routine.h"

#define LAYOUT_HEADER	32	/* bytes of a message header, of a reply's code item 16 more */
#define LAYOUT_REPLY	48

enum item_kind {
	ITEM_DATA,
	ITEM_COUNT,		/* capacity of an out array, in the request */
};

struct item {
	struct item		*next;
	enum item_kind		kind;
	const struct argument	*argument;
	const struct type	*type;
	const char		*name;		/* field of the generated struct */
	unsigned		segment;
	unsigned		offset;		/* of the data, everything before it at its largest */
	unsigned		bytes;		/* largest data, not padded */
	bool			variable;	/* length known only at run time */
};

/*
 * A message is a row of segments: what follows an item of variable length has no fixed place, so
 * each such item ends a segment and the generated code finds the next one at run time.
 */
struct message {
	struct item	*items;
	bool		reply;
	unsigned	segments;	/* that have items or the header */
	unsigned	least;		/* bytes when every variable item is empty */
	unsigned	most;
	bool		complex_must;	/* carries a right or pointer always */
	bool		complex_may;
};

struct message layout_message(const struct routine *routine, bool reply);
bool layout_item_out(const struct item *item);
bool layout_item_inline(const struct item *item);
unsigned layout_padded(unsigned bytes);
void layout_print(struct text *text, const struct subsystem *subsystem);

#endif
