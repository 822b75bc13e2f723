/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 executables, "#!" lines, and the first stack of a program.
 *
 * Everything here is arithmetic over untrusted bytes: no field is used before it was checked.
 * TESTS    tests/unit/unix
 */
#include <stdint.h>
#include <string.h>
#include "elf.h"
#include "linux.h"

struct elf64_header {
	uint8_t		e_ident[16];
	uint16_t	e_type;
	uint16_t	e_machine;
	uint32_t	e_version;
	uint64_t	e_entry;
	uint64_t	e_phoff;
	uint64_t	e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize;
	uint16_t	e_phentsize;
	uint16_t	e_phnum;
	uint16_t	e_shentsize;
	uint16_t	e_shnum;
	uint16_t	e_shstrndx;
};

struct elf64_phdr {
	uint32_t	p_type;
	uint32_t	p_flags;
	uint64_t	p_offset;
	uint64_t	p_vaddr;
	uint64_t	p_paddr;
	uint64_t	p_filesz;
	uint64_t	p_memsz;
	uint64_t	p_align;
};

#define ET_EXEC		2
#define ET_DYN		3
#define EM_X86_64	62
#define PT_LOAD		1
#define PT_INTERP	3
#define PT_PHDR		6
#define ELF_ADDRESS_MAX	0x800000000000ull

static int
elf_check_header(const struct elf64_header *header, size_t head_size)
{
	static const uint8_t magic[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	if (memcmp(header->e_ident, magic, sizeof(magic)) != 0)
		return -LX_ENOEXEC;
	if (header->e_machine != EM_X86_64 || header->e_phentsize != sizeof(struct elf64_phdr))
		return -LX_ENOEXEC;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -LX_ENOEXEC;
	if (header->e_phnum == 0 || header->e_phoff > head_size ||
	    header->e_phnum * sizeof(struct elf64_phdr) > head_size - header->e_phoff)
		return -LX_ENOEXEC;
	return 0;
}

static int
elf_add_segment(const struct elf64_phdr *phdr, uint64_t file_size, struct elf_image *image)
{
	struct elf_segment *segment = &image->ei_segment[image->ei_segments];
	uint64_t end, file_end;

	if (phdr->p_memsz == 0)
		return 0;
	if (image->ei_segments == ELF_SEGMENTS_MAX || phdr->p_filesz > phdr->p_memsz)
		return -LX_ENOEXEC;
	if (__builtin_add_overflow(phdr->p_vaddr, phdr->p_memsz, &end) || end > ELF_ADDRESS_MAX)
		return -LX_ENOEXEC;
	if (__builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &file_end) ||
	    file_end > file_size)
		return -LX_ENOEXEC;
	if ((phdr->p_offset & 0xfff) != (phdr->p_vaddr & 0xfff))
		return -LX_ENOEXEC;
	segment->es_address = phdr->p_vaddr;
	segment->es_offset = phdr->p_offset;
	segment->es_file_size = phdr->p_filesz;
	segment->es_memory_size = phdr->p_memsz;
	segment->es_prot = ((phdr->p_flags & 4) ? 1 : 0) | ((phdr->p_flags & 2) ? 2 : 0) |
	    ((phdr->p_flags & 1) ? 4 : 0);
	if (image->ei_segments == 0 || (phdr->p_vaddr & ~0xfffull) < image->ei_low)
		image->ei_low = phdr->p_vaddr & ~0xfffull;
	if (end > image->ei_brk)
		image->ei_brk = end;
	image->ei_segments++;
	return 0;
}

/* Where the program headers are in memory: what PT_PHDR says, else where the file puts them. */
static void
elf_find_phdr(const struct elf64_header *header, const struct elf64_phdr *phdr,
    struct elf_image *image)
{
	int i;

	for (i = 0; i < header->e_phnum; i++) {
		if (phdr[i].p_type == PT_PHDR) {
			image->ei_phdr = phdr[i].p_vaddr;
			return;
		}
	}
	for (i = 0; i < image->ei_segments; i++) {
		const struct elf_segment *segment = &image->ei_segment[i];

		if (header->e_phoff >= segment->es_offset &&
		    header->e_phoff - segment->es_offset < segment->es_file_size) {
			image->ei_phdr = segment->es_address + header->e_phoff -
			    segment->es_offset;
			return;
		}
	}
}

int
elf_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *image)
{
	struct elf64_header header;
	struct elf64_phdr phdr[64];
	int error, i;

	memset(image, 0, sizeof(*image));
	if (head_size < sizeof(header))
		return -LX_ENOEXEC;
	memcpy(&header, head, sizeof(header));
	error = elf_check_header(&header, head_size);
	if (error != 0)
		return error;
	if (header.e_phnum > 64)
		return -LX_ENOEXEC;
	memcpy(phdr, (const char *)head + header.e_phoff, header.e_phnum * sizeof(phdr[0]));
	for (i = 0; i < header.e_phnum; i++) {
		if (phdr[i].p_type == PT_LOAD)
			error = elf_add_segment(&phdr[i], file_size, image);
		if (phdr[i].p_type == PT_INTERP) {
			image->ei_interp_offset = phdr[i].p_offset;
			image->ei_interp_size = phdr[i].p_filesz;
			if (phdr[i].p_filesz < 2 || phdr[i].p_filesz > LX_PATH_MAX)
				error = -LX_ENOEXEC;
		}
		if (error != 0)
			return error;
	}
	if (image->ei_segments == 0)
		return -LX_ENOEXEC;
	image->ei_dynamic = header.e_type == ET_DYN;
	image->ei_entry = header.e_entry;
	image->ei_phentsize = header.e_phentsize;
	image->ei_phnum = header.e_phnum;
	image->ei_high = (image->ei_brk + 0xfff) & ~0xfffull;
	elf_find_phdr(&header, phdr, image);
	return 0;
}

int
elf_script_parse(const char *head, size_t size, struct elf_script *script)
{
	const char *end, *at, *stop;

	if (size < 3 || head[0] != '#' || head[1] != '!')
		return -LX_ENOEXEC;
	if (size > 256)
		size = 256;
	end = memchr(head, '\n', size);
	if (end == NULL)
		end = head + strnlen(head, size);
	for (at = head + 2; at < end && (*at == ' ' || *at == '\t'); at++)
		;
	for (stop = at; stop < end && *stop != ' ' && *stop != '\t'; stop++)
		;
	if (stop == at)
		return -LX_ENOEXEC;
	script->sc_interpreter = at;
	script->sc_interpreter_length = stop - at;
	for (at = stop; at < end && (*at == ' ' || *at == '\t'); at++)
		;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	script->sc_argument = end > at ? at : NULL;
	script->sc_argument_length = end - at;
	return 0;
}

#define AT_NULL		0
#define AT_PHDR		3
#define AT_PHENT	4
#define AT_PHNUM	5
#define AT_PAGESZ	6
#define AT_BASE		7
#define AT_FLAGS	8
#define AT_ENTRY	9
#define AT_UID		11
#define AT_EUID		12
#define AT_GID		13
#define AT_EGID		14
#define AT_PLATFORM	15
#define AT_HWCAP	16
#define AT_CLKTCK	17
#define AT_SECURE	23
#define AT_RANDOM	25
#define AT_EXECFN	31
#define AT_SYSINFO_EHDR	33
#define AT_MINSIGSTKSZ	51
#define AUX_ENTRIES	20

struct stack_writer {
	char		*sw_buffer;
	uint64_t	sw_base;	/* address of buffer[0] */
	uint64_t	sw_at;		/* next free address, going down */
	bool		sw_full;
};

static uint64_t
stack_push(struct stack_writer *writer, const void *data, size_t size)
{
	if (writer->sw_full || writer->sw_at - writer->sw_base < size) {
		writer->sw_full = true;
		return 0;
	}
	writer->sw_at -= size;
	memcpy(writer->sw_buffer + (writer->sw_at - writer->sw_base), data, size);
	return writer->sw_at;
}

static size_t
exec_stack_auxv(const struct exec_stack *stack, uint64_t random, uint64_t execfn,
    uint64_t platform, uint64_t (*aux)[2])
{
	const uint64_t values[AUX_ENTRIES][2] = {
		{ AT_HWCAP, stack->xs_hwcap }, { AT_PAGESZ, 4096 }, { AT_CLKTCK, 100 },
		{ AT_PHDR, stack->xs_phdr }, { AT_PHENT, stack->xs_phent },
		{ AT_PHNUM, stack->xs_phnum }, { AT_BASE, stack->xs_base }, { AT_FLAGS, 0 },
		{ AT_ENTRY, stack->xs_entry }, { AT_UID, stack->xs_uid },
		{ AT_EUID, stack->xs_euid }, { AT_GID, stack->xs_gid },
		{ AT_EGID, stack->xs_egid }, { AT_SECURE, stack->xs_secure },
		{ AT_RANDOM, random }, { AT_EXECFN, execfn }, { AT_PLATFORM, platform },
		{ AT_MINSIGSTKSZ, 3376 }, { AT_SYSINFO_EHDR, stack->xs_vdso }, { AT_NULL, 0 },
	};

	memcpy(aux, values, sizeof(values));
	return sizeof(values);
}

/* Write the pointers of argv and envp; addresses follow the strings. */
static bool
exec_stack_pointers(const struct exec_stack *stack, uint64_t strings, uint64_t *words)
{
	const char *at = stack->xs_strings;
	const char *end = at + stack->xs_strings_size;
	uint32_t i, total = stack->xs_argc + stack->xs_envc;

	*words++ = stack->xs_argc;
	for (i = 0; i < total; i++) {
		const char *nul = memchr(at, 0, end - at);

		if (nul == NULL)
			return false;
		if (i == stack->xs_argc)
			*words++ = 0;
		*words++ = strings + (at - stack->xs_strings);
		at = nul + 1;
	}
	if (stack->xs_envc == 0)
		*words++ = 0;
	*words = 0;
	return true;
}

static uint64_t
exec_stack_env_start(const struct exec_stack *stack, uint64_t strings)
{
	const char *at = stack->xs_strings;
	uint32_t i;

	for (i = 0; i < stack->xs_argc; i++)
		at += strlen(at) + 1;
	return strings + (at - stack->xs_strings);
}

int
exec_stack_build(struct exec_stack *stack, char *buffer, size_t size, uint64_t top)
{
	struct stack_writer writer = { buffer, top - size, top, false };
	uint64_t aux[AUX_ENTRIES][2], words_size, platform, random, execfn, strings;
	size_t aux_size;
	uint64_t zero = 0;

	stack_push(&writer, &zero, sizeof(zero));
	execfn = stack_push(&writer, stack->xs_execfn, strlen(stack->xs_execfn) + 1);
	strings = stack_push(&writer, stack->xs_strings, stack->xs_strings_size);
	platform = stack_push(&writer, "x86_64", 7);
	writer.sw_at &= ~15ull;
	random = stack_push(&writer, stack->xs_random, 16);
	words_size = ((uint64_t)stack->xs_argc + stack->xs_envc + 3) * 8;
	aux_size = exec_stack_auxv(stack, random, execfn, platform, aux);
	if (writer.sw_full || writer.sw_at - writer.sw_base < words_size + aux_size + 16)
		return -LX_E2BIG;
	/* The pointers start at a multiple of 16 and the auxiliary vector follows them. */
	writer.sw_at = (writer.sw_at - aux_size - words_size) & ~15ull;
	stack->xs_sp = writer.sw_at;
	memcpy(buffer + (writer.sw_at + words_size - writer.sw_base), aux, aux_size);
	if (!exec_stack_pointers(stack, strings,
	    (uint64_t *)(buffer + (writer.sw_at - writer.sw_base))))
		return -LX_EINVAL;
	stack->xs_args_start = strings;
	stack->xs_args_end = stack->xs_env_start = exec_stack_env_start(stack, strings);
	stack->xs_env_end = strings + stack->xs_strings_size;
	return 0;
}
