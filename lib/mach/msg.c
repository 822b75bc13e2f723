/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message trap, restarted after an interruption: what mach_msg (mach_msg.S) leaves over.
 *
 * An interrupted send has put everything back, so the whole call is repeated;
 * an interrupted receive has sent already, so only the receive half is. The
 * caller who wants to see interruptions sets MACH_SEND_INTERRUPT or
 * MACH_RCV_INTERRUPT, which the kernel does not know.
 * TESTS	tests/boot
 */
#include <mach/message.h>

#define LIBRARY_OPTIONS	(MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT)

_Static_assert(LIBRARY_OPTIONS == 0x440 && MACH_SEND_INTERRUPTED == 0x10000007 && MACH_RCV_INTERRUPTED == 0x10004005,
    "mach_msg.S has them as numbers");

/* => as mach_msg */
mach_msg_return_t mach_msg_again(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
    mach_msg_timeout_t timeout, mach_port_name_t notify);

mach_msg_return_t mach_msg_again(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
    mach_msg_timeout_t timeout, mach_port_name_t notify)
{
	mach_msg_option_t trap_option = option & ~LIBRARY_OPTIONS;
	mach_msg_return_t mr;

	mr = mach_msg_trap(msg, trap_option, send_size, rcv_size, rcv_name, timeout, notify);
	if (!(option & MACH_SEND_INTERRUPT))
		while (mr == MACH_SEND_INTERRUPTED)
			mr = mach_msg_trap(msg, trap_option, send_size, rcv_size, rcv_name, timeout,
			    notify);
	if (!(option & MACH_RCV_INTERRUPT))
		while (mr == MACH_RCV_INTERRUPTED)
			mr = mach_msg_trap(msg, trap_option & ~MACH_SEND_MSG, 0, rcv_size, rcv_name,
			    timeout, notify);
	return mr;
}
