/* SPDX-License-Identifier: BSD-2-Clause */
/* Times, from the host and the task. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <mach/task_info.h>
#include <mach_init.h>
#include <mach/mach_host.h>
#include <mach/mach_interface.h>

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	time_value64_t now;

	(void)zone;
	if (host_get_time64(mach_host_self(), &now) != KERN_SUCCESS) {
		errno = EIO;
		return -1;
	}
	tv->tv_sec = (time_t)now.seconds;
	tv->tv_usec = (suseconds_t)(now.nanoseconds / 1000);
	return 0;
}

static clock_t ticks(rpc_time_value_t tv)
{
	return (clock_t)(tv.seconds * CLOCKS_PER_SEC +
	    tv.microseconds / (1000000 / CLOCKS_PER_SEC));
}

clock_t times(struct tms *tms)
{
	task_thread_times_info_data_t info;
	mach_msg_type_number_t count = TASK_THREAD_TIMES_INFO_COUNT;
	struct timeval now;

	memset(tms, 0, sizeof(*tms));
	if (task_info(mach_task_self(), TASK_THREAD_TIMES_INFO, (task_info_t)&info, &count) !=
	    KERN_SUCCESS || gettimeofday(&now, NULL) != 0)
		return (clock_t)-1;
	tms->tms_utime = ticks(info.user_time);
	tms->tms_stime = ticks(info.system_time);
	return (clock_t)(now.tv_sec * (time_t)CLOCKS_PER_SEC +
	    now.tv_usec / (1000000 / (time_t)CLOCKS_PER_SEC));
}
