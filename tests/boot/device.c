/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's devices: names, forms of reading and writing, status, mapping. Interface reference section 15.
 * The second boot module is tests/boot/data/lines.txt: 100 lines of 32 bytes, then "tail".
 */
#include <device/device.h>
#include <device/device_request.h>
#include <device/tty_status.h>
#include <mach/mach_host.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { LINES = 100, LINE = 32, TAIL = 4, RECORD = 512, SIZE = LINES * LINE + TAIL };

static mach_port_t open_device(const char *name)
{
	mach_port_t d = MACH_PORT_NULL;

	CHECK_OK(device_open(test_device_master, D_READ | D_WRITE, name, &d));
	return d;
}

static void close_device(mach_port_t d)
{
	CHECK_OK(device_close(d));
	mach_port_deallocate(SELF, d);
}

static io_return_t open_fails(const char *name)
{
	mach_port_t d = MACH_PORT_NULL;
	io_return_t r = device_open(test_device_master, D_READ, name, &d);

	CHECK_EQ(d, MACH_PORT_NULL);
	return r;
}

static bool same(const char *a, const char *b, unsigned n)
{
	return __builtin_memcmp(a, b, n) == 0;
}

/* --- names --- */

static const char *const names[] = {
	"console", "console0", "kd", "kd0", "com", "com0", "time", "time0", "mem", "kmsg", "irq", "mbinfo", "rd0", "rd1", "null",
};

/* the kernel makes a device when it is first opened, and keeps it */
void test_prepare(void)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		mach_port_deallocate(SELF, open_device(names[i]));
}

TEST(known_names_open)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		mach_port_t d = MACH_PORT_NULL;

		if (!CHECK_OK(device_open(test_device_master, D_READ, names[i], &d)))
			test_say("# name %s", names[i]);
		else
			close_device(d);
	}
}

TEST(unknown_names_are_no_such_device)
{
	static const char *const unknown[] = {
		"", "nothing", "hd0", "rd2", "rd99", "rd4294967297", "time1", "0", "console9", "../mem", "timex", "tim",
		"a name that is much longer than any device of this or another system would ever have, to the end of the field....",
	};

	for (unsigned i = 0; i < sizeof unknown / sizeof *unknown; i++)
		if (!CHECK_EQ(open_fails(unknown[i]), D_NO_SUCH_DEVICE))
			test_say("# name %s", unknown[i]);
}

TEST(opening_twice_gives_the_same_device)
{
	mach_port_t a = open_device("time"), b = open_device("time0");

	CHECK_EQ(a, b);
	CHECK_OK(device_close(a));
	mach_port_deallocate(SELF, a);
	mach_port_deallocate(SELF, b);
}

TEST(only_the_master_port_opens)
{
	mach_port_t d = MACH_PORT_NULL, p = test_port_with_send();

	CHECK(device_open(test_host_priv, D_READ, "time", &d) != D_SUCCESS);
	CHECK(device_open(SELF, D_READ, "time", &d) != D_SUCCESS);
	CHECK_EQ(d, MACH_PORT_NULL);
	test_port_destroy(p);
}

TEST(other_ports_are_no_devices)
{
	io_buf_ptr_t data;
	mach_msg_type_number_t n;
	int done;

	CHECK(device_read(test_host_priv, 0, 0, 10, &data, &n) != D_SUCCESS);
	CHECK(device_write_inband(SELF, 0, 0, "x", 1, &done) != D_SUCCESS);
	CHECK(device_close(test_host_priv) != D_SUCCESS);
	CHECK_EQ(syscall_device_write_request(SELF, MACH_PORT_NULL, 0, 0, "x", 1), MACH_SEND_INTERRUPTED);
}

/* --- data modules --- */

TEST(module_is_read_by_records)
{
	mach_port_t d = open_device("rd1");
	io_buf_ptr_t data = NULL;
	mach_msg_type_number_t n = 0;

	REQUIRE(device_read(d, 0, 0, SIZE, &data, &n) == D_SUCCESS);
	CHECK_EQ(n, SIZE);
	CHECK(same(data, "data module, line 0000", 22));
	CHECK(same(data + 57 * LINE, "data module, line 0057", 22));
	CHECK(same(data + LINES * LINE, "tail", 4));
	vm_deallocate(SELF, (vm_address_t)data, n);
	CHECK_OK(device_read(d, 0, 2, 100, &data, &n));		/* record 2 is byte 1024 is line 32 */
	CHECK_EQ(n, 100);
	CHECK(same(data, "data module, line 0032", 22));
	vm_deallocate(SELF, (vm_address_t)data, n);
	CHECK_OK(device_read(d, 0, SIZE / RECORD, 100000, &data, &n));	/* no more than there is */
	CHECK_EQ(n, SIZE % RECORD);
	CHECK(same(data + n - TAIL, "tail", 4));
	vm_deallocate(SELF, (vm_address_t)data, n);
	CHECK_EQ(device_read(d, 0, SIZE / RECORD + 1, 10, &data, &n), D_INVALID_RECNUM);
	CHECK_EQ(device_read(d, 0, ~0ull, 10, &data, &n), D_INVALID_RECNUM);
	CHECK_EQ(device_read(d, 0, 0, -1, &data, &n), D_INVALID_SIZE);
	CHECK_OK(device_read(d, 0, 0, 0, &data, &n));
	CHECK_EQ(n, 0);
	close_device(d);
}

TEST(inband_carries_at_most_128_bytes)
{
	mach_port_t d = open_device("rd1");
	char data[IO_INBAND_MAX + 1];
	mach_msg_type_number_t n = IO_INBAND_MAX;

	CHECK_OK(device_read_inband(d, 0, 0, LINE, data, &n));
	CHECK_EQ(n, LINE);
	CHECK(same(data, "data module, line 0000", 22));
	n = IO_INBAND_MAX;
	data[IO_INBAND_MAX] = 'x';
	CHECK_OK(device_read_inband(d, 0, 1, 100000, data, &n));
	CHECK_EQ(n, IO_INBAND_MAX);
	CHECK(same(data, "data module, line 0016", 22));
	CHECK_EQ(data[IO_INBAND_MAX], 'x');
	n = IO_INBAND_MAX;
	CHECK_EQ(device_read_inband(d, 0, 0, -5, data, &n), D_INVALID_SIZE);
	close_device(d);
}

TEST_FLAGS(module_is_written_in_place, TEST_LOCAL)
{
	mach_port_t d = open_device("rd1");
	static char big[1536];
	char small[IO_INBAND_MAX], back[IO_INBAND_MAX];
	mach_msg_type_number_t n = IO_INBAND_MAX;
	io_buf_ptr_t original = NULL;
	int done = 0;

	CHECK_OK(device_read(d, 0, 1, sizeof big, &original, &n));
	CHECK_OK(device_read_inband(d, 0, 3, 16, small, &n));
	CHECK_OK(device_write_inband(d, 0, 3, "written in place", 16, &done));
	CHECK_EQ(done, 16);
	n = IO_INBAND_MAX;
	CHECK_OK(device_read_inband(d, 0, 3, LINE, back, &n));
	CHECK(same(back, "written in place", 16));
	CHECK(same(back + 16, "e 0048", 6));		/* the rest is as it was */
	CHECK_OK(device_write_inband(d, 0, 3, small, 16, &done));

	for (unsigned i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7);
	CHECK_OK(device_write(d, 0, 1, big, sizeof big, &done));	/* out of line, several pieces */
	CHECK_EQ(done, sizeof big);
	io_buf_ptr_t data = NULL;
	CHECK_OK(device_read(d, 0, 1, sizeof big, &data, &n));
	CHECK_EQ(n, sizeof big);
	CHECK(data && same(data, big, sizeof big));
	vm_deallocate(SELF, (vm_address_t)data, n);
	CHECK_OK(syscall_device_write_request(d, MACH_PORT_NULL, 0, 1, big + 512, 512));
	n = IO_INBAND_MAX;
	CHECK_OK(device_read_inband(d, 0, 1, LINE, back, &n));
	CHECK(same(back, big + 512, LINE));

	CHECK_EQ(device_write(d, 0, SIZE / RECORD, big, RECORD, &done), D_INVALID_SIZE);	/* beyond the end */
	CHECK_OK(device_write(d, 0, 1, (io_buf_ptr_t)original, sizeof big, &done));
	vm_deallocate(SELF, (vm_address_t)original, n);
	CHECK_EQ(device_write_inband(d, 0, 1000, big, 1, &done), D_INVALID_RECNUM);
	CHECK(syscall_device_write_request(d, MACH_PORT_NULL, 0, 0, (void *)0x10, 16) != D_SUCCESS);	/* not mapped here */
	close_device(d);
}

TEST(status_tells_sizes)
{
	mach_port_t d = open_device("rd1");
	int status[DEV_STATUS_MAX];
	mach_msg_type_number_t n = DEV_GET_SIZE_COUNT;

	CHECK_OK(device_get_status(d, DEV_GET_SIZE, status, &n));
	CHECK_EQ(n, DEV_GET_SIZE_COUNT);
	CHECK_EQ(status[DEV_GET_SIZE_DEVICE_SIZE], SIZE);
	CHECK_EQ(status[DEV_GET_SIZE_RECORD_SIZE], RECORD);
	n = DEV_GET_RECORDS_COUNT;
	CHECK_OK(device_get_status(d, DEV_GET_RECORDS, status, &n));
	CHECK_EQ(status[DEV_GET_RECORDS_DEVICE_RECORDS], SIZE / RECORD);
	CHECK_EQ(status[DEV_GET_RECORDS_RECORD_SIZE], RECORD);
	n = 1;
	CHECK(device_get_status(d, DEV_GET_SIZE, status, &n) != D_SUCCESS);
	n = DEV_STATUS_MAX;
	CHECK_EQ(device_get_status(d, 12345, status, &n), D_INVALID_OPERATION);
	CHECK_EQ(device_set_status(d, DEV_GET_SIZE, status, 2), D_INVALID_OPERATION);
	close_device(d);
}

static volatile char *map_device(mach_port_t d, vm_prot_t prot, vm_offset_t offset, vm_size_t size)
{
	mach_port_t pager = MACH_PORT_NULL;
	vm_address_t a = 0;

	if (!CHECK_OK(device_map(d, prot, offset, size, &pager, 0)))
		return NULL;
	if (!CHECK_OK(vm_map(SELF, &a, size, 0, TRUE, pager, 0, FALSE, prot, prot, VM_INHERIT_NONE)))
		a = 0;
	mach_port_deallocate(SELF, pager);
	return (volatile char *)a;
}

TEST(module_is_mapped)
{
	mach_port_t d = open_device("rd1"), pager = MACH_PORT_NULL;
	volatile char *p = map_device(d, VM_PROT_READ | VM_PROT_WRITE, 0, PAGE);
	char back[IO_INBAND_MAX], old;
	mach_msg_type_number_t n = IO_INBAND_MAX;

	REQUIRE(p);
	CHECK(same((const char *)p, "data module, line 0000", 22));
	CHECK(same((const char *)p + LINES * LINE, "tail", 4));
	old = p[5];
	p[5] = 'M';
	CHECK_OK(device_read_inband(d, 0, 0, LINE, back, &n));
	CHECK_EQ(back[5], 'M');		/* the same memory */
	p[5] = old;
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)p, PAGE));
	CHECK(device_map(d, VM_PROT_READ, 0, 1000 * PAGE, &pager, 0) != D_SUCCESS);	/* beyond the end */
	CHECK(device_map(d, VM_PROT_READ, 1000 * PAGE, PAGE, &pager, 0) != D_SUCCESS);
	CHECK(device_map(d, VM_PROT_READ, 1, PAGE, &pager, 0) != D_SUCCESS);
	close_device(d);
}

/* --- time and mem --- */

TEST(time_page_shows_the_time)
{
	mach_port_t d = open_device("time"), pager = MACH_PORT_NULL;
	volatile mapped_time_value_t *t = (volatile mapped_time_value_t *)map_device(d, VM_PROT_READ, 0, PAGE);
	time_value64_t wall, up;
	int64_t before, after;

	REQUIRE(t);
	CHECK_OK(host_get_time64(mach_host_self(), &wall));
	CHECK_OK(host_get_uptime64(mach_host_self(), &up));
	CHECK(t->time_value.seconds - wall.seconds >= -2 && t->time_value.seconds - wall.seconds <= 2);
	CHECK(t->uptime_value.seconds - up.seconds >= -2 && t->uptime_value.seconds - up.seconds <= 2);
	CHECK(t->time_value.nanoseconds >= 0 && t->time_value.nanoseconds < 1000000000);
	CHECK_EQ(t->check_seconds64 - t->time_value.seconds, 0);
	CHECK_EQ(t->seconds, (integer_t)t->time_value.seconds);
	before = t->uptime_value.seconds * 1000000000 + t->uptime_value.nanoseconds;
	test_sleep(100);
	after = t->uptime_value.seconds * 1000000000 + t->uptime_value.nanoseconds;
	CHECK(after - before >= 50000000);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)t, PAGE));
	CHECK(device_map(d, VM_PROT_READ, 0, 2 * PAGE, &pager, 0) != D_SUCCESS);
	close_device(d);
}

TEST(time_page_is_read_only)
{
	mach_port_t d = open_device("time"), pager = MACH_PORT_NULL, object = MACH_PORT_NULL;
	vm_address_t a = 0;
	vm_size_t size;
	vm_prot_t prot = 7, max = 7;
	vm_inherit_t inherit;
	boolean_t shared;
	vm_offset_t offset;

	CHECK_EQ(device_map(d, VM_PROT_READ | VM_PROT_WRITE, 0, PAGE, &pager, 0), D_READ_ONLY);
	CHECK_OK(device_map(d, VM_PROT_READ, 0, PAGE, &pager, 0));
	/* not more than there is */
	CHECK_EQ(vm_map(SELF, &a, 2 * PAGE, 0, TRUE, pager, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_map(SELF, &a, PAGE, 0, TRUE, pager, PAGE, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE), KERN_INVALID_ARGUMENT);
	/* a mapping asks for more: it gets what there is */
	CHECK_OK(vm_map(SELF, &a, PAGE, 0, TRUE, pager, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_NONE));
	CHECK_OK(vm_region(SELF, &a, &size, &prot, &max, &inherit, &shared, &object, &offset));
	CHECK_EQ(prot, VM_PROT_READ);
	CHECK_EQ(max & VM_PROT_WRITE, 0);
	CHECK(vm_protect(SELF, a, PAGE, FALSE, VM_PROT_READ | VM_PROT_WRITE) != KERN_SUCCESS);
	if (object)
		mach_port_deallocate(SELF, object);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
	mach_port_deallocate(SELF, pager);
	close_device(d);
}

/* the text screen's cells and the vectors' page are where PCs have them */
TEST(physical_memory_is_mapped)
{
	mach_port_t d = open_device("mem"), pager = MACH_PORT_NULL;
	volatile char *rom = map_device(d, VM_PROT_READ, 0xf0000, 0x10000);
	bool found = false;

	REQUIRE(rom);
	for (unsigned i = 0; i < 0x10000 && !found; i += 16)	/* ACPI's root pointer */
		found = same((const char *)rom + i, "RSD PTR ", 8);
	CHECK(found);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)rom, 0x10000));
	CHECK(device_map(d, VM_PROT_READ, ~0xffful, PAGE, &pager, 0) != D_SUCCESS);
	CHECK(device_map(d, VM_PROT_READ, 1ul << 60, PAGE, &pager, 0) != D_SUCCESS);
	CHECK(device_map(d, VM_PROT_READ, 0, 0, &pager, 0) != D_SUCCESS);
	close_device(d);
}

TEST(mapped_device_survives_its_closing_and_children_may_have_it)
{
	mach_port_t d = open_device("rd1");
	volatile char *p = map_device(d, VM_PROT_READ, 0, PAGE);
	mach_port_t task;

	REQUIRE(p);
	close_device(d);
	CHECK(same((const char *)p, "data module", 11));
	CHECK_OK(vm_inherit(SELF, (vm_address_t)p, PAGE, VM_INHERIT_SHARE));
	CHECK_OK(task_create(SELF, TRUE, &task));
	pointer_t copy = 0;
	mach_msg_type_number_t n = 0;
	CHECK_OK(vm_read(task, (vm_address_t)p, 11, &copy, &n));
	CHECK(n == 11 && same((const char *)copy, "data module", 11));
	vm_deallocate(SELF, copy, n);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)p, PAGE));
}

/* --- console --- */

TEST_FLAGS(console_is_written_in_every_form, TEST_LOCAL)
{
	mach_port_t d = open_device("console");
	static const char text[] = "# written by the trap\n";
	io_buf_vec_t v[2] = { { (vm_offset_t)"# gathered ", 11 }, { (vm_offset_t)"from two\n", 9 } };
	int done = 0;
	long r;

	CHECK_OK(device_write_inband(d, 0, 0, "# written inband\n", 17, &done));
	CHECK_EQ(done, 17);
	CHECK_OK(device_write(d, 0, 0, "# written out of line\n", 22, &done));
	CHECK_EQ(done, 22);
	CHECK_OK(syscall_device_write_request(d, MACH_PORT_NULL, 0, 0, text, sizeof text - 1));
	__asm__ volatile("movq %%rcx, %%r10; xorl %%r8d, %%r8d; movq %3, %%r8; movl $2, %%r9d; movl $-39, %%eax; syscall"
	    : "=a"(r) : "D"((long)d), "S"(0l), "r"(v), "d"(0l), "c"(0l) : "r8", "r9", "r10", "r11", "memory");
	CHECK_EQ(r, 0);
	CHECK_EQ(device_write_inband(d, 0, 0, "", 0, &done), D_SUCCESS);
	CHECK_EQ(done, 0);
	/* a reply port may not be named in the trap */
	CHECK(syscall_device_write_request(d, SELF, 0, 0, text, 1) != D_SUCCESS);
	close_device(d);
}

TEST(console_read_without_input_would_block)
{
	mach_port_t d = open_device("console");
	char data[IO_INBAND_MAX];
	mach_msg_type_number_t n = IO_INBAND_MAX;
	io_buf_ptr_t p;

	CHECK_EQ(device_read_inband(d, D_NOWAIT, 0, 10, data, &n), D_WOULD_BLOCK);
	CHECK_EQ(device_read(d, D_NOWAIT, 0, 10, &p, &n), D_WOULD_BLOCK);
	close_device(d);
}

/* the kernel keeps the request; its end is the end of the reply right */
TEST_FLAGS(console_read_waits_and_its_client_may_die, TEST_MAY_LEAK)
{
	mach_port_t d = open_device("console"), reply = test_port();
	struct test_message m;

	CHECK_OK(device_read_request_inband(d, reply, 0, 0, 10));
	CHECK_EQ(test_receive_wait(reply, &m, 30), MACH_RCV_TIMED_OUT);
	test_port_destroy(reply);
	close_device(d);
}

TEST(console_has_terminal_status)
{
	mach_port_t d = open_device("console");
	struct tty_status st;
	mach_msg_type_number_t n = TTY_STATUS_COUNT;

	CHECK_OK(device_get_status(d, TTY_STATUS, (dev_status_t)&st, &n));
	CHECK_EQ(n, TTY_STATUS_COUNT);
	CHECK_OK(device_set_status(d, TTY_STATUS, (dev_status_t)&st, n));
	int both = 3;
	CHECK_OK(device_set_status(d, TTY_FLUSH, &both, 1));
	close_device(d);
}

/* --- others --- */

TEST(request_forms_answer_by_message)
{
	mach_port_t reply = test_port(), d;
	struct {
		mach_msg_header_t h;
		mach_msg_type_t code_type;
		int code, pad;
		struct port_item device;
		char room[64];
	} m;
	dev_name_t name = "time";

	CHECK_OK(device_open_request(test_device_master, reply, D_READ, name));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 1000, 0));
	CHECK_EQ(m.h.msgh_id, 2900);
	CHECK_EQ(m.h.msgh_size, 64);
	CHECK_EQ(m.code, D_SUCCESS);
	d = m.device.port.name;
	CHECK_OK(device_read_request_inband(d, reply, 0, 0, 10));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 1000, 0));
	CHECK_EQ(m.h.msgh_id, 2905);
	CHECK_EQ(m.code, D_INVALID_OPERATION);	/* time is mapped only */
	mach_port_deallocate(SELF, d);
	test_port_destroy(reply);
}

TEST(multiboot_information_is_read)
{
	mach_port_t d = open_device("mbinfo");
	io_buf_ptr_t data = NULL;
	mach_msg_type_number_t n = 0;

	CHECK_OK(device_read(d, 0, 0, 4096, &data, &n));
	CHECK(n >= 52);
	CHECK(n >= 4 && *(uint32_t *)data & 1 << 3);	/* there are modules */
	CHECK(n >= 24 && ((uint32_t *)data)[5] == 2);
	vm_deallocate(SELF, (vm_address_t)data, n);
	close_device(d);
}

TEST(kernel_messages_are_read)
{
	mach_port_t d = open_device("kmsg");
	io_buf_ptr_t data = NULL;
	mach_msg_type_number_t n = 0;

	CHECK_OK(device_read(d, D_NOWAIT, 0, 1024, &data, &n));
	CHECK(n > 0);
	vm_deallocate(SELF, (vm_address_t)data, n);
	close_device(d);
}

TEST(devices_without_a_form_refuse_it)
{
	mach_port_t d = open_device("time"), pager = MACH_PORT_NULL;
	io_buf_ptr_t data;
	mach_msg_type_number_t n = 0;
	int done;

	CHECK_EQ(device_read(d, 0, 0, 10, &data, &n), D_INVALID_OPERATION);
	CHECK_EQ(device_write(d, 0, 0, "x", 1, &done), D_INVALID_OPERATION);
	CHECK_EQ(device_write_inband(d, 0, 0, "x", 1, &done), D_INVALID_OPERATION);
	close_device(d);
	d = open_device("kmsg");
	CHECK_EQ(device_map(d, VM_PROT_READ, 0, PAGE, &pager, 0), D_INVALID_OPERATION);
	CHECK_EQ(device_write_inband(d, 0, 0, "x", 1, &done), D_INVALID_OPERATION);
	close_device(d);
}

/* --- the request forms, and what they answer --- */

struct request_answer {
	mach_msg_header_t h;
	mach_msg_type_t code_type;
	int code, pad;
	mach_msg_type_t done_type;
	int done, pad2;
	char room[256];
};

static bool answered(mach_port_t reply, struct request_answer *m, int id, int code)
{
	m->code = m->done = -12345;
	if (!CHECK_OK(mach_msg(&m->h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, reply, 2000, 0)))
		return false;
	return CHECK_EQ(m->h.msgh_id, id) && CHECK_EQ(m->code, code);
}

TEST(writes_are_requested_and_answered)
{
	mach_port_t d = open_device("null"), rd = open_device("rd1"), time = open_device("time"), reply = test_port();
	struct request_answer m;
	static char data[5000];

	CHECK_OK(device_write_request(d, reply, 0, 0, data, sizeof data));
	if (answered(reply, &m, 2902, D_SUCCESS))
		CHECK_EQ(m.done, sizeof data);
	CHECK_OK(device_write_request_inband(d, reply, 0, 0, data, 100));
	if (answered(reply, &m, 2903, D_SUCCESS))
		CHECK_EQ(m.done, 100);
	CHECK_OK(device_write_request(rd, reply, 0, 100000, data, 10));
	answered(reply, &m, 2902, D_INVALID_RECNUM);
	CHECK_EQ(m.h.msgh_size, 48);
	CHECK_OK(device_write_request_inband(rd, reply, 0, ~0ull, data, 10));
	answered(reply, &m, 2903, D_INVALID_RECNUM);
	CHECK_OK(device_write_request_inband(time, reply, 0, 0, data, 10));
	answered(reply, &m, 2903, D_INVALID_OPERATION);
	CHECK_OK(device_read_request(rd, reply, 0, 100000, 10));
	answered(reply, &m, 2904, D_INVALID_RECNUM);
	CHECK_OK(device_read_request(rd, reply, 0, 0, -1));
	answered(reply, &m, 2904, D_INVALID_SIZE);
	/* nobody to answer: it is done all the same */
	CHECK_OK(device_write_request_inband(d, MACH_PORT_NULL, 0, 0, data, 100));
	close_device(d);
	close_device(rd);
	close_device(time);
	test_port_destroy(reply);
}

TEST(open_is_requested_and_refused)
{
	mach_port_t reply = test_port();
	struct request_answer m;
	dev_name_t none = "nothing", time = "time";

	CHECK_OK(device_open_request(test_device_master, reply, D_READ, none));
	answered(reply, &m, 2900, D_NO_SUCH_DEVICE);
	CHECK_OK(device_open_request(test_host_priv, reply, D_READ, time));
	answered(reply, &m, 2900, D_INVALID_OPERATION);	/* that port is no such thing */
	test_port_destroy(reply);
}

/* the client is gone when the answer comes: the memory, the device right go with it */
TEST(answers_to_dead_clients_leave_nothing)
{
	mach_port_t rd = open_device("rd1"), reply;
	dev_name_t time = "time";

	for (int i = 0; i < 20; i++) {
		reply = test_port();
		CHECK_OK(device_read_request(rd, reply, 0, 0, SIZE));
		CHECK_OK(device_open_request(test_device_master, reply, D_READ, time));
		test_port_destroy(reply);
	}
	close_device(rd);
}

TEST(maps_check_their_arguments)
{
	mach_port_t mem = open_device("mem"), rd = open_device("rd1"), pager = MACH_PORT_NULL;
	static const uint64_t bad[][2] = {
		{ 0, 0 }, { 1, PAGE }, { ~0ull, 1 }, { 1ull << 63, 1ull << 63 }, { ~0xfffull, 0x1000 }, { 0x1000, ~0ull }, { 0, ~0ull },
		{ 1ull << 46, PAGE }, { (1ull << 46) - PAGE, 2 * PAGE },
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_EQ(device_map(mem, VM_PROT_READ, bad[i][0], bad[i][1], &pager, 0), D_INVALID_SIZE);
		CHECK_EQ(device_map(rd, VM_PROT_READ, bad[i][0], bad[i][1], &pager, 0), D_INVALID_SIZE);
	}
	CHECK_EQ(pager, MACH_PORT_NULL);
	/* a map is an object: made, never used, gone */
	for (int prot = -1; prot < 40; prot += 3)
		if (device_map(mem, prot, 0xf0000, PAGE, &pager, 0) == D_SUCCESS)
			mach_port_deallocate(SELF, pager);
	close_device(mem);
	close_device(rd);
}

TEST_FLAGS(gathered_writes_check_their_vector, TEST_LOCAL)
{
	mach_port_t d = open_device("null");
	io_buf_vec_t v[3] = { { (vm_offset_t)"one", 3 }, { 0x10, 5 }, { (vm_offset_t)"two", 3 } };
	long r;

#define WRITEV(vector, n) __asm__ volatile("movq %%rcx, %%r10; movq %3, %%r8; movq %7, %%r9; movl $-39, %%eax; syscall" \
	    : "=a"(r) : "D"((long)d), "S"(0l), "r"((vm_offset_t)(vector)), "d"(0l), "c"(0l), "0"(0l), "r"((long)(n)) \
	    : "r8", "r9", "r10", "r11", "memory")
	WRITEV(v, 1);
	CHECK_EQ(r, D_SUCCESS);
	WRITEV(v, 3);
	CHECK_EQ(r, KERN_INVALID_ADDRESS);
	WRITEV(v, 0);
	CHECK_EQ(r, D_SUCCESS);
	WRITEV(v, 1025);
	CHECK_EQ(r, KERN_INVALID_VALUE);
	WRITEV(0x10, 1);
	CHECK_EQ(r, KERN_INVALID_ADDRESS);
	WRITEV(0xffffffff80100000, 1);
	CHECK_EQ(r, KERN_INVALID_ADDRESS);
	v[1] = (io_buf_vec_t){ 0xffffffff80100000, 16 };
	WRITEV(v, 2);
	CHECK_EQ(r, KERN_INVALID_ADDRESS);
	CHECK_EQ(syscall_device_write_request(d, MACH_PORT_NULL, 0, 0, (void *)0xffffffff80100000, 16), KERN_INVALID_ADDRESS);
	CHECK_EQ(syscall_device_write_request(0x777, MACH_PORT_NULL, 0, 0, "x", 1), MACH_SEND_INTERRUPTED);
	CHECK_EQ(syscall_device_write_request(d, MACH_PORT_DEAD, 0, 0, "x", 1), MACH_SEND_INVALID_REPLY);
	close_device(d);
}

TEST(packet_filters_belong_to_networks)
{
	mach_port_t d = open_device("null"), p = test_port_with_send();
	filter_t filter[4] = { 0 };

	CHECK_EQ(device_set_filter(d, p, MACH_MSG_TYPE_COPY_SEND, 0, filter, 4), D_INVALID_OPERATION);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(p);
	close_device(d);
}
