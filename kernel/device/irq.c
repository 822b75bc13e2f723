/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts delivered to user drivers: device "irq".
 *
 * OBJECT  irq_client: a port that hears of one line. STATES  idle -> fired (line masked, notification to be sent) -> told
 *         (waits for device_intr_ack) -> idle. The line is unmasked when no client of it is fired or told. A client whose port
 *         dies is dropped by the irq thread: a dead driver holds up nobody on its line.
 * LOCKS   irq_client_lock (spin, interrupts off). Messages are sent, and clients dropped, by the irq thread alone.
 * RIGHTS  registering keeps the send right; acknowledging consumes its own.
 * TESTS   tests/boot/user_driver.c
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

#define CLIENTS_MAX	256u		/* a driver that registers again and again takes no more memory than this */

enum client_state { CLIENT_IDLE, CLIENT_FIRED, CLIENT_TOLD };

struct irq_client {
	struct queue	 ic_link;
	unsigned	 ic_irq;	/* line */
	int		 ic_id;		/* as registered */
	struct ipc_port	*ic_port;	/* a send right */
	enum client_state ic_state;
};

static const struct lock_class irq_client_class = { "irq clients", LOCK_RANK_DEVICE_IRQ, LOCK_CLASS_IRQ };
static struct spinlock irq_client_lock = SPIN_LOCK_INITIALIZER(&irq_client_class);
static struct queue clients = { &clients, &clients };
static unsigned client_count;
static bool line_ours[VECTOR_IRQ_COUNT];	/* our handler is there; under the lock, too */

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
irq_notify(struct ipc_port *port, int id)
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
	m.id = id;
	(void)ipc_kernel_send(&m.intr_header, sizeof m);
}

/* => a client whose port died, off the list; else one to be told, marked so (*dead false); NULL: nothing to do */
static struct irq_client *
irq_next(bool *dead)
{
	unsigned long flags = spin_lock_irq(&irq_client_lock);
	struct irq_client *found = NULL;
	struct queue *q;

	*dead = false;
	queue_for_each(q, &clients) {
		struct irq_client *c = queue_entry(q, struct irq_client, ic_link);

		if (!ipc_port_alive(c->ic_port)) {
			*dead = true;
			found = c;
			break;
		}
		if (found == NULL && c->ic_state == CLIENT_FIRED)
			found = c;
	}
	if (*dead) {
		queue_remove(&found->ic_link);
		client_count--;
	} else if (found != NULL) {
		found->ic_state = CLIENT_TOLD;
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

void
irq_port_died(void)
{
	thread_wakeup(&clients);
}

static void
irq_go_on(void)
{
	struct irq_client *c;
	bool dead;

	assert_wait(&clients, false);
	while ((c = irq_next(&dead)) != NULL) {
		if (!dead) {
			irq_notify(ipc_port_copy_send(c->ic_port), c->ic_id);
			continue;
		}
		irq_unmask_if_idle(c->ic_irq);
		ipc_port_release_send(c->ic_port);
		kfree(c, sizeof *c);
	}
	thread_block(irq_go_on);
}

static void
irq_thread(void *arg)
{
	(void)arg;
	irq_go_on();
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

/* => false: the line is the kernel's own, or there is none. The handler stays for ever: a line whose clients are gone stays masked */
static bool
line_take(unsigned irq)
{
	unsigned long flags;
	bool ours;

	if (irq >= VECTOR_IRQ_COUNT)
		return false;
	flags = spin_lock_irq(&irq_client_lock);
	if (!line_ours[irq])
		line_ours[irq] = irq_register(irq, irq_fired, NULL);
	ours = line_ours[irq];
	spin_unlock_irq(&irq_client_lock, flags);
	return ours;
}

kern_return_t
ds_device_intr_register(device_t d, int id, int flags, mach_port_t port)
{
	struct irq_client *c;
	unsigned long irqs;
	unsigned irq;
	bool room;

	(void)flags;
	if (d == NULL || d->dv_ops != &irq_ops || id < 0 || !IP_VALID(port) || !ipc_port_watch_death(port))
		return D_INVALID_OPERATION;
	irq = irq_from_isa((unsigned)id);
	c = kzalloc(sizeof *c);
	if (c == NULL)
		return D_NO_MEMORY;
	if (!line_take(irq)) {
		kfree(c, sizeof *c);
		return D_ALREADY_OPEN;
	}
	*c = (struct irq_client){ .ic_irq = irq, .ic_id = id, .ic_port = port };
	irqs = spin_lock_irq(&irq_client_lock);
	room = client_count < CLIENTS_MAX;
	if (room) {
		queue_push_tail(&clients, &c->ic_link);
		client_count++;
	}
	spin_unlock_irq(&irq_client_lock, irqs);
	thread_wakeup(&clients);		/* it may have died before it was on the list */
	if (!room) {
		kfree(c, sizeof *c);
		return D_NO_MEMORY;
	}
	irq_unmask_if_idle(irq);
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
