/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: reading, writing and controlling them.
 *
 * OBJECT   struct tty, see tty.h; /dev/tty, which is the caller's own.
 * LOCKS    t_lock
 * TESTS    tests/unit/ldisc, tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "tty.h"

#define CHUNK	512

static void
echo_out(void *arg, const uint8_t *data, size_t size)
{
	struct tty *tty = arg;

	/* A line that takes nothing loses its echo, rather than stop the input. */
	(void)tty->t_driver->td_write(tty, data, size);
}

static void
signal_out(void *arg, int sig)
{
	struct tty *tty = arg;

	job_tty_signal(&tty->t_job, sig);
}

static void
output_start(void *arg)
{
	struct tty *tty = arg;

	wait_queue_wake(&tty->t_write_queue);
}

void
tty_init(struct tty *tty, const struct tty_driver *driver, uint64_t rdev, uint32_t mode)
{
	item_init(&tty->t_dev.d_item, &tty_ops, LX_S_IFCHR, ITEM_TTY);
	tty->t_dev.d_rdev = rdev;
	tty->t_dev.d_mode = mode;
	tty->t_driver = driver;
	mutex_init(&tty->t_lock);
	wait_queue_init(&tty->t_read_queue);
	wait_queue_init(&tty->t_write_queue);
	ldisc_init(&tty->t_ldisc);
	tty->t_ldisc.l_echo = echo_out;
	tty->t_ldisc.l_signal = signal_out;
	tty->t_ldisc.l_start = output_start;
	tty->t_ldisc.l_arg = tty;
	tty->t_job.tj_tty = &tty->t_dev.d_item;
}

void
tty_input(struct tty *tty, const uint8_t *data, size_t size)
{
	mutex_lock(&tty->t_lock);
	while (size-- > 0)
		ldisc_input(&tty->t_ldisc, *data++);
	wait_queue_wake(&tty->t_read_queue);
	mutex_unlock(&tty->t_lock);
}

void
tty_hangup(struct tty *tty)
{
	mutex_lock(&tty->t_lock);
	tty->t_hung = true;
	wait_queue_wake(&tty->t_read_queue);
	wait_queue_wake(&tty->t_write_queue);
	mutex_unlock(&tty->t_lock);
	job_tty_hangup(&tty->t_job);
}

static struct tty *
tty_of(struct file *file)
{
	return (struct tty *)file->f_item;
}

static int
tty_open(struct file *file)
{
	struct tty *tty = tty_of(file);
	int error = 0;

	mutex_lock(&tty->t_lock);
	if (tty->t_hung)
		error = -LX_EIO;
	else if (tty->t_exclusive && !cred_super(job_current_cred()))
		error = -LX_EBUSY;
	if (error == 0) {
		tty->t_opens++;
		if (tty->t_driver->td_opened != NULL)
			tty->t_driver->td_opened(tty);
	}
	mutex_unlock(&tty->t_lock);
	if (error == 0 && !(file->f_flags & LX_O_NOCTTY) &&
	    (file->f_flags & LX_O_ACCMODE) != LX_O_WRONLY)
		job_tty_open(&tty->t_job);
	return error;
}

static void
tty_close(struct file *file)
{
	struct tty *tty = tty_of(file);

	mutex_lock(&tty->t_lock);
	if (--tty->t_opens == 0)
		tty->t_exclusive = false;
	if (tty->t_driver->td_closed != NULL)
		tty->t_driver->td_closed(tty);
	mutex_unlock(&tty->t_lock);
}

static void
tty_release(struct item *item)
{
	struct tty *tty = (struct tty *)item;

	if (tty->t_driver->td_release != NULL)
		tty->t_driver->td_release(tty);
}

/*
 * Waits until there is something to read by the rules of canonical mode or of VMIN and VTIME.
 * => t_lock held; 0 read now (perhaps nothing), or an error
 */
static int
tty_wait_input(struct tty *tty, size_t size, uint32_t flags)
{
	wait_deadline_t deadline;
	uint32_t have = 0, min, now;
	int error = 0;
	bool raw;

	for (;;) {
		struct ldisc *l = &tty->t_ldisc;

		/* The modes may change while we sleep. */
		raw = !(l->l_termios.c_lflag & T_ICANON);
		min = raw ? l->l_termios.c_cc[T_VMIN] : 1;
		if (min > size)
			min = (uint32_t)size;
		if (ldisc_readable(l, min) || tty->t_hung)
			return 0;
		now = ldisc_available(l);
		if (flags & LX_O_NONBLOCK)
			return now != 0 ? 0 : -LX_EAGAIN;
		deadline = WAIT_FOREVER;
		if (raw && l->l_termios.c_cc[T_VTIME] != 0) {
			if (min == 0 || now != 0)
				deadline = clock_monotonic() +
				    l->l_termios.c_cc[T_VTIME] * 100000000LL;
			/* The time runs from the last character, or (MIN 0) from the call. */
			if (error == -LX_ETIMEDOUT && now == have && (min == 0 || now != 0))
				return 0;
		} else if (raw && min == 0) {
			return 0;
		}
		have = now;
		error = wait_sleep(&tty->t_read_queue, &tty->t_lock, deadline);
		if (error == -LX_EINTR)
			return ldisc_available(l) != 0 && raw ? 0 : error;
	}
}

static int64_t
tty_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct tty *tty = tty_of(file);
	size_t n;
	int error;

	(void)offset;
	if (size == 0)
		return 0;
	error = job_tty_check(&tty->t_job, LX_SIGTTIN);
	if (error != 0)
		return error;
	mutex_lock(&tty->t_lock);
	error = tty_wait_input(tty, size, flags);
	if (error != 0) {
		mutex_unlock(&tty->t_lock);
		return error;
	}
	n = ldisc_read(&tty->t_ldisc, data, size);
	/* A pty master that waits for room in our buffer. */
	wait_queue_wake(&tty->t_write_queue);
	mutex_unlock(&tty->t_lock);
	return (int64_t)n;
}

/* => t_lock held; how many characters went out, or an error if none could */
static int64_t
tty_write_locked(struct tty *tty, const uint8_t *data, size_t size, uint32_t flags)
{
	uint8_t out[CHUNK];
	size_t done = 0, taken, n, sent;
	int error;

	while (done < size) {
		if (tty->t_hung)
			return done != 0 ? (int64_t)done : -LX_EIO;
		if (!tty->t_ldisc.l_stopped) {
			taken = ldisc_output(&tty->t_ldisc, data + done, size - done, out,
			    sizeof(out), &n);
			done += taken;
			sent = tty->t_driver->td_write(tty, out, n);
			/* What was converted must go out, or it would be converted twice. */
			while (sent < n && !tty->t_hung) {
				if (wait_sleep_killable(&tty->t_write_queue, &tty->t_lock,
				    WAIT_FOREVER) != 0)
					return (int64_t)done;
				sent += tty->t_driver->td_write(tty, out + sent, n - sent);
			}
			continue;
		}
		if (flags & LX_O_NONBLOCK)
			return done != 0 ? (int64_t)done : -LX_EAGAIN;
		error = wait_sleep(&tty->t_write_queue, &tty->t_lock, WAIT_FOREVER);
		if (error != 0)
			return done != 0 ? (int64_t)done : error;
	}
	return (int64_t)done;
}

static int64_t
tty_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	struct tty *tty = tty_of(file);
	int64_t n;
	int error;

	(void)offset;
	if (tty->t_ldisc.l_termios.c_lflag & T_TOSTOP) {
		error = job_tty_check(&tty->t_job, LX_SIGTTOU);
		if (error != 0)
			return error;
	}
	mutex_lock(&tty->t_lock);
	n = tty_write_locked(tty, data, size, flags);
	mutex_unlock(&tty->t_lock);
	return n;
}

static int
tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = tty_of(file);
	const struct ldisc *l = &tty->t_ldisc;
	uint32_t min;
	int events = 0;

	if (table != NULL) {
		poll_table_add(table, &tty->t_read_queue);
		poll_table_add(table, &tty->t_write_queue);
	}
	mutex_lock(&tty->t_lock);
	min = l->l_termios.c_cc[T_VTIME] != 0 ? 1 : l->l_termios.c_cc[T_VMIN];
	if (ldisc_readable(l, min))
		events |= LX_POLLIN | LX_POLLRDNORM;
	if (!l->l_stopped)
		events |= LX_POLLOUT | LX_POLLWRNORM;
	if (tty->t_hung)
		events |= LX_POLLIN | LX_POLLOUT | LX_POLLHUP | LX_POLLERR;
	mutex_unlock(&tty->t_lock);
	return events;
}

static int64_t
give(struct item_ioctl *ioctl, const void *data, size_t size)
{
	memcpy(ioctl->ic_out, data, size);
	ioctl->ic_out_size = size;
	return 0;
}

static int64_t
give_int(struct item_ioctl *ioctl, int32_t value)
{
	if (value < 0)
		return value;
	return give(ioctl, &value, sizeof(value));
}

static int64_t
tty_set_size(struct tty *tty, struct item_ioctl *ioctl)
{
	struct lx_winsize size;
	bool changed;

	if (ioctl->ic_in_size < sizeof(size))
		return -LX_EFAULT;
	memcpy(&size, ioctl->ic_in, sizeof(size));
	mutex_lock(&tty->t_lock);
	changed = memcmp(&size, &tty->t_size, sizeof(size)) != 0;
	tty->t_size = size;
	mutex_unlock(&tty->t_lock);
	if (changed)
		job_tty_signal(&tty->t_job, LX_SIGWINCH);
	return 0;
}

static int64_t
tty_set_termios(struct tty *tty, struct item_ioctl *ioctl)
{
	struct lx_termios t;

	if (ioctl->ic_in_size < sizeof(t))
		return -LX_EFAULT;
	memcpy(&t, ioctl->ic_in, sizeof(t));
	/* Output is never held back here, so there is nothing to drain. */
	mutex_lock(&tty->t_lock);
	if (ioctl->ic_request == LX_TCSETSF)
		ldisc_flush_input(&tty->t_ldisc);
	ldisc_set(&tty->t_ldisc, &t);
	wait_queue_wake(&tty->t_read_queue);
	mutex_unlock(&tty->t_lock);
	return 0;
}

static int64_t
tty_flow(struct tty *tty, uint64_t arg)
{
	uint8_t c;

	if (arg > 3)
		return -LX_EINVAL;
	mutex_lock(&tty->t_lock);
	if (arg < 2) {
		tty->t_ldisc.l_stopped = arg == 0;
		wait_queue_wake(&tty->t_write_queue);
	} else {
		c = tty->t_ldisc.l_termios.c_cc[arg == 2 ? T_VSTOP : T_VSTART];
		if (c != 0)
			(void)tty->t_driver->td_write(tty, &c, 1);
	}
	mutex_unlock(&tty->t_lock);
	return 0;
}

static int64_t
tty_flush(struct tty *tty, uint64_t arg)
{
	if (arg > 2)
		return -LX_EINVAL;
	mutex_lock(&tty->t_lock);
	if (arg != 1) {
		ldisc_flush_input(&tty->t_ldisc);
		wait_queue_wake(&tty->t_write_queue);
	}
	mutex_unlock(&tty->t_lock);
	return 0;
}

/* Requests that a background process may not make without being stopped. */
static bool
changes_terminal(uint32_t request)
{
	switch (request) {
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
	case LX_TCSBRK:
	case LX_TCSBRKP:
	case LX_TCXONC:
	case LX_TCFLSH:
	case LX_TIOCSPGRP:
	case LX_TIOCSETD:
		return true;
	default:
		return false;
	}
}

static int64_t
tty_job_ioctl(struct tty *tty, struct item_ioctl *ioctl)
{
	int32_t value;

	switch (ioctl->ic_request) {
	case LX_TIOCSCTTY:
		return job_tty_acquire(&tty->t_job, ioctl->ic_arg == 1);
	case LX_TIOCNOTTY:
		return job_tty_release(&tty->t_job);
	case LX_TIOCGPGRP:
		return give_int(ioctl, job_tty_get_group(&tty->t_job));
	case LX_TIOCSPGRP:
		if (ioctl->ic_in_size < sizeof(value))
			return -LX_EFAULT;
		memcpy(&value, ioctl->ic_in, sizeof(value));
		return job_tty_set_group(&tty->t_job, value);
	case LX_TIOCGSID:
		return give_int(ioctl, job_tty_get_session(&tty->t_job));
	default:
		return -LX_ENOTTY;
	}
}

/* master: asked through the master of a pseudo terminal, which has no job of its own. */
int64_t
tty_ioctl_common(struct tty *tty, struct item_ioctl *ioctl, bool master)
{
	int error;

	if (!master && changes_terminal(ioctl->ic_request)) {
		error = job_tty_check(&tty->t_job, LX_SIGTTOU);
		if (error != 0)
			return error;
	}
	switch (ioctl->ic_request) {
	case LX_TCGETS:
		return give(ioctl, &tty->t_ldisc.l_termios, sizeof(struct lx_termios));
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
		return tty_set_termios(tty, ioctl);
	case LX_TIOCGWINSZ:
		return give(ioctl, &tty->t_size, sizeof(tty->t_size));
	case LX_TIOCSWINSZ:
		return tty_set_size(tty, ioctl);
	case LX_TCSBRK:
	case LX_TCSBRKP:
		return 0;
	case LX_TCXONC:
		return tty_flow(tty, ioctl->ic_arg);
	case LX_TCFLSH:
		return tty_flush(tty, ioctl->ic_arg);
	case LX_FIONREAD:
		return give_int(ioctl, (int32_t)ldisc_available(&tty->t_ldisc));
	case LX_TIOCOUTQ:
	case LX_TIOCGETD:
		return give_int(ioctl, 0);
	case LX_TIOCEXCL:
	case LX_TIOCNXCL:
		tty->t_exclusive = ioctl->ic_request == LX_TIOCEXCL;
		return 0;
	default:
		return tty_job_ioctl(tty, ioctl);
	}
}

static int64_t
tty_ioctl(struct file *file, struct item_ioctl *ioctl)
{
	struct tty *tty = tty_of(file);
	uint8_t c;
	int error;

	if (tty->t_hung)
		return -LX_EIO;
	if (ioctl->ic_request != LX_TIOCSTI)
		return tty_ioctl_common(tty, ioctl, false);
	if (ioctl->ic_in_size < 1)
		return -LX_EFAULT;
	error = job_tty_check(&tty->t_job, LX_SIGTTIN);
	if (error != 0)
		return error;
	c = *(const uint8_t *)ioctl->ic_in;
	tty_input(tty, &c, 1);
	return 0;
}

static int
tty_getattr(struct item *item, struct lx_stat *st)
{
	return pty_slave_attr(item, st, NULL) ? 0 : dev_getattr(item, st);
}

static int
tty_setattr(struct item *item, const struct item_attr *attr)
{
	return pty_slave_attr(item, NULL, attr) ? 0 : dev_setattr(item, attr);
}

static int64_t
tty_path(struct item *item, char *data, size_t size, struct item **root)
{
	int64_t n = pty_slave_path(item, data, size, root);

	return n == -LX_ENOENT ? dev_path(item, data, size, root) : n;
}

const struct item_ops tty_ops = {
	.io_name = "tty",
	.io_release = tty_release,
	.io_open = tty_open,
	.io_close = tty_close,
	.io_read = tty_read,
	.io_write = tty_write,
	.io_poll = tty_poll,
	.io_ioctl = tty_ioctl,
	.io_getattr = tty_getattr,
	.io_setattr = tty_setattr,
	.io_path = tty_path,
};

/* ---- /dev/tty ---- */

static int
ctty_open(struct file *file)
{
	struct item *tty = job_ctty_item();

	if (tty == NULL)
		return -LX_ENXIO;
	return dev_exchange(file, tty);
}

static const struct item_ops ctty_ops = {
	.io_name = "controlling tty",
	.io_release = dev_release,
	.io_open = ctty_open,
	.io_getattr = dev_getattr,
	.io_setattr = dev_setattr,
	.io_path = dev_path,
};

static struct dev_item ctty_dev;

int
tty_start(mach_port_t device_master)
{
	item_init(&ctty_dev.d_item, &ctty_ops, LX_S_IFCHR, ITEM_TTY);
	ctty_dev.d_rdev = lx_makedev(5, 0);
	ctty_dev.d_mode = 0666;
	dev_register(&ctty_dev);
	pty_start();
	return console_start(device_master);
}
