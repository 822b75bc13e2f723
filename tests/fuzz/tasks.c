/* SPDX-License-Identifier: BSD-2-Clause */
/* In the kernel: every task but the first ends. A task that an input made lives on without threads or rights, as it should. */
#include <kern/task.h>
#include <kern/task_list.h>
#include <kern/thread.h>
#include "tasks.h"

static struct task *next_victim(void)
{
	struct task *found = NULL;
	struct queue *q;

	spin_lock(&task_list_lock);
	queue_for_each(q, &task_list) {
		struct task *t = queue_entry(q, struct task, tk_link);

		if (t != kernel_task && t != task_self() && t->tk_active) {
			task_ref(t);
			found = t;
			break;
		}
	}
	spin_unlock(&task_list_lock);
	return found;
}

void fuzz_kill_tasks(void *unused)
{
	struct task *t;

	(void)unused;
	while ((t = next_victim()) != NULL) {
		(void)task_terminate_internal(t);
		task_release(t);
	}
}
