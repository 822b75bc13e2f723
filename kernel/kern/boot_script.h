/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The language of boot module lines: words, ${variable}, $(action), $(variable=action or variable).
 * Parsing only; what variables mean is asked of the caller. No kernel services used: tested on the host.
 */
#ifndef KERN_BOOT_SCRIPT_H
#define KERN_BOOT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define BOOT_NAME_MAX	64

enum boot_action { BOOT_ACT_NONE, BOOT_ACT_CREATE, BOOT_ACT_RESUME, BOOT_ACT_PROMPT_RESUME };

/* what a line asks for */
struct boot_line {
	const char	*bl_text;
	bool		 bl_comment;	/* starts with # or is empty */
	bool		 bl_create, bl_resume, bl_prompt;
	char		 bl_task_variable[BOOT_NAME_MAX];	/* names the line's task, "" none */
	unsigned	 bl_words;	/* words that are arguments */
};

/* an assignment $(name=value) whose value is another variable */
typedef bool boot_assign_fn(void *context, const char *name, const char *value);
/* => puts the text a variable stands for at `to` (size > 0, terminated); false: no such variable */
typedef bool boot_value_fn(void *context, const char *name, char *to, size_t size);

/* => NULL when the line is well formed, else what is wrong */
const char	*boot_line_parse(struct boot_line *, const char *text, boot_assign_fn *, void *context);
/* => a well-formed line's arguments with variables replaced, each terminated, at buf; argv[i] is the offset of word i. A comment has none.
   NULL when good, else what is wrong */
const char	*boot_line_expand(const struct boot_line *, boot_value_fn *, void *context, char *buf, size_t size,
		    size_t *used, size_t *argv, unsigned *argc, unsigned max);

#endif
