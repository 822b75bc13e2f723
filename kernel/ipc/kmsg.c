/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages in the kernel: memory and destruction.
 *
 * OBJECT, STATES, LOCKS  see kmsg.h.
 * Destroying a message may destroy a port, whose queue holds messages with ports in them, to any depth. The stack stays
 * bounded: the outermost ipc_kmsg_destroy of a thread keeps a work list, inner calls only add to it.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <debug/stale.h>
#include <ipc/kmsg.h>
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/ring.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <vm/map.h>

static const uint32_t class_size[] = { 128, 256, 512, 1024, 2048, IKM_LARGEST };
#define CLASSES	(sizeof(class_size) / sizeof(class_size[0]))
static struct slab_cache *class_cache[CLASSES];

void ipc_kmsg_init(void)
{
	static const char *const names[CLASSES] = {
		"kmsg_128", "kmsg_256", "kmsg_512", "kmsg_1024", "kmsg_2048", "kmsg_4224",
	};

	for (unsigned i = 0; i < CLASSES; i++)
		class_cache[i] = slab_cache_create(names[i], class_size[i], 16);
}

static struct slab_cache *class_of(uint32_t bytes)
{
	for (unsigned i = 0; i < CLASSES; i++) {
		if (bytes <= class_size[i])
			return class_cache[i];
	}
	return NULL;
}

struct ipc_kmsg *ipc_kmsg_alloc(uint32_t size)
{
	struct slab_cache *cache;
	struct ipc_kmsg *kmsg;
	uint32_t bytes;

	if (size > IKM_SIZE_MAX || fault_point("ipc_kmsg"))
		return NULL;
	bytes = size + (uint32_t)IKM_OVERHEAD;
	cache = class_of(bytes);
	kmsg = cache != NULL ? slab_alloc(cache) : kalloc(bytes);
	if (kmsg == NULL)
		return NULL;
	kmsg->ikm_alloc = bytes;
	kmsg->ikm_marequest = NULL;
	kmsg->ikm_trace = 0;
	kmsg->ikm_sender = 0;
	kmsg->ikm_sid = 0;
	kmsg->ikm_fast = false;
	counter_add(COUNT_KMSG, 1);
	return kmsg;
}

void ipc_kmsg_free(struct ipc_kmsg *kmsg)
{
	struct slab_cache *cache = class_of(kmsg->ikm_alloc);

	KASSERT(kmsg->ikm_marequest == NULL);
	if (cache != NULL)
		slab_free(cache, kmsg);
	else
		kfree(kmsg, kmsg->ikm_alloc);
	counter_add(COUNT_KMSG, -1);
}

struct ipc_kmsg *ipc_kmsg_alloc_sender(uint32_t size)
{
	struct ipc_thread *it = &current_thread()->th_ipc;
	struct ipc_kmsg *kmsg = it->it_spare;

	if (kmsg == NULL || size > IKM_SPARE_SIZE)
		return ipc_kmsg_alloc(size <= IKM_SPARE_SIZE ? IKM_SPARE_SIZE : size);
	it->it_spare = NULL;
	counter_add(COUNT_KMSG_SPARE, -1);
	counter_add(COUNT_KMSG, 1);
	return kmsg;
}

void ipc_kmsg_free_receiver(struct ipc_kmsg *kmsg)
{
	struct ipc_thread *it = &current_thread()->th_ipc;

	if (it->it_spare != NULL || kmsg->ikm_alloc != IKM_SPARE_SIZE + IKM_OVERHEAD) {
		ipc_kmsg_free(kmsg);
		return;
	}
	/* in the state ipc_kmsg_alloc leaves it */
	KASSERT(kmsg->ikm_marequest == NULL && !kmsg->ikm_fast);
	stale_fill(&kmsg->ikm_header, IKM_SPARE_SIZE);
	it->it_spare = kmsg;
	counter_add(COUNT_KMSG_SPARE, 1);
	counter_add(COUNT_KMSG, -1);
}

void ipc_kmsg_drop_spare(struct ipc_thread *it)
{
	if (it->it_spare == NULL)
		return;
	counter_add(COUNT_KMSG_SPARE, -1);
	counter_add(COUNT_KMSG, 1);
	ipc_kmsg_free(it->it_spare);
	it->it_spare = NULL;
}

static void clean_ports(struct ipc_port **ports, uint32_t number, unsigned type)
{
	for (uint32_t i = 0; i < number; i++)
		ipc_right_destroy_held(ports[i], type);
}

void ipc_kmsg_clean_body(struct ipc_kmsg *kmsg, const void *end)
{
	char *at = (char *)(&kmsg->ikm_header + 1);
	struct ipc_item item;

	for (; ipc_item_next(&item, at, end); at = item.ii_next) {
		void *data;

		if (item.ii_inline) {
			if (item.ii_port)
				clean_ports((struct ipc_port **)(void *)item.ii_data, item.ii_number, item.ii_name);
			continue;
		}
		data = *(void **)(void *)item.ii_data;
		if (data == NULL)
			continue;
		if (item.ii_port) {
			clean_ports(data, item.ii_number, item.ii_name);
			kfree(data, item.ii_number * sizeof(struct ipc_port *));
		} else {
			vm_map_copy_discard(data);
		}
	}
}

void ipc_kmsg_clean(struct ipc_kmsg *kmsg)
{
	mach_msg_header_t *h = &kmsg->ikm_header;
	struct ipc_marequest *mar = kmsg->ikm_marequest;

	if (mar != NULL) {
		kmsg->ikm_marequest = NULL;
		ipc_marequest_destroy(mar);
	}
	ipc_right_destroy_held(h->msgh_remote_port, MACH_MSGH_BITS_REMOTE(h->msgh_bits));
	ipc_right_destroy_held(h->msgh_local_port, MACH_MSGH_BITS_LOCAL(h->msgh_bits));
	if (h->msgh_bits & MACH_MSGH_BITS_COMPLEX)
		ipc_kmsg_clean_body(kmsg, (char *)h + h->msgh_size);
}

static void clean_and_free(struct ipc_kmsg *kmsg)
{
	ipc_kmsg_clean(kmsg);
	ipc_kmsg_free(kmsg);
}

void ipc_kmsg_destroy(struct ipc_kmsg *kmsg)
{
	struct ipc_thread *it = &current_thread()->th_ipc;
	struct queue *link;

	if (it->it_destroying) {
		ring_push(&it->it_doomed, &kmsg->ikm_link);
		return;
	}
	it->it_destroying = true;
	clean_and_free(kmsg);
	while ((link = ring_pop(&it->it_doomed)) != NULL)
		clean_and_free(queue_entry(link, struct ipc_kmsg, ikm_link));
	it->it_destroying = false;
}
