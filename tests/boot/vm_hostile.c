/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pagers that do anything but their duty: random, repeated, misplaced and oversized answers, while others read, write, copy and
 * unmap the object. Readers get data or errors in bounded time; whoever is not concerned goes on as before.
 */
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul
#define PAGES	32u

struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; void *p; }; } item[8];
};

static mach_port_t object;
static volatile mach_port_t control;
static volatile bool stop, terminated;
static uint32_t seed;

static uint32_t
next(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static uint64_t
any_offset(uint32_t *s)
{
	static const uint64_t odd[] = { 1, PAGE - 1, -PAGE, -1ul, 1ul << 63, 1ul << 52, 123456789 };

	return next(s) % 4 ? next(s) % PAGES * PAGE : odd[next(s) % 7];
}

/* one misdeed */
static void
misbehave(mach_port_t c, uint32_t *s)
{
	uint64_t offset = any_offset(s), size = next(s) % 3 ? PAGE : any_offset(s);
	vm_address_t a = 0;
	unsigned n;

	switch (next(s) % 9) {
	case 0:
	case 1:
	case 2:
		n = 1 + next(s) % 4;
		vm_allocate(SELF, &a, n * PAGE, 1);
		*(volatile uint32_t *)a = next(s);
		memory_object_data_supply(c, offset, a + next(s) % 2 * 100, (unsigned)(n * PAGE - 100 - next(s) % 50), 0,
		    next(s) % 8 == 0 ? next(s) % 8 : 0, next(s) % 2, MACH_PORT_NULL);
		vm_deallocate(SELF, a, n * PAGE);
		break;
	case 3:
		memory_object_data_unavailable(c, offset, size);
		break;
	case 4:
		memory_object_data_error(c, offset, size, KERN_FAILURE);
		break;
	case 5:
	case 6:
		memory_object_lock_request(c, offset, size, next(s) % 4, next(s) % 2, next(s) % 3 ? 8 : next(s) % 20,
		    MACH_PORT_NULL);
		break;
	case 7:
		memory_object_ready(c, next(s) % 2, (int)(next(s) % 6) - 1);
		break;
	case 8:
		memory_object_change_attributes(c, 0, 2, next(s) % 2 ? object : MACH_PORT_NULL);
		break;
	}
}

static void
pager(void *arg)
{
	struct pager_message m;
	uint32_t s = seed;

	(void)arg;
	for (;;) {
		kern_return_t kr = mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, object, 5, 0);
		mach_port_t c = MACH_PORT_NULL;

		if (kr == MACH_RCV_TIMED_OUT) {
			if (stop && terminated)
				break;
			if (control != MACH_PORT_NULL && !terminated)
				misbehave(control, &s);
			continue;
		}
		if (kr != 0)
			break;
		if (m.h.msgh_id >= 2200 && m.h.msgh_id <= 2208)
			c = m.item[0].port;
		if (m.h.msgh_id == 2200) {
			control = c;
			mach_port_deallocate(SELF, m.item[1].port);
			memory_object_ready(c, 0, 2);
			continue;
		}
		if (m.h.msgh_id == 2201) {
			mach_port_mod_refs(SELF, c, MACH_PORT_RIGHT_RECEIVE, -1);
			mach_port_mod_refs(SELF, m.item[1].port, MACH_PORT_RIGHT_RECEIVE, -1);
			terminated = true;
			continue;
		}
		if (m.h.msgh_id == 2208)
			vm_deallocate(SELF, (vm_address_t)m.item[2].p, m.item[2].t.msgt_number);
		/* half of the requests are answered, some of them twice or wrongly */
		if (m.h.msgh_id == 2203 && (stop || next(&s) % 2))
			memory_object_data_unavailable(c, m.item[1].v, m.item[2].v);
		if (m.h.msgh_id == 2204 && (stop || next(&s) % 2))
			memory_object_lock_request(c, m.item[1].v, m.item[2].v, 0, 0, 0, MACH_PORT_NULL);
		if (!stop)
			misbehave(c, &s);
		if (c != MACH_PORT_NULL)
			mach_port_deallocate(SELF, c);
	}
	mig_dealloc_reply_port(mig_get_reply_port());
}

static vm_address_t shared, private;

/* reads and writes through the kernel, so that an error is a code and not an exception */
static void
user(void *arg)
{
	uint32_t s = 99 + (uintptr_t)arg;
	vm_address_t own = 0;
	vm_offset_t data;
	mach_msg_type_number_t n;

	vm_allocate(SELF, &own, PAGE, 1);
	for (unsigned i = 0; i < 150; i++) {
		vm_address_t at = (next(&s) % 2 ? shared : private) + next(&s) % PAGES * PAGE;

		switch (next(&s) % 4) {
		case 0:
			if (vm_read(SELF, at, 50, &data, &n) == KERN_SUCCESS)
				vm_deallocate(SELF, data, n);
			break;
		case 1:
			vm_write(SELF, at, own, PAGE);
			break;
		case 2:
			if (vm_read(SELF, at, PAGE, &data, &n) == KERN_SUCCESS)
				vm_deallocate(SELF, data, n);
			break;
		case 3:
			vm_copy(SELF, at, PAGE, own);
			break;
		}
	}
	vm_deallocate(SELF, own, PAGE);
	mig_dealloc_reply_port(mig_get_reply_port());
}

static void
one_life(uint32_t with, bool die)
{
	mach_port_t p, t[2];

	seed = with;
	stop = terminated = false;
	control = MACH_PORT_NULL;
	object = test_port_with_send();
	p = test_thread(pager, 0);
	CHECK_OK(vm_map(SELF, &shared, PAGES * PAGE, 0, 1, object, 0, 0, 3, 7, VM_INHERIT_SHARE));
	CHECK_OK(vm_map(SELF, &private, PAGES * PAGE, 0, 1, object, 0, 1, 3, 7, VM_INHERIT_COPY));
	for (unsigned i = 0; i < 2; i++)
		t[i] = test_thread(user, (void *)(uintptr_t)i);
	if (die) {
		test_sleep(30);
		mach_port_mod_refs(SELF, object, MACH_PORT_RIGHT_RECEIVE, -1);
	} else {
		test_sleep(200);
		stop = true;
	}
	for (unsigned i = 0; i < 2; i++)
		test_thread_join(t[i]);
	CHECK_OK(vm_deallocate(SELF, shared, PAGES * PAGE));
	CHECK_OK(vm_deallocate(SELF, private, PAGES * PAGE));
	for (unsigned i = 0; i < 300 && !die && !terminated; i++)
		test_sleep(10);
	CHECK(die || terminated);
	test_thread_join(p);
	mach_port_destroy(SELF, object);
	if (control != MACH_PORT_NULL)
		mach_port_deallocate(SELF, control);
}

/* what a dying pager had received and not yet thrown away is lost with its thread: it is this task's */
TEST_FLAGS(pagers_that_die_in_the_middle_harm_nobody, TEST_MAY_LEAK)
{
	for (uint32_t i = 0; i < 4; i++)
		one_life(4242 + i * 17, true);
}

TEST(pagers_that_answer_at_random_harm_nobody)
{
	for (uint32_t i = 0; i < 4; i++)
		one_life(77 + i * 1009, false);
}
