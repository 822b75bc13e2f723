/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor tables and the machine's part of struct cpu. */
#ifndef MACHINE_SEG_H
#define MACHINE_SEG_H

#include <stdint.h>
#include <machine/asm.h>

struct cpu;
struct pmap;
struct task;
struct thread;
struct user_regs;

#define IOMAP_BYTES	8192			/* one bit for each of 65,536 ports */
#define LDT_ENTRIES_MAX	8192

struct tss {
	uint32_t	reserved0;
	uint64_t	rsp[3];
	uint64_t	reserved1;
	uint64_t	ist[7];			/* ist[n - 1] is IST n */
	uint64_t	reserved2;
	uint16_t	reserved3;
	uint16_t	iomap_base;
} __attribute__((packed));

#define TSS_NO_IOMAP	0xffff

/* Address space identifiers: each CPU remembers which pmap state its TLB holds under each PCID. */
#define PCID_SLOTS	8
struct pcid_slot {
	struct pmap	*ps_pmap;
	uint64_t	 ps_id;			/* pm_id: a freed pmap's address may come again */
	uint64_t	 ps_generation;
};

/* Only its own CPU writes, except cm_tlb_stale and cm_call_pending (atomic) and cm_stop_regs (set while stopped). */
struct cpu_machine {
	uint64_t	 cm_gdt[GDT_ENTRIES] __attribute__((aligned(16)));
	struct tss	 cm_tss __attribute__((aligned(16)));
	uint8_t		 cm_iomap[IOMAP_BYTES + 1];	/* follows cm_tss: iomap_base points here */
	const struct task *cm_iomap_task;	/* whose bitmap was copied */
	const struct task *cm_task;			/* whose tables were loaded last; only compared */
	const uint64_t	*cm_ldt;		/* loaded */
	struct thread	*cm_fpu_owner;		/* whose state the registers hold */
	bool		 cm_gdt_used;		/* the loaded task has GDT entries of its own */
	uint64_t	 cm_special;		/* not 0: no plain handoff: something of the two, or processor without FSGSBASE, XSAVEOPT */
	bool		 cm_debug_loaded;	/* DR7 is not clear */
	bool		 cm_lazy;		/* atomic: idle, user TLB entries may go stale */
	bool		 cm_tlb_stale;		/* atomic: flush before using user addresses */
	bool		 cm_stopped;		/* atomic */
	uint32_t	 cm_pcid;		/* slot in use */
	uint32_t	 cm_pcid_next;		/* slot to replace next */
	struct pcid_slot cm_pcids[PCID_SLOTS];
	const struct user_regs *cm_stop_regs;
	uint64_t	 cm_interrupts;		/* counters */
	uint64_t	 cm_shootdowns;
};

static inline struct cpu_machine *cpu_machine_of(const struct cpu *c);

extern struct cpu boot_cpu;

void	seg_init(struct cpu *, struct cpu_machine *, uint8_t *ist_stacks);	/* builds the tables */
void	seg_load(struct cpu *);				/* on that CPU: GDT, TSS, IDT, LDT, GS, MSRs */
void	seg_load_ldt(struct cpu_machine *, const uint64_t *ldt, uint32_t count);
extern const uint64_t default_ldt[4];
void	cpu_identify(void);
void	cpu_enable_features(void);
void	smap_patch(void);

#include <machine/cpu.h>
static inline struct cpu_machine *cpu_machine_of(const struct cpu *c) { return c->cp_machine; }

#endif
