/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device interface: names, opening, and the routines of the device subsystem.
 *
 * A request that can not be answered at once is kept by its driver with the reply right and answered later by message; no
 * kernel thread waits for a device.
 * LOCKS   device_lock (sleep) for the list of devices while one is made.
 * RIGHTS  success and MIG_NO_REPLY consume the request's memory and rights, errors nothing.
 */
#include <device/device.h>
#include <device/device.server.h>
#include <device/input.h>
#include <ipc/port.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/traps.h>
#include <machine/copy.h>
#include <machine/cpu.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>

#define PIECE	1024u			/* of a write, on the kernel stack */

static const struct lock_class device_class = { "devices", LOCK_RANK_DEVICE, 0 };
static struct mutex device_lock;
static struct device *devices;
struct ipc_port *device_master_port;

static const struct device_ops *const drivers[] = {
	&console_ops, &com_ops, &kd_ops, &null_ops, &mem_ops, &time_ops, &mbinfo_ops, &kmsg_ops, &rd_ops, &counters_ops,
	&irq_ops, &kbd_ops, &mouse_ops,
#ifdef DEBUG
	&calls_ops,
#endif
};

void
device_init(void)
{
	mutex_init(&device_lock, &device_class);
	device_master_port = ipc_port_create_kernel(IKOT_MASTER_DEVICE, &device_master_port);
	if (device_master_port == IP_NULL)
		panic("no memory for the device master port");
	console_init();
	device_input_start();
	irq_init();
	memory_devices_init();
}

/* --- rights --- */

static void
ref_none(void *device)
{
	(void)device;
}

struct device *
convert_port_to_device(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_DEVICE, ref_none);
}

struct ipc_port *
convert_device_to_port(struct device *d)
{
	return d != NULL ? ipc_port_make_send(d->dv_port) : IP_NULL;
}

void
device_release(struct device *d)
{
	(void)d;
}

/* --- names --- */

/* "rd12" is driver rd, unit 12; no number means 0 */
static const struct device_ops *
driver_of(const char *name, unsigned *unit)
{
	size_t n = strnlen(name, DEV_NAME_MAX), letters = n;
	unsigned u = 0;

	while (letters > 0 && name[letters - 1] >= '0' && name[letters - 1] <= '9')
		letters--;
	if (n == DEV_NAME_MAX || n - letters > 4)
		return NULL;
	for (size_t i = letters; i < n; i++)
		u = u * 10 + (unsigned)(name[i] - '0');
	*unit = u;
	for (unsigned i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
		if (strlen(drivers[i]->do_name) == letters && strncmp(drivers[i]->do_name, name, letters) == 0)
			return drivers[i];
	return NULL;
}

/* => device_lock held */
static struct device *
device_find(const struct device_ops *ops, unsigned unit)
{
	struct device *d = devices;

	while (d != NULL && (d->dv_ops != ops || d->dv_unit != unit))
		d = d->dv_next;
	return d;
}

/* => no locks */
static void
device_no_senders(void *device, uint32_t mscount)
{
	struct device *d = device;
	bool still;

	(void)mscount;
	ipc_port_lock(d->dv_port);
	still = d->dv_port->ip_srights == 0;
	ipc_port_unlock(d->dv_port);
	if (still)
		d->dv_ops->do_closed(d);
}

/* => device_lock held */
static io_return_t
device_make(const struct device_ops *ops, unsigned unit, struct device **out)
{
	struct device *d;
	void *data = NULL;
	io_return_t kr = ops->do_open(unit, &data);

	if (kr != D_SUCCESS)
		return kr;
	d = kzalloc(sizeof *d);
	if (d == NULL)
		return D_NO_MEMORY;
	d->dv_ops = ops;
	d->dv_unit = unit;
	d->dv_data = data;
	d->dv_port = ipc_port_create_kernel(IKOT_DEVICE, d);
	if (d->dv_port == IP_NULL) {
		kfree(d, sizeof *d);
		return D_NO_MEMORY;
	}
	if (ops->do_closed != NULL)
		ipc_kobject_set_no_senders(d->dv_port, device_no_senders);
	d->dv_next = devices;
	devices = d;
	*out = d;
	return D_SUCCESS;
}

kern_return_t
ds_device_open(mach_port_t master, mach_port_t reply, mach_msg_type_name_t reply_type, dev_mode_t mode, dev_name_t name,
    mach_port_t *out)
{
	const struct device_ops *ops;
	struct device *d;
	unsigned unit;
	io_return_t kr = D_SUCCESS;

	(void)reply;
	(void)reply_type;
	(void)mode;
	if (ipc_kobject_lookup(master, IKOT_MASTER_DEVICE, ref_none) == NULL)
		return D_INVALID_OPERATION;
	ops = driver_of(name, &unit);
	if (ops == NULL)
		return D_NO_SUCH_DEVICE;
	mutex_lock(&device_lock);
	d = device_find(ops, unit);
	if (d == NULL)
		kr = device_make(ops, unit, &d);
	mutex_unlock(&device_lock);
	if (kr == D_SUCCESS)
		*out = convert_device_to_port(d);
	return kr;
}

kern_return_t
ds_device_close(device_t d)
{
	return d != NULL ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

/* --- reading --- */

static io_return_t
device_start_read(struct device *d, const struct device_read *r, const void **from, uint32_t *count, uint32_t *free)
{
	*from = NULL;
	*count = *free = 0;
	if (d == NULL)
		return D_NO_SUCH_DEVICE;
	if (d->dv_ops->do_read == NULL)
		return D_INVALID_OPERATION;
	return d->dv_ops->do_read(d, r, from, count, free);
}

kern_return_t
ds_device_read(device_t d, mach_port_t reply, mach_msg_type_name_t reply_type, dev_mode_t mode, recnum_t recnum,
    int wanted, io_buf_ptr_t *data, mach_msg_type_number_t *data_count)
{
	struct device_read r = { mode, recnum, (uint32_t)wanted, false, reply, reply_type };
	struct vm_map_copy *copy = NULL;
	const void *from;
	uint32_t count, free;
	io_return_t kr;

	if (wanted < 0)
		return D_INVALID_SIZE;
	kr = device_start_read(d, &r, &from, &count, &free);
	if (kr == D_IO_QUEUED)
		return MIG_NO_REPLY;
	if (kr == D_SUCCESS && count > 0 && vm_map_copy_from_kernel(from, count, &copy) != KERN_SUCCESS)
		kr = D_NO_MEMORY;
	if (free > 0)
		kfree((void *)(uintptr_t)from, free);
	if (kr == D_SUCCESS) {
		*data = (io_buf_ptr_t)copy;
		*data_count = count;
	}
	return kr;
}

kern_return_t
ds_device_read_inband(device_t d, mach_port_t reply, mach_msg_type_name_t reply_type, dev_mode_t mode, recnum_t recnum,
    int wanted, io_buf_ptr_inband_t data, mach_msg_type_number_t *data_count)
{
	struct device_read r = { mode, recnum, (uint32_t)wanted, true, reply, reply_type };
	const void *from;
	uint32_t count, free;
	io_return_t kr;

	if (wanted < 0)
		return D_INVALID_SIZE;
	if (r.dr_wanted > IO_INBAND_MAX)
		r.dr_wanted = IO_INBAND_MAX;
	kr = device_start_read(d, &r, &from, &count, &free);
	if (kr == D_IO_QUEUED)
		return MIG_NO_REPLY;
	if (kr == D_SUCCESS) {
		memcpy(data, from, count);
		*data_count = count;
	}
	if (free > 0)
		kfree((void *)(uintptr_t)from, free);
	return kr;
}

/* --- writing --- */

static io_return_t
device_can_write(struct device *d)
{
	if (d == NULL)
		return D_NO_SUCH_DEVICE;
	return d->dv_ops->do_write != NULL ? D_SUCCESS : D_INVALID_OPERATION;
}

kern_return_t
ds_device_write(device_t d, mach_port_t reply, mach_msg_type_name_t reply_type, dev_mode_t mode, recnum_t recnum,
    io_buf_ptr_t data, mach_msg_type_number_t data_count, int *written)
{
	struct vm_map_copy *copy = (struct vm_map_copy *)data;
	io_return_t kr = device_can_write(d);
	char piece[PIECE];

	(void)reply;
	(void)reply_type;
	(void)mode;
	if (data_count > INT32_MAX)
		return D_INVALID_SIZE;
	for (uint32_t at = 0; kr == D_SUCCESS && at < data_count; ) {
		uint32_t n = data_count - at < PIECE ? data_count - at : PIECE;

		kr = vm_map_copy_to_kernel(copy, at, piece, n);
		if (kr == KERN_SUCCESS)
			kr = d->dv_ops->do_write(d, recnum, at, piece, n);
		at += n;
	}
	if (kr != D_SUCCESS)
		return kr;
	vm_map_copy_discard(copy);
	*written = (int)data_count;
	return D_SUCCESS;
}

kern_return_t
ds_device_write_inband(device_t d, mach_port_t reply, mach_msg_type_name_t reply_type, dev_mode_t mode,
    recnum_t recnum, io_buf_ptr_inband_t data, mach_msg_type_number_t data_count, int *written)
{
	io_return_t kr = device_can_write(d);

	(void)reply;
	(void)reply_type;
	(void)mode;
	if (kr == D_SUCCESS)
		kr = d->dv_ops->do_write(d, recnum, 0, data, data_count);
	if (kr == D_SUCCESS)
		*written = (int)data_count;
	return kr;
}

/* the trap: data straight from the caller's memory */
static io_return_t
device_write_user(struct device *d, uint64_t recnum, uint64_t at, uint64_t data, uint64_t size)
{
	char piece[PIECE];
	io_return_t kr = D_SUCCESS;

	for (uint64_t done = 0; kr == D_SUCCESS && done < size; ) {
		uint32_t n = size - done < PIECE ? (uint32_t)(size - done) : PIECE;

		kr = copyin(data + done, piece, n);
		if (kr == KERN_SUCCESS)
			kr = d->dv_ops->do_write(d, recnum, at + done, piece, n);
		done += n;
		if (current_thread()->th_ast & AST_TERMINATE)
			break;
	}
	return kr;
}

static struct device *
device_from_name(mach_port_name_t name)
{
	return ipc_name_to_kobject(current_thread()->th_task->tk_space, name, IKOT_DEVICE, ref_none);
}

long
trap_device_write(mach_port_name_t name, mach_port_name_t reply, uint32_t mode, uint64_t recnum, uint64_t data,
    uint64_t size)
{
	struct device *d = device_from_name(name);
	io_return_t kr;

	(void)mode;
	if (d == NULL)
		return MACH_SEND_INTERRUPTED;
	if (reply != MACH_PORT_NAME_NULL)
		return MACH_SEND_INVALID_REPLY;
	kr = device_can_write(d);
	return kr == D_SUCCESS ? device_write_user(d, recnum, 0, data, size) : kr;
}

long
trap_device_writev(mach_port_name_t name, mach_port_name_t reply, uint32_t mode, uint64_t recnum, uint64_t vector,
    uint64_t count)
{
	struct device *d = device_from_name(name);
	io_return_t kr;
	uint64_t at = 0;

	(void)mode;
	if (d == NULL)
		return MACH_SEND_INTERRUPTED;
	if (reply != MACH_PORT_NAME_NULL)
		return MACH_SEND_INVALID_REPLY;
	if (count > 1024)
		return KERN_INVALID_VALUE;
	kr = device_can_write(d);
	for (uint64_t i = 0; kr == D_SUCCESS && i < count; i++) {
		io_buf_vec_t v;

		kr = copyin(vector + i * sizeof v, &v, sizeof v);
		if (kr == KERN_SUCCESS)
			kr = device_write_user(d, recnum, at, v.data, v.count);
		at += v.count;
	}
	return kr;
}

/* --- status, mapping --- */

kern_return_t
ds_device_set_status(device_t d, dev_flavor_t flavor, dev_status_t status, mach_msg_type_number_t count)
{
	if (d == NULL)
		return D_NO_SUCH_DEVICE;
	if (d->dv_ops->do_set_status == NULL)
		return D_INVALID_OPERATION;
	return d->dv_ops->do_set_status(d, flavor, status, count);
}

kern_return_t
ds_device_get_status(device_t d, dev_flavor_t flavor, dev_status_t status, mach_msg_type_number_t *count)
{
	if (d == NULL)
		return D_NO_SUCH_DEVICE;
	if (d->dv_ops->do_get_status == NULL)
		return D_INVALID_OPERATION;
	return d->dv_ops->do_get_status(d, flavor, status, count);
}

kern_return_t
ds_device_map(device_t d, vm_prot_t prot, vm_offset_t offset, vm_size_t size, mach_port_t *pager, int unmap)
{
	struct vm_object *object;
	unsigned cache = 0;
	uint64_t phys;
	io_return_t kr;

	(void)unmap;
	if (d == NULL)
		return D_NO_SUCH_DEVICE;
	if (d->dv_ops->do_map == NULL)
		return D_INVALID_OPERATION;
	if (offset % PAGE_SIZE != 0 || size == 0)
		return D_INVALID_SIZE;
	kr = d->dv_ops->do_map(d, prot, offset, size, &phys, &cache);
	if (kr != D_SUCCESS)
		return kr;
	object = vm_object_device(phys, page_round(size), cache, prot | VM_PROT_READ | VM_PROT_EXECUTE);
	if (object == NULL)
		return D_NO_MEMORY;
	*pager = vm_object_pager_port(object);
	if (*pager != IP_NULL)
		return D_SUCCESS;
	vm_object_release(object);
	return D_NO_MEMORY;
}

/* packet filters belong to network devices: there is none in the kernel */
kern_return_t
ds_device_set_filter(device_t d, mach_port_t port, int priority, filter_array_t filter, mach_msg_type_number_t count)
{
	(void)port;
	(void)priority;
	(void)filter;
	(void)count;
	return d == NULL ? D_NO_SUCH_DEVICE : D_INVALID_OPERATION;
}
