/* SPDX-License-Identifier: BSD-2-Clause */
/* The victim's memory as its program has it, breakpoints in it, watches of it. */
#include <stdio.h>
#include <string.h>
#include <mach/x86_64/debug_state.h>
#include "debugger.h"

#define PAGE		4096ul
#define INT3		0xcc
#define BREAKPOINTS	64

static struct { uint64_t address; uint8_t original; bool used; } breakpoints[BREAKPOINTS];
static struct x86_64_debug_state watches;

static bool read_raw(uint64_t address, void *to, unsigned n)
{
	mach_msg_type_number_t got = 0;
	pointer_t data = 0;

	if (vm_read(target.task, address, n, &data, &got) != KERN_SUCCESS)
		return false;
	memcpy(to, (const void *)data, got < n ? got : n);
	vm_deallocate(SELF, data, got);
	return got == n;
}

/* whole pages go back, made writable for the moment; the write makes a private copy of what is shared */
static bool write_raw(uint64_t address, const void *from, unsigned n)
{
	static uint8_t page[PAGE] __attribute__((aligned(4096)));
	uint64_t base = address & ~(PAGE - 1);
	unsigned offset = (unsigned)(address - base), part = n < PAGE - offset ? n : (unsigned)PAGE - offset;
	vm_address_t region = base;
	vm_size_t size;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t object = MACH_PORT_NULL;
	vm_offset_t object_offset;
	bool ok;

	if (vm_region(target.task, &region, &size, &prot, &max, &inherit, &shared, &object, &object_offset) != KERN_SUCCESS)
		return false;
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(SELF, object);
	if (region > base || !read_raw(base, page, PAGE))
		return false;
	memcpy(page + offset, from, part);
	if (!(prot & VM_PROT_WRITE) && vm_protect(target.task, base, PAGE, FALSE, prot | VM_PROT_WRITE) != KERN_SUCCESS)
		return false;
	ok = vm_write(target.task, base, (pointer_t)page, PAGE) == KERN_SUCCESS;
	if (!(prot & VM_PROT_WRITE))
		(void)vm_protect(target.task, base, PAGE, FALSE, prot);
	return ok && (part == n || write_raw(address + part, (const uint8_t *)from + part, n - part));
}

bool memory_read(uint64_t address, void *to, unsigned n)
{
	if (!read_raw(address, to, n))
		return false;
	for (unsigned i = 0; i < BREAKPOINTS; i++)
		if (breakpoints[i].used && breakpoints[i].address - address < n)
			((uint8_t *)to)[breakpoints[i].address - address] = breakpoints[i].original;
	return true;
}

bool memory_write(uint64_t address, const void *from, unsigned n)
{
	uint8_t bytes[256];

	if (n > sizeof bytes)
		return false;
	memcpy(bytes, from, n);
	for (unsigned i = 0; i < BREAKPOINTS; i++) {
		if (!breakpoints[i].used || breakpoints[i].address - address >= n)
			continue;
		breakpoints[i].original = bytes[breakpoints[i].address - address];
		bytes[breakpoints[i].address - address] = INT3;
	}
	return write_raw(address, bytes, n);
}

/* --- breakpoints: number n is slot n - 1 --- */

int breakpoint_at(uint64_t address)
{
	for (unsigned i = 0; i < BREAKPOINTS; i++)
		if (breakpoints[i].used && breakpoints[i].address == address)
			return (int)i + 1;
	return -1;
}

void breakpoint_lift(int number, bool lifted)
{
	uint8_t byte = lifted ? breakpoints[number - 1].original : INT3;

	(void)write_raw(breakpoints[number - 1].address, &byte, 1);
}

bool breakpoint_set(uint64_t address)
{
	unsigned i = 0;

	if (breakpoint_at(address) >= 0)
		return true;
	while (i < BREAKPOINTS && breakpoints[i].used)
		i++;
	if (i == BREAKPOINTS || !read_raw(address, &breakpoints[i].original, 1))
		return false;
	breakpoints[i].address = address;
	if (!write_raw(address, &(uint8_t){ INT3 }, 1))
		return false;
	breakpoints[i].used = true;
	printf("breakpoint %u at %s\n", i + 1, where(address));
	return true;
}

bool breakpoint_delete(unsigned number)
{
	if (number == 0 || number > BREAKPOINTS || !breakpoints[number - 1].used)
		return false;
	breakpoint_lift((int)number, true);
	breakpoints[number - 1].used = false;
	return true;
}

void breakpoint_delete_all(void)
{
	for (unsigned n = 1; n <= BREAKPOINTS; n++)
		(void)breakpoint_delete(n);
}

void breakpoint_list(void)
{
	for (unsigned i = 0; i < BREAKPOINTS; i++)
		if (breakpoints[i].used)
			printf("%u  %s\n", i + 1, where(breakpoints[i].address));
	for (unsigned i = 0; i < 4; i++)
		if (watches.dr[7] >> (2 * i) & 1)
			printf("watch %u  %s\n", i, where(watches.dr[i]));
}

/* --- watches: the debug registers of every thread there is --- */

static bool load_watches(void)
{
	bool all = true;

	target_threads();
	for (unsigned i = 0; i < target.thread_count; i++)
		all &= thread_set_state(target.threads[i], x86_64_DEBUG_STATE, (thread_state_t)&watches,
		    x86_64_DEBUG_STATE_COUNT) == KERN_SUCCESS;
	return all;
}

/* condition as in DR7: 0 execution, 1 store, 3 load or store */
bool watch_set(uint64_t address, unsigned length, unsigned condition)
{
	static const unsigned code[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	struct x86_64_debug_state before = watches;
	unsigned i = 0;

	if (length > 8 || (length & (length - 1)) || length == 0 || address % length != 0)
		return false;
	while (i < 4 && (watches.dr[7] >> (2 * i) & 1))
		i++;
	if (i == 4)
		return false;
	watches.dr[i] = address;
	watches.dr[7] |= 1ul << (2 * i) | (uint64_t)(condition | code[length] << 2) << (16 + 4 * i);
	if (load_watches())
		return true;
	watches = before;
	(void)load_watches();
	return false;
}

void watch_clear_all(void)
{
	if ((watches.dr[7] & 0xff) == 0)
		return;
	watches = (struct x86_64_debug_state){ { 0 } };
	(void)load_watches();
}
