/*
 * list_record.h: one record of a master file (RFC 1035 section 5), from its text to wire form. For policy/list*.c
 * alone.
 *
 * Threads: values of one reader.
 */
#ifndef POLICY_LIST_RECORD_H
#define POLICY_LIST_RECORD_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/list_reader.h"

/* What may stand between owner and type: `[TTL] [class]` or `[class] [TTL]`. */
struct record_head {
	uint32_t ttl;
	bool has_ttl;
	bool in;              /* class IN, or none said */
};

/* The text of one record: comments and parentheses gone, all on one line, NUL-terminated. */
struct record_text {
	char *buffer;         /* owned; RECORD_BUFFER_OCTETS */
	char *text;           /* in `buffer`, with RECORD_PREFIX_OCTETS of room before it */
	size_t length;
};

#define RECORD_PREFIX_OCTETS 16
#define RECORD_BUFFER_OCTETS (RECORD_PREFIX_OCTETS + LIST_LINE_MAX + LIST_RECORD_LINES_MAX + 2)

enum collected { RECORD_READ, RECORD_BLANK, RECORD_SKIPPED, RECORD_ERROR };

/* Joins the record that begins with `first`, reading on while a parenthesis is open. SKIPPED: counted already;
 * ERROR: the diag is set. */
enum collected record_collect(struct list_reader *reader, const struct list_line *first, struct record_text *to);

/* Reads TTL and class from the front of `text` and returns where the type stands. */
const char *record_read_head(struct record_head *head, const char *text, const char *end);

/* A TTL as master files have it: 3600 or 1h30m (RFC 2308 section 4, as BIND and ldns write it). */
bool record_read_ttl(uint32_t *ttl, const char *text, const char *end);

/* The type that is named at the front of `text`, in host order; 0: none. */
unsigned record_type(const char *text);

/* Can a rule have records of that type as its answer? */
bool record_is_local_data(unsigned type);

/* Has libldns read the rest of the record from its type on; `type` points into text->text, and what is before it may
 * be overwritten. `origin` completes relative names; NULL: none. SKIP_COUNT and an owned *rr, or why there is none.
 */
enum skip_reason record_parse(ldns_rr **rr, struct record_text *text, const char *type, const struct name *origin);

/* Writes the record's rdata, uncompressed, to `to` of 65535 octets. Returns how many; -1 when it is not sound. */
int record_rdata(const ldns_rr *rr, uint8_t *to);

#endif
