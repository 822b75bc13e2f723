/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: the machinery of nodes; what they say is in system.c and pid.c.
 *
 * OBJECT   struct pnode
 * REFS     the item's; a node holds its parent.  Text is made at the first read and again
 *          whenever reading starts at 0; it belongs to the description.
 * LOCKS    the lock of a description's text.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <string.h>

#include "procfs.h"

static const struct item_ops proc_dir_ops, proc_text_ops, proc_link_ops, proc_magic_ops;

void
pbuf_add(struct pbuf *b, const void *data, size_t size)
{
	size_t room;
	char *fresh;

	if (b->pb_failed)
		return;
	if (size > b->pb_room - b->pb_size) {
		room = (b->pb_size + size) * 2 + 256;
		fresh = realloc(b->pb_data, room);
		if (fresh == NULL) {
			b->pb_failed = true;
			return;
		}
		b->pb_data = fresh;
		b->pb_room = room;
	}
	memcpy(b->pb_data + b->pb_size, data, size);
	b->pb_size += size;
}

void
pbuf_printf(struct pbuf *b, const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0)
		pbuf_add(b, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static struct pnode *
pnode_of(struct item *item)
{
	return (struct pnode *)item;
}

static int
pnode_create(struct pnode *parent, const struct pentry *entry, int pid, int number,
    struct item **out)
{
	struct pnode *node = calloc(1, sizeof(*node));
	const struct item_ops *ops;
	uint32_t flags = 0;

	if (node == NULL)
		return -LX_ENOMEM;
	switch (entry->pe_mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		ops = &proc_dir_ops;
		break;
	case LX_S_IFLNK:
		ops = entry->pe_follow != NULL ? &proc_magic_ops : &proc_link_ops;
		break;
	default:
		ops = &proc_text_ops;
		flags = ITEM_SEEKABLE;
	}
	item_init(&node->pn_item, ops, entry->pe_mode, flags);
	node->pn_entry = entry;
	node->pn_parent = parent;
	if (parent != NULL)
		item_ref(&parent->pn_item);
	node->pn_pid = pid;
	node->pn_number = number;
	*out = &node->pn_item;
	return 0;
}

static void
proc_release(struct item *item)
{
	struct pnode *node = pnode_of(item);

	if (node->pn_parent != NULL)
		item_rel(&node->pn_parent->pn_item);
	free(node);
}

static uint64_t
pnode_ino(const struct pentry *entry, int pid, int number)
{
	uint64_t h = (uint64_t)(uintptr_t)entry * 0x9e3779b97f4a7c15ULL;

	if (entry == &proc_root_entry)
		return 1;
	return ((h >> 40) | (uint64_t)(uint32_t)pid << 24) + (uint64_t)(uint32_t)number * 64 + 2;
}

static int
proc_getattr(struct item *item, struct lx_stat *st)
{
	struct pnode *node = pnode_of(item);
	struct proc_info *info;
	int64_t now = clock_realtime();

	memset(st, 0, sizeof(*st));
	st->st_dev = lx_makedev(0, 5);
	st->st_ino = pnode_ino(node->pn_entry, node->pn_pid, node->pn_number);
	st->st_mode = node->pn_entry->pe_mode;
	st->st_nlink = item->i_mode == LX_S_IFDIR ? 2 : 1;
	st->st_blksize = 1024;
	st->st_atim.tv_sec = st->st_mtim.tv_sec = st->st_ctim.tv_sec = now / 1000000000;
	if (node->pn_pid != 0) {
		info = malloc(sizeof(*info));
		if (info == NULL)
			return -LX_ENOMEM;
		if (proc_info_get(node->pn_pid, info) != 0) {
			free(info);
			return -LX_ENOENT;
		}
		st->st_uid = info->pi_euid;
		st->st_gid = info->pi_egid;
		free(info);
	}
	return 0;
}

static int
proc_statfs(struct item *item, struct lx_statfs *sf)
{
	(void)item;
	memset(sf, 0, sizeof(*sf));
	sf->f_type = 0x9fa0;
	sf->f_bsize = sf->f_frsize = 4096;
	sf->f_namelen = 255;
	return 0;
}

static int64_t
proc_path(struct item *item, char *data, size_t size, struct item **root)
{
	struct pnode *node = pnode_of(item);
	char number[16];
	const char *name;
	int64_t n;
	size_t k;

	if (node->pn_parent == NULL) {
		*root = item;
		return 0;
	}
	n = proc_path(&node->pn_parent->pn_item, data, size, root);
	if (n < 0)
		return n;
	name = node->pn_entry->pe_name;
	if (node->pn_number >= 0) {
		(void)snprintf(number, sizeof(number), "%d", node->pn_number);
		name = number;
	}
	k = strlen(name);
	if ((size_t)n + k + 1 > size)
		return -LX_ERANGE;
	data[n] = '/';
	memcpy(data + n + 1, name, k);
	return n + 1 + (int64_t)k;
}

/* ---- directories ---- */

static int
parse_number(const char *name, size_t length)
{
	int n = 0;
	size_t i;

	if (length > 9 || (length > 1 && name[0] == '0'))
		return -1;
	for (i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static int
proc_lookup(struct item *dir, const char *name, size_t length, struct item **out)
{
	struct pnode *node = pnode_of(dir);
	const struct pentry *e = node->pn_entry, *child;
	int n;

	if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))) {
		if (length == 2 && node->pn_parent != NULL)
			dir = &node->pn_parent->pn_item;
		item_ref(dir);
		*out = dir;
		return 0;
	}
	for (child = e->pe_children; child != NULL && child->pe_name != NULL; child++) {
		if (strlen(child->pe_name) == length && memcmp(child->pe_name, name, length) == 0)
			return pnode_create(node, child, node->pn_pid, -1, out);
	}
	n = e->pe_next != NULL ? parse_number(name, length) : -1;
	if (n < 0 || e->pe_next(node, n - 1) != n)
		return -LX_ENOENT;
	return pnode_create(node, e->pe_number, e == &proc_root_entry ? n : node->pn_pid, n, out);
}

struct fill {
	uint8_t	*data;
	size_t	size;
	size_t	used;
};

static bool
fill_add(struct fill *f, uint64_t ino, const char *name, uint32_t mode, int64_t next)
{
	size_t length = strlen(name);
	size_t need = (offsetof(struct lx_dirent64, d_name) + length + 1 + 7) & ~(size_t)7;
	struct lx_dirent64 *d = (struct lx_dirent64 *)(void *)(f->data + f->used);

	if (need > f->size - f->used)
		return false;
	memset(d, 0, need);
	d->d_ino = ino;
	d->d_off = next;
	d->d_reclen = (uint16_t)need;
	d->d_type = (uint8_t)((mode & LX_S_IFMT) >> 12);
	memcpy(d->d_name, name, length);
	f->used += need;
	return true;
}

/* Positions: 0 ".", 1 "..", 2... the fixed entries, NUMBERS + n the entry n. */
#define NUMBERS	1000

static int64_t
proc_readdir(struct file *file, void *data, size_t size, int64_t *offset)
{
	struct pnode *node = pnode_of(file->f_item);
	const struct pentry *e = node->pn_entry, *child;
	struct fill f = { .data = data, .size = size };
	int64_t at, highest;
	char name[16];
	int n;

	/* What begins after the reading is not listed: else it might never end. f_lock is held. */
	if (*offset == 0)
		file->f_private = (void *)(intptr_t)proc_info_highest();
	highest = e == &proc_root_entry ? (intptr_t)file->f_private : INT_MAX;
	for (at = *offset; at < 2; at++) {
		if (!fill_add(&f, pnode_ino(e, node->pn_pid, node->pn_number),
		    at == 0 ? "." : "..", LX_S_IFDIR, at + 1))
			goto out;
	}
	for (child = e->pe_children; at < NUMBERS && child != NULL && child->pe_name != NULL;
	    child++) {
		if (child - e->pe_children < at - 2)
			continue;
		if (!fill_add(&f, pnode_ino(child, node->pn_pid, -1), child->pe_name,
		    child->pe_mode, at + 1))
			goto out;
		at++;
	}
	if (at < NUMBERS)
		at = NUMBERS;
	while (e->pe_next != NULL && (n = e->pe_next(node, (int)(at - NUMBERS) - 1)) >= 0 &&
	    n <= highest) {
		(void)snprintf(name, sizeof(name), "%d", n);
		if (!fill_add(&f, pnode_ino(e->pe_number, e == &proc_root_entry ? n :
		    node->pn_pid, n), name, e->pe_number->pe_mode, NUMBERS + n + 1))
			goto out;
		at = NUMBERS + n + 1;
	}
	*offset = at;
	return (int64_t)f.used;
out:
	*offset = at;
	return f.used != 0 ? (int64_t)f.used : -LX_EINVAL;
}

/* ---- text ---- */

struct text {
	struct mutex	t_lock;
	struct pbuf	t_buf;
	bool		t_made;
};

static int
proc_open(struct file *file)
{
	struct text *t;

	if ((file->f_flags & LX_O_ACCMODE) != LX_O_RDONLY &&
	    !(pnode_of(file->f_item)->pn_entry->pe_mode & 0200))
		return -LX_EACCES;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -LX_ENOMEM;
	mutex_init(&t->t_lock);
	file->f_private = t;
	return 0;
}

static void
proc_close(struct file *file)
{
	struct text *t = file->f_private;

	if (t != NULL) {
		free(t->t_buf.pb_data);
		free(t);
	}
}

static int64_t
proc_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct pnode *node = pnode_of(file->f_item);
	struct text *t = file->f_private;
	int64_t n = 0;
	int error;

	(void)flags;
	mutex_lock(&t->t_lock);
	if (!t->t_made || *offset == 0) {
		t->t_buf.pb_size = 0;
		t->t_buf.pb_failed = false;
		error = node->pn_entry->pe_text(&t->t_buf, node->pn_pid);
		if (error == 0 && t->t_buf.pb_failed)
			error = -LX_ENOMEM;
		t->t_made = error == 0;
		if (error != 0) {
			mutex_unlock(&t->t_lock);
			return error;
		}
	}
	if (*offset >= 0 && (uint64_t)*offset < t->t_buf.pb_size) {
		n = (int64_t)(t->t_buf.pb_size - (size_t)*offset);
		if ((uint64_t)n > size)
			n = (int64_t)size;
		memcpy(data, t->t_buf.pb_data + *offset, (size_t)n);
		*offset += n;
	}
	mutex_unlock(&t->t_lock);
	return n;
}

/* What may be written is taken; most of it has no effect (oom_score_adj, loginuid). */
static int64_t
proc_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	const struct pentry *entry = pnode_of(file->f_item)->pn_entry;

	(void)flags;
	if (entry->pe_write != NULL)
		return entry->pe_write(data, size);
	*offset += (int64_t)size;
	return (int64_t)size;
}

static int
proc_setattr(struct item *item, const struct item_attr *attr)
{
	(void)item;
	/* O_TRUNC of a writable entry. */
	return attr->a_valid == ATTR_SIZE ? 0 : -LX_EPERM;
}

/* ---- links ---- */

static int64_t
proc_readlink(struct item *item, char *data, size_t size)
{
	struct pnode *node = pnode_of(item);

	return node->pn_entry->pe_link(node, data, size);
}

static int
proc_follow(struct item *item, struct item **out)
{
	struct pnode *node = pnode_of(item);

	return node->pn_entry->pe_follow(node, out);
}

#define PROC_COMMON			\
	.io_release = proc_release,	\
	.io_getattr = proc_getattr,	\
	.io_statfs = proc_statfs,	\
	.io_path = proc_path

static const struct item_ops proc_dir_ops = {
	.io_name = "proc directory",
	PROC_COMMON,
	.io_lookup = proc_lookup,
	.io_readdir = proc_readdir,
};

static const struct item_ops proc_text_ops = {
	.io_name = "proc text",
	PROC_COMMON,
	.io_open = proc_open,
	.io_close = proc_close,
	.io_read = proc_read,
	.io_write = proc_write,
	.io_setattr = proc_setattr,
};

static const struct item_ops proc_link_ops = {
	.io_name = "proc link",
	PROC_COMMON,
	.io_readlink = proc_readlink,
};

static const struct item_ops proc_magic_ops = {
	.io_name = "proc magic link",
	PROC_COMMON,
	.io_readlink = proc_readlink,
	.io_follow = proc_follow,
};

int
procfs_create(struct item **root)
{
	return pnode_create(NULL, &proc_root_entry, 0, -1, root);
}
