/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points: declared in the file they trace, recorded in a ring per CPU (debug builds).
 *	TRACE_POINT(trace_switch, "switch", "from %p to %p stack %lx", 3);
 *	trace_switch(old, new, stack);
 */
#ifndef DEBUG_TRACE_H
#define DEBUG_TRACE_H

#include <stdint.h>

struct trace_point {
	const char	*tp_name;
	const char	*tp_format;	/* three words at most, %lx or %p */
	uint64_t	 tp_args;
};

#ifdef DEBUG
void	trace_record(const struct trace_point *, uintptr_t, uintptr_t, uintptr_t);
#define TRACE_POINT(ident, name, format, args)						\
	static const struct trace_point ident##_point					\
	    __attribute__((used, section("trace_points"), aligned(8))) = { (name), (format), (args) };	\
	static inline void ident(uintptr_t a, uintptr_t b, uintptr_t c)			\
	{ trace_record(&ident##_point, a, b, c); }					\
	struct trace_point
#else
#define TRACE_POINT(ident, name, format, args)						\
	static inline void ident(uintptr_t a, uintptr_t b, uintptr_t c)			\
	{ (void)a; (void)b; (void)c; }							\
	struct trace_point
#endif

struct cpu;
void	trace_cpu_init(struct cpu *);

#endif
