/*
 * feed.h: is a list that is loaded again still the feed that it was?
 *
 * Downloads break off, and publishers put old files back. What was loaded before tells: a list that lost more than
 * its share of rules, or whose serial went backwards, is an error, and the policy in force stays.
 *
 * What nobody sends any more goes stale: a zone says itself how long it may be used without being asked for again.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_FEED_H
#define POLICY_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/list.h"

/* Lists that had fewer rules are kept by hand: there a large share is a few lines. */
#define FEED_RULES_LEAST 10

/* Compares what a list gave with what it gave at the last good load. 0, or -1 with *diag set. */
int feed_check(const struct list_conf *conf, const struct list_stats *now, const struct list_stats *before,
	struct diag *diag);

/* Has the zone expired, seconds since 1970? Then what that means is in `to`, for logs and people, without the list's
 * name. */
bool feed_expired(const struct list_stats *stats, int64_t now, char *to, size_t cap);

/* Is serial `a` older than `b` (RFC 1982 section 3.2)? Undefined pairs (2^31 apart) are not. */
bool feed_serial_older(uint32_t a, uint32_t b);

#endif
