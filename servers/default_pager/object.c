/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of the default pager (see object.h): which block has which page.
 *
 * RIGHTS  of an object: its receive right, one send right to its control port and to its name port. Every message brings another
 *         reference to the control port, which its handler drops.
 */
#include "object.h"
#include "default_pager.h"

#define HASH	256u
#define RUN_MAX	64u		/* pages in one transfer */

static struct object *hash[HASH];

static vm_size_t
bytes_of(uint64_t pages)
{
	return sizeof(struct object) + pages * sizeof(block_t);
}

/* names are index << 8 | generation, or small numbers */
static struct object **
hash_of(mach_port_t port)
{
	return &hash[(port ^ port >> 8) % HASH];
}

kern_return_t
object_create(mach_port_t port, uint64_t size, bool internal, struct object **out)
{
	uint64_t pages = size / BLOCK + (size % BLOCK != 0);
	struct object *o;

	if (!store_reserve(pages))
		return KERN_RESOURCE_SHORTAGE;
	o = wired_alloc(bytes_of(pages));
	if (o == NULL) {
		store_unreserve(pages);
		return KERN_RESOURCE_SHORTAGE;
	}
	o->ob_port = port;
	o->ob_control = o->ob_name = MACH_PORT_NULL;
	o->ob_internal = internal;
	o->ob_pages = pages;
	o->ob_next = *hash_of(port);
	*hash_of(port) = o;
	*out = o;
	return KERN_SUCCESS;
}

struct object *
object_lookup(mach_port_t port)
{
	struct object *o = *hash_of(port);

	while (o != NULL && o->ob_port != port)
		o = o->ob_next;
	return o;
}

struct object *
object_at(unsigned n)
{
	struct object *o;

	for (unsigned i = 0; i < HASH; i++)
		for (o = hash[i]; o != NULL; o = o->ob_next)
			if (n-- == 0)
				return o;
	return NULL;
}

struct object *
object_by_name(mach_port_t name)
{
	struct object *o;

	for (unsigned n = 0; (o = object_at(n)) != NULL; n++)
		if (o->ob_name == name || o->ob_port == name)
			return o;
	return NULL;
}

void
object_destroy(struct object *o)
{
	struct object **p = hash_of(o->ob_port);

	while (*p != o)
		p = &(*p)->ob_next;
	*p = o->ob_next;
	for (uint64_t i = 0; i < o->ob_pages; i++)
		if (o->ob_block[i] != 0)
			store_give(o->ob_block[i]);
	store_unreserve(o->ob_pages - o->ob_used);
	if (o->ob_control != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), o->ob_control);
	if (o->ob_name != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), o->ob_name);
	mach_port_mod_refs(mach_task_self(), o->ob_port, MACH_PORT_RIGHT_RECEIVE, -1);
	wired_free(o, bytes_of(o->ob_pages));
}

/* pages from `at` on, before `end`, that are alike: without blocks, or with blocks that follow each other */
static unsigned
run_of(const struct object *o, uint64_t at, uint64_t end)
{
	unsigned n = 1;

	while (n < RUN_MAX && at + n < end && (o->ob_block[at] == 0 ? o->ob_block[at + n] == 0 :
	    store_follows(o->ob_block[at + n - 1], o->ob_block[at + n])))
		n++;
	return n;
}

static void
supply(struct object *o, uint64_t at, unsigned n)
{
	mach_msg_type_number_t size = 0;
	vm_offset_t data;
	kern_return_t kr;
	unsigned tries = 0;

	/* data that could not be sent may be gone: it is read again */
	do {
		kr = store_read(o->ob_block[at], n, &data, &size);
		if (kr != KERN_SUCCESS)
			break;
		kr = memory_object_data_supply(o->ob_control, at * BLOCK, data, size, TRUE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
		if (kr == KERN_SUCCESS)
			return;
		vm_deallocate(mach_task_self(), data, size);
	} while (try_again(kr, &tries));
	mach_printf("default_pager: %u pages could not be read: error %x\n", n, kr);
	memory_object_data_error(o->ob_control, at * BLOCK, n * BLOCK, KERN_FAILURE);
}

static void
supply_nothing(struct object *o, uint64_t at, unsigned n)
{
	unsigned tries = 0;

	while (try_again(memory_object_data_unavailable(o->ob_control, at * BLOCK, n * BLOCK), &tries))
		;
}

void
object_read(struct object *o, uint64_t offset, uint64_t length)
{
	uint64_t at = offset / BLOCK, end = at + length / BLOCK;
	unsigned n;

	if (at >= o->ob_pages || end > o->ob_pages || end < at) {
		memory_object_data_error(o->ob_control, offset, length, KERN_INVALID_ADDRESS);
		return;
	}
	for (; at < end; at += n) {
		n = run_of(o, at, end);
		if (o->ob_block[at] != 0)
			supply(o, at, n);
		else
			supply_nothing(o, at, n);
	}
}

void
object_write(struct object *o, uint64_t offset, vm_offset_t data, uint64_t size)
{
	uint64_t first = offset / BLOCK, end = first + size / BLOCK, at;
	kern_return_t kr;
	unsigned n;

	if (first >= o->ob_pages || end > o->ob_pages || end < first)
		return;			/* behind the end: a mapping may be longer than what it maps */
	for (at = first; at < end; at++) {
		if (o->ob_block[at] != 0)
			continue;
		/* promised when the object was created: there is one */
		o->ob_block[at] = store_take(at != 0 ? o->ob_block[at - 1] : 0);
		o->ob_used++;
	}
	for (at = first; at < end; at += n) {
		n = run_of(o, at, end);
		kr = store_write(o->ob_block[at], n, data + (at - first) * BLOCK);
		if (kr != KERN_SUCCESS)
			mach_printf("default_pager: %u pages could not be written and are lost: error %x\n", n, kr);
	}
}
