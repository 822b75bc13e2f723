/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: the items of an ext2 file system, and the memory objects that hold their data.
 *
 * OBJECT   struct enode: one inode in use or remembered.  struct emount: one mounted image.
 * STATES   of the memory object, n_state:
 *            NONE    no port
 *            PORT    a port in the pager's set, unknown to the kernel (or forgotten by it)
 *            READY   the kernel has initialised its object: n_control is a send right
 *          n_dying (READY or PORT): nobody uses the node, the kernel was told not to keep the
 *          object; its terminate message finishes the node.  A lookup may take it back before.
 * REFS     i_refs of the item.  While n_cached the mount's list holds one, so that only the
 *          evictor and the end of an unlinked node bring it to zero; from zero a lookup may
 *          revive it under em_lock.  n_busy counts retirements in progress: the last one decides.
 *          The node holds one reference of its ext2_inode from creation to its end.
 * LOCKS    n_io > em_lock > window_lock.
 *          em_lock   names, inodes, blocks, node states; the pager thread takes it.
 *          n_io      a file's contents against each other: read, write, truncate.
 *          THE RULE: em_lock is never held by a thread that touches a window, makes or removes
 *          one, or waits for the pager; the pager thread takes no other lock and touches no
 *          window.  So a fault on a window always finds the pager able to answer.
 */
#ifndef UNIX_FS_ENODE_H
#define UNIX_FS_ENODE_H

#include "../item.h"
#include "ext2.h"

#define FS_PAGE		4096u
#define ENODE_NAME_HINT	64

enum enode_state { ENODE_NONE, ENODE_PORT, ENODE_READY };

struct emount;

struct enode {
	struct item	n_item;
	/* Immutable. */
	struct emount	*n_mount;
	struct ext2_inode *n_inode;	/* what it points to: em_lock */
	uint32_t	n_ino;
	/* em_lock */
	struct enode	*n_next;	/* the mount's ring of nodes */
	struct enode	*n_prev;
	bool		n_cached;
	bool		n_recent;	/* used since the evictor came by */
	uint32_t	n_busy;
	uint64_t	n_size;		/* also read without the lock, as one word */
	uint32_t	n_hint_parent;	/* where a lookup last found it; only a hint */
	char		n_hint_name[ENODE_NAME_HINT];
	struct item	*n_fifo;	/* the open end of a named pipe, not counted */
	/* em_lock: the memory object */
	enum enode_state n_state;
	bool		n_dying;
	bool		n_mapped;	/* given out by io_map: others may have pages dirty */
	int		n_error;	/* of a write-back, for the next fsync */
	mach_port_t	n_object;	/* receive right */
	mach_port_t	n_control;	/* send right when READY */
	uint8_t		*n_supplied;	/* bit per page: given to the kernel since init */
	size_t		n_supplied_bytes;
	uint32_t	n_locks_sent;	/* lock_request messages, and the answers to them */
	uint32_t	n_locks_done;
	struct condition n_locks_changed;
	struct enode	*n_port_next;	/* pager's table */
	/* */
	struct mutex	n_io;
};

struct emount {
	/* Immutable. */
	struct ext2_dev	em_dev;
	uint8_t		*em_base;	/* the RAM disk, mapped */
	struct item	*em_root;
	mach_port_t	em_device;
	uint64_t	em_id;		/* st_dev */
	bool		em_temporary;	/* a tmpfs: nothing to bring home */
	/* em_lock */
	struct mutex	em_lock;
	struct ext2_fs	*em_fs;
	struct enode	em_ring;	/* head; next = newest */
	uint32_t	em_nodes;
	uint32_t	em_nodes_max;
};

static inline struct enode *
enode_of(struct item *item)
{
	return (struct enode *)item;
}

/* enode.c */
int enode_get(struct emount *mount, struct ext2_inode *inode, struct enode **out);
void enode_finish(struct enode *node);
void enode_uncache(struct enode *node);
void enode_evict(struct emount *mount, uint32_t keep);
void enode_stat(struct enode *node, struct lx_stat *stat);
extern const struct item_ops enode_file_ops;
extern const struct item_ops enode_dir_ops;
extern const struct item_ops enode_link_ops;
extern const struct item_ops enode_special_ops;

/* edir.c: names */
int edir_lookup(struct item *dir, const char *name, size_t length, struct item **out);
int edir_make(struct item *dir, const char *name, size_t length, uint32_t mode, uint64_t rdev,
    const struct cred *cred, struct item **out);
int edir_symlink(struct item *dir, const char *name, size_t length, const char *target,
    size_t target_length, const struct cred *cred);
int edir_link(struct item *dir, const char *name, size_t length, struct item *old);
int edir_unlink(struct item *dir, const char *name, size_t length, bool directory);
int edir_rename(struct item *old_dir, const char *old_name, size_t old_length,
    struct item *new_dir, const char *new_name, size_t new_length, unsigned int flags);
int64_t edir_readdir(struct file *file, void *data, size_t size, int64_t *offset);

/* efile.c: contents */
int64_t efile_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags);
int64_t efile_write(struct file *file, const void *data, size_t size, int64_t *offset,
    uint32_t flags);
int64_t efile_seek(struct file *file, int64_t offset, int whence);
int64_t efile_ioctl(struct file *file, struct item_ioctl *ioctl);
int efile_map(struct item *item, vm_prot_t prot, mach_port_t *object);
int efile_allocate(struct file *file, int mode, int64_t offset, int64_t length);
int efile_truncate(struct enode *node, uint64_t size);
int efile_sync(struct item *item, bool data_only);

/* emount.c */
int emount_create(mach_port_t device_master, const char *device, struct item **root);
int emount_create_memory(uint8_t *base, uint64_t size, struct item **root);
/* Is the item of an ext2 mount?  Is anything of that mount in use, but for so many references
 * of the root? */
bool emount_is(const struct item *item);
bool emount_busy(struct item *root, uint32_t known);
void emount_sync_all(void);
int64_t enode_path(struct item *item, char *data, size_t size, struct item **root);
void enode_fifo_gone(struct item *item, struct item *fifo);

/* pager.c */
int pager_start(void);
int pager_port(struct enode *node, mach_port_t *port);
void pager_forget(struct enode *node);
void pager_retire(struct enode *node);
void pager_revive(struct enode *node);
int pager_flush(struct enode *node, uint64_t offset, uint64_t size, bool give_back, bool flush);

/* window.c */
#define WINDOW_SIZE	(256u * 1024)
struct window;
int window_get(struct enode *node, uint64_t offset, struct window **out, uint8_t **data,
    size_t *size);
void window_put(struct window *window);
void window_drop(struct enode *node);
/* => 0, or -LX_EIO when the memory could not be brought in */
int fault_copy(void *to, const void *from, size_t size);
int fault_zero(void *to, size_t size);
/* A fault of this thread of the server in the above: continue it there. */
bool fault_fixup(mach_port_t thread);
int fault_start(void);

#endif
