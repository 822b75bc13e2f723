/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps, copies and faults from many threads at once; what each thread wrote it must read again. */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul
#define THREADS	4
#define ROUNDS	30

static uint32_t
next(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static volatile unsigned long bad;

static void
wrong(const char *what)
{
	if (__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED) < 5)
		test_say("# %s", what);
}

static void
stamp(vm_address_t a, unsigned pages, uint32_t v)
{
	for (unsigned i = 0; i < pages; i++)
		*(volatile uint64_t *)(a + i * PAGE + (v & 0xff8)) = v + i;
}

static bool
stamped(vm_address_t a, unsigned pages, uint32_t v)
{
	for (unsigned i = 0; i < pages; i++)
		if (*(volatile uint64_t *)(a + i * PAGE + (v & 0xff8)) != v + i)
			return false;
	return true;
}

/* one thread's work in the shared map: allocate, protect, copy, read, fork, unmap */
static void
worker(void *arg)
{
	uint32_t s = 77 + (uintptr_t)arg * 1001, v;
	mach_port_t child;
	vm_offset_t data;
	mach_msg_type_number_t n;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned pages = 1 + next(&s) % 30;
		vm_address_t a = 0, b = 0;

		v = next(&s);
		if (vm_allocate(SELF, &a, pages * PAGE, 1) != KERN_SUCCESS) {
			wrong("allocate");
			break;
		}
		stamp(a, pages, v);
		switch (next(&s) % 6) {
		case 0:
			if (vm_read(SELF, a, pages * PAGE, &data, &n) != KERN_SUCCESS) {
				wrong("read");
				break;
			}
			stamp(a, pages, ~v);
			if (!stamped(data, pages, v))
				wrong("vm_read is no snapshot");
			vm_deallocate(SELF, data, n);
			v = ~v;
			break;
		case 1:
			vm_allocate(SELF, &b, pages * PAGE, 1);
			if (vm_copy(SELF, a, pages * PAGE, b) != KERN_SUCCESS || !stamped(b, pages, v))
				wrong("vm_copy");
			stamp(b, pages, 1);
			vm_deallocate(SELF, b, pages * PAGE);
			break;
		case 2:
			vm_protect(SELF, a + pages / 2 * PAGE, PAGE, 0, VM_PROT_READ);
			vm_protect(SELF, a, pages * PAGE, 0, VM_PROT_DEFAULT);
			break;
		case 3:
			if (round % 8 != 0)
				break;
			if (task_create(SELF, 1, &child) != KERN_SUCCESS) {
				wrong("task_create");
				break;
			}
			stamp(a, pages, v + 5);
			if (vm_read(child, a, pages * PAGE, &data, &n) != KERN_SUCCESS) {
				wrong("read of the child");
			} else {
				if (!stamped(data, pages, v))
					wrong("the child's copy changed");
				vm_deallocate(SELF, data, n);
			}
			task_terminate(child);
			mach_port_deallocate(SELF, child);
			v += 5;
			break;
		case 4:
			/* not reused here: another thread may be given the place at once */
			if (pages > 1) {
				vm_deallocate(SELF, a + (pages + 1) / 2 * PAGE, pages / 2 * PAGE);
				pages = (pages + 1) / 2;
			}
			break;
		case 5:
			vm_wire(test_host_priv, SELF, a, pages * PAGE, VM_PROT_DEFAULT);
			break;
		}
		if (!stamped(a, pages, v))
			wrong("memory changed");
		vm_deallocate(SELF, a, pages * PAGE);
	}
	mig_dealloc_reply_port(mig_get_reply_port());
}

TEST(threads_of_one_task_keep_their_memory)
{
	mach_port_t t[THREADS];

	bad = 0;
	for (unsigned i = 0; i < THREADS; i++)
		t[i] = test_thread(worker, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < THREADS; i++)
		test_thread_join(t[i]);
	CHECK_EQ(bad, 0);
}

/* one thread changes protection and mapping of a range others touch through the kernel: results, never damage */
static volatile bool stop;
static volatile vm_address_t range;

static void
toucher(void *arg)
{
	vm_offset_t data;
	mach_msg_type_number_t n;
	uint32_t s = 5 + (uintptr_t)arg;

	while (!stop) {
		vm_address_t a = range + next(&s) % 32 * PAGE;

		switch (next(&s) % 3) {
		case 0:
			if (vm_read(SELF, a, 100, &data, &n) == KERN_SUCCESS)
				vm_deallocate(SELF, data, n);
			break;
		case 1:
			if (vm_read(SELF, a, 4 * PAGE, &data, &n) == KERN_SUCCESS)
				vm_deallocate(SELF, data, n);
			break;
		case 2:
			vm_copy(SELF, a, PAGE, range + next(&s) % 32 * PAGE);
			break;
		}
	}
	mig_dealloc_reply_port(mig_get_reply_port());
}

TEST(a_range_that_comes_and_goes_harms_nobody)
{
	mach_port_t t[THREADS];
	vm_address_t a = 0x300000000000;

	stop = false;
	range = a;
	for (unsigned i = 0; i < THREADS; i++)
		t[i] = test_thread(toucher, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 300; i++) {
		a = range;
		vm_allocate(SELF, &a, 32 * PAGE, 0);
		vm_protect(SELF, a + 3 * PAGE, 7 * PAGE, 0, i % 2 ? VM_PROT_READ : VM_PROT_NONE);
		vm_inherit(SELF, a, 9 * PAGE, i % 3);
		vm_deallocate(SELF, a + (i % 16) * PAGE, 5 * PAGE);
		if (i % 4 == 0)
			vm_deallocate(SELF, a, 32 * PAGE);
	}
	stop = true;
	for (unsigned i = 0; i < THREADS; i++)
		test_thread_join(t[i]);
	CHECK_OK(vm_deallocate(SELF, range, 32 * PAGE));
}

static volatile unsigned faulted;

static void
fault_all(void *arg)
{
	vm_address_t a = (vm_address_t)arg;

	for (unsigned i = 0; i < 128; i++)
		__atomic_fetch_add((uint64_t *)(a + i * PAGE), 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&faulted, 1, __ATOMIC_RELAXED);
}

TEST(one_page_for_many_threads_faulting_on_it)
{
	mach_port_t t[THREADS];
	unsigned long lost = 0;
	mach_port_t child;
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, 128 * PAGE, 1));
	for (unsigned round = 0; round < 3; round++) {
		/* a living copy makes every write a copy-on-write fault */
		REQUIRE(task_create(SELF, 1, &child) == KERN_SUCCESS);
		for (unsigned i = 0; i < THREADS; i++)
			t[i] = test_thread(fault_all, (void *)a);
		for (unsigned i = 0; i < THREADS; i++)
			test_thread_join(t[i]);
		for (unsigned i = 0; i < 128; i++)
			lost += *(volatile uint64_t *)(a + i * PAGE) != (round + 1) * THREADS;
		task_terminate(child);
		mach_port_deallocate(SELF, child);
	}
	CHECK_EQ(lost, 0);
	CHECK_OK(vm_deallocate(SELF, a, 128 * PAGE));
}
