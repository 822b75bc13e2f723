/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects with a pager in this task: supply, zero fill, errors, cleaning, flushing, copies, death. */
#include "harness/test.h"
#include <mach/exc.h>
#include <mach_debug/mach_debug.h>
#include <mach/machine/thread_status.h>

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { INIT = 2200, TERMINATE = 2201, REQUEST = 2203, UNLOCK = 2204, LOCK_DONE = 2206, RETURN = 2208 };

struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; uint32_t word; void *p; }; } item[8];
};

/* what the pager did; written by its thread only */
static volatile unsigned requests, returns, terminates, inits, unlocks;
static volatile unsigned char returned_byte;
static volatile mach_port_t control;
static volatile enum { SUPPLY, UNAVAILABLE, ERROR, SILENT } mode;
static volatile bool may_cache;
static mach_port_t object;
static volatile char first_byte = 'a';		/* what page 0 is full of */

static void
supply(mach_port_t c, uint64_t offset)
{
	vm_address_t a = 0;

	vm_allocate(SELF, &a, PAGE, 1);
	__builtin_memset((void *)a, first_byte + (offset / PAGE) % 20, PAGE);
	memory_object_data_supply(c, offset, a, PAGE, 1, VM_PROT_NONE, 0, MACH_PORT_NULL);
}

static void
handle(struct pager_message *m)
{
	mach_port_t c = m->item[0].port;

	switch (m->h.msgh_id) {
	case INIT:
		control = c;
		mach_port_deallocate(SELF, m->item[1].port);
		memory_object_ready(c, may_cache, 2);
		inits++;
		return;			/* keeps its control right */
	case REQUEST:
		requests++;
		if (mode == SUPPLY)
			supply(c, m->item[1].v);
		else if (mode == UNAVAILABLE)
			memory_object_data_unavailable(c, m->item[1].v, m->item[2].v);
		else if (mode == ERROR)
			memory_object_data_error(c, m->item[1].v, m->item[2].v, KERN_FAILURE);
		break;
	case UNLOCK:
		unlocks++;
		break;
	case RETURN:
		returned_byte = *(unsigned char *)m->item[2].p;
		vm_deallocate(SELF, (vm_address_t)m->item[2].p, m->item[2].t.msgt_number);
		returns++;
		break;
	case TERMINATE:
		mach_port_mod_refs(SELF, m->item[0].port, MACH_PORT_RIGHT_RECEIVE, -1);
		mach_port_mod_refs(SELF, m->item[1].port, MACH_PORT_RIGHT_RECEIVE, -1);
		terminates++;
		break;
	default:
		test_say("# pager: message %d", m->h.msgh_id);
	}
	if (c != MACH_PORT_NULL && m->h.msgh_id != TERMINATE)
		mach_port_deallocate(SELF, c);
}

static void
pager(void *arg)
{
	struct pager_message m;

	(void)arg;
	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, object, 0, 0) == 0)
		handle(&m);
}

static mach_port_t pager_thread;

static void
pager_start(void)
{
	requests = returns = terminates = inits = 0;
	mode = SUPPLY;
	may_cache = false;
	control = MACH_PORT_NULL;
	object = test_port_with_send();
	pager_thread = test_thread(pager, 0);
}

static bool
wait_for(volatile unsigned *what, unsigned n)
{
	for (unsigned i = 0; i < 200 && *what < n; i++)
		test_sleep(10);
	return *what >= n;
}

/* the object is unmapped everywhere: the kernel lets it go, and the pager's thread ends with its port */
static void
pager_stop(void)
{
	if (!may_cache)
		CHECK(wait_for(&terminates, 1));
	if (control != MACH_PORT_NULL)
		mach_port_deallocate(SELF, control);
	test_port_destroy(object);
	test_thread_join(pager_thread);
}

static vm_address_t
map_object(unsigned pages, bool copy)
{
	vm_address_t a = 0;

	CHECK_OK(vm_map(SELF, &a, pages * PAGE, 0, 1, object, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE));
	return a;
}

TEST(a_fault_asks_the_pager_once_and_maps_what_it_supplies)
{
	vm_address_t a, b;

	pager_start();
	a = map_object(16, false);
	b = map_object(16, false);
	for (unsigned i = 0; i < 16; i++)
		CHECK_EQ(*(volatile unsigned char *)(a + i * PAGE + i), 'a' + i);
	CHECK_EQ(requests, 16);
	*(volatile unsigned char *)(a + 3 * PAGE) = 'Z';
	CHECK_EQ(*(volatile unsigned char *)(b + 3 * PAGE), 'Z');
	CHECK_EQ(requests, 16);
	CHECK_EQ(inits, 1);
	vm_deallocate(SELF, a, 16 * PAGE);
	CHECK_EQ(*(volatile unsigned char *)(b + 4 * PAGE), 'e');
	vm_deallocate(SELF, b, 16 * PAGE);
	CHECK(wait_for(&returns, 1));
	CHECK_EQ(returned_byte, 'Z');
	pager_stop();
}

TEST(unavailable_data_is_zero_filled)
{
	vm_address_t a;

	pager_start();
	mode = UNAVAILABLE;
	a = map_object(4, false);
	CHECK_EQ(*(volatile unsigned long *)(a + PAGE), 0);
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

TEST(an_error_reaches_the_reader_and_is_not_remembered)
{
	vm_address_t a;
	vm_offset_t data;
	mach_msg_type_number_t n;

	pager_start();
	mode = ERROR;
	a = map_object(4, false);
	/* a small vm_read goes through the kernel, which reports the error as a code */
	CHECK(vm_read(SELF, a, 8, &data, &n) != KERN_SUCCESS);
	mode = SUPPLY;
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

TEST(a_private_mapping_keeps_its_writes_and_its_snapshot)
{
	vm_address_t shared, private;

	pager_start();
	shared = map_object(8, false);
	CHECK_EQ(*(volatile unsigned char *)shared, 'a');
	private = map_object(8, true);
	CHECK_EQ(*(volatile unsigned char *)private, 'a');
	*(volatile unsigned char *)(private + PAGE) = 'P';
	CHECK_EQ(*(volatile unsigned char *)(shared + PAGE), 'b');
	*(volatile unsigned char *)(shared + 2 * PAGE) = 'S';
	CHECK_EQ(*(volatile unsigned char *)(private + 2 * PAGE), 'c');
	*(volatile unsigned char *)shared = 'S';
	CHECK_EQ(*(volatile unsigned char *)private, 'a');
	CHECK_EQ(*(volatile unsigned char *)(private + PAGE), 'P');
	vm_deallocate(SELF, shared, 8 * PAGE);
	vm_deallocate(SELF, private, 8 * PAGE);
	pager_stop();
}

TEST(lock_request_cleans_flushes_and_completes)
{
	mach_port_t done = test_port();
	struct test_message m;
	vm_address_t a;

	pager_start();
	a = map_object(4, false);
	*(volatile unsigned char *)a = 'D';
	CHECK_OK(memory_object_lock_request(control, 0, 4 * PAGE, 1, 0, VM_PROT_NO_CHANGE, done));
	CHECK_OK(test_receive_wait(done, &m, 2000));
	CHECK_EQ(m.h.msgh_id, LOCK_DONE);
	mach_port_deallocate(SELF, control);
	CHECK(wait_for(&returns, 1));
	CHECK_EQ(returned_byte, 'D');
	CHECK_EQ(*(volatile unsigned char *)a, 'D');
	CHECK_EQ(requests, 1);
	*(volatile unsigned char *)a = 'E';
	CHECK_OK(memory_object_lock_request(control, 0, 4 * PAGE, 2, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	CHECK(wait_for(&returns, 2));
	CHECK_EQ(returned_byte, 'E');
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	CHECK_EQ(requests, 2);
	vm_deallocate(SELF, a, 4 * PAGE);
	test_port_destroy(done);
	pager_stop();
}

TEST(a_cached_object_keeps_its_pages)
{
	vm_address_t a;

	pager_start();
	may_cache = true;
	a = map_object(4, false);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	vm_deallocate(SELF, a, 4 * PAGE);
	a = map_object(4, false);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	CHECK_EQ(requests, 1);
	CHECK_EQ(inits, 1);
	CHECK_EQ(terminates, 0);
	vm_deallocate(SELF, a, 4 * PAGE);
	CHECK_OK(memory_object_change_attributes(control, 0, 2, MACH_PORT_NULL));
	CHECK(wait_for(&terminates, 1));
	pager_stop();
}

static volatile unsigned read_result;

static void
reader(void *arg)
{
	vm_offset_t data;
	mach_msg_type_number_t n;

	read_result = 0x100 + vm_read(SELF, (vm_address_t)arg, 8, &data, &n);
	mig_dealloc_reply_port(mig_get_reply_port());
}

TEST(the_death_of_a_silent_pager_frees_its_waiters)
{
	vm_address_t a;
	mach_port_t th;

	pager_start();
	mode = SILENT;
	read_result = 0;
	a = map_object(4, false);
	th = test_thread(reader, (void *)a);
	CHECK(wait_for(&requests, 1));
	test_sleep(20);
	CHECK_EQ(read_result, 0);
	mach_port_deallocate(SELF, control);
	test_port_destroy(object);
	test_thread_join(pager_thread);
	CHECK(wait_for(&read_result, 1));
	CHECK(read_result > 0x100);
	test_thread_join(th);
	vm_deallocate(SELF, a, 4 * PAGE);
}

TEST(proxies_window_anonymous_memory)
{
	vm_address_t a = 0, b = 0;
	mach_port_t proxy;

	CHECK_OK(vm_allocate(SELF, &a, 8 * PAGE, 1));
	*(long *)(a + 2 * PAGE) = 42;
	REQUIRE(vm_region_create_proxy(SELF, a + PAGE, VM_PROT_READ, 4 * PAGE, &proxy) == KERN_SUCCESS);
	CHECK_OK(vm_map(SELF, &b, 2 * PAGE, 0, 1, proxy, PAGE, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	CHECK_EQ(*(volatile long *)b, 42);
	*(long *)(a + 2 * PAGE) = 43;
	CHECK_EQ(*(volatile long *)b, 43);
	CHECK_EQ(vm_protect(SELF, b, PAGE, 0, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	CHECK_OK(vm_deallocate(SELF, b, 2 * PAGE));
	CHECK_EQ(vm_map(SELF, &b, 5 * PAGE, 0, 1, proxy, 0, 0, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY),
	    KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, proxy);
	/* what the region itself may not, its proxy may not either */
	CHECK_OK(vm_protect(SELF, a, 8 * PAGE, TRUE, VM_PROT_READ));
	REQUIRE(vm_region_create_proxy(SELF, a, VM_PROT_ALL, PAGE, &proxy) == KERN_SUCCESS);
	CHECK_OK(vm_map(SELF, &b, PAGE, 0, 1, proxy, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	CHECK_EQ(vm_protect(SELF, b, PAGE, 0, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	CHECK_OK(vm_deallocate(SELF, b, PAGE));
	mach_port_deallocate(SELF, proxy);
	CHECK_OK(vm_deallocate(SELF, a, 8 * PAGE));
}

/* refused: the right is still the caller's, once */
TEST(what_is_refused_takes_no_right_to_an_object)
{
	mach_port_t nobodys = test_port_with_send(), proxy = MACH_PORT_NULL;
	rpc_vm_offset_t zero = 0, odd = 1;
	rpc_vm_size_t len = PAGE;
	mach_port_status_t s;
	vm_address_t a = 0;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(vm_map(SELF, &a, PAGE, 0, 1, nobodys, 0, 0, VM_PROT_READ, VM_PROT_READ, 7), KERN_INVALID_ARGUMENT);
		CHECK_EQ(memory_object_create_proxy(SELF, VM_PROT_READ, &nobodys, MACH_MSG_TYPE_COPY_SEND, 1, &odd, 1, &zero, 1,
		    &len, 1, &proxy), KERN_INVALID_ARGUMENT);
		/* a task is no memory */
		CHECK_EQ(vm_map(SELF, &a, PAGE, 0, 1, mach_task_self(), 0, 0, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
		    KERN_INVALID_ARGUMENT);
		mach_port_t task = mach_task_self();
		CHECK_EQ(memory_object_create_proxy(SELF, VM_PROT_READ, &task, MACH_MSG_TYPE_COPY_SEND, 1, &zero, 1, &zero, 1,
		    &len, 1, &proxy), KERN_INVALID_ARGUMENT);
	}
	CHECK_OK(mach_port_get_receive_status(SELF, nobodys, &s));
	CHECK_EQ(s.mps_srights, TRUE);
	CHECK_OK(test_send(nobodys, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	test_port_destroy(nobodys);
}

TEST(a_write_that_a_pager_fails_leaves_its_data_to_be_freed_once)
{
	vm_address_t a, from = 0;

	pager_start();
	a = map_object(4, false);
	CHECK_OK(vm_allocate(SELF, &from, 4 * PAGE, 1));
	mode = ERROR;
	CHECK_EQ(vm_write(SELF, a, from, 4 * PAGE), KERN_MEMORY_ERROR);
	mode = SUPPLY;
	CHECK_OK(vm_write(SELF, a, from, 4 * PAGE));
	CHECK_OK(vm_deallocate(SELF, from, 4 * PAGE));
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

TEST(a_private_mapping_keeps_what_it_saw_when_its_pager_flushes)
{
	vm_address_t private, shared;

	pager_start();
	private = map_object(4, true);
	shared = map_object(4, false);
	CHECK_EQ(*(volatile unsigned char *)private, 'a');
	*(volatile unsigned char *)(shared + PAGE) = 'W';
	CHECK_EQ(*(volatile unsigned char *)(private + PAGE), 'b');
	CHECK_OK(memory_object_lock_request(control, 0, 4 * PAGE, 2, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	first_byte = 'q';		/* and tells something else the next time */
	CHECK_EQ(*(volatile unsigned char *)shared, 'q');
	CHECK_EQ(*(volatile unsigned char *)private, 'a');
	CHECK_EQ(*(volatile unsigned char *)(private + PAGE), 'b');
	first_byte = 'a';
	vm_deallocate(SELF, private, 4 * PAGE);
	vm_deallocate(SELF, shared, 4 * PAGE);
	pager_stop();
}

TEST(data_that_ends_within_a_page_is_followed_by_zeros)
{
	mach_port_t done = test_port();
	vm_address_t a, from = 0;
	unsigned wrong = 0;
	struct test_message m;

	pager_start();
	mode = SILENT;
	a = map_object(4, false);
	while (control == MACH_PORT_NULL)
		test_sleep(1);
	CHECK_OK(vm_allocate(SELF, &from, 2 * PAGE, 1));
	__builtin_memset((void *)from, 'y', 2 * PAGE);
	CHECK_OK(memory_object_data_supply(control, 0, from, PAGE + 100, 1, VM_PROT_NONE, 0, done));
	CHECK_OK(test_receive_wait(done, &m, 2000));
	for (unsigned i = 0; i < 2 * PAGE; i++)
		wrong += ((volatile unsigned char *)a)[i] != (i < PAGE + 100 ? 'y' : 0);
	CHECK_EQ(wrong, 0);
	mach_port_deallocate(SELF, control);
	vm_deallocate(SELF, a, 4 * PAGE);
	test_port_destroy(done);
	pager_stop();
}

/* memory of nobody's before it, which was wired when the object's page could not be */
TEST(wiring_that_a_pager_fails_is_undone_before_it)
{
	vm_address_t a = 0, at;
	vm_region_info_t region;
	mach_port_t o = MACH_PORT_NULL;

	pager_start();
	mode = ERROR;
	CHECK_OK(vm_allocate(SELF, &a, 4 * PAGE, 1));
	at = a + 2 * PAGE;
	CHECK_OK(vm_deallocate(SELF, at, 2 * PAGE));
	CHECK_OK(vm_map(SELF, &at, 2 * PAGE, 0, 0, object, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE));
	CHECK(vm_wire(test_host_priv, SELF, a, 4 * PAGE, VM_PROT_READ) != KERN_SUCCESS);
	CHECK_OK(mach_vm_region_info(SELF, a, &region, &o));
	CHECK_EQ(region.vri_start, a);
	CHECK_EQ(region.vri_user_wired_count, 0);
	if (o != MACH_PORT_NULL)
		mach_port_deallocate(SELF, o);
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

/* --- the rest of the protocol: answers that are early, late, double, wrong, and their completions --- */

struct completion {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; uint32_t word; }; } item[8];
	char more[256];
};

static bool
completion(mach_port_t port, int id, struct completion *c)
{
	if (!CHECK_OK(mach_msg(&c->h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *c, port, 3000, 0)) || !CHECK_EQ(c->h.msgh_id, id))
		return false;
	if (c->h.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		mach_port_deallocate(SELF, c->item[0].port);
	return true;
}

static kern_return_t
supply_bytes(vm_offset_t offset, vm_size_t size, char fill, vm_prot_t lock, boolean_t precious, mach_port_t reply)
{
	vm_address_t a = 0;
	kern_return_t kr;

	vm_allocate(SELF, &a, size != 0 ? size : 1, 1);
	__builtin_memset((void *)a, fill, size);
	kr = memory_object_data_supply(control, offset, a, size, 0, lock, precious, reply);
	vm_deallocate(SELF, a, size != 0 ? size : 1);
	return kr;
}

TEST(a_page_supplied_twice_stays_what_it_was_and_the_reply_says_so)
{
	mach_port_t done = test_port();
	struct completion c;
	vm_address_t a;

	pager_start();
	a = map_object(8, false);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	CHECK_OK(supply_bytes(0, PAGE, 'X', VM_PROT_NONE, 0, done));
	if (completion(done, 2207, &c)) {
		CHECK_EQ(c.item[1].v, 0);
		CHECK_EQ(c.item[2].v, PAGE);
		CHECK_EQ(c.item[3].word, KERN_MEMORY_PRESENT);
	}
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	/* ahead of the request, three pages at once; the second is there already */
	CHECK_EQ(*(volatile unsigned char *)(a + 3 * PAGE), 'd');
	CHECK_OK(supply_bytes(2 * PAGE, 3 * PAGE, 'Y', VM_PROT_NONE, 0, done));
	if (completion(done, 2207, &c)) {
		CHECK_EQ(c.item[3].word, KERN_MEMORY_PRESENT);
		CHECK_EQ(c.item[4].v, 3 * PAGE);
	}
	CHECK_EQ(*(volatile unsigned char *)(a + 2 * PAGE), 'Y');
	CHECK_EQ(*(volatile unsigned char *)(a + 3 * PAGE), 'd');
	CHECK_EQ(*(volatile unsigned char *)(a + 4 * PAGE), 'Y');
	CHECK_EQ(requests, 2);
	vm_deallocate(SELF, a, 8 * PAGE);
	test_port_destroy(done);
	pager_stop();
}

static void
toucher(void *arg)
{
	*(volatile unsigned char *)arg;
	read_result = 1;
	mig_dealloc_reply_port(mig_get_reply_port());
}

TEST(an_answer_for_another_page_leaves_the_asker_waiting_for_its_own)
{
	mach_port_t th;
	vm_address_t a;

	pager_start();
	mode = SILENT;
	read_result = 0;
	a = map_object(4, false);
	th = test_thread(toucher, (void *)(a + PAGE));
	CHECK(wait_for(&requests, 1));
	CHECK_OK(supply_bytes(2 * PAGE, PAGE, 'W', VM_PROT_NONE, 0, MACH_PORT_NULL));
	CHECK_OK(memory_object_data_error(control, 0, PAGE, KERN_FAILURE));
	CHECK_OK(memory_object_data_unavailable(control, 3 * PAGE, PAGE));
	test_sleep(30);
	CHECK_EQ(read_result, 0);
	CHECK_OK(supply_bytes(PAGE, PAGE, 'R', VM_PROT_NONE, 0, MACH_PORT_NULL));
	CHECK(wait_for(&read_result, 1));
	test_thread_join(th);
	CHECK_EQ(*(volatile unsigned char *)(a + PAGE), 'R');
	CHECK_EQ(*(volatile unsigned char *)(a + 2 * PAGE), 'W');
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

TEST(hostile_ranges_of_answers_touch_nothing)
{
	boolean_t ready = 0, cache = 1;
	memory_object_copy_strategy_t strategy = 0;
	static const vm_offset_t at[] = { 1, PAGE / 2, ~0ul & ~(PAGE - 1), 1ul << 63, ~0ul };
	vm_address_t a;

	pager_start();
	a = map_object(4, false);
	while (control == MACH_PORT_NULL)
		test_sleep(1);
	/* behind the last page the first does not follow */
	(void)supply_bytes(-PAGE, 2 * PAGE, 'H', VM_PROT_NONE, 0, MACH_PORT_NULL);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	/* from the second page to wherever */
	CHECK_EQ(*(volatile unsigned char *)(a + PAGE), 'b');
	unsigned asked = requests;
	CHECK_OK(memory_object_lock_request(control, PAGE, ~0ul, 0, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	CHECK_EQ(*(volatile unsigned char *)a + *(volatile unsigned char *)(a + PAGE), 'a' + 'b');
	CHECK_EQ(requests, asked + 1);
	for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
		/* an offset inside a page, or an end behind the last one, is refused; far away is as good as near */
		(void)supply_bytes(at[i], 2 * PAGE, 'H', VM_PROT_NONE, 0, MACH_PORT_NULL);
		(void)supply_bytes(at[i], 0, 'H', VM_PROT_NONE, 0, MACH_PORT_NULL);
		(void)memory_object_data_unavailable(control, at[i], ~0ul);
		(void)memory_object_data_error(control, at[i], ~0ul, KERN_FAILURE);
		(void)memory_object_lock_request(control, at[i], ~0ul, 2, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL);
	}
	/* nobody is told: these have no reply. What is refused changes nothing */
	(void)memory_object_lock_request(control, 0, PAGE, 7, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL);
	(void)memory_object_lock_request(control, 0, PAGE, 0, 0, 0x60, MACH_PORT_NULL);
	(void)memory_object_ready(control, 1, 17);
	(void)memory_object_change_attributes(control, 1, -1, MACH_PORT_NULL);
	CHECK_OK(memory_object_get_attributes(control, &ready, &cache, &strategy));
	CHECK_EQ(ready, 1);
	CHECK_EQ(cache, 0);
	CHECK_EQ(strategy, 2);
	/* a size that is no number of pages is filled up with zeros */
	CHECK_OK(supply_bytes(2 * PAGE, 100, 'S', VM_PROT_NONE, 0, MACH_PORT_NULL));
	CHECK_EQ(*(volatile unsigned char *)(a + 2 * PAGE + 99), 'S');
	CHECK_EQ(*(volatile unsigned char *)(a + 2 * PAGE + 100), 0);
	CHECK_EQ(*(volatile unsigned char *)(a + PAGE), 'b');
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

TEST(a_locked_page_is_asked_for_and_unlocked)
{
	vm_address_t a;
	mach_port_t th;

	pager_start();
	mode = SILENT;
	unlocks = 0;
	read_result = 0;
	a = map_object(2, false);
	CHECK(wait_for(&inits, 1));
	CHECK_OK(supply_bytes(0, PAGE, 'L', VM_PROT_READ | VM_PROT_WRITE, 0, MACH_PORT_NULL));
	th = test_thread(toucher, (void *)a);
	CHECK(wait_for(&unlocks, 1));
	CHECK_EQ(read_result, 0);
	/* readable now, not writable */
	CHECK_OK(memory_object_lock_request(control, 0, PAGE, 0, 0, VM_PROT_WRITE, MACH_PORT_NULL));
	CHECK(wait_for(&read_result, 1));
	test_thread_join(th);
	CHECK_EQ(*(volatile unsigned char *)a, 'L');
	CHECK_EQ(requests, 0);
	CHECK_OK(memory_object_lock_request(control, 0, PAGE, 0, 0, VM_PROT_NONE, MACH_PORT_NULL));
	*(volatile unsigned char *)a = 'M';
	vm_deallocate(SELF, a, 2 * PAGE);
	CHECK(wait_for(&returns, 1));
	CHECK_EQ(returned_byte, 'M');
	pager_stop();
}

TEST(precious_pages_come_back_though_clean)
{
	vm_address_t a;

	pager_start();
	mode = SILENT;
	a = map_object(2, false);
	CHECK(wait_for(&inits, 1));
	CHECK_OK(supply_bytes(0, PAGE, 'P', VM_PROT_NONE, 1, MACH_PORT_NULL));
	CHECK_EQ(*(volatile unsigned char *)a, 'P');
	/* dirty pages only: it stays */
	CHECK_OK(memory_object_lock_request(control, 0, PAGE, 1, 0, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	test_sleep(20);
	CHECK_EQ(returns, 0);
	CHECK_OK(memory_object_lock_request(control, 0, PAGE, 2, 1, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
	CHECK(wait_for(&returns, 1));
	CHECK_EQ(returned_byte, 'P');
	vm_deallocate(SELF, a, 2 * PAGE);
	pager_stop();
}

TEST(attributes_change_with_a_completion_and_are_told)
{
	mach_port_t done = test_port();
	struct completion c;
	boolean_t ready = 0, cache = 1;
	memory_object_copy_strategy_t strategy = 0;
	vm_address_t a;

	pager_start();
	a = map_object(2, false);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	for (int s = 0; s <= 3; s++) {
		CHECK_OK(memory_object_change_attributes(control, s & 1, s, done));
		if (completion(done, 2209, &c)) {
			CHECK_EQ(c.item[0].word, s & 1);
			CHECK_EQ(c.item[1].word, s);
		}
		CHECK_OK(memory_object_get_attributes(control, &ready, &cache, &strategy));
		CHECK_EQ(ready, 1);
		CHECK_EQ(cache, s & 1);
		CHECK_EQ(strategy, s);
	}
	CHECK_OK(memory_object_change_attributes(control, 0, 2, MACH_PORT_NULL));
	vm_deallocate(SELF, a, 2 * PAGE);
	test_port_destroy(done);
	pager_stop();
}

TEST(a_destroyed_object_fails_who_asks_and_keeps_nobody)
{
	vm_offset_t data;
	mach_msg_type_number_t n;
	vm_address_t a;

	pager_start();
	a = map_object(4, false);
	CHECK_EQ(*(volatile unsigned char *)a, 'a');
	CHECK_OK(memory_object_destroy(control, KERN_FAILURE));
	CHECK(vm_read(SELF, a + PAGE, 8, &data, &n) != KERN_SUCCESS);
	vm_deallocate(SELF, a, 4 * PAGE);
	pager_stop();
}

/* --- a thread in the middle of a call, which waits for a page of its stack, gets another state --- */

extern char call_from_awaited_stack[], land_with_new_state[];
static volatile uint64_t landed[4];

__asm__(
    ".text\n"
    "call_from_awaited_stack: syscall; ud2\n"
    "land_with_new_state:\n\t"
    "movq %rcx, landed(%rip); movq %r11, landed + 8(%rip); movq %rbx, landed + 16(%rip)\n\t"
    "movq $1, landed + 24(%rip)\n"
    "1: pause; jmp 1b\n");

static void
call_plainly(void *arg)
{
	mach_port_t reply = test_port();
	mach_msg_header_t h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = (mach_port_t)(uintptr_t)arg, .msgh_local_port = reply, .msgh_id = 77 };

	CHECK_OK(mach_msg_trap(&h, MACH_SEND_MSG | MACH_RCV_MSG, sizeof h, sizeof h, reply, 0, 0));
	CHECK_EQ(h.msgh_id, 78);
	test_port_destroy(reply);
}

static void
set_state_in_the_middle(bool queued)
{
	static mach_msg_header_t m;
	mach_port_t port = test_port_with_send(), thread, caller = MACH_PORT_NULL;
	vm_address_t stack;
	struct i386_thread_state s = { .rip = (uint64_t)call_from_awaited_stack, .rax = (uint64_t)-25, .rdi = (uint64_t)&m,
	    .rsi = MACH_RCV_MSG, .r10 = sizeof m, .r8 = port };

	pager_start();
	mode = SILENT;
	stack = map_object(2, false);
	s.ursp = stack + PAGE / 2;
	landed[3] = 0;
	CHECK_OK(thread_create(SELF, &thread));
	CHECK_OK(thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&s, i386_THREAD_STATE_COUNT));
	CHECK_OK(thread_resume(thread));
	CHECK(wait_for(&requests, 1));
	CHECK_OK(thread_suspend(thread));
	s = (struct i386_thread_state){ .rip = (uint64_t)land_with_new_state, .rcx = 0x1111, .r11 = 0x2222, .rbx = 0x3333, .ursp = s.ursp };
	CHECK_OK(thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&s, i386_THREAD_STATE_COUNT));
	CHECK_OK(thread_resume(thread));
	if (queued)
		CHECK_OK(test_send(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 77));
	supply(control, 0);
	test_sleep(50);		/* it waits for a message, if none is there */
	if (!queued)
		caller = test_thread(call_plainly, (void *)(uintptr_t)port);
	for (int ms = 0; ms < 5000 && landed[3] == 0; ms++)
		test_sleep(1);
	CHECK_EQ(landed[3], 1);
	CHECK_EQ(m.msgh_id, 77);
	CHECK_EQ(landed[0], 0x1111);
	CHECK_EQ(landed[1], 0x2222);
	CHECK_EQ(landed[2], 0x3333);
	CHECK_OK(thread_terminate(thread));
	mach_port_deallocate(SELF, thread);
	if (!queued) {
		CHECK_OK(test_send(m.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 0, 0, 78));
		test_thread_join(caller);
	}
	CHECK_OK(vm_deallocate(SELF, stack, 2 * PAGE));
	pager_stop();
	test_port_destroy(port);
}

TEST(a_thread_that_waits_for_its_stack_in_a_call_goes_on_with_the_state_it_is_given)
{
	set_state_in_the_middle(true);
	set_state_in_the_middle(false);
}
