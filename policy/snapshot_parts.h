/*
 * snapshot_parts.h: what a snapshot is made of, for policy/ alone.
 *
 *     name -> hashes of its suffixes -> set -> class numbers -> classes -> lists, actions, local data
 */
#ifndef POLICY_SNAPSHOT_PARTS_H
#define POLICY_SNAPSHOT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/class_table.h"
#include "policy/hash.h"
#include "policy/local_data.h"
#include "policy/local_pool.h"
#include "policy/set.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

/* Client groups are bits of a 64-bit mask. Every list serves all of them until groups can be configured. */
#define GROUPS_ALL UINT64_MAX

struct list_info {
	char name[LIST_NAME_MAX];
	char category[CATEGORY_MAX];
	char attack[ATTACK_MAX];
	uint32_t serial;
	uint32_t ttl;                    /* seconds */
	int16_t ede;                     /* EDE code, EDE_NONE or EDE_BY_ACTION */
	bool shadow;
	enum action action;              /* ACTION_ALLOW: as the rules say */
	uint64_t groups;                 /* that it serves, a bit each */
	const struct local_data *sinkhole;   /* borrowed from the pool */
};

struct snapshot {
	struct hash_key key;
	struct set *set;                 /* owned */
	struct class *classes;           /* owned; number 0 is of no rule */
	size_t class_count;
	struct list_info *lists;         /* owned; in file order */
	size_t list_count;
	struct local_pool *pool;         /* owned */
	size_t rules;
};

#endif
