/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects with a pager that answers well or badly, copies, wiring, proxies, debug routines, paging to a default pager. */
#include <stdlib.h>
#include <string.h>
#include <mach/vm_sync.h>
#include <mach/vm_wire.h>
#include <u/mach4.h>
#include <u/mach_debug.h>
#include "cases.h"
#include "store.h"

#define PAGE	4096ul
#define PRIV	sim_init_argument(SIM_HOST_PRIV)

static mach_port_t self, manager;

static uint64_t word_at(vm_address_t at)
{
	uint64_t v = 0;

	return sim_try_read(at, &v, sizeof v) ? v : 0xbad;
}

static bool put(vm_address_t at, uint64_t v) { return sim_try_write(at, &v, sizeof v); }

static vm_address_t map(mach_port_t object, uint64_t offset, unsigned pages, bool copy)
{
	vm_address_t at = 0;

	CHECK_OK(u_vm_map(self, &at, pages * PAGE, 0, 1, object, offset, copy, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_COPY));
	return at;
}

static vm_address_t fresh(unsigned pages)
{
	vm_address_t at = 0;

	CHECK_OK(u_vm_allocate(self, &at, pages * PAGE, 1));
	return at;
}

static void gone(vm_address_t at, unsigned pages) { CHECK_OK(u_vm_deallocate(self, at, pages * PAGE)); }

/* the name port of the object that is mapped there */
static mach_port_t name_at(vm_address_t at)
{
	mach_port_t name = MACH_PORT_NULL;
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t is_shared;
	vm_offset_t offset;

	CHECK_OK(u_vm_region(self, &at, &size, &prot, &max, &inherit, &is_shared, &name, &offset));
	return name;
}

/* --- objects --- */

static void an_object_gives_its_pages_and_takes_them_back(void)
{
	mach_port_t object, name, reply = user_port();
	vm_address_t a;

	store_reset();
	object = store_object();
	a = map(object, 0, 16, false);
	for (unsigned i = 0; i < 16; i += 3)
		CHECK(word_at(a + i * PAGE) == store_pattern(i));
	for (unsigned i = 0; i < 16; i += 2)
		CHECK(put(a + i * PAGE + 8, i));
	CHECK_OK(u_memory_object_lock_request(store.st_control, 0, 8 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, 0, VM_PROT_NO_CHANGE, reply));
	CHECK(store_wait(2208, 1));
	CHECK_OK(u_memory_object_lock_request(store.st_control, 0, 16 * PAGE, MEMORY_OBJECT_RETURN_ALL, 1, VM_PROT_NO_CHANGE,
	    MACH_PORT_NULL));
	for (unsigned i = 0; i < 16; i += 2)
		CHECK(word_at(a + i * PAGE) == store_pattern(i) && word_at(a + i * PAGE + 8) == i);
	/* nobody may write; who tries asks for it */
	CHECK_OK(u_memory_object_lock_request(store.st_control, 0, 16 * PAGE, MEMORY_OBJECT_RETURN_NONE, 0, VM_PROT_WRITE, MACH_PORT_NULL));
	CHECK(put(a, 7) && store_wait(2204, 1));
	CHECK_OK(u_memory_object_change_attributes(store.st_control, 1, MEMORY_OBJECT_COPY_NONE, reply));
	CHECK_OK(u_vm_msync(self, a, 16 * PAGE, VM_SYNC_SYNCHRONOUS));
	CHECK_OK(u_vm_msync(self, a, 16 * PAGE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE));
	name = name_at(a);
	CHECK_OK(u_vm_object_sync(name, 0, 4 * PAGE, 1, 1, 1));
	u_mach_port_deallocate(self, name);
	gone(a, 16);
	/* kept, for it may cache; mapped again it asks for nothing */
	a = map(object, 4 * PAGE, 4, false);
	CHECK(word_at(a) == store_pattern(4));
	CHECK_OK(u_memory_object_change_attributes(store.st_control, 0, MEMORY_OBJECT_COPY_DELAY, MACH_PORT_NULL));
	gone(a, 4);
	store_forget(object);
	u_mach_port_destroy(self, reply);
}

static void attributes_are_what_the_pager_said(void)
{
	mach_port_t object;
	boolean_t ready = 0, cache = 0;
	memory_object_copy_strategy_t strategy = 9;
	vm_address_t a;

	store_reset();
	store.st_may_cache = true;
	object = store_object();
	a = map(object, 0, 1, false);
	CHECK(word_at(a) == store_pattern(0));
	CHECK_OK(u_memory_object_get_attributes(store.st_control, &ready, &cache, &strategy));
	CHECK(ready && cache && strategy == MEMORY_OBJECT_COPY_DELAY);
	gone(a, 1);
	CHECK_OK(u_memory_object_destroy(store.st_control, KERN_FAILURE));
	store_forget(object);
}

/* each strategy: a copy keeps what it was made of, whoever writes */
static void copies_of_an_object_stay_as_they_were(void)
{
	for (int strategy = MEMORY_OBJECT_COPY_NONE; strategy <= MEMORY_OBJECT_COPY_TEMPORARY; strategy++) {
		mach_port_t object;
		vm_address_t a, b, c;
		vm_offset_t data = 0;
		mach_msg_type_number_t n = 0;

		store_reset();
		store.st_strategy = strategy;
		object = store_object();
		a = map(object, 0, 8, false);
		CHECK(put(a + PAGE, 1));
		b = map(object, 0, 8, true);
		c = fresh(8);
		CHECK_OK(u_vm_copy(self, a, 8 * PAGE, c));
		CHECK_OK(u_vm_read(self, a, 8 * PAGE, &data, &n));
		CHECK(put(a + PAGE, 2) && put(b + 2 * PAGE, 3));
		CHECK(word_at(c + PAGE) == 1 && word_at(data + PAGE) == 1);
		CHECK(word_at(a + 2 * PAGE) == store_pattern(2));
		CHECK(put(a + 3 * PAGE, 4) && word_at(c + 3 * PAGE) == store_pattern(3));
		CHECK_OK(u_vm_write(self, a + 4 * PAGE, data, 4 * PAGE));
		CHECK(word_at(a + 5 * PAGE) == 1);
		gone(c, 8);
		gone(data, 8);
		gone(b, 8);
		gone(a, 8);
		store_forget(object);
	}
}

static void a_pager_that_cannot_is_an_error_to_who_asks(void)
{
	mach_port_t object;
	vm_address_t a, b;

	store_reset();
	store.st_error = KERN_MEMORY_ERROR;
	object = store_object();
	a = map(object, 0, 8, false);
	CHECK(word_at(a) == 0xbad);
	store.st_error = KERN_SUCCESS;
	store.st_unavailable = true;
	CHECK(word_at(a + PAGE) == 0);
	b = map(object, 0, 8, true);
	CHECK(put(b + PAGE, 1) && word_at(a + PAGE) == 0);
	store.st_unavailable = false;
	store.st_precious = true;
	CHECK(word_at(a + 2 * PAGE) == store_pattern(2));
	store.st_lock = VM_PROT_WRITE;
	CHECK(put(a + 3 * PAGE, 9) && word_at(a + 3 * PAGE) == 9);
	store.st_lock = VM_PROT_NONE;
	/* precious pages go back though nobody wrote them */
	gone(b, 8);
	gone(a, 8);
	CHECK(store_wait(2208, 1));
	store_forget(object);
}

static void a_pager_that_dies_takes_its_pages_along(void)
{
	mach_port_t object;
	vm_address_t a;

	store_reset();
	object = store_object();
	a = map(object, 0, 4, false);
	CHECK(word_at(a) == store_pattern(0));
	store_forget(object);
	CHECK(word_at(a + PAGE) == 0xbad);
	gone(a, 4);
}

static void a_pager_may_destroy_what_is_mapped(void)
{
	mach_port_t object;
	vm_address_t a;

	store_reset();
	object = store_object();
	a = map(object, 0, 4, false);
	CHECK(word_at(a) == store_pattern(0));
	CHECK_OK(u_memory_object_destroy(store.st_control, KERN_FAILURE));
	user_sleep(5);
	CHECK(word_at(a + 2 * PAGE) == 0xbad);
	gone(a, 4);
	store_forget(object);
}

static void a_proxy_shows_part_of_an_object(void)
{
	mach_port_t object, proxy = MACH_PORT_NULL;
	rpc_vm_offset_t offset = 2 * PAGE, start = 0;
	rpc_vm_size_t len = 4 * PAGE;
	vm_address_t a, b, at = 0;

	store_reset();
	object = store_object();
	CHECK_OK(u_memory_object_create_proxy(self, VM_PROT_READ, &object, MACH_MSG_TYPE_COPY_SEND, 1, &offset, 1, &start, 1, &len, 1,
	    &proxy));
	CHECK_OK(u_vm_map(self, &at, 4 * PAGE, 0, 1, proxy, 0, 0, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	CHECK(word_at(at + PAGE) == store_pattern(3) && !put(at, 1));
	CHECK(u_vm_map(self, &a, 8 * PAGE, 0, 1, proxy, 0, 0, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE) != KERN_SUCCESS);
	u_mach_port_deallocate(self, proxy);
	gone(at, 4);
	store_forget(object);
	/* of anonymous memory */
	b = fresh(4);
	CHECK(put(b + PAGE, 42));
	CHECK_OK(u_vm_region_create_proxy(self, b, VM_PROT_READ | VM_PROT_WRITE, 4 * PAGE, &proxy));
	at = 0;
	CHECK_OK(u_vm_map(self, &at, 4 * PAGE, 0, 1, proxy, 0, 0, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_INHERIT_NONE));
	CHECK(word_at(at + PAGE) == 42 && put(at, 5) && word_at(b) == 5);
	u_mach_port_deallocate(self, proxy);
	gone(at, 4);
	gone(b, 4);
}

/* --- anonymous memory --- */

static void sleeper(uint64_t argument)
{
	(void)argument;
	for (;;)
		user_sleep(1000);
}

static uint64_t shared_at;
static volatile unsigned written;

static void writes_both(uint64_t at)
{
	for (unsigned i = 0; i < 8; i++) {
		(void)put(at + i * PAGE, 100 + i);		/* a copy */
		(void)put(shared_at + i * PAGE, 200 + i);
	}
	written = 1;
	sleeper(0);
}

static void generations_share_and_copy(void)
{
	vm_address_t a = fresh(8), region;
	mach_port_t child[3], parent = self, object = MACH_PORT_NULL;
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t is_shared;
	vm_offset_t offset;

	shared_at = fresh(8);
	CHECK_OK(u_vm_inherit(self, shared_at, 8 * PAGE, VM_INHERIT_SHARE));
	CHECK_OK(u_vm_inherit(self, a + 7 * PAGE, PAGE, VM_INHERIT_NONE));
	for (unsigned i = 0; i < 8; i++)
		CHECK(put(a + i * PAGE, i) && (i == 3 || put(shared_at + i * PAGE, i)));
	for (unsigned i = 0; i < 3; i++) {
		mach_port_t thread;

		CHECK_OK(u_task_create(parent, 1, &child[i]));
		parent = child[i];
		written = 0;
		thread = user_thread(child[i], writes_both, a);
		for (unsigned ms = 0; ms < 200 && !written; ms++)
			user_sleep(1);
		u_mach_port_deallocate(self, thread);
	}
	for (unsigned i = 0; i < 7; i++)
		CHECK(word_at(a + i * PAGE) == i && word_at(shared_at + i * PAGE) == 200 + i);
	region = shared_at;
	CHECK_OK(u_vm_region(child[2], &region, &size, &prot, &max, &inherit, &is_shared, &object, &offset));
	CHECK(region == shared_at && is_shared && inherit == VM_INHERIT_SHARE);
	u_mach_port_deallocate(self, object);
	/* parts of what is shared */
	CHECK_OK(u_vm_protect(child[1], shared_at + 2 * PAGE, 2 * PAGE, 0, VM_PROT_READ));
	CHECK_OK(u_vm_protect(child[1], a + 2 * PAGE, 2 * PAGE, 1, VM_PROT_READ));
	CHECK_OK(u_vm_deallocate(child[0], shared_at + 4 * PAGE, PAGE));
	CHECK_OK(u_vm_copy(child[1], shared_at, 2 * PAGE, a));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_OK(u_task_terminate(child[i]));
		u_mach_port_deallocate(self, child[i]);
	}
	gone(a, 8);
	gone(shared_at, 8);
}

static void reads_and_writes_of_other_tasks(void)
{
	mach_port_t child;
	vm_address_t a = fresh(40), b = 0;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;

	CHECK_OK(u_task_create(self, 0, &child));
	for (unsigned i = 0; i < 40; i++)
		CHECK(put(a + i * PAGE, i));
	CHECK_OK(u_vm_allocate(child, &b, 40 * PAGE, 1));
	CHECK_OK(u_vm_write(child, b, a, 40 * PAGE));
	CHECK_OK(u_vm_read(child, b + PAGE, 20 * PAGE, &data, &n));
	CHECK(n == 20 * PAGE && word_at(data) == 1);
	gone(data, 20);
	CHECK_OK(u_vm_read(child, b + PAGE + 100, 50, &data, &n));
	CHECK(n == 50);
	gone(data & ~(PAGE - 1), 1);
	CHECK_OK(u_vm_copy(child, b, 8 * PAGE, b + 20 * PAGE));
	/* overlapping, and from a hole */
	CHECK_OK(u_vm_copy(self, a, 8 * PAGE, a + 4 * PAGE));
	CHECK(word_at(a + 4 * PAGE) == 0 && word_at(a + 11 * PAGE) == 7);
	gone(a + 2 * PAGE, 1);
	CHECK(u_vm_copy(self, a, 8 * PAGE, a + 20 * PAGE) == KERN_INVALID_ADDRESS);
	CHECK(u_vm_read(self, a, 8 * PAGE, &data, &n) == KERN_INVALID_ADDRESS);
	CHECK_OK(u_vm_protect(self, a + 20 * PAGE, PAGE, 0, VM_PROT_NONE));
	CHECK(u_vm_write(self, a + 19 * PAGE, a, 2 * PAGE) == KERN_PROTECTION_FAILURE);
	CHECK_OK(u_task_terminate(child));
	u_mach_port_deallocate(self, child);
	gone(a, 40);
}

static void wired_memory_stays(void)
{
	mach_port_t object, child;
	vm_address_t a, b = fresh(8), c = fresh(8);

	store_reset();
	object = store_object();
	a = map(object, 0, 8, false);
	CHECK(put(b, 1) && put(c, 2));
	CHECK_OK(u_vm_copy(self, b, 8 * PAGE, c));
	CHECK_OK(u_vm_wire(PRIV, self, a, 8 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	CHECK_OK(u_vm_wire(PRIV, self, b, 8 * PAGE, VM_PROT_READ));
	CHECK_OK(u_vm_wire(PRIV, self, c + PAGE, 2 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	CHECK_OK(u_vm_wire(PRIV, self, c, 8 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	CHECK(u_vm_wire(user_host_self(), self, a, 64 * PAGE, VM_PROT_READ) != KERN_SUCCESS);
	CHECK(put(a + PAGE, 1) && put(b + PAGE, 1) && put(c + PAGE, 1));
	CHECK_OK(u_memory_object_lock_request(store.st_control, 0, 8 * PAGE, MEMORY_OBJECT_RETURN_ALL, 1, VM_PROT_NO_CHANGE,
	    MACH_PORT_NULL));
	CHECK_OK(u_vm_protect(self, b, 2 * PAGE, 0, VM_PROT_READ));
	CHECK_OK(u_vm_protect(self, b, 2 * PAGE, 0, VM_PROT_READ | VM_PROT_WRITE));
	/* copies of what is wired are made at once */
	CHECK_OK(u_task_create(self, 1, &child));
	CHECK(put(b, 3));
	CHECK_OK(u_task_terminate(child));
	u_mach_port_deallocate(self, child);
	CHECK_OK(u_vm_copy(self, a, 4 * PAGE, c));
	CHECK_OK(u_vm_wire(PRIV, self, a, 8 * PAGE, VM_PROT_NONE));
	CHECK_OK(u_vm_wire(PRIV, self, c + PAGE, 2 * PAGE, VM_PROT_NONE));
	gone(a, 8);
	gone(b, 8);
	gone(c, 8);
	store_forget(object);
	/* all of a task, now and later */
	CHECK_OK(u_task_create(self, 0, &child));
	a = 0;
	CHECK_OK(u_vm_allocate(child, &a, 8 * PAGE, 1));
	CHECK_OK(u_vm_wire_all(PRIV, child, VM_WIRE_CURRENT | VM_WIRE_FUTURE));
	b = 0;
	CHECK_OK(u_vm_allocate(child, &b, 8 * PAGE, 1));
	CHECK_OK(u_vm_wire_all(PRIV, child, VM_WIRE_NONE));
	CHECK(u_vm_wire_all(user_host_self(), child, VM_WIRE_CURRENT) != KERN_SUCCESS);
	CHECK_OK(u_task_terminate(child));
	u_mach_port_deallocate(self, child);
}

static void limits_and_physical_pages(void)
{
	vm_size_t now, max;
	vm_address_t a = 0;
	rpc_phys_addr_t physical = 0;
	static rpc_phys_addr_t list[64];
	rpc_phys_addr_array_t pages = list;
	mach_msg_type_number_t n = 64;
	vm_machine_attribute_val_t value = MATTR_VAL_GET;
	struct vm_cache_statistics cs;
	mach_port_t child;

	CHECK_OK(u_task_create(self, 0, &child));
	CHECK_OK(u_vm_get_size_limit(child, &now, &max));
	CHECK_OK(u_vm_set_size_limit(PRIV, child, 1 << 20, 1 << 20));
	CHECK(u_vm_allocate(child, &a, 2 << 20, 1) == KERN_NO_SPACE);
	CHECK(u_vm_set_size_limit(user_host_self(), child, 1ul << 30, 1ul << 30) != KERN_SUCCESS);
	CHECK_OK(u_task_terminate(child));
	u_mach_port_deallocate(self, child);
	CHECK_OK(u_vm_allocate_contiguous(PRIV, self, &a, &physical, 4 * PAGE, 0, 1ul << 32, 4 * PAGE));
	CHECK(physical % (4 * PAGE) == 0);
	if (CHECK_OK(u_vm_pages_phys(PRIV, self, a, 4 * PAGE, &pages, &n)))
		CHECK(n == 4);
	gone(a, 4);
	a = fresh(1);
	CHECK_OK(u_vm_machine_attribute(self, a, PAGE, MATTR_CACHE, &value));
	CHECK(u_vm_machine_attribute(self, a, PAGE, MATTR_MIGRATE, &value) == KERN_INVALID_ARGUMENT);
	CHECK_OK(u_vm_cache_statistics(self, &cs));
	gone(a, 1);
}

static void regions_and_objects_can_be_looked_at(void)
{
	mach_port_t object, name = MACH_PORT_NULL, shadow = MACH_PORT_NULL, copy = MACH_PORT_NULL;
	vm_region_info_t region;
	vm_object_info_t info;
	static vm_page_info_t list[64];
	static vm_page_phys_info_t physical[64];
	vm_page_info_array_t pages = list;
	vm_page_phys_info_array_t where = physical;
	mach_msg_type_number_t n = 64, m = 64;
	vm_address_t a;

	store_reset();
	object = store_object();
	a = map(object, 0, 4, false);
	CHECK(put(a, 1));
	CHECK_OK(u_mach_vm_region_info(self, a, &region, &name));
	CHECK(region.vri_start == a && name != MACH_PORT_NULL);
	CHECK_OK(u_mach_vm_object_info(name, &info, &shadow, &copy));
	CHECK_OK(u_mach_vm_object_pages(name, &pages, &n));
	CHECK_OK(u_mach_vm_object_pages_phys(name, &where, &m));
	CHECK(n == m);
	u_mach_port_deallocate(self, name);
	if (shadow != MACH_PORT_NULL)
		u_mach_port_deallocate(self, shadow);
	if (copy != MACH_PORT_NULL)
		u_mach_port_deallocate(self, copy);
	CHECK(u_mach_vm_object_pages(self, &pages, &n) != KERN_SUCCESS);
	gone(a, 4);
	store_forget(object);
}

/* --- paging --- */

#define EATERS	2u
#define EATEN	4096ul		/* pages of each; twice the memory there is */

static volatile unsigned finished, wrong;

static void eater(uint64_t seed)
{
	vm_address_t a = 0;

	if (u_vm_allocate(user_task_self(), &a, EATEN * PAGE, 1) != KERN_SUCCESS)
		wrong++;
	for (uint64_t i = 0; i < EATEN; i++)
		wrong += !put(a + i * PAGE + 8, seed << 32 | i);
	for (uint64_t i = 0; i < EATEN; i++)
		wrong += word_at(a + i * PAGE + 8) != (seed << 32 | i);
	for (uint64_t i = 0; i < EATEN; i += 5)
		wrong += !put(a + i * PAGE + 16, i);
	for (uint64_t i = 0; i < EATEN; i += 5)
		wrong += word_at(a + i * PAGE + 16) != i || word_at(a + i * PAGE + 8) != (seed << 32 | i);
	wrong += u_vm_protect(user_task_self(), a, EATEN * PAGE / 2, 0, VM_PROT_READ) != KERN_SUCCESS;
	finished++;
	sleeper(0);
}

static void twice_the_memory_keeps_its_contents(void)
{
	mach_port_t child[EATERS], object;
	vm_address_t a;

	store_reset();
	finished = wrong = 0;
	/* an object's pages are paged as well */
	object = store_object();
	a = map(object, 0, 256, false);
	for (unsigned i = 0; i < 256; i++)
		CHECK(put(a + i * PAGE + 8, i));
	for (unsigned i = 0; i < EATERS; i++) {
		CHECK_OK(u_task_create(self, 0, &child[i]));
		CHECK_OK(u_vm_set_size_limit(PRIV, child[i], 1ul << 32, 1ul << 32));
		u_mach_port_deallocate(self, user_thread(child[i], eater, i + 1));
	}
	for (unsigned ms = 0; ms < 600000 && finished < EATERS; ms += 10)
		user_sleep(10);
	CHECK(finished == EATERS && wrong == 0 && store.st_seen[8] + store.st_seen[51] > 0);
	for (unsigned i = 0; i < 256; i++)
		CHECK(word_at(a + i * PAGE) == store_pattern(i) && word_at(a + i * PAGE + 8) == i);
	for (unsigned i = 0; i < EATERS; i++) {
		CHECK_OK(u_task_terminate(child[i]));
		u_mach_port_deallocate(self, child[i]);
	}
	gone(a, 256);
	store_forget(object);
}

static void copies_of_what_is_paged_out(void)
{
	mach_port_t child, victim;
	vm_address_t a = fresh(64), b;
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;

	store_reset();
	for (unsigned i = 0; i < 64; i++)
		CHECK(put(a + i * PAGE, i + 1));
	CHECK_OK(u_vm_inherit(self, a, 16 * PAGE, VM_INHERIT_SHARE));
	CHECK_OK(u_task_create(self, 1, &child));
	finished = wrong = 0;
	CHECK_OK(u_task_create(self, 0, &victim));
	CHECK_OK(u_vm_set_size_limit(PRIV, victim, 1ul << 32, 1ul << 32));
	u_mach_port_deallocate(self, user_thread(victim, eater, 9));
	user_sleep(1);
	CHECK_OK(u_vm_read(self, a, 64 * PAGE, &data, &n));
	CHECK_OK(u_vm_wire(PRIV, self, a + 20 * PAGE, 8 * PAGE, VM_PROT_READ | VM_PROT_WRITE));
	for (unsigned ms = 0; ms < 600000 && !finished; ms += 10)
		user_sleep(10);
	CHECK(finished == 1 && wrong == 0);
	b = fresh(64);
	CHECK_OK(u_vm_copy(child, a, 16 * PAGE, a + 16 * PAGE));
	CHECK_OK(u_vm_copy(self, a, 64 * PAGE, b));
	for (unsigned i = 0; i < 64; i++)
		CHECK(word_at(a + i * PAGE) == i + 1 && word_at(b + i * PAGE) == i + 1 && word_at(data + i * PAGE) == i + 1);
	CHECK_OK(u_task_terminate(victim));
	CHECK_OK(u_task_terminate(child));
	u_mach_port_deallocate(self, victim);
	u_mach_port_deallocate(self, child);
	gone(data, 64);
	gone(b, 64);
	gone(a, 64);
}

static void init(uint64_t argument)
{
	mach_port_t old;

	(void)argument;
	self = user_task_self();
	manager = store_start();
	/* the pager lives in this task: it must never wait for itself */
	CHECK_OK(u_vm_wire_all(PRIV, self, VM_WIRE_CURRENT));
	(void)user_host_self();
	user_sleep(1);
	RUN(an_object_gives_its_pages_and_takes_them_back);
	RUN(attributes_are_what_the_pager_said);
	RUN(copies_of_an_object_stay_as_they_were);
	RUN(a_pager_that_cannot_is_an_error_to_who_asks);
	RUN(a_pager_that_dies_takes_its_pages_along);
	RUN(a_pager_may_destroy_what_is_mapped);
	RUN(a_proxy_shows_part_of_an_object);
	RUN(generations_share_and_copy);
	RUN(reads_and_writes_of_other_tasks);
	RUN(wired_memory_stays);
	RUN(limits_and_physical_pages);
	RUN(regions_and_objects_can_be_looked_at);
	old = manager;
	CHECK_OK(u_vm_set_default_memory_manager(PRIV, &old));
	user_sleep(100);
	/* paging space that was opened stays open: it is not counted */
	twice_the_memory_keeps_its_contents();
	RUN(twice_the_memory_keeps_its_contents);
	RUN(copies_of_what_is_paged_out);
	exit(cases_end());
}

int main(void)
{
	static struct sim_config cf = { .cf_cpus = 1, .cf_memory_mb = 24, .cf_init = init };

	sim_boot(&cf);
	return 1;
}
