/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of every routine fails once: the first, the second, the third ... Each time the routine works all the same or says that
 * memory is short, nothing leaks (the harness compares), and the next call works. tests/boot/vm_shortage.c has the routines of memory.
 */
#include <device/device.h>
#include <mach/host_info.h>
#include <mach/machine/thread_status.h>
#include <mach/mach_host.h>
#include <mach_debug/mach_debug.h>
#include "harness/sweep.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static void drop_list(mach_port_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (MACH_PORT_VALID(list[i]))
			mach_port_deallocate(SELF, list[i]);
	if (n != 0)
		vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

static void drop_bytes(void *data, vm_size_t size)
{
	if (data != NULL && size != 0)
		vm_deallocate(SELF, (vm_address_t)data, size);
}

/* --- ports --- */

static kern_return_t allocate_port(void)
{
	mach_port_t p = MACH_PORT_NULL;
	kern_return_t kr = ARMED(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p));

	if (kr == KERN_SUCCESS)
		mach_port_destroy(SELF, p);
	return kr;
}

static kern_return_t allocate_set(void)
{
	mach_port_t p = MACH_PORT_NULL;
	kern_return_t kr = ARMED(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &p));

	if (kr == KERN_SUCCESS)
		mach_port_destroy(SELF, p);
	return kr;
}

static kern_return_t allocate_dead_name(void)
{
	mach_port_t p = MACH_PORT_NULL;
	kern_return_t kr = ARMED(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &p));

	if (kr == KERN_SUCCESS)
		mach_port_destroy(SELF, p);
	return kr;
}

/* up to where the table of names has to grow, then over it */
static kern_return_t allocate_many(void)
{
	static mach_port_t p[600];
	unsigned n = 0;
	kern_return_t kr;

	do
		p[n] = test_port();
	while (p[n++] % 256 != 252 && n < 500);
	kr = ARMED(({
		kern_return_t r_ = KERN_SUCCESS;

		for (int i = 0; i < 6 && r_ == KERN_SUCCESS; i++)
			if ((r_ = mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p[n])) == KERN_SUCCESS)
				n++;
		r_; }));
	while (n > 0)
		mach_port_destroy(SELF, p[--n]);
	return kr;
}

static kern_return_t allocate_far_name(void)
{
	kern_return_t kr = ARMED(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, 0x12345678));

	/* a lost reply: the name is there */
	if (test_type(0x12345678) != 0)
		mach_port_destroy(SELF, 0x12345678);
	return kr;
}

static kern_return_t insert_and_extract(void)
{
	mach_port_t p = test_port(), once = MACH_PORT_NULL;
	mach_msg_type_name_t type;
	kern_return_t kr = ARMED(({
		kern_return_t r_ = mach_port_insert_right(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND);

		r_ == KERN_SUCCESS ? mach_port_extract_right(SELF, p, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type) : r_; }));

	if (once != MACH_PORT_NULL)
		mach_port_deallocate(SELF, once);
	mach_port_destroy(SELF, p);
	return kr;
}

static kern_return_t names(void)
{
	mach_port_name_array_t name = NULL;
	mach_port_type_array_t type = NULL;
	mach_msg_type_number_t n = 0, m = 0;
	kern_return_t kr = ARMED(mach_port_names(SELF, &name, &n, &type, &m));

	if (kr == KERN_SUCCESS) {
		drop_bytes(name, n * sizeof *name);
		drop_bytes(type, m * sizeof *type);
	}
	return kr;
}

static kern_return_t set_members(void)
{
	mach_port_t set = MACH_PORT_NULL, p = test_port();
	mach_port_name_array_t member = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	kr = ARMED(mach_port_move_member(SELF, p, set));
	if (kr == KERN_SUCCESS)
		kr = ARMED(mach_port_get_set_status(SELF, set, &member, &n));
	if (kr == KERN_SUCCESS)
		drop_bytes(member, n * sizeof *member);
	mach_port_destroy(SELF, set);
	test_port_destroy(p);
	return kr;
}

static kern_return_t notifications(void)
{
	mach_port_t p = test_port_with_send(), heard = test_port(), old = MACH_PORT_NULL;
	struct test_message m;
	kern_return_t kr = KERN_SUCCESS;

	for (int i = 0; i < 3 && kr == KERN_SUCCESS; i++) {
		static const int kinds[] = { MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_NO_SENDERS, MACH_NOTIFY_PORT_DESTROYED };
		int kind = kinds[i];

		/* a dead name is asked for under the same name */
		kr = ARMED(mach_port_request_notification(SELF, p, kind, kind == MACH_NOTIFY_NO_SENDERS, heard,
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, &old));
		if (kr == KERN_INVALID_ARGUMENT && kind == MACH_NOTIFY_DEAD_NAME)
			kr = KERN_SUCCESS;
	}
	mach_port_destroy(SELF, p);
	while (test_receive(heard, &m) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
	test_port_destroy(heard);
	return kr;
}

static kern_return_t rename_name(void)
{
	mach_port_t p = test_port();
	kern_return_t kr = ARMED(mach_port_rename(SELF, p, 0x1234567));

	/* a lost reply: it may have been done */
	mach_port_destroy(SELF, test_type(0x1234567) != 0 ? 0x1234567 : p);
	return kr;
}

static kern_return_t port_status(void)
{
	mach_port_t p = test_port();
	mach_port_status_t status;
	kern_return_t kr = ARMED(({
		kern_return_t r_ = mach_port_get_receive_status(SELF, p, &status);

		if (r_ == KERN_SUCCESS)
			r_ = mach_port_set_qlimit(SELF, p, 7);
		if (r_ == KERN_SUCCESS)
			r_ = mach_port_set_seqno(SELF, p, 7);
		if (r_ == KERN_SUCCESS)
			r_ = mach_port_set_mscount(SELF, p, 7);
		if (r_ == KERN_SUCCESS)
			r_ = mach_port_set_protected_payload(SELF, p, 7);
		if (r_ == KERN_SUCCESS)
			r_ = mach_port_clear_protected_payload(SELF, p);
		r_; }));

	test_port_destroy(p);
	return kr;
}

TEST(port_routines_survive_every_failure)
{
	static const struct operation list[] = {
		{ "allocate", allocate_port }, { "allocate a set", allocate_set }, { "allocate a dead name", allocate_dead_name },
		{ "allocate many", allocate_many }, { "allocate a far name", allocate_far_name },
		{ "insert and extract", insert_and_extract },
		{ "names", names }, { "set members", set_members }, { "notifications", notifications }, { "rename", rename_name },
		{ "status", port_status },
	};

	SWEEP(list);
}

/* --- messages --- */

struct rich_message {
	mach_msg_header_t h;
	mach_msg_type_t	 port_type;
	mach_port_name_inlined_t port[2];
	mach_msg_type_t	 ports_type;
	mach_port_t	*ports;
	mach_msg_type_t	 data_type;
	void		*data;
	mach_msg_type_t	 pad_type;
	char		 pad[2000];
};

static mach_port_t target, carried;

/* two rights, an array of rights, three pages and two thousand bytes */
static void fill_message(struct rich_message *m, mach_port_t *array, vm_address_t memory)
{
	*m = (struct rich_message){ .h = { .msgh_bits = MACH_MSGH_BITS_COMPLEX |
	    MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE), .msgh_remote_port = target,
	    .msgh_local_port = carried, .msgh_id = 77 },
	    .port_type = test_type_port(MACH_MSG_TYPE_MAKE_SEND, 2), .port = { { carried }, { carried } },
	    .ports_type = { .msgt_name = MACH_MSG_TYPE_MAKE_SEND_ONCE, .msgt_size = 32, .msgt_number = 40 }, .ports = array,
	    .data_type = test_type_ool(3 * PAGE, false), .data = (void *)memory,
	    .pad_type = { .msgt_name = MACH_MSG_TYPE_BYTE, .msgt_size = 8, .msgt_longform = 1, .msgt_inline = 1, .msgt_number = 2000 } };
	for (unsigned i = 0; i < 40; i++)
		array[i] = carried;
}

static kern_return_t send_and_receive(unsigned how)
{
	static struct rich_message m;
	mach_port_t array[40];
	vm_address_t memory = 0;
	struct test_message drain;
	kern_return_t kr;

	target = test_port_with_send();
	carried = test_port();
	CHECK_OK(vm_allocate(SELF, &memory, 3 * PAGE, TRUE));
	*(volatile char *)memory = 1;
	fill_message(&m, array, memory);
	if (how == 0) {
		kr = ARMED(mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, 0, 0));
	} else if (how == 1) {
		CHECK_OK(mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, 0, 0));
		kr = ARMED(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, target, 0, 0));
		if (kr == MACH_MSG_SUCCESS || (kr & ~0x3e00) == MACH_RCV_BODY_ERROR)
			mach_msg_destroy(&m.h);
	} else {
		CHECK_OK(mach_port_set_qlimit(SELF, target, 1));
		CHECK_OK(test_send(target, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
		kr = ARMED(mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, 0, 0));
		/* given back, perhaps not whole */
		if ((kr & ~0x3e00) == MACH_SEND_TIMED_OUT) {
			mach_port_t reply = m.h.msgh_local_port;

			mach_msg_destroy(&m.h);
			if (MACH_PORT_VALID(reply))
				mach_port_deallocate(SELF, reply);
			kr = (kr & 0x3e00 & ~(MACH_MSG_VM_KERNEL | MACH_MSG_IPC_KERNEL)) == 0 ? KERN_SUCCESS : kr;
		}
	}
	while (test_receive_wait(target, &drain, 0) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&drain.h);
	test_port_destroy(target);
	test_port_destroy(carried);
	CHECK_OK(vm_deallocate(SELF, memory, 3 * PAGE));
	return kr;
}

static kern_return_t send_rich(void) { return send_and_receive(0); }
static kern_return_t receive_rich(void) { return send_and_receive(1); }
static kern_return_t rich_comes_back(void) { return send_and_receive(2); }

/* forced into a full queue, with a notification when it is accepted */
static kern_return_t send_notify(void)
{
	mach_port_t p = test_port_with_send(), heard = test_port();
	struct test_message m;
	mach_msg_header_t h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = p, .msgh_id = 2 };
	kern_return_t kr;

	CHECK_OK(mach_port_set_qlimit(SELF, p, 1));
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	kr = ARMED(mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, sizeof h, 0, 0, 0, heard));
	while (test_receive(p, &m) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
	test_port_destroy(p);
	while (test_receive(heard, &m) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
	test_port_destroy(heard);
	return kr == MACH_SEND_WILL_NOTIFY ? KERN_SUCCESS : kr == MACH_SEND_NO_NOTIFY ? MACH_SEND_NO_BUFFER : kr;
}

/* the reply right is new: a dead-name notification is asked for it */
static kern_return_t receive_notify(void)
{
	mach_port_t p = test_port_with_send(), reply = test_port(), heard = test_port();
	struct test_message m;
	kern_return_t kr;

	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 1));
	kr = ARMED(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_NOTIFY, 0, sizeof m, p, 0, heard));
	if (kr == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
	test_port_destroy(p);
	test_port_destroy(reply);
	while (test_receive(heard, &m) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
	test_port_destroy(heard);
	return kr;
}

TEST(messages_survive_every_failure)
{
	static const struct operation list[] = {
		{ "send", send_rich }, { "receive", receive_rich }, { "given back", rich_comes_back },
		{ "forced with a notification", send_notify }, { "received with a notification", receive_notify },
	};

	SWEEP(list);
}

/* --- tasks and threads --- */

static mach_port_t tasks_of_all;	/* the default set, to find what nobody knows */

/* a task or thread whose reply was lost lives on without anybody who knows it: end it */
static void end_strangers(mach_port_t *known, unsigned n)
{
	mach_port_t *now;
	mach_msg_type_number_t m;

	if (processor_set_tasks(tasks_of_all, &now, &m) != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < m; i++) {
		bool old = false;

		for (unsigned k = 0; k < n; k++)
			old |= known[k] == now[i];
		if (!old)
			task_terminate(now[i]);
	}
	drop_list(now, m);
}

static kern_return_t make_task(bool inherit)
{
	mach_port_t *known = NULL, child = MACH_PORT_NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr;

	CHECK_OK(processor_set_tasks(tasks_of_all, &known, &n));
	kr = ARMED(task_create(SELF, inherit, &child));
	if (kr == KERN_SUCCESS) {
		CHECK_OK(task_terminate(child));
		mach_port_deallocate(SELF, child);
	} else {
		end_strangers(known, n);
	}
	drop_list(known, n);
	return kr;
}

static kern_return_t make_empty_task(void) { return make_task(false); }
static kern_return_t make_inheriting_task(void) { return make_task(true); }

static kern_return_t end_task(void)
{
	mach_port_t child = MACH_PORT_NULL;
	kern_return_t kr;

	CHECK_OK(task_create(SELF, TRUE, &child));
	kr = ARMED(task_terminate(child));
	if (kr != KERN_SUCCESS)
		task_terminate(child);
	mach_port_deallocate(SELF, child);
	return kr;
}

static mach_port_t other_task;

static kern_return_t make_thread(void)
{
	mach_port_t thread = MACH_PORT_NULL, *list;
	mach_msg_type_number_t n;
	kern_return_t kr = ARMED(thread_create(other_task, &thread));

	if (thread != MACH_PORT_NULL)
		mach_port_deallocate(SELF, thread);
	if (task_threads(other_task, &list, &n) != KERN_SUCCESS)
		return kr;
	for (unsigned i = 0; i < n; i++)
		thread_terminate(list[i]);
	drop_list(list, n);
	return kr;
}

static kern_return_t thread_states(void)
{
	mach_port_t thread = MACH_PORT_NULL;
	struct i386_thread_state state;
	struct i386_float_state fp;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT, m = i386_FLOAT_STATE_COUNT;
	kern_return_t kr;

	CHECK_OK(thread_create(other_task, &thread));
	kr = ARMED(({
		kern_return_t r_ = thread_get_state(thread, i386_THREAD_STATE, (thread_state_t)&state, &n);

		if (r_ == KERN_SUCCESS)
			r_ = thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, n);
		if (r_ == KERN_SUCCESS)
			r_ = thread_get_state(thread, i386_FLOAT_STATE, (thread_state_t)&fp, &m);
		if (r_ == KERN_SUCCESS)
			r_ = thread_set_state(thread, i386_FLOAT_STATE, (thread_state_t)&fp, m);
		r_; }));
	thread_terminate(thread);
	mach_port_deallocate(SELF, thread);
	return kr;
}

static kern_return_t thread_list(void)
{
	mach_port_t *list = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(task_threads(SELF, &list, &n));

	if (kr == KERN_SUCCESS)
		drop_list(list, n);
	return kr;
}

static kern_return_t special_ports(void)
{
	mach_port_t p = test_port_with_send(), got = MACH_PORT_NULL;
	kern_return_t kr = ARMED(({
		kern_return_t r_ = task_set_special_port(other_task, TASK_BOOTSTRAP_PORT, p);

		r_ == KERN_SUCCESS ? task_get_special_port(other_task, TASK_BOOTSTRAP_PORT, &got) : r_; }));

	if (MACH_PORT_VALID(got))
		mach_port_deallocate(SELF, got);
	CHECK_OK(task_set_special_port(other_task, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	mach_port_destroy(SELF, p);
	return kr;
}

static kern_return_t registered_ports(void)
{
	mach_port_t p = test_port_with_send(), list[2] = { p, p }, none[1] = { MACH_PORT_NULL }, *got = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(({
		kern_return_t r_ = mach_ports_register(other_task, list, 2);

		r_ == KERN_SUCCESS ? mach_ports_lookup(other_task, &got, &n) : r_; }));

	if (kr == KERN_SUCCESS)
		drop_list(got, n);
	CHECK_OK(mach_ports_register(other_task, none, 1));
	mach_port_destroy(SELF, p);
	return kr;
}

static kern_return_t stop_and_go(void)
{
	bool stopped;
	kern_return_t kr = ARMED(task_suspend(other_task));

	/* a lost reply: it may be stopped once */
	stopped = task_resume(other_task) == KERN_SUCCESS;
	CHECK(stopped || kr != KERN_SUCCESS);
	return kr;
}

static kern_return_t emulation(void)
{
	vm_offset_t vector[8] = { 0 };

	return ARMED(task_set_emulation_vector(other_task, 0, vector, 8));
}

static kern_return_t priorities(void)
{
	return ARMED(task_priority(other_task, 30, TRUE));
}

TEST(task_and_thread_routines_survive_every_failure)
{
	static const struct operation list[] = {
		{ "task_create", make_empty_task }, { "task_create, inheriting", make_inheriting_task }, { "task_terminate", end_task },
		{ "thread_create", make_thread }, { "thread states", thread_states }, { "task_threads", thread_list },
		{ "special ports", special_ports }, { "registered ports", registered_ports }, { "suspend", stop_and_go },
		{ "emulation vector", emulation }, { "priority", priorities },
	};
	mach_port_t name = MACH_PORT_NULL;

	CHECK_OK(processor_set_default(mach_host_self(), &name));
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &tasks_of_all));
	CHECK_OK(task_create(SELF, FALSE, &other_task));
	SWEEP(list);
	CHECK_OK(task_terminate(other_task));
	mach_port_deallocate(SELF, other_task);
	mach_port_deallocate(SELF, tasks_of_all);
	mach_port_deallocate(SELF, name);
}

/* --- host --- */

static kern_return_t host_lists(void)
{
	mach_port_t *list = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(host_processors(test_host_priv, &list, &n));

	if (kr == KERN_SUCCESS)
		drop_list(list, n);
	return kr;
}

static kern_return_t host_sets(void)
{
	mach_port_t *list = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(host_processor_sets(mach_host_self(), &list, &n));

	if (kr == KERN_SUCCESS)
		drop_list(list, n);
	return kr;
}

static kern_return_t set_lists(void)
{
	mach_port_t name = MACH_PORT_NULL, set = MACH_PORT_NULL, *tasks = NULL, *threads = NULL;
	mach_msg_type_number_t n = 0, m = 0;
	kern_return_t kr;

	CHECK_OK(processor_set_default(mach_host_self(), &name));
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &set));
	kr = ARMED(processor_set_tasks(set, &tasks, &n));
	if (kr == KERN_SUCCESS)
		drop_list(tasks, n);
	if (kr == KERN_SUCCESS)
		kr = ARMED(processor_set_threads(set, &threads, &m));
	if (kr == KERN_SUCCESS)
		drop_list(threads, m);
	mach_port_deallocate(SELF, name);
	mach_port_deallocate(SELF, set);
	return kr;
}

static kern_return_t host_facts(void)
{
	kernel_version_t version;
	host_basic_info_data_t info;
	mach_msg_type_number_t n = HOST_BASIC_INFO_COUNT;

	return ARMED(({
		kern_return_t r_ = host_get_kernel_version(mach_host_self(), version);

		r_ == KERN_SUCCESS ? host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info, &n) : r_; }));
}

static kern_return_t host_caches(void)
{
	cache_info_array_t info = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(host_slab_info(mach_host_self(), &info, &n));

	if (kr == KERN_SUCCESS)
		drop_bytes(info, n * sizeof *info);
	return kr;
}

TEST(host_routines_survive_every_failure)
{
	static const struct operation list[] = {
		{ "host_processors", host_lists }, { "host_processor_sets", host_sets }, { "processor_set lists", set_lists },
		{ "host facts", host_facts }, { "host_slab_info", host_caches },
	};

	SWEEP(list);
}

/* --- devices --- */

static mach_port_t module_device;

static kern_return_t open_and_close(void)
{
	mach_port_t device = MACH_PORT_NULL;
	kern_return_t kr = ARMED(device_open(test_device_master, D_READ, "null", &device));

	if (kr == KERN_SUCCESS) {
		device_close(device);
		mach_port_deallocate(SELF, device);
	}
	return kr;
}

static kern_return_t read_out_of_line(void)
{
	io_buf_ptr_t data = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(device_read(module_device, 0, 0, 4096, &data, &n));

	if (kr == KERN_SUCCESS)
		drop_bytes(data, n);
	return kr;
}

static kern_return_t read_inband(void)
{
	io_buf_ptr_inband_t data;
	mach_msg_type_number_t n = sizeof data;

	return ARMED(device_read_inband(module_device, 0, 0, 64, data, &n));
}

static kern_return_t map_device(void)
{
	mach_port_t device = MACH_PORT_NULL, pager = MACH_PORT_NULL;
	vm_address_t a = 0;
	kern_return_t kr;

	CHECK_OK(device_open(test_device_master, D_READ, "time", &device));
	kr = ARMED(device_map(device, VM_PROT_READ, 0, PAGE, &pager, 0));
	if (kr == KERN_SUCCESS)
		kr = ARMED(vm_map(SELF, &a, PAGE, 0, TRUE, pager, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	if (a != 0)
		vm_deallocate(SELF, a, PAGE);
	if (MACH_PORT_VALID(pager))
		mach_port_deallocate(SELF, pager);
	device_close(device);
	mach_port_deallocate(SELF, device);
	return kr;
}

static kern_return_t device_status(void)
{
	int status[2];
	mach_msg_type_number_t n = 2;

	return ARMED(device_get_status(module_device, DEV_GET_SIZE, status, &n));
}

/* devices opened and mapped for the first time keep their ports */
void test_prepare(void)
{
	open_and_close();
	map_device();
	if (device_open(test_device_master, D_READ, "mbinfo", &module_device) == KERN_SUCCESS) {
		device_close(module_device);
		mach_port_deallocate(SELF, module_device);
	}
}

TEST(device_routines_survive_every_failure)
{
	static const struct operation list[] = {
		{ "open", open_and_close }, { "read", read_out_of_line }, { "read inband", read_inband }, { "map", map_device },
		{ "status", device_status },
	};

	REQUIRE(device_open(test_device_master, D_READ, "mbinfo", &module_device) == KERN_SUCCESS);
	SWEEP(list);
	device_close(module_device);
	mach_port_deallocate(SELF, module_device);
}
