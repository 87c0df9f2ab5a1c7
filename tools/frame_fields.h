/*
 * frame_fields.h: one dnstap frame, taken apart.
 *
 * Takes frames of any writer, not only ours: every field may be missing, and enum values may be unknown. The DNS
 * message is parsed by libldns, `extra` by libjansson. Where a frame carries both a query and a response, the
 * response is parsed.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_FIELDS_H
#define TOOLS_FRAME_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <ldns/ldns.h>

#include "dnstap/dnstap.pb-c.h"

struct frame_fields {
	Dnstap__Dnstap *dnstap;             /* owned */
	const Dnstap__Message *message;     /* borrowed from dnstap */
	bool is_response;                   /* by the message's type */
	ldns_pkt *packet;                   /* owned; NULL: none, or it cannot be parsed */
	const ldns_rr *question;            /* borrowed from packet; NULL: none */
	const char *packet_error;           /* why not; NULL: no error */
	json_t *extra;                      /* owned; an object, or NULL: none, or it is something else */
};

/* False, and nothing to free, when the octets are no dnstap message or there is no memory. */
bool frame_fields_init(struct frame_fields *fields, const uint8_t *octets, size_t length);
void frame_fields_fini(struct frame_fields *fields);

/* The name of an enum field's value as dnstap.proto has it; NULL: a value we do not know. */
const char *frame_enum_name(const ProtobufCMessage *message, const char *field, int value);

/* Writes an address; "-" when it is missing or of impossible length. `to` holds INET6_ADDRSTRLEN. Returns `to`. */
char *frame_address(const ProtobufCBinaryData *address, bool present, char *to);

/* The response code with its extended bits, 0 to 4095, and its name; `to` holds 16. */
unsigned frame_rcode(const ldns_pkt *packet);
char *frame_rcode_name(unsigned rcode, char *to);

/* Response minus query time in microseconds; -1: one of them is not known, or the clock ran backwards. */
int64_t frame_duration_us(const Dnstap__Message *message);

/* A string of `extra`; NULL: missing or no string. Borrowed. */
const char *frame_extra_string(const struct frame_fields *fields, const char *key);

/* boot.worker.counter, from `extra`. False: it has none. */
bool frame_number(const struct frame_fields *fields, char *to, size_t cap);

#endif
