/*
 * denial_line.h: one denial as a flat record, and as a line. For control/denial_log.c.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_DENIAL_LINE_H
#define CONTROL_DENIAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "dnstap/event.h"

#define DENIAL_LINE_MAX 8192

/* As a worker writes it: no pointers, and no text that is made here. */
struct denial_record {
	int64_t milliseconds;        /* since the epoch */
	struct frame_number incident;
	struct address client;
	struct name qname;
	uint16_t qtype;
	int16_t ede;
	uint8_t action;
	struct rule_match rule;
	char group[LIST_NAME_MAX];
};

void denial_record_fill(struct denial_record *record, const struct event *event);

/* The line without a newline; `to` holds DENIAL_LINE_MAX. Returns its length. */
size_t denial_line(const struct denial_record *record, char *to);

/* ` key=value` behind the `used` octets of such a line. Returns the new length. */
size_t denial_line_add(char *line, size_t used, const char *key, const char *value);

/* `time=...`, as lines begin. Returns the length. */
size_t denial_line_begin(char *to, int64_t milliseconds);

#endif
