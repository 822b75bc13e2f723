/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message-accepted requests.
 *
 * OBJECT  One per message forced into a full queue with MACH_SEND_NOTIFY: the message points at it; a hash finds it by
 *         (space, name) while the sender's name exists, whose entry has IE_MAREQUEST set.
 * STATES  pending (mr_soright set); withdrawn (NULL: the name went away, the holder was told port-deleted).
 * REFS    owned by the message; holds its space.
 * LOCKS   mr_name and mr_soright: the space's lock. Chains: the bucket's (IPC_REQUEST), after the space's.
 */
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/counter.h>
#include <kern/slab.h>

#define BUCKETS	64u

struct ipc_marequest {
	struct ipc_marequest *mr_next;
	struct ipc_space *mr_space;
	mach_port_name_t mr_name;	/* 0: not in the hash */
	struct ipc_port	*mr_soright;
};

struct bucket {
	struct spinlock	 b_lock;
	struct ipc_marequest *b_first;
};

static const struct lock_class bucket_class = { "ipc_marequest", LOCK_RANK_IPC_REQUEST, 0 };
static struct bucket buckets[BUCKETS];
static struct slab_cache *marequest_cache;

void ipc_marequest_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		spin_lock_init(&buckets[i].b_lock, &bucket_class);
	marequest_cache = slab_cache_create("ipc_marequest", sizeof(struct ipc_marequest), 8);
}

static struct bucket *bucket_of(struct ipc_space *space, mach_port_name_t name)
{
	uint64_t key = (uint64_t)(uintptr_t)space / 64 + name;

	return &buckets[(key * 0x9e3779b97f4a7c15ull) >> 58];
}

static void hash_enter(struct ipc_marequest *mr)
{
	struct bucket *b = bucket_of(mr->mr_space, mr->mr_name);

	spin_lock(&b->b_lock);
	mr->mr_next = b->b_first;
	b->b_first = mr;
	spin_unlock(&b->b_lock);
}

static struct ipc_marequest *hash_leave(struct ipc_space *space, mach_port_name_t name)
{
	struct bucket *b = bucket_of(space, name);
	struct ipc_marequest **p, *mr;

	spin_lock(&b->b_lock);
	for (p = &b->b_first; (mr = *p) != NULL; p = &mr->mr_next) {
		if (mr->mr_space == space && mr->mr_name == name) {
			*p = mr->mr_next;
			break;
		}
	}
	spin_unlock(&b->b_lock);
	return mr;
}

/* => space locked; the request is entered under the sender's name of the port, if it still has one */
static int marequest_enter(struct ipc_space *space, struct ipc_port *port, struct ipc_marequest *mr)
{
	struct ipc_entry *e;
	mach_port_name_t name;

	e = ipc_right_reverse(space, port, &name);
	if (e == NULL)
		return MACH_MSG_SUCCESS;
	if (e->ie_bits & IE_MAREQUEST)
		return MACH_SEND_NOTIFY_IN_PROGRESS;
	e->ie_bits |= IE_MAREQUEST;
	mr->mr_name = name;
	hash_enter(mr);
	return MACH_MSG_SUCCESS;
}

int ipc_marequest_create(struct ipc_space *space, struct ipc_port *port, mach_port_name_t notify,
    struct ipc_marequest **mrp)
{
	struct ipc_marequest *mr = fault_point("ipc_marequest") ? NULL : slab_zalloc(marequest_cache);
	struct ipc_entry *e = NULL;
	int result;

	if (mr == NULL)
		return MACH_SEND_NO_NOTIFY;
	ipc_space_lock(space);
	if (space->is_active)
		e = ipc_entry_lookup(&space->is_table, notify);
	if (e == NULL || !(e->ie_bits & MACH_PORT_TYPE_RECEIVE)) {
		ipc_space_unlock(space);
		slab_free(marequest_cache, mr);
		return MACH_SEND_INVALID_NOTIFY;
	}
	mr->mr_space = space;
	mr->mr_soright = e->ie_object;
	result = marequest_enter(space, port, mr);
	if (result == MACH_MSG_SUCCESS) {
		ipc_port_lock(mr->mr_soright);
		ipc_port_make_sonce_locked(mr->mr_soright);
		ipc_port_unlock(mr->mr_soright);
	}
	ipc_space_unlock(space);
	if (result != MACH_MSG_SUCCESS) {
		slab_free(marequest_cache, mr);
		return result;
	}
	ipc_space_ref(space);
	counter_add(COUNT_NOTIFY_REQUEST, 1);
	*mrp = mr;
	return MACH_MSG_SUCCESS;
}

void ipc_marequest_destroy(struct ipc_marequest *mr)
{
	struct ipc_space *space = mr->mr_space;
	struct ipc_port *soright;
	struct ipc_entry *e;

	ipc_space_lock(space);
	if (mr->mr_name != 0) {
		(void)hash_leave(space, mr->mr_name);
		e = space->is_active ? ipc_entry_lookup(&space->is_table, mr->mr_name) : NULL;
		if (e != NULL)
			e->ie_bits &= ~IE_MAREQUEST;
	}
	soright = mr->mr_soright;
	ipc_space_unlock(space);
	if (soright != NULL)
		ipc_notify_msg_accepted(soright, mr->mr_name);
	ipc_space_release(space);
	slab_free(marequest_cache, mr);
	counter_add(COUNT_NOTIFY_REQUEST, -1);
}

struct ipc_port *ipc_marequest_cancel(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_marequest *mr = hash_leave(space, name);
	struct ipc_port *soright;

	if (mr == NULL)
		return NULL;
	soright = mr->mr_soright;
	mr->mr_soright = NULL;
	mr->mr_name = 0;
	return soright;
}

void ipc_marequest_rename(struct ipc_space *space, mach_port_name_t old, mach_port_name_t new)
{
	struct ipc_marequest *mr = hash_leave(space, old);

	if (mr != NULL) {
		mr->mr_name = new;
		hash_enter(mr);
	}
}

uint32_t ipc_marequest_buckets(uint32_t *counts, uint32_t max, uint32_t *max_requests)
{
	for (uint32_t i = 0; i < BUCKETS && i < max; i++) {
		struct ipc_marequest *mr;

		counts[i] = 0;
		spin_lock(&buckets[i].b_lock);
		for (mr = buckets[i].b_first; mr != NULL; mr = mr->mr_next)
			counts[i]++;
		spin_unlock(&buckets[i].b_lock);
	}
	*max_requests = UINT32_MAX;
	return BUCKETS;
}
