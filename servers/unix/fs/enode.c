/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes of an ext2 file system: life and attributes.
 *
 * OBJECT   struct enode, see enode.h
 * LOCKS    em_lock
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "enode.h"
#include "../pipe/pipe.h"
#include "../dev/dev.h"

static const struct item_ops *
enode_ops(uint32_t mode)
{
	switch (mode & LX_S_IFMT) {
	case LX_S_IFREG:
		return &enode_file_ops;
	case LX_S_IFDIR:
		return &enode_dir_ops;
	case LX_S_IFLNK:
		return &enode_link_ops;
	default:
		return &enode_special_ops;
	}
}

/*
 * The node of an inode, made if there is none.
 * => em_lock held; consumes one reference of the inode, also on failure
 * => returns a reference
 */
int
enode_get(struct emount *mount, struct ext2_inode *inode, struct enode **out)
{
	struct enode *node = inode->ei_node;

	if (node != NULL) {
		ext2_inode_put(inode);
		node->n_recent = true;
		if (__atomic_load_n(&node->n_item.i_refs, __ATOMIC_ACQUIRE) != 0) {
			item_ref(&node->n_item);
		} else {
			/* On its way out: keep it after all. */
			node->n_cached = true;
			__atomic_store_n(&node->n_item.i_refs, 2, __ATOMIC_RELEASE);
			if (node->n_dying)
				pager_revive(node);
		}
		*out = node;
		return 0;
	}
	node = calloc(1, sizeof(*node));
	if (node == NULL) {
		ext2_inode_put(inode);
		return -LX_ENOMEM;
	}
	item_init(&node->n_item, enode_ops(inode->ei_d.i_mode), inode->ei_d.i_mode,
	    (inode->ei_d.i_mode & LX_S_IFMT) == LX_S_IFREG ? ITEM_SEEKABLE | ITEM_LENDABLE : 0);
	node->n_item.i_refs = 2;
	node->n_mount = mount;
	node->n_inode = inode;
	node->n_ino = inode->ei_ino;
	node->n_size = node->n_item.i_size = ext2_size(inode);
	node->n_cached = true;
	node->n_recent = true;
	mutex_init(&node->n_io);
	condition_init(&node->n_locks_changed);
	node->n_next = mount->em_ring.n_next;
	node->n_prev = &mount->em_ring;
	node->n_next->n_prev = node;
	node->n_prev->n_next = node;
	mount->em_nodes++;
	inode->ei_node = node;
	*out = node;
	return 0;
}

/*
 * The end: nothing in the server or the kernel knows the node any more.
 * => em_lock held
 */
void
enode_finish(struct enode *node)
{
	node->n_next->n_prev = node->n_prev;
	node->n_prev->n_next = node->n_next;
	node->n_mount->em_nodes--;
	node->n_inode->ei_node = NULL;
	ext2_inode_put(node->n_inode);
	pager_forget(node);
	free(node->n_supplied);
	free(node);
}

/*
 * Nobody uses the node: give its memory object up, or end it at once if there is none.
 * => n_busy was raised under em_lock, which is not held
 */
static void
enode_retire(struct enode *node)
{
	struct emount *mount = node->n_mount;

	window_drop(node);
	mutex_lock(&mount->em_lock);
	if (--node->n_busy == 0 && __atomic_load_n(&node->n_item.i_refs, __ATOMIC_ACQUIRE) == 0 &&
	    !node->n_dying) {
		if (node->n_state == ENODE_NONE)
			enode_finish(node);
		else
			pager_retire(node);
	}
	mutex_unlock(&mount->em_lock);
}

/* The last reference of an unlinked node. */
static void
enode_release(struct item *item)
{
	struct enode *node = enode_of(item);
	struct emount *mount = node->n_mount;

	mutex_lock(&mount->em_lock);
	node->n_busy++;
	mutex_unlock(&mount->em_lock);
	enode_retire(node);
}

/*
 * The node lost its last name: no lookup will find it again, so nobody shall keep it for later.
 * => em_lock held, the caller holds a reference
 */
void
enode_uncache(struct enode *node)
{
	if (!node->n_cached)
		return;
	node->n_cached = false;
	__atomic_sub_fetch(&node->n_item.i_refs, 1, __ATOMIC_ACQ_REL);
}

/* Forgets nodes nobody uses, until at most `keep' are left.  => em_lock not held */
void
enode_evict(struct emount *mount, uint32_t keep)
{
	struct enode *node, *prev, *victim;
	uint32_t one, tries;

	for (;;) {
		victim = NULL;
		mutex_lock(&mount->em_lock);
		tries = 2 * mount->em_nodes;
		for (node = mount->em_ring.n_prev; mount->em_nodes > keep && tries-- > 0;
		    node = prev) {
			if (node == &mount->em_ring) {
				prev = node->n_prev;
				continue;
			}
			prev = node->n_prev;
			one = 1;
			if (!node->n_cached || node->n_item.i_mounted != NULL)
				continue;
			if (node->n_recent) {
				node->n_recent = false;
				continue;
			}
			if (!__atomic_compare_exchange_n(&node->n_item.i_refs, &one, 0, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
				continue;
			node->n_cached = false;
			node->n_busy++;
			victim = node;
			break;
		}
		mutex_unlock(&mount->em_lock);
		if (victim == NULL)
			return;
		enode_retire(victim);
	}
}

/* => em_lock held */
void
enode_stat(struct enode *node, struct lx_stat *st)
{
	struct ext2_inode *ip = node->n_inode;
	uint32_t nsec;

	memset(st, 0, sizeof(*st));
	st->st_dev = node->n_mount->em_id;
	st->st_ino = node->n_ino;
	st->st_nlink = ip->ei_d.i_links_count;
	st->st_mode = ip->ei_d.i_mode;
	st->st_uid = ip->ei_d.i_uid | (uint32_t)ip->ei_d.i_uid_high << 16;
	st->st_gid = ip->ei_d.i_gid | (uint32_t)ip->ei_d.i_gid_high << 16;
	st->st_size = (int64_t)(node->n_item.i_mode == LX_S_IFREG ? node->n_size : ext2_size(ip));
	if (node->n_item.i_mode == LX_S_IFCHR || node->n_item.i_mode == LX_S_IFBLK) {
		st->st_rdev = ext2_rdev_get(ip);
		st->st_size = 0;
	}
	st->st_blksize = node->n_mount->em_fs->fs_bsize;
	st->st_blocks = ip->ei_d.i_blocks;
	ext2_time_get(ip, EXT2_ATIME, &st->st_atim.tv_sec, &nsec);
	st->st_atim.tv_nsec = nsec;
	ext2_time_get(ip, EXT2_MTIME, &st->st_mtim.tv_sec, &nsec);
	st->st_mtim.tv_nsec = nsec;
	ext2_time_get(ip, EXT2_CTIME, &st->st_ctim.tv_sec, &nsec);
	st->st_ctim.tv_nsec = nsec;
}

static int
enode_getattr(struct item *item, struct lx_stat *st)
{
	struct enode *node = enode_of(item);

	mutex_lock(&node->n_mount->em_lock);
	enode_stat(node, st);
	mutex_unlock(&node->n_mount->em_lock);
	return 0;
}

static int
enode_setattr(struct item *item, const struct item_attr *attr)
{
	struct enode *node = enode_of(item);
	struct ext2_inode *ip = node->n_inode;
	int error;

	if (node->n_mount->em_fs->fs_readonly)
		return -LX_EROFS;
	if (attr->a_valid & ATTR_SIZE) {
		if (item->i_mode == LX_S_IFDIR)
			return -LX_EISDIR;
		if (item->i_mode != LX_S_IFREG || attr->a_size < 0)
			return -LX_EINVAL;
		error = efile_truncate(node, (uint64_t)attr->a_size);
		if (error != 0)
			return error;
	}
	mutex_lock(&node->n_mount->em_lock);
	if (attr->a_valid & ATTR_MODE)
		ip->ei_d.i_mode = (uint16_t)((ip->ei_d.i_mode & LX_S_IFMT) |
		    (attr->a_mode & 07777));
	if (attr->a_valid & ATTR_UID) {
		ip->ei_d.i_uid = (uint16_t)attr->a_uid;
		ip->ei_d.i_uid_high = (uint16_t)(attr->a_uid >> 16);
	}
	if (attr->a_valid & ATTR_GID) {
		ip->ei_d.i_gid = (uint16_t)attr->a_gid;
		ip->ei_d.i_gid_high = (uint16_t)(attr->a_gid >> 16);
	}
	if (attr->a_valid & ATTR_ATIME)
		ext2_time_set(ip, EXT2_ATIME, attr->a_atime.tv_sec,
		    (uint32_t)attr->a_atime.tv_nsec);
	if (attr->a_valid & ATTR_MTIME)
		ext2_time_set(ip, EXT2_MTIME, attr->a_mtime.tv_sec,
		    (uint32_t)attr->a_mtime.tv_nsec);
	if (attr->a_valid & ~(uint32_t)ATTR_SIZE)
		ext2_touch(ip, EXT2_CTIME);
	mutex_unlock(&node->n_mount->em_lock);
	return 0;
}

static int
enode_statfs(struct item *item, struct lx_statfs *sf)
{
	struct emount *mount = enode_of(item)->n_mount;
	const struct ext2_super *s = &mount->em_fs->fs_super;

	memset(sf, 0, sizeof(*sf));
	mutex_lock(&mount->em_lock);
	sf->f_type = mount->em_temporary ? 0x01021994 : EXT2_MAGIC;
	sf->f_bsize = sf->f_frsize = mount->em_fs->fs_bsize;
	sf->f_blocks = s->s_blocks_count - s->s_first_data_block;
	sf->f_bfree = s->s_free_blocks_count;
	sf->f_bavail = s->s_free_blocks_count > s->s_r_blocks_count ?
	    s->s_free_blocks_count - s->s_r_blocks_count : 0;
	sf->f_files = s->s_inodes_count;
	sf->f_ffree = s->s_free_inodes_count;
	memcpy(sf->f_fsid, s->s_uuid, sizeof(sf->f_fsid));
	sf->f_namelen = EXT2_NAME_MAX;
	mutex_unlock(&mount->em_lock);
	return 0;
}

static int64_t
enode_readlink(struct item *item, char *data, size_t size)
{
	struct enode *node = enode_of(item);
	int n;

	mutex_lock(&node->n_mount->em_lock);
	n = ext2_readlink(node->n_inode, data, size);
	mutex_unlock(&node->n_mount->em_lock);
	return n;
}

static int
enode_sync_dir(struct item *item, bool data_only)
{
	struct emount *mount = enode_of(item)->n_mount;
	int error;

	(void)data_only;
	mutex_lock(&mount->em_lock);
	error = ext2_sync(mount->em_fs);
	mutex_unlock(&mount->em_lock);
	return error;
}

/* The pipe behind a named pipe: made by its first opener, gone with its last. */
static int
enode_fifo(struct enode *node, struct item **out)
{
	struct item *fresh, *use;
	int error;

	error = pipe_fifo_create(&node->n_item, &fresh);
	if (error != 0)
		return error;
	mutex_lock(&node->n_mount->em_lock);
	use = node->n_fifo;
	if (use != NULL && pipe_fifo_ref(use)) {
		mutex_unlock(&node->n_mount->em_lock);
		item_rel(fresh);
	} else {
		use = node->n_fifo = fresh;
		mutex_unlock(&node->n_mount->em_lock);
	}
	*out = use;
	return 0;
}

void
enode_fifo_gone(struct item *item, struct item *fifo)
{
	struct enode *node = enode_of(item);

	mutex_lock(&node->n_mount->em_lock);
	if (node->n_fifo == fifo)
		node->n_fifo = NULL;
	mutex_unlock(&node->n_mount->em_lock);
}

/* Device nodes and named pipes: what is opened is the device or the pipe. */
static int
enode_special_open(struct file *file)
{
	struct item *item = file->f_item, *target;
	struct lx_stat st;
	int error;

	if (item->i_mode == LX_S_IFSOCK)
		return -LX_ENXIO;
	if (item->i_mode == LX_S_IFIFO) {
		error = enode_fifo(enode_of(item), &target);
	} else {
		(void)enode_getattr(item, &st);
		error = dev_lookup(item->i_mode, st.st_rdev, &target);
	}
	if (error != 0)
		return error;
	return dev_exchange(file, target);
}

#define ENODE_COMMON			\
	.io_release = enode_release,	\
	.io_getattr = enode_getattr,	\
	.io_setattr = enode_setattr,	\
	.io_statfs = enode_statfs,	\
	.io_path = enode_path

const struct item_ops enode_file_ops = {
	.io_name = "file",
	ENODE_COMMON,
	.io_read = efile_read,
	.io_write = efile_write,
	.io_seek = efile_seek,
	.io_ioctl = efile_ioctl,
	.io_map = efile_map,
	.io_sync = efile_sync,
	.io_allocate = efile_allocate,
};

const struct item_ops enode_dir_ops = {
	.io_name = "directory",
	ENODE_COMMON,
	.io_sync = enode_sync_dir,
	.io_lookup = edir_lookup,
	.io_make = edir_make,
	.io_symlink = edir_symlink,
	.io_link = edir_link,
	.io_unlink = edir_unlink,
	.io_rename = edir_rename,
	.io_readdir = edir_readdir,
};

const struct item_ops enode_link_ops = {
	.io_name = "link",
	ENODE_COMMON,
	.io_readlink = enode_readlink,
};

const struct item_ops enode_special_ops = {
	.io_name = "special",
	ENODE_COMMON,
	.io_open = enode_special_open,
	.io_sync = enode_sync_dir,
};
