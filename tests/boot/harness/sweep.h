/* SPDX-License-Identifier: BSD-2-Clause */
/* Every allocation of an operation fails once: the first, the second, the third ... */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "test.h"

extern unsigned sweep_nth;	/* the allocation to fail; 0: none */

/* the call under test, and nothing else, meets the failure */
#define ARMED(call) ({							\
	kern_return_t kr_;						\
									\
	if (sweep_nth != 0)						\
		test_fault_arm("*", sweep_nth);				\
	kr_ = (call);							\
	if (sweep_nth != 0)						\
		test_fault_arm("*", 0);					\
	kr_; })

/* ways to say that memory is short: by the routine, by the send or receive of its message, or by the end of the reply right */
bool	sweep_is_shortage(kern_return_t);

/*
 * run() once without a failure, then with each of its allocations failing, until many in a row do not fail: each time it works all the same
 * or says that memory is short, and works the next time.
 */
void	sweep(const char *name, kern_return_t (*run)(void));

struct operation {
	const char	*name;
	kern_return_t	(*run)(void);
};

#define SWEEP(list)	do {							\
	for (unsigned i_ = 0; i_ < sizeof list / sizeof *list; i_++)		\
		sweep(list[i_].name, list[i_].run);				\
	} while (0)

#endif
