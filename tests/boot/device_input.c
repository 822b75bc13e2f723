/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that talk by themselves: a serial line beside the console's, keyboard and mouse events, the kernel's messages; reads that wait,
 * and clients that die. The machine has a second serial line with nothing at its end. Bytes of keyboard and mouse are put into the
 * PS/2 controller by its own commands 0xd2 and 0xd3, those of the line come back by its loop.
 */
#include <device/device.h>
#include <device/device_request.h>
#include <device/input_events.h>
#include <device/tty_status.h>
#include <mach/machine/mach_i386.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define COM1	0x2f8
#define MCR	4

struct read_reply {
	mach_msg_header_t h;
	mach_msg_type_t code_type; int code, pad;
	mach_msg_type_t data_type; char data[IO_INBAND_MAX];
	char room[64];
};

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static mach_port_t line, keys, mouse, kmsg;

static void grant(uint16_t from, uint16_t to)
{
	mach_port_t perm = MACH_PORT_NULL;

	CHECK_OK(i386_io_perm_create(test_device_master, from, to, &perm));
	CHECK_OK(i386_io_perm_modify(SELF, perm, TRUE));
	mach_port_deallocate(SELF, perm);
}

/* what stays: devices are made when they are first opened, ports of a task when they are first given */
void test_prepare(void)
{
	CHECK_OK(device_open(test_device_master, D_READ | D_WRITE, "com1", &line));
	CHECK_OK(device_open(test_device_master, D_READ, "kbd0", &keys));
	CHECK_OK(device_open(test_device_master, D_READ, "mouse0", &mouse));
	CHECK_OK(device_open(test_device_master, D_READ, "kmsg", &kmsg));
	static const char *const others[] = { "console", "com0", "kd0" };
	for (unsigned i = 0; i < 3; i++) {
		mach_port_t d = MACH_PORT_NULL;

		CHECK_OK(device_open(test_device_master, D_READ, others[i], &d));
		mach_port_deallocate(SELF, d);
	}
	grant(COM1, COM1 + 7);
	grant(0x60, 0x64);
}

static void ps2(uint8_t command, uint8_t byte)
{
	while (inb(0x64) & 2)
		;
	outb(0x64, command);
	while (inb(0x64) & 2)
		;
	outb(0x60, byte);
	test_sleep(20);		/* it has one byte of room */
}

static unsigned take(mach_port_t d, void *to)
{
	mach_msg_type_number_t n = IO_INBAND_MAX;

	return device_read_inband(d, D_NOWAIT, 0, IO_INBAND_MAX, to, &n) == D_SUCCESS ? n : 0;
}

/* --- a serial line --- */

static void loop(bool on)
{
	outb(COM1 + MCR, on ? 0x1b : 0x0b);
}

TEST(line_carries_what_is_written)
{
	char back[IO_INBAND_MAX] = "";
	int done = 0;
	unsigned n = 0;

	loop(true);
	CHECK_OK(device_write_inband(line, 0, 0, "over the line", 13, &done));
	CHECK_EQ(done, 13);
	for (int i = 0; i < 100 && n < 13; i++) {
		n += take(line, back + n);
		test_sleep(5);
	}
	CHECK_EQ(n, 13);
	CHECK(__builtin_memcmp(back, "over the line", 13) == 0);
	loop(false);
	CHECK_OK(device_write_inband(line, 0, 0, "to nobody", 9, &done));
	test_sleep(20);
	CHECK_EQ(take(line, back), 0);
}

TEST(line_is_not_the_console)
{
	mach_port_t console = MACH_PORT_NULL, com0 = MACH_PORT_NULL;
	char data[IO_INBAND_MAX];
	mach_msg_type_number_t n = IO_INBAND_MAX;
	int done;

	CHECK_OK(device_open(test_device_master, D_READ, "console", &console));
	CHECK_OK(device_open(test_device_master, D_READ, "com0", &com0));
	loop(true);
	CHECK_OK(device_write_inband(line, 0, 0, "x", 1, &done));
	test_sleep(20);
	CHECK_EQ(device_read_inband(console, D_NOWAIT, 0, 10, data, &n), D_WOULD_BLOCK);
	CHECK_EQ(device_read_inband(com0, D_NOWAIT, 0, 10, data, &n), D_WOULD_BLOCK);
	CHECK_EQ(take(line, data), 1);
	loop(false);
	mach_port_deallocate(SELF, console);
	mach_port_deallocate(SELF, com0);
}

TEST(line_read_waits_for_input)
{
	mach_port_t reply = test_port();
	struct read_reply m;
	int done;

	CHECK_OK(device_read_request_inband(line, reply, 0, 0, 10));
	CHECK_EQ(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 30, 0), MACH_RCV_TIMED_OUT);
	loop(true);
	CHECK_OK(device_write_inband(line, 0, 0, "!", 1, &done));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 5000, 0));
	CHECK_EQ(m.h.msgh_id, 2905);
	CHECK_EQ(m.code, D_SUCCESS);
	CHECK_EQ(m.data_type.msgt_number, 1);
	CHECK_EQ(m.data[0], '!');
	loop(false);
	test_port_destroy(reply);
}

TEST(late_answer_comes_out_of_line_when_asked_so)
{
	mach_port_t reply = test_port();
	struct {
		mach_msg_header_t h;
		mach_msg_type_t code_type; int code, pad;
		struct data_item data;
		char room[64];
	} m;
	int done;

	CHECK_OK(device_read_request(line, reply, 0, 0, 10));
	loop(true);
	CHECK_OK(device_write_inband(line, 0, 0, "?", 1, &done));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 5000, 0));
	CHECK_EQ(m.h.msgh_id, 2904);
	CHECK_EQ(m.code, D_SUCCESS);
	CHECK_EQ(m.data.type.msgt_number, 1);
	CHECK_EQ(*(char *)m.data.address, '?');
	vm_deallocate(SELF, (vm_address_t)m.data.address, 1);
	loop(false);
	test_port_destroy(reply);
}

TEST(line_status_and_settings)
{
	struct tty_status st;
	mach_msg_type_number_t n = TTY_STATUS_COUNT;
	int word[2] = { 0 }, size[DEV_GET_SIZE_COUNT];

	CHECK_OK(device_get_status(line, TTY_STATUS, (dev_status_t)&st, &n));
	CHECK_EQ(st.tt_ospeed, 115200);
	st.tt_ispeed = st.tt_ospeed = 9600;
	CHECK_OK(device_set_status(line, TTY_STATUS, (dev_status_t)&st, TTY_STATUS_COUNT));
	CHECK_OK(device_get_status(line, TTY_STATUS, (dev_status_t)&st, &n));
	CHECK_EQ(st.tt_ospeed, 9600);
	static const int bad[] = { 0, -1, 1, 7, 115201, 0x7fffffff, -0x7fffffff };
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tty_status b = { bad[i], bad[i], 0, 0 };

		CHECK_EQ(device_set_status(line, TTY_STATUS, (dev_status_t)&b, TTY_STATUS_COUNT), D_INVALID_OPERATION);
	}
	st.tt_ispeed = 19200;		/* both are one */
	CHECK_EQ(device_set_status(line, TTY_STATUS, (dev_status_t)&st, TTY_STATUS_COUNT), D_INVALID_OPERATION);
	CHECK_EQ(device_set_status(line, TTY_STATUS, (dev_status_t)&st, 1), D_INVALID_OPERATION);
	n = 1;
	CHECK_EQ(device_get_status(line, TTY_STATUS, (dev_status_t)&st, &n), D_INVALID_OPERATION);
	n = 2;
	CHECK_OK(device_get_status(line, TTY_MODEM, word, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(word[0] & 6, 6);		/* ready and asking to send */
	word[0] = 0;
	CHECK_OK(device_set_status(line, TTY_MODEM, word, 1));
	CHECK_OK(device_get_status(line, TTY_MODEM, word, &n));
	CHECK_EQ(word[0] & 6, 0);
	word[0] = 6;
	CHECK_OK(device_set_status(line, TTY_MODEM, word, 1));
	CHECK_EQ(device_set_status(line, TTY_MODEM, word, 0), D_INVALID_OPERATION);
	CHECK_OK(device_set_status(line, TTY_SET_BREAK, word, 0));
	CHECK_OK(device_set_status(line, TTY_CLEAR_BREAK, word, 0));
	CHECK_OK(device_set_status(line, TTY_STOP, word, 0));
	CHECK_OK(device_set_status(line, TTY_START, word, 0));
	CHECK_OK(device_set_status(line, TTY_FLUSH, word, 1));
	n = DEV_GET_SIZE_COUNT;
	CHECK_OK(device_get_status(line, DEV_GET_SIZE, size, &n));
	CHECK_EQ(size[DEV_GET_SIZE_RECORD_SIZE], 1);
	CHECK_EQ(device_get_status(line, 999, size, &n), D_INVALID_OPERATION);
	CHECK_EQ(device_set_status(line, 999, size, 2), D_INVALID_OPERATION);
	st.tt_ispeed = st.tt_ospeed = 115200;
	CHECK_OK(device_set_status(line, TTY_STATUS, (dev_status_t)&st, TTY_STATUS_COUNT));
}

static volatile bool setting;

static void set_speeds(void *arg)
{
	for (int i = 0; setting; i++) {
		struct tty_status st = { i % 2 ? 9600 : 115200, i % 2 ? 9600 : 115200, 0, 0 };

		CHECK_OK(device_set_status(line, TTY_STATUS, (dev_status_t)&st, TTY_STATUS_COUNT));
	}
	(void)arg;
}

/* while the divisor is set its bytes are in the place of the data */
TEST(line_keeps_its_data_while_its_speed_is_set)
{
	char text[IO_INBAND_MAX], back[IO_INBAND_MAX];
	unsigned wrong = 0, lost = 0;
	mach_port_t t;
	int done;

	setting = true;
	loop(true);
	t = test_thread(set_speeds, NULL);
	for (int i = 0; i < 200; i++) {
		unsigned n = 0;

		for (unsigned k = 0; k < 8; k++)
			text[k] = (char)('a' + (i + (int)k) % 26);
		CHECK_OK(device_write_inband(line, 0, 0, text, 8, &done));
		for (int wait = 0; wait < 50 && n < 8; wait++) {
			n += take(line, back + n);
			if (n < 8)
				test_sleep(1);
		}
		lost += n < 8;
		for (unsigned k = 0; k < n; k++)
			wrong += back[k] != text[k];
		if (n < 8)
			break;
	}
	setting = false;
	test_thread_join(t);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(lost, 0);
	loop(false);
	struct tty_status st = { 115200, 115200, 0, 0 };
	CHECK_OK(device_set_status(line, TTY_STATUS, (dev_status_t)&st, TTY_STATUS_COUNT));
}

TEST(lines_that_are_not_there)
{
	mach_port_t d = MACH_PORT_NULL;

	CHECK_EQ(device_open(test_device_master, D_READ, "com2", &d), D_NO_SUCH_DEVICE);
	CHECK_EQ(device_open(test_device_master, D_READ, "com4", &d), D_NO_SUCH_DEVICE);
	CHECK_EQ(device_open(test_device_master, D_READ, "kbd1", &d), D_NO_SUCH_DEVICE);
	CHECK_EQ(device_open(test_device_master, D_READ, "mouse1", &d), D_NO_SUCH_DEVICE);
}

/* --- reads whose clients are gone --- */

TEST(dead_clients_take_nothing_and_leave_nothing)
{
	mach_port_t reply;
	char back[IO_INBAND_MAX];
	int done;

	for (int i = 0; i < 200; i++) {
		reply = test_port();
		CHECK_OK(device_read_request_inband(line, reply, 0, 0, 10));
		test_port_destroy(reply);
	}
	loop(true);
	CHECK_OK(device_write_inband(line, 0, 0, "kept", 4, &done));
	for (int i = 0; i < 100 && done > 0; i++) {
		done -= (int)take(line, back);
		test_sleep(5);
	}
	CHECK_EQ(done, 0);		/* all four are ours */
	loop(false);
}

TEST(waiting_reads_of_a_device_are_limited)
{
	mach_port_t reply = test_port();
	struct read_reply m;
	unsigned refused = 0;

	CHECK_OK(mach_port_set_qlimit(SELF, reply, 16));
	for (int i = 0; i < 80; i++)
		CHECK_OK(device_read_request_inband(line, reply, 0, 0, 10));
	while (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 50, 0) == MACH_MSG_SUCCESS)
		refused += m.code == D_WOULD_BLOCK;
	CHECK_EQ(refused, 80 - 64);
	test_port_destroy(reply);
	/* their client is gone: the next one waits */
	reply = test_port();
	CHECK_OK(device_read_request_inband(line, reply, 0, 0, 10));
	CHECK_EQ(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 30, 0), MACH_RCV_TIMED_OUT);
	test_port_destroy(reply);
	CHECK_EQ(take(line, m.data), 0);
}

/* a child has the right under this name when it has it */
#define GIVEN	0x654321

static mach_port_t child_with(void (*fn)(void *), mach_port_t right)
{
	mach_port_t task = test_fork(fn, NULL);

	CHECK_OK(mach_port_insert_right(task, GIVEN, right, MACH_MSG_TYPE_COPY_SEND));
	return task;
}

static void wait_for_right(void)
{
	while (!(test_type(GIVEN) & MACH_PORT_TYPE_SEND))
		test_sleep(1);
}

static void read_for_ever(void *arg)
{
	char data[IO_INBAND_MAX];
	mach_msg_type_number_t n = IO_INBAND_MAX;

	(void)arg;
	wait_for_right();
	device_read_inband(GIVEN, 0, 0, 10, data, &n);
}

TEST(task_with_a_read_under_way_can_be_terminated)
{
	mach_port_t task = child_with(read_for_ever, line);
	char data[IO_INBAND_MAX];

	test_sleep(100);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_EQ(take(line, data), 0);
}

/* --- keyboard --- */

static unsigned events(mach_port_t d, kd_event e[4])
{
	unsigned n = take(d, e);

	CHECK_EQ(n % sizeof(kd_event), 0);
	return n / (unsigned)sizeof(kd_event);
}

TEST(keys_are_events_in_event_mode)
{
	mach_port_t console = MACH_PORT_NULL;
	int mode = KB_EVENT;
	kd_event e[4];
	char data[IO_INBAND_MAX];

	CHECK_OK(device_open(test_device_master, D_READ, "console", &console));
	CHECK_OK(device_set_status(keys, KDSKBDMODE, &mode, 1));
	ps2(0xd2, 0x1e);
	ps2(0xd2, 0x9e);
	CHECK_EQ(events(keys, e), 2);
	CHECK_EQ(e[0].type, KEYBD_EVENT);
	CHECK_EQ(e[0].value.sc, 0x1e);
	CHECK_EQ(e[1].value.sc, 0x9e);
	CHECK_EQ(take(console, data), 0);
	mode = KB_ASCII;
	CHECK_OK(device_set_status(keys, KDSKBDMODE, &mode, 1));
	ps2(0xd2, 0x1e);
	ps2(0xd2, 0x9e);
	CHECK_EQ(events(keys, e), 0);
	CHECK_EQ(take(console, data), 1);
	CHECK_EQ(data[0], 'a');
	mach_port_deallocate(SELF, console);
}

static void set_event_mode(void *arg)
{
	mach_port_t d = MACH_PORT_NULL;
	int mode = KB_EVENT;

	(void)arg;
	wait_for_right();
	device_open(GIVEN, D_READ, "kbd0", &d);
	device_set_status(d, KDSKBDMODE, &mode, 1);
	for (;;)
		test_sleep(1000);
}

/* a program that dies in event mode leaves a keyboard that types */
TEST(keys_go_back_to_the_console_with_the_last_right)
{
	mach_port_t console = MACH_PORT_NULL, task;
	char data[IO_INBAND_MAX];

	CHECK_OK(device_open(test_device_master, D_READ, "console", &console));
	mach_port_deallocate(SELF, keys);
	task = child_with(set_event_mode, test_device_master);
	test_sleep(100);
	ps2(0xd2, 0x30);
	CHECK_EQ(take(console, data), 0);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	test_sleep(100);
	ps2(0xd2, 0x30);
	CHECK_EQ(take(console, data), 1);
	CHECK_EQ(data[0], 'b');
	CHECK_OK(device_open(test_device_master, D_READ, "kbd0", &keys));
	CHECK_OK(device_set_status(keys, TTY_FLUSH, (dev_status_t)data, 0));
	mach_port_deallocate(SELF, console);
}

TEST(keyboard_checks_its_arguments)
{
	int word = 2;
	mach_msg_type_number_t n = 1;
	kd_event e[4];

	CHECK_OK(device_get_status(keys, KDGKBDTYPE, &word, &n));
	CHECK_EQ(word, KB_VANILLAKB);
	n = 0;
	CHECK_EQ(device_get_status(keys, KDGKBDTYPE, &word, &n), D_INVALID_OPERATION);
	word = 3;
	CHECK_EQ(device_set_status(keys, KDSKBDMODE, &word, 1), D_INVALID_OPERATION);
	CHECK_EQ(device_set_status(keys, KDSKBDMODE, &word, 0), D_INVALID_OPERATION);
	CHECK_EQ(device_set_status(keys, 12, &word, 1), D_INVALID_OPERATION);
	word = 2;
	CHECK_OK(device_set_status(keys, KDSETLEDS, &word, 1));
	word = 0;
	CHECK_OK(device_set_status(keys, KDSETLEDS, &word, 1));
	n = IO_INBAND_MAX;
	CHECK_EQ(device_read_inband(keys, D_NOWAIT, 0, sizeof(kd_event) - 1, (char *)e, &n), D_INVALID_SIZE);
	n = IO_INBAND_MAX;
	CHECK_EQ(device_read_inband(keys, D_NOWAIT, 0, sizeof(kd_event), (char *)e, &n), D_WOULD_BLOCK);
	int done;
	CHECK_EQ(device_write_inband(keys, 0, 0, "x", 1, &done), D_INVALID_OPERATION);
}

/* --- mouse --- */

static void move(uint8_t first, uint8_t x, uint8_t y)
{
	ps2(0xd3, first);
	ps2(0xd3, x);
	ps2(0xd3, y);
}

TEST(mouse_moves_and_clicks)
{
	kd_event e[4];

	move(0x08, 5, 7);
	CHECK_EQ(events(mouse, e), 1);
	CHECK_EQ(e[0].type, MOUSE_MOTION);
	CHECK_EQ(e[0].value.mmotion.mm_deltaX, 5);
	CHECK_EQ(e[0].value.mmotion.mm_deltaY, 7);
	move(0x38, 0xff, 0x80);
	CHECK_EQ(events(mouse, e), 1);
	CHECK_EQ(e[0].value.mmotion.mm_deltaX, -1);
	CHECK_EQ(e[0].value.mmotion.mm_deltaY, -128);
	move(0x09, 0, 0);
	CHECK_EQ(events(mouse, e), 1);
	CHECK_EQ(e[0].type, MOUSE_LEFT);
	CHECK_EQ(e[0].value.up, FALSE);
	move(0x0e, 1, 0);		/* left up, right and middle down, and a step */
	CHECK_EQ(events(mouse, e), 4);
	CHECK_EQ(e[0].type, MOUSE_MOTION);
	CHECK_EQ(e[1].type, MOUSE_LEFT);
	CHECK_EQ(e[1].value.up, TRUE);
	CHECK_EQ(e[2].type, MOUSE_RIGHT);
	CHECK_EQ(e[3].type, MOUSE_MIDDLE);
	move(0x08, 0, 0);
	CHECK_EQ(events(mouse, e), 2);
	CHECK_EQ(e[0].value.up, TRUE);
}

TEST(mouse_bytes_out_of_step_are_passed_over)
{
	kd_event e[4];

	ps2(0xd3, 0x01);		/* no first byte */
	ps2(0xd3, 0x02);
	move(0x08, 3, 0);
	CHECK_EQ(events(mouse, e), 1);
	CHECK_EQ(e[0].value.mmotion.mm_deltaX, 3);
	move(0xc8, 100, 100);		/* overflowed */
	CHECK_EQ(events(mouse, e), 0);
	int nothing = 0;
	CHECK_OK(device_set_status(mouse, TTY_FLUSH, &nothing, 1));
	CHECK_EQ(device_set_status(mouse, KDSKBDMODE, &nothing, 1), D_INVALID_OPERATION);
}

/* --- the kernel's messages --- */

TEST(kernel_messages_are_waited_for)
{
	mach_port_t reply = test_port();
	struct read_reply m;
	char data[IO_INBAND_MAX];
	bool found = false;

	while (take(kmsg, data) > 0)
		;
	CHECK_OK(device_read_request_inband(kmsg, reply, 0, 0, IO_INBAND_MAX));
	CHECK_EQ(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 150, 0), MACH_RCV_TIMED_OUT);
	mach_port_deallocate(SELF, 0x7777);		/* the kernel says a line about that */
	test_say("# something for the log");
	if (CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 5000, 0))) {
		CHECK_EQ(m.h.msgh_id, 2905);
		CHECK(m.data_type.msgt_number > 0);
		for (unsigned i = 0; i + 3 < m.data_type.msgt_number; i++)
			found |= m.data[i] == '#';
		CHECK(found || m.data_type.msgt_number == IO_INBAND_MAX);
	}
	test_port_destroy(reply);
}

/* --- the screen --- */

TEST(screen_memory_is_mapped)
{
	mach_port_t kd = MACH_PORT_NULL, pager = MACH_PORT_NULL;
	vm_address_t a = 0;

	CHECK_OK(device_open(test_device_master, D_READ | D_WRITE, "kd0", &kd));
	CHECK_OK(device_map(kd, VM_PROT_READ | VM_PROT_WRITE, 0, 0x8000, &pager, 0));
	CHECK_OK(vm_map(SELF, &a, 0x8000, 0, TRUE, pager, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_INHERIT_NONE));
	volatile uint16_t *cell = (volatile uint16_t *)(a + 0x7000);
	*cell = 0x1f41;
	CHECK_EQ(*cell, 0x1f41);
	CHECK_OK(vm_deallocate(SELF, a, 0x8000));
	mach_port_deallocate(SELF, pager);
	CHECK_EQ(device_map(kd, VM_PROT_READ, 0, 0x9000, &pager, 0), D_INVALID_SIZE);
	CHECK_EQ(device_map(kd, VM_PROT_READ, 0x8000, 0x1000, &pager, 0), D_INVALID_SIZE);
	CHECK_EQ(device_map(kd, VM_PROT_READ, ~0xffful, 0x2000, &pager, 0), D_INVALID_SIZE);
	CHECK_EQ(device_map(kd, VM_PROT_READ, 0x10, 0x1000, &pager, 0), D_INVALID_SIZE);
	mach_port_deallocate(SELF, kd);
}
