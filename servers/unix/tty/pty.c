/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo terminals: /dev/ptmx makes a pair, /dev/pts/N is its terminal side.
 *
 * OBJECT   struct pty: a tty whose line is the ring p_out, read by the master, and the master's
 *          item.
 * STATES   p_master open or gone (the tty hangs up); slaves open or not: after the last closed,
 *          the master reads EIO until one is opened again.
 * REFS     the table's entry lives while the master is open.  The pair is freed when the master
 *          is gone and the slave item has no reference left: p_holds counts the two.
 * LOCKS    pty_lock for the table; the tty's t_lock for the rest.  pty_lock > t_lock.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tty.h"

#define PTYS		64u
#define RING		8192u

/* pty_lock: p_number, p_holds; t_lock: the rest */
struct pty {
	struct tty	p_tty;		/* the slave's side */
	struct item	p_master;
	uint32_t	p_number;
	uint32_t	p_holds;
	uint32_t	p_uid, p_gid;
	bool		p_master_open;
	bool		p_locked;
	bool		p_was_open;	/* a slave has been opened */
	uint8_t		p_out[RING];
	uint32_t	p_head, p_tail;
	struct wait_queue p_queue;	/* the master's readers and writers */
};

static struct mutex pty_lock = MUTEX_INITIALIZER;
static struct pty *ptys[PTYS];
static const struct item_ops master_ops;
static struct item devpts_root;

static struct pty *
pty_of_tty(struct tty *tty)
{
	return (struct pty *)tty;
}

static struct pty *
pty_of_master(struct item *item)
{
	return (struct pty *)((char *)item - offsetof(struct pty, p_master));
}

/* One of the two sides has no use for the pair any more. */
static void
pty_drop(struct pty *p)
{
	bool last;

	mutex_lock(&pty_lock);
	last = --p->p_holds == 0;
	if (last)
		ptys[p->p_number] = NULL;
	mutex_unlock(&pty_lock);
	if (last)
		free(p);
}

static size_t
pty_out(struct tty *tty, const uint8_t *data, size_t size)
{
	struct pty *p = pty_of_tty(tty);
	size_t i, room = RING - (p->p_head - p->p_tail);

	if (!p->p_master_open)
		return size;
	if (size > room)
		size = room;
	for (i = 0; i < size; i++)
		p->p_out[p->p_head++ % RING] = data[i];
	if (size != 0)
		wait_queue_wake(&p->p_queue);
	return size;
}

static void
pty_opened(struct tty *tty)
{
	pty_of_tty(tty)->p_was_open = true;
}

static void
pty_closed(struct tty *tty)
{
	wait_queue_wake(&pty_of_tty(tty)->p_queue);
}

static void
pty_slave_release(struct tty *tty)
{
	pty_drop(pty_of_tty(tty));
}

static const struct tty_driver pty_driver = {
	.td_write = pty_out,
	.td_opened = pty_opened,
	.td_closed = pty_closed,
	.td_release = pty_slave_release,
};

/* The slave's item, with a reference; the table's entry keeps p_holds for it. */
int
pty_slave_lookup(uint32_t number, struct item **out)
{
	struct pty *p;
	int error = -LX_ENOENT;

	mutex_lock(&pty_lock);
	p = number < PTYS ? ptys[number] : NULL;
	if (p != NULL && p->p_master_open) {
		/* From nothing to one reference: the item holds the pair. */
		if (__atomic_fetch_add(&p->p_tty.t_dev.d_item.i_refs, 1, __ATOMIC_ACQ_REL) == 0)
			p->p_holds++;
		*out = &p->p_tty.t_dev.d_item;
		error = 0;
	}
	mutex_unlock(&pty_lock);
	return error;
}

static struct pty *
pty_create(void)
{
	struct pty *p = calloc(1, sizeof(*p));
	const struct cred *cred = job_current_cred();
	uint32_t i;

	if (p == NULL)
		return NULL;
	mutex_lock(&pty_lock);
	for (i = 0; i < PTYS && ptys[i] != NULL; i++)
		;
	if (i == PTYS) {
		mutex_unlock(&pty_lock);
		free(p);
		return NULL;
	}
	tty_init(&p->p_tty, &pty_driver, lx_makedev(PTS_MAJOR, i), 0620);
	p->p_tty.t_dev.d_item.i_refs = 0;
	item_init(&p->p_master, &master_ops, LX_S_IFCHR, ITEM_TTY);
	wait_queue_init(&p->p_queue);
	p->p_number = i;
	p->p_holds = 1;
	p->p_master_open = true;
	p->p_locked = true;
	p->p_uid = cred != NULL ? cred->c_fsuid : 0;
	p->p_gid = 5;
	ptys[i] = p;
	mutex_unlock(&pty_lock);
	return p;
}

/* ---- the master ---- */

static int
ptmx_open(struct file *file)
{
	struct pty *p = pty_create();

	if (p == NULL)
		return -LX_ENOSPC;
	return dev_exchange(file, &p->p_master);
}

static void
master_close(struct file *file)
{
	struct pty *p = pty_of_master(file->f_item);

	mutex_lock(&pty_lock);
	mutex_lock(&p->p_tty.t_lock);
	p->p_master_open = false;
	mutex_unlock(&p->p_tty.t_lock);
	mutex_unlock(&pty_lock);
	tty_hangup(&p->p_tty);
}

static void
master_release(struct item *item)
{
	pty_drop(pty_of_master(item));
}

static int64_t
master_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct pty *p = pty_of_master(file->f_item);
	struct tty *tty = &p->p_tty;
	uint8_t *bytes = data;
	size_t n = 0;
	int error = 0;

	(void)offset;
	mutex_lock(&tty->t_lock);
	while (p->p_head == p->p_tail && size != 0) {
		if (p->p_was_open && tty->t_opens == 0)
			error = -LX_EIO;
		else if (flags & LX_O_NONBLOCK)
			error = -LX_EAGAIN;
		else
			error = wait_sleep(&p->p_queue, &tty->t_lock, WAIT_FOREVER);
		if (error != 0)
			break;
	}
	while (n < size && p->p_head != p->p_tail)
		bytes[n++] = p->p_out[p->p_tail++ % RING];
	wait_queue_wake(&tty->t_write_queue);
	mutex_unlock(&tty->t_lock);
	return n != 0 ? (int64_t)n : error;
}

static int64_t
master_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct pty *p = pty_of_master(file->f_item);
	struct tty *tty = &p->p_tty;
	struct ldisc *l = &tty->t_ldisc;
	const uint8_t *bytes = data;
	size_t done = 0;
	int error = 0;

	(void)offset;
	mutex_lock(&tty->t_lock);
	while (done < size) {
		/* Without a line to read, a full buffer drops, as a terminal's does. */
		if (l->l_head - l->l_tail < LDISC_SIZE - 1 || !ldisc_readable(l, 1)) {
			ldisc_input(l, bytes[done++]);
			continue;
		}
		wait_queue_wake(&tty->t_read_queue);
		error = flags & LX_O_NONBLOCK ? -LX_EAGAIN :
		    wait_sleep(&tty->t_write_queue, &tty->t_lock, WAIT_FOREVER);
		if (error != 0)
			break;
	}
	wait_queue_wake(&tty->t_read_queue);
	mutex_unlock(&tty->t_lock);
	return done != 0 ? (int64_t)done : error;
}

static int
master_poll(struct file *file, struct poll_table *table)
{
	struct pty *p = pty_of_master(file->f_item);
	struct tty *tty = &p->p_tty;
	int events = 0;

	if (table != NULL) {
		poll_table_add(table, &p->p_queue);
		poll_table_add(table, &tty->t_write_queue);
	}
	mutex_lock(&tty->t_lock);
	if (p->p_head != p->p_tail)
		events |= LX_POLLIN | LX_POLLRDNORM;
	if (p->p_was_open && tty->t_opens == 0)
		events |= LX_POLLHUP;
	if (tty->t_ldisc.l_head - tty->t_ldisc.l_tail < LDISC_SIZE - 1)
		events |= LX_POLLOUT | LX_POLLWRNORM;
	mutex_unlock(&tty->t_lock);
	return events;
}

/* TIOCGPTPEER is a descriptor and so the process side's; it opens /dev/pts/N by this number. */
static int64_t
master_ioctl(struct file *file, struct item_ioctl *ioctl)
{
	struct pty *p = pty_of_master(file->f_item);
	int32_t value;

	switch (ioctl->ic_request) {
	case LX_TIOCGPTN:
		value = (int32_t)p->p_number;
		break;
	case LX_TIOCGPTLCK:
		value = p->p_locked;
		break;
	case LX_TIOCSPTLCK:
		if (ioctl->ic_in_size < sizeof(value))
			return -LX_EFAULT;
		memcpy(&value, ioctl->ic_in, sizeof(value));
		p->p_locked = value != 0;
		return 0;
	case LX_FIONREAD:
		value = (int32_t)(p->p_head - p->p_tail);
		break;
	case LX_TIOCSCTTY:
	case LX_TIOCNOTTY:
		return -LX_ENOTTY;
	default:
		return tty_ioctl_common(&p->p_tty, ioctl, true);
	}
	memcpy(ioctl->ic_out, &value, sizeof(value));
	ioctl->ic_out_size = sizeof(value);
	return 0;
}

static struct dev_item ptmx_dev;

static int
master_getattr(struct item *item, struct lx_stat *st)
{
	(void)item;
	return dev_getattr(&ptmx_dev.d_item, st);
}

static int64_t
master_path(struct item *item, char *data, size_t size, struct item **root)
{
	(void)item;
	return dev_path(&ptmx_dev.d_item, data, size, root);
}

static const struct item_ops master_ops = {
	.io_name = "pty master",
	.io_release = master_release,
	.io_close = master_close,
	.io_read = master_read,
	.io_write = master_write,
	.io_poll = master_poll,
	.io_ioctl = master_ioctl,
	.io_getattr = master_getattr,
	.io_path = master_path,
};

static const struct item_ops ptmx_ops = {
	.io_name = "ptmx",
	.io_release = dev_release,
	.io_open = ptmx_open,
	.io_getattr = dev_getattr,
	.io_setattr = dev_setattr,
	.io_path = dev_path,
};

/* ---- /dev/pts ---- */

static int
devpts_getattr(struct item *item, struct lx_stat *st)
{
	(void)item;
	memset(st, 0, sizeof(*st));
	st->st_dev = lx_makedev(0, 7);
	st->st_ino = 1;
	st->st_mode = LX_S_IFDIR | 0755;
	st->st_nlink = 2;
	st->st_blksize = 4096;
	return 0;
}

static int
devpts_lookup(struct item *dir, const char *name, size_t length, struct item **out)
{
	uint32_t number = 0;
	size_t i;

	if (name[0] == '.') {
		item_ref(dir);
		*out = dir;
		return 0;
	}
	for (i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9' || i > 3)
			return -LX_ENOENT;
		number = number * 10 + (uint32_t)(name[i] - '0');
	}
	return pty_slave_lookup(number, out);
}

static int64_t
devpts_readdir(struct file *file, void *data, size_t size, int64_t *offset)
{
	uint8_t *bytes = data;
	size_t used = 0;

	(void)file;
	for (; *offset < (int64_t)PTYS + 2; ++*offset) {
		struct lx_dirent64 *d = (struct lx_dirent64 *)(void *)(bytes + used);
		int64_t n = *offset - 2;

		if (n >= 0 && (ptys[n] == NULL || !ptys[n]->p_master_open))
			continue;
		if (size - used < 32)
			return used != 0 ? (int64_t)used : -LX_EINVAL;
		memset(d, 0, 32);
		d->d_ino = (uint64_t)(n < 0 ? 1 : n + 3);
		d->d_off = *offset + 1;
		d->d_reclen = 32;
		d->d_type = n < 0 ? LX_DT_DIR : LX_DT_CHR;
		if (n < 0)
			strcpy(d->d_name, n == -2 ? "." : "..");
		else
			(void)snprintf(d->d_name, 8, "%d", (int)n);
		used += 32;
	}
	return (int64_t)used;
}

static int64_t
devpts_path(struct item *item, char *data, size_t size, struct item **root)
{
	(void)data;
	(void)size;
	*root = item;
	return 0;
}

static int
devpts_statfs(struct item *item, struct lx_statfs *sf)
{
	(void)item;
	memset(sf, 0, sizeof(*sf));
	sf->f_type = 0x1cd1;
	sf->f_bsize = sf->f_frsize = 4096;
	sf->f_namelen = 255;
	return 0;
}

static const struct item_ops devpts_ops = {
	.io_name = "devpts",
	.io_release = dev_release,
	.io_getattr = devpts_getattr,
	.io_statfs = devpts_statfs,
	.io_lookup = devpts_lookup,
	.io_readdir = devpts_readdir,
	.io_path = devpts_path,
};

/* The attributes of a slave: those of its entry in /dev/pts. */
bool
pty_slave_attr(struct item *item, struct lx_stat *st, const struct item_attr *set)
{
	struct pty *p = pty_of_tty((struct tty *)item);

	if (p->p_tty.t_driver != &pty_driver)
		return false;
	if (set != NULL) {
		if (set->a_valid & ATTR_MODE)
			p->p_tty.t_dev.d_mode = set->a_mode & 0777;
		if (set->a_valid & ATTR_UID)
			p->p_uid = set->a_uid;
		if (set->a_valid & ATTR_GID)
			p->p_gid = set->a_gid;
		return true;
	}
	memset(st, 0, sizeof(*st));
	st->st_dev = lx_makedev(0, 7);
	st->st_ino = p->p_number + 3;
	st->st_mode = LX_S_IFCHR | p->p_tty.t_dev.d_mode;
	st->st_nlink = 1;
	st->st_uid = p->p_uid;
	st->st_gid = p->p_gid;
	st->st_rdev = p->p_tty.t_dev.d_rdev;
	st->st_blksize = 1024;
	return true;
}

int64_t
pty_slave_path(struct item *item, char *data, size_t size, struct item **root)
{
	struct pty *p = pty_of_tty((struct tty *)item);
	char text[16];
	int n;

	if (p->p_tty.t_driver != &pty_driver)
		return -LX_ENOENT;
	n = snprintf(text, sizeof(text), "/%u", (unsigned int)p->p_number);
	if ((size_t)n > size)
		return -LX_ERANGE;
	memcpy(data, text, (size_t)n);
	*root = &devpts_root;
	return n;
}

int
devpts_create(struct item **root)
{
	item_ref(&devpts_root);
	*root = &devpts_root;
	return 0;
}

void
pty_start(void)
{
	item_init(&devpts_root, &devpts_ops, LX_S_IFDIR, 0);
	item_init(&ptmx_dev.d_item, &ptmx_ops, LX_S_IFCHR, ITEM_TTY);
	ptmx_dev.d_rdev = lx_makedev(5, 2);
	ptmx_dev.d_mode = 0666;
	dev_register(&ptmx_dev);
}
