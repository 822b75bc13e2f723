/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of a conversation with a pager fails once, the first, the second, the third ...: a pager that tries again what it is
 * told has failed loses nothing, and nobody waits for ever.
 */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { INIT = 2200, TERMINATE = 2201, REQUEST = 2203, RETURN = 2208 };
enum { DEPTH = 40, PAGES = DEPTH + 1, PATIENCE = 1000 /* times 10 ms */ };

struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; void *p; }; } item[8];
};

static mach_port_t object, control;
static volatile unsigned lost, terminated, returned[PAGES];
static volatile unsigned char contents[PAGES];
static vm_address_t mapped;

/* what fails for want of memory is done again */
#define INSIST(call)	do { } while ((call) != KERN_SUCCESS)

static void supply(mach_port_t c, uint64_t offset)
{
	vm_address_t a = 0;

	INSIST(vm_allocate(SELF, &a, PAGE, 1));
	*(volatile unsigned char *)a = (unsigned char)(offset / PAGE + 1);
	INSIST(memory_object_data_supply(c, offset, a, PAGE, 0, VM_PROT_NONE, 0, MACH_PORT_NULL));
	INSIST(vm_deallocate(SELF, a, PAGE));
}

static void take_back(struct pager_message *m)
{
	uint64_t page = m->item[1].v / PAGE;

	if (m->item[2].p == NULL) {
		lost++;
		return;
	}
	contents[page] = *(unsigned char *)m->item[2].p;
	INSIST(vm_deallocate(SELF, (vm_address_t)m->item[2].p, m->item[2].t.msgt_number));
	returned[page]++;
}

static void handle(struct pager_message *m)
{
	mach_port_t c = m->item[0].port;

	if (m->h.msgh_id == TERMINATE) {
		mach_port_destroy(SELF, c);
		mach_port_destroy(SELF, m->item[1].port);
		terminated++;
		return;
	}
	if (c == MACH_PORT_NULL)
		lost++;
	else if (m->h.msgh_id == INIT) {
		control = c;
		mach_port_deallocate(SELF, m->item[1].port);
		INSIST(memory_object_ready(c, FALSE, MEMORY_OBJECT_COPY_DELAY));
		return;
	} else if (m->h.msgh_id == REQUEST)
		supply(c, m->item[1].v);
	else if (m->h.msgh_id == RETURN)
		take_back(m);
	if (c != MACH_PORT_NULL)
		mach_port_deallocate(SELF, c);
}

static void pager(void *arg)
{
	struct pager_message m;
	kern_return_t kr;

	(void)arg;
	while ((kr = mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, object, 0, 0)) != MACH_RCV_PORT_DIED && kr != MACH_RCV_INVALID_NAME)
		if (kr == MACH_MSG_SUCCESS || (kr & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR)
			handle(&m);
		else
			lost++;
}

static bool wait_for(volatile unsigned *what)
{
	for (int i = 0; i < PATIENCE && *what == 0; i++)
		test_sleep(10);
	return *what != 0;
}

static volatile unsigned go, seen[PAGES];

/* the page named by go, then the next */
static void touch(void *arg)
{
	(void)arg;
	for (unsigned page = 1; page < PAGES; page++) {
		while (go < page)
			test_sleep(1);
		seen[page] = *(volatile unsigned char *)(mapped + page * PAGE);
	}
}

static void begin(mach_port_t *thread)
{
	lost = terminated = 0;
	object = test_port_with_send();
	*thread = test_thread(pager, NULL);
	mapped = 0;
	CHECK_OK(vm_map(SELF, &mapped, PAGES * PAGE, 0, 1, object, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	CHECK_EQ(*(volatile unsigned char *)mapped, 1);
}

static void end(mach_port_t thread)
{
	CHECK_EQ(lost, 0);
	CHECK_OK(vm_deallocate(SELF, mapped, PAGES * PAGE));
	CHECK(wait_for(&terminated));
	mach_port_deallocate(SELF, control);
	test_port_destroy(object);
	test_thread_join(thread);
}

TEST(a_page_asked_for_arrives_whatever_allocation_fails)
{
	mach_port_t thread, toucher;

	begin(&thread);
	go = 0;
	toucher = test_thread(touch, NULL);
	for (unsigned page = 1; page < PAGES; page++) {
		seen[page] = 0;
		test_fault_arm("*", page);
		go = page;
		if (!CHECK(wait_for(&seen[page])))
			test_say("# allocation %d", page);
		test_fault_arm("*", 0);
		CHECK_EQ(seen[page], page + 1);
	}
	test_thread_join(toucher);
	end(thread);
}

TEST(a_page_given_back_arrives_whatever_allocation_fails)
{
	mach_port_t thread;

	begin(&thread);
	for (unsigned page = 1; page < PAGES; page++) {
		returned[page] = contents[page] = 0;
		*(volatile unsigned char *)(mapped + page * PAGE) = (unsigned char)(200 - page);
		test_fault_arm("*", page);
		INSIST(memory_object_lock_request(control, page * PAGE, PAGE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE,
		    MACH_PORT_NULL));
		if (!CHECK(wait_for(&returned[page])))
			test_say("# allocation %d", page);
		test_fault_arm("*", 0);
		CHECK_EQ(contents[page], 200 - page);
	}
	end(thread);
}

/* the first message brings the pager the rights it answers with */
TEST(an_object_comes_to_be_whatever_allocation_fails)
{
	for (unsigned nth = 1; nth < 24; nth++) {
		mach_port_t thread;

		lost = terminated = 0;
		mapped = 0;
		object = test_port_with_send();
		thread = test_thread(pager, NULL);
		test_sleep(1);
		test_fault_arm("*", nth);
		INSIST(vm_map(SELF, &mapped, PAGES * PAGE, 0, 1, object, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
		test_sleep(2);
		test_fault_arm("*", 0);
		if (lost > 0) {
			test_say("# allocation %d", nth);
			CHECK(!"the pager has its rights");
			break;
		}
		CHECK_EQ(*(volatile unsigned char *)(mapped + PAGE), 2);
		end(thread);
	}
}
