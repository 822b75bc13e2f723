/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, select and their forms with a mask: all become unix_io_poll with an absolute deadline. */
#include "emul.h"

#define POLL_MAX	(UNIX_INLINE_MAX / sizeof(struct lx_pollfd))
#define FD_WORDS	(POLL_MAX / 64)

struct timeval { int64_t sec, usec; };

static long do_poll(struct lx_pollfd *fds, size_t n, int64_t deadline)
{
	mach_msg_type_number_t bytes = (mach_msg_type_number_t)(n * sizeof *fds);
	int64_t result = 0;

	tcb_self()->t_deadline = deadline;
	return emul_result(unix_io_poll(emul_call_port(), deadline, (char *)fds, bytes, &result, (char *)fds, &bytes), &result);
}

static long poll_program(long program, long n, int64_t deadline)
{
	struct lx_pollfd fds[POLL_MAX];
	long r;

	if (deadline < -1)
		return (long)deadline;
	if (n < 0 || (size_t)n > POLL_MAX)
		return -LX_EINVAL;
	if (emul_copy(fds, (const void *)program, (size_t)n * sizeof *fds) < 0)
		return -LX_EFAULT;
	r = do_poll(fds, (size_t)n, deadline);
	if (r >= 0 && emul_copy((void *)program, fds, (size_t)n * sizeof *fds) < 0)
		return -LX_EFAULT;
	return r;
}

/* a relative time of the program to a deadline: -1 for none, below -1 an error */
static int64_t deadline_timespec(long program)
{
	struct lx_timespec ts;
	int64_t deadline;

	if (!program)
		return -1;
	if (emul_copy(&ts, (const void *)program, sizeof ts) < 0)
		return -LX_EFAULT;
	deadline = emul_deadline(&ts, false, false);
	return deadline;
}

long emul_poll(long fds, long n, long timeout, long d, long e, long f)
{
	struct lx_timespec ts = { (int)timeout / 1000, (int)timeout % 1000 * 1000000 };

	(void)d, (void)e, (void)f;
	return poll_program(fds, (int)n, (int)timeout < 0 ? -1 : emul_deadline(&ts, false, false));
}

/* with the mask in place only for the wait; when interrupted it stays for emul_interrupted */
static void mask_done(long result)
{
	if (result != -UNIX_ERESTARTNOHAND && result != -UNIX_ERESTARTSYS && result != -UNIX_ERESTARTNOINTR)
		emul_mask_restore(tcb_self());
}

long emul_ppoll(long fds, long n, long time, long mask, long size, long f)
{
	int64_t deadline = deadline_timespec(time);
	uint64_t set;
	long r;

	(void)f;
	if (deadline < -1)
		return (long)deadline;
	if (mask) {
		if (size != 8)
			return -LX_EINVAL;
		if (emul_copy(&set, (const void *)mask, sizeof set) < 0)
			return -LX_EFAULT;
		emul_mask_swap(tcb_self(), set);
	}
	r = poll_program(fds, (int)n, deadline);
	if (mask)
		mask_done(r);
	return r;
}

static const struct { int16_t wanted, ready; } kinds[3] = {
	{ LX_POLLIN | LX_POLLRDNORM, LX_POLLIN | LX_POLLRDNORM | LX_POLLRDBAND | LX_POLLHUP | LX_POLLERR },
	{ LX_POLLOUT | LX_POLLWRNORM, LX_POLLOUT | LX_POLLWRNORM | LX_POLLWRBAND | LX_POLLERR },
	{ LX_POLLPRI, LX_POLLPRI },
};

static long select_sets(uint64_t sets[3][FD_WORDS], int n, int64_t deadline)
{
	struct lx_pollfd fds[POLL_MAX];
	size_t count = 0;
	long r, bits = 0;

	for (int fd = 0; fd < n; fd++) {
		int16_t events = 0;

		for (int k = 0; k < 3; k++)
			if (sets[k][fd / 64] >> fd % 64 & 1)
				events |= kinds[k].wanted;
		if (events)
			fds[count++] = (struct lx_pollfd){ fd, events, 0 };
	}
	r = do_poll(fds, count, deadline);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (fds[i].revents & LX_POLLNVAL)
			return -LX_EBADF;
		for (int k = 0; k < 3; k++) {
			uint64_t *word = &sets[k][fds[i].fd / 64], bit = 1ull << fds[i].fd % 64;

			if (!(*word & bit))
				continue;
			if (fds[i].revents & kinds[k].ready)
				bits++;
			else
				*word &= ~bit;
		}
	}
	return bits;
}

static long select_program(long n, const long program[3], int64_t deadline)
{
	uint64_t sets[3][FD_WORDS] = { { 0 } };
	size_t bytes;
	long r;

	if (deadline < -1)
		return (long)deadline;
	if (n < 0)
		return -LX_EINVAL;
	if ((size_t)n > POLL_MAX)
		n = POLL_MAX;
	bytes = (size_t)(n + 63) / 64 * 8;
	for (int k = 0; k < 3; k++)
		if (program[k] && emul_copy(sets[k], (const void *)program[k], bytes) < 0)
			return -LX_EFAULT;
	r = select_sets(sets, (int)n, deadline);
	for (int k = 0; k < 3 && r >= 0; k++)
		if (program[k] && emul_copy((void *)program[k], sets[k], bytes) < 0)
			return -LX_EFAULT;
	return r;
}

/* what is left of the time, for Linux's select and pselect6 tell */
static int64_t left(int64_t deadline)
{
	int64_t ns = deadline - emul_monotonic_ns();

	return ns > 0 ? ns : 0;
}

long emul_select(long n, long in, long out, long except, long time, long f)
{
	struct timeval tv = { 0, 0 };
	struct lx_timespec ts;
	int64_t deadline = -1;
	long r;

	(void)f;
	if (time) {
		if (emul_copy(&tv, (const void *)time, sizeof tv) < 0)
			return -LX_EFAULT;
		ts = (struct lx_timespec){ tv.sec + tv.usec / 1000000, tv.usec % 1000000 * 1000 };
		deadline = emul_deadline(&ts, false, false);
	}
	r = select_program((int)n, (long[3]){ in, out, except }, deadline);
	if (time && deadline >= 0) {
		tv = (struct timeval){ left(deadline) / 1000000000, left(deadline) % 1000000000 / 1000 };
		emul_copy((void *)time, &tv, sizeof tv);
	}
	return r;
}

long emul_pselect6(long n, long in, long out, long except, long time, long sigmask)
{
	int64_t deadline = deadline_timespec(time);
	uint64_t pair[2] = { 0, 0 }, set;
	long r;

	if (deadline < -1)
		return (long)deadline;
	if (sigmask && emul_copy(pair, (const void *)sigmask, sizeof pair) < 0)
		return -LX_EFAULT;
	if (pair[0]) {
		if (pair[1] != 8)
			return -LX_EINVAL;
		if (emul_copy(&set, (const void *)pair[0], sizeof set) < 0)
			return -LX_EFAULT;
		emul_mask_swap(tcb_self(), set);
	}
	r = select_program((int)n, (long[3]){ in, out, except }, deadline);
	if (pair[0])
		mask_done(r);
	if (time && deadline >= 0) {
		struct lx_timespec ts = { left(deadline) / 1000000000, left(deadline) % 1000000000 };

		emul_copy((void *)time, &ts, sizeof ts);
	}
	return r;
}
