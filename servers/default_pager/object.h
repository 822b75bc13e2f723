/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct object: a memory object of the default pager: one for swap space (the kernel's memory_object_create), or one
 *         that a task asked for (default_pager_object_create) and may map as it likes.
 * STATES  a task's object has a control port while a kernel caches it, and keeps its data between. It goes when nobody has a right to
 *         it any more; a kernel's goes when the kernel terminates it.
 * REFS    none: one thread, found by the name of its port.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include "store.h"

struct object {
	struct object	*ob_next;		/* of the same hash */
	mach_port_t	 ob_port;		/* receive right */
	mach_port_t	 ob_control;		/* send rights, or null */
	mach_port_t	 ob_name;
	bool		 ob_internal;		/* the kernel's */
	uint64_t	 ob_pages;
	uint64_t	 ob_used;		/* pages that have a block */
	block_t		 ob_block[];		/* 0: never written */
};

/* => KERN_RESOURCE_SHORTAGE: no room in the store, or no memory. The receive right stays the caller's on failure */
kern_return_t	 object_create(mach_port_t port, uint64_t size, bool internal, struct object **);
struct object	*object_lookup(mach_port_t port);
struct object	*object_by_name(mach_port_t name);	/* or by its port */
/* its blocks are free; its rights go */
void		 object_destroy(struct object *);
/* the n-th object, or NULL */
struct object	*object_at(unsigned n);

/* a data request: answered page by page or in runs */
void		 object_read(struct object *, uint64_t offset, uint64_t length);
void		 object_write(struct object *, uint64_t offset, vm_offset_t data, uint64_t size);

#endif
