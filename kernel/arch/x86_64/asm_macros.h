/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembler macros: SMAP windows (patched at boot), exception table entries. */

.macro SMAP_PATCH byte
.Lsmap\@:
	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_patch, "a"
	.quad	.Lsmap\@
	.quad	\byte
	.popsection
.endm
#define CLAC	SMAP_PATCH 0xca
#define STAC	SMAP_PATCH 0xcb

.macro EXTABLE at, fixup
	.pushsection .extable, "a"
	.quad	\at, \fixup
	.popsection
.endm
