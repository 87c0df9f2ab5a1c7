/*
 * frame_event_verdict.h: what a frame says of the verdict, for tools/frame_event.h.
 */
#ifndef TOOLS_FRAME_EVENT_VERDICT_H
#define TOOLS_FRAME_EVENT_VERDICT_H

#include "tools/frame_decision.h"
#include "tools/frame_event.h"

#define FRAME_COUNTER_MAX (UINT64_MAX / 4)  /* the next one is a number, too */

/* Of our writer: its extra field, which is scanned. */
void frame_event_take_verdict(struct frame_event_reading *reading);

/* Of another writer: its policy field. */
void frame_event_take_policy(struct frame_event_reading *reading, const struct frame_decision *decision);

#endif
