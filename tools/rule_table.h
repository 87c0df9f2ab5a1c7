/*
 * rule_table.h: the rules of one list, kept to be compared with those of another.
 *
 * Unlike the compiled policy it keeps the owners, packed one behind the other, and an entry of 24 octets for each
 * rule: about 50 octets a rule. Entries are sorted by a keyed hash of trigger and owner, so that two tables of the
 * same key can be compared by walking over both once.
 *
 * Owners are normalised as the compiler does it (policy/place.h): lower case, without `*.`, prefixes masked and
 * IPv4-mapped ones as IPv4. What a rule asks for is what would be done: the list's own action where that replaces or
 * completes the rule's.
 *
 * Threads: belongs to one thread.
 */
#ifndef TOOLS_RULE_TABLE_H
#define TOOLS_RULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/hash.h"
#include "policy/list.h"
#include "policy/local_data.h"

/* A name covers itself, what is below it, or both; a network is EXACT. */
enum { COVERS_EXACT = 1, COVERS_BELOW = 2, COVERS_BOTH = 3 };

struct rule_entry {
	uint64_t tag;        /* of trigger and owner */
	size_t at;           /* in the table's octets; grows in the order of the file */
	unsigned line;
};

struct rule_table {
	struct hash_key key;
	const struct list_conf *conf;    /* borrowed while it is loaded */
	struct rule_entry *entries;      /* owned, as are `octets` */
	size_t count, room;
	uint8_t *octets;
	size_t used, cap;
	struct list_stats stats;
};

/* One rule, read out of a table; borrowed from it. */
struct rule_view {
	enum trigger trigger;
	uint8_t covers;
	enum action action;
	bool by_list;                    /* the list's own action, not the rule's */
	const uint8_t *owner;            /* wire form of a name; of a network: family, prefix length, 16 octets */
	size_t owner_octets;
	struct local_record record;      /* of ACTION_LOCAL_DATA */
	unsigned line;
};

/* Reads conf->file. The same key for all tables that are to be compared. 0 with a table that needs rule_table_fini;
 * -1 with *diag set and an empty one. */
int rule_table_load(struct rule_table *table, const struct list_conf *conf, const struct hash_key *key, int64_t now,
	struct diag *diag);
void rule_table_fini(struct rule_table *table);

struct rule_view rule_table_view(const struct rule_table *table, size_t index);

/* By tag, then trigger and owner: below 0, 0 or above 0. Entries of one table of the same owner are in the order of
 * the file. */
int rule_table_compare(const struct rule_table *a, size_t i, const struct rule_table *b, size_t j);

/* `example.com`, `*.example.com` or `192.0.2.0/24`, for what the rule covers. `to` holds NAME_TEXT_MAX + 2. Returns
 * `to`. */
char *rule_owner_text(const struct rule_view *rule, unsigned covers, char *to);

#endif
