/* SPDX-License-Identifier: BSD-2-Clause */
/* fork, vfork, spawn, exec and its limits, wait and its forms, groups, sessions, orphans. */
#include "tap.h"
#include <sched.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/random.h>
#include <sys/stat.h>

extern char **environ;
static char self[] = "/proc/self/exe";
static int shared = 1;

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void copies(void)
{
	size_t n = 4 << 20;
	char *heap = malloc(n);
	volatile int local = 5;
	int *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	memset(heap, 'a', n);
	pid = fork();
	if (pid == 0) {
		bool good = heap[0] == 'a' && heap[n - 1] == 'a';
		memset(heap, 'b', n);
		local = 6;
		common[0] = 99;
		for (int i = 0; i < 100 && common[1] != 77; i++)
			pause_ms(20);
		_exit(good && common[1] == 77 && heap[n / 2] == 'b' ? 0 : 1);
	}
	memset(heap + n / 2, 'c', n / 2);
	common[1] = 77;
	is(wait_for(pid), 0);
	ok(heap[0] == 'a' && heap[n / 2 - 1] == 'a' && heap[n - 1] == 'c');
	is(local, 5);
	is(common[0], 99);
	/* generations */
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			heap[i * 4096] = 'z';
			pid_t p = fork();
			if (p) {
				int s = wait_for(p);
				_exit(s == 0 && heap[(i + 1) * 4096] == 'a' ? 0 : 1);
			}
		}
		_exit(0);
	}
	is(wait_for(pid), 0);
	ok(heap[0] == 'a');
	free(heap);
	munmap(common, 4096);
}

static void vforks(void)
{
	volatile int mine = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		mine = 2;
		shared = 2;
		_exit(9);
	}
	is(WEXITSTATUS(wait_for(pid)), 9);
	is(mine, 2);
	is(shared, 2);
	pid = vfork();
	if (pid == 0) {
		/* errors of exec come back through memory */
		execl("/no/such/file", "x", NULL);
		shared = errno;
		_exit(3);
	}
	is(WEXITSTATUS(wait_for(pid)), 3);
	is(shared, ENOENT);
	pid = vfork();
	if (pid == 0) {
		execl(self, "self", "exit", "11", NULL);
		_exit(1);
	}
	is(WEXITSTATUS(wait_for(pid)), 11);
	/* a child that dies by a signal lets its parent go on */
	pid = vfork();
	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	is(WTERMSIG(wait_for(pid)), SIGKILL);
	char *argv[] = { self, "exit", "5", NULL };
	is(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
	is(WEXITSTATUS(wait_for(pid)), 5);
	is(posix_spawn(&pid, "/no/such", NULL, NULL, argv, environ), ENOENT);
	is(WEXITSTATUS(system("exit 6")), 6);
	FILE *f = popen("echo popen works", "r");
	char line[64] = "";
	ok(f && fgets(line, sizeof line, f) && strcmp(line, "popen works\n") == 0);
	is(pclose(f), 0);
	/* signal actions and descriptors of the child are its own */
	signal(SIGUSR1, SIG_IGN);
	int fd = dup(0);
	pid = vfork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		close(fd);
		kill(getpid(), SIGUSR1);
		_exit(1);
	}
	is(WTERMSIG(wait_for(pid)), SIGUSR1);
	raise(SIGUSR1);
	is(close(fd), 0);
	signal(SIGUSR1, SIG_DFL);
}

static int run(char **argv, char **envp)
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(self, argv, envp);
		_exit(errno);
	}
	return WEXITSTATUS(wait_for(pid));
}

static void execs(void)
{
	enum { MANY = 3000 };
	static char *argv[MANY + 3], *none[] = { NULL }, *envp[] = { "TEST=value", "EMPTY=", NULL };
	size_t n = 120 << 10;
	char *big = malloc(n + 1), *huge;

	argv[0] = "self", argv[1] = "count";
	for (int i = 2; i < MANY; i++)
		argv[i] = "argument";
	is(run(argv, none), MANY % 251);
	memset(big, 'x', n);
	big[n] = 0;
	is(run((char *[]){ "self", "length", big, NULL }, none), n % 251);
	huge = malloc(4 << 20);
	memset(huge, 'y', (4 << 20) - 1);
	huge[(4 << 20) - 1] = 0;
	is(run((char *[]){ "self", "length", huge, NULL }, none), E2BIG);
	is(run((char *[]){ "self", "environment", NULL }, envp), 0);
	is(run((char *[]){ "self", "environment", "bad", (char *)8 }, envp), EFAULT);
	free(big);
	free(huge);
	fails(execve("/", (char *[]){ "x", NULL }, none), EACCES);
	fails(execve("/etc/passwd", (char *[]){ "x", NULL }, none), EACCES);
	fails(execve("/no/such", (char *[]){ "x", NULL }, none), ENOENT);
	fails(execve("/etc/passwd/x", (char *[]){ "x", NULL }, none), ENOTDIR);
	fails(execve(nowhere, (char *[]){ "x", NULL }, none), EFAULT);
	char name[] = "/tmp/execXXXXXX";
	int fd = mkstemp(name);
	fchmod(fd, 0755);
	ok(write(fd, "\177ELF garbage that goes on for a while, no program at all ..........................", 80) == 80);
	close(fd);
	fails(execve(name, (char *[]){ "x", NULL }, none), ENOEXEC);
	fd = open(name, O_WRONLY | O_TRUNC);
	dprintf(fd, "#!/no/interpreter\n");
	close(fd);
	fails(execve(name, (char *[]){ "x", NULL }, none), ENOENT);
	fd = open(name, O_WRONLY | O_TRUNC);
	dprintf(fd, "#!%s\n", name);
	close(fd);
	errno = 0;
	ok(execve(name, (char *[]){ "x", NULL }, none) == -1 && (errno == ELOOP || errno == ENOEXEC));
	unlink(name);
	/* ELF headers full of nonsense */
	static unsigned char image[4096];
	fd = open(self, O_RDONLY);
	ok(read(fd, image, sizeof image) == sizeof image);
	close(fd);
	srandom(1);
	int strange = 0;
	for (int i = 0; i < 40; i++) {
		static unsigned char bad[4096];
		strcpy(name, "/tmp/execXXXXXX");
		fd = mkstemp(name);
		memcpy(bad, image, sizeof bad);
		for (int k = 0; k < 1 + i / 4; k++)
			bad[16 + random() % 500] = (unsigned char)random();
		fchmod(fd, 0755);
		if (write(fd, bad, sizeof bad) != sizeof bad)
			strange++;
		close(fd);
		pid_t pid = fork();
		if (pid == 0) {
			struct rlimit none_core = { 0, 0 };
			setrlimit(RLIMIT_CORE, &none_core);
			alarm(20);
			execve(name, (char *[]){ "x", NULL }, none);
			_exit(100);
		}
		wait_for(pid);
		unlink(name);
	}
	is(strange, 0);
}

static void waits(void)
{
	siginfo_t info;
	struct rusage ru;
	int status;
	pid_t pid, a, b;

	fails(wait(NULL), ECHILD);
	fails(waitpid(getpid(), NULL, 0), ECHILD);
	fails(waitid(P_ALL, 0, &info, 0), EINVAL);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(1);
	}
	is(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGSTOP);
	is(waitpid(pid, &status, WUNTRACED), pid);
	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	is(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	kill(pid, SIGCONT);
	is(waitpid(pid, &status, WCONTINUED), pid);
	ok(WIFCONTINUED(status));
	kill(pid, SIGTERM);
	memset(&info, 0, sizeof info);
	is(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ok(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM && info.si_signo == SIGCHLD);
	is(wait4(pid, &status, 0, &ru), pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	fails(kill(pid, 0), ESRCH);

	a = fork();
	if (a == 0) {
		setpgid(0, 0);
		pause();
	}
	setpgid(a, a);
	b = fork();
	if (b == 0)
		_exit(2);
	is(waitpid(-a, &status, WNOHANG), 0);
	is(waitpid(0, &status, 0), b);
	is(kill(-a, SIGKILL), 0);
	is(waitpid(-a, &status, 0), a);
	/* stopped, then killed */
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	is(WTERMSIG(wait_for(pid)), SIGKILL);
	/* nobody waits: no zombie is left */
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	fails(waitpid(pid, NULL, 0), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	bool all = true;
	pid_t kids[50];
	for (int i = 0; i < 50; i++) {
		kids[i] = fork();
		if (kids[i] == 0)
			_exit(i);
	}
	for (int i = 49; i >= 0; i--)
		all = all && WEXITSTATUS(wait_for(kids[i])) == i;
	ok(all);
}

static void groups(void)
{
	int p[2];
	char c;
	pid_t pid, me = getpid();

	ok(getpgrp() == getpgid(0) && getsid(0) == getsid(me));
	fails(setpgid(99999, 0), ESRCH);
	fails(setpgid(0, -1), EINVAL);
	pid = fork();
	if (pid == 0) {
		bool good = setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid();
		good = good && setsid() == -1 && errno == EPERM && setpgid(0, 0) == -1 && errno == EPERM;
		good = good && open("/dev/tty", O_RDWR) == -1 && errno == ENXIO;
		_exit(good ? 0 : 1);
	}
	is(wait_for(pid), 0);
	fails(getsid(99999), ESRCH);
	/* setpgid of a child that has done exec */
	ok(pipe2(p, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		execl(self, "self", "sleep", NULL);
		_exit(1);
	}
	close(p[1]);
	is(read(p[0], &c, 1), 0);
	close(p[0]);
	fails(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	wait_for(pid);
	/* an orphan gets another parent; a stopped orphaned group is continued by SIGHUP */
	ok(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		pid_t middle = getpid();
		if (fork() == 0) {
			for (int i = 0; i < 250 && getppid() == middle; i++)
				pause_ms(20);
			c = getppid() != middle ? 'y' : 'n';
			if (write(p[1], &c, 1) != 1)
				_exit(1);
			_exit(0);
		}
		_exit(0);
	}
	is(wait_for(pid), 0);
	c = 0;
	ok(read(p[0], &c, 1) == 1 && c == 'y');
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (fork() == 0) {
			signal(SIGHUP, SIG_DFL);
			raise(SIGSTOP);
			_exit(0);
		}
		pause_ms(200);
		_exit(0);
	}
	close(p[1]);
	is(wait_for(pid), 0);
	is(read(p[0], &c, 1), 0);	/* the grandchild is gone, else its write end would be there */
	close(p[0]);
}

static void identity(void)
{
	struct utsname u;
	struct tms tms;
	unsigned char r[512] = { 0 };
	int different = 0;

	is(uname(&u), 0);
	is(strcmp(u.sysname, "Linux"), 0);
	is(strcmp(u.machine, "x86_64"), 0);
	fails(uname(nowhere), EFAULT);
	is(getrandom(r, sizeof r, 0), sizeof r);
	for (int i = 1; i < 512; i++)
		different += r[i] != r[0];
	ok(different > 400);
	fails(getrandom(r, 1, 0x100), EINVAL);
	fails(getrandom(nowhere, 16, 0), EFAULT);
	double t = now();
	volatile unsigned long x = 0;
	while (now() - t < 0.3)
		x++;
	ok(times(&tms) > 0);
	ok(tms.tms_utime + tms.tms_stime >= 5);
	ok(clock() > 0);
	struct rlimit rl;
	is(getrlimit(RLIMIT_NOFILE, &rl), 0);
	ok(rl.rlim_cur >= 64);
	fails(getrlimit(100, &rl), EINVAL);
	ok(getppid() > 0 && gettid() == getpid());
	struct timespec ts;
	fails(clock_gettime(99, &ts), EINVAL);
	time_t wall = time(NULL);
	ok(clock_gettime(CLOCK_REALTIME, &ts) == 0 && ts.tv_sec - wall < 3);
	bool monotonic = true;
	for (double last = 0, i = 0; i < 20000; i++) {
		double n = now();
		monotonic = monotonic && n >= last;
		last = n;
	}
	ok(monotonic);
}

static volatile int ticks;
static void tick(int sig) { (void)sig; ticks++; }
static void child_bad_clock(void) { clock_gettime(CLOCK_MONOTONIC, nowhere); }

static long ns_of(struct timespec t) { return t.tv_sec * 1000000000 + t.tv_nsec; }

/* the clock without a system call: found where Linux has it, in step with the call, and interrupted like the program that it is part of */
static void clocks(void)
{
	static const clockid_t same[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	const unsigned char *image = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, off = { 0 };
	struct timespec a, b, c;
	struct timeval tv;
	bool in_step = true;
	int status;
	double t;

	ok(image && memcmp(image, "\177ELF\2\1\1", 7) == 0);
	for (int i = 0; i < 3000; i++) {
		clockid_t clock = same[i % 3];

		syscall(SYS_clock_gettime, clock, &a);
		clock_gettime(clock, &b);
		syscall(SYS_clock_gettime, clock, &c);
		in_step = in_step && ns_of(a) <= ns_of(b) && ns_of(b) <= ns_of(c) && b.tv_nsec >= 0 && b.tv_nsec < 1000000000;
	}
	ok(in_step);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &a);
	gettimeofday(&tv, NULL);
	ok(tv.tv_sec * 1000000l + tv.tv_usec >= ns_of(a) / 1000 && tv.tv_sec - a.tv_sec < 3);
	ok(time(NULL) - a.tv_sec < 3 && time(NULL) + 1 >= a.tv_sec);
	is(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a), 0);
	is(clock_gettime(CLOCK_REALTIME_COARSE, &a), 0);
	fails(clock_gettime(-1, &a), EINVAL);
	ok(sched_getcpu() >= 0);
	status = in_child(10, child_bad_clock);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &it, NULL);
	for (t = now(); ticks < 10 && now() - t < 10;)
		;
	setitimer(ITIMER_REAL, &off, NULL);
	ok(ticks >= 10);
	signal(SIGALRM, SIG_DFL);
}

static volatile pid_t *victim;

/* a vfork child's pages are not where its own child's are */
static void fork_in_vfork(void)
{
	int ends[2];
	char c = 0;
	pid_t child;

	ok(pipe(ends) == 0);
	child = vfork();
	if (child == 0) {
		pid_t mine = getpid();

		if (fork() == 0) {
			bool good = getpid() != mine && write(ends[1], "x", 1) == 1;

			_exit(good ? 0 : 1);
		}
		_exit(0);
	}
	is(wait_for(child), 0);
	close(ends[1]);
	ok(read(ends[0], &c, 1) == 1 && c == 'x');
	close(ends[0]);
}

/* killed after so many microseconds in the middle of changing the space that it shares with its parent. => the parent goes on */
static bool vfork_and_kill(unsigned after)
{
	pid_t killer, child;
	void *m;

	*victim = 0;
	killer = fork();
	if (killer == 0) {
		while (*victim == 0)
			usleep(500);
		usleep(after);
		_exit(kill(*victim, SIGKILL));
	}
	child = vfork();
	if (child == 0) {
		*victim = (pid_t)syscall(SYS_getpid);
		for (;;)
			munmap(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 8192);
	}
	if (wait_for(child) != SIGKILL || wait_for(killer) != 0)
		return false;
	m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return m != MAP_FAILED && munmap(m, 4096) == 0;
}

static void vfork_killed(void)
{
	unsigned good = 0;

	victim = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < 30; i++)
		good += vfork_and_kill(1000 + i * 331);
	is(good, 30);
}

/* what the exec'ed image does */
static int second(int argc, char **argv)
{
	if (strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(argv[1], "count") == 0)
		return argc % 251;
	if (strcmp(argv[1], "length") == 0)
		return (int)(strlen(argv[2]) % 251);
	if (strcmp(argv[1], "sleep") == 0)
		return (int)sleep(30);
	const char *a = getenv("TEST"), *b = getenv("EMPTY");
	return a && b && strcmp(a, "value") == 0 && *b == 0 && !getenv("HOME") ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return second(argc, argv);
	waits();
	copies();
	vforks();
	fork_in_vfork();
	vfork_killed();
	execs();
	groups();
	identity();
	clocks();
	return tap_done();
}
