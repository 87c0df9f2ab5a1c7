/*
 * tap_flow.h: the way of a frame through `tap`, whatever it came from:
 *
 *     octets -> fields -> gaps, duplicates -> filter -> counts -> format
 *
 * and the reports at the end, or every so many seconds.
 *
 * Threads: a flow belongs to its caller.
 */
#ifndef TOOLS_TAP_FLOW_H
#define TOOLS_TAP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/frame_filter.h"
#include "tools/frame_format.h"
#include "tools/frame_gaps.h"
#include "tools/frame_stats.h"

struct tap_flow {
	/* Takes frames instead of all that follows; NULL: none. */
	enum print_result (*sink)(void *arg, const uint8_t *octets, size_t length);
	void *sink_arg;
	struct frame_printer printer;
	struct frame_filter filter;
	bool quiet;                  /* no frames, reports alone, which go to standard output then */
	bool dedup;
	bool report_gaps;
	struct frame_gaps *gaps;     /* owned; NULL: not wanted */
	struct frame_stats *stats;   /* owned; NULL: not wanted */
	unsigned every_s;            /* reports, and what formats gathered; 0: at the end alone */
	uint64_t next_s;             /* of the clock that does not jump */
	struct frame_fields fields;
};

enum print_result tap_flow_take(struct tap_flow *flow, const uint8_t *octets, size_t length);

/* Has the limit been reached, or the output failed? */
bool tap_flow_is_over(const struct tap_flow *flow);

/* When nothing comes, and now and then when something does: what is due goes out. */
void tap_flow_idle(struct tap_flow *flow);

/* The last reports. Returns an exit code: EXIT_WRONG when a gap report was asked for and something is missing that
 * the resolver did not speak of. */
int tap_flow_end(struct tap_flow *flow);

void tap_flow_fini(struct tap_flow *flow);

#endif
