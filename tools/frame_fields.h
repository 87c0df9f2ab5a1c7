/*
 * frame_fields.h: one dnstap frame, taken apart.
 *
 * Takes frames of any writer, not only ours: every field may be missing, and enum values may be unknown. Where a
 * frame carries both a query and a response, the response is read. protobuf-c allocates for each field, so it gets
 * an arena that a whole frame fits into; only a hostile frame needs more, and gets it from the heap.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_FIELDS_H
#define TOOLS_FRAME_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/dnstap.pb-c.h"
#include "tools/dns_view.h"
#include "tools/json_scan.h"

#define FRAME_ARENA_OCTETS 4096
#define FRAME_TEXT_MAX 1280         /* of a text of `extra` that people see */
#define FRAME_BOOT_MAX 64

enum frame_kind {
	FRAME_EVENT,                    /* an answer, or whatever another writer says */
	FRAME_HEARTBEAT,                /* our resolver speaks of itself (doc/frames.md) */
	FRAME_FORMER                    /* how far a former process of it had come */
};

/* What an answer is known by. */
struct frame_serial {
	char boot[FRAME_BOOT_MAX];
	uint64_t worker;
	uint64_t counter;
};

struct frame_arena {
	size_t used;
	_Alignas(16) uint8_t octets[FRAME_ARENA_OCTETS];
};

struct frame_fields {
	Dnstap__Dnstap *dnstap;             /* owned */
	const Dnstap__Message *message;     /* borrowed from dnstap */
	enum frame_kind kind;
	bool is_response;                   /* by the message's type */
	bool has_extra;                     /* `extra` is an object */
	bool has_serial;
	struct json_members extra;
	struct frame_serial serial;
	struct dns_view dns;                /* `octets` NULL: none */
	struct frame_arena arena;
};

/* False, and nothing to free, when the octets are no dnstap message or there is no memory. The octets are borrowed
 * until frame_fields_fini. */
bool frame_fields_init(struct frame_fields *fields, const uint8_t *octets, size_t length);
void frame_fields_fini(struct frame_fields *fields);

/* The name of an enum field's value as dnstap.proto has it; NULL: a value we do not know. */
const char *frame_enum_name(const ProtobufCMessage *message, const char *field, int value);

/* The name of the transport in small letters; NULL: none, or unknown. */
const char *frame_transport(const Dnstap__Message *message);

/* Writes an address; "-" when it is missing or of impossible length. `to` holds INET6_ADDRSTRLEN. Returns `to`. */
char *frame_address(const ProtobufCBinaryData *address, bool present, char *to);

/* Did the frame bring an address that is one? */
bool frame_has_address(const ProtobufCBinaryData *address, bool present);

/* When the answer left, or else the query came. False: neither is known, or it is no time. */
bool frame_time(const Dnstap__Message *message, uint64_t *seconds, uint32_t *ns);

/* Response minus query time in nanoseconds; -1: one of them is not known, or the clock ran backwards. */
int64_t frame_duration_ns(const Dnstap__Message *message);

/* RFC 3339 in UTC with nanoseconds; `to` holds FRAME_TIME_MAX. Returns its octets; 0: no time. */
#define FRAME_TIME_MAX 40
size_t frame_time_text(uint64_t seconds, uint32_t ns, char *to);

/* A text of `extra`, decoded; "" when missing or no string. `to` holds FRAME_TEXT_MAX. Returns `to`. */
char *frame_extra_text(const struct frame_fields *fields, const char *key, char *to);

/* boot.worker.counter, from `extra`. False: it has none. */
bool frame_number(const struct frame_fields *fields, char *to, size_t cap);

#endif
