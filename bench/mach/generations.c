/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy-on-write over generations and by region size.
 *
 * Generations (Coulouris, Dollimore, Kindberg, exercise 18.12): a task makes a child by task_create with inheritance, which makes
 * its own, a thousand times; all live, and each touches a page of the region all inherit. Figure 18.7: what a region costs to copy by
 * hand, to create, and to copy lazily with none, one or all of its pages written afterwards.
 */
#include <mach/machine/thread_status.h>
#include "bench.h"

#define GENERATIONS	1000
#define REGION		64ul		/* pages */
#define STACK		8192ul

struct family {
	volatile unsigned born;
	volatile unsigned over;
	volatile unsigned failed;
	uint64_t	 cost[GENERATIONS];
	uint32_t	 free[GENERATIONS];
};
static struct family *family;
static vm_address_t region;
/* a parent goes on with one while its child, which has a copy of it, uses the other */
static char stacks[2][STACK] __attribute__((aligned(16)));

static void generation(unsigned long n);

static kern_return_t
bear(unsigned long n)
{
	struct i386_thread_state state = { 0 };
	mach_port_t task = MACH_PORT_NULL, thread = MACH_PORT_NULL;
	kern_return_t kr = task_create(mach_task_self(), TRUE, &task);

	if (kr == KERN_SUCCESS)
		kr = thread_create(task, &thread);
	state.rip = (uint64_t)generation;
	state.rdi = n;
	state.ursp = (uint64_t)stacks[n % 2] + STACK - 72;
	if (kr == KERN_SUCCESS)
		kr = thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
	return kr == KERN_SUCCESS ? thread_resume(thread) : kr;
}

/* the n-th child: what a fork and a touch cost it; the next one measures the same */
static void
generation(unsigned long n)
{
	struct vm_statistics st;
	mach_port_t task = MACH_PORT_NULL;
	uint64_t t;

	mach_init_child();
	vm_statistics(mach_task_self(), &st);
	family->free[n] = (uint32_t)st.free_count;
	t = bench_now();
	((volatile char *)region)[n % REGION * PAGE] = 2;
	if (task_create(mach_task_self(), TRUE, &task) != KERN_SUCCESS)
		family->failed = 1;
	family->cost[n] = bench_now() - t;
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), task);
	family->born = (unsigned)n + 1;
	if (n + 1 < GENERATIONS && !family->failed && bear(n + 1) != KERN_SUCCESS)
		family->failed = 1;
	while (!family->over)
		test_sleep(100);
	task_terminate(mach_task_self());
}

static uint64_t
least_of_ten(unsigned from)
{
	uint64_t least = ~0ull;

	for (unsigned i = from; i < from + 10; i++)
		least = family->cost[i] < least ? family->cost[i] : least;
	return least;
}

TEST_FLAGS(generations, TEST_MAY_LEAK)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, sizeof *family, TRUE));
	CHECK_OK(vm_inherit(SELF, a, sizeof *family, VM_INHERIT_SHARE));
	family = (struct family *)a;
	for (unsigned i = 0; i < GENERATIONS; i++)
		family->cost[i] = family->free[i] = 0;
	CHECK_OK(vm_allocate(SELF, &region, REGION * PAGE, TRUE));
	for (unsigned long i = 0; i < REGION; i++)
		((volatile char *)region)[i * PAGE] = 1;
	CHECK_OK(bear(0));
	for (unsigned i = 0; i < 3000 && family->born < GENERATIONS && !family->failed; i++)
		test_sleep(10);
	CHECK_EQ(family->failed, 0);
	CHECK_EQ(family->born, GENERATIONS);
	test_say("# a generation: %ld instructions at first, %ld at last", least_of_ten(2), least_of_ten(GENERATIONS - 10));
	test_say("# pages for the first 500: %d, for the last 500: %d", family->free[0] - family->free[500],
	    family->free[499] - family->free[999]);
	bench_report("fork_generation_1000_over_1", least_of_ten(GENERATIONS - 10) * 100, least_of_ten(2));
	bench_report("fork_generation_memory", (uint64_t)(family->free[499] - family->free[999]) * 100,
	    family->free[0] - family->free[500]);
	family->over = 1;
	test_sleep(500);
}

static vm_address_t source, target;

static void
copy_row(const char *key, unsigned long pages, unsigned long written)
{
	/* many: the balance of a map's tree is a matter of chance, which this evens out */
	BENCH(key, written < 2 ? 1000 : 50, vm_offset_t data = 0; mach_msg_type_number_t n = 0;
	    vm_read(SELF, source, pages * PAGE, &data, &n);
	    for (unsigned long p = 0; p < written; p++)
		((volatile char *)data)[p * PAGE] = 1;
	    vm_deallocate(SELF, data, n));
}

static void
region_rows(const char *const key[5], unsigned long pages)
{
	CHECK_OK(vm_allocate(SELF, &source, pages * PAGE, TRUE));
	CHECK_OK(vm_allocate(SELF, &target, pages * PAGE, TRUE));
	__builtin_memset((void *)source, 1, pages * PAGE);
	__builtin_memset((void *)target, 1, pages * PAGE);
	BENCH(key[0], 20, __builtin_memcpy((void *)target, (void *)source, pages * PAGE));
	BENCH(key[1], 1000, vm_address_t r = 0; vm_allocate(SELF, &r, pages * PAGE, TRUE); vm_deallocate(SELF, r, pages * PAGE));
	copy_row(key[2], pages, 0);
	copy_row(key[3], pages, 1);
	copy_row(key[4], pages, pages);
	CHECK_OK(vm_deallocate(SELF, source, pages * PAGE));
	CHECK_OK(vm_deallocate(SELF, target, pages * PAGE));
}

TEST_FLAGS(copy_on_write_by_region_size, TEST_MAY_LEAK)
{
	static const char *const small[] = {
		"region_8k_copy", "region_8k_create", "region_8k_cow_0", "region_8k_cow_1", "region_8k_cow_all"
	};
	static const char *const large[] = {
		"region_256k_copy", "region_256k_create", "region_256k_cow_0", "region_256k_cow_1", "region_256k_cow_all"
	};

	region_rows(small, 2);
	region_rows(large, 64);
}
