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

/* Writes octets as printable ASCII, others as \DDD, and a NUL; cut at `cap`. Returns the characters. */
size_t frame_ascii(const uint8_t *octets, size_t count, char *to, size_t cap);

#endif
