/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw events of the keyboard (kbd0) and the mouse (mouse0): records of device/input_events.h. Keys go to kbd0 while its mode is
 * KB_EVENT, else they are characters of the console; the mode falls back when the last right to kbd0 goes.
 * LOCKS   those of each input; the bytes of a mouse packet belong to the interrupt, which comes on one processor.
 */
#include <device/input.h>
#include <device/input_events.h>
#include <device/tty_status.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <machine/lines.h>

#define RING		4096u
#define PACKET		3
#define PACKET_FIRST	0x08		/* always set in the first byte */
#define PACKET_LOST	0xc0		/* counters overflowed */

static struct device_input keys, mouse;

static io_return_t
events_start(struct device_input *in)
{
	char *ring;

	if (in->in_ring != NULL)
		return D_SUCCESS;
	ring = kalloc(RING);
	if (ring == NULL)
		return D_NO_MEMORY;
	device_input_init(in, ring, RING, sizeof(kd_event), NULL);
	return D_SUCCESS;
}

static io_return_t
events_status(dev_flavor_t flavor, int *out, uint32_t *count)
{
	if (flavor != DEV_GET_SIZE || *count < DEV_GET_SIZE_COUNT)
		return D_INVALID_OPERATION;
	out[DEV_GET_SIZE_DEVICE_SIZE] = 0;
	out[DEV_GET_SIZE_RECORD_SIZE] = sizeof(kd_event);
	*count = DEV_GET_SIZE_COUNT;
	return D_SUCCESS;
}

/* --- keyboard --- */

static void
key_pressed(unsigned code)
{
	kd_event e;

	memset(&e, 0, sizeof e);
	e.type = KEYBD_EVENT;
	e.value.sc = (Scancode)code;
	device_input_put(&keys, &e, sizeof e);
}

static void
set_raw(bool raw)
{
	__atomic_store_n(&keyboard_raw, raw, __ATOMIC_RELEASE);
}

/* => device lock held */
static io_return_t
kbd_open(unsigned unit, void **data)
{
	(void)data;
	if (unit != 0)
		return D_NO_SUCH_DEVICE;
	keyboard_hook = key_pressed;
	return events_start(&keys);
}

static void
kbd_closed(struct device *d)
{
	(void)d;
	set_raw(false);
}

static io_return_t
kbd_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	(void)d;
	return device_input_read(&keys, r, from, count, free);
}

static io_return_t
kbd_get_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	if (flavor != KDGKBDTYPE || *count < 1)
		return events_status(flavor, out, count);
	out[0] = KB_VANILLAKB;
	*count = 1;
	return D_SUCCESS;
}

static io_return_t
kbd_set_status(struct device *d, dev_flavor_t flavor, const int *in, uint32_t count)
{
	(void)d;
	if (flavor == TTY_FLUSH) {
		device_input_flush(&keys);
		return D_SUCCESS;
	}
	if (count < 1)
		return D_INVALID_OPERATION;
	if (flavor == KDSKBDMODE && (in[0] == KB_EVENT || in[0] == KB_ASCII))
		set_raw(in[0] == KB_EVENT);
	else if (flavor == KDSETLEDS)
		keyboard_leds((unsigned)in[0]);
	else
		return D_INVALID_OPERATION;
	return D_SUCCESS;
}

const struct device_ops kbd_ops = {
	.do_name = "kbd", .do_open = kbd_open, .do_closed = kbd_closed, .do_read = kbd_read, .do_get_status = kbd_get_status,
	.do_set_status = kbd_set_status,
};

/* --- mouse --- */

static void
button_event(unsigned type, bool up)
{
	kd_event e;

	memset(&e, 0, sizeof e);
	e.type = (kev_type)type;
	e.value.up = up;
	device_input_put(&mouse, &e, sizeof e);
}

static void
mouse_packet(const uint8_t p[PACKET])
{
	static const uint8_t types[3] = { MOUSE_LEFT, MOUSE_RIGHT, MOUSE_MIDDLE };	/* by bit */
	static unsigned held;
	unsigned changed = (p[0] ^ held) & 7;
	kd_event e;

	memset(&e, 0, sizeof e);
	e.type = MOUSE_MOTION;
	e.value.mmotion.mm_deltaX = (short)(p[1] - (p[0] & 0x10 ? 256 : 0));
	e.value.mmotion.mm_deltaY = (short)(p[2] - (p[0] & 0x20 ? 256 : 0));
	if (e.value.mmotion.mm_deltaX != 0 || e.value.mmotion.mm_deltaY != 0)
		device_input_put(&mouse, &e, sizeof e);
	held = p[0] & 7;
	for (unsigned i = 0; i < 3; i++)
		if (changed & 1u << i)
			button_event(types[i], !(held & 1u << i));
}

static void
mouse_byte(unsigned byte)
{
	static uint8_t packet[PACKET];
	static unsigned have;

	/* out of step: wait for a first byte */
	if (have == 0 && !(byte & PACKET_FIRST))
		return;
	packet[have++] = (uint8_t)byte;
	if (have < PACKET)
		return;
	have = 0;
	if (!(packet[0] & PACKET_LOST))
		mouse_packet(packet);
}

/* => device lock held */
static io_return_t
mouse_open(unsigned unit, void **data)
{
	io_return_t kr;

	(void)data;
	if (unit != 0)
		return D_NO_SUCH_DEVICE;
	kr = events_start(&mouse);
	if (kr != D_SUCCESS)
		return kr;
	mouse_hook = mouse_byte;
	return mouse_start() ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

static io_return_t
mouse_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	(void)d;
	return device_input_read(&mouse, r, from, count, free);
}

static io_return_t
mouse_get_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	return events_status(flavor, out, count);
}

static io_return_t
mouse_set_status(struct device *d, dev_flavor_t flavor, const int *in, uint32_t count)
{
	(void)d;
	(void)in;
	(void)count;
	if (flavor != TTY_FLUSH)
		return D_INVALID_OPERATION;
	device_input_flush(&mouse);
	return D_SUCCESS;
}

const struct device_ops mouse_ops = {
	.do_name = "mouse", .do_open = mouse_open, .do_read = mouse_read, .do_get_status = mouse_get_status,
	.do_set_status = mouse_set_status,
};
