/* SPDX-License-Identifier: BSD-2-Clause */
/* The host kernel itself: traps, messages, memory, faults, threads and tasks of user programs; every object is gone afterwards. */
#include <stdlib.h>
#include <string.h>
#include <mach/exception.h>
#include "cases.h"
#include "user.h"

static void messages_go_through_ports(void)
{
	struct { mach_msg_header_t h; mach_msg_type_t t; char text[16]; } m = {
		.h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_size = sizeof m, .msgh_id = 77 },
		.t = { .msgt_name = MACH_MSG_TYPE_CHAR, .msgt_size = 8, .msgt_number = 16, .msgt_inline = 1 },
		.text = "through a port",
	};
	mach_port_t p = user_port();

	m.h.msgh_remote_port = p;
	CHECK(mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	memset(&m, 0, sizeof m);
	CHECK(mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, p, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(m.h.msgh_id == 77 && strcmp(m.text, "through a port") == 0);
	CHECK(u_mach_port_destroy(user_task_self(), p) == KERN_SUCCESS);
}

static void memory_faults_in_and_bad_addresses_are_refused(void)
{
	vm_address_t at = 0;
	uint64_t v = 0x1122334455667788;

	CHECK(u_vm_allocate(user_task_self(), &at, 3 * 4096, 1) == KERN_SUCCESS);
	sim_write(at + 4092, &v, sizeof v);
	v = 0;
	sim_read(at + 4092, &v, sizeof v);
	CHECK(v == 0x1122334455667788);
	CHECK(u_vm_deallocate(user_task_self(), at, 3 * 4096) == KERN_SUCCESS);
	CHECK(!sim_try_read(at, &v, sizeof v));
}

static void child_writes(uint64_t at)
{
	uint32_t v = 2;

	sim_write(at, &v, sizeof v);
	v = 1;
	sim_write(at + 4096, &v, sizeof v);	/* shared: says that it is done */
	user_exit();
}

static void a_child_has_a_copy_of_its_memory(void)
{
	mach_port_t task, thread, self = user_task_self();
	vm_address_t at = 0;
	uint32_t v = 1, done = 0;

	CHECK(u_vm_allocate(self, &at, 2 * 4096, 1) == KERN_SUCCESS);
	CHECK(u_vm_inherit(self, at + 4096, 4096, VM_INHERIT_SHARE) == KERN_SUCCESS);
	sim_write(at, &v, sizeof v);
	sim_write(at + 4096, &done, sizeof done);
	CHECK(u_task_create(self, 1, &task) == KERN_SUCCESS);
	thread = user_thread(task, child_writes, at);
	CHECK(thread != MACH_PORT_NULL);
	for (int i = 0; i < 100 && !done; i++) {
		user_sleep(1);
		sim_read(at + 4096, &done, sizeof done);
	}
	sim_read(at, &v, sizeof v);
	CHECK(done == 1 && v == 1);
	CHECK(u_task_terminate(task) == KERN_SUCCESS);
	u_mach_port_deallocate(self, task);
	u_mach_port_deallocate(self, thread);
	u_vm_deallocate(self, at, 2 * 4096);
}

static void loads_from_nowhere(uint64_t at)
{
	char c;

	sim_read(at, &c, 1);
	user_exit();
}

static void a_bad_load_is_an_exception(void)
{
	struct { mach_msg_header_t h; char body[512]; } m;
	mach_port_t task, thread, self = user_task_self(), p = user_port();

	CHECK(u_task_create(self, 0, &task) == KERN_SUCCESS);
	CHECK(u_task_set_special_port(task, 3, p) == KERN_SUCCESS);
	thread = user_thread(task, loads_from_nowhere, 0xdead000);
	CHECK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, p, 1000, MACH_PORT_NULL) == MACH_MSG_SUCCESS);
	CHECK(m.h.msgh_id == 2400);
	CHECK(u_task_terminate(task) == KERN_SUCCESS);
	u_mach_port_deallocate(self, m.h.msgh_remote_port);
	u_mach_port_destroy(self, p);
	/* names the exception message brought, and ours */
	while (u_mach_port_deallocate(self, task) == KERN_SUCCESS)
		;
	while (u_mach_port_deallocate(self, thread) == KERN_SUCCESS)
		;
}

static void a_wrong_pc_ends_the_task(void)
{
	mach_port_t task, thread, self = user_task_self();
	mach_port_type_t type = 0;

	CHECK(u_task_create(self, 0, &task) == KERN_SUCCESS);
	CHECK(u_thread_create(task, &thread) == KERN_SUCCESS);
	CHECK(u_thread_resume(thread) == KERN_SUCCESS);
	user_sleep(10);
	CHECK(u_mach_port_type(self, task, &type) == KERN_SUCCESS && (type & MACH_PORT_TYPE_DEAD_NAME));
	u_mach_port_deallocate(self, task);
	u_mach_port_deallocate(self, thread);
}

static void init(uint64_t argument)
{
	(void)argument;
	/* a reply port, a stack for a second thread */
	u_mach_port_destroy(user_task_self(), user_port());
	user_sleep(1);
	RUN(messages_go_through_ports);
	RUN(memory_faults_in_and_bad_addresses_are_refused);
	RUN(a_child_has_a_copy_of_its_memory);
	RUN(a_bad_load_is_an_exception);
	RUN(a_wrong_pc_ends_the_task);
	exit(cases_end());
}

int main(int argc, char **argv)
{
	static struct sim_config cf = { .cf_cpus = 1, .cf_memory_mb = 64, .cf_init = init };

	if (argc > 1)
		cf.cf_cpus = (unsigned)atoi(argv[1]);
	sim_boot(&cf);
	return 1;
}
