/* SPDX-License-Identifier: BSD-2-Clause */
/* Nanoseconds as the interface's time values. */
#ifndef KERN_TIMES_H
#define KERN_TIMES_H

#include <stdint.h>
#include <mach/time_value.h>

static inline rpc_time_value_t
time_rpc(uint64_t ns)
{
	rpc_time_value_t t = { (int64_t)(ns / 1000000000), (int32_t)(ns % 1000000000 / 1000) };

	return t;
}

static inline time_value_t
time_us(uint64_t ns)
{
	time_value_t t = { (int64_t)(ns / 1000000000), (int32_t)(ns % 1000000000 / 1000) };

	return t;
}

static inline time_value64_t
time_64(uint64_t ns)
{
	time_value64_t t = { (int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000) };

	return t;
}

#endif
