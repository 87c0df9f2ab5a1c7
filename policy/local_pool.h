/*
 * local_pool.h: the local data of a whole policy while it is compiled, and its owner afterwards.
 *
 * The records of one owner may come in any number of rules that need not stand together, so they are collected first;
 * local_pool_flush then makes one local_data of each owner's. Equal data is kept once: a list that sends a million
 * names to the same address costs one.
 *
 * Threads: belongs to one thread while it is filled; what it handed out is read-only.
 */
#ifndef POLICY_LOCAL_POOL_H
#define POLICY_LOCAL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hash.h"
#include "policy/local_data.h"

struct local_pool;

/* Whose records these are. */
struct local_owner {
	struct hash hash;
	uint8_t labels;
	bool exact;
	bool below;
	unsigned line;    /* of the rule; not part of who the owner is */
};

/* One owner's data; `left_out` of its records were over a limit of local_data. False ends the flush. */
typedef bool (*local_visit)(void *arg, const struct local_owner *owner, const struct local_data *data,
			    size_t left_out);

/* Copies the key. NULL: no memory. */
struct local_pool *local_pool_create(const struct hash_key *key);
void local_pool_destroy(struct local_pool **pool);

/* Keeps a copy of the record for the next flush. False: no memory. */
bool local_pool_collect(struct local_pool *pool, const struct local_owner *owner, const struct local_record *record);

/* Visits all that was collected since the last flush, in order of each owner's first record, and forgets it. False:
 * no memory, or a visit said so; what was collected is gone then too. */
bool local_pool_flush(struct local_pool *pool, local_visit visit, void *arg);

/* The one local_data with that content; borrowed from the pool. NULL: no memory. */
const struct local_data *local_pool_intern(struct local_pool *pool, const struct local_record *records, size_t count);

size_t local_pool_octets(const struct local_pool *pool);

#endif
