/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes of little data by messages made by hand: between message and program nothing is copied twice, and nothing is
 * looked at twice. The layouts are those that unix.defs gives unix_io_read and unix_io_write.
 */
#ifndef EMUL_TRANSFER_H
#define EMUL_TRANSFER_H

#include "emul.h"

/* unix_io_write; transfer_write fills in all but the data */
struct transfer_write {
	mach_msg_header_t tw_head;
	uint64_t	tw_fd_item;
	uint64_t	tw_fd;
	uint64_t	tw_offset_item;
	int64_t		tw_offset;
	uint64_t	tw_data_item;
	char		tw_data[UNIX_INLINE_MAX];
};

/* at most UNIX_INLINE_MAX bytes; offset -1: the position. => the Linux result */
long	transfer_read(int fd, char *to, uint64_t count, int64_t offset);
long	transfer_write(struct transfer_write *, int fd, uint64_t count, int64_t offset);
/* What a bad buffer did not take of `got` bytes goes back into the file, if it is one: => the Linux result */
long	transfer_deliver(int fd, char *to, const void *data, long got, int64_t offset);

#endif
