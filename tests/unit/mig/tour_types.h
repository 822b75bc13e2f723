/* SPDX-License-Identifier: BSD-2-Clause */
/* C side of tour.defs. */
#ifndef TOUR_TYPES_H
#define TOUR_TYPES_H

#include <stdint.h>
#include <mach/port.h>
#include <mach/message.h>

typedef struct { char bytes[16]; } tour_blob_t;
typedef struct { int32_t kind; int64_t big; char tail[3]; } tour_mixed_t;
typedef struct { char text[5]; } tour_bytes_t;
typedef struct { int32_t word[5]; } tour_words_t;
typedef int16_t tour_fixed_t[6];
typedef tour_mixed_t *tour_mixeds_t;
typedef char *tour_chars_t;
typedef int32_t *tour_ints_t;
typedef int32_t *tour_many_t;
typedef tour_mixed_t *tour_many_mixed_t;
typedef int32_t *tour_out_t;
typedef int64_t *tour_one_t;
typedef int32_t *tour_row_t;
typedef char tour_name_t[24];
typedef char tour_label_t[24];
typedef char tour_old_name_t[24];
typedef mach_port_t tour_ports_fixed_t[3];
typedef mach_port_t *tour_ports_t;
typedef mach_port_t *tour_ports_many_t;
typedef mach_port_t *tour_ports_out_t;
typedef mach_port_t *tour_ports_poly_t;
typedef struct tour_object *tour_object_t;

tour_object_t tour_object_from_port(mach_port_t port);
tour_object_t tour_object_from_payload(uintptr_t payload);
mach_port_t tour_object_to_port(tour_object_t object);
void tour_object_release(tour_object_t object);
void tour_error(kern_return_t code);

#endif
