/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User mode: host functions on host stacks, their traps, their faults, and the kernel's access to their memory.
 *
 * STATES  A thread in user mode runs on the stack of its struct sim_user; its kernel stack is empty. A trap starts on the top of the
 *         kernel stack with PC SIM_PC_TRAP in mt_regs; the way back looks at that PC: unchanged, the program goes on behind its
 *         trap; another program's, it starts from the beginning on an emptied stack; anything else is a fault at that PC.
 * LOCKS   programs are added before threads use them; pool_lock guards the spare stacks.
 */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <ipc/rpc.h>
#include <kern/exception.h>
#include <kern/panic.h>
#include <kern/syscall_table.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/exception.h>
#include <machine/asm.h>
#include <machine/copy.h>
#include <machine/pte.h>
#include <machine/user_access.h>
#include <machine/x86.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/page.h>
#include "machine.h"
#include "sim.h"
#include "stacks.h"

#define PROGRAMS_MAX	64
#define CODE_PAGE	14		/* as the processor's page fault */
#define TRAP_NUMBER	256

void	__asan_unpoison_memory_region(const volatile void *, size_t) __attribute__((weak));

enum entry_kind { ENTRY_TRAP, ENTRY_FAULT, ENTRY_TRY, ENTRY_CALL };
struct entry {
	enum entry_kind	 en_kind;
	int		 en_number;
	uint64_t	 en_arg[11];
	uint64_t	 en_address;
	vm_prot_t	 en_access;
	void		 (*en_fn)(void *);
};

static sim_program_t *programs[PROGRAMS_MAX];
static unsigned program_count;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static void *pool;			/* spare stacks, linked by their first word */

void sim_program_add(sim_program_t *fn)
{
	for (unsigned i = 0; i < program_count; i++)
		if (programs[i] == fn)
			return;
	KASSERT(program_count < PROGRAMS_MAX);
	programs[program_count++] = fn;
}

static sim_program_t *program_at(uint64_t pc)
{
	for (unsigned i = 0; i < program_count; i++)
		if ((uint64_t)(uintptr_t)programs[i] == pc)
			return programs[i];
	return NULL;
}

/* --- stacks of user programs --- */

static void *user_stack_get(void)
{
	void *s;

	pthread_mutex_lock(&pool_lock);
	s = pool;
	if (s != NULL)
		pool = *(void **)s;
	pthread_mutex_unlock(&pool_lock);
	if (s == NULL)
		s = mmap(NULL, USER_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s == MAP_FAILED)
		panic("no host memory for a user stack");
	return s;
}

void sim_user_free(struct sim_user *u)
{
	if (u->su_bottom == NULL)
		return;
	sim_stack_forget(u->su_bottom, USER_STACK_SIZE);
	sim_fiber_destroy(u->su_fiber);
	pthread_mutex_lock(&pool_lock);
	*(void **)u->su_bottom = pool;
	pool = u->su_bottom;
	pthread_mutex_unlock(&pool_lock);
	u->su_bottom = u->su_fiber = NULL;
}

/* --- into the kernel --- */

static long trap_call(struct entry *e)
{
	typedef long full_trap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
	    uint64_t);
	uint64_t *a = e->en_arg;

	if (e->en_number <= 0 || e->en_number >= MACH_TRAP_COUNT)
		exception(EXC_BAD_INSTRUCTION, 1, 0);
	return ((full_trap *)(uintptr_t)mach_trap_table[e->en_number].mt_fn)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
	    a[8], a[9], a[10]);
}

static void user_fault(uint64_t address, vm_prot_t access)
{
	kern_return_t kr;

	if (address >= VM_USER_MAX)
		exception(EXC_BAD_ACCESS, CODE_PAGE, (int64_t)address);
	kr = vm_fault(task_self()->tk_map, page_trunc(address), access, true);
	if (kr != KERN_SUCCESS && kr != KERN_ABORTED)
		exception(EXC_BAD_ACCESS, kr, (int64_t)address);
}

/* on the empty kernel stack; the entry lies on the user program's */
static void kernel_entry(void *arg)
{
	struct entry e = *(struct entry *)arg;
	struct thread *t = current_thread();

	if (e.en_kind == ENTRY_TRAP && e.en_number == MACH_MSG_TRAP && (uint32_t)e.en_arg[1] == MACH_SEND_RCV)
		ipc_rpc(e.en_arg[0], e.en_arg[1], e.en_arg[2], e.en_arg[3], e.en_arg[4]);
	interrupts_enable();
	sim_tick();
	if (e.en_kind == ENTRY_FAULT)
		user_fault(e.en_address, e.en_access);
	else if (e.en_kind == ENTRY_CALL)
		e.en_fn((void *)e.en_arg[0]);
	else if (e.en_kind == ENTRY_TRY)
		machine_set_syscall_result(&t->th_machine, (uint64_t)vm_fault(t->th_task->tk_map, page_trunc(e.en_address),
		    e.en_access, false));
	else
		machine_set_syscall_result(&t->th_machine, (uint64_t)trap_call(&e));
	machine_return_to_user();
}

static void enter_kernel(struct entry *e)
{
	struct thread *t = current_thread();
	struct user_regs *r = &t->th_machine.mt_regs;

	interrupts_disable();
	r->rip = SIM_PC_TRAP;
	r->trapno = TRAP_NUMBER;
	r->rdi = e->en_arg[0];
	r->rsi = e->en_arg[1];
	r->rdx = e->en_arg[2];
	r->r10 = e->en_arg[3];
	r->r8 = e->en_arg[4];
	r->r9 = e->en_arg[5];
	sim_thread_prepare(t, kernel_entry);
	(void)sim_switch_to(sim_thread_stack(t), &sim_user_of(t)->su_sp, (void *)t->th_machine.mt_kernel_rsp, e);
}

long sim_trap(int number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
    uint64_t a7, uint64_t a8, uint64_t a9, uint64_t a10)
{
	struct entry e = { ENTRY_TRAP, number, { a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 }, 0, 0, NULL };

	enter_kernel(&e);
	return (long)current_thread()->th_machine.mt_regs.rax;
}

void sim_kernel_call(void (*fn)(void *), void *argument)
{
	struct entry e = { .en_kind = ENTRY_CALL, .en_fn = fn, .en_arg = { (uint64_t)(uintptr_t)argument } };

	enter_kernel(&e);
}

uint64_t sim_user_sp(void) { return current_thread()->th_machine.mt_regs.rsp; }

/* --- and out of it --- */

static void program_begin(void *arg)
{
	struct thread *t = arg;
	sim_program_t *fn = program_at(t->th_machine.mt_regs.rip);
	uint64_t argument = t->th_machine.mt_regs.rdi;

	sim_cpu_self()->sc_enabled = 1;
	fn(argument);
	panic("user program returned");
}

static void resume(struct thread *t)
{
	struct sim_user *u = sim_user_of(t);
	struct sim_stack st = { u->su_bottom, USER_STACK_SIZE, u->su_fiber };
	void *never;

	(void)sim_switch_to(&st, &never, u->su_sp, t);
}

/* interrupts are polled in user mode too: only nothing there does */
void sim_user_resume(struct thread *t)
{
	struct sim_user *u = sim_user_of(t);
	uint64_t pc = t->th_machine.mt_regs.rip;

	if (pc == SIM_PC_TRAP && u->su_bottom != NULL) {
		sim_cpu_self()->sc_enabled = 1;
		resume(t);
	}
	if (program_at(pc) != NULL) {
		sim_user_free(u);
		u->su_bottom = user_stack_get();
		u->su_fiber = sim_fiber_create();
		u->su_sp = sim_stack_prepare(u->su_bottom, USER_STACK_SIZE, program_begin);
		resume(t);
	}
}

void machine_return_to_user(void)
{
	struct thread *t = current_thread();

	for (;;) {
		interrupts_enable();
		sim_tick();
		interrupts_disable();
		if (cpu_self()->cp_need_resched)
			__atomic_or_fetch(&t->th_ast, AST_PREEMPT, __ATOMIC_RELAXED);
		if (__atomic_load_n(&t->th_ast, __ATOMIC_RELAXED) != 0) {
			interrupts_enable();
			ast_taken();
			continue;
		}
		sim_user_resume(t);
		interrupts_enable();
		user_fault(t->th_machine.mt_regs.rip, VM_PROT_EXECUTE);
		exception(EXC_BAD_INSTRUCTION, 1, 0);
	}
}

void machine_return_from_message(struct thread *t)
{
	machine_set_syscall_result(&t->th_machine, MACH_MSG_SUCCESS);
	machine_return_to_user();
}

/* --- user memory --- */

static void copy_bytes(void *to, const void *from, size_t n)
{
	/* ASan looks at memcpy's arguments; TSan would take users' races for the kernel's */
	if (__asan_unpoison_memory_region)
		memcpy(to, from, n);
	else
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) :: "memory");
}

/* => false: no translation that allows it. Within one page */
static bool access_page(struct pmap *pm, uint64_t va, void *host, size_t n, bool write)
{
	pte_t need = PTE_P | PTE_U | (write ? PTE_W : 0), *slot, e = 0;
	bool ok = false;
	void *kv;

	sim_access_begin();
	slot = pmap_walk(pm, va);
	if (slot != NULL) {
		e = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		do
			ok = (e & need) == need;
		while (ok && !__atomic_compare_exchange_n(slot, &e, e | PTE_A | (write ? PTE_D : 0), false, __ATOMIC_ACQ_REL,
		    __ATOMIC_ACQUIRE));
	}
	if (ok) {
		kv = (char *)phys_to_kv(e & PTE_ADDR) + (va & PAGE_MASK);
		copy_bytes(write ? kv : host, write ? host : kv, n);
	}
	sim_access_end();
	return ok;
}

static size_t in_page(uint64_t va, size_t n)
{
	size_t left = PAGE_SIZE - (va & PAGE_MASK);

	return n < left ? n : left;
}

/* => false: a fault was not resolved, and the kind is ENTRY_TRY */
static bool user_access(uint64_t va, char *host, size_t n, bool write, enum entry_kind kind)
{
	while (n > 0) {
		size_t part = in_page(va, n);
		struct entry e = { .en_kind = kind, .en_address = va, .en_access = write ? VM_PROT_WRITE : VM_PROT_READ };

		if (va >= VM_USER_MAX && kind == ENTRY_TRY)
			return false;
		if (va >= VM_USER_MAX || !access_page(vm_map_pmap(task_self()->tk_map), va, host, part, write)) {
			enter_kernel(&e);
			if (kind == ENTRY_TRY && current_thread()->th_machine.mt_regs.rax != KERN_SUCCESS)
				return false;
			continue;
		}
		va += part;
		host += part;
		n -= part;
	}
	return true;
}

void sim_read(uint64_t va, void *to, size_t n) { (void)user_access(va, to, n, false, ENTRY_FAULT); }
void sim_write(uint64_t va, const void *from, size_t n) { (void)user_access(va, (char *)(uintptr_t)from, n, true, ENTRY_FAULT); }

/* the kernel's access, or a careful program's */
static kern_return_t kernel_access(uint64_t va, char *host, size_t n, bool write)
{
	struct vm_map *map = task_self()->tk_map;

	if (va > VM_USER_MAX || n > VM_USER_MAX - va)
		return KERN_INVALID_ADDRESS;
	while (n > 0) {
		size_t part = in_page(va, n);

		if (!access_page(vm_map_pmap(map), va, host, part, write)) {
			if (!interrupts_enabled() || cpu_self()->cp_preempt_off != 0 ||
			    vm_fault(map, page_trunc(va), write ? VM_PROT_WRITE : VM_PROT_READ, false) != KERN_SUCCESS)
				return KERN_INVALID_ADDRESS;
			continue;
		}
		va += part;
		host += part;
		n -= part;
	}
	sim_tick();
	return KERN_SUCCESS;
}

bool sim_try_read(uint64_t va, void *to, size_t n) { return user_access(va, to, n, false, ENTRY_TRY); }
bool sim_try_write(uint64_t va, const void *from, size_t n) { return user_access(va, (char *)(uintptr_t)from, n, true, ENTRY_TRY); }

kern_return_t copyin(uint64_t from, void *to, size_t n) { return kernel_access(from, to, n, false); }

kern_return_t copyout(const void *from, uint64_t to, size_t n)
{
	return kernel_access(to, (char *)(uintptr_t)from, n, true);
}

/* => within a page for the callers' aligned words, or a fault */
bool sim_user_load(uint64_t va, void *value, uint32_t size)
{
	return in_page(va, size) == size && va < VM_USER_MAX && access_page(vm_map_pmap(task_self()->tk_map), va, value, size, false);
}

bool sim_user_store(uint64_t va, uint64_t value, uint32_t size)
{
	return in_page(va, size) == size && va < VM_USER_MAX && access_page(vm_map_pmap(task_self()->tk_map), va, &value, size, true);
}

kern_return_t copyin_word(uint64_t from, uint32_t *to)
{
	return from % 4 != 0 ? KERN_INVALID_ADDRESS : copyin(from, to, sizeof *to);
}

kern_return_t copyinstr(uint64_t from, char *to, size_t max, size_t *len)
{
	for (size_t i = 0; i < max; i++) {
		if (copyin(from + i, to + i, 1) != KERN_SUCCESS)
			return KERN_INVALID_ADDRESS;
		if (to[i] == '\0') {
			if (len != NULL)
				*len = i + 1;
			return KERN_SUCCESS;
		}
	}
	return KERN_NO_SPACE;
}
