/* SPDX-License-Identifier: BSD-2-Clause */
/* Output, assertions, panic. */
#ifndef KERN_PANIC_H
#define KERN_PANIC_H

#include <stdarg.h>
#include <stddef.h>

int	kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int	kvprintf(const char *fmt, va_list);
void	kwrite(const char *, size_t);
int	ksnprintf(char *, size_t, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void	panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void	assert_failed(const char *expr, const char *file, int line) __attribute__((noreturn));

#ifdef DEBUG
#define KASSERT(e)	((e) ? (void)0 : assert_failed(#e, __FILE__, __LINE__))
#else
#define KASSERT(e)	((void)sizeof(!(e)))
#endif

#endif
