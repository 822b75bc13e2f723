/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests as boot modules. A file of tests is a list of TEST(behaviour) { ... } functions; the harness runs
 * each, compares the kernel's conservation counters before and after, prints TAP on the console, and ends the machine.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach.h>
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/mach_traps.h>

struct test_case {
	const char	*tc_name;
	void		(*tc_run)(void);
	unsigned	 tc_flags, tc_line;
};

#define TEST_MAY_LEAK	1	/* what it does cannot be undone (says why at its place) */
#define TEST_LOCAL	2	/* about what only the kernel itself can do or give: not run behind a proxy */

#define TEST_FLAGS(behaviour, flags)						\
	static void behaviour(void);						\
	static const struct test_case test_case_##behaviour			\
	    __attribute__((used, section("test_cases"), aligned(8))) = { #behaviour, behaviour, (flags), __LINE__ }; \
	static void behaviour(void)
#define TEST(behaviour)	TEST_FLAGS(behaviour, 0)

/* a module may have one: what stays for ever and is to be there before anything is counted */
void	test_prepare(void) __attribute__((weak));

/* a failed check is reported and the test goes on */
#define CHECK(e)	test_check((e) ? true : false, #e, __FILE__, __LINE__)
#define CHECK_EQ(got, want)							\
	test_check_eq((uint64_t)(int64_t)(got), (uint64_t)(int64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_OK(e)	CHECK_EQ((e), KERN_SUCCESS)
/* the rest of the test makes no sense: leave it */
#define REQUIRE(e)	do { if (!test_check((e) ? true : false, #e, __FILE__, __LINE__)) return; } while (0)

bool	test_check(bool, const char *what, const char *file, int line);
bool	test_check_eq(uint64_t got, uint64_t want, const char *what, const char *file, int line);
void	test_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

extern mach_port_t test_host_priv, test_device_master;
extern int test_argc;
extern char **test_argv;

/* deterministic random numbers; the seed is printed when a test fails */
uint32_t test_random(void);
void	test_random_seed(uint64_t);

/* --- ports and messages --- */
struct test_message {
	mach_msg_header_t h;
	char		 body[8192];
} __attribute__((aligned(8)));

struct port_item { mach_msg_type_t type; mach_port_name_inlined_t port; };
struct data_item { mach_msg_type_t type; void *address; };

mach_port_t	test_port(void);			/* receive right */
mach_port_t	test_port_with_send(void);		/* receive and one send right under one name */
void		test_port_destroy(mach_port_t);
/* a 32-byte message; => mach_msg result */
kern_return_t	test_send(mach_port_t dest, unsigned disposition, mach_port_t reply, unsigned reply_disposition, int id);
/* poll: => MACH_RCV_TIMED_OUT when there is none */
kern_return_t	test_receive(mach_port_t, struct test_message *);
/* wait up to ms */
kern_return_t	test_receive_wait(mach_port_t, struct test_message *, unsigned ms);
unsigned	test_urefs(mach_port_t, mach_port_right_t);	/* 0 when there is no such right */
mach_port_type_t test_type(mach_port_t);			/* 0: no such name */
/* what it names is dead, or, behind a proxy, is so within a second: there the news comes after the answer */
bool		test_is_dead(mach_port_t);
static inline mach_msg_type_t test_type_port(unsigned disposition, unsigned n)
{
	return (mach_msg_type_t){ .msgt_name = disposition, .msgt_size = 64, .msgt_inline = 1, .msgt_number = n };
}
static inline mach_msg_type_t test_type_ool(unsigned bytes, bool deallocate)
{
	return (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_BYTE, .msgt_size = 8, .msgt_longform = 1,
	    .msgt_deallocate = deallocate, .msgt_number = bytes };
}

/* --- threads and tasks --- */
/* a thread of this task; it ends when fn returns */
mach_port_t	test_thread(void (*fn)(void *), void *arg);
void		test_thread_join(mach_port_t);		/* wait until it has ended, drop the right, free its stack */
void		test_sleep(unsigned ms);
void		test_yield(void);
/* copy-on-write child task running fn(arg) in its own copy of this program; it ends when fn returns.
   The child's port name of its own task is what task_self() gives there. */
mach_port_t	test_fork(void (*fn)(void *), void *arg);
/* give the child a send or receive right under the same name in its space */
void		test_give(mach_port_t child, mach_port_t name, unsigned disposition);

/* run the module in a task whose kernel objects are all behind ports of this one */
void		test_proxied(void (*run)(void)) __attribute__((weak));
extern bool	test_is_proxied;

/* --- conservation --- */
#define TEST_COUNTERS	32
struct test_count { char name[20]; int64_t value; };
struct test_counts { struct test_count c[TEST_COUNTERS]; unsigned n; };
void		test_counts_read(struct test_counts *);

/* The library keeps reply ports for as many threads as ever were in a call at once; a failed call loses one. At most 64 */
void		test_fill_reply_pool(unsigned n);

unsigned	test_cpus(void);

/* --- conformance: what the kernel does not see called (traps, requests to user programs) and what nonsense was tried --- */
#define TEST_HOSTILE	0x7fffffff
void		test_covers(int id, int result);
void		test_hostile(int id);
void		test_calls_say(void);
/* the word seconds=N of the module's line, else `otherwise` */
unsigned	test_seconds(unsigned otherwise);
/* the same for any word, given with its "=" */
unsigned	test_number(const char *word, unsigned otherwise);

/* --- debug kernels --- */
/* the nth allocation from now at the fault point of this name ("*": any) fails; 0: none. false: no such device */
bool		test_fault_arm(const char *name, unsigned nth);
/* the kernel's racer (kernel/debug/racer.h); 0: off */
void		test_racer(unsigned strength);
/* lines LOCK on the console: every place where a lock was taken */
void		test_say_locks(void);
/* The next thread that comes to the pause point of this name (kernel/debug/pause.h) stops there until test_pause_end, for some
   seconds at most. test_pause_taken waits until one does. */
bool		test_pause_arm(const char *point);
bool		test_pause_taken(void);
void		test_pause_end(void);

#endif
