/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes of interface stubs, and the shape of a reply without results. */
#ifndef MACH_MIG_ERRORS_H
#define MACH_MIG_ERRORS_H

#include <mach/kern_return.h>
#include <mach/message.h>

#define MIG_TYPE_ERROR		(-300)	/* item of the wrong type */
#define MIG_REPLY_MISMATCH	(-301)	/* reply with the wrong id */
#define MIG_REMOTE_ERROR	(-302)	/* the server found an error */
#define MIG_BAD_ID		(-303)	/* no such routine */
#define MIG_BAD_ARGUMENTS	(-304)	/* request items of the wrong type */
#define MIG_NO_REPLY		(-305)	/* the server does not want to reply */
#define MIG_EXCEPTION		(-306)
#define MIG_ARRAY_TOO_LARGE	(-307)	/* array does not fit the caller's */
#define MIG_SERVER_DIED		(-308)
#define MIG_DESTROY_REQUEST	(-309)	/* the server wants the request destroyed */

typedef struct {
	mach_msg_header_t Head;
	mach_msg_type_t RetCodeType;
	kern_return_t RetCode;
} mig_reply_header_t;
typedef mig_reply_header_t mig_reply_error_t;

_Static_assert(sizeof(mig_reply_header_t) == 48, "reply without results");
_Static_assert(offsetof(mig_reply_header_t, RetCode) == 40, "return code");

typedef void (*mig_routine_t)(mach_msg_header_t *request, mach_msg_header_t *reply);

#endif
