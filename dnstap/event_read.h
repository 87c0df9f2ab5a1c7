/*
 * event_read.h: the flat form of an event, read back.
 *
 * The octets may come from a file that survived a crash, so every number is checked: what event_read accepts has every
 * enum in its range, texts no longer than their kinds allow, names that are valid, and parts that lie inside.
 * Texts may still hold any octets; whoever prints them escapes them.
 *
 * Threads: functions here touch their arguments only. Nothing is allocated.
 */
#ifndef DNSTAP_EVENT_READ_H
#define DNSTAP_EVENT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/event.h"

/* Borrowed octets; `length` 0: none, and `data` is not NULL all the same. */
struct span {
	const uint8_t *data;
	size_t length;
};

/* A rule that matched; all empty when trigger is TRIGGER_NONE. */
struct event_rule {
	enum trigger trigger;
	enum action action;
	uint8_t chain;
	uint32_t serial;
	struct span list;
	struct span rule;       /* as text */
	struct span category;
	struct span attack;     /* ATT&CK ids, separated by blanks */
};

struct event_view {
	struct frame_number number;
	enum answer_path path;
	enum transport transport;
	enum action action;          /* what was done */
	struct address client;
	struct address server;
	struct timespec query_time;  /* zero: not known */
	struct timespec response_time;
	uint64_t dropped;
	uint64_t left_out;
	int16_t ede;
	enum privacy_mode privacy;   /* what is shown of the client */
	struct event_rule rule;
	struct event_rule shadow;
	struct span value;           /* a name in wire form, valid, or 4 or 16 octets of address, by the rule's trigger;
	                              * none: the question's name matched, or it is not known */
	struct span query;           /* DNS messages in wire form */
	struct span response;        /* none: nothing was sent */
	struct detections detections;
	enum security security;      /* SECURITY_UNKNOWN: no detector asked */
	bool has_servers;            /* a detector asked who serves the zone: */
	struct span servers;         /* for behind_next, which takes all of it */
	bool unsent;                 /* the response was made, and not sent */
	struct span group;           /* the client's; none: no groups are configured */
};

/* Parses `octets` octets, which *view then points into. False, and *view untouched, when they are no event. */
bool event_read(struct event_view *view, const uint8_t *from, size_t octets);

/* The question's name in canonical form. False, and *name untouched, when the query has none. */
bool event_qname(const struct event_view *view, struct name *name);

#endif
