/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals.
 *
 * OBJECT   struct tty: a terminal as programs see it, over a driver: the console or the master
 *          of a pseudo terminal.
 * STATES   t_hung: the line is gone: reading is end of file, writing EIO, for the opens there
 *          are; a console never hangs up.
 * REFS     the item's.  The console lives for ever; a pseudo terminal's slave holds its pair.
 * LOCKS    t_lock guards everything here and the driver's side; a driver's td_write is called
 *          with it and takes as much as it can without waiting.  job.h may be called with it.
 */
#ifndef UNIX_TTY_TTY_H
#define UNIX_TTY_TTY_H

#include "ldisc.h"
#include "../item.h"
#include "../job.h"
#include "../dev/dev.h"

#define PTS_MAJOR	136

struct tty;

struct tty_driver {
	/* => t_lock held; returns how much was taken */
	size_t	(*td_write)(struct tty *tty, const uint8_t *data, size_t size);
	/* A slave was opened or closed; may be null.  => t_lock held */
	void	(*td_opened)(struct tty *tty);
	void	(*td_closed)(struct tty *tty);
	void	(*td_release)(struct tty *tty);
};

/* t_lock, but t_dev and t_driver */
struct tty {
	struct dev_item	t_dev;
	const struct tty_driver *t_driver;
	struct mutex	t_lock;
	struct ldisc	t_ldisc;
	struct lx_winsize t_size;
	struct tty_job	t_job;		/* the process lock's */
	uint32_t	t_opens;
	bool		t_hung;
	bool		t_exclusive;
	struct wait_queue t_read_queue;
	struct wait_queue t_write_queue;
};

extern const struct item_ops tty_ops;

void	tty_init(struct tty *tty, const struct tty_driver *driver, uint64_t rdev, uint32_t mode);
/* Characters from the line.  => t_lock not held */
void	tty_input(struct tty *tty, const uint8_t *data, size_t size);
/* The line is gone.  => t_lock not held */
void	tty_hangup(struct tty *tty);
int64_t	tty_ioctl_common(struct tty *tty, struct item_ioctl *ioctl, bool master);

/* tty.c */
int	tty_start(mach_port_t device_master);
/* console.c */
int	console_start(mach_port_t device_master);
/* Has everything written so far ended in a newline?  A guess, without a lock. */
bool	console_at_line_start(void);
/* pty.c */
void	pty_start(void);
int	pty_slave_lookup(uint32_t number, struct item **out);
int	devpts_create(struct item **root);
/* Attributes of a slave, read or (set not null) changed; false: the item is no slave. */
bool	pty_slave_attr(struct item *item, struct lx_stat *st, const struct item_attr *set);
int64_t	pty_slave_path(struct item *item, char *data, size_t size, struct item **root);

#endif
