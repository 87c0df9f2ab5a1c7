/* local_pool.c: collects local records by owner and keeps equal data once. */
#include "policy/local_pool.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

/* A record waiting for the flush; its rdata lies in the pool's `rdata`. */
struct waiting {
	struct local_owner owner;
	size_t order;
	size_t first;       /* `order` of the owner's first record */
	size_t offset;
	uint32_t ttl;
	uint16_t type;
	uint16_t rdata_length;
};

struct kept {
	uint64_t hash;
	struct local_data *data;   /* owned; NULL: the slot is free */
};

struct local_pool {
	struct hash_key key;
	struct waiting *waiting;
	size_t waiting_used, waiting_cap;
	uint8_t *rdata;
	size_t rdata_used, rdata_cap;
	struct kept *kept;         /* open addressing, at most half full, a power of two */
	size_t kept_used, kept_cap;
	size_t octets;             /* of all kept data */
};

struct local_pool *local_pool_create(const struct hash_key *key)
{
	struct local_pool *pool = calloc(1, sizeof(*pool));

	if (pool != NULL)
		pool->key = *key;
	return pool;
}

static void forget(struct local_pool *pool)
{
	pool->waiting_used = 0;
	pool->rdata_used = 0;
}

void local_pool_seal(struct local_pool *pool)
{
	forget(pool);
	free(pool->waiting);
	free(pool->rdata);
	pool->waiting = NULL;
	pool->rdata = NULL;
	pool->waiting_cap = 0;
	pool->rdata_cap = 0;
}

void local_pool_destroy(struct local_pool **pool)
{
	size_t i;

	if (*pool == NULL)
		return;
	local_pool_seal(*pool);
	for (i = 0; i < (*pool)->kept_cap; i++)
		local_data_destroy(&(*pool)->kept[i].data);
	free((*pool)->kept);
	free(*pool);
	*pool = NULL;
}

/* Makes room for `more` behind `used` elements of `size` octets. False: no memory, nothing changed. */
static bool reserve(void **array, size_t *cap, size_t used, size_t more, size_t size)
{
	size_t wanted = *cap == 0 ? FIRST_ROOM : *cap;
	void *moved;

	if (more <= *cap - used)
		return true;
	while (more > wanted - used) {
		if (wanted > SIZE_MAX / 2 / size)
			return false;
		wanted *= 2;
	}
	moved = realloc(*array, wanted * size);
	if (moved == NULL)
		return false;
	*array = moved;
	*cap = wanted;
	return true;
}

bool local_pool_collect(struct local_pool *pool, const struct local_owner *owner, const struct local_record *record)
{
	void *waiting = pool->waiting;
	void *rdata = pool->rdata;
	bool room;

	room = reserve(&waiting, &pool->waiting_cap, pool->waiting_used, 1, sizeof(struct waiting));
	pool->waiting = waiting;
	room = room && reserve(&rdata, &pool->rdata_cap, pool->rdata_used, record->rdata_length, 1);
	pool->rdata = rdata;
	if (!room)
		return false;
	pool->waiting[pool->waiting_used] = (struct waiting){
		.owner = *owner,
		.order = pool->waiting_used,
		.offset = pool->rdata_used,
		.ttl = record->ttl,
		.type = record->type,
		.rdata_length = record->rdata_length,
	};
	pool->waiting_used++;
	if (record->rdata_length != 0)
		memcpy(pool->rdata + pool->rdata_used, record->rdata, record->rdata_length);
	pool->rdata_used += record->rdata_length;
	return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_owners(const struct waiting *a, const struct waiting *b)
{
	int order = compare_numbers(a->owner.hash.high, b->owner.hash.high);

	if (order == 0)
		order = compare_numbers(a->owner.hash.low, b->owner.hash.low);
	if (order == 0)
		order = compare_numbers(a->owner.exact, b->owner.exact);
	return order != 0 ? order : compare_numbers(a->owner.below, b->owner.below);
}

static int by_owner(const void *left, const void *right)
{
	const struct waiting *a = left;
	const struct waiting *b = right;
	int order = compare_owners(a, b);

	return order != 0 ? order : compare_numbers(a->order, b->order);
}

static int by_first(const void *left, const void *right)
{
	const struct waiting *a = left;
	const struct waiting *b = right;
	int order = compare_numbers(a->first, b->first);

	return order != 0 ? order : compare_numbers(a->order, b->order);
}

/* How many from `start` on belong to the same owner. */
static size_t run_length(const struct local_pool *pool, size_t start)
{
	size_t end = start + 1;

	while (end < pool->waiting_used && compare_owners(&pool->waiting[start], &pool->waiting[end]) == 0)
		end++;
	return end - start;
}

/* Owners together, and these in the order in which the list first names them. */
static void sort(struct local_pool *pool)
{
	size_t start;
	size_t count;
	size_t i;

	qsort(pool->waiting, pool->waiting_used, sizeof(*pool->waiting), by_owner);
	for (start = 0; start < pool->waiting_used; start += count) {
		count = run_length(pool, start);
		for (i = start; i < start + count; i++)
			pool->waiting[i].first = pool->waiting[start].order;
	}
	qsort(pool->waiting, pool->waiting_used, sizeof(*pool->waiting), by_first);
}

static bool flush_owner(struct local_pool *pool, const struct waiting *waiting, size_t count, local_visit visit,
			void *arg)
{
	struct local_record records[LOCAL_RECORDS_MAX];
	const struct local_data *data;
	size_t taken;
	size_t i;

	for (i = 0; i < count && i < LOCAL_RECORDS_MAX; i++)
		records[i] = (struct local_record){
			.type = waiting[i].type,
			.rdata_length = waiting[i].rdata_length,
			.ttl = waiting[i].ttl,
			.rdata = pool->rdata + waiting[i].offset,
		};
	taken = local_data_fitting(records, i);
	data = local_pool_intern(pool, records, taken);
	return data != NULL && visit(arg, &waiting->owner, data, count - taken);
}

bool local_pool_flush(struct local_pool *pool, local_visit visit, void *arg)
{
	bool going = true;
	size_t start;
	size_t count;

	if (pool->waiting_used != 0)
		sort(pool);
	for (start = 0; start < pool->waiting_used && going; start += count) {
		count = run_length(pool, start);
		going = flush_owner(pool, &pool->waiting[start], count, visit, arg);
	}
	forget(pool);
	return going;
}

static bool equal(const struct local_data *a, const struct local_data *b)
{
	size_t a_octets;
	size_t b_octets;
	const uint8_t *a_start = local_data_octets(a, &a_octets);
	const uint8_t *b_start = local_data_octets(b, &b_octets);

	return a_octets == b_octets && memcmp(a_start, b_start, a_octets) == 0;
}

/* The slot that holds equal data, or the free one where it belongs. */
static struct kept *slot_of(const struct local_pool *pool, uint64_t hash, const struct local_data *data)
{
	size_t i = hash & (pool->kept_cap - 1);

	while (pool->kept[i].data != NULL && (pool->kept[i].hash != hash || !equal(pool->kept[i].data, data)))
		i = (i + 1) & (pool->kept_cap - 1);
	return &pool->kept[i];
}

static bool grow_kept(struct local_pool *pool)
{
	struct kept *old = pool->kept;
	size_t old_cap = pool->kept_cap;
	size_t cap = old_cap == 0 ? FIRST_ROOM : old_cap * 2;
	struct kept *larger = calloc(cap, sizeof(*larger));
	size_t i;

	if (larger == NULL)
		return false;
	pool->kept = larger;
	pool->kept_cap = cap;
	for (i = 0; i < old_cap; i++)
		if (old[i].data != NULL)
			*slot_of(pool, old[i].hash, old[i].data) = old[i];
	free(old);
	return true;
}

const struct local_data *local_pool_intern(struct local_pool *pool, const struct local_record *records, size_t count)
{
	struct local_data *data;
	struct kept *slot;
	size_t octets;
	const uint8_t *start;
	uint64_t hash;

	if (pool->kept_used >= pool->kept_cap / 2 && !grow_kept(pool))
		return NULL;
	data = local_data_create(records, count);
	if (data == NULL)
		return NULL;
	start = local_data_octets(data, &octets);
	hash = hash_octets(&pool->key, start, octets);
	slot = slot_of(pool, hash, data);
	if (slot->data != NULL) {
		local_data_destroy(&data);
		return slot->data;
	}
	*slot = (struct kept){ .hash = hash, .data = data };
	pool->kept_used++;
	pool->octets += octets;
	return data;
}

size_t local_pool_octets(const struct local_pool *pool)
{
	return sizeof(*pool) + pool->octets + pool->kept_cap * sizeof(*pool->kept) + pool->rdata_cap +
	       pool->waiting_cap * sizeof(*pool->waiting);
}
