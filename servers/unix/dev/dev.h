/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices by number, and /dev.
 *
 * OBJECT   struct dev_item: a device, embedded by its service.  It lives for ever once made.
 */
#ifndef UNIX_DEV_DEV_H
#define UNIX_DEV_DEV_H

#include "../item.h"

struct dev_item {
	struct item	d_item;
	uint64_t	d_rdev;		/* immutable */
	struct item	*d_node;	/* its node in /dev, set once; attributes are the node's */
	uint32_t	d_mode;		/* attributes of a device without a node */
};

/* Starts the services behind devices: the console. */
int	dev_start(mach_port_t device_master);
/* A device that dev_lookup() finds from now on. */
void	dev_register(struct dev_item *dev);
/* The item of a device node, with a reference; -LX_ENXIO. */
int	dev_lookup(uint32_t mode, uint64_t rdev, struct item **out);
/* /dev, filled; *root gets a reference. */
int	devfs_create(struct item **root);

/* Operations for the tables of devices. */
void	dev_release(struct item *item);
int	dev_getattr(struct item *item, struct lx_stat *stat);
int	dev_setattr(struct item *item, const struct item_attr *attr);
int64_t	dev_path(struct item *item, char *data, size_t size, struct item **root);
/* In io_open: the description shall be of `target' (reference consumed) instead. */
int	dev_exchange(struct file *file, struct item *target);

/* Random bytes, for getrandom(2) too. */
void	random_bytes(void *data, size_t size);

#endif
