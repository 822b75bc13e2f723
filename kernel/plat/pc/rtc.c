/* SPDX-License-Identifier: BSD-2-Clause */
/* The battery clock (CMOS): read once at boot, taken as UTC. */
#include <machine/cpu.h>
#include <machine/x86.h>
#include <plat/pc.h>

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned from_bcd(unsigned v)
{
	return (v >> 4) * 10 + (v & 15);
}

struct rtc_fields {
	uint8_t second, minute, hour, day, month, year;
};

static struct rtc_fields read_fields(void)
{
	for (int i = 0; i < 100000 && (cmos(0x0a) & 0x80); i++)
		cpu_pause();
	return (struct rtc_fields){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9) };
}

static uint64_t days_from_civil(unsigned y, unsigned m, unsigned d)
{
	unsigned era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y % 400;
	doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
	return (uint64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* => seconds since 1970 */
uint64_t rtc_read_seconds(void)
{
	struct rtc_fields f, again;
	unsigned status, hour, century;

	for (int i = 0; i < 10; i++) {
		f = read_fields();
		again = read_fields();
		if (f.second == again.second && f.minute == again.minute && f.hour == again.hour)
			break;
	}
	status = cmos(0x0b);
	century = from_bcd(cmos(0x32));
	hour = f.hour & 0x7f;
	if (!(status & 4)) {
		f.second = from_bcd(f.second);
		f.minute = from_bcd(f.minute);
		hour = from_bcd(hour);
		f.day = from_bcd(f.day);
		f.month = from_bcd(f.month);
		f.year = from_bcd(f.year);
	}
	if (!(status & 2))
		hour = hour % 12 + (f.hour & 0x80 ? 12 : 0);
	if (century < 19 || century > 30)
		century = 20;
	return days_from_civil(century * 100 + f.year, f.month, f.day) * 86400 + hour * 3600 + f.minute * 60 + f.second;
}
