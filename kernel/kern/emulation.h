/* SPDX-License-Identifier: BSD-2-Clause */
/* System call redirection vectors: immutable once made, shared by parent and children. */
#ifndef KERN_EMULATION_H
#define KERN_EMULATION_H

struct emulation_vector;

struct emulation_vector *emulation_ref(struct emulation_vector *);	/* takes NULL */
void	emulation_release(struct emulation_vector *);			/* takes NULL */

#endif
