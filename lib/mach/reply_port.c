/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply ports of stubs.
 *
 * OBJECT	a receive right per remote call in progress, kept between calls
 * STATES	cached or in use. With a thread package the cache is a slot of the
 *		thread (mig_reply_slot); without, a small pool any thread takes from,
 *		so that threads made by bare thread_create are served as well.
 * LOCKS	none: a pool slot changes hands by atomic exchange
 * TESTS	tests/boot
 */
#include <mach/mach_traps.h>
#include <mach/mig_support.h>
#include <mach_init.h>
#include <mach_lib.h>
#include <mach/mach_port.h>
#include "reply_port.h"

#define REPLY_POOL	16

static mach_port_t reply_pool[REPLY_POOL];

__attribute__((weak)) mach_port_t *mig_reply_slot(void)
{
	return 0;
}

void mig_init(void *initial)
{
	(void)initial;
}

mach_port_t mig_get_reply_port(void)
{
	mach_port_t *slot = mig_reply_slot();
	mach_port_t port;

	if (slot != 0) {
		if (*slot == MACH_PORT_NULL)
			*slot = mach_reply_port();
		return *slot;
	}
	for (int i = 0; i < REPLY_POOL; i++) {
		if (__atomic_load_n(&reply_pool[i], __ATOMIC_RELAXED) == MACH_PORT_NULL)
			continue;
		port = __atomic_exchange_n(&reply_pool[i], MACH_PORT_NULL, __ATOMIC_ACQUIRE);
		if (port != MACH_PORT_NULL)
			return port;
	}
	return mach_reply_port();
}

void mig_put_reply_port(mach_port_t port)
{
	mach_port_t expected;

	if (mig_reply_slot() != 0 || !MACH_PORT_VALID(port))
		return;
	for (int i = 0; i < REPLY_POOL; i++) {
		expected = MACH_PORT_NULL;
		if (__atomic_compare_exchange_n(&reply_pool[i], &expected, port, 0,
		    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	}
	mig_dealloc_reply_port(port);
}

/*
 * A call went wrong, a late reply may still come: the port must go. Destroying
 * it is a remote call of its own, which must not use the slot's port.
 */
void mig_dealloc_reply_port(mach_port_t port)
{
	mach_port_t *slot = mig_reply_slot();

	if (slot != 0) {
		port = *slot;
		*slot = MACH_PORT_NULL;
	}
	if (MACH_PORT_VALID(port))
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void reply_port_forget(void)
{
	mach_port_t *slot = mig_reply_slot();

	if (slot != 0)
		*slot = MACH_PORT_NULL;
	for (int i = 0; i < REPLY_POOL; i++)
		reply_pool[i] = MACH_PORT_NULL;
}
