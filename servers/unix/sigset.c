/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules about signals that need no state.
 *
 * TESTS    tests/unit/unix
 */
#include "sigset.h"

enum sig_action
sig_default_action(int sig)
{
	uint64_t bit = sigbit(sig);

	if (sig == LXS_CONT)
		return SIG_ACT_CONTINUE;
	if (bit & SIGSET_STOP)
		return SIG_ACT_STOP;
	if (bit & SIGSET_DEFAULT_IGNORE)
		return SIG_ACT_IGNORE;
	return SIG_ACT_TERMINATE;
}

int
sig_first(uint64_t set)
{
	const uint64_t synchronous = sigbit(LXS_SEGV) | sigbit(LXS_BUS) | sigbit(LXS_ILL) |
	    sigbit(LXS_TRAP) | sigbit(LXS_FPE) | sigbit(LXS_SYS);

	if (set & SIGSET_UNMASKABLE)
		set &= SIGSET_UNMASKABLE;
	else if (set & synchronous)
		set &= synchronous;
	return set == 0 ? 0 : __builtin_ctzll(set) + 1;
}

int
wait_status_signal(int sig)
{
	return sig;
}

int
wait_status_stop(int sig)
{
	return (sig << 8) | 0x7f;
}

int
wait_status_exit(int code)
{
	return (code & 0xff) << 8;
}
