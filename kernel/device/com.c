/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial lines com0 to com3. The kernel's console line is another name of the console; the others are nobody else's.
 * Output waits for the line, a thousandth of a second for each character of a slow one; input beyond the ring is lost.
 * LOCKS   those of each line's input; settings are single stores.
 */
#include <device/input.h>
#include <device/tty_status.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <machine/lines.h>

#define RING	4096u

/* modem bits of TTY_MODEM: the interface's, beside those of the registers */
#define TM_DTR	0x002
#define TM_RTS	0x004
#define TM_CTS	0x020
#define TM_CAR	0x040
#define TM_RNG	0x080
#define TM_DSR	0x100

struct line {
	struct device_input	 ln_input;
	struct tty_status	 ln_status;
	unsigned		 ln_unit;
};

static struct line *lines[SERIAL_LINES];

static void
line_received(unsigned unit, char c)
{
	struct line *line = __atomic_load_n(&lines[unit], __ATOMIC_ACQUIRE);

	if (line != NULL)
		device_input_put(&line->ln_input, &c, 1);
}

/* => device lock held */
static io_return_t
com_open(unsigned unit, void **data)
{
	struct line *line;
	char *ring;

	if (unit >= SERIAL_LINES)
		return D_NO_SUCH_DEVICE;
	if (unit == serial_console_unit())
		return D_SUCCESS;
	line = lines[unit];
	if (line == NULL) {
		line = kzalloc(sizeof *line);
		ring = kalloc(RING);
		if (line == NULL || ring == NULL) {
			kfree(line, sizeof *line);
			kfree(ring, RING);
			return D_NO_MEMORY;
		}
		device_input_init(&line->ln_input, ring, RING, 1, NULL);
		line->ln_status = (struct tty_status){ 115200, 115200, 0, 0 };
		line->ln_unit = unit;
		__atomic_store_n(&lines[unit], line, __ATOMIC_RELEASE);
		serial_hook = line_received;
	}
	*data = line;
	return serial_line_start(unit) ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

static io_return_t
com_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	struct line *line = d->dv_data;

	if (line == NULL)
		return console_read(d, r, from, count, free);
	return device_input_read(&line->ln_input, r, from, count, free);
}

static io_return_t
com_write(struct device *d, uint64_t recnum, uint64_t at, const void *from, uint32_t count)
{
	struct line *line = d->dv_data;

	if (line == NULL)
		return console_write(d, recnum, at, from, count);
	for (uint32_t i = 0; i < count; i++)
		serial_line_put(line->ln_unit, ((const char *)from)[i]);
	return D_SUCCESS;
}

static unsigned
modem_bits(unsigned unit)
{
	static const struct { unsigned reg, bit; } map[] = {
		{ 0x0001, TM_DTR }, { 0x0002, TM_RTS }, { 0x1000, TM_CTS }, { 0x2000, TM_DSR }, { 0x4000, TM_RNG }, { 0x8000, TM_CAR },
	};
	unsigned registers = serial_line_modem(unit), bits = 0;

	for (unsigned i = 0; i < sizeof map / sizeof map[0]; i++)
		bits |= registers & map[i].reg ? map[i].bit : 0;
	return bits;
}

static io_return_t
com_get_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	struct line *line = d->dv_data;

	if (line != NULL && flavor == TTY_STATUS && *count >= TTY_STATUS_COUNT) {
		memcpy(out, &line->ln_status, sizeof line->ln_status);
		*count = TTY_STATUS_COUNT;
		return D_SUCCESS;
	}
	if (line != NULL && flavor == TTY_MODEM && *count >= 1) {
		out[0] = (int)modem_bits(line->ln_unit);
		*count = 1;
		return D_SUCCESS;
	}
	if (line != NULL && flavor != DEV_GET_SIZE)
		return D_INVALID_OPERATION;
	return console_get_status(d, flavor, out, count);
}

static io_return_t
set_speed(struct line *line, const int *in, uint32_t count)
{
	struct tty_status want;

	if (count < TTY_STATUS_COUNT)
		return D_INVALID_OPERATION;
	memcpy(&want, in, sizeof want);
	if (want.tt_ispeed != want.tt_ospeed || want.tt_ospeed <= 0 || !serial_line_speed(line->ln_unit, (unsigned)want.tt_ospeed))
		return D_INVALID_OPERATION;
	line->ln_status = want;
	return D_SUCCESS;
}

static io_return_t
com_set_status(struct device *d, dev_flavor_t flavor, const int *in, uint32_t count)
{
	struct line *line = d->dv_data;

	if (line == NULL)
		return console_set_status(d, flavor, in, count);
	switch (flavor) {
	case TTY_STATUS:
		return set_speed(line, in, count);
	case TTY_MODEM:
		if (count < 1)
			return D_INVALID_OPERATION;
		serial_line_control(line->ln_unit, (in[0] & TM_DTR ? 1 : 0) | (in[0] & TM_RTS ? 2 : 0));
		return D_SUCCESS;
	case TTY_FLUSH:
		device_input_flush(&line->ln_input);
		return D_SUCCESS;
	case TTY_SET_BREAK:
	case TTY_CLEAR_BREAK:
		serial_line_break(line->ln_unit, flavor == TTY_SET_BREAK);
		return D_SUCCESS;
	case TTY_STOP:
	case TTY_START:
		return D_SUCCESS;	/* output is never held back */
	default:
		return D_INVALID_OPERATION;
	}
}

const struct device_ops com_ops = {
	.do_name = "com", .do_open = com_open, .do_read = com_read, .do_write = com_write, .do_get_status = com_get_status,
	.do_set_status = com_set_status,
};
