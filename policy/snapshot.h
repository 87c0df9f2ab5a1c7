/*
 * snapshot.h: the policy, compiled and immutable.
 *
 * Built off the query path by snapshot_build from a parsed configuration; used by any number of threads at once; freed
 * by its owner after the last reader has left (policy/epoch.h). Names of rules are not kept: a rule's name is a suffix
 * of the name that it matches, so a keyed hash of each listed suffix and a small class index are enough (policy/set.h).
 */
#ifndef POLICY_SNAPSHOT_H
#define POLICY_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/list.h"

struct group_table;
struct override_set;
struct snapshot;

/* What building one list gave; for `check`, logs and later `status`. */
struct list_report {
	struct list_stats stats;   /* policy/list.h: rules, skipped by reason, serial */
	size_t duplicates;         /* rules said twice in this list */
	int64_t loaded_at;         /* seconds since 1970, as the two below */
	int64_t expires_at;        /* when its zone expires; 0: never. Loading again then withdraws what is to be withdrawn */
	bool expired;              /* it was when it was loaded */
	bool withdrawn;            /* and so none of its rules is in force */
};

struct build_report {
	size_t list_count;
	struct list_report *lists;   /* owned by the report; one for each list of the configuration, in its order */
};

/* Loads every list of `conf` and compiles them; `now` is in seconds since 1970. Returns the owned snapshot, or NULL with *diag set (a list that cannot
 * be used, or no memory) and *report empty. Nothing of `conf` is borrowed afterwards. `report` may be NULL. */
struct snapshot *snapshot_build(const struct conf *conf, int64_t now, struct build_report *report, struct diag *diag);

/* What the last good load read; borrowed. */
struct build_history {
	const struct conf *conf;
	const struct build_report *report;   /* of that configuration */
};

/* The same with the guards of policy/feed.h: a list that was there before, by name and file, is compared with what it
 * was. `before` may be NULL. */
struct snapshot *snapshot_build_again(const struct conf *conf, int64_t now, const struct build_history *before,
				      struct build_report *report, struct diag *diag);

/* The same policy with `set` in front of it, instead of the overrides of `base`; NULL: without any. Takes `set`. Shares
 * all that is large with `base`, which stays its owner's, and needs no base once it is there. NULL: out of memory, and
 * `set` is still the caller's. Any thread may derive from a snapshot that it may read. */
struct snapshot *snapshot_derive(const struct snapshot *base, struct override_set *set);

/* Frees, as far as no other shares it, and sets *snapshot to NULL. */
void snapshot_destroy(struct snapshot **snapshot);

void build_report_fini(struct build_report *report);

/* Octets of memory that the snapshot holds, everything counted. */
size_t snapshot_octets(const struct snapshot *snapshot);

/* The triggers that its rules have, a bit each (1u << TRIGGER_NSIP): what nobody asks for need not be found out. With an
 * override for some clients the bit of CLIENT-IP is set, too: an address can then change the verdict. */
unsigned snapshot_triggers(const struct snapshot *snapshot);

/* Of them NSDNAME and NSIP, if servers have to be known by name and by address; for the inventory both are. */
unsigned snapshot_server_triggers(const struct snapshot *snapshot);

/* Does it have an inventory of name servers? */
bool snapshot_has_inventory(const struct snapshot *snapshot);

/* How and when its rules apply; borrowed. */
const struct policy_options *snapshot_options(const struct snapshot *snapshot);

/* The client groups; borrowed. */
const struct group_table *snapshot_groups(const struct snapshot *snapshot);

size_t snapshot_rule_count(const struct snapshot *snapshot);

#endif
