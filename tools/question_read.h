/*
 * question_read.h: recorded questions, one a line.
 *
 *     time<TAB>client<TAB>qname<TAB>qtype<TAB>rcode<TAB>answers<TAB>count<TAB>label
 *     qname qtype
 *
 * The first form may lack columns from the right (behind qname), a column may be empty, and a first line that begins
 * with `time` is a header. The client is an address, or `group=NAME` where a recording keeps no clients
 * (`verdictctl recent`). The rcode is a number or a name, the answers `TYPE ttl data; TYPE ttl data`. `count` says how
 * often it was asked, 1 when it is not said; `label` what it is known to be. The second form is that of dnsperf, with
 * blanks or a tab between. Empty lines and those that begin with `#` or `;` are nothing.
 *
 * Threads: one reader belongs to one thread.
 */
#ifndef TOOLS_QUESTION_READ_H
#define TOOLS_QUESTION_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/facts.h"
#include "policy/verdict.h"

struct question {
	struct name qname;
	uint16_t qtype;               /* A when it is not said */
	struct address client;        /* family ADDRESS_NONE: not said */
	char group[LIST_NAME_MAX];    /* empty: the client says it */
	char client_text[LIST_NAME_MAX + 8];
	uint64_t count;               /* 1 to 2^32 - 1 */
	uint16_t rcode;               /* NOERROR when it is not said */
	const char *answers;          /* borrowed from the line; tools/recorded.h reads it */
	size_t answers_octets;
	int64_t time_ms;              /* Unix time; 0: not said */
	const char *label;            /* what it is known to be; borrowed from the line */
	size_t label_octets;
};

/* One line without its line feed, `octets` of anything. False: it is no question. */
bool question_parse(struct question *question, const char *line, size_t octets);

struct question_reader {
	FILE *from;                   /* borrowed */
	char *line;                   /* owned */
	uint64_t number;              /* of the last line, from 1 */
	uint64_t unreadable;          /* lines that are no question */
	uint64_t unreadable_line;     /* the first of them */
};

/* False: out of memory. */
bool question_reader_init(struct question_reader *reader, FILE *from);
void question_reader_fini(struct question_reader *reader);

/* The next question; false at the end, or when it cannot be read on (ferror). */
bool question_next(struct question_reader *reader, struct question *question);

#endif
