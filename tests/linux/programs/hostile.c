/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that do harm to themselves: hostile NAME does one thing and is expected to die or to fail alone; hostile without a
 * name does them all, each in a child with a time limit, and then looks whether the system still serves. What is Mach's (negative
 * call numbers) means nothing on Linux; there only the Linux ones count.
 */
#include "tap.h"
#include <pthread.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define WINDOW	0x7f0000000000ul
#define SHARE	0x7f0000810000ul
#define BLOCKS	0x7f0001000000ul

static long trap(long number, long a, long b, long c, long d, long e, long f, long g)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("pushq %[g]; pushq $0; syscall; addq $16, %%rsp"
	    : "=a"(r) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9), [g] "r"(g) : "rcx", "r11", "memory");
	return r;
}

static int guest(void)
{
	unsigned char v;

	return syscall(SYS_mincore, WINDOW, 4096, &v) != 0 && access("/proc/ernst", F_OK) == 0;
}

static unsigned task_self(void) { return (unsigned)trap(-28, 0, 0, 0, 0, 0, 0, 0); }
static unsigned reply_port(void) { return (unsigned)trap(-26, 0, 0, 0, 0, 0, 0, 0); }

/* a message of words to a port, from a reply port */
static long send(unsigned to, unsigned reply, unsigned bits, int id, void *words, unsigned size)
{
	static char buffer[65536] __attribute__((aligned(16)));
	struct { uint32_t bits, size; uint64_t remote, local; uint32_t seqno, id; } *h = (void *)buffer;

	h->bits = bits, h->size = 32 + size, h->remote = to, h->local = reply, h->seqno = 0, h->id = (uint32_t)id;
	memcpy(buffer + 32, words, size);
	return trap(-25, (long)buffer, 1 | 0x10, 32 + size, 0, 0, 20, 0);	/* send, time-out */
}

static void library_text(void)
{
	for (unsigned long a = WINDOW; a < WINDOW + (1 << 20); a += 4096)
		*(volatile unsigned long *)a = 0xcccccccc;
}
static void library_text_unprotected(void)
{
	/* vm_protect by message is more work than a fresh map: throw the library away */
	trap(-65, task_self(), (long)WINDOW, 0x100000, 0, 0, 0, 0);
	trap(-66, task_self(), (long)WINDOW, 0x100000, 0, 0, 0, 0);
	getppid();
}
static void library_unmapped(void)
{
	trap(-66, task_self(), (long)WINDOW, 0x10000000, 0, 0, 0, 0);
	getppid();
}
static void everything_unmapped(void) { trap(-66, task_self(), 0, (long)0x7ffffffff000, 0, 0, 0, 0); getppid(); }
static void scribble(unsigned long from, unsigned long to)
{
	for (unsigned long a = from; a < to; a += 8)
		*(volatile unsigned long *)a = 0xdeadbeefcafebabe;
}
static void library_data(void)
{
	/* find where it can be written: the page after the text */
	int p[2];
	char maps[16384];
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, maps, sizeof maps - 1);

	maps[n > 0 ? n : 0] = 0;
	if (pipe(p) < 0)
		return;
	for (unsigned long a = WINDOW; a < WINDOW + (1 << 20); a += 4096)
		if (write(p[1], (void *)a, 1) == 1 && read(p[0], (void *)(a + 4088), 1) == 1)
			scribble(a, a + 4096);
	getppid();
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void library_stack(void) { scribble(BLOCKS + 0x1000, BLOCKS + 0xf000); getppid(); open("/etc/passwd", O_RDONLY); }
static void library_tcb(void) { scribble(BLOCKS + 0xf000, BLOCKS + 0x10000); getppid(); }
static void library_tcb_self(void) { *(volatile unsigned long *)(BLOCKS + 0xf000) = 0x1234567800000000; getppid(); }
static void share_page(void) { scribble(SHARE, SHARE + 0x8000); getppid(); fork(); pause_ms(10); }
static void share_port(void)
{
	for (unsigned port = 1; port < 2000; port++) {
		*(volatile unsigned *)(SHARE + 256 + 28) = port;
		syscall(SYS_umask, 022);
	}
}
static void gs_base(void) { __asm__ volatile("wrgsbase %0" :: "r"(0x1000l)); getppid(); }
static void gs_noncanonical(void) { __asm__ volatile("wrgsbase %0" :: "r"(0xffff800000000000l)); getppid(); }
static void gs_mine(void)
{
	static uint64_t area[1024];

	for (int i = 0; i < 1024; i++)
		area[i] = (uint64_t)area;
	__asm__ volatile("wrgsbase %0" :: "r"(area));
	getppid();
}
static void gs_then_signal(void)
{
	signal(SIGALRM, (void (*)(int))0x12345);
	ualarm(20000, 0);
	__asm__ volatile("wrgsbase %0; 1: jmp 1b" :: "r"(0l));
}
static void jump(void)
{
	srandom((unsigned)getpid());
	((void (*)(void))(WINDOW + 0x100 + (unsigned long)random() % 0xc000))();
}
static void jumps(void)
{
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(2);
			jump();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	_exit(77);
}
static void bad_stack_call(void)
{
	__asm__ volatile("xorl %%esp, %%esp; movl $39, %%eax; syscall; movl $60, %%eax; movl $77, %%edi; syscall" ::: "memory");
}
static void garbage_messages(void)
{
	unsigned port = *(volatile unsigned *)(SHARE + 256 + 28), reply = reply_port();
	unsigned words[4096];

	srandom(7);
	for (int i = 0; i < 4000; i++) {
		unsigned size = (unsigned)random() % 40 * 8;

		for (unsigned k = 0; k < 80; k++)
			words[k] = random() % 3 ? (unsigned)random() : (unsigned)random() % 64;
		send(port, random() % 4 ? reply : 0, random() % 4 ? 0x1513 : 0x80001513, random() % 2 ? (int)(70000 + random() % 80) :
		    (int)(random() % 4000), words, size);
	}
	_exit(77);
}
static void garbage_types(void)		/* well-formed items of the wrong kinds, with rights and memory in them */
{
	unsigned port = *(volatile unsigned *)(SHARE + 256 + 28), reply = reply_port();
	struct { uint32_t type, number; uint64_t value; } item[8];
	static const uint32_t types[] = { 0x30002002, 0x30004011, 0x20000808, 0x30000808, 0x20004011, 0x30004013, 0x20002011 };

	srandom(8);
	for (int i = 0; i < 3000; i++) {
		int n = 1 + (int)(random() % 6);

		for (int k = 0; k < n; k++) {
			item[k].type = types[random() % 7] & 0xffffff;
			item[k].type |= random() % 2 ? 1u << 29 : 0;
			item[k].number = (uint32_t)random() % 3;
			item[k].value = random() % 2 ? task_self() : (unsigned long)WINDOW;
		}
		send(port, reply, 0x80001513, 70000 + (int)(random() % 80), item, (unsigned)n * 16);
		send(port, reply, 0x80001513, 2400, item, (unsigned)n * 16);
	}
	_exit(77);
}
static void plausible_messages(void)	/* what passes the checks of types: the arguments are nonsense */
{
	unsigned port = *(volatile unsigned *)(SHARE + 256 + 28), reply = reply_port();
	static uint64_t body[2048];

	srandom(11);
	for (int i = 0; i < 30000; i++) {
		unsigned at = 0, n = (unsigned)random() % 6;

		for (unsigned k = 0; k < n; k++) {
			unsigned bytes = random() % 3 ? 0 : (unsigned)random() % (random() % 2 ? 20 : 4096);

			switch (random() % 4) {
			case 0: case 1:
				body[at++] = 0x20002002ull | 1ull << 32;
				body[at++] = random() % 2 ? (uint64_t)random() % 10 : (uint64_t)random() << (random() % 40);
				break;
			case 2:
				body[at++] = 0x2000400bull | 1ull << 32;
				body[at++] = random() % 2 ? (uint64_t)random() % 5000 : (uint64_t)random() << (random() % 40);
				break;
			default:
				if (at > 1000)
					break;
				body[at++] = 0x20000808ull | (uint64_t)bytes << 32;
				for (unsigned b = 0; b < bytes; b += 8)
					body[at++] = 0x2f2e2f2e2f706d74ull;
			}
		}
		int id = 70000 + (int)(random() % 80);
		send(port, reply, 0x1513, id, body, at * 8);
	}
	_exit(77);
}
static void full_reply_port(void)	/* requests whose reply port takes no more: a plain send right (0x14: make send) */
{
	unsigned port = *(volatile unsigned *)(SHARE + 256 + 28), reply = reply_port();
	uint64_t word[2] = { 0x10002002, 022 };

	for (int i = 0; i < 200; i++)
		send(reply, 0, 0x14, 1, word, 16);
	for (int id = 70000; id < 70100; id++)
		send(port, reply, 0x1413, id, word, 16);
	for (int i = 0; i < 100; i++)
		send(port, reply, 0x1413, 2400, word, 16);
	_exit(77);
}
static void ports_destroyed(void)
{
	for (unsigned name = 1; name < 3000; name++)
		trap(-73, task_self(), name, 0, 0, 0, 0, 0);
	getppid();
	if (open("/etc/passwd", O_RDONLY) < 0)
		_exit(76);
	_exit(77);
}
static void reply_port_gone(void)
{
	unsigned self = task_self();

	for (unsigned name = 1; name < 400; name++)
		if (name != self)
			trap(-74, self, name, 1, 0, 0, 0, 0);		/* mod_refs and their like */
	syscall(SYS_umask, 022);
	_exit(77);
}
static void traps(void)
{
	srandom(9);
	for (int i = 0; i < 6000; i++) {
		long number = -(random() % 130) - 1;

		if (number == -29 || number == -30 || number == -25)	/* the host's name, console output, mach_msg (elsewhere) */
			continue;
		trap(number, random() % 4 ? random() % 64 : (long)nowhere, random(), random() % 3 ? random() % 8192 : -1, random() % 16,
		    random() % 2 ? (long)WINDOW : 0, random() % 100, 10);
	}
	_exit(77);
}
static void mach_msgs(void)
{
	static char buffer[8192];

	srandom(10);
	for (int i = 0; i < 4000; i++) {
		for (int k = 0; k < 100; k++)
			buffer[random() % 200] = (char)(random() % 3 ? random() % 32 : random());
		trap(-25, random() % 8 ? (long)buffer : (long)nowhere, (random() & 0x1ff) | 0x110, random() % 300, random() % 300,
		    random() % 40, random() % 5, random() % 40);
	}
	_exit(77);
}
static void port_flood(void)
{
	for (int i = 0; i < 200000; i++)
		if (!reply_port())
			break;
	_exit(77);
}
static void task_ended(void) { pause(); }
static void suspended(void)
{
	/* task_suspend(self) is request 2012... whichever it is: all requests of the mach subsystem without arguments */
	for (int id = 2000; id < 2100; id++)
		send(task_self(), 0, 0x13, id, &id, 0);
	_exit(77);
}

/* only where a limit binds the superuser too: not on the host */
static void fork_bomb(void)
{
	setrlimit(RLIMIT_NPROC, &(struct rlimit){ 40, 40 });
	for (double t = now(); now() - t < 3;)
		fork();
	_exit(77);
}
static void all_memory(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(78);
		memset(p, 1, 1 << 20);
	}
}
static void full_disk(void)
{
	static char block[65536];
	int fd = open("/root/full", O_CREAT | O_WRONLY | O_TRUNC, 0600);
	ssize_t n;

	while ((n = write(fd, block, sizeof block)) > 0)
		;
	int error = errno;
	close(fd);
	unlink("/root/full");
	_exit(n < 0 && error == ENOSPC ? 77 : 79);
}
static void all_descriptors(void)
{
	int p[2], n = 0;

	while (pipe(p) == 0)
		n++;
	_exit(errno == EMFILE && n > 20 ? 77 : 79);
}

static void stop(void) { raise(SIGSTOP); }
static void spin(void) { for (;;) ; }
static void in_read(void) { int p[2]; char c; if (pipe(p) == 0 && read(p[0], &c, 1) == 1) _exit(1); }
static void in_write(void) { int p[2]; static char c[1 << 20]; if (pipe(p) == 0) for (;;) if (write(p[1], c, sizeof c) < 0) _exit(1); }
static void in_poll(void) { poll(NULL, 0, -1); }
static void in_wait(void) { if (fork() == 0) { pause_ms(600); _exit(0); } wait(NULL); }
static void in_sleep(void) { sleep(100); }
static void in_pause(void) { pause(); }
static void in_futex(void) { static int w; syscall(SYS_futex, &w, 0, 0, NULL, NULL, 0); }
static void in_vfork(void) { if (vfork() == 0) { sleep(1); _exit(0); } pause(); }
static void in_exec(void)
{
	for (;;) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/proc/self/exe", "hostile", "nothing", NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
}
static void exec_chain(void) { execl("/proc/self/exe", "hostile", "chain", NULL); }
static void in_fork(void) { for (;;) { pid_t pid = fork(); if (pid == 0) _exit(0); waitpid(pid, NULL, 0); } }
static void in_faults(void)
{
	signal(SIGSEGV, SIG_DFL);
	for (;;) {
		char *p = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int i = 0; i < 64; i++)
			p[i * 4096] = 1;
		munmap(p, 64 * 4096);
	}
}
static void again(int sig) { (void)sig; }
static void in_exception(void)		/* the same instruction faults for ever */
{
	struct sigaction sa = { .sa_handler = again, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	*(volatile int *)nowhere = 1;
}
static void *thread_of(void *f) { ((void (*)(void))(uintptr_t)f)(); return NULL; }
static void in_threads(void)
{
	static void (*const f[])(void) = { spin, in_read, in_sleep, in_futex, in_fork, in_faults, in_poll, in_vfork };
	pthread_t t;

	for (int i = 0; i < 8; i++)
		pthread_create(&t, NULL, thread_of, (void *)(uintptr_t)f[i]);
	pause();
}
static void zombies(void) { for (int i = 0; i < 20; i++) if (fork() == 0) _exit(0); pause(); }
static void signals_storm(void)
{
	signal(SIGUSR1, again);
	pid_t pid = fork();

	for (pid_t other = pid ? pid : getppid();;)
		if (kill(other, SIGUSR1) < 0)
			_exit(0);
}

static const struct { const char *name; void (*run)(void); bool mach; } harm[] = {
	{ "library text", library_text, true }, { "library text allocated over", library_text_unprotected, true },
	{ "library unmapped", library_unmapped, true }, { "everything unmapped", everything_unmapped, true },
	{ "library data", library_data, true }, { "library stack", library_stack, true }, { "tcb", library_tcb, true },
	{ "tcb pointer", library_tcb_self, true }, { "share page", share_page, true }, { "share page's port", share_port, true },
	{ "gs base", gs_base, true }, { "gs base of the kernel", gs_noncanonical, true }, { "gs base to own data", gs_mine, true },
	{ "gs base and a signal", gs_then_signal, true }, { "jumps into the library", jumps, true },
	{ "a call without a stack", bad_stack_call, false }, { "garbage messages", garbage_messages, true },
	{ "messages of wrong types", garbage_types, true }, { "plausible messages", plausible_messages, true },
	{ "full reply port", full_reply_port, true },
	{ "ports destroyed", ports_destroyed, true }, { "reply port gone", reply_port_gone, true }, { "traps", traps, true },
	{ "mach_msg arguments", mach_msgs, true }, { "a flood of ports", port_flood, true }, { "suspended by itself", suspended, true },
	{ "fork bomb", fork_bomb, true }, { "all memory", all_memory, true }, { "full disk", full_disk, true },
	{ "all descriptors", all_descriptors, false }, { "killed at rest", task_ended, false },
};

static const struct { const char *name; void (*run)(void); } states[] = {
	{ "running", spin }, { "stopped", stop }, { "in read", in_read }, { "in write", in_write }, { "in poll", in_poll },
	{ "in wait", in_wait }, { "in sleep", in_sleep }, { "in pause", in_pause }, { "in futex", in_futex }, { "in vfork", in_vfork },
	{ "in exec", in_exec }, { "between execs", exec_chain }, { "in fork", in_fork }, { "in page faults", in_faults },
	{ "in exceptions", in_exception }, { "with threads", in_threads }, { "with zombies", zombies }, { "in signals", signals_storm },
};

/* a process that answers: the system serves */
static bool alive(void)
{
	int p[2], status = -1;
	char c = 0;
	double t = now();
	pid_t pid;

	if (pipe(p) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(write(p[1], "!", 1) == 1 ? 0 : 1);
	bool good = pid > 0 && read(p[0], &c, 1) == 1 && c == '!' && waitpid(pid, &status, 0) == pid && status == 0;
	close(p[0]);
	close(p[1]);
	return good && now() - t < 10;
}

/* start, wait a little, kill; it must be gone soon */
static bool killed(void (*f)(void), long ms)
{
	int status = 0;
	pid_t pid = fork();
	double t;

	if (pid == 0) {
		setpgid(0, 0);
		f();
		_exit(1);
	}
	setpgid(pid, pid);
	pause_ms(ms);
	kill(-pid, SIGKILL);
	t = now();
	while (now() - t < 15) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		pause_ms(5);
	}
	return false;
}

static int status_within(void (*f)(void), double seconds)
{
	int status = 0;
	pid_t pid = fork();
	double t = now();

	if (pid == 0) {
		setpgid(0, 0);
		f();
		_exit(77);
	}
	setpgid(pid, pid);
	while (now() - t < seconds) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		pause_ms(10);
	}
	kill(-pid, SIGKILL);
	for (t = now(); now() - t < 15; pause_ms(10))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
	return -1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "nothing") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "chain") == 0)
		exec_chain();
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	bool all = guest();
	for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
		if (argc > 1 && strcmp(argv[1], harm[i].name) != 0)
			continue;
		int status = harm[i].mach && !all ? 0 : status_within(harm[i].run, 10);

		tap(status != -1, "%s: comes to an end", harm[i].name);
		tap(alive(), "%s: the others live", harm[i].name);
		if (argc > 1)
			printf("# status %x\n", (unsigned)status);
	}
	for (size_t i = 0; i < sizeof states / sizeof *states && argc == 1; i++) {
		bool good = true;

		for (long ms = 1; ms < 150 && good; ms = ms * 3 + 1)
			good = killed(states[i].run, ms);
		tap(good, "killed %s", states[i].name);
		tap(alive(), "killed %s: the others live", states[i].name);
	}
	return tap_done();
}
