/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Floating-point and vector state of a user thread: one XSAVE image, allocated with the thread. Kernel threads
 *         have none and the kernel uses no such register, so a CPU keeps the state of the last user thread
 *         (cm_fpu_owner) over kernel and idle threads.
 *         What is in its start state is not written there by the processor, and not when the image is made: the header says what is.
 * STATES  The image is current whenever the thread is not running. It is saved when the thread is switched away from
 *         and loaded only if the registers hold something else. CR0.TS is never used.
 * LOCKS   none: a running thread's state belongs to its CPU, a stopped one's to whoever holds the thread.
 */
#include <stddef.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/fpu.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>

static struct slab_cache *fpu_cache;
static struct fpu_state *fpu_initial;

void fpu_init(void)
{
	fpu_cache = slab_cache_create("fpu", cpu_features.xsave_size, 64);
	fpu_initial = fpu_cache ? slab_zalloc(fpu_cache) : NULL;
	if (fpu_initial == NULL)
		panic("no memory for the floating-point start state");
	fpu_initial->fs_control = 0x37f;
	fpu_initial->fs_mxcsr = 0x1f80;
}

/* => start state; NULL on shortage */
struct fpu_state *fpu_alloc(void)
{
	struct fpu_state *f = slab_alloc(fpu_cache);

	if (f == NULL)
		return NULL;
	if (cpu_features.xcr0) {
		/* of what the header does not name nothing is looked at */
		memcpy(f, fpu_initial, offsetof(struct fpu_state, fs_st));
		memset(&f->fs_xstate_bv, 0, 64);
	} else
		memcpy(f, fpu_initial, cpu_features.xsave_size);
	return f;
}

static void put(uint8_t *to, const struct fpu_state *from, size_t at, size_t n)
{
	memcpy(to + at, (const uint8_t *)from + at, n);
}

void fpu_image_whole(uint8_t *to, const struct fpu_state *from)
{
	uint64_t has = cpu_features.xcr0 ? from->fs_xstate_bv & cpu_features.xcr0 : 3;
	uint32_t r[4];

	memcpy(to, fpu_initial, cpu_features.xsave_size);
	put(to, from, offsetof(struct fpu_state, fs_mxcsr), 8);
	if (has & 1) {
		put(to, from, 0, offsetof(struct fpu_state, fs_mxcsr));
		put(to, from, offsetof(struct fpu_state, fs_st), sizeof from->fs_st);
	}
	if (has & 2)
		put(to, from, offsetof(struct fpu_state, fs_xmm), sizeof from->fs_xmm);
	if (cpu_features.xcr0)
		put(to, from, offsetof(struct fpu_state, fs_xstate_bv), 64);
	for (uint32_t i = 2; has >> i != 0; i++) {
		if (!(has >> i & 1))
			continue;
		cpuid(0xd, i, r);
		put(to, from, r[1], r[0]);
	}
}

const struct fpu_state *fpu_x87(const struct fpu_state *f)
{
	return cpu_features.xcr0 && !(f->fs_xstate_bv & 1) ? fpu_initial : f;
}

void fpu_free(struct fpu_state *f)
{
	slab_free(fpu_cache, f);
}

/* => interrupts off; old is leaving this CPU for new */
void fpu_switch(struct cpu_machine *cm, struct thread *old, struct thread *new)
{
	struct machine_thread *to = &new->th_machine;

	if (old->th_machine.mt_fpu != NULL)
		fpu_image_save(old->th_machine.mt_fpu);
	if (to->mt_fpu == NULL)
		return;
	if (cm->cm_fpu_owner == new && to->mt_fpu_cpu == cpu_self())
		return;
	fpu_image_load(to->mt_fpu);
	cm->cm_fpu_owner = new;
	to->mt_fpu_cpu = cpu_self();
}

/* => interrupts off; the image was changed: no CPU's registers count any more */
void fpu_reload(struct thread *th)
{
	th->th_machine.mt_fpu_cpu = NULL;
	if (th == current_thread()) {
		fpu_image_load(th->th_machine.mt_fpu);
		th->th_machine.mt_fpu_cpu = cpu_self();
	}
}

/* the current thread's registers into its image */
void fpu_sync(struct thread *th)
{
	unsigned long flags = interrupts_disable();

	if (th == current_thread() && th->th_machine.mt_fpu != NULL)
		fpu_image_save(th->th_machine.mt_fpu);
	interrupts_restore(flags);
}
