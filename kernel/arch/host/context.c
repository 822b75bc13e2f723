/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Machine context of threads and tasks on the host: kernel stacks are the kernel's own, switched by hand; user registers
 *         and floating-point state are only kept for who asks for them.
 * STATES  As on the processor: context_switch saves the kernel stack, stack_handoff gives it along, call_continuation empties it.
 */
#include <kern/emulation.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/asm.h>
#include <machine/context.h>
#include <machine/fpu.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include "machine.h"
#include "stacks.h"

static struct slab_cache *fpu_cache;

/* the highest words of a kernel stack: TSan's name of it */
#define STACK_RESERVED	64

static void **stack_fiber(void *stack) { return (void **)((char *)stack + KERNEL_STACK_SIZE - STACK_RESERVED); }
static void *stack_top(void *stack) { return (char *)stack + KERNEL_STACK_SIZE - STACK_RESERVED; }

const struct sim_stack *sim_thread_stack(struct thread *t)
{
	static __thread struct sim_stack st;

	st.st_bottom = t->th_stack;
	st.st_size = KERNEL_STACK_SIZE - STACK_RESERVED;
	st.st_fiber = *stack_fiber(t->th_stack);
	return &st;
}

void sim_thread_prepare(struct thread *t, void (*fn)(void *))
{
	if (*stack_fiber(t->th_stack) == NULL)
		*stack_fiber(t->th_stack) = sim_fiber_create();
	t->th_machine.mt_kernel_rsp = (uint64_t)sim_stack_prepare(t->th_stack, KERNEL_STACK_SIZE - STACK_RESERVED, fn);
}

void stack_prepare(struct thread *t, void *stack, void (*fn)(struct thread *))
{
	KASSERT(stack == t->th_stack);
	sim_thread_prepare(t, (void (*)(void *))(uintptr_t)fn);
}

static void switch_thread(struct cpu *cpu, struct thread *new)
{
	__atomic_store_n(&cpu->cp_thread, new, __ATOMIC_RELAXED);
}

struct thread *context_switch(struct thread *old, struct thread *new)
{
	struct cpu *cpu = cpu_self();

	switch_thread(cpu, new);
	cpu->cp_kernel_rsp = (uint64_t)stack_top(new->th_stack);
	return sim_switch_to(sim_thread_stack(new), (void **)&old->th_machine.mt_kernel_rsp,
	    (void *)new->th_machine.mt_kernel_rsp, old);
}

void stack_handoff(struct thread *old, struct thread *new)
{
	(void)old;
	switch_thread(cpu_self(), new);
}

void call_continuation(void (*fn)(void))
{
	struct thread *t = current_thread();

	sim_stack_forget(t->th_stack, KERNEL_STACK_SIZE);
	sim_stack_restart(stack_top(t->th_stack), fn);
}

void machine_set_user_entry(struct thread *t, uint64_t pc, uint64_t sp)
{
	t->th_machine.mt_regs.rip = pc;
	t->th_machine.mt_regs.rsp = sp;
	t->th_machine.mt_regs.trapno = 0;
}

kern_return_t machine_thread_init(struct thread *t)
{
	struct machine_thread *mt = &t->th_machine;

	memset(mt, 0, sizeof *mt);
	mt->mt_regs.cs = SEL_USER_CS;
	mt->mt_regs.ss = SEL_USER_DS;
	mt->mt_regs.rflags = 0x200;
	if (t->th_task == kernel_task || t->th_task == NULL)
		return KERN_SUCCESS;
	mt->mt_fpu = fpu_alloc();
	return mt->mt_fpu != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* no watches here */
void machine_debug_taken(void)
{
	__atomic_fetch_and(&current_thread()->th_ast, ~AST_DEBUG, __ATOMIC_RELAXED);
}

void machine_thread_destroy(struct thread *t)
{
	if (t->th_machine.mt_fpu != NULL)
		fpu_free(t->th_machine.mt_fpu);
	t->th_machine.mt_fpu = NULL;
	sim_user_free(sim_user_of(t));
}

kern_return_t machine_task_init(struct task *task, struct task *parent)
{
	struct machine_task *mk = &task->tk_machine, *from = parent ? &parent->tk_machine : NULL;

	memset(mk, 0, sizeof *mk);
	if (from == NULL || from->mk_iomap == NULL)
		return KERN_SUCCESS;
	mk->mk_iomap = kalloc(IOMAP_BYTES);
	if (mk->mk_iomap == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memcpy(mk->mk_iomap, from->mk_iomap, IOMAP_BYTES);
	return KERN_SUCCESS;
}

void machine_task_destroy(struct task *task)
{
	struct machine_task *mk = &task->tk_machine;

	kfree(mk->mk_ldt, mk->mk_ldt_count * 8);
	if (mk->mk_iomap != NULL)
		kfree(mk->mk_iomap, IOMAP_BYTES);
	memset(mk, 0, sizeof *mk);
}

void machine_emulation_changed(struct task *task) { (void)task; }
void context_drop_task(struct task *task) { (void)task; }

/* nothing is in registers */
void segments_sync(struct thread *t) { (void)t; }
void segments_load_bases(struct machine_thread *mt) { (void)mt; }
void debug_load(struct thread *t) { (void)t; }
void fpu_sync(struct thread *t) { (void)t; }
void fpu_reload(struct thread *t) { (void)t; }
void fpu_image_whole(uint8_t *to, const struct fpu_state *f) { memcpy(to, f, cpu_features.xsave_size); }
const struct fpu_state *fpu_x87(const struct fpu_state *f) { return f; }

void fpu_init(void)
{
	fpu_cache = slab_cache_create("fpu", cpu_features.xsave_size, 64);
}

struct fpu_state *fpu_alloc(void)
{
	struct fpu_state *f = slab_zalloc(fpu_cache);

	if (f == NULL)
		return NULL;
	f->fs_control = 0x37f;
	f->fs_mxcsr = 0x1f80;
	return f;
}

void fpu_free(struct fpu_state *f) { slab_free(fpu_cache, f); }
