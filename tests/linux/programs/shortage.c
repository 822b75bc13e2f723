/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation that a system call makes in the server fails once: the call works or says that something is short, the next one
 * works, and the server lives. Only debug builds of the server can do this (/proc/ernst/fault); elsewhere the calls are made without
 * failures. "shortage kernel [CALL]": the same with the kernel's allocations.
 */
#include "tap.h"
#include <dirent.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int fault = -1;

static void arm(const char *who, unsigned nth)
{
	char text[32];

	if (fault >= 0 && pwrite(fault, text, (size_t)snprintf(text, sizeof text, "%s%u", who, nth), 0) < 0)
		arm(who, nth);
}

static bool reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR && errno != ENOMEM && errno != EAGAIN)
			return false;
	/* without memory at its beginning it is killed, or cannot even say so */
	return status == 0 || WIFSIGNALED(status) || WEXITSTATUS(status) == 127;
}

static bool op_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 && reap(pid);
}

static bool op_exec(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/true", "true", "argument", (char *)NULL);
		_exit(127);
	}
	return pid > 0 && reap(pid);
}

static bool op_open(void)
{
	int fd = open("/tmp/shortage", O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool op_write(void)
{
	int fd = open("/tmp/shortage", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char text[5000] = "x";
	bool good = fd >= 0 && write(fd, text, sizeof text) == sizeof text && pread(fd, text, sizeof text, 0) == sizeof text;

	if (fd >= 0)
		close(fd);
	return good;
}

/* a page that does not come ends a read early: that is no error */
static bool read_all(int fd, char *to, size_t size, off_t at)
{
	ssize_t r;

	for (; size > 0; to += r, at += r, size -= (size_t)r) {
		r = pread(fd, to, size, at);
		if (r <= 0)
			return false;
	}
	return true;
}

/* answers with memory out of line, mapped or copied: when one cannot be sent, who waits for it must hear so */
static bool op_bulk(void)
{
	static char text[100000];
	int fd = open("/bin/busybox", O_RDONLY);	/* afresh: from its third read on it would be read without the server */
	bool good = fd >= 0 && read_all(fd, text, sizeof text, 4096) && read_all(fd, text, 9000, 100);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return good;
}

static bool op_pipe(void)
{
	int ends[2];
	char c = 'x';

	if (pipe(ends) < 0)
		return false;
	bool good = write(ends[1], &c, 1) == 1 && read(ends[0], &c, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return good;
}

static bool op_descriptors(void)
{
	int fd = dup(1), high = fcntl(1, F_DUPFD, 200);
	bool good = fd >= 0 && high >= 0;

	if (fd >= 0)
		close(fd);
	if (high >= 0)
		close(high);
	return good;
}

static bool op_directory(void)
{
	DIR *d = opendir("/bin");
	struct stat st;
	bool good = d != NULL && readdir(d) != NULL;

	if (d != NULL)
		closedir(d);
	return good && mkdir("/tmp/shortdir", 0700) == 0 && stat("/tmp/shortdir", &st) == 0 && rmdir("/tmp/shortdir") == 0;
}

static bool op_map(void)
{
	int fd = open("/bin/busybox", O_RDONLY);
	void *m = fd < 0 ? MAP_FAILED : mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, fd, 0);

	if (fd >= 0)
		close(fd);
	if (m == MAP_FAILED)
		return false;
	return munmap(m, 65536) == 0;
}

static bool op_poll(void)
{
	int ends[2];
	struct pollfd p = { .events = POLLIN };

	if (pipe(ends) < 0)
		return false;
	p.fd = ends[0];
	bool good = poll(&p, 1, 1) == 0;
	close(ends[0]);
	close(ends[1]);
	return good;
}

static void on_signal(int sig)
{
	(void)sig;
}

static bool op_signal(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	return sigaction(SIGUSR1, &sa, NULL) == 0 && raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0;
}

static bool op_proc(void)
{
	char text[200];
	int fd = open("/proc/self/stat", O_RDONLY);
	bool good = fd >= 0 && read(fd, text, sizeof text) > 20;

	if (fd >= 0)
		close(fd);
	return good;
}

static bool is_shortage(int error)
{
	return error == ENOMEM || error == EAGAIN || error == ENFILE || error == EINTR || error == ENOSPC;
}

static void sweep(const char *who, const char *name, bool (*op)(void))
{
	unsigned failed = 0, strange = 0, broken = 0, quiet = 0, nth;

	op();
	for (nth = 1; quiet < (*who ? 80 : 16) && nth < 400; nth++) {
		arm(who, nth);
		errno = 0;
		bool good = op();
		int error = errno;
		arm(who, 0);
		quiet = good ? quiet + 1 : 0;
		failed += !good;
		if (!good && !is_shortage(error)) {
			printf("# %s%s: allocation %u: errno %d\n", who, name, nth, error);
			strange++;
		}
		rmdir("/tmp/shortdir");
		if (!op()) {
			printf("# %s%s: not again after allocation %u: errno %d\n", who, name, nth, errno);
			broken++;
			rmdir("/tmp/shortdir");
		}
		if (fault < 0)
			break;
	}
	printf("# %s%s: %u failed of %u\n", who, name, failed, nth - 1);
	tap(strange == 0 && broken == 0, "%s%s survives every failure", who, name);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; bool (*op)(void); } ops[] = {
		{ "open", op_open }, { "write", op_write }, { "bulk", op_bulk }, { "pipe", op_pipe }, { "descriptors", op_descriptors },
		{ "directory", op_directory }, { "map", op_map }, { "poll", op_poll }, { "signal", op_signal }, { "proc", op_proc },
		{ "fork", op_fork }, { "exec", op_exec },
	};

	fault = open("/proc/ernst/fault", O_WRONLY | O_CLOEXEC);
	for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++)
		if (argc < 2)
			sweep("", ops[i].name, ops[i].op);
		else if (strcmp(argv[1], "kernel") == 0 && (argc < 3 || strcmp(argv[2], ops[i].name) == 0))
			sweep("kernel ", ops[i].name, ops[i].op);
	unlink("/tmp/shortage");
	return tap_done();
}
