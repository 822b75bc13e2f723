/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the Unix server and the emulation library agree on besides unix.defs: the address layout
 * of a process, the pages they share, the header of the library's image, restart codes.
 * docs/unix.md explains; this file decides.
 *
 * TRUST    The server believes nothing that a process can write.  Of a share page it reads only
 *          us_mask, and the offsets of lent files; lies there harm nobody but the liar, and who
 *          shares the offset with it.
 */
#ifndef UNIX_PROTOCOL_H
#define UNIX_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

typedef char		*unix_bulk_t;
typedef char		*unix_small_t;
typedef char		*unix_data_t;
typedef char		*unix_path_t;
typedef char		*unix_polls_t;
typedef char		unix_stat_t[144];
typedef char		unix_statfs_t[120];
typedef char		unix_rusage_t[144];
typedef char		unix_siginfo_t[128];
typedef uint32_t	*unix_groups_t;
typedef char		unix_name_t[64];
typedef const char	*const_unix_name_t;

#define UNIX_INLINE_MAX		8192
#define UNIX_BULK_MAX		(1024 * 1024)	/* of one bulk read or write */

/* Results below zero that no program sees. */
#define UNIX_ERESTARTSYS	512	/* restart if SA_RESTART or no handler ran */
#define UNIX_ERESTARTNOINTR	513	/* always restart */
#define UNIX_ERESTARTNOHAND	514	/* restart only if no handler ran */

/* -- Address layout of a process. -- */

#define UNIX_LOW_END		0x10000ull		/* nothing is ever mapped below */
#define UNIX_EMUL_BASE		0x7f0000000000ull	/* first byte of the library's window */
#define UNIX_EMUL_END		0x7f0020000000ull
/* In the window: */
#define UNIX_EMUL_IMAGE		UNIX_EMUL_BASE		/* the image, at most 8 MiB */
#define UNIX_EMUL_TIME		0x7f0000800000ull	/* read-only: kernel mapped time page */
#define UNIX_EMUL_SYSTEM	0x7f0000801000ull	/* read-only: struct unix_system */
#define UNIX_EMUL_SHARE		0x7f0000810000ull	/* struct unix_share of the process */
#define UNIX_EMUL_SHARE_VFORK	0x7f0000820000ull	/* of vfork children: 15 places of 64 KiB */
#define UNIX_EMUL_BLOCKS	0x7f0001000000ull	/* thread blocks, then free for the library */
#define UNIX_EMUL_FILES		0x7f0010000000ull	/* windows on lent files, one for each cell */
#define UNIX_FILE_WINDOW	0x1000000ull		/* from one to the next */
/* Program memory: brk after the program, mmap down from here, stack above. */
#define UNIX_MMAP_TOP		0x7ffff7fff000ull
#define UNIX_MMAP_BOTTOM	0x7f1000000000ull
#define UNIX_STACK_TOP		0x7ffffffff000ull
#define UNIX_STACK_SIZE		(8ull << 20)
#define UNIX_PIE_BASE		0x555555554000ull
#define UNIX_INTERP_BASE	0x7ffff7fc0000ull

/*
 * The block of a thread: its library stack with the library's thread structure at the top page.
 * The GS base points at the thread structure.  The server makes the first thread's at exec; the
 * library makes the others and tells unix_proc_clone.
 */
#define UNIX_BLOCK_SIZE		0x10000ull		/* lowest page: no access */
#define UNIX_BLOCK_TCB		0xf000ull		/* the thread structure's page */

/* -- The system page: one for all, written by the server. -- */

struct unix_system {
	uint32_t	uy_version;		/* 1 */
	uint32_t	uy_cpus;
	uint64_t	uy_tsc_hz;		/* 0: the TSC is not to be used */
	uint64_t	uy_tsc_base;		/* TSC at monotonic time uy_tsc_time */
	int64_t		uy_tsc_time;		/* ns */
	int64_t		uy_boot_time;		/* realtime - monotonic, ns; see uy_time_sequence */
	uint32_t	uy_time_sequence;	/* odd while the clock is being set */
	uint32_t	uy_pad;
	uint64_t	uy_memory;		/* bytes of memory */
	uint32_t	uy_name_sequence;
	char		uy_hostname[65];
	char		uy_domainname[65];
	char		uy_release[65];
	char		uy_build[65];		/* the version field of uname */
};

/* -- The share pages of a process: written by the server but for us_mask. -- */

struct unix_slot {
	uint64_t	us_mask;	/* library: blocked signals of the thread */
	uint64_t	us_pending;	/* server: signals waiting for the thread or process */
	uint64_t	us_rip;		/* server: where the diverted program was */
	int32_t		us_tid;
	uint32_t	us_port;	/* name of the send right for requests */
	uint32_t	us_flags;
	int32_t		us_fault_sig;	/* nonzero: the diversion is for this fault */
	int32_t		us_fault_code;
	int32_t		us_fault_trap;
	uint64_t	us_fault_address;
	uint64_t	us_fault_error;
	uint64_t	us_reserved[8];
};
_Static_assert(sizeof(struct unix_slot) == 128, "one slot is two cache lines");

/*
 * What the library may do alone with a descriptor: kind, access, and for a lent file the number
 * of its cell.  Only the server writes it; 0: ask.
 */
#define UNIX_FD_NULL		1	/* reads end of file, takes all */
#define UNIX_FD_ZERO		2	/* reads zeros, takes all */
#define UNIX_FD_FILE		3	/* regular file, lent: see struct unix_cell */
#define UNIX_FD_KIND		0x0f
#define UNIX_FD_READ		0x10
#define UNIX_FD_WRITE		0x20
#define UNIX_FD_CELL(word)	((word) >> 8)

/*
 * A lent open file description: while only one process has it, its position is here, and the
 * library reads the file's pages itself.  The position is changed by one compare-and-exchange
 * of the whole word, after the data was copied: if that fails, the copy counts for nothing.
 * HELD: the server is at it, or another process shares it: ask.  NOTE: the file was changed; the
 * next read is the server's, who keeps the access time.
 */
struct unix_cell {
	uint64_t	uc_position;	/* offset, generation, NOTE and HELD */
	uint64_t	uc_size;	/* of the file */
	uint64_t	uc_window;	/* where the file's byte uc_base is mapped */
	uint64_t	uc_base;
	uint64_t	uc_length;	/* bytes mapped */
	uint64_t	uc_reserved[3];
};
_Static_assert(sizeof(struct unix_cell) == 64, "one cell is one cache line");

#define UNIX_CELL_OFFSET	0x0000ffffffffffffull
#define UNIX_CELL_GENERATION	0x3fff000000000000ull
#define UNIX_CELL_GENERATION_SHIFT 48
#define UNIX_CELL_NOTE		0x4000000000000000ull
#define UNIX_CELL_HELD		0x8000000000000000ull

#define UNIX_SHARE_SIZE		0x8000		/* eight pages, used lazily */
#define UNIX_SHARE_FDS		128
#define UNIX_SHARE_CELLS	16
#define UNIX_SHARE_SLOTS	244

struct unix_share {
	int32_t		uh_pid;
	int32_t		uh_ppid;
	int32_t		uh_pgid;
	int32_t		uh_sid;
	uint32_t	uh_uid, uh_euid, uh_gid, uh_egid;
	uint64_t	uh_brk_start;	/* end of the program's data */
	uint64_t	uh_exec;	/* counts execs */
	uint64_t	uh_stack_limit;	/* RLIMIT_STACK at exec */
	uint64_t	uh_ignored;	/* ignored signals inherited by exec */
	uint64_t	uh_code_start, uh_code_end;
	uint32_t	uh_threads;	/* of the process */
	uint32_t	uh_pad;
	uint64_t	uh_reserved[21];
	uint16_t	uh_fds[UNIX_SHARE_FDS];	/* UNIX_FD_* of the first descriptors */
	struct unix_cell uh_cells[UNIX_SHARE_CELLS];
	struct unix_slot uh_slots[UNIX_SHARE_SLOTS];
};
_Static_assert(offsetof(struct unix_share, uh_fds) == 256, "share header");
_Static_assert(offsetof(struct unix_share, uh_slots) % 128 == 0, "slots in their lines");
_Static_assert(sizeof(struct unix_share) == UNIX_SHARE_SIZE, "share pages");

/* -- The image of the library: this stands at UNIX_EMUL_IMAGE. -- */

#define UNIX_EMUL_MAGIC		0x74736e72456c756dull
#define UNIX_EMUL_VERSION	2

struct unix_emul_header {
	uint64_t	ue_magic;
	uint32_t	ue_version;
	uint32_t	ue_size;	/* of this header */
	uint64_t	ue_syscall;	/* emulation vector: every redirected call comes here */
	uint64_t	ue_exec;	/* first instruction of a new program image */
	uint64_t	ue_child;	/* first instruction of a cloned thread */
	uint64_t	ue_signal;	/* a program interrupted by a signal or its own fault */
	uint64_t	ue_text_start;	/* code of the library */
	uint64_t	ue_text_end;
	uint64_t	ue_exit_start;	/* the way out: restartable from its start */
	uint64_t	ue_exit_end;
	uint64_t	ue_wait_start;	/* check pending, then trap: interrupted here it ... */
	uint64_t	ue_wait_end;	/* (address after the trap instruction) */
	uint64_t	ue_wait_fixup;	/* ... continues here, with the trap not done */
	uint64_t	ue_fixups;	/* struct unix_fixup[]: faults on program addresses */
	uint64_t	ue_fixups_end;
	uint64_t	ue_vdso;	/* ELF image that programs are told of (AT_SYSINFO_EHDR) */
};

struct unix_fixup {
	uint64_t	uf_start;	/* instructions that may fault */
	uint64_t	uf_end;
	uint64_t	uf_target;	/* where to continue; no register changes */
};

/* unix_proc_setids */
#define UNIX_SETUID	1
#define UNIX_SETGID	2
#define UNIX_SETREUID	3
#define UNIX_SETREGID	4
#define UNIX_SETRESUID	5
#define UNIX_SETRESGID	6
#define UNIX_SETFSUID	7
#define UNIX_SETFSGID	8

#endif
