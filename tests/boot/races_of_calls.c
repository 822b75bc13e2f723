/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that meet on one slot, object, message or page, with the kernel's racer on, which makes processors dawdle at locks. What
 * one of them looked at must be what it works on.
 * A word "seconds=N" on the module's line sets the time of each (default 1).
 */
#include <mach/exception_ports.h>
#include <mach/exception_ports_user.h>
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { STRENGTH = 2, WORKERS = 3 };

static volatile bool stop;
static volatile unsigned rounds;

/* what(i) by each of n threads for the test's time */
static void together(void (*what)(void *), unsigned n)
{
	mach_port_t threads[WORKERS];

	stop = false;
	rounds = 0;
	for (unsigned i = 0; i < n; i++)
		threads[i] = test_thread(what, (void *)(uintptr_t)i);
	test_racer(STRENGTH);
	test_sleep(test_seconds(1) * 1000);
	test_racer(0);
	stop = true;
	for (unsigned i = 0; i < n; i++)
		test_thread_join(threads[i]);
}

/* --- rights in slots --- */

static mach_port_t victim_task, victim_thread, stored;

static void drop(mach_port_t name)
{
	if (MACH_PORT_VALID(name))
		mach_port_deallocate(SELF, name);
}

enum { SLOTS = 4 };

static void set_slot(unsigned slot, mach_port_t port)
{
	switch (slot) {
	case 0:
		task_set_special_port(victim_task, TASK_BOOTSTRAP_PORT, port);
		break;
	case 1:
		thread_set_special_port(victim_thread, THREAD_EXCEPTION_PORT, port);
		break;
	case 2:
		task_set_exception_ports(victim_task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_DEFAULT, 0);
		break;
	case 3:
		mach_ports_register(victim_task, &port, port != MACH_PORT_NULL);
		break;
	}
}

static void get_registered(void)
{
	mach_port_array_t list = NULL;
	mach_msg_type_number_t n = 0;

	if (mach_ports_lookup(victim_task, &list, &n) != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < n; i++)
		drop(list[i]);
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

static void get_slot(unsigned slot)
{
	mach_port_t port = MACH_PORT_NULL;
	int behavior, flavor;

	switch (slot) {
	case 0:
		task_get_special_port(victim_task, TASK_BOOTSTRAP_PORT, &port);
		break;
	case 1:
		thread_get_special_port(victim_thread, THREAD_EXCEPTION_PORT, &port);
		break;
	case 2:
		task_get_exception_action(victim_task, EXC_BAD_ACCESS, &port, &behavior, &flavor);
		break;
	case 3:
		get_registered();
		break;
	}
	drop(port);
}

/* ports that die with the right in the slot; none is made in between, so that what is freed stays free for a while */
static void short_lived(unsigned slot)
{
	mach_port_t port[8];

	for (int i = 0; i < 8; i++)
		port[i] = test_port_with_send();
	for (int i = 0; i < 8; i++) {
		set_slot(slot, port[i]);
		test_port_destroy(port[i]);
		set_slot(slot, MACH_PORT_NULL);
	}
}

/* all at one slot, and then at the next */
static void slot_worker(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (unsigned i = 0; !stop; i++) {
		unsigned slot = rounds / 16 % SLOTS;

		if (me == 2) {
			get_slot(slot);
		} else if (me == 1) {
			set_slot(slot, i % 2 ? stored : MACH_PORT_NULL);
		} else {
			short_lived(slot);
		}
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
}

TEST(a_slot_that_many_replace_and_read_loses_no_right)
{
	mach_port_status_t s;

	CHECK_OK(task_create(SELF, FALSE, &victim_task));
	CHECK_OK(thread_create(victim_task, &victim_thread));
	stored = test_port_with_send();
	together(slot_worker, 3);
	test_say("# %d rounds", rounds);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		set_slot(slot, MACH_PORT_NULL);
	/* one send right is left: that which is dropped here */
	CHECK_EQ(test_urefs(stored, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(mach_port_deallocate(SELF, stored));
	CHECK_OK(mach_port_get_receive_status(SELF, stored, &s));
	CHECK_EQ(s.mps_srights, FALSE);
	test_port_destroy(stored);
	CHECK_OK(task_terminate(victim_task));
	mach_port_destroy(SELF, victim_task);
	mach_port_destroy(SELF, victim_thread);
}

static volatile bool slot_read;

static void slot_reader(void *arg)
{
	get_slot((unsigned)(uintptr_t)arg);
	slot_read = true;
}

/* the right in the slot dies, and the last reference to its port with it, between a reader's look and its answer */
static void read_and_replace(unsigned slot, const char *point)
{
	mach_port_t port = test_port_with_send(), reader;

	set_slot(slot, port);
	slot_read = false;
	CHECK(test_pause_arm(point));
	reader = test_thread(slot_reader, (void *)(uintptr_t)slot);
	CHECK(test_pause_taken());
	CHECK(!slot_read);
	test_port_destroy(port);
	set_slot(slot, MACH_PORT_NULL);
	test_pause_end();
	test_thread_join(reader);
	CHECK(slot_read);
}

TEST(a_right_that_was_copied_outlives_its_slot)
{
	CHECK_OK(task_create(SELF, FALSE, &victim_task));
	CHECK_OK(thread_create(victim_task, &victim_thread));
	read_and_replace(0, "right copied");
	read_and_replace(1, "right copied");
	read_and_replace(3, "rights copied");
	CHECK_OK(task_terminate(victim_task));
	mach_port_destroy(SELF, victim_task);
	mach_port_destroy(SELF, victim_thread);
}

/* --- an object that comes and goes --- */

static mach_port_t object, control_kept;
static volatile unsigned inits, terminates;
static bool may_cache;

static void supply(mach_port_t control, uint64_t offset)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));

	memory_object_data_supply(control, offset, (vm_offset_t)page, PAGE, 0, VM_PROT_NONE, 0, MACH_PORT_NULL);
}

static void pager(void *arg)
{
	struct {
		mach_msg_header_t h;
		struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; }; } item[8];
	} m;

	(void)arg;
	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, object, 0, 0) == 0) {
		mach_port_t control = m.item[0].port;

		switch (m.h.msgh_id) {
		case 2200:
			drop(m.item[1].port);
			memory_object_ready(control, may_cache, MEMORY_OBJECT_COPY_DELAY);
			inits++;
			if (may_cache && control_kept == MACH_PORT_NULL) {
				control_kept = control;
				continue;
			}
			break;
		case 2201:
			mach_port_mod_refs(SELF, control, MACH_PORT_RIGHT_RECEIVE, -1);
			mach_port_mod_refs(SELF, m.item[1].port, MACH_PORT_RIGHT_RECEIVE, -1);
			terminates++;
			continue;
		case 2203:
			supply(control, m.item[1].v);
			break;
		}
		drop(control);
	}
}

static vm_address_t map_object(bool copy)
{
	vm_address_t a = 0;

	CHECK_OK(vm_map(SELF, &a, 2 * PAGE, 0, TRUE, object, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	return a;
}

static mach_port_t pager_thread;

static void pager_start(bool cache)
{
	may_cache = cache;
	inits = terminates = 0;
	object = test_port_with_send();
	pager_thread = test_thread(pager, NULL);
}

/* every object that was made has ended */
static void pager_stop(void)
{
	for (int i = 0; i < 1000 && !may_cache && terminates < inits; i++)
		test_sleep(5);
	CHECK(may_cache || terminates == inits);
	drop(control_kept);
	control_kept = MACH_PORT_NULL;
	test_say("# %d objects", inits);
	test_port_destroy(object);
	test_thread_join(pager_thread);
}

static void object_worker(void *arg)
{
	(void)arg;
	while (!stop) {
		vm_address_t a = map_object(false);

		if (a != 0)
			vm_deallocate(SELF, a, 2 * PAGE);
	}
}

TEST(an_object_that_goes_is_not_found_again)
{
	pager_start(false);
	together(object_worker, 3);
	pager_stop();
}

static vm_address_t shared;
static mach_port_t sharer;
static volatile bool may_unmap;

static void unmapper(void *arg)
{
	(void)arg;
	while (!may_unmap)
		test_yield();
	CHECK_OK(vm_deallocate(sharer, shared, 2 * PAGE));
}

/* => another thread unmaps `shared` of `sharer` and stands at the point */
static mach_port_t unmap_until(const char *point)
{
	mach_port_t thread;

	may_unmap = false;
	thread = test_thread(unmapper, NULL);
	CHECK(test_pause_arm(point));
	may_unmap = true;
	CHECK(test_pause_taken());
	return thread;
}

/* its last mapping goes and another comes before that is known to have been the last */
TEST(an_object_that_is_found_again_does_not_go)
{
	mach_port_t thread;
	vm_address_t a;

	pager_start(false);
	CHECK_OK(task_create(SELF, FALSE, &sharer));
	shared = 0;
	CHECK_OK(vm_map(sharer, &shared, 2 * PAGE, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	while (inits == 0)
		test_sleep(1);
	thread = unmap_until("object unused");
	a = map_object(false);
	test_pause_end();
	test_thread_join(thread);
	CHECK_EQ(*(volatile char *)(a + PAGE), 0);
	CHECK_EQ(inits, 1);
	CHECK_EQ(terminates, 0);
	CHECK_OK(vm_deallocate(SELF, a, 2 * PAGE));
	CHECK_OK(task_terminate(sharer));
	mach_port_deallocate(SELF, sharer);
	pager_stop();
}

/* --- a page that two take away --- */

enum { TOUCHED = 7 };

static void toucher(void *arg)
{
	volatile char *page = arg;

	*page = TOUCHED;
	for (;;)
		test_sleep(1000);
}

static uint64_t resident_size(mach_port_t task)
{
	struct task_basic_info info;
	mach_msg_type_number_t n = TASK_BASIC_INFO_COUNT;

	CHECK_OK(task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &n));
	return info.resident_size;
}

/* one by its address, the other, a pager, by its object: it counts once */
TEST(a_page_that_is_unmapped_and_flushed_at_once_goes_once)
{
	mach_port_t thread;
	uint64_t before;

	if (test_cpus() < 2)
		return;
	pager_start(true);
	shared = map_object(false);
	CHECK_OK(vm_inherit(SELF, shared, 2 * PAGE, VM_INHERIT_SHARE));
	sharer = test_fork(toucher, (void *)shared);
	while (*(volatile char *)shared != TOUCHED)
		test_sleep(1);
	CHECK_OK(task_suspend(sharer));
	before = resident_size(sharer);
	thread = unmap_until("pmap removes");
	CHECK_OK(memory_object_lock_request(control_kept, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE,
	    MACH_PORT_NULL));
	test_pause_end();
	test_thread_join(thread);
	REQUIRE(CHECK_EQ(resident_size(sharer), before - PAGE));
	CHECK_OK(task_terminate(sharer));
	mach_port_deallocate(SELF, sharer);
	vm_deallocate(SELF, shared, 2 * PAGE);
	pager_stop();
}

/* --- one page for many writers --- */

static vm_address_t private;
static volatile unsigned round_begun, round_done;

/* each writes its own word of the page, all at once: none may be lost */
static void page_writer(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (unsigned seen = 0; !stop; ) {
		if (round_begun == seen) {
			test_yield();
			continue;
		}
		seen = round_begun;
		((volatile unsigned *)private)[me] = seen;
		__atomic_fetch_add(&round_done, 1, __ATOMIC_SEQ_CST);
	}
}

TEST(a_private_page_is_copied_once_for_all_its_threads)
{
	mach_port_t threads[2];
	vm_address_t keep;
	unsigned lost = 0, rounds = 80 * test_seconds(1);

	pager_start(true);
	keep = map_object(false);
	CHECK_EQ(*(volatile char *)keep, 0);
	stop = false;
	round_begun = 0;
	for (int i = 0; i < 2; i++)
		threads[i] = test_thread(page_writer, (void *)(uintptr_t)i);
	test_racer(STRENGTH);
	for (unsigned n = 1; n <= rounds; n++) {
		private = map_object(true);
		round_done = 0;
		__atomic_store_n(&round_begun, n, __ATOMIC_SEQ_CST);
		while (round_done < 2)
			test_yield();
		for (int i = 0; i < 2; i++)
			lost += ((volatile unsigned *)private)[i] != n;
		vm_deallocate(SELF, private, 2 * PAGE);
	}
	test_racer(0);
	stop = true;
	for (int i = 0; i < 2; i++)
		test_thread_join(threads[i]);
	CHECK_EQ(lost, 0);
	vm_deallocate(SELF, keep, 2 * PAGE);
	pager_stop();
}

/* --- a message that changes --- */

static struct { mach_msg_header_t h; mach_msg_type_t type; uint64_t value; } flipped;

static void flip(void *arg)
{
	static const mach_msg_type_t number = {
		.msgt_name = MACH_MSG_TYPE_INTEGER_64, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1,
	};
	mach_msg_type_t right = test_type_port(MACH_MSG_TYPE_COPY_SEND, 1);

	(void)arg;
	for (unsigned i = 0; !stop; i++)
		__atomic_store_n((uint64_t *)&flipped.type, *(const uint64_t *)(i % 2 ? &number : &right), __ATOMIC_RELAXED);
}

TEST(a_descriptor_that_changes_while_it_is_sent_is_one_or_the_other)
{
	mach_port_t p = test_port_with_send(), t;
	struct test_message r;
	unsigned rights = 0, numbers = 0;

	flipped.value = p;
	flipped.type = test_type_port(MACH_MSG_TYPE_COPY_SEND, 1);
	stop = false;
	t = test_thread(flip, NULL);
	test_racer(STRENGTH);
	for (unsigned i = 0; i < 400 * test_seconds(1); i++) {
		flipped.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
		    .msgh_remote_port = p };
		if (!CHECK_OK(mach_msg(&flipped.h, MACH_SEND_MSG, sizeof flipped, 0, 0, 0, 0)) || !CHECK_OK(test_receive(p, &r)))
			break;
		/* the number is that of the name: it looks the same as a right, but for what it is called */
		CHECK_EQ(*(uint64_t *)(r.body + 8), p);
		if (((mach_msg_type_t *)r.body)->msgt_name == MACH_MSG_TYPE_PORT_SEND) {
			mach_port_deallocate(SELF, p);
			rights++;
		} else {
			numbers++;
		}
	}
	test_racer(0);
	stop = true;
	test_thread_join(t);
	test_say("# %d rights, %d numbers", rights, numbers);
	CHECK_EQ(test_urefs(p, MACH_PORT_RIGHT_SEND), 1);
	test_port_destroy(p);
}

/* --- memory that changes hands --- */

static vm_address_t target;
enum { TARGET = 16 };		/* pages: more than what is copied by bytes */

static void overwriter(void *arg)
{
	vm_address_t from = 0;

	(void)arg;
	CHECK_OK(vm_allocate(SELF, &from, TARGET * PAGE, TRUE));
	for (unsigned i = 0; !stop; i++) {
		unsigned pages = i % 4 ? 1 : TARGET;

		for (unsigned n = 0; n < pages; n++)
			*(volatile unsigned *)(from + n * PAGE) = i;
		vm_write(SELF, target, from, (mach_msg_type_number_t)(pages * PAGE));
		vm_copy(SELF, from, pages * PAGE, target);
	}
	vm_deallocate(SELF, from, TARGET * PAGE);
}

static void guard(void *arg)
{
	(void)arg;
	while (!stop) {
		unsigned first, last, now;

		CHECK_OK(vm_protect(SELF, target, TARGET * PAGE, FALSE, VM_PROT_READ));
		first = *(volatile unsigned *)target;
		last = *(volatile unsigned *)(target + (TARGET - 1) * PAGE);
		for (unsigned i = 0; i < 2; i++) {
			test_sleep(1);
			now = *(volatile unsigned *)target;
			if (!CHECK_EQ(now, first) || !CHECK_EQ(*(volatile unsigned *)(target + (TARGET - 1) * PAGE), last))
				stop = true;
		}
		CHECK_OK(vm_protect(SELF, target, TARGET * PAGE, FALSE, VM_PROT_DEFAULT));
		test_sleep(1);
	}
}

static void guard_or_overwrite(void *arg)
{
	if (arg == NULL)
		guard(arg);
	else
		overwriter(arg);
}

TEST(memory_that_became_read_only_is_not_written)
{
	target = 0;
	CHECK_OK(vm_allocate(SELF, &target, TARGET * PAGE, TRUE));
	together(guard_or_overwrite, 2);
	CHECK_OK(vm_deallocate(SELF, target, TARGET * PAGE));
}

/* --- entries that come and go --- */

enum { ENTRIES = 8 };

/* in the memory of a task that does not run: whatever is lost there harms nobody */
static void changer(unsigned i)
{
	vm_address_t a = target + i % ENTRIES * 2 * PAGE;

	vm_allocate(victim_task, &a, PAGE, FALSE);
	vm_deallocate(victim_task, target + i / 3 % ENTRIES * 2 * PAGE, (1 + i % 3) * PAGE);
}

static void look(unsigned i)
{
	vm_address_t a = target + i % ENTRIES * 2 * PAGE;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t name = MACH_PORT_NULL;
	vm_offset_t offset;
	vm_size_t size;

	if (vm_region(victim_task, &a, &size, &prot, &max, &inherit, &shared, &name, &offset) != KERN_SUCCESS)
		return;
	CHECK((a | size) % PAGE == 0 && size != 0 && a + size > a && a + size <= 0x800000000000);
	CHECK((prot & ~VM_PROT_ALL) == 0 && (max & ~VM_PROT_ALL) == 0 && (unsigned)inherit <= VM_INHERIT_NONE);
	drop(name);
}

static void entry_worker(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (unsigned i = me * 5; !stop; i++) {
		if (me == 0)
			look(i);
		else
			changer(i);
	}
}

TEST(regions_are_told_whole_while_others_change_them)
{
	CHECK_OK(task_create(SELF, FALSE, &victim_task));
	target = 16 * PAGE;
	together(entry_worker, 3);
	CHECK_OK(task_terminate(victim_task));
	mach_port_destroy(SELF, victim_task);
}

/* --- a wake before the sleep --- */

static volatile unsigned turn;

/* each waits for the other's word, without a time: a lost wake-up is for ever */
static void turn_taker(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	while (!stop || turn % 2 == me) {
		unsigned now = turn;

		if (now % 2 == me) {
			turn = now + 1;
			gsync_wake(SELF, (vm_address_t)(uintptr_t)&turn, 0, GSYNC_BROADCAST);
			__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
		} else if (gsync_wait(SELF, (vm_address_t)(uintptr_t)&turn, now, 0, 20000, GSYNC_TIMED) == KERN_TIMEDOUT) {
			CHECK(turn != now);
		}
	}
}

TEST(a_wake_that_comes_early_is_not_lost)
{
	turn = 0;
	together(turn_taker, 2);
	test_say("# %d turns", rounds);
}

static volatile int sleep_result;

static void one_sleep(void *arg)
{
	(void)arg;
	sleep_result = gsync_wait(SELF, (vm_address_t)(uintptr_t)&turn, turn, 0, 0, 0);
}

TEST(a_wake_just_before_the_sleep_is_not_lost)
{
	mach_port_t sleeper;

	turn = 0;
	sleep_result = -1;
	CHECK(test_pause_arm("gsync sleeps"));
	sleeper = test_thread(one_sleep, NULL);
	CHECK(test_pause_taken());
	turn = 1;
	CHECK_OK(gsync_wake(SELF, (vm_address_t)(uintptr_t)&turn, 0, 0));
	test_pause_end();
	for (int i = 0; i < 5000 && sleep_result == -1; i++)
		test_sleep(1);
	CHECK_OK(sleep_result);
	if (sleep_result == -1)
		thread_abort(sleeper);
	test_thread_join(sleeper);
}
