/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptors of a process.
 *
 * OBJECT   struct fdtable: small integers to descriptions.  One per process, whose share page says
 *          of the first ones what the library may do alone (uh_fds).
 * LOCKS    ft_lock guards all; only loan_lock comes after it: no file is released with it held.
 */
#ifndef UNIX_FDTABLE_H
#define UNIX_FDTABLE_H

#include "item.h"
#include "loan.h"

struct process;

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
	struct process	*ft_process;	/* whose it is; null before fdtable_attach */
	struct unix_share *ft_share;	/* the server's mapping of its share pages, or null */
	struct loan	*ft_loans;	/* UNIX_SHARE_CELLS of them, or null: nothing was lent yet */
};

struct fdtable	*fdtable_create(void);
struct fdtable	*fdtable_copy(struct fdtable *table);
/* Tell the library of the process from now on; the share pages outlive the descriptors. */
void		fdtable_attach(struct fdtable *table, struct process *process,
		    struct unix_share *share);
/* What the library may do with the descriptors of file has changed.  => ft_lock held */
void		fdtable_publish_file(struct fdtable *table, const struct file *file);
/* Take back what is lent: the process begins another program. */
void		fdtable_end_loans(struct fdtable *table);
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
