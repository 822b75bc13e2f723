/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unixbench.c - micro-benchmarks of the Linux x86-64 system-call interface.
 *
 * One self-contained C11 file; builds as a plain static program with
 *     musl-gcc -std=c11 -O2 -static -o unixbench unixbench.c
 *     gcc      -std=c11 -O2 -static -pthread -o unixbench unixbench.c
 * The same binary is meant to run on Linux and on any system that runs
 * unmodified Linux x86-64 binaries.
 *
 * Time is the x86 time stamp counter ("ticks").  Under
 *     qemu-system-x86_64 -accel tcg -icount shift=0,sleep=off -smp 1
 * one tick is one executed guest instruction (tests `calib_*' check that).
 *
 * Output: one line per result, `name value unit', or `name SKIP reason'.
 * Lines starting with '#' are comments.
 *
 *   unixbench [-d dir] [-r batches] [-b Mticks] [-x path] [-i] [-t secs]
 *             [-s name[,name...]] [-l] [name ...]
 *     -d dir    directory for the file tests (default ".")
 *     -r n      batches per test; the median batch is reported (default 5)
 *     -b n      upper limit of ticks for one test, in millions (default 400)
 *     -x path   static program for the exec tests (default: this program,
 *               which exits at once when called as `PROG --true')
 *     -i        run every test in its own child process
 *     -t secs   give a test up after so many seconds (default 60, 0 = never)
 *     -s names  skip these tests; a trailing '*' matches any ending
 *     -l        list the test names
 *     name...   run only these tests (trailing '*' allowed)
 *
 *   unixbench --true                    exit 0 at once
 *   unixbench --tsc LABEL               print `LABEL value ticks' (TSC now)
 *   unixbench --time LABEL CMD ARG...   run CMD, print `LABEL value ticks'
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

extern char **environ;

#define MAXBATCH 64
#define KIB 1024
#define MIB (1024 * 1024)
#define CHUNK (64 * KIB)

static int batches = 5;
static uint64_t budget = 400u * 1000u * 1000u;
static const char *dir = ".";
static const char *execpath;
static int isolate;
static unsigned timeout_s = 60;

/* ------------------------------------------------------------ harness */

static sigjmp_buf escape;
static char reason[160];
static const char *cur_name;		/* test being run */
static pid_t kids[8];			/* children to kill when a test is given up */
static int nkids;
static pid_t main_pid;
static char *buf;			/* CHUNK bytes, touched */

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static void out(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n, off = 0;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof line - 1)
		n = sizeof line - 1;
	while (off < n) {
		ssize_t w = write(1, line + off, (size_t)(n - off));
		if (w <= 0)
			break;
		off += (int)w;
	}
}

static void emit(const char *name, double v, const char *unit)
{
	if (v >= 1000)
		out("%s %.0f %s\n", name, v, unit);
	else if (v >= 10)
		out("%s %.1f %s\n", name, v, unit);
	else
		out("%s %.4f %s\n", name, v, unit);
}

static _Noreturn void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	if (getpid() != main_pid)
		_exit(99);
	siglongjmp(escape, 1);
}

static long need_(long r, const char *what)
{
	if (r == -1)
		skip("%s: %s", what, strerror(errno));
	return r;
}
#define need(call) need_((long)(call), #call)

static pid_t kid(void)			/* fork and remember */
{
	pid_t p = fork();

	if (p == -1)
		skip("fork: %s", strerror(errno));
	if (p > 0 && nkids < 8)
		kids[nkids++] = p;
	if (p == 0) {
		struct sigaction sa;
		memset(&sa, 0, sizeof sa);
		sa.sa_handler = SIG_DFL;
		sigaction(SIGALRM, &sa, NULL);
	}
	return p;
}

static void reap(pid_t p)
{
	int st;

	while (waitpid(p, &st, 0) == -1 && errno == EINTR)
		;
	for (int i = 0; i < nkids; i++)
		if (kids[i] == p)
			kids[i] = kids[--nkids];
}

static void on_giveup(int sig)
{
	if (getpid() != main_pid)
		_exit(98);
	snprintf(reason, sizeof reason, sig == SIGALRM ? "timeout" : "signal %d", sig);
	siglongjmp(escape, 1);
}

static double res[MAXBATCH];
static int nres;

static int cmpd(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(void)
{
	if (nres == 0)
		return 0;
	qsort(res, (size_t)nres, sizeof res[0], cmpd);
	return nres & 1 ? res[nres / 2] : (res[nres / 2 - 1] + res[nres / 2]) / 2;
}

/*
 * Run the body (second argument): twice to warm up, then `batches' times N.  N shrinks when the
 * budget would not suffice.  The median ticks per body is then in median().
 */
#define MEASURE(N, ...) do {						\
	uint64_t n_ = (N), w_ = 0, t0_;					\
	nres = 0;							\
	for (int k_ = 0; k_ < 2; k_++) {				\
		t0_ = rdtsc();						\
		{ __VA_ARGS__; }						\
		w_ = rdtsc() - t0_;					\
	}								\
	if (w_ * n_ * (uint64_t)batches > budget)			\
		n_ = budget / (w_ * (uint64_t)batches);			\
	if (n_ == 0)							\
		n_ = 1;							\
	for (int b_ = 0; b_ < batches && nres < MAXBATCH; b_++) {	\
		t0_ = rdtsc();						\
		for (uint64_t i_ = 0; i_ < n_; i_++) { __VA_ARGS__; }		\
		res[nres++] = (double)(rdtsc() - t0_) / (double)n_;	\
	}								\
} while (0)

#define REPORT() emit(cur_name, median(), "ticks/op")

static void report_bw(double bytes)
{
	char name[64];
	double m = median();

	emit(cur_name, m, "ticks/op");
	snprintf(name, sizeof name, "%s_bw", cur_name);
	emit(name, m > 0 ? bytes / m : 0, "bytes/tick");
}

static char pathbuf[2][512];
static const char *path(const char *leaf)
{
	static int k;
	k ^= 1;
	snprintf(pathbuf[k], sizeof pathbuf[k], "%s/ub.%d.%s", dir, (int)main_pid, leaf);
	return pathbuf[k];
}

static void write_all(int fd, size_t bytes, size_t chunk)
{
	while (bytes > 0) {
		size_t n = bytes < chunk ? bytes : chunk;
		long w = write(fd, buf, n);
		if (w <= 0)
			skip("write: %s", w ? strerror(errno) : "wrote 0");
		bytes -= (size_t)w;
	}
}

static void read_all(int fd, size_t bytes, size_t chunk)
{
	while (bytes > 0) {
		size_t n = bytes < chunk ? bytes : chunk;
		long r = read(fd, buf, n);
		if (r <= 0)
			skip("read: %s", r ? strerror(errno) : "end of file");
		bytes -= (size_t)r;
	}
}

static int make_file(const char *p, size_t bytes)
{
	int fd = (int)need(open(p, O_RDWR | O_CREAT | O_TRUNC, 0644));
	write_all(fd, bytes, CHUNK);
	return fd;
}

/* ------------------------------------------------------------ tests */

static void t_calib_loop(void)
{
	/* 2 instructions per iteration, 200000 instructions + 2 per op */
	MEASURE(20, {
		unsigned long n = 100000;
		__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
	});
	emit(cur_name, median() / 200000.0, "ticks/instr");
}

static void t_calib_movsb(void)		/* how a rep-string instruction counts */
{
	MEASURE(20, {
		void *d = buf;
		const void *s = buf + 32 * KIB;
		unsigned long n = 16 * KIB;
		__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	});
	emit(cur_name, 16.0 * KIB / median(), "bytes/tick");
}

static void t_calib_movsq(void)
{
	MEASURE(20, {
		void *d = buf;
		const void *s = buf + 32 * KIB;
		unsigned long n = 16 * KIB / 8;
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	});
	emit(cur_name, 16.0 * KIB / median(), "bytes/tick");
}

static void t_calib_rdtsc(void)
{
	MEASURE(1000, (void)rdtsc());
	REPORT();
}

static void t_tsc_mhz(void)		/* ticks per microsecond of CLOCK_MONOTONIC */
{
	struct timespec a, b;
	uint64_t t0, t1;
	double ns;

	need(clock_gettime(CLOCK_MONOTONIC, &a));
	t0 = rdtsc();
	do {
		for (volatile int i = 0; i < 2000; i++)
			;
		t1 = rdtsc();
		need(clock_gettime(CLOCK_MONOTONIC, &b));
		ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	} while (ns < 20e6 && t1 - t0 < 200u * 1000u * 1000u);
	if (ns <= 0)
		skip("clock does not advance");
	emit(cur_name, (double)(t1 - t0) * 1000.0 / ns, "ticks/us");
}

static void t_getpid(void)
{
	need(syscall(SYS_getpid));
	MEASURE(5000, syscall(SYS_getpid));
	REPORT();
}

static void t_getppid(void)
{
	need(syscall(SYS_getppid));
	MEASURE(5000, syscall(SYS_getppid));
	REPORT();
}

static void t_clock_gettime(void)	/* through libc: vDSO if there is one */
{
	struct timespec ts;
	need(clock_gettime(CLOCK_MONOTONIC, &ts));
	MEASURE(5000, clock_gettime(CLOCK_MONOTONIC, &ts));
	REPORT();
}

static void t_clock_gettime_sys(void)	/* always the system call */
{
	struct timespec ts;
	need(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
	MEASURE(5000, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
	REPORT();
}

static void t_read_zero1(void)
{
	int fd = (int)need(open("/dev/zero", O_RDONLY));
	char c;
	if (need(read(fd, &c, 1)) != 1)
		skip("short read");
	MEASURE(2000, (void)!read(fd, &c, 1));
	close(fd);
	REPORT();
}

static void t_write_null1(void)
{
	int fd = (int)need(open("/dev/null", O_WRONLY));
	need(write(fd, "x", 1));
	MEASURE(2000, (void)!write(fd, "x", 1));
	close(fd);
	REPORT();
}

static void t_pipe_self1(void)		/* write + read 1 byte, one process */
{
	int p[2];
	char c = 'x';
	need(pipe(p));
	MEASURE(1000, {
		if (write(p[1], &c, 1) != 1 || read(p[0], &c, 1) != 1)
			skip("pipe I/O: %s", strerror(errno));
	});
	close(p[0]);
	close(p[1]);
	REPORT();
}

static void t_dup_close(void)
{
	need(close((int)need(dup(1))));
	MEASURE(2000, close(dup(1)));
	REPORT();
}

static void t_lseek_read8k(void)
{
	const char *p = path("r8k");
	int fd = make_file(p, 64 * KIB);
	MEASURE(200, {
		if (lseek(fd, 16 * KIB, SEEK_SET) < 0 || read(fd, buf, 8 * KIB) != 8 * KIB)
			skip("lseek/read: %s", strerror(errno));
	});
	close(fd);
	unlink(p);
	report_bw(8 * KIB);
}

static void t_pread1(void)
{
	const char *p = path("pr1");
	int fd = make_file(p, 64 * KIB);
	char c;
	MEASURE(1000, {
		if (pread(fd, &c, 1, 5000) != 1)
			skip("pread: %s", strerror(errno));
	});
	close(fd);
	unlink(p);
	REPORT();
}

static void read_seq(size_t bytes, uint64_t n)
{
	const char *p = path("rs");
	int fd = make_file(p, bytes);
	MEASURE(n, {
		need(lseek(fd, 0, SEEK_SET));
		read_all(fd, bytes, CHUNK);
	});
	close(fd);
	unlink(p);
	report_bw((double)bytes);
}
static void t_read_1m(void) { read_seq(MIB, 2); }
static void t_read_16m(void) { read_seq(16 * MIB, 1); }

static void write_new(size_t bytes, size_t chunk, uint64_t n)
{
	/* create, write, close are timed; the removal is not */
	const char *p = path("wn");
	(void)n;
	nres = 0;
	for (int b = 0; b <= batches; b++) {
		uint64_t t0 = rdtsc();
		int fd = (int)need(open(p, O_WRONLY | O_CREAT | O_TRUNC, 0644));
		write_all(fd, bytes, chunk);
		close(fd);
		uint64_t t = rdtsc() - t0;
		if (b > 0 || t > budget)
			res[nres++] = (double)t;
		need(unlink(p));
		if (t > budget || t * (uint64_t)b > budget)
			break;
	}
	report_bw((double)bytes);
}
static void t_write_1m(void) { write_new(MIB, CHUNK, 1); }
static void t_write_16m(void) { write_new(16 * MIB, CHUNK, 1); }

static void t_rewrite_1m(void)		/* overwrite a cached file */
{
	const char *p = path("rw");
	int fd = make_file(p, MIB);
	MEASURE(2, {
		need(lseek(fd, 0, SEEK_SET));
		write_all(fd, MIB, CHUNK);
	});
	close(fd);
	unlink(p);
	report_bw(MIB);
}

static void creat_w_del(size_t bytes, size_t chunk, uint64_t n)
{
	const char *p = path("cwd");
	MEASURE(n, {
		int fd = (int)need(open(p, O_WRONLY | O_CREAT | O_TRUNC, 0644));
		write_all(fd, bytes, chunk);
		close(fd);
		need(unlink(p));
	});
	REPORT();
}
static void t_creat_unlink(void) { creat_w_del(0, 1, 100); }
static void t_creat_w1k_del(void) { creat_w_del(KIB, KIB, 50); }
static void t_creat_w100k_del(void) { creat_w_del(100 * KIB, 8 * KIB, 10); }
static void t_creat_w100k1_del(void) { creat_w_del(100 * KIB, 50 * KIB, 10); }

static void t_open_close(void)
{
	const char *p = path("oc");
	close(make_file(p, 1));
	MEASURE(500, {
		int fd = (int)need(open(p, O_RDONLY));
		close(fd);
	});
	unlink(p);
	REPORT();
}

static void t_stat(void)
{
	const char *p = path("st");
	struct stat st;
	close(make_file(p, 1));
	need(stat(p, &st));
	MEASURE(500, stat(p, &st));
	unlink(p);
	REPORT();
}

static void t_stat_enoent(void)
{
	const char *p = path("nosuch");
	struct stat st;
	if (stat(p, &st) == 0 || errno != ENOENT)
		skip("stat: %s", strerror(errno));
	MEASURE(500, stat(p, &st));
	REPORT();
}

static void t_fstat(void)
{
	const char *p = path("fs");
	struct stat st;
	int fd = make_file(p, 1);
	need(fstat(fd, &st));
	MEASURE(1000, fstat(fd, &st));
	close(fd);
	unlink(p);
	REPORT();
}

static void t_stat_deep(void)		/* path of 8 components below dir */
{
	char d[8][600], f[640];
	struct stat st;
	int i;

	for (i = 0; i < 8; i++) {
		if (i == 0)
			snprintf(d[0], sizeof d[0], "%s", path("deep"));
		else
			snprintf(d[i], sizeof d[i], "%s/d%d", d[i - 1], i);
		need(mkdir(d[i], 0755));
	}
	snprintf(f, sizeof f, "%s/file", d[7]);
	close(make_file(f, 1));
	need(stat(f, &st));
	MEASURE(300, stat(f, &st));
	unlink(f);
	for (i = 7; i >= 0; i--)
		rmdir(d[i]);
	REPORT();
}

static void t_mkdir_rmdir(void)
{
	const char *p = path("dir");
	MEASURE(50, {
		need(mkdir(p, 0755));
		need(rmdir(p));
	});
	REPORT();
}

static void t_rename(void)
{
	const char *a = path("rna");
	const char *b = path("rnb");
	close(make_file(a, 1));
	MEASURE(50, {
		need(rename(a, b));
		need(rename(b, a));
	});
	unlink(a);
	emit(cur_name, median() / 2, "ticks/op");
}

static void t_readdir100(void)		/* opendir, read 100 entries, closedir */
{
	char p[600], f[700];
	int i;

	snprintf(p, sizeof p, "%s", path("rd"));
	need(mkdir(p, 0755));
	for (i = 0; i < 100; i++) {
		snprintf(f, sizeof f, "%s/file%03d", p, i);
		close(make_file(f, 0));
	}
	MEASURE(20, {
		DIR *d = opendir(p);
		if (!d)
			skip("opendir: %s", strerror(errno));
		int n = 0;
		while (readdir(d))
			n++;
		closedir(d);
		if (n < 100)
			skip("readdir: only %d entries", n);
	});
	for (i = 0; i < 100; i++) {
		snprintf(f, sizeof f, "%s/file%03d", p, i);
		unlink(f);
	}
	rmdir(p);
	REPORT();
}

/* ---- processes */

static void wait_ok(pid_t p, const char *what)
{
	int st;
	if (waitpid(p, &st, 0) != p)
		skip("waitpid: %s", strerror(errno));
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 0)
		skip("%s: child status 0x%x", what, (unsigned)st);
}

static void t_fork_exit(void)
{
	MEASURE(20, {
		pid_t p = fork();
		if (p == -1)
			skip("fork: %s", strerror(errno));
		if (p == 0)
			_exit(0);
		wait_ok(p, "fork");
	});
	REPORT();
}

static void t_fork_exit_8m(void)	/* same with 8 MiB of touched memory */
{
	char *m = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		skip("mmap: %s", strerror(errno));
	memset(m, 1, 8 * MIB);
	MEASURE(5, {
		pid_t p = fork();
		if (p == -1)
			skip("fork: %s", strerror(errno));
		if (p == 0)
			_exit(0);
		wait_ok(p, "fork");
	});
	munmap(m, 8 * MIB);
	REPORT();
}

static void t_fork_exec(void)
{
	char *av[] = { (char *)execpath, "--true", NULL };
	MEASURE(10, {
		pid_t p = fork();
		if (p == -1)
			skip("fork: %s", strerror(errno));
		if (p == 0) {
			execve(execpath, av, environ);
			_exit(97);
		}
		wait_ok(p, "execve");
	});
	REPORT();
}

static __attribute__((noinline)) pid_t vfork_exec(char **av)
{
	pid_t p = vfork();

	if (p == 0) {
		execve(execpath, av, environ);
		_exit(97);
	}
	return p;
}

static void t_vfork_exec(void)
{
	char *av[] = { (char *)execpath, "--true", NULL };
	MEASURE(10, {
		pid_t p = vfork_exec(av);
		if (p == -1)
			skip("vfork: %s", strerror(errno));
		wait_ok(p, "execve");
	});
	REPORT();
}

static void t_posix_spawn(void)
{
	char *av[] = { (char *)execpath, "--true", NULL };
	MEASURE(10, {
		pid_t p;
		int e = posix_spawn(&p, execpath, NULL, NULL, av, environ);
		if (e)
			skip("posix_spawn: %s", strerror(e));
		wait_ok(p, "posix_spawn");
	});
	REPORT();
}

static void t_fork_sh(void)		/* fork, execve /bin/sh -c :, wait */
{
	char *av[] = { "sh", "-c", ":", NULL };
	if (access("/bin/sh", X_OK) == -1)
		skip("/bin/sh: %s", strerror(errno));
	MEASURE(3, {
		pid_t p = fork();
		if (p == -1)
			skip("fork: %s", strerror(errno));
		if (p == 0) {
			execve("/bin/sh", av, environ);
			_exit(97);
		}
		wait_ok(p, "execve /bin/sh");
	});
	REPORT();
}

/* ---- communication: child echoes, parent measures the round trip */

static void echo_loop(int in, int outfd)
{
	char c;
	while (read(in, &c, 1) == 1)
		if (write(outfd, &c, 1) != 1)
			break;
	_exit(0);
}

static void ping(int outfd, int in, uint64_t n)
{
	char c = 'x';
	MEASURE(n, {
		if (write(outfd, &c, 1) != 1 || read(in, &c, 1) != 1)
			skip("ping: %s", strerror(errno));
	});
}

static void t_pipe_pingpong(void)
{
	int a[2], b[2];
	pid_t p;

	need(pipe(a));
	need(pipe(b));
	if ((p = kid()) == 0) {
		close(a[1]);
		close(b[0]);
		echo_loop(a[0], b[1]);
	}
	close(a[0]);
	close(b[1]);
	ping(a[1], b[0], 200);
	close(a[1]);
	close(b[0]);
	reap(p);
	REPORT();
}

static void t_unix_pingpong(void)
{
	int s[2];
	pid_t p;

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	if ((p = kid()) == 0) {
		close(s[0]);
		echo_loop(s[1], s[1]);
	}
	close(s[1]);
	ping(s[0], s[0], 200);
	close(s[0]);
	reap(p);
	REPORT();
}

static void sink_loop(int fd, int ackfd, size_t bytes)
{
	/* read `bytes', acknowledge with one byte, again until end of file */
	for (;;) {
		size_t left = bytes;
		while (left > 0) {
			long r = read(fd, buf, left < CHUNK ? left : CHUNK);
			if (r <= 0)
				_exit(0);
			left -= (size_t)r;
		}
		if (write(ackfd, "a", 1) != 1)
			_exit(0);
	}
}

static void bandwidth(int fd, int ackfd, size_t bytes)
{
	char c;
	MEASURE(1, {
		write_all(fd, bytes, CHUNK);
		if (read(ackfd, &c, 1) != 1)
			skip("ack: %s", strerror(errno));
	});
}

static void t_pipe_64k(void)		/* 1 MiB through a pipe, 64 KiB writes */
{
	int a[2], b[2];
	pid_t p;

	need(pipe(a));
	need(pipe(b));
	if ((p = kid()) == 0) {
		close(a[1]);
		close(b[0]);
		sink_loop(a[0], b[1], MIB);
	}
	close(a[0]);
	close(b[1]);
	bandwidth(a[1], b[0], MIB);
	close(a[1]);
	close(b[0]);
	reap(p);
	report_bw(MIB);
}

static void t_unix_64k(void)
{
	int s[2];
	pid_t p;

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	if ((p = kid()) == 0) {
		close(s[0]);
		sink_loop(s[1], s[1], MIB);
	}
	close(s[1]);
	bandwidth(s[0], s[0], MIB);
	close(s[0]);
	reap(p);
	report_bw(MIB);
}

static int tcp_pair(int s[2])
{
	struct sockaddr_in sa;
	socklen_t len = sizeof sa;
	int one = 1, l;

	l = (int)need(socket(AF_INET, SOCK_STREAM, 0));
	memset(&sa, 0, sizeof sa);
	sa.sin_family = AF_INET;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(bind(l, (struct sockaddr *)&sa, sizeof sa));
	need(listen(l, 1));
	need(getsockname(l, (struct sockaddr *)&sa, &len));
	s[0] = (int)need(socket(AF_INET, SOCK_STREAM, 0));
	need(connect(s[0], (struct sockaddr *)&sa, sizeof sa));
	s[1] = (int)need(accept(l, NULL, NULL));
	setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(s[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	close(l);
	return 0;
}

static void t_tcp_connect(void)		/* socket..connect..accept..close */
{
	int s[2];
	MEASURE(10, {
		tcp_pair(s);
		close(s[0]);
		close(s[1]);
	});
	REPORT();
}

static void t_tcp_pingpong(void)
{
	int s[2];
	pid_t p;

	tcp_pair(s);
	if ((p = kid()) == 0) {
		close(s[0]);
		echo_loop(s[1], s[1]);
	}
	close(s[1]);
	ping(s[0], s[0], 100);
	close(s[0]);
	reap(p);
	REPORT();
}

static void t_udp_pingpong(void)
{
	struct sockaddr_in a[2];
	socklen_t len = sizeof a[0];
	int s[2];
	pid_t p;
	char c = 'x';

	for (int i = 0; i < 2; i++) {
		s[i] = (int)need(socket(AF_INET, SOCK_DGRAM, 0));
		memset(&a[i], 0, sizeof a[i]);
		a[i].sin_family = AF_INET;
		a[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		need(bind(s[i], (struct sockaddr *)&a[i], sizeof a[i]));
		need(getsockname(s[i], (struct sockaddr *)&a[i], &len));
	}
	need(connect(s[0], (struct sockaddr *)&a[1], sizeof a[1]));
	need(connect(s[1], (struct sockaddr *)&a[0], sizeof a[0]));
	if ((p = kid()) == 0) {
		close(s[0]);
		while (read(s[1], &c, 1) == 1 && c != 'q')
			if (write(s[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	close(s[1]);
	ping(s[0], s[0], 100);
	(void)!write(s[0], "q", 1);
	close(s[0]);
	reap(p);
	REPORT();
}

static void t_tcp_64k(void)
{
	int s[2];
	pid_t p;

	tcp_pair(s);
	if ((p = kid()) == 0) {
		close(s[0]);
		sink_loop(s[1], s[1], MIB);
	}
	close(s[1]);
	bandwidth(s[0], s[0], MIB);
	close(s[0]);
	reap(p);
	report_bw(MIB);
}

static void t_yield_self(void)
{
	need(sched_yield());
	MEASURE(1000, sched_yield());
	REPORT();
}

static void t_yield_2procs(void)	/* one yield with another yielder runnable */
{
	pid_t p;

	need(sched_yield());
	if ((p = kid()) == 0)
		for (;;)
			sched_yield();
	MEASURE(500, sched_yield());
	kill(p, SIGKILL);
	reap(p);
	REPORT();
}

/* ---- threads */

#define FUTEX_WAIT_ 0
#define FUTEX_WAKE_ 1
#define FUTEX_PRIV_ 128

static volatile int turn;		/* 0 main, 1 thread, 2 stop */

static long futex(volatile int *p, int op, int val)
{
	return syscall(SYS_futex, p, op | FUTEX_PRIV_, val, NULL, NULL, 0);
}

static void *futex_thread(void *arg)
{
	(void)arg;
	for (;;) {
		int t = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
		if (t == 2)
			return NULL;
		if (t == 0) {
			futex(&turn, FUTEX_WAIT_, 0);
			continue;
		}
		__atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
		futex(&turn, FUTEX_WAKE_, 1);
	}
}

static void t_futex_wake0(void)		/* FUTEX_WAKE with nobody waiting */
{
	static volatile int w;
	need(futex(&w, FUTEX_WAKE_, 1));
	MEASURE(1000, futex(&w, FUTEX_WAKE_, 1));
	REPORT();
}

static void t_futex_pingpong(void)
{
	pthread_t th;
	int e;

	turn = 0;
	if (futex(&turn, FUTEX_WAKE_, 1) == -1)
		skip("futex: %s", strerror(errno));
	if ((e = pthread_create(&th, NULL, futex_thread, NULL)) != 0)
		skip("pthread_create: %s", strerror(e));
	MEASURE(200, {
		__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
		futex(&turn, FUTEX_WAKE_, 1);
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 1)
			futex(&turn, FUTEX_WAIT_, 1);
	});
	__atomic_store_n(&turn, 2, __ATOMIC_SEQ_CST);
	futex(&turn, FUTEX_WAKE_, 1);
	pthread_join(th, NULL);
	REPORT();
}

static void *null_thread(void *arg) { return arg; }

static void t_pthread_create(void)
{
	MEASURE(30, {
		pthread_t th;
		int e = pthread_create(&th, NULL, null_thread, NULL);
		if (e)
			skip("pthread_create: %s", strerror(e));
		pthread_join(th, NULL);
	});
	REPORT();
}

/* ---- memory */

static void map_touch(size_t pages, uint64_t n)
{
	size_t len = pages * 4096;
	MEASURE(n, {
		volatile char *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m == MAP_FAILED)
			skip("mmap: %s", strerror(errno));
		for (size_t i = 0; i < len; i += 4096)
			m[i] = 1;
		munmap((void *)m, len);
	});
	REPORT();
}
static void t_mmap_1(void) { map_touch(1, 200); }
static void t_mmap_256(void) { map_touch(256, 4); }

static void t_mmap_file_256(void)	/* map a cached 1 MiB file, read each page */
{
	const char *p = path("mf");
	int fd = make_file(p, MIB);
	int sum = 0;
	MEASURE(5, {
		volatile char *m = mmap(NULL, MIB, PROT_READ, MAP_PRIVATE, fd, 0);
		if (m == MAP_FAILED)
			skip("mmap: %s", strerror(errno));
		for (size_t i = 0; i < MIB; i += 4096)
			sum += m[i];
		munmap((void *)m, MIB);
	});
	close(fd);
	unlink(p);
	REPORT();
}

/*
 * Change one touched page to read-only and back.  mprotect: the page is a
 * mapping of its own between inaccessible pages, which can neither split nor
 * merge.  mprotect_mid: the middle of three pages, so each pair of calls
 * splits the mapping and merges it again.
 */
static void mprotect_page(int outer)
{
	char *m = mmap(NULL, 3 * 4096, outer, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		skip("mmap: %s", strerror(errno));
	need(mprotect(m + 4096, 4096, PROT_READ | PROT_WRITE));
	for (int i = 0; i < 3; i++)
		if (i == 1 || outer != PROT_NONE)
			((volatile char *)m)[i * 4096] = 1;
	MEASURE(200, {
		need(mprotect(m + 4096, 4096, PROT_READ));
		need(mprotect(m + 4096, 4096, PROT_READ | PROT_WRITE));
	});
	munmap(m, 3 * 4096);
	emit(cur_name, median() / 2, "ticks/op");
}
static void t_mprotect(void) { mprotect_page(PROT_NONE); }
static void t_mprotect_mid(void) { mprotect_page(PROT_READ | PROT_WRITE); }

static void t_cow_fault(void)		/* child's first write, per page of 256 */
{
	volatile char *m = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pf[2];
	double per;

	if (m == MAP_FAILED)
		skip("mmap: %s", strerror(errno));
	need(pipe(pf));
	memset((void *)m, 1, MIB);
	nres = 0;
	for (int b = 0; b < batches; b++) {
		pid_t p = kid();
		if (p == 0) {
			uint64_t t0 = rdtsc();
			for (size_t i = 0; i < MIB; i += 4096)
				m[i] = 2;
			per = (double)(rdtsc() - t0) / 256;
			(void)!write(pf[1], &per, sizeof per);
			_exit(0);
		}
		if (read(pf[0], &per, sizeof per) != sizeof per)
			skip("pipe read: %s", strerror(errno));
		res[nres++] = per;
		reap(p);
	}
	close(pf[0]);
	close(pf[1]);
	munmap((void *)m, MIB);
	emit(cur_name, median(), "ticks/page");
}

/* ---- signals */

static volatile int sigs;
static void on_usr1(int s) { (void)s; sigs++; }

static void t_sigaction(void)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_usr1;
	need(sigaction(SIGUSR1, &sa, NULL));
	MEASURE(1000, sigaction(SIGUSR1, &sa, NULL));
	REPORT();
}

static void t_sigprocmask(void)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	need(sigprocmask(SIG_BLOCK, &s, NULL));
	MEASURE(1000, sigprocmask(SIG_BLOCK, &s, NULL));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	REPORT();
}

static void t_signal_self(void)		/* kill(self) + handler + sigreturn */
{
	struct sigaction sa;
	pid_t me = getpid();

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_usr1;
	need(sigaction(SIGUSR1, &sa, NULL));
	sigs = 0;
	need(kill(me, SIGUSR1));
	if (sigs != 1)
		skip("handler not run before kill returned");
	MEASURE(200, kill(me, SIGUSR1));
	REPORT();
}

static void on_segv(int s, siginfo_t *si, void *uc_)
{
	ucontext_t *uc = uc_;
	(void)s;
	(void)si;
	sigs++;
	uc->uc_mcontext.gregs[REG_RIP] += 3;	/* movb $1,(%rdi) is c6 07 01 */
}

static void t_segv(void)		/* fault + SIGSEGV handler + sigreturn */
{
	struct sigaction sa, old;
	void *m = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		skip("mmap: %s", strerror(errno));
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = on_segv;
	sa.sa_flags = SA_SIGINFO;
	need(sigaction(SIGSEGV, &sa, &old));
	sigs = 0;
	MEASURE(200, __asm__ volatile("movb $1,(%%rdi)" : : "D"(m) : "memory"));
	sigaction(SIGSEGV, &old, NULL);
	munmap(m, 4096);
	if (sigs < 3)
		skip("handler ran %d times", sigs);
	REPORT();
}

/* ---- waiting for file descriptors: 10 pipes, the last one readable */

static int pp[10][2];

static void ten_pipes(void)
{
	for (int i = 0; i < 10; i++)
		need(pipe(pp[i]));
	need(write(pp[9][1], "x", 1));
}

static void ten_close(void)
{
	for (int i = 0; i < 10; i++) {
		close(pp[i][0]);
		close(pp[i][1]);
	}
}

static void t_select10(void)
{
	int max = 0;
	ten_pipes();
	for (int i = 0; i < 10; i++)
		if (pp[i][0] > max)
			max = pp[i][0];
	if (max >= FD_SETSIZE)
		skip("descriptor too large");
	MEASURE(300, {
		fd_set r;
		struct timeval tv = { 0, 0 };
		FD_ZERO(&r);
		for (int i = 0; i < 10; i++)
			FD_SET(pp[i][0], &r);
		if (need(select(max + 1, &r, NULL, NULL, &tv)) != 1)
			skip("wrong count");
	});
	ten_close();
	REPORT();
}

static void t_poll10(void)
{
	struct pollfd pf[10];
	ten_pipes();
	for (int i = 0; i < 10; i++) {
		pf[i].fd = pp[i][0];
		pf[i].events = POLLIN;
	}
	MEASURE(300, {
		if (need(poll(pf, 10, 0)) != 1)
			skip("wrong count");
	});
	ten_close();
	REPORT();
}

static void t_epoll10(void)
{
	struct epoll_event ev;
	int ep = (int)need(epoll_create1(0));
	ten_pipes();
	for (int i = 0; i < 10; i++) {
		memset(&ev, 0, sizeof ev);
		ev.events = EPOLLIN;
		ev.data.fd = pp[i][0];
		need(epoll_ctl(ep, EPOLL_CTL_ADD, pp[i][0], &ev));
	}
	MEASURE(300, {
		struct epoll_event e[10];
		if (need(epoll_wait(ep, e, 10, 0)) != 1)
			skip("wrong count");
	});
	ten_close();
	close(ep);
	REPORT();
}

/* ------------------------------------------------------------ table */

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
#define T(x) { #x, t_##x }
	T(calib_loop), T(calib_rdtsc), T(calib_movsb), T(calib_movsq), T(tsc_mhz),
	T(getpid), T(getppid), T(clock_gettime), T(clock_gettime_sys),
	T(read_zero1), T(write_null1), T(pipe_self1), T(dup_close), T(yield_self),
	T(pread1), T(lseek_read8k), T(read_1m), T(read_16m),
	T(rewrite_1m), T(write_1m), T(write_16m),
	T(creat_unlink), T(creat_w1k_del), T(creat_w100k_del), T(creat_w100k1_del),
	T(open_close), T(stat), T(stat_enoent), T(stat_deep), T(fstat),
	T(mkdir_rmdir), T(rename), T(readdir100),
	T(fork_exit), T(fork_exit_8m), T(fork_exec), T(vfork_exec),
	T(posix_spawn), T(fork_sh),
	T(yield_2procs), T(pipe_pingpong), T(unix_pingpong),
	T(pipe_64k), T(unix_64k),
	T(futex_wake0), T(futex_pingpong), T(pthread_create),
	T(mmap_1), T(mmap_256), T(mmap_file_256), T(mprotect), T(mprotect_mid), T(cow_fault),
	T(sigaction), T(sigprocmask), T(signal_self), T(segv),
	T(select10), T(poll10), T(epoll10),
	T(tcp_connect), T(tcp_pingpong), T(udp_pingpong), T(tcp_64k),
};
#define NTESTS (sizeof tests / sizeof tests[0])

static int match(const char *pat, size_t n, const char *name)
{
	if (n > 0 && pat[n - 1] == '*')
		return strncmp(pat, name, n - 1) == 0;
	return strlen(name) == n && strncmp(pat, name, n) == 0;
}

static int match_list(const char *list, const char *name)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		if (match(list, n, name))
			return 1;
		list += n;
		if (*list)
			list++;
	}
	return 0;
}

static void default_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_giveup;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGSYS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static void run_one(const struct test *t)
{
	cur_name = t->name;
	nkids = 0;
	default_signals();
	if (sigsetjmp(escape, 1) == 0) {
		if (timeout_s)
			alarm(timeout_s);
		t->run();
	} else {
		out("%s SKIP %s\n", t->name, reason);
		while (nkids > 0) {
			pid_t p = kids[nkids - 1];
			kill(p, SIGKILL);
			reap(p);
		}
	}
	if (timeout_s)
		alarm(0);
}

static int time_cmd(int argc, char **argv)
{
	uint64_t t0, t1;
	int st = 0;
	pid_t p;

	if (argc < 2)
		return 2;
	t0 = rdtsc();
	p = fork();
	if (p == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (p == -1) {
		out("%s SKIP fork: %s\n", argv[0], strerror(errno));
		return 1;
	}
	while (waitpid(p, &st, 0) == -1 && errno == EINTR)
		;
	t1 = rdtsc();
	if (st != 0)
		out("%s SKIP status 0x%x\n", argv[0], (unsigned)st);
	else
		out("%s %llu ticks\n", argv[0], (unsigned long long)(t1 - t0));
	return st != 0;
}

static _Noreturn void usage(void)
{
	out("usage: unixbench [-d dir] [-r batches] [-b Mticks] [-x path] [-i]\n"
	    "       [-t secs] [-s name[,name]] [-l] [name ...]\n"
	    "       unixbench --true | --tsc LABEL | --time LABEL CMD ARG...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	const char *skips = "";
	int c;

	if (argc > 1 && argv[1][0] == '-' && argv[1][1] == '-') {
		if (strcmp(argv[1], "--true") == 0)
			_exit(0);
		if (strcmp(argv[1], "--tsc") == 0 && argc > 2) {
			out("%s %llu ticks\n", argv[2], (unsigned long long)rdtsc());
			return 0;
		}
		if (strcmp(argv[1], "--time") == 0 && argc > 3)
			return time_cmd(argc - 2, argv + 2);
		usage();
	}
	execpath = strchr(argv[0], '/') ? argv[0] : "/proc/self/exe";
	while ((c = getopt(argc, argv, "d:r:b:x:t:s:il")) != -1) {
		switch (c) {
		case 'd': dir = optarg; break;
		case 'r': batches = atoi(optarg); break;
		case 'b': budget = strtoull(optarg, NULL, 0) * 1000000u; break;
		case 'x': execpath = optarg; break;
		case 't': timeout_s = (unsigned)atoi(optarg); break;
		case 's': skips = optarg; break;
		case 'i': isolate = 1; break;
		case 'l':
			for (size_t i = 0; i < NTESTS; i++)
				out("%s\n", tests[i].name);
			return 0;
		default: usage();
		}
	}
	if (batches < 1)
		batches = 1;
	if (batches > MAXBATCH - 1)
		batches = MAXBATCH - 1;
	main_pid = getpid();
	buf = malloc(CHUNK);
	if (!buf) {
		out("# no memory\n");
		return 1;
	}
	for (int i = 0; i < CHUNK; i++)
		buf[i] = (char)(i * 7);
	out("# unixbench dir=%s batches=%d budget=%lluM exec=%s\n", dir, batches,
	    (unsigned long long)(budget / 1000000u), execpath);
	for (size_t i = 0; i < NTESTS; i++) {
		const struct test *t = &tests[i];
		if (optind < argc) {
			int k;
			for (k = optind; k < argc; k++)
				if (match(argv[k], strlen(argv[k]), t->name))
					break;
			if (k == argc)
				continue;
		}
		if (match_list(skips, t->name)) {
			out("%s SKIP by request\n", t->name);
			continue;
		}
		if (!isolate) {
			run_one(t);
			continue;
		}
		pid_t p = fork();
		if (p == -1) {
			out("%s SKIP fork: %s\n", t->name, strerror(errno));
		} else if (p == 0) {
			main_pid = getpid();
			run_one(t);
			_exit(0);
		} else {
			int st = 0;
			while (waitpid(p, &st, 0) == -1 && errno == EINTR)
				;
			if (st != 0)
				out("%s SKIP child status 0x%x\n", t->name, (unsigned)st);
		}
	}
	out("# end\n");
	return 0;
}
