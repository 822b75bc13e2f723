/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Interrupt lines, by global system interrupt number. A line is masked until its handler asks otherwise; all go to
 *         the boot processor in fixed mode.
 * LOCKS   irq_lock (interrupts off): the redirection registers and the handler table. Handlers run without it.
 */
#include <kern/lock.h>
#include <kern/panic.h>
#include <machine/cpu.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define IOAPICS_MAX	16
#define REDIR_MASKED	0x10000u
#define REDIR_LEVEL	0x8000u
#define REDIR_LOW	0x2000u

struct ioapic {
	volatile uint32_t *regs;
	uint32_t base, count;
};

struct irq_line {
	irq_handler_t	handler;
	void		*arg;
	bool		level, low;
};

static const struct lock_class irq_lock_class = { "irq", LOCK_RANK_CPU_CALL, LOCK_CLASS_IRQ };
static struct spinlock irq_lock = SPIN_LOCK_INITIALIZER(&irq_lock_class);
static struct ioapic ioapics[IOAPICS_MAX];
static unsigned ioapic_count;
static struct irq_line lines[VECTOR_IRQ_COUNT];
static unsigned isa_to_gsi[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static uint64_t irq_spurious;

static uint32_t reg_read(const struct ioapic *io, unsigned reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

static void reg_write(const struct ioapic *io, unsigned reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

void ioapic_add(uint64_t phys, uint32_t gsi_base)
{
	struct ioapic *io = &ioapics[ioapic_count];

	if (ioapic_count == IOAPICS_MAX)
		return;
	io->regs = pmap_map_physical(phys, 4096, true);
	if (io->regs == NULL)
		return;
	io->base = gsi_base;
	io->count = (reg_read(io, 1) >> 16 & 0xff) + 1;
	if (io->base + io->count > VECTOR_IRQ_COUNT)
		io->count = io->base < VECTOR_IRQ_COUNT ? VECTOR_IRQ_COUNT - io->base : 0;
	ioapic_count++;
	for (unsigned gsi = 16; gsi < io->base + io->count; gsi++) {
		if (gsi >= io->base)
			lines[gsi].level = lines[gsi].low = true;	/* PCI */
	}
}

void ioapic_override(unsigned isa_irq, unsigned gsi, bool level, bool low)
{
	if (isa_irq >= 16 || gsi >= VECTOR_IRQ_COUNT)
		return;
	isa_to_gsi[isa_irq] = gsi;
	lines[gsi].level = level;
	lines[gsi].low = low;
}

unsigned irq_from_isa(unsigned isa_irq)
{
	return isa_irq < 16 ? isa_to_gsi[isa_irq] : isa_irq;
}

static struct ioapic *ioapic_of(unsigned gsi)
{
	for (unsigned i = 0; i < ioapic_count; i++) {
		if (gsi >= ioapics[i].base && gsi < ioapics[i].base + ioapics[i].count)
			return &ioapics[i];
	}
	return NULL;
}

/* => irq_lock held */
static void set_masked(unsigned gsi, bool masked)
{
	struct ioapic *io = ioapic_of(gsi);
	uint32_t low;

	if (io == NULL)
		return;
	low = VECTOR_IRQ_BASE + gsi;
	low |= lines[gsi].level ? REDIR_LEVEL : 0;
	low |= lines[gsi].low ? REDIR_LOW : 0;
	low |= masked ? REDIR_MASKED : 0;
	reg_write(io, 0x10 + 2 * (gsi - io->base) + 1, boot_cpu.cp_apic_id << 24);
	reg_write(io, 0x10 + 2 * (gsi - io->base), low);
}

void irq_mask(unsigned irq)
{
	unsigned long flags = spin_lock_irq(&irq_lock);

	set_masked(irq, true);
	spin_unlock_irq(&irq_lock, flags);
}

void irq_unmask(unsigned irq)
{
	unsigned long flags = spin_lock_irq(&irq_lock);

	set_masked(irq, false);
	spin_unlock_irq(&irq_lock, flags);
}

bool irq_register(unsigned irq, irq_handler_t handler, void *arg)
{
	unsigned long flags;
	bool ok;

	if (irq >= VECTOR_IRQ_COUNT || ioapic_of(irq) == NULL)
		return false;
	flags = spin_lock_irq(&irq_lock);
	ok = lines[irq].handler == NULL;
	if (ok) {
		lines[irq].arg = arg;
		__atomic_store_n(&lines[irq].handler, handler, __ATOMIC_RELEASE);
	}
	spin_unlock_irq(&irq_lock, flags);
	return ok;
}

void irq_unregister(unsigned irq)
{
	unsigned long flags;

	if (irq >= VECTOR_IRQ_COUNT)
		return;
	flags = spin_lock_irq(&irq_lock);
	set_masked(irq, true);
	__atomic_store_n(&lines[irq].handler, NULL, __ATOMIC_RELEASE);
	spin_unlock_irq(&irq_lock, flags);
}

void plat_irq(unsigned vector)
{
	unsigned irq = vector - VECTOR_IRQ_BASE;
	irq_handler_t handler;

	if (vector < VECTOR_IRQ_BASE || irq >= VECTOR_IRQ_COUNT) {
		irq_spurious++;
		lapic_eoi();
		return;
	}
	handler = __atomic_load_n(&lines[irq].handler, __ATOMIC_ACQUIRE);
	if (handler != NULL)
		handler(irq, lines[irq].arg);
	else
		irq_mask(irq);
	lapic_eoi();
}

/* both 8259s are moved off the exception vectors and silenced */
static void pic_off(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void ioapic_init(void)
{
	pic_off();
	for (unsigned i = 0; i < ioapic_count; i++) {
		for (unsigned n = 0; n < ioapics[i].count; n++)
			irq_mask(ioapics[i].base + n);
	}
}
