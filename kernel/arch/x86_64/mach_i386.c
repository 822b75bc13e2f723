/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mach_i386 interface: segments, I/O permissions, size of the floating-point state.
 *
 * OBJECT  io_perm: a range of ports given by a port right; whoever holds the right may use the range or give it to a task.
 * REFS    the port holds one until its last send right goes; convert_port_to_io_perm takes one for a call.
 * LOCKS   the task lock for pointers in struct machine_task; tables are replaced whole, CPUs are told, then the old is freed.
 * RIGHTS  request ports are borrowed; nothing is consumed on failure.
 */
#include <stddef.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/x86_64/thread_status.h>
#include <machine/asm.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <vm/map.h>
#include <mach/x86_64/mach_i386.server.h>

#define LDT_FIXED	4			/* the interface's own selectors */
#define LDT_LIST_MAX	4096

struct io_perm {
	uint32_t	 io_refs;		/* (a) */
	uint16_t	 io_from, io_to;	/* (I) */
	struct ipc_port	*io_port;		/* (I) */
};

static void io_perm_ref(void *arg)
{
	struct io_perm *p = arg;

	__atomic_add_fetch(&p->io_refs, 1, __ATOMIC_RELAXED);
}

void io_perm_release(struct io_perm *p)
{
	if (p != NULL && __atomic_sub_fetch(&p->io_refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(p, sizeof *p);
}

struct io_perm *convert_port_to_io_perm(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_IO_PERM, io_perm_ref);
}

/* the last send right is gone: so is the object */
static void io_perm_no_senders(void *object, uint32_t mscount)
{
	struct io_perm *p = object;
	struct ipc_port *port = p->io_port;

	(void)mscount;
	ipc_kobject_clear(port);
	ipc_port_destroy_kernel(port);
	io_perm_release(p);
}

/* consumes the creation's reference: it is the port's from now on */
struct ipc_port *convert_io_perm_to_port(struct io_perm *p)
{
	if (p == NULL)
		return IP_NULL;
	return ipc_port_make_send(p->io_port);
}

kern_return_t i386_io_perm_create(struct ipc_port *master, io_port_t from, io_port_t to, struct io_perm **out)
{
	struct io_perm *p;

	if (!IP_VALID(master) || ipc_port_kotype(master) != IKOT_MASTER_DEVICE || from > to)
		return KERN_INVALID_ARGUMENT;
	p = kalloc(sizeof *p);
	if (p == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*p = (struct io_perm){ .io_refs = 1, .io_from = from, .io_to = to };
	p->io_port = ipc_port_create_kernel(IKOT_IO_PERM, p);
	if (p->io_port == IP_NULL) {
		kfree(p, sizeof *p);
		return KERN_RESOURCE_SHORTAGE;
	}
	ipc_kobject_set_no_senders(p->io_port, io_perm_no_senders);
	*out = p;
	return KERN_SUCCESS;
}

kern_return_t i386_io_perm_modify(struct task *task, struct io_perm *p, boolean_t enable)
{
	uint8_t *fresh;

	if (task == NULL || p == NULL)
		return KERN_INVALID_ARGUMENT;
	fresh = kalloc(IOMAP_BYTES);
	if (fresh == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memset(fresh, 0xff, IOMAP_BYTES);
	spin_lock(&task->tk_lock);
	if (task->tk_machine.mk_iomap == NULL) {
		task->tk_machine.mk_iomap = fresh;
		task->tk_machine.mk_special = true;
		fresh = NULL;
	}
	for (uint32_t port = p->io_from; port <= p->io_to; port++) {
		if (enable)
			task->tk_machine.mk_iomap[port / 8] &= ~(1u << port % 8);
		else
			task->tk_machine.mk_iomap[port / 8] |= 1u << port % 8;
	}
	spin_unlock(&task->tk_lock);
	if (fresh != NULL)
		kfree(fresh, IOMAP_BYTES);
	context_drop_task(task);
	return KERN_SUCCESS;
}

/* code or data of privilege 3, or nothing: never a gate or a system segment */
static bool descriptor_ok(const struct descriptor *d)
{
	if (d->low_word == 0 && d->high_word == 0)
		return true;
	return (d->high_word & 0xf000) == 0xf000 || (d->high_word & 0xf000) == 0x7000;
}

static uint64_t descriptor_word(const struct descriptor *d)
{
	/* accessed already: the processor must not write to the table */
	return d->low_word | (uint64_t)d->high_word << 32 | (d->high_word ? 1ull << 40 : 0);
}

static bool ldt_list_ok(unsigned first, const struct descriptor *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!descriptor_ok(&list[i]) || first + i < LDT_FIXED)
			return false;
	}
	return true;
}

/* => a table of at least `need` entries, the old contents in it; task lock held around the exchange only */
static kern_return_t ldt_replace(struct task *task, unsigned first, const struct descriptor *list, unsigned n)
{
	struct machine_task *mk = &task->tk_machine;
	unsigned room = first + n, old_count;
	uint64_t *fresh, *old;

	spin_lock(&task->tk_lock);
	if (mk->mk_ldt_count > room)
		room = mk->mk_ldt_count;
	spin_unlock(&task->tk_lock);
	fresh = kzalloc(room * 8);
	if (fresh == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&task->tk_lock);
	old = mk->mk_ldt;
	old_count = mk->mk_ldt_count;
	if (old_count > room) {
		/* another thread made it larger meanwhile */
		spin_unlock(&task->tk_lock);
		kfree(fresh, room * 8);
		return KERN_ABORTED;
	}
	memcpy(fresh, old != NULL ? old : default_ldt, (old != NULL ? old_count : LDT_FIXED) * 8);
	for (unsigned i = 0; i < n; i++)
		fresh[first + i] = descriptor_word(&list[i]);
	mk->mk_ldt_count = room;
	mk->mk_special = true;
	__atomic_store_n(&mk->mk_ldt, fresh, __ATOMIC_RELEASE);
	spin_unlock(&task->tk_lock);
	context_drop_task(task);
	if (old != NULL)
		kfree(old, old_count * 8);
	return KERN_SUCCESS;
}

kern_return_t i386_set_ldt(struct thread *th, int selector, descriptor_list_t list, mach_msg_type_number_t n,
    boolean_t inline_data)
{
	unsigned first = (unsigned)selector >> 3;
	struct vm_map_copy *copy = inline_data ? NULL : (struct vm_map_copy *)list;
	struct descriptor *data = list;
	kern_return_t kr = KERN_SUCCESS;

	if (th == NULL || selector < 0 || first < LDT_FIXED || n > LDT_LIST_MAX || first + n > LDT_ENTRIES_MAX)
		return KERN_INVALID_ARGUMENT;
	if (n == 0)
		goto done;
	if (copy != NULL) {
		data = kalloc(n * sizeof *data);
		if (data == NULL)
			return KERN_RESOURCE_SHORTAGE;
		kr = vm_map_copy_to_kernel(copy, 0, data, n * sizeof *data);
	}
	if (kr == KERN_SUCCESS && !ldt_list_ok(first, data, n))
		kr = KERN_INVALID_ARGUMENT;
	while (kr == KERN_SUCCESS) {
		kr = ldt_replace(th->th_task, first, data, n);
		if (kr != KERN_ABORTED)
			break;
		kr = KERN_SUCCESS;
	}
	if (copy != NULL)
		kfree(data, n * sizeof *data);
done:
	if (kr == KERN_SUCCESS && copy != NULL)
		vm_map_copy_discard(copy);
	return kr;
}

kern_return_t i386_get_ldt(struct thread *th, int selector, int count, descriptor_list_t *list,
    mach_msg_type_number_t *n)
{
	unsigned first = (unsigned)selector >> 3, have, copied = 0;
	struct task *task;
	const uint64_t *ldt;

	if (th == NULL || selector < 0 || count < 0 || first > LDT_ENTRIES_MAX)
		return KERN_INVALID_ARGUMENT;
	task = th->th_task;
	spin_lock(&task->tk_lock);
	ldt = task->tk_machine.mk_ldt != NULL ? task->tk_machine.mk_ldt : default_ldt;
	have = task->tk_machine.mk_ldt != NULL ? task->tk_machine.mk_ldt_count : LDT_FIXED;
	while (copied < (unsigned)count && copied < *n && first + copied < have) {
		(*list)[copied] = (struct descriptor){ ldt[first + copied], ldt[first + copied] >> 32 };
		copied++;
	}
	spin_unlock(&task->tk_lock);
	*n = copied;
	return KERN_SUCCESS;
}

/* => index of a user entry of the GDT, or -1 */
static int gdt_index(int selector)
{
	int index = (selector >> 3) - SEL_USER_GDT / 8;

	return selector >= 0 && !(selector & 4) && index >= 0 && index < USER_GDT_ENTRIES ? index : -1;
}

kern_return_t i386_set_gdt(struct thread *th, int *selector, struct descriptor d)
{
	struct machine_task *mk;
	kern_return_t kr = KERN_SUCCESS;
	int index;

	if (th == NULL || !descriptor_ok(&d))
		return KERN_INVALID_ARGUMENT;
	mk = &th->th_task->tk_machine;
	spin_lock(&th->th_task->tk_lock);
	index = gdt_index(*selector);
	if (*selector == -1) {
		for (index = 0; index < USER_GDT_ENTRIES && mk->mk_gdt[index] != 0; index++)
			;
		if (index == USER_GDT_ENTRIES)
			kr = KERN_NO_SPACE;
	} else if (index < 0) {
		kr = KERN_INVALID_ARGUMENT;
	}
	if (kr == KERN_SUCCESS) {
		mk->mk_gdt[index] = descriptor_word(&d);
		mk->mk_gdt_used = true;
		mk->mk_special = true;
		*selector = (SEL_USER_GDT + 8 * index) | 3;
	}
	spin_unlock(&th->th_task->tk_lock);
	if (kr == KERN_SUCCESS)
		context_drop_task(th->th_task);
	return kr;
}

kern_return_t i386_get_gdt(struct thread *th, int selector, struct descriptor *d)
{
	int index = gdt_index(selector);
	uint64_t word;

	if (th == NULL || index < 0)
		return KERN_INVALID_ARGUMENT;
	word = __atomic_load_n(&th->th_task->tk_machine.mk_gdt[index], __ATOMIC_RELAXED);
	*d = (struct descriptor){ word, word >> 32 };
	return KERN_SUCCESS;
}

kern_return_t i386_get_xstate_size(host_t host, vm_size_t *size)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	*size = sizeof(struct i386_xfloat_state) + cpu_features.xsave_size;
	return KERN_SUCCESS;
}
