/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processors at once, for TSan: threads of a few tasks send, move rights, map and unmap, create and end each other, for a
 * while. What the kernel's threads do to each other's data without a lock is what is looked for; that all of it ends is the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user.h"

#define WORKERS	6

/*
 * Read without their locks on purpose: hints that are looked at again under the lock, statistics that may lose a count, bits that never
 * change. Matched by the function at the top; anything else ends the test.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "halt_on_error=1"; }
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return	"race_top:lockdep_unlock_spin\n"	/* longest times: may miss one */
		"race_top:note_hold\n"
		"race_top:lockdep_contended\n"
		"race_top:lockdep_contended_sleep\n"
		"race_top:place_of\n"
		"race_top:vm_fault\n"			/* event counts of task and CPU: may miss one */
		"race_top:fault_begins\n"
		"race_top:fault_ends\n"
		"race_top:resolve_empty\n"
		"race_top:vm_page_my_events\n"
		"race_top:best_elsewhere\n"		/* what waits at other processors, without their locks */
		"race_top:runq_best\n"
		"race_top:runq_take\n"			/* rq_count, against looks for the shortest queue and for work */
		"race_top:runq_push\n"
		"race_top:stack_free\n"			/* is the list of spare stacks long? */
		"race_top:stack_keep\n"
		"race_top:stack_try_alloc\n"
		"race_top:stack_maker_go_on\n"
		"race_top:queue_empty\n"		/* is there anybody to wake, or anything to do? */
		"race_top:ipc_port_alive\n"		/* a death is noticed at the lock, or later */
		"race_top:block_split\n"		/* page_free_pages changes, against looks whether pages are few */
		"race_top:block_free\n";
}

static mach_port_t port[WORKERS];	/* names in the first task, where all workers are */
static uint32_t finished;
static unsigned rounds = 40;

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

static void destroy_contents(const mach_msg_type_t *t, mach_port_t name, uint64_t address)
{
	if (t->msgt_inline)
		u_mach_port_destroy(user_task_self(), name);
	else
		u_vm_deallocate(user_task_self(), address, 2 * 4096);
}

/* a right or some memory to anyone; whatever has come to us */
static void talk(unsigned me, uint64_t *seed)
{
	struct {
		mach_msg_header_t h;
		mach_msg_type_t t;
		union { mach_port_t name; uint64_t address; };
		char room[256];
	} m;
	mach_port_t fresh = user_port();
	vm_address_t at = 0;

	memset(&m, 0, sizeof m);
	m.h = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
		.msgh_remote_port = port[draw(seed) % WORKERS], .msgh_id = 1,
	};
	if (draw(seed) & 1) {
		m.t = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_MOVE_RECEIVE, .msgt_size = 64, .msgt_number = 1, .msgt_inline = 1 };
		m.name = fresh;
	} else {
		uint64_t v = me;

		u_vm_allocate(user_task_self(), &at, 3 * 4096, 1);
		sim_write(at + 4096, &v, sizeof v);
		m.t = (mach_msg_type_t){ .msgt_name = 8, .msgt_size = 8, .msgt_number = 2 * 4096, .msgt_deallocate = 1 };
		m.address = at + 100;
	}
	/* what was sent is the receiver's to destroy: it is of this task and knows it by the same name. What was not came back, with
	   names and addresses of its own: the old ones may be somebody else's by now */
	if (mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 48, 0, MACH_PORT_NULL, 1, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		destroy_contents(&m.t, m.name, m.address);
	if (at != 0)
		u_mach_port_destroy(user_task_self(), fresh);
	while (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port[me], 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		destroy_contents(&m.t, m.name, m.address);
}

static void short_life(uint64_t at)
{
	uint64_t v = 1;

	(void)sim_try_write(at, &v, sizeof v);
	for (;;)
		user_sleep(1);
}

/* a child with a copy of everything, which is ended in the middle of it */
static void breed(uint64_t *seed)
{
	mach_port_t task, thread, self = user_task_self();
	vm_address_t at = 0;
	uint64_t v = 2;

	if (u_vm_allocate(self, &at, 4 * 4096, 1) != KERN_SUCCESS)
		return;
	sim_write(at, &v, sizeof v);
	if (u_task_create(self, 1, &task) == KERN_SUCCESS) {
		thread = user_thread(task, short_life, at);
		sim_write(at, &v, sizeof v);
		if (draw(seed) & 1)
			user_sleep(1);
		u_thread_suspend(thread);
		u_thread_abort(thread);
		u_task_terminate(task);
		u_mach_port_deallocate(self, thread);
		u_mach_port_deallocate(self, task);
	}
	u_vm_deallocate(self, at, 4 * 4096);
}

static void worker(uint64_t me)
{
	uint64_t seed = me + 1;

	for (unsigned i = 0; i < rounds; i++) {
		talk((unsigned)me, &seed);
		if (draw(&seed) % 4 == 0)
			breed(&seed);
	}
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
	user_exit();
}

static void init(uint64_t argument)
{
	(void)argument;
	sim_program_add(worker);
	sim_program_add(short_life);
	for (unsigned i = 0; i < WORKERS; i++)
		port[i] = user_port();
	for (unsigned i = 0; i < WORKERS; i++)
		user_thread(user_task_self(), worker, i);
	for (unsigned ms = 0; ms < 120000 && __atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS; ms += 10)
		user_sleep(10);
	printf("%sok 1 - threads of several processors end their work\n1..1\n", finished == WORKERS ? "" : "not ");
	fflush(stdout);
	exit(finished != WORKERS);
}

int main(int argc, char **argv)
{
	static struct sim_config cf = { .cf_cpus = 4, .cf_memory_mb = 64, .cf_init = init };

	if (argc > 1)
		cf.cf_cpus = (unsigned)atoi(argv[1]);
	if (argc > 2)
		rounds = (unsigned)atoi(argv[2]);
	sim_boot(&cf);
	return 1;
}
