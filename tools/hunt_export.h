/*
 * hunt_export.h: what `hunt export` gives out: one row of the table in hunt_export.c and one file each.
 *
 * Rows come from day files one by one, in the order of days, classes, and within these of time, resolver and number;
 * or in the same order from ClickHouse. Nothing is held but a row, and what SQLite sorts of one day file (on disk).
 *
 * Threads: an export belongs to its caller.
 */
#ifndef TOOLS_HUNT_EXPORT_H
#define TOOLS_HUNT_EXPORT_H

#include <stdbool.h>

#include <sqlite3.h>

#include "tools/hunt.h"
#include "tools/json_line.h"

/* Columns of rows of events, in order, and their types as in hunt_remote.h; octets are in hexadecimal digits. */
enum event_column {
	EVENT_DAY, EVENT_CLASS, EVENT_AT, EVENT_RESOLVER, EVENT_BOOT, EVENT_WORKER, EVENT_SEQ, EVENT_ID, EVENT_CLIENT, EVENT_NAME,
	EVENT_DOMAIN, EVENT_TYPE, EVENT_QCLASS, EVENT_FLAGS, EVENT_RCODE, EVENT_PATH, EVENT_TRANSPORT, EVENT_LATENCY,
	EVENT_UPSTREAM, EVENT_RECORDS, EVENT_VERDICT, EVENT_LIST, EVENT_RULE, EVENT_TRIGGER, EVENT_CATEGORY,
	EVENT_TECHNIQUES, EVENT_CHAIN, EVENT_SERIAL, EVENT_EDE, EVENT_GROUP, EVENT_PRIVACY, EVENT_SHADOW_LIST,
	EVENT_SHADOW_RULE, EVENT_SHADOW_ACTION, EVENT_SHADOW_CATEGORY, EVENT_DETECTORS, EVENT_SCORE, EVENT_DETECTIONS,
	EVENT_COLUMNS
};

struct exporting {
	struct hunt *hunt;
	const struct export_format *format;
	struct json_line line;       /* owned */
	void *own;                   /* of the format */
	bool broken;                 /* it could not be written, or no memory: nothing more is asked */
};

struct export_format {
	const char *name;
	const char *select;                          /* of a day file */
	const char *fetch, *types;                   /* of ClickHouse; NULL: not from there */
	const char *keys;                            /* of the columns, with blanks between; for a format that needs them */
	bool (*begin)(struct exporting *exporting);  /* may be NULL */
	/* Writes a row into `line`. False: no memory. */
	bool (*put)(struct exporting *exporting, sqlite3_value **values, unsigned count);
	void (*end)(struct exporting *exporting);    /* may be NULL */
};

extern const struct export_format export_csv, export_ecs, export_ocsf;
extern const struct export_format export_rows[];     /* ClickHouse's JSONEachRow; a name of NULL ends them */
extern const char export_events[];                   /* the SELECT of rows of events from a day file */
#define EXPORT_EVENT_TYPES "iiittiiitttiiiiiiii" "t" "tttttt" "iii" "tt" "ttttt" "it"

/* A value as text: borrowed, never NULL. */
const char *export_text(sqlite3_value *value, size_t *octets);

/* Runs one. 0 or -1 with hunt->diag. */
int hunt_export_run(struct hunt *hunt, const struct export_format *format);
int hunt_export_cof(struct hunt *hunt);

#endif
