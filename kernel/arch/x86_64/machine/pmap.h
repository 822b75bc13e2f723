/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical maps: the machine-dependent half of virtual memory.
 * All pmap operations are safe to call from any CPU without other locks; they never sleep. Ranges are page aligned
 * [start, end). TLB shootdowns are done (or safely deferred) before the call returns.
 */
#ifndef MACHINE_PMAP_H
#define MACHINE_PMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>

typedef uint64_t pmap_paddr_t;
struct pmap;
struct vm_page;

extern struct pmap *kernel_pmap;

struct pmap	*pmap_create(void);			/* NULL on shortage */
void		 pmap_destroy(struct pmap *);		/* no CPU uses it any more */
/* => KERN_RESOURCE_SHORTAGE when no page-table page could be had: nothing changed.
   page may be NULL for device memory (no pv entry). prot as VM_PROT_*; execute honoured (NX). */
kern_return_t	 pmap_enter(struct pmap *, uint64_t va, pmap_paddr_t, struct vm_page *, vm_prot_t prot,
		    bool wired, unsigned cache);
#define PMAP_CACHE_NORMAL	0
#define PMAP_CACHE_OFF		1
#define PMAP_CACHE_WC		2
/* n managed pages from va on, NULL = none: entered where nothing is mapped and a table exists; as far as memory goes */
void		 pmap_enter_around(struct pmap *, uint64_t va, struct vm_page *const *, unsigned n, vm_prot_t prot);
void		 pmap_remove(struct pmap *, uint64_t start, uint64_t end);
void		 pmap_protect(struct pmap *, uint64_t start, uint64_t end, vm_prot_t);
/* all mappings of one page: VM_PROT_NONE removes them, otherwise lowers */
void		 pmap_page_protect(struct vm_page *, vm_prot_t);
/* all mappings of n pages, with one shootdown per pmap: for the pageout daemon. => no spin locks held */
void		 pmap_remove_pages(struct vm_page *const *, unsigned n);
bool		 pmap_extract(struct pmap *, uint64_t va, pmap_paddr_t *);
bool		 pmap_is_modified(struct vm_page *);
void		 pmap_clear_modified(struct vm_page *);
bool		 pmap_is_referenced(struct vm_page *);
void		 pmap_clear_referenced(struct vm_page *);
uint64_t	 pmap_resident_count(struct pmap *);	/* pages */
/* free page-table pages of empty ranges (memory shortage) */
void		 pmap_collect(struct pmap *);
/* debug builds: nothing of the kernel's half is the user's, nothing there is writable and executable; else panics */
#ifdef DEBUG
void		 pmap_audit(void);
#else
static inline void pmap_audit(void) { }
#endif

void		 pmap_zero_page(pmap_paddr_t);
void		 pmap_copy_page(pmap_paddr_t from, pmap_paddr_t to);
static inline void *phys_to_kv(pmap_paddr_t pa) { return (void *)(pa + 0xffff800000000000ull); }
static inline pmap_paddr_t kv_to_phys(const void *p) { return (uint64_t)p - 0xffff800000000000ull; }	/* direct map only */

/* kernel virtual range managed by the kernel map */
#define KERNEL_MAP_START	0xffffa00000000000ull
#define KERNEL_MAP_END		0xffffa20000000000ull

/* machine-dependent part of struct vm_page */
struct pv_entry;
struct vm_page_md {
	struct pv_entry	*pv_list;	/* mappings of this page; PV lock (hashed) */
	uint8_t		 pv_flags;	/* saved reference/modify bits of removed mappings */
};

#endif
