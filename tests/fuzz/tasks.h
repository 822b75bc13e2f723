/* SPDX-License-Identifier: BSD-2-Clause */
/* For sim_kernel_call. */
#ifndef TESTS_FUZZ_TASKS_H
#define TESTS_FUZZ_TASKS_H

void	fuzz_kill_tasks(void *unused);

#endif
