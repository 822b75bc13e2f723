/* SPDX-License-Identifier: BSD-2-Clause */
/* What tasks ask of the default pager: objects of their own that keep their data, statistics, paging files. */
#include "harness/test.h"
#include <mach/default_pager.h>

#define SELF	mach_task_self()
#define PAGE	4096ul

static mach_port_t pager;

void
test_prepare(void)
{
	for (unsigned i = 0; i < 200 && pager == MACH_PORT_NULL; i++) {
		mach_port_t port = MACH_PORT_NULL;

		test_sleep(10);
		if (vm_set_default_memory_manager(test_host_priv, &port) == KERN_SUCCESS)
			pager = port;
	}
	CHECK(pager != MACH_PORT_NULL);
	/* the kernel has its first objects */
	test_sleep(200);
}

TEST(only_the_privileged_host_port_names_the_default_pager)
{
	mach_port_t port = MACH_PORT_NULL;

	CHECK_EQ(vm_set_default_memory_manager(mach_host_self(), &port), KERN_INVALID_HOST);
	CHECK_OK(vm_set_default_memory_manager(test_host_priv, &port));
	CHECK_EQ(port, pager);
	mach_port_deallocate(SELF, port);
}

TEST(it_tells_how_much_space_there_is)
{
	default_pager_info_t info = { 0, 0, 0 };

	CHECK_OK(default_pager_info(pager, &info));
	CHECK_EQ(info.dpi_total_space, 32ul << 20);
	CHECK(info.dpi_free_space <= info.dpi_total_space);
	CHECK_EQ(info.dpi_page_size, PAGE);
}

TEST(an_object_keeps_its_data_between_mappings_and_ends_with_its_last_right)
{
	default_pager_info_t before, during, after;
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t a = 0;

	CHECK_OK(default_pager_info(pager, &before));
	REQUIRE(default_pager_object_create(pager, &object, 64 * PAGE) == KERN_SUCCESS);
	REQUIRE(vm_map(SELF, &a, 64 * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_NONE) == KERN_SUCCESS);
	CHECK_EQ(*(volatile uint64_t *)(a + 5 * PAGE), 0);
	for (unsigned long i = 0; i < 64; i += 2)
		*(volatile uint64_t *)(a + i * PAGE) = i + 100;
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
	/* the pages go back to the pager when nobody maps them any more */
	for (unsigned i = 0; i < 200; i++) {
		CHECK_OK(default_pager_info(pager, &during));
		if (during.dpi_free_space + 32 * PAGE <= before.dpi_free_space)
			break;
		test_sleep(10);
	}
	CHECK(during.dpi_free_space + 32 * PAGE <= before.dpi_free_space);
	a = 0;
	REQUIRE(vm_map(SELF, &a, 64 * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_NONE) == KERN_SUCCESS);
	for (unsigned long i = 0; i < 64; i++)
		CHECK_EQ(*(volatile uint64_t *)(a + i * PAGE), i % 2 ? 0 : i + 100);
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
	mach_port_deallocate(SELF, object);
	for (unsigned i = 0; i < 200; i++) {
		CHECK_OK(default_pager_info(pager, &after));
		if (after.dpi_free_space == before.dpi_free_space)
			break;
		test_sleep(10);
	}
	CHECK_EQ(after.dpi_free_space, before.dpi_free_space);
}

TEST(an_object_larger_than_what_is_left_is_refused)
{
	mach_port_t object = MACH_PORT_NULL;

	CHECK_EQ(default_pager_object_create(pager, &object, 1ul << 40), KERN_RESOURCE_SHORTAGE);
	CHECK_EQ(default_pager_object_create(pager, &object, ~0ul), KERN_RESOURCE_SHORTAGE);
	CHECK_OK(default_pager_object_create(pager, &object, 0));
	mach_port_deallocate(SELF, object);
}

TEST(objects_and_their_pages_are_listed)
{
	default_pager_object_t objects[64];
	mach_port_t ports[64], object = MACH_PORT_NULL;
	default_pager_page_t pages[64];
	default_pager_object_array_t op = objects;
	mach_port_array_t pp = ports;
	default_pager_page_array_t gp = pages;
	mach_msg_type_number_t on = 64, pn = 64, gn = 64;
	vm_address_t a = 0;

	REQUIRE(default_pager_object_create(pager, &object, 16 * PAGE) == KERN_SUCCESS);
	REQUIRE(vm_map(SELF, &a, 16 * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_NONE) == KERN_SUCCESS);
	*(volatile char *)(a + 3 * PAGE) = 1;
	*(volatile char *)(a + 7 * PAGE) = 1;
	CHECK_OK(vm_deallocate(SELF, a, 16 * PAGE));
	test_sleep(100);
	CHECK_OK(default_pager_objects(pager, &op, &on, &pp, &pn));
	/* the kernel's as well as this one */
	CHECK(on >= 2);
	CHECK_EQ(on, pn);
	for (unsigned i = 0; i < pn; i++)
		if (pp[i] != MACH_PORT_NULL)
			mach_port_deallocate(SELF, pp[i]);
	if (op != objects)
		vm_deallocate(SELF, (vm_address_t)op, on * sizeof *op);
	if (pp != ports)
		vm_deallocate(SELF, (vm_address_t)pp, pn * sizeof *pp);
	CHECK_OK(default_pager_object_pages(pager, object, &gp, &gn));
	CHECK_EQ(gn, 2);
	CHECK_EQ(gp[0].dpp_offset + gp[1].dpp_offset, 10 * PAGE);
	if (gp != pages)
		vm_deallocate(SELF, (vm_address_t)gp, gn * sizeof *gp);
	CHECK_EQ(default_pager_object_pages(pager, pager, &gp, &gn), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, object);
	test_sleep(50);
}

TEST(paging_files_are_devices_and_go_only_when_empty)
{
	default_pager_filename_t name = "rd99", known = "rd2";

	CHECK(default_pager_paging_file(pager, test_device_master, name, 1) != KERN_SUCCESS);
	/* the one there is: once is enough, and the kernel's objects are promised all of it or some */
	CHECK_EQ(default_pager_paging_file(pager, test_device_master, known, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(default_pager_paging_file(pager, test_device_master, name, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(default_pager_paging_file(pager, test_device_master, known, 0), KERN_RESOURCE_SHORTAGE);
	CHECK_EQ(default_pager_register_fileserver(pager, test_device_master), KERN_FAILURE);
}
