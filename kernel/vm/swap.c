/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap space (see swap.h): the kernel's side of the default pager.
 *
 * The kernel never guesses how much space there is: it has the objects only which the default pager accepted, and asks for another when
 * the slots run low. Nothing here waits for the default pager. A slot is written by memory_object_data_initialize the first
 * time, by memory_object_data_return when it is used again.
 * LOCKS   swap_lock (VM_SWAP): segments and slots. Messages are sent, and object locks taken, without it.
 * TESTS   tests/boot/vm_swap.c
 */
#include <vm/swap.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/pageout.h>
#include <vm/pager.h>
#include <ipc/ipc.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/timer.h>

#define SEGMENT_SLOTS	4096u			/* at most; 16 MiB */
#define SEGMENT_MIN	64u
#define SEGMENTS	4095u			/* slot numbers have 24 bits */
#define ASK_AGAIN_NS	5000000000ull		/* a default pager that had no room may have some by then */

enum segment_state { SEGMENT_ASKED, SEGMENT_OPEN, SEGMENT_CLOSED };

/* legend: (I) immutable; (s) swap_lock; (d) used by the pageout daemon's thread only */
struct swap_segment {
	struct vm_object *ss_object;		/* (I) */
	enum segment_state ss_state;		/* (s) */
	uint32_t	 ss_slots;		/* (I) */
	uint32_t	 ss_used;		/* (s) */
	uint32_t	 ss_fresh;		/* (s) slots from here on were never written */
	uint64_t	 ss_map[SEGMENT_SLOTS / 64];	/* (s) bit per slot in use */
	uint64_t	 ss_sent[SEGMENT_SLOTS / 64];	/* (s) bit per slot whose contents are on their way to the pager, or there */
};

static const struct lock_class swap_class = { "vm swap", LOCK_RANK_VM_SWAP, 0 };
static struct spinlock swap_lock;
static struct swap_segment *swap_segment[SEGMENTS];	/* (s) */
static unsigned swap_segments;				/* (s) as far as the table was ever used */
static uint64_t swap_total, swap_used;			/* (s) of open segments */
static struct ipc_port *swap_manager;			/* (s) a send right */
static uint32_t swap_ask;				/* (s) slots to ask for next time */
static uint64_t swap_ask_ns;				/* (s) not before */
static bool swap_refused;				/* (s) there is no more to be had */
static bool swap_said_dead, swap_said_full;		/* (s) */

void
vm_swap_bootstrap(void)
{
	spin_lock_init(&swap_lock, &swap_class);
	swap_ask = SEGMENT_SLOTS;
}

/* => swap_lock held; no slot of it is given out any more */
static void
segment_close(struct swap_segment *ss)
{
	if (ss->ss_state == SEGMENT_OPEN) {
		swap_total -= ss->ss_slots;
		swap_used -= ss->ss_used;
	}
	ss->ss_state = SEGMENT_CLOSED;
}

struct ipc_port *
vm_swap_set_manager(struct ipc_port *manager)
{
	struct ipc_port *old;
	unsigned i;

	spin_lock(&swap_lock);
	old = swap_manager;
	swap_manager = manager;
	/* the same one may come again, to say that it has more room */
	if (old != manager)
		for (i = 0; i < swap_segments; i++)
			if (swap_segment[i] != NULL)
				segment_close(swap_segment[i]);
	swap_ask = SEGMENT_SLOTS;
	swap_ask_ns = 0;
	swap_said_dead = false;
	spin_unlock(&swap_lock);
	vm_pageout_kick();
	return old;
}

struct ipc_port *
vm_swap_manager(void)
{
	struct ipc_port *port;

	spin_lock(&swap_lock);
	port = ipc_port_copy_send(swap_manager);
	spin_unlock(&swap_lock);
	return port;
}

/* a place for a segment; => swap_lock held; SEGMENTS: the table is full */
static unsigned
segment_place(void)
{
	unsigned i;

	for (i = 0; i < swap_segments && swap_segment[i] != NULL; i++)
		;
	if (i == swap_segments && i < SEGMENTS)
		swap_segments++;
	return i;
}

static void
segment_ask(uint32_t slots)
{
	struct ipc_port *manager = vm_swap_manager(), *receive = IP_NULL;
	struct swap_segment *ss;
	unsigned place = SEGMENTS;

	if (!IP_VALID(manager))
		return;
	ss = kzalloc(sizeof *ss);
	if (ss == NULL) {
		ipc_port_release_send(manager);
		return;
	}
	ss->ss_slots = slots;
	ss->ss_state = SEGMENT_ASKED;
	ss->ss_object = vm_object_create_backing(&receive);
	if (ss->ss_object != NULL) {
		spin_lock(&swap_lock);
		place = segment_place();
		if (place < SEGMENTS)
			swap_segment[place] = ss;
		spin_unlock(&swap_lock);
	}
	if (place < SEGMENTS) {
		/* when it cannot be sent the receive right is gone, and with it the object */
		vm_pager_create(ss->ss_object, manager, receive, (uint64_t)slots << PAGE_SHIFT);
		return;
	}
	ipc_port_release_send(manager);
	if (ss->ss_object != NULL) {
		ipc_port_destroy_kernel(receive);
		vm_object_release(ss->ss_object);
	}
	kfree(ss, sizeof *ss);
}

/* => swap_lock held; the segment asked for was answered. true: it goes */
static bool
segment_answered(struct swap_segment *ss)
{
	if (ss->ss_object->vo_dead) {
		/* refused: less, or later */
		if (swap_ask > SEGMENT_MIN) {
			swap_ask /= 2;
		} else {
			swap_ask = SEGMENT_SLOTS;
			swap_ask_ns = clock_uptime_ns() + ASK_AGAIN_NS;
			swap_refused = true;
		}
		return true;
	}
	if (ss->ss_object->vo_ready) {
		ss->ss_state = SEGMENT_OPEN;
		swap_total += ss->ss_slots;
		swap_refused = swap_said_full = false;
	}
	return false;
}

/* slots to have free, so that the default pager's answer comes in time; and a quarter to spare: full space is fragmented space */
static inline uint64_t
slots_wanted(uint64_t total)
{
	return SEGMENT_SLOTS / 2 + total / 4;
}

/* => swap_lock held; open and empty, and there is more than enough without it: somebody else may have the room */
static bool
segment_spare(const struct swap_segment *ss)
{
	uint64_t rest = swap_total - ss->ss_slots;

	return ss->ss_used == 0 && rest - swap_used >= slots_wanted(rest) + SEGMENT_SLOTS / 2;
}

/* one segment that can go, or NULL; => *asked: one is waiting for its answer */
static struct swap_segment *
segment_tend(bool *asked)
{
	struct swap_segment *ss;
	unsigned i;
	bool go;

	spin_lock(&swap_lock);
	*asked = false;
	for (i = 0; i < swap_segments; i++) {
		ss = swap_segment[i];
		if (ss == NULL)
			continue;
		go = ss->ss_state == SEGMENT_CLOSED && ss->ss_used == 0;
		if (ss->ss_state == SEGMENT_ASKED) {
			go = segment_answered(ss);
			*asked |= ss->ss_state == SEGMENT_ASKED && !go;
		} else if (ss->ss_state == SEGMENT_OPEN && (ss->ss_object->vo_dead || segment_spare(ss))) {
			segment_close(ss);
			go = ss->ss_used == 0;
		}
		if (go) {
			swap_segment[i] = NULL;
			spin_unlock(&swap_lock);
			return ss;
		}
	}
	spin_unlock(&swap_lock);
	return NULL;
}

void
vm_swap_tend(void)
{
	struct swap_segment *ss;
	uint32_t slots = 0;
	bool asked;

	while ((ss = segment_tend(&asked)) != NULL) {
		vm_object_release(ss->ss_object);
		kfree(ss, sizeof *ss);
	}
	spin_lock(&swap_lock);
	if (!asked && IP_VALID(swap_manager) && clock_uptime_ns() >= swap_ask_ns &&
	    swap_total - swap_used < slots_wanted(swap_total))
		slots = swap_ask;
	spin_unlock(&swap_lock);
	if (slots != 0)
		segment_ask(slots);
}

static inline bool
slot_used(const struct swap_segment *ss, uint32_t at)
{
	return ss->ss_map[at / 64] >> (at % 64) & 1;
}

struct slot_run {
	unsigned	 sr_segment;
	uint32_t	 sr_first;
	unsigned	 sr_count;
};

/* the free slots in a row from `at` on, at most `want`; a message is either for fresh slots or for used ones */
static unsigned
run_at(const struct swap_segment *ss, uint32_t at, unsigned want)
{
	uint32_t end = at < ss->ss_fresh ? ss->ss_fresh : ss->ss_slots;
	unsigned n = 0;

	while (n < want && at + n < end && !slot_used(ss, at + n))
		n++;
	return n;
}

/* the first row of `want` free slots in the segment, or else the longest, when it is longer than the best so far. => swap_lock held */
static void
segment_best(unsigned segment, unsigned want, struct slot_run *best)
{
	const struct swap_segment *ss = swap_segment[segment];
	uint32_t at;
	unsigned n;

	for (at = 0; at < ss->ss_slots && best->sr_count < want; at += n + 1) {
		n = 0;
		if (at % 64 == 0 && ss->ss_map[at / 64] == ~0ull) {
			n = 63;
			continue;
		}
		n = run_at(ss, at, want);
		if (n > best->sr_count)
			*best = (struct slot_run){ segment, at, n };
		/* fresh and used ones meet: look at the second part as well */
		if (n != 0 && at + n == ss->ss_fresh)
			n--;
	}
}

/* a long row makes a large message, and is read ahead in one go later. => swap_lock held; count 0: none */
static struct slot_run
take_run(unsigned want)
{
	struct slot_run best = { 0, 0, 0 };
	struct swap_segment *ss;
	unsigned i;

	for (i = 0; i < swap_segments && best.sr_count < want; i++) {
		ss = swap_segment[i];
		if (ss != NULL && ss->ss_state == SEGMENT_OPEN && ss->ss_slots - ss->ss_used > best.sr_count)
			segment_best(i, want, &best);
	}
	for (i = 0; i < best.sr_count; i++) {
		ss = swap_segment[best.sr_segment];
		ss->ss_map[(best.sr_first + i) / 64] |= 1ull << ((best.sr_first + i) % 64);
		ss->ss_used++;
		swap_used++;
	}
	return best;
}

static inline uint32_t
slot_number(unsigned segment, uint32_t at)
{
	return segment * SEGMENT_SLOTS + at + 1;
}

/*
 * What an earlier use of the slots left in the object (a page that was asked for and then not wanted) must go. One that is still on its way
 * would be taken for the new contents when it comes. => slots that can be used
 */
static unsigned
scrub(struct vm_object *o, uint32_t first, unsigned n)
{
	struct vm_page *p;
	unsigned i;

	spin_lock(&o->vo_lock);
	for (i = 0; i < n; i++) {
		p = ptree_lookup(&o->vo_pages, first + i, NULL);
		if (p == NULL)
			continue;
		if (p->pg_flags & PG_ABSENT)
			break;
		vm_object_free_page_locked(o, p);
	}
	spin_unlock(&o->vo_lock);
	return i;
}

/* once for each time that there was none left and no more to be had */
static void
say_full(void)
{
	bool say;

	spin_lock(&swap_lock);
	say = !swap_said_full && swap_refused && swap_total != 0;
	swap_said_full |= say;
	spin_unlock(&swap_lock);
	if (say)
		kprintf("paging space is exhausted: all %lu MiB are in use\n", (unsigned long)(swap_total * PAGE_SIZE >> 20));
}

uint32_t
vm_swap_alloc(unsigned want, unsigned *got)
{
	struct slot_run run;
	unsigned n;

	spin_lock(&swap_lock);
	run = take_run(want);
	spin_unlock(&swap_lock);
	*got = 0;
	if (run.sr_count == 0) {
		say_full();
		return 0;
	}
	*got = scrub(swap_segment[run.sr_segment]->ss_object, run.sr_first, run.sr_count);
	for (n = run.sr_count; n > *got; n--)
		vm_swap_free(slot_number(run.sr_segment, run.sr_first + n - 1));
	return *got != 0 ? slot_number(run.sr_segment, run.sr_first) : 0;
}

void
vm_swap_free(uint32_t slot)
{
	struct swap_segment *ss;
	uint32_t at = (slot - 1) % SEGMENT_SLOTS;
	bool empty;

	spin_lock(&swap_lock);
	ss = swap_segment[(slot - 1) / SEGMENT_SLOTS];
	KASSERT(ss != NULL && slot_used(ss, at));
	ss->ss_map[at / 64] &= ~(1ull << (at % 64));
	ss->ss_sent[at / 64] &= ~(1ull << (at % 64));
	empty = --ss->ss_used == 0;
	if (ss->ss_state == SEGMENT_OPEN)
		swap_used--;
	spin_unlock(&swap_lock);
	if (empty)
		vm_pageout_kick();		/* it may go */
}

struct vm_object *
vm_swap_object(uint32_t slot, uint64_t *index)
{
	*index = (slot - 1) % SEGMENT_SLOTS;
	return swap_segment[(slot - 1) / SEGMENT_SLOTS]->ss_object;
}

kern_return_t
vm_swap_send(uint32_t first, struct vm_page **pages, unsigned n)
{
	struct swap_segment *ss;
	uint32_t at = (first - 1) % SEGMENT_SLOTS;
	kern_return_t kr;
	bool fresh;

	spin_lock(&swap_lock);
	ss = swap_segment[(first - 1) / SEGMENT_SLOTS];
	fresh = at >= ss->ss_fresh;
	spin_unlock(&swap_lock);
	kr = vm_pager_send_pages(ss->ss_object, at, pages, n, fresh ? PAGER_INITIALIZE : PAGER_RETURN_DIRTY);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&swap_lock);
	if (ss->ss_fresh < at + n)
		ss->ss_fresh = at + n;
	for (; n > 0; n--, at++)
		ss->ss_sent[at / 64] |= 1ull << (at % 64);
	spin_unlock(&swap_lock);
	return KERN_SUCCESS;
}

unsigned
vm_swap_ahead(uint32_t slot, unsigned max)
{
	struct swap_segment *ss;
	uint32_t at = (slot - 1) % SEGMENT_SLOTS, n = 1;

	spin_lock(&swap_lock);
	ss = swap_segment[(slot - 1) / SEGMENT_SLOTS];
	while (n < max && at + n < ss->ss_slots && (ss->ss_sent[(at + n) / 64] >> ((at + n) % 64) & 1))
		n++;
	spin_unlock(&swap_lock);
	return n;
}

bool
vm_swap_is_short(void)
{
	return __atomic_load_n(&swap_refused, __ATOMIC_RELAXED) &&
	    vm_swap_free_slots() < __atomic_load_n(&swap_total, __ATOMIC_RELAXED) / 8;
}

uint64_t
vm_swap_free_slots(void)
{
	uint64_t total = __atomic_load_n(&swap_total, __ATOMIC_RELAXED), used = __atomic_load_n(&swap_used, __ATOMIC_RELAXED);

	return used < total ? total - used : 0;
}

uint64_t
vm_swap_slots(void)
{
	return __atomic_load_n(&swap_total, __ATOMIC_RELAXED);
}

void
vm_swap_object_died(struct vm_object *o)
{
	uint64_t lost = 0;
	unsigned i;
	bool say = false;

	spin_lock(&swap_lock);
	for (i = 0; i < swap_segments; i++) {
		struct swap_segment *ss = swap_segment[i];

		if (ss == NULL || ss->ss_state == SEGMENT_ASKED)
			continue;
		lost += ss->ss_used;
		if (ss->ss_object != o)
			continue;
		segment_close(ss);
		say = ss->ss_used != 0 && !swap_said_dead;
	}
	swap_said_dead |= say;
	spin_unlock(&swap_lock);
	if (say)
		kprintf("default pager: it is gone, and %lu pages of memory with it: tasks that need them get an exception\n",
		    (unsigned long)lost);
}
