/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of calls, and what happens to those that are not in it. */
#include "emul.h"

#define CALL(number, name) extern long emul_##name(long, long, long, long, long, long);
#include "calls.h"
#undef CALL

#define CALL(number, name) [number] = emul_##name,
const emul_call_t emul_calls[EMUL_CALLS] = {
#include "calls.h"
};
#undef CALL

/* linux_names.h is made at build time from the system's own list of call numbers */
static const char *const names[] = {
#include "linux_names.h"
};

static char *append(char *p, char *end, const char *s)
{
	while (*s && p < end)
		*p++ = *s++;
	return p;
}

long emul_unsupported(const char *kind, long value, long error)
{
	char text[64], digits[24], *p = text, *end = text + sizeof text - 1;
	unsigned long v = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;
	int n = sizeof digits - 1;

	p = append(p, end, kind);
	p = append(p, end, value < 0 ? " -" : " ");
	digits[n] = 0;
	do {
		digits[--n] = "0123456789abcdef"[v % 16];
		v /= 16;
	} while (v);
	p = append(p, end, "0x");
	p = append(p, end, digits + n);
	*p = 0;
	unix_sys_unsupported(emul_call_port(), text);
	return -error;
}

long emul_unknown_call(long a, long b, long c, long d, long e, long f)
{
	long number = tcb_self()->t_call;

	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	if (number >= 0 && (size_t)number < sizeof names / sizeof *names && names[number])
		unix_sys_unsupported(emul_call_port(), names[number]);
	else
		emul_unsupported("call", number, LX_ENOSYS);
	return -LX_ENOSYS;
}

long emul_path(const char *program, char buf[EMUL_PATH_MAX])
{
	long n = emul_strlen(program, EMUL_PATH_MAX);

	if (n < 0)
		return n;
	if (n == EMUL_PATH_MAX)
		return -LX_ENAMETOOLONG;
	return emul_copy(buf, program, (size_t)n) < 0 ? -LX_EFAULT : n;
}
