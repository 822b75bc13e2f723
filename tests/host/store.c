/* SPDX-License-Identifier: BSD-2-Clause */
/* See store.h. Every message that names a control port brings a reference to it, which is given back when it has been served. */
#include <stdlib.h>
#include <string.h>
#include "store.h"

#define PAGE	4096u
#define SLOTS	(1u << 16)

enum {
	INIT = 2200, TERMINATE = 2201, DATA_REQUEST = 2203, DATA_UNLOCK = 2204, DATA_RETURN = 2208, CREATE = 2250, DATA_INITIALIZE = 2251
};

struct kept {
	mach_port_t	 object;
	uint64_t	 index;
	uint8_t		 data[PAGE];
};

struct request {
	mach_msg_header_t h;
	struct { mach_msg_type_t type; uint64_t value; } item[8];
	char room[64];
};

struct store store;
static struct kept *kept[SLOTS];
static mach_port_t set, manager;

uint64_t store_pattern(uint64_t n) { return 0x5a5a000000000000ull + n; }

void store_reset(void)
{
	unsigned pages = store.st_pages;

	memset(&store, 0, sizeof store);
	store.st_strategy = MEMORY_OBJECT_COPY_DELAY;
	store.st_pages = pages;
}

static struct kept **slot_of(mach_port_t object, uint64_t index)
{
	unsigned n = (unsigned)(object * 40503u + index * 2654435761u) % SLOTS;

	while (kept[n] != NULL && (kept[n]->object != object || kept[n]->index != index))
		n = (n + 1) % SLOTS;
	return &kept[n];
}

static void forget_pages(mach_port_t object)
{
	/* names stay in their slots, so that what lies behind them is still found */
	for (unsigned n = 0; n < SLOTS; n++)
		if (kept[n] != NULL && kept[n]->object == object) {
			kept[n]->object = MACH_PORT_DEAD;
			store.st_pages--;
		}
}

static void keep(mach_port_t object, uint64_t offset, vm_address_t data, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE) {
		struct kept **k = slot_of(object, (offset + at) / PAGE);

		if (*k == NULL) {
			*k = calloc(1, sizeof **k);
			(*k)->object = object;
			(*k)->index = (offset + at) / PAGE;
			store.st_pages++;
		}
		sim_read(data + at, (*k)->data, PAGE);
	}
	u_vm_deallocate(user_task_self(), data, size);
}

static void supply(mach_port_t object, mach_port_t control, uint64_t offset)
{
	struct kept *k = *slot_of(object, offset / PAGE);
	static uint8_t page[PAGE];
	vm_address_t at = 0;
	uint64_t word = store_pattern(offset / PAGE);

	if (k == NULL && store.st_unavailable) {
		u_memory_object_data_unavailable(control, offset, PAGE);
		return;
	}
	memset(page, 0, sizeof page);
	memcpy(page, &word, sizeof word);
	while (u_vm_allocate(user_task_self(), &at, PAGE, 1) != KERN_SUCCESS)
		user_sleep(1);
	sim_write(at, k != NULL ? k->data : page, PAGE);
	while (u_memory_object_data_supply(control, offset, at, PAGE, 1, store.st_lock, store.st_precious, store.st_reply_to) !=
	    KERN_SUCCESS)
		user_sleep(1);
}

static void data_request(mach_port_t object, mach_port_t control, uint64_t offset, uint64_t length)
{
	if (store.st_silent)
		return;
	if (store.st_error != KERN_SUCCESS) {
		u_memory_object_data_error(control, offset, length, store.st_error);
		return;
	}
	for (uint64_t at = 0; at < length; at += PAGE)
		supply(object, control, offset + at);
}

static void create(const struct request *m)
{
	mach_port_t object = (mach_port_t)m->item[0].value, control = (mach_port_t)m->item[2].value;

	if (store.st_refuse) {
		u_memory_object_destroy(control, KERN_RESOURCE_SHORTAGE);
		u_mach_port_deallocate(user_task_self(), control);
		u_mach_port_mod_refs(user_task_self(), object, MACH_PORT_RIGHT_RECEIVE, -1);
	} else {
		u_mach_port_move_member(user_task_self(), object, set);
		u_memory_object_ready(control, 0, MEMORY_OBJECT_COPY_NONE);
	}
	u_mach_port_deallocate(user_task_self(), (mach_port_t)m->item[3].value);
}

static void terminate(mach_port_t object, mach_port_t control, mach_port_t name)
{
	mach_port_t self = user_task_self();

	/* the receive rights have the names of the send rights there are */
	u_mach_port_mod_refs(self, control, MACH_PORT_RIGHT_RECEIVE, -1);
	u_mach_port_mod_refs(self, name, MACH_PORT_RIGHT_RECEIVE, -1);
	u_mach_port_deallocate(self, control);
	if (store.st_control == control)
		store.st_control = MACH_PORT_NULL;
	forget_pages(object);
}

static void serve(const struct request *m)
{
	mach_port_t object = m->h.msgh_local_port, control = (mach_port_t)m->item[0].value, self = user_task_self();
	uint64_t offset = m->item[1].value, size = m->item[2].value;

	if (m->h.msgh_id >= INIT && m->h.msgh_id < INIT + 56)
		store.st_seen[m->h.msgh_id - INIT]++;
	switch (m->h.msgh_id) {
	case INIT:
		store.st_control = control;
		u_memory_object_ready(control, store.st_may_cache, store.st_strategy);
		u_mach_port_deallocate(self, (mach_port_t)m->item[1].value);
		return;
	case CREATE:
		create(m);
		return;
	case TERMINATE:
		terminate(object, control, (mach_port_t)m->item[1].value);
		return;
	case DATA_REQUEST:
		data_request(object, control, offset, size);
		break;
	case DATA_UNLOCK:
		u_memory_object_lock_request(control, offset, size, MEMORY_OBJECT_RETURN_NONE, 0, VM_PROT_NONE, MACH_PORT_NULL);
		break;
	case DATA_RETURN:
	case DATA_INITIALIZE:
		keep(object, offset, m->item[2].value, m->item[2].type.msgt_number);
		break;
	default:
		return;
	}
	u_mach_port_deallocate(self, control);
}

static void loop(uint64_t priv)
{
	static struct request m;

	/* may use the memory that is kept for those who make more */
	u_thread_wire((mach_port_t)priv, user_thread_self(), 1);
	for (;;)
		if (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, set, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
			serve(&m);
}

mach_port_t store_start(void)
{
	mach_port_t self = user_task_self(), thread;

	store_reset();
	u_mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	manager = user_port();
	u_mach_port_move_member(self, manager, set);
	thread = user_thread(self, loop, sim_init_argument(SIM_HOST_PRIV));
	u_mach_port_deallocate(self, thread);
	return manager;
}

mach_port_t store_object(void)
{
	mach_port_t object = user_port();

	u_mach_port_move_member(user_task_self(), object, set);
	return object;
}

void store_forget(mach_port_t object)
{
	mach_port_t control = store.st_control;

	user_sleep(5);
	forget_pages(object);
	u_mach_port_destroy(user_task_self(), object);
	/* it has not ended by itself */
	if (store.st_control != MACH_PORT_NULL)
		u_mach_port_deallocate(user_task_self(), control);
	store.st_control = MACH_PORT_NULL;
}

bool store_wait(int id, unsigned count)
{
	for (unsigned ms = 0; ms < 500 && store.st_seen[id - INIT] < count; ms++)
		user_sleep(1);
	return store.st_seen[id - INIT] >= count;
}
