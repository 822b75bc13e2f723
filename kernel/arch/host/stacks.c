/* SPDX-License-Identifier: BSD-2-Clause */
/* See stacks.h. The sanitizers' functions are weak: absent in a build without them. */
#include "stacks.h"

void	__sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size) __attribute__((weak));
void	__sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size) __attribute__((weak));
void	__asan_unpoison_memory_region(const volatile void *, size_t) __attribute__((weak));
void	*__tsan_get_current_fiber(void) __attribute__((weak));
void	*__tsan_create_fiber(unsigned flags) __attribute__((weak));
void	__tsan_destroy_fiber(void *) __attribute__((weak));
void	__tsan_switch_to_fiber(void *, unsigned flags) __attribute__((weak));

extern char sim_stack_start[];
void	sim_stack_begin(void *value, void (*fn)(void *)) __attribute__((noreturn));

void *sim_stack_prepare(void *bottom, size_t size, void (*fn)(void *))
{
	uint64_t *sp = (uint64_t *)((char *)bottom + size);

	sim_stack_forget(bottom, size);
	*--sp = 0;
	*--sp = 0;				/* aligned to 16 where sim_stack_start calls */
	*--sp = (uint64_t)sim_stack_start;
	*--sp = (uint64_t)fn;			/* rbx */
	for (int i = 0; i < 5; i++)
		*--sp = 0;			/* rbp, r12 to r15 */
	return sp;
}

void sim_stack_begin(void *value, void (*fn)(void *))
{
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	fn(value);
	__builtin_trap();
}

void *sim_switch_to(const struct sim_stack *to, void **save, void *sp, void *value)
{
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(NULL, to->st_bottom, to->st_size);
	if (__tsan_switch_to_fiber)
		__tsan_switch_to_fiber(to->st_fiber, 0);
	value = sim_switch_stacks(save, sp, value);
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	return value;
}

void sim_stack_forget(void *bottom, size_t size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(bottom, size);
}

void *sim_fiber_create(void)
{
	return __tsan_create_fiber ? __tsan_create_fiber(0) : NULL;
}

void sim_fiber_destroy(void *fiber)
{
	if (__tsan_destroy_fiber && fiber != NULL)
		__tsan_destroy_fiber(fiber);
}

void *sim_fiber_current(void)
{
	return __tsan_get_current_fiber ? __tsan_get_current_fiber() : NULL;
}
