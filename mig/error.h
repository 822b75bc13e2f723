/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints: where in the definitions, and why. */
#ifndef MIG_ERROR_H
#define MIG_ERROR_H

struct place {
	const char	*file;
	unsigned	line;
};

/* Report and go on, so that one run shows every mistake it can. */
void error_at(struct place place, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_warn(struct place place, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_file(const char *path, const char *what);
unsigned error_count(void);
void error_quiet(void);

/* Report and end with status 1; nothing has been written by then. */
_Noreturn void error_stop(struct place place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void error_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
