/*
 * pair.h: what is remembered of a client and a zone together.
 *
 * Intervals by Welford's method (B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
 * Products", 1962).
 */
#ifndef DETECT_PAIR_H
#define DETECT_PAIR_H

#include <stdbool.h>
#include <stdint.h>

struct pair {
	uint32_t window_s;           /* when these ten minutes began */
	uint32_t last_s;
	int64_t last_ms;             /* of the last question */
	uint32_t asked, missing;     /* in the window: names below the zone, and of them such that do not exist */
	uint32_t count;              /* of intervals */
	float mean, squares;         /* seconds */
	uint32_t ttl;                /* of the last answer, seconds */
	float own;                   /* octets that this client has had its part in, of what is weighed for the zone */
	uint64_t evidence[2];        /* tiers of the detectors (detect/fusion.c), of this while and of the one before */
	uint32_t evidence_s;         /* when this while began */
	uint32_t called_s;           /* when a flag was last called for, */
	uint32_t calls;              /* how often it would have been since, */
	uint8_t called;              /* and how badly */
};

void pair_age(struct pair *pair, int64_t now_s);

/* Takes in a question of that time. */
void pair_note(struct pair *pair, int64_t now_ms);

/* Standard deviation of mean, in percent; 100 where there is no mean. */
float pair_variation(const struct pair *pair);

float pair_worth(const void *record, int64_t now_s);

/* When something was last said about the same, and how often it was not said since. */
struct report {
	uint32_t said_s;
	uint32_t last_s;
	uint32_t held_back;
	uint8_t tier;
};

float report_worth(const void *record, int64_t now_s);

#endif
