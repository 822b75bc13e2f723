/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processor features: found once on the boot CPU, switched on alike on every CPU; the table of CPUs.
 * LOCKS   none: written during start-up only.
 */
#include <stddef.h>
#include <kern/panic.h>
#include <machine/cpu.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>

struct cpu_features cpu_features;
uint32_t cpu_count = 1;
struct cpu **cpu_table;
static struct cpu *boot_cpu_table[1] = { &boot_cpu };

extern const struct { uint64_t at, byte; } smap_patch_start[], smap_patch_end[];

struct cpu *cpu_get(uint32_t id)
{
	if (cpu_table == NULL)
		cpu_table = boot_cpu_table;
	return id < cpu_count ? cpu_table[id] : NULL;
}

static bool bit(uint32_t word, unsigned n)
{
	return word >> n & 1;
}

static void identify_name(struct cpu_features *f)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	*(uint32_t *)&f->vendor[0] = r[1];
	*(uint32_t *)&f->vendor[4] = r[3];
	*(uint32_t *)&f->vendor[8] = r[2];
	cpuid(0x80000000, 0, r);
	if (r[0] >= 0x80000004) {
		for (unsigned i = 0; i < 3; i++)
			cpuid(0x80000002 + i, 0, (uint32_t *)&f->name[16 * i]);
	}
}

static void identify_xsave(struct cpu_features *f)
{
	uint32_t r[4];

	cpuid(0xd, 0, r);
	f->xcr0 = r[0] & 0x7;			/* x87, SSE, AVX */
	if ((r[0] & 0xe0) == 0xe0 && (f->xcr0 & 4))
		f->xcr0 |= 0xe0;		/* the three AVX-512 parts */
	cpuid(0xd, 1, r);
	f->xsaveopt = bit(r[0], 0);
	f->xsavec = bit(r[0], 1);
	f->avx = f->xcr0 & 4;
	f->xsave_size = 512 + 64;
	for (unsigned i = 2; i < 63; i++) {
		if (!(f->xcr0 >> i & 1))
			continue;
		cpuid(0xd, i, r);
		if (r[1] + r[0] > f->xsave_size)
			f->xsave_size = r[1] + r[0];
	}
}

void cpu_identify(void)
{
	struct cpu_features *f = &cpu_features;
	uint32_t r[4], max, max_ext;

	identify_name(f);
	cpuid(0, 0, r);
	max = r[0];
	cpuid(1, 0, r);
	f->family = (r[0] >> 8 & 15) + ((r[0] >> 8 & 15) == 15 ? r[0] >> 20 & 0xff : 0);
	f->model = (r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0);
	f->stepping = r[0] & 15;
	f->pge = bit(r[3], 13);
	f->pat = bit(r[3], 16);
	f->fxsr = bit(r[3], 24);
	f->pcid = bit(r[2], 17);
	f->x2apic = bit(r[2], 21);
	f->tsc_deadline = bit(r[2], 24);
	f->xsave = bit(r[2], 26);
	f->hypervisor = bit(r[2], 31);
	if (max >= 6) {
		cpuid(6, 0, r);
		f->arat = bit(r[0], 2);
	}
	if (max >= 7) {
		cpuid(7, 0, r);
		f->fsgsbase = bit(r[1], 0);
		f->smep = bit(r[1], 7);
		f->invpcid = bit(r[1], 10);
		f->smap = bit(r[1], 20);
		f->umip = bit(r[2], 2);
	}
	if (f->xsave && max >= 0xd)
		identify_xsave(f);
	else
		f->xsave_size = 512 + 64;
	cpuid(0x80000000, 0, r);
	max_ext = r[0];
	cpuid(0x80000001, 0, r);
	f->nx = bit(r[3], 20);
	f->gpages = bit(r[3], 26);
	f->phys_bits = 36;
	if (max_ext >= 0x80000007) {
		cpuid(0x80000007, 0, r);
		f->tsc_invariant = bit(r[3], 8);
	}
	if (max_ext >= 0x80000008) {
		cpuid(0x80000008, 0, r);
		f->phys_bits = r[0] & 0xff;
	}
}

/* on each CPU, after its page tables are the kernel's own */
void cpu_enable_features(void)
{
	const struct cpu_features *f = &cpu_features;
	uint64_t cr4 = read_cr4() | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= f->pge ? CR4_PGE : 0;
	cr4 |= f->smep ? CR4_SMEP : 0;
	cr4 |= f->smap ? CR4_SMAP : 0;
	cr4 |= f->umip ? CR4_UMIP : 0;
	cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= f->xsave ? CR4_OSXSAVE : 0;
	cr4 |= f->pcid && f->invpcid ? CR4_PCIDE : 0;
	write_cr4(cr4);
	if (f->xcr0)
		xsetbv(0, f->xcr0);
	write_cr0((read_cr0() | CR0_WP | CR0_NE | CR0_MP | CR0_AM) & ~(CR0_TS | CR0_EM));
	/* PAT entry 4 (PAT bit alone) becomes write-combining; the others keep their reset values */
	if (f->pat)
		wrmsr(MSR_PAT, 0x0007040100070406ull);
	__asm__ volatile("fninit");
}

/* turn the placeholders into clac/stac; before the kernel text becomes read-only */
void smap_patch(void)
{
	if (!cpu_features.smap)
		return;
	for (size_t i = 0; smap_patch_start + i < smap_patch_end; i++) {
		uint8_t *p = (uint8_t *)smap_patch_start[i].at;

		p[0] = 0x0f;
		p[1] = 0x01;
		p[2] = smap_patch_start[i].byte;
	}
}
