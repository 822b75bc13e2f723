/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies: inheritance, copy-on-write generations, out-of-line memory, snapshots. */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

struct ool_message {
	mach_msg_header_t h;
	struct data_item data;
	char trailer[64];
};

static kern_return_t
send_ool(mach_port_t p, void *addr, unsigned bytes, bool deallocate)
{
	struct ool_message m = { .h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) |
	    MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = p, .msgh_id = 1 },
	    .data = { test_type_ool(bytes, deallocate), addr } };

	return mach_msg(&m.h, MACH_SEND_MSG, sizeof m.h + sizeof m.data, 0, 0, 0, 0);
}

static unsigned char *
receive_ool(mach_port_t p, unsigned *bytes)
{
	struct ool_message m;

	if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, p, 5000, 0) != 0)
		return 0;
	*bytes = m.data.type.msgt_number;
	return m.data.address;
}

static void
fill(unsigned char *p, unsigned long n, unsigned seed)
{
	for (unsigned long i = 0; i < n; i++)
		p[i] = i * 7 + (i >> 12) + seed;
}

static bool
filled(const unsigned char *p, unsigned long n, unsigned seed)
{
	for (unsigned long i = 0; i < n; i++)
		if (p[i] != (unsigned char)(i * 7 + (i >> 12) + seed))
			return false;
	return true;
}

TEST(out_of_line_memory_of_every_size_arrives)
{
	static const unsigned sizes[] = { 1, 7, 2048, 2049, 4095, 4096, 4097, 8192, 100000, 262144, 1000001 };
	mach_port_t p = test_port_with_send();

	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (unsigned shift = 0; shift < 3; shift++) {
			unsigned n = sizes[i], got = 0;
			unsigned off = shift == 0 ? 0 : shift == 1 ? 100 : 4000;
			vm_address_t a = 0;
			unsigned char *r;

			CHECK_OK(vm_allocate(SELF, &a, n + off, 1));
			fill((unsigned char *)a + off, n, i);
			CHECK_OK(send_ool(p, (char *)a + off, n, shift == 2));
			if (shift != 2)
				__builtin_memset((char *)a + off, 0xee, n);
			r = receive_ool(p, &got);
			REQUIRE(r != 0);
			CHECK_EQ(got, n);
			CHECK_EQ((unsigned long)r & 4095, off);
			CHECK(filled(r, n, i));
			__builtin_memset(r, 1, n);
			CHECK_OK(vm_deallocate(SELF, (vm_address_t)r, n));
			CHECK_OK(vm_deallocate(SELF, a, n + off));
		}
	}
	test_port_destroy(p);
}

TEST(moved_memory_is_gone_from_the_sender)
{
	mach_port_t p = test_port_with_send();
	vm_address_t a = 0, again;
	vm_offset_t data;
	mach_msg_type_number_t n;
	unsigned got = 0;
	unsigned char *r;

	CHECK_OK(vm_allocate(SELF, &a, 8 * PAGE, 1));
	fill((unsigned char *)a, 8 * PAGE, 3);
	CHECK_OK(send_ool(p, (char *)a + 2 * PAGE, 4 * PAGE, true));
	CHECK_EQ(vm_read(SELF, a + 2 * PAGE, PAGE, &data, &n), KERN_INVALID_ADDRESS);
	CHECK(((unsigned char *)a)[7 * PAGE] == (unsigned char)(7 * PAGE * 7 + 7 + 3));
	/* what comes to lie there is something else */
	again = a + 2 * PAGE;
	CHECK_OK(vm_allocate(SELF, &again, 4 * PAGE, 0));
	CHECK_EQ(*(volatile unsigned char *)again, 0);
	*(volatile unsigned char *)again = 77;
	r = receive_ool(p, &got);
	REQUIRE(r != 0);
	CHECK(r[0] == (unsigned char)(2 * PAGE * 7 + 2 + 3));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)r, got));
	CHECK_OK(vm_deallocate(SELF, a, 8 * PAGE));
	test_port_destroy(p);
}

TEST(queued_memory_is_freed_with_its_port)
{
	mach_port_t p = test_port_with_send();
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, 64 * PAGE, 1));
	fill((unsigned char *)a, 64 * PAGE, 1);
	for (unsigned i = 0; i < 4; i++)
		CHECK_OK(send_ool(p, (char *)a, 64 * PAGE, false));
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
	test_port_destroy(p);
}

/* a writer hammers the range while copies of it are taken: what was received must not change any more */
static volatile bool hammer_stop;
static vm_address_t hammer_base;

static void
hammer(void *arg)
{
	unsigned long i = 0;

	(void)arg;
	while (!hammer_stop) {
		*(volatile unsigned long *)(hammer_base + (i % 16) * PAGE) = i;
		i++;
	}
}

TEST(a_received_copy_is_a_snapshot)
{
	mach_port_t p = test_port_with_send(), th;
	unsigned long bad = 0;

	hammer_stop = false;
	CHECK_OK(vm_allocate(SELF, &hammer_base, 16 * PAGE, 1));
	th = test_thread(hammer, 0);
	for (unsigned round = 0; round < 200; round++) {
		unsigned long first[16];
		unsigned got = 0;
		unsigned char *r;

		CHECK_OK(send_ool(p, (void *)hammer_base, 16 * PAGE, false));
		r = receive_ool(p, &got);
		REQUIRE(r != 0);
		for (unsigned i = 0; i < 16; i++)
			first[i] = *(volatile unsigned long *)(r + i * PAGE);
		if (round % 8 == 0)
			test_yield();
		for (unsigned i = 0; i < 16; i++)
			bad += first[i] != *(volatile unsigned long *)(r + i * PAGE);
		vm_deallocate(SELF, (vm_address_t)r, got);
	}
	CHECK_EQ(bad, 0);
	hammer_stop = true;
	test_thread_join(th);
	CHECK_OK(vm_deallocate(SELF, hammer_base, 16 * PAGE));
	test_port_destroy(p);
}

TEST(a_child_has_a_copy_and_shares_what_is_shared)
{
	vm_address_t a = 0, s = 0;
	mach_port_t child;
	vm_offset_t data;
	mach_msg_type_number_t n;

	CHECK_OK(vm_allocate(SELF, &a, 100 * PAGE, 1));
	CHECK_OK(vm_allocate(SELF, &s, 100 * PAGE, 1));
	fill((unsigned char *)a, 100 * PAGE, 9);
	CHECK_OK(vm_inherit(SELF, s, 100 * PAGE, VM_INHERIT_SHARE));
	REQUIRE(task_create(SELF, 1, &child) == KERN_SUCCESS);
	*(volatile char *)(a + 50 * PAGE) ^= 1;
	*(volatile long *)(s + 50 * PAGE) = 777;
	CHECK_OK(vm_read(child, a, 100 * PAGE, &data, &n));
	CHECK(filled((unsigned char *)data, 100 * PAGE, 9));
	CHECK_OK(vm_deallocate(SELF, data, n));
	CHECK_OK(vm_read(child, s + 50 * PAGE, PAGE, &data, &n));
	CHECK_EQ(*(long *)data, 777);
	*(long *)data = 888;
	CHECK_OK(vm_write(child, s + 50 * PAGE, data, PAGE));
	CHECK_EQ(*(volatile long *)(s + 50 * PAGE), 888);
	CHECK_OK(vm_deallocate(SELF, data, n));
	CHECK_OK(task_terminate(child));
	mach_port_deallocate(SELF, child);
	CHECK_OK(vm_deallocate(SELF, a, 100 * PAGE));
	CHECK_OK(vm_deallocate(SELF, s, 100 * PAGE));
}

static unsigned long
tsc(void)
{
	unsigned lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (unsigned long)hi << 32 | lo;
}

TEST(generations_of_copies_cost_the_same)
{
	static mach_port_t gen[200];
	unsigned long first = 0, last = 0, t;
	vm_address_t a = 0;
	mach_port_t parent = SELF;

	CHECK_OK(vm_allocate(SELF, &a, 256 * PAGE, 1));
	fill((unsigned char *)a, 256 * PAGE, 5);
	for (unsigned i = 0; i < 200; i++) {
		t = tsc();
		REQUIRE(task_create(parent, 1, &gen[i]) == KERN_SUCCESS);
		t = tsc() - t;
		if (i >= 2 && i < 12)
			first += t;
		if (i >= 190)
			last += t;
		parent = gen[i];
	}
	test_say("# generations 2-11: %ld, 190-199: %ld", first, last);
	for (unsigned i = 0; i < 200; i++) {
		CHECK_OK(task_terminate(gen[i]));
		mach_port_deallocate(SELF, gen[i]);
	}
	CHECK(filled((unsigned char *)a, 256 * PAGE, 5));
	CHECK_OK(vm_deallocate(SELF, a, 256 * PAGE));
}

static void
child_body(void *arg)
{
	unsigned char *p = arg;

	/* runs in its own copy: what it writes stays there */
	for (unsigned i = 0; i < 64; i++)
		p[i * PAGE] = 0;
}

TEST(writes_of_a_running_child_stay_in_the_child)
{
	vm_address_t a = 0;
	mach_port_t child;

	CHECK_OK(vm_allocate(SELF, &a, 64 * PAGE, 1));
	for (unsigned round = 0; round < 5; round++) {
		fill((unsigned char *)a, 64 * PAGE, round);
		child = test_fork(child_body, (void *)a);
		test_sleep(20);
		CHECK(filled((unsigned char *)a, 64 * PAGE, round));
		task_terminate(child);
		mach_port_deallocate(SELF, child);
	}
	CHECK_OK(vm_deallocate(SELF, a, 64 * PAGE));
}

TEST(wired_memory_moved_in_a_message_arrives_once)
{
	mach_port_t p = test_port_with_send();
	unsigned bytes = 0;
	unsigned char *got;
	vm_address_t a = 0;

	/* two entries, one of them wired: the moved copy has both in order, and nothing is left behind */
	CHECK_OK(vm_allocate(SELF, &a, 8 * PAGE, 1));
	for (unsigned i = 0; i < 8; i++)
		*(volatile unsigned char *)(a + i * PAGE) = 'a' + i;
	CHECK_OK(vm_wire(test_host_priv, SELF, a + 2 * PAGE, 3 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	CHECK_OK(send_ool(p, (void *)a, 8 * PAGE, true));
	got = receive_ool(p, &bytes);
	REQUIRE(got != 0 && bytes == 8 * PAGE);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(got[i * PAGE], 'a' + i);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)got, bytes));
	test_port_destroy(p);
}

TEST(a_copy_of_private_memory_is_a_snapshot)
{
	vm_address_t a = 0;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;

	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, 1));
	for (unsigned i = 0; i < 4; i++)
		*(volatile unsigned *)(a + i * PAGE) = i + 1;
	CHECK_OK(vm_read(SELF, a, 4 * PAGE, &data, &n));
	for (unsigned i = 0; i < 4; i++)
		*(volatile unsigned *)(a + i * PAGE) = 99;
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(*(volatile unsigned *)(data + i * PAGE), i + 1);
	vm_deallocate(SELF, data, n);
	vm_deallocate(SELF, a, 4 * PAGE);
}

/* few bytes go another way than pages */
TEST(few_bytes_are_read_from_the_task_that_is_named)
{
	vm_address_t a = 0, here = 0;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;
	mach_port_t task;

	CHECK_OK(vm_allocate(SELF, &here, PAGE, 1));
	CHECK_OK(task_create(SELF, FALSE, &task));
	a = here;
	CHECK_OK(vm_allocate(task, &a, PAGE, 0));
	*(volatile unsigned *)here = 1;
	CHECK_OK(vm_write(task, a, here, PAGE));
	*(volatile unsigned *)here = 2;
	CHECK_OK(vm_read(task, a, 100, &data, &n));
	CHECK_EQ(*(volatile unsigned *)data, 1);
	vm_deallocate(SELF, data, n);
	vm_deallocate(SELF, here, PAGE);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
}

/* two mappings of one memory: neither may write to what was copied from the other */
TEST(a_copy_of_shared_memory_is_a_snapshot)
{
	vm_address_t a = 0, b = 0;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;
	mach_port_t proxy;

	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, 1));
	REQUIRE(vm_region_create_proxy(SELF, a, VM_PROT_ALL, 4 * PAGE, &proxy) == KERN_SUCCESS);
	CHECK_OK(vm_map(SELF, &b, 4 * PAGE, 0, 1, proxy, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE));
	for (unsigned i = 0; i < 4; i++) {
		*(volatile unsigned *)(a + i * PAGE) = i + 1;
		*(volatile unsigned *)(b + i * PAGE + 8) = i + 1;
	}
	CHECK_OK(vm_read(SELF, a, 4 * PAGE, &data, &n));
	for (unsigned i = 0; i < 4; i++) {
		*(volatile unsigned *)((i % 2 ? a : b) + i * PAGE) = 99;
		*(volatile unsigned *)((i % 2 ? b : a) + i * PAGE + 8) = 99;
	}
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(*(volatile unsigned *)(data + i * PAGE), i + 1);
		CHECK_EQ(*(volatile unsigned *)(data + i * PAGE + 8), i + 1);
		CHECK_EQ(*(volatile unsigned *)(a + i * PAGE), 99);
		CHECK_EQ(*(volatile unsigned *)(b + i * PAGE), 99);
	}
	vm_deallocate(SELF, data, n);
	vm_deallocate(SELF, a, 4 * PAGE);
	vm_deallocate(SELF, b, 4 * PAGE);
	mach_port_deallocate(SELF, proxy);
}
