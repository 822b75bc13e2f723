/* SPDX-License-Identifier: BSD-2-Clause */
/* First C code of the boot processor. */
#include <stdint.h>
static inline void outb(uint16_t p, uint8_t v) { __asm__ volatile("outb %0,%1" :: "a"(v), "Nd"(p)); }
void machine_start(uint64_t mbi);
void machine_start(uint64_t mbi)
{
	for (const char *s = "hello from long mode\n"; *s; s++) outb(0x3f8, *s);
	outb(0xf4, 1);
	(void)mbi;
	for (;;) __asm__ volatile("hlt");
}
