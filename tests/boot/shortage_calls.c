/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As tests/boot/shortage.c, for exceptions on their way to a handler, waiting on words, what pagers ask, processor sets and the debugging
 * subsystem. Each allocation fails once; nothing leaks, the errors name a shortage, the next call works.
 */
#include <mach/exception_ports.h>
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include <mach/host_info.h>
#include <mach/mach_host.h>
#include <mach/thread_special_ports.h>
#include <mach_debug/mach_debug.h>
#include "harness/exception.h"
#include "harness/sweep.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static void drop(mach_port_t name)
{
	if (MACH_PORT_VALID(name))
		mach_port_deallocate(SELF, name);
}

static void drop_bytes(void *data, vm_size_t size)
{
	if (data != NULL && size != 0)
		vm_deallocate(SELF, (vm_address_t)data, size);
}

/* --- an exception --- */

static volatile bool go;

static void trap_when_told(void *arg)
{
	(void)arg;
	while (!go)
		test_yield();
	__asm__ volatile("int3");
}

/* the message comes: the kernel tries again, or who receives it is told of a part that did not */
static kern_return_t raise_and_answer(void)
{
	mach_port_t port = test_port_with_send(), t;
	struct test_raise m = { .h = { .msgh_remote_port = MACH_PORT_NULL } };
	kern_return_t kr;

	go = false;
	t = test_thread(trap_when_told, NULL);
	CHECK_OK(thread_set_special_port(t, THREAD_EXCEPTION_PORT, port));
	kr = ARMED(({
		go = true;
		mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 20000, MACH_PORT_NULL); }));
	if (kr == KERN_SUCCESS) {
		CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
	} else {
		thread_terminate(t);
		if ((kr & ~0x3e00) == MACH_RCV_BODY_ERROR)
			drop(m.h.msgh_remote_port);
	}
	if (kr == KERN_SUCCESS || (kr & ~0x3e00) == MACH_RCV_BODY_ERROR) {
		drop(m.thread.port.name);
		drop(m.task.port.name);
	}
	test_thread_join(t);
	test_port_destroy(port);
	return kr;
}

TEST(exceptions_survive_every_failure)
{
	sweep("exception_raise", raise_and_answer);
}

/* --- words --- */

static volatile unsigned words[2];
static mach_port_t child;

/* nobody wakes it: its time ends, which is what it is to say */
static kern_return_t wait_on(mach_port_t task, int flags)
{
	kern_return_t kr = ARMED(gsync_wait(task, (vm_address_t)(uintptr_t)&words[0], 0, 0, 1, flags | GSYNC_TIMED));

	return kr == KERN_TIMEDOUT ? KERN_SUCCESS : kr;
}

static kern_return_t wait_here(void) { return wait_on(SELF, 0); }
static kern_return_t wait_shared(void) { return wait_on(SELF, GSYNC_SHARED); }
static kern_return_t wait_there(void) { return wait_on(child, 0); }

/* nobody waits, and it says so */
static kern_return_t wake_on(mach_port_t task, int flags)
{
	kern_return_t kr = ARMED(gsync_wake(task, (vm_address_t)(uintptr_t)&words[0], 0, flags));

	return kr == KERN_INVALID_ARGUMENT ? KERN_SUCCESS : kr;
}

static kern_return_t wake_here(void) { return wake_on(SELF, GSYNC_MUTATE); }
static kern_return_t wake_there(void) { return wake_on(child, GSYNC_MUTATE | GSYNC_SHARED); }

static kern_return_t requeue(void)
{
	return ARMED(gsync_requeue(child, (vm_address_t)(uintptr_t)&words[0], (vm_address_t)(uintptr_t)&words[1], TRUE, GSYNC_BROADCAST));
}

TEST(words_survive_every_failure)
{
	static const struct operation list[] = {
		{ "gsync_wait", wait_here }, { "gsync_wait, shared", wait_shared }, { "gsync_wait, another task", wait_there },
		{ "gsync_wake", wake_here }, { "gsync_wake, another task", wake_there }, { "gsync_requeue", requeue },
	};

	words[0] = words[1] = 0;
	CHECK_OK(task_create(SELF, TRUE, &child));
	SWEEP(list);
	CHECK_OK(task_terminate(child));
	drop(child);
}

/* --- pagers: this thread is the pager --- */

struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; }; } item[8];
};

static mach_port_t object, control, name;
static vm_address_t mapped;

static bool pager_hears(int id, struct pager_message *m)
{
	return CHECK_OK(mach_msg(&m->h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, object, 2000, MACH_PORT_NULL)) &&
	    CHECK_EQ(m->h.msgh_id, id);
}

static void object_begin(void)
{
	struct pager_message m;

	object = test_port_with_send();
	mapped = 0;
	CHECK_OK(vm_map(SELF, &mapped, 4 * PAGE, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	if (pager_hears(2200, &m)) {
		control = m.item[0].port;
		name = m.item[1].port;
		CHECK_OK(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY));
	}
}

/* whatever came of it: the object goes with its pager */
static void object_end(void)
{
	drop(control);
	drop(name);
	test_port_destroy(object);
	CHECK_OK(vm_deallocate(SELF, mapped, 4 * PAGE));
}

static char data[2 * PAGE] __attribute__((aligned(4096)));

/* simple routines: what goes wrong is not told, but all is as before or done */
static kern_return_t supply(void)
{
	kern_return_t kr;

	object_begin();
	kr = ARMED(memory_object_data_supply(control, 0, (vm_offset_t)data, 2 * PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL));
	object_end();
	return kr;
}

/* => kr of a call that answers by a message to done; a message may be lost, and so may the call */
static kern_return_t completed(kern_return_t kr, mach_port_t done)
{
	struct test_message m;
	kern_return_t got = test_receive_wait(done, &m, sweep_nth == 0 ? 2000 : 20);

	if (got == KERN_SUCCESS) {
		if (m.h.msgh_bits & MACH_MSGH_BITS_COMPLEX)
			drop(((struct port_item *)m.body)->port.name);
		if (m.h.msgh_id == MACH_NOTIFY_SEND_ONCE)
			got = KERN_RESOURCE_SHORTAGE;
	} else if (got == MACH_RCV_TIMED_OUT && sweep_nth != 0) {
		got = KERN_RESOURCE_SHORTAGE;
	}
	test_port_destroy(done);
	return kr != KERN_SUCCESS ? kr : got;
}

static kern_return_t supply_with_answer(void)
{
	mach_port_t done = test_port();
	kern_return_t kr;

	object_begin();
	kr = ARMED(memory_object_data_supply(control, 0, (vm_offset_t)data, 2 * PAGE, FALSE, VM_PROT_NONE, TRUE, done));
	kr = completed(kr, done);
	object_end();
	return kr;
}

static kern_return_t lock_request(void)
{
	mach_port_t done = test_port();
	kern_return_t kr;

	object_begin();
	CHECK_OK(memory_object_data_supply(control, 0, (vm_offset_t)data, 2 * PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL));
	*(volatile char *)mapped = 1;
	*(volatile char *)(mapped + PAGE) = 1;
	kr = ARMED(memory_object_lock_request(control, 0, 2 * PAGE, MEMORY_OBJECT_RETURN_ALL, FALSE, VM_PROT_NO_CHANGE, done));
	kr = completed(kr, done);
	/* clean or not: what was written is there */
	CHECK_EQ(*(volatile char *)mapped + *(volatile char *)(mapped + PAGE), 2);
	object_end();
	return kr;
}

static kern_return_t flush(void)
{
	struct pager_message m;
	kern_return_t kr;

	object_begin();
	CHECK_OK(memory_object_data_supply(control, 0, (vm_offset_t)data, 2 * PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL));
	*(volatile char *)mapped = 1;
	kr = ARMED(memory_object_lock_request(control, 0, 2 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	/* the written page is in the message, or still in the object */
	if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, object, 0, MACH_PORT_NULL) == KERN_SUCCESS) {
		if (CHECK_EQ(m.h.msgh_id, 2208)) {
			CHECK_EQ(*(char *)m.item[2].v, 1);
			drop_bytes((void *)m.item[2].v, m.item[2].t.msgt_number);
		}
		drop(m.item[0].port);
	} else {
		CHECK_EQ(*(volatile char *)mapped, 1);
	}
	object_end();
	return kr;
}

static kern_return_t attributes(void)
{
	mach_port_t done = test_port();
	boolean_t ready, cache;
	memory_object_copy_strategy_t strategy;
	kern_return_t kr;

	object_begin();
	kr = ARMED(memory_object_change_attributes(control, FALSE, MEMORY_OBJECT_COPY_DELAY, done));
	kr = completed(kr, done);
	if (kr == KERN_SUCCESS)
		kr = ARMED(memory_object_get_attributes(control, &ready, &cache, &strategy));
	object_end();
	return kr;
}

static kern_return_t unavailable(void)
{
	kern_return_t kr;

	object_begin();
	kr = ARMED(memory_object_data_unavailable(control, 0, PAGE));
	if (kr == KERN_SUCCESS)
		kr = ARMED(memory_object_data_error(control, 0, PAGE, KERN_FAILURE));
	if (kr == KERN_SUCCESS)
		kr = ARMED(memory_object_destroy(control, KERN_FAILURE));
	object_end();
	return kr;
}

static kern_return_t object_proxy(void)
{
	static const rpc_vm_offset_t zero;
	static const rpc_vm_size_t page = PAGE;
	mach_port_t proxy = MACH_PORT_NULL, region = MACH_PORT_NULL;
	kern_return_t kr;

	object_begin();
	kr = ARMED(memory_object_create_proxy(SELF, VM_PROT_READ, &object, MACH_MSG_TYPE_COPY_SEND, 1, &zero, 1, &zero, 1, &page, 1,
	    &proxy));
	if (kr == KERN_SUCCESS)
		kr = ARMED(vm_region_create_proxy(SELF, mapped, VM_PROT_READ, PAGE, &region));
	drop(proxy);
	drop(region);
	object_end();
	return kr;
}

TEST(what_pagers_ask_survives_every_failure)
{
	static const struct operation list[] = {
		{ "memory_object_data_supply", supply }, { "memory_object_data_supply, with an answer", supply_with_answer },
		{ "memory_object_lock_request", lock_request }, { "memory_object_lock_request, flush", flush },
		{ "attributes", attributes }, { "unavailable, error, destroy", unavailable }, { "proxies", object_proxy },
	};

	SWEEP(list);
}

/* --- processor sets --- */

static kern_return_t make_set(void)
{
	mach_port_t set = MACH_PORT_NULL, set_name = MACH_PORT_NULL, default_name = MACH_PORT_NULL, all = MACH_PORT_NULL, *list = NULL;
	mach_msg_type_number_t n = 0;
	kern_return_t kr = ARMED(processor_set_create(test_host_priv, &set, &set_name));

	if (kr != KERN_SUCCESS) {
		drop(set_name);
		/* a reply that was lost in part: the set has nobody who could end it but the list of all */
		if (set != MACH_PORT_NULL) {
			CHECK_OK(processor_set_destroy(set));
			drop(set);
		} else if (processor_set_default(mach_host_self(), &default_name) == KERN_SUCCESS &&
		    host_processor_sets(mach_host_self(), &list, &n) == KERN_SUCCESS) {
			for (unsigned i = 0; i < n; i++) {
				if (list[i] != default_name && host_processor_set_priv(test_host_priv, list[i], &all) == KERN_SUCCESS) {
					processor_set_destroy(all);
					drop(all);
				}
				drop(list[i]);
			}
			drop_bytes(list, n * sizeof *list);
			drop(default_name);
		}
		return kr;
	}
	kr = ARMED(processor_set_destroy(set));
	if (test_type(set) & MACH_PORT_TYPE_SEND)
		CHECK_OK(processor_set_destroy(set));
	drop(set);
	drop(set_name);
	return kr;
}

static mach_port_t set, set_name;

static kern_return_t assignments(void)
{
	mach_port_t t = mach_thread_self(), where = MACH_PORT_NULL;
	kern_return_t kr = ARMED(task_assign(child, set, TRUE));

	if (kr == KERN_SUCCESS)
		kr = ARMED(task_get_assignment(child, &where));
	drop(where);
	where = MACH_PORT_NULL;
	if (kr == KERN_SUCCESS)
		kr = ARMED(task_assign_default(child, TRUE));
	if (kr == KERN_SUCCESS)
		kr = ARMED(thread_get_assignment(t, &where));
	if (kr == KERN_SUCCESS)
		kr = ARMED(thread_assign_default(t));
	drop(where);
	drop(t);
	return kr;
}

static kern_return_t set_rules(void)
{
	struct processor_set_basic_info info;
	mach_msg_type_number_t n = PROCESSOR_SET_BASIC_INFO_COUNT;
	mach_port_t host = MACH_PORT_NULL;
	kern_return_t kr = ARMED(processor_set_policy_enable(set, POLICY_FIXEDPRI));

	if (kr == KERN_SUCCESS)
		kr = ARMED(processor_set_policy_disable(set, POLICY_FIXEDPRI, TRUE));
	if (kr == KERN_SUCCESS)
		kr = ARMED(processor_set_max_priority(set, 20, TRUE));
	if (kr == KERN_SUCCESS)
		kr = ARMED(processor_set_info(set_name, PROCESSOR_SET_BASIC_INFO, &host, (processor_set_info_t)&info, &n));
	drop(host);
	return kr;
}

static kern_return_t set_members(void)
{
	mach_port_t *list = NULL;
	mach_msg_type_number_t n = 0;
	mach_port_t default_name = MACH_PORT_NULL;
	kern_return_t kr;

	CHECK_OK(processor_set_default(mach_host_self(), &default_name));
	kr = ARMED(processor_set_processors(default_name, &list, &n));
	for (unsigned i = 0; kr == KERN_SUCCESS && i < n; i++)
		drop(list[i]);
	if (kr == KERN_SUCCESS)
		drop_bytes(list, n * sizeof *list);
	drop(default_name);
	return kr;
}

TEST(processor_sets_survive_every_failure)
{
	static const struct operation list[] = {
		{ "create and destroy", make_set }, { "assignments", assignments }, { "rules", set_rules }, { "members", set_members },
	};

	CHECK_OK(task_create(SELF, FALSE, &child));
	sweep(list[0].name, list[0].run);
	CHECK_OK(processor_set_create(test_host_priv, &set, &set_name));
	for (unsigned i = 1; i < sizeof list / sizeof *list; i++)
		sweep(list[i].name, list[i].run);
	CHECK_OK(processor_set_destroy(set));
	drop(set);
	drop(set_name);
	CHECK_OK(task_terminate(child));
	drop(child);
}

/* --- requests on a port that has none yet; memory that must be copied at once --- */

static kern_return_t first_request(void)
{
	mach_port_t p = test_port_with_send(), heard = test_port(), old = MACH_PORT_NULL;
	struct test_message m;
	kern_return_t kr = ARMED(mach_port_request_notification(SELF, p, MACH_NOTIFY_NO_SENDERS, 1, heard, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &old));

	mach_port_destroy(SELF, p);
	while (test_receive(heard, &m) == MACH_MSG_SUCCESS)
		;
	test_port_destroy(heard);
	return kr;
}

static kern_return_t copy_wired(void)
{
	vm_address_t a = 0;
	vm_offset_t copied = 0;
	mach_msg_type_number_t n = 0;
	kern_return_t kr;

	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, TRUE));
	CHECK_OK(vm_wire(test_host_priv, SELF, a, 4 * PAGE, VM_PROT_DEFAULT));
	kr = ARMED(vm_read(SELF, a, 4 * PAGE, &copied, &n));
	if (kr == KERN_SUCCESS)
		drop_bytes((void *)copied, n);
	CHECK_OK(vm_deallocate(SELF, a, 4 * PAGE));
	return kr;
}

TEST(first_requests_and_eager_copies_survive_every_failure)
{
	static const struct operation list[] = { { "first request", first_request }, { "copy of wired memory", copy_wired } };

	SWEEP(list);
}

/* --- the debugging subsystem --- */

static kern_return_t port_facts(void)
{
	mach_port_t p = test_port_with_send();
	unsigned a, b;
	mach_port_rights_t rights;
	vm_offset_t number;
	kern_return_t kr = ARMED(mach_port_get_srights(SELF, p, &rights));

	if (kr == KERN_SUCCESS)
		kr = ARMED(mach_port_dnrequest_info(SELF, p, &a, &b));
	if (kr == KERN_SUCCESS)
		kr = ARMED(mach_port_kernel_object(SELF, p, &a, &number));
	test_port_destroy(p);
	return kr;
}

static kern_return_t stack_facts(void)
{
	mach_port_t default_name = MACH_PORT_NULL;
	vm_size_t size;
	vm_offset_t number;
	unsigned total;
	kern_return_t kr = ARMED(host_stack_usage(mach_host_self(), &size, &total, &size, &size, &size, &number));

	CHECK_OK(processor_set_default(mach_host_self(), &default_name));
	if (kr == KERN_SUCCESS)
		kr = ARMED(processor_set_stack_usage(default_name, &total, &size, &size, &size, &number));
	drop(default_name);
	return kr;
}

static kern_return_t request_facts(void)
{
	hash_info_bucket_array_t info = NULL;
	mach_msg_type_number_t n = 0;
	unsigned most;
	kern_return_t kr = ARMED(host_ipc_marequest_info(mach_host_self(), &most, &info, &n));

	if (kr == KERN_SUCCESS)
		drop_bytes(info, n * sizeof *info);
	return kr;
}

static kern_return_t region_facts(void)
{
	vm_region_info_t region;
	vm_object_info_t facts;
	vm_page_info_array_t pages = NULL;
	mach_msg_type_number_t n = 0;
	mach_port_t o = MACH_PORT_NULL, shadow = MACH_PORT_NULL, copy = MACH_PORT_NULL;
	kern_return_t kr;

	object_begin();
	CHECK_OK(memory_object_data_supply(control, 0, (vm_offset_t)data, 2 * PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL));
	kr = ARMED(mach_vm_region_info(SELF, mapped, &region, &o));
	if (kr == KERN_SUCCESS)
		kr = ARMED(mach_vm_object_info(o, &facts, &shadow, &copy));
	if (kr == KERN_SUCCESS)
		kr = ARMED(mach_vm_object_pages(o, &pages, &n));
	if (kr == KERN_SUCCESS)
		drop_bytes(pages, n * sizeof *pages);
	drop(o);
	object_end();
	return kr;
}

TEST(debugging_routines_survive_every_failure)
{
	static const struct operation list[] = {
		{ "ports", port_facts }, { "stacks", stack_facts }, { "requests", request_facts }, { "regions and objects", region_facts },
	};

	SWEEP(list);
}
