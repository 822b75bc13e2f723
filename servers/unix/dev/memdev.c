/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices that are only memory: null, zero, full, random, urandom, kmsg.
 *
 * LOCKS    random_lock
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "dev.h"
#include "memdev.h"
#include "../protocol/unix_protocol.h"
#include "../system.h"

enum { MEM_NULL = 3, MEM_ZERO = 5, MEM_FULL = 7, MEM_RANDOM = 8, MEM_URANDOM = 9, MEM_KMSG = 11 };

static const struct item_ops mem_ops;
static struct dev_item mem_devices[6];
static const uint32_t mem_minors[6] = {
	MEM_NULL, MEM_ZERO, MEM_FULL, MEM_RANDOM, MEM_URANDOM, MEM_KMSG,
};

/* ---- ChaCha20 as a generator: key from the processor's counter and RDRAND where it is ---- */

static struct mutex random_lock = MUTEX_INITIALIZER;
static uint32_t random_state[16];
static bool random_seeded;

#define ROTL(x, n)	((x) << (n) | (x) >> (32 - (n)))

static void
quarter(uint32_t *s, int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = ROTL(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = ROTL(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = ROTL(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = ROTL(s[b] ^ s[c], 7);
}

static void
random_block(uint32_t *out)
{
	uint32_t x[16];
	int i;

	memcpy(x, random_state, sizeof(x));
	for (i = 0; i < 10; i++) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 1, 5, 9, 13);
		quarter(x, 2, 6, 10, 14);
		quarter(x, 3, 7, 11, 15);
		quarter(x, 0, 5, 10, 15);
		quarter(x, 1, 6, 11, 12);
		quarter(x, 2, 7, 8, 13);
		quarter(x, 3, 4, 9, 14);
	}
	for (i = 0; i < 16; i++)
		out[i] = x[i] + random_state[i];
	if (++random_state[12] == 0)
		random_state[13]++;
}

static bool
has_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (c >> 30) & 1;
}

static void
random_seed(void)
{
	bool rdrand = has_rdrand();
	uint64_t v;
	int i;

	memcpy(random_state, "expand 32-byte k", 16);
	for (i = 4; i < 16; i += 2) {
		v = __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15ULL ^ (uint64_t)clock_realtime();
		if (rdrand) {
			uint64_t r;

			__asm__ volatile("rdrand %0" : "=r"(r) : : "cc");
			v ^= r;
		}
		memcpy(&random_state[i], &v, sizeof(v));
	}
	random_seeded = true;
}

void
random_bytes(void *data, size_t size)
{
	uint8_t *p = data;
	uint32_t block[16];
	size_t n;

	mutex_lock(&random_lock);
	if (!random_seeded)
		random_seed();
	while (size > 0) {
		random_block(block);
		n = size < sizeof(block) ? size : sizeof(block);
		memcpy(p, block, n);
		p += n;
		size -= n;
	}
	/* What was given out cannot be computed back from the state. */
	random_block(block);
	memcpy(&random_state[4], block, 32);
	mutex_unlock(&random_lock);
}

/* ---- the devices ---- */

static int64_t
mem_read(struct file *file, void *data, size_t size, int64_t *offset, uint32_t flags)
{
	(void)offset;
	(void)flags;
	switch (lx_minor(((struct dev_item *)file->f_item)->d_rdev)) {
	case MEM_ZERO:
	case MEM_FULL:
		memset(data, 0, size);
		return (int64_t)size;
	case MEM_RANDOM:
	case MEM_URANDOM:
		random_bytes(data, size);
		return (int64_t)size;
	default:
		return 0;
	}
}

static int64_t
mem_write(struct file *file, const void *data, size_t size, int64_t *offset, uint32_t flags)
{
	(void)offset;
	(void)flags;
	switch (lx_minor(((struct dev_item *)file->f_item)->d_rdev)) {
	case MEM_FULL:
		return -LX_ENOSPC;
	case MEM_KMSG:
		system_log("%.*s", (int)(size > 1000 ? 1000 : size), (const char *)data);
		return (int64_t)size;
	default:
		return (int64_t)size;
	}
}

static int64_t
mem_seek(struct file *file, int64_t offset, int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return 0;
}

/* Mapping zero is mapping fresh memory: a null object is zero-filled. */
static int
mem_map(struct item *item, vm_prot_t prot, mach_port_t *object)
{
	(void)prot;
	if (lx_minor(((struct dev_item *)item)->d_rdev) != MEM_ZERO)
		return -LX_ENODEV;
	*object = MACH_PORT_NULL;
	return 0;
}

static const struct item_ops mem_ops = {
	.io_name = "memory device",
	.io_release = dev_release,
	.io_read = mem_read,
	.io_write = mem_write,
	.io_seek = mem_seek,
	.io_map = mem_map,
	.io_getattr = dev_getattr,
	.io_setattr = dev_setattr,
	.io_path = dev_path,
};

void
memdev_start(void)
{
	size_t i;

	for (i = 0; i < sizeof(mem_devices) / sizeof(mem_devices[0]); i++) {
		item_init(&mem_devices[i].d_item, &mem_ops, LX_S_IFCHR, 0);
		mem_devices[i].d_item.i_local = mem_minors[i] == MEM_NULL ? UNIX_FD_NULL :
		    mem_minors[i] == MEM_ZERO ? UNIX_FD_ZERO : 0;
		mem_devices[i].d_rdev = lx_makedev(1, mem_minors[i]);
		mem_devices[i].d_mode = 0666;
		dev_register(&mem_devices[i]);
	}
}
