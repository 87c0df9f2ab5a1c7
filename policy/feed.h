/*
 * feed.h: is a list that is loaded again still the feed that it was?
 *
 * Downloads break off, and publishers put old files back. What was loaded before tells: a list that lost more than
 * its share of rules, or whose serial went backwards, is an error, and the policy in force stays.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_FEED_H
#define POLICY_FEED_H

#include "policy/diag.h"
#include "policy/list.h"

/* Lists that had fewer rules are kept by hand: there a large share is a few lines. */
#define FEED_RULES_LEAST 10

/* Compares what a list gave with what it gave at the last good load. 0, or -1 with *diag set. */
int feed_check(const struct list_conf *conf, const struct list_stats *now, const struct list_stats *before,
	struct diag *diag);

/* Is serial `a` older than `b` (RFC 1982 section 3.2)? Undefined pairs (2^31 apart) are not. */
bool feed_serial_older(uint32_t a, uint32_t b);

#endif
