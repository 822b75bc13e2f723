/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: mutexes, conditions, joining, cancelling, signals to one of many, fork and exec among them, futexes. */
#include "tap.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#define MANY 24

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long sum, turn;
static __thread long local = 100;
static volatile int handled;
static volatile pthread_t handler_thread;

static void *adder(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		sum++;
		pthread_mutex_unlock(&mutex);
		local++;
	}
	return (void *)(local + (long)arg);
}

static void *in_turn(void *arg)
{
	for (int round = 0; round < 5; round++) {
		pthread_mutex_lock(&mutex);
		while (turn % MANY != (long)arg)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void many(void)
{
	pthread_t t[MANY];
	void *result;
	bool good = true;

	for (long i = 0; i < MANY; i++)
		good = good && pthread_create(&t[i], NULL, adder, (void *)i) == 0;
	ok(good);
	for (long i = 0; i < MANY; i++)
		good = good && pthread_join(t[i], &result) == 0 && (long)result == 2100 + i;
	ok(good);
	is(sum, MANY * 2000);
	is(local, 100);
	pthread_barrier_init(&barrier, NULL, MANY + 1);
	for (long i = 0; i < MANY; i++)
		pthread_create(&t[i], NULL, in_turn, (void *)i);
	pthread_barrier_wait(&barrier);
	for (long i = 0; i < MANY; i++)
		pthread_join(t[i], NULL);
	is(turn, MANY * 5);
	/* one after the other: nothing is used up */
	for (int i = 0; i < 300; i++)
		good = good && pthread_create(&t[0], NULL, adder, NULL) == 0 && pthread_join(t[0], NULL) == 0;
	ok(good);
}

static void cleanup(void *arg) { *(int *)arg += 1; }

static void *sleeper(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	for (;;)
		sleep(100);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *reader(void *arg)
{
	char c;

	return (void *)read(*(int *)arg, &c, 1);
}

static void *spinner(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (volatile unsigned long *n = arg;;)
		++*n;
	return NULL;
}

static void cancels(void)
{
	pthread_t t;
	void *result;
	int cleaned = 0, p[2];
	unsigned long spins = 0;

	pthread_create(&t, NULL, sleeper, &cleaned);
	pause_ms(50);
	is(pthread_cancel(t), 0);
	is(pthread_join(t, &result), 0);
	ok(result == PTHREAD_CANCELED && cleaned == 1);
	ok(pipe(p) == 0);
	pthread_create(&t, NULL, reader, &p[0]);
	pause_ms(50);
	is(pthread_cancel(t), 0);
	is(pthread_join(t, &result), 0);
	ok(result == PTHREAD_CANCELED);
	pthread_create(&t, NULL, spinner, &spins);
	pause_ms(100);
	is(pthread_cancel(t), 0);
	is(pthread_join(t, &result), 0);
	ok(result == PTHREAD_CANCELED && spins > 0);
	close(p[0]);
	close(p[1]);
}

static void on_signal(int sig) { (void)sig; handler_thread = pthread_self(); handled++; }

static void *waiter(void *arg)
{
	sem_t *ready = arg;

	int before = handled;

	sem_post(ready);
	while (handled == before)
		usleep(5000);
	return NULL;
}

static void signals(void)
{
	pthread_t t;
	sem_t ready;
	sigset_t set;

	sem_init(&ready, 0, 0);
	signal(SIGUSR1, on_signal);
	pthread_create(&t, NULL, waiter, &ready);
	sem_wait(&ready);
	is(pthread_kill(t, SIGUSR1), 0);
	is(pthread_join(t, NULL), 0);
	ok(handler_thread == t);
	/* blocked here: a signal of the process goes to the other */
	pthread_create(&t, NULL, waiter, &ready);
	sem_wait(&ready);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	is(pthread_join(t, NULL), 0);
	ok(handler_thread == t);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	fails(tgkill(getpid(), 99999, SIGUSR1), ESRCH);
	fails(tgkill(1, gettid(), SIGUSR1), ESRCH);
}

static void *exec_other(void *arg)
{
	execl("/proc/self/exe", arg, "second", NULL);
	return NULL;
}

static void fork_from_thread(void)
{
	pthread_t t[4];
	sem_t ready;
	int cleaned;

	sem_init(&ready, 0, 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, sleeper, &cleaned);
	pid_t pid = fork();
	if (pid == 0)
		_exit(getpid() == gettid() ? 4 : 1);
	int status;
	waitpid(pid, &status, 0);
	is(WEXITSTATUS(status), 4);
	for (int i = 0; i < 4; i++) {
		pthread_cancel(t[i]);
		pthread_join(t[i], NULL);
	}
}

static void child_exec_thread(void)
{
	pthread_t t[4];
	int cleaned;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, sleeper, &cleaned);
	pthread_create(&t[3], NULL, exec_other, "threads");
	pthread_join(t[0], NULL);
}

static void *exiter(void *arg) { pause_ms(20); exit((int)(long)arg); }
static void child_exit_thread(void)
{
	pthread_t t[6];
	int cleaned;

	for (int i = 0; i < 5; i++)
		pthread_create(&t[i], NULL, i % 2 ? sleeper : spinner, &cleaned);
	pthread_create(&t[5], NULL, exiter, (void *)12);
	pause();
}
static void *bad(void *arg) { *(volatile int *)nowhere = 1; return arg; }
static void child_fault_thread(void)
{
	pthread_t t[2];
	int cleaned;

	pthread_create(&t[0], NULL, sleeper, &cleaned);
	pthread_create(&t[1], NULL, bad, NULL);
	pause();
}
static void *last_one(void *arg) { pause_ms(50); (void)arg; _exit(13); }
static void child_main_leaves(void)
{
	pthread_t t;

	pthread_create(&t, NULL, last_one, NULL);
	pthread_exit(NULL);
}
static void child_many(void)		/* as many as there may be; then death */
{
	pthread_t t;
	pthread_attr_t attr;
	int cleaned, n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	while (n < 200 && pthread_create(&t, &attr, sleeper, &cleaned) == 0)
		n++;
	_exit(n >= 200 ? 14 : 1);
}

static void deaths(void)
{
	is(WEXITSTATUS(in_child(30, child_exec_thread)), 42);
	is(WEXITSTATUS(in_child(30, child_exit_thread)), 12);
	is(WTERMSIG(in_child(30, child_fault_thread)), SIGSEGV);
	is(WEXITSTATUS(in_child(30, child_main_leaves)), 13);
	is(WEXITSTATUS(in_child(60, child_many)), 14);
}

static long futex(void *p, int op, long v, const void *time, void *p2, long v3)
{
	return syscall(SYS_futex, p, op, v, time, p2, v3);
}

static uint32_t counted_word;
static volatile int counted_in;
static void *counted_wait(void *arg)
{
	__atomic_add_fetch(&counted_in, 1, __ATOMIC_SEQ_CST);
	while (futex(&counted_word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0) == 0 && counted_word == 0)
		break;
	__atomic_sub_fetch(&counted_in, 1, __ATOMIC_SEQ_CST);
	return arg;
}

/* FUTEX_WAKE says how many it woke */
static void counts(void)
{
	pthread_t t[5];

	is(futex(&counted_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 3, NULL, NULL, 0), 0);
	for (int i = 0; i < 5; i++)
		pthread_create(&t[i], NULL, counted_wait, NULL);
	while (counted_in < 5)
		pause_ms(1);
	pause_ms(100);
	is(futex(&counted_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 3, NULL, NULL, 0), 3);
	is(futex(&counted_word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);	/* another kind of word */
	is(futex(&counted_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 1);
	is(futex(&counted_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, NULL, NULL, 0), 1);
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	is(counted_in, 0);
}

static uint32_t *shared_word;
static void futexes(void)
{
	static uint32_t word = 5, other;
	struct timespec ts = { 0, 30000000 }, bad_time = { 0, -1 };
	int status;
	double t = now();

	fails(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
	fails(futex(&word, FUTEX_WAIT, 5, &ts, NULL, 0), ETIMEDOUT);
	ok(now() - t >= 0.029);
	fails(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, &ts, NULL, 0), ETIMEDOUT);
	fails(futex(&word, FUTEX_WAIT, 5, &bad_time, NULL, 0), EINVAL);
	fails(futex((char *)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL);
	fails(futex(nowhere, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
	fails(futex(&word, 77, 5, NULL, NULL, 0), ENOSYS);
	ok(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0) >= 0);
	is(futex(&word, FUTEX_WAKE, 0, NULL, NULL, 0), 0);
	fails(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 4), EAGAIN);
	fails(futex(&word, FUTEX_WAIT_BITSET, 5, &ts, NULL, 0xffffffff), ETIMEDOUT);
	fails(futex(&word, FUTEX_WAIT_BITSET, 5, &ts, NULL, 0), EINVAL);
	/* between processes */
	shared_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200; i++) {
			while (__atomic_load_n(shared_word, __ATOMIC_ACQUIRE) % 2 == 0)
				futex(shared_word, FUTEX_WAIT, i * 2, &(struct timespec){ 2, 0 }, NULL, 0);
			__atomic_add_fetch(shared_word, 1, __ATOMIC_ACQ_REL);
			futex(shared_word, FUTEX_WAKE, 1, NULL, NULL, 0);
		}
		_exit(0);
	}
	t = now();
	for (int i = 0; i < 200; i++) {
		__atomic_add_fetch(shared_word, 1, __ATOMIC_ACQ_REL);
		futex(shared_word, FUTEX_WAKE, 1, NULL, NULL, 0);
		while (__atomic_load_n(shared_word, __ATOMIC_ACQUIRE) % 2 == 1)
			futex(shared_word, FUTEX_WAIT, i * 2 + 1, &(struct timespec){ 2, 0 }, NULL, 0);
	}
	waitpid(pid, &status, 0);
	ok(status == 0 && *shared_word == 400);
	ok(now() - t < 10);
	pthread_mutexattr_t ma;
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutex_t *m = (pthread_mutex_t *)(shared_word + 64);
	pthread_mutex_init(m, &ma);
	long *counter = (long *)(shared_word + 512);
	pid = fork();
	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(m);
		++*(volatile long *)counter;
		pthread_mutex_unlock(m);
	}
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	is(*counter, 6000);
}

static void *nothing(void *arg) { return arg; }

static int borrower(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		getsid(0);
		getpgid(1);
		_exit(0);
	}
	return waitpid(pid, NULL, 0) == pid;
}

/* What a thread or a child in the same space had of the system goes with it: the lowest free name stays about the same. */
static void leaves_nothing(void)
{
	struct utsname u;
	pthread_t t[10];
	long before = 0, after;
	bool good = true;

	uname(&u);
	if (!strstr(u.release, "ernst"))
		return;
	for (int turn = 0; turn < 100; turn++) {
		if (turn == 5)
			before = syscall(-26);		/* a new port */
		for (int i = 0; i < 10; i++)
			good = good && pthread_create(&t[i], NULL, nothing, NULL) == 0;
		for (int i = 0; i < 10; i++)
			good = good && pthread_join(t[i], NULL) == 0;
		good = good && borrower();
	}
	after = syscall(-26);
	ok(good);
	tap(after - before <= 40, "names of ports: %ld, then %ld", before, after);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "second") == 0 && getpid() == gettid() ? 42 : 1;
	many();
	cancels();
	signals();
	fork_from_thread();
	deaths();
	futexes();
	counts();
	leaves_nothing();
	return tap_done();
}
