/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  the store: blocks of a page each, on one or more devices. A block has a number, never 0, while something is in it.
 * STATES  a block is free, promised (to an object that has not written it yet) or in use. Only in use is it a certain one.
 */
#ifndef STORE_H
#define STORE_H

#include <mach.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOCK	4096u

typedef uint32_t block_t;

/* memory of this program that is never paged; 0 when there is none */
void		*wired_alloc(vm_size_t size);
void		 wired_free(void *, vm_size_t size);

/* a device becomes part of the store. => D_* or KERN_* errors of opening it; KERN_INVALID_ARGUMENT: too small or known already */
kern_return_t	 store_add(mach_port_t master, const char *name);
/* => KERN_RESOURCE_SHORTAGE: what is in it has no other place */
kern_return_t	 store_remove(const char *name);
/* promise n blocks, all or none */
bool		 store_reserve(uint64_t n);
void		 store_unreserve(uint64_t n);
/* one of the promised blocks, behind `after` when that is free (0: any) */
block_t		 store_take(block_t after);
void		 store_give(block_t);			/* the block is free, promised to nobody */
/* n blocks that follow each other, on one device (see store_follows) */
bool		 store_follows(block_t a, block_t b);	/* is b the one behind a on the same device? */
kern_return_t	 store_read(block_t first, unsigned n, vm_offset_t *data, mach_msg_type_number_t *size);
kern_return_t	 store_write(block_t first, unsigned n, vm_offset_t data);
void		 store_space(uint64_t *blocks, uint64_t *unused, uint64_t *unpromised);

#endif
