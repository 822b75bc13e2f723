/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table, and crossing from one file system into another.
 *
 * OBJECT   struct mount: one mounted file system, its root item and the directory it covers.
 * REFS     a mount holds one reference of each of the two.
 * LOCKS    mount_lock guards the table, i_mounted and i_covers; no operation is called under it.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs_internal.h"
#include "mount.h"
#include "enode.h"
#include "tmpfs.h"
#include "../dev/dev.h"
#include "../procfs/procfs.h"

/* mount_lock */
struct mount {
	struct mount	*m_next;
	struct item	*m_root;
	struct item	*m_covered;	/* null for the first */
	char		*m_source;
	char		*m_path;
	char		*m_type;
};

static struct mutex mount_lock = MUTEX_INITIALIZER;
static struct mount *mount_list;

struct item *
mount_down(struct item *item)
{
	struct item *root;

	/* Almost nothing is mounted on; the word is looked at again under the lock. */
	while (__atomic_load_n(&item->i_mounted, __ATOMIC_RELAXED) != NULL) {
		mutex_lock(&mount_lock);
		root = item->i_mounted;
		if (root != NULL)
			item_ref(root);
		mutex_unlock(&mount_lock);
		if (root == NULL)
			break;
		item_rel(item);
		item = root;
	}
	return item;
}

int
mount_parent(const struct vfs_ctx *ctx, struct item *dir, struct item **out)
{
	struct item *at = dir, *up;
	int error;

	item_ref(at);
	while (at != ctx->v_root) {
		mutex_lock(&mount_lock);
		up = at->i_covers;
		if (up != NULL)
			item_ref(up);
		mutex_unlock(&mount_lock);
		if (up != NULL) {
			item_rel(at);
			at = up;
			continue;
		}
		error = at->i_ops->io_lookup == NULL ? -LX_ENOTDIR :
		    at->i_ops->io_lookup(at, "..", 2, &up);
		item_rel(at);
		if (error == 0)
			*out = mount_down(up);
		return error;
	}
	*out = at;
	return 0;
}

/* => consumes one reference of covered and of root on success */
int
mount_attach(struct item *covered, struct item *root, const char *source, const char *path,
    const char *type)
{
	struct mount *m = calloc(1, sizeof(*m)), **mp;

	if (m == NULL)
		return -LX_ENOMEM;
	m->m_source = strdup(source);
	m->m_path = strdup(path);
	m->m_type = strdup(type);
	if (m->m_source == NULL || m->m_path == NULL || m->m_type == NULL) {
		free(m->m_source);
		free(m->m_path);
		free(m->m_type);
		free(m);
		return -LX_ENOMEM;
	}
	m->m_root = root;
	m->m_covered = covered;
	mutex_lock(&mount_lock);
	for (mp = &mount_list; *mp != NULL; mp = &(*mp)->m_next)
		;
	*mp = m;
	root->i_covers = covered;
	if (covered != NULL)
		__atomic_store_n(&covered->i_mounted, root, __ATOMIC_RELEASE);
	mutex_unlock(&mount_lock);
	return 0;
}

static int
mount_detach(struct item *root)
{
	struct mount **mp, *m;
	int error = -LX_EINVAL;
	/* Only the mount and the caller may still know the root, and nobody anything below. */
	bool busy = emount_is(root) ? emount_busy(root, 2) : root->i_refs > 2;

	mutex_lock(&mount_lock);
	for (mp = &mount_list; (m = *mp) != NULL; mp = &m->m_next) {
		if (m->m_root != root)
			continue;
		if (m->m_covered == NULL || busy) {
			error = -LX_EBUSY;
			break;
		}
		*mp = m->m_next;
		m->m_covered->i_mounted = NULL;
		root->i_covers = NULL;
		error = 0;
		break;
	}
	mutex_unlock(&mount_lock);
	if (error != 0)
		return error;
	item_rel(m->m_root);
	item_rel(m->m_covered);
	free(m->m_source);
	free(m->m_path);
	free(m->m_type);
	free(m);
	return 0;
}

/* The path at which a file system's root is mounted: "" for the first, "/dev", ... */
static int64_t
mount_path(const struct item *root, char *data, size_t size)
{
	const struct mount *m;
	int64_t n = -LX_ENOENT;

	mutex_lock(&mount_lock);
	for (m = mount_list; m != NULL; m = m->m_next) {
		if (m->m_root != root)
			continue;
		n = m->m_covered == NULL ? 0 : (int64_t)strlen(m->m_path);
		if ((size_t)n > size)
			n = -LX_ERANGE;
		else
			memcpy(data, m->m_path, (size_t)n);
		break;
	}
	mutex_unlock(&mount_lock);
	return n;
}

/* The absolute name of an item in the whole tree. */
static int64_t
path_whole(struct item *item, char *data, size_t size)
{
	char *inside = malloc(LX_PATH_MAX);
	struct item *root;
	int64_t n, k;

	if (inside == NULL)
		return -LX_ENOMEM;
	n = item->i_ops->io_path == NULL ? -LX_ENOENT :
	    item->i_ops->io_path(item, inside, LX_PATH_MAX, &root);
	if (n >= 0) {
		k = mount_path(root, data, size);
		if (k < 0)
			n = k;
		else if ((uint64_t)(k + n) + 1 > size)
			n = -LX_ERANGE;
		else {
			memcpy(data + k, inside, (size_t)n);
			n += k;
			if (n == 0)
				data[n++] = '/';
		}
	}
	free(inside);
	return n;
}

int64_t
vfs_path_of(const struct vfs_ctx *ctx, struct item *item, char *data, size_t size)
{
	char prefix[256];
	int64_t n, k;

	n = path_whole(item, data, size);
	if (n < 0 || ctx == NULL)
		return n;
	/* A changed root: its own name is not seen from inside. */
	k = path_whole(ctx->v_root, prefix, sizeof(prefix));
	if (k <= 1)
		return n;
	if (n < k || memcmp(data, prefix, (size_t)k) != 0 || (n > k && data[k] != '/'))
		return -LX_ENOENT;
	memmove(data, data + k, (size_t)(n - k));
	n -= k;
	if (n == 0)
		data[n++] = '/';
	return n;
}

/* A file system by its type name: its root, with a reference. */
static int
mount_create(const char *type, struct item **root)
{
	if (strcmp(type, "proc") == 0)
		return procfs_create(root);
	if (strcmp(type, "devtmpfs") == 0)
		return devfs_create(root);
	if (strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0)
		return tmpfs_create(root);
	return -LX_ENODEV;
}

static int
mount_at(const struct vfs_ctx *ctx, const char *source, const char *target, const char *type)
{
	char path[512];
	struct item *dir, *root;
	int64_t n;
	int error;

	error = vfs_lookup(ctx, NULL, target, 0, &dir);
	if (error != 0)
		return error;
	if (dir->i_mode != LX_S_IFDIR) {
		item_rel(dir);
		return -LX_ENOTDIR;
	}
	n = path_whole(dir, path, sizeof(path) - 1);
	if (n < 0) {
		item_rel(dir);
		return (int)n;
	}
	path[n] = 0;
	error = mount_create(type, &root);
	if (error == 0) {
		error = mount_attach(dir, root, source, path, type);
		if (error != 0)
			item_rel(root);
	}
	if (error != 0)
		item_rel(dir);
	return error;
}

int
vfs_mount(const struct vfs_ctx *ctx, const char *source, const char *target, const char *type,
    uint64_t flags)
{
	const uint64_t remount = 32;

	if (!cred_super(ctx->v_cred))
		return -LX_EPERM;
	if (flags & remount)
		return 0;
	return mount_at(ctx, source, target, type);
}

int
vfs_umount(const struct vfs_ctx *ctx, const char *target, int flags)
{
	struct item *root;
	int error;

	(void)flags;
	if (!cred_super(ctx->v_cred))
		return -LX_EPERM;
	error = vfs_lookup(ctx, NULL, target, 0, &root);
	if (error != 0)
		return error;
	error = mount_detach(root);
	item_rel(root);
	return error;
}

void
vfs_sync(void)
{
	emount_sync_all();
}

/* The text of /proc/mounts; as snprintf, the full length. */
size_t
mount_format(char *data, size_t size)
{
	const struct mount *m;
	size_t n = 0;
	int k;

	mutex_lock(&mount_lock);
	for (m = mount_list; m != NULL; m = m->m_next) {
		k = snprintf(n < size ? data + n : NULL, n < size ? size - n : 0,
		    "%s %s %s rw 0 0\n", m->m_source, m->m_path, m->m_type);
		n += k > 0 ? (size_t)k : 0;
	}
	mutex_unlock(&mount_lock);
	return n;
}

int
vfs_start(mach_port_t device_master, const char *root_device, struct item **root)
{
	struct vfs_ctx ctx = { 0 };
	char source[64];
	int error;

	error = fault_start();
	if (error == 0)
		error = pager_start();
	if (error == 0)
		error = dev_start(device_master);
	if (error == 0)
		error = emount_create(device_master, root_device, root);
	if (error != 0)
		return error;
	(void)snprintf(source, sizeof(source), "/dev/%s", root_device);
	item_ref(*root);
	error = mount_attach(NULL, *root, source, "/", "ext2");
	if (error != 0)
		return error;
	ctx.v_root = ctx.v_cwd = *root;
	ctx.v_cred = cred_create_root();
	if (ctx.v_cred == NULL)
		return -LX_ENOMEM;
	error = mount_at(&ctx, "devtmpfs", "/dev", "devtmpfs");
	if (error == 0)
		error = mount_at(&ctx, "proc", "/proc", "proc");
	cred_rel(ctx.v_cred);
	return error;
}
