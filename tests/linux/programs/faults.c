/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults become signals with the right facts; handlers may change registers; the FPU, SSE and AVX state survives everything. */
#include "tap.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int sig_seen, code_seen, trap_seen;
static void *volatile address_seen;
static volatile uintptr_t cr2_seen;
static volatile int skip;
static sigjmp_buf out;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	sig_seen = sig;
	code_seen = info->si_code;
	address_seen = info->si_addr;
	trap_seen = (int)uc->uc_mcontext.gregs[REG_TRAPNO];
	cr2_seen = (uintptr_t)uc->uc_mcontext.gregs[REG_CR2];
	if (skip) {
		uc->uc_mcontext.gregs[REG_RIP] += skip;
		uc->uc_mcontext.gregs[REG_RAX] = 0x1234;
	} else {
		siglongjmp(out, 1);
	}
}

static void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &sa, NULL);
}

/* a store the compiler knows nothing about */
static void poke(uintptr_t address)
{
	__asm__ volatile("movb $1, (%0)" :: "r"(address) : "memory");
}

#define fault(statement) do { sig_seen = 0; if (!sigsetjmp(out, 1)) { statement; } } while (0)

static void memory(void)
{
	char *volatile page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fault(poke(0x8));
	is(sig_seen, SIGSEGV);
	is(code_seen, SEGV_MAPERR);
	is(address_seen, 8);
	is(trap_seen, 14);
	is(cr2_seen, 8);
	fault(poke((uintptr_t)page + 5));
	is(sig_seen, SIGSEGV);
	is(code_seen, SEGV_ACCERR);
	is(address_seen, page + 5);
	fault(poke(0xffff800000000000));	/* the kernel's */
	is(sig_seen, SIGSEGV);
	fault(poke(0x1234567800000000));	/* not canonical */
	is(sig_seen, SIGSEGV);
	is(code_seen, SI_KERNEL);
	fault(((void (*)(void))page)());			/* not executable */
	is(sig_seen, SIGSEGV);
	is(address_seen, page);
	fault(((void (*)(void))0)());
	is(sig_seen, SIGSEGV);
	fault(((void (*)(void))0x1234567800000000)());
	is(sig_seen, SIGSEGV);
	/* a handler that repairs: the access is done again */
	munmap(page, 8192);

	char name[] = "/tmp/faultsXXXXXX";
	int fd = mkstemp(name);
	is(ftruncate(fd, 100), 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(page != MAP_FAILED);
	page[0] = 1;
	fault(page[4096] = 1);
	is(sig_seen, SIGBUS);
	is(address_seen, page + 4096);
	munmap(page, 8192);
	close(fd);
	unlink(name);
}

static void other(void)
{
	long rax;

	fault(__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::: "rax", "rcx", "rdx"));
	is(sig_seen, SIGFPE);
	is(code_seen, FPE_INTDIV);
	fault(__asm__ volatile("ud2"));
	is(sig_seen, SIGILL);
	fault(__asm__ volatile("hlt"));
	is(sig_seen, SIGSEGV);
	fault(__asm__ volatile("cli"));
	is(sig_seen, SIGSEGV);
	fault(__asm__ volatile("int3"));
	is(sig_seen, SIGTRAP);
	fault(__asm__ volatile("int $0x55"));
	is(sig_seen, SIGSEGV);
	fault(__asm__ volatile("rdmsr" :: "c"(0x10) : "rax", "rdx"));
	is(sig_seen, SIGSEGV);

	skip = 2;
	__asm__ volatile("movl $7, %%eax; ud2" : "=a"(rax));
	is(sig_seen, SIGILL);
	is(rax, 0x1234);
	skip = 1;
	sig_seen = 0;
	__asm__ volatile("hlt" : "=a"(rax));
	is(rax, 0x1234);
	skip = 0;
}

static char *guarded;

static void repair(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	sig_seen++;
	mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

static void repairing(void)
{
	struct sigaction sa = { .sa_sigaction = repair, .sa_flags = SA_SIGINFO };

	guarded = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &sa, NULL);
	sig_seen = 0;
	for (int i = 0; i < 16; i++)
		guarded[i * 4096] = (char)i;
	is(sig_seen, 16);
	is(guarded[15 * 4096], 15);
	munmap(guarded, 16 * 4096);
}

__attribute__((noinline))
static void eat_stack(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	if (!here[1] || above)		/* always: that this never ends is the purpose */
		eat_stack(here);
	here[1] = 1;
}

static void overflow(void)
{
	static char area[65536];
	volatile char c = 0;

	sigaltstack(&(stack_t){ .ss_sp = area, .ss_size = sizeof area }, NULL);
	catch(SIGSEGV, SA_ONSTACK);
	fault(eat_stack(&c));
	is(sig_seen, SIGSEGV);
	fault(eat_stack(&c));
	is(sig_seen, SIGSEGV);
	sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
}

/* deaths by faults nobody handles */
static void die_overflow(void) { volatile char c = 0; signal(SIGSEGV, SIG_DFL); eat_stack(&c); }
static void die_no_stack(void) { volatile char c = 0; catch(SIGSEGV, 0); eat_stack(&c); }
static void die_blocked(void)
{
	sigset_t set;

	catch(SIGSEGV, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	poke(8);
}
static void die_ignored(void) { signal(SIGSEGV, SIG_IGN); poke(8); }
static void die_nested(void);
static void again(int sig) { (void)sig; poke(16); }
static void die_nested(void) { signal(SIGSEGV, again); poke(8); }
static void die_sigreturn(void) { __asm__ volatile("movq $0x10000, %%rsp; movl $15, %%eax; syscall" ::: "memory"); }
static void die_bad_rsp(void)
{
	catch(SIGUSR1, 0);
	__asm__ volatile("movq %0, %%rdi; movq $0x1234567800000000, %%rsp; movl $10, %%esi; movl $62, %%eax; syscall"
	    :: "r"((long)getpid()) : "memory");
}
static void die_ud(void) { signal(SIGILL, SIG_DFL); __asm__ volatile("ud2"); }
static void die_sigframe(void)		/* garbage where the frame should be */
{
	static char stack[16384] __attribute__((aligned(64)));

	memset(stack, 0xfe, sizeof stack);
	__asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall" :: "r"(stack + 8192) : "memory");
}

static void deaths(void)
{
	is(WTERMSIG(in_child(30, die_overflow)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_no_stack)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_blocked)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_ignored)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_nested)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_sigreturn)), SIGSEGV);
	is(WTERMSIG(in_child(30, die_sigframe)), SIGSEGV);
	ok(WIFSIGNALED(in_child(30, die_bad_rsp)));
	is(WTERMSIG(in_child(30, die_ud)), SIGILL);
}

static volatile int ticks;

__attribute__((target("sse2")))
static void clobber(int sig)
{
	(void)sig;
	ticks++;
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm15; fninit; fld1; fldpi"
	    ::: "xmm0", "xmm1", "xmm7", "xmm15", "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vxorps %%ymm2, %%ymm2, %%ymm2; vxorps %%ymm15, %%ymm15, %%ymm15" ::: "memory");
}

static void fpu(void)
{
	static const uint8_t seed[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };
	static uint8_t got[4][32];
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
	bool avx = __builtin_cpu_supports("avx"), same = true;
	uint16_t cw = 0x27f, cw_after = 0;
	uint32_t mxcsr = 0x3f80, mxcsr_after = 0;

	signal(SIGALRM, clobber);
	setitimer(ITIMER_REAL, &it, NULL);
	for (double t = now(); ticks < 20 && now() - t < 30;) {
		int before = ticks;
		unsigned long turns = 3000000;

		if (avx)
			__asm__ volatile(
			    "fninit; fldcw %[cw]; ldmxcsr %[mx]\n"
			    "vmovdqu %[s], %%ymm0; vmovdqu %[s], %%ymm2; vmovdqu %[s], %%ymm7; vmovdqu %[s], %%ymm15\n"
			    "1: decq %[n]; jz 2f; cmpl %[b], %[t]; je 1b\n"
			    "2: vmovdqu %%ymm0, %[g]; vmovdqu %%ymm2, 32+%[g]; vmovdqu %%ymm7, 64+%[g]\n"
			    "vmovdqu %%ymm15, 96+%[g]; vzeroupper\n"
			    "fnstcw %[cwa]; stmxcsr %[mxa]\n"
			    : [g] "=m"(got), [cwa] "=m"(cw_after), [mxa] "=m"(mxcsr_after), [n] "+r"(turns)
			    : [s] "m"(seed), [t] "m"(ticks), [b] "r"(before), [cw] "m"(cw), [mx] "m"(mxcsr)
			    : "xmm0", "xmm2", "xmm7", "xmm15", "memory");
		else
			__asm__ volatile(
			    "fninit; fldcw %[cw]; ldmxcsr %[mx]\n"
			    "movdqu %[s], %%xmm0; movdqu %[s], %%xmm2; movdqu %[s], %%xmm7; movdqu %[s], %%xmm15\n"
			    "1: decq %[n]; jz 2f; cmpl %[b], %[t]; je 1b\n"
			    "2: movdqu %%xmm0, %[g]; movdqu %%xmm2, 32+%[g]; movdqu %%xmm7, 64+%[g]; movdqu %%xmm15, 96+%[g]\n"
			    "fnstcw %[cwa]; stmxcsr %[mxa]\n"
			    : [g] "=m"(got), [cwa] "=m"(cw_after), [mxa] "=m"(mxcsr_after), [n] "+r"(turns)
			    : [s] "m"(seed), [t] "m"(ticks), [b] "r"(before), [cw] "m"(cw), [mx] "m"(mxcsr)
			    : "xmm0", "xmm2", "xmm7", "xmm15", "memory");
		for (int i = 0; i < 4; i++)
			same = same && memcmp(got[i], seed, avx ? 32 : 16) == 0;
		same = same && cw_after == cw && (mxcsr_after & 0xffc0) == mxcsr;
	}
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	ok(ticks >= 20);
	ok(same);
	mxcsr = 0x1f80;
	__asm__ volatile("fninit; ldmxcsr %0" :: "m"(mxcsr));

	/* across fork: the child has what the parent had, and both go on */
	uint8_t x[16], y[16] = { 0 };
	long pid;
	__asm__ volatile("movdqu %[s], %%xmm9; movl $57, %%eax; syscall; movdqu %%xmm9, %[x]"
	    : "=&a"(pid), [x] "=m"(x) : [s] "m"(seed) : "rcx", "r11", "xmm9", "memory");
	if (pid == 0)
		_exit(memcmp(x, seed, 16) ? 1 : 0);
	int status = -1;
	waitpid((pid_t)pid, &status, 0);
	is(status, 0);
	is(memcmp(x, seed, 16), 0);
	ok(memcmp(y, seed, 16) != 0);

	/* two processes that compute at once keep to themselves */
	pid_t kids[4];
	for (int k = 0; k < 4; k++) {
		kids[k] = fork();
		if (kids[k] == 0) {
			volatile double sum = 0, want = 0;

			for (int i = 1; i < 300000; i++)
				sum = sum + (double)(i * (k + 1));
			want = (double)(k + 1) * 299999.0 * 300000.0 / 2;
			_exit(sum == want ? 0 : 1);
		}
	}
	bool good = true;
	for (int k = 0; k < 4; k++) {
		waitpid(kids[k], &status, 0);
		good = good && status == 0;
	}
	ok(good);
}

int main(void)
{
	catch(SIGSEGV, 0);
	catch(SIGBUS, 0);
	catch(SIGFPE, 0);
	catch(SIGILL, 0);
	catch(SIGTRAP, 0);
	memory();
	other();
	fpu();
	repairing();
	overflow();
	deaths();
	return tap_done();
}
