/*
 * frame_filter.h: which frames are wanted. All conditions must hold; of one condition's values any.
 *
 * Threads: a filter is read-only after it was made.
 */
#ifndef TOOLS_FRAME_FILTER_H
#define TOOLS_FRAME_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/frame_fields.h"

#define FILTER_VALUES_MAX 16   /* of one condition */

enum filter_key { FILTER_NAME, FILTER_CLIENT, FILTER_VERDICT, FILTER_LIST, FILTER_TYPE, FILTER_PATH, FILTER_FROM,
	FILTER_TO, FILTER_COUNT };

struct filter_value {
	const char *text;          /* borrowed */
	size_t octets;
	uint8_t address[16];       /* of a network */
	unsigned family_octets, bits;
	uint16_t type;
};

struct frame_filter {
	bool any;                  /* there is a condition */
	unsigned counts[FILTER_COUNT];
	struct filter_value values[FILTER_COUNT][FILTER_VALUES_MAX];
	uint64_t from, to;         /* seconds since the epoch */
};

/* Adds values separated by commas; `now` is for times like 2h, which are ago. NULL: fine, else what is wrong. The
 * text is borrowed as long as the filter. */
const char *frame_filter_add(struct frame_filter *filter, enum filter_key key, char *text, uint64_t now);

bool frame_filter_takes(const struct frame_filter *filter, const struct frame_fields *fields);

#endif
