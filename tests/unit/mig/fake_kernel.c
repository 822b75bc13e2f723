/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel small enough for one process.
 *
 * It checks and converts messages as the interface says a kernel does: descriptors, copies of
 * out-of-line memory, kinds of rights, names of 4 bytes outside messages and slots of 8 inside.
 * With SERVER_KERNEL the server is a kernel server: it gets port pointers instead of names.
 * Everything handed over is counted, so a test can tell what a stub lost.
 */
#include "fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>

#include "tour_sizes.h"

#define NAMES 65536

struct block {
	struct block	*next;
	char		*data;
	size_t		bytes;
};

struct fake_mutation fake_reply_mutation;
struct fake_capture fake_capture;
uint64_t fake_payload;
unsigned fake_last_timeout, fake_last_options, fake_last_reply_name, fake_last_remote_kind;

static struct block *blocks;
static int held[NAMES];
static long held_total;
static char port_table[NAMES];
static char *request_copy, *reply_copy;
static bool honest;		/* the message being delivered comes from a stub as it is */

void mach_msg_destroy(mach_msg_header_t *message);
extern boolean_t tour_server(mach_msg_header_t *request, mach_msg_header_t *reply);

unsigned
fake_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

void *
fake_alloc(size_t bytes)
{
	struct block *block = malloc(sizeof(*block));

	block->data = malloc(bytes ? bytes : 1);
	block->bytes = bytes;
	block->next = blocks;
	blocks = block;
	return block->data;
}

bool
fake_block(const void *data, size_t bytes)
{
	for (struct block *block = blocks; block != NULL; block = block->next)
		if (block->data == data)
			return block->bytes >= bytes;
	return false;
}

void
fake_free(const void *data, size_t bytes)
{
	for (struct block **link = &blocks; *link != NULL; link = &(*link)->next) {
		struct block *block = *link;

		if (block->data != data)
			continue;
		if (block->bytes != bytes) {
			fprintf(stderr, "free of %zu bytes, the block has %zu\n", bytes, block->bytes);
			abort();
		}
		*link = block->next;
		free(block->data);
		free(block);
		return;
	}
	fprintf(stderr, "free of memory nobody has\n");
	abort();
}

long
fake_blocks(void)
{
	long count = 0;

	for (struct block *block = blocks; block != NULL; block = block->next)
		count++;
	return count;
}

long
fake_rights(void)
{
	return held_total;
}

bool
fake_right_known(unsigned name)
{
	return name == 0 || name == ~0u || (name < NAMES && held[name] > 0);
}

void
fake_right_release(unsigned name)
{
	if (name == 0 || name == ~0u)
		return;
	if (name >= NAMES || held[name] == 0) {
		fprintf(stderr, "release of right %u nobody has\n", name);
		abort();
	}
	held[name]--;
	held_total--;
}

static void
right_hold(unsigned name)
{
	if (name == 0 || name == ~0u)
		return;
	held[name]++;
	held_total++;
}

void
fake_reset(void)
{
	while (blocks != NULL)
		fake_free(blocks->data, blocks->bytes);
	memset(held, 0, sizeof(held));
	held_total = 0;
	free(request_copy);
	free(reply_copy);
	request_copy = reply_copy = NULL;
}

void *
fake_port(unsigned name)
{
#ifdef SERVER_KERNEL
	return name == 0 ? NULL : name == ~0u ? (void *)~0ul : (void *)&port_table[name % NAMES];
#else
	(void)port_table;
	return (void *)(uintptr_t)name;
#endif
}

unsigned
fake_name(const void *port)
{
#ifdef SERVER_KERNEL
	return port == NULL ? 0 : port == (void *)~0ul ? ~0u :
	    (unsigned)((const char *)port - port_table);
#else
	return (unsigned)(uintptr_t)port;
#endif
}

/* One message on its way from one form to the other. */
struct carrier {
	char		*message;
	unsigned	size;
	bool		to_server;	/* else to the caller */
	bool		honest;		/* nobody changed it: pointers are real */
	bool		ports;
	bool		data;
};

static unsigned
received_kind(unsigned kind)
{
	static const unsigned map[] = { 16, 17, 18, 17, 17, 18 };

	return map[kind - 16];
}

/* A name the kernel would find: any small number, null or dead. */
static unsigned
plausible_name(unsigned name)
{
	return name == 0 || name == ~0u ? name : name % NAMES ? name % NAMES : 1;
}

static bool
carry_inline_ports(struct carrier *carrier, char *data, unsigned number)
{
	for (unsigned i = 0; i < number; i++, data += 8) {
		uint64_t slot;
		void *port;

		memcpy(&slot, data, 8);
		if (carrier->to_server) {
			unsigned name = plausible_name((unsigned)slot);

			right_hold(name);
			port = fake_port(name);
			memcpy(data, &port, 8);
		} else {
			memcpy(&port, &slot, 8);
			slot = fake_name(port);
			memcpy(data, &slot, 8);
		}
	}
	return true;
}

/* Out-of-line memory: a copy the receiver owns. What the sender gave away is gone. */
static bool
carry_out(struct carrier *carrier, char *slot, unsigned bits, uint64_t number, bool port, bool dealloc)
{
	size_t element = port ? 4 : bits / 8;
	size_t from_element = element, to_element = element;
	char *from, *to;

#ifdef SERVER_KERNEL
	if (port)
		*(carrier->to_server ? &to_element : &from_element) = 8;
#endif
	memcpy(&from, slot, 8);
	if (port ? bits != 32 : bits % 8 != 0 || number * element > 1 << 20)
		return false;
	if (number * element > 1 << 20)
		return false;
	if (number == 0) {
		to = NULL;
		memcpy(slot, &to, 8);
		return true;
	}
	/* a pointer that a mutation made up stands for some memory of the sender's */
	if (!carrier->honest && !fake_block(from, number * from_element)) {
		from = fake_alloc(number * from_element);
		memset(from, 0, number * from_element);
		dealloc = true;
	}
	to = fake_alloc(number * to_element);
	for (uint64_t i = 0; i < number && port; i++) {
		if (carrier->to_server) {
			uint32_t name;
			void *right;

			memcpy(&name, from + i * from_element, 4);
			name = plausible_name(name);
			right_hold(name);
			right = fake_port(name);
			memcpy(to + i * to_element, &right, to_element);
		} else {
			void *right = NULL;
			uint32_t name;

			memcpy(&right, from + i * from_element, from_element);
			name = fake_name(right);
			memcpy(to + i * to_element, &name, 4);
		}
	}
	if (!port)
		memcpy(to, from, number * element);
	for (struct block *block = blocks; dealloc && block != NULL; block = block->next) {
		if (block->data == from) {
			fake_free(block->data, block->bytes);
			break;
		}
	}
	memcpy(slot, &to, 8);
	return true;
}

static bool
carry_item(struct carrier *carrier, unsigned *at)
{
	char *item = carrier->message + *at;
	unsigned left = carrier->size - *at;
	uint32_t word, number;
	unsigned kind, bits;
	bool is_inline, port;
	uint64_t bytes;

	if (left < 8)
		return false;
	memcpy(&word, item, 4);
	memcpy(&number, item + 4, 4);
	kind = word & 0xff;
	bits = word >> 8 & 0xffff;
	is_inline = word >> 29 & 1;
	port = kind >= 16 && kind <= 21;
	if (word >> 24 & 0x1f || (is_inline && word >> 31) || (is_inline && port && bits != 64))
		return false;
	bytes = is_inline ? ((uint64_t)bits * number + 7) / 8 : 8;
	bytes = (bytes + 7) & ~7ull;
	if (bytes > left - 8)
		return false;
	if (is_inline && port)
		carry_inline_ports(carrier, item + 8, number);
	if (!is_inline && !carry_out(carrier, item + 8, bits, number, port, word >> 31))
		return false;
	if (port) {
		word = (word & ~0xffu) | received_kind(kind);
		carrier->ports = true;
	}
	if (!is_inline) {
		word |= 1u << 31;
		carrier->data = true;
	}
	memcpy(item, &word, 4);
	*at += 8 + (unsigned)bytes;
	return true;
}

/* => false: the kernel refuses the message */
static bool
carry(struct carrier *carrier)
{
	mach_msg_header_t *header = (mach_msg_header_t *)carrier->message;
	unsigned at = 32;

	if (carrier->size < 32 || carrier->size % 8 != 0)
		return false;
	header->msgh_size = carrier->size;
	if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return true;
	while (at < carrier->size)
		if (!carry_item(carrier, &at))
			return false;
	if (!carrier->ports && !carrier->data)
		header->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
	return true;
}

/* What mach_msg_destroy does to a request that failed. */
static void
destroy(char *message, unsigned size)
{
	mach_msg_header_t *header = (mach_msg_header_t *)message;

	for (unsigned at = 32; (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) && at < size; ) {
		uint32_t word, number;
		char *data;
		bool port;

		memcpy(&word, message + at, 4);
		memcpy(&number, message + at + 4, 4);
		port = (word & 0xff) >= 16 && (word & 0xff) <= 21;
		data = message + at + 8;
		if (!(word >> 29 & 1)) {
			size_t element = (word >> 8 & 0xffff) / 8;
			char *far;

			memcpy(&far, data, 8);
#ifdef SERVER_KERNEL
			if (port)
				element = 8;
#endif
			for (unsigned i = 0; port && i < number; i++) {
				void *right = NULL;

				memcpy(&right, far + i * element, element);
				fake_right_release(fake_name(right));
			}
			if (far != NULL)
				fake_free(far, element * number);
			at += 16;
			continue;
		}
		for (unsigned i = 0; port && i < number; i++) {
			void *right;

			memcpy(&right, data + 8 * i, 8);
			fake_right_release(fake_name(right));
		}
		at += 8 + (unsigned)(((((uint64_t)(word >> 8 & 0xffff) * number + 7) / 8) + 7) & ~7ull);
	}
}

static const char *
reply_broken(const mig_reply_header_t *reply)
{
	unsigned size = reply->Head.msgh_size;

	if (size < 48 || size % 8 != 0 || size > TOUR_REPLY_MAX)
		return "size of the reply";
	if (reply->RetCode != KERN_SUCCESS &&
	    (size != 48 || (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)))
		return "a failed request has a plain reply";
	if (reply->RetCodeType.msgt_name != 2 || reply->RetCodeType.msgt_number != 1)
		return "descriptor of the code";
	return NULL;
}

/* The server's view of a sent header: swapped, but for a kernel server. */
static void
header_to_server(mach_msg_header_t *header)
{
	unsigned remote = header->msgh_bits & 0xff, local = header->msgh_bits >> 8 & 0xff;
	uint64_t ports[2];

	memcpy(ports, (char *)header + 8, 16);
	remote = remote >= 16 && remote <= 21 ? received_kind(remote) : 0;
	local = local >= 16 && local <= 21 ? received_kind(local) : 0;
	for (int i = 0; i < 2; i++)
		ports[i] = (uintptr_t)fake_port(plausible_name((unsigned)ports[i]));
	header->msgh_bits &= MACH_MSGH_BITS_COMPLEX;
#ifdef SERVER_KERNEL
	header->msgh_bits |= MACH_MSGH_BITS(remote, local);
	memcpy((char *)header + 8, ports, 16);
#else
	header->msgh_bits |= MACH_MSGH_BITS(local, remote);
	memcpy((char *)header + 8, &ports[1], 8);
	memcpy((char *)header + 16, &ports[0], 8);
	if (fake_payload != 0) {
		header->msgh_bits = (header->msgh_bits & ~MACH_MSGH_BITS_LOCAL_MASK) |
		    MACH_MSGH_BITS(0, MACH_MSG_TYPE_PROTECTED_PAYLOAD);
		memcpy((char *)header + 16, &fake_payload, 8);
	}
#endif
	header->msgh_seqno = 77;
}

enum fake_result
fake_deliver(const void *message, unsigned size, const char **broken)
{
	struct carrier carrier = { .size = size, .to_server = true, .honest = honest };
	mig_reply_header_t *reply;
	char *before;
	bool known;

	*broken = NULL;
	free(request_copy);
	free(reply_copy);
	request_copy = carrier.message = malloc(size);
	reply_copy = malloc(TOUR_REPLY_MAX);
	memcpy(request_copy, message, size);
	memset(reply_copy, 0xee, TOUR_REPLY_MAX);
	if (!carry(&carrier))
		return FAKE_REFUSED;
	header_to_server((mach_msg_header_t *)request_copy);
	before = malloc(size);
	memcpy(before, request_copy, size);
	reply = (mig_reply_header_t *)reply_copy;
	known = tour_server((mach_msg_header_t *)request_copy, &reply->Head);
	if (memcmp(before, request_copy, size) != 0)
		*broken = "the request was written to";
	free(before);
	if (known && *broken == NULL)
		*broken = reply_broken(reply);
	if (!known || (reply->RetCode != KERN_SUCCESS && reply->RetCode != MIG_NO_REPLY))
		destroy(request_copy, size);
	return known ? FAKE_DONE : FAKE_BAD_ID;
}

int
fake_reply_code(void)
{
	return ((mig_reply_header_t *)reply_copy)->RetCode;
}

void
fake_mutate(char *message, unsigned *size, unsigned capacity, unsigned *seed)
{
	static const uint32_t words[] = { 0, 1, 2, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff, 0x20000000,
	    0x10000001, 1024, 1025, 2049, 0x20002002, 0x20004011, 0x80000909 };
	unsigned count = 1 + fake_random(seed) % 3;

	while (count-- > 0) {
		unsigned at = fake_random(seed) % *size & ~3u;

		switch (fake_random(seed) % 6) {
		case 0:
			message[fake_random(seed) % *size] ^= (char)(1 << fake_random(seed) % 8);
			break;
		case 1:
			memcpy(message + at, &words[fake_random(seed) % (sizeof(words) / 4)], 4);
			break;
		case 2:		/* one more, one fewer */
			message[at] = (char)(message[at] + (fake_random(seed) % 2 ? 1 : -1));
			break;
		case 3:
			if (*size > 40)
				*size -= 8 * (1 + fake_random(seed) % ((*size - 32) / 8));
			break;
		case 4:
			if (*size + 64 <= capacity) {
				memset(message + *size, 0, 64);
				*size += 8 * (1 + fake_random(seed) % 8);
			}
			break;
		default:	/* the complex bit */
			message[3] ^= (char)0x80;
			break;
		}
	}
}

/* The reply on its way to the caller. */
static mach_msg_return_t
receive(mach_msg_header_t *message, unsigned capacity, unsigned reply_name)
{
	struct carrier carrier = { .to_server = false, .honest = !fake_reply_mutation.active };
	mig_reply_header_t *reply = (mig_reply_header_t *)reply_copy;
	static _Alignas(8) char buffer[TOUR_REPLY_MAX + 4096];

	carrier.size = reply->Head.msgh_size;
	carrier.message = buffer;
	memcpy(buffer, reply_copy, carrier.size);
	if (fake_reply_mutation.active)
		fake_mutate(buffer, &carrier.size, sizeof(buffer), &fake_reply_mutation.seed);
	if (!carry(&carrier)) {
		/* nothing of its body arrives */
		*message = (mach_msg_header_t){ .msgh_size = sizeof(*message), .msgh_id = reply->Head.msgh_id };
		return MACH_RCV_BODY_ERROR;
	}
	if (carrier.size > capacity)
		return MACH_RCV_TOO_LARGE;
	memcpy(message, buffer, carrier.size);
	message->msgh_bits = (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(0, 18);
	message->msgh_remote_port = 0;
	message->msgh_local_port = reply_name;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t
mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
    mach_port_t notify)
{
	enum fake_result result;
	const char *broken;

	(void)notify;
	fake_last_timeout = timeout;
	fake_last_options = (unsigned)option;
	fake_last_reply_name = message->msgh_local_port;
	fake_last_remote_kind = message->msgh_bits & 0xff;
	if (fake_capture.active) {
		fake_capture.size = send_size;
		memcpy(fake_capture.bytes, message, send_size);
		return MACH_SEND_INTERRUPTED;
	}
	honest = true;
	result = fake_deliver(message, send_size, &broken);
	honest = false;
	switch (result) {
	case FAKE_REFUSED:
		fprintf(stderr, "the kernel refuses request %d\n", message->msgh_id);
		abort();
	case FAKE_BAD_ID:
	case FAKE_DONE:
		if (broken != NULL) {
			fprintf(stderr, "%s\n", broken);
			abort();
		}
		break;
	}
	if (!(option & MACH_RCV_MSG))
		return MACH_MSG_SUCCESS;
	return receive(message, receive_size, receive_name);
}

/* A reply the caller's stub does not want: its memory goes, its names are only numbers here. */
void
mach_msg_destroy(mach_msg_header_t *message)
{
	const char *item = (const char *)(message + 1), *end = (const char *)message + message->msgh_size;

	while (item < end) {
		mach_msg_type_t type;
		char *far;

		memcpy(&type, item, sizeof(type));
		item += 8;
		if (type.msgt_inline) {
			item += (((uint64_t)type.msgt_number * type.msgt_size + 7) / 8 + 7) & ~7ull;
			continue;
		}
		memcpy(&far, item, 8);
		item += 8;
		if (far != NULL)
			fake_free(far, (size_t)type.msgt_number * type.msgt_size / 8);
	}
}

mach_port_t
mig_get_reply_port(void)
{
	return 4711;
}

void
mig_put_reply_port(mach_port_t port)
{
	(void)port;
}

void
mig_dealloc_reply_port(mach_port_t port)
{
	(void)port;
}

vm_size_t
mig_strncpy(char *to, const char *from, int size)
{
	int i;

	for (i = 0; i < size - 1 && from[i] != '\0'; i++)
		to[i] = from[i];
	to[i] = '\0';
	return (vm_size_t)i + 1;
}

void
mig_allocate(vm_address_t *address, vm_size_t size)
{
	*address = (vm_address_t)fake_alloc(size);
}

void
mig_deallocate(vm_address_t address, vm_size_t size)
{
	fake_free((const void *)address, size);
}
