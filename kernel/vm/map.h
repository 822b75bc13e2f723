/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address maps.
 *
 * OBJECT  struct vm_map: the entries of one address space and its pmap. A task's map, or kernel_map.
 * REFS    one for the task, one for each call in progress on it (convert_port_to_map).
 * LOCKS   vm_lock (MAP; KERNEL_MAP for kernel_map): read for faults, write for changes. It is never held across a wait
 *         for a pager or for memory: who waits looks everything up again.
 *
 * All functions may sleep; no spin lock held. Sizes and addresses in bytes.
 * Legend: (I) immutable; (m) vm_lock; (a) atomic.
 */
#ifndef VM_MAP_H
#define VM_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <kern/lock.h>
#include <vm/entry.h>

struct vm_object;
struct vm_map_copy;
struct pmap;
struct ipc_port;
struct vm_page;

#define VM_USER_MIN	0ull
#define VM_USER_MAX	0x800000000000ull

struct vm_map {
	struct rwlock	 vm_lock;
	struct vm_entry_tree vm_tree;		/* (m) */
	struct pmap	*vm_pmap;		/* (I) */
	uint32_t	 vm_refs;		/* (a) */
	bool		 vm_wire_future;	/* (m) new entries are wired */
	bool		 vm_dead;		/* (m) cleared: takes no new entries */
	uint64_t	 vm_size;		/* (m) bytes in entries */
	uint64_t	 vm_size_none;		/* (m) of these, in entries whose maximum protection is none */
	uint64_t	 vm_size_limit;		/* (m) on vm_size - vm_size_none */
	uint64_t	 vm_size_limit_max;	/* (m) */
	uint64_t	 vm_user_wired;		/* (m) bytes wired without privilege */
};

/* what a new entry is like */
struct vm_attr {
	vm_prot_t	 va_prot, va_max_prot;
	vm_inherit_t	 va_inherit;
};
#define VM_ATTR_DEFAULT	((struct vm_attr){ VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT })

extern struct vm_map *kernel_map;

void		 vm_init(void);				/* kernel map, caches */
struct vm_map	*vm_map_create(void);			/* a user map with its pmap; one reference */
void		 vm_map_ref(struct vm_map *);
void		 vm_map_release(struct vm_map *);	/* last: everything is freed */
void		 vm_map_clear(struct vm_map *);		/* task death: remove all entries now */
/* a child's map by each entry's inheritance; NULL on shortage */
struct vm_map	*vm_map_fork(struct vm_map *);
static inline struct pmap *vm_map_pmap(const struct vm_map *map) { return map->vm_pmap; }

/* user routines (the vm_* kernel RPCs and traps are in vm/vm_user.c with their MIG names) */
kern_return_t	 vm_map_allocate(struct vm_map *, uint64_t *addr, uint64_t size, bool anywhere);
kern_return_t	 vm_map_remove(struct vm_map *, uint64_t start, uint64_t end);
kern_return_t	 vm_map_protect(struct vm_map *, uint64_t start, uint64_t end, vm_prot_t, bool set_max);
/* zero-filled memory with the given attributes at a fixed address (boot loader, stacks) */
kern_return_t	 vm_map_enter_anon(struct vm_map *, uint64_t addr, uint64_t size, vm_prot_t cur, vm_prot_t max);

/* a memory object, device memory or (object NULL) zero-filled memory; *addr is a hint when not anywhere.
   => takes its own reference to the object. copy: a private copy of the object */
kern_return_t	 vm_map_enter(struct vm_map *, uint64_t *addr, uint64_t size, uint64_t mask, bool anywhere,
		    struct vm_object *, uint64_t offset, bool copy, struct vm_attr);
/* the same for an entry that has its backing already; the caller keeps it on failure */
kern_return_t	 vm_map_enter_entry(struct vm_map *, uint64_t *addr, uint64_t size, uint64_t mask, bool anywhere,
		    struct vm_entry *, struct vm_attr);
kern_return_t	 vm_map_set_inherit(struct vm_map *, uint64_t start, uint64_t end, vm_inherit_t);
/* => prot NONE unwires; all pages are resident and stay where they are */
kern_return_t	 vm_map_wire(struct vm_map *, uint64_t start, uint64_t end, vm_prot_t);

/* for the other files of vm/; => vm_lock held for writing */
struct vm_entry	*vm_map_new_entry(void);		/* NULL on shortage; no lock needed */
void		 vm_map_free_entry(struct vm_entry *);	/* with its references to the backing */
void		 vm_map_entry_dispose(struct vm_entry *);	/* the same, and what only it covered of its amap */
kern_return_t	 vm_map_find_space(struct vm_map *, uint64_t size, uint64_t mask, uint64_t *start);
void		 vm_map_link_entry(struct vm_map *, struct vm_entry *);
void		 vm_map_unlink_entry(struct vm_map *, struct vm_entry *);
/* split the entries at the ends of [start, end). => false on shortage */
bool		 vm_map_clip_range(struct vm_map *, uint64_t start, uint64_t end);
/* every byte of [start, end) mapped with at least this access? => KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE */
kern_return_t	 vm_map_check_range(struct vm_map *, uint64_t start, uint64_t end, vm_prot_t);
void		 vm_map_unwire_entry(struct vm_map *, struct vm_entry *);
kern_return_t	 vm_map_wire_entry(struct vm_map *, struct vm_entry *, vm_prot_t);

static inline uint64_t
vm_entry_pages(const struct vm_entry *e)
{
	return (e->ve_end - e->ve_start) >> 12;
}

/* Ranges: the one place where a user's address and size become page bounds. => false: outside user space or overflow */
bool		 vm_range_round(uint64_t addr, uint64_t size, uint64_t *start, uint64_t *end);

/* Copies: out-of-line memory of messages. A copy is owned by one message and is consumed exactly once. */
/* => source_destroy: the range is removed from the map when it succeeds */
kern_return_t	 vm_map_copyin(struct vm_map *, uint64_t addr, uint64_t size, bool source_destroy, struct vm_map_copy **);
/* => maps anywhere; *addr keeps the offset in the first page; consumes the copy only on success */
kern_return_t	 vm_map_copyout(struct vm_map *, uint64_t *addr, struct vm_map_copy *);
/* => overwrite existing memory; consumes the copy only on success */
kern_return_t	 vm_map_copy_overwrite(struct vm_map *, uint64_t addr, struct vm_map_copy *);
void		 vm_map_copy_discard(struct vm_map_copy *);	/* takes NULL */
uint64_t	 vm_map_copy_size(const struct vm_map_copy *);	/* bytes; NULL: 0 */
/* kernel data to and from copies (MIG out-of-line results and arguments) */
kern_return_t	 vm_map_copy_from_kernel(const void *, uint64_t size, struct vm_map_copy **);
kern_return_t	 vm_map_copy_to_kernel(const struct vm_map_copy *, uint64_t offset, void *, uint64_t size);

/* kernel virtual memory with unmapped guard pages on both sides; zeroed, wired */
void		*kmem_alloc(uint64_t size);		/* NULL on shortage */
void		 kmem_free(void *, uint64_t size);
/* map device registers (uncached) */
void		*kmem_map_device(uint64_t phys, uint64_t size);

/* access to another task's memory by the kernel (debugger, gsync shared keys) */
kern_return_t	 vm_map_read_kernel(struct vm_map *, uint64_t addr, void *, uint64_t size);
kern_return_t	 vm_map_write_kernel(struct vm_map *, uint64_t addr, const void *, uint64_t size);
/* gsync: the identity of the memory at addr: (object, offset) when it may be shared, else (map, addr);
   => a reference that keeps the key unique until vm_map_key_release; vk_base is only an identity */
struct vm_key { const void *vk_base; uint64_t vk_offset; };
kern_return_t	 vm_map_key(struct vm_map *, uint64_t addr, bool shared, struct vm_key *);
/* the same for memory that is not to be shared, whatever is there */
void		 vm_map_key_private(struct vm_map *, uint64_t addr, struct vm_key *);
void		 vm_map_key_release(struct vm_key *);

/* device memory as a mappable object: [phys, phys+size); mappings get no more rights than max */
struct vm_object *vm_object_device(uint64_t phys, uint64_t size, unsigned cache, vm_prot_t max);
/* a send right that vm_map takes as memory object for it */
struct ipc_port	*vm_object_pager_port(struct vm_object *);

/* how the tree of each new map begins to be random; 0: by the clock, so that nobody knows. Measurements take always the same */
extern uint32_t	 vm_map_seed;

#endif
