/* SPDX-License-Identifier: BSD-2-Clause */
/* Status flavour of the irq device. */
#ifndef DEVICE_IRQ_STATUS_H
#define DEVICE_IRQ_STATUS_H

#define IRQGETPICMODE		0

#endif
