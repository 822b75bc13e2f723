/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port sets.
 *
 * OBJECT, STATES, REFS, LOCKS  see pset.h. Members with messages stand in the ready ring, so that a receive takes the first
 *         in constant time whatever the number of members.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <ipc/pset.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <ipc/ring.h>
#include <ipc/space.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>

static const struct lock_class pset_class = { "ipc_pset", LOCK_RANK_IPC_PSET, 0 };
static struct slab_cache *pset_cache;

void ipc_pset_init(void)
{
	pset_cache = slab_cache_create("ipc_pset", sizeof(struct ipc_pset), 8);
}

static struct ipc_pset *pset_create(void)
{
	struct ipc_pset *pset;

	if (fault_point("ipc_pset") || (pset = slab_zalloc(pset_cache)) == NULL)
		return NULL;
	spin_lock_init(&pset->ps_lock, &pset_class);
	pset->ps_refs = 1;
	pset->ps_active = true;
	counter_add(COUNT_PSET, 1);
	return pset;
}

void ipc_pset_ref(struct ipc_pset *pset)
{
	__atomic_fetch_add(&pset->ps_refs, 1, __ATOMIC_RELAXED);
}

void ipc_pset_release(struct ipc_pset *pset)
{
	if (__atomic_fetch_sub(&pset->ps_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	KASSERT(!pset->ps_active && pset->ps_members == NULL);
	slab_free(pset_cache, pset);
	counter_add(COUNT_PSET, -1);
}

kern_return_t ipc_pset_create_in(struct ipc_space *space, mach_port_name_t *namep, bool named)
{
	struct ipc_pset *pset = pset_create();
	struct ipc_entry *e = NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (pset == NULL)
		return KERN_RESOURCE_SHORTAGE;
	ipc_space_lock(space);
	if (!space->is_active)
		kr = KERN_INVALID_TASK;
	else if (named && ipc_entry_lookup(&space->is_table, *namep) != NULL)
		kr = KERN_NAME_EXISTS;
	else if ((e = named ? ipc_entry_alloc_name(&space->is_table, *namep) :
	    ipc_entry_alloc(&space->is_table, namep)) == NULL)
		kr = named ? KERN_RESOURCE_SHORTAGE : ipc_entry_missing(&space->is_table);
	if (kr == KERN_SUCCESS) {
		e->ie_object = pset;
		e->ie_bits = MACH_PORT_TYPE_PORT_SET;
		pset->ps_name = *namep;
		counter_add(COUNT_RIGHT, 1);
	}
	ipc_space_unlock(space);
	if (kr != KERN_SUCCESS) {
		pset->ps_active = false;
		ipc_pset_release(pset);
	}
	return kr;
}

static struct ipc_port *link_port(struct queue *link)
{
	return queue_entry(link, struct ipc_port, ip_set_link);
}

void ipc_pset_destroy(struct ipc_pset *pset)
{
	struct ipc_port *port;

	ipc_pset_lock(pset);
	pset->ps_active = false;
	ipc_mqueue_end_receivers(&pset->ps_receivers, &pset->ps_lock);
	while (pset->ps_members != NULL) {
		/* a member's lock comes before the set's: find it, then look again */
		port = link_port(pset->ps_members);
		ipc_port_ref_inline(port);
		ipc_pset_unlock(pset);
		ipc_port_lock(port);
		if (port->ip_set == pset)
			ipc_pset_remove_locked(port);
		ipc_port_unlock(port);
		ipc_port_release(port);
		ipc_pset_lock(pset);
	}
	ipc_pset_unlock(pset);
	ipc_pset_release(pset);
}

void ipc_pset_add_locked(struct ipc_pset *pset, struct ipc_port *port)
{
	KASSERT(port->ip_set == NULL);
	ipc_mqueue_wake_receivers(&port->ip_receivers, MACH_RCV_PORT_CHANGED);
	ipc_pset_ref(pset);
	ipc_pset_lock(pset);
	port->ip_set = pset;
	ring_push(&pset->ps_members, &port->ip_set_link);
	pset->ps_count++;
	if (port->ip_messages != NULL) {
		port->ip_flags |= IP_F_READY;
		ring_push(&pset->ps_ready, &port->ip_ready_link);
	}
	ipc_pset_unlock(pset);
	ipc_mqueue_changed(port);
}

void ipc_pset_remove_locked(struct ipc_port *port)
{
	struct ipc_pset *pset = port->ip_set;

	ipc_pset_lock(pset);
	ring_remove(&pset->ps_members, &port->ip_set_link);
	pset->ps_count--;
	if (port->ip_flags & IP_F_READY) {
		port->ip_flags &= (uint8_t)~IP_F_READY;
		ring_remove(&pset->ps_ready, &port->ip_ready_link);
	}
	port->ip_set = NULL;
	ipc_pset_unlock(pset);
	/* never the last: the entry, or who destroys the set, holds one */
	ipc_pset_release(pset);
}

uint32_t ipc_pset_members_locked(struct ipc_pset *pset, mach_port_name_t *names, uint32_t max)
{
	struct queue *link = pset->ps_members;
	uint32_t n = 0;

	if (link == NULL)
		return 0;
	do {
		if (n < max)
			names[n] = link_port(link)->ip_name;
		n++;
		link = link->next;
	} while (link != pset->ps_members);
	return n;
}
