/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the other modules leave over of the conformance table (tools/conformance --missing): every routine at a port of a wrong
 * kind, the message forms of routines that have a trap, every trap, and routines nobody has another use for.
 */
#include <device/device.h>
#include <mach/exception.h>
#include <mach/exception_ports_user.h>
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include <mach/mach4.h>
#include <mach/mach_host.h>
#include <mach/mach_traps.h>
#include <mach/machine/mach_i386.h>
#include <mach/machine/thread_status.h>
#include <mach/mig_errors.h>
#include <mach/processor_info.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_switch.h>
#include <mach/vm_statistics.h>
#include <mach/vm_wire.h>
#include <mach_debug/mach_debug.h>
#include "../../lib/mach/rpc.h"
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { ITEMS_MAX = 12 };

struct item { unsigned short offset, bytes; unsigned name, bits, number, ool; };
static const struct routine {
	int		 id, simple, wrong_kind;
	unsigned	 size, items;
	struct item	 item[ITEMS_MAX];
} routines[] = {
#include <routines.inc>
};

static union {
	mach_msg_header_t h;
	char		 room[65536];
} __attribute__((aligned(8))) request, reply;

static mach_port_t host, any, ports;		/* ports: of the kernel, and of a kind that no routine takes first */

void test_prepare(void)
{
	mach_port_t d = MACH_PORT_NULL;

	for (unsigned i = 0; i < sizeof request; i += PAGE)
		((volatile char *)&request)[i] = ((volatile char *)&reply)[i] = 0;
	host = mach_host_self();
	CHECK_OK(i386_io_perm_create(test_device_master, 0x70, 0x71, &ports));
	CHECK_OK(device_open(test_device_master, 3, "null", &d));
	device_close(d);
	mach_port_deallocate(SELF, d);
}

/* --- a port of a wrong kind --- */

static void put_empty(const struct item *it, bool *complex)
{
	char *at = (char *)&request + it->offset;
	bool port = it->name >= 16 && it->name <= 22;

	for (unsigned b = 0; b < it->bytes; b++)
		at[b] = 0;
	*(mach_msg_type_t *)(at - 8) = (mach_msg_type_t){ .msgt_name = it->name, .msgt_size = it->bits, .msgt_number = it->number & 0xfff,
	    .msgt_inline = !it->ool };
	/* stubs look at who makes a right */
	if (it->name == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		*(mach_port_t *)at = any;
	if (it->ool || port)
		*complex = true;
}

/* the kernel tells tools/conformance what simple routines found */
TEST(every_routine_tells_a_port_of_a_wrong_kind)
{
	mach_port_t answers = test_port();
	struct test_message m;

	any = test_port();
	for (unsigned r = 0; r < sizeof routines / sizeof *routines; r++) {
		const struct routine *t = &routines[r];
		bool complex = false;

		for (unsigned i = 0; i < t->items; i++)
			put_empty(&t->item[i], &complex);
		request.h = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, t->simple ? 0 : MACH_MSG_TYPE_MAKE_SEND_ONCE) |
			    (complex ? MACH_MSGH_BITS_COMPLEX : 0),
			.msgh_remote_port = ports, .msgh_local_port = t->simple ? MACH_PORT_NULL : answers, .msgh_id = t->id,
		};
		CHECK_OK(mach_msg(&request.h, MACH_SEND_MSG, t->size, 0, 0, 0, 0));
		if (t->simple)
			continue;
		if (!CHECK_OK(mach_msg(&reply.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof reply, answers, 20000, 0)) ||
		    !CHECK_EQ(reply.h.msgh_id, t->id + 100) || !CHECK_EQ(((mig_reply_header_t *)&reply)->RetCode, t->wrong_kind))
			test_say("# in routine %d", t->id);
	}
	while (test_receive(any, &m) == MACH_MSG_SUCCESS)
		;
	test_port_destroy(any);
	test_port_destroy(answers);
}

/* --- message forms of what has a trap --- */

TEST(message_forms_of_memory_routines_work)
{
	vm_address_t a = 0, b = 0x1000;

	CHECK_OK(vm_allocate_rpc(SELF, &a, 2 * PAGE, TRUE));
	*(volatile char *)a = 1;
	CHECK_OK(vm_deallocate_rpc(SELF, a, PAGE));
	CHECK_EQ(vm_allocate_rpc(SELF, &a, 1ul << 60, TRUE), KERN_NO_SPACE);
	CHECK_OK(vm_map_rpc(SELF, &b, PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	CHECK_EQ(vm_map_rpc(SELF, &b, PAGE, 0, FALSE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY),
	    KERN_NO_SPACE);
	CHECK_EQ(vm_map_rpc(SELF, &b, PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, 99), KERN_INVALID_ARGUMENT);
	CHECK_OK(vm_deallocate_rpc(SELF, b, PAGE));
	CHECK_OK(vm_deallocate_rpc(SELF, a + PAGE, PAGE));
}

TEST(message_forms_of_task_and_port_routines_work)
{
	mach_port_t task, p, q = MACH_PORT_NULL, t;

	CHECK_OK(task_create_rpc(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(thread_depress_abort_rpc(t));
	CHECK_OK(task_suspend_rpc(task));
	CHECK_OK(task_resume(task));
	CHECK_OK(mach_port_allocate_rpc(SELF, MACH_PORT_RIGHT_RECEIVE, &p));
	CHECK_EQ(mach_port_allocate_rpc(SELF, 99, &q), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_allocate_name_rpc(SELF, MACH_PORT_RIGHT_RECEIVE, 0x4321));
	CHECK_EQ(mach_port_allocate_name_rpc(SELF, MACH_PORT_RIGHT_RECEIVE, 0x4321), KERN_NAME_EXISTS);
	CHECK_EQ(mach_port_allocate_name_rpc(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NAME_DEAD), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_deallocate_rpc(SELF, 0x7654), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_deallocate_rpc(SELF, p), KERN_INVALID_RIGHT);
	CHECK_OK(mach_port_insert_right_rpc(SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_OK(mach_port_allocate_name_rpc(task, MACH_PORT_RIGHT_RECEIVE, 0x4321));
	CHECK_EQ(mach_port_insert_right_rpc(task, 0x4321, p, MACH_MSG_TYPE_COPY_SEND), KERN_NAME_EXISTS);
	CHECK_EQ(mach_port_insert_right_rpc(SELF, 0x4444, p, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS);
	CHECK_EQ(mach_port_insert_right_rpc(SELF, MACH_PORT_NAME_DEAD, p, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_insert_right_rpc(SELF, 0x4444, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
	CHECK_OK(mach_port_deallocate_rpc(SELF, p));
	CHECK_OK(task_set_special_port_rpc(task, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	CHECK_EQ(task_set_special_port_rpc(task, 99, MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate_rpc(task));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, task);
	test_port_destroy(0x4321);
	test_port_destroy(p);
}

/* --- ports: errors of names and rights --- */

TEST(port_routines_tell_wrong_names_and_rights)
{
	mach_port_t p = test_port(), set = MACH_PORT_NULL, s = test_port_with_send(), old;
	mach_port_status_t status;
	mach_port_name_array_t members;
	mach_msg_type_number_t n;
	mach_port_urefs_t refs;
	mach_port_rights_t srights;
	unsigned a, b;
	vm_offset_t number;
	const mach_port_t none = 0x7654;
	mach_port_t poly;
	mach_msg_type_name_t kind;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_EQ(mach_port_destroy(SELF, none), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_rename(SELF, p, set), KERN_NAME_EXISTS);
	CHECK_EQ(mach_port_rename(SELF, none, 0x6543), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_rename(SELF, p, 0), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_get_refs(SELF, none, MACH_PORT_RIGHT_SEND, &refs), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_get_refs(SELF, p, 99, &refs), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_set_qlimit(SELF, none, 3), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_set_qlimit(SELF, set, 3), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_set_qlimit(SELF, p, 1000), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_set_mscount(SELF, none, 3), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_set_mscount(SELF, set, 3), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_set_seqno(SELF, none, 3), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_set_seqno(SELF, set, 3), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_get_set_status(SELF, none, &members, &n), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_get_set_status(SELF, p, &members, &n), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_move_member(SELF, none, set), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_move_member(SELF, p, s), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_move_member(SELF, p, MACH_PORT_NULL), KERN_NOT_IN_SET);
	CHECK_EQ(mach_port_get_receive_status(SELF, none, &status), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_get_receive_status(SELF, set, &status), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_set_protected_payload(SELF, none, 1), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_set_protected_payload(SELF, set, 1), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_clear_protected_payload(SELF, none), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_clear_protected_payload(SELF, set), KERN_INVALID_RIGHT);
	CHECK_EQ(mach_port_extract_right(SELF, p, 99, &poly, &kind), KERN_INVALID_VALUE);
	CHECK_EQ(mach_port_extract_right(SELF, none, MACH_MSG_TYPE_MAKE_SEND, &poly, &kind), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_request_notification(SELF, p, 99, 0, s, MACH_MSG_TYPE_MAKE_SEND_ONCE, &old), KERN_INVALID_VALUE);
	CHECK_OK(mach_port_get_srights(SELF, s, &srights));
	CHECK_EQ(srights, 1);
	CHECK_EQ(mach_port_get_srights(SELF, none, &srights), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_get_srights(SELF, set, &srights), KERN_INVALID_RIGHT);
	CHECK_OK(mach_port_dnrequest_info(SELF, s, &a, &b));
	CHECK(a >= b);
	CHECK_EQ(mach_port_dnrequest_info(SELF, none, &a, &b), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_dnrequest_info(SELF, set, &a, &b), KERN_INVALID_RIGHT);
	CHECK_OK(mach_port_kernel_object(SELF, SELF, &a, &number));
	CHECK(test_is_proxied || (a != 0 && number != 0));
	CHECK_OK(mach_port_kernel_object(SELF, p, &a, &number));
	CHECK(a == 0 && number == 0);
	CHECK_EQ(mach_port_kernel_object(SELF, none, &a, &number), KERN_INVALID_NAME);
	CHECK_EQ(mach_port_kernel_object(SELF, set, &a, &number), KERN_INVALID_RIGHT);
	test_port_destroy(set);
	test_port_destroy(s);
	test_port_destroy(p);
}

/* --- information --- */

TEST(debug_information_is_given)
{
	struct vm_region_info region;
	struct vm_object_info info;
	mach_port_t object = MACH_PORT_NULL, shadow, copy, set, task;
	hash_info_bucket_t room[32];
	hash_info_bucket_array_t buckets = room;
	mach_msg_type_number_t n = 32;
	vm_size_t reserved, space, resident, most;
	vm_offset_t stack;
	unsigned total;

	CHECK_OK(mach_vm_region_info(SELF, (vm_address_t)&routines, &region, &object));
	CHECK(region.vri_start <= (vm_address_t)&routines && region.vri_end > (vm_address_t)&routines);
	if (object)
		mach_port_deallocate(SELF, object);
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_EQ(mach_vm_region_info(task, 0, &region, &object), KERN_NO_SPACE);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_EQ(mach_vm_object_info(SELF, &info, &shadow, &copy), KERN_INVALID_ARGUMENT);
	CHECK_OK(host_ipc_marequest_info(host, &total, &buckets, &n));
	if (buckets != room)
		vm_deallocate(SELF, (vm_address_t)buckets, n * sizeof *buckets);
	CHECK_OK(host_stack_usage(host, &reserved, &total, &space, &resident, &most, &stack));
	CHECK(total > 0 && space > 0);
	CHECK_OK(processor_set_default(host, &set));
	CHECK_OK(processor_set_stack_usage(set, &total, &space, &resident, &most, &stack));
	mach_port_deallocate(SELF, set);
	n = 32;
	buckets = room;
	CHECK_EQ(host_virtual_physical_table_info(host, &buckets, &n), KERN_FAILURE);
	CHECK_EQ(host_load_symbol_table(test_host_priv, SELF, "x", 0, 0), KERN_FAILURE);
	CHECK_EQ(task_ras_control(SELF, 0, 0, 0), KERN_FAILURE);
}

TEST(names_of_threads_are_kept)
{
	char name[64] = "";
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_set_name(t, "somebody"));
	CHECK_OK(thread_get_name(t, name));
	CHECK(__builtin_strcmp(name, "somebody") == 0);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(essential_is_what_may_be_taken_back)
{
	mach_port_t task;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_set_essential(task, TRUE));
	CHECK_OK(task_set_essential(task, FALSE));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
}

TEST(priority_of_a_task_is_bounded_by_its_threads)
{
	mach_port_t task, t;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(thread_priority(t, 40, TRUE));
	CHECK_EQ(task_priority(task, 30, TRUE), KERN_FAILURE);
	CHECK_OK(task_priority(task, 30, FALSE));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, task);
}

/* --- memory objects --- */

/* a pager that only listens: what the kernel says to it is taken away */
static void quiet(mach_port_t pager)
{
	struct test_message m;

	while (test_receive_wait(pager, &m, 20) == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.h);
}

TEST(memory_objects_are_described_cleaned_and_destroyed)
{
	mach_port_t pager = test_port_with_send(), control = MACH_PORT_NULL, name = MACH_PORT_NULL, shadow, copy;
	struct { mach_msg_header_t h; struct port_item control, name; mach_msg_type_t t; vm_size_t page; char room[64]; } m;
	struct vm_object_info info;
	vm_page_info_t room[8];
	vm_page_info_array_t pages = room;
	vm_page_phys_info_t proom[8];
	vm_page_phys_info_array_t phys = proom;
	mach_msg_type_number_t n = 8;
	boolean_t ready, may_cache;
	memory_object_copy_strategy_t strategy;
	vm_address_t a = 0;

	CHECK_OK(vm_map(SELF, &a, PAGE, 0, TRUE, pager, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	REQUIRE(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, pager, 2000, 0) == MACH_MSG_SUCCESS);
	CHECK_EQ(m.h.msgh_id, 2200);
	control = m.control.port.name;
	name = m.name.port.name;
	CHECK_OK(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE));
	CHECK_OK(memory_object_get_attributes(control, &ready, &may_cache, &strategy));
	CHECK(ready && !may_cache);
	CHECK_OK(mach_vm_object_info(name, &info, &shadow, &copy));
	CHECK_OK(mach_vm_object_pages(name, &pages, &n));
	CHECK_EQ(n, 0);
	n = 8;
	CHECK_OK(mach_vm_object_pages_phys(name, &phys, &n));
	CHECK_EQ(n, 0);
	CHECK_OK(vm_object_sync(name, 0, PAGE, TRUE, TRUE, FALSE));
	CHECK_EQ(vm_object_sync(name, 1, PAGE, TRUE, TRUE, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_OK(memory_object_destroy(control, KERN_FAILURE));
	quiet(pager);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
	quiet(pager);
	mach_port_destroy(SELF, control);
	mach_port_destroy(SELF, name);
	test_port_destroy(pager);
}

static vm_address_t paged;

static void use_page(void *arg)
{
	(void)arg;
	*(volatile char *)paged;
	*(volatile char *)paged = 2;
}

/* => the next message of that id; others are thrown away */
static bool hear(mach_port_t p, int id)
{
	struct test_message m;

	while (test_receive_wait(p, &m, 3000) == MACH_MSG_SUCCESS) {
		int got = m.h.msgh_id;

		mach_msg_destroy(&m.h);
		if (got == id)
			return true;
	}
	return false;
}

TEST(pager_hears_of_locks_and_completions)
{
	mach_port_t pager = test_port_with_send(), done = test_port(), t;
	struct { mach_msg_header_t h; struct port_item control, name; mach_msg_type_t type; vm_size_t page; char room[64]; } m;
	static char page[PAGE] __attribute__((aligned(4096))) = { 1 };
	mach_port_t control;

	paged = 0;
	CHECK_OK(vm_map(SELF, &paged, PAGE, 0, TRUE, pager, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	REQUIRE(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, pager, 2000, 0) == MACH_MSG_SUCCESS);
	control = m.control.port.name;
	CHECK_OK(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE));
	CHECK_OK(memory_object_change_attributes(control, TRUE, MEMORY_OBJECT_COPY_NONE, done));
	CHECK(hear(done, 2209));
	CHECK_OK(memory_object_change_attributes(control, FALSE, MEMORY_OBJECT_COPY_NONE, done));
	CHECK(hear(done, 2209));
	t = test_thread(use_page, NULL);
	CHECK(hear(pager, 2203));			/* data_request */
	CHECK_OK(memory_object_data_supply(control, 0, (vm_offset_t)page, PAGE, FALSE, VM_PROT_WRITE, FALSE, done));
	CHECK(hear(done, 2207));			/* supply_completed */
	CHECK(hear(pager, 2204));			/* data_unlock: the page is locked against writing */
	CHECK_OK(memory_object_lock_request(control, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE, MACH_PORT_NULL));
	test_thread_join(t);
	CHECK_EQ(*(volatile char *)paged, 2);
	CHECK_OK(memory_object_destroy(control, KERN_FAILURE));
	CHECK_OK(vm_deallocate(SELF, paged, PAGE));
	quiet(pager);
	mach_port_destroy(SELF, control);
	mach_port_destroy(SELF, m.name.port.name);
	test_port_destroy(done);
	test_port_destroy(pager);
}

TEST(exception_action_of_a_thread_is_told)
{
	mach_port_t t, port = MACH_PORT_NULL;
	int behavior, flavor;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_get_exception_action(t, EXC_BAD_ACCESS, &port, &behavior, &flavor));
	if (port)
		mach_port_deallocate(SELF, port);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(proxies_check_their_windows)
{
	mach_port_t pager = test_port_with_send(), proxy = MACH_PORT_NULL;
	rpc_vm_offset_t zero = 0;
	rpc_vm_size_t size = PAGE, none = 0;

	CHECK_EQ(memory_object_create_proxy(SELF, VM_PROT_ALL, &pager, MACH_MSG_TYPE_COPY_SEND, 1, &zero, 1, &zero, 1,
	    &none, 1, &proxy), KERN_INVALID_ARGUMENT);
	if (CHECK_OK(memory_object_create_proxy(SELF, VM_PROT_ALL, &pager, MACH_MSG_TYPE_COPY_SEND, 1, &zero, 1, &zero, 1,
	    &size, 1, &proxy)))
		mach_port_deallocate(SELF, proxy);
	CHECK_EQ(vm_region_create_proxy(SELF, 0x600000000000, VM_PROT_ALL, PAGE, &proxy), KERN_INVALID_ADDRESS);
	quiet(pager);
	test_port_destroy(pager);
}

TEST(default_memory_manager_is_told)
{
	mach_port_t manager = MACH_PORT_NULL;

	CHECK_OK(vm_set_default_memory_manager(test_host_priv, &manager));
	if (manager)
		mach_port_deallocate(SELF, manager);
}

TEST(user_devices_are_marked)
{
	mach_port_t p = test_port();
	unsigned kind;
	vm_offset_t number;

	CHECK_EQ(mach_port_set_ktype(host, SELF, p, MACH_PORT_RIGHT_RECEIVE, 0), KERN_INVALID_HOST);
	CHECK_EQ(mach_port_set_ktype(test_host_priv, host, p, MACH_PORT_RIGHT_RECEIVE, 0), KERN_INVALID_TASK);
	CHECK_EQ(mach_port_set_ktype(test_host_priv, SELF, p, MACH_PORT_RIGHT_SEND, 0), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_set_ktype(test_host_priv, SELF, p, MACH_PORT_RIGHT_RECEIVE, 0));
	/* no port of a user's becomes a task, a pager, a device ... */
	for (unsigned k = 1; k < 40; k++) {
		kern_return_t kr = mach_port_set_ktype(test_host_priv, SELF, p, MACH_PORT_RIGHT_RECEIVE, k);

		CHECK(kr == KERN_INVALID_ARGUMENT || k == 28);		/* a user's device */
	}
	CHECK_OK(mach_port_set_ktype(test_host_priv, SELF, p, MACH_PORT_RIGHT_RECEIVE, 0));
	CHECK_OK(mach_port_kernel_object(SELF, p, &kind, &number));
	CHECK_EQ(kind, 0);
	test_port_destroy(p);
}

/* --- memory --- */

TEST(limits_and_wiring_check_their_ports_and_values)
{
	vm_size_t now, most;
	mach_port_t task;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(vm_get_size_limit(task, &now, &most));
	CHECK_OK(vm_set_size_limit(test_host_priv, task, 1 << 20, 1 << 21));
	CHECK_EQ(vm_set_size_limit(host, task, 1 << 20, 1 << 22), KERN_NO_ACCESS);
	CHECK_EQ(vm_set_size_limit(test_host_priv, task, 1 << 22, 1 << 21), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_set_size_limit(test_host_priv, host, 1 << 20, 1 << 21), KERN_INVALID_TASK);
	CHECK_EQ(vm_wire_all(test_host_priv, host, VM_WIRE_NONE), KERN_INVALID_TASK);
	CHECK_EQ(vm_wire_all(test_host_priv, task, 99), KERN_INVALID_ARGUMENT);
	CHECK_OK(vm_wire_all(test_host_priv, task, VM_WIRE_ALL));
	CHECK_EQ(vm_wire(test_host_priv, host, 0, PAGE, VM_PROT_READ), KERN_INVALID_TASK);
	CHECK_EQ(vm_wire(test_host_priv, task, 0, PAGE, 99), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
}

TEST(contiguous_memory_and_its_frames)
{
	vm_address_t a;
	rpc_phys_addr_t at, frames[4];
	rpc_phys_addr_array_t list = frames;
	mach_msg_type_number_t n = 4;

	CHECK_OK(vm_allocate_contiguous(test_host_priv, SELF, &a, &at, 4 * PAGE, 0, ~0ul, PAGE));
	CHECK_OK(vm_pages_phys(test_host_priv, SELF, a, 4 * PAGE, &list, &n));
	CHECK_EQ(n, 4);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(list[i], at + i * PAGE);
	CHECK_OK(vm_deallocate(SELF, a, 4 * PAGE));
	CHECK_EQ(vm_allocate_contiguous(host, SELF, &a, &at, PAGE, 0, ~0ul, PAGE), KERN_INVALID_HOST);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, host, &a, &at, PAGE, 0, ~0ul, PAGE), KERN_INVALID_TASK);
	CHECK_EQ(vm_allocate_contiguous(test_host_priv, SELF, &a, &at, PAGE, 0, ~0ul, 3), KERN_INVALID_ARGUMENT);
	CHECK_EQ(vm_pages_phys(host, SELF, 0, PAGE, &list, &n), KERN_INVALID_HOST);
	CHECK_EQ(vm_pages_phys(test_host_priv, host, 0, PAGE, &list, &n), KERN_INVALID_TASK);
	CHECK_EQ(vm_pages_phys(test_host_priv, SELF, 1, PAGE, &list, &n), KERN_INVALID_ARGUMENT);
}

TEST(regions_end_and_writes_are_checked)
{
	vm_address_t a = 0;
	vm_size_t size;
	vm_prot_t prot, most;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t object, task;
	vm_offset_t offset;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_EQ(vm_region(task, &a, &size, &prot, &most, &inherit, &shared, &object, &offset), KERN_NO_SPACE);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_OK(vm_allocate(SELF, &a, 2 * PAGE, TRUE));
	CHECK_OK(vm_deallocate(SELF, a + PAGE, PAGE));
	CHECK_OK(vm_protect(SELF, a, PAGE, FALSE, VM_PROT_READ));
	CHECK_EQ(vm_write(SELF, a, (vm_offset_t)&routines & ~(PAGE - 1), PAGE), KERN_PROTECTION_FAILURE);
	CHECK_EQ(vm_write(SELF, a + PAGE, (vm_offset_t)&routines & ~(PAGE - 1), PAGE), KERN_INVALID_ADDRESS);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
}

/* --- the machine --- */

TEST(segments_and_io_permissions)
{
	struct descriptor code = { 0x0000ffff, 0x00cff300 }, bad = { 0, 0x00008900 }, got, list[4];
	descriptor_list_t out = list;
	mach_msg_type_number_t n = 4;
	mach_port_t task, t, perm;
	int selector = -1;
	vm_size_t size = 0;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(i386_set_ldt(t, 8 << 3, &code, 1));
	CHECK_OK(i386_get_ldt(t, 8 << 3, 1, &out, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(i386_set_ldt(t, 8 << 3, &bad, 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_get_ldt(t, -1, 1, &out, &n), KERN_INVALID_ARGUMENT);
	CHECK_OK(i386_set_gdt(t, &selector, code));
	CHECK_OK(i386_get_gdt(t, selector, &got));
	CHECK_EQ(i386_set_gdt(t, &selector, bad), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_get_gdt(t, 12345, &got), KERN_INVALID_ARGUMENT);
	for (int i = 0; i < 8; i++) {
		selector = -1;
		if (i386_set_gdt(t, &selector, code) == KERN_NO_SPACE)
			break;
	}
	CHECK_OK(i386_io_perm_create(test_device_master, 0x80, 0x80, &perm));
	CHECK_OK(i386_io_perm_modify(task, perm, TRUE));
	CHECK_OK(i386_io_perm_modify(task, perm, FALSE));
	CHECK_EQ(i386_io_perm_modify(task, task, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(i386_io_perm_create(test_device_master, 9, 8, &task), KERN_INVALID_ARGUMENT);
	CHECK_OK(i386_get_xstate_size(host, &size));
	CHECK(size >= 512);
	mach_port_deallocate(SELF, perm);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, task);
}

TEST(times_that_are_none_are_told)
{
	time_value64_t bad = { 0, 2000000000 }, old;
	time_value_t bad_us = { 0, 2000000 }, old_us;

	CHECK_EQ(host_adjust_time64(test_host_priv, bad, &old), KERN_INVALID_VALUE);
	CHECK_EQ(host_adjust_time(test_host_priv, bad_us, &old_us), KERN_INVALID_VALUE);
}

/* --- traps --- */

static long trap(int number, const long *args)
{
	register long r10 __asm__("r10") = args[3];
	register long r8 __asm__("r8") = args[4];
	register long r9 __asm__("r9") = args[5];
	long result = -number;

	__asm__ volatile("syscall" : "+a"(result) : "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	test_covers(-number, (int)result);
	return (int)result;
}

#define TRAP(number, ...)	trap((number), (const long[6]){ __VA_ARGS__ })
/* a result that is not one: it worked */
#define TRAP_WORKS(number, ...)	(TRAP(number, __VA_ARGS__), test_covers(-(number), KERN_SUCCESS))
#define BAD	0x600000000000l

/* a trap works on rights to the kernel's objects only: behind a proxy libmach's fall back to the message is what is tested */
TEST_FLAGS(traps_without_arguments, TEST_LOCAL)
{
	static const int empty[] = { 10, 11, 12, 13, 55, 56 };
	mach_port_t p;

	for (unsigned i = 0; i < sizeof empty / sizeof *empty; i++)
		CHECK_OK(TRAP(empty[i], 0));
	CHECK_EQ(TRAP(17, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(18, 0), KERN_INVALID_ARGUMENT);
	p = (mach_port_t)TRAP(26, 0);
	CHECK(test_type(p) & MACH_PORT_TYPE_RECEIVE);
	test_port_destroy(p);
	p = (mach_port_t)TRAP(27, 0);
	CHECK(test_type(p) & MACH_PORT_TYPE_SEND);
	mach_port_deallocate(SELF, p);
	CHECK_EQ(TRAP(28, 0), SELF);
	mach_port_deallocate(SELF, SELF);
	CHECK_EQ(TRAP(29, 0), host);
	mach_port_deallocate(SELF, host);
	for (int n = 26; n < 30; n++)
		test_covers(-n, KERN_SUCCESS);
	TRAP_WORKS(59, 0);
	TRAP_WORKS(60, 0);
}

TEST(traps_that_print_and_switch)
{
	CHECK_OK(TRAP(30, (long)"# printed by the trap\n"));
	CHECK_EQ(TRAP(30, BAD), KERN_INVALID_ADDRESS);
	CHECK_OK(TRAP(61, 0, SWITCH_OPTION_NONE, 0));
	CHECK_OK(TRAP(61, 0, SWITCH_OPTION_WAIT, 1));
	CHECK_EQ(TRAP(61, 0, 77, 0), KERN_INVALID_ARGUMENT);
}

TEST(message_trap_sends_and_receives)
{
	mach_port_t p = test_port_with_send();
	struct test_message m = { .h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_size = 32,
	    .msgh_remote_port = p, .msgh_id = 5 } };

	CHECK_OK(TRAP(25, (long)&m, MACH_SEND_MSG, 32, 0, 0, 0));
	CHECK_OK(test_receive(p, &m));
	CHECK_EQ(m.h.msgh_id, 5);
	test_port_destroy(p);
}

TEST_FLAGS(device_traps_write, TEST_LOCAL)
{
	mach_port_t d = MACH_PORT_NULL;
	io_buf_vec_t v = { (vm_offset_t)"xy", 2 };

	CHECK_OK(device_open(test_device_master, 3, "null", &d));
	CHECK_OK(TRAP(40, d, 0, 0, 0, (long)"xy", 2));
	CHECK_EQ(TRAP(40, d, 0, 0, 0, BAD, 2), KERN_INVALID_ADDRESS);
	CHECK_EQ(TRAP(40, d, SELF, 0, 0, (long)"xy", 2), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(TRAP(40, SELF, 0, 0, 0, (long)"xy", 2), MACH_SEND_INTERRUPTED);
	CHECK_EQ(device_set_filter(d, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 0, NULL, 0), D_INVALID_OPERATION);
	CHECK_OK(TRAP(39, d, 0, 0, 0, (long)&v, 1));
	CHECK_EQ(TRAP(39, d, 0, 0, 0, BAD, 1), KERN_INVALID_ADDRESS);
	CHECK_EQ(TRAP(39, d, 0, 0, 0, (long)&v, 5000), KERN_INVALID_VALUE);
	CHECK_EQ(TRAP(39, d, SELF, 0, 0, (long)&v, 1), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(TRAP(39, SELF, 0, 0, 0, (long)&v, 1), MACH_SEND_INTERRUPTED);
	device_close(d);
	mach_port_deallocate(SELF, d);
}

TEST_FLAGS(memory_traps_work_on_local_tasks, TEST_LOCAL)
{
	vm_address_t a = 0;

	CHECK_OK(TRAP(65, SELF, (long)&a, PAGE, TRUE));
	CHECK_OK(TRAP(66, SELF, (long)a, PAGE));
	CHECK_EQ(TRAP(65, SELF, (long)&a, 1l << 60, TRUE), KERN_NO_SPACE);
	CHECK_EQ(TRAP(65, SELF, BAD, PAGE, TRUE), KERN_INVALID_ADDRESS);
	CHECK_EQ(TRAP(65, host, (long)&a, PAGE, TRUE), MACH_SEND_INTERRUPTED);
	CHECK_EQ(TRAP(66, SELF, BAD, -1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(66, host, 0, PAGE), MACH_SEND_INTERRUPTED);
	a = 0;
	/* eleven arguments: the library's stub has the stack for them */
	CHECK_OK(syscall_vm_map(SELF, &a, PAGE, 0, TRUE, 0, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	CHECK_EQ(syscall_vm_map(SELF, &a, PAGE, 0, FALSE, 0, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY), KERN_NO_SPACE);
	CHECK_EQ(syscall_vm_map(SELF, &a, PAGE, 0, TRUE, 0, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, 99), KERN_INVALID_ARGUMENT);
	CHECK_EQ(syscall_vm_map(host, &a, PAGE, 0, TRUE, 0, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY),
	    MACH_SEND_INTERRUPTED);
	test_covers(-64, KERN_SUCCESS);
	test_covers(-64, KERN_NO_SPACE);
	test_covers(-64, KERN_INVALID_ARGUMENT);
	test_covers(-64, MACH_SEND_INTERRUPTED);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
}

TEST_FLAGS(task_traps_work_on_local_tasks, TEST_LOCAL)
{
	mach_port_t task = MACH_PORT_NULL, t;

	CHECK_OK(TRAP(68, SELF, FALSE, (long)&task));
	CHECK_EQ(TRAP(68, host, FALSE, (long)&task), MACH_SEND_INTERRUPTED);
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(TRAP(70, task));
	CHECK_EQ(TRAP(70, host), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(76, t));
	CHECK_EQ(TRAP(76, host), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(71, task, TASK_BOOTSTRAP_PORT, 0));
	CHECK_EQ(TRAP(71, task, 99, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(71, host, 1, 0), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(69, task));
	CHECK_EQ(TRAP(69, host), MACH_SEND_INTERRUPTED);
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, task);
}

TEST_FLAGS(port_traps_work_on_local_tasks, TEST_LOCAL)
{
	mach_port_t p = MACH_PORT_NULL, task;

	CHECK_OK(TRAP(72, SELF, MACH_PORT_RIGHT_RECEIVE, (long)&p));
	CHECK_EQ(TRAP(72, SELF, 99, (long)&p), KERN_INVALID_VALUE);
	CHECK_EQ(TRAP(72, host, MACH_PORT_RIGHT_RECEIVE, (long)&p), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(74, SELF, p, p, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_EQ(TRAP(74, SELF, 0x4444, p, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS);
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(TRAP(75, task, MACH_PORT_RIGHT_RECEIVE, 0x4321));
	CHECK_EQ(TRAP(74, task, 0x4321, p, MACH_MSG_TYPE_COPY_SEND), KERN_NAME_EXISTS);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_EQ(TRAP(74, SELF, 0x4444, p, 99), KERN_INVALID_VALUE);
	CHECK_EQ(TRAP(74, SELF, 0x4444, 0, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
	CHECK_EQ(TRAP(74, host, p, p, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(73, SELF, p));
	CHECK_EQ(TRAP(73, SELF, p), KERN_INVALID_RIGHT);
	CHECK_EQ(TRAP(73, SELF, 0x7654), KERN_INVALID_NAME);
	CHECK_EQ(TRAP(73, host, p), MACH_SEND_INTERRUPTED);
	CHECK_OK(TRAP(75, SELF, MACH_PORT_RIGHT_RECEIVE, 0x4321));
	CHECK_EQ(TRAP(75, SELF, MACH_PORT_RIGHT_RECEIVE, 0x4321), KERN_NAME_EXISTS);
	CHECK_EQ(TRAP(75, SELF, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_VALUE);
	CHECK_EQ(TRAP(75, host, MACH_PORT_RIGHT_RECEIVE, 0x4321), MACH_SEND_INTERRUPTED);
	test_port_destroy(0x4321);
	test_port_destroy(p);
}

TEST(own_memory_is_waited_on_by_trap)
{
	static unsigned word = 5;

	CHECK_EQ(TRAP(120, (long)&word, 6, 0, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(120, BAD, 5, 0, 1, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(TRAP(120, (long)&word, 5, 0, 1, GSYNC_TIMED), KERN_TIMEDOUT);
	CHECK_EQ(TRAP(121, (long)&word, 1, 0), 0);
	CHECK_EQ(TRAP(121, BAD, 1, 0), -KERN_INVALID_ADDRESS);
	test_covers(-120, KERN_SUCCESS);	/* gsync.c wakes one */
}

TEST_FLAGS(own_memory_is_waited_on_by_trap_when_the_task_is_named, TEST_LOCAL)
{
	static unsigned word = 5;
	mach_port_t other;

	CHECK_EQ(TRAP(122, SELF, (long)&word, 6, 0, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(122, SELF, BAD, 5, 0, 1, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(TRAP(122, SELF, (long)&word, 5, 0, 1, GSYNC_TIMED), KERN_TIMEDOUT);
	CHECK_OK(TRAP(123, SELF, (long)&word, 0, 0));
	CHECK_OK(TRAP(123, SELF, BAD, 0, 0));
	CHECK_EQ(TRAP(122, host, (long)&word, 6, 0, 0, 0), MACH_SEND_INTERRUPTED);
	CHECK_EQ(TRAP(123, host, (long)&word, 0, 0), MACH_SEND_INTERRUPTED);
	CHECK_EQ(TRAP(122, 0x7654, (long)&word, 6, 0, 0, 0), MACH_SEND_INTERRUPTED);
	/* another task's is not looked at in place */
	CHECK_OK(task_create(SELF, TRUE, &other));
	CHECK_EQ(TRAP(122, other, (long)&word, 6, 0, 0, 0), MACH_SEND_INTERRUPTED);
	CHECK_EQ(TRAP(123, other, (long)&word, 0, 0), MACH_SEND_INTERRUPTED);
	CHECK_EQ(gsync_wait(other, (vm_address_t)&word, 6, 0, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate(other));
	mach_port_deallocate(SELF, other);
	test_covers(-122, KERN_SUCCESS);	/* every wait of gsync.c that ends by a wake */
}

/* the general flavours resume at the new state; others return */
TEST(own_state_is_set_by_trap)
{
	struct i386_debug_state debug = { { 0 } };

	CHECK_OK(TRAP(77, i386_DEBUG_STATE, (long)&debug, i386_DEBUG_STATE_COUNT));
	CHECK_EQ(TRAP(77, 12345, (long)&debug, i386_DEBUG_STATE_COUNT), KERN_INVALID_ARGUMENT);
	CHECK_EQ(TRAP(77, i386_DEBUG_STATE, BAD, i386_DEBUG_STATE_COUNT), KERN_INVALID_ADDRESS);
}
