/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks and what sanitizers must know of them. */
#ifndef ARCH_HOST_STACKS_H
#define ARCH_HOST_STACKS_H

#include <stddef.h>
#include <stdint.h>

/* a stack that something runs on or has been left on */
struct sim_stack {
	void	*st_bottom;
	size_t	 st_size;
	void	*st_fiber;		/* TSan's name of it */
};

void	*sim_switch_stacks(void **save, void *sp, void *value);
void	 sim_stack_restart(void *top, void (*fn)(void)) __attribute__((noreturn));
/* => sp for sim_switch_to; fn(value of the switch) begins on it */
void	*sim_stack_prepare(void *bottom, size_t size, void (*fn)(void *));
/* leave the present stack at *save for `to` at sp */
void	*sim_switch_to(const struct sim_stack *to, void **save, void *sp, void *value);
/* whatever frames were on it are given up */
void	 sim_stack_forget(void *bottom, size_t size);
void	*sim_fiber_create(void);
void	 sim_fiber_destroy(void *);
void	*sim_fiber_current(void);

#endif
