/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: parts of files' memory objects mapped in the server, through which read and write
 * copy.  They hold no data of their own; the pages are those that programs map.
 *
 * OBJECT   struct window: WINDOW_SIZE bytes of one node's memory object.
 * STATES   unused (w_node null), mapped and idle (w_pins 0), pinned
 * REFS     a pin keeps the mapping; the pinner holds a reference of the node.  A window counts no
 *          reference: a node drops its windows when it is retired.
 * LOCKS    window_lock, last in the order; not held across calls to the kernel.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "enode.h"

#define WINDOWS		512
#define WINDOW_HASH	256

/* window_lock; w_address fixed while pinned */
struct window {
	struct window	*w_next;
	struct enode	*w_node;
	uint64_t	w_offset;
	vm_address_t	w_address;
	uint32_t	w_pins;
	bool		w_recent;
};

static struct mutex window_lock = MUTEX_INITIALIZER;
static struct window windows[WINDOWS];
static struct window *window_hash[WINDOW_HASH];
static uint32_t window_hand;

static struct window **
window_bucket(const struct enode *node, uint64_t offset)
{
	uintptr_t h = (uintptr_t)node / sizeof(*node) + offset / WINDOW_SIZE * 31;

	return &window_hash[h % WINDOW_HASH];
}

static void
window_unhash(struct window *w)
{
	struct window **wp;

	for (wp = window_bucket(w->w_node, w->w_offset); *wp != w; wp = &(*wp)->w_next)
		;
	*wp = w->w_next;
	w->w_node = NULL;
}

static struct window *
window_find(const struct enode *node, uint64_t offset)
{
	struct window *w;

	for (w = *window_bucket(node, offset); w != NULL; w = w->w_next) {
		if (w->w_node == node && w->w_offset == offset) {
			w->w_pins++;
			w->w_recent = true;
			return w;
		}
	}
	return NULL;
}

/* A free slot; *old is a mapping to remove when window_lock is dropped. */
static struct window *
window_slot(vm_address_t *old)
{
	struct window *w;
	int tries;

	*old = 0;
	for (tries = 0; tries < 2 * WINDOWS; tries++) {
		w = &windows[window_hand++ % WINDOWS];
		if (w->w_pins != 0)
			continue;
		if (w->w_node == NULL)
			return w;
		if (w->w_recent) {
			w->w_recent = false;
			continue;
		}
		*old = w->w_address;
		window_unhash(w);
		return w;
	}
	return NULL;
}

/*
 * => the node is referenced; em_lock is not held
 * => *data is where `offset' is, *size how much follows in the window
 */
int
window_get(struct enode *node, uint64_t offset, struct window **out, uint8_t **data,
    size_t *size)
{
	uint64_t start = offset & ~(uint64_t)(WINDOW_SIZE - 1);
	vm_address_t address = 0, old = 0, extra = 0;
	struct window *w;
	mach_port_t port;
	int error;

	mutex_lock(&window_lock);
	w = window_find(node, start);
	mutex_unlock(&window_lock);
	if (w == NULL) {
		error = pager_port(node, &port);
		if (error != 0)
			return error;
		if (vm_map(mach_task_self(), &address, WINDOW_SIZE, 0, TRUE, port, start, FALSE,
		    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
		    VM_INHERIT_NONE) != KERN_SUCCESS) {
			mach_port_deallocate(mach_task_self(), port);
			return -LX_ENOMEM;
		}
		mach_port_deallocate(mach_task_self(), port);
		mutex_lock(&window_lock);
		w = window_find(node, start);
		if (w != NULL) {
			extra = address;	/* another thread was faster */
		} else if ((w = window_slot(&old)) != NULL) {
			w->w_node = node;
			w->w_offset = start;
			w->w_address = address;
			w->w_pins = 1;
			w->w_recent = true;
			w->w_next = *window_bucket(node, start);
			*window_bucket(node, start) = w;
		} else {
			extra = address;
		}
		mutex_unlock(&window_lock);
		if (old != 0)
			vm_deallocate(mach_task_self(), old, WINDOW_SIZE);
		if (extra != 0)
			vm_deallocate(mach_task_self(), extra, WINDOW_SIZE);
		if (w == NULL)
			return -LX_ENOMEM;
	}
	*out = w;
	*data = (uint8_t *)w->w_address + (offset - start);
	*size = WINDOW_SIZE - (size_t)(offset - start);
	return 0;
}

void
window_put(struct window *w)
{
	mutex_lock(&window_lock);
	w->w_pins--;
	mutex_unlock(&window_lock);
}

/* Removes the node's windows; nobody uses them any more.  => em_lock not held */
void
window_drop(struct enode *node)
{
	vm_address_t address;
	int i;

	for (i = 0; i < WINDOWS; i++) {
		if (windows[i].w_node != node)
			continue;
		address = 0;
		mutex_lock(&window_lock);
		if (windows[i].w_node == node && windows[i].w_pins == 0) {
			address = windows[i].w_address;
			window_unhash(&windows[i]);
		}
		mutex_unlock(&window_lock);
		if (address != 0)
			vm_deallocate(mach_task_self(), address, WINDOW_SIZE);
	}
}
