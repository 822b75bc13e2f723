/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's per-thread data (errno, stream pointers, ...), found through the C
 * thread. Made when a thread first asks; the main thread's is the static one.
 * REFS		a thread's own; its end frees it
 */
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include <cthreads.h>

#undef __getreent
struct _reent *__getreent(void);

/* crt0 calls cthread_init if it is there: see to it that it is. */
void (*const libc_needs_cthreads)(void) __attribute__((used)) = cthread_init;

struct _reent *__getreent(void)
{
	cthread_t self = cthread_self();
	struct _reent *reent = self->ct_reent;

	if (__builtin_expect(reent != NULL, 1))
		return reent;
	reent = _GLOBAL_REENT;
	if (self->ct_stack != 0) {
		/* while malloc runs it must find something to put errno in */
		self->ct_reent = reent;
		reent = malloc(sizeof(*reent));
		if (reent == NULL)
			return _GLOBAL_REENT;
		_REENT_INIT_PTR(reent);
	}
	self->ct_reent = reent;
	return reent;
}

void cthread_reent_release(void *reent)
{
	if (reent == _GLOBAL_REENT)
		return;
	_reclaim_reent(reent);
	free(reent);
}
