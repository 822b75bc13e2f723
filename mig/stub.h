/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of generated code that callers and servers share. */
#ifndef MIG_STUB_H
#define MIG_STUB_H

#include "layout.h"

/* How one stub names its things. */
struct stub {
	struct text	*text;
	struct side	side;
	const char	*tag;		/* of the message structs: request, reply */
	const char	*base;		/* of the pointers to segments: In, Out */
};

void stub_prologue(struct text *text, const struct subsystem *subsystem, enum import_kind kind);
void stub_structs(const struct stub *stub, const struct message *message);
void stub_segments(const struct stub *stub, const struct message *message);
bool stub_segment_used(const struct message *message, unsigned segment);
const char *stub_field(const struct stub *stub, const struct item *item);
const char *stub_element(const struct stub *stub, const struct type *type);
unsigned stub_element_bytes(const struct type *type);
unsigned stub_element_number(const struct type *type);
void stub_type(const struct stub *stub, const struct item *item, const char *code,
    const char *number, const char *is_inline, const char *dealloc);
void stub_pad(const struct stub *stub, const struct item *item);
void stub_tail(const struct stub *stub, const struct item *item, const char *bytes);
void stub_next(const struct stub *stub, const struct message *message, const struct item *item);
void stub_check(const struct stub *stub, const struct message *message);

#endif
