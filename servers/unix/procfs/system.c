/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: what concerns the whole system.
 *
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "../dev/dev.h"
#include "../job.h"
#include "../fs/mount.h"

#define VERSION	"6.1.0-ernst"

static long long
ticks(int64_t ns)
{
	return (long long)(ns / 10000000);
}

static int
text_meminfo(struct pbuf *b, int pid)
{
	struct proc_totals t;
	unsigned long long total, left, cached;

	(void)pid;
	proc_info_totals(&t);
	total = t.pt_memory_total / 1024;
	left = t.pt_memory_free / 1024;
	cached = t.pt_memory_cached / 1024;
	pbuf_printf(b, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
	    "MemAvailable:   %8llu kB\nBuffers:        %8u kB\nCached:         %8llu kB\n"
	    "SwapCached:     %8u kB\n", total, left, left + cached, 0, cached, 0);
	pbuf_printf(b, "Active:         %8llu kB\nInactive:       %8u kB\n"
	    "SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\nDirty:          %8u kB\n"
	    "Writeback:      %8u kB\nAnonPages:      %8llu kB\nMapped:         %8u kB\n"
	    "Shmem:          %8u kB\nSlab:           %8u kB\n", total - left - cached, 0,
	    (unsigned long long)t.pt_swap_total / 1024, (unsigned long long)t.pt_swap_free / 1024, 0,
	    0, total - left - cached, 0, 0, 0);
	return 0;
}

static int
text_stat(struct pbuf *b, int pid)
{
	struct proc_totals t;
	int i, cpus;

	(void)pid;
	proc_info_totals(&t);
	cpus = t.pt_cpus > 0 ? t.pt_cpus : 1;
	pbuf_printf(b, "cpu  %lld 0 %lld %lld 0 0 0 0 0 0\n", ticks(t.pt_user),
	    ticks(t.pt_system), ticks(t.pt_idle));
	/* The kernel tells sums only: each processor is shown its share. */
	for (i = 0; i < cpus; i++)
		pbuf_printf(b, "cpu%d %lld 0 %lld %lld 0 0 0 0 0 0\n", i,
		    ticks(t.pt_user / cpus), ticks(t.pt_system / cpus),
		    ticks(t.pt_idle / cpus));
	pbuf_printf(b, "intr 0\nctxt 0\nbtime %lld\nprocesses %llu\nprocs_running %d\n"
	    "procs_blocked 0\n", (long long)t.pt_boot_time, (unsigned long long)t.pt_forks,
	    t.pt_running);
	return 0;
}

static int
text_uptime(struct pbuf *b, int pid)
{
	struct proc_totals t;
	int64_t up = clock_monotonic() / 10000000, idle;

	(void)pid;
	proc_info_totals(&t);
	idle = t.pt_idle / 10000000;
	pbuf_printf(b, "%lld.%02d %lld.%02d\n", (long long)(up / 100), (int)(up % 100),
	    (long long)(idle / 100), (int)(idle % 100));
	return 0;
}

static int
text_loadavg(struct pbuf *b, int pid)
{
	struct proc_totals t;
	int i;

	(void)pid;
	proc_info_totals(&t);
	for (i = 0; i < 3; i++)
		pbuf_printf(b, "%u.%02u ", (unsigned int)(t.pt_load[i] / 1000),
		    (unsigned int)(t.pt_load[i] % 1000 / 10));
	pbuf_printf(b, "%d/%d %d\n", t.pt_running, t.pt_threads, t.pt_last_pid);
	return 0;
}

static int
text_version(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "Linux version " VERSION " (ernst) #1 SMP Mach 3\n");
	return 0;
}

static int
text_cmdline(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "console=tty root=/dev/ram0\n");
	return 0;
}

static int
text_filesystems(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tdevpts\n\text2\n");
	return 0;
}

int
text_mounts(struct pbuf *b, int pid)
{
	char text[4096];
	size_t n = mount_format(text, sizeof(text));

	(void)pid;
	pbuf_add(b, text, n < sizeof(text) ? n : sizeof(text) - 1);
	return 0;
}

static void
cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

static void
cpu_brand(char *name)
{
	uint32_t r[4], i;

	memset(name, 0, 49);
	cpuid(0x80000000u, r);
	if (r[0] < 0x80000004u) {
		strcpy(name, "x86-64");
		return;
	}
	for (i = 0; i < 3; i++) {
		cpuid(0x80000002u + i, r);
		memcpy(name + 16 * i, r, 16);
	}
}

static int
text_cpuinfo(struct pbuf *b, int pid)
{
	static const char *const edx[32] = {
		"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL,
		"sep", "mtrr", "pge", "mca", "cmov", "pat", "pse36", NULL, "clflush", NULL,
		NULL, NULL, "mmx", "fxsr", "sse", "sse2", NULL, "ht", NULL, NULL, NULL,
	};
	uint32_t r[4], v[4];
	struct proc_totals t;
	char vendor[13] = { 0 }, brand[49];
	int cpu, i;

	(void)pid;
	proc_info_totals(&t);
	cpuid(0, v);
	memcpy(vendor, &v[1], 4);
	memcpy(vendor + 4, &v[3], 4);
	memcpy(vendor + 8, &v[2], 4);
	cpuid(1, r);
	cpu_brand(brand);
	for (cpu = 0; cpu < t.pt_cpus; cpu++) {
		pbuf_printf(b, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\n"
		    "model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", cpu, vendor,
		    (unsigned int)((r[0] >> 8 & 15) + (r[0] >> 20 & 255)),
		    (unsigned int)((r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0)), brand,
		    (unsigned int)(r[0] & 15));
		pbuf_printf(b, "flags\t\t:");
		for (i = 0; i < 32; i++) {
			if ((r[3] >> i & 1) && edx[i] != NULL)
				pbuf_printf(b, " %s", edx[i]);
		}
		pbuf_printf(b, " lm nx syscall\n\n");
	}
	return 0;
}

static int
text_unsupported(struct pbuf *b, int pid)
{
	size_t size = 4096, n;
	char *text;

	(void)pid;
	for (;;) {
		text = malloc(size);
		if (text == NULL)
			return -LX_ENOMEM;
		n = unsupported_format(text, size);
		if (n < size)
			break;
		free(text);
		size = n + 256;
	}
	pbuf_add(b, text, n);
	free(text);
	return 0;
}

static int
text_net_dev(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "Inter-|   Receive                                                |  "
	    "Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes  "
	    "  packets errs drop fifo colls carrier compressed\n");
	return 0;
}

static int
text_hostname(struct pbuf *b, int pid)
{
	char name[65];

	(void)pid;
	pbuf_printf(b, "%s\n", system_hostname(name));
	return 0;
}

static int
text_boot_id(struct pbuf *b, int pid)
{
	static uint8_t id[16];
	static bool made;
	const uint8_t *p = id;

	if (!made) {
		random_bytes(id, sizeof(id));
		made = true;
	}
	(void)pid;
	pbuf_printf(b, "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x\n",
	    p[0], p[1], p[2], p[3], p[4], p[5], p[6] & 15, p[7], p[8] & 15, p[9], p[10], p[11],
	    p[12], p[13], p[14], p[15]);
	return 0;
}

#define TEXT_CONST(name, text)				\
static int						\
name(struct pbuf *b, int pid)				\
{							\
	(void)pid;					\
	pbuf_printf(b, "%s", text);			\
	return 0;					\
}

TEXT_CONST(text_empty, "")
TEXT_CONST(text_osrelease, VERSION "\n")
TEXT_CONST(text_ostype, "Linux\n")
TEXT_CONST(text_sysversion, "#1 SMP Mach 3\n")
TEXT_CONST(text_domain, "(none)\n")
TEXT_CONST(text_pid_max, "32768\n")
TEXT_CONST(text_cap_last, "40\n")
TEXT_CONST(text_ngroups, "65536\n")
TEXT_CONST(text_entropy, "256\n")
TEXT_CONST(text_zero, "0\n")
TEXT_CONST(text_file_max, "65536\n")
TEXT_CONST(text_swaps, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
TEXT_CONST(text_devices, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
    "  5 /dev/ptmx\n136 pts\n\nBlock devices:\n  1 ramdisk\n")

static int64_t
link_self(const struct pnode *node, char *data, size_t size)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", job_current_pid());

	(void)node;
	if ((size_t)n > size)
		n = (int)size;
	memcpy(data, text, (size_t)n);
	return n;
}

static int64_t
link_text(const char *text, char *data, size_t size)
{
	size_t n = strlen(text);

	if (n > size)
		n = size;
	memcpy(data, text, n);
	return (int64_t)n;
}

static int64_t
link_mounts(const struct pnode *node, char *data, size_t size)
{
	(void)node;
	return link_text("self/mounts", data, size);
}

static int64_t
link_net(const struct pnode *node, char *data, size_t size)
{
	(void)node;
	return link_text("self/net", data, size);
}

#define FILE_ENTRY(n, t)	{ .pe_name = n, .pe_mode = LX_S_IFREG | 0444, .pe_text = t }
#define DIR_ENTRY(n, c)		{ .pe_name = n, .pe_mode = LX_S_IFDIR | 0555, .pe_children = c }

static const struct pentry random_entries[] = {
	FILE_ENTRY("boot_id", text_boot_id),
	FILE_ENTRY("entropy_avail", text_entropy),
	{ 0 },
};

static const struct pentry kernel_entries[] = {
	FILE_ENTRY("osrelease", text_osrelease),
	FILE_ENTRY("ostype", text_ostype),
	FILE_ENTRY("version", text_sysversion),
	FILE_ENTRY("hostname", text_hostname),
	FILE_ENTRY("domainname", text_domain),
	FILE_ENTRY("pid_max", text_pid_max),
	FILE_ENTRY("threads-max", text_pid_max),
	FILE_ENTRY("cap_last_cap", text_cap_last),
	FILE_ENTRY("ngroups_max", text_ngroups),
	DIR_ENTRY("random", random_entries),
	{ 0 },
};

static const struct pentry vm_entries[] = {
	FILE_ENTRY("overcommit_memory", text_zero),
	{ 0 },
};

static const struct pentry sysfs_entries[] = {
	FILE_ENTRY("file-max", text_file_max),
	FILE_ENTRY("nr_open", text_file_max),
	{ 0 },
};

static const struct pentry sys_entries[] = {
	DIR_ENTRY("kernel", kernel_entries),
	DIR_ENTRY("vm", vm_entries),
	DIR_ENTRY("fs", sysfs_entries),
	{ 0 },
};

static const struct pentry ernst_entries[] = {
	FILE_ENTRY("unsupported", text_unsupported),
#ifdef DEBUG
	{ .pe_name = "fault", .pe_mode = LX_S_IFREG | 0200, .pe_text = text_zero, .pe_write = fault_write },
#endif
	{ 0 },
};

const struct pentry proc_net_entries[] = {
	FILE_ENTRY("dev", text_net_dev),
	{ 0 },
};

static const struct pentry root_entries[] = {
	{ .pe_name = "self", .pe_mode = LX_S_IFLNK | 0777, .pe_link = link_self },
	{ .pe_name = "mounts", .pe_mode = LX_S_IFLNK | 0777, .pe_link = link_mounts },
	{ .pe_name = "net", .pe_mode = LX_S_IFLNK | 0777, .pe_link = link_net },
	FILE_ENTRY("meminfo", text_meminfo),
	FILE_ENTRY("stat", text_stat),
	FILE_ENTRY("uptime", text_uptime),
	FILE_ENTRY("loadavg", text_loadavg),
	FILE_ENTRY("version", text_version),
	FILE_ENTRY("cmdline", text_cmdline),
	FILE_ENTRY("filesystems", text_filesystems),
	FILE_ENTRY("cpuinfo", text_cpuinfo),
	FILE_ENTRY("swaps", text_swaps),
	FILE_ENTRY("devices", text_devices),
	FILE_ENTRY("modules", text_empty),
	FILE_ENTRY("partitions", text_empty),
	FILE_ENTRY("vmstat", text_empty),
	DIR_ENTRY("sys", sys_entries),
	DIR_ENTRY("ernst", ernst_entries),
	{ 0 },
};

int
proc_next_pid(const struct pnode *node, int after)
{
	int pid;

	(void)node;
	return proc_info_list(after, &pid, 1) == 1 ? pid : -1;
}

const struct pentry proc_root_entry = {
	.pe_name = "",
	.pe_mode = LX_S_IFDIR | 0555,
	.pe_children = root_entries,
	.pe_next = proc_next_pid,
	.pe_number = &proc_pid_entry,
};
