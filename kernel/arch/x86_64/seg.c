/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments and gates: GDT, TSS and interrupt stacks of each CPU, the IDT and default LDT of all.
 *
 * The user selectors 0x17 and 0x1f of the interface lie in the LDT. syscall/sysret load their hidden parts
 * from constants; iretq reads the table, so an LDT of a task keeps entries 0 to 3 as they are here.
 * TESTS   tests/boot: every program started uses them.
 */
#include <stddef.h>
#include <machine/asm.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <machine/seg.h>
#include <machine/trap.h>
#include <machine/x86.h>

#define DESC_CODE64	0x00af9b000000ffffull
#define DESC_CODE32	0x00cf9b000000ffffull
#define DESC_DATA	0x00cf93000000ffffull
#define DESC_USER	0x0000600000000000ull

const uint64_t default_ldt[4] = {
	0, DESC_CODE32 | DESC_USER, DESC_DATA | DESC_USER, DESC_CODE64 | DESC_USER,
};

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};
struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(4096)));
static struct cpu_machine boot_cpu_machine;
/* one more than needed: nothing in the image may be aligned to more than a page (kernel.ld) */
static uint8_t boot_ist_stacks[(IST_COUNT + 1) * IST_STACK_SIZE];
struct cpu boot_cpu;

extern char vector_stubs[], syscall_entry[];

static void set_system_descriptor(uint64_t *slot, const void *base, uint32_t limit, uint64_t type)
{
	uint64_t b = (uint64_t)base;

	slot[0] = (limit & 0xffff) | (b & 0xffffff) << 16 | (type | 0x80) << 40 |
	    (uint64_t)(limit >> 16) << 48 | (b >> 24 & 0xff) << 56;
	slot[1] = b >> 32;
}

static uint8_t vector_ist(unsigned vector)
{
	switch (vector) {
	case 1:
		return IST_DB;
	case 2:
		return IST_NMI;
	case 8:
		return IST_DF;
	case 18:
		return IST_MC;
	}
	return 0;
}

static void idt_init(void)
{
	for (unsigned v = 0; v < 256; v++) {
		uint64_t target = (uint64_t)vector_stubs + v * 16;

		idt[v] = (struct gate){
			.offset_low = target, .selector = SEL_KERNEL_CS, .ist = vector_ist(v),
			.type = v == 3 || v == 4 ? 0xee : 0x8e,
			.offset_mid = target >> 16, .offset_high = target >> 32,
		};
	}
}

/* => ist_stacks: IST_COUNT stacks, aligned to IST_STACK_SIZE; NULL for the boot CPU */
void seg_init(struct cpu *cpu, struct cpu_machine *cm, uint8_t *ist_stacks)
{
	if (ist_stacks == NULL) {
		cm = &boot_cpu_machine;
		ist_stacks = boot_ist_stacks + (-(uint64_t)boot_ist_stacks & (IST_STACK_SIZE - 1));
		idt_init();
	}
	cpu->cp_self = cpu;
	cpu->cp_machine = cm;
	cm->cm_gdt[1] = DESC_CODE64;
	cm->cm_gdt[2] = DESC_DATA;
	cm->cm_gdt[SEL_BOOT_CS32 / 8] = DESC_CODE32;
	for (unsigned i = 0; i < IST_COUNT; i++) {
		uint8_t *stack = ist_stacks + i * IST_STACK_SIZE;

		*(struct cpu **)stack = cpu;
		cm->cm_tss.ist[i] = (uint64_t)stack + IST_STACK_SIZE;
	}
	cm->cm_iomap[IOMAP_BYTES] = 0xff;
	cm->cm_tss.iomap_base = TSS_NO_IOMAP;
	set_system_descriptor(&cm->cm_gdt[SEL_TSS / 8], &cm->cm_tss,
	    offsetof(struct cpu_machine, cm_iomap) + IOMAP_BYTES - offsetof(struct cpu_machine, cm_tss), 0x9);
}

void seg_load_ldt(struct cpu_machine *cm, const uint64_t *ldt, uint32_t count)
{
	set_system_descriptor(&cm->cm_gdt[SEL_LDT / 8], ldt, count * 8 - 1, 0x2);
	__asm__ volatile("lldt %w0" :: "r"(SEL_LDT));
	cm->cm_ldt = ldt;
}

void seg_load(struct cpu *cpu)
{
	struct cpu_machine *cm = cpu_machine_of(cpu);
	struct table_pointer p = { sizeof cm->cm_gdt - 1, (uint64_t)cm->cm_gdt };

	__asm__ volatile("lgdt %0" :: "m"(p));
	__asm__ volatile("movl %0, %%ss; movl %1, %%ds; movl %1, %%es; movl %1, %%fs; movl %1, %%gs\n\t"
	    "pushq %2; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
	    :: "r"(SEL_KERNEL_DS), "r"(0), "i"(SEL_KERNEL_CS) : "rax", "memory");
	p = (struct table_pointer){ sizeof idt - 1, (uint64_t)idt };
	__asm__ volatile("lidt %0" :: "m"(p));
	cm->cm_gdt[SEL_TSS / 8] &= ~(2ull << 40);		/* not busy */
	__asm__ volatile("ltr %w0" :: "r"(SEL_TSS));
	seg_load_ldt(cm, default_ldt, 4);
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_STAR, (uint64_t)SEL_STAR_USER << 48 | (uint64_t)SEL_KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_CSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IOPL);
}
