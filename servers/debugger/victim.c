/* SPDX-License-Identifier: BSD-2-Clause */
/* Something to debug: a program that counts, in two threads, and makes a mistake now and then. */
#include <stdio.h>
#include <cthreads.h>
#include <mach.h>
#include <mach/thread_switch.h>

volatile long rounds, total;
volatile long *volatile place = &total;
volatile long divisor = 1;

__attribute__((noinline)) long square(long n)
{
	return n * n;
}

/* the divisor is read by the division itself: repaired memory is enough to go on */
static long divide(long n)
{
	long quotient, rest;

	__asm__("cqto; idivq %3" : "=a"(quotient), "=&d"(rest) : "0"(n), "m"(divisor));
	return quotient;
}

__attribute__((noinline)) void work(long n)
{
	*place += divide(square(n));
	rounds++;
}

static void *pulse(void *arg)
{
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 200);
	return arg;
}

int main(void)
{
	cthread_detach(cthread_fork(pulse, NULL));
	for (long n = 0;; n = (n + 1) % 100) {
		work(n);
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 20);
	}
}
