/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap and its family: anonymous memory straight from the kernel, files through the server. */
#include <mach/mach_interface.h>
#include <mach/mach_traps.h>
#include "emul.h"

#define MAP_SHARED	0x01
#define MAP_PRIVATE	0x02
#define MAP_TYPE	0x0f
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define MREMAP_MAYMOVE	1
#define MREMAP_FIXED	2
#define MADV_DONTNEED	4
#define MADV_FREE	8
#define MADV_REMOVE	9

/* The program may place things anywhere but in the lowest pages and in the library's window. */
static bool range_ok(uint64_t a, uint64_t length)
{
	uint64_t end = a + length;

	return end > a && a >= UNIX_LOW_END && end <= UNIX_STACK_TOP && (end <= UNIX_EMUL_BASE || a >= UNIX_EMUL_END);
}

static kern_return_t map_anonymous(uint64_t a, uint64_t length, long prot, bool shared)
{
	vm_address_t at = a;

	return syscall_vm_map(mach_task_self_, &at, length, 0, FALSE, MACH_PORT_NULL, 0, FALSE, emul_prot(prot), VM_PROT_ALL,
	    shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY);
}

static long map_at(uint64_t a, uint64_t length, long prot, long flags, long fd, long offset)
{
	int64_t result = 0;

	if (flags & MAP_ANONYMOUS) {
		if (flags & MAP_FIXED)
			syscall_vm_deallocate(mach_task_self_, a, length);
		return emul_kern_errno(map_anonymous(a, length, prot, (flags & MAP_TYPE) != MAP_PRIVATE));
	}
	return emul_result(unix_io_map(emul_call_port(), a, length, (int)prot, (int)flags | MAP_FIXED, (int)fd, offset, &result),
	    &result);
}

/* Without an address: below the last mapping first, which needs no search, else wherever there is room. */
static long map_anywhere(uint64_t length, long prot, long flags, long fd, long offset)
{
	uint64_t hint = emul_space.es_mmap_hint, a;
	long r;

	if (flags & MAP_ANONYMOUS && hint > UNIX_MMAP_BOTTOM + length) {
		a = hint - length;
		if (map_anonymous(a, length, prot, (flags & MAP_TYPE) != MAP_PRIVATE) == KERN_SUCCESS) {
			emul_space.es_mmap_hint = a;
			return (long)a;
		}
	}
	a = emul_find_gap(length);
	if (!a)
		return -LX_ENOMEM;
	r = map_at(a, length, prot, flags, fd, offset);
	if (r < 0)
		return r;
	emul_space.es_mmap_hint = a;
	return (long)a;
}

long emul_mmap(long address, long length, long prot, long flags, long fd, long offset)
{
	uint64_t a = (uint64_t)address, size = page_up((uint64_t)length), probe, probe_size;
	long type = flags & MAP_TYPE, r;

	if (length == 0 || (flags & MAP_FIXED && a % EMUL_PAGE) || offset % (long)EMUL_PAGE || type == 0 || type > 3)
		return -LX_EINVAL;
	if (size < (uint64_t)length || size > UNIX_STACK_TOP)
		return -LX_ENOMEM;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	if (flags & MAP_FIXED && !range_ok(a, size))
		return -LX_ENOMEM;
	emul_space_lock();
	if (flags & MAP_FIXED) {
		probe = a;
		if (flags & MAP_FIXED_NOREPLACE && emul_region(&probe, &probe_size) && probe < a + size)
			r = -LX_EEXIST;
		else
			r = map_at(a, size, prot, flags, fd, offset);
		r = r < 0 ? r : (long)a;
	} else {
		a &= ~(EMUL_PAGE - 1);
		probe = a;
		/* an address without MAP_FIXED is a wish: granted when nothing is there */
		if (a && range_ok(a, size) && (!emul_region(&probe, &probe_size) || probe >= a + size)) {
			r = map_at(a, size, prot, flags, fd, offset);
			r = r < 0 ? r : (long)a;
		} else {
			r = map_anywhere(size, prot, flags, fd, offset);
		}
	}
	emul_space_unlock();
	return r;
}

long emul_munmap(long address, long length, long c, long d, long e, long f)
{
	uint64_t a = (uint64_t)address, size = page_up((uint64_t)length);
	kern_return_t kr;

	(void)c, (void)d, (void)e, (void)f;
	if (a % EMUL_PAGE || length == 0 || size < (uint64_t)length || !range_ok(a, size))
		return -LX_EINVAL;
	emul_space_lock();
	kr = syscall_vm_deallocate(mach_task_self_, a, size);
	if (kr == KERN_SUCCESS && a == emul_space.es_mmap_hint)
		emul_space.es_mmap_hint = a + size;
	emul_space_unlock();
	return emul_kern_errno(kr);
}

/* every page of the range is mapped */
static bool covered(uint64_t a, uint64_t end)
{
	while (a < end) {
		uint64_t start = a, size;

		if (!emul_region(&start, &size) || start > a)
			return false;
		a = start + size;
	}
	return true;
}

long emul_mprotect(long address, long length, long prot, long d, long e, long f)
{
	uint64_t a = (uint64_t)address, size = page_up((uint64_t)length);

	(void)d, (void)e, (void)f;
	if (a % EMUL_PAGE || prot & ~0x0f000007l)
		return -LX_EINVAL;
	if (length == 0)
		return 0;
	if (size < (uint64_t)length || !range_ok(a, size) || !covered(a, a + size))
		return -LX_ENOMEM;
	return emul_kern_errno(vm_protect(mach_task_self_, a, size, FALSE, emul_prot(prot)));
}

/* failure gives the old break, never an error */
long emul_brk(long address, long b, long c, long d, long e, long f)
{
	uint64_t want = (uint64_t)address, old, from, to;

	(void)b, (void)c, (void)d, (void)e, (void)f;
	emul_space_lock();
	old = emul_space.es_brk;
	if (want >= emul_space.es_brk_start && want < UNIX_EMUL_BASE && want != old) {
		from = page_up(old);
		to = page_up(want);
		if (to < from)
			syscall_vm_deallocate(mach_task_self_, to, from - to);
		if (to <= from || map_anonymous(from, to - from, VM_PROT_READ | VM_PROT_WRITE, false) == KERN_SUCCESS)
			emul_space.es_brk = want;
	}
	old = emul_space.es_brk;
	emul_space_unlock();
	return (long)old;
}

/* Move to a larger place: the pages go along copy-on-write, then the old range goes. */
static long move(uint64_t a, uint64_t old, uint64_t size, uint64_t to, bool fixed)
{
	if (fixed)
		syscall_vm_deallocate(mach_task_self_, to, size);
	else
		to = emul_find_gap(size);
	if (!to)
		return -LX_ENOMEM;
	if (map_anonymous(to, size, VM_PROT_READ | VM_PROT_WRITE, false) != KERN_SUCCESS)
		return -LX_ENOMEM;
	if (vm_copy(mach_task_self_, a, old < size ? old : size, to) != KERN_SUCCESS) {
		syscall_vm_deallocate(mach_task_self_, to, size);
		return -LX_EFAULT;
	}
	syscall_vm_deallocate(mach_task_self_, a, old);
	if (!fixed)
		emul_space.es_mmap_hint = to;
	return (long)to;
}

long emul_mremap(long address, long old_length, long new_length, long flags, long new_address, long f)
{
	uint64_t a = (uint64_t)address, old = page_up((uint64_t)old_length), size = page_up((uint64_t)new_length);
	long r = (long)a;

	(void)f;
	if (a % EMUL_PAGE || size == 0 || size < (uint64_t)new_length || flags & ~3l ||
	    (flags & MREMAP_FIXED && (!(flags & MREMAP_MAYMOVE) || new_address % (long)EMUL_PAGE)))
		return -LX_EINVAL;
	if (old == 0 || !range_ok(a, old) || !covered(a, a + old))
		return -LX_EFAULT;
	emul_space_lock();
	if (flags & MREMAP_FIXED)
		r = range_ok((uint64_t)new_address, size) ? move(a, old, size, (uint64_t)new_address, true) : -LX_EINVAL;
	else if (size < old)
		syscall_vm_deallocate(mach_task_self_, a + size, old - size);
	else if (size > old && (!range_ok(a, size) ||
	    map_anonymous(a + old, size - old, VM_PROT_READ | VM_PROT_WRITE, false) != KERN_SUCCESS))
		r = flags & MREMAP_MAYMOVE ? move(a, old, size, 0, false) : -LX_ENOMEM;
	emul_space_unlock();
	return r;
}

/* Private anonymous memory reads as zero after it; mappings of files and shared memory keep their contents. */
static long discard(uint64_t a, uint64_t end)
{
	while (a < end) {
		vm_address_t start = a;
		vm_size_t size;
		vm_prot_t prot, max;
		vm_inherit_t inherit;
		boolean_t shared;
		mach_port_t name = MACH_PORT_NULL;
		vm_offset_t offset;

		if (vm_region(mach_task_self_, &start, &size, &prot, &max, &inherit, &shared, &name, &offset) != KERN_SUCCESS ||
		    start > a)
			return -LX_ENOMEM;
		uint64_t stop = start + size < end ? start + size : end;
		if (MACH_PORT_VALID(name))
			syscall_mach_port_deallocate(mach_task_self_, name);
		else if (!shared && inherit == VM_INHERIT_COPY) {
			syscall_vm_deallocate(mach_task_self_, a, stop - a);
			map_anonymous(a, stop - a, prot, false);
		}
		a = stop;
	}
	return 0;
}

long emul_madvise(long address, long length, long advice, long d, long e, long f)
{
	uint64_t a = (uint64_t)address, size = page_up((uint64_t)length);
	long r;

	(void)d, (void)e, (void)f;
	if (a % EMUL_PAGE || size < (uint64_t)length)
		return -LX_EINVAL;
	if (size == 0)
		return 0;
	if (advice == MADV_REMOVE || (advice > 25 && advice != 100 && advice != 101) || advice < 0)
		return emul_unsupported("madvise", advice, LX_EINVAL);
	if (!range_ok(a, size) || !covered(a, a + size))
		return -LX_ENOMEM;
	if (advice != MADV_DONTNEED && advice != MADV_FREE)
		return 0;
	emul_space_lock();
	r = discard(a, a + size);
	emul_space_unlock();
	return r;
}

long emul_msync(long address, long length, long flags, long d, long e, long f)
{
	int64_t result = 0;
	uint64_t a = (uint64_t)address;

	(void)d, (void)e, (void)f;
	if (a % EMUL_PAGE || flags & ~7l || (flags & 5) == 5)
		return -LX_EINVAL;
	if (!covered(a, a + page_up((uint64_t)length)))
		return -LX_ENOMEM;
	return emul_result(unix_io_msync(emul_call_port(), a, page_up((uint64_t)length), (int)flags, &result), &result);
}
