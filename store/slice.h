/*
 * slice.h: events of a day file once more, in columns of few octets each, to be counted by the million.
 *
 * A row of `event` costs a microsecond to read; of a day that a window cuts, half the events may have to be counted.
 * So what each batch has written is there a second time, as one blob of 13 to 16 octets for each event:
 *
 *     six octets   the width of each column, 0 to 4 octets (0: all its values are 0)
 *     columns      in the order of enum slice_column, each value in so many octets, the least first
 *
 * Its row has `first`, the id of its first event, the next ones following it; `count`; `earliest` and `latest`,
 * times in milliseconds of the day between which they lie; times in the blob are since `earliest`.
 *
 * Threads: values only.
 */
#ifndef STORE_SLICE_H
#define STORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLICE_EVENTS_MAX 65536u
#define SLICE_HEADER_OCTETS 6u

/* A question reads only as far as the last column that it needs. */
enum slice_column { SLICE_CLIENT, SLICE_NAME, SLICE_VERDICT, SLICE_TIME, SLICE_DOMAIN, SLICE_REPLY, SLICE_COLUMNS };
#define SLICE_OCTETS_MAX (SLICE_HEADER_OCTETS + (size_t)SLICE_EVENTS_MAX * SLICE_COLUMNS * 4)

struct slice_event {
	uint32_t values[SLICE_COLUMNS];
};

/* Of a blob: where its columns are. */
struct slice_column_at {
	size_t offset;
	uint8_t width;
};

/* Writes at most SLICE_OCTETS_MAX octets. Returns how many. */
size_t slice_encode(const struct slice_event *events, unsigned count, uint8_t *to);

/* Of the header alone. False: no blob of so many octets has that for `count` events. */
bool slice_layout(const uint8_t header[SLICE_HEADER_OCTETS], size_t octets, unsigned count,
	struct slice_column_at columns[SLICE_COLUMNS]);

/* The values of a column. */
void slice_decode(const uint8_t *blob, const struct slice_column_at *column, unsigned count, uint32_t *to);

#endif
