/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Items: the one way in which the services of the Unix server talk to each other.
 *
 * OBJECT   struct item is a thing that can be opened, walked or named: an ext2 inode, a pipe, a
 *          tty, a device, an entry of /proc.  Services embed it as the first member of their own
 *          structure and provide an item_ops table.  struct file is an open file description:
 *          an item, a position, status flags; descriptors of processes point at it.
 * REFS     i_refs counts descriptions, directory walks in progress, cwd/root of processes,
 *          mappings being set up.  item_ref()/item_rel(); the last item_rel() calls io_release,
 *          which may put the structure into the service's own cache or free it.  f_refs counts
 *          descriptors and calls in progress; the last file_rel() calls io_close and item_rel().
 * LOCKS    Callers hold no lock of the process side across an operation (see README.md); an
 *          operation takes the locks of its own service, and may call job.h with them held.
 *          f_lock serialises the position and is held by the generic code across io_read and
 *          io_write of seekable items; it is ordered before every lock of a service.  While the
 *          description is lent (loan.h), its position is in the borrower's cell.
 * BLOCKING An operation may block only through wait.h and passes -LX_EINTR and so on up.  With
 *          LX_O_NONBLOCK in the flags given it returns -LX_EAGAIN instead.
 * ERRORS   0 or a count on success, -LX_E... else.  A null operation means the error written
 *          beside it.  Out parameters are written on success only.
 * RIGHTS   io_map returns a send right that the caller must deallocate.
 */
#ifndef UNIX_ITEM_H
#define UNIX_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <mach.h>
#include <cthreads.h>
#include "linux.h"
#include "cred.h"
#include "wait.h"

struct item;
struct file;
struct loan;
struct poll_table;

/* i_flags */
#define ITEM_SEEKABLE	0x01	/* has a position: lseek, pread, pwrite work */
#define ITEM_TTY	0x02	/* a terminal: TIOC* calls make sense */
#define ITEM_NOSTAT_TIME 0x04	/* never asked for mtime updates */
#define ITEM_LENDABLE	0x08	/* io_map is there, loan.h is told of every change of size */

struct item {
	const struct item_ops	*i_ops;		/* immutable */
	uint32_t		i_mode;		/* file type bits (LX_S_IFMT): immutable */
	uint16_t		i_flags;	/* immutable */
	uint16_t		i_local;	/* immutable; UNIX_FD_* for what a library does alone */
	uint32_t		i_refs;		/* atomic */
	struct loan		*i_loans;	/* loan_lock: descriptions lent to libraries */
	uint64_t		i_size;		/* loan_lock: size that their readers see */
	struct item		*i_mounted;	/* root of what is mounted here; vfs lock */
	struct item		*i_covers;	/* for the root of a mount: the directory; vfs lock */
};

struct file {
	struct item		*f_item;	/* immutable after open; holds a reference */
	uint32_t		f_refs;		/* atomic */
	uint32_t		f_flags;	/* LX_O_*; atomic word, F_SETFL changes it */
	uint32_t		f_fds;		/* atomic: descriptors in all tables */
	uint32_t		f_uses;		/* f_lock: reads and seeks since it was last lent */
	struct mutex		f_lock;
	int64_t			f_offset;	/* f_lock, between file_position_lock and _unlock */
	struct loan		*f_loan;	/* f_lock and ft_lock of its table; null: not lent */
	void			*f_private;	/* the service's own, from io_open to io_close */
	char			*f_path;	/* absolute name at open or null; immutable */
	int			f_owner;	/* F_SETOWN pid or -pgid; atomic word */
};

/* Attributes to change: one bit for each that is valid. */
#define ATTR_MODE	0x01
#define ATTR_UID	0x02
#define ATTR_GID	0x04
#define ATTR_SIZE	0x08
#define ATTR_ATIME	0x10
#define ATTR_MTIME	0x20
struct item_attr {
	uint32_t		a_valid;
	uint32_t		a_mode;		/* permission bits only */
	uint32_t		a_uid;
	uint32_t		a_gid;
	int64_t			a_size;
	struct lx_timespec	a_atime;
	struct lx_timespec	a_mtime;
};

/*
 * An ioctl as it came from the emulation library: arg is the register; in holds the bytes that
 * the argument points to (when the library knows the request as one that reads), out takes the
 * bytes to store there.
 */
#define IOCTL_DATA_MAX	1024
struct item_ioctl {
	uint32_t		ic_request;
	uint64_t		ic_arg;
	const void		*ic_in;
	size_t			ic_in_size;
	void			*ic_out;	/* IOCTL_DATA_MAX bytes */
	size_t			ic_out_size;	/* set by the operation */
};

/* Names are not NUL-terminated, never empty, contain no '/', at most LX_NAME_MAX bytes. */
struct item_ops {
	const char *io_name;

	/* The last reference is gone. */
	void	(*io_release)(struct item *item);

	/*
	 * Open: file->f_item is the item, file->f_flags are set; may set f_private, may block (a
	 * fifo), may exchange f_item for another item (/dev/tty), dropping the old reference.
	 * Null: nothing to do.
	 */
	int	(*io_open)(struct file *file);
	/* The last descriptor of the description is gone.  Null: nothing to do. */
	void	(*io_close)(struct file *file);

	/*
	 * Move up to size bytes; *offset is the position to use, advanced by the operation (a
	 * stream ignores it).  flags are f_flags at the time of the call (LX_O_NONBLOCK,
	 * LX_O_APPEND, LX_O_SYNC).  Null: -LX_EINVAL.
	 */
	int64_t	(*io_read)(struct file *file, void *data, size_t size, int64_t *offset,
		    uint32_t flags);
	int64_t	(*io_write)(struct file *file, const void *data, size_t size, int64_t *offset,
		    uint32_t flags);
	/* Null: generic SET/CUR/END by io_getattr's size when ITEM_SEEKABLE, else -LX_ESPIPE. */
	int64_t	(*io_seek)(struct file *file, int64_t offset, int whence);

	/*
	 * Events ready now (LX_POLL*), any of them, wanted or not; when table is not null also
	 * poll_table_add() the queues that are woken when that changes.  Null: POLLIN|POLLOUT.
	 */
	int	(*io_poll)(struct file *file, struct poll_table *table);
	/* Null: -LX_ENOTTY.  Unknown requests: -LX_ENOTTY (the caller counts them). */
	int64_t	(*io_ioctl)(struct file *file, struct item_ioctl *ioctl);

	/*
	 * The memory object that holds the item's data from its offset 0 on, as a send right.
	 * prot: the most that the mapping may ever do.  Null: -LX_ENODEV.
	 */
	int	(*io_map)(struct item *item, vm_prot_t prot, mach_port_t *object);

	int	(*io_getattr)(struct item *item, struct lx_stat *stat);		/* required */
	/* Permission was checked by the caller.  Null: -LX_EPERM. */
	int	(*io_setattr)(struct item *item, const struct item_attr *attr);
	int	(*io_statfs)(struct item *item, struct lx_statfs *statfs);	/* null: ENOSYS */
	int	(*io_sync)(struct item *item, bool data_only);			/* null: EINVAL */
	/* fallocate(2).  Null: -LX_EOPNOTSUPP. */
	int	(*io_allocate)(struct file *file, int mode, int64_t offset, int64_t length);
	/* Link text, not NUL-terminated; returns its length.  Null: -LX_EINVAL. */
	int64_t	(*io_readlink)(struct item *item, char *data, size_t size);
	/*
	 * Magic links of /proc (fd/N, exe, cwd): the item itself, with a reference.  Null: walk by
	 * text.
	 */
	int	(*io_follow)(struct item *item, struct item **out);

	/*
	 * The name of the item inside its file system ("" for its root, else "/a/b"), not
	 * NUL-terminated: returns its length; *root is the file system's root, not counted.
	 * Null: -LX_ENOENT.
	 */
	int64_t	(*io_path)(struct item *item, char *data, size_t size, struct item **root);

	/* Directories.  Null: -LX_ENOTDIR (lookup, readdir), -LX_EPERM (the others). */
	/* "." and ".." included; mount points are the caller's affair.  Adds a reference. */
	int	(*io_lookup)(struct item *dir, const char *name, size_t length, struct item **out);
	/*
	 * A new file, directory, fifo, socket or device node by the type bits of mode, owned by
	 * cred; *out (with a reference) may be null if not wanted.
	 */
	int	(*io_make)(struct item *dir, const char *name, size_t length, uint32_t mode,
		    uint64_t rdev, const struct cred *cred, struct item **out);
	int	(*io_symlink)(struct item *dir, const char *name, size_t length,
		    const char *target, size_t target_length, const struct cred *cred);
	int	(*io_link)(struct item *dir, const char *name, size_t length, struct item *old);
	/* directory: rmdir semantics. */
	int	(*io_unlink)(struct item *dir, const char *name, size_t length, bool directory);
	/* flags: LX_RENAME_*.  Both directories belong to the same file system. */
	int	(*io_rename)(struct item *old_dir, const char *old_name, size_t old_length,
		    struct item *new_dir, const char *new_name, size_t new_length,
		    unsigned int flags);
	/* Fill data with lx_dirent64 records, advancing *offset (d_off values); 0 at the end. */
	int64_t	(*io_readdir)(struct file *file, void *data, size_t size, int64_t *offset);
};

/* One reference, for the creator. */
void	item_init(struct item *item, const struct item_ops *ops, uint32_t mode, uint32_t flags);
void	item_ref(struct item *item);
void	item_rel(struct item *item);

/*
 * A description of item with one reference; calls io_open.
 * => consumes one reference of item on success only
 * => path may be null; it is copied
 */
int	file_create(struct item *item, uint32_t flags, const char *path, struct file **out);
void	file_ref(struct file *file);
void	file_rel(struct file *file);

/* The generic layer over the operations: access mode, position, limits, EINVAL and so on. */
#define FILE_POSITION	(-1)		/* use and advance the description's position */
int64_t	file_read(struct file *file, void *data, size_t size, int64_t offset);
/*
 * Take f_lock and bring the position to f_offset, from the library if it is lent; give it back.
 * accessed: the access time was looked after
 */
void	file_position_lock(struct file *file);
void	file_position_unlock(struct file *file, bool accessed);
/* May the description be read or written there; *position: f_lock and f_offset are to be used */
int	file_transfer_check(const struct file *file, bool write, int64_t offset, bool *position);
/*
 * A read that gives memory in the place of a copy: *address is where the data begins, in pages the caller owns.
 * => -LX_ENOSYS: not such a file, use file_read
 */
int64_t	file_read_map(struct file *file, size_t size, int64_t offset, vm_address_t *address);
int64_t	file_write(struct file *file, const void *data, size_t size, int64_t offset);
int64_t	file_seek(struct file *file, int64_t offset, int whence);
int64_t	file_readdir(struct file *file, void *data, size_t size);
int64_t	file_ioctl(struct file *file, struct item_ioctl *ioctl);
int	file_poll(struct file *file, struct poll_table *table);

/*
 * Poll: an operation calls this for each queue whose wake may change its events.
 * => the queue must outlive the description
 */
void	poll_table_add(struct poll_table *table, struct wait_queue *queue);

#endif
