/* local_pool.c: collects local records by owner and keeps equal data once. */
#include "policy/local_pool.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

#define NONE UINT32_MAX

/* A record waiting for the flush; its rdata lies in the pool's `rdata`. */
struct waiting {
	size_t offset;
	uint32_t ttl;
	uint32_t next;      /* of the same owner; NONE: the last */
	uint16_t type;
	uint16_t rdata_length;
};

struct owner {
	struct local_owner who;
	uint32_t first;
	uint32_t last;
};

struct kept {
	uint64_t hash;
	struct local_data *data;   /* owned; NULL: the slot is free */
};

struct local_pool {
	struct hash_key key;
	struct waiting *waiting;   /* in the order in which they came */
	size_t waiting_used, waiting_cap;
	struct owner *owners;      /* too */
	size_t owners_used, owners_cap;
	uint32_t *index;           /* of owners by hash; NONE: free; open addressing, at most half full */
	size_t index_cap;          /* a power of two */
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

/* Gives everything back that was collected, its memory too: it is many times what the data will take. */
static void forget(struct local_pool *pool)
{
	free(pool->waiting);
	free(pool->owners);
	free(pool->index);
	free(pool->rdata);
	pool->waiting = NULL;
	pool->owners = NULL;
	pool->index = NULL;
	pool->rdata = NULL;
	pool->waiting_used = pool->waiting_cap = 0;
	pool->owners_used = pool->owners_cap = 0;
	pool->rdata_used = pool->rdata_cap = 0;
	pool->index_cap = 0;
}

void local_pool_destroy(struct local_pool **pool)
{
	size_t i;

	if (*pool == NULL)
		return;
	forget(*pool);
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

static bool same_owner(const struct local_owner *a, const struct local_owner *b)
{
	return a->hash.low == b->hash.low && a->hash.high == b->hash.high && a->exact == b->exact &&
	       a->below == b->below;
}

/* The slot that holds the owner's number, or the free one where it belongs. */
static uint32_t *owner_slot(const struct local_pool *pool, const struct local_owner *owner)
{
	size_t i = owner->hash.low & (pool->index_cap - 1);

	while (pool->index[i] != NONE && !same_owner(&pool->owners[pool->index[i]].who, owner))
		i = (i + 1) & (pool->index_cap - 1);
	return &pool->index[i];
}

static bool grow_index(struct local_pool *pool)
{
	size_t cap = pool->index_cap == 0 ? FIRST_ROOM : pool->index_cap * 2;
	uint32_t *larger = malloc(cap * sizeof(*larger));
	size_t i;

	if (larger == NULL)
		return false;
	memset(larger, 0xff, cap * sizeof(*larger));
	free(pool->index);
	pool->index = larger;
	pool->index_cap = cap;
	for (i = 0; i < pool->owners_used; i++)
		*owner_slot(pool, &pool->owners[i].who) = (uint32_t)i;
	return true;
}

/* Room for one more record of `octets`, which may be of a new owner. */
static bool make_room(struct local_pool *pool, size_t octets)
{
	void *waiting = pool->waiting;
	void *owners = pool->owners;
	void *rdata = pool->rdata;
	bool room;

	if (pool->waiting_used >= NONE - 1)
		return false;
	room = reserve(&waiting, &pool->waiting_cap, pool->waiting_used, 1, sizeof(struct waiting));
	pool->waiting = waiting;
	room = reserve(&owners, &pool->owners_cap, pool->owners_used, 1, sizeof(struct owner)) && room;
	pool->owners = owners;
	room = reserve(&rdata, &pool->rdata_cap, pool->rdata_used, octets, 1) && room;
	pool->rdata = rdata;
	return room && (pool->owners_used < pool->index_cap / 2 || grow_index(pool));
}

/* Makes the record that comes next the owner's last. */
static void append(struct local_pool *pool, const struct local_owner *owner)
{
	uint32_t number = (uint32_t)pool->waiting_used;
	uint32_t *slot = owner_slot(pool, owner);

	if (*slot == NONE) {
		*slot = (uint32_t)pool->owners_used;
		pool->owners[pool->owners_used++] = (struct owner){ *owner, number, number };
		return;
	}
	pool->waiting[pool->owners[*slot].last].next = number;
	pool->owners[*slot].last = number;
}

bool local_pool_collect(struct local_pool *pool, const struct local_owner *owner, const struct local_record *record)
{
	if (!make_room(pool, record->rdata_length))
		return false;
	append(pool, owner);
	pool->waiting[pool->waiting_used++] = (struct waiting){
		.offset = pool->rdata_used,
		.ttl = record->ttl,
		.next = NONE,
		.type = record->type,
		.rdata_length = record->rdata_length,
	};
	if (record->rdata_length != 0)
		memcpy(pool->rdata + pool->rdata_used, record->rdata, record->rdata_length);
	pool->rdata_used += record->rdata_length;
	return true;
}

static bool flush_owner(struct local_pool *pool, const struct owner *owner, local_visit visit, void *arg)
{
	struct local_record records[LOCAL_RECORDS_MAX];
	const struct local_data *data;
	size_t count = 0;
	size_t taken;
	uint32_t i;

	for (i = owner->first; i != NONE; i = pool->waiting[i].next) {
		const struct waiting *waiting = &pool->waiting[i];

		if (count++ >= LOCAL_RECORDS_MAX)
			continue;
		records[count - 1] = (struct local_record){
			.type = waiting->type,
			.rdata_length = waiting->rdata_length,
			.ttl = waiting->ttl,
			.rdata = pool->rdata + waiting->offset,
		};
	}
	taken = local_data_fitting(records, count);
	data = local_pool_intern(pool, records, taken);
	return data != NULL && visit(arg, &owner->who, data, count - taken);
}

bool local_pool_flush(struct local_pool *pool, local_visit visit, void *arg)
{
	bool going = true;
	size_t i;

	for (i = 0; i < pool->owners_used && going; i++)
		going = flush_owner(pool, &pool->owners[i], visit, arg);
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
	       pool->waiting_cap * sizeof(*pool->waiting) + pool->owners_cap * sizeof(*pool->owners) +
	       pool->index_cap * sizeof(*pool->index);
}
