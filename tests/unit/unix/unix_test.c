/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pure parts of the Unix server on the host: executables, "#!" lines, first stacks, signal
 * rules, permissions.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../servers/unix/cred.h"
#include "../../../servers/unix/elf.h"
#include "../../../servers/unix/sigset.h"

static int test_number, test_failed;

static void
ok(int good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++test_number, name);
	test_failed += !good;
}

static void
make_elf(char *head, int type)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)head;
	Elf64_Phdr *ph = (Elf64_Phdr *)(head + sizeof(*eh));

	memset(head, 0, 4096);
	memcpy(eh->e_ident, "\177ELF\2\1\1", 7);
	eh->e_type = type;
	eh->e_machine = EM_X86_64;
	eh->e_entry = 0x401000;
	eh->e_phoff = sizeof(*eh);
	eh->e_phentsize = sizeof(*ph);
	eh->e_phnum = 2;
	ph[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x400000, 0x2000, 0x2000, 4096 };
	ph[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x2e10, 0x403e10, 0x403e10, 0x100, 0x5000, 4096 };
}

static void
test_elf_good(void)
{
	static char head[4096];
	struct elf_image image;

	make_elf(head, ET_EXEC);
	ok(elf_parse(head, sizeof(head), 0x10000, &image) == 0, "a plain executable is accepted");
	ok(image.ei_segments == 2 && image.ei_segment[1].es_prot == 3, "segments and protection");
	ok(image.ei_brk == 0x408e10 && image.ei_low == 0x400000, "extent");
	ok(image.ei_phdr == 0x400040 && !image.ei_dynamic, "program headers are found in memory");
	make_elf(head, ET_DYN);
	ok(elf_parse(head, sizeof(head), 0x10000, &image) == 0 && image.ei_dynamic, "static-pie");
}

static void
test_elf_hostile(void)
{
	static char head[4096];
	Elf64_Ehdr *eh = (Elf64_Ehdr *)head;
	Elf64_Phdr *ph = (Elf64_Phdr *)(head + sizeof(*eh));
	struct elf_image image;
	unsigned int seed = 1, i;
	int accepted = 0;

	make_elf(head, ET_EXEC);
	ok(elf_parse(head, 63, 0x10000, &image) != 0, "too short for a header");
	eh->e_phoff = ~0ull - 8;
	ok(elf_parse(head, sizeof(head), 0x10000, &image) != 0, "headers outside of the file");
	make_elf(head, ET_EXEC);
	ph[0].p_memsz = 0x1000;
	ok(elf_parse(head, sizeof(head), 0x10000, &image) != 0, "more file than memory");
	make_elf(head, ET_EXEC);
	ph[0].p_vaddr = ~0xfffull;
	ok(elf_parse(head, sizeof(head), 0x10000, &image) != 0, "wrapping segment");
	make_elf(head, ET_EXEC);
	ok(elf_parse(head, sizeof(head), 0x1000, &image) != 0, "segment beyond the end of the file");
	for (i = 0; i < 200000; i++) {
		make_elf(head, ET_EXEC);
		seed = seed * 1103515245 + 12345;
		head[seed / 65536 % 200] = seed >> 8;
		accepted += elf_parse(head, 200 + seed % 3000, seed % 100000, &image) == 0;
	}
	ok(accepted >= 0, "200000 damaged headers");
}

static void
test_script(void)
{
	struct elf_script script;

	ok(elf_script_parse("#!/bin/sh\n", 10, &script) == 0 &&
	    script.sc_interpreter_length == 7 && script.sc_argument == NULL, "#!/bin/sh");
	ok(elf_script_parse("#! /usr/bin/env  -S a b \nx", 26, &script) == 0 &&
	    script.sc_interpreter_length == 12 && script.sc_argument_length == 6 &&
	    memcmp(script.sc_argument, "-S a b", 6) == 0, "one argument with blanks inside");
	ok(elf_script_parse("#!\n", 3, &script) != 0, "no interpreter");
	ok(elf_script_parse("#!/bin/sh", 9, &script) == 0, "no newline at the end");
}

static void
test_stack(void)
{
	static char buffer[8192] __attribute__((aligned(16)));
	struct exec_stack stack = {
		.xs_argc = 2, .xs_envc = 1, .xs_strings = "prog\0arg\0A=b", .xs_strings_size = 13,
		.xs_execfn = "/bin/prog", .xs_phdr = 0x400040, .xs_entry = 0x401000,
	};
	const uint64_t top = 0x7ffffffff000;
	uint64_t *sp;
	int i, random = 0, entry = 0;

	ok(exec_stack_build(&stack, buffer, sizeof(buffer), top) == 0, "a stack is built");
	ok((stack.xs_sp & 15) == 0 && stack.xs_sp < top, "aligned");
	sp = (uint64_t *)(buffer + sizeof(buffer) - (top - stack.xs_sp));
#define AT(address) (buffer + sizeof(buffer) - (top - (address)))
	ok(sp[0] == 2 && strcmp(AT(sp[1]), "prog") == 0 && strcmp(AT(sp[2]), "arg") == 0 &&
	    sp[3] == 0 && strcmp(AT(sp[4]), "A=b") == 0 && sp[5] == 0, "argc, argv, envp");
	for (i = 6; sp[i] != 0; i += 2) {
		random |= sp[i] == 25 && sp[i + 1] > stack.xs_sp;
		entry |= sp[i] == 9 && sp[i + 1] == 0x401000;
	}
	ok(random && entry, "auxiliary vector");
	ok(stack.xs_env_start - stack.xs_args_start == 9 &&
	    stack.xs_env_end - stack.xs_env_start == 4, "extents of arguments and environment");
	ok(exec_stack_build(&stack, buffer, 256, top) != 0, "too small a buffer");
	stack.xs_argc = stack.xs_envc = 0;
	stack.xs_strings_size = 0;
	ok(exec_stack_build(&stack, buffer, sizeof(buffer), top) == 0, "no arguments at all");
}

static void
test_rules(void)
{
	struct cred *root = cred_create_root(), *user = cred_copy(root);

	ok(sig_first(sigbit(10) | sigbit(11)) == 11, "synchronous signals come first");
	ok(sig_first(sigbit(11) | sigbit(9)) == 9 && sig_first(0) == 0, "SIGKILL before all");
	ok(sig_default_action(15) == SIG_ACT_TERMINATE && sig_default_action(17) == SIG_ACT_IGNORE &&
	    sig_default_action(20) == SIG_ACT_STOP && sig_default_action(18) == SIG_ACT_CONTINUE,
	    "default actions");
	ok(wait_status_exit(256 + 3) == 0x300 && wait_status_stop(20) == 0x147f, "wait status");
	user->c_uid = user->c_euid = user->c_fsuid = 1000;
	user->c_fsgid = 1000;
	user->c_groups[0] = 50;
	user->c_ngroups = 1;
	ok(cred_permits(root, 0100600, 5, 5, 6) && !cred_permits(root, 0100600, 5, 5, 1),
	    "the superuser executes only what somebody may");
	ok(cred_permits(user, 0100640, 1000, 1, 6) && !cred_permits(user, 0100640, 1, 1, 4) &&
	    cred_permits(user, 0100640, 1, 50, 4), "owner, other, supplementary group");
	ok(!cred_permits(user, 0100066, 1000, 1, 4), "the owner's bits decide for the owner");
	cred_rel(root);
	cred_rel(user);
}

int
main(void)
{
	test_elf_good();
	test_elf_hostile();
	test_script();
	test_stack();
	test_rules();
	printf("1..%d\n", test_number);
	return test_failed != 0;
}
