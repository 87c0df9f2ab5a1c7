/*
 * kept_frame.h: an event that was kept as the dnstap frame it came in, so that formats for frames take it
 * (tools/frame_format.h).
 *
 * What the store keeps nothing of is not in it: ports, the resolver's address and version, the message's id (0 here),
 * the order of records and any but the answer's; of TTLs the highest of the day is. ATT&CK ids are kept together: those
 * that no detection has are the rule's, or without one the shadow rule's.
 *
 * Threads: a frame belongs to its caller.
 */
#ifndef TOOLS_KEPT_FRAME_H
#define TOOLS_KEPT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "tools/frame_fields.h"
#include "tools/json_line.h"
#include "tools/kept_message.h"

struct kept_frame {
	struct frame_fields fields;
	struct json_line extra;              /* owned */
	struct kept_message message;         /* owned */
	uint8_t *octets;                     /* owned */
	size_t octets_cap;
};

/* `values` are columns as in hunt_export.h. False: no memory, or it is no event; *frame stays usable. Its fields are
 * valid until kept_frame_done. */
bool kept_frame_make(struct kept_frame *frame, sqlite3_value **values);
void kept_frame_done(struct kept_frame *frame);

/* Frees it; at first all of it is 0. */
void kept_frame_fini(struct kept_frame *frame);

#endif
