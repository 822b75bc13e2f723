/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of the keyboard and the mouse (devices kbd0, mouse0), and status flavours of the keyboard. */
#ifndef DEVICE_INPUT_EVENTS_H
#define DEVICE_INPUT_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <mach/boolean.h>
#include <mach/time_value.h>

typedef uint8_t Scancode;
typedef uint16_t kev_type;

struct mouse_motion {
	short mm_deltaX;
	short mm_deltaY;		/* up is positive */
};

typedef struct {
	kev_type type;
	struct rpc_time_value unused_time;
	union {
		boolean_t up;		/* MOUSE_LEFT .. MOUSE_RIGHT: released */
		Scancode sc;		/* KEYBD_EVENT */
		struct mouse_motion mmotion;	/* MOUSE_MOTION */
	} value;
} kd_event;

#define MOUSE_LEFT	1
#define MOUSE_MIDDLE	2
#define MOUSE_RIGHT	3
#define MOUSE_MOTION	4
#define KEYBD_EVENT	5

/* set: one word. KB_EVENT: keys are events of kbd0; KB_ASCII: characters of the console */
#define KDSKBDMODE	0x80044b01u
#define KB_EVENT	1
#define KB_ASCII	2
/* get: one word */
#define KDGKBDTYPE	0x40044b02u
#define KB_VANILLAKB	0
/* set: one word, 1 scroll, 2 number, 4 capitals */
#define KDSETLEDS	0x80044b05u

_Static_assert(sizeof(kd_event) == 32, "event");
_Static_assert(offsetof(kd_event, value) == 24, "event");

#endif
