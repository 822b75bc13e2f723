/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, for the file service: what stands behind a named pipe. */
#ifndef UNIX_PIPE_PIPE_H
#define UNIX_PIPE_PIPE_H

#include "../item.h"

/* A pipe for the node (which it references), with one reference and no open end. */
int pipe_fifo_create(struct item *node, struct item **out);
/* Takes a reference unless the last one is already gone. */
bool pipe_fifo_ref(struct item *fifo);

#endif
