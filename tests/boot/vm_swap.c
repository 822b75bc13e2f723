/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous memory and the default pager: more memory than there is, with its contents; copies, messages and wired memory of what was paged
 * out; the end of the default pager. The last test ends it.
 */
#include "harness/test.h"
#include <mach/gnumach.h>
#include <mach/task_info.h>
#include <mach/vm_wire.h>

#define SELF	mach_task_self()
#define PAGE	4096ul
#define WORKERS	4u

static mach_port_t pager_task;

static unsigned long
total_pages(void)
{
	struct vm_statistics st;

	vm_statistics(SELF, &st);
	return st.free_count + st.active_count + st.inactive_count + st.wire_count;
}

/* what the children tell: one word each, in a page all share */
struct report {
	volatile unsigned done, wrong, errors;
};
static struct report *reports;

/* this program is never paged itself, but for what the tests allocate: it has to see the default pager end */
void
test_prepare(void)
{
	vm_address_t a = 0;
	mach_port_t self;

	for (const char *s = test_argv[3]; test_argc > 3 && *s >= '0' && *s <= '9'; s++)
		pager_task = pager_task * 10 + (mach_port_t)(*s - '0');
	CHECK_OK(vm_allocate(SELF, &a, PAGE, 1));
	CHECK_OK(vm_inherit(SELF, a, PAGE, VM_INHERIT_SHARE));
	reports = (struct report *)a;
	CHECK_OK(vm_wire_all(test_host_priv, SELF, VM_WIRE_CURRENT));
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, 1ul << 40, 1ul << 40));
	/* the kernel has asked for paging space by now */
	test_sleep(200);
	self = mach_thread_self();
	mach_port_deallocate(SELF, self);
}

static uint64_t
value(unsigned seed, unsigned long page, unsigned word)
{
	return (seed * 0x9e3779b97f4a7c15ull) ^ (page << 16) ^ word;
}

static void
fill(vm_address_t a, unsigned long pages, unsigned seed)
{
	for (unsigned long i = 0; i < pages; i++) {
		volatile uint64_t *p = (volatile uint64_t *)(a + i * PAGE);

		p[0] = value(seed, i, 0);
		p[511] = value(seed, i, 511);
	}
}

static unsigned
wrong_pages(vm_address_t a, unsigned long pages, unsigned seed)
{
	unsigned wrong = 0;

	for (unsigned long i = 0; i < pages; i++) {
		volatile uint64_t *p = (volatile uint64_t *)(a + i * PAGE);

		wrong += p[0] != value(seed, i, 0) || p[511] != value(seed, i, 511);
	}
	return wrong;
}

static void
eat(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	unsigned long pages = total_pages();
	vm_address_t a = 0;

	if (vm_allocate(SELF, &a, pages * PAGE, 1) != KERN_SUCCESS) {
		reports[me].errors++;
	} else {
		fill(a, pages, me);
		reports[me].wrong += wrong_pages(a, pages, me);
		/* again, changed, in another order */
		for (unsigned long i = 0; i < pages; i += 3)
			*(volatile uint64_t *)(a + i * PAGE + 8) = i;
		for (unsigned long i = 0; i < pages; i += 3)
			reports[me].wrong += *(volatile uint64_t *)(a + i * PAGE + 8) != i;
	}
	reports[me].done = 1;
}

static void
wait_reports(unsigned n, unsigned seconds)
{
	unsigned done = 0;

	for (unsigned i = 0; i < seconds * 20 && done < n; i++) {
		test_sleep(50);
		done = 0;
		for (unsigned w = 0; w < n; w++)
			done += reports[w].done;
	}
	CHECK_EQ(done, n);
	for (unsigned w = 0; w < n; w++) {
		CHECK_EQ(reports[w].wrong, 0);
		CHECK_EQ(reports[w].errors, 0);
		reports[w] = (struct report){ 0, 0, 0 };
	}
}

static void
end_children(mach_port_t *child, unsigned n)
{
	for (unsigned w = 0; w < n; w++) {
		task_terminate(child[w]);
		mach_port_deallocate(SELF, child[w]);
	}
}

/* segments of paging space come as they are needed, and stay */
TEST_FLAGS(four_times_the_memory_there_is_keeps_its_contents, TEST_MAY_LEAK)
{
	struct vm_statistics before, after;
	mach_port_t child[WORKERS];

	vm_statistics(SELF, &before);
	for (unsigned w = 0; w < WORKERS; w++)
		child[w] = test_fork(eat, (void *)(uintptr_t)w);
	wait_reports(WORKERS, 150);
	vm_statistics(SELF, &after);
	test_say("# %ld pages of memory, %d pages in, %d messages out", total_pages(), after.pageins - before.pageins,
	    after.pageouts - before.pageouts);
	CHECK(after.pageins > before.pageins);
	end_children(child, WORKERS);
}

/* make everything that was not used for a while leave memory: fill more than there is, elsewhere, and drop it */
static void
press(void *arg)
{
	unsigned long pages = total_pages() + total_pages() / 4;
	vm_address_t a = 0;

	(void)arg;
	if (vm_allocate(SELF, &a, pages * PAGE, 1) == KERN_SUCCESS)
		fill(a, pages, 99);
	reports[WORKERS].done = 1;
}

static void
press_memory(void)
{
	mach_port_t child = test_fork(press, NULL);

	for (unsigned i = 0; i < 1200 && !reports[WORKERS].done; i++)
		test_sleep(50);
	CHECK_EQ(reports[WORKERS].done, 1);
	reports[WORKERS].done = 0;
	task_terminate(child);
	mach_port_deallocate(SELF, child);
}

static unsigned
my_pageins(void)
{
	task_events_info_data_t ev;
	mach_msg_type_number_t n = TASK_EVENTS_INFO_COUNT;

	return task_info(SELF, TASK_EVENTS_INFO, (task_info_t)&ev, &n) == KERN_SUCCESS ? (unsigned)ev.pageins : 0;
}

#define REGION	400ul		/* pages */

static vm_address_t region;

static void
change_copy(void *arg)
{
	vm_address_t a = (vm_address_t)arg;

	reports[0].wrong += wrong_pages(a, REGION, 7);
	fill(a, REGION, 8);
	reports[0].wrong += wrong_pages(a, REGION, 8);
	reports[0].done = 1;
}

TEST_FLAGS(copies_messages_and_shares_of_memory_that_is_out_have_its_contents, TEST_MAY_LEAK)
{
	mach_port_t child;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;

	region = 0;
	CHECK_OK(vm_allocate(SELF, &region, REGION * PAGE, 1));
	fill(region, REGION, 7);
	press_memory();
	/* out of line, unread so far */
	CHECK_OK(vm_read(SELF, region, REGION * PAGE, &data, &n));
	child = test_fork(change_copy, (void *)region);
	wait_reports(1, 60);
	CHECK_EQ(wrong_pages(data, REGION, 7), 0);
	/* changed here, seen as it was in the message */
	fill(region, REGION, 9);
	press_memory();
	CHECK_EQ(wrong_pages(data, REGION, 7), 0);
	CHECK_EQ(wrong_pages(region, REGION, 9), 0);
	end_children(&child, 1);
	CHECK_OK(vm_deallocate(SELF, data, n));
	CHECK_OK(vm_deallocate(SELF, region, REGION * PAGE));
}

TEST_FLAGS(wired_memory_stays, TEST_MAY_LEAK)
{
	vm_address_t a = 0;
	unsigned before;

	CHECK_OK(vm_allocate(SELF, &a, 64 * PAGE, 1));
	fill(a, 64, 3);
	CHECK_OK(vm_wire(test_host_priv, SELF, a, 64 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	press_memory();
	before = my_pageins();
	CHECK_EQ(wrong_pages(a, 64, 3), 0);
	CHECK_EQ(my_pageins(), before);
	/* and can go when it is not wired any more */
	CHECK_OK(vm_wire(test_host_priv, SELF, a, 64 * PAGE, VM_PROT_NONE));
	press_memory();
	CHECK_EQ(wrong_pages(a, 64, 3), 0);
	CHECK(my_pageins() > before);
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
}

/* memory of its own that is out, and a word in memory that is not */
static void
needs_its_pages(void *arg)
{
	vm_address_t a = (vm_address_t)arg;

	while (!reports[1].errors)
		test_sleep(10);
	reports[1].wrong = wrong_pages(a, REGION, 5);
	reports[1].done = 1;
	test_sleep(100000);
}

static void
needs_nothing(void *arg)
{
	vm_deallocate(SELF, (vm_address_t)arg, REGION * PAGE);
	for (unsigned i = 0; i < 6000 && !reports[0].errors; i++) {
		reports[0].wrong++;
		test_sleep(10);
	}
	reports[0].done = 1;
}

/* last: nothing can be paged out from here on */
TEST_FLAGS(the_end_of_the_default_pager_ends_only_those_who_need_its_pages, TEST_MAY_LEAK)
{
	mach_port_t victim, bystander;
	vm_address_t a = 0;
	unsigned seen;

	REQUIRE(pager_task != MACH_PORT_NULL);
	CHECK_OK(vm_allocate(SELF, &a, REGION * PAGE, 1));
	fill(a, REGION, 5);
	bystander = test_fork(needs_nothing, (void *)a);
	/* once it has dropped the region, all it has is to stay */
	test_sleep(300);
	CHECK_OK(vm_wire_all(test_host_priv, bystander, VM_WIRE_CURRENT));
	victim = test_fork(needs_its_pages, (void *)a);
	press_memory();
	CHECK_OK(task_terminate(pager_task));
	test_sleep(200);
	seen = reports[0].wrong;
	reports[1].errors = 1;
	for (unsigned i = 0; i < 200 && test_type(victim) == MACH_PORT_TYPE_SEND; i++)
		test_sleep(20);
	/* a dead name: the task has ended, before it could finish */
	CHECK_EQ(test_type(victim), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(reports[1].done, 0);
	test_sleep(100);
	CHECK(reports[0].wrong > seen);
	reports[0].errors = 1;
	for (unsigned i = 0; i < 200 && !reports[0].done; i++)
		test_sleep(20);
	CHECK_EQ(reports[0].done, 1);
	/* and new memory is to be had as before */
	CHECK_OK(vm_deallocate(SELF, a, REGION * PAGE));
	a = 0;
	CHECK_OK(vm_allocate(SELF, &a, 100 * PAGE, 1));
	fill(a, 100, 4);
	CHECK_EQ(wrong_pages(a, 100, 4), 0);
	mach_port_deallocate(SELF, victim);
	mach_port_deallocate(SELF, bystander);
}
