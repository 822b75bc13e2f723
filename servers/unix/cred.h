/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials.
 *
 * OBJECT   struct cred: who a process is.  Immutable once published; a change makes a new one.
 * REFS     processes, requests in progress; the last release frees.
 */
#ifndef UNIX_CRED_H
#define UNIX_CRED_H

#include <stdbool.h>
#include <stdint.h>

#define CRED_GROUPS_MAX	64

struct cred {
	uint32_t	c_refs;		/* atomic; all else immutable */
	uint32_t	c_uid, c_euid, c_suid, c_fsuid;
	uint32_t	c_gid, c_egid, c_sgid, c_fsgid;
	uint32_t	c_ngroups;
	uint32_t	c_groups[CRED_GROUPS_MAX];
};

struct cred	*cred_create_root(void);
struct cred	*cred_copy(const struct cred *cred);	/* one reference, free to change */
void		cred_ref(struct cred *cred);
void		cred_rel(struct cred *cred);
bool		cred_in_group(const struct cred *cred, uint32_t gid);

/* May cred do want (LX_ bits 4 read, 2 write, 1 execute) to an object so owned? */
bool		cred_permits(const struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid,
		    unsigned int want);
/* Superuser for purposes of ownership and permission. */
bool		cred_super(const struct cred *cred);

#endif
