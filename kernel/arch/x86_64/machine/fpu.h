/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of the saved floating-point state: the legacy part, then the XSAVE header and components. */
#ifndef MACHINE_FPU_H
#define MACHINE_FPU_H

#include <stdint.h>
#include <machine/x86.h>

struct fpu_state {
	uint16_t	fs_control, fs_status;
	uint8_t		fs_tag, fs_reserved0;
	uint16_t	fs_opcode;
	uint64_t	fs_rip, fs_rdp;
	uint32_t	fs_mxcsr, fs_mxcsr_mask;
	uint8_t		fs_st[8][16];
	uint8_t		fs_xmm[16][16];
	uint8_t		fs_reserved1[96];
	uint64_t	fs_xstate_bv, fs_xcomp_bv;	/* absent without XSAVE */
	uint64_t	fs_header[6];
	uint8_t		fs_extended[];
} __attribute__((aligned(64)));

static inline void fpu_image_save(struct fpu_state *f)
{
	uint32_t lo = cpu_features.xcr0, hi = cpu_features.xcr0 >> 32;

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 %0" : "+m"(*f) : "a"(lo), "d"(hi) : "memory");
	else if (cpu_features.xcr0)
		__asm__ volatile("xsave64 %0" : "+m"(*f) : "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 %0" : "=m"(*f) :: "memory");
}

static inline void fpu_image_load(const struct fpu_state *f)
{
	uint32_t lo = cpu_features.xcr0, hi = cpu_features.xcr0 >> 32;

	if (cpu_features.xcr0)
		__asm__ volatile("xrstor64 %0" :: "m"(*f), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstor64 %0" :: "m"(*f) : "memory");
}

struct thread;

void	fpu_reload(struct thread *);
void	fpu_sync(struct thread *);
/* => xsave_size bytes: what the image leaves out because it is in its start state is written as that */
void	fpu_image_whole(uint8_t *to, const struct fpu_state *);
/* => where the x87 part is to be read */
const struct fpu_state *fpu_x87(const struct fpu_state *);

#endif
