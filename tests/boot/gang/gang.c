/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gang scheduling by a server: how much of the time all members of a gang run together, with and without it, and what that
 * means for members who wait for each other at a barrier.
 *
 * Who runs is what the kernel says: every 10 ms each processor notes its thread (task_enable_pc_sampling), all processors at about
 * the same time. As many samples one after another as there are processors for gangs, of different threads, are a picture of
 * one moment. (Clocks of emulated processors are no use: the host stops them one by one.)
 */
#include <mach/mach_host.h>
#include <mach/pc_sample.h>
#include <gang.h>
#include "../../../servers/gang/gang_serve.h"
#include "../harness/test.h"

#define SELF	mach_task_self()

enum { GANGS = 2, MEMBERS_MAX = 8, RUN_MS = 3000, PICTURES_MAX = 8192 };

static struct member {
	unsigned	 gang;
	mach_port_t	 thread;
	uint64_t	 id;			/* in samples */
} members[GANGS * MEMBERS_MAX];

static unsigned per_gang;
static volatile bool stop;
static mach_port_t service, server;

/* names of its rights in the server's task */
enum { SERVER_HOST = 0x5001, SERVER_SERVICE };

static void serve(void *arg)
{
	(void)arg;
	while (!(test_type(SERVER_SERVICE) & MACH_PORT_TYPE_RECEIVE))
		test_sleep(1);
	gang_serve(SERVER_HOST, SERVER_SERVICE);
}

static void start_server(void)
{
	service = test_port_with_send();
	server = test_fork(serve, NULL);
	CHECK_OK(mach_port_insert_right(server, SERVER_HOST, test_host_priv, MACH_MSG_TYPE_COPY_SEND));
	CHECK_OK(mach_port_insert_right(server, SERVER_SERVICE, service, MACH_MSG_TYPE_MOVE_RECEIVE));
}

/* what a server that dies leaves behind is brought back with the privileged port */
static void end_server(void)
{
	processor_set_name_array_t list;
	mach_msg_type_number_t n = 0;
	mach_port_t control;

	CHECK_OK(task_terminate(server));
	mach_port_deallocate(SELF, server);
	mach_port_deallocate(SELF, service);
	REQUIRE(host_processor_sets(mach_host_self(), &list, &n) == KERN_SUCCESS);
	for (unsigned i = 0; i < n; i++) {
		if (CHECK_OK(host_processor_set_priv(test_host_priv, list[i], &control))) {
			processor_set_destroy(control);		/* but the default one */
			mach_port_deallocate(SELF, control);
		}
		mach_port_deallocate(SELF, list[i]);
	}
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
	CHECK_EQ(test_cpus(), per_gang + 1);
}

static void run(void *arg)
{
	(void)arg;
	while (!stop)
		__asm__ volatile("pause");
}

/* --- gangs of threads --- */

static mach_port_t gangs[GANGS];

static void start_gangs(void (*fn)(void *), int slice)
{
	stop = false;
	CHECK_OK(gang_set_slice(service, slice));
	for (unsigned g = 0; g < GANGS; g++) {
		CHECK_OK(gang_create(service, &gangs[g]));
		for (unsigned i = 0; i < per_gang; i++) {
			struct member *m = &members[g * MEMBERS_MAX + i];

			m->gang = g;
			m->thread = test_thread(fn, m);
			CHECK_OK(gang_join(gangs[g], m->thread));
		}
	}
}

static void end_gangs(void)
{
	stop = true;
	/* the gangs end with these: then everybody may run and see that it is over */
	for (unsigned g = 0; g < GANGS; g++)
		mach_port_deallocate(SELF, gangs[g]);
	for (unsigned g = 0; g < GANGS; g++)
		for (unsigned i = 0; i < per_gang; i++)
			test_thread_join(members[g * MEMBERS_MAX + i].thread);
}

/* --- pictures --- */

static sampled_pc_t samples[MAX_PC_SAMPLES];
static const struct member *pictures[PICTURES_MAX];
static unsigned picture_n;

/* each member once alone, to know its samples from others' */
static void learn_ids(void)
{
	for (unsigned g = 0; g < GANGS; g++)
		for (unsigned i = 0; i < per_gang; i++) {
			struct member *m = &members[g * MEMBERS_MAX + i];
			mach_msg_type_number_t n = 0;
			int v;

			CHECK_OK(thread_enable_pc_sampling(m->thread, &v, SAMPLED_PC_PERIODIC));
			for (int wait = 0; wait < 1000 && n == 0; wait++) {
				sampled_pc_seqno_t seqno = 0;

				test_sleep(10);
				CHECK_OK(thread_get_sampled_pcs(m->thread, &seqno, samples, &n));
			}
			m->id = n > 0 ? samples[0].id : 0;
			CHECK_OK(thread_disable_pc_sampling(m->thread, &v));
		}
}

static const struct member *member_of(uint64_t id)
{
	for (unsigned i = 0; i < GANGS * MEMBERS_MAX; i++)
		if (members[i].id == id && id != 0)
			return &members[i];
	return NULL;
}

static void take_pictures(void)
{
	sampled_pc_seqno_t seqno = 0;
	mach_msg_type_number_t n = 0;
	int v;

	picture_n = 0;
	CHECK_OK(task_enable_pc_sampling(SELF, &v, SAMPLED_PC_PERIODIC));
	for (int ms = 0; ms < RUN_MS; ms += 100) {
		test_sleep(100);
		CHECK_OK(task_get_sampled_pcs(SELF, &seqno, samples, &n));
		for (unsigned i = 0; i < n; i++)
			if (member_of(samples[i].id) && picture_n < PICTURES_MAX)
				pictures[picture_n++] = member_of(samples[i].id);
	}
	CHECK_OK(task_disable_pc_sampling(SELF, &v));
}

static bool all_different(const struct member **m)
{
	for (unsigned i = 0; i < per_gang; i++)
		for (unsigned k = i + 1; k < per_gang; k++)
			if (m[i] == m[k])
				return false;
	return true;
}

/* => percent of the pictures that show one gang, whole */
static unsigned measure_together(int slice)
{
	unsigned good = 0, n = 0;

	start_gangs(run, slice);
	learn_ids();
	take_pictures();
	end_gangs();
	for (unsigned at = 0; at + per_gang <= picture_n; at++) {
		unsigned same = 1;

		if (!all_different(&pictures[at]))
			continue;
		for (unsigned i = 1; i < per_gang; i++)
			same += pictures[at + i]->gang == pictures[at]->gang;
		good += same == per_gang;
		n++;
		at += per_gang - 1;
	}
	test_say("# slice %d ms: %d samples, %d pictures, %d of them whole gangs", slice, picture_n, n, good);
	return n ? 100 * good / n : 0;
}

/* --- a barrier: who waits, spins --- */

static struct barrier {
	volatile unsigned here, round;
	char		 line[56];
} barriers[GANGS];

static void meet(void *arg)
{
	const struct member *m = arg;
	struct barrier *b = &barriers[m->gang];

	while (!stop) {
		unsigned round = b->round;

		if (__atomic_add_fetch(&b->here, 1, __ATOMIC_SEQ_CST) == per_gang) {
			b->here = 0;
			__atomic_store_n(&b->round, round + 1, __ATOMIC_SEQ_CST);
		} else
			while (__atomic_load_n(&b->round, __ATOMIC_SEQ_CST) == round && !stop)
				__asm__ volatile("pause");
	}
}

static unsigned measure_barrier(int slice)
{
	unsigned rounds = 0;

	for (unsigned g = 0; g < GANGS; g++)
		barriers[g].here = barriers[g].round = 0;
	start_gangs(meet, slice);
	test_sleep(RUN_MS);
	for (unsigned g = 0; g < GANGS; g++)
		rounds += barriers[g].round;
	end_gangs();
	return rounds;
}

TEST(gang_scheduler_runs_the_members_of_a_gang_together)
{
	unsigned with, without, meetings, alone;

	per_gang = test_cpus() - 1;
	if (per_gang < 2 || per_gang > MEMBERS_MAX)
		return;
	start_server();
	without = measure_together(0);
	with = measure_together(GANG_SLICE_MS);
	alone = measure_barrier(0);
	meetings = measure_barrier(GANG_SLICE_MS);
	end_server();
	test_say("# %d gangs of %d on %d processors: all members ran together %d percent of the time with the gang scheduler, %d without",
	    GANGS, per_gang, per_gang, with, without);
	test_say("# meetings at a barrier in %d ms: %d with, %d without", RUN_MS, meetings, alone);
	CHECK(with >= without + 20);
}

TEST(members_go_on_without_the_gang)
{
	struct member *m = &members[0];
	mach_port_t gang, set, standard;

	if (test_cpus() < 2)
		return;
	per_gang = test_cpus() - 1;
	start_server();
	stop = false;
	CHECK_OK(gang_create(service, &gang));
	m->thread = test_thread(run, m);
	CHECK_OK(gang_join(gang, m->thread));
	CHECK_EQ(gang_join(gang, SELF), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gang_set_slice(service, -1), KERN_INVALID_ARGUMENT);
	CHECK_OK(processor_set_default(mach_host_self(), &standard));
	CHECK_OK(thread_get_assignment(m->thread, &set));
	CHECK(set != standard);
	mach_port_deallocate(SELF, set);
	mach_port_deallocate(SELF, gang);
	for (int i = 0; i < 200; i++) {
		CHECK_OK(thread_get_assignment(m->thread, &set));
		mach_port_deallocate(SELF, set);
		if (set == standard)
			break;
		test_sleep(10);
	}
	CHECK_EQ(set, standard);
	mach_port_deallocate(SELF, standard);
	stop = true;
	test_thread_join(m->thread);
	end_server();
}
