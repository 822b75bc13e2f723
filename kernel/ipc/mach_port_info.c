/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mach_port and mach_debug routines that only look.
 *
 * LOCKS   tables are read a batch of names at a time, the space unlocked between: a task with 100,000 names
 *         holds up nobody. What changes meanwhile may or may not be seen.
 * TESTS   tests/boot
 */
#include <ipc/notify.h>
#include <ipc/port.h>
#include <ipc/pset.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <mach/mach_port.server.h>
#include <mach_debug/mach_debug.server.h>
#include <vm/map.h>

#define NAMES_BATCH	256u
#define NAMES_FIRST	512u

/* Names and types, growing */
struct name_list {
	mach_port_name_t *nl_names;
	mach_port_type_t *nl_types;
	uint32_t	 nl_count;
	uint32_t	 nl_cap;
};

static void list_free(struct name_list *nl)
{
	if (nl->nl_names != NULL)
		kfree(nl->nl_names, nl->nl_cap * sizeof(uint32_t));
	if (nl->nl_types != NULL)
		kfree(nl->nl_types, nl->nl_cap * sizeof(uint32_t));
}

/* => room for a batch more */
static bool list_reserve(struct name_list *nl)
{
	struct name_list new = { .nl_count = nl->nl_count };

	if (nl->nl_cap - nl->nl_count >= NAMES_BATCH)
		return true;
	new.nl_cap = nl->nl_cap == 0 ? NAMES_FIRST : nl->nl_cap * 2;
	new.nl_names = kalloc(new.nl_cap * sizeof(uint32_t));
	new.nl_types = kalloc(new.nl_cap * sizeof(uint32_t));
	if (new.nl_names == NULL || new.nl_types == NULL) {
		list_free(&new);
		return false;
	}
	if (nl->nl_count != 0) {
		memcpy(new.nl_names, nl->nl_names, nl->nl_count * sizeof(uint32_t));
		memcpy(new.nl_types, nl->nl_types, nl->nl_count * sizeof(uint32_t));
	}
	list_free(nl);
	*nl = new;
	return true;
}

/* => KERN_SUCCESS with the list complete */
static kern_return_t list_names(struct ipc_space *space, struct name_list *nl)
{
	uint32_t cursor = 0, urefs;
	bool more = true;

	while (more) {
		if (!list_reserve(nl))
			return KERN_RESOURCE_SHORTAGE;
		ipc_space_lock(space);
		if (!space->is_active) {
			ipc_space_unlock(space);
			return KERN_INVALID_TASK;
		}
		for (uint32_t i = 0; more && i < NAMES_BATCH; i++) {
			struct ipc_entry *e;
			mach_port_name_t name;

			more = ipc_entry_next(&space->is_table, &cursor, &name, &e);
			if (!more)
				break;
			nl->nl_names[nl->nl_count] = name;
			ipc_right_info(space, name, e, &nl->nl_types[nl->nl_count], &urefs);
			nl->nl_count++;
		}
		ipc_space_unlock(space);
	}
	return KERN_SUCCESS;
}

/* Out-of-line result words; none: a null pointer */
static kern_return_t words_out(const void *words, uint32_t count, struct vm_map_copy **copy)
{
	*copy = NULL;
	return count == 0 ? KERN_SUCCESS : vm_map_copy_from_kernel(words, count * sizeof(uint32_t), copy);
}

kern_return_t mach_port_names(ipc_space_t space, mach_port_name_array_t *names, mach_msg_type_number_t *names_count,
    mach_port_type_array_t *types, mach_msg_type_number_t *types_count)
{
	struct vm_map_copy *name_copy = NULL, *type_copy = NULL;
	struct name_list nl = { 0 };
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	kr = list_names(space, &nl);
	if (kr == KERN_SUCCESS)
		kr = words_out(nl.nl_names, nl.nl_count, &name_copy);
	if (kr == KERN_SUCCESS) {
		kr = words_out(nl.nl_types, nl.nl_count, &type_copy);
		if (kr != KERN_SUCCESS && name_copy != NULL)
			vm_map_copy_discard(name_copy);
	}
	if (kr == KERN_SUCCESS) {
		*names = (mach_port_name_array_t)(void *)name_copy;
		*types = (mach_port_type_array_t)(void *)type_copy;
		*names_count = *types_count = nl.nl_count;
	}
	list_free(&nl);
	return kr;
}

kern_return_t mach_port_type(ipc_space_t space, mach_port_name_t name, mach_port_type_t *type)
{
	struct ipc_entry *e;
	uint32_t urefs;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (name == MACH_PORT_NAME_DEAD) {
		*type = MACH_PORT_TYPE_DEAD_NAME;
		return KERN_SUCCESS;
	}
	if ((kr = ipc_right_lookup(space, name, &e)) != KERN_SUCCESS)
		return kr;
	ipc_right_info(space, name, e, type, &urefs);
	ipc_space_unlock(space);
	return KERN_SUCCESS;
}

kern_return_t mach_port_get_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
    mach_port_urefs_t *refs)
{
	struct ipc_entry *e;
	uint32_t type, urefs;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if (right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	if ((kr = ipc_right_lookup(space, name, &e)) != KERN_SUCCESS)
		return kr;
	ipc_right_info(space, name, e, &type, &urefs);
	ipc_space_unlock(space);
	if (!(type & MACH_PORT_TYPE(right)))
		*refs = 0;
	else
		*refs = right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME ? urefs : 1;
	return KERN_SUCCESS;
}

/* => the set under a name, referenced */
static kern_return_t lookup_set(struct ipc_space *space, mach_port_name_t name, struct ipc_pset **psetp)
{
	struct ipc_entry *e;
	kern_return_t kr = ipc_right_lookup(space, name, &e);

	if (kr != KERN_SUCCESS)
		return kr;
	if (e->ie_bits & MACH_PORT_TYPE_PORT_SET) {
		*psetp = e->ie_object;
		ipc_pset_ref(*psetp);
	} else {
		kr = KERN_INVALID_RIGHT;
	}
	ipc_space_unlock(space);
	return kr;
}

kern_return_t mach_port_get_set_status(ipc_space_t space, mach_port_name_t name, mach_port_name_array_t *members,
    mach_msg_type_number_t *count)
{
	struct vm_map_copy *copy = NULL;
	struct ipc_pset *pset;
	mach_port_name_t *names = NULL;
	uint32_t cap = 0, n;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = lookup_set(space, name, &pset)) != KERN_SUCCESS)
		return kr;
	for (;;) {
		ipc_pset_lock(pset);
		n = ipc_pset_members_locked(pset, names, cap);
		ipc_pset_unlock(pset);
		if (n <= cap)
			break;
		if (names != NULL)
			kfree(names, cap * sizeof(*names));
		cap = n + n / 8 + 8;
		if ((names = kalloc(cap * sizeof(*names))) == NULL) {
			ipc_pset_release(pset);
			return KERN_RESOURCE_SHORTAGE;
		}
	}
	ipc_pset_release(pset);
	kr = words_out(names, n, &copy);
	if (names != NULL)
		kfree(names, cap * sizeof(*names));
	if (kr == KERN_SUCCESS) {
		*members = (mach_port_name_array_t)(void *)copy;
		*count = n;
	}
	return kr;
}

kern_return_t mach_port_get_receive_status(ipc_space_t space, mach_port_name_t name, mach_port_status_t *status)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	*status = (mach_port_status_t){
		.mps_pset = port->ip_set != NULL ? port->ip_set->ps_name : MACH_PORT_NAME_NULL,
		.mps_seqno = port->ip_seqno,
		.mps_mscount = port->ip_mscount,
		.mps_qlimit = port->ip_qlimit,
		.mps_msgcount = port->ip_msgcount,
		.mps_sorights = port->ip_sorights,
		.mps_srights = port->ip_srights > 0,
		.mps_pdrequest = port->ip_ext != NULL && port->ip_ext->ipx_pdrequest != NULL,
		.mps_nsrequest = port->ip_ext != NULL && port->ip_ext->ipx_nsrequest != NULL,
	};
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

kern_return_t mach_port_get_srights(ipc_space_t space, mach_port_name_t name, mach_port_rights_t *srights)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	*srights = port->ip_srights;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

kern_return_t mach_port_dnrequest_info(ipc_space_t space, mach_port_name_t name, unsigned *total, unsigned *used)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup_receive(space, name, &port)) != KERN_SUCCESS)
		return kr;
	*total = port->ip_ext != NULL ? port->ip_ext->ipx_request_count : 0;
	*used = port->ip_ext != NULL ? port->ip_ext->ipx_request_used : 0;
	ipc_port_unlock(port);
	return KERN_SUCCESS;
}

/* A number that tells objects apart and no address: kernel addresses are nobody's business */
static vm_offset_t object_number(const void *object)
{
	return object == NULL ? 0 : (((uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15ull) >> 20) << 4;
}

kern_return_t mach_port_kernel_object(ipc_space_t space, mach_port_name_t name, unsigned *object_type,
    vm_offset_t *object_addr)
{
	struct ipc_entry *e;
	struct ipc_port *port;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	if ((kr = ipc_right_lookup(space, name, &e)) != KERN_SUCCESS)
		return kr;
	ipc_right_check(space, name, e);
	if (!(e->ie_bits & MACH_PORT_TYPE_SEND_RECEIVE)) {
		ipc_space_unlock(space);
		return KERN_INVALID_RIGHT;
	}
	port = e->ie_object;
	ipc_port_lock(port);
	*object_type = port->ip_flags & IP_F_USERDEV ? IKOT_USER_DEVICE :
	    port->ip_state == IP_KERNEL ? port->ip_kotype : IKOT_NONE;
	*object_addr = object_number(port->ip_kobject);
	ipc_port_unlock(port);
	ipc_space_unlock(space);
	return KERN_SUCCESS;
}

kern_return_t host_ipc_marequest_info(host_t host, unsigned *max_requests, hash_info_bucket_array_t *info,
    mach_msg_type_number_t *count)
{
	uint32_t n;

	if (host == NULL)
		return KERN_INVALID_HOST;
	/* as many as the caller has room for */
	n = ipc_marequest_buckets((uint32_t *)(void *)*info, *count, max_requests);
	if (*count > n)
		*count = n;
	return KERN_SUCCESS;
}
