/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens: a line is typed, an exception comes, the victim ends. All are messages to one port set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <device/device.h>
#include <device/device_request.h>
#include <libc_mach.h>
#include <mach/notify.h>
#include "debugger.h"

#define READ_REPLY_INBAND	2905
#define LINE_MAX_BYTES		256

static mach_port_t set, exceptions, notes, replies, console;
static char line[LINE_MAX_BYTES];
static unsigned length;
static char *script, *script_end;

union message {
	mach_msg_header_t h;
	struct raise_message raise;
	struct {
		mach_msg_header_t h;
		mach_msg_type_t code_type; int code, pad;
		mach_msg_type_t data_type; char data[IO_INBAND_MAX];
	} read;
	char room[1024];
};

static mach_port_t make_port(void)
{
	mach_port_t p = MACH_PORT_NULL;

	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p) != KERN_SUCCESS ||
	    mach_port_move_member(SELF, p, set) != KERN_SUCCESS) {
		printf("no port\n");
		exit(1);
	}
	return p;
}

static void ask_console(void)
{
	(void)device_read_request_inband(console, replies, 0, 0, IO_INBAND_MAX);
}

static void load_script(const char *name)
{
	mach_port_t d;
	io_buf_ptr_t data;
	mach_msg_type_number_t n;

	if (device_open(device_master, D_READ, (char *)(uintptr_t)name, &d) != D_SUCCESS ||
	    device_read(d, 0, 0, 65536, &data, &n) != D_SUCCESS) {
		printf("no script %s\n", name);
		exit(1);
	}
	script = malloc(n + 1);
	if (script == NULL)
		exit(1);
	memcpy(script, data, n);
	script[n] = 0;
	script_end = script + n;
	vm_deallocate(SELF, (vm_address_t)data, n);
}

void event_init(const char *script_device)
{
	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS)
		exit(1);
	exceptions = make_port();
	notes = make_port();
	replies = make_port();
	if (mach_port_insert_right(SELF, exceptions, exceptions, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS ||
	    device_open(device_master, D_READ | D_WRITE, "console", &console) != D_SUCCESS)
		exit(1);
	libc_set_console(console);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (script_device != NULL)
		load_script(script_device);
	else
		ask_console();
}

mach_port_t event_exception_port(void)
{
	return exceptions;
}

void event_watch_end(mach_port_t task)
{
	mach_port_t before = MACH_PORT_NULL;

	(void)mach_port_request_notification(SELF, task, MACH_NOTIFY_DEAD_NAME, 1, notes, MACH_MSG_TYPE_MAKE_SEND_ONCE, &before);
	if (before != MACH_PORT_NULL)
		mach_port_deallocate(SELF, before);
}

void event_prompt(void)
{
	printf("debug> ");
	fflush(stdout);
}

static char *script_line(void)
{
	char *start = script, *end;

	if (script == NULL || script >= script_end)
		return NULL;
	end = memchr(start, '\n', (size_t)(script_end - start));
	if (end == NULL)
		end = script_end;
	*end = 0;
	script = end + 1;
	printf("%s\n", start);
	return start;
}

/* => a whole line was typed; it echoes */
static bool typed(const char *data, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char c = data[i];

		if (c == '\r' || c == '\n') {
			printf("\n");
			line[length] = 0;
			length = 0;
			return true;
		}
		if ((c == '\b' || c == 0x7f) && length > 0) {
			length--;
			printf("\b \b");
		} else if (c >= ' ' && c < 0x7f && length + 1 < sizeof line) {
			line[length++] = c;
			printf("%c", c);
		}
	}
	fflush(stdout);
	return false;
}

enum event event_wait(char **text, unsigned timeout_ms)
{
	union message m;
	bool at_prompt = timeout_ms == 0;

	if (at_prompt && script_end != NULL) {
		*text = script_line();
		return *text != NULL ? EVENT_LINE : EVENT_TIMEOUT;
	}
	for (;;) {
		mach_msg_return_t mr = mach_msg(&m.h, MACH_RCV_MSG | (script_end != NULL ? MACH_RCV_TIMEOUT : 0), 0, sizeof m, set,
		    timeout_ms, MACH_PORT_NULL);

		if (mr != MACH_MSG_SUCCESS)
			return EVENT_TIMEOUT;
		if (m.h.msgh_local_port == exceptions && m.h.msgh_id == EXC_RAISE_ID) {
			target_raised(&m.raise);
			return EVENT_STOP;
		}
		if (m.h.msgh_local_port == notes && m.h.msgh_id == MACH_NOTIFY_DEAD_NAME) {
			mach_port_t name = ((mach_dead_name_notification_t *)(void *)&m)->not_port;

			/* the notification's reference */
			mach_port_deallocate(SELF, name);
			if (name == target.task)
				return EVENT_END;
			continue;
		}
		if (m.h.msgh_local_port == replies && m.h.msgh_id == READ_REPLY_INBAND && m.read.code == D_SUCCESS) {
			bool whole = typed(m.read.data, m.read.data_type.msgt_number);

			ask_console();
			if (whole) {
				*text = line;
				return EVENT_LINE;
			}
			continue;
		}
		mach_msg_destroy(&m.h);
	}
}
