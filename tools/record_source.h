/*
 * record_source.h: recordings, whatever their form: texts (tools/question_read.h), dnstap in Frame Streams files (ours
 * and any resolver's), what `unbound-control dump_cache` prints (tools/record_dump.h), and pcap of Ethernet (with VLANs),
 * Linux cooked, loopback and raw captures (RFC 1035 over UDP, and over TCP where a segment holds one whole message).
 *
 * Everything in them is hostile. What can not be used is counted by reason and left out; what ends a file too early is
 * said with its place, and what stood before it counts.
 *
 * Threads: one source belongs to one thread.
 */
#ifndef TOOLS_RECORD_SOURCE_H
#define TOOLS_RECORD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/diag.h"
#include "tools/recorded.h"

enum record_form { RECORD_TEXT, RECORD_DNSTAP, RECORD_PCAP, RECORD_DUMP, RECORD_FORMS };
extern const char *const record_form_names[RECORD_FORMS];

/* Why something was left out. */
enum record_skip {
	SKIP_UNREADABLE,      /* a line or frame that is none, a packet that is cut */
	SKIP_NOT_DNS,         /* another port or protocol */
	SKIP_QUERY,           /* a query, unless these are asked for */
	SKIP_FRAGMENT,        /* of an IP packet or a TCP stream */
	SKIP_NO_QUESTION,     /* a message without one question */
	SKIP_NOTE,            /* a heartbeat, another kind of message than with clients */
	SKIP_REASONS
};
extern const char *const record_skip_names[SKIP_REASONS];

/* What of frames and packets is taken. */
enum record_take {
	RECORD_RESPONSES,            /* to clients */
	RECORD_QUERIES,              /* of clients */
	RECORD_SERVERS               /* every response, those of name servers to the resolver too */
};

struct record_source;

struct record_counts {
	uint64_t skipped[SKIP_REASONS];
	uint64_t first_unreadable;    /* line, packet or octet; 0: none */
};

/* Looks at the first octets to tell the form. Takes `from`, whatever is returned. NULL with *diag set: no recording, or
 * none of a form that is read. */
struct record_source *record_source_open(FILE *from, const char *name, enum record_take take, struct diag *diag);
void record_source_close(struct record_source **source);
enum record_form record_source_form(const struct record_source *source);

/* From now on dnstap comes in the order of time (tools/frame_order.h). False: no memory. */
bool record_source_order(struct record_source *source);

/* The next one: 1; 0 at the end; -1 with *diag when the rest can not be read. */
int record_source_next(struct record_source *source, struct recorded *to, struct diag *diag);

void record_source_counts(const struct record_source *source, struct record_counts *counts);

#endif
