/* SPDX-License-Identifier: BSD-2-Clause */
/* Status flavours of terminal devices. */
#ifndef DEVICE_TTY_STATUS_H
#define DEVICE_TTY_STATUS_H

struct tty_status {
	int tt_ispeed;
	int tt_ospeed;
	int tt_breakc;
	int tt_flags;
};
#define TTY_STATUS_COUNT	(sizeof(struct tty_status) / sizeof(int))
#define TTY_STATUS		(dev_flavor_t)(('t' << 16) + 1)

#define TTY_MODEM		(dev_flavor_t)(('t' << 16) + 2)
#define TTY_FLUSH		(dev_flavor_t)(('t' << 16) + 3)
#define TTY_STOP		(dev_flavor_t)(('t' << 16) + 4)
#define TTY_START		(dev_flavor_t)(('t' << 16) + 5)
#define TTY_SET_BREAK		(dev_flavor_t)(('t' << 16) + 6)
#define TTY_CLEAR_BREAK		(dev_flavor_t)(('t' << 16) + 7)
#define TTY_SET_TRANSLATION	(dev_flavor_t)(('t' << 16) + 8)

_Static_assert(sizeof(struct tty_status) == 16, "tty status");

#endif
