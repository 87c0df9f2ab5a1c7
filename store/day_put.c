/* day_put.c: an event into the batch. */
#include "store/day_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define MICROSECONDS 1000000

static int read_block(struct day *day, struct seen_block *block, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_FIND_SEEN];
	int code;

	sqlite3_bind_int64(statement, 1, block->source);
	sqlite3_bind_int64(statement, 2, (int64_t)block->block);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == SEEN_OCTETS) {
		memcpy(block->bits, sqlite3_column_blob(statement, 0), SEEN_OCTETS);
		block->count = (uint32_t)sqlite3_column_int64(statement, 1);
		block->first_ms = sqlite3_column_int64(statement, 2);
		block->last_ms = sqlite3_column_int64(statement, 3);
		block->first = (uint64_t)sqlite3_column_int64(statement, 4);
		block->last = (uint64_t)sqlite3_column_int64(statement, 5);
	} else if (code != SQLITE_DONE && code != SQLITE_ROW) {
		block->source = 0;
		day_fail(day, diag);
	}
	sqlite3_reset(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : -1;
}

static struct seen_block *find_block(struct day *day, uint32_t source, uint64_t number, struct diag *diag)
{
	struct seen_block *block = seen_find(day->seen, source, number);

	if (block != NULL)
		return block;
	block = seen_take(day->seen, source, number);
	if (block == NULL) {
		if (day_flush(day, diag) != 0)
			return NULL;
		block = seen_take(day->seen, source, number);
	}
	return block != NULL && read_block(day, block, diag) == 0 ? block : NULL;
}

static void count_source(struct day_source *source, const struct store_event *event, int64_t ms)
{
	source->first_ms = source->frames == 0 || ms < source->first_ms ? ms : source->first_ms;
	source->last_ms = source->frames == 0 || ms > source->last_ms ? ms : source->last_ms;
	source->frames++;
	source->dropped = event->dropped > source->dropped ? event->dropped : source->dropped;
	source->left_out = event->left_out > source->left_out ? event->left_out : source->left_out;
	source->seq = event->counter > source->seq ? event->counter : source->seq;
}

static int fill(struct day *day, const struct store_event *event, uint32_t sensor, struct day_event *to,
	struct diag *diag)
{
	uint32_t records[STORE_RECORDS_MAX];
	int count = day_records(day, event, sensor, to->at, records, diag);

	to->detail = NULL;
	to->client = to->domain = 0;
	if (count < 0 || (to->verdict = day_verdict(day, &event->verdict, diag)) == 0)
		return -1;
	to->reply = day_reply(day, event, to->verdict, records, (unsigned)count, &to->name, diag);
	if (to->reply == 0)
		return -1;
	if (event->client.family != ADDRESS_NONE && (to->client = day_client(day, &event->client, diag)) == 0)
		return -1;
	if (event->detail != NULL && (to->detail = strdup(event->detail)) == NULL)
		return diag_set(diag, day->path, 0, 0, "no memory");
	day->detail_octets += to->detail == NULL ? 0 : strlen(to->detail);
	to->seq = event->counter;
	to->score = event->score;
	to->latency = event->latency_us == UINT32_MAX ? -1 : (int64_t)event->latency_us;
	to->path = event->path;
	to->transport = event->transport;
	return 0;
}

static bool is_full(const struct day *day)
{
	return day->event_count == DAY_BATCH_EVENTS || day->detail_octets >= DAY_DETAIL_OCTETS ||
		DAY_USES_MAX - day->use_count < STORE_RECORDS_MAX;
}

int day_put(struct day *day, const struct store_event *event, bool *again, struct diag *diag)
{
	struct day_source *source;
	struct seen_block *block = NULL;
	struct day_event *to;

	*again = false;
	if (day_begin(day, diag) != 0 || (is_full(day) && day_flush(day, diag) != 0) ||
			(source = day_source(day, &event->source, diag)) == NULL)
		return -1;
	if (event->counter != 0) {
		block = find_block(day, source->id, event->counter, diag);
		if (block == NULL)
			return -1;
		if (seen_has(block, event->counter)) {
			source->duplicates++;
			*again = true;
			return 0;
		}
	}
	to = &day->events[day->event_count];
	to->at = (int64_t)event->time_us - day->day_s * MICROSECONDS;
	to->source = source->id;
	to->block = block;
	if (fill(day, event, source->sensor, to, diag) != 0)
		return -1;
	day->event_count++;
	count_source(source, event, day_milliseconds(to->at));
	if (block != NULL)
		seen_add(block, event->counter, day_milliseconds(to->at));
	return 0;
}

int day_has(struct day *day, const struct store_source *source, uint64_t counter, bool *has, struct diag *diag)
{
	int64_t id = day_source_look(day, source, diag);
	struct seen_block *block = id <= 0 ? NULL : find_block(day, (uint32_t)id, counter, diag);

	if (id < 0 || (id > 0 && block == NULL))
		return -1;
	*has = block != NULL && seen_has(block, counter);
	return 0;
}

int day_servers(struct day *day, const struct store_event *event, struct diag *diag)
{
	int64_t at = (int64_t)event->time_us - day->day_s * MICROSECONDS;
	uint32_t none[STORE_RECORDS_MAX], sensor;

	if (day_begin(day, diag) != 0 || (is_full(day) && day_flush(day, diag) != 0) ||
			(sensor = day_sensor(day, event->source.identity, diag)) == 0)
		return -1;
	return day_records(day, event, sensor, at, none, diag) < 0 ? -1 : 0;
}

int day_has_note(struct day *day, const struct store_note *note, bool *has, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_FIND_NOTE];
	char boot[16];
	int64_t found;

	snprintf(boot, sizeof(boot), "%012" PRIx64, note->source.boot & 0xffffffffffffu);
	sqlite3_bind_text(statement, 1, note->source.identity, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, boot, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, note->former);
	sqlite3_bind_int64(statement, 4, note->source.worker);
	sqlite3_bind_int64(statement, 5, (int64_t)note->number);
	found = day_look(day, DAY_FIND_NOTE, diag);
	sqlite3_clear_bindings(statement);
	*has = found > 0;
	return found < 0 ? -1 : 0;
}

int day_note(struct day *day, const struct store_note *note, bool *again, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[DAY_ADD_NOTE];
	char boot[16];
	uint32_t sensor;

	if (day_begin(day, diag) != 0 || (sensor = day_sensor(day, note->source.identity, diag)) == 0)
		return -1;
	snprintf(boot, sizeof(boot), "%012" PRIx64, note->source.boot & 0xffffffffffffu);
	sqlite3_bind_int64(statement, 1, sensor);
	sqlite3_bind_text(statement, 2, boot, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, note->former);
	sqlite3_bind_int64(statement, 4, note->source.worker);
	sqlite3_bind_int64(statement, 5, (int64_t)note->number);
	sqlite3_bind_int64(statement, 6, (int64_t)note->time_us - day->day_s * MICROSECONDS);
	sqlite3_bind_text(statement, 7, note->extra, (int)note->extra_octets, SQLITE_STATIC);
	if (day_run(day, DAY_ADD_NOTE, diag) != 0)
		return -1;
	*again = sqlite3_changes(day->db) == 0;
	sqlite3_clear_bindings(statement);
	return 0;
}
