/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What drivers outside of the kernel need, each by right only: I/O ports, registers in memory, interrupts, memory a device can reach. The
 * machine has QEMU's "edu" device: a PCI device with registers, an interrupt and a DMA engine of 4 KiB.
 */
#include <device/device.h>
#include <device/notify.h>
#include <mach/gnumach.h>
#include <mach/machine/mach_i386.h>
#include "harness/exception.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static mach_port_t irq_device, mem_device;

static mach_port_t io_right(uint16_t from, uint16_t to)
{
	mach_port_t perm = MACH_PORT_NULL;

	CHECK_OK(i386_io_perm_create(test_device_master, from, to, &perm));
	return perm;
}

/* a port of the line that is one for the whole program: a task that had ports once keeps its table of them */
void test_prepare(void)
{
	mach_port_t perm = io_right(0xcf8, 0xcff);

	CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
	mach_port_deallocate(SELF, perm);
	perm = io_right(0x70, 0x71);
	CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
	mach_port_deallocate(SELF, perm);
	CHECK_OK(device_open(test_device_master, D_READ, "irq", &irq_device));
	CHECK_OK(device_open(test_device_master, D_READ | D_WRITE, "mem", &mem_device));
}

/* --- I/O ports --- */

static void read_port_80(void) { inb(0x80); }
static void read_port_81(void) { inb(0x81); }
static void read_word_80(void) { uint16_t v; __asm__ volatile("inw $0x80, %0" : "=a"(v)); }

static bool may(void (*body)(void))
{
	static struct test_trap t;

	if (!test_trap(body, &t))
		return true;
	CHECK_EQ(t.raise.exception, EXC_BAD_INSTRUCTION);
	CHECK_EQ(t.raise.code, EXC_I386_GPFLT);
	return false;
}

TEST(ports_are_given_and_taken_by_their_right)
{
	mach_port_t perm = io_right(0x80, 0x80), both = io_right(0x80, 0x81);

	CHECK(!may(read_port_80));
	CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
	CHECK(may(read_port_80));
	CHECK(!may(read_port_81));
	CHECK(!may(read_word_80));		/* it touches both */
	CHECK_OK(i386_io_perm_modify(SELF, both, TRUE));
	CHECK(may(read_port_81));
	CHECK(may(read_word_80));
	CHECK_OK(i386_io_perm_modify(SELF, perm, FALSE));
	CHECK(!may(read_port_80));
	CHECK(may(read_port_81));
	CHECK(!may(read_word_80));
	CHECK_OK(i386_io_perm_modify(SELF, both, FALSE));
	CHECK(!may(read_port_81));
	mach_port_deallocate(SELF, perm);
	mach_port_deallocate(SELF, both);
}

TEST(port_rights_check_their_arguments)
{
	mach_port_t perm = MACH_PORT_NULL, p = test_port_with_send();

	CHECK_EQ(i386_io_perm_create(test_device_master, 0x81, 0x80, &perm), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_create(test_host_priv, 0x80, 0x80, &perm), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_create(SELF, 0x80, 0x80, &perm), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_create(irq_device, 0x80, 0x80, &perm), KERN_INVALID_ARGUMENT);
	CHECK_EQ(perm, MACH_PORT_NULL);
	CHECK_EQ(i386_io_perm_modify(SELF, p, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_modify(SELF, test_device_master, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_modify(SELF, MACH_PORT_NULL, TRUE), KERN_INVALID_ARGUMENT);
	perm = io_right(0, 0xffff);
	CHECK_EQ(i386_io_perm_modify(test_host_priv, perm, TRUE), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, perm);
	test_port_destroy(p);
}

TEST(the_port_map_flavour_shows_ports)
{
	mach_port_t perm = io_right(0x80, 0x87), t;
	struct i386_isa_port_map_state map;
	mach_msg_type_number_t n = i386_ISA_PORT_MAP_STATE_COUNT;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
	CHECK_OK(thread_get_state(t, i386_ISA_PORT_MAP_STATE, (thread_state_t)&map, &n));
	CHECK_EQ(map.pm[0x10], 0);
	CHECK_EQ(map.pm[0x11], 0xff);
	CHECK_OK(i386_io_perm_modify(SELF, perm, FALSE));
	CHECK_OK(thread_get_state(t, i386_ISA_PORT_MAP_STATE, (thread_state_t)&map, &n));
	CHECK_EQ(map.pm[0x10], 0xff);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, perm);
}

static volatile bool reading;
static volatile unsigned long reads;

static void read_on(void)
{
	while (reading) {
		inb(0x80);
		reads++;
	}
}

static void revoke(void *arg)
{
	while (reads < 1000)
		test_yield();
	CHECK_OK(i386_io_perm_modify(SELF, (mach_port_t)(uintptr_t)arg, FALSE));
	unsigned long after = reads;
	test_sleep(20);
	CHECK_EQ(reads, after);		/* not one more, on no processor */
}

TEST(ports_taken_away_are_gone_on_every_processor)
{
	for (int round = 0; round < 5; round++) {
		mach_port_t perm = io_right(0x80, 0x80), t;

		CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
		reads = 0;
		reading = true;
		t = test_thread(revoke, (void *)(uintptr_t)perm);
		CHECK(!may(read_on));
		reading = false;
		test_thread_join(t);
		mach_port_deallocate(SELF, perm);
	}
}

#define GIVEN	0x654321
static volatile int *child_says;

static void use_given_ports(void *arg)
{
	(void)arg;
	while (!(test_type(GIVEN) & MACH_PORT_TYPE_SEND))
		test_sleep(1);
	/* the right alone does it: no master port here */
	*child_says = i386_io_perm_modify(SELF, GIVEN, TRUE) == KERN_SUCCESS ? 1 : 2;
	inb(0x80);
	*child_says = 3;
}

TEST(a_right_to_ports_can_be_passed_on)
{
	mach_port_t perm = io_right(0x80, 0x80), task;
	vm_address_t page = 0;

	CHECK_OK(vm_allocate(SELF, &page, PAGE, TRUE));
	CHECK_OK(vm_inherit(SELF, page, PAGE, VM_INHERIT_SHARE));
	child_says = (volatile int *)page;
	task = test_fork(use_given_ports, NULL);
	CHECK_OK(mach_port_insert_right(task, GIVEN, perm, MACH_MSG_TYPE_COPY_SEND));
	for (int i = 0; i < 500 && !(test_type(task) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(10);
	CHECK_EQ(*child_says, 3);
	CHECK(!may(read_port_80));		/* that was the child's */
	mach_port_destroy(SELF, task);
	mach_port_deallocate(SELF, perm);
	CHECK_OK(vm_deallocate(SELF, page, PAGE));
}

/* --- interrupts: the clock chip's periodic one, line 8 --- */

static uint8_t rtc(uint8_t reg) { outb(0x70, reg); return inb(0x71); }
static void rtc_set(uint8_t reg, uint8_t v) { outb(0x70, reg); outb(0x71, v); }

static void rtc_start(void)
{
	rtc_set(0x0a, (rtc(0x0a) & 0xf0) | 9);		/* 128 a second */
	rtc_set(0x0b, rtc(0x0b) | 0x40);
	rtc(0x0c);
}

static void rtc_stop(void)
{
	rtc_set(0x0b, rtc(0x0b) & ~0x40);
	rtc(0x0c);
}

static bool told(mach_port_t port, int id, unsigned ms)
{
	union { device_intr_notification_t n; char room[128]; } m;

	if (mach_msg(&m.n.intr_header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, ms, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		return false;
	CHECK_EQ(m.n.intr_header.msgh_id, DEVICE_INTR_NOTIFY);
	CHECK_EQ(m.n.intr_header.msgh_size, 48);
	CHECK_EQ(m.n.id, id);
	return true;
}

static kern_return_t hear(int id, mach_port_t port)
{
	return device_intr_register(irq_device, id, 0, port, MACH_MSG_TYPE_MAKE_SEND);
}

static kern_return_t ack(mach_port_t port)
{
	return device_intr_ack(irq_device, port, MACH_MSG_TYPE_MAKE_SEND);
}

/* the kernel forgets a dead client when it looks: give it the time */
static void unhear(mach_port_t port)
{
	test_port_destroy(port);
	test_sleep(150);
}

TEST(interrupts_come_one_by_one_as_they_are_acknowledged)
{
	mach_port_t port = test_port();

	CHECK_OK(hear(8, port));
	rtc_start();
	for (int i = 0; i < 20; i++) {
		if (!CHECK(told(port, 8, 2000)))
			break;
		CHECK(!told(port, 8, i == 0 ? 50 : 0));		/* the line is masked */
		rtc(0x0c);
		CHECK_OK(ack(port));
	}
	rtc_stop();
	CHECK_EQ(ack(port), told(port, 8, 50) ? D_SUCCESS : D_INVALID_OPERATION);
	unhear(port);
}

TEST(driver_that_died_can_be_started_again)
{
	rtc_start();
	for (int i = 0; i < 3; i++) {
		mach_port_t port = test_port();

		CHECK_OK(hear(8, port));
		rtc(0x0c);
		CHECK(told(port, 8, 2000));
		if (i == 1) {				/* one in good order */
			rtc(0x0c);
			CHECK_OK(ack(port));
		}
		unhear(port);
	}
	rtc_stop();
}

TEST(shared_line_waits_for_all_and_not_for_the_dead)
{
	mach_port_t a = test_port(), b = test_port();

	CHECK_OK(hear(8, a));
	CHECK_OK(hear(8, b));
	rtc_start();
	CHECK(told(a, 8, 2000));
	CHECK(told(b, 8, 2000));
	rtc(0x0c);
	CHECK_OK(ack(a));
	CHECK(!told(a, 8, 50));				/* b has not said so yet */
	CHECK_OK(ack(b));
	rtc(0x0c);
	CHECK(told(a, 8, 2000));
	CHECK(told(b, 8, 2000));
	rtc(0x0c);
	CHECK_OK(ack(a));
	test_port_destroy(b);				/* b dies owing an acknowledgement */
	CHECK(told(a, 8, 2000));
	rtc_stop();
	unhear(a);
}

TEST(interrupts_check_their_arguments)
{
	mach_port_t port = test_port_with_send();
	static const int bad[] = { -1, -0x7fffffff, 160, 1000, 0x7fffffff };

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(hear(bad[i], port) != D_SUCCESS);
	CHECK_EQ(hear(4, port), D_ALREADY_OPEN);		/* the console's */
	CHECK_EQ(hear(1, port), D_ALREADY_OPEN);		/* the keyboard's */
	CHECK_EQ(device_intr_register(mem_device, 8, 0, port, MACH_MSG_TYPE_COPY_SEND), D_INVALID_OPERATION);
	CHECK(device_intr_register(test_device_master, 8, 0, port, MACH_MSG_TYPE_COPY_SEND) != D_SUCCESS);
	CHECK_EQ(device_intr_register(irq_device, 8, 0, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), D_INVALID_OPERATION);
	CHECK_EQ(ack(port), D_INVALID_OPERATION);		/* nobody told it anything */
	CHECK_EQ(device_intr_ack(mem_device, port, MACH_MSG_TYPE_COPY_SEND), D_INVALID_OPERATION);
	CHECK_EQ(device_intr_ack(irq_device, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), D_INVALID_OPERATION);
	CHECK_EQ(test_urefs(port, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(port);
}

TEST(registrations_are_limited)
{
	mach_port_t port = test_port();
	unsigned n = 0;

	while (n < 1000 && hear(9, port) == D_SUCCESS)
		n++;
	CHECK(n > 0 && n <= 256);
	test_sleep(20);
	test_port_destroy(port);
	port = test_port();
	for (int i = 0; i < 100 && hear(9, port) != D_SUCCESS; i++)
		test_sleep(20);				/* they go with their port */
	CHECK_OK(hear(9, port));
	unhear(port);
}

TEST(status_says_how_interrupts_are_delivered)
{
	int mode = -1;
	mach_msg_type_number_t n = 1;

	CHECK_OK(device_get_status(irq_device, 0, &mode, &n));
	CHECK_EQ(mode, 1);
	n = 0;
	CHECK_EQ(device_get_status(irq_device, 0, &mode, &n), D_INVALID_OPERATION);
	n = 1;
	CHECK_EQ(device_get_status(irq_device, 7, &mode, &n), D_INVALID_OPERATION);
}

/* --- a whole device --- */

#define EDU_ID		0x11e81234u
#define DMA_BUFFER	0x40000u
#define DMA_BYTES	2048u

static uint32_t edu;			/* its place on the bus */
static volatile uint32_t *regs;

static uint32_t config(uint32_t reg)
{
	outl(0xcf8, 0x80000000u | edu | reg);
	return inl(0xcfc);
}

static void config_set(uint32_t reg, uint32_t v)
{
	outl(0xcf8, 0x80000000u | edu | reg);
	outl(0xcfc, v);
}

static bool find_edu(void)
{
	for (unsigned slot = 0; slot < 32; slot++) {
		edu = slot << 11;
		if (config(0) == EDU_ID)
			return true;
	}
	return false;
}

static void map_edu(void)
{
	mach_port_t pager = MACH_PORT_NULL;
	vm_address_t a = 0;

	CHECK_OK(device_map(mem_device, VM_PROT_READ | VM_PROT_WRITE, config(0x10) & ~15u, 0x1000, &pager, 0));
	CHECK_OK(vm_map(SELF, &a, 0x1000, 0, TRUE, pager, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_INHERIT_NONE));
	mach_port_deallocate(SELF, pager);
	regs = (volatile uint32_t *)a;
}

static void dma(uint64_t from, uint64_t to, uint64_t n, uint32_t command, mach_port_t port, int id)
{
	volatile uint64_t *q = (volatile uint64_t *)regs;

	q[0x80 / 8] = from;
	q[0x88 / 8] = to;
	q[0x90 / 8] = n;
	q[0x98 / 8] = command | 1 | 4;			/* go, and interrupt */
	if (!CHECK(told(port, id, 5000)))
		return;
	CHECK_EQ(regs[0x24 / 4], 0x100);
	regs[0x64 / 4] = 0x100;
	CHECK_OK(ack(port));
}

TEST(a_driver_drives_its_device)
{
	mach_port_t port = test_port();
	vm_address_t buffer = 0;
	rpc_phys_addr_t phys = 0;
	int id;

	REQUIRE(find_edu());
	config_set(4, config(4) | 6);			/* memory, bus master */
	map_edu();
	REQUIRE(regs);
	CHECK_EQ(regs[0] & 0xffff00ff, 0x010000ed);
	regs[1] = 0x12345678;
	CHECK_EQ(regs[1], ~0x12345678u);

	id = (int)(config(0x3c) & 0xff);
	CHECK_OK(hear(id, port));
	regs[0x20 / 4] = 0x80;				/* interrupt when the factorial is there */
	regs[8 / 4] = 10;
	CHECK(told(port, id, 5000));
	CHECK_EQ(regs[8 / 4], 3628800);
	regs[0x64 / 4] = regs[0x24 / 4];
	CHECK_OK(ack(port));
	CHECK(!told(port, id, 30));

	CHECK_OK(vm_allocate_contiguous(test_host_priv, SELF, &buffer, &phys, 2 * PAGE, 0, 1ull << 28, PAGE));
	CHECK(phys != 0 && phys % PAGE == 0 && phys + 2 * PAGE <= 1ull << 28);
	volatile uint8_t *b = (volatile uint8_t *)buffer;
	for (unsigned i = 0; i < DMA_BYTES; i++)
		b[i] = (uint8_t)(i * 7 + i / 256);
	dma(phys, DMA_BUFFER, DMA_BYTES, 0, port, id);
	dma(DMA_BUFFER, phys + PAGE, DMA_BYTES, 2, port, id);
	unsigned wrong = 0;
	for (unsigned i = 0; i < DMA_BYTES; i++)
		wrong += b[PAGE + i] != (uint8_t)(i * 7 + i / 256);
	CHECK_EQ(wrong, 0);

	CHECK_OK(vm_deallocate(SELF, buffer, 2 * PAGE));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)regs, 0x1000));
	unhear(port);
}

TEST(contiguous_memory_checks_its_arguments)
{
	vm_address_t a = 0;
	rpc_phys_addr_t p = 0;

	CHECK_EQ(vm_allocate_contiguous(mach_host_self(), SELF, &a, &p, PAGE, 0, 1ull << 32, PAGE), KERN_INVALID_HOST);
	CHECK_EQ(vm_allocate_contiguous(SELF, SELF, &a, &p, PAGE, 0, 1ull << 32, PAGE), KERN_INVALID_HOST);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, test_host_priv, &a, &p, PAGE, 0, 1ull << 32, PAGE), KERN_INVALID_TASK);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, 0, 0, 1ull << 32, PAGE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, ~0ul, 0, 1ull << 32, PAGE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, PAGE, 0, 1ull << 32, 3 * PAGE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, PAGE, 1ull << 32, 1ull << 32, PAGE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, PAGE, ~0ul - 1, ~0ul, PAGE), KERN_RESOURCE_SHORTAGE);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, 1ul << 40, 0, ~0ul, PAGE), KERN_RESOURCE_SHORTAGE);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, PAGE, 0, ~0ul, 1ul << 63), KERN_RESOURCE_SHORTAGE);
	/* a range that has room for one page only */
	CHECK_OK(vm_allocate_contiguous(test_host_priv, SELF, &a, &p, PAGE, 0x1000000, 0x8000000, PAGE));
	CHECK(p >= 0x1000000 && p + PAGE <= 0x8000000);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
}
