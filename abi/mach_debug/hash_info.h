/* SPDX-License-Identifier: BSD-2-Clause */
/* One bucket of a kernel hash table. */
#ifndef MACH_DEBUG_HASH_INFO_H
#define MACH_DEBUG_HASH_INFO_H

typedef struct hash_info_bucket {
	unsigned int hib_count;
} hash_info_bucket_t;
typedef hash_info_bucket_t *hash_info_bucket_array_t;

_Static_assert(sizeof(hash_info_bucket_t) == 4, "hash bucket");

#endif
