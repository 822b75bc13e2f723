/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager that answers anything in any order: port B is a memory object, one thread maps and uses it, another receives what the kernel
 * asks and calls memory_object_* routines with arguments from the input, on the control port or on any other.
 */
#include <string.h>
#include "fuzz.h"

#define MAPPED	0x20000000ull		/* where the object is mapped */
#define PAGES	8

static const int pager_ids[] = { 2039, 2040, 2044, 2090, 2092, 2093, 2094, 2095 };

void fuzz_prepare(mach_port_t task) { (void)task; }

static const struct fuzz_routine *routine(int id)
{
	for (unsigned i = 0; i < fuzz_routine_count; i++)
		if (fuzz_routines[i].fr_id == id)
			return &fuzz_routines[i];
	return NULL;
}

/* uses the object while the pager does what it does */
static void client(uint64_t argument)
{
	uint32_t pattern = (uint32_t)argument;
	uint64_t v = argument;

	for (unsigned i = 0; i < 12; i++, pattern = pattern >> 3 | pattern << 29) {
		uint64_t at = MAPPED + (pattern & 7) * 4096 + 8 * i;

		if (pattern & 0x100)
			(void)sim_try_write(at, &v, sizeof v);
		else
			(void)sim_try_read(at, &v, sizeof v);
		if ((pattern & 0x1f000) == 0)
			u_vm_deallocate(user_task_self(), MAPPED, 4096);
	}
	user_exit();
}

static void map_object(mach_port_t object)
{
	vm_address_t at = MAPPED;

	u_vm_map(fuzz_name[FUZZ_TASK], &at, PAGES * 4096, 0, 0, object, fuzz_pick(4) * 4096u, (int)fuzz_pick(2), VM_PROT_ALL,
	    VM_PROT_ALL, (vm_inherit_t)fuzz_pick(3));
}

/* what a pager should answer, at least in form */
static void answer(mach_port_t control, uint64_t offset, uint8_t *message)
{
	static const int forms[] = { 2093, 2039, 2090 };
	const struct fuzz_routine *r = routine(forms[fuzz_pick(3)]);
	uint32_t size = fuzz_request(r, message, control);

	memcpy(message + sizeof(mach_msg_header_t) + 8, &offset, sizeof offset);
	fuzz_call(message, size);
}

void fuzz_main(void)
{
	static uint8_t message[FUZZ_MESSAGE] __attribute__((aligned(8)));
	mach_msg_header_t *h = (mach_msg_header_t *)(void *)message;
	mach_port_t object = fuzz_name[FUZZ_PORT_B], control = MACH_PORT_NULL;

	map_object(object);
	fuzz_found(user_thread(fuzz_name[FUZZ_TASK], client, fuzz_u32()));
	for (unsigned n = 0; n < 40 && fuzz_left(); n++) {
		unsigned kind = fuzz_pick(8);

		if (kind < 4 && fuzz_receive(fuzz_name[FUZZ_PORT_B], 1, message, sizeof message)) {
			uint64_t offset = 0;

			/* memory_object_init is the first to name the control port, in the body; later ones have it there too */
			for (unsigned i = sizeof *h; i + 16 <= h->msgh_size && i < 64; i += 16) {
				mach_msg_type_t t;

				memcpy(&t, message + i, sizeof t);
				if (t.msgt_name == MACH_MSG_TYPE_MOVE_SEND && control == MACH_PORT_NULL)
					memcpy(&control, message + i + 8, sizeof control);
				else if (t.msgt_name == 11)
					memcpy(&offset, message + i + 8, sizeof offset);
			}
			if (h->msgh_id == 2200)
				fuzz_call(message, fuzz_request(routine(2094), message, control));
			else if (fuzz_pick(4) != 0)
				answer(control, offset, message);
		} else if (kind < 7) {
			const struct fuzz_routine *r = routine(pager_ids[fuzz_pick(sizeof pager_ids / sizeof pager_ids[0])]);

			fuzz_call(message, fuzz_request(r, message, fuzz_pick(4) == 1 ? fuzz_port() : control));
		} else if (fuzz_pick(4) == 0) {
			u_mach_port_destroy(fuzz_name[FUZZ_TASK], fuzz_name[FUZZ_PORT_B]);
		} else if (fuzz_pick(2) == 0) {
			map_object(object);
			fuzz_found(user_thread(fuzz_name[FUZZ_TASK], client, fuzz_u32()));
		} else {
			user_sleep(1);
		}
	}
}
