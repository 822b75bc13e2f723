/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backing store (see store.h): bit maps of blocks, and the devices below them.
 *
 * LOCKS   none: the program has one thread.
 */
#include "store.h"
#include "default_pager.h"
#include <device/device.h>
#include <device/device_types.h>

#define STORES	8u
#define NAME_MAX	64

/* blocks of store i are numbered from st_base on, one after the other; numbers are never used for another store */
struct store {
	mach_port_t	 st_device;		/* null: free place */
	char		 st_name[NAME_MAX];
	block_t		 st_base;
	uint32_t	 st_blocks, st_used, st_hint;
	uint32_t	 st_record;		/* bytes of a record of the device */
	uint64_t	*st_map;		/* bit per block in use */
	vm_size_t	 st_map_size;
};

static struct store stores[STORES];
static uint64_t total, used, promised;
static block_t next_base = 1;

void *
wired_alloc(vm_size_t size)
{
	vm_address_t a = 0;

	size = round_page(size);
	if (vm_allocate(mach_task_self(), &a, size, TRUE) != KERN_SUCCESS)
		return NULL;
	if (vm_wire(host_privileged, mach_task_self(), a, size, VM_PROT_READ | VM_PROT_WRITE) != KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), a, size);
		return NULL;
	}
	return (void *)a;
}

void
wired_free(void *p, vm_size_t size)
{
	vm_deallocate(mach_task_self(), (vm_address_t)p, round_page(size));
}

static struct store *
store_named(const char *name)
{
	for (unsigned i = 0; i < STORES; i++)
		if (stores[i].st_device != MACH_PORT_NULL && __builtin_strcmp(stores[i].st_name, name) == 0)
			return &stores[i];
	return NULL;
}

static struct store *
store_of(block_t b)
{
	for (unsigned i = 0; i < STORES; i++)
		if (stores[i].st_device != MACH_PORT_NULL && b - stores[i].st_base < stores[i].st_blocks)
			return &stores[i];
	return NULL;
}

static kern_return_t
store_size(struct store *st)
{
	int status[DEV_GET_RECORDS_COUNT];
	mach_msg_type_number_t count = DEV_GET_RECORDS_COUNT;
	kern_return_t kr = device_get_status(st->st_device, DEV_GET_RECORDS, status, &count);
	uint64_t records, record;

	if (kr != KERN_SUCCESS)
		return kr;
	records = (uint32_t)status[DEV_GET_RECORDS_DEVICE_RECORDS];
	record = (uint32_t)status[DEV_GET_RECORDS_RECORD_SIZE];
	if (record == 0 || BLOCK % record != 0 || records * record < BLOCK || records * record / BLOCK > UINT32_MAX - next_base)
		return KERN_INVALID_ARGUMENT;
	st->st_record = record;
	st->st_blocks = records * record / BLOCK;
	st->st_map_size = (st->st_blocks + 63) / 64 * sizeof *st->st_map;
	st->st_map = wired_alloc(st->st_map_size);
	return st->st_map != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

kern_return_t
store_add(mach_port_t master, const char *name)
{
	struct store *st = stores, new = { .st_hint = 0 };
	size_t n = __builtin_strlen(name);
	kern_return_t kr;

	while (st < stores + STORES && st->st_device != MACH_PORT_NULL)
		st++;
	if (st == stores + STORES)
		return KERN_RESOURCE_SHORTAGE;
	if (n >= NAME_MAX || store_named(name) != NULL)
		return KERN_INVALID_ARGUMENT;
	__builtin_memcpy(new.st_name, name, n + 1);
	kr = device_open(master, D_READ | D_WRITE, name, &new.st_device);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = store_size(&new);
	if (kr != KERN_SUCCESS) {
		device_close(new.st_device);
		mach_port_deallocate(mach_task_self(), new.st_device);
		return kr;
	}
	new.st_base = next_base;
	next_base += new.st_blocks;
	total += new.st_blocks;
	*st = new;
	return KERN_SUCCESS;
}

kern_return_t
store_remove(const char *name)
{
	struct store *st = store_named(name);

	if (st == NULL)
		return KERN_INVALID_ARGUMENT;
	if (st->st_used != 0 || total - st->st_blocks < used + promised)
		return KERN_RESOURCE_SHORTAGE;
	total -= st->st_blocks;
	device_close(st->st_device);
	mach_port_deallocate(mach_task_self(), st->st_device);
	wired_free(st->st_map, st->st_map_size);
	__builtin_memset(st, 0, sizeof *st);
	return KERN_SUCCESS;
}

bool
store_reserve(uint64_t n)
{
	if (total - used - promised < n)
		return false;
	promised += n;
	return true;
}

void
store_unreserve(uint64_t n)
{
	promised -= n;
}

static bool
is_used(const struct store *st, uint32_t at)
{
	return st->st_map[at / 64] >> (at % 64) & 1;
}

static block_t
take_at(struct store *st, uint32_t at)
{
	st->st_map[at / 64] |= 1ull << (at % 64);
	st->st_used++;
	st->st_hint = at + 1;
	used++;
	promised--;
	return st->st_base + at;
}

block_t
store_take(block_t after)
{
	struct store *st = after != 0 ? store_of(after) : NULL;

	if (st != NULL && store_follows(after, after + 1) && !is_used(st, after + 1 - st->st_base))
		return take_at(st, after + 1 - st->st_base);
	for (unsigned i = 0; i < STORES; i++) {
		st = &stores[i];
		if (st->st_device == MACH_PORT_NULL || st->st_used == st->st_blocks)
			continue;
		for (uint32_t n = 0, at = st->st_hint; n <= st->st_blocks; n++, at++) {
			if (at >= st->st_blocks)
				at = 0;
			if (!is_used(st, at))
				return take_at(st, at);
		}
	}
	return 0;
}

void
store_give(block_t b)
{
	struct store *st = store_of(b);
	uint32_t at = b - st->st_base;

	st->st_map[at / 64] &= ~(1ull << (at % 64));
	st->st_used--;
	used--;
}

bool
store_follows(block_t a, block_t b)
{
	return b == a + 1 && store_of(a) == store_of(b);
}

kern_return_t
store_read(block_t first, unsigned n, vm_offset_t *data, mach_msg_type_number_t *size)
{
	struct store *st = store_of(first);
	recnum_t at = (recnum_t)(first - st->st_base) * (BLOCK / st->st_record);
	io_buf_ptr_t got;
	kern_return_t kr;
	unsigned tries = 0;

	do {
		got = NULL;
		kr = device_read(st->st_device, 0, at, (int)(n * BLOCK), &got, size);
	} while (try_again(kr, &tries));
	if (kr == KERN_SUCCESS && *size != n * BLOCK) {
		vm_deallocate(mach_task_self(), (vm_address_t)got, *size);
		kr = KERN_FAILURE;
	}
	*data = (vm_offset_t)got;
	return kr;
}

kern_return_t
store_write(block_t first, unsigned n, vm_offset_t data)
{
	struct store *st = store_of(first);
	recnum_t at = (recnum_t)(first - st->st_base) * (BLOCK / st->st_record);
	unsigned tries = 0;
	int written = 0;
	kern_return_t kr;

	do
		kr = device_write(st->st_device, 0, at, (io_buf_ptr_t)data, n * BLOCK, &written);
	while (try_again(kr, &tries));
	return kr == KERN_SUCCESS && (unsigned)written != n * BLOCK ? KERN_FAILURE : kr;
}

void
store_space(uint64_t *blocks, uint64_t *unused, uint64_t *unpromised)
{
	*blocks = total;
	*unused = total - used;
	*unpromised = total - used - promised;
}
