/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sbrk: the heap malloc grows in, a range of addresses far from where the
 * kernel puts memory on its own, filled by vm_allocate in large steps.
 *
 * OBJECT	[HEAP_BASE, heap_end) is allocated, [HEAP_BASE, heap_break) in use
 * LOCKS	malloc's own, which newlib holds around every call
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/vm_param.h>
#include <mach_init.h>
#include <mach/mach_interface.h>

#define HEAP_BASE	0x100000000000UL
#define HEAP_MAX	0x10000000000UL
#define HEAP_STEP	(256 * 1024UL)

static vm_address_t heap_break = HEAP_BASE;
static vm_address_t heap_end = HEAP_BASE;

void *sbrk(ptrdiff_t increment);

void *sbrk(ptrdiff_t increment)
{
	vm_address_t old = heap_break, place = heap_end;
	vm_size_t missing;

	if (increment > 0 && (vm_size_t)increment > HEAP_BASE + HEAP_MAX - old)
		goto no_memory;
	if (increment < 0 && (vm_size_t)-increment > old - HEAP_BASE)
		goto no_memory;
	if (old + (vm_size_t)increment > heap_end) {
		missing = round_page(old + (vm_size_t)increment - heap_end);
		if (missing < HEAP_STEP)
			missing = HEAP_STEP;
		if (vm_allocate(mach_task_self(), &place, missing, FALSE) != KERN_SUCCESS)
			goto no_memory;
		heap_end += missing;
	}
	heap_break = old + (vm_size_t)increment;
	return (void *)old;

no_memory:
	errno = ENOMEM;
	return (void *)-1;
}
