/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on signals.
 *
 * LOCKS    process_lock.
 * TESTS    tests/linux
 */
#include "call.h"

kern_return_t
S_unix_sig_actions(mach_port_t call, uint64_t ignored, uint64_t caught, int32_t child_flags,
    int64_t *result)
{
	struct process *process = call_process();
	struct uthread *thread;
	uint64_t dropped;

	(void)call;
	ignored &= ~SIGSET_UNMASKABLE;
	caught &= ~SIGSET_UNMASKABLE;
	mutex_lock(&process_lock);
	process->p_ignored = ignored & ~caught;
	process->p_caught = caught;
	process->p_child_flags = child_flags;
	/* What is now ignored, by wish or by default, is no longer pending. */
	dropped = (ignored | SIGSET_DEFAULT_IGNORE) & ~caught;
	signal_flush(&process->p_pending, dropped);
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next)
		signal_flush(&thread->t_pending, dropped);
	signal_publish(process);
	mutex_unlock(&process_lock);
	*result = 0;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sig_take(mach_port_t call, int64_t *result, unix_siginfo_t siginfo)
{
	struct lx_siginfo info;

	(void)call;
	memset(&info, 0, sizeof(info));
	mutex_lock(&process_lock);
	*result = signal_take(uthread_current(), &info);
	mutex_unlock(&process_lock);
	memcpy(siginfo, &info, sizeof(info));
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sig_suspend(mach_port_t call, int64_t *result)
{
	struct process *process = call_process();
	struct wait_queue never;

	(void)call;
	/* Nobody wakes this queue: only interruption ends the sleep. */
	wait_queue_init(&never);
	mutex_lock(&process_lock);
	while (wait_sleep(&never, &process_lock, WAIT_FOREVER) == 0)
		;
	mutex_unlock(&process_lock);
	(void)process;
	*result = -UNIX_ERESTARTNOHAND;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sig_wait(mach_port_t call, uint64_t set, int64_t deadline, int64_t *result,
    unix_siginfo_t siginfo)
{
	struct uthread *thread = uthread_current();
	struct wait_queue never;
	struct lx_siginfo info;
	int sig, error = 0;

	(void)call;
	memset(&info, 0, sizeof(info));
	set &= ~SIGSET_UNMASKABLE;
	wait_queue_init(&never);
	mutex_lock(&process_lock);
	for (;;) {
		sig = signal_take_set(thread, set, &info);
		if (sig != 0 || error != 0)
			break;
		thread->t_waiting_for = set;
		error = wait_sleep(&never, &process_lock,
		    deadline < 0 ? WAIT_FOREVER : deadline);
		thread->t_waiting_for = 0;
	}
	mutex_unlock(&process_lock);
	memcpy(siginfo, &info, sizeof(info));
	if (sig != 0)
		*result = sig;
	else
		*result = error == -LX_ETIMEDOUT ? -LX_EAGAIN : -LX_EINTR;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_sig_fatal(mach_port_t call, int32_t sig)
{
	(void)call;
	if (sig < 1 || sig > SIG_MAX)
		sig = LXS_SEGV;
	process_exit(call_process(), wait_status_signal(sig));
	return MIG_NO_REPLY;
}
