/* day_slice.c: a batch as one slice, or with the ones before it while they are small: a commit every second would
 * leave a day of crumbs. */
#include "store/day_parts.h"

#define GROWING_MAX 2048u            /* events of a slice that the next batch is added to */

static int64_t time_of(const struct day *day, unsigned index)
{
	return day_milliseconds(day->events[index].at);
}

/* Can the events begin to end - 1 be added to the slice that was written last? */
static bool joins(const struct day *day, unsigned begin, unsigned end)
{
	int64_t from = time_of(day, begin), to = time_of(day, end - 1);

	from = from < day->slice_begin ? from : day->slice_begin;
	to = to > day->slice_end ? to : day->slice_end;
	return day->slice_count > 0 && day->slice_first + day->slice_count == day->next_event + begin &&
		end - begin <= GROWING_MAX - day->slice_count && to - from <= UINT32_MAX;
}

static void begin_slice(struct day *day, unsigned begin)
{
	day->slice_count = 0;
	day->slice_first = day->next_event + begin;
	day->slice_begin = day->slice_end = time_of(day, begin);
}

static void add(struct day *day, unsigned begin, unsigned end)
{
	int64_t from = time_of(day, begin), to = time_of(day, end - 1);

	if (from < day->slice_begin) {
		for (unsigned i = 0; i < day->slice_count; i++)
			day->slices[i].values[SLICE_TIME] += (uint32_t)(day->slice_begin - from);
		day->slice_begin = from;
	}
	day->slice_end = to > day->slice_end ? to : day->slice_end;
	for (unsigned i = begin; i < end; i++) {
		const struct day_event *event = &day->events[i];

		day->slices[day->slice_count++] = (struct slice_event){ { [SLICE_CLIENT] = event->client,
			[SLICE_NAME] = event->name, [SLICE_VERDICT] = event->verdict, [SLICE_DOMAIN] = event->domain,
			[SLICE_REPLY] = event->reply, [SLICE_TIME] = (uint32_t)(time_of(day, i) - day->slice_begin) } };
	}
}

static int write_slice(struct day *day, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_PUT_SLICE];
	size_t octets = slice_encode(day->slices, day->slice_count, day->slice_octets);
	int result;

	sqlite3_bind_int64(statement, 1, (int64_t)day->slice_first);
	sqlite3_bind_int64(statement, 2, day->slice_count);
	sqlite3_bind_int64(statement, 3, day->slice_begin);
	sqlite3_bind_int64(statement, 4, day->slice_end);
	sqlite3_bind_blob(statement, 5, day->slice_octets, (int)octets, SQLITE_STATIC);
	result = day_run(day, DAY_PUT_SLICE, diag);
	sqlite3_clear_bindings(statement);
	if (day->slice_count > GROWING_MAX)
		day->slice_count = 0;
	return result;
}

/* Events are in the order of time; one of a clock that jumped can be too far from the others for one slice. */
int day_slices(struct day *day, struct diag *diag)
{
	for (unsigned begin = 0, end; begin < day->event_count; begin = end) {
		for (end = begin + 1; end < day->event_count; end++)
			if (time_of(day, end) - time_of(day, begin) > UINT32_MAX)
				break;
		if (!joins(day, begin, end))
			begin_slice(day, begin);
		add(day, begin, end);
		if (write_slice(day, diag) != 0)
			return -1;
	}
	return 0;
}
