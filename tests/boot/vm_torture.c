/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pagers that lie, stall, answer twice, for the wrong page or in hostile sizes, and die, while memory is full; beside
 * them a task with an honest pager and anonymous memory of its own. Whoever touches an evil object may fail or wait;
 * nobody else may notice, and nothing is left over.
 */
#include "harness/test.h"
#include <mach/mach4.h>

#define SELF	mach_task_self()
#define PAGE	4096ul
#define EVIL	6u		/* objects */
#define PAGES	64ul		/* of each */
#define SECONDS	10u

struct pager_message {
	mach_msg_header_t h;
	struct { mach_msg_type_t t; union { uint64_t v; mach_port_t port; void *p; }; } item[8];
	char more[1024];
};

struct shared {
	volatile bool	 stop;
	volatile unsigned rounds, wrong;
};
static struct shared *shared;
static mach_port_t evil[EVIL], evil_set, honest;
static volatile unsigned honest_requests;

static uint32_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 0x2545f4914f6cdd1dull >> 32);
}

static void
supply(mach_port_t c, vm_offset_t offset, vm_size_t size, char fill, vm_prot_t lock, boolean_t precious, mach_port_t reply)
{
	vm_address_t a = 0;

	if (size == 0 || vm_allocate(SELF, &a, size, 1) != KERN_SUCCESS)
		return;
	*(volatile char *)a = fill;
	(void)memory_object_data_supply(c, offset, a, size, 1, lock, precious, reply);
}

/* an answer to a request, or something else */
static void
misbehave(mach_port_t c, vm_offset_t offset, uint64_t *rnd)
{
	static const vm_offset_t far[] = { ~0ul & ~(PAGE - 1), 1ul << 63, 1ul << 40, 7, PAGES * PAGE };
	mach_port_t reply = next_random(rnd) % 4 == 0 ? evil[next_random(rnd) % EVIL] : MACH_PORT_NULL;
	vm_prot_t lock = next_random(rnd) % 8 == 0 ? next_random(rnd) & 7 : VM_PROT_NONE;

	switch (next_random(rnd) % 16) {
	case 0:
		return;						/* stalls */
	case 1:
		supply(c, offset, PAGE, 'x', lock, 0, reply);
		supply(c, offset, PAGE, 'y', lock, 1, reply);
		return;
	case 2:
		supply(c, offset + PAGE, PAGE, 'w', lock, 0, reply);
		return;
	case 3:
		supply(c, far[next_random(rnd) % 5], PAGE * (1 + next_random(rnd) % 20), 'f', lock, 0, reply);
		break;
	case 4:
		supply(c, offset, next_random(rnd) % (5 * PAGE), 'o', lock, 1, reply);
		return;
	case 5:
		(void)memory_object_data_unavailable(c, offset, PAGE);
		return;
	case 6:
		(void)memory_object_data_error(c, offset, PAGE, KERN_FAILURE);
		return;
	case 7:
		(void)memory_object_data_error(c, 0, ~0ul, KERN_FAILURE);
		return;
	case 8:
		(void)memory_object_lock_request(c, 0, next_random(rnd) % 2 ? ~0ul : PAGE * 8, next_random(rnd) % 3, next_random(rnd) % 2,
		    next_random(rnd) % 2 ? VM_PROT_NO_CHANGE : next_random(rnd) & 7, reply);
		break;
	case 9:
		(void)memory_object_change_attributes(c, next_random(rnd) % 2, next_random(rnd) % 5 - 1, reply);
		break;
	case 10:
		if (next_random(rnd) % 16 == 0)
			(void)memory_object_destroy(c, KERN_FAILURE);
		break;
	}
	supply(c, offset, PAGE, 's', VM_PROT_NONE, next_random(rnd) % 2, MACH_PORT_NULL);
}

/* drop what a message brought, but for what the caller keeps */
static void
evil_message(struct pager_message *m, uint64_t *rnd)
{
	mach_port_t c = m->item[0].port;

	switch (m->h.msgh_id) {
	case 2200:
		if (next_random(rnd) % 8 != 0)
			(void)memory_object_ready(c, next_random(rnd) % 2, 2);
		break;
	case 2203:
		misbehave(c, m->item[1].v, rnd);
		break;
	case 2204:
		if (next_random(rnd) % 3 != 0)
			(void)memory_object_lock_request(c, m->item[1].v, PAGE, 0, 0, VM_PROT_NONE, MACH_PORT_NULL);
		break;
	case 2208:
		if (next_random(rnd) % 8 == 0)
			test_sleep(next_random(rnd) % 50);
		break;
	}
	mach_msg_destroy(&m->h);
}

static void
evil_pager(void *arg)
{
	uint64_t rnd = 0x9e3779b97f4a7c15ull * ((uintptr_t)arg + 1);
	struct pager_message m;

	while (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, evil_set, 200, 0) != MACH_RCV_INVALID_NAME) {
		if (shared->stop)
			break;
		if (m.h.msgh_id != 0)
			evil_message(&m, &rnd);
		m.h.msgh_id = 0;
	}
	mig_dealloc_reply_port(mig_get_reply_port());
}

static void
honest_pager(void *arg)
{
	struct pager_message m;

	(void)arg;
	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, honest, 0, 0) == 0) {
		mach_port_t c = m.item[0].port;

		if (m.h.msgh_id == 2200)
			(void)memory_object_ready(c, 0, 2);
		else if (m.h.msgh_id == 2203)
			supply(c, m.item[1].v, PAGE, (char)('A' + m.item[1].v / PAGE % 26), VM_PROT_NONE, 0, MACH_PORT_NULL);
		honest_requests += m.h.msgh_id == 2203;
		mach_msg_destroy(&m.h);
	}
	mig_dealloc_reply_port(mig_get_reply_port());
}

/* a task that maps evil objects in every way and touches them; what it gets is its own affair. Its rights have their names from here */
static void
client(void *arg)
{
	uint64_t rnd = 0x2545f4914f6cdd1dull * ((uintptr_t)arg + 3);

	test_sleep(50);
	for (;;) {
		mach_port_t object = evil[next_random(&rnd) % EVIL], proxy = MACH_PORT_NULL;
		vm_address_t a = 0, b = 0;

		if (vm_map(SELF, &a, PAGES * PAGE, 0, 1, object, 0, next_random(&rnd) % 2, 3, 7, next_random(&rnd) % 2) != KERN_SUCCESS)
			continue;
		if (next_random(&rnd) % 4 == 0 && vm_region_create_proxy(SELF, a, VM_PROT_READ, PAGES * PAGE, &proxy) == KERN_SUCCESS) {
			(void)vm_map(SELF, &b, PAGES * PAGE, 0, 1, proxy, 0, 0, 1, 1, 0);
			mach_port_deallocate(SELF, proxy);
		}
		for (unsigned i = 0; i < 40; i++) {
			vm_address_t at = a + next_random(&rnd) % PAGES * PAGE;

			if (next_random(&rnd) % 2)
				*(volatile char *)at = 'c';
			else
				(void)*(volatile char *)at;
			if (next_random(&rnd) % 16 == 0)
				(void)vm_msync(SELF, a, PAGES * PAGE, next_random(&rnd) % 8);
			if (b != 0)
				(void)*(volatile char *)(b + at - a);
		}
		(void)vm_deallocate(SELF, a, PAGES * PAGE);
		if (b != 0)
			(void)vm_deallocate(SELF, b, PAGES * PAGE);
	}
}

/* its values, and its pager's values */
static void
bystander(void *arg)
{
	vm_address_t mine = 0, object = (vm_address_t)arg;

	if (vm_allocate(SELF, &mine, PAGES * PAGE, 1) != KERN_SUCCESS)
		return;
	for (unsigned long i = 0; i < PAGES; i++)
		*(volatile uint64_t *)(mine + i * PAGE) = i * 3 + 1;
	while (!shared->stop) {
		for (unsigned long i = 0; i < PAGES; i++) {
			shared->wrong += *(volatile uint64_t *)(mine + i * PAGE) != i * 3 + 1;
			shared->wrong += *(volatile char *)(object + i * PAGE) != (char)('A' + i % 26);
		}
		shared->rounds++;
		test_sleep(10);
	}
}

/* keeps memory full */
static void
hog(void *arg)
{
	struct vm_statistics st;
	vm_address_t a = 0;
	unsigned long pages;

	(void)arg;
	vm_statistics(SELF, &st);
	pages = st.free_count + st.active_count + st.inactive_count;
	if (vm_allocate(SELF, &a, pages * PAGE, 1) != KERN_SUCCESS)
		return;
	for (;;) {
		for (unsigned long i = 0; i < pages; i++)
			*(volatile unsigned long *)(a + i * PAGE) = i;
		test_sleep(5);
	}
}

static mach_port_t
start_client(unsigned n)
{
	mach_port_t task = test_fork(client, (void *)(uintptr_t)n);

	for (unsigned i = 0; i < EVIL; i++)
		(void)mach_port_insert_right(task, evil[i], evil[i], MACH_MSG_TYPE_COPY_SEND);
	return task;
}

static void
end_task(mach_port_t task)
{
	task_terminate(task);
	mach_port_deallocate(SELF, task);
}

void
test_prepare(void)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, PAGE, 1));
	CHECK_OK(vm_inherit(SELF, a, PAGE, VM_INHERIT_SHARE));
	shared = (struct shared *)a;
	CHECK_OK(vm_set_size_limit(test_host_priv, SELF, 1ul << 40, 1ul << 40));
	/* names no child has for its own use */
	for (unsigned i = 0; i < 64; i++)
		(void)mig_get_reply_port();
	test_sleep(300);
}

static void
torture(unsigned seconds)
{
	mach_port_t thread[4], task[4], other, eater;
	vm_address_t object = 0;
	unsigned rounds, died = 0;

	shared->stop = false;
	shared->rounds = 0;
	honest = test_port_with_send();
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &evil_set));
	for (unsigned i = 0; i < EVIL; i++) {
		evil[i] = test_port_with_send();
		CHECK_OK(mach_port_move_member(SELF, evil[i], evil_set));
	}
	for (unsigned i = 0; i < 3; i++)
		thread[i] = test_thread(evil_pager, (void *)(uintptr_t)i);
	thread[3] = test_thread(honest_pager, 0);
	CHECK_OK(vm_map(SELF, &object, PAGES * PAGE, 0, 1, honest, 0, 0, 1, 1, VM_INHERIT_SHARE));
	other = test_fork(bystander, (void *)object);
	eater = test_fork(hog, 0);
	for (unsigned i = 0; i < 4; i++)
		task[i] = start_client(i);
	for (unsigned t = 0; t < seconds * 10; t++) {
		test_sleep(100);
		for (unsigned i = 0; i < 4; i++) {
			/* who died of its pager is replaced; who waits for one for long, too */
			if (test_type(task[i]) != MACH_PORT_TYPE_SEND || t % 20 == 5 * i) {
				died += test_type(task[i]) != MACH_PORT_TYPE_SEND;
				end_task(task[i]);
				task[i] = start_client(t * 4 + i);
			}
		}
	}
	rounds = shared->rounds;
	for (unsigned i = 0; i < 200 && shared->rounds == rounds; i++)
		test_sleep(100);
	test_say("# the bystander saw its memory %d times; %d clients died of their pagers", shared->rounds, died);
	CHECK(shared->rounds > rounds);
	CHECK_EQ(shared->wrong, 0);
	for (unsigned i = 0; i < 4; i++)
		end_task(task[i]);
	end_task(eater);
	shared->stop = true;
	test_sleep(500);
	end_task(other);
	for (unsigned i = 0; i < 3; i++)
		test_thread_join(thread[i]);
	for (unsigned i = 0; i < EVIL; i++)
		test_port_destroy(evil[i]);
	CHECK_OK(mach_port_destroy(SELF, evil_set));
	CHECK_OK(vm_deallocate(SELF, object, PAGES * PAGE));
	test_sleep(500);
	test_port_destroy(honest);
	test_thread_join(thread[3]);
}

/* paging space, and the objects it consists of, come as they are needed: the first time does not count */
TEST_FLAGS(evil_pagers_hurt_only_those_who_touch_their_pages, TEST_MAY_LEAK)
{
	torture(4);
}

/* pages that were read ahead stay while there is room: what must be gone is everything else */
static bool
counted(const char *name)
{
	static const char *const kinds[] = {
		"task", "thread", "space", "port", "pset", "kmsg", "map", "object", "map_copy", "pmap"
	};

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const char *a = kinds[i], *b = name;

		while (*a != 0 && *a == *b)
			a++, b++;
		if (*a == *b)
			return true;
	}
	return false;
}

TEST_FLAGS(evil_pagers_leave_nothing_behind, TEST_MAY_LEAK)
{
	struct test_counts before, after;
	unsigned more = 1;

	test_sleep(500);
	test_counts_read(&before);
	torture(SECONDS);
	for (unsigned tries = 0; tries < 100 && more != 0; tries++) {
		test_sleep(50);
		test_counts_read(&after);
		more = 0;
		for (unsigned i = 0; i < after.n; i++)
			more += counted(after.c[i].name) && after.c[i].value > before.c[i].value;
	}
	for (unsigned i = 0; more != 0 && i < after.n; i++)
		if (counted(after.c[i].name) && after.c[i].value > before.c[i].value)
			test_say("# leak: %s %ld before, %ld after", after.c[i].name, before.c[i].value, after.c[i].value);
	CHECK_EQ(more, 0);
}
