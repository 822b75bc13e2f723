/* SPDX-License-Identifier: BSD-2-Clause */
/* MultiProcessor Specification tables: used when there is no ACPI. */
#include <kern/string.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <plat/pc.h>

struct mp_config {
	char signature[4];
	uint16_t length;
	uint8_t revision, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_length, entries;
	uint32_t lapic, reserved;
} __attribute__((packed));

static const uint8_t *find_pointer(uint64_t start, uint64_t end)
{
	for (uint64_t pa = start; pa + 16 <= end; pa += 16) {
		const uint8_t *p = phys_to_kv(pa);
		uint8_t sum = 0;

		for (int i = 0; i < 16; i++)
			sum += p[i];
		if (memcmp(p, "_MP_", 4) == 0 && sum == 0)
			return p;
	}
	return NULL;
}

static uint8_t isa_bus = 0xff;

static unsigned parse_entry(const uint8_t *p)
{
	switch (p[0]) {
	case 0:
		if (p[3] & 1)
			plat_add_cpu(p[1]);
		return 20;
	case 1:
		if (memcmp(p + 2, "ISA", 3) == 0)
			isa_bus = p[1];
		return 8;
	case 2:
		if (p[3] & 1)
			ioapic_add(*(const uint32_t *)(p + 4), 0);
		return 8;
	case 3:
		if (p[1] == 0 && p[4] == isa_bus)
			ioapic_override(p[5], p[7], (p[2] & 0xc) == 0xc, (p[2] & 3) == 3);
		return 8;
	}
	return 8;
}

bool mptable_find(void)
{
	const uint8_t *fp = find_pointer(0x9fc00, 0xa0000), *p;
	const struct mp_config *c;
	uint32_t pa;

	if (fp == NULL)
		fp = find_pointer(0xf0000, 0x100000);
	if (fp == NULL)
		return false;
	memcpy(&pa, fp + 4, sizeof pa);
	if (pa == 0)
		return false;
	c = pmap_map_physical(pa, 65536, false);
	if (c == NULL || memcmp(c->signature, "PCMP", 4) != 0)
		return false;
	lapic_phys = c->lapic;
	p = (const uint8_t *)(c + 1);
	for (unsigned i = 0; i < c->entries && p < (const uint8_t *)c + c->length; i++)
		p += parse_entry(p);
	return true;
}
