/* SPDX-License-Identifier: BSD-2-Clause */
/* Debugger commands for the nouns of vm/. The other CPUs are stopped: nothing is locked, every pointer is checked. */
#include <debug/kdb.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <vm/amap.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/swap.h>

#define SHOW_MAX	400	/* lines of one list */

static const char *const page_states[] = { "tail", "free", "cached", "kernel", "anon", "object" };

/* => the object at the command's address, copied; false after a complaint */
static bool
read_object(int argc, char **argv, void *to, uint64_t size, uint64_t *addr)
{
	if (argc < 1 || !kdb_parse(argv[0], addr) || !kdb_read((uintptr_t)*addr, to, size)) {
		kprintf("address?\n");
		return false;
	}
	return true;
}

static void
show_entry(const struct vm_entry *e)
{
	struct vm_amap am;

	kprintf("  %012lx-%012lx %c%c%c/%x inherit %u wired %u", (unsigned long)e->ve_start, (unsigned long)e->ve_end,
	    e->ve_prot & VM_PROT_READ ? 'r' : '-', e->ve_prot & VM_PROT_WRITE ? 'w' : '-',
	    e->ve_prot & VM_PROT_EXECUTE ? 'x' : '-', e->ve_max_prot, e->ve_inherit, e->ve_wired);
	if (e->ve_amap != NULL && kdb_read((uintptr_t)e->ve_amap, &am, sizeof am))
		kprintf(" amap %p+%lx refs %u%s over %p", (void *)e->ve_amap, (unsigned long)e->ve_index, am.am_refs,
		    am.am_shared ? " shared" : "", (void *)am.am_backing);
	if (e->ve_object != NULL)
		kprintf(" object %p+%lx", (void *)e->ve_object, (unsigned long)e->ve_index);
	kprintf("\n");
}

static void
show_map(int argc, char **argv)
{
	struct vm_map map;
	struct vm_entry e;
	uint64_t addr;
	const struct queue *at, *end;

	if (!read_object(argc, argv, &map, sizeof map, &addr))
		return;
	kprintf("map %#lx: refs %u pmap %p, %u entries, %lu KiB of %lu\n", (unsigned long)addr, map.vm_refs,
	    (void *)map.vm_pmap, map.vm_tree.et_count, (unsigned long)map.vm_size >> 10,
	    (unsigned long)map.vm_size_limit >> 10);
	end = &((struct vm_map *)addr)->vm_tree.et_list;
	at = map.vm_tree.et_list.next;
	for (int i = 0; i < SHOW_MAX && at != end; i++) {
		if (!kdb_read((uintptr_t)queue_entry(at, struct vm_entry, ve_link), &e, sizeof e))
			break;
		show_entry(&e);
		at = e.ve_link.next;
	}
}
KDB_COMMAND(show_map, "show map", "map: its entries (a task's map is in show task)", show_map);

static void
show_object(int argc, char **argv)
{
	struct vm_object o;
	uint64_t addr;

	if (!read_object(argc, argv, &o, sizeof o, &addr))
		return;
	kprintf("object %#lx: %s, refs %u,%s%s%s%s%s\n", (unsigned long)addr, o.vo_kind == OBJECT_PAGER ? "pager" : "device",
	    o.vo_refs, o.vo_ready ? " ready" : "", o.vo_dead ? " dead" : "", o.vo_may_cache ? " may-cache" : "",
	    o.vo_cached ? " cached" : "", o.vo_terminating ? " terminating" : "");
	kprintf("  resident %lu absent %lu dirty %lu, pager %p control %p name %p\n", (unsigned long)o.vo_resident,
	    (unsigned long)o.vo_absent, (unsigned long)o.vo_dirty, (void *)o.vo_pager, (void *)o.vo_control,
	    (void *)o.vo_name);
	if (o.vo_kind == OBJECT_DEVICE)
		kprintf("  physical %#lx, %#lx bytes\n", (unsigned long)o.vo_phys, (unsigned long)o.vo_size);
}
KDB_COMMAND(show_object, "show object", "object: state of a memory object", show_object);

static void
show_page(int argc, char **argv)
{
	struct vm_page p;
	uint64_t addr;

	if (argc < 1 || !kdb_parse(argv[0], &addr)) {
		kprintf("address?\n");
		return;
	}
	/* a physical address, or that of a struct vm_page */
	if (addr < KERNEL_MAP_START && vm_page_from_phys(addr) != NULL)
		addr = (uintptr_t)vm_page_from_phys(addr);
	if (!kdb_read((uintptr_t)addr, &p, sizeof p)) {
		kprintf("no such page\n");
		return;
	}
	kprintf("page %#lx: physical %#lx, %s, owner %p index %lu, refs %u wired %u flags %#x lock %#x queue %u\n",
	    (unsigned long)addr, (unsigned long)vm_page_to_phys(&p),
	    p.pg_state <= PAGE_OBJECT ? page_states[p.pg_state] : "?", p.pg_owner, (unsigned long)p.pg_index, p.pg_refs,
	    p.pg_wired, p.pg_flags, p.pg_lock, p.pg_queue);
}
KDB_COMMAND(show_page, "show page", "page: by physical address or struct", show_page);

static void
show_memory(int argc, char **argv)
{
	uint64_t active, inactive;

	(void)argc;
	(void)argv;
	vm_pageq_counts(false, &active, &inactive);
	kprintf("%lu pages: %lu free, %lu wired, %lu active %lu inactive, %lu in the laundry, %lu objects cached\n",
	    (unsigned long)vm_page_total(), (unsigned long)vm_page_free_count(), (unsigned long)vm_page_wired_count(),
	    (unsigned long)active, (unsigned long)inactive,
	    (unsigned long)(vm_page_laundry_count(LAUNDRY_USER) + vm_page_laundry_count(LAUNDRY_SWAP)),
	    (unsigned long)vm_object_cached_count());
	kprintf("swap space: %lu pages, %lu free, %lu on their way\n", (unsigned long)vm_swap_slots(),
	    (unsigned long)vm_swap_free_slots(),
	    (unsigned long)vm_page_laundry_count(LAUNDRY_SWAP));
}
KDB_COMMAND(show_memory, "show memory", "physical pages", show_memory);
