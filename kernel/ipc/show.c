/* SPDX-License-Identifier: BSD-2-Clause */
/* Debugger commands for the nouns of ipc/. The other CPUs are stopped: nothing is locked, every pointer is checked. */
#include <debug/kdb.h>
#include <ipc/entry.h>
#include <ipc/kmsg.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/space.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <kern/thread.h>

#define SHOW_MAX	200	/* lines of one list */

static const char *const port_states[] = { "space", "kernel", "limbo", "transit", "dead" };

/* => the object at the command's address, copied; false after a complaint */
static bool read_object(int argc, char **argv, void *to, uint64_t size, uint64_t *addr)
{
	if (argc < 1 || !kdb_parse(argv[0], addr) || !kdb_read((uintptr_t)*addr, to, size)) {
		kprintf("address?\n");
		return false;
	}
	return true;
}

static void show_ring(const char *what, const struct queue *first, size_t link_offset)
{
	struct queue link;
	const struct queue *at = first;

	if (first == NULL)
		return;
	kprintf("  %s:", what);
	for (int i = 0; i < SHOW_MAX; i++) {
		kprintf(" %p", (const void *)((const char *)at - link_offset));
		if (!kdb_read((uintptr_t)at, &link, sizeof(link)) || link.next == first)
			break;
		at = link.next;
	}
	kprintf("\n");
}

static void show_port(int argc, char **argv)
{
	struct ipc_port p;
	struct ipc_port_ext x;
	uint64_t addr;

	if (!read_object(argc, argv, &p, sizeof(p), &addr))
		return;
	kprintf("port %#lx: %s, refs %u, kind %u object %p, name %#x in %p\n", (unsigned long)addr,
	    p.ip_state <= IP_DEAD_PORT ? port_states[p.ip_state] : "?", p.ip_refs, p.ip_kotype, p.ip_kobject, p.ip_name,
	    (void *)p.ip_space);
	kprintf("  send %u send-once %u make-send %u seqno %u messages %u/%u flags %#x set %p\n", p.ip_srights,
	    p.ip_sorights, p.ip_mscount, p.ip_seqno, p.ip_msgcount, p.ip_qlimit, p.ip_flags, (void *)p.ip_set);
	show_ring("messages", p.ip_messages, offsetof(struct ipc_kmsg, ikm_link));
	show_ring("senders", p.ip_senders, offsetof(struct thread, th_wait_link));
	show_ring("receivers", p.ip_receivers, offsetof(struct thread, th_wait_link));
	if (p.ip_ext != NULL && kdb_read((uintptr_t)p.ip_ext, &x, sizeof(x)))
		kprintf("  no-senders %p port-destroyed %p dead-name requests %u\n", (void *)x.ipx_nsrequest,
		    (void *)x.ipx_pdrequest, x.ipx_request_used);
}

static void show_pset(int argc, char **argv)
{
	struct ipc_pset s;
	uint64_t addr;

	if (!read_object(argc, argv, &s, sizeof(s), &addr))
		return;
	kprintf("set %#lx: %s, refs %u, name %#x, members %u\n", (unsigned long)addr, s.ps_active ? "active" : "dead",
	    s.ps_refs, s.ps_name, s.ps_count);
	show_ring("members", s.ps_members, offsetof(struct ipc_port, ip_set_link));
	show_ring("ready", s.ps_ready, offsetof(struct ipc_port, ip_ready_link));
	show_ring("receivers", s.ps_receivers, offsetof(struct thread, th_wait_link));
}

static void show_kmsg(int argc, char **argv)
{
	struct ipc_kmsg k;
	uint64_t addr;

	if (!read_object(argc, argv, &k, sizeof(k), &addr))
		return;
	kprintf("kmsg %#lx: id %d size %u bits %#x to %p reply %p trace %#lx\n", (unsigned long)addr,
	    k.ikm_header.msgh_id, k.ikm_header.msgh_size, k.ikm_header.msgh_bits, (void *)k.ikm_header.msgh_remote_port,
	    (void *)k.ikm_header.msgh_local_port, (unsigned long)k.ikm_trace);
}

static void show_space(int argc, char **argv)
{
	static struct ipc_space s;	/* the debugger's stack is small; one CPU runs it */
	mach_port_name_t name;
	struct ipc_entry *e;
	uint32_t cursor = 0;
	uint64_t addr;

	if (!read_object(argc, argv, &s, sizeof(s), &addr))
		return;
	kprintf("space %#lx: %s, refs %u, task %p\n", (unsigned long)addr, s.is_active ? "active" : "dead", s.is_refs,
	    (void *)s.is_task);
	for (int i = 0; i < SHOW_MAX && ipc_entry_next(&s.is_table, &cursor, &name, &e); i++)
		kprintf("  %#10x %c%c%c%c%c urefs %u request %u %p\n", name,
		    e->ie_bits & MACH_PORT_TYPE_RECEIVE ? 'R' : '-', e->ie_bits & MACH_PORT_TYPE_SEND ? 'S' : '-',
		    e->ie_bits & MACH_PORT_TYPE_SEND_ONCE ? 'O' : '-', e->ie_bits & MACH_PORT_TYPE_PORT_SET ? 'P' : '-',
		    e->ie_bits & MACH_PORT_TYPE_DEAD_NAME ? 'D' : '-', IE_UREFS(e->ie_bits), e->ie_request, e->ie_object);
}

KDB_COMMAND(show_port, "show port", "address: a port, its queue and waiters", show_port);
KDB_COMMAND(show_pset, "show portset", "address: a port set", show_pset);
KDB_COMMAND(show_kmsg, "show kmsg", "address: a message in the kernel", show_kmsg);
KDB_COMMAND(show_space, "show space", "address: a name space and its names", show_space);
