/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inode pager: answers the kernel's questions about the memory objects of files.
 *
 * OBJECT   the memory object port of a node; see enode.h for its states
 * STATES   NONE -pager_port-> PORT -init-> READY -terminate-> PORT; the node ends at terminate
 *          when it is dying, or at init's answer for one that was retired before init came.
 * LOCKS    em_lock for a short time per message; see the rule in enode.h.
 * RIGHTS   each message brings one more user reference of the control right, dropped at its end;
 *          the one of init is kept until terminate.  Data of data_return is deallocated here.
 * ORDER    One thread: what concerns one object must be done in the order the kernel said it.
 *          A page once given to the kernel is never given again unless asked for: it may be on
 *          its way back, changed.
 * TESTS    tests/linux, tests/boot (unix)
 */
#include <mach.h>
#include <mach/memory_object.h>
#include <cthreads.h>
#include <stdlib.h>
#include <string.h>

#include "enode.h"
#include <mach/memory_object_server.h>
#include <mach/thread_switch.h>

#define PORT_HASH	256
#define CLUSTER		(64u * 1024)	/* most that is supplied at one request */

static mach_port_t pager_set;
static struct mutex table_lock = MUTEX_INITIALIZER;	/* leaf: the table of ports */
static struct enode *port_table[PORT_HASH];

static struct enode **
port_bucket(mach_port_t port)
{
	return &port_table[(port ^ port >> 8) % PORT_HASH];
}

/*
 * The node of a port.  It cannot go away meanwhile: only this thread finishes nodes that have a
 * port.
 */
static struct enode *
port_node(mach_port_t port)
{
	struct enode *node;

	mutex_lock(&table_lock);
	for (node = *port_bucket(port); node != NULL && node->n_object != port;
	    node = node->n_port_next)
		;
	mutex_unlock(&table_lock);
	return node;
}

static void
lock_node(struct enode *node)
{
	mutex_lock(&node->n_mount->em_lock);
}

static void
unlock_node(struct enode *node)
{
	mutex_unlock(&node->n_mount->em_lock);
}

/* A send right for the node's memory object; makes the port on first use. */
int
pager_port(struct enode *node, mach_port_t *out)
{
	mach_port_t task = mach_task_self(), port;
	int error = 0;

	lock_node(node);
	if (node->n_state == ENODE_NONE) {
		if (mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS) {
			unlock_node(node);
			return -LX_ENOMEM;
		}
		node->n_object = port;
		mutex_lock(&table_lock);
		node->n_port_next = *port_bucket(port);
		*port_bucket(port) = node;
		mutex_unlock(&table_lock);
		node->n_state = ENODE_PORT;
		(void)mach_port_move_member(task, port, pager_set);
	}
	if (mach_port_insert_right(task, node->n_object, node->n_object,
	    MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
		error = -LX_ENOMEM;
	*out = node->n_object;
	unlock_node(node);
	return error;
}

/* => em_lock held; the node is about to be freed */
void
pager_forget(struct enode *node)
{
	struct enode **np;

	if (node->n_state == ENODE_NONE)
		return;
	mutex_lock(&table_lock);
	for (np = port_bucket(node->n_object); *np != node; np = &(*np)->n_port_next)
		;
	*np = node->n_port_next;
	mutex_unlock(&table_lock);
	if (node->n_state == ENODE_READY)
		mach_port_deallocate(mach_task_self(), node->n_control);
	mach_port_mod_refs(mach_task_self(), node->n_object, MACH_PORT_RIGHT_RECEIVE, -1);
	node->n_state = ENODE_NONE;
}

/*
 * Nobody in the server uses the node: the kernel shall let go as soon as nobody maps it.
 * => em_lock held.  The messages to the kernel wait for nobody's answer.
 */
void
pager_retire(struct enode *node)
{
	node->n_dying = true;
	if (node->n_state != ENODE_READY)
		return;
	if (node->n_inode->ei_d.i_links_count == 0 && !node->n_mapped)
		memory_object_lock_request(node->n_control, 0, (node->n_size + FS_PAGE - 1) &
		    ~(uint64_t)(FS_PAGE - 1), MEMORY_OBJECT_RETURN_NONE, TRUE,
		    VM_PROT_NO_CHANGE, MACH_PORT_NULL);
	memory_object_change_attributes(node->n_control, FALSE, MEMORY_OBJECT_COPY_DELAY,
	    MACH_PORT_NULL);
}

/* The node is wanted again.  => em_lock held */
void
pager_revive(struct enode *node)
{
	node->n_dying = false;
	if (node->n_state == ENODE_READY)
		memory_object_change_attributes(node->n_control, TRUE, MEMORY_OBJECT_COPY_DELAY,
		    MACH_PORT_NULL);
}

/*
 * Asks the kernel to give back changed pages, or to throw pages away, and waits until it did.
 * => em_lock not held; the caller holds a reference
 */
int
pager_flush(struct enode *node, uint64_t offset, uint64_t size, bool give_back, bool flush)
{
	uint32_t ticket;
	int error;

	offset &= ~(uint64_t)(FS_PAGE - 1);
	size = (size + FS_PAGE - 1) & ~(uint64_t)(FS_PAGE - 1);
	lock_node(node);
	if (node->n_state == ENODE_READY && size != 0) {
		ticket = ++node->n_locks_sent;
		if (memory_object_lock_request(node->n_control, offset, size, give_back ?
		    MEMORY_OBJECT_RETURN_DIRTY : MEMORY_OBJECT_RETURN_NONE, flush,
		    VM_PROT_NO_CHANGE, node->n_object) != KERN_SUCCESS)
			node->n_locks_done++;
		while ((int32_t)(node->n_locks_done - ticket) < 0 &&
		    node->n_state == ENODE_READY)
			condition_wait(&node->n_locks_changed, &node->n_mount->em_lock);
	}
	error = node->n_error;
	if (give_back)
		node->n_error = 0;
	else
		error = 0;
	unlock_node(node);
	return error;
}

/*
 * What was to be done about pages failed for want of memory: once more, a little later, for a second. Who waits for the page hears of it
 * from nobody else.
 */
static bool
try_again(kern_return_t kr, unsigned *tries)
{
	if (kr == KERN_SUCCESS || kr == MACH_SEND_INVALID_DEST || ++*tries > 200)
		return false;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
	return true;
}

static void
control_drop(mach_port_t control)
{
	if (MACH_PORT_VALID(control))
		mach_port_deallocate(mach_task_self(), control);
}

kern_return_t
memory_object_init(mach_port_t object, mach_port_t control, mach_port_t name,
    vm_size_t page_size)
{
	struct enode *node = port_node(object);
	unsigned tries = 0;
	bool keep;

	(void)page_size;
	control_drop(name);
	if (node == NULL) {
		control_drop(control);
		return KERN_SUCCESS;
	}
	lock_node(node);
	if (node->n_state == ENODE_READY)
		mach_port_deallocate(mach_task_self(), node->n_control);
	node->n_state = ENODE_READY;
	node->n_control = control;
	if (node->n_supplied != NULL)
		memset(node->n_supplied, 0, node->n_supplied_bytes);
	keep = !node->n_dying;
	unlock_node(node);
	while (try_again(memory_object_ready(control, keep, MEMORY_OBJECT_COPY_DELAY), &tries))
		;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_terminate(mach_port_t object, mach_port_t control, mach_port_t name)
{
	struct enode *node = port_node(object);
	struct emount *mount;

	if (node != NULL) {
		mount = node->n_mount;
		mutex_lock(&mount->em_lock);
		if (node->n_state == ENODE_READY) {
			mach_port_deallocate(mach_task_self(), node->n_control);
			node->n_control = MACH_PORT_NULL;
			node->n_state = ENODE_PORT;
		}
		node->n_locks_done = node->n_locks_sent;
		condition_broadcast(&node->n_locks_changed);
		if (node->n_dying && node->n_busy == 0 &&
		    __atomic_load_n(&node->n_item.i_refs, __ATOMIC_ACQUIRE) == 0)
			enode_finish(node);
		mutex_unlock(&mount->em_lock);
	}
	if (MACH_PORT_VALID(control))
		mach_port_mod_refs(mach_task_self(), control, MACH_PORT_RIGHT_RECEIVE, -1);
	if (MACH_PORT_VALID(name))
		mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_copy(mach_port_t old_object, mach_port_t control, vm_offset_t offset,
    vm_size_t length, mach_port_t new_object)
{
	/* Never asked with COPY_DELAY. */
	(void)old_object;
	(void)offset;
	(void)length;
	control_drop(control);
	if (MACH_PORT_VALID(new_object))
		mach_port_mod_refs(mach_task_self(), new_object, MACH_PORT_RIGHT_RECEIVE, -1);
	return KERN_SUCCESS;
}

/* => em_lock held.  Without memory for the map, pages count as given: only prefetch is lost. */
static bool
was_supplied(const struct enode *node, uint64_t page)
{
	if (page / 8 >= node->n_supplied_bytes)
		return false;
	return (node->n_supplied[page / 8] >> (page & 7)) & 1;
}

static bool
note_supplied(struct enode *node, uint64_t page)
{
	size_t bytes = node->n_supplied_bytes;
	uint8_t *map;

	if (page / 8 >= bytes) {
		bytes = bytes == 0 ? 8 : bytes;
		while (page / 8 >= bytes)
			bytes *= 2;
		map = realloc(node->n_supplied, bytes);
		if (map == NULL)
			return false;
		memset(map + node->n_supplied_bytes, 0, bytes - node->n_supplied_bytes);
		node->n_supplied = map;
		node->n_supplied_bytes = bytes;
	}
	node->n_supplied[page / 8] |= (uint8_t)(1u << (page & 7));
	return true;
}

/* Has every block of the page a place on the disk?  If not, it must not become dirty unseen. */
static bool
page_backed(struct enode *node, uint64_t offset)
{
	struct ext2_fs *fs = node->n_mount->em_fs;
	uint64_t lblock = offset >> fs->fs_bshift;
	uint64_t end = offset + FS_PAGE < node->n_size ? offset + FS_PAGE : node->n_size;
	uint32_t block;
	bool fresh;

	for (; lblock << fs->fs_bshift < end; lblock++) {
		if (ext2_bmap(node->n_inode, lblock, false, &block, &fresh) != 0 || block == 0)
			return false;
	}
	return true;
}

/*
 * How much to supply from offset on: the pages asked for, and following ones never given before
 * and of the same kind.
 * => em_lock held
 */
static size_t
cluster_size(struct enode *node, uint64_t offset, size_t asked, bool backed)
{
	uint64_t end = (node->n_size + FS_PAGE - 1) & ~(uint64_t)(FS_PAGE - 1), at;
	size_t i;

	for (at = offset; at < offset + asked && at < end; at += FS_PAGE)
		(void)note_supplied(node, at / FS_PAGE);
	for (; at < end && at < offset + CLUSTER; at += FS_PAGE) {
		if (was_supplied(node, at / FS_PAGE) || page_backed(node, at) != backed ||
		    !note_supplied(node, at / FS_PAGE))
			break;
	}
	i = (size_t)(at - offset);
	return i;
}

/* => Linux's error; else memory with *size bytes of the file, at least the *size asked for, and what may not be done to them */
static int
read_cluster(struct enode *node, uint64_t offset, size_t *size, vm_address_t *data, vm_prot_t *locked)
{
	int error = -LX_EIO;
	bool hole, backed;

	lock_node(node);
	if (offset < node->n_size) {
		backed = page_backed(node, offset);
		*size = cluster_size(node, offset, *size, backed);
		if (vm_allocate(mach_task_self(), data, *size, TRUE) != KERN_SUCCESS)
			error = -LX_ENOMEM;
		else
			error = ext2_data_read(node->n_inode, offset, (void *)*data, *size, &hole);
		/* Past the end the last page is zeroes, whatever the disk holds. */
		if (error == 0 && node->n_size < offset + *size)
			memset((uint8_t *)*data + (node->n_size - offset), 0,
			    offset + *size - node->n_size);
		*locked = backed ? VM_PROT_NONE : VM_PROT_WRITE;
	}
	unlock_node(node);
	if (error != 0 && *data != 0)
		vm_deallocate(mach_task_self(), *data, *size);
	return error;
}

kern_return_t
memory_object_data_request(mach_port_t object, mach_port_t control, vm_offset_t offset,
    vm_size_t length, vm_prot_t access)
{
	struct enode *node = port_node(object);
	vm_address_t data;
	vm_prot_t locked;
	size_t size;
	unsigned tries = 0;
	int error;

	(void)access;
	do {
		size = length;
		data = 0;
		error = node != NULL ? read_cluster(node, offset, &size, &data, &locked) : -LX_EIO;
	} while (error == -LX_ENOMEM && try_again(KERN_RESOURCE_SHORTAGE, &tries));
	while (error == 0 && try_again(memory_object_data_supply(control, offset, data, size, TRUE,
	    locked, FALSE, MACH_PORT_NULL), &tries))
		;
	while (error != 0 && try_again(memory_object_data_error(control, offset, size,
	    KERN_FAILURE), &tries))
		;
	control_drop(control);
	return KERN_SUCCESS;
}

/* Someone writes to a page that had a hole: give it blocks first. */
kern_return_t
memory_object_data_unlock(mach_port_t object, mach_port_t control, vm_offset_t offset,
    vm_size_t length, vm_prot_t access)
{
	struct enode *node = port_node(object);
	unsigned tries = 0;
	int error = -LX_EIO;
	uint64_t end;

	(void)access;
	if (node != NULL) {
		lock_node(node);
		if (offset < node->n_size) {
			end = offset + length < node->n_size ? offset + length : node->n_size;
			error = ext2_data_reserve(node->n_inode, offset, end - offset);
		}
		if (error != 0)
			node->n_error = error;
		unlock_node(node);
	}
	/*
	 * Without space the page is taken away, so that the writer faults again and gets an
	 * error from data_request's side; a page may not stay locked for ever.
	 */
	while (try_again(memory_object_lock_request(control, offset, length,
	    MEMORY_OBJECT_RETURN_NONE, error != 0, error == 0 ? VM_PROT_NONE : VM_PROT_NO_CHANGE,
	    MACH_PORT_NULL), &tries))
		;
	while (error != 0 && try_again(memory_object_data_error(control, offset, length,
	    KERN_MEMORY_FAILURE), &tries))
		;
	control_drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_lock_completed(mach_port_t object, mach_port_t control, vm_offset_t offset,
    vm_size_t length)
{
	struct enode *node = port_node(object);

	(void)offset;
	(void)length;
	if (node != NULL) {
		lock_node(node);
		node->n_locks_done++;
		condition_broadcast(&node->n_locks_changed);
		unlock_node(node);
	}
	control_drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_supply_completed(mach_port_t object, mach_port_t control,
    vm_offset_t offset, vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
	(void)object;
	(void)offset;
	(void)length;
	(void)result;
	(void)error_offset;
	control_drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_return(mach_port_t object, mach_port_t control, vm_offset_t offset,
    vm_offset_t data, mach_msg_type_number_t count, boolean_t dirty, boolean_t kernel_copy)
{
	struct enode *node = port_node(object);
	uint64_t n = count;
	int error;

	(void)kernel_copy;
	if (node != NULL && dirty) {
		lock_node(node);
		if (offset < node->n_size) {
			if (n > node->n_size - offset)
				n = node->n_size - offset;
			error = ext2_data_write(node->n_inode, offset, (const void *)data, n);
			if (error != 0)
				node->n_error = error;
		}
		unlock_node(node);
	}
	vm_deallocate(mach_task_self(), data, count);
	control_drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_change_completed(mach_port_t object, boolean_t may_cache,
    memory_object_copy_strategy_t strategy)
{
	(void)object;
	(void)may_cache;
	(void)strategy;
	return KERN_SUCCESS;
}

static any_t
pager_loop(any_t argument)
{
	(void)argument;
	for (;;)
		(void)mach_msg_server(memory_object_server, 4096, pager_set);
	return NULL;
}

int
pager_start(void)
{
	cthread_t thread;

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &pager_set) !=
	    KERN_SUCCESS)
		return -LX_ENOMEM;
	thread = cthread_fork(pager_loop, NULL);
	if (thread == CTHREAD_NULL)
		return -LX_ENOMEM;
	cthread_set_name(thread, "inode pager");
	cthread_detach(thread);
	return 0;
}
