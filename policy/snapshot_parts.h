/*
 * snapshot_parts.h: what a snapshot is made of, for policy/ alone.
 *
 *     name -> hashes of its suffixes -> set -> class numbers -> classes -> lists, actions, local data
 *     address -> hashes of its prefixes -> set -> the same
 *
 * All triggers share one set. Each has a key of its own, so that nothing that is asked for one is ever found for
 * another.
 */
#ifndef POLICY_SNAPSHOT_PARTS_H
#define POLICY_SNAPSHOT_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/class_table.h"
#include "policy/group.h"
#include "policy/hash.h"
#include "policy/inventory.h"
#include "policy/local_data.h"
#include "policy/local_pool.h"
#include "policy/override.h"
#include "policy/set.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

/* Client groups are bits of a 64-bit mask. */
#define GROUPS_ALL UINT64_MAX

#define PREFIX_WORDS 3

/* Which prefix lengths occur: bit n for n bits, 0 to 128. */
struct prefix_lengths {
	uint64_t bits[PREFIX_WORDS];
};

struct list_info {
	char name[LIST_NAME_MAX];
	char category[CATEGORY_MAX];
	char attack[ATTACK_MAX];
	uint32_t serial;
	uint32_t ttl;                    /* seconds */
	int16_t ede;                     /* EDE code, EDE_NONE or EDE_BY_ACTION */
	bool shadow;
	enum https_mode https;           /* what is taken out of HTTPS records of its names */
	enum action action;              /* ACTION_ALLOW: as the rules say */
	uint8_t trait;                   /* that its names have, of enum trait; then it reports nothing */
	uint64_t groups;                 /* that it serves, a bit each */
	struct rrtypes qtypes;           /* as in struct list_conf */
	struct rrtypes qtypes_exempt;
	unsigned triggers;               /* of its rules, a bit each */
	bool decides_clients;            /* a rule of it for clients decides; not in shadow */
	bool denies_clients;             /* one of them denies */
	bool observes_clients;           /* one of them observes: keeps its list from deciding for some */
	const struct local_data *sinkhole;   /* borrowed from the pool */
};

/* What is owned is shared by a snapshot and all that are derived from it, and freed with the last of them. */
struct snapshot {
	atomic_uint *sharers;            /* owned likewise; how many there are */
	uint64_t number;                 /* from 1; no other snapshot of this process has or had it */
	struct hash_key key;             /* of QNAME rules */
	struct hash_key keys[TRIGGER_COUNT];   /* of the other triggers */
	struct hash_depths server_depths;      /* numbers of labels that names of NSDNAME rules have */
	struct prefix_lengths prefixes[TRIGGER_COUNT][2];   /* of IPv4, of IPv6 */
	unsigned triggers;               /* that occur, a bit each */
	bool lists_say_https;            /* one has another `https` than pass */
	uint64_t client_lists[CONF_LISTS_MAX / 64];   /* those with decides_clients, a bit each */
	struct policy_options options;
	struct set *set;                 /* owned */
	struct class *classes;           /* owned; number 0 is of no rule */
	size_t class_count;
	struct list_info *lists;         /* owned; in file order */
	size_t list_count;
	struct local_pool *pool;         /* owned */
	size_t rules;
	struct group_table *groups;      /* owned */
	struct inventory *inventory;     /* owned; NULL: there are no such clauses */
	uint64_t all_groups;             /* that there are, a bit each */
	bool shadow;                     /* nothing is enforced */
	void *records;                   /* owned; local data of a compiled file; NULL: none */
	size_t records_octets;
	struct override_set *overrides;  /* owned by this one alone; NULL: none */
	uint64_t passing_late;           /* with overrides: groups that a list may let have what only the answer shows */
};

/* With one sharer. NULL: out of memory. */
struct snapshot *snapshot_create(size_t list_count, const struct hash_key *key);

/* --- snapshot_conf.c --- */

/* Options and groups. 0, or -1 with *diag set. */
int snapshot_take_conf(struct snapshot *snapshot, const struct conf *conf, struct diag *diag);

/* What the configuration says of the list at `index`. 0, or -1 with *diag set. */
int snapshot_describe(struct snapshot *snapshot, const struct conf *conf, size_t index, struct diag *diag);

/* Adds what its rules, filled in, mean for the whole. */
void snapshot_sum_list(struct snapshot *snapshot, size_t index, size_t rules);

/* No longer than the configuration allows, in seconds. */
uint32_t snapshot_ttl(const struct snapshot *snapshot, uint32_t ttl);

/* Is it still the feed that it was (policy/feed.h)? `before` may be NULL. 0, or -1 with *diag set. */
int snapshot_check_feed(const struct build_history *before, const struct list_conf *list, const struct list_stats *now,
	struct diag *diag);

/* Does the list judge questions of that type? */
static inline bool list_applies(const struct list_info *list, uint16_t qtype)
{
	if ((list->qtypes.count | list->qtypes_exempt.count) == 0)
		return true;
	return (list->qtypes.count == 0 || rrtypes_have(&list->qtypes, qtype)) &&
	       !rrtypes_have(&list->qtypes_exempt, qtype);
}

#endif
