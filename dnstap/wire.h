/*
 * wire.h: query and response of an event in DNS wire form (RFC 1035 section 4, RFC 6891, RFC 8914).
 *
 * They are made again from the facts, so they can differ from what went over the network: letter case of the question,
 * order and compression of records, padding, cookies and other EDNS options. doc/frames.md says so to readers.
 *
 * Nothing is compressed but owners: the question's name, the target of the CNAME before, and the owner before.
 *
 * Threads: functions here touch their arguments only. Nothing is allocated.
 */
#ifndef DNSTAP_WIRE_H
#define DNSTAP_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "dnstap/event.h"

#define WIRE_HEADER_OCTETS 12
#define WIRE_RESPONSE_MAX 65535
/* Header, the longest question, OPT. */
#define WIRE_QUERY_MAX (WIRE_HEADER_OCTETS + NAME_OCTETS_MAX + 4 + 11)

/* Header, question, OPT when the query had one. Returns the octets used; 0 when `cap` is too small. */
size_t wire_query(const struct event *event, uint8_t *to, size_t cap);

/* Header, question, the records that facts show, OPT with the EDE when the query had one. What does not fit in 65,535
 * octets, and what the facts left out, makes it end early with TC set; the counts are of what is there. Returns the
 * octets used; 0 when `cap` is too small for a message that needs less than 65,535. */
size_t wire_response(const struct event *event, uint8_t *to, size_t cap);

#endif
