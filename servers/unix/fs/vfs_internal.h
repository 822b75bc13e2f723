/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the parts of path walking.
 */
#ifndef UNIX_FS_VFS_INTERNAL_H
#define UNIX_FS_VFS_INTERNAL_H

#include "../vfs.h"

/* Where a walk ended: the parent directory and the last name, or the item itself. */
struct walk {
	const struct vfs_ctx *w_ctx;
	/* Result of walk_parent(): reference held by the walker, dropped by walk_end(). */
	struct item	*w_dir;
	char		w_name[LX_NAME_MAX + 1];
	size_t		w_length;	/* 0: the path is the directory itself ("/", "", "..") */
	bool		w_slash;	/* the name was followed by a slash: a directory is meant */
	/* State. */
	int		w_links;
	char		*w_rest;	/* what is still to walk, in w_buffer */
	char		*w_buffer;
};

int walk_parent(struct walk *w, const struct vfs_ctx *ctx, struct item *start, const char *path);
/* The last name is a link to follow: go on to its target's parent.  Consumes link. */
int walk_link(struct walk *w, struct item *link);
/* The item of the last name, mount points crossed, links not followed. */
int walk_last(struct walk *w, struct item **out);
void walk_end(struct walk *w);

int vfs_permission(const struct vfs_ctx *ctx, struct item *item, unsigned int want);
/* Down into what is mounted on the item.  Consumes and returns a reference. */
struct item *mount_down(struct item *item);
/* The parent of a directory, stopping at the context's root. */
int mount_parent(const struct vfs_ctx *ctx, struct item *dir, struct item **out);
int mount_attach(struct item *covered, struct item *root, const char *source, const char *path,
    const char *type);

#endif
