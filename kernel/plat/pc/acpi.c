/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The static ACPI tables: processors, IO-APICs and overrides (MADT), HPET, reset and power-off registers (FADT, and
 * the _S5_ package in the DSDT read by pattern, no interpreter). Tables are checked before use: lengths and sums
 * come from firmware and are not trusted.
 */
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <plat/pc.h>

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

#define MAX_TABLE	(1u << 20)

static const struct acpi_header *fadt;
static uint64_t hpet_address;
static uint16_t pm1a_control, pm1b_control;
static int sleep_type_a = -1, sleep_type_b;

static bool sum_is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (n-- > 0)
		sum += *b++;
	return sum == 0;
}

static const struct acpi_header *map_table(uint64_t pa)
{
	const struct acpi_header *h;

	if (pa == 0)
		return NULL;
	h = pmap_map_physical(pa, sizeof *h, false);
	if (h == NULL || h->length < sizeof *h || h->length > MAX_TABLE)
		return NULL;
	h = pmap_map_physical(pa, h->length, false);
	return h != NULL && sum_is_zero(h, h->length) ? h : NULL;
}

static const struct rsdp *rsdp_at(uint64_t pa)
{
	const struct rsdp *r = phys_to_kv(pa);

	return memcmp(r->signature, "RSD PTR ", 8) == 0 && sum_is_zero(r, 20) ? r : NULL;
}

static const struct rsdp *find_rsdp_in(uint64_t start, uint64_t end)
{
	const struct rsdp *r = NULL;

	for (uint64_t pa = start & ~15ull; r == NULL && pa + sizeof(struct rsdp) <= end; pa += 16)
		r = rsdp_at(pa);
	return r;
}

static const struct rsdp *find_rsdp(void)
{
	uint64_t ebda = (uint64_t)*(uint16_t *)phys_to_kv(0x40e) << 4;
	const struct rsdp *r = NULL;

	if (boot_rsdp != 0)
		r = rsdp_at(boot_rsdp);
	if (r == NULL && ebda >= 0x80000 && ebda < 0xa0000)
		r = find_rsdp_in(ebda, ebda + 1024);
	return r != NULL ? r : find_rsdp_in(0xe0000, 0x100000);
}

static void parse_madt(const struct acpi_header *h)
{
	const uint8_t *p = (const uint8_t *)h + 44, *end = (const uint8_t *)h + h->length;

	if (h->length < 44)
		return;
	lapic_phys = *(const uint32_t *)((const uint8_t *)h + 36);
	for (; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) {
		if (p[0] == 0 && p[1] >= 8 && (p[4] & 1))
			plat_add_cpu(p[3]);
		else if (p[0] == 1 && p[1] >= 12)
			ioapic_add(*(const uint32_t *)(p + 4), *(const uint32_t *)(p + 8));
		else if (p[0] == 2 && p[1] >= 10)
			ioapic_override(p[3], *(const uint32_t *)(p + 4), (p[8] & 0xc) == 0xc, (p[8] & 3) == 3);
		else if (p[0] == 5 && p[1] >= 12)
			lapic_phys = *(const uint64_t *)(p + 4);
		else if (p[0] == 9 && p[1] >= 16 && (p[8] & 1))
			plat_add_cpu(*(const uint32_t *)(p + 4));
	}
}

/* _S5_ package: 08 '_' 'S' '5' '_' 12 length count, then two small integers */
static void parse_dsdt(const struct acpi_header *h)
{
	const uint8_t *p = (const uint8_t *)h, *end = p + h->length;

	for (; p + 16 < end; p++) {
		if (memcmp(p, "_S5_\x12", 5) != 0)
			continue;
		p += 5;
		p += ((*p & 0xc0) >> 6) + 2;
		if (p + 4 > end)
			return;
		if (*p == 0x0a)
			p++;
		sleep_type_a = *p++;
		if (*p == 0x0a)
			p++;
		sleep_type_b = *p;
		return;
	}
}

static void parse_fadt(const struct acpi_header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	const struct acpi_header *dsdt;
	uint64_t dsdt_pa;

	if (h->length < 116)
		return;
	fadt = h;
	pm1a_control = *(const uint32_t *)(p + 64);
	pm1b_control = *(const uint32_t *)(p + 68);
	dsdt_pa = *(const uint32_t *)(p + 40);
	if (h->length >= 148 && *(const uint64_t *)(p + 140) != 0)
		dsdt_pa = *(const uint64_t *)(p + 140);
	dsdt = map_table(dsdt_pa);
	if (dsdt != NULL)
		parse_dsdt(dsdt);
}

static bool parse_table(const struct acpi_header *h)
{
	if (memcmp(h->signature, "APIC", 4) == 0) {
		parse_madt(h);
		return true;
	}
	if (memcmp(h->signature, "FACP", 4) == 0)
		parse_fadt(h);
	if (memcmp(h->signature, "HPET", 4) == 0 && h->length >= 56)
		hpet_address = *(const uint64_t *)((const uint8_t *)h + 44);
	return false;
}

bool acpi_find(void)
{
	const struct rsdp *r = find_rsdp();
	const struct acpi_header *root;
	bool wide, found = false;
	uint32_t n;

	if (r == NULL)
		return false;
	wide = r->revision >= 2 && r->xsdt != 0;
	root = map_table(wide ? r->xsdt : r->rsdt);
	if (root == NULL)
		return false;
	n = (root->length - sizeof *root) / (wide ? 8 : 4);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *slot = (const uint8_t *)(root + 1) + i * (wide ? 8 : 4);
		const struct acpi_header *h = map_table(wide ? *(const uint64_t *)slot : *(const uint32_t *)slot);

		if (h != NULL)
			found |= parse_table(h);
	}
	return found;
}

uint64_t acpi_hpet_address(void)
{
	return hpet_address;
}

/* => returns only when it did not work */
bool acpi_poweroff(void)
{
	if (pm1a_control == 0 || sleep_type_a < 0)
		return false;
	outw(pm1a_control, (inw(pm1a_control) & 0xc003) | sleep_type_a << 10 | 0x2000);
	if (pm1b_control != 0)
		outw(pm1b_control, (inw(pm1b_control) & 0xc003) | sleep_type_b << 10 | 0x2000);
	return true;
}

bool acpi_reset(void)
{
	const uint8_t *p = (const uint8_t *)fadt;

	if (fadt == NULL || fadt->length < 129 || !(*(const uint32_t *)(p + 112) & 0x400) || p[116] != 1)
		return false;
	outb(*(const uint64_t *)(p + 120), p[128]);
	return true;
}
