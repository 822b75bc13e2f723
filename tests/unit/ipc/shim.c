/* SPDX-License-Identifier: BSD-2-Clause */
/* See shim.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ipc/ipc_traps.h>
#include <ipc/kmsg.h>
#include <ipc/kobject.h>
#include <ipc/port.h>
#include <ipc/rpc.h>
#include <ipc/space.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/copy.h>
#include <vm/map.h>
#include "shim.h"

struct thread *shim_current;
int shim_fail_at;
static jmp_buf leave;
static long leave_result;
static int64_t counts[COUNT_KINDS], counts_start[COUNT_KINDS];
static int64_t blocks, blocks_start;

/* --- panic, counters --- */

int kprintf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vprintf(fmt, ap);
	va_end(ap);
	return n;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\nBail out! panic\n");
	abort();
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: %s", file, line, expr);
}

void counter_add(enum counter c, int64_t n) { counts[c] += n; }
int64_t counter_read(enum counter c) { return counts[c]; }

_Bool fault_point(const char *name)
{
	(void)name;
	return shim_fail_at != 0 && --shim_fail_at == 0;
}

void shim_count_start(void)
{
	memcpy(counts_start, counts, sizeof(counts));
	blocks_start = blocks;
}

bool shim_count_same(void)
{
	bool same = blocks == blocks_start;

	if (!same)
		printf("# blocks: %+ld\n", (long)(blocks - blocks_start));
	for (int i = 0; i < COUNT_KINDS; i++) {
		if (counts[i] != counts_start[i]) {
			printf("# counter %d: %+ld\n", i, (long)(counts[i] - counts_start[i]));
			same = false;
		}
	}
	return same;
}

/* --- memory --- */

struct slab_cache { size_t size; };

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	static struct slab_cache caches[32];
	static unsigned n;

	(void)name;
	(void)align;
	caches[n].size = size;
	return &caches[n++];
}

void *kalloc(size_t size)
{
	void *p;

	if (fault_point("kalloc"))
		return NULL;
	p = malloc(size);
	memset(p, 0xa5, size);
	blocks++;
	return p;
}

void *kzalloc(size_t size)
{
	void *p = kalloc(size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void kfree(void *p, size_t size)
{
	memset(p, 0x5a, size);
	free(p);
	blocks--;
}

void *slab_alloc(struct slab_cache *c) { return kalloc(c->size); }
void *slab_zalloc(struct slab_cache *c) { return kzalloc(c->size); }
void slab_free(struct slab_cache *c, void *p) { kfree(p, c->size); }

/* --- locks: order by rank, by address where a class may be held twice --- */

static struct spinlock *held[16];
static unsigned held_count;

void spin_lock_init(struct spinlock *l, const struct lock_class *class)
{
	l->sl_word = 0;
	l->sl_class = class;
}

void spin_lock(struct spinlock *l)
{
	for (unsigned i = 0; i < held_count; i++) {
		const struct lock_class *c = held[i]->sl_class;

		if (held[i] == l || c->lc_rank > l->sl_class->lc_rank ||
		    (c->lc_rank == l->sl_class->lc_rank && (!(c->lc_flags & LOCK_CLASS_MULTIPLE) || held[i] > l)))
			panic("lock order: %s after %s", l->sl_class->lc_name, c->lc_name);
	}
	if (l->sl_word)
		panic("%s taken twice", l->sl_class->lc_name);
	l->sl_word = 1;
	held[held_count++] = l;
}

void spin_unlock(struct spinlock *l)
{
	if (!l->sl_word)
		panic("%s not held", l->sl_class->lc_name);
	l->sl_word = 0;
	for (unsigned i = 0; i < held_count; i++) {
		if (held[i] == l) {
			held[i] = held[--held_count];
			return;
		}
	}
}

bool spin_is_held(const struct spinlock *l) { return l->sl_word; }

static void nothing_held(const char *what)
{
	if (held_count != 0)
		panic("%s with %s held", what, held[0]->sl_class->lc_name);
}

/* --- user memory --- */

kern_return_t copyin(uint64_t from, void *to, size_t n)
{
	nothing_held("copyin");
	if (from < 4096)
		return KERN_INVALID_ADDRESS;
	memcpy(to, (void *)from, n);
	return KERN_SUCCESS;
}

kern_return_t copyout(const void *from, uint64_t to, size_t n)
{
	nothing_held("copyout");
	if (to < 4096)
		return KERN_INVALID_ADDRESS;
	memcpy((void *)to, from, n);
	return KERN_SUCCESS;
}

struct vm_map_copy { uint64_t size; char data[]; };

kern_return_t vm_map_copy_from_kernel(const void *data, uint64_t size, struct vm_map_copy **copy)
{
	nothing_held("vm");
	if ((*copy = kalloc(sizeof(**copy) + size)) == NULL)
		return KERN_RESOURCE_SHORTAGE;
	(*copy)->size = size;
	memcpy((*copy)->data, data, size);
	counter_add(COUNT_MAP_COPY, 1);
	return KERN_SUCCESS;
}

kern_return_t vm_map_copyin(struct vm_map *map, uint64_t addr, uint64_t size, bool destroy, struct vm_map_copy **copy)
{
	(void)map;
	(void)destroy;
	if (addr < 4096)
		return KERN_INVALID_ADDRESS;
	return vm_map_copy_from_kernel((void *)addr, size, copy);
}

void vm_map_copy_discard(struct vm_map_copy *copy)
{
	nothing_held("vm");
	kfree(copy, sizeof(*copy) + copy->size);
	counter_add(COUNT_MAP_COPY, -1);
}

kern_return_t vm_map_copyout(struct vm_map *map, uint64_t *addr, struct vm_map_copy *copy)
{
	(void)map;
	nothing_held("vm");
	*addr = (uint64_t)malloc(copy->size);
	memcpy((void *)*addr, copy->data, copy->size);
	vm_map_copy_discard(copy);
	return KERN_SUCCESS;
}

kern_return_t vm_map_allocate(struct vm_map *map, uint64_t *addr, uint64_t size, bool anywhere)
{
	(void)map;
	(void)anywhere;
	nothing_held("vm");
	if (fault_point("vm_map_allocate"))
		return KERN_NO_SPACE;
	*addr = (uint64_t)malloc(size);
	return KERN_SUCCESS;
}

kern_return_t vm_map_remove(struct vm_map *map, uint64_t start, uint64_t end)
{
	(void)map;
	(void)start;
	(void)end;
	return KERN_SUCCESS;
}

void vm_object_port_died(struct ipc_port *port);
void vm_object_port_died(struct ipc_port *port) { (void)port; }
void irq_port_died(void);
void irq_port_died(void) { }

/* conformance is what the boot tests tell */
void calls_note(int32_t id, int32_t result);
void calls_note(int32_t id, int32_t result)
{
	(void)id;
	(void)result;
}

/* --- kernel objects: none, requests to them are dropped --- */

void ipc_kobject_init(void) { }

struct ipc_kmsg *ipc_kobject_server(struct ipc_kmsg *request)
{
	ipc_kmsg_destroy(request);
	return NULL;
}

bool ipc_kobject_notify(struct ipc_port *soright)
{
	(void)soright;
	return false;
}

/* --- threads --- */

uint64_t clock_uptime_ns(void) { return 1000; }

struct task *shim_task(void)
{
	struct task *task = calloc(1, sizeof(*task));

	task->tk_space = ipc_space_create(task);
	return task;
}

void shim_task_end(struct task *task)
{
	ipc_space_destroy(task->tk_space);
	ipc_space_release(task->tk_space);
	free(task);
}

struct thread *shim_thread(struct task *task)
{
	struct thread *t = calloc(1, sizeof(*t));

	t->th_task = task;
	return t;
}

void shim_thread_end(struct thread *t)
{
	ipc_thread_terminate(t);
	free(t);
}

void shim_run_as(struct thread *t) { shim_current = t; }

void thread_will_wait(bool interruptible, uint64_t deadline)
{
	(void)interruptible;
	(void)deadline;
	shim_current->th_state |= TH_WAIT;
}

bool thread_go(struct thread *t, enum wait_result result)
{
	if (!(t->th_state & TH_WAIT))
		return false;
	t->th_state &= ~TH_WAIT;
	t->th_wait_result = result;
	return true;
}

bool thread_go_handoff(struct thread *t, enum wait_result result) { return thread_go(t, result); }

enum wait_result thread_block(continuation_t cont)
{
	nothing_held("thread_block");
	if (cont == NULL)
		panic("blocks without a continuation");
	shim_current->th_continuation = cont;
	leave_result = SHIM_BLOCKED;
	longjmp(leave, 1);
}

enum wait_result thread_handoff(struct thread *next, continuation_t cont)
{
	(void)next;
	return cont == NULL ? WAIT_AWAKENED : thread_block(cont);
}

void thread_syscall_return(long result)
{
	nothing_held("return to user");
	leave_result = result;
	longjmp(leave, 1);
}

long shim_mach_msg(struct thread *t, void *msg, uint32_t option, uint32_t send_size, uint32_t rcv_size,
    uint32_t rcv_name, uint32_t timeout, uint32_t notify)
{
	shim_current = t;
	if (setjmp(leave) != 0)
		return leave_result;
	return (int)mach_msg_trap((uint64_t)(uintptr_t)msg, option, send_size, rcv_size, rcv_name, timeout, notify);
}

bool shim_runnable(struct thread *t) { return !(t->th_state & TH_WAIT); }

long shim_resume(struct thread *t)
{
	if (!shim_runnable(t))
		return SHIM_BLOCKED;
	shim_current = t;
	if (setjmp(leave) != 0)
		return (int)leave_result;
	t->th_continuation();
	panic("continuation returned");
}

void shim_break(struct thread *t, bool timed_out)
{
	thread_go(t, timed_out ? WAIT_TIMED_OUT : WAIT_INTERRUPTED);
}

/* the fast path needs a processor to give away */
void ipc_rpc_prepare(void)
{
}

/* there are no registers to put into an exception's message */
uint32_t machine_thread_state_count(int flavor)
{
	(void)flavor;
	return 0;
}

kern_return_t machine_thread_get_state(struct thread *thread, int flavor, uint32_t *state, uint32_t *count)
{
	(void)thread;
	(void)flavor;
	(void)state;
	(void)count;
	return KERN_INVALID_ARGUMENT;
}

kern_return_t machine_thread_set_state(struct thread *thread, int flavor, const uint32_t *state, uint32_t count)
{
	(void)thread;
	(void)flavor;
	(void)state;
	(void)count;
	return KERN_INVALID_ARGUMENT;
}

/* --- memory: none comes by waiting --- */

bool vm_page_wait(void)
{
	return false;
}
