/*
 * record_frame.h: what one dnstap frame records. Frames of this resolver say in `extra` how the answer came about, what
 * was done with it and which one of its worker it was (doc/frames.md); those of others do not.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_RECORD_FRAME_H
#define TOOLS_RECORD_FRAME_H

#include "dnstap/dnstap.pb-c.h"
#include "tools/record_source.h"
#include "tools/recorded.h"

/* SKIP_REASONS: it was taken; else why not. The frame has a message, and `to` is empty. */
enum record_skip record_take_frame(const Dnstap__Dnstap *frame, enum record_take take, struct recorded *to);

#endif
