/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports and rights: names, kinds, counts. */
#ifndef MACH_PORT_H
#define MACH_PORT_H

#include <mach/boolean.h>
#include <mach/machine/vm_types.h>

/* What a task calls a right. 32 bits everywhere; 0 is no right, all ones a dead one. */
typedef unsigned int mach_port_name_t;
typedef mach_port_name_t *mach_port_name_array_t;
typedef const mach_port_name_t *const_mach_port_name_array_t;

/* The right itself: in the kernel the port, for a task its name. */
#ifdef KERNEL
struct ipc_port;
typedef struct ipc_port *mach_port_t;
#else
typedef mach_port_name_t mach_port_t;
#endif
typedef mach_port_t *mach_port_array_t;
typedef const mach_port_t *const_mach_port_array_t;
typedef int *rpc_signature_info_t;

/*
 * A right as it stands inside a message body: a name in the low half when a
 * task reads or writes it, a whole pointer while the message is the kernel's.
 */
typedef union {
	mach_port_name_t name;
	uintptr_t kernel_port_do_not_use;
} mach_port_name_inlined_t;

_Static_assert(sizeof(mach_port_name_t) == 4, "port name");
_Static_assert(sizeof(mach_port_name_inlined_t) == 8, "port slot in a message");

#define MACH_PORT_NULL		((mach_port_t)0)
#ifdef KERNEL
#define MACH_PORT_DEAD		((mach_port_t)~0UL)
#else
#define MACH_PORT_DEAD		((mach_port_t)~0U)
#endif
#define MACH_PORT_VALID(port)	(((port) != MACH_PORT_NULL) && ((port) != MACH_PORT_DEAD))

#define MACH_PORT_NAME_NULL	((mach_port_name_t)0)
#define MACH_PORT_NAME_DEAD	((mach_port_name_t)~0U)
#define MACH_PORT_NAME_VALID(name) \
	(((name) != MACH_PORT_NAME_NULL) && ((name) != MACH_PORT_NAME_DEAD))

typedef natural_t mach_port_right_t;
typedef natural_t mach_port_type_t;
typedef mach_port_type_t *mach_port_type_array_t;
typedef natural_t mach_port_urefs_t;
typedef integer_t mach_port_delta_t;
typedef natural_t mach_port_seqno_t;
typedef unsigned int mach_port_mscount_t;
typedef unsigned int mach_port_msgcount_t;
typedef unsigned int mach_port_rights_t;
typedef unsigned int mach_port_ktype_t;

#define MACH_PORT_RIGHT_SEND		((mach_port_right_t)0)
#define MACH_PORT_RIGHT_RECEIVE		((mach_port_right_t)1)
#define MACH_PORT_RIGHT_SEND_ONCE	((mach_port_right_t)2)
#define MACH_PORT_RIGHT_PORT_SET	((mach_port_right_t)3)
#define MACH_PORT_RIGHT_DEAD_NAME	((mach_port_right_t)4)
#define MACH_PORT_RIGHT_NUMBER		((mach_port_right_t)5)

#define MACH_PORT_TYPE(right)		((mach_port_type_t)1 << ((right) + (mach_port_right_t)16))
#define MACH_PORT_TYPE_NONE		((mach_port_type_t)0)
#define MACH_PORT_TYPE_SEND		MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND)
#define MACH_PORT_TYPE_RECEIVE		MACH_PORT_TYPE(MACH_PORT_RIGHT_RECEIVE)
#define MACH_PORT_TYPE_SEND_ONCE	MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_SET		MACH_PORT_TYPE(MACH_PORT_RIGHT_PORT_SET)
#define MACH_PORT_TYPE_DEAD_NAME	MACH_PORT_TYPE(MACH_PORT_RIGHT_DEAD_NAME)

#define MACH_PORT_TYPE_SEND_RECEIVE	(MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_SEND_RIGHTS	(MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_RIGHTS	(MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_PORT_OR_DEAD	(MACH_PORT_TYPE_PORT_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)
#define MACH_PORT_TYPE_ALL_RIGHTS	(MACH_PORT_TYPE_PORT_OR_DEAD | MACH_PORT_TYPE_PORT_SET)

/* Extra bits mach_port_type returns: a dead-name or message-accepted request is outstanding. */
#define MACH_PORT_TYPE_DNREQUEST	0x80000000U
#define MACH_PORT_TYPE_MAREQUEST	0x40000000U
#define MACH_PORT_TYPE_COMPAT		0x20000000U

#define MACH_PORT_SRIGHTS_NONE		FALSE
#define MACH_PORT_SRIGHTS_PRESENT	TRUE

typedef struct mach_port_status {
	mach_port_name_t mps_pset;	/* port set it is in */
	mach_port_seqno_t mps_seqno;
	mach_port_mscount_t mps_mscount;
	mach_port_msgcount_t mps_qlimit;
	mach_port_msgcount_t mps_msgcount;
	mach_port_rights_t mps_sorights;
	boolean_t mps_srights;		/* do send rights exist? */
	boolean_t mps_pdrequest;
	boolean_t mps_nsrequest;
} mach_port_status_t;

_Static_assert(sizeof(mach_port_status_t) == 36, "port status");

#define MACH_PORT_QLIMIT_MIN		((mach_port_msgcount_t)0)
#define MACH_PORT_QLIMIT_DEFAULT	((mach_port_msgcount_t)5)
#define MACH_PORT_QLIMIT_MAX		((mach_port_msgcount_t)16)

/* Most user references one name can carry; dead names reach one more. */
#define MACH_PORT_UREFS_MAX		((mach_port_urefs_t)65535)

#endif
