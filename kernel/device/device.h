/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A device: a driver's operations and a unit number, reached through a kernel port of kind IKOT_DEVICE. Devices
 *         are made at first open and stay for ever, so a converted device needs no reference.
 * Legend: (I) immutable.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <device/device_types.h>
#include <ipc/ipc.h>
#include <mach/vm_prot.h>

struct vm_map_copy;

/* a read or write; data and count as the request has them, inband or copied to the kernel piece by piece */
struct device_read {
	uint32_t	 dr_mode;
	uint64_t	 dr_recnum;
	uint32_t	 dr_wanted;		/* bytes */
	bool		 dr_inband;
	struct ipc_port	*dr_reply;		/* right for a later answer */
	unsigned	 dr_reply_type;
};

/* where a read puts what it got: a kernel buffer, or memory of the kernel's copied from directly */
struct device_ops {
	const char	*do_name;
	/* => D_SUCCESS when the unit exists; *data is the driver's own for it */
	io_return_t	 (*do_open)(unsigned unit, void **data);
	/* => D_SUCCESS with *from (kernel memory that stays) and *count set, D_IO_QUEUED when the driver answers later (it has
	   dr_reply then), or an error; *free: to be kfree'd (bytes) after use, 0 none */
	io_return_t	 (*do_read)(struct device *, const struct device_read *, const void **from, uint32_t *count,
			    uint32_t *free);
	/* => the last right to the device went; it may be opened again at once */
	void		 (*do_closed)(struct device *);
	/* => called for each piece in order; at is the byte offset in the whole write */
	io_return_t	 (*do_write)(struct device *, uint64_t recnum, uint64_t at, const void *from, uint32_t count);
	io_return_t	 (*do_get_status)(struct device *, dev_flavor_t, int *status, uint32_t *count);
	io_return_t	 (*do_set_status)(struct device *, dev_flavor_t, const int *status, uint32_t count);
	/* => physical range to map; prot is the most its mappings will get, and execution */
	io_return_t	 (*do_map)(struct device *, vm_prot_t prot, uint64_t offset, uint64_t size, uint64_t *phys,
			    unsigned *cache);
};

struct device {
	struct device	*dv_next;		/* (I) once on the list */
	const struct device_ops *dv_ops;	/* (I) */
	unsigned	 dv_unit;		/* (I) */
	void		*dv_data;		/* (I) the driver's */
	struct ipc_port	*dv_port;		/* (I) */
};

extern struct ipc_port *device_master_port;

extern const struct device_ops console_ops, com_ops, kd_ops, null_ops, mem_ops, time_ops, mbinfo_ops, kmsg_ops, rd_ops,
    counters_ops, calls_ops, irq_ops, kbd_ops, mouse_ops;

/* the console's operations, for its other names */
io_return_t console_read(struct device *, const struct device_read *, const void **from, uint32_t *count, uint32_t *free);
io_return_t console_write(struct device *, uint64_t recnum, uint64_t at, const void *from, uint32_t count);
io_return_t console_get_status(struct device *, dev_flavor_t, int *status, uint32_t *count);
io_return_t console_set_status(struct device *, dev_flavor_t, const int *status, uint32_t count);

void	device_init(void);
void	console_init(void);
void	irq_init(void);
void	memory_devices_init(void);
/* a port that was watched has died, perhaps a driver's; any context without locks */
void	irq_port_died(void);
/* => a key typed on the console, waiting for it; only before somebody reads the console device */
int	console_getc(void);

/* answers to queued reads; consume the right */
void	device_reply_read(struct ipc_port *reply, unsigned type, bool inband, io_return_t, const void *data, uint32_t count);

#endif
