/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as they travel in messages. */
#ifndef MACH_TIME_VALUE_H
#define MACH_TIME_VALUE_H

#include <stdint.h>
#include <mach/machine/vm_types.h>

/* Seconds and microseconds. */
struct rpc_time_value {
	rpc_long_integer_t seconds;
	integer_t microseconds;
};
typedef struct rpc_time_value rpc_time_value_t;

struct time_value {
	long_integer_t seconds;
	integer_t microseconds;
};
typedef struct time_value time_value_t;

/* Seconds and nanoseconds. */
struct time_value64 {
	int64_t seconds;
	int64_t nanoseconds;
};
typedef struct time_value64 time_value64_t;

_Static_assert(sizeof(rpc_time_value_t) == 16, "rpc_time_value");
_Static_assert(sizeof(time_value_t) == 16, "time_value");
_Static_assert(sizeof(time_value64_t) == 16, "time_value64");

static inline time_value_t convert_time_value_from_user(rpc_time_value_t tv)
{
	time_value_t out = { tv.seconds, tv.microseconds };

	return out;
}

static inline rpc_time_value_t convert_time_value_to_user(time_value_t tv)
{
	rpc_time_value_t out = { tv.seconds, tv.microseconds };

	return out;
}

#define TIME_MICROS_MAX		1000000
#define TIME_NANOS_MAX		1000000000

#define time_value_assert(val)		do { (void)(val); } while (0)
#define time_value64_init(tv)		((tv)->seconds = 0, (tv)->nanoseconds = 0)
#define TIME_VALUE64_TO_TIME_VALUE(tv64, tv) do {			\
	(tv)->seconds = (tv64)->seconds;				\
	(tv)->microseconds = (integer_t)((tv64)->nanoseconds / 1000);	\
} while (0)
#define TIME_VALUE_TO_TIME_VALUE64(tv, tv64) do {			\
	(tv64)->seconds = (tv)->seconds;				\
	(tv64)->nanoseconds = (int64_t)(tv)->microseconds * 1000;	\
} while (0)

#define time_value_add_usec(val, micros) do {				\
	if (((val)->microseconds += (micros)) >= TIME_MICROS_MAX) {	\
		(val)->microseconds -= TIME_MICROS_MAX;			\
		(val)->seconds++;					\
	}								\
} while (0)

#define time_value_add(result, addend) do {				\
	(result)->microseconds += (addend)->microseconds;		\
	(result)->seconds += (addend)->seconds;				\
	if ((result)->microseconds >= TIME_MICROS_MAX) {		\
		(result)->microseconds -= TIME_MICROS_MAX;		\
		(result)->seconds++;					\
	}								\
} while (0)

#define time_value64_add_nanos(val, nanos) do {				\
	if (((val)->nanoseconds += (nanos)) >= TIME_NANOS_MAX) {	\
		(val)->nanoseconds -= TIME_NANOS_MAX;			\
		(val)->seconds++;					\
	}								\
} while (0)

#define time_value64_add(result, addend) do {				\
	(result)->nanoseconds += (addend)->nanoseconds;			\
	(result)->seconds += (addend)->seconds;				\
	if ((result)->nanoseconds >= TIME_NANOS_MAX) {			\
		(result)->nanoseconds -= TIME_NANOS_MAX;		\
		(result)->seconds++;					\
	}								\
} while (0)

/* The page device "time" maps. Read seconds and nanoseconds, then check; retry on a difference. */
typedef struct mapped_time_value {
	integer_t seconds;
	integer_t microseconds;
	integer_t check_seconds;
	integer_t unused;
	time_value64_t time_value;
	int64_t check_seconds64;
	time_value64_t uptime_value;
	int64_t check_upseconds64;
} mapped_time_value_t;

_Static_assert(sizeof(mapped_time_value_t) == 64, "mapped time");

#endif
