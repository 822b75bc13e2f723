/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual memory: faults of each kind, allocation, a user pager. */
#include <mach/memory_object.h>
#include "bench.h"

static volatile char sink;

TEST_FLAGS(faults, TEST_MAY_LEAK)
{
	enum { PAGES = 1024 };
	uint64_t zero = ~0ull, cow = ~0ull, t;

	for (int b = 0; b < 3; b++) {
		vm_address_t a = 0, c = 0;

		CHECK_OK(vm_allocate(SELF, &a, PAGES * PAGE, TRUE));
		t = bench_now();
		for (unsigned long i = 0; i < PAGES; i++)
			((volatile char *)a)[i * PAGE] = 1;
		t = bench_now() - t;
		zero = t < zero ? t : zero;
		CHECK_OK(vm_allocate(SELF, &c, PAGES * PAGE, TRUE));
		CHECK_OK(vm_copy(SELF, a, PAGES * PAGE, c));
		t = bench_now();
		for (unsigned long i = 0; i < PAGES; i++)
			((volatile char *)c)[i * PAGE] = 1;
		t = bench_now() - t;
		cow = t < cow ? t : cow;
		vm_deallocate(SELF, a, PAGES * PAGE);
		vm_deallocate(SELF, c, PAGES * PAGE);
	}
	bench_report("zero_fill_fault", zero, PAGES);
	bench_report("cow_fault", cow, PAGES);
}

TEST_FLAGS(allocation, TEST_MAY_LEAK)
{
	BENCH("vm_allocate_touch_deallocate", 3000, vm_address_t a = 0;
	    syscall_vm_allocate(SELF, &a, PAGE, TRUE); *(volatile char *)a = 1; syscall_vm_deallocate(SELF, a, PAGE));
}

static vm_address_t pager_page;

static void pager(void *arg)
{
	union {
		mach_msg_header_t h;
		struct { mach_msg_header_t h; struct port_item control; mach_msg_type_t t1; uint64_t offset;
		    mach_msg_type_t t2; uint64_t length; } request;
		char room[256];
	} m;
	mach_port_t port = (mach_port_t)(uintptr_t)arg;

	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
		if (m.h.msgh_id == 2200) {
			memory_object_ready(m.request.control.port.name, FALSE, MEMORY_OBJECT_COPY_NONE);
		} else if (m.h.msgh_id == 2203) {
			memory_object_data_supply(m.request.control.port.name, m.request.offset, pager_page, (unsigned)m.request.length,
			    FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
			mach_port_deallocate(SELF, m.request.control.port.name);
		}
	}
}

TEST_FLAGS(user_pager, TEST_MAY_LEAK)
{
	enum { PAGES = 512 };
	mach_port_t p = test_port_with_send(), thread = test_thread(pager, (void *)(uintptr_t)p);
	vm_address_t a = 0;
	uint64_t t;

	CHECK_OK(vm_allocate(SELF, &pager_page, 16 * PAGE, TRUE));
	for (unsigned long i = 0; i < 16; i++)
		((volatile char *)pager_page)[i * PAGE] = 1;
	REQUIRE(vm_map(SELF, &a, (PAGES + 16) * PAGE, 0, TRUE, p, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL,
	    VM_INHERIT_NONE) == KERN_SUCCESS);
	for (unsigned long i = 0; i < 16; i++)
		sink = ((volatile char *)a)[i * PAGE];
	t = bench_now();
	for (unsigned long i = 16; i < PAGES + 16; i++)
		sink = ((volatile char *)a)[i * PAGE];
	bench_report("pager_fault", bench_now() - t, PAGES);
	vm_deallocate(SELF, a, (PAGES + 16) * PAGE);
	thread_terminate(thread);
}
