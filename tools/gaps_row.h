/*
 * gaps_row.h: what the gap report says of one worker of one process.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_GAPS_ROW_H
#define TOOLS_GAPS_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_ranges.h"

struct gaps_row {
	const char *boot;              /* borrowed */
	uint64_t worker;
	uint64_t frames, duplicates;
	bool seen;                     /* at least one frame came: the next two are set */
	uint64_t first, last;
	uint64_t known_to;             /* the last number that is known of */
	bool told;                     /* by the resolver, so that there was none behind it by then */
	struct ranges without;         /* numbers of which no frame came */
	uint64_t left_out;             /* of these and the next but one, because `frames:` wants none */
	uint64_t missing;              /* of the first, the others */
	uint64_t awaited;              /* behind the last heartbeat and before the last frame: may be on their way; not in `without` */
	uint64_t dropped;              /* of the missing and the awaited at most, as told */
	uint64_t late;                 /* came so late that none could be told from a duplicate */
};

void gaps_row_print(const struct gaps_row *row, FILE *to, bool json);

#endif
