/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clock and one-shot timer: the TSC counts, the local APIC interrupts (by TSC deadline where it can).
 *
 * Both are calibrated once against the PIT. An emulator may stop us anywhere, so one run counts for nothing: the first that agrees
 * with an earlier one wins. Under icount the TSC advances with the virtual clock and the result is exact.
 * LOCKS   none: constants after boot; the per-CPU timer belongs to its CPU with interrupts off.
 */
#include <kern/panic.h>
#include <kern/timer.h>
#include <machine/cpu.h>
#include <machine/lapic.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define PIT_HZ		1193182ull
#define NS_PER_S	1000000000ull
#define CALIBRATE_TICKS	11932		/* 10 ms */
#define CALIBRATE_RUNS	20

static uint64_t tsc_hz, lapic_hz, tsc_start;
static uint64_t ns_per_tsc;		/* 32.32 fixed point */
static uint64_t tsc_per_ns;		/* 32.32 */
static uint64_t lapic_per_ns;		/* 32.32 */
static uint64_t wall_at_boot;

static uint64_t scale(uint64_t v, uint64_t factor)
{
	return (unsigned __int128)v * factor >> 32;
}

static uint64_t ratio(uint64_t a, uint64_t b)
{
	return (uint64_t)(((unsigned __int128)a << 32) / b);
}

uint64_t timer_hw_now(void)
{
	return scale(rdtsc() - tsc_start, ns_per_tsc);
}

uint64_t cpu_ticks_to_ns(uint64_t ticks)
{
	return scale(ticks, ns_per_tsc);
}

static uint16_t pit_read(void)
{
	uint16_t v;

	outb(0x43, 0x80);		/* latch channel 2 */
	v = inb(0x42);
	return v | inb(0x42) << 8;
}

/* TSC and local APIC timer while the PIT counts down CALIBRATE_TICKS */
struct counts {
	uint64_t	 tsc, lapic;
};

static struct counts calibrate_once(void)
{
	uint64_t t0, t1;
	uint32_t l0, l1;
	uint16_t p0, passed;

	lapic_write(LAPIC_TIMER_INITIAL, 0xffffffff);
	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	while (pit_read() > 0xfff0)
		;
	t0 = rdtsc();
	p0 = pit_read();
	l0 = lapic_read(LAPIC_TIMER_CURRENT);
	do {
		passed = (uint16_t)(p0 - pit_read());
	} while (passed < CALIBRATE_TICKS);
	t1 = rdtsc();
	l1 = lapic_read(LAPIC_TIMER_CURRENT);
	return (struct counts){ (t1 - t0) * CALIBRATE_TICKS / passed, (uint64_t)(l0 - l1) * CALIBRATE_TICKS / passed };
}

static bool agree(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= b / 128;
}

/* An emulator may stand still between any two instructions, for longer than the PIT takes to come round: until two runs agree */
static struct counts calibrate_often(void)
{
	struct counts run[CALIBRATE_RUNS], least = { ~0ull, ~0ull };

	for (int n = 0; n < CALIBRATE_RUNS; n++) {
		run[n] = calibrate_once();
		if (run[n].tsc < least.tsc)
			least = run[n];
		for (int i = 0; i < n; i++)
			if (agree(run[i].tsc, run[n].tsc) && agree(run[i].lapic, run[n].lapic))
				return run[n];
	}
	return least;
}

static void calibrate(void)
{
	struct counts c;

	lapic_write(LAPIC_TIMER_DIVIDE, 0xb);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED);
	c = calibrate_often();
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	tsc_hz = c.tsc * PIT_HZ / CALIBRATE_TICKS;
	lapic_hz = c.lapic * PIT_HZ / CALIBRATE_TICKS;
	if (tsc_hz == 0)
		tsc_hz = NS_PER_S;
	if (lapic_hz == 0)
		lapic_hz = NS_PER_S;
	ns_per_tsc = ratio(NS_PER_S, tsc_hz);
	tsc_per_ns = ratio(tsc_hz, NS_PER_S);
	lapic_per_ns = ratio(lapic_hz, NS_PER_S);
}

void timer_hw_init(void)
{
	tsc_start = rdtsc();
	calibrate();
	timer_hw_init_cpu();
	wall_at_boot = rtc_read_seconds() * NS_PER_S - timer_hw_now();
	kprintf("timer: TSC %lu.%03lu MHz, APIC timer %lu.%03lu MHz%s\n", (unsigned long)(tsc_hz / 1000000),
	    (unsigned long)(tsc_hz / 1000 % 1000), (unsigned long)(lapic_hz / 1000000),
	    (unsigned long)(lapic_hz / 1000 % 1000), cpu_features.tsc_deadline ? ", by TSC deadline" : "");
}

uint64_t rtc_wall_ns(void)
{
	return wall_at_boot;
}

void timer_hw_init_cpu(void)
{
	lapic_write(LAPIC_TIMER_DIVIDE, 0xb);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | (cpu_features.tsc_deadline ? LAPIC_TIMER_DEADLINE : 0));
	/* the deadline register must not be written before the mode has arrived */
	__asm__ volatile("mfence" ::: "memory");
}

/* => interrupts off; a deadline in the past fires at once */
void timer_hw_set(uint64_t deadline_ns)
{
	uint64_t now, count;

	if (cpu_features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, deadline_ns == 0 ? 0 : tsc_start + scale(deadline_ns, tsc_per_ns) + 1);
		return;
	}
	if (deadline_ns == 0) {
		lapic_write(LAPIC_TIMER_INITIAL, 0);
		return;
	}
	now = timer_hw_now();
	count = deadline_ns > now ? scale(deadline_ns - now, lapic_per_ns) + 1 : 1;
	lapic_write(LAPIC_TIMER_INITIAL, count < 0xffffffff ? count : 0xffffffff);
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + scale(us * 1000, tsc_per_ns);

	while (rdtsc() < end)
		cpu_pause();
}
