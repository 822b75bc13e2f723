/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 keyboard, scan code set 1 (translated), United States layout, to characters and ANSI key sequences. */
#include <machine/cpu.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define KBD_DATA	0x60
#define KBD_STATUS	0x64

static const char plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift, control, alt, caps, extended;
static char queue[8];				/* rest of a key sequence, for polling */
static unsigned queued;

static const char *extended_key(unsigned code)
{
	switch (code) {
	case 0x48: return "\033[A";
	case 0x50: return "\033[B";
	case 0x4d: return "\033[C";
	case 0x4b: return "\033[D";
	case 0x47: return "\033[H";
	case 0x4f: return "\033[F";
	case 0x52: return "\033[2~";
	case 0x53: return "\033[3~";
	case 0x49: return "\033[5~";
	case 0x51: return "\033[6~";
	case 0x1c: return "\r";
	case 0x35: return "/";
	}
	return "";
}

/* => true when the code was a modifier or a release */
static bool modifier(unsigned code)
{
	bool down = !(code & 0x80);

	switch (code & 0x7f) {
	case 0x2a:
	case 0x36:
		shift = extended ? shift : down;
		return true;
	case 0x1d:
		control = down;
		return true;
	case 0x38:
		alt = down;
		return true;
	case 0x3a:
		caps ^= down;
		return true;
	}
	return !down;
}

/* feed one scan code; => characters it makes, in queue */
static void scan(unsigned code)
{
	const char *s;
	char c;

	if (code == 0xe0) {
		extended = true;
		return;
	}
	if (modifier(code)) {
		extended = false;
		return;
	}
	queued = 0;
	if (extended) {
		extended = false;
		for (s = extended_key(code); *s != '\0'; s++)
			queue[queued++] = *s;
		return;
	}
	if (code >= sizeof plain - 1)
		return;
	c = plain[code];
	if (shift != (caps && c >= 'a' && c <= 'z'))
		c = shifted[code];
	if (c == '\0')
		return;
	if (control)
		c &= 0x1f;
	if (alt)
		queue[queued++] = '\033';
	queue[queued++] = c;
}

static void kbd_interrupt(unsigned irq, void *arg)
{
	(void)irq;
	(void)arg;
	while (inb(KBD_STATUS) & 1) {
		scan(inb(KBD_DATA));
		for (unsigned i = 0; i < queued; i++)
			console_input((unsigned char)queue[i]);
		queued = 0;
	}
}

int kbd_poll(void)
{
	int c;

	if (queued == 0 && inb(KBD_STATUS) != 0xff && (inb(KBD_STATUS) & 1))
		scan(inb(KBD_DATA));
	if (queued == 0)
		return -1;
	c = (unsigned char)queue[0];
	queued--;
	for (unsigned i = 0; i < queued; i++)
		queue[i] = queue[i + 1];
	return c;
}

void kbd_enable_irq(void)
{
	if (inb(KBD_STATUS) == 0xff || !irq_register(irq_from_isa(1), kbd_interrupt, NULL))
		return;
	while (inb(KBD_STATUS) & 1)
		(void)inb(KBD_DATA);
	irq_unmask(irq_from_isa(1));
}
