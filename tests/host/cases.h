/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases of the host kernel's tests: each says whether it went well, and that every conservation counter is back. TAP on standard output. */
#ifndef TESTS_HOST_CASES_H
#define TESTS_HOST_CASES_H

#include <stdbool.h>
#include <mach/kern_return.h>

#define CHECK(e)	case_check((e), #e, __FILE__, __LINE__)
#define CHECK_OK(e)	case_result((e), KERN_SUCCESS, #e, __FILE__, __LINE__)
#define CHECK_IS(e, r)	case_result((e), (r), #e, __FILE__, __LINE__)
#define RUN(fn)		case_run(fn, #fn)

bool	case_check(bool good, const char *what, const char *file, int line);
bool	case_result(kern_return_t, kern_return_t expected, const char *what, const char *file, int line);
void	case_run(void (*)(void), const char *name);
/* => exit status */
int	cases_end(void);

#endif
