/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin of QEMU's: the longest runs of instructions with interrupts off, and with pre-emption off, and where each began. The
 * kernel is the one that is shipped: nothing is added to it.
 *
 *	-plugin spans.so,entry=LOW,end=HIGH,out=FILE
 *
 * Interrupts go off by cli, and by the way from user mode into the kernel or into the interrupt stubs, LOW to HIGH; they come back by
 * sti, iretq and sysretq. Pre-emption is counted at %gs:32. One CPU; it begins when the kernel first goes to user mode. A halted CPU
 * executes nothing. Lines of FILE: "irq|preempt instructions begin end times", addresses in hex; last "all instructions".
 *
 * The functions of QEMU are declared here: the interface is version 1, and no header of it is installed by its package.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *);
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum kind { PLAIN, CLI, STI, RETURN, PREEMPT_OFF, PREEMPT_ON };

struct span {
	bool		 on;		/* it is under way */
	uint64_t	 since, begin;
};

enum { PLACES = 4096 };
struct place { uint64_t begin, end, longest, times; };

static uint64_t count, entry_low, entry_high;
static bool started, in_user;
static struct span irq, preempt;
static int depth;
static struct place irq_places[PLACES], preempt_places[PLACES];
static const char *out = "spans.out";

static void open_span(struct span *s, uint64_t pc)
{
	if (s->on)
		return;
	*s = (struct span){ .on = true, .since = count, .begin = pc };
}

static void close_span(struct span *s, struct place *places, uint64_t pc)
{
	uint64_t n = count - s->since;

	if (!s->on)
		return;
	s->on = false;
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &places[(s->begin / 2 + i) % PLACES];

		if (p->times != 0 && p->begin != s->begin)
			continue;
		p->begin = s->begin;
		p->times++;
		if (n > p->longest) {
			p->longest = n;
			p->end = pc;
		}
		return;
	}
}

/* user data: the address, and what it is in the highest byte; kernel addresses are given that byte back */
#define KIND_SHIFT	56

static void executed(unsigned cpu, void *data)
{
	uint64_t word = (uint64_t)data, pc = (uint64_t)((int64_t)(word << 8) >> 8);
	enum kind kind = (enum kind)(word >> KIND_SHIFT);
	bool kernel = pc >> 63;

	(void)cpu;
	if (!started) {
		started = in_user = kernel && kind == RETURN;
		return;
	}
	if (kernel && (in_user || (pc >= entry_low && pc < entry_high)))
		open_span(&irq, pc);
	in_user = !kernel;
	count++;
	switch (kind) {
	case CLI:
		open_span(&irq, pc);
		break;
	case STI:
	case RETURN:
		close_span(&irq, irq_places, pc);
		break;
	case PREEMPT_OFF:
		if (depth++ == 0)
			open_span(&preempt, pc);
		break;
	case PREEMPT_ON:
		if (--depth == 0)
			close_span(&preempt, preempt_places, pc);
		break;
	case PLAIN:
		break;
	}
}

static enum kind kind_of(const struct qemu_plugin_insn *i)
{
	static const uint8_t inc[] = { 0x65, 0xff, 0x04, 0x25, 0x20, 0, 0, 0 }, dec[] = { 0x65, 0xff, 0x0c, 0x25, 0x20, 0, 0, 0 };
	static const uint8_t iretq[] = { 0x48, 0xcf }, sysretq[] = { 0x48, 0x0f, 0x07 };
	const uint8_t *b = qemu_plugin_insn_data(i);
	size_t n = qemu_plugin_insn_size(i);

	if (n == 1 && b[0] == 0xfa)
		return CLI;
	if (n == 1 && b[0] == 0xfb)
		return STI;
	if ((n == sizeof iretq && memcmp(b, iretq, n) == 0) || (n == sizeof sysretq && memcmp(b, sysretq, n) == 0))
		return RETURN;
	if (n == sizeof inc && memcmp(b, inc, n) == 0)
		return PREEMPT_OFF;
	if (n == sizeof dec && memcmp(b, dec, n) == 0)
		return PREEMPT_ON;
	return PLAIN;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t k = 0; k < qemu_plugin_tb_n_insns(tb); k++) {
		struct qemu_plugin_insn *i = qemu_plugin_tb_get_insn(tb, k);
		uint64_t pc = qemu_plugin_insn_vaddr(i);

		qemu_plugin_register_vcpu_insn_exec_cb(i, executed, 0,
		    (void *)((pc & ((1ull << KIND_SHIFT) - 1)) | (uint64_t)kind_of(i) << KIND_SHIFT));
	}
}

static void report(FILE *f, const char *what, const struct place *places)
{
	for (unsigned i = 0; i < PLACES; i++) {
		const struct place *p = &places[i];

		if (p->times != 0)
			fprintf(f, "%s %lu %lx %lx %lu\n", what, p->longest, p->begin, p->end, p->times);
	}
}

static void ended(plugin_id id, void *data)
{
	FILE *f = fopen(out, "w");

	(void)id;
	(void)data;
	if (f == NULL)
		return;
	report(f, "irq", irq_places);
	report(f, "preempt", preempt_places);
	fprintf(f, "all %lu\n", count);
	fclose(f);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "entry=", 6) == 0)
			entry_low = strtoul(argv[i] + 6, NULL, 16);
		else if (strncmp(argv[i], "end=", 4) == 0)
			entry_high = strtoul(argv[i] + 4, NULL, 16);
		else if (strncmp(argv[i], "out=", 4) == 0)
			out = argv[i] + 4;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
