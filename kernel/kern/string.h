/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and string functions of the kernel. */
#ifndef KERN_STRING_H
#define KERN_STRING_H

#include <stddef.h>

void	*memcpy(void *restrict, const void *restrict, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	 memcmp(const void *, const void *, size_t);
size_t	 strlen(const char *);
size_t	 strnlen(const char *, size_t);
int	 strcmp(const char *, const char *);
int	 strncmp(const char *, const char *, size_t);
char	*strchr(const char *, int);
char	*strstr(const char *, const char *);
/* => always terminated, rest zeroed; returns false when cut off */
_Bool	 string_copy(char *to, const char *from, size_t size);

/* the compiler's own: a few stores where the size is small and constant, else calls of the functions above */
#define memcpy(...)	__builtin_memcpy(__VA_ARGS__)
#define memmove(...)	__builtin_memmove(__VA_ARGS__)
#define memset(...)	__builtin_memset(__VA_ARGS__)

#endif
