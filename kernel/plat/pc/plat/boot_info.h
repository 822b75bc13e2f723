/* SPDX-License-Identifier: BSD-2-Clause */
/* Between boot_info.c and the two protocols in which a loader tells what it has loaded. */
#ifndef PLAT_BOOT_INFO_H
#define PLAT_BOOT_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <machine/cpu.h>
#include <plat/pc.h>

/* What the loader leaves in EAX */
#define MULTIBOOT1_LOADED	0x2badb002
#define MULTIBOOT2_LOADED	0x36d76289

/* info: where the loader's information lies, in the direct map */
struct boot_format {
	const char	*(*bf_line)(const void *info);		/* never NULL */
	void		 (*bf_framebuffer)(const void *info, struct framebuffer *);	/* left alone when there is none */
	uint64_t	 (*bf_rsdp)(const void *info);		/* address of the ACPI root pointer; 0: look for it */
	uint64_t	 (*bf_size)(const void *info);		/* bytes of the information */
	void		 (*bf_memory)(const void *info);	/* calls boot_memory_add */
	void		 (*bf_reserve)(const void *info);	/* boot_memory_reserve of what lies elsewhere, modules apart */
	bool		 (*bf_module)(const void *info, uint32_t i, struct boot_module *);	/* false: that was the last */
};
extern const struct boot_format multiboot1, multiboot2;

/* usable memory of whole pages */
void	boot_memory_add(uint64_t start, uint64_t end);
/* cut [start, end) out of it */
void	boot_memory_reserve(uint64_t start, uint64_t end);
void	boot_string_reserve(uint64_t pa);

#endif
