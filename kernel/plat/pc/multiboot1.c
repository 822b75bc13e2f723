/* SPDX-License-Identifier: BSD-2-Clause */
/* The first Multiboot protocol: qemu -kernel, GRUB's "multiboot". A structure with flags that say which fields count. */
#include <kern/panic.h>
#include <machine/pmap.h>
#include <plat/boot_info.h>

#define MBI_MEMORY	0x1
#define MBI_CMDLINE	0x4
#define MBI_MODULES	0x8
#define MBI_MMAP	0x40
#define MBI_FRAMEBUFFER	0x1000

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

static const char *line(const void *info)
{
	const struct multiboot_info *mbi = info;

	return mbi->flags & MBI_CMDLINE ? phys_to_kv(mbi->cmdline) : "";
}

static void framebuffer(const void *info, struct framebuffer *fb)
{
	const struct multiboot_info *mbi = info;

	if (mbi->flags & MBI_FRAMEBUFFER)
		*fb = (struct framebuffer){ mbi->fb_addr, mbi->fb_pitch, mbi->fb_width, mbi->fb_height,
		    mbi->fb_bpp, mbi->fb_type, mbi->fb_colour[0], mbi->fb_colour[2], mbi->fb_colour[4] };
}

static uint64_t rsdp(const void *info)
{
	(void)info;
	return 0;
}

static uint64_t size(const void *info)
{
	(void)info;
	return sizeof(struct multiboot_info);
}

static void memory(const void *info)
{
	const struct multiboot_info *mbi = info;

	if (!(mbi->flags & MBI_MMAP)) {
		boot_memory_add(0, (uint64_t)mbi->mem_lower * 1024);
		boot_memory_add(0x100000, 0x100000 + (uint64_t)mbi->mem_upper * 1024);
		return;
	}
	for (uint32_t at = 0; at < mbi->mmap_length;) {
		const struct multiboot_mmap *m = phys_to_kv(mbi->mmap_addr + at);

		if (m->type == 1)
			boot_memory_add(m->addr, m->addr + m->length);
		at += m->size + 4;
	}
}

static void reserve(const void *info)
{
	const struct multiboot_info *mbi = info;

	if (mbi->flags & MBI_CMDLINE)
		boot_string_reserve(mbi->cmdline);
	if (mbi->flags & MBI_MMAP)
		boot_memory_reserve(mbi->mmap_addr, mbi->mmap_addr + mbi->mmap_length);
	if (mbi->flags & MBI_MODULES)
		boot_memory_reserve(mbi->mods_addr, mbi->mods_addr + mbi->mods_count * sizeof(struct multiboot_module));
}

static bool module(const void *info, uint32_t i, struct boot_module *out)
{
	const struct multiboot_info *mbi = info;
	const struct multiboot_module *m;

	if (!(mbi->flags & MBI_MODULES) || i >= mbi->mods_count)
		return false;
	m = (const struct multiboot_module *)phys_to_kv(mbi->mods_addr) + i;
	*out = (struct boot_module){ m->start, m->end - m->start, m->string ? phys_to_kv(m->string) : "" };
	return true;
}

const struct boot_format multiboot1 = { line, framebuffer, rsdp, size, memory, reserve, module };
