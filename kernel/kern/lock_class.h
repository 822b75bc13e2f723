/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock classes and their ranks: the single total order of LOCKING.md as data.
 * A lock may be taken only when its rank is greater than that of every lock held
 * (equal ranks only where the class says LOCK_CLASS_MULTIPLE and the holder
 * orders by address). Sleep locks come before spin locks.
 */
#ifndef KERN_LOCK_CLASS_H
#define KERN_LOCK_CLASS_H

enum lock_rank {
	/* sleep locks */
	LOCK_RANK_PSETS = 10,		/* list of processor sets, assignments */
	LOCK_RANK_DEVICE = 20,
	LOCK_RANK_MAP = 30,		/* vm_map (multiple by address) */
	LOCK_RANK_KERNEL_MAP = 35,
	/* spin locks */
	LOCK_RANK_VM_CACHE = 40,	/* memory object cache and hash */
	LOCK_RANK_VM_OBJECT = 42,	/* vm_object (object before its shadow/copy) */
	LOCK_RANK_VM_AMAP = 44,		/* anonymous memory trees */
	LOCK_RANK_VM_ANON = 45,		/* pages of anonymous memory */
	LOCK_RANK_VM_SWAP = 46,		/* slots of swap space */
	LOCK_RANK_TASK_LIST = 48,
	LOCK_RANK_TASK = 50,
	LOCK_RANK_PSET = 52,
	LOCK_RANK_IPC_SPACE = 60,
	LOCK_RANK_IPC_TRANSIT = 62,	/* receive rights begin and end their way in messages */
	LOCK_RANK_IPC_PORT = 64,	/* multiple by address */
	LOCK_RANK_IPC_PSET = 66,
	LOCK_RANK_IPC_REQUEST = 67,	/* table of message-accepted requests */
	LOCK_RANK_GSYNC = 68,
	LOCK_RANK_RW_GUARD = 69,	/* the word inside a reader/writer lock */
	LOCK_RANK_VM_PAGEQ = 70,	/* active/inactive queues */
	LOCK_RANK_PMAP = 72,
	LOCK_RANK_PV = 74,
	LOCK_RANK_SLAB = 76,
	/* taken in interrupts: after every lock an interrupt may find held */
	LOCK_RANK_VM_FREE = 78,		/* free page lists */
	LOCK_RANK_DEVICE_IRQ = 80,	/* what a device interrupt leaves for its driver */
	LOCK_RANK_WAIT_HASH = 82,	/* assert_wait buckets */
	LOCK_RANK_THREAD = 84,
	LOCK_RANK_RUNQ = 86,
	LOCK_RANK_TIMER = 88,
	LOCK_RANK_CPU_CALL = 94,	/* cross-CPU calls, shootdown */
	LOCK_RANK_CONSOLE = 96,
	LOCK_RANK_DEBUG = 98,
};

#define LOCK_CLASS_MULTIPLE	0x1	/* several at once, in address order */
#define LOCK_CLASS_IRQ		0x2	/* taken in interrupt handlers: always with interrupts off */
#define LOCK_CLASS_NESTED	0x4	/* several at once, in an order of their own structure (LOCKING.md) */

struct lock_class {
	const char	*lc_name;
	int		 lc_rank;
	unsigned	 lc_flags;
};

#endif
