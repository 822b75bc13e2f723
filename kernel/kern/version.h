/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERN_VERSION_H
#define KERN_VERSION_H

extern const char kernel_version_string[];

#endif
