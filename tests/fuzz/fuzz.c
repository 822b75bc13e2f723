/* SPDX-License-Identifier: BSD-2-Clause */
/* See fuzz.h: the frame of every fuzzer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <debug/counters.h>
#include <kern/counter.h>
#include "fuzz.h"
#include "tasks.h"

int	LLVMFuzzerInitialize(int *argc, char ***argv);
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIFE_MS		40		/* of an input's task, if it waits for nothing */

static const uint8_t *input;
static size_t input_left;
static volatile bool done;
static unsigned fail_at;		/* which allocation of the input's fails; 0: none */
static bool failed;			/* it was reached */
static unsigned sweep;			/* allocations of an input to go through */
static mach_port_t self;
static int64_t counts[COUNT_KINDS];

mach_port_t fuzz_name[FUZZ_RIGHTS];
vm_address_t fuzz_memory;
static unsigned found_next;

/* --- input --- */

bool fuzz_left(void) { return input_left > 0; }

uint8_t fuzz_u8(void)
{
	if (input_left == 0)
		return 0;
	input_left--;
	return *input++;
}

uint16_t fuzz_u16(void)
{
	uint16_t low = fuzz_u8();

	return (uint16_t)(low | fuzz_u8() << 8);
}

uint32_t fuzz_u32(void)
{
	uint32_t low = fuzz_u16();

	return low | (uint32_t)fuzz_u16() << 16;
}

uint64_t fuzz_u64(void)
{
	uint64_t low = fuzz_u32();

	return low | (uint64_t)fuzz_u32() << 32;
}

unsigned fuzz_pick(unsigned n) { return fuzz_u8() % n; }

uint64_t fuzz_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 7, 8, 4095, 4096, 4097, 8192, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ull << 46,
		0x7ffffffff000, 0x800000000000, 1ull << 62, 1ull << 63, ~0ull, ~0ull - 4095,
	};
	unsigned kind = fuzz_pick(8);

	if (kind < 4)
		return fuzz_u8();
	if (kind == 4)
		return fuzz_u8() * 4096ull;
	if (kind == 5)
		return edges[fuzz_pick(sizeof edges / sizeof edges[0])];
	return kind == 6 ? fuzz_u16() : fuzz_u64();
}

mach_port_t fuzz_port(void)
{
	unsigned n = fuzz_u8();

	if (n < FUZZ_RIGHTS)
		return fuzz_name[n];
	if (n == FUZZ_RIGHTS)
		return MACH_PORT_DEAD;
	return n == FUZZ_RIGHTS + 1 ? fuzz_u32() : fuzz_name[n % FUZZ_FOUND];
}

void fuzz_found(mach_port_t name)
{
	if (MACH_PORT_VALID(name))
		fuzz_name[FUZZ_FOUND + found_next++ % (FUZZ_RIGHTS - FUZZ_FOUND)] = name;
}

uint64_t fuzz_address(void)
{
	unsigned kind = fuzz_pick(8);

	if (kind < 5)
		return fuzz_memory + fuzz_pick(FUZZ_MEMORY / 4096) * 4096ull;
	if (kind == 5)
		return fuzz_memory + fuzz_u16();
	return kind == 6 ? fuzz_memory + FUZZ_MEMORY - fuzz_u8() : fuzz_number();
}

/* --- the input's task --- */

static void victim(uint64_t argument)
{
	(void)argument;
	for (;;)
		user_sleep(1);
}

static void child(uint64_t argument)
{
	(void)argument;
	fuzz_name[FUZZ_TASK] = user_task_self();
	fuzz_name[FUZZ_THREAD] = user_thread_self();
	fuzz_name[FUZZ_HOST] = user_host_self();
	fault_point_arm("*", fail_at);
	fuzz_main();
	done = true;
	for (;;)
		user_sleep(1000);
}

static void give(mach_port_t task, enum fuzz_right slot, mach_port_t name, mach_msg_type_name_t disposition)
{
	fuzz_name[slot] = 1000 + slot;
	u_mach_port_insert_right(task, fuzz_name[slot], name, disposition);
}

static void task_prepare(mach_port_t task, mach_port_t other, mach_port_t other_thread)
{
	mach_port_t p;

	memset(fuzz_name, 0, sizeof fuzz_name);
	found_next = 0;
	give(task, FUZZ_HOST_PRIV, sim_init_argument(SIM_HOST_PRIV), MACH_MSG_TYPE_COPY_SEND);
	give(task, FUZZ_DEVICE, sim_init_argument(SIM_DEVICE_MASTER), MACH_MSG_TYPE_COPY_SEND);
	give(task, FUZZ_VICTIM, other, MACH_MSG_TYPE_COPY_SEND);
	give(task, FUZZ_VICTIM_THREAD, other_thread, MACH_MSG_TYPE_COPY_SEND);
	p = user_port();
	give(task, FUZZ_DEAD, p, MACH_MSG_TYPE_COPY_SEND);
	u_mach_port_destroy(self, p);
	for (enum fuzz_right r = FUZZ_PORT_A; r <= FUZZ_PORT_B; r++) {
		p = user_port();
		give(task, r, p, MACH_MSG_TYPE_MOVE_RECEIVE);
		u_mach_port_insert_right(task, fuzz_name[r], p, MACH_MSG_TYPE_MOVE_SEND);	/* one name for both */
	}
	fuzz_name[FUZZ_SET] = 1000 + FUZZ_SET;
	u_mach_port_allocate_name(task, MACH_PORT_RIGHT_PORT_SET, fuzz_name[FUZZ_SET]);
	fuzz_name[FUZZ_REPLY] = 1000 + FUZZ_REPLY;
	u_mach_port_allocate_name(task, MACH_PORT_RIGHT_RECEIVE, fuzz_name[FUZZ_REPLY]);
	fuzz_memory = 0x10000000;
	u_vm_allocate(task, &fuzz_memory, FUZZ_MEMORY, 0);
}

static void drop(mach_port_t name)
{
	while (u_mach_port_deallocate(self, name) == KERN_SUCCESS)
		;
}

static void one_input(void)
{
	mach_port_t task, thread, other, other_thread;

	done = false;
	u_task_create(self, 0, &task);
	u_task_create(self, 0, &other);
	other_thread = user_thread(other, victim, 0);
	task_prepare(task, other, other_thread);
	fuzz_prepare(task);
	thread = user_thread(task, child, 0);
	for (unsigned i = 0; i < LIFE_MS && !done; i++)
		user_sleep(1);
	failed = fault_point_fired();
	fault_point_arm("*", 0);
	sim_kernel_call(fuzz_kill_tasks, NULL);
	drop(thread);
	drop(other_thread);
	drop(task);
	drop(other);
}

/* --- counters --- */

static bool counts_look(int64_t *c)
{
	bool moved = false;

	for (int i = 0; i < COUNT_KINDS; i++) {
		int64_t now = counter_read((enum counter)i);

		/* spare stacks come and go */
		if (i == COUNT_PAGE_USED)
			now -= counter_read(COUNT_STACK) * (KERNEL_STACK_SIZE / 4096);
		moved |= now != c[i];
		c[i] = now;
	}
	return moved;
}

/* what is kept for later on purpose */
static bool counts_same(const int64_t *now, bool say)
{
	static const int64_t slack[COUNT_KINDS] = {
		[COUNT_STACK] = 8, [COUNT_AMAP_NODE] = 4, [COUNT_ANON] = 4, [COUNT_PAGE_USED] = 64, [COUNT_PV] = 64, [COUNT_KMSG_SPARE] = 8,
		[COUNT_STALE_OUT] = INT64_MAX,		/* an input may have the pattern itself */
	};
	bool same = true;

	for (int i = 0; i < COUNT_KINDS; i++) {
		if (llabs(now[i] - counts[i]) <= slack[i])
			continue;
		same = false;
		if (say)
			printf("fuzz: %s %+ld\n", counter_names[i], (long)(now[i] - counts[i]));
	}
	return same;
}

static void check_counts(void)
{
	int64_t now[COUNT_KINDS];

	counts_look(now);
	for (int round = 0; round < 200 && !counts_same(now, false); round++) {
		user_sleep(round < 20 ? 1 : 20);
		counts_look(now);
	}
	if (!counts_same(now, true)) {
		fflush(stdout);
		abort();
	}
}

static void init(uint64_t argument)
{
	(void)argument;
	self = user_task_self();
	/* caches fill; only then is anything counted */
	for (int i = 0; i < 3; i++)
		one_input();
	do
		user_sleep(20);
	while (counts_look(counts));
	for (;;) {
		sim_leave();
		one_input();
		check_counts();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct sim_config cf = { .cf_cpus = 1, .cf_memory_mb = 64, .cf_init = init, .cf_quiet = true };

	(void)argc;
	(void)argv;
	cf.cf_quiet = getenv("FUZZ_VERBOSE") == NULL;
	if (getenv("FUZZ_SWEEP") != NULL)
		sweep = (unsigned)atoi(getenv("FUZZ_SWEEP"));
	sim_program_add(child);
	sim_program_add(victim);
	sim_boot(&cf);
	return 0;
}

static void feed(const uint8_t *data, size_t size, unsigned fail)
{
	input = data;
	input_left = size;
	fail_at = fail;
	sim_enter();
}

/* the first byte says which allocation fails; with FUZZ_SWEEP in the environment every one does in turn */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	feed(data + 1, size - 1, data[0]);
	if (sweep == 0)
		return 0;
	failed = true;
	for (unsigned k = 1; failed && k <= sweep; k++)
		feed(data + 1, size - 1, k);
	return 0;
}
