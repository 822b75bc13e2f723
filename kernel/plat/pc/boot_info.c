/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loader told: command line, modules, memory, framebuffer. Whatever of it is used later stays where the loader put
 * it and is cut out of the memory handed to the kernel. The two protocols are multiboot1.c and multiboot2.c.
 * LOCKS   none: boot processor, before anything else runs.
 */
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/asm.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <plat/boot_info.h>
#include <plat/pc.h>

#define PAGE		4096ull
#define RANGES_MAX	256

extern char kernel_image_end[];

struct framebuffer boot_framebuffer;
struct boot_module *boot_modules;
uint32_t boot_module_count;
const char *boot_command_line = "";
const char *boot_command_line_end = "";
const void *boot_info_raw;
uint64_t boot_info_size;
uint64_t boot_rsdp;
struct memory_range boot_memory[RANGES_MAX];
uint32_t boot_memory_count;
struct memory_range boot_ram[RANGES_MAX];
uint32_t boot_ram_count;
uint64_t boot_memory_total, boot_memory_max;

void boot_memory_add(uint64_t start, uint64_t end)
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
void boot_memory_reserve(uint64_t start, uint64_t end)
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

void boot_string_reserve(uint64_t pa)
{
	boot_memory_reserve(pa, pa + strlen(phys_to_kv(pa)) + 1);
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

static void find_modules(const struct boot_format *format, const void *info)
{
	uint64_t per_page = PAGE / sizeof(struct boot_module);
	struct boot_module m;

	for (uint32_t i = 0; format->bf_module(info, i, &m); i++) {
		boot_memory_reserve(m.bm_start, m.bm_start + m.bm_size);
		if (*m.bm_line != '\0')
			boot_string_reserve(kv_to_phys(m.bm_line));
	}
	/* stolen pages follow each other unless a range ends: then the rest of the modules is dropped, and said so */
	for (uint32_t i = 0; format->bf_module(info, i, &m); i++) {
		if (i % per_page == 0) {
			uint64_t pa = boot_page_steal();

			if (i == 0)
				boot_modules = phys_to_kv(pa);
			else if (phys_to_kv(pa) != (void *)&boot_modules[i]) {
				kprintf("boot: only %u modules kept\n", i);
				return;
			}
		}
		boot_modules[i] = m;
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

void plat_early_init(uint64_t pa, uint32_t magic)
{
	const struct boot_format *format = magic == MULTIBOOT2_LOADED ? &multiboot2 : &multiboot1;
	const void *info = phys_to_kv(pa);

	boot_command_line = format->bf_line(info);
	boot_command_line_end = own_words_end(boot_command_line);
	serial_init();
	format->bf_framebuffer(info, &boot_framebuffer);
	if (boot_framebuffer.fb_phys == 0 || boot_framebuffer.fb_type == 2)
		vga_init();
	else
		fb_init();
	boot_rsdp = format->bf_rsdp(info);
	boot_info_raw = info;
	boot_info_size = format->bf_size(info);
	format->bf_memory(info);
	memcpy(boot_ram, boot_memory, sizeof boot_ram);
	boot_ram_count = boot_memory_count;
	boot_memory_reserve(0x100000, (uint64_t)kernel_image_end - KVIRT_BASE);
	boot_memory_reserve(pa, pa + boot_info_size);
	boot_memory_reserve(0x8000, 0x9000);		/* where other processors start */
	boot_memory_reserve(0x9f000, 0x100000);
	format->bf_reserve(info);
	find_modules(format, info);
	sort_memory();
}
