/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of the kernel: what comes up in which order.
 *
 * The boot processor runs on its start-up stack, as a thread that is on no list, until the scheduler has somewhere to go; the
 * rest is done by a kernel thread, which ends when the boot modules run.
 */
#include <debug/kdb.h>
#include <debug/lockdep.h>
#include <debug/racer.h>
#include <debug/trace.h>
#include <device/device.h>
#include <ipc/ipc.h>
#include <kern/bootstrap.h>
#include <kern/counter.h>
#include <kern/gsync.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/reaper.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/slab_info.h>
#include <kern/stack.h>
#include <kern/startup.h>
#include <kern/string.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/version.h>
#include <machine/cpu.h>
#include <vm/map.h>
#include <vm/pageout.h>
#include <vm/page.h>

static struct thread boot_thread __attribute__((aligned(64)));
static struct cpu_sched boot_sched;

/* a word of the command line, alone; what follows CMD= is a command for others, not for the kernel */
bool
boot_flag(const char *word)
{
	const char *s = boot_command_line;
	size_t n = strlen(word);

	for (; (s = strstr(s, word)) != NULL && s < boot_command_line_end; s += n)
		if ((s == boot_command_line || s[-1] == ' ') && (s[n] == ' ' || s[n] == '\0'))
			return true;
	return false;
}

static void __attribute__((noreturn))
startup_thread_end(void)
{
	thread_terminate_internal(current_thread());
	ast_taken();
	panic("start-up thread goes on");
}

static void
startup_thread(void *arg)
{
	(void)arg;
	machine_late_init();
	clock_init();
	reaper_init();
	vm_pageout_init();
	device_init();
	cpus_start();
	load_init();
	kprintf("%s: %u CPU%s, %lu MiB\n", kernel_version_string, cpu_count, cpu_count == 1 ? "" : "s",
	    boot_memory_total >> 20);
	if (boot_flag("racer"))
		racer_set(RACER_DEFAULT);
	if (boot_flag("measure"))
		vm_map_seed = 0x5eed;
	if (boot_flag("-d"))
		kdb_enter("-d on the command line");
	bootstrap_start();
	startup_thread_end();
}

void
kernel_main(void)
{
	struct cpu *c = cpu_self();

	thread_setup(&boot_thread, PRI_SYSTEM);
	string_copy(boot_thread.th_name, "boot", sizeof boot_thread.th_name);
	boot_thread.th_state = TH_RUN;
	c->cp_thread = &boot_thread;
	c->cp_online = true;
	sched_cpu_init(c, &boot_sched);
	timer_cpu_init(c);
	lockdep_cpu_init(c);
	pset_bootstrap();
	assign_init();
	wait_init();
	gsync_init();
	vm_page_bootstrap();
	slab_bootstrap();
	machine_memory_init();
	trace_cpu_init(c);
	vm_init();
	ipc_init();
	thread_init();
	task_init();
	boot_thread.th_task = kernel_task;
	processor_init();
	processor_add(c);
	c->cp_idle_thread = thread_create_idle(c);
	stack_init();
	kernel_thread("startup", startup_thread, NULL, PRI_SYSTEM);
	interrupts_disable();
	thread_start_idle(&boot_thread);
}

kern_return_t
kernel_cpu_init(struct cpu *c)
{
	struct cpu_sched *s = kzalloc(sizeof *s);

	if (s == NULL)
		return KERN_RESOURCE_SHORTAGE;
	sched_cpu_init(c, s);
	timer_cpu_init(c);
	lockdep_cpu_init(c);
	slab_cpu_init(c);
	trace_cpu_init(c);
#ifdef DEBUG
	c->cp_counters = kzalloc(COUNT_KINDS * sizeof(int64_t));
#endif
	c->cp_idle_thread = thread_create_idle(c);
	processor_add(c);
	return KERN_SUCCESS;
}

/* on the stack of this CPU's idle thread */
void
kernel_ap_main(void)
{
	struct cpu *c = cpu_self();

	c->cp_thread = c->cp_idle_thread;
	idle_begin(NULL);
	panic("cpu %u has no idle loop", c->cp_id);
}
