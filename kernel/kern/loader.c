/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 loader of boot modules: PT_LOAD segments are copied into fresh anonymous memory. No interpreter,
 * no relocation. The image is hostile until checked.
 */
#include <kern/elf.h>
#include <kern/loader.h>
#include <kern/string.h>
#include <vm/map.h>
#include <vm/page.h>

#define DYN_BASE	0x08000000ull	/* where ET_DYN and ET_REL images go */
#define SEGMENTS_MAX	64

static const char *
check_header(const struct elf_header *h, uint64_t size)
{
	if (size < sizeof *h || memcmp(h->e_ident, "\177ELF", 4) != 0)
		return "not an ELF file";
	if (h->e_ident[4] != 2 || h->e_ident[5] != 1 || h->e_machine != EM_X86_64)
		return "not a 64-bit x86 program";
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN && h->e_type != ET_REL)
		return "not an executable";
	if (h->e_phentsize != sizeof(struct elf_segment) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX)
		return "bad program header table";
	if (h->e_phoff > size || (size - h->e_phoff) / sizeof(struct elf_segment) < h->e_phnum)
		return "program headers outside the file";
	return NULL;
}

static const char *
check_segment(const struct elf_segment *s, uint64_t size, uint64_t base)
{
	uint64_t start, end;

	if (s->p_offset > size || size - s->p_offset < s->p_filesz)
		return "segment outside the file";
	if (s->p_filesz > s->p_memsz)
		return "segment larger in the file than in memory";
	if (__builtin_add_overflow(s->p_vaddr, base, &start) || __builtin_add_overflow(start, s->p_memsz, &end)
	    || end > VM_USER_MAX)
		return "segment outside user space";
	return NULL;
}

static vm_prot_t
segment_prot(const struct elf_segment *s)
{
	return (s->p_flags & PF_R ? VM_PROT_READ : 0) | (s->p_flags & PF_W ? VM_PROT_WRITE : 0)
	    | (s->p_flags & PF_X ? VM_PROT_EXECUTE : 0);
}

/* writable until all segments are there; *done: end of the pages entered so far (segments come in order) */
static const char *
load_segment(struct vm_map *map, const struct elf_segment *s, const char *image, uint64_t base, uint64_t *done)
{
	uint64_t start = page_trunc(s->p_vaddr + base), end = page_round(s->p_vaddr + base + s->p_memsz);

	if (start < *done)
		start = *done;
	if (start < end && vm_map_enter_anon(map, start, end - start, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL)
	    != KERN_SUCCESS)
		return "no memory for a segment, or segments out of order";
	if (end > *done)
		*done = end;
	if (s->p_filesz > 0 && vm_map_write_kernel(map, s->p_vaddr + base, image + s->p_offset, s->p_filesz)
	    != KERN_SUCCESS)
		return "no memory for a segment's contents";
	return NULL;
}

/* a page shared by two segments gets the rights of both */
static const char *
protect_segments(struct vm_map *map, const struct elf_segment *s, unsigned n, uint64_t base)
{
	uint64_t last_end = 0;
	vm_prot_t last_prot = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t start = page_trunc(s[i].p_vaddr + base);
		uint64_t end = page_round(s[i].p_vaddr + base + s[i].p_memsz);
		vm_prot_t prot = segment_prot(&s[i]);

		if (s[i].p_type != PT_LOAD || start == end)
			continue;
		if (start < last_end) {
			if (vm_map_protect(map, start, last_end, prot | last_prot, false) != KERN_SUCCESS)
				return "protection of a shared page";
			start = last_end;
		}
		if (start < end && vm_map_protect(map, start, end, prot, false) != KERN_SUCCESS)
			return "protection of a segment";
		last_end = end;
		last_prot = prot;
	}
	return NULL;
}

const char *
loader_load(struct vm_map *map, const void *image, uint64_t size, struct loaded_program *out)
{
	struct elf_header h;
	struct elf_segment s[SEGMENTS_MAX];
	const char *error;
	uint64_t base, done = 0;

	memcpy(&h, image, size < sizeof h ? size : sizeof h);
	error = check_header(&h, size);
	if (error != NULL)
		return error;
	memcpy(s, (const char *)image + h.e_phoff, h.e_phnum * sizeof s[0]);
	base = h.e_type == ET_EXEC ? 0 : DYN_BASE;
	out->lp_entry = h.e_entry + base;
	out->lp_stack_prot = VM_PROT_ALL;
	for (unsigned i = 0; i < h.e_phnum && error == NULL; i++) {
		if (s[i].p_type == PT_GNU_STACK)
			out->lp_stack_prot = segment_prot(&s[i]);
		if (s[i].p_type != PT_LOAD || s[i].p_memsz == 0)
			continue;
		error = check_segment(&s[i], size, base);
		if (error == NULL)
			error = load_segment(map, &s[i], image, base, &done);
	}
	return error != NULL ? error : protect_segments(map, s, h.e_phnum, base);
}
