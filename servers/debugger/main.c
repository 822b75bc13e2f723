/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A debugger of Mach tasks. See README.md. Arguments, after the host and device ports:
 *   task=PORT     attach to this task at the start
 *   symbols=rdN   its program file
 *   script=rdN    commands, in the place of a person; the machine ends when they do
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mach/mach_host.h>
#include "debugger.h"

#define EXIT_WITH_STATUS	0x8000

mach_port_t host_priv, device_master;

static const char *option(int argc, char **argv, const char *name)
{
	size_t n = strlen(name);

	for (int i = 3; i < argc; i++)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

int main(int argc, char **argv)
{
	static char quit[] = "quit", nothing[] = "";
	const char *task, *symbols, *script;
	char *line;

	if (argc < 3)
		return 2;
	host_priv = (mach_port_t)strtoul(argv[1], NULL, 10);
	device_master = (mach_port_t)strtoul(argv[2], NULL, 10);
	task = option(argc, argv, "task");
	symbols = option(argc, argv, "symbols");
	script = option(argc, argv, "script");
	event_init(script);
	if (symbols != NULL && !symbols_load(symbols))
		printf("no symbols in %s\n", symbols);
	if (task != NULL && !target_attach((mach_port_t)strtoul(task, NULL, 10)))
		printf("no task %s\n", task);
	printf("Debugger. help lists the commands.\n");
	do {
		event_prompt();
		switch (event_wait(&line, 0)) {
		case EVENT_LINE:
			break;
		case EVENT_END:
			printf("\n");
			target_ended();
			/* fall through */
		default:
			line = script != NULL ? quit : nothing;
			break;
		}
	} while (command_run(line));
	printf("\n");
	fflush(stdout);
	if (script != NULL)
		host_reboot(host_priv, EXIT_WITH_STATUS);
	return 0;
}
