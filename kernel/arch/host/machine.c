/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: memory, the boot module that is the first task, console, and the start of everything. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <kern/elf.h>
#include <kern/panic.h>
#include <kern/startup.h>
#include <kern/thread.h>
#include <machine/pte.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <vm/page.h>
#include "machine.h"
#include "sim.h"
#include "stacks.h"

#define MODULE_AT	0x2000ull
#define MEMORY_AT	0x100000ull
#define TEXT_AT		0x400000ull
#define BOOT_STACK_SIZE	(512 * 1024ul)

struct boot_module *boot_modules;
uint32_t boot_module_count;
const char *boot_command_line = "", *boot_command_line_end = "";
const void *boot_info_raw = "";
uint64_t boot_info_size = 1;
struct memory_range boot_memory[1], boot_ram[1];
uint32_t boot_memory_count = 1, boot_ram_count = 1;
uint64_t boot_memory_total, boot_memory_max;
const uint64_t default_ldt[4];
void (*console_input_hook)(int c);

static struct pmap *kernel_pmap_store;
struct pmap *kernel_pmap;
static const struct sim_config *config;
static struct boot_module module;
static struct sim_user *leaver;		/* the program that called sim_leave */
static bool left;

void	__sanitizer_print_stack_trace(void) __attribute__((weak));

/* pages hold pointers that the leak checker does not see; conservation counters are better at it */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:handle_abort=1"; }

/* --- console, end --- */

void console_putc(char c)
{
	if (!config->cf_quiet)
		putchar(c);
}

int console_poll(void) { return -1; }
void backtrace_print(uint64_t rip, uint64_t rbp)
{
	(void)rip;
	(void)rbp;
	fflush(stdout);
	if (__sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
}
const char *symbol_find(uint64_t pc, uint64_t *offset)
{
	(void)pc;
	(void)offset;
	return NULL;
}
uint64_t symbol_lookup(const char *name) { (void)name; return 0; }
void plat_reboot(void) { plat_exit(0); }
void plat_halt(void) { plat_exit(0); }

/* 3 is a panic's: whoever watches the program wants to see it die */
void plat_exit(int status)
{
	fflush(stdout);
	if (status == 3)
		abort();
	exit(status);
}

/* --- no interrupt lines --- */

bool irq_register(unsigned irq, irq_handler_t fn, void *arg)
{
	(void)fn;
	(void)arg;
	return irq < 16;
}
void irq_mask(unsigned irq) { (void)irq; }
void irq_unmask(unsigned irq) { (void)irq; }
unsigned irq_from_isa(unsigned irq) { return irq; }

/* --- memory --- */

static void memory_make(uint64_t size)
{
	void *ram = mmap((void *)SIM_RAM_BASE, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	if (ram != (void *)SIM_RAM_BASE) {
		perror("sim: memory");
		exit(1);
	}
	boot_memory[0] = (struct memory_range){ MEMORY_AT, size };
	boot_ram[0] = (struct memory_range){ 0, size };
	boot_memory_total = boot_memory_max = size;
	kernel_pmap_store = calloc(1, sizeof *kernel_pmap_store + 64);
	kernel_pmap = kernel_pmap_store;
	kernel_pmap->pm_root = aligned_alloc(4096, 4096);
	memset(kernel_pmap->pm_root, 0, 4096);
}

/* a program of one page: what matters is where it starts */
static void module_make(void)
{
	struct elf_header *h = phys_to_kv(MODULE_AT);
	struct elf_segment *s = (struct elf_segment *)(h + 1);

	*h = (struct elf_header){
		.e_ident = "\177ELF\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
		.e_entry = (uint64_t)(uintptr_t)config->cf_init, .e_phoff = sizeof *h, .e_ehsize = sizeof *h,
		.e_phentsize = sizeof *s, .e_phnum = 1,
	};
	*s = (struct elf_segment){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = TEXT_AT, .p_filesz = 0, .p_memsz = PAGE_SIZE,
	};
	module = (struct boot_module){ MODULE_AT, sizeof *h + sizeof *s, "init ${host-port} ${device-port} $(task-create) $(task-resume)" };
	boot_modules = &module;
	boot_module_count = 1;
}

void pmap_bootstrap(void) { }
void pmap_allocators_ready(void) { }
void machine_memory_init(void)
{
	pmap_init();
	fpu_init();
}
void machine_late_init(void) { }

/* --- start --- */

static void boot_begin(void *arg)
{
	(void)arg;
	kernel_main();
}

bool sim_boot(const struct sim_config *cf)
{
	struct sim_stack st;
	void *stack = mmap(NULL, BOOT_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *sp;

	config = cf;
	plat_cpu_count = cf->cf_cpus;
	if (cf->cf_command_line != NULL) {
		boot_command_line = cf->cf_command_line;
		boot_command_line_end = boot_command_line + strlen(boot_command_line);
	}
	sim_program_add(cf->cf_init);
	memory_make((uint64_t)cf->cf_memory_mb << 20);
	module_make();
	sim_cpu_here(&sim_boot_cpu);
	sp = sim_stack_prepare(stack, BOOT_STACK_SIZE, boot_begin);
	st = (struct sim_stack){ stack, BOOT_STACK_SIZE, sim_fiber_create() };
	(void)sim_switch_to(&st, &sim_boot_cpu.sc_host_sp, sp, NULL);
	return left;
}

void sim_leave(void)
{
	struct sim_cpu *sc = sim_cpu_self();
	struct sim_stack st = { (void *)sc->sc_host_bottom, sc->sc_host_size, sc->sc_host_fiber };

	KASSERT(sc == &sim_boot_cpu && cpu_count == 1);
	left = true;
	leaver = sim_user_of(current_thread());
	(void)sim_switch_to(&st, &leaver->su_sp, sc->sc_host_sp, NULL);
}

void sim_enter(void)
{
	struct sim_stack st = { leaver->su_bottom, USER_STACK_SIZE, leaver->su_fiber };

	(void)sim_switch_to(&st, &sim_boot_cpu.sc_host_sp, leaver->su_sp, NULL);
}

uint32_t sim_init_argument(unsigned n)
{
	uint64_t argv, sp = current_thread()->th_machine.mt_regs.rsp;
	char word[16];

	sim_read(sp + 8 + 8 * n, &argv, sizeof argv);
	for (unsigned i = 0; i < sizeof word; i++) {
		sim_read(argv + i, &word[i], 1);
		if (word[i] == '\0')
			break;
	}
	word[sizeof word - 1] = '\0';
	return (uint32_t)strtoul(word, NULL, 10);
}
