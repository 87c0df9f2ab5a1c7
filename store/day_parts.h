/*
 * day_parts.h: what the files day*.c share.
 */
#ifndef STORE_DAY_PARTS_H
#define STORE_DAY_PARTS_H

#include <sqlite3.h>

#include "store/day.h"
#include "store/seen.h"
#include "store/slice.h"

#define DAY_USES_MAX (4u * DAY_BATCH_EVENTS)
#define DAY_DETAIL_OCTETS (16u << 20)   /* of detections that wait */

enum day_statement {
	DAY_BEGIN, DAY_COMMIT,
	DAY_FIND_NAME, DAY_ADD_NAME, DAY_SET_DOMAIN,
	DAY_FIND_CLIENT, DAY_ADD_CLIENT,
	DAY_FIND_VERDICT, DAY_ADD_VERDICT,
	DAY_FIND_SENSOR, DAY_ADD_SENSOR,
	DAY_FIND_SOURCE, DAY_ADD_SOURCE, DAY_COUNT_SOURCE,
	DAY_FIND_RR, DAY_ADD_RR, DAY_COUNT_RR, DAY_AGE_RR,
	DAY_FIND_REPLY, DAY_ADD_REPLY, DAY_COUNT_REPLY,
	DAY_ADD_EVENT, DAY_ADD_DETAIL,
	DAY_FIND_PAIRS, DAY_ADD_PAIR, DAY_COUNT_PAIR, DAY_PUT_MINUTE,
	DAY_FIND_NAME_SUM, DAY_FIND_DOMAIN_OF, DAY_ADD_NAME_SUM, DAY_COUNT_NAME_SUM, DAY_CHANGE_NAME_SUM,
	DAY_FIND_DOMAIN_SUM, DAY_ADD_DOMAIN_SUM, DAY_COUNT_DOMAIN_SUM, DAY_CHANGE_DOMAIN_SUM,
	DAY_COUNT_CLIENT, DAY_COUNT_VERDICT,
	DAY_FIND_SEEN, DAY_PUT_SEEN, DAY_FIND_NOTE, DAY_ADD_NOTE, DAY_PUT_SLICE,
	DAY_STATEMENTS
};

/* An event that waits for its batch. */
struct day_event {
	int64_t at;                      /* microseconds of the day */
	uint64_t seq;
	int64_t score;
	char *detail;                    /* owned */
	uint32_t name, client, reply, verdict, source, domain;
	int64_t latency;
	struct seen_block *block;        /* borrowed; NULL: no number */
	uint8_t path, transport;
};

/* A record was in an answer from upstream, or had a higher TTL than before. */
struct day_use {
	uint32_t rr;
	uint32_t ttl;
	int64_t ms;                      /* of the day; INT64_MIN: not from upstream */
};

/* What is counted by a key: (name, client, verdict), or (minute, 0, verdict). */
struct day_pair {
	uint32_t name, client, verdict;
	uint32_t index;                  /* of the event, in the order of time */
	bool fresh;                      /* the first of its name and client: the file had neither with the other */
	uint64_t newest;                 /* the first of its key: event id in the file; 0: it was not there */
};

/* Events of one id, to be added to its row. */
struct day_sum {
	uint32_t id;
	uint32_t first, last;            /* indexes of events */
	uint32_t count, names;
};

struct day_source {
	struct store_source source;      /* `identity` points into the next */
	char identity[STORE_IDENTITY_MAX];
	uint32_t id, sensor;
	uint64_t frames, duplicates, dropped, left_out, seq;   /* since the last batch, or the highest of all */
	int64_t first_ms, last_ms;
};

#define DAY_SOURCES 64               /* kept at hand; others are found again */

struct day {
	sqlite3 *db;
	sqlite3_stmt *statements[DAY_STATEMENTS];
	char path[4096];
	int64_t day_s;
	enum store_class class;
	const struct day_shared *shared;
	bool in_transaction, damaged;
	uint64_t next_event;
	struct dict *names, *clients, *verdicts, *rrs, *replies;
	struct seen *seen;
	struct day_source sources[DAY_SOURCES];
	unsigned source_count, latest, oldest;
	struct day_event *events;        /* DAY_BATCH_EVENTS */
	unsigned event_count;
	size_t detail_octets;            /* of the events that wait */
	struct day_use *uses;            /* DAY_USES_MAX */
	unsigned use_count;
	uint64_t *order;                 /* room to sort in */
	struct day_pair *pairs;
	struct day_sum *sums;
	struct slice_event *slices;      /* of the slice that grows, and room for a batch */
	unsigned slice_count;            /* 0: none grows */
	uint64_t slice_first;
	int64_t slice_begin, slice_end;
	uint8_t *slice_octets;
};

/* Fills *diag from SQLite. Returns -1. */
int day_fail(struct day *day, struct diag *diag);

/* Runs a statement whose values are bound, which gives no row. 0 or -1. */
int day_run(struct day *day, enum day_statement which, struct diag *diag);

/* The first column of the first row of one; 0: there is none; -1: *diag. */
int64_t day_look(struct day *day, enum day_statement which, struct diag *diag);

/* Runs one that adds a row. Its id; 0: *diag. */
uint32_t day_made(struct day *day, enum day_statement which, struct diag *diag);

/* Begins a transaction if none is open. */
int day_begin(struct day *day, struct diag *diag);

/* Writes what waits, inside the transaction. */
int day_flush(struct day *day, struct diag *diag);
void day_flush_fini(struct day *day);
bool day_flush_init(struct day *day);

/* Adds what day->pairs, in the order of its keys, has of names, domains, clients and verdicts to their rows. */
int day_sums(struct day *day, struct diag *diag);

/* Writes the batch as slices (store/slice.h), when day_sums has set the domains of its events. */
int day_slices(struct day *day, struct diag *diag);

/* Rounded down, below 0 too. */
static inline int64_t day_milliseconds(int64_t us)
{
	return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

static inline bool day_is_same_pair(const struct day_pair *a, const struct day_pair *b)
{
	return a->name == b->name && a->client == b->client && a->verdict == b->verdict;
}

/* Rows that events refer to: found or made. Ids, or 0 with *diag. */
uint32_t day_name(struct day *day, const uint8_t *name, size_t octets, struct diag *diag);
uint32_t day_client(struct day *day, const struct address *client, struct diag *diag);
uint32_t day_verdict(struct day *day, const struct store_verdict *verdict, struct diag *diag);
uint32_t day_sensor(struct day *day, const char *identity, struct diag *diag);
struct day_source *day_source(struct day *day, const struct store_source *source, struct diag *diag);
/* 0: it has no row; -1: *diag. */
int64_t day_source_look(struct day *day, const struct store_source *source, struct diag *diag);
int day_source_write(struct day *day, struct day_source *source, struct diag *diag);
/* Writes the ids of the records, in rising order, each once. -1, or how many. */
int day_records(struct day *day, const struct store_event *event, uint32_t sensor, int64_t at_us, uint32_t *ids,
	struct diag *diag);
uint32_t day_reply(struct day *day, const struct store_event *event, uint32_t verdict, const uint32_t *records,
	unsigned count, uint32_t *name, struct diag *diag);

#endif
