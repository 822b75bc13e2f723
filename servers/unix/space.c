/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces: the tasks of processes, and the template every fresh one is copied from.
 *
 * OBJECT   struct space.  The template is a task that never runs: low guard, emulation library,
 *          time and system page, emulation vector, exception port.  A new program starts in a
 *          copy-inheriting child of it, so a library that a program scribbled over never survives
 *          exec, and exec pays one call for all of this.
 * REFS     processes, a fork in progress; a vfork child shares its parent's.  Whoever puts the last
 *          reference destroys the space, without locks: taking a large task apart takes time.
 * LOCKS    process_lock for counts.
 * RIGHTS   sp_task: one send right.
 */
#include <stdlib.h>
#include <string.h>
#include <device/device.h>
#include <mach/task_special_ports.h>
#include "elf.h"
#include "process.h"
#include "system.h"

#define EMUL_FIXUPS	512

struct unix_emul_header emul_header;
static struct unix_fixup emul_fixups[EMUL_FIXUPS];
static unsigned int emul_fixup_count;
static mach_port_t space_template;
mach_port_t exception_port;

bool
emul_contains(uint64_t rip)
{
	return rip >= emul_header.ue_text_start && rip < emul_header.ue_text_end;
}

uint64_t
emul_fixup(uint64_t rip)
{
	unsigned int i;

	for (i = 0; i < emul_fixup_count; i++) {
		if (rip >= emul_fixups[i].uf_start && rip < emul_fixups[i].uf_end)
			return emul_fixups[i].uf_target;
	}
	return 0;
}

/* One PT_LOAD of the library, copied into the template. */
static int
space_load_segment(const char *image, const struct elf_segment *segment)
{
	vm_address_t start = segment->es_address & ~0xfffull;
	vm_size_t size = ((segment->es_address + segment->es_memory_size + 0xfff) & ~0xfffull) -
	    start;
	vm_address_t address = start;
	char *pages;
	kern_return_t kr;

	if (start < UNIX_EMUL_IMAGE || start + size > UNIX_EMUL_TIME)
		return -LX_ENOEXEC;
	pages = aligned_alloc(4096, size);
	if (pages == NULL)
		return -LX_ENOMEM;
	memset(pages, 0, size);
	memcpy(pages + (segment->es_address - start), image + segment->es_offset,
	    segment->es_file_size);
	kr = vm_allocate(space_template, &address, size, FALSE);
	if (kr == KERN_SUCCESS)
		kr = vm_write(space_template, address, (vm_offset_t)pages, size);
	if (kr == KERN_SUCCESS)
		kr = vm_protect(space_template, address, size, FALSE, segment->es_prot);
	free(pages);
	return kr == KERN_SUCCESS ? 0 : -LX_ENOMEM;
}

/* Bytes of the image at a virtual address, or null. */
static const void *
space_image_at(const char *image, const struct elf_image *elf, uint64_t address, size_t size)
{
	int i;

	for (i = 0; i < elf->ei_segments; i++) {
		const struct elf_segment *segment = &elf->ei_segment[i];

		if (address >= segment->es_address &&
		    address + size <= segment->es_address + segment->es_file_size)
			return image + segment->es_offset + (address - segment->es_address);
	}
	return NULL;
}

static int
space_load_library(const char *image, size_t size)
{
	struct elf_image elf;
	const void *from;
	uint64_t fixups;
	int error, i;

	error = elf_parse(image, size, size, &elf);
	for (i = 0; error == 0 && i < elf.ei_segments; i++)
		error = space_load_segment(image, &elf.ei_segment[i]);
	if (error != 0)
		return error;
	from = space_image_at(image, &elf, UNIX_EMUL_IMAGE, sizeof(emul_header));
	if (from == NULL)
		return -LX_ENOEXEC;
	memcpy(&emul_header, from, sizeof(emul_header));
	if (emul_header.ue_magic != UNIX_EMUL_MAGIC ||
	    emul_header.ue_version != UNIX_EMUL_VERSION)
		return -LX_ENOEXEC;
	fixups = emul_header.ue_fixups_end - emul_header.ue_fixups;
	emul_fixup_count = fixups / sizeof(struct unix_fixup);
	if (emul_fixup_count > EMUL_FIXUPS)
		return -LX_ENOEXEC;
	if (emul_fixup_count == 0)
		return 0;
	from = space_image_at(image, &elf, emul_header.ue_fixups, fixups);
	if (from == NULL)
		return -LX_ENOEXEC;
	memcpy(emul_fixups, from, fixups);
	return 0;
}

/* Map the whole of a device (a boot module) and load the library from it. */
static int
space_load_device(const char *name)
{
	mach_port_t device, pager;
	int status[2];
	mach_msg_type_number_t count = 2;
	vm_address_t address = 0;
	dev_name_t device_name;
	kern_return_t kr;
	int error;

	memset(device_name, 0, sizeof(device_name));
	strncpy(device_name, name, sizeof(device_name) - 1);
	kr = device_open(device_master, D_READ, device_name, &device);
	if (kr != KERN_SUCCESS)
		return -LX_ENOENT;
	kr = device_get_status(device, DEV_GET_SIZE, status, &count);
	if (kr == KERN_SUCCESS)
		kr = device_map(device, VM_PROT_READ, 0, (unsigned int)status[0], &pager, 0);
	if (kr == KERN_SUCCESS)
		kr = vm_map(mach_task_self(), &address, ((unsigned int)status[0] + 4095) & ~4095u, 0, TRUE,
		    pager, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE);
	if (kr != KERN_SUCCESS)
		return -LX_EIO;
	error = space_load_library((const char *)address, (unsigned int)status[0]);
	vm_deallocate(mach_task_self(), address, (unsigned int)status[0]);
	mach_port_deallocate(mach_task_self(), pager);
	mach_port_deallocate(mach_task_self(), device);
	return error;
}

static int
space_map_fixed(mach_port_t object, uint64_t offset, vm_address_t address, vm_size_t size)
{
	kern_return_t kr;

	kr = vm_map(space_template, &address, size, 0, FALSE, object, offset, FALSE,
	    VM_PROT_READ, VM_PROT_READ, VM_INHERIT_SHARE);
	return kr == KERN_SUCCESS ? 0 : -LX_ENOMEM;
}

static int
space_map_time(void)
{
	dev_name_t name = "time";
	mach_port_t device, pager;

	if (device_open(device_master, D_READ, name, &device) != KERN_SUCCESS)
		return -LX_ENODEV;
	if (device_map(device, VM_PROT_READ, 0, 4096, &pager, 0) != KERN_SUCCESS)
		return -LX_ENODEV;
	return space_map_fixed(pager, 0, UNIX_EMUL_TIME, 4096);
}

static int
space_set_vector(void)
{
	static vm_offset_t vector[SPACE_EMUL_CALLS];
	unsigned int i;

	for (i = 0; i < SPACE_EMUL_CALLS; i++)
		vector[i] = emul_header.ue_syscall;
	return task_set_emulation_vector(space_template, 0, vector, SPACE_EMUL_CALLS) == KERN_SUCCESS ?
	    0 : -LX_ENOSYS;
}

/* The first thread's block: zeros, the lowest page closed. */
static kern_return_t
space_allocate_block(void)
{
	vm_address_t address = UNIX_EMUL_BLOCKS;
	kern_return_t kr;

	kr = vm_allocate(space_template, &address, UNIX_BLOCK_SIZE, FALSE);
	if (kr == KERN_SUCCESS)
		kr = vm_protect(space_template, address, vm_page_size, FALSE, VM_PROT_NONE);
	return kr;
}

int
space_start(const char *emul_device)
{
	vm_address_t low = 0;
	kern_return_t kr;
	int error;

	kr = task_create(mach_task_self(), FALSE, &space_template);
	if (kr == KERN_SUCCESS)
		kr = task_set_special_port(space_template, TASK_EXCEPTION_PORT, exception_port);
	if (kr == KERN_SUCCESS)
		kr = vm_allocate(space_template, &low, UNIX_LOW_END, FALSE);
	if (kr == KERN_SUCCESS)
		kr = vm_protect(space_template, 0, UNIX_LOW_END, TRUE, VM_PROT_NONE);
	if (kr == KERN_SUCCESS)
		kr = space_allocate_block();
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	task_set_special_port(space_template, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL);
	error = space_load_device(emul_device);
	if (error == 0)
		error = space_set_vector();
	if (error == 0)
		error = space_map_time();
	if (error == 0)
		error = space_map_fixed(share_object(), 0, UNIX_EMUL_SYSTEM, 4096);
	return error;
}

static int
space_new(mach_port_t parent_task, struct space **out)
{
	struct space *space = calloc(1, sizeof(*space));

	if (space == NULL)
		return -LX_ENOMEM;
	if (task_create(parent_task, TRUE, &space->sp_task) != KERN_SUCCESS) {
		free(space);
		return -LX_ENOMEM;
	}
	space->sp_refs = 1;
	*out = space;
	return 0;
}

int
space_create(struct space **out)
{
	return space_new(space_template, out);
}

int
space_fork(struct space *parent, struct space **out)
{
	struct space *space;
	mach_port_t task;
	int error;

	error = space_new(parent->sp_task, &space);
	if (error != 0)
		return error;
	task = space->sp_task;
	*space = *parent;
	space->sp_task = task;
	space->sp_refs = 1;
	space->sp_vfork_places = 0;
	*out = space;
	return 0;
}

struct space *
space_put(struct space *space)
{
	return --space->sp_refs == 0 ? space : NULL;
}

void
space_destroy(struct space *space)
{
	if (space == NULL)
		return;
	kernel_insist(task_terminate, space->sp_task);
	mach_port_deallocate(mach_task_self(), space->sp_task);
	free(space);
}

int
space_map_share(struct space *space, struct process *process, uint64_t address)
{
	vm_address_t place = address;
	kern_return_t kr;

	kr = vm_map(space->sp_task, &place, UNIX_SHARE_SIZE, 0, FALSE, share_object(),
	    share_offset(process->p_share_index), FALSE, VM_PROT_READ | VM_PROT_WRITE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE);
	if (kr != KERN_SUCCESS)
		return -LX_ENOMEM;
	process->p_share_address = address;
	return 0;
}
