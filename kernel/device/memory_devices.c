/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that are memory or text of the kernel: mem, time, mbinfo, kmsg, null, counters, and the boot modules rd<N>.
 */
#include <debug/counters.h>
#include <debug/lockdep.h>
#include <debug/pause.h>
#include <debug/racer.h>
#include <device/input.h>
#include <kern/kmsg_log.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/timer.h>
#include <kern/times.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <vm/page.h>

#define RECORD	512u

static io_return_t
unit_zero(unsigned unit, void **data)
{
	(void)data;
	return unit == 0 ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

static io_return_t
status_of_size(uint64_t size, uint32_t record, dev_flavor_t flavor, int *out, uint32_t *count)
{
	if (*count < DEV_GET_SIZE_COUNT)
		return D_INVALID_OPERATION;
	if (flavor == DEV_GET_SIZE)
		out[0] = size > INT32_MAX ? INT32_MAX : (int)size;
	else if (flavor == DEV_GET_RECORDS)
		out[0] = (int)(size / record);
	else
		return D_INVALID_OPERATION;
	out[1] = (int)record;
	*count = DEV_GET_SIZE_COUNT;
	return D_SUCCESS;
}

/* --- null --- */

static io_return_t
null_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	(void)d;
	(void)r;
	(void)from;
	(void)count;
	(void)free;
	return D_SUCCESS;
}

static io_return_t
null_write(struct device *d, uint64_t recnum, uint64_t at, const void *from, uint32_t count)
{
	(void)d;
	(void)recnum;
	(void)at;
	(void)from;
	(void)count;
	return D_SUCCESS;
}

const struct device_ops null_ops = {
	.do_name = "null", .do_open = unit_zero, .do_read = null_read, .do_write = null_write,
};

/* --- boot modules --- */

static io_return_t
rd_open(unsigned unit, void **data)
{
	if (unit >= boot_module_count)
		return D_NO_SUCH_DEVICE;
	*data = &boot_modules[unit];
	return D_SUCCESS;
}

static io_return_t
rd_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	const struct boot_module *m = d->dv_data;
	uint64_t at, left;

	(void)free;
	if (r->dr_recnum > m->bm_size / RECORD)
		return D_INVALID_RECNUM;
	at = r->dr_recnum * RECORD;
	left = m->bm_size - at;
	*from = (const char *)phys_to_kv(m->bm_start) + at;
	*count = r->dr_wanted < left ? r->dr_wanted : (uint32_t)left;
	return D_SUCCESS;
}

static io_return_t
rd_write(struct device *d, uint64_t recnum, uint64_t at, const void *from, uint32_t count)
{
	const struct boot_module *m = d->dv_data;
	uint64_t start;

	if (recnum > m->bm_size / RECORD)
		return D_INVALID_RECNUM;
	start = recnum * RECORD + at;
	if (start > m->bm_size || m->bm_size - start < count)
		return D_INVALID_SIZE;
	memcpy((char *)phys_to_kv(m->bm_start) + start, from, count);
	return D_SUCCESS;
}

static io_return_t
rd_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	const struct boot_module *m = d->dv_data;

	return status_of_size(m->bm_size, RECORD, flavor, out, count);
}

static io_return_t
rd_map(struct device *d, vm_prot_t prot, uint64_t offset, uint64_t size, uint64_t *phys, unsigned *cache)
{
	const struct boot_module *m = d->dv_data;
	uint64_t whole = page_round(m->bm_size);

	(void)prot;
	if (offset > whole || whole - offset < size || m->bm_start % PAGE_SIZE != 0)
		return D_INVALID_SIZE;
	*phys = m->bm_start + offset;
	*cache = PMAP_CACHE_NORMAL;
	return D_SUCCESS;
}

const struct device_ops rd_ops = {
	.do_name = "rd", .do_open = rd_open, .do_read = rd_read, .do_write = rd_write, .do_get_status = rd_status,
	.do_map = rd_map,
};

/* --- mem --- */

/* => all of it is memory; registers are never cached */
static bool
is_ram(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < boot_ram_count; i++)
		if (start >= boot_ram[i].mr_start && end <= boot_ram[i].mr_end)
			return true;
	return false;
}

static io_return_t
mem_map(struct device *d, vm_prot_t prot, uint64_t offset, uint64_t size, uint64_t *phys, unsigned *cache)
{
	uint64_t end;

	(void)d;
	(void)prot;
	if (__builtin_add_overflow(offset, size, &end) || end > 1ull << 46)
		return D_INVALID_SIZE;
	*phys = offset;
	*cache = is_ram(offset, end) ? PMAP_CACHE_NORMAL : PMAP_CACHE_OFF;
	return D_SUCCESS;
}

const struct device_ops mem_ops = { .do_name = "mem", .do_open = unit_zero, .do_map = mem_map };

/* --- time: a page, refreshed once somebody has opened it --- */

static mapped_time_value_t *time_page;
static struct timer time_timer;

/* readers look at the seconds first and at the check word last: the check word is written first */
static void
time_refresh(void *arg)
{
	volatile mapped_time_value_t *p = time_page;
	time_value64_t wall = time_64(clock_wall_ns()), up = time_64(clock_uptime_ns());

	(void)arg;
	p->check_seconds64 = wall.seconds;
	p->check_seconds = (integer_t)wall.seconds;
	p->check_upseconds64 = up.seconds;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->time_value.nanoseconds = wall.nanoseconds;
	p->microseconds = (integer_t)(wall.nanoseconds / 1000);
	p->uptime_value.nanoseconds = up.nanoseconds;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->time_value.seconds = wall.seconds;
	p->seconds = (integer_t)wall.seconds;
	p->uptime_value.seconds = up.seconds;
	timer_set(&time_timer, clock_uptime_ns() + 10000000);
}

static io_return_t
time_open(unsigned unit, void **data)
{
	(void)data;
	if (unit != 0)
		return D_NO_SUCH_DEVICE;
	time_page = kpage_alloc(true);
	if (time_page == NULL)
		return D_NO_MEMORY;
	timer_init(&time_timer, time_refresh, NULL);
	time_refresh(NULL);
	return D_SUCCESS;
}

static io_return_t
time_map(struct device *d, vm_prot_t prot, uint64_t offset, uint64_t size, uint64_t *phys, unsigned *cache)
{
	(void)d;
	if (prot & VM_PROT_WRITE)
		return D_READ_ONLY;
	if (offset != 0 || size > PAGE_SIZE)
		return D_INVALID_SIZE;
	*phys = kv_to_phys(time_page);
	*cache = PMAP_CACHE_NORMAL;
	return D_SUCCESS;
}

const struct device_ops time_ops = { .do_name = "time", .do_open = time_open, .do_map = time_map };

/* --- mbinfo --- */

static io_return_t
mbinfo_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	uint64_t left;

	(void)d;
	(void)free;
	if (r->dr_recnum > boot_info_size)
		return D_INVALID_RECNUM;
	left = boot_info_size - r->dr_recnum;
	*from = (const char *)boot_info_raw + r->dr_recnum;
	*count = r->dr_wanted < left ? r->dr_wanted : (uint32_t)left;
	return D_SUCCESS;
}

static io_return_t
mbinfo_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	return status_of_size(boot_info_size, 1, flavor, out, count);
}

const struct device_ops mbinfo_ops = {
	.do_name = "mbinfo", .do_open = unit_zero, .do_read = mbinfo_read, .do_get_status = mbinfo_status,
};

/* --- kmsg: what has been printed and not yet read; one position for all readers --- */

static struct device_input kmsg_input;

static uint32_t
kmsg_take(char *to, uint32_t max)
{
	static uint64_t position;	/* under the input's lock */

	return (uint32_t)kmsg_log_read(&position, to, max);
}

static io_return_t
kmsg_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	(void)d;
	return device_input_read(&kmsg_input, r, from, count, free);
}

static io_return_t
kmsg_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	return status_of_size(0, 1, flavor, out, count);
}

const struct device_ops kmsg_ops = {
	.do_name = "kmsg", .do_open = unit_zero, .do_read = kmsg_read, .do_get_status = kmsg_status,
};

/* --- counters: the conservation counters as text, "name value\n" each; recnum is a byte offset --- */

static io_return_t
counters_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	const uint32_t room = 1024;
	char *buf = kalloc(room);
	uint32_t used = 0, skip;

	(void)d;
	if (buf == NULL)
		return D_NO_MEMORY;
	for (int i = 0; i < COUNT_KINDS && used < room; i++)
		used += (uint32_t)ksnprintf(buf + used, room - used, "%s %ld\n", counter_names[i],
		    counter_read((enum counter)i));
	used = used < room ? used : room - 1;
	skip = r->dr_recnum < used ? (uint32_t)r->dr_recnum : used;
	memmove(buf, buf + skip, used - skip);
	*count = r->dr_wanted < used - skip ? r->dr_wanted : used - skip;
	*from = buf;
	*free = room;
	return D_SUCCESS;
}

/* "pause=NAME": 1 arms the point; "pause": 0 lets who stands there go on, 1 asks: D_WOULD_BLOCK, nobody does */
static io_return_t
pause_tell(const char *name, uint64_t recnum)
{
	if (*name == '=')
		pause_arm(name + 1);
	else if (recnum == 0)
		pause_disarm();
	else if (!pause_is_taken())
		return D_WOULD_BLOCK;
	return D_SUCCESS;
}

/*
 * Tests: the recnum-th allocation at the fault point named (or "*": any) fails, or the racer gets this strength, or a pause point is
 * armed, asked or left; debug builds.
 */
static io_return_t
counters_write(struct device *d, uint64_t recnum, uint64_t at, const void *name, uint32_t count)
{
	char copy[32];

	(void)d;
	if (at != 0 || count == 0 || count >= sizeof copy)
		return D_INVALID_SIZE;
	memcpy(copy, name, count);
	copy[count] = 0;
	if (strcmp(copy, "racer") == 0)
		racer_set((uint32_t)recnum);
	else if (strcmp(copy, "locks") == 0)
		lockdep_say(recnum);
	else if (strncmp(copy, "pause", 5) == 0)
		return pause_tell(copy + 5, recnum);
	else
		fault_point_arm(copy, (int64_t)recnum);
	return D_SUCCESS;
}

const struct device_ops counters_ops = {
	.do_name = "counters", .do_open = unit_zero, .do_read = counters_read, .do_write = counters_write,
};

void
memory_devices_init(void)
{
	device_input_init(&kmsg_input, NULL, 4096, 1, kmsg_take);
}
