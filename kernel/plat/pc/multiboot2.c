/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second Multiboot protocol: GRUB's "multiboot2". A list of tags, all strings and maps within it; on UEFI machines the only
 * one that tells where the ACPI tables are, and with them the other processors.
 */
#include <kern/string.h>
#include <machine/pmap.h>
#include <plat/boot_info.h>

enum {
	TAG_END, TAG_LINE, TAG_LOADER, TAG_MODULE, TAG_BASIC_MEMORY, TAG_BIOS_DEVICE, TAG_MMAP, TAG_VBE, TAG_FRAMEBUFFER,
	TAG_RSDP_1 = 14, TAG_RSDP_2 = 15,
};

struct tag {
	uint32_t type, size;			/* of the tag with this head; the next begins at a multiple of 8 */
};

struct module_tag {
	struct tag head;
	uint32_t start, end;
	char line[];
};

struct mmap_tag {
	struct tag head;
	uint32_t entry_size, entry_version;
	struct mmap_entry {
		uint64_t addr, length;
		uint32_t type, reserved;
	} entries[];
};

struct framebuffer_tag {
	struct tag head;
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
	uint16_t reserved;
	uint8_t colour[6];			/* first bit and size of red, green, blue */
} __attribute__((packed));

static uint64_t size(const void *info)
{
	return *(const uint32_t *)info;
}

/* => the nth tag of that type, at least `least` bytes of it; NULL: no more */
static const void *find(const void *info, uint32_t type, uint32_t n, uint32_t least)
{
	const char *at = (const char *)info + 8, *end = (const char *)info + size(info);

	for (const struct tag *t; at + sizeof *t <= end; at += (t->size + 7) & ~7u) {
		t = (const struct tag *)(const void *)at;
		if (t->type == TAG_END || t->size < sizeof *t || t->size > (uint64_t)(end - at))
			return NULL;
		if (t->type == type && t->size >= least && n-- == 0)
			return t;
	}
	return NULL;
}

static const char *line(const void *info)
{
	const struct tag *t = find(info, TAG_LINE, 0, sizeof *t + 1);

	return t != NULL ? (const char *)(t + 1) : "";
}

static void framebuffer(const void *info, struct framebuffer *fb)
{
	const struct framebuffer_tag *t = find(info, TAG_FRAMEBUFFER, 0, sizeof *t);

	if (t != NULL)
		*fb = (struct framebuffer){ t->addr, t->pitch, t->width, t->height, t->bpp, t->type,
		    t->colour[0], t->colour[2], t->colour[4] };
}

static uint64_t rsdp(const void *info)
{
	const struct tag *t = find(info, TAG_RSDP_2, 0, sizeof *t + 36);

	if (t == NULL)
		t = find(info, TAG_RSDP_1, 0, sizeof *t + 20);
	return t != NULL ? kv_to_phys(t + 1) : 0;
}

static void memory(const void *info)
{
	const struct mmap_tag *t = find(info, TAG_MMAP, 0, sizeof *t);

	if (t == NULL || t->entry_size < sizeof(struct mmap_entry))
		return;
	for (uint32_t at = sizeof *t; at + t->entry_size <= t->head.size; at += t->entry_size) {
		const struct mmap_entry *m = (const void *)((const char *)t + at);

		if (m->type == 1)
			boot_memory_add(m->addr, m->addr + m->length);
	}
}

/* all of it is one piece */
static void reserve(const void *info)
{
	(void)info;
}

static bool module(const void *info, uint32_t i, struct boot_module *out)
{
	const struct module_tag *t = find(info, TAG_MODULE, i, sizeof *t + 1);

	if (t == NULL)
		return false;
	*out = (struct boot_module){ t->start, t->end - t->start, t->line };
	return true;
}

const struct boot_format multiboot2 = { line, framebuffer, rsdp, size, memory, reserve, module };
