/* SPDX-License-Identifier: BSD-2-Clause */
/* System call redirection vectors: immutable once made, shared by parent and children. */
#ifndef KERN_EMULATION_H
#define KERN_EMULATION_H

struct emulation_vector;

extern struct emulation_vector no_emulation;	/* the vector of a task without one; not counted */

struct emulation_vector *emulation_ref(struct emulation_vector *);
void	emulation_release(struct emulation_vector *);

#endif
