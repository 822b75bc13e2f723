/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of the legacy floating point image in i386_FLOAT_STATE. */
#ifndef MACH_X86_64_FP_REG_H
#define MACH_X86_64_FP_REG_H

/* The x87 environment, as FNSAVE stores it. */
struct i386_fp_save {
	unsigned short fp_control;
	unsigned short fp_unused_1;
	unsigned short fp_status;
	unsigned short fp_unused_2;
	unsigned short fp_tag;
	unsigned short fp_unused_3;
	unsigned int fp_eip;
	unsigned short fp_cs;
	unsigned short fp_opcode;
	unsigned int fp_dp;
	unsigned short fp_ds;
	unsigned short fp_unused_4;
};

/* The eight 80-bit registers. */
struct i386_fp_regs {
	unsigned short fp_reg_word[8][5];
};

_Static_assert(sizeof(struct i386_fp_save) == 28, "x87 environment");
_Static_assert(sizeof(struct i386_fp_regs) == 80, "x87 registers");

/* fpkind: what floating point hardware there is. */
#define FP_NO		0
#define FP_SOFT		1
#define FP_287		2
#define FP_387		3
#define FP_387FX	4
#define FP_387X		5

/* fp_save_kind: format of the image in i386_XFLOAT_STATE. */
enum fp_save_kind {
	FP_FNSAVE,
	FP_FXSAVE,
	FP_XSAVE,
	FP_XSAVEOPT,
	FP_XSAVEC,
	FP_XSAVES,
};

#endif
