/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of every routine of tour.defs. */
#ifndef TOUR_CALLS_H
#define TOUR_CALLS_H

/*
 * Make the call. strict: the results must be right (what is wrong is returned, else NULL); not
 * strict: anything may come back, only memory must stay whole.
 */
struct tour_call {
	const char	*name;
	const char	*(*run)(int strict);
};

extern const struct tour_call tour_calls[];
extern const unsigned tour_call_count;
extern int tour_errors, tour_last_error;

#endif
