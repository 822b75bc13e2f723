/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager for the host kernel's tests: a thread of the first task which keeps the pages of its objects in host memory, and can be the
 * default pager. What it answers is set by `store`.
 */
#ifndef TESTS_HOST_STORE_H
#define TESTS_HOST_STORE_H

#include "user.h"

struct store {
	/* answers */
	memory_object_copy_strategy_t st_strategy;
	bool		 st_may_cache, st_precious;
	bool		 st_silent;		/* no answer to requests at all */
	bool		 st_unavailable;	/* what was never written is unavailable; otherwise it is a pattern */
	kern_return_t	 st_error;		/* KERN_SUCCESS: none */
	vm_prot_t	 st_lock;		/* what pages come locked against, until they are asked for again */
	bool		 st_refuse;		/* no room for the kernel's own objects */
	mach_port_t	 st_reply_to;		/* supply completed, change completed; MACH_PORT_NULL: nowhere */
	/* what has come: of ids 2200 to 2255 */
	unsigned	 st_seen[56];
	mach_port_t	 st_control;		/* of the object that was initialised last */
	unsigned	 st_pages;		/* kept */
};
extern struct store store;

/* start it; => its port, to be made the default pager */
mach_port_t store_start(void);
/* => an object (receive right with the pager, a send right under the same name); store_forget ends it */
mach_port_t store_object(void);
void	store_forget(mach_port_t object);
/* the first word of page n of an object that nobody has written */
uint64_t store_pattern(uint64_t n);
/* wait until so many messages of that id have come since then; => they have */
bool	store_wait(int id, unsigned count);
/* all answers as they were */
void	store_reset(void);

#endif
