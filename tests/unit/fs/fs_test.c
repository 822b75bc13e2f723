/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths, files, pipes, terminals, /dev and /proc on the host, over a root image made by mke2fs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mach.h>

#include "../../../servers/unix/vfs.h"
#include "../../../servers/unix/fs/enode.h"
#include "shim.h"

static struct vfs_ctx ctx;
static int tests, failures;
static char dir_name[] = "/tmp/ernst-fs-XXXXXX";

static void
ok(bool good, const char *format, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	failures += !good;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

/* The result of an operation, by number. */
static void
is(int64_t got, int64_t want, const char *name)
{
	ok(got == want, "%s%s", name, got == want ? "" : " (wrong)");
	if (got != want)
		printf("# got %lld, want %lld\n", (long long)got, (long long)want);
}

static struct file *
open_ok(const char *path, uint32_t flags, uint32_t mode)
{
	struct file *file = NULL;
	int error = vfs_open(&ctx, NULL, path, flags, mode, &file);

	if (error != 0) {
		ok(false, "open %s: %d", path, error);
		return NULL;
	}
	return file;
}

static int
open_err(const char *path, uint32_t flags)
{
	struct file *file;
	int error = vfs_open(&ctx, NULL, path, flags, 0644, &file);

	if (error == 0)
		file_rel(file);
	return error;
}

static void
put(const char *path, const char *text)
{
	struct file *file = open_ok(path, LX_O_WRONLY | LX_O_CREAT | LX_O_TRUNC, 0644);

	if (file == NULL)
		return;
	if (file_write(file, text, strlen(text), FILE_POSITION) != (int64_t)strlen(text))
		ok(false, "write %s", path);
	file_rel(file);
}

static bool
holds(const char *path, const char *text)
{
	static char buf[100000];
	struct file *file = open_ok(path, LX_O_RDONLY, 0);
	int64_t n;

	if (file == NULL)
		return false;
	n = file_read(file, buf, sizeof(buf), FILE_POSITION);
	file_rel(file);
	return n == (int64_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static bool
begins(const char *path, const char *text)
{
	char buf[4096];
	struct file *file = open_ok(path, LX_O_RDONLY, 0);
	int64_t n;

	if (file == NULL)
		return false;
	n = file_read(file, buf, sizeof(buf), FILE_POSITION);
	file_rel(file);
	return n >= (int64_t)strlen(text) && memcmp(buf, text, strlen(text)) == 0;
}

static bool
lists(const char *path, const char *name)
{
	char buf[512];
	struct file *file = open_ok(path, LX_O_RDONLY | LX_O_DIRECTORY, 0);
	bool found = false;
	int64_t n, at;

	if (file == NULL)
		return false;
	while ((n = file_readdir(file, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct lx_dirent64 *d = (struct lx_dirent64 *)(void *)(buf + at);

			found |= strcmp(d->d_name, name) == 0;
			at += d->d_reclen;
		}
	}
	file_rel(file);
	return found && n == 0;
}

static bool
link_is(const char *path, const char *text)
{
	char buf[4096];
	int64_t n = vfs_readlink(&ctx, NULL, path, buf, sizeof(buf));

	return n == (int64_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static bool
cwd_is(const char *path)
{
	char buf[4096];
	struct item *dir;
	int64_t n;

	if (vfs_lookup(&ctx, NULL, path, 0, &dir) != 0)
		return false;
	n = vfs_path_of(&ctx, dir, buf, sizeof(buf));
	item_rel(dir);
	return n == (int64_t)strlen(path) && memcmp(buf, path, (size_t)n) == 0;
}

static void
test_walk(void)
{
	struct lx_stat st;

	is(vfs_make(&ctx, NULL, "/a", LX_S_IFDIR | 0755, 0), 0, "mkdir");
	is(vfs_make(&ctx, NULL, "/a/b/", LX_S_IFDIR | 0755, 0), 0, "mkdir with a slash");
	is(vfs_make(&ctx, NULL, "/a", LX_S_IFDIR | 0755, 0), -LX_EEXIST, "mkdir again");
	is(vfs_make(&ctx, NULL, "/a/.", LX_S_IFDIR | 0755, 0), -LX_EEXIST, "mkdir of .");
	is(vfs_make(&ctx, NULL, "/no/b", LX_S_IFDIR | 0755, 0), -LX_ENOENT, "mkdir in nothing");
	put("/a/f", "hello");
	ok(holds("/a/f", "hello"), "a file holds what was written");
	ok(holds("//a/./b/..//f", "hello"), "dots and slashes");
	ok(holds("/../a/f", "hello"), ".. of the root");
	is(open_err("/a/f/", LX_O_RDONLY), -LX_ENOTDIR, "file with a slash");
	is(open_err("/a/f/x", LX_O_RDONLY), -LX_ENOTDIR, "file as a directory");
	is(open_err("", LX_O_RDONLY), -LX_ENOENT, "empty path");
	is(open_err("/a", LX_O_WRONLY), -LX_EISDIR, "directory for writing");
	is(open_err("/a/new/", LX_O_WRONLY | LX_O_CREAT), -LX_EISDIR, "create with a slash");
	is(open_err("/a/f", LX_O_WRONLY | LX_O_CREAT | LX_O_EXCL), -LX_EEXIST, "O_EXCL");
	is(open_err("/a/f", LX_O_RDONLY | LX_O_DIRECTORY), -LX_ENOTDIR, "O_DIRECTORY");
	is(vfs_symlink(&ctx, "f", NULL, "/a/l"), 0, "symlink");
	ok(holds("/a/l", "hello") && link_is("/a/l", "f"), "link followed and read");
	is(open_err("/a/l", LX_O_RDONLY | LX_O_NOFOLLOW), -LX_ELOOP, "O_NOFOLLOW");
	is(vfs_symlink(&ctx, "loop", NULL, "/loop"), 0, "a link to itself");
	is(open_err("/loop", LX_O_RDONLY), -LX_ELOOP, "ELOOP");
	is(open_err("/loop/x", LX_O_RDONLY), -LX_ELOOP, "ELOOP inside");
	is(vfs_symlink(&ctx, "/a/b", NULL, "/dl"), 0, "link to a directory");
	is(vfs_stat(&ctx, NULL, "/dl/", LX_AT_SYMLINK_NOFOLLOW, &st), 0, "stat through a slash");
	ok((st.st_mode & LX_S_IFMT) == LX_S_IFDIR, "a slash follows the link");
	is(vfs_stat(&ctx, NULL, "/dl", LX_AT_SYMLINK_NOFOLLOW, &st), 0, "lstat");
	ok((st.st_mode & LX_S_IFMT) == LX_S_IFLNK && st.st_size == 4, "lstat sees the link");
	is(vfs_symlink(&ctx, "/a/made", NULL, "/ml"), 0, "link to nothing");
	put("/ml", "x");
	ok(holds("/a/made", "x"), "O_CREAT through a link");
	is(open_err("/ml", LX_O_WRONLY | LX_O_CREAT | LX_O_EXCL), -LX_EEXIST, "O_EXCL at a link");
	ok(cwd_is("/a/b") && cwd_is("/") && cwd_is("/dev") && cwd_is("/dev/pts"), "getcwd");
	ok(lists("/a", "f") && lists("/a", ".."), "getdents");
}

static void
test_names(void)
{
	is(vfs_unlink(&ctx, NULL, "/a", 0), -LX_EISDIR, "unlink of a directory");
	is(vfs_unlink(&ctx, NULL, "/a/f", LX_AT_REMOVEDIR), -LX_ENOTDIR, "rmdir of a file");
	is(vfs_unlink(&ctx, NULL, "/a", LX_AT_REMOVEDIR), -LX_ENOTEMPTY, "rmdir of a full one");
	is(vfs_unlink(&ctx, NULL, "/a/.", LX_AT_REMOVEDIR), -LX_EINVAL, "rmdir of .");
	is(vfs_unlink(&ctx, NULL, "/a/b/..", LX_AT_REMOVEDIR), -LX_ENOTEMPTY, "rmdir of ..");
	is(vfs_unlink(&ctx, NULL, "/", LX_AT_REMOVEDIR), -LX_EBUSY, "rmdir of the root");
	is(vfs_unlink(&ctx, NULL, "/dev", LX_AT_REMOVEDIR), -LX_EBUSY, "rmdir of a mount");
	is(vfs_link(&ctx, NULL, "/a/f", NULL, "/a/f2", 0), 0, "link");
	is(vfs_link(&ctx, NULL, "/a", NULL, "/a2", 0), -LX_EPERM, "link of a directory");
	is(vfs_link(&ctx, NULL, "/a/f", NULL, "/dev/f", 0), -LX_EXDEV, "link across mounts");
	is(vfs_rename(&ctx, NULL, "/a/f2", NULL, "/a/f3", 0), 0, "rename");
	ok(holds("/a/f3", "hello"), "rename keeps the contents");
	is(vfs_rename(&ctx, NULL, "/a", NULL, "/a/b/c", 0), -LX_EINVAL, "into itself");
	is(vfs_rename(&ctx, NULL, "/a/f3", NULL, "/a/f", LX_RENAME_NOREPLACE), -LX_EEXIST,
	    "NOREPLACE");
	is(vfs_rename(&ctx, NULL, "/a/f3", NULL, "/dev/f3", 0), -LX_EXDEV, "rename across mounts");
	is(vfs_rename(&ctx, NULL, "/a/f3", NULL, "/a/b", 0), -LX_EISDIR, "file over directory");
	is(vfs_rename(&ctx, NULL, "/a/.", NULL, "/x", 0), -LX_EBUSY, "rename of .");
	is(vfs_rename(&ctx, NULL, "/no", NULL, "/x", 0), -LX_ENOENT, "rename of nothing");
	is(vfs_unlink(&ctx, NULL, "/a/f3", 0), 0, "unlink");
	is(vfs_unlink(&ctx, NULL, "/a/f3", 0), -LX_ENOENT, "unlink again");
}

static void
test_file(void)
{
	struct file *file = open_ok("/data", LX_O_RDWR | LX_O_CREAT, 0600), *other;
	struct item_attr attr = { .a_valid = ATTR_SIZE };
	static uint8_t buf[700000], back[700000];
	struct lx_stat st;
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + i / 251);
	is(file_write(file, buf, sizeof(buf), FILE_POSITION), sizeof(buf), "a large write");
	is(file_read(file, back, sizeof(back), 0), sizeof(back), "a large read");
	ok(memcmp(buf, back, sizeof(buf)) == 0, "the same bytes");
	is(file_read(file, back, 10, FILE_POSITION), 0, "end of file");
	is(file_seek(file, -10, LX_SEEK_END), sizeof(buf) - 10, "SEEK_END");
	is(file_seek(file, -1, LX_SEEK_SET), -LX_EINVAL, "before the start");
	is(file_write(file, "x", 1, 2000000), 1, "past the end");
	is(file_read(file, back, 100, 1000000), 100, "a hole is read");
	ok(back[0] == 0 && back[99] == 0, "a hole is zeroes");
	is(file_seek(file, 1000000, LX_SEEK_DATA), 1998848, "SEEK_DATA");
	is(file_seek(file, 0, LX_SEEK_HOLE), 700416, "SEEK_HOLE");
	attr.a_size = 5000;
	is(vfs_setattr(&ctx, NULL, "/data", 0, &attr), 0, "truncate");
	attr.a_size = 10000;
	is(vfs_setattr(&ctx, NULL, "/data", 0, &attr), 0, "extend");
	is(file_read(file, back, 10000, 0), 10000, "read it all");
	ok(memcmp(buf, back, 5000) == 0 && back[5000] == 0 && back[9999] == 0,
	    "what was cut off is zero");
	other = open_ok("/data", LX_O_WRONLY | LX_O_APPEND, 0);
	is(file_write(other, "end", 3, FILE_POSITION), 3, "append");
	is(file_read(other, back, 1, 0), -LX_EBADF, "reading what is open for writing");
	file_rel(other);
	is(vfs_stat(&ctx, NULL, "/data", 0, &st), 0, "stat");
	ok(st.st_size == 10003 && st.st_nlink == 1, "its size");
	is(vfs_unlink(&ctx, NULL, "/data", 0), 0, "unlink while open");
	is(file_read(file, back, 3, 10000), 3, "still readable");
	file_rel(file);
}

static void
test_pipe(void)
{
	struct file *ends[2], *reader, *writer;
	char buf[5000] = { 0 };
	int i;

	is(pipe_create(ends, LX_O_NONBLOCK), 0, "pipe");
	is(file_write(ends[1], "abc", 3, FILE_POSITION), 3, "into a pipe");
	is(file_read(ends[0], buf, 10, FILE_POSITION), 3, "out of a pipe");
	is(file_read(ends[0], buf, 10, FILE_POSITION), -LX_EAGAIN, "an empty pipe");
	for (i = 0; file_write(ends[1], buf, 4096, FILE_POSITION) == 4096; i++)
		;
	is(i, 16, "a pipe holds 64 KiB");
	is(file_read(ends[0], buf, 100, FILE_POSITION), 100, "some room");
	is(file_write(ends[1], buf, 4096, FILE_POSITION), -LX_EAGAIN, "a small write is whole");
	is(file_write(ends[1], buf, 5000, FILE_POSITION), 100, "a large one is not");
	is(file_read(ends[0], buf, 10, 0), -LX_ESPIPE, "pread of a pipe");
	file_rel(ends[0]);
	is(file_write(ends[1], "x", 1, FILE_POSITION), -LX_EPIPE, "no reader");
	ok((shim_signals & 1 << LX_SIGPIPE) != 0, "SIGPIPE");
	file_rel(ends[1]);
	is(vfs_make(&ctx, NULL, "/fifo", LX_S_IFIFO | 0666, 0), 0, "mkfifo");
	is(open_err("/fifo", LX_O_WRONLY | LX_O_NONBLOCK), -LX_ENXIO, "a fifo without reader");
	reader = open_ok("/fifo", LX_O_RDONLY | LX_O_NONBLOCK, 0);
	writer = open_ok("/fifo", LX_O_WRONLY, 0);
	is(file_write(writer, "hi", 2, FILE_POSITION), 2, "into a fifo");
	is(file_read(reader, buf, 10, FILE_POSITION), 2, "out of a fifo");
	file_rel(writer);
	is(file_read(reader, buf, 10, FILE_POSITION), 0, "no writer: end of file");
	file_rel(reader);
}

static int64_t
control(struct file *file, uint32_t request, const void *in, size_t in_size, void *out)
{
	char data[IOCTL_DATA_MAX];
	struct item_ioctl ioctl = { .ic_request = request, .ic_in = in, .ic_in_size = in_size,
	    .ic_out = data };
	int64_t result = file_ioctl(file, &ioctl);

	if (out != NULL)
		memcpy(out, data, ioctl.ic_out_size);
	return result;
}

static void
test_pty(void)
{
	struct file *master = open_ok("/dev/ptmx", LX_O_RDWR, 0), *slave;
	struct lx_termios t;
	char buf[100];
	int32_t n = -1;

	is(control(master, LX_TIOCGPTN, NULL, 0, &n), 0, "TIOCGPTN");
	ok(n == 0 && lists("/dev/pts", "0"), "/dev/pts/0 is listed");
	slave = open_ok("/dev/pts/0", LX_O_RDWR | LX_O_NOCTTY, 0);
	is(control(slave, LX_TCGETS, NULL, 0, &t), 0, "TCGETS");
	is(file_write(master, "hi\r", 3, FILE_POSITION), 3, "typed");
	is(file_read(slave, buf, 100, FILE_POSITION), 3, "read as a line");
	is(file_read(master, buf, 100, FILE_POSITION), 4, "echoed");
	ok(memcmp(buf, "hi\r\n", 4) == 0, "the echo");
	is(file_write(master, "\003", 1, FILE_POSITION), 1, "^C");
	ok((shim_signals & 1 << LX_SIGINT) != 0, "SIGINT");
	is(file_read(master, buf, 100, FILE_POSITION), 2, "^C is echoed");
	file_rel(slave);
	is(file_read(master, buf, 100, FILE_POSITION), -LX_EIO, "no slave: EIO");
	slave = open_ok("/dev/pts/0", LX_O_RDWR, 0);
	shim_fd = slave;
	ok(link_is("/proc/self/fd/3", "/dev/pts/0"), "the name of a terminal");
	shim_fd = NULL;
	file_rel(master);
	ok((shim_signals & 1 << LX_SIGHUP) != 0, "SIGHUP");
	is(file_read(slave, buf, 100, FILE_POSITION), 0, "hung up: end of file");
	is(file_write(slave, buf, 1, FILE_POSITION), -LX_EIO, "hung up: EIO");
	file_rel(slave);
	is(open_err("/dev/pts/0", LX_O_RDWR), -LX_ENOENT, "and gone");
}

static void
test_dev_proc(void)
{
	struct file *file = open_ok("/dev/zero", LX_O_RDWR, 0);
	struct lx_stat st, fst;
	char buf[100] = { 1 };

	is(file_read(file, buf, 100, FILE_POSITION), 100, "zero");
	ok(buf[0] == 0, "is zero");
	is(vfs_stat(&ctx, NULL, "/dev/zero", 0, &st), 0, "stat of a device");
	is(file->f_item->i_ops->io_getattr(file->f_item, &fst), 0, "fstat of a device");
	ok(st.st_ino == fst.st_ino && st.st_dev == fst.st_dev && st.st_rdev == 0x105 &&
	    fst.st_rdev == 0x105, "stat and fstat agree");
	shim_fd = file;
	ok(link_is("/proc/self/fd/3", "/dev/zero"), "the name of a device");
	shim_fd = NULL;
	file_rel(file);
	put("/dev/null", "gone");
	ok(holds("/dev/null", ""), "null");
	is(open_err("/dev/tty", LX_O_RDWR), -LX_ENXIO, "no controlling terminal");
	ok(link_is("/proc/self", "1") && begins("/proc/self/stat", "1 (init) S 0"), "proc stat");
	ok(lists("/proc", "1") && lists("/proc", "meminfo") && lists("/proc/1", "stat"),
	    "proc is listed");
	ok(begins("/proc/mounts", "/dev/rd1 / ext2 rw"), "mounts");
	ok(begins("/proc/sys/kernel/hostname", "ernst\n"), "a deep entry");
	is(open_err("/proc/2/stat", LX_O_RDONLY), -LX_ENOENT, "no such process");
	is(open_err("/proc/x", LX_O_WRONLY | LX_O_CREAT), -LX_EACCES, "nothing is made in proc");
	ok(begins("/proc/cpuinfo", "processor\t: 0\n") && begins("/proc/stat", "cpu  ") &&
	    begins("/proc/meminfo", "MemTotal:"), "system texts");
	is(vfs_mount(&ctx, "tmp", "/a/b", "tmpfs", 0), 0, "mount tmpfs");
	put("/a/b/t", "in memory");
	ok(holds("/a/b/t", "in memory") && cwd_is("/a/b"), "a file in a tmpfs");
	is(vfs_unlink(&ctx, NULL, "/a/b", LX_AT_REMOVEDIR), -LX_EBUSY, "a mount point stays");
	is(vfs_umount(&ctx, "/a/b", 0), 0, "umount");
	is(open_err("/a/b/t", LX_O_RDONLY), -LX_ENOENT, "what was below is back");
}

static void
test_permission(void)
{
	struct cred *user = cred_copy(ctx.v_cred), *root = ctx.v_cred;
	struct item_attr attr = { .a_valid = ATTR_MODE, .a_mode = 0700 };

	user->c_uid = user->c_euid = user->c_suid = user->c_fsuid = 1000;
	user->c_gid = user->c_egid = user->c_sgid = user->c_fsgid = 1000;
	is(vfs_setattr(&ctx, NULL, "/a", 0, &attr), 0, "chmod");
	ctx.v_cred = user;
	is(open_err("/a/f", LX_O_RDONLY), -LX_EACCES, "no search permission");
	is(vfs_setattr(&ctx, NULL, "/a", 0, &attr), -LX_EPERM, "chmod of another's");
	is(vfs_make(&ctx, NULL, "/mine", LX_S_IFDIR | 0755, 0), -LX_EACCES, "mkdir in another's");
	is(vfs_access(&ctx, NULL, "/a", 4, 0), -LX_EACCES, "access");
	is(vfs_access(&ctx, NULL, "/", 5, 0), 0, "access granted");
	ctx.v_cred = root;
	attr.a_mode = 0755;
	is(vfs_setattr(&ctx, NULL, "/a", 0, &attr), 0, "chmod back");
	cred_rel(user);
}

static void
test_locks(void)
{
	struct file *a = open_ok("/a/f", LX_O_RDWR, 0), *b = open_ok("/a/f", LX_O_RDWR, 0);
	struct lx_flock f = { .l_type = LX_F_WRLCK, .l_start = 10, .l_len = 10 };

	is(file_flock(a, LX_LOCK_EX), 0, "flock");
	is(file_flock(b, LX_LOCK_EX | LX_LOCK_NB), -LX_EAGAIN, "flock of another");
	is(file_flock(b, LX_LOCK_SH), -LX_EINTR, "flock waits");
	is(file_record_lock(a, 1, LX_F_SETLK, &f), 0, "a record lock is something else");
	f.l_start = 15;
	f.l_len = 0;
	is(file_record_lock(b, 2, LX_F_SETLK, &f), -LX_EAGAIN, "overlap");
	is(file_record_lock(b, 2, LX_F_GETLK, &f), 0, "GETLK");
	ok(f.l_type == LX_F_WRLCK && f.l_start == 10 && f.l_len == 10 && f.l_pid == 1,
	    "GETLK tells whose");
	f.l_type = LX_F_UNLCK;
	f.l_start = 12;
	f.l_len = 2;
	is(file_record_lock(a, 1, LX_F_SETLK, &f), 0, "a hole in a lock");
	f.l_type = LX_F_WRLCK;
	is(file_record_lock(b, 2, LX_F_SETLK, &f), 0, "is free");
	file_record_unlock_all(a, 1);
	file_record_unlock_all(b, 2);
	file_rel(a);
	is(file_flock(b, LX_LOCK_EX | LX_LOCK_NB), 0, "close gives the flock up");
	file_rel(b);
}

static bool
image(bool load)
{
	char command[300];
	FILE *f;
	bool good;

	(void)snprintf(command, sizeof(command), "%s/img", dir_name);
	f = fopen(command, load ? "rb" : "wb");
	if (f == NULL)
		return false;
	good = (load ? fread(shim_disk, 1, shim_disk_size, f) :
	    fwrite(shim_disk, 1, shim_disk_size, f)) == shim_disk_size;
	fclose(f);
	return good;
}

int
main(void)
{
	char command[300];
	struct item *root;

	shim_disk_size = 16 << 20;
	shim_disk = calloc(1, shim_disk_size);
	if (mkdtemp(dir_name) == NULL)
		return 1;
	(void)snprintf(command, sizeof(command), "mkdir -p %s/t/dev %s/t/proc && mke2fs -q -t ext2 "
	    "-b 4096 -d %s/t %s/img 16M >/dev/null 2>&1", dir_name, dir_name, dir_name, dir_name);
	if (system(command) != 0 || !image(true)) {
		printf("Bail out! mke2fs failed\n");
		return 1;
	}
	shim_cred = cred_create_root();
	if (vfs_start(1, "rd1", &root) != 0) {
		printf("Bail out! no root file system\n");
		return 1;
	}
	ctx.v_root = ctx.v_cwd = root;
	ctx.v_cred = shim_cred;
	ctx.v_umask = 022;
	test_walk();
	test_names();
	test_file();
	test_pipe();
	test_pty();
	test_dev_proc();
	test_permission();
	test_locks();
	ctx.v_cwd = NULL;
	enode_evict(enode_of(root)->n_mount, 1);
	enode_evict(enode_of(root)->n_mount, 1);
	ok(enode_of(root)->n_mount->em_nodes <= 4, "nodes are forgotten");
	vfs_sync();
	(void)image(false);
	(void)snprintf(command, sizeof(command), "e2fsck -fn %s/img >%s/log 2>&1", dir_name,
	    dir_name);
	ok((system(command) >> 8 & 4) == 0, "e2fsck clean");
	(void)snprintf(command, sizeof(command), "grep -v '^Pass\\|^e2fsck\\|state\\|not clean' "
	    "%s/log | sed 's/^/# /'; rm -rf %s", dir_name, dir_name);
	(void)!system(command);
	printf("1..%d\n", tests);
	return failures != 0;
}
