/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2 against a model and against e2fsck.
 *
 * Each geometry: mke2fs makes an image, a random sequence of operations runs on it and on a model
 * in memory, results are compared, and e2fsck -fn must call the image clean.  Then the image is
 * damaged at random and must neither crash the code nor keep it busy for ever.
 * Usage: ext2_test [seed]
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../../servers/unix/fs/ext2.h"
#include "../../../servers/unix/linux.h"

struct mem_dev {
	struct ext2_dev	dev;
	uint8_t		*bytes;
};

static uint64_t rng;
static int tests, failures;
static char dir_name[] = "/tmp/ernst-ext2-XXXXXX";
static unsigned long dev_calls;

static uint32_t
rnd(uint32_t n)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rng >> 33) % n;
}

static void
check(bool ok, const char *format, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++tests);
	failures += !ok;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static int
mem_read(struct ext2_dev *dev, uint64_t off, void *buf, size_t len)
{
	struct mem_dev *m = (struct mem_dev *)dev;

	dev_calls++;
	if (off > dev->dev_size || len > dev->dev_size - off)
		return -LX_EIO;
	memcpy(buf, m->bytes + off, len);
	return 0;
}

static int
mem_write(struct ext2_dev *dev, uint64_t off, const void *buf, size_t len)
{
	struct mem_dev *m = (struct mem_dev *)dev;

	dev_calls++;
	if (off > dev->dev_size || len > dev->dev_size - off)
		return -LX_EIO;
	memcpy(m->bytes + off, buf, len);
	return 0;
}

static void
now(int64_t *sec, uint32_t *nsec)
{
	*sec = 1700000000;
	*nsec = 123456789;
}

/* ---- the model ---- */

#define DATA_MAX	(400u * 1024)
#define NODES		400
#define NAMES		40

struct mnode {
	bool		used;
	uint32_t	type;
	uint32_t	links;
	uint8_t		*data;
	uint64_t	size;
	int		parent;			/* directories */
	struct { char name[256]; int node; } *names;	/* directories: NAMES slots */
};
static struct mnode nodes[NODES];

static int
node_new(uint32_t type, int parent)
{
	int i;

	for (i = 0; i < NODES && nodes[i].used; i++)
		;
	if (i == NODES)
		return -1;
	memset(&nodes[i], 0, sizeof(nodes[i]));
	nodes[i].used = true;
	nodes[i].type = type;
	nodes[i].parent = parent;
	if (type == LX_S_IFDIR)
		nodes[i].names = calloc(NAMES, sizeof(*nodes[i].names));
	else
		nodes[i].data = calloc(1, DATA_MAX);
	return i;
}

static void
node_drop(int n)
{
	if (nodes[n].type == LX_S_IFDIR)
		nodes[n].links = 0;
	else if (--nodes[n].links > 0)
		return;
	free(nodes[n].names);
	free(nodes[n].data);
	nodes[n].used = false;
	nodes[n].names = NULL;
	nodes[n].data = NULL;
}

static int
slot_find(int dir, const char *name)
{
	int i;

	for (i = 0; i < NAMES; i++) {
		if (nodes[dir].names[i].name[0] != 0 &&
		    strcmp(nodes[dir].names[i].name, name) == 0)
			return i;
	}
	return -1;
}

static int
slot_free(int dir)
{
	int i;

	for (i = 0; i < NAMES && nodes[dir].names[i].name[0] != 0; i++)
		;
	return i == NAMES ? -1 : i;
}

static bool
dir_is_empty(int dir)
{
	int i;

	for (i = 0; i < NAMES; i++) {
		if (nodes[dir].names[i].name[0] != 0)
			return false;
	}
	return true;
}

static int
random_node(uint32_t type)
{
	int i, tries;

	for (tries = 0; tries < 1000; tries++) {
		i = (int)rnd(NODES);
		if (nodes[i].used && nodes[i].type == type)
			return i;
	}
	return type == LX_S_IFDIR ? 0 : -1;
}

static void
random_name(char *name)
{
	uint32_t n = rnd(60), i, len;

	len = rnd(8) == 0 ? 200 + rnd(50) : 4;
	(void)snprintf(name, 256, "n%u", n);
	for (i = (uint32_t)strlen(name); i < len; i++)
		name[i] = (char)('a' + n % 26);
	name[i] = 0;
}

/* ---- the walk from model to inode ---- */

static struct ext2_inode *
inode_of_dir(struct ext2_fs *fs, int dir)
{
	struct ext2_inode *up, *ip = NULL;
	int i;

	if (dir == 0)
		return ext2_inode_get(fs, EXT2_ROOT_INO, &ip) == 0 ? ip : NULL;
	up = inode_of_dir(fs, nodes[dir].parent);
	if (up == NULL)
		return NULL;
	for (i = 0; i < NAMES; i++) {
		const char *name = nodes[nodes[dir].parent].names[i].name;

		if (name[0] != 0 && nodes[nodes[dir].parent].names[i].node == dir) {
			if (ext2_lookup(up, name, strlen(name), &ip) != 0)
				ip = NULL;
			break;
		}
	}
	ext2_inode_put(up);
	return ip;
}

static bool
below(int dir, int top)
{
	while (dir != 0 && dir != top)
		dir = nodes[dir].parent;
	return dir == top;
}

static bool full;	/* the image ran out of space: the model stops predicting */

static bool
expect(const char *what, int got, int want)
{
	if (got == -LX_ENOSPC) {
		full = true;
		return false;
	}
	if (got != want)
		check(false, "%s: got %d, expected %d", what, got, want);
	return got == 0;
}

static void
op_create(struct ext2_fs *fs)
{
	static const uint32_t types[] = { LX_S_IFREG, LX_S_IFREG, LX_S_IFDIR, LX_S_IFLNK };
	uint32_t type = types[rnd(4)];
	int dir = random_node(LX_S_IFDIR), slot, n, error, want = 0;
	struct ext2_inode *dp, *ip = NULL;
	char name[256], target[1000];
	size_t tlen = 0;

	random_name(name);
	slot = slot_free(dir);
	if (slot < 0)
		return;
	if (slot_find(dir, name) >= 0)
		want = -LX_EEXIST;
	dp = inode_of_dir(fs, dir);
	if (type == LX_S_IFLNK) {
		tlen = 1 + rnd(rnd(2) ? 70 : 900);
		memset(target, 'x', tlen);
		error = ext2_symlink(dp, name, strlen(name), target, tlen, 1, 2, &ip);
	} else {
		error = ext2_create(dp, name, strlen(name), type | 0644, 70000, 3, 0, &ip);
	}
	ext2_inode_put(dp);
	if (!expect("create", error, want))
		return;
	n = node_new(type, dir);
	if (n < 0) {
		dp = inode_of_dir(fs, dir);
		(void)(type == LX_S_IFDIR ? ext2_rmdir(dp, name, strlen(name)) :
		    ext2_unlink(dp, name, strlen(name)));
		ext2_inode_put(dp);
	} else {
		nodes[n].links = type == LX_S_IFDIR ? 2 : 1;
		if (type == LX_S_IFLNK) {
			memset(nodes[n].data, 'x', tlen);
			nodes[n].size = tlen;
		}
		if (type == LX_S_IFDIR)
			nodes[dir].links++;
		strcpy(nodes[dir].names[slot].name, name);
		nodes[dir].names[slot].node = n;
	}
	ext2_inode_put(ip);
}

/* A directory and a name in it, mostly an existing one. */
static int
random_entry(int *dirp, char *name)
{
	int slot, tries;

	for (tries = 0; tries < 20; tries++) {
		*dirp = random_node(LX_S_IFDIR);
		slot = (int)rnd(NAMES);
		if (nodes[*dirp].names[slot].name[0] != 0) {
			strcpy(name, nodes[*dirp].names[slot].name);
			return slot;
		}
	}
	random_name(name);
	return slot_find(*dirp, name);
}

static void
op_remove(struct ext2_fs *fs)
{
	char name[256];
	int dir, slot = random_entry(&dir, name), n = 0, want = 0, error;
	bool rmdir = rnd(2);
	struct ext2_inode *dp = inode_of_dir(fs, dir);

	if (slot < 0) {
		want = -LX_ENOENT;
	} else {
		n = nodes[dir].names[slot].node;
		if (rmdir && nodes[n].type != LX_S_IFDIR)
			want = -LX_ENOTDIR;
		else if (!rmdir && nodes[n].type == LX_S_IFDIR)
			want = -LX_EISDIR;
		else if (rmdir && !dir_is_empty(n))
			want = -LX_ENOTEMPTY;
	}
	error = rmdir ? ext2_rmdir(dp, name, strlen(name)) : ext2_unlink(dp, name, strlen(name));
	ext2_inode_put(dp);
	if (!expect(rmdir ? "rmdir" : "unlink", error, want))
		return;
	nodes[dir].names[slot].name[0] = 0;
	if (rmdir)
		nodes[dir].links--;
	node_drop(n);
}

static void
op_link(struct ext2_fs *fs)
{
	char name[256], to[256];
	int dir, slot = random_entry(&dir, name), tdir = random_node(LX_S_IFDIR), want = 0, n;
	int tslot = slot_free(tdir), error;
	struct ext2_inode *dp, *ip;

	random_name(to);
	if (slot < 0 || tslot < 0)
		return;
	n = nodes[dir].names[slot].node;
	if (nodes[n].type == LX_S_IFDIR)
		want = -LX_EPERM;
	else if (slot_find(tdir, to) >= 0)
		want = -LX_EEXIST;
	dp = inode_of_dir(fs, dir);
	error = ext2_lookup(dp, name, strlen(name), &ip);
	ext2_inode_put(dp);
	if (!expect("lookup", error, 0))
		return;
	dp = inode_of_dir(fs, tdir);
	error = ext2_link(dp, to, strlen(to), ip);
	ext2_inode_put(dp);
	ext2_inode_put(ip);
	if (!expect("link", error, want))
		return;
	nodes[n].links++;
	strcpy(nodes[tdir].names[tslot].name, to);
	nodes[tdir].names[tslot].node = n;
}

static int
rename_want(int n, int fdir, int tdir, int t)
{
	if (n < 0)
		return -LX_ENOENT;
	if (t == n)
		return 0;
	if (nodes[n].type == LX_S_IFDIR && (tdir == n || below(tdir, n)))
		return -LX_EINVAL;
	if (t == fdir)
		return -LX_ENOTEMPTY;
	if (t < 0)
		return 0;
	if (nodes[n].type == LX_S_IFDIR && nodes[t].type != LX_S_IFDIR)
		return -LX_ENOTDIR;
	if (nodes[n].type != LX_S_IFDIR && nodes[t].type == LX_S_IFDIR)
		return -LX_EISDIR;
	if (nodes[t].type == LX_S_IFDIR && !dir_is_empty(t))
		return -LX_ENOTEMPTY;
	return 0;
}

static void
op_rename(struct ext2_fs *fs)
{
	char name[256], to[256];
	int fdir, tdir, slot = random_entry(&fdir, name), tslot, n = -1, t = -1, error;
	struct ext2_inode *fp, *tp;

	if (rnd(2)) {
		tslot = random_entry(&tdir, to);
	} else {
		tdir = random_node(LX_S_IFDIR);
		random_name(to);
		tslot = slot_find(tdir, to);
	}
	if (slot >= 0)
		n = nodes[fdir].names[slot].node;
	if (tslot >= 0)
		t = nodes[tdir].names[tslot].node;
	else if (slot_free(tdir) < 0)
		return;
	fp = inode_of_dir(fs, fdir);
	tp = inode_of_dir(fs, tdir);
	error = ext2_rename(fp, name, strlen(name), tp, to, strlen(to), 0);
	ext2_inode_put(fp);
	ext2_inode_put(tp);
	if (!expect("rename", error, rename_want(n, fdir, tdir, t)) || n == t)
		return;
	nodes[fdir].names[slot].name[0] = 0;
	if (t >= 0) {
		if (nodes[t].type == LX_S_IFDIR)
			nodes[tdir].links--;
		node_drop(t);
	} else {
		tslot = slot_free(tdir);
		strcpy(nodes[tdir].names[tslot].name, to);
	}
	nodes[tdir].names[tslot].node = n;
	if (nodes[n].type == LX_S_IFDIR) {
		nodes[n].parent = tdir;
		nodes[fdir].links--;
		nodes[tdir].links++;
	}
}

static struct ext2_inode *
random_file(struct ext2_fs *fs, int *np)
{
	char name[256];
	int dir, slot = random_entry(&dir, name);
	struct ext2_inode *dp, *ip = NULL;

	if (slot < 0 || nodes[nodes[dir].names[slot].node].type != LX_S_IFREG)
		return NULL;
	*np = nodes[dir].names[slot].node;
	dp = inode_of_dir(fs, dir);
	if (!expect("lookup", ext2_lookup(dp, name, strlen(name), &ip), 0))
		ip = NULL;
	ext2_inode_put(dp);
	return ip;
}

static void
op_write(struct ext2_fs *fs)
{
	static uint8_t buf[DATA_MAX];
	int n, error = 0;
	struct ext2_inode *ip = random_file(fs, &n);
	uint64_t off, len;

	if (ip == NULL)
		return;
	off = rnd(3) == 0 ? nodes[n].size : rnd(rnd(4) == 0 ? DATA_MAX - 1 : 20000);
	if (off >= DATA_MAX)
		off = DATA_MAX - 1;
	len = 1 + rnd(rnd(3) ? 6000 : 60000);
	if (off + len > DATA_MAX)
		len = DATA_MAX - off;
	memset(buf, (int)rnd(256), len);
	if (rnd(2)) {
		error = ext2_data_reserve(ip, off, len);
		/* What was reserved past the end must not show. */
		if (error == 0 && rnd(4) == 0)
			error = ext2_truncate(ip, nodes[n].size);
	}
	if (error == 0)
		error = ext2_data_write(ip, off, buf, len);
	if (expect("write", error, 0)) {
		memcpy(nodes[n].data + off, buf, len);
		if (off + len > nodes[n].size) {
			nodes[n].size = off + len;
			ext2_size_set(ip, nodes[n].size);
		}
	}
	ext2_inode_put(ip);
}

static void
op_truncate(struct ext2_fs *fs)
{
	int n;
	struct ext2_inode *ip = random_file(fs, &n);
	uint64_t size;

	if (ip == NULL)
		return;
	size = rnd(3) == 0 ? 0 : rnd(DATA_MAX);
	if (expect("truncate", ext2_truncate(ip, size), 0)) {
		if (size < nodes[n].size)
			memset(nodes[n].data + size, 0, DATA_MAX - size);
		nodes[n].size = size;
	}
	ext2_inode_put(ip);
}

static void
op_punch(struct ext2_fs *fs)
{
	int n;
	struct ext2_inode *ip = random_file(fs, &n);
	uint64_t first, end;

	if (ip == NULL)
		return;
	first = rnd(DATA_MAX >> fs->fs_bshift);
	end = first + rnd(40);
	if (end > DATA_MAX >> fs->fs_bshift)
		end = DATA_MAX >> fs->fs_bshift;
	if (expect("punch", ext2_punch(ip, first, end), 0) && end > first)
		memset(nodes[n].data + (first << fs->fs_bshift), 0,
		    (end - first) << fs->fs_bshift);
	ext2_inode_put(ip);
}

static bool
count_emit(void *arg, uint32_t ino, const char *name, size_t len, uint8_t type, uint64_t next)
{
	(void)ino;
	(void)name;
	(void)len;
	(void)type;
	(void)next;
	++*(int *)arg;
	return true;
}

static bool
file_same(struct ext2_inode *ip, int n)
{
	static uint8_t buf[DATA_MAX];
	bool hole;

	if (ext2_size(ip) != nodes[n].size || ip->ei_d.i_links_count != nodes[n].links)
		return false;
	if (nodes[n].type == LX_S_IFLNK)
		return ext2_readlink(ip, (char *)buf, sizeof(buf)) == (int)nodes[n].size &&
		    memcmp(buf, nodes[n].data, nodes[n].size) == 0;
	return ext2_data_read(ip, 0, buf, nodes[n].size, &hole) == 0 &&
	    memcmp(buf, nodes[n].data, nodes[n].size) == 0;
}

static bool
tree_same(struct ext2_fs *fs, int dir)
{
	struct ext2_inode *dp = inode_of_dir(fs, dir), *ip;
	int i, count = 0, seen = 0, n;
	uint64_t off = 0;
	bool same = true;

	if (dp == NULL)
		return false;
	if (dir != 0 && dp->ei_d.i_links_count != nodes[dir].links)
		same = false;
	for (i = 0; i < NAMES && same; i++) {
		const char *name = nodes[dir].names[i].name;

		if (name[0] == 0)
			continue;
		count++;
		n = nodes[dir].names[i].node;
		if (ext2_lookup(dp, name, strlen(name), &ip) != 0) {
			same = false;
			break;
		}
		same = (ip->ei_d.i_mode & LX_S_IFMT) == nodes[n].type &&
		    (nodes[n].type == LX_S_IFDIR ? tree_same(fs, n) : file_same(ip, n));
		ext2_inode_put(ip);
	}
	if (ext2_dir_read(dp, &off, count_emit, &seen) != 0 ||
	    seen - 2 - (dir == 0) != count)	/* lost+found */
		same = false;
	ext2_inode_put(dp);
	return same;
}

static void
run_ops(struct ext2_fs *fs, int count)
{
	static void (*const ops[])(struct ext2_fs *) = {
		op_create, op_create, op_create, op_remove, op_remove, op_link, op_rename,
		op_rename, op_write, op_write, op_write, op_write, op_truncate, op_punch,
	};

	while (count-- > 0 && !full && failures == 0)
		ops[rnd(sizeof(ops) / sizeof(ops[0]))](fs);
}

static struct mem_dev *
image_make(const char *options, uint64_t size)
{
	struct mem_dev *m = calloc(1, sizeof(*m));
	char command[500];
	FILE *f;

	(void)snprintf(command, sizeof(command), "rm -f %s/img && truncate -s %llu %s/img && "
	    "mke2fs -q -t ext2 %s %s/img >/dev/null 2>&1", dir_name, (unsigned long long)size,
	    dir_name, options, dir_name);
	if (system(command) != 0) {
		printf("Bail out! mke2fs failed\n");
		exit(1);
	}
	m->bytes = malloc(size);
	(void)snprintf(command, sizeof(command), "%s/img", dir_name);
	f = fopen(command, "rb");
	if (f == NULL || fread(m->bytes, 1, size, f) != size)
		exit(1);
	fclose(f);
	m->dev.dev_size = size;
	m->dev.dev_read = mem_read;
	m->dev.dev_write = mem_write;
	return m;
}

static bool
fsck_clean(struct mem_dev *m)
{
	char command[500];
	FILE *f;
	bool ok;

	(void)snprintf(command, sizeof(command), "%s/img", dir_name);
	f = fopen(command, "wb");
	if (f == NULL || fwrite(m->bytes, 1, m->dev.dev_size, f) != m->dev.dev_size)
		exit(1);
	fclose(f);
	(void)snprintf(command, sizeof(command), "e2fsck -fn %s/img >%s/log 2>&1", dir_name,
	    dir_name);
	ok = system(command) == 0;
	if (!ok) {
		(void)snprintf(command, sizeof(command), "sed 's/^/# /' %s/log", dir_name);
		(void)!system(command);
	}
	return ok;
}

static void
model_reset(void)
{
	int i;

	for (i = 0; i < NODES; i++) {
		free(nodes[i].names);
		free(nodes[i].data);
		memset(&nodes[i], 0, sizeof(nodes[i]));
	}
	full = false;
	nodes[0].used = true;
	nodes[0].type = LX_S_IFDIR;
	nodes[0].names = calloc(NAMES, sizeof(*nodes[0].names));
}

static void
test_model(const char *options, uint64_t size)
{
	struct mem_dev *m = image_make(options, size);
	struct ext2_fs *fs;
	int round;

	for (round = 0; round < 4 && failures == 0; round++) {
		if (round == 0)
			model_reset();
		if (ext2_mount(&m->dev, false, now, &fs) != 0) {
			check(false, "mount (%s)", options);
			break;
		}
		run_ops(fs, 1500);
		if (!full)
			check(tree_same(fs, 0), "model equals image (%s, round %d)", options,
			    round);
		else
			check(true, "image full (%s, round %d)", options, round);
		check(ext2_unmount(fs) == 0, "unmount (%s)", options);
		check(fsck_clean(m), "e2fsck clean (%s, round %d)", options, round);
		if (full)
			break;
	}
	free(m->bytes);
	free(m);
}

static void
walk_all(struct ext2_fs *fs, struct ext2_inode *dir, int depth);

struct walk {
	struct ext2_fs	*fs;
	int		depth;
	int		count;
	uint32_t	inos[64];
};

static bool
walk_emit(void *arg, uint32_t ino, const char *name, size_t len, uint8_t type, uint64_t next)
{
	struct walk *w = arg;

	(void)type;
	(void)next;
	if (name[0] == '.' && len <= 2)
		return true;
	w->inos[w->count++] = ino;
	return w->count < 64;
}

static void
walk_all(struct ext2_fs *fs, struct ext2_inode *dir, int depth)
{
	static uint8_t buf[65536];
	struct walk w = { .fs = fs, .depth = depth };
	struct ext2_inode *ip;
	uint64_t off = 0, next;
	bool hole;
	int i;

	(void)ext2_dir_read(dir, &off, walk_emit, &w);
	for (i = 0; i < w.count && depth < 4; i++) {
		if (ext2_inode_get(fs, w.inos[i], &ip) != 0)
			continue;
		switch (ip->ei_d.i_mode & LX_S_IFMT) {
		case LX_S_IFDIR:
			if (rnd(3) == 0 || depth < 2)
				walk_all(fs, ip, depth + 1);
			break;
		case LX_S_IFLNK:
			(void)ext2_readlink(ip, (char *)buf, 4096);
			break;
		default:
			(void)ext2_data_read(ip, rnd(100000), buf, sizeof(buf), &hole);
			(void)ext2_seek(ip, 0, rnd(2), &next);
			if (rnd(4) == 0)
				(void)ext2_truncate(ip, rnd(5000));
			if (rnd(4) == 0)
				(void)ext2_data_write(ip, rnd(200000), buf, 5000);
		}
		ext2_inode_put(ip);
	}
}

static void
hostile_changes(struct ext2_inode *root)
{
	struct ext2_inode *ip;
	char name[256], other[256];
	int i;

	for (i = 0; i < 60; i++) {
		random_name(name);
		random_name(other);
		switch (rnd(6)) {
		case 0:
			if (ext2_create(root, name, strlen(name), rnd(2) ? LX_S_IFREG | 0600 :
			    LX_S_IFDIR | 0700, 0, 0, 0, &ip) == 0)
				ext2_inode_put(ip);
			break;
		case 1:
			(void)ext2_unlink(root, name, strlen(name));
			break;
		case 2:
			(void)ext2_rmdir(root, name, strlen(name));
			break;
		case 3:
			if (ext2_lookup(root, name, strlen(name), &ip) == 0) {
				(void)ext2_rename(root, other, strlen(other), ip, name,
				    strlen(name), 0);
				ext2_inode_put(ip);
			}
			break;
		default:
			(void)ext2_rename(root, name, strlen(name), root, other,
			    strlen(other), 0);
		}
	}
}

static void
damage(struct mem_dev *m, uint32_t bsize)
{
	uint64_t meta = m->dev.dev_size / 4, off;
	uint32_t i, tries, n = 1 + rnd(40);

	for (i = 0; i < n; i++) {
		switch (rnd(4)) {
		case 0:		/* superblock and descriptors */
			off = 1024 + rnd(bsize == 1024 ? 2048 : 8192);
			break;
		case 1:
			off = rnd((uint32_t)m->dev.dev_size);
			break;
		default:
			off = rnd((uint32_t)meta);
			/* Where something stands: inodes, entries, block numbers, bitmaps. */
			for (tries = 0; tries < 200 && m->bytes[off] == 0; tries++)
				off = rnd((uint32_t)meta);
		}
		m->bytes[off] = (uint8_t)(rnd(3) ? rnd(256) : (rnd(2) ? 0xff : 0));
	}
}

static void
test_hostile(const char *options, uint64_t size, uint32_t bsize, int count)
{
	struct mem_dev *m = image_make(options, size), copy;
	struct ext2_inode *root;
	struct ext2_fs *fs;
	unsigned long worst = 0;
	int mounted = 0, i;

	model_reset();
	if (ext2_mount(&m->dev, false, now, &fs) != 0)
		exit(1);
	run_ops(fs, 1500);
	(void)ext2_unmount(fs);
	copy = *m;
	copy.bytes = malloc(size);
	for (i = 0; i < count; i++) {
		memcpy(copy.bytes, m->bytes, size);
		damage(&copy, bsize);
		dev_calls = 0;
		if (ext2_mount(&copy.dev, false, now, &fs) != 0)
			continue;
		mounted++;
		if (ext2_inode_get(fs, EXT2_ROOT_INO, &root) == 0) {
			if ((root->ei_d.i_mode & LX_S_IFMT) == LX_S_IFDIR) {
				walk_all(fs, root, 0);
				hostile_changes(root);
			}
			ext2_inode_put(root);
		}
		if (ext2_unmount(fs) != 0)
			check(false, "damaged image %d (%s): something is still in use", i,
			    options);
		if (dev_calls > worst)
			worst = dev_calls;
	}
	check(mounted > count / 10 && worst < 100000,
	    "%d of %d damaged images mounted and survived, at most %lu device calls", mounted,
	    count, worst);
	free(copy.bytes);
	free(m->bytes);
	free(m);
}

/* Files a reference tool wrote are read, and the other way round. */
static void
test_orphan(void)
{
	struct mem_dev *m = image_make("-b 1024", 4 << 20);
	struct ext2_inode *root, *ip;
	struct ext2_fs *fs;
	uint8_t buf[3000] = { 1 };
	uint32_t blocks;
	bool hole;

	if (ext2_mount(&m->dev, false, now, &fs) != 0)
		exit(1);
	(void)ext2_inode_get(fs, EXT2_ROOT_INO, &root);
	blocks = fs->fs_super.s_free_blocks_count;
	(void)ext2_create(root, "f", 1, LX_S_IFREG | 0600, 0, 0, 0, &ip);
	(void)ext2_data_write(ip, 0, buf, sizeof(buf));
	ext2_size_set(ip, sizeof(buf));
	(void)ext2_unlink(root, "f", 1);
	check(ext2_data_read(ip, 0, buf, sizeof(buf), &hole) == 0 && buf[0] == 1,
	    "unlinked open file is readable");
	check(ext2_link(root, "g", 1, ip) == -LX_ENOENT, "unlinked file cannot be linked");
	ext2_inode_put(ip);
	check(fs->fs_super.s_free_blocks_count == blocks, "last close frees the blocks");
	(void)ext2_create(root, "d", 1, LX_S_IFDIR | 0700, 0, 0, 0, &ip);
	(void)ext2_rmdir(root, "d", 1);
	check(ext2_create(ip, "x", 1, LX_S_IFREG | 0600, 0, 0, 0, &ip) == -LX_ENOENT,
	    "no file in a removed directory");
	ext2_inode_put(ip);
	(void)ext2_create(root, "a", 1, LX_S_IFDIR | 0700, 0, 0, 0, &ip);
	ext2_inode_put(ip);
	(void)ext2_create(root, "b", 1, LX_S_IFREG | 0600, 0, 0, 0, &ip);
	ext2_inode_put(ip);
	check(ext2_rename(root, "a", 1, root, "b", 1, LX_RENAME_NOREPLACE) == -LX_EEXIST,
	    "NOREPLACE keeps the target");
	check(ext2_rename(root, "a", 1, root, "b", 1, LX_RENAME_EXCHANGE) == 0, "EXCHANGE");
	check(ext2_lookup(root, "b", 1, &ip) == 0 && (ip->ei_d.i_mode & LX_S_IFMT) ==
	    LX_S_IFDIR, "EXCHANGE swaps the types");
	ext2_inode_put(ip);
	ext2_inode_put(root);
	check(ext2_unmount(fs) == 0 && fsck_clean(m), "e2fsck clean after orphans");
	free(m->bytes);
	free(m);
}

int
main(int argc, char **argv)
{
	char command[100];

	rng = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261121;
	printf("# seed %llu\n", (unsigned long long)rng);
	if (mkdtemp(dir_name) == NULL)
		return 1;
	test_orphan();
	test_model("-b 1024 -I 128", 8 << 20);
	test_model("-b 1024 -I 256 -O ^dir_index", 24 << 20);
	test_model("-b 4096 -I 256", 32 << 20);
	test_model("-b 2048 -O ^filetype,^sparse_super,^resize_inode", 16 << 20);
	test_model("-b 1024 -N 64", 2 << 20);
	test_hostile("-b 1024", 4 << 20, 1024, 150);
	test_hostile("-b 4096", 8 << 20, 4096, 150);
	model_reset();
	free(nodes[0].names);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir_name);
	(void)!system(command);
	printf("1..%d\n", tests);
	return failures != 0;
}
