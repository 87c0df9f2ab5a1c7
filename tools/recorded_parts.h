/*
 * recorded_parts.h: what the readers of recorded answers share; tools/recorded.h is the interface.
 */
#ifndef TOOLS_RECORDED_PARTS_H
#define TOOLS_RECORDED_PARTS_H

#include "tools/recorded.h"

#define CLASS_IN 1

/* Adds a copy of the record, but for its owner and data, which are copied from the others; one too many is counted in
 * left_out. */
void recorded_put(struct recorded *recorded, const struct name *owner, struct record record, const uint8_t *rdata,
	size_t octets);

/* Notes what a record of any section says of name servers. */
void recorded_note_server(struct recorded *recorded, const struct name *owner, const struct record *record,
	const uint8_t *rdata, size_t octets);

#endif
