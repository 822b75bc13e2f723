/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal numbers, sets, default actions and siginfo: pure facts and rules.
 */
#ifndef UNIX_SIGSET_H
#define UNIX_SIGSET_H

#include <stdbool.h>
#include <stdint.h>

#define SIG_MAX		64
#define sigbit(sig)	(1ull << ((sig) - 1))

#define LXS_HUP		1
#define LXS_INT		2
#define LXS_QUIT	3
#define LXS_ILL		4
#define LXS_TRAP	5
#define LXS_ABRT	6
#define LXS_BUS		7
#define LXS_FPE		8
#define LXS_KILL	9
#define LXS_SEGV	11
#define LXS_PIPE	13
#define LXS_ALRM	14
#define LXS_TERM	15
#define LXS_CHLD	17
#define LXS_CONT	18
#define LXS_STOP	19
#define LXS_TSTP	20
#define LXS_TTIN	21
#define LXS_TTOU	22
#define LXS_URG		23
#define LXS_XCPU	24
#define LXS_XFSZ	25
#define LXS_WINCH	28
#define LXS_SYS		31

#define SIGSET_UNMASKABLE (sigbit(LXS_KILL) | sigbit(LXS_STOP))
#define SIGSET_STOP	(sigbit(LXS_STOP) | sigbit(LXS_TSTP) | sigbit(LXS_TTIN) | sigbit(LXS_TTOU))
#define SIGSET_DEFAULT_IGNORE \
	(sigbit(LXS_CHLD) | sigbit(LXS_CONT) | sigbit(LXS_URG) | sigbit(LXS_WINCH))
#define SIGSET_CORE	(sigbit(LXS_QUIT) | sigbit(LXS_ILL) | sigbit(LXS_TRAP) | sigbit(LXS_ABRT) | \
	sigbit(LXS_BUS) | sigbit(LXS_FPE) | sigbit(LXS_SEGV) | sigbit(LXS_XCPU) | sigbit(LXS_XFSZ) | \
	sigbit(LXS_SYS))

/* si_code */
#define LX_SI_USER	0
#define LX_SI_KERNEL	0x80
#define LX_SI_TKILL	(-6)
#define LX_SI_TIMER	(-2)
#define LX_CLD_EXITED	1
#define LX_CLD_KILLED	2
#define LX_CLD_DUMPED	3
#define LX_CLD_STOPPED	5
#define LX_CLD_CONTINUED 6

struct lx_siginfo {
	int32_t		si_signo;
	int32_t		si_errno;
	int32_t		si_code;
	int32_t		si_pad0;
	int32_t		si_pid;
	uint32_t	si_uid;
	int32_t		si_status;	/* SIGCHLD; low half of si_value for rt_sigqueue */
	int32_t		si_pad1;
	int64_t		si_utime;
	int64_t		si_stime;
	uint8_t		si_rest[80];
};
_Static_assert(sizeof(struct lx_siginfo) == 128, "siginfo_t");

enum sig_action { SIG_ACT_IGNORE, SIG_ACT_TERMINATE, SIG_ACT_STOP, SIG_ACT_CONTINUE };

enum sig_action	sig_default_action(int sig);
/* Lowest signal of a set, synchronous ones first; 0 if empty. */
int		sig_first(uint64_t set);
/* Wait status of a process ended by sig, stopped by sig, exited with code. */
int		wait_status_signal(int sig);
int		wait_status_stop(int sig);
int		wait_status_exit(int code);

#endif
