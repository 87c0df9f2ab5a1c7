/*
 * given_answer.h: an answer that a person types: records and name servers as text, and as facts to be judged.
 *
 * Threads: one thread at a time.
 */
#ifndef TOOLS_GIVEN_ANSWER_H
#define TOOLS_GIVEN_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"

struct given_record {
	struct name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;            /* seconds */
	uint8_t *rdata;          /* owned */
	uint16_t rdata_length;
};

struct given_server {
	struct name name;
	struct address address;  /* family ADDRESS_NONE: not said */
	uint8_t chain;
};

/* All zero: nothing given. */
struct given_answer {
	struct given_record records[FACTS_RECORDS_MAX];
	size_t record_count;
	struct given_server servers[FACTS_SERVERS_MAX];
	size_t server_count;
};

/* Adds a record in presentation format: `www.example. 300 IN A 192.0.2.1`; TTL and class may be left out. NULL; else
 * a constant text that says what is wrong, nothing added. */
const char *given_answer_add(struct given_answer *answer, const char *text);

/* Adds `NAME [ADDRESS]`, a name server of the name at that place of the chain. The same results. */
const char *given_answer_add_server(struct given_answer *answer, const char *text, unsigned chain);

/* Puts what was given behind `facts`, which borrow it; what was not given stays unknown. */
void given_answer_show(const struct given_answer *answer, struct facts *facts);

void given_answer_fini(struct given_answer *answer);

/* Reads an IPv4 or IPv6 address; -1, and *address untouched, when it is none. */
int given_address(struct address *address, const char *text);

#endif
