/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux x86-64 interface as the Unix server sees it: numbers and layouts only.
 *
 * The names carry the prefix LX_ (constants) and lx_ (structures), because the C library under
 * the server has its own idea of what EAGAIN or struct stat is.  Functions of the server return
 * 0 (or a count) on success and -LX_E... on failure.
 */
#ifndef UNIX_LINUX_H
#define UNIX_LINUX_H

#include <stdint.h>

#define LX_EPERM	1
#define LX_ENOENT	2
#define LX_ESRCH	3
#define LX_EINTR	4
#define LX_EIO		5
#define LX_ENXIO	6
#define LX_E2BIG	7
#define LX_ENOEXEC	8
#define LX_EBADF	9
#define LX_ECHILD	10
#define LX_EAGAIN	11
#define LX_ENOMEM	12
#define LX_EACCES	13
#define LX_EFAULT	14
#define LX_ENOTBLK	15
#define LX_EBUSY	16
#define LX_EEXIST	17
#define LX_EXDEV	18
#define LX_ENODEV	19
#define LX_ENOTDIR	20
#define LX_EISDIR	21
#define LX_EINVAL	22
#define LX_ENFILE	23
#define LX_EMFILE	24
#define LX_ENOTTY	25
#define LX_ETXTBSY	26
#define LX_EFBIG	27
#define LX_ENOSPC	28
#define LX_ESPIPE	29
#define LX_EROFS	30
#define LX_EMLINK	31
#define LX_EPIPE	32
#define LX_EDOM		33
#define LX_ERANGE	34
#define LX_EDEADLK	35
#define LX_ENAMETOOLONG	36
#define LX_ENOLCK	37
#define LX_ENOSYS	38
#define LX_ENOTEMPTY	39
#define LX_ELOOP	40
#define LX_ENODATA	61
#define LX_EOVERFLOW	75
#define LX_ENOTSOCK	88
#define LX_EPROTONOSUPPORT 93
#define LX_EOPNOTSUPP	95
#define LX_EAFNOSUPPORT	97
#define LX_ECONNRESET	104
#define LX_ETIMEDOUT	110
#define LX_ECONNREFUSED	111
#define LX_EUCLEAN	117
/* Never seen by a program: the emulation library restarts the call or turns it into EINTR. */
#define LX_ERESTARTSYS		512
#define LX_ERESTARTNOINTR	513
#define LX_ERESTARTNOHAND	514
#define LX_ERESTART_RESTARTBLOCK 516

#define LX_O_ACCMODE	03
#define LX_O_RDONLY	0
#define LX_O_WRONLY	01
#define LX_O_RDWR	02
#define LX_O_CREAT	0100
#define LX_O_EXCL	0200
#define LX_O_NOCTTY	0400
#define LX_O_TRUNC	01000
#define LX_O_APPEND	02000
#define LX_O_NONBLOCK	04000
#define LX_O_DSYNC	010000
#define LX_O_ASYNC	020000
#define LX_O_DIRECT	040000
#define LX_O_LARGEFILE	0100000
#define LX_O_DIRECTORY	0200000
#define LX_O_NOFOLLOW	0400000
#define LX_O_NOATIME	01000000
#define LX_O_CLOEXEC	02000000
#define LX_O_SYNC	04010000
#define LX_O_PATH	010000000
#define LX_O_TMPFILE	(020000000 | LX_O_DIRECTORY)

#define LX_S_IFMT	0170000
#define LX_S_IFSOCK	0140000
#define LX_S_IFLNK	0120000
#define LX_S_IFREG	0100000
#define LX_S_IFBLK	0060000
#define LX_S_IFDIR	0040000
#define LX_S_IFCHR	0020000
#define LX_S_IFIFO	0010000
#define LX_S_ISUID	04000
#define LX_S_ISGID	02000
#define LX_S_ISVTX	01000

#define LX_DT_UNKNOWN	0
#define LX_DT_FIFO	1
#define LX_DT_CHR	2
#define LX_DT_DIR	4
#define LX_DT_BLK	6
#define LX_DT_REG	8
#define LX_DT_LNK	10
#define LX_DT_SOCK	12

#define LX_AT_FDCWD		(-100)
#define LX_AT_SYMLINK_NOFOLLOW	0x100
#define LX_AT_EACCESS		0x200
#define LX_AT_REMOVEDIR		0x200
#define LX_AT_SYMLINK_FOLLOW	0x400
#define LX_AT_NO_AUTOMOUNT	0x800
#define LX_AT_EMPTY_PATH	0x1000
#define LX_AT_STATX_SYNC_TYPE	0x6000

#define LX_RENAME_NOREPLACE	1
#define LX_RENAME_EXCHANGE	2
#define LX_RENAME_WHITEOUT	4

#define LX_SEEK_SET	0
#define LX_SEEK_CUR	1
#define LX_SEEK_END	2
#define LX_SEEK_DATA	3
#define LX_SEEK_HOLE	4

#define LX_UTIME_NOW	0x3fffffffL
#define LX_UTIME_OMIT	0x3ffffffeL

#define LX_PATH_MAX	4096
#define LX_NAME_MAX	255
#define LX_LINK_MAX	32000
#define LX_SYMLOOP_MAX	40
#define LX_PIPE_BUF	4096

#define LX_F_DUPFD	0
#define LX_F_GETFD	1
#define LX_F_SETFD	2
#define LX_F_GETFL	3
#define LX_F_SETFL	4
#define LX_F_GETLK	5
#define LX_F_SETLK	6
#define LX_F_SETLKW	7
#define LX_F_SETOWN	8
#define LX_F_GETOWN	9
#define LX_F_SETSIG	10
#define LX_F_GETSIG	11
#define LX_F_SETOWN_EX	15
#define LX_F_GETOWN_EX	16
#define LX_F_OFD_GETLK	36
#define LX_F_OFD_SETLK	37
#define LX_F_OFD_SETLKW	38
#define LX_F_DUPFD_CLOEXEC 1030
#define LX_F_SETPIPE_SZ	1031
#define LX_F_GETPIPE_SZ	1032
#define LX_F_RDLCK	0
#define LX_F_WRLCK	1
#define LX_F_UNLCK	2
#define LX_LOCK_SH	1
#define LX_LOCK_EX	2
#define LX_LOCK_NB	4
#define LX_LOCK_UN	8

#define LX_POLLIN	0x001
#define LX_POLLPRI	0x002
#define LX_POLLOUT	0x004
#define LX_POLLERR	0x008
#define LX_POLLHUP	0x010
#define LX_POLLNVAL	0x020
#define LX_POLLRDNORM	0x040
#define LX_POLLRDBAND	0x080
#define LX_POLLWRNORM	0x100
#define LX_POLLWRBAND	0x200
#define LX_POLLRDHUP	0x2000

#define LX_TCGETS	0x5401
#define LX_TCSETS	0x5402
#define LX_TCSETSW	0x5403
#define LX_TCSETSF	0x5404
#define LX_TCSBRK	0x5409
#define LX_TCXONC	0x540a
#define LX_TCFLSH	0x540b
#define LX_TIOCEXCL	0x540c
#define LX_TIOCNXCL	0x540d
#define LX_TIOCSCTTY	0x540e
#define LX_TIOCGPGRP	0x540f
#define LX_TIOCSPGRP	0x5410
#define LX_TIOCOUTQ	0x5411
#define LX_TIOCSTI	0x5412
#define LX_TIOCGWINSZ	0x5413
#define LX_TIOCSWINSZ	0x5414
#define LX_FIONREAD	0x541b
#define LX_TIOCPKT	0x5420
#define LX_FIONBIO	0x5421
#define LX_TIOCNOTTY	0x5422
#define LX_TIOCSETD	0x5423
#define LX_TIOCGETD	0x5424
#define LX_TCSBRKP	0x5425
#define LX_TIOCGSID	0x5429
#define LX_TIOCGPTN	0x80045430u
#define LX_TIOCSPTLCK	0x40045431u
#define LX_TIOCGPTLCK	0x80045439u
#define LX_TIOCGPTPEER	0x5441
#define LX_FIONCLEX	0x5450
#define LX_FIOCLEX	0x5451
#define LX_FIOASYNC	0x5452
#define LX_FICLONE	0x40049409u
#define LX_BLKGETSIZE	0x1260
#define LX_BLKSSZGET	0x1268
#define LX_BLKGETSIZE64	0x80081272u
#define LX_FS_IOC_GETFLAGS 0x80086601u

#define LX_SIGHUP	1
#define LX_SIGINT	2
#define LX_SIGQUIT	3
#define LX_SIGKILL	9
#define LX_SIGPIPE	13
#define LX_SIGCHLD	17
#define LX_SIGCONT	18
#define LX_SIGSTOP	19
#define LX_SIGTSTP	20
#define LX_SIGTTIN	21
#define LX_SIGTTOU	22
#define LX_SIGXFSZ	25
#define LX_SIGWINCH	28
#define LX_SIGIO	29

struct lx_timespec {
	int64_t		tv_sec;
	int64_t		tv_nsec;
};

struct lx_stat {
	uint64_t	st_dev;
	uint64_t	st_ino;
	uint64_t	st_nlink;
	uint32_t	st_mode;
	uint32_t	st_uid;
	uint32_t	st_gid;
	uint32_t	st_pad0;
	uint64_t	st_rdev;
	int64_t		st_size;
	int64_t		st_blksize;
	int64_t		st_blocks;
	struct lx_timespec st_atim;
	struct lx_timespec st_mtim;
	struct lx_timespec st_ctim;
	int64_t		st_unused[3];
};
_Static_assert(sizeof(struct lx_stat) == 144, "struct stat");

struct lx_statfs {
	int64_t		f_type;
	int64_t		f_bsize;
	uint64_t	f_blocks;
	uint64_t	f_bfree;
	uint64_t	f_bavail;
	uint64_t	f_files;
	uint64_t	f_ffree;
	int32_t		f_fsid[2];
	int64_t		f_namelen;
	int64_t		f_frsize;
	int64_t		f_flags;
	int64_t		f_spare[4];
};
_Static_assert(sizeof(struct lx_statfs) == 120, "struct statfs");

struct lx_dirent64 {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

struct lx_flock {
	int16_t		l_type;
	int16_t		l_whence;
	int64_t		l_start;
	int64_t		l_len;
	int32_t		l_pid;
};

#define LX_NCCS 19
struct lx_termios {
	uint32_t	c_iflag;
	uint32_t	c_oflag;
	uint32_t	c_cflag;
	uint32_t	c_lflag;
	uint8_t		c_line;
	uint8_t		c_cc[LX_NCCS];
};
_Static_assert(sizeof(struct lx_termios) == 36, "struct termios");

struct lx_winsize {
	uint16_t	ws_row;
	uint16_t	ws_col;
	uint16_t	ws_xpixel;
	uint16_t	ws_ypixel;
};

struct lx_pollfd {
	int32_t		fd;
	int16_t		events;
	int16_t		revents;
};

static inline uint64_t
lx_makedev(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | ((uint64_t)(major & 0xfff) << 8) |
	    ((uint64_t)(minor & ~0xffu) << 12) | ((uint64_t)(major & ~0xfffu) << 32);
}

static inline uint32_t
lx_major(uint64_t dev)
{
	return ((dev >> 8) & 0xfff) | ((dev >> 32) & ~0xfffu);
}

static inline uint32_t
lx_minor(uint64_t dev)
{
	return (dev & 0xff) | ((dev >> 12) & ~0xffu);
}

#endif
