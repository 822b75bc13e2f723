/* SPDX-License-Identifier: BSD-2-Clause */
/* The address space: break, maps, protections, files as memory. */
#include "tap.h"
#include <sys/mman.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void *map(void *at, size_t n, int prot, int flags) { return mmap(at, n, prot, flags, -1, 0); }
static bool can_read(void *p)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	/* /dev/null does not look on Linux; a pipe does */
	int q[2];
	if (pipe(q) < 0)
		return false;
	bool good = write(q[1], p, 1) == 1;
	close(q[0]);
	close(q[1]);
	return good;
}

static void breaks(void)
{
	char *start = sbrk(0);

	ok(sbrk(10000) == start);
	memset(start, 1, 10000);
	is((char *)syscall(SYS_brk, start) - start, 0);
	ok((char *)syscall(SYS_brk, start + 5000) == start + 5000);
	ok((char *)syscall(SYS_brk, 1ul << 46) == start + 5000);
	ok((char *)syscall(SYS_brk, 0) == start + 5000);
	ok((char *)syscall(SYS_brk, start) == start);
	ok((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
	bool zero = true;
	for (size_t i = PAGE; i < 3 * PAGE; i++)	/* the first page may be shared with what was there before */
		zero = zero && start[i] == 0;
	ok(zero);
	ok((char *)syscall(SYS_brk, start) == start);
}

static void anonymous(void)
{
	char *a = map(NULL, 10 * PAGE, RW, ANON), *b;

	ok(a != MAP_FAILED);
	memset(a, 7, 10 * PAGE);
	is(munmap(a + 3 * PAGE, 2 * PAGE), 0);
	ok(can_read(a + 2 * PAGE) && !can_read(a + 3 * PAGE) && !can_read(a + 4 * PAGE) && can_read(a + 5 * PAGE));
	is(munmap(a + 3 * PAGE, 2 * PAGE), 0);
	ok(map(a + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED) == a + 3 * PAGE);
	is(a[3 * PAGE], 0);
	ok(map(a + PAGE, PAGE, RW, ANON | MAP_FIXED) == a + PAGE);
	ok(a[PAGE] == 0 && a[0] == 7 && a[2 * PAGE] == 7);
	is(mprotect(a, PAGE, PROT_NONE), 0);
	ok(!can_read(a));
	is(mprotect(a, PAGE, PROT_READ), 0);
	ok(can_read(a) && a[0] == 7);
	fails(mprotect(a, 10 * PAGE, RW), ENOMEM);		/* a hole */
	fails(mprotect(a + 1, PAGE, RW), EINVAL);
	fails(munmap(a + 1, PAGE), EINVAL);
	fails(munmap(a, 0), EINVAL);
	ok(map(NULL, 0, RW, ANON) == MAP_FAILED && errno == EINVAL);
	ok(map(NULL, PAGE, RW, MAP_ANONYMOUS) == MAP_FAILED && errno == EINVAL);
	ok(map(NULL, 1ul << 62, RW, ANON) == MAP_FAILED && errno == ENOMEM);
	ok(map(NULL, ~0ul, RW, ANON) == MAP_FAILED && errno == ENOMEM);
	ok(map((void *)0x123, PAGE, RW, ANON | MAP_FIXED) == MAP_FAILED && errno == EINVAL);
	ok(map((void *)(1ul << 47), PAGE, RW, ANON | MAP_FIXED) == MAP_FAILED && errno == ENOMEM);
	ok(map((void *)~4095ul, PAGE, RW, ANON | MAP_FIXED) == MAP_FAILED && errno == ENOMEM);
	ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED && errno == EBADF);
	munmap(a, 10 * PAGE);
	b = map(a, PAGE, RW, ANON);
	ok(b == a);					/* a wish that can be granted */
	ok(map(a, PAGE, RW, ANON | MAP_FIXED_NOREPLACE) == MAP_FAILED && errno == EEXIST);
	munmap(a, PAGE);
	a = map(NULL, 64 << 20, PROT_NONE, ANON | MAP_NORESERVE);
	ok(a != MAP_FAILED);
	is(mprotect(a + (32 << 20), PAGE, RW), 0);
	a[32 << 20] = 1;
	is(munmap(a, 64 << 20), 0);
	/* many maps, freed in another order */
	enum { N = 300 };
	char *p[N];
	bool good = true;
	for (int i = 0; i < N; i++) {
		p[i] = map(NULL, PAGE * (1 + (unsigned)i % 3), RW, ANON);
		good = good && p[i] != MAP_FAILED;
		p[i][0] = (char)i;
	}
	for (int i = 0; i < N; i += 2)
		good = good && munmap(p[i], PAGE * (1 + (unsigned)i % 3)) == 0;
	for (int i = 1; i < N; i += 2)
		good = good && p[i][0] == (char)i && munmap(p[i], PAGE * (1 + (unsigned)i % 3)) == 0;
	ok(good);
}

static void moves(void)
{
	char *a = map(NULL, 4 * PAGE, RW, ANON), *b, *c;

	for (unsigned i = 0; i < 4; i++)
		a[i * PAGE] = (char)(i + 1);
	b = mremap(a, 4 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	ok(b != MAP_FAILED && b[0] == 1 && b[3 * PAGE] == 4 && b[50 * PAGE] == 0);
	ok(b == a || !can_read(a));
	ok(mremap(b, 100 * PAGE, 2 * PAGE, 0) == b);
	ok(can_read(b + PAGE) && !can_read(b + 2 * PAGE));
	c = map(NULL, 8 * PAGE, RW, ANON);
	c[0] = 9;
	ok(mremap(b, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, c) == c);
	ok(c[0] == 1 && c[PAGE] == 2 && !can_read(b));
	ok(mremap(c, PAGE, 2 * PAGE, 8) == MAP_FAILED && errno == EINVAL);
	ok(mremap(c + 1, PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == EINVAL);
	ok(mremap(c, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
	ok(mremap((char *)8 - 8 + 0x20000000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	munmap(c, 8 * PAGE);
	a = map(NULL, 4 * PAGE, RW, ANON);
	memset(a, 1, 4 * PAGE);
	is(madvise(a + PAGE, PAGE, MADV_DONTNEED), 0);
	ok(a[0] == 1 && a[PAGE] == 0 && a[2 * PAGE] == 1);
	fails(madvise(a + 1, PAGE, MADV_DONTNEED), EINVAL);
	fails(madvise(a, PAGE, 9999), EINVAL);
	is(madvise(a, PAGE, MADV_WILLNEED), 0);
	munmap(a + PAGE, PAGE);
	fails(madvise(a, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	munmap(a, 4 * PAGE);
	/* code in memory */
	unsigned char *code = map(NULL, PAGE, RW, ANON);
	memcpy(code, "\xb8\x2a\0\0\0\xc3", 6);
	is(mprotect(code, PAGE, PROT_READ | PROT_EXEC), 0);
	is(((int (*)(void))code)(), 42);
	mprotect(code, PAGE, RW);
	code[1] = 43;
	mprotect(code, PAGE, PROT_READ | PROT_EXEC);
	is(((int (*)(void))code)(), 43);
}

static void files(void)
{
	char name[] = "/tmp/memoryXXXXXX", buffer[16] = "", *s, *p;
	int fd = mkstemp(name), status;

	ok(write(fd, "0123456789", 10) == 10);
	s = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	ok(s != MAP_FAILED && p != MAP_FAILED);
	ok(memcmp(s, "0123456789", 10) == 0 && s[10] == 0 && p[9] == '9');
	s[0] = 'A';
	ok(pread(fd, buffer, 10, 0) == 10 && buffer[0] == 'A');
	ok(pwrite(fd, "B", 1, 1) == 1);
	is(s[1], 'B');
	p[2] = 'P';
	ok(pread(fd, buffer, 10, 0) == 10 && buffer[2] == '2' && s[2] == '2');
	pid_t pid = fork();
	if (pid == 0) {
		s[3] = 'C';
		p[4] = 'x';
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(s[3] == 'C' && p[4] == '4');
	is(msync(s, PAGE, MS_SYNC), 0);
	is(ftruncate(fd, 3 * PAGE), 0);
	char *t = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, PAGE);
	ok(t != MAP_FAILED && t[0] == 0);
	t[PAGE] = 'T';
	ok(pread(fd, buffer, 1, 2 * PAGE) == 1 && buffer[0] == 'T');
	munmap(t, 2 * PAGE);
	close(fd);
	s[5] = 'D';			/* the map outlives the descriptor */
	fd = open(name, O_RDONLY);
	ok(read(fd, buffer, 10) == 10 && memcmp(buffer, "AB2C4D6789", 10) == 0);
	ok(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
	ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 1) == MAP_FAILED && errno == EINVAL);
	t = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	fails(mprotect(t, PAGE, RW), EACCES);
	munmap(t, PAGE);
	/* reading a file into its own map, and writing it from there */
	ok(pread(fd, s, 10, 0) == 10);
	close(fd);
	fd = open(name, O_RDWR);
	ok(pwrite(fd, s, 10, 20) == 10 && memcmp(s + 20, "AB2C4D6789", 10) == 0);
	unlink(name);
	s[0] = 'U';
	ok(pread(fd, buffer, 1, 0) == 1 && buffer[0] == 'U');
	munmap(s, PAGE);
	munmap(p, PAGE);
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	s = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	ok(s != MAP_FAILED && s[PAGE] == 0);
	s[PAGE] = 1;
	munmap(s, 2 * PAGE);
	close(fd);
	int q[2];
	ok(pipe(q) == 0);
	ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, q[0], 0) == MAP_FAILED && errno == ENODEV);
	close(q[0]);
	close(q[1]);
}

int main(void)
{
	breaks();
	anonymous();
	moves();
	files();
	return tap_done();
}
