/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  struct vm_object: a memory object as this kernel caches it: the pages of a user-level pager, or a range of
 *         device memory. Anonymous memory is not an object (amap.h).
 * STATES  (pagers)  init: initialised message sent, faults wait for vo_ready
 *                   ready: pages are asked for and supplied
 *                   cached: no references, on the cache list, pages stay (vo_may_cache)
 *                   dead: pager port died, destroyed by its pager, or terminated: every fault fails. vo_pages keeps what was
 *                         mapped until the last reference goes.
 *         init -> ready -> cached <-> ready; any -> dead.
 * REFS    one per entry, amap and conversion of a control or name port in progress. When the last goes the object is
 *         cached or terminated (dirty pages are returned, then memory_object_terminate is sent).
 *
 * Legend: (I) immutable; (o) vo_lock; (c) cache lock; (a) atomic.
 */
#ifndef VM_OBJECT_H
#define VM_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>
#include <vm/ptree.h>

struct ipc_port;
struct vm_page;
struct vm_map_copy;

enum vm_object_kind { OBJECT_PAGER, OBJECT_DEVICE };

struct vm_object {
	struct spinlock	 vo_lock;
	uint32_t	 vo_refs;		/* (a), 0 -> 1 only under (c) */
	enum vm_object_kind vo_kind;		/* (I) */
	bool		 vo_ready;		/* (o) */
	bool		 vo_dead;		/* (o) */
	bool		 vo_may_cache;		/* (o) */
	bool		 vo_cached;		/* (c) on the cache list */
	bool		 vo_terminating;	/* (c) nobody may find it any more */
	bool		 vo_backing;		/* (I) of swap space: vm/swap.h */
	int		 vo_copy_strategy;	/* (o) */
	struct ptree	 vo_pages;		/* (o) of struct vm_page; never shared */
	uint64_t	 vo_resident;		/* (o) */
	uint64_t	 vo_absent;		/* (o) */
	uint64_t	 vo_dirty;		/* (o) pages with PG_DIRTY: only these are ever mapped writable */
	struct queue	 vo_copies;		/* (o) amaps which read through to this object */
	struct queue	 vo_hash_link;		/* (c) */
	struct queue	 vo_cache_link;		/* (c) */
	struct ipc_port	*vo_pager;		/* (I) send right to the pager; device: the port that stands for it */
	struct ipc_port	*vo_control;		/* (I) ours; NULL for devices */
	struct ipc_port	*vo_name;		/* (I) */
	uint64_t	 vo_stuck_ns;		/* (o) since when its pager has not taken its pages; 0: it does */
	uint64_t	 vo_phys;		/* (I) device: first byte */
	uint64_t	 vo_size;		/* (I) device: bytes */
	unsigned	 vo_cache;		/* (I) device: PMAP_CACHE_* */
	vm_prot_t	 vo_max_prot;		/* (I) of any mapping */
};

extern const struct ptree_ops vm_object_page_ops;

void	vm_object_bootstrap(void);
void	vm_object_ref(struct vm_object *);
bool	vm_object_try_ref(struct vm_object *);	/* false: the last reference is gone */
/* => no locks that rank at or above VM_CACHE */
void	vm_object_release(struct vm_object *);
/* the object of a pager port: found or created (and initialised). Reference for the caller.
   => KERN_INVALID_ARGUMENT: not a port that can be one. Consumes nothing. */
kern_return_t	vm_object_enter(struct ipc_port *pager, struct vm_object **);
/* an object for swap space, with a pager port whose receive right is the caller's to pass on; NULL on shortage.
   The default pager is told of it by memory_object_create */
struct vm_object *vm_object_create_backing(struct ipc_port **receive);
/* nobody may cache it any more: when it is on the cache list its reference there is dropped. => caller holds one */
void	vm_object_uncache(struct vm_object *);
/* => vo_lock held; NULL on shortage; the page is in the object, BUSY and ABSENT */
struct vm_page	*vm_object_new_page_locked(struct vm_object *, uint64_t index);
/* => vo_lock held; the page leaves the object and is freed; its mappings go */
void	vm_object_free_page_locked(struct vm_object *, struct vm_page *);
/* => vo_lock held; the page, which nobody maps or pins, leaves the object and is the caller's */
void	vm_object_take_page_locked(struct vm_object *, struct vm_page *);
void	vm_object_wake_page_locked(struct vm_page *);
void	vm_object_dirty_page_locked(struct vm_object *, struct vm_page *);
void	vm_object_clean_page_locked(struct vm_object *, struct vm_page *);
/* a page that could not be returned comes back (one reference, consumed): it is newer than whatever came meanwhile */
void	vm_object_put_back(struct vm_object *, uint64_t index, struct vm_page *, bool dirty);
/* pages whose copies could not be returned are dirty (or precious) still */
void	vm_object_redirty(struct vm_object *, uint64_t first, unsigned count, bool dirty);
/* put a loose page in place of an ABSENT or missing one. => vo_lock held; KERN_MEMORY_PRESENT, KERN_RESOURCE_SHORTAGE:
   the page is still the caller's */
kern_return_t	vm_object_insert_page_locked(struct vm_object *, uint64_t index, struct vm_page *);
/* give every private copy that has not its own page `index` a copy of p, before p changes or goes.
   => vo_lock held; false on shortage */
bool	vm_object_push_locked(struct vm_object *, struct vm_page *p);
/* all mappings of resident pages become read-only */
void	vm_object_write_protect(struct vm_object *, uint64_t first, uint64_t count);
void	vm_object_fail_locked(struct vm_object *);	/* dead: waiters fail */
uint64_t	vm_object_cached_count(void);

#endif
