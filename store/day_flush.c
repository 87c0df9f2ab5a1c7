/* day_flush.c: a batch of events into the file, everything in the order of its key. */
#include "store/day_parts.h"

#include <stdlib.h>
#include <string.h>

#define MICROSECONDS_OF_MINUTE 60000000

bool day_flush_init(struct day *day)
{
	day->order = calloc(DAY_BATCH_EVENTS, sizeof(*day->order));
	day->pairs = calloc(DAY_BATCH_EVENTS, sizeof(*day->pairs));
	day->sums = calloc(DAY_BATCH_EVENTS, sizeof(*day->sums));
	day->slices = calloc(SLICE_EVENTS_MAX, sizeof(*day->slices));
	day->slice_octets = malloc(SLICE_OCTETS_MAX);
	return day->order != NULL && day->pairs != NULL && day->sums != NULL && day->slices != NULL &&
		day->slice_octets != NULL;
}

void day_flush_fini(struct day *day)
{
	free(day->order);
	free(day->pairs);
	free(day->sums);
	free(day->slices);
	free(day->slice_octets);
	day->order = NULL;
	day->pairs = NULL;
	day->sums = NULL;
	day->slices = NULL;
	day->slice_octets = NULL;
}

/* --- order -------------------------------------------------------------------------------------------------- */

static int compare_times(const void *one, const void *other)
{
	const struct day_event *a = one, *b = other;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static int compare_pairs(const void *one, const void *other)
{
	const struct day_pair *a = one, *b = other;

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int compare_numbers(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

static int compare_uses(const void *one, const void *other)
{
	const struct day_use *a = one, *b = other;

	return a->rr < b->rr ? -1 : a->rr > b->rr;
}

/* --- pairs and events --------------------------------------------------------------------------------------- */

static bool has_same_client(const struct day_pair *a, const struct day_pair *b)
{
	return a->name == b->name && a->client == b->client;
}

/* The first of each key among begin to end, which are of one name and client, learns what the file has of it.
 * Decisions come newest first: most of the time that is the only one. */
static int find_pairs(struct day *day, unsigned begin, unsigned end, struct diag *diag)
{
	sqlite3_stmt *find = day->statements[DAY_FIND_PAIRS];
	struct day_pair *pairs = day->pairs;
	unsigned at = end;
	int code;

	sqlite3_bind_int64(find, 1, pairs[begin].name);
	sqlite3_bind_int64(find, 2, pairs[begin].client);
	pairs[begin].fresh = true;
	while ((code = sqlite3_step(find)) == SQLITE_ROW) {
		uint32_t verdict = (uint32_t)sqlite3_column_int64(find, 0);

		pairs[begin].fresh = false;
		while (at > begin && pairs[at - 1].verdict > verdict)
			at--;
		while (at > begin && pairs[at - 1].verdict == verdict)
			pairs[--at].newest = (uint64_t)sqlite3_column_int64(find, 1);
		if (at == begin)
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		day_fail(day, diag);
	sqlite3_reset(find);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

/* The events of one pair, begin to end; sets `prev` of each in day->order. */
static int write_pair(struct day *day, unsigned begin, unsigned end, struct diag *diag)
{
	const struct day_pair *pair = &day->pairs[begin];
	enum day_statement which = pair->newest == 0 ? DAY_ADD_PAIR : DAY_COUNT_PAIR;
	sqlite3_stmt *put = day->statements[which];
	int64_t newest = (int64_t)pair->newest;

	for (unsigned i = begin; i < end; i++) {
		int64_t id = (int64_t)(day->next_event + day->pairs[i].index);

		day->order[day->pairs[i].index] = newest == 0 ? 0 : (uint64_t)(id - newest);
		newest = id;
	}
	sqlite3_bind_int64(put, 1, pair->name);
	sqlite3_bind_int64(put, 2, pair->client);
	sqlite3_bind_int64(put, 3, pair->verdict);
	sqlite3_bind_int64(put, 4, day_milliseconds(day->events[pair->index].at));
	sqlite3_bind_int64(put, 5, day_milliseconds(day->events[day->pairs[end - 1].index].at));
	sqlite3_bind_int64(put, 6, end - begin);
	sqlite3_bind_int64(put, 7, newest);
	return day_run(day, which, diag);
}

static int write_pairs(struct day *day, struct diag *diag)
{
	unsigned begin = 0, known = 0;

	for (unsigned i = 0; i < day->event_count; i++)
		day->pairs[i] = (struct day_pair){ .name = day->events[i].name, .client = day->events[i].client,
			.verdict = day->events[i].verdict, .index = i };
	qsort(day->pairs, day->event_count, sizeof(*day->pairs), compare_pairs);
	while (begin < day->event_count) {
		unsigned end = begin + 1;

		if (begin == known) {
			while (known < day->event_count && has_same_client(&day->pairs[begin], &day->pairs[known]))
				known++;
			if (find_pairs(day, begin, known, diag) != 0)
				return -1;
		}
		while (end < day->event_count && day_is_same_pair(&day->pairs[begin], &day->pairs[end]))
			end++;
		if (write_pair(day, begin, end, diag) != 0)
			return -1;
		begin = end;
	}
	return 0;
}

static int write_detail(struct day *day, struct day_event *event, int64_t id, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_ADD_DETAIL];
	int result;

	if (event->detail == NULL)
		return 0;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_text(statement, 2, event->detail, -1, SQLITE_STATIC);
	result = day_run(day, DAY_ADD_DETAIL, diag);
	sqlite3_clear_bindings(statement);
	free(event->detail);
	event->detail = NULL;
	return result;
}

static void note_block(struct seen_block *block, uint64_t id)
{
	if (block == NULL)
		return;
	block->first = block->last == 0 || id < block->first ? id : block->first;
	block->last = id > block->last ? id : block->last;
}

static int write_events(struct day *day, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_ADD_EVENT];

	for (unsigned i = 0; i < day->event_count; i++) {
		struct day_event *event = &day->events[i];
		uint64_t id = day->next_event + i;
		const int64_t values[] = { (int64_t)id, event->at, event->client, event->reply, event->source,
			(int64_t)event->seq, event->path, event->transport, event->latency, event->score,
			(int64_t)day->order[i] };

		for (int j = 0; j < 11; j++)
			sqlite3_bind_int64(statement, j + 1, values[j]);
		if (day_run(day, DAY_ADD_EVENT, diag) != 0 || write_detail(day, event, (int64_t)id, diag) != 0)
			return -1;
		note_block(event->block, id);
	}
	return 0;
}

/* --- what is counted ---------------------------------------------------------------------------------------- */

static int64_t minute_of(const struct day_event *event)
{
	return event->at >= 0 ? event->at / MICROSECONDS_OF_MINUTE : -((MICROSECONDS_OF_MINUTE - 1 - event->at) /
		MICROSECONDS_OF_MINUTE);
}

static int write_minute(struct day *day, unsigned begin, unsigned end, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_PUT_MINUTE];

	sqlite3_bind_int64(statement, 1, minute_of(&day->events[day->pairs[begin].index]));
	sqlite3_bind_int64(statement, 2, day->pairs[begin].verdict);
	sqlite3_bind_int64(statement, 3, (int64_t)(day->next_event + day->pairs[begin].index));
	sqlite3_bind_int64(statement, 4, (int64_t)(day->next_event + day->pairs[end - 1].index));
	sqlite3_bind_int64(statement, 5, end - begin);
	return day_run(day, DAY_PUT_MINUTE, diag);
}

static int write_minutes(struct day *day, struct diag *diag)
{
	unsigned begin = 0;

	for (unsigned i = 0; i < day->event_count; i++) {
		uint64_t minute = (uint64_t)minute_of(&day->events[i]);

		day->pairs[i] = (struct day_pair){ .name = (uint32_t)(minute >> 32), .client = (uint32_t)minute,
			.verdict = day->events[i].verdict, .index = i };
	}
	qsort(day->pairs, day->event_count, sizeof(*day->pairs), compare_pairs);
	while (begin < day->event_count) {
		unsigned end = begin + 1;

		while (end < day->event_count && day_is_same_pair(&day->pairs[begin], &day->pairs[end]))
			end++;
		if (write_minute(day, begin, end, diag) != 0)
			return -1;
		begin = end;
	}
	return 0;
}

static int write_reply(struct day *day, unsigned begin, unsigned end, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_COUNT_REPLY];

	sqlite3_bind_int64(statement, 1, (int64_t)(day->order[begin] >> 32));
	sqlite3_bind_int64(statement, 2, day_milliseconds(day->events[(uint32_t)day->order[begin]].at));
	sqlite3_bind_int64(statement, 3, day_milliseconds(day->events[(uint32_t)day->order[end - 1]].at));
	sqlite3_bind_int64(statement, 4, end - begin);
	return day_run(day, DAY_COUNT_REPLY, diag);
}

static int write_replies(struct day *day, struct diag *diag)
{
	unsigned begin = 0;

	for (unsigned i = 0; i < day->event_count; i++)
		day->order[i] = (uint64_t)day->events[i].reply << 32 | i;
	qsort(day->order, day->event_count, sizeof(*day->order), compare_numbers);
	while (begin < day->event_count) {
		unsigned end = begin + 1;

		while (end < day->event_count && day->order[end] >> 32 == day->order[begin] >> 32)
			end++;
		if (write_reply(day, begin, end, diag) != 0)
			return -1;
		begin = end;
	}
	return 0;
}

static int write_use(struct day *day, unsigned begin, unsigned end, struct diag *diag)
{
	struct day_use sum = { .rr = day->uses[begin].rr };
	int64_t first = INT64_MAX, last = INT64_MIN, count = 0;
	sqlite3_stmt *statement;

	for (unsigned i = begin; i < end; i++) {
		const struct day_use *use = &day->uses[i];

		sum.ttl = use->ttl > sum.ttl ? use->ttl : sum.ttl;
		if (use->ms == INT64_MIN)
			continue;
		first = use->ms < first ? use->ms : first;
		last = use->ms > last ? use->ms : last;
		count++;
	}
	statement = day->statements[count > 0 ? DAY_COUNT_RR : DAY_AGE_RR];
	sqlite3_bind_int64(statement, 1, sum.rr);
	if (count == 0) {
		sqlite3_bind_int64(statement, 2, sum.ttl);
		return day_run(day, DAY_AGE_RR, diag);
	}
	sqlite3_bind_int64(statement, 2, first);
	sqlite3_bind_int64(statement, 3, last);
	sqlite3_bind_int64(statement, 4, count);
	sqlite3_bind_int64(statement, 5, sum.ttl);
	return day_run(day, DAY_COUNT_RR, diag);
}

static int write_uses(struct day *day, struct diag *diag)
{
	unsigned begin = 0;

	qsort(day->uses, day->use_count, sizeof(*day->uses), compare_uses);
	while (begin < day->use_count) {
		unsigned end = begin + 1;

		while (end < day->use_count && day->uses[end].rr == day->uses[begin].rr)
			end++;
		if (write_use(day, begin, end, diag) != 0)
			return -1;
		begin = end;
	}
	day->use_count = 0;
	return 0;
}

static int write_block(struct day *day, struct seen_block *block, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_PUT_SEEN];
	const int64_t values[] = { block->count, block->first_ms, block->last_ms, (int64_t)block->first,
		(int64_t)block->last };

	sqlite3_bind_int64(statement, 1, block->source);
	sqlite3_bind_int64(statement, 2, (int64_t)block->block);
	sqlite3_bind_blob(statement, 3, block->bits, SEEN_OCTETS, SQLITE_STATIC);
	for (int i = 0; i < 5; i++)
		sqlite3_bind_int64(statement, i + 4, values[i]);
	block->dirty = false;
	return day_run(day, DAY_PUT_SEEN, diag);
}

static int write_sources(struct day *day, struct diag *diag)
{
	for (unsigned i = 0; i < SEEN_BLOCKS; i++)
		if (day->seen->blocks[i].dirty && write_block(day, &day->seen->blocks[i], diag) != 0)
			return -1;
	for (unsigned i = 0; i < day->source_count; i++)
		if (day_source_write(day, &day->sources[i], diag) != 0)
			return -1;
	return 0;
}

int day_flush(struct day *day, struct diag *diag)
{
	qsort(day->events, day->event_count, sizeof(*day->events), compare_times);
	if (write_pairs(day, diag) != 0 || day_sums(day, diag) != 0 || day_slices(day, diag) != 0 ||
			write_events(day, diag) != 0 ||
			write_minutes(day, diag) != 0 || write_replies(day, diag) != 0 ||
			write_uses(day, diag) != 0 || write_sources(day, diag) != 0)
		return -1;
	day->next_event += day->event_count;
	day->event_count = 0;
	day->detail_octets = 0;
	return 0;
}
