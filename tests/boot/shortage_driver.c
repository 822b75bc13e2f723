/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As tests/boot/shortage.c, for what drivers, handlers and debuggers ask for: I/O ports, interrupts, waiting reads, memory of
 * devices, descriptors, exception ports. Each of their allocations fails once; nothing leaks, the errors name a shortage, the next
 * call works.
 */
#include <device/device.h>
#include <device/device_request.h>
#include <mach/exception_ports.h>
#include <mach/exception_ports_user.h>
#include <mach/gnumach.h>
#include <mach/machine/mach_i386.h>
#include <mach/mig_errors.h>
#include "harness/sweep.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static mach_port_t irq_device, console, mem, child, thread;

void test_prepare(void)
{
	CHECK_OK(device_open(test_device_master, D_READ, "irq", &irq_device));
	CHECK_OK(device_open(test_device_master, D_READ, "console", &console));
	CHECK_OK(device_open(test_device_master, D_READ, "mem", &mem));
}

/* --- I/O ports --- */

static kern_return_t make_ports(void)
{
	mach_port_t perm = MACH_PORT_NULL;
	kern_return_t kr = ARMED(i386_io_perm_create(test_device_master, 0x80, 0x80, &perm));

	if (perm != MACH_PORT_NULL)
		mach_port_deallocate(SELF, perm);
	return kr;
}

static kern_return_t give_ports(void)
{
	mach_port_t perm = MACH_PORT_NULL, task = MACH_PORT_NULL;
	kern_return_t kr;

	CHECK_OK(i386_io_perm_create(test_device_master, 0x80, 0x80, &perm));
	CHECK_OK(task_create(SELF, FALSE, &task));
	kr = ARMED(i386_io_perm_modify(task, perm, TRUE));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	mach_port_deallocate(SELF, perm);
	return kr;
}

static kern_return_t inherit_ports(void)
{
	mach_port_t grandchild = MACH_PORT_NULL;
	kern_return_t kr = task_create(child, FALSE, &grandchild);

	if (grandchild != MACH_PORT_NULL) {
		CHECK_OK(task_terminate(grandchild));
		mach_port_deallocate(SELF, grandchild);
	}
	return kr;
}

TEST(port_grants_survive_every_failure)
{
	mach_port_t perm = MACH_PORT_NULL;

	sweep("i386_io_perm_create", make_ports);
	sweep("i386_io_perm_modify", give_ports);
	CHECK_OK(i386_io_perm_create(test_device_master, 0x80, 0x80, &perm));
	CHECK_OK(task_create(SELF, FALSE, &child));
	CHECK_OK(i386_io_perm_modify(child, perm, TRUE));
	CHECK_OK(inherit_ports());
	mach_port_deallocate(SELF, perm);
	CHECK_OK(task_terminate(child));
	mach_port_deallocate(SELF, child);
}

/* --- interrupts, reads, maps --- */

static kern_return_t hear(void)
{
	mach_port_t port = test_port();
	kern_return_t kr = ARMED(device_intr_register(irq_device, 9, 0, port, MACH_MSG_TYPE_MAKE_SEND));

	test_port_destroy(port);
	return kr;
}

static kern_return_t waiting_read(void)
{
	mach_port_t reply = test_port();
	kern_return_t kr = ARMED(device_read_request_inband(console, reply, 0, 0, 10));
	struct { mach_msg_header_t h; mach_msg_type_t t; int code, pad; char room[256]; } m;

	/* the refusal is a message */
	if (kr == KERN_SUCCESS &&
	    mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		kr = m.h.msgh_id == 71 ? MIG_SERVER_DIED : m.code;
	test_port_destroy(reply);
	/* what waits for a dead client goes with the next read */
	mach_msg_type_number_t n = IO_INBAND_MAX;
	char data[IO_INBAND_MAX];
	(void)device_read_inband(console, D_NOWAIT, 0, 10, data, &n);
	return kr;
}

static kern_return_t map_memory(void)
{
	mach_port_t pager = MACH_PORT_NULL;
	kern_return_t kr = ARMED(device_map(mem, VM_PROT_READ, 0xf0000, PAGE, &pager, 0));

	if (pager != MACH_PORT_NULL)
		mach_port_deallocate(SELF, pager);
	return kr;
}

static kern_return_t dma_memory(void)
{
	vm_address_t a = 0;
	rpc_phys_addr_t p;
	kern_return_t kr = ARMED(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, 2 * PAGE, 0, 1ull << 32, PAGE));

	if (kr == KERN_SUCCESS)
		CHECK_OK(vm_deallocate(SELF, a, 2 * PAGE));
	return kr;
}

TEST(driver_routines_survive_every_failure)
{
	sweep("device_intr_register", hear);
	sweep("waiting read", waiting_read);
	sweep("device_map", map_memory);
	sweep("vm_allocate_contiguous", dma_memory);
}

/* --- descriptors --- */

static kern_return_t set_ldt(void)
{
	struct descriptor list[3] = { { 0x0000ffff, 0x00cff300 }, { 0x0000ffff, 0x00cff300 }, { 0, 0 } };
	mach_port_t task = MACH_PORT_NULL, th = MACH_PORT_NULL;
	kern_return_t kr;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &th));
	kr = ARMED(i386_set_ldt(th, 0x20, list, 3));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, th);
	mach_port_deallocate(SELF, task);
	return kr;
}

TEST(descriptors_survive_every_failure)
{
	sweep("i386_set_ldt", set_ldt);
}

/* --- exception ports --- */

static mach_port_t handler;

static kern_return_t thread_ports(void)
{
	kern_return_t kr;

	CHECK_OK(thread_create(SELF, &thread));
	kr = ARMED(thread_set_exception_ports(thread, EXC_MASK_ALL, handler, EXCEPTION_DEFAULT, 0));
	CHECK_OK(thread_terminate(thread));
	mach_port_deallocate(SELF, thread);
	return kr;
}

static kern_return_t task_ports(void)
{
	mach_port_t task = MACH_PORT_NULL, other = MACH_PORT_NULL;
	kern_return_t kr;

	CHECK_OK(task_create(SELF, FALSE, &task));
	kr = ARMED(task_set_exception_ports(task, EXC_MASK_ALL, handler, EXCEPTION_DEFAULT, 0));
	if (kr == KERN_SUCCESS && sweep_nth == 0) {
		CHECK_OK(task_create(task, FALSE, &other));
		CHECK_OK(task_terminate(other));
		mach_port_deallocate(SELF, other);
	}
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	return kr;
}

static kern_return_t host_ports(void)
{
	kern_return_t kr = ARMED(host_set_exception_ports(test_host_priv, EXC_MASK_ARITHMETIC, handler, EXCEPTION_DEFAULT, 0));

	CHECK_OK(host_set_exception_ports(test_host_priv, EXC_MASK_ALL, MACH_PORT_NULL, 0, 0));
	return kr;
}

TEST(exception_ports_survive_every_failure)
{
	handler = test_port_with_send();
	sweep("thread_set_exception_ports", thread_ports);
	sweep("task_set_exception_ports", task_ports);
	sweep("host_set_exception_ports", host_ports);
	CHECK_EQ(test_urefs(handler, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(handler);
}
