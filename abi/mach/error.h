/* SPDX-License-Identifier: BSD-2-Clause */
/* Structure of error codes: system, subsystem, code. */
#ifndef MACH_ERROR_H
#define MACH_ERROR_H

#include <mach/kern_return.h>

#define err_none		((mach_error_t)0)
#define ERR_SUCCESS		((mach_error_t)0)

#define err_system(x)		((((unsigned int)(x)) & 0x3f) << 26)
#define err_sub(x)		((((unsigned int)(x)) & 0xfff) << 14)
#define err_get_system(err)	((((unsigned int)(err)) >> 26) & 0x3f)
#define err_get_sub(err)	((((unsigned int)(err)) >> 14) & 0xfff)
#define err_get_code(err)	(((unsigned int)(err)) & 0x3fff)

#define system_emask		(err_system(0x3f))
#define sub_emask		(err_sub(0xfff))
#define code_emask		(0x3fff)

#define err_kern		err_system(0x0)		/* kernel */
#define err_us			err_system(0x1)		/* user space library */
#define err_server		err_system(0x2)		/* user space servers */
#define err_mach_ipc		err_system(0x4)		/* messages */
#define err_bootstrap		err_system(0x5)		/* boot loader */
#define err_local		err_system(0x3e)	/* user defined */
#define err_max_system		0x3f

typedef kern_return_t mach_error_t;
typedef mach_error_t (*mach_error_fn_t)(void);

#endif
