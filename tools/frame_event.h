/*
 * frame_event.h: a dnstap frame as what the store takes (store/event.h).
 *
 * Client queries and responses of any writer, the heartbeats of ours, and the name servers in what name servers told;
 * other frames are nothing to it. What a
 * frame says is taken as it is, but for its form: names become canonical wire form, also those inside the data of the
 * types of RFC 1035, RFC 1183, RFC 2163, RFC 2782 and RFC 6672 that may be compressed; records that have not the form of
 * their type, or are not of class IN, are left out; texts end at a NUL.
 *
 * Threads: a reading belongs to its caller.
 */
#ifndef TOOLS_FRAME_EVENT_H
#define TOOLS_FRAME_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "store/event.h"
#include "tools/frame_fields.h"

enum frame_event_kind {
	FRAME_EVENT_ANSWER,       /* `event` is filled */
	FRAME_EVENT_NOTE,         /* `note` is filled */
	FRAME_EVENT_SERVERS,      /* a name server's answer: of `event` source, times and name servers are filled */
	FRAME_EVENT_OTHER,        /* a frame of another kind */
	FRAME_EVENT_BAD           /* no dnstap message */
};

/* Times that a frame may have to be filed under its own day; else it goes under that of `now_s`. */
struct frame_event_clock {
	int64_t now_s, oldest_s, newest_s;
};

struct frame_event_reading {
	struct store_event event;
	struct store_note note;
	struct frame_fields fields;
	struct store_record records[STORE_RECORDS_MAX];
	char identity[STORE_IDENTITY_MAX];
	size_t text_used, name_used;
	char texts[32 * 1024];
	uint8_t names[256 * 1024];
};

/* What it fills borrows from `reading` and the octets, until frame_event_fini, which is called after every kind but
 * FRAME_EVENT_BAD. */
enum frame_event_kind frame_event_read(struct frame_event_reading *reading, const uint8_t *octets, size_t length,
	const struct frame_event_clock *clock);
void frame_event_fini(struct frame_event_reading *reading);

#endif
