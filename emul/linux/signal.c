/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: actions and masks live here, choice and default actions in the server (docs/unix.md, Signals).
 */
#include "emul.h"

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2

void emul_mask_set(struct tcb *t, uint64_t mask)
{
	/* a full store before us_pending is read on the way out: the server writes pending, then reads the mask */
	__atomic_store_n(&t->t_slot->us_mask, mask & ~SIGSET_UNMASKABLE, __ATOMIC_SEQ_CST);
}

void emul_mask_swap(struct tcb *t, uint64_t mask)
{
	t->t_old_mask = t->t_slot->us_mask;
	t->t_mask_saved = 1;
	emul_mask_set(t, mask);
}

void emul_mask_restore(struct tcb *t)
{
	if (t->t_mask_saved) {
		t->t_mask_saved = 0;
		emul_mask_set(t, t->t_old_mask);
	}
}

/* the mask a handler's frame gives back */
static uint64_t frame_mask(struct tcb *t)
{
	uint64_t mask = t->t_mask_saved ? t->t_old_mask : t->t_slot->us_mask;

	t->t_mask_saved = 0;
	return mask;
}

static void restart(struct tcb *t)
{
	t->t_regs.rip -= 2;		/* the syscall instruction */
	t->t_regs.rcx = t->t_regs.rip;
	t->t_regs.rax = (uint64_t)t->t_call;
	t->t_call = -1;
}

/* A handler runs: the interrupted call fails or is done again after it. */
static void settle_for_handler(struct tcb *t, const struct emul_sigaction *sa)
{
	int64_t result = (int64_t)t->t_regs.rax;

	if (t->t_call < 0)
		return;
	if (result == -UNIX_ERESTARTNOINTR || (result == -UNIX_ERESTARTSYS && sa->sa_flags & EMUL_SA_RESTART)) {
		restart(t);
	} else if (result == -UNIX_ERESTARTSYS || result == -UNIX_ERESTARTNOHAND) {
		t->t_regs.rax = (uint64_t)-LX_EINTR;
	}
	t->t_call = -1;
}

/* tell the server when the sets it works with have changed */
static void push_actions(struct emul_process *p)
{
	uint64_t ignored = 0, caught = 0;
	int64_t result = 0;

	for (int sig = 1; sig <= SIG_MAX; sig++) {
		if (p->ep_actions[sig].sa_handler == EMUL_SIG_IGN)
			ignored |= sigbit(sig);
		else if (p->ep_actions[sig].sa_handler != EMUL_SIG_DFL)
			caught |= sigbit(sig);
	}
	bool no_wait = p->ep_actions[LXS_CHLD].sa_flags & EMUL_SA_NOCLDWAIT;
	bool no_stop = p->ep_actions[LXS_CHLD].sa_flags & EMUL_SA_NOCLDSTOP;
	uint64_t flags = (uint64_t)no_wait | (uint64_t)no_stop << 1;
	if (ignored == p->ep_ignored && caught == p->ep_caught && flags == p->ep_child_flags)
		return;
	p->ep_ignored = ignored;
	p->ep_caught = caught;
	p->ep_child_flags = flags;
	unix_sig_actions(emul_call_port(), ignored, caught, (int)flags, &result);
}

/* Enter the handler of one signal; false when the action is not a handler any more. */
static bool handle(struct tcb *t, const struct lx_siginfo *info, uint64_t trapno, uint64_t error, uint64_t cr2)
{
	int sig = info->si_signo;
	struct emul_sigaction *slot, sa;

	if (sig < 1 || sig > SIG_MAX)
		return false;
	slot = &t->t_process->ep_actions[sig];
	sa = *slot;
	if (sa.sa_handler == EMUL_SIG_DFL || sa.sa_handler == EMUL_SIG_IGN)
		return false;
	settle_for_handler(t, &sa);
	t->t_restarting = 0;	/* the handler may make calls of its own */
	if (emul_frame_push(t, &sa, info, frame_mask(t), trapno, error, cr2) < 0) {
		unix_sig_fatal(emul_call_port(), LXS_SEGV);
		return true;
	}
	if (sa.sa_flags & EMUL_SA_RESETHAND) {
		slot->sa_handler = EMUL_SIG_DFL;
		push_actions(t->t_process);
	}
	emul_mask_set(t, t->t_slot->us_mask | sa.sa_mask | (sa.sa_flags & EMUL_SA_NODEFER ? 0 : sigbit(sig)));
	return true;
}

/* Take signals from the server until a handler is entered or none is left; true: a handler */
static bool take(struct tcb *t)
{
	for (;;) {
		struct lx_siginfo info;
		int64_t sig = 0;

		if (emul_result(unix_sig_take(emul_call_port(), &sig, (char *)&info), &sig) <= 0)
			return false;
		info.si_signo = (int32_t)sig;
		if (handle(t, &info, 0, 0, 0))
			return true;
	}
}

void emul_deliver(void)
{
	take(tcb_self());
}

/* calls that set t_deadline before they wait, and take it up again with emul_deadline when they are restarted */
static bool has_deadline(int64_t call)
{
	switch (call) {
	case 7: case 23: case 35: case 128: case 202: case 230: case 270: case 271:	/* poll ... ppoll, as in calls.h */
		return true;
	default:
		return false;
	}
}

/* A call was interrupted: handlers first, then it is restarted as if nothing had been. */
void emul_interrupted(long result)
{
	struct tcb *t = tcb_self();

	(void)result;
	if (t->t_call < 0)	/* rt_sigreturn brought back a number that looks like one */
		return;
	if (take(t))
		return;
	emul_mask_restore(t);
	t->t_restarting = has_deadline(t->t_call) && t->t_deadline >= 0;
	restart(t);
}

/* entry.S: the program was diverted here, by a signal or by its own fault */
void emul_faulted(void);
void emul_faulted(void)
{
	struct tcb *t = tcb_self();
	struct unix_slot *slot = t->t_slot;
	struct lx_siginfo info = { 0 };

	t->t_restarting = 0;
	if (!slot->us_fault_sig)
		return;
	info.si_signo = slot->us_fault_sig;
	info.si_code = slot->us_fault_code;
	__builtin_memcpy(&info.si_pid, &slot->us_fault_address, sizeof slot->us_fault_address);	/* si_addr */
	slot->us_fault_sig = 0;
	if (!handle(t, &info, (uint64_t)slot->us_fault_trap, slot->us_fault_error, slot->us_fault_address))
		unix_sig_fatal(emul_call_port(), info.si_signo);
}

long emul_rt_sigaction(long sig, long new, long old, long size, long e, long f)
{
	struct emul_process *p = tcb_self()->t_process;
	struct emul_sigaction sa, was;

	(void)e, (void)f;
	if (size != 8 || sig < 1 || sig > SIG_MAX || (new && (sig == LXS_KILL || sig == LXS_STOP)))
		return -LX_EINVAL;
	was = p->ep_actions[sig];
	if (new) {
		if (emul_copy(&sa, (const void *)new, sizeof sa) < 0)
			return -LX_EFAULT;
		sa.sa_mask &= ~SIGSET_UNMASKABLE;
		p->ep_actions[sig] = sa;
		push_actions(p);
	}
	return old ? emul_copy((void *)old, &was, sizeof was) : 0;
}

long emul_rt_sigprocmask(long how, long new, long old, long size, long e, long f)
{
	struct tcb *t = tcb_self();
	uint64_t mask = t->t_slot->us_mask, set;

	(void)e, (void)f;
	if (size != 8)
		return -LX_EINVAL;
	if (new) {
		if (emul_copy(&set, (const void *)new, sizeof set) < 0)
			return -LX_EFAULT;
		if (how == SIG_BLOCK)
			set |= mask;
		else if (how == SIG_UNBLOCK)
			set = mask & ~set;
		else if (how != SIG_SETMASK)
			return -LX_EINVAL;
		emul_mask_set(t, set);
	}
	return old ? emul_copy((void *)old, &mask, sizeof mask) : 0;
}

long emul_rt_sigpending(long to, long size, long c, long d, long e, long f)
{
	struct unix_slot *slot = tcb_self()->t_slot;
	uint64_t set = slot->us_pending & slot->us_mask;

	(void)c, (void)d, (void)e, (void)f;
	if (size < 0 || size > 8)
		return -LX_EINVAL;
	return emul_copy((void *)to, &set, (size_t)size);
}

static long suspend(void)
{
	int64_t result = 0;

	return emul_result(unix_sig_suspend(emul_call_port(), &result), &result);
}

long emul_rt_sigsuspend(long mask, long size, long c, long d, long e, long f)
{
	uint64_t set;
	long r;

	(void)c, (void)d, (void)e, (void)f;
	if (size != 8)
		return -LX_EINVAL;
	if (emul_copy(&set, (const void *)mask, sizeof set) < 0)
		return -LX_EFAULT;
	emul_mask_swap(tcb_self(), set);
	r = suspend();
	/* it can only end by a signal: with no handler run it is done again */
	return r > -UNIX_ERESTARTSYS ? -UNIX_ERESTARTNOHAND : r;
}

long emul_pause(long a, long b, long c, long d, long e, long f)
{
	long r = suspend();

	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return r > -UNIX_ERESTARTSYS ? -UNIX_ERESTARTNOHAND : r;
}

long emul_rt_sigtimedwait(long program, long info_to, long time, long size, long e, long f)
{
	struct lx_siginfo info;
	struct lx_timespec ts;
	uint64_t set;
	int64_t deadline = -1, result = 0;
	long r;

	(void)e, (void)f;
	if (size != 8)
		return -LX_EINVAL;
	if (emul_copy(&set, (const void *)program, sizeof set) < 0 ||
	    (time && emul_copy(&ts, (const void *)time, sizeof ts) < 0))
		return -LX_EFAULT;
	if (time && (deadline = emul_deadline(&ts, false, false)) < 0)
		return (long)deadline;
	tcb_self()->t_deadline = deadline;
	r = emul_result(unix_sig_wait(emul_call_port(), set & ~SIGSET_UNMASKABLE, deadline, &result, (char *)&info), &result);
	if (r > 0 && info_to && emul_copy((void *)info_to, &info, sizeof info) < 0)
		return -LX_EFAULT;
	return r;
}

static long send(long pid, long tid, long sig, struct lx_siginfo *info)
{
	int64_t result = 0;
	char none[1];

	return emul_result(unix_proc_kill(emul_call_port(), (int)pid, (int)tid, (int)sig, info ? (char *)info : none,
	    info ? sizeof *info : 0, &result), &result);
}

#define SIGSET_SERVER	(SIGSET_UNMASKABLE | SIGSET_STOP | sigbit(LXS_CONT))	/* they do more than wait to be taken */

/*
 * A signal of this thread to itself that it does not block and handles: it goes nowhere, the call ends in the handler. What is
 * pending already comes before it, from the server.
 */
static bool send_self(struct tcb *t, long sig, int code)
{
	const struct unix_share *share = t->t_process->ep_share;
	int64_t call = t->t_call;
	struct lx_siginfo info;

	if (sig < 1 || sig > SIG_MAX || (t->t_slot->us_mask | SIGSET_SERVER) & sigbit((int)sig) ||
	    t->t_slot->us_pending & ~t->t_slot->us_mask)
		return false;
	memset(&info, 0, sizeof info);
	info.si_signo = (int32_t)sig;
	info.si_code = code;
	info.si_pid = share->uh_pid;
	info.si_uid = share->uh_uid;
	t->t_regs.rax = 0;
	t->t_call = -1;
	if (handle(t, &info, 0, 0, 0))
		return true;
	t->t_call = call;
	return false;
}

long emul_kill(long pid, long sig, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();
	const struct unix_share *share = t->t_process->ep_share;

	(void)c, (void)d, (void)e, (void)f;
	if ((int)pid == share->uh_pid && share->uh_threads == 1 && send_self(t, (int)sig, LX_SI_USER))
		return 0;
	return send(pid, 0, sig, NULL);
}

long emul_tkill(long tid, long sig, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();

	if ((int)tid == t->t_slot->us_tid && send_self(t, (int)sig, LX_SI_TKILL))
		return 0;
	(void)c, (void)d, (void)e, (void)f;
	return (int)tid <= 0 ? -LX_EINVAL : send(0, tid, sig, NULL);
}

long emul_tgkill(long pid, long tid, long sig, long d, long e, long f)
{
	struct tcb *t = tcb_self();

	if ((int)pid == t->t_process->ep_share->uh_pid && (int)tid == t->t_slot->us_tid && send_self(t, (int)sig, LX_SI_TKILL))
		return 0;
	(void)d, (void)e, (void)f;
	return (int)tid <= 0 || (int)pid <= 0 ? -LX_EINVAL : send(pid, tid, sig, NULL);
}

long emul_rt_sigqueueinfo(long pid, long sig, long program, long d, long e, long f)
{
	struct lx_siginfo info;

	(void)d, (void)e, (void)f;
	if (emul_copy(&info, (const void *)program, sizeof info) < 0)
		return -LX_EFAULT;
	/* only the kernel may claim to be it */
	if (info.si_code >= 0 || info.si_code == LX_SI_TKILL)
		return -LX_EPERM;
	return send(pid, 0, sig, &info);
}

#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	(1u << 31)
#define SS_MINIMUM	2048

struct stack { uint64_t sp; int32_t flags, pad; uint64_t size; };

static bool on_alt_stack(const struct tcb *t)
{
	return t->t_alt_size && t->t_regs.rsp - t->t_alt_stack - 1 < t->t_alt_size;
}

long emul_sigaltstack(long new, long old, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();
	struct stack ss, was = { t->t_alt_stack, !t->t_alt_size ? SS_DISABLE : on_alt_stack(t) ? SS_ONSTACK : 0, 0, t->t_alt_size };

	(void)c, (void)d, (void)e, (void)f;
	if (new) {
		if (emul_copy(&ss, (const void *)new, sizeof ss) < 0)
			return -LX_EFAULT;
		if (on_alt_stack(t))
			return -LX_EPERM;
		if (((uint32_t)ss.flags & ~SS_AUTODISARM) > SS_DISABLE)
			return -LX_EINVAL;
		if (ss.flags & SS_DISABLE)
			ss.sp = ss.size = 0;
		else if (ss.size < SS_MINIMUM)
			return -LX_ENOMEM;
		t->t_alt_stack = ss.sp;
		t->t_alt_size = ss.size;
		t->t_alt_flags = (uint32_t)ss.flags & SS_AUTODISARM;
	}
	return old ? emul_copy((void *)old, &was, sizeof was) : 0;
}

/* Only ever reached by programs which call it by hand: interrupted calls are restarted by their own number. */
long emul_restart_syscall(long a, long b, long c, long d, long e, long f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return -LX_EINTR;
}
