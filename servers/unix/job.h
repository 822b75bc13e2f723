/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the process service offers to the tty and pipe services.
 *
 * LOCKS    Every function here takes the process lock for a short time and calls no item
 *          operation; so it may be called with locks of a service held.
 */
#ifndef UNIX_JOB_H
#define UNIX_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct item;

/*
 * The job-control side of a terminal, embedded in the tty.  Every field belongs to the process
 * lock; the tty service only initialises it (zero, and tj_tty).
 */
struct tty_job {
	struct item	*tj_tty;	/* immutable; the terminal's item, not counted */
	int		tj_session;	/* session it controls, 0 none */
	int		tj_foreground;	/* foreground process group, 0 none */
};

/* TIOCSCTTY: make it the caller's controlling terminal.  force: steal (superuser only). */
int	job_tty_acquire(struct tty_job *job, bool force);
/* What open() without O_NOCTTY does: acquire if the caller is a leader without a terminal. */
void	job_tty_open(struct tty_job *job);
/* TIOCNOTTY. */
int	job_tty_release(struct tty_job *job);
/* TIOCGPGRP, TIOCSPGRP, TIOCGSID: value or -LX_E... */
int	job_tty_get_group(struct tty_job *job);
int	job_tty_set_group(struct tty_job *job, int group);
int	job_tty_get_session(struct tty_job *job);
/*
 * May the caller, perhaps in the background, use its terminal?  sig is LX_SIGTTIN for reading,
 * LX_SIGTTOU for writing (with TOSTOP) or changing.
 * => 0 go on; -LX_ERESTARTSYS the group was sent sig; -LX_EIO
 */
int	job_tty_check(struct tty_job *job, int sig);
/* ^C, ^\, ^Z, SIGWINCH to the foreground group. */
void	job_tty_signal(struct tty_job *job, int sig);
/* The line hung up: SIGHUP and SIGCONT to the session leader's group, no longer controlling. */
void	job_tty_hangup(struct tty_job *job);
/* For /dev/tty: the caller's controlling terminal with a reference, or null. */
struct item *job_ctty_item(void);

/* A signal to the thread being served (SIGPIPE). */
void	job_signal_self(int sig);
/* SIGIO to f_owner: pid > 0, -group < 0. */
void	job_signal_owner(int owner, int sig);
/* The caller: process id, user, its RLIMIT_FSIZE. */
int	job_current_pid(void);
const struct cred *job_current_cred(void);	/* valid for the request being served */
uint64_t job_current_fsize_limit(void);

#endif
