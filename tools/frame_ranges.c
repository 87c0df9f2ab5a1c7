/* frame_ranges.c: ranges that grow at their end and shrink anywhere. */
#include "tools/frame_ranges.h"

#include <string.h>

void ranges_add(struct ranges *ranges, uint64_t first, uint64_t last)
{
	ranges->missing += last - first + 1;
	if (ranges->count > 0 && ranges->rows[ranges->count - 1].last + 1 == first)
		ranges->rows[ranges->count - 1].last = last;
	else if (ranges->count < RANGES_MAX)
		ranges->rows[ranges->count++] = (struct range){ first, last };
}

void ranges_append(struct ranges *ranges, const struct ranges *more)
{
	uint64_t missing = ranges->missing + more->missing;

	for (unsigned i = 0; i < more->count; i++)
		ranges_add(ranges, more->rows[i].first, more->rows[i].last);
	ranges->missing = missing;
}

bool ranges_take(struct ranges *ranges, uint64_t counter)
{
	unsigned i = 0;
	struct range *row, *rows = ranges->rows;

	while (i < ranges->count && rows[i].last < counter)
		i++;
	if (i == ranges->count || rows[i].first > counter)
		return false;
	row = &rows[i];
	ranges->missing--;
	if (row->first == row->last) {
		memmove(row, row + 1, (ranges->count - i - 1) * sizeof(*row));
		ranges->count--;
	} else if (row->first == counter) {
		row->first++;
	} else if (row->last == counter) {
		row->last--;
	} else if (ranges->count < RANGES_MAX) {
		memmove(row + 2, row + 1, (ranges->count - i - 1) * sizeof(*row));
		row[1] = (struct range){ counter + 1, row->last };
		row->last = counter - 1;
		ranges->count++;
	}
	return true;
}

static uint64_t kept(const struct ranges *ranges)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ranges->count; i++)
		sum += ranges->rows[i].last - ranges->rows[i].first + 1;
	return sum;
}

uint64_t ranges_unkept(const struct ranges *ranges)
{
	return ranges->missing - kept(ranges);
}

void ranges_begin(struct ranges *ranges, uint64_t first)
{
	unsigned gone = 0;

	while (gone < ranges->count && ranges->rows[gone].last < first) {
		ranges->missing -= ranges->rows[gone].last - ranges->rows[gone].first + 1;
		gone++;
	}
	memmove(ranges->rows, ranges->rows + gone, (ranges->count - gone) * sizeof(*ranges->rows));
	ranges->count -= gone;
	if (ranges->count == 0 || ranges->rows[0].first >= first)
		return;
	ranges->missing -= first - ranges->rows[0].first;
	ranges->rows[0].first = first;
}

uint64_t ranges_cut(struct ranges *ranges, uint64_t last)
{
	const uint64_t before = ranges->missing, unkept = ranges_unkept(ranges);
	const bool beyond = ranges->count > 0 && ranges->rows[ranges->count - 1].last > last;

	while (ranges->count > 0 && ranges->rows[ranges->count - 1].first > last)
		ranges->count--;
	if (ranges->count > 0 && ranges->rows[ranges->count - 1].last > last)
		ranges->rows[ranges->count - 1].last = last;
	ranges->missing = kept(ranges) + (beyond ? 0 : unkept);
	return before - ranges->missing;
}
