/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptors of a process.
 *
 * OBJECT   struct fdtable: small integers to descriptions.  One per process.
 * LOCKS    ft_lock guards all; a leaf: no file is released with it held.
 */
#ifndef UNIX_FDTABLE_H
#define UNIX_FDTABLE_H

#include "item.h"

#define FDTABLE_MAX	4096		/* hard limit of RLIMIT_NOFILE */

struct fd_entry {
	struct file	*fe_file;	/* null: free */
	bool		fe_cloexec;
};

struct fdtable {
	struct mutex	ft_lock;
	struct fd_entry	*ft_entries;
	int		ft_size;
	bool		ft_closed;
};

struct fdtable	*fdtable_create(void);
struct fdtable	*fdtable_copy(struct fdtable *table);
/* Close all and refuse more; requests in progress may still look. */
void		fdtable_close_all(struct fdtable *table, int pid);
void		fdtable_destroy(struct fdtable *table);	/* => closed */
void		fdtable_close_exec(struct fdtable *table, int pid);
/* => the file with a reference, or null */
struct file	*fdtable_get(struct fdtable *table, int fd);
/* Lowest free descriptor >= low and < limit: consumes the reference on success. */
int		fdtable_install(struct fdtable *table, struct file *file, int low, int limit,
		    bool cloexec);
/* dup2: exactly fd; what was there comes back in *old (reference) or null. */
int		fdtable_install_at(struct fdtable *table, struct file *file, int fd, int limit,
		    bool cloexec, struct file **old);
/* Take out: the table's reference goes to the caller; null if not open. */
struct file	*fdtable_remove(struct fdtable *table, int fd);
int		fdtable_get_cloexec(struct fdtable *table, int fd);	/* -LX_EBADF */
int		fdtable_set_cloexec(struct fdtable *table, int fd, bool cloexec);
/* First open descriptor >= fd with a reference; -1 none. */
int		fdtable_next(struct fdtable *table, int fd, struct file **file);

#endif
