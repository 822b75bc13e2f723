/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulation library: what its files share. Handlers of calls are named emul_NAME, take the call's six arguments
 * as they stand in the registers, and return the Linux result (-errno).
 *
 * LOCKS  emul_space.es_lock alone: address space layout. Held across at most one request of the server.
 */
#ifndef EMUL_EMUL_H
#define EMUL_EMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/gsync.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include "linux.h"
#include "sigset.h"
#include "tcb.h"
#include "unix.user.h"

#define EMUL_PAGE	4096ull
#define EMUL_PATH_MAX	LX_PATH_MAX
#define page_up(x)	(((x) + EMUL_PAGE - 1) & ~(EMUL_PAGE - 1))

typedef long (*emul_call_t)(long, long, long, long, long, long);

#define EMUL_SIG_DFL		0ull
#define EMUL_SIG_IGN		1ull
#define EMUL_SA_NOCLDSTOP	0x1u
#define EMUL_SA_NOCLDWAIT	0x2u
#define EMUL_SA_SIGINFO		0x4u
#define EMUL_SA_ONSTACK		0x08000000u
#define EMUL_SA_RESTART		0x10000000u
#define EMUL_SA_NODEFER		0x40000000u
#define EMUL_SA_RESETHAND	0x80000000u
#define EMUL_SA_RESTORER	0x04000000u

/* as rt_sigaction passes it */
struct emul_sigaction {
	uint64_t	sa_handler;
	uint64_t	sa_flags;
	uint64_t	sa_restorer;
	uint64_t	sa_mask;
};

/* What belongs to a process: a vfork child has its own in the parent's address space. */
struct emul_process {
	struct unix_share	*ep_share;
	uint64_t		 ep_ignored, ep_caught;		/* as last told to the server */
	struct emul_sigaction	 ep_actions[SIG_MAX + 1];	/* by signal number */
	char			 ep_name[16];			/* PR_SET_NAME */
	uint64_t		 ep_child_flags;	/* SA_NOCLDWAIT 1, SA_NOCLDSTOP 2, as last told */
};

/* What belongs to the address space. */
struct emul_space {
	uint32_t	es_lock;		/* 0 free, else the holder << 1, and 1 when waited for */
	uint64_t	es_brk;			/* current break */
	uint64_t	es_brk_start;
	uint64_t	es_mmap_hint;		/* mappings are placed below it first */
	uint64_t	es_blocks[60];		/* bit n: thread block n is in use (3,840 of them) */
	uint32_t	es_clones;		/* counts clones into this space */
	uint32_t	es_announce[60 * 64];	/* by block: the clone's count << 2, and how far its tid is told (exec.c) */
	uint32_t	es_forks;		/* counts forks on the way to this space */
	/* by block: left by its last thread, and of this space if es_forks is the same */
	struct { uint32_t port, forks; } es_reply_ports[60 * 64];
};

extern struct emul_space emul_space;
extern const emul_call_t emul_calls[];
extern uint64_t emul_xstate_mask;		/* XCR0; 0: only FXSAVE */
extern uint32_t emul_xstate_size;

/* entry.S */
long	emul_copy(void *to, const void *from, size_t);
size_t	emul_copy_some(void *to, const void *from, size_t);
size_t	emul_zero_some(void *to, size_t);
long	emul_strlen(const char *, size_t max);
long	emul_cmpxchg(uint32_t *, uint32_t old, uint32_t new, uint32_t *was);
int	emul_wait_msg(mach_msg_header_t *, int option, unsigned send_size, unsigned rcv_size, unsigned rcv_name,
	    unsigned timeout, unsigned notify);
int	emul_wait_gsync(uint64_t address, unsigned value, unsigned value2, unsigned ms, int flags);
long	emul_xsave(void *, uint64_t mask);
long	emul_xrstor(const void *, uint64_t mask);
long	emul_fxsave(void *);
long	emul_fxrstor(const void *);

/* rpc.c */
extern mach_port_t mach_task_self_;		/* forgotten and asked again after fork */
void	*memcpy(void *, const void *, size_t);
void	*memset(void *, int, size_t);
size_t	 strlen(const char *);
mach_port_t	emul_call_port(void);		/* the thread's request port */
/* *result of a request that got through; by address, because it is read after the request */
long		emul_result(kern_return_t, const int64_t *result);

/* dispatch.c */
long	emul_unknown_call(long, long, long, long, long, long);
long	emul_unsupported(const char *kind, long value, long error);	/* counts, returns -error */

/* path arguments: program string -> buf; => length or -errno */
long	emul_path(const char *program, char buf[EMUL_PATH_MAX]);

/* local.c: what needs no server; EMUL_ASK: it does.  offset -1: the position */
#define EMUL_ASK	INT64_MIN
long	emul_local_read(long fd, char *to, long count, long offset);
long	emul_local_write(long fd, const char *from, long count);
long	emul_local_seek(long fd, long offset, long whence);

/* space.c */
void	emul_space_lock(void);
void	emul_space_unlock(void);
/* => the thread of that block runs no more in this space */
void	emul_space_unlock_dead(uint64_t block);
int	emul_prot(long linux_prot);
long	emul_kern_errno(kern_return_t);
/* the first mapping at or after *address; false: none */
bool	emul_region(uint64_t *address, uint64_t *size);
uint64_t emul_find_gap(uint64_t length);	/* => es_lock held; 0: none */
uint64_t emul_block_alloc(void);		/* a thread block, zeroed, lowest page closed; 0: none */
void	emul_block_free(uint64_t address, bool unmap);
void	emul_block_forget_others(uint64_t keep);	/* after fork */

/* signal.c, frame.c */
void	emul_interrupted(long result);
void	emul_deliver(void);
void	emul_signal_fault(struct tcb *);
long	emul_frame_push(struct tcb *, const struct emul_sigaction *, const struct lx_siginfo *, uint64_t mask,
	    uint64_t trapno, uint64_t error, uint64_t cr2);
void	emul_mask_set(struct tcb *, uint64_t mask);
/* install a mask for the duration of a call; emul_interrupted restores or hands it to the frame */
void	emul_mask_swap(struct tcb *, uint64_t mask);
void	emul_mask_restore(struct tcb *);

/* clock.c */
int64_t	emul_monotonic_ns(void);
int64_t	emul_realtime_ns(void);
/* relative or absolute timespec of the program to a deadline in monotonic ns; -errno, or >= 0 */
int64_t	emul_deadline(const struct lx_timespec *, bool absolute, bool realtime);

/* exec.c */
void	emul_set_fs_base(uint64_t);

#endif
