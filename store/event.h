/*
 * event.h: what the store takes of a frame: plain values, nothing of protobuf, JSON or messages left.
 *
 * Whoever fills it has checked it: names are canonical wire form (policy/name.h), record data are uncompressed, and
 * the names in them are canonical too, texts are UTF-8 without control characters. All pointers are borrowed.
 *
 * Threads: values only.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/name.h"

#define STORE_RECORDS_MAX FACTS_RECORDS_MAX
#define STORE_HINTS_MAX 64            /* addresses of one HTTPS or SVCB record that lead to it */
#define STORE_IDENTITY_MAX 256      /* with NUL */

/* How an answer came about: enum answer_path, and what another writer's frames say. */
#define STORE_PATH_QUERY 16         /* a question was seen, its answer is another frame or none */
#define STORE_PATH_RESPONSE 17      /* an answer, and nobody says how it came about */

/* Days are kept in files of two classes, so that one can be removed earlier than the other. */
enum store_class { STORE_PLAIN, STORE_VERDICTS, STORE_CLASSES };

struct store_record {
	const uint8_t *owner;
	uint8_t owner_octets;
	uint16_t type;
	uint32_t ttl;
	const uint8_t *data;
	uint16_t octets;
};

/* Who decided what; "" and 0 where there is nothing. Few different ones in a day: each is kept once. */
struct store_verdict {
	const char *verdict, *list, *rule, *trigger, *category;
	const char *techniques;          /* ATT&CK ids of list, shadow and detectors: " T1071.004 T1568.002 " */
	const char *group, *privacy;
	const char *shadow_list, *shadow_rule, *shadow_action, *shadow_category;
	const char *detectors;           /* " tunnel/high/observe generated/low/observe ": name, tier, action */
	uint32_t chain, serial, ede;
};

/* Where a frame comes from: one worker of one process of one resolver. */
struct store_source {
	const char *identity;
	uint64_t boot;                   /* 48 bits; 0: not one of ours */
	uint32_t worker;
};

struct store_event {
	struct store_source source;
	uint64_t counter;                /* 0: none, so that nobody can tell whether it came before */
	uint64_t time_us;                /* since 1970, UTC */
	int64_t day_s;                   /* the first moment of the day that it is filed under */
	bool strayed;                    /* that is not the day of its time */
	uint32_t latency_us;             /* UINT32_MAX: not known */
	uint8_t path, transport;         /* STORE_PATH_*; enum transport, 6 and more for others of dnstap */
	struct address client;           /* family ADDRESS_NONE: not known */
	const uint8_t *qname;            /* NULL: no question */
	uint8_t qname_octets;
	uint16_t qtype, qclass;
	uint16_t flags;                  /* of the header, without opcode and rcode */
	int16_t rcode;                   /* extended; -1: no answer */
	bool upstream;                   /* its records came from the Internet: passive DNS counts them */
	unsigned record_count;
	const struct store_record *records;
	unsigned server_count;           /* of its authority section, behind `records`: for passive DNS alone */
	struct store_verdict verdict;
	enum store_class class;
	int64_t score;                   /* of the first detection */
	const char *detail;              /* its detections, JSON; NULL: none */
	uint64_t dropped, left_out;      /* as the frame tells */
};

/* A resolver speaks of its own frames. */
struct store_note {
	struct store_source source;      /* worker: of a note about a former process, else 0 */
	bool former;
	uint64_t number;                 /* of the heartbeat */
	uint64_t time_us;
	int64_t day_s;
	bool strayed;                    /* as of an event */
	const char *extra;               /* the JSON object of doc/frames.md, checked */
	size_t extra_octets;
};

#endif
