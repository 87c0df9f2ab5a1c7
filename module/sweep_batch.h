/*
 * sweep_batch.h: what matters of a few cached entries, copied under their locks and judged after they are let go.
 *
 * Judging looks into the RRset cache for name servers, which may not be done while an entry of a cache is locked. A batch
 * holds what one bin of a cache holds. An entry whose records do not fit, or are gone from the RRset cache, cannot be
 * judged and goes: that costs one question to an authoritative server.
 *
 * Threads: whoever sweeps, one at a time.
 */
#ifndef MODULE_SWEEP_BATCH_H
#define MODULE_SWEEP_BATCH_H

#include "module/unbound.h"

#include <stdbool.h>

#include "module/servers.h"
#include "module/sweep.h"
#include "policy/facts.h"

#define BATCH_ENTRIES_MAX 64
#define BATCH_RECORDS_MAX 8192
#define BATCH_OCTETS (256u * 1024u)

struct batch_entry {
	hashvalue_type hash;
	uint8_t *name;            /* the key: in the batch's octets, as it is stored */
	size_t name_octets;
	uint16_t type;            /* host order, as the class */
	uint16_t class;
	uint32_t flags;           /* of an RRset */
	uint16_t rcode;
	bool goes;                /* without being judged */
	size_t record;            /* its first in `records` */
	size_t record_count;
};

struct batch {
	size_t entry_count;
	size_t record_count;
	size_t octet_count;
	struct batch_entry entries[BATCH_ENTRIES_MAX];
	struct record records[BATCH_RECORDS_MAX];   /* those that a rule can ask for; all are of the answer section */
	uint8_t octets[BATCH_OCTETS];
	struct servers servers;   /* of the entry being judged */
};

void batch_clear(struct batch *batch);

/* Copy an entry whose bin is locked; locks and unlocks it itself. What the goal's name does not cover is left out. False:
 * there is no room for another entry. */
bool batch_add_message(struct batch *batch, const struct sweep_goal *goal, struct lruhash_entry *entry);
bool batch_add_rrset(struct batch *batch, const struct sweep_goal *goal, struct lruhash_entry *entry);

/* Has it to go? No lock of a cache may be held. `as_message`: it is one, else an RRset. */
bool batch_judge(struct batch *batch, const struct batch_entry *entry, const struct sweep_goal *goal,
		 struct module_env *env, bool as_message);

void batch_remove_message(const struct batch_entry *entry, struct module_env *env);
void batch_remove_rrset(const struct batch_entry *entry, struct module_env *env);

#endif
