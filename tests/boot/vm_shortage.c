/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of an operation fails once, the first, the second, the third ...: each time the operation either works or
 * reports an error, nothing leaks (the harness compares), what it worked on is unharmed, and trying again works.
 */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul
#define DEPTH	40		/* more allocations than any operation here makes */

/* an undoing may itself meet the failure, or succeed and lose its reply: once more, not for ever */
#define RETRY(call)	do { if ((call) != KERN_SUCCESS) (void)(call); } while (0)

static vm_address_t base;

static void
fill(void)
{
	for (unsigned i = 0; i < 100; i++)
		*(volatile unsigned long *)(base + i * PAGE) = i + 1;
}

static bool
intact(vm_address_t a)
{
	for (unsigned i = 0; i < 100; i++)
		if (*(volatile unsigned long *)(a + i * PAGE) != i + 1)
			return false;
	return true;
}

static bool
allocate_and_free(void)
{
	vm_address_t a = 0;

	if (vm_allocate(SELF, &a, 5 * PAGE, 1) != KERN_SUCCESS)
		return false;
	*(volatile char *)(a + PAGE) = 1;
	RETRY(vm_deallocate(SELF, a + PAGE, PAGE));
	RETRY(vm_deallocate(SELF, a, 5 * PAGE));
	return true;
}

static bool
fork_and_end(void)
{
	mach_port_t child;

	if (task_create(SELF, 1, &child) != KERN_SUCCESS)
		return false;
	fill();
	RETRY(task_terminate(child));
	mach_port_deallocate(SELF, child);
	return true;
}

static bool
read_all(void)
{
	vm_offset_t data;
	mach_msg_type_number_t n;
	bool good;

	if (vm_read(SELF, base, 100 * PAGE, &data, &n) != KERN_SUCCESS)
		return false;
	good = intact(data);
	RETRY(vm_deallocate(SELF, data, n));
	CHECK(good);
	return true;
}

static bool
protect_parts(void)
{
	bool good = vm_protect(SELF, base + 10 * PAGE, 10 * PAGE, 0, VM_PROT_READ) == KERN_SUCCESS;

	RETRY(vm_protect(SELF, base, 100 * PAGE, 0, VM_PROT_DEFAULT));
	return good;
}

static bool
copy_within(void)
{
	vm_address_t a = 0;
	bool good;

	if (vm_allocate(SELF, &a, 100 * PAGE, 1) != KERN_SUCCESS)
		return false;
	good = vm_copy(SELF, base, 100 * PAGE, a) == KERN_SUCCESS;
	if (good)
		CHECK(intact(a));
	RETRY(vm_deallocate(SELF, a, 100 * PAGE));
	return good;
}

static bool
wire_and_back(void)
{
	bool good = vm_wire(test_host_priv, SELF, base + 7 * PAGE, 20 * PAGE, VM_PROT_DEFAULT) == KERN_SUCCESS;

	if (good)
		RETRY(vm_wire(test_host_priv, SELF, base + 7 * PAGE, 20 * PAGE, VM_PROT_NONE));
	return good;
}

static bool
map_object(void)
{
	mach_port_t p;
	vm_address_t a = 0;
	bool good;

	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p) != KERN_SUCCESS)
		return false;
	good = mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS &&
	    vm_map(SELF, &a, 4 * PAGE, 0, 1, p, 0, 0, 3, 7, 1) == KERN_SUCCESS;
	if (a != 0)
		RETRY(vm_deallocate(SELF, a, 4 * PAGE));
	RETRY(mach_port_destroy(SELF, p));
	return good;
}

static void
each_allocation_fails(bool (*operation)(void))
{
	unsigned failed = 0;

	CHECK_OK(vm_allocate(SELF, &base, 100 * PAGE, 1));
	fill();
	CHECK(operation());
	for (unsigned nth = 1; nth <= DEPTH; nth++) {
		REQUIRE(test_fault_arm("*", nth));
		failed += !operation();
		test_fault_arm("*", 0);
		CHECK(intact(base));
		CHECK(operation());
	}
	test_say("# %u of %u failed", failed, DEPTH);
	CHECK_OK(vm_deallocate(SELF, base, 100 * PAGE));
}

TEST(allocation_survives_every_failure) { each_allocation_fails(allocate_and_free); }
/* a task whose reply could not be delivered lives on without anybody who knows it */
TEST_FLAGS(inheritance_survives_every_failure, TEST_MAY_LEAK) { each_allocation_fails(fork_and_end); }
TEST(reading_survives_every_failure) { each_allocation_fails(read_all); }
TEST(protection_survives_every_failure) { each_allocation_fails(protect_parts); }
TEST(copying_survives_every_failure) { each_allocation_fails(copy_within); }
TEST(wiring_survives_every_failure) { each_allocation_fails(wire_and_back); }
TEST(mapping_survives_every_failure) { each_allocation_fails(map_object); }
