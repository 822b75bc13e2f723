/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System call redirection: which user routine gets which (non-negative) system call number.
 *
 * OBJECT  emulation_vector, immutable once a task has it; a change makes a new one. The trap entry reads the current
 *         task's through its CPU, so the old one is released only after every CPU has been told.
 * REFS    one per task; none on no_emulation, which all tasks without a vector share.
 */
#include <kern/emulation.h>
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <machine/context.h>
#include <mach/mach_types.h>
#include <vm/map.h>

#define EMULATION_MAX	8192	/* entries; above it is no system call table */

struct emulation_vector no_emulation;

struct emulation_vector *
emulation_ref(struct emulation_vector *v)
{
	if (v != &no_emulation)
		__atomic_fetch_add(&v->ev_refs, 1, __ATOMIC_RELAXED);
	return v;
}

static size_t
emulation_size(uint32_t count)
{
	return sizeof(struct emulation_vector) + count * sizeof(uint64_t);
}

void
emulation_release(struct emulation_vector *v)
{
	if (v != &no_emulation && __atomic_sub_fetch(&v->ev_refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(v, emulation_size(v->ev_count));
}

static struct emulation_vector *
emulation_create(int32_t start, uint32_t count)
{
	struct emulation_vector *v = kzalloc(emulation_size(count));

	if (v == NULL)
		return NULL;
	v->ev_refs = 1;
	v->ev_start = start;
	v->ev_count = count;
	return v;
}

static struct emulation_vector *
task_emulation_copy(struct task *task)
{
	struct emulation_vector *v;

	spin_lock(&task->tk_lock);
	v = emulation_ref(task->tk_emulation);
	spin_unlock(&task->tk_lock);
	return v;
}

/* => consumes a reference on each; false: the task has another vector than `old` meanwhile, nothing done */
static bool
task_emulation_replace(struct task *task, struct emulation_vector *old, struct emulation_vector *new)
{
	bool same;

	spin_lock(&task->tk_lock);
	same = task->tk_emulation == old;
	if (same)
		__atomic_store_n(&task->tk_emulation, new, __ATOMIC_RELEASE);
	spin_unlock(&task->tk_lock);
	if (!same) {
		emulation_release(old);
		emulation_release(new);
		return false;
	}
	machine_emulation_changed(task);
	emulation_release(old);		/* the task's */
	emulation_release(old);		/* the caller's */
	return true;
}

/* the union of the old vector and [start, start + count), entries taken from `entries` */
static struct emulation_vector *
emulation_merge(const struct emulation_vector *old, int64_t start, uint32_t count, const uint64_t *entries)
{
	int64_t low = start, high = start + count;
	struct emulation_vector *v;

	if (old->ev_count > 0) {
		if (old->ev_start < low)
			low = old->ev_start;
		if ((int64_t)old->ev_start + old->ev_count > high)
			high = (int64_t)old->ev_start + old->ev_count;
	}
	if (high - low > EMULATION_MAX)
		return NULL;
	v = emulation_create((int32_t)low, (uint32_t)(high - low));
	if (v == NULL)
		return NULL;
	if (old->ev_count > 0)
		memcpy(&v->ev_entry[old->ev_start - low], old->ev_entry, old->ev_count * sizeof(uint64_t));
	memcpy(&v->ev_entry[start - low], entries, count * sizeof(uint64_t));
	return v;
}

static kern_return_t
emulation_set(struct task *task, int64_t start, uint32_t count, const uint64_t *entries)
{
	struct emulation_vector *old, *new;

	for (uint32_t i = 0; i < count; i++)
		if (entries[i] >= VM_USER_MAX)
			return KERN_INVALID_ADDRESS;
	do {
		old = task_emulation_copy(task);
		new = emulation_merge(old, start, count, entries);
		if (new == NULL) {
			emulation_release(old);
			return KERN_RESOURCE_SHORTAGE;
		}
	} while (!task_emulation_replace(task, old, new));
	return KERN_SUCCESS;
}

kern_return_t
task_set_emulation(task_t task, vm_address_t entry, int number)
{
	uint64_t e = entry;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	if (number < 0 || number >= EMULATION_MAX)
		return KERN_INVALID_ARGUMENT;
	return emulation_set(task, number, 1, &e);
}

/* => success consumes the copy object behind `vector` */
kern_return_t
task_set_emulation_vector(task_t task, int start, emulation_vector_t vector, mach_msg_type_number_t count)
{
	struct vm_map_copy *copy = (struct vm_map_copy *)vector;
	uint64_t *entries;
	kern_return_t kr;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	if (start < 0 || start > EMULATION_MAX || count > EMULATION_MAX || count == 0)
		return KERN_INVALID_ARGUMENT;
	entries = kalloc(count * sizeof *entries);
	if (entries == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = vm_map_copy_to_kernel(copy, 0, entries, count * sizeof *entries);
	if (kr == KERN_SUCCESS)
		kr = emulation_set(task, start, count, entries);
	kfree(entries, count * sizeof *entries);
	if (kr == KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

kern_return_t
task_get_emulation_vector(task_t task, int *start, emulation_vector_t *vector, mach_msg_type_number_t *count)
{
	struct emulation_vector *v;
	struct vm_map_copy *copy = NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	v = task_emulation_copy(task);
	if (v->ev_count > 0)
		kr = vm_map_copy_from_kernel(v->ev_entry, v->ev_count * sizeof(uint64_t), &copy);
	if (kr == KERN_SUCCESS) {
		*start = v->ev_start;
		*count = v->ev_count;
		*vector = (emulation_vector_t)copy;
	}
	emulation_release(v);
	return kr;
}
