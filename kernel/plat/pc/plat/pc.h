/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of plat/pc. */
#ifndef PLAT_PC_H
#define PLAT_PC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* boot_info.c */
struct framebuffer {
	uint64_t fb_phys;
	uint32_t fb_pitch, fb_width, fb_height;
	uint8_t	 fb_bpp, fb_type;		/* type 1: direct colour, 2: text */
	uint8_t	 fb_red, fb_green, fb_blue;	/* first bit of each colour */
};
extern struct framebuffer boot_framebuffer;	/* fb_phys 0: none */
extern uint64_t boot_rsdp;			/* address of the ACPI root pointer; 0: look for it */
bool	boot_option(const char *word, char *value, size_t size);	/* "word=value" on the command line */

/* screen.c: a small terminal on whatever the machine shows characters with */
struct screen {
	unsigned sc_columns, sc_rows;
	void	(*sc_draw)(unsigned row, unsigned column, unsigned char c, uint8_t attribute);
	void	(*sc_cursor)(unsigned row, unsigned column);
};
void	screen_init(const struct screen *);	/* cleared; output goes to it from now on */
void	screen_putc(char);
void	screen_pause(bool);			/* nothing may be drawn just now */

/* vga.c, fb.c: the two there are */
void	vga_init(void);
bool	fb_init(void);				/* => false: no framebuffer that can be used */

/* serial.c, kbd.c */
void	serial_init(void);
void	serial_putc(char);
int	serial_poll(void);
void	serial_enable_irq(void);
void	kbd_enable_irq(void);
int	kbd_poll(void);
void	console_input(int c);			/* interrupt context: a character came in */

/* acpi.c, mptable.c */
bool	acpi_find(void);			/* => false: no usable tables */
bool	acpi_poweroff(void);
bool	acpi_reset(void);
uint64_t acpi_hpet_address(void);		/* 0: none */
bool	mptable_find(void);
void	plat_add_cpu(uint32_t apic_id);

/* ioapic.c */
void	ioapic_add(uint64_t phys, uint32_t gsi_base);
void	ioapic_override(unsigned isa_irq, unsigned gsi, bool level, bool low);
void	ioapic_init(void);

/* timer.c */
uint64_t rtc_read_seconds(void);

#endif
