/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call number with bad pointers, then with random arguments from a fixed seed, in children under a time limit: whatever
 * becomes of them, the system serves on.
 */
#include "tap.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CALLS 470

/* calls that end, stop or take away what the test needs, or that wait for ever; reboot, mount and their like on the host */
static bool spared(long n)
{
	static const short list[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill, SYS_pause,
	    SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_mount,
	    SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_swapon, SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_delete_module,
	    SYS_kexec_load, SYS_kexec_file_load, SYS_vhangup, SYS_ptrace, SYS_iopl, SYS_ioperm, SYS_quotactl, SYS_unlink, SYS_rmdir,
	    SYS_unlinkat, SYS_rename, SYS_renameat, SYS_renameat2, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_syslog, SYS_setpgid,
	    SYS_setsid, SYS_alarm, SYS_setitimer, SYS_chmod, SYS_fchmodat, SYS_chown, SYS_lchown, SYS_fchownat, SYS_truncate, SYS_vfork,
	    SYS_bpf, SYS_personality, SYS_modify_ldt, SYS_setns, SYS_unshare, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_nfsservctl };

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i] == n)
			return true;
	return false;
}

static bool alive(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(access("/etc/passwd", F_OK) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static uint64_t state;
static uint64_t any(void)
{
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return state;
}

static char area[65536];
static long value(void)
{
	switch (any() % 12) {
	case 0: return 0;
	case 1: return -1;
	case 2: return (long)(any() % 16);
	case 3: return (long)(any() % 4096);
	case 4: return (long)(area + any() % 60000);
	case 5: return 1l << any() % 64;
	case 6: return (long)any();
	case 7: return -(1l << any() % 63);
	case 8: return (long)0x7f0000000000 + (long)(any() % 0x2000000);
	case 9: return (long)any() % 65536 - 32768;
	case 10: return 8;
	default: return (long)(int)any();
	}
}

static int within(pid_t pid, double seconds)
{
	int status = -1;

	for (double t = now(); now() - t < seconds; pause_ms(1))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
	kill(pid, SIGKILL);
	for (double t = now(); now() - t < 10; pause_ms(1))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
	return -1;
}

static void quiet(void)
{
	int fd = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	if (chdir("/tmp/fuzz") < 0)
		_exit(1);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 20, 1 << 20 });
}

/* a bad pointer in one argument after the other: an error, or a death of the child alone */
static void bad_pointers(void)
{
	static const long bad[] = { 8, 0x7f0000000000, -4096, 0x1234567800000000, 0xffff8000000000 };
	int stuck = 0;

	for (long n = 0; n < CALLS; n++) {
		if (spared(n))
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			quiet();
			alarm(1);
			for (int b = 0; b < 5; b++)
				for (int k = 0; k < 6; k++) {
					long a[6] = { 1, 1, 1, 1, 1, 1 };

					if (n == SYS_fork || n == SYS_clone || n == SYS_clone3)
						continue;
					a[k] = bad[b];
					syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
					for (int i = 0; i < 6; i++)
						a[i] = bad[b];
					syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
				}
			_exit(0);
		}
		stuck += within(pid, 5) == -1;
	}
	is(stuck, 0);
	ok(alive());
}

static void random_calls(int rounds)
{
	int stuck = 0;

	for (int r = 0; r < rounds; r++) {
		pid_t pid = fork();

		if (pid == 0) {
			quiet();
			alarm(2);
			state = 0x9e3779b97f4a7c15ull * (uint64_t)(r + 1);
			for (int i = 0; i < 400; i++) {
				long n = (long)(any() % CALLS);

				if (spared(n) || n == SYS_fork || n == SYS_clone || n == SYS_clone3)
					continue;
				syscall(n, value(), value(), value(), value(), value(), value());
			}
			_exit(0);
		}
		stuck += within(pid, 5) == -1;
	}
	is(stuck, 0);
	ok(alive());
}

/* the calls that say EFAULT, one by one */
static void exact(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int q[2], zero = open("/dev/zero", O_RDONLY);

	munmap(p + 4096, 4096);
	ok(pipe(q) == 0);
	fails(syscall(SYS_open, nowhere, O_RDONLY), EFAULT);
	fails(syscall(SYS_stat, "/", nowhere), EFAULT);
	fails(syscall(SYS_stat, nowhere, p), EFAULT);
	fails(syscall(SYS_read, zero, nowhere, 10), EFAULT);
	fails(syscall(SYS_read, zero, nowhere, 100000), EFAULT);
	fails(syscall(SYS_write, q[1], nowhere, 10), EFAULT);
	fails(syscall(SYS_write, q[1], nowhere, 20000), EFAULT);
	fails(syscall(SYS_write, q[1], 0xffff800000000000, 10), EFAULT);
	fails(syscall(SYS_pipe, nowhere), EFAULT);
	fails(syscall(SYS_poll, nowhere, 3, 0), EFAULT);
	fails(syscall(SYS_nanosleep, nowhere, 0), EFAULT);
	fails(syscall(SYS_gettimeofday, nowhere, 0), EFAULT);
	fails(syscall(SYS_getcwd, nowhere, 100), EFAULT);
	fails(syscall(SYS_rt_sigaction, SIGUSR1, nowhere, 0, 8), EFAULT);
	fails(syscall(SYS_rt_sigprocmask, 0, nowhere, 0, 8), EFAULT);
	fails(syscall(SYS_getrlimit, 7, nowhere), EFAULT);
	fails(syscall(SYS_sysinfo, nowhere), EFAULT);
	fails(syscall(SYS_times, nowhere), EFAULT);
	fails(syscall(SYS_readlink, "/proc/self/exe", nowhere, 100), EFAULT);
	fails(syscall(SYS_getdents64, open("/", O_RDONLY), nowhere, 4096), EFAULT);
	fails(syscall(SYS_writev, q[1], nowhere, 2), EFAULT);
	fails(syscall(SYS_sigaltstack, nowhere, 0), EFAULT);
	fails(syscall(SYS_statfs, "/", nowhere), EFAULT);
	fails(syscall(SYS_mkdir, nowhere, 0755), EFAULT);
	fails(syscall(SYS_rename, nowhere, "/tmp/x"), EFAULT);
	memset(p, 'x', 4096);
	fails(syscall(SYS_open, p + 4000, O_RDONLY), EFAULT);	/* runs off the end */
	is(syscall(SYS_write, q[1], p + 4000, 96), 96);
	strcpy(p + 4096 - 5, "/tmp");
	ok(syscall(SYS_access, p + 4096 - 5, 0) == 0);		/* ends just there */
	static char name[5000];
	memset(name, 'n', 4999);
	fails(syscall(SYS_open, name, O_RDONLY), ENAMETOOLONG);
	fails(syscall(SYS_open, "", O_RDONLY), ENOENT);
	fails(syscall(500), ENOSYS);
	fails(syscall(100000), ENOSYS);
}

int main(int argc, char **argv)
{
	mkdir("/tmp/fuzz", 0777);
	signal(SIGHUP, SIG_IGN);
	exact();
	/* not as root on somebody's own machine */
	if (access("/proc/ernst", F_OK) == 0) {
		bad_pointers();
		random_calls(argc > 1 ? atoi(argv[1]) : 60);
	}
	return tap_done();
}
