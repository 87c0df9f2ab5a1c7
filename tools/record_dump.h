/*
 * record_dump.h: the records of what `unbound-control dump_cache` prints: what a running Unbound holds of name servers.
 *
 * The dump begins with a line `START_RRSET_CACHE`; records are lines of owner, TTL, class, type and data, and of those
 * the NS, A and AAAA ones are taken, each as an answer of its own. Lines of messages, comments and other types are
 * nothing. There are no times, and no clients.
 *
 * Threads: one reader belongs to one thread.
 */
#ifndef TOOLS_RECORD_DUMP_H
#define TOOLS_RECORD_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/recorded.h"

extern const char dump_begins[];     /* its first octets */

struct dump_reader {
	FILE *from;                  /* borrowed */
	uint64_t number;             /* of the last line, from 1 */
	uint64_t unreadable;         /* lines that are too long, or look like a record and are none */
	uint64_t unreadable_line;    /* the first of them */
	bool in_messages;
};

void dump_reader_init(struct dump_reader *reader, FILE *from);

/* The next one, into what recorded_init has prepared. False at the end, or when it cannot be read on (ferror). */
bool dump_next(struct dump_reader *reader, struct recorded *to);

#endif
