/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names for addresses, and backtraces. The table is made from the first link and put into the second
 * (tools/ksyms); in the first link it is missing, hence the weak references.
 */
#include <stddef.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/trap.h>

struct ksym {
	uint64_t address, name;
};
extern const struct ksym ksyms_start[] __attribute__((weak));
extern const uint64_t ksyms_count __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));
extern char kernel_image_start[], kernel_text_end[];

bool	kernel_probe(const void *, uint64_t *);

static bool in_text(uint64_t pc)
{
	return pc >= (uint64_t)kernel_image_start && pc < (uint64_t)kernel_text_end;
}

static size_t symbol_count(void)
{
	return &ksyms_count != NULL ? ksyms_count : 0;
}

const char *symbol_find(uint64_t pc, uint64_t *offset)
{
	size_t low = 0, high = symbol_count();

	if (!in_text(pc) || high == 0)
		return NULL;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ksyms_start[mid].address <= pc)
			low = mid;
		else
			high = mid;
	}
	if (ksyms_start[low].address > pc)
		return NULL;
	*offset = pc - ksyms_start[low].address;
	return ksyms_names + ksyms_start[low].name;
}

uint64_t symbol_lookup(const char *name)
{
	for (const struct ksym *s = ksyms_start; s < ksyms_start + symbol_count(); s++) {
		if (strcmp(ksyms_names + s->name, name) == 0)
			return s->address;
	}
	return 0;
}

static void print_place(uint64_t pc)
{
	uint64_t offset;
	const char *name = symbol_find(pc, &offset);

	if (name != NULL)
		kprintf("  %#lx %s+%#lx\n", (unsigned long)pc, name, (unsigned long)offset);
	else
		kprintf("  %#lx\n", (unsigned long)pc);
}

/* release builds have no frame pointers: every word on the stack that follows a call is shown */
static void scan_stack(uint64_t rsp, unsigned limit)
{
	uint64_t word;

	for (unsigned i = 0; i < 512 && limit > 0; i++, rsp += 8) {
		if (!kernel_probe((void *)rsp, &word))
			return;
		if (in_text(word)) {
			print_place(word);
			limit--;
		}
	}
}

void backtrace_print(uint64_t rip, uint64_t rbp)
{
	uint64_t next, pc;

	if (rip != 0)
		print_place(rip);
	for (unsigned depth = 0; depth < 32 && rbp >= DIRECT_BASE && rbp % 8 == 0; depth++) {
		if (!kernel_probe((void *)(rbp + 8), &pc) || !kernel_probe((void *)rbp, &next) || !in_text(pc))
			return;
		print_place(pc);
		if (next <= rbp)
			return;
		rbp = next;
	}
}

void trap_print_regs(const struct user_regs *r)
{
	kprintf("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", (unsigned long)r->rax, (unsigned long)r->rbx,
	    (unsigned long)r->rcx, (unsigned long)r->rdx);
	kprintf("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", (unsigned long)r->rsi, (unsigned long)r->rdi,
	    (unsigned long)r->rbp, (unsigned long)r->rsp);
	kprintf("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", (unsigned long)r->r8, (unsigned long)r->r9,
	    (unsigned long)r->r10, (unsigned long)r->r11);
	kprintf("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", (unsigned long)r->r12, (unsigned long)r->r13,
	    (unsigned long)r->r14, (unsigned long)r->r15);
	kprintf("  rip %016lx rfl %016lx cs %04lx ss %04lx\n", (unsigned long)r->rip, (unsigned long)r->rflags,
	    (unsigned long)r->cs, (unsigned long)r->ss);
#ifndef DEBUG
	if (!regs_from_user(r))
		scan_stack(r->rsp, 24);
#else
	(void)scan_stack;
#endif
}
