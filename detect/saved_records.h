/*
 * saved_records.h: the kinds of records that are saved, in the order of their tables. For saved.c.
 *
 * Threads: values only.
 */
#ifndef DETECT_SAVED_RECORDS_H
#define DETECT_SAVED_RECORDS_H

#include <stdint.h>

#include "detect/look.h"

#define SAVED_KINDS 4

union saved_record {
	struct zone zone;
	struct client client;
	struct pair pair;
	struct report report;
};

struct saved_kind {
	uint32_t octets;
	/* Whatever it holds, it can be used afterwards. */
	void (*mend)(void *record);
};

extern const struct saved_kind saved_kinds[SAVED_KINDS];

#endif
