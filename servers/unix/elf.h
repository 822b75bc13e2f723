/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 executables and the first stack of a program: pure parsing and layout.
 */
#ifndef UNIX_ELF_H
#define UNIX_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX	32
#define ELF_HEAD_SIZE		4096	/* of the file must be enough to find the headers */

struct elf_segment {
	uint64_t	es_address;	/* as linked: the bias is added by the caller */
	uint64_t	es_offset;
	uint64_t	es_file_size;
	uint64_t	es_memory_size;
	int		es_prot;	/* 1 read 2 write 4 execute, as vm_prot */
};

struct elf_image {
	bool		ei_dynamic;	/* ET_DYN: place it at a base */
	uint64_t	ei_entry;
	uint64_t	ei_phdr;	/* address of the program headers when loaded */
	unsigned int	ei_phentsize;
	unsigned int	ei_phnum;
	uint64_t	ei_low, ei_high;	/* page-rounded extent of the segments */
	uint64_t	ei_brk;		/* end of the highest segment's memory */
	uint64_t	ei_interp_offset;	/* PT_INTERP text in the file; size 0: none */
	uint64_t	ei_interp_size;
	int		ei_segments;
	struct elf_segment ei_segment[ELF_SEGMENTS_MAX];
};

/*
 * head: the first head_size bytes of a file of file_size bytes.
 * => 0; -ENOEXEC not an x86-64 executable or nonsense inside
 */
int	elf_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *image);

/* "#!": => 0 and the pieces (pointing into head), or -ENOEXEC. */
struct elf_script {
	const char	*sc_interpreter;
	size_t		sc_interpreter_length;
	const char	*sc_argument;	/* null: none */
	size_t		sc_argument_length;
};
int	elf_script_parse(const char *head, size_t size, struct elf_script *script);

/* What the stack of a new program says. */
struct exec_stack {
	uint32_t	xs_argc, xs_envc;
	const char	*xs_strings;	/* argc + envc of them, each with its NUL */
	size_t		xs_strings_size;
	const char	*xs_execfn;
	uint8_t		xs_random[16];
	uint64_t	xs_phdr, xs_base, xs_entry, xs_hwcap, xs_vdso;
	uint32_t	xs_phent, xs_phnum;
	uint32_t	xs_uid, xs_euid, xs_gid, xs_egid;
	bool		xs_secure;
	/* results: addresses */
	uint64_t	xs_sp, xs_args_start, xs_args_end, xs_env_start, xs_env_end;
};

/*
 * Lay the stack out in buffer, which will be mapped to end at top.
 * => 0, or -E2BIG if it does not fit
 */
int	exec_stack_build(struct exec_stack *stack, char *buffer, size_t size, uint64_t top);

#endif
