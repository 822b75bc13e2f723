/* SPDX-License-Identifier: BSD-2-Clause */
/* C side of golden.defs. */
#ifndef GOLDEN_TYPES_H
#define GOLDEN_TYPES_H

typedef char golden_name_t[16];
typedef int *golden_data_t;

#endif
