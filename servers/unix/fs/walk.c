/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking a path down to its last name.
 *
 * OBJECT   struct walk: one walk in progress, on the stack of its caller.
 * REFS     the walk holds one reference of the directory it is in, from walk_parent() on success
 *          to walk_end().
 * LOCKS    none held; each step is one operation of a directory.
 * TESTS    tests/linux
 *
 * The last name is left to the caller, because creating, removing, following and not following
 * differ only there.  The text still to walk lives in one buffer, into which links are spliced;
 * so a path never costs recursion.
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "vfs_internal.h"

#define BUFFER_SIZE	(LX_PATH_MAX + 1)

/* May the caller do `want' (4 read, 2 write, 1 execute) to the item? */
int
vfs_permission(const struct vfs_ctx *ctx, struct item *item, unsigned int want)
{
	struct lx_stat st;
	int error;

	/* Root may search and change every directory: the common case needs no look. */
	if (item->i_mode == LX_S_IFDIR && cred_super(ctx->v_cred))
		return 0;
	error = item->i_ops->io_getattr(item, &st);
	if (error != 0)
		return error;
	return cred_permits(ctx->v_cred, st.st_mode, st.st_uid, st.st_gid, want) ? 0 :
	    -LX_EACCES;
}

/* Puts the text of a link before what is still to walk. */
static int
splice(struct walk *w, const char *text, size_t length)
{
	size_t rest = strlen(w->w_rest);

	if (length + 1 + rest + 1 > BUFFER_SIZE)
		return -LX_ENAMETOOLONG;
	memmove(w->w_buffer + length + 1, w->w_rest, rest + 1);
	memcpy(w->w_buffer, text, length);
	w->w_buffer[length] = rest != 0 ? '/' : 0;
	w->w_rest = w->w_buffer;
	return 0;
}

/*
 * Follows a link found in w_dir: either w_dir becomes the item itself (magic links), or its
 * text is put before the rest of the path, and w_dir is where that begins.
 * => consumes link; *direct says that there is no text to walk
 */
static int
follow(struct walk *w, struct item *link, bool *direct)
{
	char text[LX_PATH_MAX];
	struct item *item;
	int64_t n;
	int error;

	*direct = false;
	if (++w->w_links > LX_SYMLOOP_MAX) {
		item_rel(link);
		return -LX_ELOOP;
	}
	if (link->i_ops->io_follow != NULL) {
		error = link->i_ops->io_follow(link, &item);
		item_rel(link);
		if (error != 0)
			return error;
		item_rel(w->w_dir);
		w->w_dir = mount_down(item);
		*direct = true;
		return 0;
	}
	n = link->i_ops->io_readlink == NULL ? -LX_EINVAL :
	    link->i_ops->io_readlink(link, text, sizeof(text));
	item_rel(link);
	if (n <= 0)
		return n < 0 ? (int)n : -LX_ENOENT;
	error = splice(w, text, (size_t)n);
	if (error != 0)
		return error;
	if (text[0] == '/') {
		item_rel(w->w_dir);
		w->w_dir = w->w_ctx->v_root;
		item_ref(w->w_dir);
	}
	return 0;
}

/* Takes the next name off the rest of the path: length 0 at its end. */
static int
next_name(struct walk *w)
{
	char *end;

	while (*w->w_rest == '/')
		w->w_rest++;
	end = w->w_rest;
	while (*end != 0 && *end != '/')
		end++;
	w->w_length = (size_t)(end - w->w_rest);
	if (w->w_length > LX_NAME_MAX)
		return -LX_ENAMETOOLONG;
	memcpy(w->w_name, w->w_rest, w->w_length);
	w->w_name[w->w_length] = 0;
	w->w_slash = *end == '/';
	while (*end == '/')
		end++;
	w->w_rest = end;
	return 0;
}

/* One name that is not the last, or is "." or "..": w_dir moves on. */
static int
step(struct walk *w)
{
	struct item *item;
	bool direct;
	int error;

	if (w->w_length == 1 && w->w_name[0] == '.')
		return 0;
	if (w->w_length == 2 && w->w_name[0] == '.' && w->w_name[1] == '.') {
		error = mount_parent(w->w_ctx, w->w_dir, &item);
	} else {
		error = w->w_dir->i_ops->io_lookup == NULL ? -LX_ENOTDIR :
		    w->w_dir->i_ops->io_lookup(w->w_dir, w->w_name, w->w_length, &item);
		if (error == 0)
			item = mount_down(item);
	}
	if (error != 0)
		return error;
	if (item->i_mode == LX_S_IFLNK)
		return follow(w, item, &direct);
	item_rel(w->w_dir);
	w->w_dir = item;
	return 0;
}

static bool
is_dots(const struct walk *w)
{
	return w->w_name[0] == '.' && (w->w_length == 1 ||
	    (w->w_length == 2 && w->w_name[1] == '.'));
}

/* => on failure the walk is ended */
static int
run(struct walk *w)
{
	int error;

	for (;;) {
		error = next_name(w);
		if (error != 0)
			break;
		if (w->w_length == 0)
			return 0;
		if (w->w_dir->i_mode != LX_S_IFDIR) {
			error = -LX_ENOTDIR;
			break;
		}
		error = vfs_permission(w->w_ctx, w->w_dir, 1);
		if (error != 0)
			break;
		if (*w->w_rest == 0 && !is_dots(w))
			return 0;
		error = step(w);
		if (error != 0)
			break;
		if (*w->w_rest == 0 && is_dots(w)) {
			/* Ends in "." or "..": the directory itself; w_name tells which. */
			w->w_length = 0;
			return 0;
		}
	}
	walk_end(w);
	return error;
}

/*
 * => start null: the current directory.  -LX_ENOENT for an empty path.
 */
int
walk_parent(struct walk *w, const struct vfs_ctx *ctx, struct item *start, const char *path)
{
	size_t length = strlen(path);

	memset(w, 0, offsetof(struct walk, w_name));
	w->w_ctx = ctx;
	w->w_links = 0;
	w->w_name[0] = 0;
	w->w_slash = false;
	if (length == 0)
		return -LX_ENOENT;
	if (length >= LX_PATH_MAX)
		return -LX_ENAMETOOLONG;
	w->w_buffer = malloc(BUFFER_SIZE);
	if (w->w_buffer == NULL)
		return -LX_ENOMEM;
	memcpy(w->w_buffer, path, length + 1);
	w->w_rest = w->w_buffer;
	if (path[0] == '/')
		w->w_dir = ctx->v_root;
	else
		w->w_dir = start != NULL ? start : ctx->v_cwd;
	item_ref(w->w_dir);
	return run(w);
}

/*
 * => consumes link; on failure the walk is ended
 */
int
walk_link(struct walk *w, struct item *link)
{
	bool direct;
	int error;

	/* What followed the link's name was at most a slash, which goes on meaning a directory. */
	w->w_rest = w->w_slash ? "/" : "";
	error = follow(w, link, &direct);
	if (error != 0) {
		walk_end(w);
		return error;
	}
	if (direct) {
		w->w_length = 0;
		w->w_name[0] = 0;
		return 0;
	}
	return run(w);
}

int
walk_last(struct walk *w, struct item **out)
{
	struct item *item;
	int error;

	if (w->w_length == 0) {
		item_ref(w->w_dir);
		*out = w->w_dir;
		return 0;
	}
	if (w->w_dir->i_ops->io_lookup == NULL)
		return -LX_ENOTDIR;
	error = w->w_dir->i_ops->io_lookup(w->w_dir, w->w_name, w->w_length, &item);
	if (error != 0)
		return error;
	*out = mount_down(item);
	return 0;
}

void
walk_end(struct walk *w)
{
	if (w->w_dir != NULL)
		item_rel(w->w_dir);
	free(w->w_buffer);
	w->w_dir = NULL;
	w->w_buffer = NULL;
}
