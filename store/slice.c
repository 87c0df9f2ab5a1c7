/* slice.c: columns as narrow as their greatest value. */
#include "store/slice.h"

#include <string.h>

static uint8_t width_of(uint32_t bits)
{
	return bits == 0 ? 0 : bits < 1u << 8 ? 1 : bits < 1u << 16 ? 2 : bits < 1u << 24 ? 3 : 4;
}

size_t slice_encode(const struct slice_event *events, unsigned count, uint8_t *to)
{
	size_t used = SLICE_HEADER_OCTETS;

	for (unsigned column = 0; column < SLICE_COLUMNS; column++) {
		uint32_t bits = 0;

		for (unsigned i = 0; i < count; i++)
			bits |= events[i].values[column];
		to[column] = width_of(bits);
		for (unsigned i = 0; i < count; i++)
			for (unsigned octet = 0; octet < to[column]; octet++)
				to[used++] = (uint8_t)(events[i].values[column] >> 8 * octet);
	}
	return used;
}

bool slice_layout(const uint8_t header[SLICE_HEADER_OCTETS], size_t octets, unsigned count,
	struct slice_column_at columns[SLICE_COLUMNS])
{
	size_t used = SLICE_HEADER_OCTETS;

	if (count > SLICE_EVENTS_MAX)
		return false;
	for (unsigned i = 0; i < SLICE_COLUMNS; i++) {
		if (header[i] > 4)
			return false;
		columns[i] = (struct slice_column_at){ used, header[i] };
		used += (size_t)count * header[i];
	}
	return used == octets;
}

/* A loop for each width is several times as fast as one for all. */
void slice_decode(const uint8_t *blob, const struct slice_column_at *column, unsigned count, uint32_t *to)
{
	const uint8_t *at = blob + column->offset;

	switch (column->width) {
	case 0:
		memset(to, 0, count * sizeof(*to));
		break;
	case 1:
		for (unsigned i = 0; i < count; i++)
			to[i] = at[i];
		break;
	case 2:
		for (unsigned i = 0; i < count; i++, at += 2)
			to[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8;
		break;
	case 3:
		for (unsigned i = 0; i < count; i++, at += 3)
			to[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
		break;
	case 4:
		for (unsigned i = 0; i < count; i++, at += 4)
			to[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
		break;
	}
}
