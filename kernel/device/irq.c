/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts delivered to user drivers: device "irq".
 *
 * OBJECT  irq_client: a port that hears of one line. STATES  idle -> fired (line masked, notification to be sent) -> told
 *         (waits for device_intr_ack) -> idle. The line is unmasked when no client of it is fired or told.
 * LOCKS   irq_client_lock (spin, interrupts off). Messages are sent by the irq thread.
 * RIGHTS  registering keeps the send right; acknowledging consumes its own.
 */
#include <device/device.h>
#include <device/device.server.h>
#include <device/irq_status.h>
#include <device/notify.h>
#include <ipc/port.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <machine/trap.h>

enum client_state { CLIENT_IDLE, CLIENT_FIRED, CLIENT_TOLD };

struct irq_client {
	struct queue	 ic_link;
	unsigned	 ic_irq;
	struct ipc_port	*ic_port;	/* a send right */
	enum client_state ic_state;
};

static const struct lock_class irq_client_class = { "irq clients", LOCK_RANK_DEVICE_IRQ, LOCK_CLASS_IRQ };
static struct spinlock irq_client_lock = SPIN_LOCK_INITIALIZER(&irq_client_class);
static struct queue clients = { &clients, &clients };

/* interrupt context */
static void
irq_fired(unsigned irq, void *arg)
{
	unsigned long flags;
	struct queue *q;

	(void)arg;
	irq_mask(irq);
	flags = spin_lock_irq(&irq_client_lock);
	queue_for_each(q, &clients) {
		struct irq_client *c = queue_entry(q, struct irq_client, ic_link);

		if (c->ic_irq == irq && c->ic_state == CLIENT_IDLE)
			c->ic_state = CLIENT_FIRED;
	}
	spin_unlock_irq(&irq_client_lock, flags);
	thread_wakeup(&clients);
}

/* => irq_client_lock held */
static bool
line_busy(unsigned irq)
{
	struct queue *q;

	queue_for_each(q, &clients) {
		struct irq_client *c = queue_entry(q, struct irq_client, ic_link);

		if (c->ic_irq == irq && c->ic_state != CLIENT_IDLE)
			return true;
	}
	return false;
}

static void
irq_notify(struct ipc_port *port, unsigned irq)
{
	device_intr_notification_t m;

	memset(&m, 0, sizeof m);
	m.intr_header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0);
	m.intr_header.msgh_size = sizeof m;
	m.intr_header.msgh_remote_port = port;
	m.intr_header.msgh_id = DEVICE_INTR_NOTIFY;
	m.intr_type = (mach_msg_type_t){
		.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = 1,
	};
	m.id = (int)irq;
	(void)ipc_kernel_send(&m.intr_header, sizeof m);
}

/* => next client to be told, marked so; dead ones are taken off the list (*dead) */
static bool
irq_next(unsigned *irq, struct ipc_port **port, struct irq_client **dead)
{
	unsigned long flags = spin_lock_irq(&irq_client_lock);
	bool found = false;
	struct queue *q;

	*dead = NULL;
	queue_for_each(q, &clients) {
		struct irq_client *c = queue_entry(q, struct irq_client, ic_link);

		if (c->ic_state != CLIENT_FIRED)
			continue;
		found = true;
		*irq = c->ic_irq;
		c->ic_state = CLIENT_TOLD;
		if (!ipc_port_alive(c->ic_port)) {
			queue_remove(&c->ic_link);
			*dead = c;
		} else
			*port = c->ic_port;
		break;
	}
	spin_unlock_irq(&irq_client_lock, flags);
	return found;
}

static void
irq_unmask_if_idle(unsigned irq)
{
	unsigned long flags = spin_lock_irq(&irq_client_lock);
	bool busy = line_busy(irq);

	spin_unlock_irq(&irq_client_lock, flags);
	if (!busy)
		irq_unmask(irq);
}

static void
irq_thread(void *arg)
{
	struct ipc_port *port = IP_NULL;
	struct irq_client *dead;
	unsigned irq;

	(void)arg;
	for (;;) {
		assert_wait(&clients, false);
		while (irq_next(&irq, &port, &dead)) {
			if (dead == NULL) {
				irq_notify(ipc_port_copy_send(port), irq);
				continue;
			}
			ipc_port_release_send(dead->ic_port);
			kfree(dead, sizeof *dead);
			irq_unmask_if_idle(irq);
		}
		thread_block(NULL);
	}
}

void
irq_init(void)
{
	kernel_thread("irq", irq_thread, NULL, PRI_BEST);
}

static io_return_t
irq_open(unsigned unit, void **data)
{
	(void)data;
	return unit == 0 ? D_SUCCESS : D_NO_SUCH_DEVICE;
}

static io_return_t
irq_status(struct device *d, dev_flavor_t flavor, int *out, uint32_t *count)
{
	(void)d;
	if (flavor != IRQGETPICMODE || *count < 1)
		return D_INVALID_OPERATION;
	out[0] = 1;			/* IO-APIC */
	*count = 1;
	return D_SUCCESS;
}

const struct device_ops irq_ops = { .do_name = "irq", .do_open = irq_open, .do_get_status = irq_status };

kern_return_t
ds_device_intr_register(device_t d, int id, int flags, mach_port_t port)
{
	struct irq_client *c;
	unsigned long irqs;
	struct queue *q;
	bool known = false;

	(void)flags;
	if (d == NULL || d->dv_ops != &irq_ops)
		return D_INVALID_OPERATION;
	if (id < 0 || !IP_VALID(port))
		return D_INVALID_OPERATION;
	c = kzalloc(sizeof *c);
	if (c == NULL)
		return D_NO_MEMORY;
	c->ic_irq = irq_from_isa((unsigned)id);
	c->ic_port = port;
	irqs = spin_lock_irq(&irq_client_lock);
	queue_for_each(q, &clients)
		known = known || queue_entry(q, struct irq_client, ic_link)->ic_irq == c->ic_irq;
	queue_push_tail(&clients, &c->ic_link);
	spin_unlock_irq(&irq_client_lock, irqs);
	/* the handler stays for ever: a line whose clients are gone stays masked */
	if (!known && !irq_register(c->ic_irq, irq_fired, NULL)) {
		irqs = spin_lock_irq(&irq_client_lock);
		queue_remove(&c->ic_link);
		spin_unlock_irq(&irq_client_lock, irqs);
		kfree(c, sizeof *c);
		return D_ALREADY_OPEN;
	}
	irq_unmask_if_idle(c->ic_irq);
	return D_SUCCESS;
}

kern_return_t
ds_device_intr_ack(device_t d, mach_port_t port)
{
	unsigned irq = 0;
	bool found = false;
	unsigned long flags;
	struct queue *q;

	if (d == NULL || d->dv_ops != &irq_ops)
		return D_INVALID_OPERATION;
	flags = spin_lock_irq(&irq_client_lock);
	queue_for_each(q, &clients) {
		struct irq_client *c = queue_entry(q, struct irq_client, ic_link);

		if (c->ic_port == port && c->ic_state == CLIENT_TOLD) {
			c->ic_state = CLIENT_IDLE;
			irq = c->ic_irq;
			found = true;
		}
	}
	spin_unlock_irq(&irq_client_lock, flags);
	if (!found)
		return D_INVALID_OPERATION;
	irq_unmask_if_idle(irq);
	ipc_port_release_send(port);
	return D_SUCCESS;
}
