/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices by number, and /dev.
 *
 * OBJECT   struct dev_item, see dev.h.  /dev itself is a small tmpfs with nodes made at start, so
 *          programs may add their own.
 * LOCKS    dev_lock for the list; nothing is called under it.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <string.h>

#include "dev.h"
#include "memdev.h"
#include "../fs/tmpfs.h"
#include "../fs/vfs_internal.h"
#include "../tty/tty.h"

#define DEVFS_SIZE	(1u << 20)
#define DEVICES		32

static struct mutex dev_lock = MUTEX_INITIALIZER;
static struct dev_item *devices[DEVICES];

struct dev_node {
	const char	*name;
	uint32_t	mode;
	uint32_t	major, minor;
	uint32_t	gid;
};

static const struct dev_node dev_nodes[] = {
	{ "null", LX_S_IFCHR | 0666, 1, 3, 0 },
	{ "zero", LX_S_IFCHR | 0666, 1, 5, 0 },
	{ "full", LX_S_IFCHR | 0666, 1, 7, 0 },
	{ "random", LX_S_IFCHR | 0666, 1, 8, 0 },
	{ "urandom", LX_S_IFCHR | 0666, 1, 9, 0 },
	{ "kmsg", LX_S_IFCHR | 0644, 1, 11, 0 },
	{ "tty", LX_S_IFCHR | 0666, 5, 0, 5 },
	{ "console", LX_S_IFCHR | 0600, 5, 1, 5 },
	{ "ptmx", LX_S_IFCHR | 0666, 5, 2, 5 },
};

static const struct {
	const char	*name;
	const char	*target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

void
dev_release(struct item *item)
{
	/* Devices stay. */
	(void)item;
}

int
dev_getattr(struct item *item, struct lx_stat *st)
{
	struct dev_item *dev = (struct dev_item *)item;

	if (dev->d_node != NULL)
		return dev->d_node->i_ops->io_getattr(dev->d_node, st);
	memset(st, 0, sizeof(*st));
	st->st_dev = lx_makedev(0, 6);
	st->st_ino = dev->d_rdev + 1;
	st->st_mode = item->i_mode | dev->d_mode;
	st->st_nlink = 1;
	st->st_rdev = dev->d_rdev;
	st->st_blksize = 4096;
	return 0;
}

int
dev_setattr(struct item *item, const struct item_attr *attr)
{
	struct dev_item *dev = (struct dev_item *)item;
	struct item_attr a = *attr;

	/* A device has no size to set; O_TRUNC and ftruncate are nothing to it. */
	a.a_valid &= ~(uint32_t)ATTR_SIZE;
	if (dev->d_node != NULL && a.a_valid != 0)
		return dev->d_node->i_ops->io_setattr(dev->d_node, &a);
	return attr->a_valid & ATTR_SIZE ? -LX_EINVAL : 0;
}

int64_t
dev_path(struct item *item, char *data, size_t size, struct item **root)
{
	struct dev_item *dev = (struct dev_item *)item;

	if (dev->d_node == NULL)
		return -LX_ENOENT;
	return dev->d_node->i_ops->io_path(dev->d_node, data, size, root);
}

int
dev_exchange(struct file *file, struct item *target)
{
	struct item *old = file->f_item;
	int error = 0;

	file->f_item = target;
	if (target->i_ops->io_open != NULL)
		error = target->i_ops->io_open(file);
	if (error != 0) {
		item_rel(file->f_item);
		file->f_item = old;
		return error;
	}
	item_rel(old);
	return 0;
}

void
dev_register(struct dev_item *dev)
{
	int i;

	mutex_lock(&dev_lock);
	for (i = 0; i < DEVICES && devices[i] != NULL; i++)
		;
	if (i < DEVICES)
		devices[i] = dev;
	mutex_unlock(&dev_lock);
}

static struct dev_item *
dev_find(uint32_t mode, uint64_t rdev)
{
	struct dev_item *dev = NULL;
	int i;

	mutex_lock(&dev_lock);
	for (i = 0; i < DEVICES && devices[i] != NULL; i++) {
		if (devices[i]->d_rdev == rdev &&
		    devices[i]->d_item.i_mode == (mode & LX_S_IFMT)) {
			dev = devices[i];
			break;
		}
	}
	mutex_unlock(&dev_lock);
	return dev;
}

int
dev_lookup(uint32_t mode, uint64_t rdev, struct item **out)
{
	struct dev_item *dev;

	if ((mode & LX_S_IFMT) == LX_S_IFCHR && lx_major(rdev) == PTS_MAJOR)
		return pty_slave_lookup(lx_minor(rdev), out);
	dev = dev_find(mode, rdev);
	if (dev == NULL)
		return -LX_ENXIO;
	item_ref(&dev->d_item);
	*out = &dev->d_item;
	return 0;
}

static int
node_make(struct item *dir, const struct dev_node *n, struct cred *cred)
{
	struct dev_item *dev = dev_find(n->mode, lx_makedev(n->major, n->minor));
	struct item *node;
	int error;

	if (dev == NULL)
		return 0;
	cred->c_fsgid = n->gid;
	error = dir->i_ops->io_make(dir, n->name, strlen(n->name), n->mode, dev->d_rdev, cred,
	    &node);
	if (error != 0)
		return error;
	/* The first /dev keeps the attributes of its devices, for good. */
	if (dev->d_node == NULL)
		dev->d_node = node;
	else
		item_rel(node);
	return 0;
}

int
devfs_create(struct item **root)
{
	struct cred *cred = cred_create_root();
	struct item *dir, *pts, *devpts;
	size_t i;
	int error;

	if (cred == NULL)
		return -LX_ENOMEM;
	error = tmpfs_create_sized(DEVFS_SIZE, &dir);
	for (i = 0; error == 0 && i < sizeof(dev_nodes) / sizeof(dev_nodes[0]); i++)
		error = node_make(dir, &dev_nodes[i], cred);
	cred->c_fsgid = 0;
	for (i = 0; error == 0 && i < sizeof(dev_links) / sizeof(dev_links[0]); i++)
		error = dir->i_ops->io_symlink(dir, dev_links[i].name, strlen(dev_links[i].name),
		    dev_links[i].target, strlen(dev_links[i].target), cred);
	if (error == 0)
		error = dir->i_ops->io_make(dir, "shm", 3, LX_S_IFDIR | 01777, 0, cred, NULL);
	if (error == 0)
		error = dir->i_ops->io_make(dir, "pts", 3, LX_S_IFDIR | 0755, 0, cred, &pts);
	if (error == 0) {
		error = devpts_create(&devpts);
		if (error == 0)
			error = mount_attach(pts, devpts, "devpts", "/dev/pts", "devpts");
	}
	cred_rel(cred);
	if (error == 0)
		*root = dir;
	return error;
}

int
dev_start(mach_port_t device_master)
{
	int error;

	memdev_start();
	error = tty_start(device_master);
	return error;
}
