/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel servers: from the id of a request to the generated routine, its reply, and what becomes of the request.
 * The routine runs in the sender's thread; user-sent notifications are ids like any other unknown one.
 *
 * LOCKS   none; routines may block on the stack.
 * TESTS   tests/boot
 */
#include <debug/calls.h>
#include <ipc/kobject.h>
#include <ipc/kmsg.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <mach/mig_errors.h>
#include <mach/notify.h>

#include <device/device.server.h>
#include <mach/exception_ports.server.h>
#include <mach/gnumach.server.h>
#include <mach/mach.server.h>
#include <mach/mach4.server.h>
#include <mach/mach_host.server.h>
#include <mach/mach_port.server.h>
#include <mach/x86_64/mach_i386.server.h>
#include <mach_debug/mach_debug.server.h>

struct subsystem {
	const mig_routine_t *ss_routines;
	const unsigned	*ss_reply_sizes;
	int		 ss_base;
	unsigned	 ss_count;
	uint32_t	 ss_reply_max;
};

static const struct subsystem subsystems[] = {
	{ mach_server_routines, mach_server_reply_sizes, MACH_SERVER_BASE, MACH_SERVER_COUNT, MACH_SERVER_REPLY_MAX },
	{ mach_host_server_routines, mach_host_server_reply_sizes, MACH_HOST_SERVER_BASE, MACH_HOST_SERVER_COUNT,
	    MACH_HOST_SERVER_REPLY_MAX },
	{ device_server_routines, device_server_reply_sizes, DEVICE_SERVER_BASE, DEVICE_SERVER_COUNT, DEVICE_SERVER_REPLY_MAX },
	{ mach_debug_server_routines, mach_debug_server_reply_sizes, MACH_DEBUG_SERVER_BASE, MACH_DEBUG_SERVER_COUNT,
	    MACH_DEBUG_SERVER_REPLY_MAX },
	{ mach_port_server_routines, mach_port_server_reply_sizes, MACH_PORT_SERVER_BASE, MACH_PORT_SERVER_COUNT,
	    MACH_PORT_SERVER_REPLY_MAX },
	{ mach_i386_server_routines, mach_i386_server_reply_sizes, MACH_I386_SERVER_BASE, MACH_I386_SERVER_COUNT,
	    MACH_I386_SERVER_REPLY_MAX },
	{ mach4_server_routines, mach4_server_reply_sizes, MACH4_SERVER_BASE, MACH4_SERVER_COUNT, MACH4_SERVER_REPLY_MAX },
	{ gnumach_server_routines, gnumach_server_reply_sizes, GNUMACH_SERVER_BASE, GNUMACH_SERVER_COUNT, GNUMACH_SERVER_REPLY_MAX },
	{ exception_ports_server_routines, exception_ports_server_reply_sizes, EXCEPTION_PORTS_SERVER_BASE,
	    EXCEPTION_PORTS_SERVER_COUNT, EXCEPTION_PORTS_SERVER_REPLY_MAX },
};

/* ids in hundreds from 2000: one step from an id to its subsystem */
#define RANGE_FIRST	2000
#define RANGE_STEP	100
#define RANGES		32
static const struct subsystem *ranges[RANGES];

void ipc_kobject_init(void)
{
	for (unsigned i = 0; i < sizeof(subsystems) / sizeof(subsystems[0]); i++) {
		const struct subsystem *ss = &subsystems[i];
		unsigned range = (unsigned)(ss->ss_base - RANGE_FIRST) / RANGE_STEP;

		KASSERT(range < RANGES && ranges[range] == NULL && ss->ss_count <= RANGE_STEP);
		ranges[range] = ss;
	}
}

/* => its subsystem, NULL: none */
static inline const struct subsystem *find_routine(mach_msg_id_t id, unsigned *index)
{
	unsigned range = ((unsigned)id - RANGE_FIRST) / RANGE_STEP;
	const struct subsystem *ss = range < RANGES ? ranges[range] : NULL;

	if (ss == NULL)
		return NULL;
	*index = (unsigned)(id - ss->ss_base);
	return *index < ss->ss_count && ss->ss_routines[*index] != NULL ? ss : NULL;
}

mig_routine_t ipc_kobject_routine(mach_msg_id_t id, uint32_t *reply_max)
{
	unsigned index;
	const struct subsystem *ss = find_routine(id, &index);

	if (ss == NULL || ss->ss_reply_sizes[index] == 0)
		return NULL;
	*reply_max = ss->ss_reply_sizes[index];
	return ss->ss_routines[index];
}

void ipc_kobject_reply_header(mach_msg_header_t *reply, const mach_msg_header_t *request, kern_return_t code)
{
	mig_reply_header_t *out = (mig_reply_header_t *)(void *)reply;

	out->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_LOCAL(request->msgh_bits), 0);
	out->Head.msgh_size = sizeof(*out);
	out->Head.msgh_remote_port = request->msgh_local_port;
	out->Head.msgh_local_port = MACH_PORT_NULL;
	out->Head.msgh_seqno = 0;
	out->Head.msgh_id = request->msgh_id + 100;
	out->RetCodeType = (mach_msg_type_t){
		.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1,
	};
	/* and the four bytes behind it, which nobody else writes when there is no routine */
	memcpy(&out->RetCode, &(uint64_t){ (uint32_t)code }, sizeof(uint64_t));
}

/* => a reply without results to the request's reply port, whose right it takes over */
static struct ipc_kmsg *make_reply(struct ipc_kmsg *request, uint32_t size, kern_return_t code)
{
	/* without it the request is lost, and nobody says so to the caller of a simple routine */
	struct ipc_kmsg *reply = ipc_kmsg_alloc_patiently(size);

	if (reply == NULL)
		return NULL;
	reply->ikm_trace = request->ikm_trace;
	ipc_kobject_reply_header(&reply->ikm_header, &request->ikm_header, code);
	return reply;
}

/* The rights of the request's header, its buffer: all that is left after a success */
static void finish_request(struct ipc_kmsg *request)
{
	mach_msg_header_t *h = &request->ikm_header;

	ipc_right_destroy_held(h->msgh_remote_port, MACH_MSGH_BITS_REMOTE(h->msgh_bits));
	ipc_right_destroy_held(h->msgh_local_port, MACH_MSGH_BITS_LOCAL(h->msgh_bits));
	ipc_kmsg_free_receiver(request);
}

struct ipc_kmsg *ipc_kobject_server(struct ipc_kmsg *request)
{
	mach_msg_header_t *in = &request->ikm_header;
	struct ipc_kmsg *reply;
	mig_reply_header_t *out;
	unsigned index;
	const struct subsystem *ss = find_routine(in->msgh_id, &index);
	kern_return_t kr;
	bool simple;

	reply = make_reply(request, ss != NULL ? ss->ss_reply_max : sizeof(*out), MIG_BAD_ID);
	if (reply == NULL) {
		ipc_kmsg_destroy(request);
		return NULL;
	}
	out = (mig_reply_header_t *)(void *)&reply->ikm_header;
	if (ss != NULL)
		ss->ss_routines[index](in, &reply->ikm_header);
	kr = out->RetCode;
	calls_note(in->msgh_id, kr);
	/* a simple routine gives the reply right back to the request, with which it goes; else the reply has it now */
	simple = in->msgh_local_port != MACH_PORT_NULL && out->Head.msgh_remote_port == MACH_PORT_NULL;
	if (!simple)
		in->msgh_local_port = MACH_PORT_NULL;
	if (kr == KERN_SUCCESS || kr == MIG_NO_REPLY) {
		finish_request(request);
	} else {
		out->Head.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		out->Head.msgh_size = sizeof(*out);
		ipc_kmsg_destroy(request);
	}
	if (kr == MIG_NO_REPLY || simple) {
		/* somebody answers later: the routine has the right; or nobody does */
		ipc_kmsg_free(reply);
		return NULL;
	}
	/* without a reply port it is destroyed on being sent */
	ipc_kmsg_copyin_kernel(reply);
	return reply;
}

bool ipc_kobject_notify(struct ipc_port *soright)
{
	if (soright->ip_kotype == IKOT_NONE || soright->ip_state != IP_KERNEL)
		return false;
	ipc_port_lock(soright);
	if (soright->ip_sorights > 0)
		soright->ip_sorights--;
	ipc_port_unlock(soright);
	ipc_port_release(soright);
	return true;
}
