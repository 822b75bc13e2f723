/* SPDX-License-Identifier: BSD-2-Clause */
/* Other names for libmach's string functions, to stand beside the host's. */
#define memcpy	t_memcpy
#define memmove	t_memmove
#define memset	t_memset
#define memcmp	t_memcmp
#define memchr	t_memchr
#define strlen	t_strlen
#define strnlen	t_strnlen
#define strcmp	t_strcmp
#define strncmp	t_strncmp
#define strcpy	t_strcpy
#define strncpy	t_strncpy
#define strcat	t_strcat
#define strchr	t_strchr
#define strrchr	t_strrchr
#define strstr	t_strstr
#define strtoul	t_strtoul
#define strtol	t_strtol
#define atoi	t_atoi
