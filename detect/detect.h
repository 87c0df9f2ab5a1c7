/*
 * detect.h: judges answers by behaviour over time: what the detectors remember, and what they say.
 *
 * One bounded state is shared by all workers: zones, clients, pairs of them, names that were seen (detect/table.h,
 * detect/bloom.h). Updates are lossy where two workers meet, and the loss is counted. Nothing here allocates, waits,
 * logs or reads a clock after detect_create; time is an argument. All hashes are keyed.
 *
 * A detection is evidence, not a verdict: detect_answer says what the detectors of the table (policy/detection.h) make
 * of an answer, at its first crossing of a tier and then at most once in half an hour for the same detector, zone and
 * client, with a count of what was left out.
 *
 *   calls                        | need outside synchronisation with
 *   detect_answer, detect_hit    | nobody; hits are the worker's own
 *   detect_turn, detect_shift    | themselves and each other
 *   detect_octets ...            | nobody
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/behind.h"
#include "policy/detection.h"
#include "policy/diag.h"
#include "policy/facts.h"
#include "policy/hash.h"

struct detect;

struct detect_sizes {
	size_t zones, clients, pairs;        /* records */
	size_t names_octets;                 /* of one generation of names that were seen within a day */
	size_t known_octets;                 /* of one generation of zones that were seen within a month */
	size_t answers_octets;               /* of one generation of networks that zones led to */
};

extern const struct detect_sizes detect_sizes_default, detect_sizes_small;

#define DETECT_HITS_MAX 16u

/* Cached answers of which nothing can be said but that they were (detect_is_hit). They wait for the worker's next answer
 * that something may be said of, or for each other: code that is fetched for one of them serves all. All zero: none. */
struct detect_hits {
	unsigned count;
	int64_t since_s;                     /* Unix time of the first */
	struct detect_hit {
		struct address client;
		struct name qname;
	} items[DETECT_HITS_MAX];
};

/* One answer, as the detectors see it. */
struct sight {
	const struct facts *facts;           /* borrowed */
	enum answer_path path;               /* PATH_CACHED: the name is nothing new */
	unsigned traits;                     /* of enum trait */
	enum security security;
	uint64_t ordinal;                    /* counts the caller's answers: of cached ones only some are looked at */
	int64_t now_ms;                      /* Unix time */
	struct behind *behind;               /* gets what of security and facts->servers detectors look at; NULL: none */
	struct detect_hits *hits;            /* of the same worker, taken in before it; NULL: none */
	/* Is told of all that a detector says, before what was said lately is held back, and without features; for a tool
	 * that learns what is usual. NULL: nobody. */
	void (*hear)(void *arg, const struct detection *said);
	void *hear_arg;
};

/* `now_ms` is when the remembering begins: for a while nothing can be new. `suffixes` is the path of the Public Suffix List's text. Owned; NULL with *diag set. */
struct detect *detect_create(const struct detect_sizes *sizes, const char *suffixes, const struct hash_key *key,
	int64_t now_ms, struct diag *diag);
void detect_destroy(struct detect **detect);

/* Names that others may want to be taken for. Copied, in the place of those before; while nobody calls anything else.
 * 0; -1: no memory, and there are none. */
int detect_protect(struct detect *detect, const struct name *names, size_t count);

/* Takes the Public Suffix List's text from there, as it is now, in the place of the one before; while nobody calls
 * anything else. Names that may be taken for others are to be told again. 0; -1 with *diag set: the old one stays. */
int detect_use_suffixes(struct detect *detect, const char *suffixes, struct diag *diag);

/* Would detect_answer look at it? Of cached answers only some matter; asking costs nothing. `ordinal` as in a sight. */
bool detect_wants(const struct facts *facts, enum answer_path path, uint64_t ordinal);

/* Of an answer that detect_answer would look at: would it be counted, and no more? Then detect_hit does. */
bool detect_is_hit(const struct facts *facts, enum answer_path path);

/* Of its facts the client and the question are looked at; it is of no trait. */
void detect_hit(struct detect *detect, struct detect_hits *hits, const struct facts *facts, int64_t now_s);

/* Takes in one answer and says what the detectors make of it. `conf` has a row for each detector. */
void detect_answer(struct detect *detect, const struct detector_conf conf[DETECTOR_COUNT], const struct sight *sight,
	struct detections *detections);

/* Ends the generations whose time is over: to be called now and then, at least once an hour. */
void detect_turn(struct detect *detect, int64_t now_ms);

/* The clock was put on by so many seconds, or back (negative): nobody has lived through them, and all that is remembered
 * is as old as it was. For a clock that runs; the gaps of a recording were lived through. */
void detect_shift(struct detect *detect, int64_t by_s);

/* Octets of memory that it all takes; it never grows. */
size_t detect_octets(const struct detect *detect);

/* What each kind of memory holds. */
struct detect_part {
	const char *name;
	size_t octets;
	size_t used, capacity;               /* records; of Bloom filters the thousandths that are full, of 1000 */
	uint64_t evicted, lost;              /* records given up for others; updates lost to contention */
};

#define DETECT_PARTS 7u

/* Fills `parts`; *since_s is when the remembering began. */
void detect_parts(const struct detect *detect, struct detect_part parts[DETECT_PARTS], int64_t *since_s);

/* The registrable domain of a name: how many labels it has; 0: none. */
unsigned detect_zone_labels(const struct detect *detect, const struct name *name);

#endif
