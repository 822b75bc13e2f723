/* SPDX-License-Identifier: BSD-2-Clause */
/* Routines of the mach_debug subsystem about what kern/ owns: caches, stacks. */
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <kern/slab_info.h>
#include <kern/stack.h>
#include <kern/string.h>
#include <mach_debug/mach_debug.server.h>
#include <machine/context.h>

#define CACHES_MAX	128u

static void
cache_info_from(cache_info_t *to, const struct slab_info *from)
{
	memset(to, 0, sizeof *to);
	to->cpu_pool_size = from->si_cpu_pool;
	to->obj_size = from->si_obj_size;
	to->align = 8;
	to->buf_size = from->si_buf_size;
	to->slab_size = from->si_slab_size;
	to->bufs_per_slab = from->si_bufs_per_slab;
	to->nr_objs = from->si_objects;
	to->nr_bufs = from->si_buffers;
	to->nr_slabs = from->si_slabs;
	to->nr_free_slabs = from->si_free_slabs;
	string_copy(to->name, from->si_name, sizeof to->name);
}

/* the reply holds *count entries inline; more go out of line */
kern_return_t
host_slab_info(host_t host, cache_info_array_t *out, mach_msg_type_number_t *count)
{
	struct slab_info *info;
	cache_info_t *list;
	struct vm_map_copy *copy;
	uint32_t n;
	kern_return_t kr = KERN_SUCCESS;

	if (host == NULL)
		return KERN_INVALID_HOST;
	info = kalloc(CACHES_MAX * sizeof *info);
	list = kalloc(CACHES_MAX * sizeof *list);
	if (info == NULL || list == NULL) {
		kr = KERN_RESOURCE_SHORTAGE;
		goto done;
	}
	n = slab_info_get(info, CACHES_MAX);
	if (n > CACHES_MAX)
		n = CACHES_MAX;
	for (uint32_t i = 0; i < n; i++)
		cache_info_from(&list[i], &info[i]);
	if (n <= *count)
		memcpy(*out, list, n * sizeof *list);
	else {
		kr = vm_map_copy_from_kernel(list, n * sizeof *list, &copy);
		if (kr == KERN_SUCCESS)
			*out = (cache_info_array_t)copy;
	}
	if (kr == KERN_SUCCESS)
		*count = n;
done:
	kfree(info, CACHES_MAX * sizeof *info);
	kfree(list, CACHES_MAX * sizeof *list);
	return kr;
}

static void
stack_figures(uint32_t n, unsigned *total, vm_size_t *space, vm_size_t *resident, vm_size_t *maxusage, vm_offset_t *maxstack)
{
	*total = n;
	*space = *resident = (vm_size_t)n * KERNEL_STACK_SIZE;
	*maxusage = KERNEL_STACK_SIZE;	/* not measured */
	*maxstack = 0;
}

kern_return_t
host_stack_usage(host_t host, vm_size_t *reserved, unsigned *total, vm_size_t *space, vm_size_t *resident,
    vm_size_t *maxusage, vm_offset_t *maxstack)
{
	uint32_t n;

	if (host == NULL)
		return KERN_INVALID_HOST;
	*reserved = 0;
	stack_usage(&n);
	stack_figures(n, total, space, resident, maxusage, maxstack);
	return KERN_SUCCESS;
}

kern_return_t
processor_set_stack_usage(processor_set_name_t pset, unsigned *total, vm_size_t *space, vm_size_t *resident,
    vm_size_t *maxusage, vm_offset_t *maxstack)
{
	struct thread **threads;
	uint32_t n, stacks = 0;
	kern_return_t kr;

	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = pset_members(pset, false, (void ***)&threads, &n);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < n; i++) {
		stacks += __atomic_load_n(&threads[i]->th_stack, __ATOMIC_RELAXED) != NULL;
		thread_release(threads[i]);
	}
	kfree(threads, n * sizeof *threads);
	stack_figures(stacks, total, space, resident, maxusage, maxstack);
	return KERN_SUCCESS;
}

/* the debugger knows the kernel's own symbols only */
kern_return_t
host_load_symbol_table(host_priv_t host, task_t task, symtab_name_t name, vm_offset_t symtab,
    mach_msg_type_number_t count)
{
	(void)task;
	(void)name;
	(void)symtab;
	(void)count;
	return host == NULL ? KERN_INVALID_HOST : KERN_FAILURE;
}

/* there is no table from virtual to physical addresses besides the page tables */
kern_return_t
host_virtual_physical_table_info(host_t host, hash_info_bucket_array_t *out, mach_msg_type_number_t *count)
{
	(void)out;
	(void)count;
	return host == NULL ? KERN_INVALID_HOST : KERN_FAILURE;
}
