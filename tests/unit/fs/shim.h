/* SPDX-License-Identifier: BSD-2-Clause */
/* See shim.c. */
#ifndef TESTS_FS_SHIM_H
#define TESTS_FS_SHIM_H

#include <stdint.h>

struct cred;
struct file;

extern uint8_t *shim_disk;
extern uint64_t shim_disk_size;
extern int shim_signals;
extern struct cred *shim_cred;
extern struct file *shim_fd;

#endif
