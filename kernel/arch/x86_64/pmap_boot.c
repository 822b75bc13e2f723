/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half of the address space: direct map of all memory, kernel image with its protections, and the
 * top-level entries every pmap shares. They are all made here, so that a new table below them shows in all pmaps.
 * LOCKS   none at boot; later mappings of device registers are serialised by direct_lock.
 */
#include <stddef.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/pte.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <vm/page.h>

static const struct lock_class direct_lock_class = { "direct map", LOCK_RANK_PMAP, 0 };
static struct spinlock direct_lock = SPIN_LOCK_INITIALIZER(&direct_lock_class);
static union {
	struct pmap pm;
	uint64_t room[sizeof(struct pmap) / 8 + 64];
} kernel_pmap_store;
struct pmap *kernel_pmap = &kernel_pmap_store.pm;
static bool allocators_work;

extern char kernel_image_start[], kernel_text_end[], kernel_rodata_end[], kernel_image_end[];
extern pte_t boot_pml4[];

static void *table_page(void)
{
	if (allocators_work)
		return kpage_alloc(true);
	return phys_to_kv(boot_page_steal());
}

/* => the table one level below the entry, made when missing; NULL on shortage */
static pte_t *table_below(pte_t *entry)
{
	void *page;

	if (*entry & PTE_P)
		return phys_to_kv(*entry & PTE_ADDR);
	page = table_page();
	if (page == NULL)
		return NULL;
	*entry = kv_to_phys(page) | PTE_P | PTE_W;
	return page;
}

/* map [va, va + size) to pa with the largest pages that fit; what is mapped already stays */
static bool map_range(uint64_t va, uint64_t pa, uint64_t size, pte_t flags)
{
	while (size > 0) {
		pte_t *entry = kernel_pmap->pm_root + PT_INDEX(va, 3), *table;
		int level = 2;

		for (;; level--) {
			uint64_t span = PT_SPAN(level);

			table = table_below(entry);
			if (table == NULL)
				return false;
			entry = table + PT_INDEX(va, level);
			if ((*entry & PTE_P) && (level == 0 || (*entry & PTE_LARGE)))
				break;
			if (level == 0 || ((va | pa) % span == 0 && size >= span && !(*entry & PTE_P) &&
			    (level == 1 || cpu_features.gpages))) {
				*entry = pa | flags | (level > 0 ? PTE_LARGE : 0);
				break;
			}
		}
		uint64_t step = PT_SPAN(level) - va % PT_SPAN(level);

		if (step > size)
			step = size;
		va += step;
		pa += step;
		size -= step;
	}
	return true;
}

static pte_t kernel_flags(void)
{
	return PTE_P | PTE_A | PTE_D | (cpu_features.pge ? PTE_G : 0);
}

static void map_image(void)
{
	uint64_t text = (uint64_t)kernel_image_start, rodata = (uint64_t)kernel_text_end;
	uint64_t data = (uint64_t)kernel_rodata_end, end = (uint64_t)kernel_image_end;

	map_range(text, text - KVIRT_BASE, rodata - text, kernel_flags());
	map_range(rodata, rodata - KVIRT_BASE, data - rodata, kernel_flags() | PTE_NX);
	map_range(data, data - KVIRT_BASE, end - data, kernel_flags() | PTE_W | PTE_NX);
}

/* every top-level entry of the kernel half that may ever be used */
static void make_shared_slots(void)
{
	for (uint64_t va = KERNEL_MAP_START; va < KERNEL_MAP_END; va += PT_SPAN(3)) {
		if (table_below(kernel_pmap->pm_root + PT_INDEX(va, 3)) == NULL)
			panic("no memory for the kernel's page tables");
	}
}

void pmap_bootstrap(void)
{
	uint64_t top = boot_memory_max > 1ull << 32 ? boot_memory_max : 1ull << 32;

	spin_lock_init(&kernel_pmap->pm_lock, &direct_lock_class);
	kernel_pmap->pm_root = phys_to_kv(boot_page_steal());
	kernel_pmap->pm_cr3 = kv_to_phys(kernel_pmap->pm_root);
	smap_patch();
	map_image();
	map_range(DIRECT_BASE, 0, 0x100000, kernel_flags() | PTE_W | PTE_NX);	/* firmware, screen */
	for (uint32_t i = 0; i < boot_ram_count; i++)
		map_range(DIRECT_BASE + boot_ram[i].mr_start, boot_ram[i].mr_start,
		    boot_ram[i].mr_end - boot_ram[i].mr_start, kernel_flags() | PTE_W | PTE_NX);
	/* device registers appear later: their top-level entries now */
	for (uint64_t pa = 0; pa < top; pa += PT_SPAN(3))
		table_below(kernel_pmap->pm_root + PT_INDEX(DIRECT_BASE + pa, 3));
	make_shared_slots();
	write_cr3(kernel_pmap->pm_cr3);
	boot_cpu.cp_pmap = kernel_pmap;
}

/* the page allocator has taken over boot_memory */
void pmap_allocators_ready(void)
{
	allocators_work = true;
}

/* => the direct-map address of physical memory or registers, mapped when it was not; NULL on shortage */
void *pmap_map_physical(uint64_t pa, uint64_t size, bool uncached)
{
	uint64_t start = page_trunc(pa), end = page_round(pa + size);
	bool ok;

	spin_lock(&direct_lock);
	ok = map_range(DIRECT_BASE + start, start, end - start,
	    kernel_flags() | PTE_W | PTE_NX | (uncached ? PTE_CD | PTE_WT : 0));
	spin_unlock(&direct_lock);
	return ok ? phys_to_kv(pa) : NULL;
}

uint64_t pmap_kernel_root(void)
{
	return kernel_pmap->pm_cr3;
}

void pmap_init_cpu(struct cpu *cpu)
{
	cpu->cp_pmap = NULL;
	pmap_switch(cpu, kernel_pmap);
}

/* other processors start at a low address: the first MiB appears at 0 in the kernel's own pmap meanwhile */
void pmap_low_map(bool on)
{
	pte_t *root = kernel_pmap->pm_root;

	if (on)
		map_range(0, 0, 0x100000, PTE_P | PTE_W | PTE_A | PTE_D);
	else
		root[0] = 0;
}
