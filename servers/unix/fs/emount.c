/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounted ext2 images and the RAM disk under them.
 *
 * OBJECT   struct emount.  Its device is a kernel device whose memory is mapped here, so a
 *          transfer is a copy; everything else goes through the two calls of struct ext2_dev.
 * LOCKS    em_lock; mounts_lock for the list of mounts.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <device/device.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "enode.h"

#define MOUNTS_MAX	32
#define NODES_MAX	2048
#define DEPTH_MAX	1024

static struct mutex mounts_lock = MUTEX_INITIALIZER;
static struct emount *mounts[MOUNTS_MAX];

static struct emount *
mount_of_dev(struct ext2_dev *dev)
{
	return (struct emount *)((char *)dev - offsetof(struct emount, em_dev));
}

static int
ram_read(struct ext2_dev *dev, uint64_t off, void *buf, size_t len)
{
	if (off > dev->dev_size || len > dev->dev_size - off)
		return -LX_EIO;
	memcpy(buf, mount_of_dev(dev)->em_base + off, len);
	return 0;
}

static int
ram_write(struct ext2_dev *dev, uint64_t off, const void *buf, size_t len)
{
	if (off > dev->dev_size || len > dev->dev_size - off)
		return -LX_EIO;
	memcpy(mount_of_dev(dev)->em_base + off, buf, len);
	return 0;
}

static void
fs_now(int64_t *sec, uint32_t *nsec)
{
	int64_t now = clock_realtime();

	*sec = now / 1000000000;
	*nsec = (uint32_t)(now % 1000000000);
}

/* Opens the kernel's device and maps all of it. */
static int
ram_open(struct emount *mount, mach_port_t master, const char *name)
{
	dev_name_t device_name = { 0 };
	int status[DEV_GET_SIZE_COUNT];
	mach_msg_type_number_t count = DEV_GET_SIZE_COUNT;
	mach_port_t memory;
	vm_address_t base = 0;
	kern_return_t kr;

	strncpy(device_name, name, sizeof(device_name) - 1);
	kr = device_open(master, D_READ | D_WRITE, device_name, &mount->em_device);
	if (kr != KERN_SUCCESS)
		return -LX_ENODEV;
	kr = device_get_status(mount->em_device, DEV_GET_SIZE, status, &count);
	if (kr != KERN_SUCCESS || status[DEV_GET_SIZE_DEVICE_SIZE] <= 0)
		return -LX_ENXIO;
	mount->em_dev.dev_size = (uint32_t)status[DEV_GET_SIZE_DEVICE_SIZE];
	kr = device_map(mount->em_device, VM_PROT_READ | VM_PROT_WRITE, 0,
	    mount->em_dev.dev_size, &memory, 0);
	if (kr != KERN_SUCCESS)
		return -LX_ENXIO;
	kr = vm_map(mach_task_self(), &base, mount->em_dev.dev_size, 0, TRUE, memory, 0, FALSE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), memory);
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	mount->em_base = (uint8_t *)base;
	return 0;
}

static struct emount *
mount_alloc(void)
{
	struct emount *mount = calloc(1, sizeof(*mount));

	if (mount == NULL)
		return NULL;
	mutex_init(&mount->em_lock);
	mount->em_ring.n_next = mount->em_ring.n_prev = &mount->em_ring;
	mount->em_nodes_max = NODES_MAX;
	mount->em_dev.dev_read = ram_read;
	mount->em_dev.dev_write = ram_write;
	return mount;
}

/* Puts the mount into the list, which gives it its number. */
static int
mount_enlist(struct emount *mount)
{
	int i;

	mutex_lock(&mounts_lock);
	for (i = 0; i < MOUNTS_MAX && mounts[i] != NULL; i++)
		;
	if (i < MOUNTS_MAX) {
		mounts[i] = mount;
		mount->em_id = mount->em_temporary ? lx_makedev(0, 20 + (uint32_t)i) :
		    lx_makedev(1, (uint32_t)i);
	}
	mutex_unlock(&mounts_lock);
	return i < MOUNTS_MAX ? 0 : -LX_EBUSY;
}

/* => on failure the mount is freed, its device left open */
static int
mount_begin(struct emount *mount, struct item **root)
{
	struct ext2_inode *inode;
	struct enode *node;
	int error;

	error = ext2_mount(&mount->em_dev, false, fs_now, &mount->em_fs);
	if (error != 0) {
		free(mount);
		return error;
	}
	mutex_lock(&mount->em_lock);
	error = ext2_inode_get(mount->em_fs, EXT2_ROOT_INO, &inode);
	if (error == 0 && (inode->ei_d.i_mode & LX_S_IFMT) != LX_S_IFDIR) {
		ext2_inode_put(inode);
		error = -LX_EUCLEAN;
	}
	if (error == 0)
		error = enode_get(mount, inode, &node);
	mutex_unlock(&mount->em_lock);
	if (error == 0)
		error = mount_enlist(mount);
	if (error != 0)
		return error;
	mount->em_root = &node->n_item;
	*root = &node->n_item;
	return 0;
}

/* => *root gets a reference of the root directory */
int
emount_create(mach_port_t device_master, const char *device, struct item **root)
{
	struct emount *mount = mount_alloc();
	int error;

	if (mount == NULL)
		return -LX_ENOMEM;
	error = ram_open(mount, device_master, device);
	if (error != 0) {
		free(mount);
		return error;
	}
	return mount_begin(mount, root);
}

/* The same over memory of the server's own, which goes with the machine. */
int
emount_create_memory(uint8_t *base, uint64_t size, struct item **root)
{
	struct emount *mount = mount_alloc();

	if (mount == NULL)
		return -LX_ENOMEM;
	mount->em_base = base;
	mount->em_dev.dev_size = size;
	mount->em_temporary = true;
	return mount_begin(mount, root);
}

bool
emount_is(const struct item *item)
{
	return item->i_ops == &enode_dir_ops;
}

bool
emount_busy(struct item *root, uint32_t known)
{
	struct emount *mount = enode_of(root)->n_mount;
	struct enode *node;
	uint32_t idle;
	bool busy = false;

	mutex_lock(&mount->em_lock);
	for (node = mount->em_ring.n_next; node != &mount->em_ring; node = node->n_next) {
		idle = (node->n_cached ? 1 : 0) + (&node->n_item == root ? known : 0);
		if (__atomic_load_n(&node->n_item.i_refs, __ATOMIC_RELAXED) > idle)
			busy = true;
	}
	mutex_unlock(&mount->em_lock);
	return busy;
}

/* Brings the changed pages of every file home. */
static void
mount_flush_files(struct emount *mount)
{
	struct enode *node, **list;
	uint32_t n = 0, i;

	mutex_lock(&mount->em_lock);
	list = malloc(mount->em_nodes * sizeof(list[0]));
	for (node = mount->em_ring.n_next; list != NULL && node != &mount->em_ring;
	    node = node->n_next) {
		if (node->n_state != ENODE_READY || node->n_dying ||
		    __atomic_load_n(&node->n_item.i_refs, __ATOMIC_ACQUIRE) == 0)
			continue;
		/* Not from zero: it may be an unlinked one whose end has begun. */
		if (!node->n_cached)
			continue;
		item_ref(&node->n_item);
		list[n++] = node;
	}
	mutex_unlock(&mount->em_lock);
	for (i = 0; i < n; i++) {
		(void)pager_flush(list[i], 0, list[i]->n_size, true, false);
		item_rel(&list[i]->n_item);
	}
	free(list);
}

void
emount_sync_all(void)
{
	int i;

	for (i = 0; i < MOUNTS_MAX; i++) {
		if (mounts[i] == NULL || mounts[i]->em_temporary)
			continue;
		mount_flush_files(mounts[i]);
		mutex_lock(&mounts[i]->em_lock);
		(void)ext2_sync(mounts[i]->em_fs);
		mutex_unlock(&mounts[i]->em_lock);
	}
}

/* The name of `node' in its directory, by the hint or else by looking through it. */
struct find_name {
	uint32_t	ino;
	char		*name;
	size_t		length;
};

static bool
find_name_emit(void *arg, uint32_t ino, const char *name, size_t length, uint8_t type,
    uint64_t next)
{
	struct find_name *f = arg;

	(void)type;
	(void)next;
	if (ino != f->ino || (name[0] == '.' && (length == 1 ||
	    (length == 2 && name[1] == '.'))))
		return true;
	memcpy(f->name, name, length);
	f->length = length;
	return false;
}

static int
name_in(struct ext2_inode *dir, uint32_t ino, char *name)
{
	struct find_name f = { .ino = ino, .name = name };
	uint64_t off = 0;
	int error;

	error = ext2_dir_read(dir, &off, find_name_emit, &f);
	if (error != 0)
		return error;
	return f.length != 0 ? (int)f.length : -LX_ENOENT;
}

/* One step up: the parent of ip, and ip's name there.  => consumes ip's reference */
static int
step_up(struct ext2_fs *fs, struct ext2_inode *ip, uint32_t hint, struct ext2_inode **up,
    char *name)
{
	struct ext2_dir_pos pos;
	uint32_t parent = hint, ino = ip->ei_ino;
	int error = 0;

	if ((ip->ei_d.i_mode & LX_S_IFMT) == LX_S_IFDIR) {
		error = ext2_dir_lookup(ip, "..", 2, &pos);
		parent = error == 0 ? pos.dp_ino : 0;
	}
	ext2_inode_put(ip);
	if (error == 0 && parent == 0)
		error = -LX_ENOENT;
	if (error == 0)
		error = ext2_inode_get(fs, parent, up);
	if (error != 0)
		return error;
	if (((*up)->ei_d.i_mode & LX_S_IFMT) != LX_S_IFDIR)
		error = -LX_ENOENT;
	else
		error = name_in(*up, ino, name);
	if (error < 0)
		ext2_inode_put(*up);
	return error;
}

/*
 * The path of a node below the root of its file system, "" for the root itself.  Directories are
 * found by "..", files by where a lookup last met them.
 * => length without NUL; -LX_ENOENT when it has no name any more
 */
int64_t
enode_path(struct item *item, char *data, size_t size, struct item **root)
{
	struct enode *node = enode_of(item);
	struct ext2_fs *fs = node->n_mount->em_fs;
	struct ext2_inode *ip, *up;
	char name[EXT2_NAME_MAX + 1];
	size_t at = size;
	int n = 0, depth;

	mutex_lock(&node->n_mount->em_lock);
	ip = node->n_inode;
	if (ip->ei_d.i_links_count == 0)
		n = -LX_ENOENT;
	else
		ext2_inode_ref(ip);
	for (depth = 0; n >= 0 && ip->ei_ino != EXT2_ROOT_INO; depth++) {
		n = step_up(fs, ip, node->n_hint_parent, &up, name);
		if (n < 0)
			break;
		ip = up;
		if ((size_t)n + 1 > at || depth > DEPTH_MAX) {
			ext2_inode_put(ip);
			n = -LX_ERANGE;
			break;
		}
		at -= (size_t)n;
		memcpy(data + at, name, (size_t)n);
		data[--at] = '/';
	}
	if (n >= 0)
		ext2_inode_put(ip);
	mutex_unlock(&node->n_mount->em_lock);
	if (n < 0)
		return n;
	*root = node->n_mount->em_root;
	memmove(data, data + at, size - at);
	return (int64_t)(size - at);
}
