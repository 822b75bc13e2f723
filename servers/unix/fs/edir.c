/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directory operations of ext2 nodes.
 *
 * LOCKS    em_lock over each operation: names, counts and nodes change together.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "enode.h"

/* => em_lock held; the inode's reference is consumed */
static int
edir_node(struct enode *dir, struct ext2_inode *inode, const char *name, size_t length,
    struct item **out)
{
	struct enode *node;
	int error;

	error = enode_get(dir->n_mount, inode, &node);
	if (error != 0)
		return error;
	if (!(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))) &&
	    length < ENODE_NAME_HINT) {
		node->n_hint_parent = dir->n_ino;
		memcpy(node->n_hint_name, name, length);
		node->n_hint_name[length] = 0;
	}
	*out = &node->n_item;
	return 0;
}

int
edir_lookup(struct item *dir, const char *name, size_t length, struct item **out)
{
	struct enode *node = enode_of(dir);
	struct emount *mount = node->n_mount;
	struct ext2_inode *inode;
	bool many;
	int error;

	mutex_lock(&mount->em_lock);
	error = ext2_lookup(node->n_inode, name, length, &inode);
	if (error == 0)
		error = edir_node(node, inode, name, length, out);
	many = mount->em_nodes > mount->em_nodes_max;
	mutex_unlock(&mount->em_lock);
	if (many)
		enode_evict(mount, mount->em_nodes_max - mount->em_nodes_max / 8);
	return error;
}

/* Set-group-id directories hand their group down. */
static uint32_t
new_gid(const struct enode *dir, const struct cred *cred)
{
	const struct ext2_dinode *d = &dir->n_inode->ei_d;

	if (d->i_mode & LX_S_ISGID)
		return d->i_gid | (uint32_t)d->i_gid_high << 16;
	return cred->c_fsgid;
}

int
edir_make(struct item *dir, const char *name, size_t length, uint32_t mode, uint64_t rdev,
    const struct cred *cred, struct item **out)
{
	struct enode *node = enode_of(dir);
	struct ext2_inode *inode;
	struct item *made;
	int error;

	if ((mode & LX_S_IFMT) == 0)
		mode |= LX_S_IFREG;
	mutex_lock(&node->n_mount->em_lock);
	if ((mode & LX_S_IFMT) == LX_S_IFDIR && (node->n_inode->ei_d.i_mode & LX_S_ISGID))
		mode |= LX_S_ISGID;
	error = ext2_create(node->n_inode, name, length, mode, cred->c_fsuid,
	    new_gid(node, cred), rdev, &inode);
	if (error == 0) {
		error = edir_node(node, inode, name, length, &made);
		if (error == 0 && out != NULL)
			*out = made;
	}
	mutex_unlock(&node->n_mount->em_lock);
	if (error == 0 && out == NULL)
		item_rel(made);
	return error;
}

int
edir_symlink(struct item *dir, const char *name, size_t length, const char *target,
    size_t target_length, const struct cred *cred)
{
	struct enode *node = enode_of(dir);
	struct ext2_inode *inode;
	int error;

	mutex_lock(&node->n_mount->em_lock);
	error = ext2_symlink(node->n_inode, name, length, target, target_length, cred->c_fsuid,
	    new_gid(node, cred), &inode);
	if (error == 0)
		ext2_inode_put(inode);
	mutex_unlock(&node->n_mount->em_lock);
	return error;
}

int
edir_link(struct item *dir, const char *name, size_t length, struct item *old)
{
	struct enode *node = enode_of(dir);
	int error;

	mutex_lock(&node->n_mount->em_lock);
	error = ext2_link(node->n_inode, name, length, enode_of(old)->n_inode);
	mutex_unlock(&node->n_mount->em_lock);
	return error;
}

/* => em_lock held, the caller owns a reference of victim and drops it after the lock */
static void
edir_buried(struct item *victim)
{
	struct enode *node;

	if (victim == NULL)
		return;
	node = enode_of(victim);
	if (node->n_inode->ei_d.i_links_count == 0)
		enode_uncache(node);
}

/* The node a name stands for, or null: only to take leave of it. */
static struct item *
edir_victim(struct enode *dir, const char *name, size_t length)
{
	struct ext2_inode *inode;
	struct enode *node;

	if (ext2_lookup(dir->n_inode, name, length, &inode) != 0)
		return NULL;
	return enode_get(dir->n_mount, inode, &node) == 0 ? &node->n_item : NULL;
}

int
edir_unlink(struct item *dir, const char *name, size_t length, bool directory)
{
	struct enode *node = enode_of(dir);
	struct item *victim;
	int error;

	mutex_lock(&node->n_mount->em_lock);
	victim = edir_victim(node, name, length);
	if (victim != NULL && victim->i_mounted != NULL)
		error = -LX_EBUSY;
	else if (directory)
		error = ext2_rmdir(node->n_inode, name, length);
	else
		error = ext2_unlink(node->n_inode, name, length);
	if (error == 0)
		edir_buried(victim);
	mutex_unlock(&node->n_mount->em_lock);
	if (victim != NULL)
		item_rel(victim);
	return error;
}

int
edir_rename(struct item *old_dir, const char *old_name, size_t old_length,
    struct item *new_dir, const char *new_name, size_t new_length, unsigned int flags)
{
	struct enode *from = enode_of(old_dir), *to = enode_of(new_dir);
	struct item *victim, *moved;
	int error;

	mutex_lock(&from->n_mount->em_lock);
	victim = edir_victim(to, new_name, new_length);
	moved = edir_victim(from, old_name, old_length);
	if ((victim != NULL && victim->i_mounted != NULL) ||
	    (moved != NULL && moved->i_mounted != NULL))
		error = -LX_EBUSY;
	else
		error = ext2_rename(from->n_inode, old_name, old_length, to->n_inode, new_name,
		    new_length, flags);
	if (error == 0) {
		edir_buried(victim);
		if (moved != NULL && new_length < ENODE_NAME_HINT) {
			enode_of(moved)->n_hint_parent = to->n_ino;
			memcpy(enode_of(moved)->n_hint_name, new_name, new_length);
			enode_of(moved)->n_hint_name[new_length] = 0;
		}
	}
	mutex_unlock(&from->n_mount->em_lock);
	if (victim != NULL)
		item_rel(victim);
	if (moved != NULL)
		item_rel(moved);
	return error;
}

struct readdir {
	uint8_t	*data;
	size_t	size;
	size_t	used;
};

static const uint8_t dirent_types[8] = {
	LX_DT_UNKNOWN, LX_DT_REG, LX_DT_DIR, LX_DT_CHR, LX_DT_BLK, LX_DT_FIFO, LX_DT_SOCK,
	LX_DT_LNK,
};

static bool
readdir_emit(void *arg, uint32_t ino, const char *name, size_t length, uint8_t type,
    uint64_t next)
{
	struct readdir *r = arg;
	size_t need = (offsetof(struct lx_dirent64, d_name) + length + 1 + 7) & ~(size_t)7;
	struct lx_dirent64 *d;

	if (need > r->size - r->used)
		return false;
	d = (struct lx_dirent64 *)(void *)(r->data + r->used);
	memset(d, 0, need);
	d->d_ino = ino;
	d->d_off = (int64_t)next;
	d->d_reclen = (uint16_t)need;
	d->d_type = dirent_types[type & 7];
	memcpy(d->d_name, name, length);
	r->used += need;
	return true;
}

int64_t
edir_readdir(struct file *file, void *data, size_t size, int64_t *offset)
{
	struct enode *node = enode_of(file->f_item);
	struct readdir r = { .data = data, .size = size };
	uint64_t at = (uint64_t)*offset;
	int error = 0;

	mutex_lock(&node->n_mount->em_lock);
	if (node->n_inode->ei_d.i_links_count != 0) {
		error = ext2_dir_read(node->n_inode, &at, readdir_emit, &r);
		if (error == 0 && r.used == 0 && at < ext2_size(node->n_inode))
			error = -LX_EINVAL;	/* not even one entry fits */
	}
	mutex_unlock(&node->n_mount->em_lock);
	if (error != 0 && r.used == 0)
		return error;
	*offset = (int64_t)at;
	return (int64_t)r.used;
}
