/* SPDX-License-Identifier: BSD-2-Clause */
/* What a boot loader hands over: lines of the boot script, and ELF images. */
#include <stdlib.h>
#include <string.h>
#include <kern/boot_script.h>
#include <kern/loader.h>
#include <kern/task.h>
#include "sim.h"

void	fuzz_main(void);
void	fuzz_prepare(uint32_t task);
uint8_t	fuzz_u8(void);
bool	fuzz_left(void);

#define INPUT_MAX	8192

static struct { char bytes[INPUT_MAX]; size_t size; } input;

void fuzz_prepare(uint32_t task) { (void)task; }

static bool assign(void *context, const char *name, const char *value)
{
	(void)context;
	return name[0] != 'x' && value[0] != 'x';
}

/* n letters for the variable whose name is n letters long */
static bool value(void *context, const char *name, char *to, size_t size)
{
	size_t n = strlen(name);

	(void)context;
	if (n >= size || name[0] == 'x')
		return false;
	memset(to, 'v', n);
	to[n] = '\0';
	return true;
}

/* exact rooms from malloc: one byte beyond is seen */
static void boot_line(void)
{
	size_t room = input.size < 2 ? 1 : (unsigned char)input.bytes[1] + 1u, used = 0;
	size_t *words = malloc(8 * sizeof *words);
	char *text = malloc(input.size + 1), *to = malloc(room);
	struct boot_line line;
	unsigned argc = 0;

	memcpy(text, input.bytes, input.size);
	text[input.size] = '\0';
	if (boot_line_parse(&line, text, assign, NULL) == NULL)
		(void)boot_line_expand(&line, value, NULL, to, room, &used, words, &argc, 8);
	free(words);
	free(text);
	free(to);
}

static void load(void *unused)
{
	struct loaded_program program;
	struct task *task;
	char *image;

	(void)unused;
	if (task_create_internal(NULL, false, &task) != KERN_SUCCESS)
		return;
	image = malloc(input.size);
	memcpy(image, input.bytes, input.size);
	(void)loader_load(task->tk_map, image, input.size, &program);
	free(image);
	(void)task_terminate_internal(task);
	task_release(task);
}

void fuzz_main(void)
{
	for (input.size = 0; input.size < INPUT_MAX && fuzz_left(); input.size++)
		input.bytes[input.size] = (char)fuzz_u8();
	boot_line();
	sim_kernel_call(load, NULL);
}
