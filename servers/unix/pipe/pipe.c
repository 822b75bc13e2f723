/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes, with and without a name.
 *
 * OBJECT   struct pipe: a ring of PIPE_SIZE bytes between readers and writers.  Both ends are
 *          descriptions of the same item; the access mode of a description says which it is.
 * STATES   p_readers and p_writers count open ends; writers at 0: end of file once empty;
 *          readers at 0: writing is EPIPE.
 * REFS     the item's; a named pipe holds its node.
 * LOCKS    p_lock, a leaf but for wait queues and job.h.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "pipe.h"
#include "../job.h"
#include "../vfs.h"
#include "../fs/enode.h"

#define PIPE_SIZE	65536u

/* All p_lock but p_item, p_node, p_number */
struct pipe {
	struct item	p_item;
	struct item	*p_node;	/* the name's node, or null */
	uint64_t	p_number;
	struct mutex	p_lock;
	uint8_t		*p_data;	/* allocated at the first write */
	uint32_t	p_head, p_tail;	/* free-running */
	uint32_t	p_readers, p_writers;
	uint32_t	p_read_opens;	/* how often each end was opened: who opens a named */
	uint32_t	p_write_opens;	/* pipe waits for the other to rise */
	struct lx_timespec p_time;
	uint32_t	p_mode, p_uid, p_gid;
	struct wait_queue p_read_queue;
	struct wait_queue p_write_queue;
};

static uint64_t pipe_number;
static const struct item_ops pipe_ops;

static struct pipe *
pipe_of(struct item *item)
{
	return (struct pipe *)item;
}

static uint32_t
pipe_used(const struct pipe *p)
{
	return p->p_head - p->p_tail;
}

static struct pipe *
pipe_alloc(struct item *node)
{
	struct pipe *p = calloc(1, sizeof(*p));
	const struct cred *cred;
	int64_t now = clock_realtime();

	if (p == NULL)
		return NULL;
	item_init(&p->p_item, &pipe_ops, LX_S_IFIFO, 0);
	mutex_init(&p->p_lock);
	wait_queue_init(&p->p_read_queue);
	wait_queue_init(&p->p_write_queue);
	p->p_node = node;
	if (node != NULL)
		item_ref(node);
	p->p_number = __atomic_add_fetch(&pipe_number, 1, __ATOMIC_RELAXED);
	p->p_mode = LX_S_IFIFO | 0600;
	p->p_time.tv_sec = now / 1000000000;
	p->p_time.tv_nsec = now % 1000000000;
	cred = job_current_cred();
	if (cred != NULL) {
		p->p_uid = cred->c_fsuid;
		p->p_gid = cred->c_fsgid;
	}
	return p;
}

static void
pipe_release(struct item *item)
{
	struct pipe *p = pipe_of(item);

	if (p->p_node != NULL) {
		enode_fifo_gone(p->p_node, item);
		item_rel(p->p_node);
	}
	free(p->p_data);
	free(p);
}

int
pipe_fifo_create(struct item *node, struct item **out)
{
	struct pipe *p = pipe_alloc(node);

	if (p == NULL)
		return -LX_ENOMEM;
	*out = &p->p_item;
	return 0;
}

bool
pipe_fifo_ref(struct item *fifo)
{
	uint32_t n = __atomic_load_n(&fifo->i_refs, __ATOMIC_RELAXED);

	while (n != 0) {
		if (__atomic_compare_exchange_n(&fifo->i_refs, &n, n + 1, false,
		    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* pipe2(2) */
int
pipe_create(struct file *ends[2], uint32_t flags)
{
	struct pipe *p;
	int error;

	if (flags & ~(uint32_t)(LX_O_NONBLOCK | LX_O_CLOEXEC | LX_O_DIRECT))
		return -LX_EINVAL;
	flags &= LX_O_NONBLOCK;
	p = pipe_alloc(NULL);
	if (p == NULL)
		return -LX_ENOMEM;
	error = file_create(&p->p_item, LX_O_RDONLY | flags, NULL, &ends[0]);
	if (error != 0) {
		item_rel(&p->p_item);
		return error;
	}
	item_ref(&p->p_item);
	error = file_create(&p->p_item, LX_O_WRONLY | flags, NULL, &ends[1]);
	if (error != 0) {
		item_rel(&p->p_item);
		file_rel(ends[0]);
	}
	return error;
}

/* A named pipe's opener waits until the other end was opened, even if only for a moment. */
static int
fifo_wait(struct pipe *p, const uint32_t *partners, const uint32_t *partner_opens)
{
	uint32_t opens = *partner_opens;
	int error = 0;

	while (*partners == 0 && *partner_opens == opens && error == 0)
		error = wait_sleep(&p->p_read_queue, &p->p_lock, WAIT_FOREVER);
	return *partners != 0 || *partner_opens != opens ? 0 : error;
}

static void
ends_add(struct pipe *p, uint32_t acc, int delta)
{
	if (acc != LX_O_WRONLY)
		p->p_readers += (uint32_t)delta;
	if (acc != LX_O_RDONLY)
		p->p_writers += (uint32_t)delta;
}

static int
pipe_open(struct file *file)
{
	struct pipe *p = pipe_of(file->f_item);
	uint32_t acc = file->f_flags & LX_O_ACCMODE;
	bool nonblock = (file->f_flags & LX_O_NONBLOCK) != 0;
	int error = 0;

	mutex_lock(&p->p_lock);
	if (p->p_node != NULL && acc == LX_O_WRONLY && nonblock && p->p_readers == 0) {
		mutex_unlock(&p->p_lock);
		return -LX_ENXIO;
	}
	ends_add(p, acc, 1);
	p->p_read_opens += acc != LX_O_WRONLY;
	p->p_write_opens += acc != LX_O_RDONLY;
	wait_queue_wake(&p->p_read_queue);
	wait_queue_wake(&p->p_write_queue);
	if (p->p_node != NULL && !nonblock && acc != LX_O_RDWR) {
		if (acc == LX_O_RDONLY)
			error = fifo_wait(p, &p->p_writers, &p->p_write_opens);
		else
			error = fifo_wait(p, &p->p_readers, &p->p_read_opens);
		if (error != 0)
			ends_add(p, acc, -1);
	}
	mutex_unlock(&p->p_lock);
	return error;
}

static void
pipe_close(struct file *file)
{
	struct pipe *p = pipe_of(file->f_item);

	mutex_lock(&p->p_lock);
	ends_add(p, file->f_flags & LX_O_ACCMODE, -1);
	if (p->p_readers == 0 && p->p_writers == 0)
		p->p_tail = p->p_head;
	wait_queue_wake(&p->p_read_queue);
	wait_queue_wake(&p->p_write_queue);
	mutex_unlock(&p->p_lock);
}

static void
ring_out(struct pipe *p, uint8_t *data, uint32_t n)
{
	uint32_t at = p->p_tail % PIPE_SIZE, first = PIPE_SIZE - at;

	if (first > n)
		first = n;
	memcpy(data, p->p_data + at, first);
	memcpy(data + first, p->p_data, n - first);
	p->p_tail += n;
}

static void
ring_in(struct pipe *p, const uint8_t *data, uint32_t n)
{
	uint32_t at = p->p_head % PIPE_SIZE, first = PIPE_SIZE - at;

	if (first > n)
		first = n;
	memcpy(p->p_data + at, data, first);
	memcpy(p->p_data, data + first, n - first);
	p->p_head += n;
}

static int64_t
pipe_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct pipe *p = pipe_of(file->f_item);
	uint32_t n;
	int error;

	(void)offset;
	if (size == 0)
		return 0;
	mutex_lock(&p->p_lock);
	while (pipe_used(p) == 0) {
		if (p->p_writers == 0)
			error = 0;
		else if (flags & LX_O_NONBLOCK)
			error = -LX_EAGAIN;
		else if ((error = wait_sleep(&p->p_read_queue, &p->p_lock, WAIT_FOREVER)) == 0)
			continue;
		mutex_unlock(&p->p_lock);
		return error;
	}
	n = pipe_used(p);
	if (n > size)
		n = (uint32_t)size;
	ring_out(p, data, n);
	wait_queue_wake(&p->p_write_queue);
	mutex_unlock(&p->p_lock);
	return n;
}

/*
 * Waits for room: all of a small write (PIPE_BUF, which is never mixed with others) or any room
 * for a large one.
 * => p_lock held; 0 or an error
 */
static int
pipe_wait_room(struct pipe *p, size_t size, uint32_t flags)
{
	uint32_t need = size <= LX_PIPE_BUF ? (uint32_t)size : 1u;
	int error;

	for (;;) {
		if (p->p_readers == 0)
			return -LX_EPIPE;
		if (PIPE_SIZE - pipe_used(p) >= need)
			return 0;
		if (flags & LX_O_NONBLOCK)
			return -LX_EAGAIN;
		error = wait_sleep(&p->p_write_queue, &p->p_lock, WAIT_FOREVER);
		if (error != 0)
			return error;
	}
}

static int64_t
pipe_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct pipe *p = pipe_of(file->f_item);
	size_t done = 0;
	uint32_t n;
	int error = 0;

	(void)offset;
	if (size == 0)
		return 0;
	mutex_lock(&p->p_lock);
	if (p->p_data == NULL && (p->p_data = malloc(PIPE_SIZE)) == NULL) {
		mutex_unlock(&p->p_lock);
		return -LX_ENOMEM;
	}
	while (done < size) {
		/* The rest of a large write is not atomic, however small it has become. */
		error = pipe_wait_room(p, size <= LX_PIPE_BUF ? size : SIZE_MAX, flags);
		if (error != 0)
			break;
		n = PIPE_SIZE - pipe_used(p);
		if (n > size - done)
			n = (uint32_t)(size - done);
		ring_in(p, (const uint8_t *)data + done, n);
		done += n;
		wait_queue_wake(&p->p_read_queue);
	}
	mutex_unlock(&p->p_lock);
	if (error == -LX_EPIPE)
		job_signal_self(LX_SIGPIPE);
	return done != 0 ? (int64_t)done : error;
}

static int
pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *p = pipe_of(file->f_item);
	uint32_t acc = file->f_flags & LX_O_ACCMODE;
	int events = 0;

	if (table != NULL) {
		if (acc != LX_O_WRONLY)
			poll_table_add(table, &p->p_read_queue);
		if (acc != LX_O_RDONLY)
			poll_table_add(table, &p->p_write_queue);
	}
	mutex_lock(&p->p_lock);
	if (acc != LX_O_WRONLY) {
		if (pipe_used(p) != 0)
			events |= LX_POLLIN | LX_POLLRDNORM;
		if (p->p_writers == 0 && (p->p_node == NULL || p->p_write_opens != 0))
			events |= LX_POLLHUP;
	}
	if (acc != LX_O_RDONLY) {
		if (PIPE_SIZE - pipe_used(p) >= LX_PIPE_BUF)
			events |= LX_POLLOUT | LX_POLLWRNORM;
		if (p->p_readers == 0)
			events |= LX_POLLERR;
	}
	mutex_unlock(&p->p_lock);
	return events;
}

static int64_t
pipe_ioctl(struct file *file, struct item_ioctl *ioctl)
{
	struct pipe *p = pipe_of(file->f_item);
	int32_t n;

	if (ioctl->ic_request != LX_FIONREAD)
		return -LX_ENOTTY;
	n = (int32_t)pipe_used(p);
	memcpy(ioctl->ic_out, &n, sizeof(n));
	ioctl->ic_out_size = sizeof(n);
	return 0;
}

static int
pipe_getattr(struct item *item, struct lx_stat *st)
{
	struct pipe *p = pipe_of(item);

	if (p->p_node != NULL)
		return p->p_node->i_ops->io_getattr(p->p_node, st);
	memset(st, 0, sizeof(*st));
	st->st_dev = lx_makedev(0, 12);
	st->st_ino = p->p_number;
	st->st_mode = p->p_mode;
	st->st_nlink = 1;
	st->st_uid = p->p_uid;
	st->st_gid = p->p_gid;
	st->st_blksize = 4096;
	st->st_atim = st->st_mtim = st->st_ctim = p->p_time;
	return 0;
}

static int
pipe_setattr(struct item *item, const struct item_attr *attr)
{
	struct pipe *p = pipe_of(item);

	if (p->p_node != NULL)
		return p->p_node->i_ops->io_setattr(p->p_node, attr);
	if (attr->a_valid & ATTR_SIZE)
		return -LX_EINVAL;
	if (attr->a_valid & ATTR_MODE)
		p->p_mode = LX_S_IFIFO | attr->a_mode;
	if (attr->a_valid & ATTR_UID)
		p->p_uid = attr->a_uid;
	if (attr->a_valid & ATTR_GID)
		p->p_gid = attr->a_gid;
	return 0;
}

static int64_t
pipe_path(struct item *item, char *data, size_t size, struct item **root)
{
	struct pipe *p = pipe_of(item);

	if (p->p_node == NULL || p->p_node->i_ops->io_path == NULL)
		return -LX_ENOENT;
	return p->p_node->i_ops->io_path(p->p_node, data, size, root);
}

static const struct item_ops pipe_ops = {
	.io_name = "pipe",
	.io_release = pipe_release,
	.io_open = pipe_open,
	.io_close = pipe_close,
	.io_read = pipe_read,
	.io_write = pipe_write,
	.io_poll = pipe_poll,
	.io_ioctl = pipe_ioctl,
	.io_getattr = pipe_getattr,
	.io_setattr = pipe_setattr,
	.io_path = pipe_path,
};
