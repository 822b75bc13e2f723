/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot information: command line, modules, memory. Whatever of it is used later stays where the loader put
 * it and is cut out of the memory handed to the kernel.
 * LOCKS   none: boot processor, before anything else runs.
 */
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <plat/pc.h>

#define MBI_MEMORY	0x1
#define MBI_CMDLINE	0x4
#define MBI_MODULES	0x8
#define MBI_MMAP	0x40
#define MBI_FRAMEBUFFER	0x1000
#define PAGE		4096ull
#define RANGES_MAX	256

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name, apm_table;
	uint32_t vbe_control, vbe_mode_info;
	uint16_t vbe_mode, vbe_seg, vbe_off, vbe_len;
	uint64_t fb_addr;
	uint32_t fb_pitch, fb_width, fb_height;
	uint8_t fb_bpp, fb_type;
	uint8_t fb_colour[6];			/* first bit and size of red, green, blue */
} __attribute__((packed));

struct multiboot_module {
	uint32_t start, end, string, reserved;
};

struct multiboot_mmap {
	uint32_t size;
	uint64_t addr, length;
	uint32_t type;
} __attribute__((packed));

extern char kernel_image_end[];

struct framebuffer boot_framebuffer;
struct boot_module *boot_modules;
uint32_t boot_module_count;
const char *boot_command_line = "";
const char *boot_command_line_end = "";
const void *boot_info_raw;
uint64_t boot_info_size = sizeof(struct multiboot_info);
struct memory_range boot_memory[RANGES_MAX];
uint32_t boot_memory_count;
struct memory_range boot_ram[RANGES_MAX];
uint32_t boot_ram_count;
uint64_t boot_memory_total, boot_memory_max;

static void memory_add(uint64_t start, uint64_t end)
{
	start = (start + PAGE - 1) & ~(PAGE - 1);
	end &= ~(PAGE - 1);
	if (start < PAGE)
		start = PAGE;
	if (start >= end)
		return;
	boot_memory_total += end - start;
	if (end > boot_memory_max)
		boot_memory_max = end;
	if (boot_memory_count < RANGES_MAX)
		boot_memory[boot_memory_count++] = (struct memory_range){ start, end };
}

/* cut [start, end) out of every range; a cut in the middle makes one range more */
static void memory_reserve(uint64_t start, uint64_t end)
{
	start &= ~(PAGE - 1);
	end = (end + PAGE - 1) & ~(PAGE - 1);
	for (uint32_t i = 0; i < boot_memory_count; i++) {
		struct memory_range *r = &boot_memory[i], old = *r;

		if (end <= old.mr_start || start >= old.mr_end)
			continue;
		if (start <= old.mr_start && end >= old.mr_end) {
			*r = boot_memory[--boot_memory_count];
			i--;
		} else if (start <= old.mr_start) {
			r->mr_start = end;
		} else {
			r->mr_end = start;
			if (end < old.mr_end && boot_memory_count < RANGES_MAX)
				boot_memory[boot_memory_count++] = (struct memory_range){ end, old.mr_end };
		}
	}
}

static void reserve_string(uint32_t pa)
{
	memory_reserve(pa, pa + strlen(phys_to_kv(pa)) + 1);
}

static void find_memory(const struct multiboot_info *mbi)
{
	if (!(mbi->flags & MBI_MMAP)) {
		memory_add(0, (uint64_t)mbi->mem_lower * 1024);
		memory_add(0x100000, 0x100000 + (uint64_t)mbi->mem_upper * 1024);
		return;
	}
	for (uint32_t at = 0; at < mbi->mmap_length;) {
		const struct multiboot_mmap *m = phys_to_kv(mbi->mmap_addr + at);

		if (m->type == 1)
			memory_add(m->addr, m->addr + m->length);
		at += m->size + 4;
	}
}

static void sort_memory(void)
{
	for (uint32_t i = 1; i < boot_memory_count; i++) {
		for (uint32_t j = i; j > 0 && boot_memory[j].mr_start < boot_memory[j - 1].mr_start; j--) {
			struct memory_range t = boot_memory[j];

			boot_memory[j] = boot_memory[j - 1];
			boot_memory[j - 1] = t;
		}
	}
}

/* a zeroed page below 4 GiB, for good; only before the allocators take boot_memory over */
uint64_t boot_page_steal(void)
{
	for (uint32_t i = 0; i < boot_memory_count; i++) {
		struct memory_range *r = &boot_memory[i];

		if (r->mr_start >= 0x100000 && r->mr_start < r->mr_end && r->mr_start < 0x100000000ull) {
			uint64_t pa = r->mr_start;

			r->mr_start += PAGE;
			memset(phys_to_kv(pa), 0, PAGE);
			return pa;
		}
	}
	panic("no memory for the first page tables");
}

static void find_modules(const struct multiboot_info *mbi)
{
	const struct multiboot_module *m = phys_to_kv(mbi->mods_addr);
	uint64_t per_page = PAGE / sizeof(struct boot_module);

	for (uint32_t i = 0; i < mbi->mods_count; i++) {
		memory_reserve(m[i].start, m[i].end);
		if (m[i].string != 0)
			reserve_string(m[i].string);
	}
	/* stolen pages follow each other unless a range ends: then the rest of the modules is dropped, and said so */
	for (uint32_t i = 0; i < mbi->mods_count; i++) {
		if (i % per_page == 0) {
			uint64_t pa = boot_page_steal();

			if (i == 0)
				boot_modules = phys_to_kv(pa);
			else if (phys_to_kv(pa) != (void *)&boot_modules[i]) {
				kprintf("boot: only %u of %u modules kept\n", i, mbi->mods_count);
				return;
			}
		}
		boot_modules[i] = (struct boot_module){
			m[i].start, m[i].end - m[i].start, m[i].string ? phys_to_kv(m[i].string) : "",
		};
		boot_module_count = i + 1;
	}
}

/* words after a lone "--" are not the kernel's: they are only passed on */
static const char *own_words_end(const char *line)
{
	const char *end = strstr(line, " -- ");

	return end != NULL ? end : line + strlen(line);
}

/* the value of "word=value" on the command line, at a word's start */
bool boot_option(const char *word, char *value, size_t size)
{
	const char *p = boot_command_line;
	size_t n = strlen(word), i = 0;

	for (; (p = strstr(p, word)) != NULL; p += n) {
		if ((p == boot_command_line || p[-1] == ' ') && p[n] == '=')
			break;
	}
	if (p == NULL || p > boot_command_line_end)
		return false;
	for (p += n + 1; *p != '\0' && *p != ' ' && i + 1 < size; p++)
		value[i++] = *p;
	value[i] = '\0';
	return true;
}

void plat_early_init(uint64_t info)
{
	const struct multiboot_info *mbi = phys_to_kv(info);

	if (mbi->flags & MBI_CMDLINE) {
		boot_command_line = phys_to_kv(mbi->cmdline);
		boot_command_line_end = own_words_end(boot_command_line);
	}
	serial_init();
	if (mbi->flags & MBI_FRAMEBUFFER)
		boot_framebuffer = (struct framebuffer){ mbi->fb_addr, mbi->fb_pitch, mbi->fb_width, mbi->fb_height,
		    mbi->fb_bpp, mbi->fb_type, mbi->fb_colour[0], mbi->fb_colour[2], mbi->fb_colour[4] };
	if (boot_framebuffer.fb_phys == 0 || boot_framebuffer.fb_type == 2)
		vga_init();
	else
		fb_init();
	boot_info_raw = mbi;
	find_memory(mbi);
	memcpy(boot_ram, boot_memory, sizeof boot_ram);
	boot_ram_count = boot_memory_count;
	memory_reserve(0x100000, (uint64_t)kernel_image_end - KVIRT_BASE);
	memory_reserve(info, info + sizeof *mbi);
	memory_reserve(0x8000, 0x9000);			/* where other processors start */
	memory_reserve(0x9f000, 0x100000);
	if (mbi->flags & MBI_CMDLINE)
		reserve_string(mbi->cmdline);
	if (mbi->flags & MBI_MMAP)
		memory_reserve(mbi->mmap_addr, mbi->mmap_addr + mbi->mmap_length);
	if ((mbi->flags & MBI_MODULES) && mbi->mods_count > 0) {
		memory_reserve(mbi->mods_addr, mbi->mods_addr + mbi->mods_count * sizeof(struct multiboot_module));
		find_modules(mbi);
	}
	sort_memory();
}
