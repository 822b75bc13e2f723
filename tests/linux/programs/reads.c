/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and seeking, as a library may do it that maps the file and keeps the position itself: everything that may change under
 * it. A file is "warmed" first, so that it is read that way.
 */
#include "tap.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define PAGE 4096l
#define SIZE 100000l

static char folder[] = "/tmp/reads-XXXXXX";
static const char *self;
static volatile size_t too_much = (size_t)-1;

/* what is at an offset of file number id */
static char byte_of(int id, long at) { return (char)(at * 31 + at / 251 + id * 7); }

static bool right(int id, const char *data, long n, long at)
{
	for (long i = 0; i < n; i++)
		if (data[i] != byte_of(id, at + i))
			return false;
	return true;
}

static void fill(int id, char *data, long n, long at)
{
	for (long i = 0; i < n; i++)
		data[i] = byte_of(id, at + i);
}

static int make(int id, long size, int flags)
{
	static char data[SIZE];
	char name[64];
	int fd;

	snprintf(name, sizeof name, "%s/%d", folder, id);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	for (long at = 0; at < size; at += SIZE) {
		fill(id, data, SIZE, at);
		if (write(fd, data, (size_t)(size - at < SIZE ? size - at : SIZE)) < 0)
			return -1;
	}
	close(fd);
	return open(name, flags);
}

static void warm(int fd)
{
	char c[64];

	for (int i = 0; i < 6; i++)
		if (read(fd, c, sizeof c) < 0)
			break;
	lseek(fd, 0, SEEK_SET);
}

static long where(int fd) { return lseek(fd, 0, SEEK_CUR); }

/* n bytes that can be used, then a page that cannot */
static char *before_a_hole(long n)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 3 * PAGE, PAGE);
	return p + 3 * PAGE - n;
}

static void devices(void)
{
	int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR), fd;
	char b[10000], *edge = before_a_hole(1003);
	struct iovec v[2] = { { b, 10 }, { b + 20, 10 } };

	memset(b, 1, sizeof b);
	is(read(zero, b, 9001), 9001);
	ok(b[0] == 0 && b[9000] == 0 && b[9001] == 1);
	is(read(zero, b, 0), 0);
	is(read(null, b, 10), 0);
	is(write(null, b, 10000), 10000);
	is(write(zero, b, 10000), 10000);
	is(write(null, nowhere, 77), 77);
	fails(read(zero, nowhere, 1), EFAULT);
	fails(read(zero, (void *)-8l, 16), EFAULT);
	fails(write(null, (void *)-8l, 16), EFAULT);
	fails(read(null, b, too_much), EFAULT);
	memset(edge, 1, 1003);
	is(read(zero, edge, 5000), 1003);
	ok(edge[0] == 0 && edge[1002] == 0);
	memset(b, 1, 100);
	is(readv(zero, v, 2), 20);
	ok(b[9] == 0 && b[10] == 1 && b[29] == 0 && b[30] == 1);
	is(writev(null, v, 2), 20);
	is(pread(zero, b, 5, 1234), 5);
	is(pwrite(null, b, 5, 1234), 5);
	is(lseek(zero, 100, SEEK_SET), 0);
	is(lseek(null, 100, SEEK_CUR), 0);
	fails(lseek(null, 0, 99), EINVAL);
	is(dup2(zero, 50), 50);
	is(read(50, b, 3), 3);
	close(50);
	fails(read(50, b, 3), EBADF);
	fd = make(1, 100, O_RDONLY);
	is(dup2(fd, zero), zero);
	ok(read(zero, b, 100) == 100 && right(1, b, 100, 0));
	fails(write(zero, b, 1), EBADF);
	close(zero);
	zero = open("/dev/zero", O_WRONLY);
	fails(read(zero, b, 1), EBADF);
	is(write(zero, b, 1), 1);
	null = open("/dev/null", O_RDONLY);
	fails(write(null, b, 1), EBADF);
	fails(writev(null, v, 2), EBADF);
	close(zero);
	close(null);
	close(fd);
	null = open("/dev/null", O_PATH);
	fails(read(null, b, 1), EBADF);
	close(null);
}

static void positions(void)
{
	int fd = make(1, SIZE, O_RDONLY), other;
	static char b[SIZE + 100];
	struct iovec v[2] = { { b, 10 }, { b + 10, 5000 } };
	long at = 0, r;
	bool good = true;

	while ((r = read(fd, b, 4097)) > 0) {
		good = good && right(1, b, r, at);
		at += r;
	}
	ok(good && r == 0 && at == SIZE);
	is(where(fd), SIZE);
	is(lseek(fd, -10, SEEK_END), SIZE - 10);
	ok(read(fd, b, 100) == 10 && right(1, b, 10, SIZE - 10));
	is(read(fd, b, 100), 0);
	is(lseek(fd, 50, SEEK_SET), 50);
	is(lseek(fd, 25, SEEK_CUR), 75);
	fails(lseek(fd, -76, SEEK_CUR), EINVAL);
	fails(lseek(fd, -1, SEEK_SET), EINVAL);
	fails(lseek(fd, 0, 99), EINVAL);
	is(where(fd), 75);
	ok(pread(fd, b, 5000, 1000) == 5000 && right(1, b, 5000, 1000));
	is(pread(fd, b, 5000, SIZE + 1), 0);
	fails(pread(fd, b, 1, -1), EINVAL);
	is(where(fd), 75);
	ok(readv(fd, v, 2) == 5010 && right(1, b, 5010, 75));
	is(lseek(fd, SIZE + 1000, SEEK_SET), SIZE + 1000);
	is(read(fd, b, 10), 0);
	is(where(fd), SIZE + 1000);
	is(lseek(fd, 0, SEEK_SET), 0);
	ok(read(fd, b, SIZE + 50) == SIZE && right(1, b, SIZE, 0));
	is(lseek(fd, 10, SEEK_SET), 10);
	other = dup(fd);
	ok(read(other, b, 10) == 10 && right(1, b, 10, 10));
	is(where(fd), 20);
	is(dup2(fd, 200), 200);			/* a large number */
	ok(read(200, b, 10) == 10 && right(1, b, 10, 20));
	is(where(fd), 30);
	close(fd);
	ok(read(200, b, 10) == 10 && right(1, b, 10, 30));
	is(where(other), 40);
	close(other);
	fails(read(other, b, 1), EBADF);
	is(where(200), 40);
	close(200);
}

static void buffers(void)
{
	int fd = make(1, SIZE, O_RDONLY);
	char b[100], *edge;

	warm(fd);
	for (long n = 0; n < 20; n++) {
		edge = before_a_hole(n);
		lseek(fd, 7, SEEK_SET);
		errno = 0;
		long r = read(fd, edge, 60);
		if (!(n ? r == n && right(1, edge, n, 7) : r == -1 && errno == EFAULT) || where(fd) != 7 + n)
			tap(false, "a buffer of %ld bytes: %ld, position %ld", n, r, where(fd));
	}
	edge = before_a_hole(5001);
	lseek(fd, 3, SEEK_SET);
	ok(read(fd, edge, 9000) == 5001 && right(1, edge, 5001, 3));
	is(where(fd), 5004);
	fails(read(fd, nowhere, 5), EFAULT);
	fails(read(fd, (void *)-100l, 200), EFAULT);
	is(where(fd), 5004);
	ok(read(fd, b, 100) == 100 && right(1, b, 100, 5004));
	lseek(fd, SIZE, SEEK_SET);
	is(read(fd, nowhere, 5), 0);		/* nothing to store */
	close(fd);
}

static void changes(void)
{
	int fd = make(1, SIZE, O_RDONLY), w;
	char name[64], b[3 * PAGE];
	char *m;

	snprintf(name, sizeof name, "%s/1", folder);
	w = open(name, O_RDWR);
	warm(fd);
	is(lseek(fd, 0, SEEK_END), SIZE);
	is(pwrite(w, "appended", 8, SIZE), 8);
	ok(read(fd, b, 100) == 8 && memcmp(b, "appended", 8) == 0);
	is(lseek(fd, 0, SEEK_END), SIZE + 8);
	is(pwrite(w, "over", 4, 5000), 4);
	ok(pread(fd, b, 6, 4999) == 6 && b[0] == byte_of(1, 4999) && memcmp(b + 1, "over", 4) == 0 && b[5] == byte_of(1, 5004));
	is(ftruncate(w, 5002), 0);
	ok(pread(fd, b, sizeof b, 4096) == 906 && memcmp(b + 904, "ov", 2) == 0);
	is(pread(fd, b, 10, 5002), 0);
	is(pread(fd, b, 10, 50000), 0);
	is(lseek(fd, 0, SEEK_END), 5002);
	is(ftruncate(w, 3 * PAGE), 0);
	ok(pread(fd, b, sizeof b, 0) == 3 * PAGE && b[5001] == 'v' && b[5002] == 0 && b[3 * PAGE - 1] == 0);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	m[77] = 'm';
	ok(pread(fd, b, 1, 77) == 1 && b[0] == 'm');
	munmap(m, PAGE);
	unlink(name);
	ok(pread(fd, b, 1, 77) == 1 && b[0] == 'm');
	is(ftruncate(w, 0), 0);
	is(pread(fd, b, 1, 77), 0);
	is(pwrite(w, "new", 3, 0), 3);
	lseek(fd, 0, SEEK_SET);
	ok(read(fd, b, 10) == 3 && memcmp(b, "new", 3) == 0);
	close(fd);
	close(w);
}

/* one description that is read and written */
static void both_ways(void)
{
	int fd = make(1, 1000, O_RDWR), a;
	char b[2000];

	warm(fd);
	ok(read(fd, b, 10) == 10 && right(1, b, 10, 0));
	is(write(fd, "12345", 5), 5);
	is(where(fd), 15);
	ok(read(fd, b, 5) == 5 && right(1, b, 5, 15));
	is(lseek(fd, 8, SEEK_SET), 8);
	ok(read(fd, b, 10) == 10 && memcmp(b + 2, "12345", 5) == 0 && right(1, b, 2, 8) && right(1, b + 7, 3, 15));
	lseek(fd, 999, SEEK_SET);
	is(write(fd, "end", 3), 3);
	is(where(fd), 1002);
	is(read(fd, b, 10), 0);
	ok(pread(fd, b, 10, 998) == 4 && memcmp(b + 1, "end", 3) == 0);
	close(fd);
	a = make(2, 1000, O_RDWR | O_APPEND);
	warm(a);
	ok(read(a, b, 10) == 10 && where(a) == 10);
	is(write(a, "tail", 4), 4);
	is(where(a), 1004);
	is(read(a, b, 10), 0);
	is(lseek(a, 1000, SEEK_SET), 1000);
	ok(read(a, b, 10) == 4 && memcmp(b, "tail", 4) == 0);
	close(a);
	a = make(2, 1000, O_WRONLY);
	fails(read(a, b, 1), EBADF);
	is(write(a, "x", 1), 1);
	is(where(a), 1);
	close(a);
	a = make(2, 1000, O_RDONLY);
	warm(a);
	fails(write(a, b, 1), EBADF);
	fails(ftruncate(a, 1), EINVAL);
	close(a);
}

/* the position belongs to all who have the description */
static void families(void)
{
	int fd = make(1, SIZE, O_RDONLY), go[2], done[2], status;
	char b[1000], c;
	pid_t pid;
	bool good = true;

	warm(fd);
	ok(read(fd, b, 100) == 100);
	ok(pipe(go) == 0 && pipe(done) == 0);
	pid = fork();
	if (pid == 0) {
		long at;

		close(go[1]);
		while (read(go[0], &c, 1) == 1) {
			at = where(fd);
			good = good && read(fd, b, 50) == 50 && right(1, b, 50, at) && where(fd) == at + 50;
			good = good && write(done[1], good ? "y" : "n", 1) == 1;
		}
		_exit(!good);
	}
	for (long i = 0; i < 20; i++) {
		good = good && write(go[1], "g", 1) == 1 && read(done[0], &c, 1) == 1 && c == 'y';
		good = good && where(fd) == 150 + i * 100;
		good = good && read(fd, b, 50) == 50 && right(1, b, 50, 150 + i * 100);
	}
	ok(good);
	close(go[1]);
	ok(waitpid(pid, &status, 0) == pid && status == 0);
	is(where(fd), 2100);
	good = true;
	for (long i = 0; i < 20; i++)		/* alone again */
		good = good && read(fd, b, 50) == 50 && right(1, b, 50, 2100 + i * 50) && where(fd) == 2150 + i * 50;
	ok(good);
	pid = fork();				/* the parent lets go first */
	if (pid == 0) {
		while (read(go[0], &c, 1) == 1)
			;
		for (long i = 0; i < 20; i++)
			good = good && read(fd, b, 50) == 50 && right(1, b, 50, 3100 + i * 50) && where(fd) == 3150 + i * 50;
		_exit(!good);
	}
	close(fd);
	fails(read(fd, b, 1), EBADF);
	ok(waitpid(pid, &status, 0) == pid && status == 0);
	close(go[0]);
	close(done[0]);
	close(done[1]);
}

static void other_programs(void)
{
	int fd = make(1, SIZE, O_RDONLY), gone = make(2, SIZE, O_RDONLY | O_CLOEXEC), status;
	char b[100], n[16], g[16];
	pid_t pid;

	warm(fd);
	warm(gone);
	ok(read(fd, b, 10) == 10 && read(gone, b, 10) == 10);
	snprintf(n, sizeof n, "%d", fd);
	snprintf(g, sizeof g, "%d", gone);
	pid = fork();
	if (pid == 0) {
		execl(self, self, "child", n, g, NULL);
		_exit(99);
	}
	ok(waitpid(pid, &status, 0) == pid);
	is(status, 0);
	is(where(fd), 10 + 20 * 50);
	is(where(gone), 10);
	pid = vfork();
	if (pid == 0) {
		execl(self, self, "child", n, g, NULL);
		_exit(99);
	}
	ok(waitpid(pid, &status, 0) == pid);
	is(status, 0);
	is(where(fd), 10 + 2 * 20 * 50);
	pid = vfork();
	if (pid == 0)
		_exit(read(fd, b, 5) != 5 || read(gone, b, 7) != 7);
	ok(waitpid(pid, &status, 0) == pid && status == 0);
	is(where(fd), 10 + 2 * 20 * 50 + 5);
	is(where(gone), 17);
	ok(read(gone, b, 7) == 7 && right(2, b, 7, 17));
	/* a process that becomes another program by itself, with the file in use */
	pid = fork();
	if (pid == 0) {
		warm(fd);
		if (read(fd, b, 10) == 10)
			execl(self, self, "child", n, g, NULL);
		_exit(99);
	}
	close(fd);
	ok(waitpid(pid, &status, 0) == pid);
	is(status, 0);
	close(gone);
}

/* the program that other_programs starts: a descriptor to read, one that must be closed */
static int child(int fd, int gone)
{
	char b[100];
	long at = where(fd);
	bool good = at >= 10 && read(gone, b, 1) == -1 && errno == EBADF;

	for (int i = 0; i < 20; i++, at += 50)
		good = good && read(fd, b, 50) == 50 && right(1, b, 50, at) && where(fd) == at + 50;
	return !good;
}

static void many_files(void)
{
	enum { N = 24 };
	int fd[N];
	char b[600];
	bool good = true;

	for (int i = 0; i < N; i++) {
		fd[i] = make(i, 3000 + i, O_RDONLY);
		warm(fd[i]);
	}
	for (long round = 0; round < 5; round++)
		for (int i = 0; i < N; i++)
			good = good && read(fd[i], b, 500) == 500 && right(i, b, 500, round * 500);
	for (int i = 0; i < N; i++)
		good = good && read(fd[i], b, 600) == 500 + i && right(i, b, 500 + i, 2500) && read(fd[i], b, 1) == 0;
	ok(good);
	for (int i = 0; i < N; i += 2)
		close(fd[i]);
	for (int i = 0; i < N; i += 2) {
		fd[i] = make(i + 100, 3000, O_RDONLY);
		warm(fd[i]);
	}
	for (int i = 0; i < N; i++) {
		good = good && pread(fd[i], b, 600, 700) == 600 && right(i % 2 ? i : i + 100, b, 600, 700);
		close(fd[i]);
	}
	ok(good);
}

/* more than a window shows at once, mostly holes */
static void large(void)
{
	const long mib = 1 << 20, step = 5 * mib, end = 80 * mib;
	static char b[64 * 1024];
	int fd = make(1, 0, O_RDWR);
	bool good = true, zero = true;
	long at = 0, r;

	for (long i = 0; i < end; i += step)
		good = good && pwrite(fd, &i, sizeof i, i + 4) == sizeof i;
	is(ftruncate(fd, end), 0);
	for (int turn = 0; turn < 3; turn++)
		for (long i = 0, v; i < end; i += step) {
			good = good && pread(fd, &v, sizeof v, i + 4) == sizeof v && v == i;
			good = good && lseek(fd, i, SEEK_SET) == i && read(fd, b, 20) == 20 && memcmp(b + 4, &v, sizeof v) == 0;
			good = good && where(fd) == i + 20;
		}
	ok(good);
	lseek(fd, 0, SEEK_SET);
	while ((r = read(fd, b, sizeof b)) > 0) {
		long v;

		memcpy(&v, b + 4, sizeof v);
		good = good && r == sizeof b && v == (at % step ? 0 : at);
		for (long i = 16; i < r; i++)
			zero = zero && b[i] == 0;
		at += r;
	}
	ok(good && zero && at == end);
	close(fd);
}

static void times(void)
{
	struct timespec old[2] = { { 1000000, 0 }, { 2000000, 0 } };
	struct utsname u;
	struct stat st;
	int fd = make(1, 1000, O_RDWR);
	char c;

	uname(&u);
	if (!strstr(u.release, "ernst")) {
		close(fd);
		return;			/* depends on how the file system is mounted */
	}
	warm(fd);
	is(write(fd, "x", 1), 1);
	is(futimens(fd, old), 0);
	is(write(fd, "x", 1), 1);
	is(read(fd, &c, 1), 1);
	ok(fstat(fd, &st) == 0 && st.st_atime >= st.st_mtime && st.st_mtime > 2000000);
	close(fd);
}

static void copies(void)
{
	int in = make(1, SIZE, O_RDONLY), out = make(2, 0, O_RDWR);
	static char b[SIZE];

	warm(in);
	ok(read(in, b, 1000) == 1000);
	is(sendfile(out, in, NULL, 5000), 5000);
	is(where(in), 6000);
	ok(read(in, b, 10) == 10 && right(1, b, 10, 6000));
	warm(out);
	ok(read(out, b, SIZE) == 5000 && right(1, b, 5000, 1000));
	close(in);
	close(out);
}

/* a process that lies about what it was lent harms its own positions at most */
static void lies(void)
{
	volatile uint64_t *share = (uint64_t *)0x7f0000810000;	/* the page shared with the server: descriptors, then cells */
	int fd = make(1, SIZE, O_RDWR), mine = make(2, SIZE, O_RDONLY), status;
	struct utsname u;
	char b[64];
	pid_t pid;

	uname(&u);
	if (strstr(u.release, "ernst")) {
		pid = fork();
		if (pid == 0) {
			alarm(20);
			close(fd);
			fd = make(1, SIZE, O_RDWR);
			for (uint64_t lie = 1; lie; lie = lie * 3 % 0xfffffffffffffffb) {
				warm(fd);
				for (int i = 32; i < 192; i++)
					share[i] = i % 3 ? ~0ull / lie : lie;
				for (int i = 0; i < 3; i++)
					if (read(fd, b, sizeof b) < 0 || write(fd, b, 3) < 0 || lseek(fd, -3, SEEK_END) < 0 ||
					    ftruncate(fd, SIZE) < 0)
						errno = 0;	/* whatever it gets */
				if (lie > 1ull << 60)
					break;
			}
			pid = fork();
			_exit(0);
		}
		ok(waitpid(pid, &status, 0) == pid);
	}
	warm(mine);
	ok(read(mine, b, 60) == 60 && right(2, b, 60, 0) && where(mine) == 60);
	close(mine);
	close(fd);
}

static int shared_fd;
static long shared_records;

static void *take_records(void *seen)
{
	int record;

	while (read(shared_fd, &record, sizeof record) == sizeof record) {
		__atomic_add_fetch(&shared_records, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&((char *)seen)[record], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* every record goes to one thread, none is lost */
static void threads_share(void)
{
	enum { N = 20000 };
	static char seen[N];
	static int data[N];
	pthread_t t[3];
	bool good = true;

	for (int i = 0; i < N; i++)
		data[i] = i;
	shared_fd = make(1, 0, O_RDWR);
	is(write(shared_fd, data, sizeof data), sizeof data);
	warm(shared_fd);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, take_records, seen);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < N; i++)
		good = good && seen[i] == 1;
	is(shared_records, N);
	ok(good);
	close(shared_fd);
}

static volatile bool racing;
static int raced_fd, race_files[2];

/* reads what is behind the descriptor at the moment: all of one file or the other */
static void *race_reader(void *mixed)
{
	static __thread char b[9000];

	while (racing) {
		long at = 1000 + rand() % 5000, r = pread(raced_fd, b, sizeof b, at);

		if (!(r == -1 && errno == EBADF) && !(r > 0 && (right(1, b, r, at) || right(2, b, r, at))))
			*(volatile bool *)mixed = true;
	}
	return NULL;
}

static void race_descriptors(void)
{
	pthread_t t;
	bool mixed = false;
	char c[10];
	double end = now() + 2;

	race_files[0] = make(1, SIZE, O_RDONLY);
	race_files[1] = make(2, SIZE / 2, O_RDONLY);
	raced_fd = dup(race_files[0]);
	racing = true;
	pthread_create(&t, NULL, race_reader, &mixed);
	for (int i = 0; now() < end; i++) {
		char name[64];
		int fd;

		snprintf(name, sizeof name, "%s/%d", folder, i % 2 + 1);
		fd = open(name, O_RDONLY);
		if (i % 3 == 0)
			close(raced_fd);
		dup2(fd, raced_fd);
		close(fd);
		for (int k = 0; k < 6; k++)
			mixed = mixed || read(raced_fd, c, 10) != 10 || !right(i % 2 + 1, c, 10, k * 10);
	}
	racing = false;
	pthread_join(t, NULL);
	ok(!mixed);
	close(raced_fd);
	close(race_files[0]);
	close(race_files[1]);
}

/* pages come and go under the reader: what it gets is the file's or zeros, never a signal */
static void *race_truncate(void *fd)
{
	static char data[SIZE];

	fill(1, data, SIZE, 0);
	while (racing) {
		if (ftruncate(*(int *)fd, 0) < 0 || pwrite(*(int *)fd, data, SIZE, 0) != SIZE || ftruncate(*(int *)fd, SIZE / 2) < 0)
			break;
	}
	return NULL;
}

static void race_sizes(void)
{
	static char b[20000];
	int fd = make(1, SIZE, O_RDONLY), w;
	char name[64];
	pthread_t t;
	bool good = true;
	long full = 0;
	double end = now() + 2;

	snprintf(name, sizeof name, "%s/1", folder);
	w = open(name, O_RDWR);
	racing = true;
	pthread_create(&t, NULL, race_truncate, &w);
	while (now() < end) {
		/* every other time what little is left before an end */
		long at = rand() % 2 ? rand() % SIZE : SIZE / 2 - 1 - rand() % 2000, r = pread(fd, b, sizeof b, at);

		good = good && r >= 0;
		for (long i = 0; i < r; i++)
			good = good && (b[i] == byte_of(1, at + i) || b[i] == 0);
		full += r > 0;
	}
	racing = false;
	pthread_join(t, NULL);
	ok(good);
	ok(full > 0);
	close(fd);
	close(w);
}

int main(int argc, char **argv)
{
	char command[64];

	self = argv[0];
	if (argc == 4)
		return child(atoi(argv[2]), atoi(argv[3]));
	if (!mkdtemp(folder))
		return 2;
	devices();
	positions();
	buffers();
	changes();
	both_ways();
	families();
	other_programs();
	many_files();
	large();
	times();
	copies();
	lies();
	threads_share();
	race_descriptors();
	race_sizes();
	snprintf(command, sizeof command, "rm -r %s", folder);
	if (system(command) < 0)
		return 2;
	return tap_done();
}
