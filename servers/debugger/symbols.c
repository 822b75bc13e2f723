/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the victim's functions and variables, from its ELF file: a boot module that is there as a device. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <device/device.h>
#include "debugger.h"

static const uint8_t *file;
static size_t file_size;
static const Elf64_Sym *symbols;
static size_t symbol_count;
static const char *names;
static size_t names_size;

static bool read_file(const char *device)
{
	int status[DEV_GET_SIZE_COUNT];
	mach_msg_type_number_t n = DEV_GET_SIZE_COUNT;
	io_buf_ptr_t data;
	mach_port_t d;

	if (device_open(device_master, D_READ, (char *)(uintptr_t)device, &d) != D_SUCCESS)
		return false;
	if (device_get_status(d, DEV_GET_SIZE, status, &n) != D_SUCCESS || device_read(d, 0, 0, status[0], &data, &n) != D_SUCCESS) {
		mach_port_deallocate(SELF, d);
		return false;
	}
	mach_port_deallocate(SELF, d);
	file = (const uint8_t *)data;
	file_size = n;
	return true;
}

static const void *piece(uint64_t offset, uint64_t size)
{
	return offset <= file_size && size <= file_size - offset && offset % 8 == 0 ? file + offset : NULL;
}

static bool find_table(void)
{
	const Elf64_Ehdr *e = piece(0, sizeof *e);
	const Elf64_Shdr *s;

	if (e == NULL || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_shentsize != sizeof *s ||
	    (s = piece(e->e_shoff, e->e_shnum * sizeof *s)) == NULL)
		return false;
	for (unsigned i = 0; i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_SYMTAB || s[i].sh_link >= e->e_shnum)
			continue;
		const Elf64_Shdr *strings = &s[s[i].sh_link];

		if (strings->sh_offset > file_size || strings->sh_size > file_size - strings->sh_offset || strings->sh_size == 0)
			return false;
		symbols = piece(s[i].sh_offset, s[i].sh_size);
		symbol_count = symbols != NULL ? s[i].sh_size / sizeof *symbols : 0;
		names = (const char *)file + strings->sh_offset;
		names_size = strings->sh_size;
		return symbol_count > 0 && names[names_size - 1] == 0;
	}
	return false;
}

bool symbols_load(const char *device)
{
	if (file != NULL)
		vm_deallocate(SELF, (vm_address_t)file, file_size);
	file = NULL;
	symbol_count = 0;
	if (read_file(device) && find_table())
		return true;
	symbol_count = 0;
	return false;
}

static const char *name_of(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	if ((type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE) || s->st_shndx == SHN_UNDEF || s->st_name >= names_size ||
	    names[s->st_name] == 0)
		return NULL;
	return names + s->st_name;
}

const char *symbol_of(uint64_t address, uint64_t *offset)
{
	const char *best = NULL;
	uint64_t nearest = 0x10000;

	for (size_t i = 0; i < symbol_count; i++) {
		const char *name = name_of(&symbols[i]);
		uint64_t distance = address - symbols[i].st_value;

		/* of two for one address the one that is something */
		if (name == NULL || distance > nearest || (symbols[i].st_size != 0 && distance >= symbols[i].st_size) ||
		    (best != NULL && distance == nearest && ELF64_ST_TYPE(symbols[i].st_info) == STT_NOTYPE))
			continue;
		best = name;
		nearest = distance;
	}
	*offset = nearest;
	return best;
}

bool symbol_value(const char *name, uint64_t *value)
{
	for (size_t i = 0; i < symbol_count; i++) {
		const char *n = name_of(&symbols[i]);

		if (n != NULL && strcmp(n, name) == 0) {
			*value = symbols[i].st_value;
			return true;
		}
	}
	return false;
}

const char *where(uint64_t address)
{
	static char text[128];
	uint64_t offset;
	const char *name = symbol_of(address, &offset);

	if (name == NULL)
		snprintf(text, sizeof text, "%lx", (unsigned long)address);
	else if (offset == 0)
		snprintf(text, sizeof text, "%lx %s", (unsigned long)address, name);
	else
		snprintf(text, sizeof text, "%lx %s+%lx", (unsigned long)address, name, (unsigned long)offset);
	return text;
}
