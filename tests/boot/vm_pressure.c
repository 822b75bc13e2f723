/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory shortage: a task that eats everything dies, others live; object pages go back to their pager. */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static void
eat(void *arg)
{
	vm_address_t a;

	(void)arg;
	for (;;) {
		a = 0;
		if (vm_allocate(SELF, &a, 256 * PAGE, 1) != KERN_SUCCESS)
			break;
		for (unsigned i = 0; i < 256; i++)
			*(volatile char *)(a + i * PAGE) = 1;
	}
	for (;;)
		test_sleep(1000);
}

static unsigned long
free_pages(void)
{
	struct vm_statistics st;

	return vm_statistics(SELF, &st) == KERN_SUCCESS ? st.free_count : 0;
}

TEST(a_task_that_eats_all_memory_dies_alone)
{
	unsigned long before = free_pages(), least = before, now;
	mach_port_t hog;
	vm_size_t cur, max;
	vm_address_t a = 0;

	CHECK_OK(vm_get_size_limit(SELF, &cur, &max));
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, 1ul << 40, 1ul << 40));
	hog = test_fork(eat, 0);
	CHECK_OK(vm_allocate(SELF, &a, 64 * PAGE, 1));
	for (unsigned i = 0; i < 1500; i++) {
		test_sleep(20);
		*(volatile char *)(a + i % 64 * PAGE) = 1;
		now = free_pages();
		if (now < least)
			least = now;
		if (least < before / 8 && now > before / 2)
			break;
	}
	test_say("# free pages %ld before, least %ld, %ld after", before, least, free_pages());
	CHECK(least < before / 8);
	CHECK(free_pages() > before / 2);
	task_terminate(hog);
	mach_port_deallocate(SELF, hog);
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, cur, max));
}

/* a pager that answers every request with zeros and counts what comes back */
struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; void *p; }; } item[8];
};
static volatile unsigned long returned, terminated;
static uint32_t *store;			/* what the pager has of each page */
static mach_port_t object;

static void
pager(void *arg)
{
	struct pager_message m;
	mach_port_t self;

	(void)arg;
	/* a pager may use the reserve, or it could not make memory free */
	thread_wire(test_host_priv, self = mach_thread_self(), 1);
	mach_port_deallocate(SELF, self);
	mig_dealloc_reply_port(mig_get_reply_port());
	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, object, 0, 0) == 0) {
		mach_port_t c = m.item[0].port;

		if (m.h.msgh_id == 2200) {
			mach_port_deallocate(SELF, m.item[1].port);
			memory_object_ready(c, 0, 2);
		} else if (m.h.msgh_id == 2203) {
			memory_object_data_unavailable(c, m.item[1].v, m.item[2].v);
		} else if (m.h.msgh_id == 2208) {
			for (unsigned long at = 0; at < m.item[2].t.msgt_number; at += PAGE) {
				store[(m.item[1].v + at) / PAGE] = *(uint64_t *)((char *)m.item[2].p + at);
				returned++;
			}
			vm_deallocate(SELF, (vm_address_t)m.item[2].p, m.item[2].t.msgt_number);
		} else if (m.h.msgh_id == 2201) {
			mach_port_mod_refs(SELF, m.item[0].port, MACH_PORT_RIGHT_RECEIVE, -1);
			mach_port_mod_refs(SELF, m.item[1].port, MACH_PORT_RIGHT_RECEIVE, -1);
			terminated++;
			continue;
		}
		mach_port_deallocate(SELF, c);
	}
}

/* the page tables of a quarter of memory stay with the map */
TEST_FLAGS(dirty_object_pages_go_to_their_pager_under_pressure, TEST_MAY_LEAK)
{
	unsigned long pages = 2500, wrong = 0, ballast = free_pages() - 3200;
	mach_port_t th;
	vm_size_t cur, max;
	vm_address_t a = 0, stored = 0, heavy = 0;

	returned = terminated = 0;
	CHECK_OK(vm_allocate(SELF, &stored, pages * sizeof *store, 1));
	store = (uint32_t *)stored;
	object = test_port_with_send();
	th = test_thread(pager, 0);
	CHECK_OK(vm_get_size_limit(SELF, &cur, &max));
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, 1ul << 40, 1ul << 40));
	CHECK_OK(vm_allocate(SELF, &heavy, ballast * PAGE, 1));
	for (unsigned long i = 0; i < ballast; i++)
		*(volatile char *)(heavy + i * PAGE) = 1;
	REQUIRE(vm_map(SELF, &a, pages * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_NONE) == KERN_SUCCESS);
	for (unsigned long i = 0; i < pages; i++)
		*(volatile uint64_t *)(a + i * PAGE) = i + 1;
	test_say("# %ld pages written, %ld came back meanwhile", pages, returned);
	CHECK(returned > 0);
	CHECK_OK(vm_deallocate(SELF, a, pages * PAGE));
	for (unsigned i = 0; i < 500 && !terminated; i++)
		test_sleep(20);
	CHECK_EQ(terminated, 1);
	/* a page may come back twice: dirty, but before the write that made it so was done */
	CHECK(returned >= pages);
	for (unsigned long i = 0; i < pages; i++)
		wrong += store[i] != i + 1;
	CHECK_EQ(wrong, 0);
	CHECK_OK(vm_deallocate(SELF, heavy, ballast * PAGE));
	CHECK_OK(vm_deallocate(SELF, stored, pages * sizeof *store));
	test_port_destroy(object);
	test_thread_join(th);
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, cur, max));
}

static volatile bool deaf, gone;

/* answers until it is told to stop, then reads nothing more */
static void
deaf_pager(void *arg)
{
	struct pager_message m;

	(void)arg;
	while (!deaf) {
		if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, object, 20, 0) != 0)
			continue;
		if (m.h.msgh_id == 2200)
			memory_object_ready(m.item[0].port, 0, 2);
		else if (m.h.msgh_id == 2203)
			memory_object_data_unavailable(m.item[0].port, m.item[1].v, m.item[2].v);
		mach_msg_destroy(&m.h);
	}
	while (!gone)
		test_sleep(20);
	mig_dealloc_reply_port(mig_get_reply_port());
}

static void
writer(void *arg)
{
	vm_address_t a = (vm_address_t)arg;

	/* all of it again and again: the pager's dirty pages, until they are taken away */
	for (;;)
		for (unsigned long i = 0; i < 3000; i++)
			*(volatile uint64_t *)(a + i * PAGE) = i;
}

/* the page tables stay with the map */
TEST_FLAGS(a_pager_that_reads_nothing_loses_its_object_and_others_get_the_memory, TEST_MAY_LEAK)
{
	vm_size_t cur, max;
	vm_address_t a = 0, heavy = 0;
	unsigned long pages;
	mach_port_t th, child;

	deaf = gone = false;
	object = test_port_with_send();
	th = test_thread(deaf_pager, 0);
	CHECK_OK(vm_get_size_limit(SELF, &cur, &max));
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, 1ul << 40, 1ul << 40));
	REQUIRE(vm_map(SELF, &a, 3000 * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_SHARE) == KERN_SUCCESS);
	for (unsigned long i = 0; i < 3000; i++)
		*(volatile uint64_t *)(a + i * PAGE) = i;
	deaf = true;
	child = test_fork(writer, (void *)a);
	/* more than there is without the pager's pages */
	pages = free_pages() + 1000;
	CHECK_OK(vm_allocate(SELF, &heavy, pages * PAGE, 1));
	for (unsigned long i = 0; i < pages; i++)
		*(volatile uint64_t *)(heavy + i * PAGE) = i;
	CHECK_EQ(*(volatile uint64_t *)(heavy + 77 * PAGE), 77);
	/* it touched them: an exception it has no handler for */
	for (unsigned i = 0; i < 500 && test_type(child) == MACH_PORT_TYPE_SEND; i++)
		test_sleep(20);
	CHECK_EQ(test_type(child), MACH_PORT_TYPE_DEAD_NAME);
	mach_port_deallocate(SELF, child);
	gone = true;
	CHECK_OK(vm_deallocate(SELF, heavy, pages * PAGE));
	CHECK_OK(vm_deallocate(SELF, a, 3000 * PAGE));
	test_thread_join(th);
	test_port_destroy(object);
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, cur, max));
}
