/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  The address space: where mappings go, the break, thread blocks. The kernel's map is the truth; kept here are only
 *         the break, a hint for the next mapping and which thread blocks are in use.
 * LOCKS   es_lock, a futex on gsync that knows its holder: a vfork child killed with it lets go of it through its parent.
 */
#include <mach/gnumach.h>
#include <mach/mach_interface.h>
#include <mach/mach_traps.h>
#include "emul.h"

struct emul_space emul_space;

/* the holder's thread block, from 1; the lowest bit: somebody waits */
static uint32_t lock_word(uint64_t block)
{
	return (uint32_t)((block - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE + 1) << 1;
}

static void lock_wait(uint32_t mine)
{
	uint32_t *lock = &emul_space.es_lock, word = __atomic_load_n(lock, __ATOMIC_RELAXED);

	/* others may wait as well: taken with their bit */
	while (word != 0 || !__atomic_compare_exchange_n(lock, &word, mine | 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (word & 1 || __atomic_compare_exchange_n(lock, &word, word | 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			gsync_wait_self((vm_address_t)lock, word | 1, 0, 0, 0);
		word = __atomic_load_n(lock, __ATOMIC_RELAXED);
	}
}

void emul_space_lock(void)
{
	uint32_t word = 0, mine = lock_word(tcb_self()->t_block);

	if (!__atomic_compare_exchange_n(&emul_space.es_lock, &word, mine, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_wait(mine);
}

void emul_space_unlock(void)
{
	if (__atomic_exchange_n(&emul_space.es_lock, 0, __ATOMIC_RELEASE) & 1)
		gsync_wake_self((vm_address_t)&emul_space.es_lock, 1, 0);
}

void emul_space_unlock_dead(uint64_t block)
{
	if ((__atomic_load_n(&emul_space.es_lock, __ATOMIC_RELAXED) & ~1u) == lock_word(block))
		emul_space_unlock();
}

/* Linux and Mach number the protections alike; the processor cannot write or execute without reading */
int emul_prot(long linux_prot)
{
	int prot = (int)linux_prot & VM_PROT_ALL;

	return prot & (VM_PROT_WRITE | VM_PROT_EXECUTE) ? prot | VM_PROT_READ : prot;
}

long emul_kern_errno(kern_return_t kr)
{
	switch (kr) {
	case KERN_SUCCESS:
		return 0;
	case KERN_PROTECTION_FAILURE:
	case KERN_NO_ACCESS:
		return -LX_EACCES;
	case KERN_INVALID_ARGUMENT:
		return -LX_EINVAL;
	case KERN_INVALID_ADDRESS:
	case KERN_NO_SPACE:
	case KERN_RESOURCE_SHORTAGE:
	default:
		return -LX_ENOMEM;
	}
}

/* The first mapping at or after *address: its range and protection; false when there is none */
bool emul_region(uint64_t *address, uint64_t *size)
{
	vm_address_t a = *address;
	vm_size_t s;
	vm_prot_t prot, max;
	vm_inherit_t inherit;
	boolean_t shared;
	mach_port_t name = MACH_PORT_NULL;
	vm_offset_t offset;

	if (vm_region(mach_task_self_, &a, &s, &prot, &max, &inherit, &shared, &name, &offset) != KERN_SUCCESS)
		return false;
	if (MACH_PORT_VALID(name))
		syscall_mach_port_deallocate(mach_task_self_, name);
	*address = a;
	*size = s;
	return true;
}

static uint64_t gap_below(uint64_t top, uint64_t length)
{
	while (top >= UNIX_MMAP_BOTTOM + length) {
		uint64_t at = top - length, start = at, size;

		if (!emul_region(&start, &size) || start >= top)
			return at;
		top = start < UNIX_MMAP_TOP ? start : top - EMUL_PAGE;
	}
	return 0;
}

uint64_t emul_find_gap(uint64_t length)
{
	uint64_t at;

	if (emul_space.es_mmap_hint == 0)
		emul_space.es_mmap_hint = UNIX_MMAP_TOP;
	at = gap_below(emul_space.es_mmap_hint, length);
	if (!at && emul_space.es_mmap_hint < UNIX_MMAP_TOP)
		at = gap_below(UNIX_MMAP_TOP, length);
	return at;
}

static bool block_map(uint64_t address)
{
	vm_address_t a = address;

	if (syscall_vm_map(mach_task_self_, &a, UNIX_BLOCK_SIZE, 0, FALSE, MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_COPY) != KERN_SUCCESS)
		return false;
	vm_protect(mach_task_self_, a, EMUL_PAGE, FALSE, VM_PROT_NONE);
	return true;
}

/* Block 0 is the first thread's. A block just given up may still be mapped for a moment: then take another. */
uint64_t emul_block_alloc(void)
{
	uint64_t found = 0;

	emul_space_lock();
	for (unsigned n = 1; n < 60 * 64 && !found; n++) {
		uint64_t bit = 1ull << n % 64, address = UNIX_EMUL_BLOCKS + n * UNIX_BLOCK_SIZE;

		if (emul_space.es_blocks[n / 64] & bit || !block_map(address))
			continue;
		emul_space.es_blocks[n / 64] |= bit;
		found = address;
	}
	emul_space_unlock();
	return found;
}

void emul_block_free(uint64_t address, bool unmap)
{
	uint64_t n = (address - UNIX_EMUL_BLOCKS) / UNIX_BLOCK_SIZE;

	if (n >= 60 * 64)
		return;
	if (unmap)
		vm_deallocate(mach_task_self_, address, UNIX_BLOCK_SIZE);
	emul_space_lock();
	emul_space.es_blocks[n / 64] &= ~(1ull << n % 64);
	emul_space_unlock();
}

/* In a forked child only the forking thread goes on: the others' blocks came along for nothing. */
void emul_block_forget_others(uint64_t keep)
{
	for (unsigned w = 0; w < 60; w++) {
		for (uint64_t left = emul_space.es_blocks[w]; left; left &= left - 1) {
			uint64_t address = UNIX_EMUL_BLOCKS + (w * 64 + (unsigned)__builtin_ctzll(left)) * UNIX_BLOCK_SIZE;

			if (address == keep)
				continue;
			vm_deallocate(mach_task_self_, address, UNIX_BLOCK_SIZE);
			emul_space.es_blocks[w] &= ~(left & -left);
		}
	}
}
