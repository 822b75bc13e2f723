/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on credentials.
 *
 * RULES    The superuser may become anybody; others may exchange among their real, effective and
 *          saved ids.  A change builds a new cred and publishes it whole.
 * LOCKS    process_lock.
 * TESTS    tests/linux
 */
#include "call.h"

#define KEEP	(~0u)

static bool
id_allowed(uint32_t wanted, uint32_t a, uint32_t b, uint32_t c, bool super)
{
	return wanted == KEEP || super || wanted == a || wanted == b || wanted == c;
}

/* Work on (real, effective, saved, fs) of either kind. */
struct id_set {
	uint32_t	*is_real, *is_effective, *is_saved, *is_fs;
};

static int
id_set_one(struct id_set *ids, uint32_t id, bool super)
{
	if (id == KEEP)
		return -LX_EINVAL;
	if (super) {
		*ids->is_real = *ids->is_saved = id;
	} else if (id != *ids->is_real && id != *ids->is_saved) {
		return -LX_EPERM;
	}
	*ids->is_effective = *ids->is_fs = id;
	return 0;
}

static int
id_set_two(struct id_set *ids, uint32_t real, uint32_t effective, bool super)
{
	uint32_t old_real = *ids->is_real;

	if (!id_allowed(real, *ids->is_real, *ids->is_effective, KEEP, super) ||
	    !id_allowed(effective, *ids->is_real, *ids->is_effective, *ids->is_saved, super))
		return -LX_EPERM;
	if (real != KEEP)
		*ids->is_real = real;
	if (effective != KEEP)
		*ids->is_effective = effective;
	if (real != KEEP || (effective != KEEP && effective != old_real))
		*ids->is_saved = *ids->is_effective;
	*ids->is_fs = *ids->is_effective;
	return 0;
}

static int
id_set_three(struct id_set *ids, uint32_t real, uint32_t effective, uint32_t saved, bool super)
{
	uint32_t r = *ids->is_real, e = *ids->is_effective, s = *ids->is_saved;

	if (!id_allowed(real, r, e, s, super) || !id_allowed(effective, r, e, s, super) ||
	    !id_allowed(saved, r, e, s, super))
		return -LX_EPERM;
	if (real != KEEP)
		*ids->is_real = real;
	if (effective != KEEP)
		*ids->is_effective = effective;
	if (saved != KEEP)
		*ids->is_saved = saved;
	*ids->is_fs = *ids->is_effective;
	return 0;
}

static int64_t
cred_change(struct cred *cred, int which, uint32_t first, uint32_t second, uint32_t third)
{
	struct id_set user = { &cred->c_uid, &cred->c_euid, &cred->c_suid, &cred->c_fsuid };
	struct id_set group = { &cred->c_gid, &cred->c_egid, &cred->c_sgid, &cred->c_fsgid };
	bool super = cred->c_euid == 0;
	uint32_t old;

	switch (which) {
	case UNIX_SETUID:
		return id_set_one(&user, first, super);
	case UNIX_SETGID:
		return id_set_one(&group, first, super);
	case UNIX_SETREUID:
		return id_set_two(&user, first, second, super);
	case UNIX_SETREGID:
		return id_set_two(&group, first, second, super);
	case UNIX_SETRESUID:
		return id_set_three(&user, first, second, third, super);
	case UNIX_SETRESGID:
		return id_set_three(&group, first, second, third, super);
	case UNIX_SETFSUID:
	case UNIX_SETFSGID: {
		struct id_set *ids = which == UNIX_SETFSUID ? &user : &group;

		old = *ids->is_fs;
		if (id_allowed(first, *ids->is_real, *ids->is_effective, *ids->is_saved, super) &&
		    first != KEEP)
			*ids->is_fs = first;
		return old;
	}
	default:
		return -LX_EINVAL;
	}
}

/* Publish a changed copy, or drop it.  => consumes cred */
static void
cred_publish(struct process *process, struct cred *cred)
{
	struct cred *old;

	mutex_lock(&process_lock);
	old = process->p_cred;
	process->p_cred = cred;
	process_publish(process);
	mutex_unlock(&process_lock);
	cred_rel(old);
}

kern_return_t
S_unix_proc_setids(mach_port_t call, int32_t which, uint32_t first, uint32_t second,
    uint32_t third, int64_t *result)
{
	struct process *process = call_process();
	struct cred *cred;

	(void)call;
	mutex_lock(&process_lock);
	cred = cred_copy(process->p_cred);
	mutex_unlock(&process_lock);
	*result = -LX_EAGAIN;
	if (cred == NULL)
		return KERN_SUCCESS;
	*result = cred_change(cred, which, first, second, third);
	if (*result >= 0)
		cred_publish(process, cred);
	else
		cred_rel(cred);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_getids(mach_port_t call, int64_t *result, unix_groups_t ids,
    mach_msg_type_number_t *count)
{
	const struct cred *cred;

	(void)call;
	if (*count < 8) {
		*count = 0;
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	mutex_lock(&process_lock);
	cred = call_process()->p_cred;
	ids[0] = cred->c_uid;
	ids[1] = cred->c_euid;
	ids[2] = cred->c_suid;
	ids[3] = cred->c_fsuid;
	ids[4] = cred->c_gid;
	ids[5] = cred->c_egid;
	ids[6] = cred->c_sgid;
	ids[7] = cred->c_fsgid;
	mutex_unlock(&process_lock);
	*count = 8;
	*result = 0;
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_getgroups(mach_port_t call, int64_t *result, unix_groups_t groups,
    mach_msg_type_number_t *count)
{
	const struct cred *cred;

	(void)call;
	mutex_lock(&process_lock);
	cred = call_process()->p_cred;
	*result = cred->c_ngroups;
	if (cred->c_ngroups <= *count) {
		memcpy(groups, cred->c_groups, cred->c_ngroups * sizeof(uint32_t));
		*count = cred->c_ngroups;
	} else {
		*count = 0;
	}
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_setgroups(mach_port_t call, unix_groups_t groups, mach_msg_type_number_t count,
    int64_t *result)
{
	struct process *process = call_process();
	struct cred *cred;

	(void)call;
	mutex_lock(&process_lock);
	cred = cred_copy(process->p_cred);
	mutex_unlock(&process_lock);
	if (cred == NULL) {
		*result = -LX_ENOMEM;
	} else if (cred->c_euid != 0) {
		*result = -LX_EPERM;
		cred_rel(cred);
	} else if (count > CRED_GROUPS_MAX) {
		*result = -LX_EINVAL;
		cred_rel(cred);
	} else {
		memcpy(cred->c_groups, groups, count * sizeof(uint32_t));
		cred->c_ngroups = count;
		cred_publish(process, cred);
		*result = 0;
	}
	return KERN_SUCCESS;
}
