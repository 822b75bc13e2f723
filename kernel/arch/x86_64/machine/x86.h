/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions and registers of the processor that C has no words for. */
#ifndef MACHINE_X86_H
#define MACHINE_X86_H

#include <stdbool.h>
#include <stdint.h>

#define CR0_MP		0x2ull
#define CR0_EM		0x4ull
#define CR0_TS		0x8ull
#define CR0_NE		0x20ull
#define CR0_WP		0x10000ull
#define CR0_AM		0x40000ull
#define CR4_DE		0x8ull
#define CR4_PGE		0x80ull
#define CR4_OSFXSR	0x200ull
#define CR4_OSXMMEXCPT	0x400ull
#define CR4_UMIP	0x800ull
#define CR4_FSGSBASE	0x10000ull
#define CR4_PCIDE	0x20000ull
#define CR4_OSXSAVE	0x40000ull
#define CR4_SMEP	0x100000ull
#define CR4_SMAP	0x200000ull

#define MSR_APIC_BASE	0x1b
#define MSR_PAT		0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC	0x800
#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_CSTAR	0xc0000083
#define MSR_SFMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100
#define MSR_GS_BASE	0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define RFLAGS_CF	0x1ull
#define RFLAGS_TF	0x100ull
#define RFLAGS_IF	0x200ull
#define RFLAGS_DF	0x400ull
#define RFLAGS_IOPL	0x3000ull
#define RFLAGS_NT	0x4000ull
#define RFLAGS_RF	0x10000ull
#define RFLAGS_VM	0x20000ull
#define RFLAGS_AC	0x40000ull

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint16_t inw(uint16_t port)
{
	uint16_t v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

#define X86_REG_ACCESS(name)							\
static inline uint64_t read_##name(void)					\
{										\
	uint64_t v;								\
	__asm__ volatile("movq %%" #name ", %0" : "=r"(v));			\
	return v;								\
}										\
static inline void write_##name(uint64_t v)					\
{										\
	__asm__ volatile("movq %0, %%" #name :: "r"(v) : "memory");		\
}
X86_REG_ACCESS(cr0)
X86_REG_ACCESS(cr2)
X86_REG_ACCESS(cr3)
X86_REG_ACCESS(cr4)
X86_REG_ACCESS(dr0)
X86_REG_ACCESS(dr1)
X86_REG_ACCESS(dr2)
X86_REG_ACCESS(dr3)
X86_REG_ACCESS(dr6)
X86_REG_ACCESS(dr7)
#undef X86_REG_ACCESS

static inline void invlpg(uint64_t va) { __asm__ volatile("invlpg (%0)" :: "r"(va) : "memory"); }
static inline void invpcid(uint64_t type, uint64_t pcid, uint64_t va)
{
	struct { uint64_t pcid, va; } d = { pcid, va };
	__asm__ volatile("invpcid %0, %1" :: "m"(d), "r"(type) : "memory");
}
static inline uint64_t xgetbv(uint32_t reg)
{
	uint32_t lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(reg));
	return (uint64_t)hi << 32 | lo;
}
static inline void xsetbv(uint32_t reg, uint64_t v)
{
	__asm__ volatile("xsetbv" :: "c"(reg), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

/* what the boot processor offers; the same on all */
struct cpu_features {
	bool nx, smep, smap, umip, fsgsbase, pcid, invpcid, gpages, pge, x2apic, tsc_deadline, tsc_invariant;
	bool xsave, xsaveopt, xsavec, avx, hypervisor, fxsr, pat, arat;
	uint64_t xcr0;			/* XSAVE components in use; 0 without XSAVE */
	uint32_t xsave_size;		/* bytes of the standard-format image for xcr0 */
	uint32_t family, model, stepping;
	uint32_t phys_bits;
	char vendor[13], name[49];
};
extern struct cpu_features cpu_features;

#endif
