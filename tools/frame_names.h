/*
 * frame_names.h: the question and the records of a frame's message, names canonical and whole, for the store.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_NAMES_H
#define TOOLS_FRAME_NAMES_H

#include "tools/frame_event.h"

/* Of a message that has a question. */
void frame_names_question(struct frame_event_reading *reading);

/* Of a response without error. */
void frame_names_records(struct frame_event_reading *reading);

/* Of what a name server told: the name servers in its authority section, of the zone that it was asked for, and below;
 * `zone` is its name in wire form. */
void frame_names_servers(struct frame_event_reading *reading, const uint8_t *zone, size_t octets);

/* Writes octets as printable ASCII, others as \DDD, and a NUL; cut at `cap`. Returns the characters. */
size_t frame_ascii(const uint8_t *octets, size_t count, char *to, size_t cap);

#endif
