/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials and the permission rule.
 *
 * OBJECT   see cred.h.
 * LOCKS    none: a published cred never changes.
 * TESTS    tests/unit/unix
 */
#include <stdlib.h>
#include <string.h>
#include "cred.h"

struct cred *
cred_create_root(void)
{
	struct cred *cred = calloc(1, sizeof(*cred));

	if (cred != NULL)
		cred->c_refs = 1;
	return cred;
}

struct cred *
cred_copy(const struct cred *cred)
{
	struct cred *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	memcpy(copy, cred, sizeof(*copy));
	copy->c_refs = 1;
	return copy;
}

void
cred_ref(struct cred *cred)
{
	__atomic_add_fetch(&cred->c_refs, 1, __ATOMIC_RELAXED);
}

void
cred_rel(struct cred *cred)
{
	if (__atomic_sub_fetch(&cred->c_refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(cred);
}

bool
cred_in_group(const struct cred *cred, uint32_t gid)
{
	uint32_t i;

	if (cred->c_fsgid == gid)
		return true;
	for (i = 0; i < cred->c_ngroups; i++) {
		if (cred->c_groups[i] == gid)
			return true;
	}
	return false;
}

bool
cred_super(const struct cred *cred)
{
	return cred->c_fsuid == 0;
}

bool
cred_permits(const struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid,
    unsigned int want)
{
	unsigned int have;

	if (cred_super(cred)) {
		/* Everything but the execution of a file that nobody may execute. */
		bool directory = (mode & 0170000) == 0040000;

		return (want & 1) == 0 || directory || (mode & 0111) != 0;
	}
	if (cred->c_fsuid == uid)
		have = mode >> 6;
	else if (cred_in_group(cred, gid))
		have = mode >> 3;
	else
		have = mode;
	return (want & 7 & ~have) == 0;
}
