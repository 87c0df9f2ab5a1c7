/*
 * override.h: what an operator decided for a while, before every list, and what detectors deny, behind them all.
 *
 * `allow NAME` lets a name and all below it through, `deny NAME` denies it (NXDOMAIN), for everybody or for the clients
 * of one network, until a time. Among overrides of one name the longest name wins, then the longest client prefix, then
 * the latest. In verdicts the list is called "(override)", the rule is the name, and the action is PASS or NXDOMAIN,
 * or REFUSE for what a detector limits.
 * Those of detectors have an order of their own, and operator and detector may each have one for the same name and
 * clients.
 *
 * An override set is immutable and small; snapshot_derive (policy/snapshot.h) puts it in front of a policy without
 * building anything again. Time is not looked at here: who holds the set leaves out what has ended.
 *
 * Threads: immutable after override_set_create.
 */
#ifndef POLICY_OVERRIDE_H
#define POLICY_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/action.h"
#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/name.h"

#define OVERRIDES_MAX 4096
#define OVERRIDE_LIST_NAME "(override)"   /* no list of a configuration can have it */
#define OVERRIDE_TTL 60                   /* seconds, of the records of a denial: it may be revoked */
#define OVERRIDE_WHY_MAX 256              /* octets with the NUL */
#define OVERRIDE_WHO_MAX 64
#define OVERRIDE_WHO_DETECTOR "detector:"   /* and its name; no user has a colon in theirs */

struct override {
	uint64_t id;                 /* from 1, never used again */
	struct name name;            /* and all below it */
	enum action action;          /* ACTION_PASS or ACTION_NXDOMAIN; of a detector also ACTION_REFUSE */
	struct network client;       /* whom it is for; address.family ADDRESS_NONE: everybody */
	int64_t made, until;         /* seconds since the epoch */
	int64_t lasts_until;         /* seconds of a steady clock; of whoever keeps it, and nothing here */
	char why[OVERRIDE_WHY_MAX];
	char who[OVERRIDE_WHO_MAX];
};

struct override_set;

/* Copies what it needs; of two for one name and the same clients, both of detectors or neither, the later one counts.
 * An override of the root is never found. Returns the owned set, NULL: out of memory. */
struct override_set *override_set_create(const struct override *overrides, size_t count);
void override_set_destroy(struct override_set **set);
size_t override_set_count(const struct override_set *set);
/* Is one of them for some clients only? */
bool override_set_has_clients(const struct override_set *set);
size_t override_set_octets(const struct override_set *set);

/* False ends the visit. */
typedef bool (*override_visit)(void *arg, const struct override *override);

/* Visits the overrides of the name and of those above it, for whomever they are, in their order: the longest name
 * first, then the longest client prefix, what is for everybody last. */
void override_match(const struct override_set *set, const struct name *name, override_visit visit, void *arg);

/* Did a detector make it? Then everything else comes first. */
static inline bool override_is_detectors(const struct override *override)
{
	return strncmp(override->who, OVERRIDE_WHO_DETECTOR, sizeof(OVERRIDE_WHO_DETECTOR) - 1) == 0;
}

/* Is there still somebody who wants it? An operator's always is wanted; a detector's as long as that detector is to
 * block. `detectors`: DETECTOR_COUNT of them. */
static inline bool override_is_wanted(const struct override *override, const struct detector_conf *detectors)
{
	return !override_is_detectors(override) ||
		detector_is_to_block(override->who + sizeof(OVERRIDE_WHO_DETECTOR) - 1, detectors);
}

/* Is it for that client? What is for everybody is for a client that is not known, too. */
bool override_is_for(const struct override *override, const struct address *client);

#endif
