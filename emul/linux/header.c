/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the library's image: what the server reads of it (unix_protocol.h). */
#include "emul.h"

extern char emul_entry_syscall[], emul_entry_exec[], emul_entry_child[], emul_entry_signal[];
extern char emul_text_start[], emul_text_end[], emul_exit_start[], emul_exit_end[];
extern char emul_wait_start[], emul_wait_end[], emul_wait_fixup[], emul_fixups_start[], emul_fixups_stop[], emul_vdso[];

__attribute__((section(".header"), used))
const struct {
	uint64_t magic;
	uint32_t version, size;
	const char *address[14];
} emul_header = {
	UNIX_EMUL_MAGIC, UNIX_EMUL_VERSION, sizeof(struct unix_emul_header), {
		emul_entry_syscall, emul_entry_exec, emul_entry_child, emul_entry_signal,
		emul_text_start, emul_text_end, emul_exit_start, emul_exit_end,
		emul_wait_start, emul_wait_end, emul_wait_fixup, emul_fixups_start, emul_fixups_stop,
		emul_vdso,
	},
};
_Static_assert(sizeof emul_header == sizeof(struct unix_emul_header), "the same header");
