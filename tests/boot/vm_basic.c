/* SPDX-License-Identifier: BSD-2-Clause */
/* Address maps as a task sees them: allocation, protection, holes, limits, regions. Interface reference section 11. */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

TEST(allocated_memory_is_zero_and_keeps_what_is_written)
{
	vm_address_t a = 0;
	unsigned long bad = 0;

	CHECK_OK(vm_allocate(SELF, &a, 300 * PAGE, 1));
	for (unsigned i = 0; i < 300; i += 7) {
		bad += *(volatile long *)(a + i * PAGE + 8) != 0;
		*(volatile long *)(a + i * PAGE + 8) = i;
	}
	for (unsigned i = 0; i < 300; i++)
		bad += *(volatile long *)(a + i * PAGE + 8) != (i % 7 == 0 ? i : 0);
	CHECK_EQ(bad, 0);
	CHECK_OK(vm_deallocate(SELF, a, 300 * PAGE));
}

TEST(size_zero_allocates_nothing)
{
	vm_address_t a = 0x12345;

	CHECK_OK(vm_allocate(SELF, &a, 0, 1));
	CHECK_EQ(a, 0);
	CHECK_OK(vm_deallocate(SELF, 0x10000, 0));
}

TEST(fixed_addresses_are_rounded_and_overlap_is_refused)
{
	vm_address_t a = 0x100000000123, b = 0x100000000000;

	CHECK_OK(vm_allocate(SELF, &a, 10, 0));
	CHECK_EQ(a, 0x100000000000);
	CHECK_EQ(vm_allocate(SELF, &b, PAGE, 0), KERN_NO_SPACE);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
	b = 0x7ffffffff000;
	CHECK(vm_allocate(SELF, &b, 2 * PAGE, 0) != KERN_SUCCESS);
}

TEST(page_zero_can_be_mapped_on_request)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, PAGE, 0));
	CHECK_EQ(a, 0);
	CHECK_OK(vm_deallocate(SELF, 0, PAGE));
}

TEST(holes_do_not_fail_deallocate_and_protect)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, 8 * PAGE, 1));
	CHECK_OK(vm_deallocate(SELF, a + 2 * PAGE, PAGE));
	CHECK_OK(vm_protect(SELF, a, 8 * PAGE, 0, VM_PROT_READ));
	CHECK_OK(vm_deallocate(SELF, a, 8 * PAGE));
	CHECK_OK(vm_deallocate(SELF, a, 8 * PAGE));
}

TEST(regions_tell_attributes)
{
	vm_address_t a = 0, at;
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t name;
	vm_offset_t offset;

	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, 1));
	CHECK_OK(vm_protect(SELF, a + PAGE, PAGE, 0, VM_PROT_READ));
	CHECK_OK(vm_inherit(SELF, a + PAGE, PAGE, VM_INHERIT_NONE));
	at = a + PAGE + 5;
	CHECK_OK(vm_region(SELF, &at, &size, &prot, &max, &inherit, &shared, &name, &offset));
	CHECK_EQ(at, a + PAGE);
	CHECK_EQ(size, PAGE);
	CHECK_EQ(prot, VM_PROT_READ);
	CHECK_EQ(max, VM_PROT_ALL);
	CHECK_EQ(inherit, VM_INHERIT_NONE);
	CHECK_OK(vm_protect(SELF, a, 4 * PAGE, 1, VM_PROT_READ));
	CHECK_EQ(vm_protect(SELF, a, PAGE, 0, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	CHECK_OK(vm_deallocate(SELF, a, 4 * PAGE));
}

TEST(ten_thousand_entries_come_and_go)
{
	vm_address_t base = 0x200000000000;
	unsigned long bad = 0;

	for (unsigned i = 0; i < 10000; i++) {
		vm_address_t a = base + i * 2 * PAGE;

		bad += vm_allocate(SELF, &a, PAGE, 0) != KERN_SUCCESS;
	}
	for (unsigned i = 0; i < 10000; i += 97)
		*(volatile char *)(base + i * 2 * PAGE) = 1;
	CHECK_OK(vm_deallocate(SELF, base, 20000 * PAGE));
	CHECK_EQ(bad, 0);
}

TEST(read_write_copy_move_bytes)
{
	vm_address_t a = 0, b = 0;
	vm_offset_t data;
	mach_msg_type_number_t n;

	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, 1));
	CHECK_OK(vm_allocate(SELF, &b, 4 * PAGE, 1));
	for (unsigned i = 0; i < 4 * PAGE; i++)
		((unsigned char *)a)[i] = i * 31 + (i >> 8);
	CHECK_OK(vm_read(SELF, a + 100, 9000, &data, &n));
	CHECK_EQ(n, 9000);
	CHECK_EQ(__builtin_memcmp((void *)data, (void *)(a + 100), 9000), 0);
	CHECK_OK(vm_deallocate(SELF, data, n));
	CHECK_OK(vm_write(SELF, b, a, 4 * PAGE));
	CHECK_EQ(__builtin_memcmp((void *)a, (void *)b, 4 * PAGE), 0);
	*(char *)b = 99;
	CHECK(*(volatile char *)a != 99);
	CHECK_OK(vm_copy(SELF, a + PAGE, 2 * PAGE, b));
	CHECK_EQ(__builtin_memcmp((void *)(a + PAGE), (void *)b, 2 * PAGE), 0);
	CHECK_EQ(vm_copy(SELF, a + 1, PAGE, b), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_write(SELF, b + 1, a, PAGE), KERN_INVALID_ARGUMENT);
	CHECK_OK(vm_deallocate(SELF, a, 4 * PAGE));
	CHECK_EQ(vm_read(SELF, a, PAGE, &data, &n), KERN_INVALID_ADDRESS);
	CHECK_OK(vm_deallocate(SELF, b, 4 * PAGE));
}

TEST(the_size_limit_is_kept)
{
	vm_size_t cur, max;
	vm_address_t a = 0;

	CHECK_OK(vm_get_size_limit(SELF, &cur, &max));
	CHECK_EQ(vm_allocate(SELF, &a, cur + PAGE, 1), KERN_NO_SPACE);
	CHECK_EQ(vm_set_size_limit(mach_host_self(), SELF, max + PAGE, max), KERN_INVALID_ARGUMENT);
}

TEST(wiring_keeps_pages_and_is_undone)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, 16 * PAGE, 1));
	CHECK_OK(vm_wire(test_host_priv, SELF, a, 16 * PAGE, VM_PROT_DEFAULT));
	*(volatile char *)(a + 5 * PAGE) = 1;
	CHECK_OK(vm_wire(test_host_priv, SELF, a + 4 * PAGE, 2 * PAGE, VM_PROT_NONE));
	CHECK_OK(vm_deallocate(SELF, a, 16 * PAGE));
}

/* wiring makes every page of this program resident, of its stack for instance, and they stay: once before anything is counted */
void test_prepare(void)
{
	CHECK_OK(vm_wire_all(test_host_priv, mach_task_self(), VM_WIRE_ALL));
	CHECK_OK(vm_wire_all(test_host_priv, mach_task_self(), VM_WIRE_NONE));
}

TEST(a_whole_map_can_be_wired_now_and_in_future)
{
	struct vm_statistics before, during, after;
	vm_address_t a = 0;
	mach_port_t child;

	CHECK_OK(vm_statistics(SELF, &before));
	CHECK_OK(vm_wire_all(test_host_priv, SELF, VM_WIRE_ALL));
	CHECK_OK(vm_allocate(SELF, &a, 10 * PAGE, 1));
	CHECK_OK(vm_statistics(SELF, &during));
	CHECK(during.wire_count >= before.wire_count + 30);
	*(volatile char *)a = 1;
	REQUIRE(task_create(SELF, 1, &child) == KERN_SUCCESS);
	*(volatile char *)(a + PAGE) = 1;
	CHECK_OK(task_terminate(child));
	mach_port_deallocate(SELF, child);
	CHECK_OK(vm_wire_all(test_host_priv, SELF, VM_WIRE_NONE));
	CHECK_OK(vm_statistics(SELF, &after));
	CHECK_EQ(after.wire_count, before.wire_count);
	CHECK_OK(vm_deallocate(SELF, a, 10 * PAGE));
	CHECK_EQ(vm_wire_all(mach_host_self(), SELF, VM_WIRE_ALL), KERN_NO_ACCESS);
}

TEST(contiguous_memory_is_where_it_says)
{
	vm_address_t a;
	rpc_phys_addr_t pa;

	CHECK_OK(vm_allocate_contiguous(test_host_priv, SELF, &a, &pa, 5 * PAGE, 0, 1ull << 32, 16 * PAGE));
	CHECK_EQ(pa % (16 * PAGE), 0);
	*(volatile long *)(a + 4 * PAGE) = 4711;
	CHECK_EQ(*(volatile long *)(a + 4 * PAGE), 4711);
	CHECK_OK(vm_deallocate(SELF, a, 5 * PAGE));
}

TEST(wired_memory_stays_in_place_when_it_is_inherited)
{
	vm_address_t a;
	rpc_phys_addr_t pa, pages[3], *list = pages;
	mach_msg_type_number_t n = 3;
	vm_offset_t data;
	mach_msg_type_number_t count;
	mach_port_t child;

	CHECK_OK(vm_allocate_contiguous(test_host_priv, SELF, &a, &pa, 3 * PAGE, 0, 1ull << 40, PAGE));
	*(volatile long *)(a + PAGE) = 1;
	REQUIRE(task_create(SELF, 1, &child) == KERN_SUCCESS);
	*(volatile long *)(a + PAGE) = 2;
	CHECK_OK(vm_pages_phys(test_host_priv, SELF, a, 3 * PAGE, &list, &n));
	CHECK_EQ(n, 3);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(list[i], pa + i * PAGE);
	if (list != pages)
		vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
	CHECK_OK(vm_read(child, a + PAGE, 8, &data, &count));
	CHECK_EQ(*(long *)data, 1);
	vm_deallocate(SELF, data, count);
	CHECK_OK(task_terminate(child));
	mach_port_deallocate(SELF, child);
	CHECK_OK(vm_deallocate(SELF, a, 3 * PAGE));
}

/* every call takes any address and size without harm: the results must be errors or successes, never a stopped machine */
/* --- every address with every size: what is to come of it, by other means than the kernel's --- */

enum { TOP = 47 };		/* user memory ends at 2^TOP */

/* the range may reach over what is not mapped; it may not wrap round */
static kern_return_t lenient(uint64_t a, uint64_t size)
{
	return ~0ul - a >= size ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

static bool within(uint64_t a, uint64_t size)
{
	return a <= 1ul << TOP && size <= (1ul << TOP) - a;
}

/* of memory anywhere, at an offset of nothing */
static kern_return_t mapped(uint64_t offset, uint64_t size)
{
	uint64_t pages = size / PAGE + (size % PAGE != 0);

	if (size == 0 || offset % PAGE != 0 || (size <= -PAGE && offset != 0 && -offset / PAGE <= pages))
		return KERN_INVALID_ARGUMENT;
	return size <= 2 * PAGE ? KERN_SUCCESS : KERN_NO_SPACE;
}

static bool whole_pages(mach_port_t task, vm_address_t a)
{
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t name;
	vm_offset_t offset;

	return vm_region(task, &a, &size, &prot, &max, &inherit, &shared, &name, &offset) != KERN_SUCCESS || (a | size) % PAGE == 0;
}

static void boundary(mach_port_t task, uint64_t at, uint64_t size)
{
	vm_address_t a = at;
	vm_offset_t data;
	mach_msg_type_number_t count;
	vm_machine_attribute_val_t val = MATTR_VAL_GET;
	kern_return_t kr = vm_allocate(task, &a, size, 0);
	bool good = true;

	if (kr == KERN_SUCCESS && size != 0)
		good &= CHECK(a + size <= 1ul << TOP && size <= 1ul << 28);
	if (at == 0) {
		good &= CHECK_EQ(vm_allocate(task, &a, size, 1), size <= 2 * PAGE ? KERN_SUCCESS : KERN_NO_SPACE);
		good &= CHECK(whole_pages(task, a));
	}
	good &= CHECK_EQ(vm_protect(task, at, size, 0, VM_PROT_READ), lenient(at, size));
	good &= CHECK_EQ(vm_inherit(task, at, size, VM_INHERIT_SHARE), lenient(at, size));
	if (size < 1ul << 32 && vm_read(task, at, size, &data, &count) == KERN_SUCCESS && count != 0) {
		good &= CHECK(kr == KERN_SUCCESS);
		vm_deallocate(SELF, data, count);
	}
	good &= CHECK(vm_copy(task, at, size, size) != KERN_SUCCESS || (at | size) % PAGE == 0);
	good &= CHECK_EQ(vm_machine_attribute(task, at, size, MATTR_CACHE, &val), within(at, size) ? KERN_SUCCESS : KERN_INVALID_ARGUMENT);
	good &= CHECK(vm_wire(test_host_priv, task, at, size, VM_PROT_READ) == KERN_SUCCESS || kr != KERN_SUCCESS ||
	    at % PAGE != 0 || size == 0);
	vm_wire(test_host_priv, task, at, size, VM_PROT_NONE);
	vm_msync(task, at, size, 2);
	a = at;
	vm_map(task, &a, size, at, 1, 0, at, 0, 3, 7, 1);
	a = 0;
	good &= CHECK_EQ(vm_map(task, &a, size, 0, 1, 0, at, 0, 3, 7, 1), mapped(at, size));
	good &= CHECK(whole_pages(task, a));
	good &= CHECK_EQ(vm_deallocate(task, at, size), lenient(at, size));
	if (!good)
		test_say("# at 0x%lx, 0x%lx bytes", (int64_t)at, (int64_t)size);
}

TEST(boundary_matrix_of_addresses_and_sizes)
{
	static const uint64_t v[] = { 0, 1, PAGE - 1, PAGE, PAGE + 1, 1ul << 32, 1ul << TOP, 1ul << 63, -PAGE, -PAGE + 1, -1ul,
	    (1ul << TOP) - PAGE - 1, (1ul << TOP) - PAGE };
	mach_port_t child;

	for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
		REQUIRE(task_create(SELF, 0, &child) == KERN_SUCCESS);
		/* the same on a machine of any size */
		CHECK_OK(vm_set_size_limit(test_host_priv, child, 1ul << 28, 1ul << 28));
		for (unsigned j = 0; j < sizeof v / sizeof *v; j++)
			boundary(child, v[i], v[j]);
		CHECK_OK(task_terminate(child));
		mach_port_deallocate(SELF, child);
	}
}
