/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: handlers, masks, what is restarted and what is not, the alternate stack, nesting. */
#include "tap.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t count, last, last_code, last_value;
static volatile pid_t last_pid;
static volatile uintptr_t handler_sp;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	int here;

	(void)context;
	count++;
	last = sig;
	last_code = info->si_code;
	last_pid = info->si_pid;
	if (info->si_code == SI_QUEUE)
		last_value = info->si_value.sival_int;
	handler_sp = (uintptr_t)&here;
}

static void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &sa, NULL);
}

/* a child that sends us a signal after so many ms, then writes into fd (if any) and exits */
static pid_t sender(int sig, long ms, int fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		pause_ms(ms);
		kill(parent, sig);
		pause_ms(ms);
		if (fd >= 0 && write(fd, "x", 1) != 1)
			_exit(1);
		_exit(7);
	}
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void basics(void)
{
	sigset_t set, old, pending;
	union sigval v = { .sival_int = 4711 };

	catch(SIGUSR1, 0);
	is(raise(SIGUSR1), 0);
	is(count, 1);
	is(last, SIGUSR1);
	is(last_code, SI_TKILL);
	is(kill(getpid(), SIGUSR1), 0);
	is(count, 2);
	is(last_code, SI_USER);
	is(last_pid, getpid());
	is(sigqueue(getpid(), SIGUSR1, v), 0);
	is(last_code, SI_QUEUE);
	is(last_value, 4711);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, &old);
	count = 0;
	catch(SIGRTMIN + 1, 0);
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGUSR1);
		v.sival_int = i;
		sigqueue(getpid(), SIGRTMIN + 1, v);
	}
	sigpending(&pending);
	ok(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGRTMIN + 1) && !sigismember(&pending, SIGUSR2));
	is(count, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	is(count, 4);		/* one SIGUSR1, three of the real-time signal */
	is(last_value, 2);

	signal(SIGUSR2, SIG_IGN);
	is(kill(getpid(), SIGUSR2), 0);
	fails(kill(getpid(), 65), EINVAL);
	fails(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL);
	catch(SIGUSR1, (int)SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction sa;
	sigaction(SIGUSR1, NULL, &sa);
	ok(sa.sa_handler == SIG_DFL);

	int sig = 0;
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	is(sigwait(&set, &sig), 0);
	is(sig, SIGUSR1);
	struct timespec short_time = { 0, 20000000 };
	fails(sigtimedwait(&set, NULL, &short_time), EAGAIN);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void restart(void)
{
	int p[2];
	char c;
	pid_t pid;
	double t;

	is(pipe(p), 0);
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		catch(SIGUSR1, flags);
		count = 0;
		pid = sender(SIGUSR1, 60, p[1]);
		if (flags) {
			is(read(p[0], &c, 1), 1);
		} else {
			fails(read(p[0], &c, 1), EINTR);
			is(read(p[0], &c, 1), 1);
		}
		is(count, 1);
		reap(pid);

		pid = sender(SIGUSR1, 60, -1);
		if (flags)
			is(waitpid(pid, NULL, 0), pid);
		else
			fails(waitpid(pid, NULL, 0), EINTR);
		reap(pid);

		/* never restarted after a handler */
		pid = sender(SIGUSR1, 60, -1);
		struct timespec ts = { 5, 0 }, left = { 9, 9 };
		t = now();
		fails(nanosleep(&ts, &left), EINTR);
		ok(now() - t < 4 && left.tv_sec >= 3 && left.tv_sec < 5);
		reap(pid);
		pid = sender(SIGUSR1, 60, -1);
		fails(poll(NULL, 0, 5000), EINTR);
		reap(pid);
		pid = sender(SIGUSR1, 60, -1);
		fails(select(0, NULL, NULL, NULL, &(struct timeval){ 5, 0 }), EINTR);
		reap(pid);
		pid = sender(SIGUSR1, 60, -1);
		fails(pause(), EINTR);
		reap(pid);
	}

	uint32_t word = 1;
	catch(SIGUSR1, 0);
	pid = sender(SIGUSR1, 60, -1);
	fails(syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0), EINTR);
	reap(pid);
	catch(SIGUSR1, SA_RESTART);
	pid = sender(SIGUSR1, 60, -1);
	fails(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &(struct timespec){ 5, 0 }, NULL, 0), EINTR);
	reap(pid);

	/* a stop and continue restarts with the time that is left, and leaves no trace in later calls */
	pid = fork();
	if (pid == 0) {
		pause_ms(50);
		kill(getppid(), SIGSTOP);
		_exit(0);
	}
	pid_t waker = fork();
	if (waker == 0) {
		pause_ms(300);
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	t = now();
	is(poll(NULL, 0, 700), 0);
	ok(now() - t > 0.65);
	reap(pid);
	reap(waker);
	pid = sender(SIGSTOP, 60, p[1]);
	waker = sender(SIGCONT, 200, -1);
	is(read(p[0], &c, 1), 1);
	reap(pid);
	reap(waker);
	t = now();
	is(poll(NULL, 0, 150), 0);
	ok(now() - t > 0.14);
	close(p[0]);
	close(p[1]);
}

static void masks(void)
{
	sigset_t all, old, none;
	pid_t pid;
	double t;

	sigfillset(&all);
	sigemptyset(&none);
	catch(SIGUSR1, 0);
	sigprocmask(SIG_SETMASK, &all, &old);
	for (int i = 0; i < 20; i++) {
		count = 0;
		kill(getpid(), SIGUSR1);
		fails(sigsuspend(&none), EINTR);
		if (count != 1)
			break;
	}
	is(count, 1);
	sigset_t after;
	sigprocmask(SIG_BLOCK, NULL, &after);
	ok(sigismember(&after, SIGUSR1) && sigismember(&after, SIGHUP));
	count = 0;
	kill(getpid(), SIGUSR1);
	fails(ppoll(NULL, 0, &(struct timespec){ 5, 0 }, &none), EINTR);
	is(count, 1);
	sigprocmask(SIG_BLOCK, NULL, &after);
	ok(sigismember(&after, SIGUSR1));
	kill(getpid(), SIGUSR1);
	fails(pselect(0, NULL, NULL, NULL, &(struct timespec){ 5, 0 }, &none), EINTR);
	is(count, 2);
	is(ppoll(NULL, 0, &(struct timespec){ 0, 10000000 }, &none), 0);
	pid = sender(SIGUSR1, 60, -1);
	sigdelset(&none, SIGUSR1);
	fails(sigsuspend(&none), EINTR);
	is(count, 3);
	reap(pid);
	sigprocmask(SIG_SETMASK, &old, NULL);

	/* a storm: every signal of a child is seen by sigsuspend, none is lost */
	sigprocmask(SIG_SETMASK, &all, &old);
	count = 0;
	pid = fork();
	if (pid == 0) {
		sigset_t mine = all;
		pid_t parent = getppid();

		catch(SIGUSR2, 0);
		sigdelset(&mine, SIGUSR2);
		for (int i = 0; i < 200; i++) {
			kill(parent, SIGUSR1);
			sigsuspend(&mine);
		}
		_exit(count == 200 ? 0 : 1);
	}
	sigfillset(&none);
	sigdelset(&none, SIGUSR1);
	t = now();
	for (int i = 0; i < 200 && now() - t < 60; i++) {
		sigsuspend(&none);
		kill(pid, SIGUSR2);
	}
	int status = -1;
	is(waitpid(pid, &status, 0), pid);
	is(status, 0);
	is(count, 200);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static volatile int depth, deepest, runs;

static void nest(int sig)
{
	if (++depth > deepest)
		deepest = depth;
	if (depth < 5 && ++runs < 10)
		raise(sig);
	depth--;
}

static void stacks(void)
{
	static char area[65536];
	stack_t ss = { .ss_sp = area, .ss_size = sizeof area }, old;

	is(sigaltstack(&ss, NULL), 0);
	catch(SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	ok(handler_sp > (uintptr_t)area && handler_sp < (uintptr_t)area + sizeof area);
	catch(SIGUSR1, 0);
	raise(SIGUSR1);
	ok(handler_sp < (uintptr_t)area || handler_sp > (uintptr_t)area + sizeof area);
	is(sigaltstack(NULL, &old), 0);
	ok(old.ss_sp == area && old.ss_flags == 0);
	fails(sigaltstack(&(stack_t){ .ss_sp = area, .ss_size = 100 }, NULL), ENOMEM);
	is(sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL), 0);
	struct sigaction sa = { .sa_handler = nest, .sa_flags = SA_NODEFER };
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	is(deepest, 5);
	sa.sa_flags = 0;
	deepest = runs = 0;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	is(deepest, 1);
	is(depth, 0);
}

static void timers(void)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } }, was;
	double t = now();

	catch(SIGALRM, SA_RESTART);
	count = 0;
	is(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (count < 5 && now() - t < 10)
		pause();
	ok(count >= 5);
	ok(now() - t > 0.09);
	is(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, &was), 0);
	is(was.it_interval.tv_usec, 20000);
	is(alarm(100), 0);
	ok(alarm(0) >= 99);
	fails(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 1000000 }, { 0, 0 } }, NULL), EINVAL);
	alarm(1);
	fails(pause(), EINTR);
	is(last, SIGALRM);
	/* a busy program is interrupted as well */
	count = 0;
	it = (struct itimerval){ { 0, 10000 }, { 0, 10000 } };
	setitimer(ITIMER_REAL, &it, NULL);
	t = now();
	uint64_t x = 88172645463325252ull, y = x;
	for (int i = 0; i < 20000000 || (count < 3 && now() - t < 20); i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		if (count >= 20)
			break;
	}
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	ok(count >= 3 && x != y);
}

static void spoil(int sig)
{
	uint64_t junk[2] = { ~0ull, ~0ull };
	uint32_t mxcsr = 0x7f80;

	count += sig == SIGUSR1;
	__asm__ volatile("movups %0, %%xmm6; movups %0, %%xmm15; ldmxcsr %1; fninit" :: "m"(junk), "m"(mxcsr) : "xmm6", "xmm15");
}

/* a signal to itself by hand, with every register known; => which differ after it */
static unsigned kill_and_compare(long pid)
{
	uint64_t in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, out[2] = { 0 }, r[8], rsp, rsp2;
	uint32_t mxcsr = 0x1fc0, after = 0;
	long result;

	__asm__ volatile(
	    "ldmxcsr %[m]; movups %[in], %%xmm6; movups %[in], %%xmm15\n"
	    "movq %%rsp, %[s1]\n"
	    "movl $62, %%eax; movq %[pid], %%rdi; movl $10, %%esi\n"
	    "movq $101, %%rbx; movq $102, %%r12; movq $103, %%r13; movq $104, %%r14; movq $105, %%r8; movq $106, %%r9; movq $107, %%r10\n"
	    "subq $256, %%rsp; movq $77, 128(%%rsp)\n"
	    "syscall\n"
	    "addq $256, %%rsp\n"
	    "movq %%rbx, 0(%[r]); movq %%r12, 8(%[r]); movq %%r13, 16(%[r]); movq %%r14, 24(%[r]); movq %%r8, 32(%[r])\n"
	    "movq %%r9, 40(%[r]); movq %%r10, 48(%[r]); movq %%rsi, 56(%[r])\n"
	    "movq %%rsp, %[s2]; movups %%xmm6, %[o1]; stmxcsr %[a]\n"
	    "movups %%xmm15, %%xmm1; pcmpeqd %%xmm6, %%xmm1; movmskps %%xmm1, %%ecx; cmpl $15, %%ecx; je 1f; movq $0, 0(%[r]); 1:\n"
	    : "=&a"(result), [s1] "=&m"(rsp), [s2] "=m"(rsp2), [o1] "=m"(out), [a] "=m"(after)
	    : [m] "m"(mxcsr), [in] "m"(in), [pid] "m"(pid), [r] "r"(r)
	    : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "xmm1", "xmm6", "xmm15", "memory", "cc");
	unsigned bad = 0;
	for (unsigned i = 0; i < 7; i++)
		bad |= (unsigned)(r[i] != 101 + i) << i;
	return bad | (unsigned)(r[7] != 10) << 7 | (unsigned)(result != 0) << 8 | (unsigned)(rsp != rsp2) << 9 |
	    (unsigned)(memcmp(in, out, sizeof in) != 0) << 10 | (unsigned)(after != mxcsr) << 11;
}

static void child_reset_twice(void)
{
	count = 0;
	catch(SIGUSR1, (int)SA_RESETHAND);
	kill(getpid(), SIGUSR1);
	if (count == 1)
		kill(getpid(), SIGUSR1);
}

static void child_no_stack(void)
{
	catch(SIGUSR1, 0);
	__asm__ volatile("movl $8, %%esp; movl $62, %%eax; movl %0, %%edi; movl $10, %%esi; syscall; hlt"
	    :: "r"(getpid()) : "rax", "rdi", "rsi", "memory");
}

static volatile pid_t tid_seen;
static void note_tid(int sig) { (void)sig; tid_seen = gettid(); count++; }

static void *in_thread(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	count = 0;
	raise(SIGUSR1);				/* to this very thread, done when it returns */
	*(bool *)arg = count == 1 && tid_seen == gettid();
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);		/* to the process: the other one takes it */
	return NULL;
}

static void themselves(void)
{
	struct sigaction sa = { .sa_handler = spoil };
	pthread_t t;
	bool good = false;
	sigset_t set, old;
	int status;

	sigaction(SIGUSR1, &sa, NULL);
	count = 0;
	is(kill_and_compare(getpid()), 0);
	is(count, 1);
	count = 0;
	catch(SIGCONT, 0);
	catch(SIGTSTP, 0);
	kill(getpid(), SIGTSTP);
	kill(getpid(), SIGCONT);
	is(count, 2);
	signal(SIGCONT, SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
	catch(SIGUSR1, 0);
	count = 0;
	kill(0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	is(count, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	is(count, 2);				/* one of the thread's, one of the process's */
	status = in_child(10, child_reset_twice);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	status = in_child(10, child_no_stack);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	sa.sa_handler = note_tid;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, in_thread, &good);
	pthread_join(t, NULL);
	ok(good);
	for (int i = 0; i < 200 && count < 2; i++)
		pause_ms(10);
	ok(count == 2 && tid_seen == gettid());
	fails(kill(getpid(), -1), EINVAL);
	fails(syscall(SYS_tgkill, getpid(), gettid(), 65), EINVAL);
	fails(syscall(SYS_tgkill, getppid(), gettid(), SIGUSR1), ESRCH);
}

int main(void)
{
	themselves();
	count = 0;
	alarm(0);
	basics();
	restart();
	masks();
	stacks();
	timers();
	return tap_done();
}
