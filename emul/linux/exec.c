/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a program and a cloned thread begin, and everything that makes them: exec, clone, exit. */
#include <mach/machine/thread_status.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/thread_switch.h>
#include "emul.h"

#define CLONE_VM		0x100ul
#define CLONE_SIGHAND		0x800ul
#define CLONE_VFORK		0x4000ul
#define CLONE_THREAD		0x10000ul
#define CLONE_SETTLS		0x80000ul
#define CLONE_PARENT_SETTID	0x100000ul
#define CLONE_CHILD_CLEARTID	0x200000ul
#define CLONE_CHILD_SETTID	0x1000000ul
#define CLONE_CLEAR_SIGHAND	0x100000000ul
#define CLONE_NAMESPACES	0x7e020000ul	/* new namespaces of every kind */
#define EXEC_MAX		(2ul << 20)	/* bytes of arguments and environment */

struct clone_args { uint64_t flags, stack, parent_tid, child_tid, tls; };

enum emul_child { CHILD_FORK, CHILD_PROCESS, CHILD_THREAD };

static struct emul_process first_process;

uint64_t emul_xstate_mask;
uint32_t emul_xstate_size = 512;
static bool has_fsgsbase;

extern mach_port_t emul_task_self_trap(void);

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

/* what the processor saves in frames: all that XCR0 has, if it fits the thread's page; else the legacy state */
static void find_xstate(void)
{
	uint32_t r[4], low, high;

	cpuid(7, 0, r);
	has_fsgsbase = r[1] & 1;
	cpuid(1, 0, r);
	if (!(r[2] >> 27 & 1))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpuid(0xd, 0, r);
	if (r[1] > TCB_XSTATE_MAX) {
		low &= 7;	/* x87, SSE, AVX: 832 bytes */
		high = 0;
		r[1] = 832;
	}
	emul_xstate_mask = (uint64_t)high << 32 | low;
	emul_xstate_size = r[1];
}

void emul_set_fs_base(uint64_t base)
{
	struct tcb *t = tcb_self();

	t->t_fs_base = base;
	if (has_fsgsbase) {
		__asm__ volatile("wrfsbase %0" :: "r"(base));
		return;
	}
	struct i386_fsgs_base_state state = { .fs_base = base, .gs_base = (uint64_t)t };
	thread_set_self_state(i386_FSGS_BASE_STATE, (thread_state_t)&state, i386_FSGS_BASE_STATE_COUNT);
}

/* entry.S: a new program image; nothing of the library has run in it yet */
void emul_exec(uint64_t entry, uint64_t sp, struct unix_share *share, struct unix_slot *slot);
void emul_exec(uint64_t entry, uint64_t sp, struct unix_share *share, struct unix_slot *slot)
{
	struct tcb *t = (struct tcb *)(UNIX_EMUL_BLOCKS + UNIX_BLOCK_TCB);

	t->t_self = t;
	t->t_slot = slot;
	t->t_process = &first_process;
	t->t_block = UNIX_EMUL_BLOCKS;
	t->t_call = -1;
	t->t_regs = (struct emul_regs){ .rip = entry, .rsp = sp, .rflags = 0x202 };
	first_process.ep_share = share;
	first_process.ep_ignored = share->uh_ignored;
	for (int sig = 1; sig <= SIG_MAX; sig++)
		if (share->uh_ignored & sigbit(sig))
			first_process.ep_actions[sig].sa_handler = EMUL_SIG_IGN;
	emul_space.es_brk = emul_space.es_brk_start = page_up(share->uh_brk_start);
	emul_space.es_mmap_hint = UNIX_MMAP_TOP;
	emul_space.es_blocks[0] = 1;
	mach_task_self_ = emul_task_self_trap();
	find_xstate();
}

/*
 * CLONE_PARENT_SETTID: the tid must be there when the parent returns, when the child begins, and never be written again, because
 * the child clears the same word when it ends. So who comes first of both writes it, and the other waits for that moment.
 */
enum { ANNOUNCE_NONE, ANNOUNCE_WANTED, ANNOUNCE_WRITING };

static void announce(uint64_t block, uint32_t clone, uint64_t to, int32_t tid)
{
	uint32_t *word = &emul_space.es_announce[(block - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE % (60 * 64)];
	uint32_t wanted = clone << 2 | ANNOUNCE_WANTED;

	if (!to)
		return;
	if (__atomic_compare_exchange_n(word, &wanted, clone << 2 | ANNOUNCE_WRITING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		emul_copy((void *)to, &tid, sizeof tid);
		__atomic_store_n(word, clone << 2 | ANNOUNCE_NONE, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == (clone << 2 | ANNOUNCE_WRITING))
		swtch_pri(0);
}

static void announce_prepare(struct tcb *c, const struct clone_args *a)
{
	c->t_clone = __atomic_add_fetch(&emul_space.es_clones, 1, __ATOMIC_RELAXED) & 0x3fffffff;
	c->t_parent_tid = a->flags & CLONE_PARENT_SETTID ? a->parent_tid : 0;
	__atomic_store_n(&emul_space.es_announce[(c->t_block - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE], c->t_clone << 2 | ANNOUNCE_WANTED,
	    __ATOMIC_RELEASE);
}

/* The reply port a thread used is kept for the next one on its block: nobody else ever is on it. */
static void keep_reply_port(const struct tcb *t)
{
	uint64_t n = (t->t_block - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE;

	emul_space.es_reply_ports[n].port = t->t_reply_port;
	emul_space.es_reply_ports[n].forks = emul_space.es_forks;
}

static mach_port_t kept_reply_port(const struct tcb *t)
{
	uint64_t n = (t->t_block - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE;

	return emul_space.es_reply_ports[n].forks == emul_space.es_forks ? emul_space.es_reply_ports[n].port : MACH_PORT_NULL;
}

/* entry.S: a cloned thread, on its own block; t_child_kind says which sort */
void emul_child(struct unix_slot *slot);
void emul_child(struct unix_slot *slot)
{
	struct tcb *t = tcb_self();

	t->t_slot = slot;
	t->t_reply_port = t->t_child_kind == CHILD_THREAD ? kept_reply_port(t) : MACH_PORT_NULL;
	if (t->t_child_kind == CHILD_FORK) {
		mach_task_self_ = emul_task_self_trap();
		emul_space.es_lock = 0;
		emul_space.es_forks++;
		emul_block_forget_others(t->t_block);
		t->t_robust_list = 0;
	}
	/* also of a fork: the parent may be a vfork child, whose pages are elsewhere */
	if (t->t_child_kind != CHILD_THREAD)
		t->t_process->ep_share = (struct unix_share *)((char *)slot - offsetof(struct unix_share, uh_slots));
	if (t->t_child_kind != CHILD_THREAD) {
		if (emul_xstate_mask)
			emul_xrstor(t->t_xstate, emul_xstate_mask);
		else
			emul_fxrstor(t->t_xstate);
	}
	if (t->t_child_kind != CHILD_FORK)
		announce(t->t_block, t->t_clone, t->t_parent_tid, slot->us_tid);
	if (t->t_set_tid) {
		int32_t tid = slot->us_tid;

		emul_copy((void *)t->t_set_tid, &tid, sizeof tid);
	}
	t->t_regs.rax = 0;
	t->t_call = -1;
}

static void save_xstate(struct tcb *t)
{
	if (emul_xstate_mask)
		emul_xsave(t->t_xstate, emul_xstate_mask);
	else
		emul_fxsave(t->t_xstate);
}

static long clone_unsupported(uint64_t flags)
{
	if (flags & (CLONE_NAMESPACES | CLONE_CLEAR_SIGHAND))
		return emul_unsupported("clone flags", (long)flags, LX_EINVAL);
	if (flags & CLONE_THREAD && (!(flags & CLONE_SIGHAND) || !(flags & CLONE_VM)))
		return -LX_EINVAL;
	return 0;
}

/* The thread structure of the child in a shared address space: the program's registers as they are now, but for the stack. */
static struct tcb *new_tcb(struct tcb *t, const struct clone_args *a)
{
	uint64_t block = emul_block_alloc();
	struct tcb *c = (struct tcb *)(block + UNIX_BLOCK_TCB);

	if (!block)
		return NULL;
	c->t_self = c;
	c->t_regs = t->t_regs;
	c->t_block = block;
	c->t_process = t->t_process;
	c->t_child_kind = CHILD_THREAD;
	if (a->stack)
		c->t_regs.rsp = a->stack;
	if (!(a->flags & CLONE_THREAD)) {
		c->t_child_kind = CHILD_PROCESS;
		/* its own signal actions, at the bottom of its library stack */
		c->t_process = (struct emul_process *)(block + EMUL_PAGE);
		*c->t_process = *t->t_process;
		memcpy(c->t_xstate, t->t_xstate, emul_xstate_size);
	}
	return c;
}

static long do_clone(const struct clone_args *a)
{
	struct tcb *t = tcb_self(), *c = t;
	uint64_t fs_base = a->flags & CLONE_SETTLS ? a->tls : t->t_fs_base, rsp = t->t_regs.rsp, stack;
	int64_t result = 0;
	long r = clone_unsupported(a->flags);

	if (r < 0)
		return r;
	save_xstate(t);
	if (a->flags & CLONE_VM) {
		c = new_tcb(t, a);
		if (!c)
			return -LX_EAGAIN;
		stack = (uint64_t)c;
	} else {
		/* the copy of this very structure: what the child is to find is put here and taken back after */
		t->t_child_kind = CHILD_FORK;
		if (a->stack)
			t->t_regs.rsp = a->stack;
		stack = (uint64_t)__builtin_frame_address(0) - 4096;
	}
	c->t_set_tid = a->flags & CLONE_CHILD_SETTID ? a->child_tid : 0;
	uint64_t clear_tid = t->t_clear_tid;
	c->t_clear_tid = a->flags & CLONE_CHILD_CLEARTID ? a->child_tid : 0;
	c->t_fs_base = fs_base;
	uint64_t block = c->t_block;
	if (c != t)
		announce_prepare(c, a);
	uint32_t clone = c->t_clone;
	r = emul_result(unix_proc_clone(emul_call_port(), a->flags, (uint64_t)c, stack & ~15ull, fs_base, &result), &result);
	/* from here on the child may be gone, and its block another's */
	if (c == t) {
		int32_t tid = (int32_t)r;

		t->t_regs.rsp = rsp;
		t->t_clear_tid = clear_tid;
		t->t_set_tid = 0;
		if (r >= 0 && a->flags & CLONE_PARENT_SETTID)
			emul_copy((void *)a->parent_tid, &tid, sizeof tid);
		return r;
	}
	if (r >= 0 && a->flags & CLONE_PARENT_SETTID)
		announce(block, clone, a->parent_tid, (int32_t)r);
	if (r < 0 || a->flags & CLONE_VFORK) {
		emul_space_unlock_dead(block);
		/* a vfork child has gone from it; to its reply port something may still come */
		if (r >= 0 && c->t_reply_port != MACH_PORT_NULL)
			mach_port_mod_refs(mach_task_self_, c->t_reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
		emul_block_free(block, true);
	}
	return r;
}

long emul_clone(long flags, long stack, long parent_tid, long child_tid, long tls, long f)
{
	struct clone_args a = { (uint64_t)flags & 0xffffffff, (uint64_t)stack, (uint64_t)parent_tid, (uint64_t)child_tid, (uint64_t)tls };

	(void)f;
	return do_clone(&a);
}

long emul_fork(long a, long b, long c, long d, long e, long f)
{
	struct clone_args args = { .flags = LXS_CHLD };

	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return do_clone(&args);
}

long emul_vfork(long a, long b, long c, long d, long e, long f)
{
	struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | LXS_CHLD };

	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return do_clone(&args);
}

long emul_clone3(long program, long size, long c, long d, long e, long f)
{
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup; } x;

	(void)c, (void)d, (void)e, (void)f;
	if (size < 64)
		return -LX_EINVAL;
	if (size > (long)sizeof x)
		return -LX_E2BIG;
	memset(&x, 0, sizeof x);
	if (emul_copy(&x, (const void *)program, (size_t)size) < 0)
		return -LX_EFAULT;
	if (x.flags & 0x1000 || x.set_tid_size || x.cgroup || x.exit_signal > SIG_MAX || x.flags & 0xff)	/* CLONE_PIDFD ... */
		return emul_unsupported("clone3 flags", (long)x.flags, LX_EINVAL);
	struct clone_args a = { x.flags | x.exit_signal, x.stack ? x.stack + x.stack_size : 0, x.parent_tid, x.child_tid, x.tls };
	return do_clone(&a);
}

/* Append the strings of a vector; *count of them. => 0 or -errno */
static long gather(uint64_t vector, char *to, size_t *used, uint32_t *count)
{
	for (*count = 0; vector; vector += 8, (*count)++) {
		uint64_t string;
		long n;

		if (emul_copy(&string, (const void *)vector, sizeof string) < 0)
			return -LX_EFAULT;
		if (!string)
			break;
		n = emul_strlen((const char *)string, EXEC_MAX - *used);
		if (n < 0)
			return n;
		if (*used + (size_t)n + 1 > EXEC_MAX)
			return -LX_E2BIG;
		if (emul_copy(to + *used, (const void *)string, (size_t)n) < 0)
			return -LX_EFAULT;
		to[*used + (size_t)n] = 0;
		*used += (size_t)n + 1;
	}
	return 0;
}

static long exec_at(long dir, const char *path, long path_n, long flags, uint64_t argv, uint64_t envp)
{
	vm_address_t buffer = 0;
	size_t used = 0;
	uint32_t argc, envc;
	int64_t result = 0;
	long r;

	if (syscall_vm_allocate(mach_task_self_, &buffer, EXEC_MAX, TRUE) != KERN_SUCCESS)
		return -LX_ENOMEM;
	r = gather(argv, (char *)buffer, &used, &argc);
	if (r >= 0)
		r = gather(envp, (char *)buffer, &used, &envc);
	if (r >= 0)
		r = emul_result(unix_proc_exec(emul_call_port(), (int)dir, (char *)(uintptr_t)path, (mach_msg_type_number_t)path_n,
		    (int)flags, argc, envc, (char *)buffer, (mach_msg_type_number_t)used, &result), &result);
	syscall_vm_deallocate(mach_task_self_, buffer, EXEC_MAX);
	return r;
}

long emul_execveat(long dir, long program, long argv, long envp, long flags, long f)
{
	char path[EMUL_PATH_MAX];
	long n = emul_path((const char *)program, path);

	(void)f;
	return n < 0 ? n : exec_at(dir, path, n, flags, (uint64_t)argv, (uint64_t)envp);
}

long emul_execve(long program, long argv, long envp, long d, long e, long f)
{
	(void)d, (void)e;
	return emul_execveat(LX_AT_FDCWD, program, argv, envp, 0, f);
}

extern long emul_futex(long, long, long, long, long, long);

/* the words a dying thread leaves behind: its tid is cleared and who waits for it woken */
static void leave(struct tcb *t)
{
	int32_t zero = 0;

	if (t->t_clear_tid && emul_copy((void *)t->t_clear_tid, &zero, sizeof zero) == 0)
		emul_futex((long)t->t_clear_tid, 1, 1, 0, 0, 0);
}

long emul_exit(long status, long b, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();

	(void)b, (void)c, (void)d, (void)e, (void)f;
	leave(t);
	if (t->t_child_kind == CHILD_THREAD && t->t_block != UNIX_EMUL_BLOCKS) {
		keep_reply_port(t);
		emul_block_free(t->t_block, false);
	}
	unix_thread_exit(emul_call_port(), ((int)status & 0xff) << 8, t->t_block, UNIX_BLOCK_SIZE);
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

long emul_exit_group(long status, long b, long c, long d, long e, long f)
{
	(void)b, (void)c, (void)d, (void)e, (void)f;
	leave(tcb_self());
	for (;;)
		unix_proc_exit(emul_call_port(), ((int)status & 0xff) << 8);
}
