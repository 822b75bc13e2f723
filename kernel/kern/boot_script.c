/* SPDX-License-Identifier: BSD-2-Clause */
/* Parser of boot module lines. */
#include <kern/boot_script.h>
#include <kern/string.h>

static const char *
skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')
		s++;
	return s;
}

static bool
at_end_of_word(char c)
{
	return c == '\0' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* a reference at s ("${" or "$("): its inside to name; => after it, NULL when not closed or too long */
static const char *
reference(const char *s, char *name)
{
	char close = s[1] == '{' ? '}' : ')';
	size_t n = 0;

	for (s += 2; *s != close; s++) {
		if (at_end_of_word(*s) || n + 1 == BOOT_NAME_MAX)
			return NULL;
		name[n++] = *s;
	}
	name[n] = '\0';
	return n > 0 ? s + 1 : NULL;
}

static bool
is_reference(const char *s)
{
	return s[0] == '$' && (s[1] == '{' || s[1] == '(');
}

static enum boot_action
action_of(const char *name)
{
	if (strcmp(name, "task-create") == 0)
		return BOOT_ACT_CREATE;
	if (strcmp(name, "task-resume") == 0)
		return BOOT_ACT_RESUME;
	if (strcmp(name, "prompt-task-resume") == 0)
		return BOOT_ACT_PROMPT_RESUME;
	return BOOT_ACT_NONE;
}

/* what is in $(...) */
static const char *
parse_action(struct boot_line *l, char *name, boot_assign_fn *assign, void *context)
{
	char *equals = strchr(name, '='), *value = name;

	if (equals != NULL) {
		*equals = '\0';
		value = equals + 1;
		if (*name == '\0' || *value == '\0')
			return "an assignment needs a name and a value";
	}
	switch (action_of(value)) {
	case BOOT_ACT_CREATE:
		l->bl_create = true;
		break;
	case BOOT_ACT_RESUME:
		l->bl_resume = true;
		break;
	case BOOT_ACT_PROMPT_RESUME:
		l->bl_resume = l->bl_prompt = true;
		break;
	case BOOT_ACT_NONE:
		if (equals == NULL)
			return "unknown action in $( ): task-create, task-resume and prompt-task-resume exist";
		return assign(context, name, value) ? NULL : "no memory for a variable";
	}
	if (equals != NULL)
		string_copy(l->bl_task_variable, name, BOOT_NAME_MAX);
	return NULL;
}

const char *
boot_line_parse(struct boot_line *l, const char *text, boot_assign_fn *assign, void *context)
{
	char name[BOOT_NAME_MAX];
	const char *s = skip_blanks(text), *error;

	memset(l, 0, sizeof *l);
	l->bl_text = text;
	if (*s == '#' || *s == '\0') {
		l->bl_comment = true;
		return NULL;
	}
	for (; *s != '\0'; s = skip_blanks(s)) {
		bool action = s[0] == '$' && s[1] == '(';

		for (bool first = true; !at_end_of_word(*s); first = false) {
			if (!is_reference(s)) {
				if (action && !first)
					return "text after $( )";
				s++;
				continue;
			}
			if (s[1] == '(' && !first)
				return "$( ) must be a word of its own";
			if (action && !first)
				return "text after $( )";
			s = reference(s, name);
			if (s == NULL)
				return "reference not closed, empty or too long";
			error = action ? parse_action(l, name, assign, context) : NULL;
			if (error != NULL)
				return error;
		}
		l->bl_words += !action;
	}
	if ((l->bl_resume || l->bl_task_variable[0] != '\0') && !l->bl_create)
		return "task-resume without task-create";
	return NULL;
}

/* one argument word from s, terminated at to; => after the word, NULL: *error */
static const char *
expand_word(const char *s, boot_value_fn *value, void *context, char *to, size_t size, const char **error)
{
	char name[BOOT_NAME_MAX];
	size_t n = 0;

	while (!at_end_of_word(*s)) {
		if (n + 1 >= size) {
			*error = "arguments too long";
			return NULL;
		}
		if (!is_reference(s)) {
			to[n++] = *s++;
			continue;
		}
		s = reference(s, name);
		if (s == NULL || !value(context, name, to + n, size - n)) {
			*error = "unknown variable, or no right for it";
			return NULL;
		}
		n += strlen(to + n);
	}
	if (n + 1 > size) {
		*error = "arguments too long";
		return NULL;
	}
	to[n] = '\0';
	return s;
}

const char *
boot_line_expand(const struct boot_line *l, boot_value_fn *value, void *context, char *buf, size_t size,
    size_t *used, size_t *argv, unsigned *argc, unsigned max)
{
	const char *s = l->bl_comment ? "" : skip_blanks(l->bl_text), *error = NULL;
	size_t at = 0;
	unsigned n = 0;

	for (; *s != '\0'; s = skip_blanks(s)) {
		if (s[0] == '$' && s[1] == '(') {
			while (!at_end_of_word(*s))
				s++;
			continue;
		}
		if (n == max)
			return "too many arguments";
		s = expand_word(s, value, context, buf + at, size - at, &error);
		if (s == NULL)
			return error;
		argv[n++] = at;
		at += strlen(buf + at) + 1;
	}
	*used = at;
	*argc = n;
	return NULL;
}
